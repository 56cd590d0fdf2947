package compare

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
)

// FixtureSchema names the version of a fixture's form: see report.Schema. In 2 series had
// the names of the functions that goroutines started with, not of those that they run; 3 had
// no causes and no cycles, and longer windows than what it was compared with; 4 did not tell when
// the time of causes was, nor where goroutines waited; 5 had no collections, nor requests that
// only compute; 6 told neither what is computed between two waits, nor how many were let in
// anywhere at once, nor the heap's room.
const FixtureSchema = "gmptrace.fixture/7"

// FixtureFile is the name of a fixture's file within its folder.
const FixtureFile = "fixture.json"

// Fixture is a recorded behaviour, as it is stored: what is stable of some
// traces.
type Fixture struct {
	Schema  string         `json:"schema"`
	Version string         `json:"gmptrace_version"`
	Program string         `json:"program"`
	Traces  []FixtureTrace `json:"traces"`
}

// FixtureTrace is what a Fixture holds of one trace.
type FixtureTrace struct {
	Name       string            `json:"name"`
	GoVersion  string            `json:"go_version"`
	Gomaxprocs int               `json:"gomaxprocs"`
	DurationNS int64             `json:"duration_ns"`
	Complete   bool              `json:"complete"`
	WindowNS   int64             `json:"window_ns"`
	Windows    int               `json:"windows"`
	Findings   map[string]string `json:"findings"` // severity, by check
	Decided    []string          `json:"decided"`  // checks that could be decided
	Rules      map[string]string `json:"rules"`    // agreed/judged, by rule
	Rates      []FixtureRate     `json:"rates"`
	Series     []FixtureSeries   `json:"series"`
	Causes     []Causes          `json:"causes"`            // where the time of requests, tasks, regions, lives and cycles went
	AtOnce     []AtOnce          `json:"at_once"`           // how many goroutines are blocked at a place at the same time
	Machine    *Machine          `json:"machine,omitempty"` // what the machine gave; none if it was not asked
}

// FixtureRate is a Rate in a Fixture.
type FixtureRate struct {
	Name    string    `json:"name"`
	Unit    string    `json:"unit"`
	Mean    float64   `json:"mean"` // of the trace
	Windows []float64 `json:"windows"`
}

// FixtureSeries is a Series in a Fixture. Count and quantiles are those of all Windows
// together, which are the whole distribution, as it was read.
type FixtureSeries struct {
	Kind    SeriesKind     `json:"kind"`
	Name    string         `json:"name"`
	Count   int64          `json:"count"`
	P50     int64          `json:"p50_ns"`
	P90     int64          `json:"p90_ns"`
	P99     int64          `json:"p99_ns"`
	Allocs  int64          `json:"allocs,omitempty"` // of legs: how often they took memory from the heap
	Inner   bool           `json:"inner,omitempty"`  // of cycles and dispatches: requests, tasks or regions ran on their goroutines
	Windows []*stat.Sketch `json:"windows"`
}

// NewFixture is the fixture of some behaviours.
func NewFixture(version string, behaviours []*Behaviour) *Fixture {
	f := &Fixture{Schema: FixtureSchema, Version: version}
	for _, b := range behaviours {
		f.Program = b.Trace.Program
		f.Traces = append(f.Traces, newTrace(b))
	}
	return f
}

func newTrace(b *Behaviour) FixtureTrace {
	t := FixtureTrace{Name: filepath.Base(b.Trace.Name), GoVersion: b.Trace.GoVersion, DurationNS: b.Trace.DurationNS, Complete: b.Trace.Complete,
		WindowNS: b.Window, Windows: b.Windows, Findings: map[string]string{}, Decided: append([]string{}, b.Decided...), Rules: map[string]string{},
		Rates: []FixtureRate{}, Series: []FixtureSeries{}, Causes: append([]Causes{}, b.Causes...), AtOnce: append([]AtOnce{}, b.AtOnce...), Machine: b.Machine}
	if n := len(b.Trace.Gomaxprocs); n > 0 {
		t.Gomaxprocs = b.Trace.Gomaxprocs[n-1].N
	}
	for _, f := range slices.Backward(b.Findings) { // the worst of each check is the first
		t.Findings[f.ID] = string(f.Severity)
	}
	for _, r := range b.Rules {
		if r.Judged > 0 {
			t.Rules[r.ID] = fmt.Sprintf("%d/%d", r.Agreed, r.Judged)
		}
	}
	for _, r := range b.Rates {
		t.Rates = append(t.Rates, FixtureRate(r))
	}
	for _, s := range b.Series {
		all := s.Whole()
		t.Series = append(t.Series, FixtureSeries{Kind: s.Kind, Name: s.Name, Count: all.N(), P50: all.Quantile(.5), P90: all.Quantile(.9), P99: all.Quantile(.99), Allocs: s.Allocs, Inner: s.Inner, Windows: s.Windows})
	}
	return t
}

// Behaviours are those that a fixture was made of, as far as it keeps them.
func (f *Fixture) Behaviours() ([]*Behaviour, error) {
	var out []*Behaviour
	for _, t := range f.Traces {
		b, err := t.behaviour()
		if err != nil {
			return nil, fmt.Errorf("trace %q: %w", t.Name, err)
		}
		b.Trace.Program = f.Program
		out = append(out, b)
	}
	if len(out) == 0 {
		return nil, errors.New("it holds no trace")
	}
	return out, nil
}

func (t *FixtureTrace) behaviour() (*Behaviour, error) {
	b := &Behaviour{Window: t.WindowNS, Windows: t.Windows, Decided: t.Decided, Causes: t.Causes, AtOnce: t.AtOnce, Machine: t.Machine}
	b.Trace = report.Trace{Name: t.Name, GoVersion: t.GoVersion, DurationNS: t.DurationNS, Complete: t.Complete,
		Gomaxprocs: []report.Gomaxprocs{{N: t.Gomaxprocs}}}
	for id, severity := range t.Findings {
		b.Findings = append(b.Findings, report.Finding{ID: id, Severity: report.Severity(severity)})
	}
	slices.SortFunc(b.Findings, func(a, b report.Finding) int { return strings.Compare(a.ID, b.ID) })
	for _, id := range slices.Sorted(maps.Keys(t.Rules)) {
		r := report.Rule{ID: id}
		if _, err := fmt.Sscanf(t.Rules[id], "%d/%d", &r.Agreed, &r.Judged); err != nil || r.Agreed < 0 || r.Agreed > r.Judged {
			return nil, fmt.Errorf("rule %q has %q: want how often it agreed, a slash, and how often it was judged", id, t.Rules[id])
		}
		b.Rules = append(b.Rules, r)
	}
	for _, r := range t.Rates {
		if len(r.Windows) != t.Windows {
			return nil, fmt.Errorf("rate %q has %s windows, the trace %s", r.Name, words.Count(len(r.Windows)), words.Count(t.Windows))
		}
		b.Rates = append(b.Rates, Rate(r))
	}
	for _, s := range t.Series {
		if len(s.Windows) != t.Windows {
			return nil, fmt.Errorf("%s %q has %s windows, the trace %s", s.Kind, s.Name, words.Count(len(s.Windows)), words.Count(t.Windows))
		}
		x := Series{Kind: s.Kind, Name: s.Name, Allocs: s.Allocs, Inner: s.Inner}
		for _, w := range s.Windows {
			if w == nil {
				return nil, fmt.Errorf("%s %q has a window of null", s.Kind, s.Name)
			}
			x.Windows = append(x.Windows, w)
		}
		b.Series = append(b.Series, x)
	}
	return b, nil
}

// Write writes a fixture, a window of a distribution on a line of its own, so
// that a diff of two of them can be read.
func (f *Fixture) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(f)
}

// FixturePath is the file of the fixture in a folder, or the file itself where one is named.
func FixturePath(name string) string {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return filepath.Join(name, FixtureFile)
	}
	return name
}

// ReadFixture reads the fixture in a folder, or in a file.
func ReadFixture(name string) (*Fixture, error) {
	file := FixturePath(name)
	data, err := readFixtureFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no fixture: record one with gmptrace fixture record TRACE... -o DIR", name)
	}
	if err != nil {
		return nil, err
	}
	again := "record it again with gmptrace fixture record TRACE... -o " + filepath.Dir(file) + " --force"
	var version struct{ Schema string }
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("%s: %s: %s", file, jsonError(data, err), again)
	}
	if version.Schema != FixtureSchema { // what another version has looks broken to this one
		return nil, fmt.Errorf("%s: its schema is %q, this gmptrace reads %s: %s", file, version.Schema, FixtureSchema, again)
	}
	f := &Fixture{}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("%s: %s: %s", file, jsonError(data, err), again)
	}
	return f, nil
}

// jsonError says in which line something is wrong.
func jsonError(data []byte, err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("line %d: %v", 1+strings.Count(string(data[:min(int(syntax.Offset), len(data))]), "\n"), err)
	}
	return err.Error()
}
