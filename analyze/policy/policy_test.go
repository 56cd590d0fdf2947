package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"golang.org/x/tools/txtar"

	"gmptrace/analyze"
	"gmptrace/analyze/diagnose"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/rules"
	"gmptrace/analyze/words"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is a report with something in every list.
func sample() *report.Report {
	const ms = int64(1e6)
	r := &report.Report{
		Trace:   report.Trace{Name: "app.trace", Complete: true, Events: 1000, DurationNS: 2000 * ms, To: 2000 * ms, Goroutines: 50, LivePeak: 20, Gomaxprocs: []report.Gomaxprocs{{N: 4}}},
		Key:     report.Key{GCShare: 0.114, QueuePeak: 403, STWMax: 14 * ms},
		Latency: report.Latency{Count: 99, P50: 8100, P90: 40_000, P99: 3_400_000, P999: 141 * ms, Max: 162 * ms},
		Dispatches: report.Dispatches{Count: 100, Certain: 90, Resyncs: 1, Sources: []report.SourceCount{{Source: "steal", Count: 30}, {Source: "global", Count: 70}},
			Steals: report.StealMatrix{Steals: 30, Goroutines: 60}},
		Handoffs:    report.Handoffs{Count: 5, Causes: []report.HandoffCause{{Cause: "retake", Count: 5}}},
		Preemptions: report.Preemptions{Count: 7, Kinds: []report.PreemptCount{{How: "signal", Count: 7}}},
		GC:          report.GC{STWs: []report.STWKind{{Cause: "GC mark termination", Count: 2, Max: 14 * ms}}},
		Procs:       []report.ProcTime{{P: 0, Running: 5, Idle: 5}, {P: 1, Running: 1}},
		Functions: []report.FunctionTime{
			{Name: "main.worker", Goroutines: 4, Waits: 9, WaitP99: 12 * ms, Runnable: 30 * ms, Running: 90 * ms, At: report.Frame{Func: "main.worker", File: "work.go", Line: 7}},
			{Name: "main.main", Goroutines: 1, WaitP99: 25 * ms, Runnable: 12 * ms},
			{Name: "runtime.gcBgMarkWorker", Goroutines: 2, Runtime: true},
		},
		Findings: []report.Finding{{ID: "hog", Number: 1, Severity: report.SeverityCritical, Title: "One goroutine kept P1 for 148 ms", CostNS: 148 * ms, CostOf: "P time", Sure: "high", What: "what", Why: "why", Advice: "advice",
			Evidence: []report.Evidence{{Label: "longest", Value: "148 ms"}},
			Stacks:   []report.Stack{{}, {Frames: []report.Frame{{Func: "runtime.asyncPreempt"}, {Func: "main.price", File: "shop.go", Line: 154}}}}}},
		Machine: &report.Machine{CPUs: 2, QuotaCPUs: 1.5, Wanted: 1000 * ms, Lost: report.CPULost{Quota: 200 * ms, Others: 50 * ms}, Throttled: &report.Throttled{Periods: 20, Over: 5}, Stolen: 0},
		SpanCauses: []report.SpanCauses{{Kind: report.KindTask, Name: "checkout", Count: 10, Total: 100 * ms, Causes: []report.CauseTime{
			{BlockedFor: "sync", Cause: "running", Parent: "running", NS: 60 * ms}, {Cause: "queue", Parent: "others-had-the-cpu", NS: 30 * ms}, {Cause: "gc-assist", Parent: "gc-assist", NS: 10 * ms}}}},
		Spans: []report.SpanTime{
			{Kind: report.KindTask, Name: "checkout", Count: 10, Open: 2, P95: 18 * ms, P99: 20 * ms, At: report.Frame{Func: "main.checkout", File: "shop.go", Line: 9}},
			{Kind: report.KindRegion, Name: "db", Count: 2, P99: 30 * ms},
			{Kind: report.KindRequest, Name: "", Count: 3, P99: 5 * ms},
		},
	}
	for _, id := range diagnose.CheckIDs() {
		c := report.Check{ID: id}
		if id == "hog" {
			c.Findings = 1
		}
		if id == "timers" || id == "netpoll" {
			c.Undecided = "no " + id + " to tell by"
		}
		r.Checks = append(r.Checks, c)
	}
	for i := range 2 {
		for _, id := range rules.IDs() {
			r.Rules = append(r.Rules, report.Rule{ID: id, Applied: int64(i)})
		}
	}
	return r
}

// goldens runs a file of policies, each followed by what comes of it.
func goldens(t *testing.T, name string, of func(t *testing.T, file string, text []byte) string) {
	ar, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	out := &txtar.Archive{Comment: ar.Comment}
	want := map[string]string{}
	for _, f := range ar.Files {
		want[f.Name] = string(f.Data)
	}
	for _, f := range ar.Files {
		if filepath.Ext(f.Name) != ".yaml" {
			continue
		}
		t.Run(strings.TrimSuffix(f.Name, ".yaml"), func(t *testing.T) {
			out.Files = append(out.Files, f)
			got := of(t, f.Name, f.Data)
			golden := strings.TrimSuffix(f.Name, ".yaml") + ".txt"
			out.Files = append(out.Files, txtar.File{Name: golden, Data: []byte(got)})
			if got != want[golden] && !*update {
				t.Errorf("got\n%swant\n%s", got, want[golden])
			}
		})
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(out), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBroken(t *testing.T) {
	goldens(t, "testdata/broken.txtar", func(t *testing.T, file string, text []byte) string {
		_, err := Load(file, text)
		var errs Errors
		if !errors.As(err, &errs) || len(errs) == 0 {
			t.Fatalf("no errors but %v", err)
		}
		return err.Error() + "\n"
	})
}

func TestResults(t *testing.T) {
	goldens(t, "testdata/results.txtar", func(t *testing.T, file string, text []byte) string {
		p, err := Load(file, text)
		if err != nil {
			t.Fatal(err)
		}
		results, err := p.Check(t.Context(), sample())
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, r := range results {
			fmt.Fprintf(&b, "%s %s %s, line %d, of %d: %s %v\n", r.Status, r.Severity, r.ID, r.Line, r.Items, r.Message, r.Measured)
			for _, f := range r.Failures {
				fmt.Fprintf(&b, "    [%s] %s %v %v\n", f.Key, f.Message, f.Details, f.At)
			}
			if r.FailuresLeft > 0 {
				fmt.Fprintf(&b, "    and %d more\n", r.FailuresLeft)
			}
		}
		return words.Text(b.String())
	})
}

// TestList: whatever is listed can be named, has the type that is listed, and a
// value: in a trace with something in it, and in one without anything.
func TestList(t *testing.T) {
	c := newCompiler(newFile("list", nil))
	seen := map[string]bool{}
	for _, e := range List() {
		if seen[e.Name] {
			t.Errorf("%s is listed twice", e.Name)
		}
		seen[e.Name] = true
		if e.Doc == "" || e.Type == "" {
			t.Errorf("%s has no meaning or no type", e.Name)
		}
		if (e.Type == "duration") != (e.Unit == "duration") && e.Kind == "field" {
			t.Errorf("%s of type %s has unit %q", e.Name, e.Type, e.Unit)
		}
		if e.Kind == "function" {
			continue
		}
		scope, text := "", e.Name
		if list, name, ok := strings.Cut(e.Name, "[]."); ok {
			scope, text = list, "it."+name
		}
		s := scalar{text: text, set: true}
		x := c.compile(scope, s, 0, len(text), nil)
		if x == nil {
			t.Fatalf("%s: %v", e.Name, c.file.errors)
		}
		for _, rep := range []*report.Report{sample(), {}} {
			whole := newScene(newData(rep))
			scenes := []*scene{whole}
			if scope != "" {
				scenes = nil
				for _, item := range whole.items(scope) {
					scenes = append(scenes, whole.with(item))
				}
			}
			for _, sc := range scenes {
				v, err := sc.eval(t.Context(), x.program)
				if asOpen(err) != nil && rep.Machine == nil {
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", e.Name, err)
				}
				if got := typeName(v.Type().TypeName()); got != strings.Split(e.Type, "(")[0] {
					t.Errorf("%s is a %s, listed as %s", e.Name, got, e.Type)
				}
			}
		}
	}
	for _, f := range functions {
		if c.env("").Functions()[f.name] == nil {
			t.Errorf("%s can't be called", f.name)
		}
	}
	if len(seen) < 150 {
		t.Errorf("%d entries, and there are more", len(seen))
	}
}

// TestStarter: the policy to start from is right, and so are the examples in its
// comments.
func TestStarter(t *testing.T) {
	p, err := Load("starter.yaml", Starter)
	if err != nil {
		t.Fatal(err)
	}
	if p.Rules() < 5 {
		t.Errorf("%d rules", p.Rules())
	}
	_, examples, ok := strings.Cut(string(Starter), "# More of what")
	if !ok {
		t.Fatal("no examples")
	}
	c := newCompiler(newFile("starter.yaml", Starter))
	n := 0
	for line := range strings.Lines(examples) {
		text, isExample := strings.CutPrefix(strings.TrimRight(line, "\n"), "#   ")
		if !isExample {
			continue
		}
		text, _, _ = strings.Cut(text, " #")
		if c.compile("", scalar{text: text, set: true}, 0, len([]rune(text)), cel.BoolType) == nil {
			t.Errorf("%s: %v", text, c.file.errors)
		}
		n++
	}
	if n < 5 {
		t.Errorf("%d examples", n)
	}
}

// TestRealTraces holds recorded traces to the policy to start from and to that of
// the fixtures: every rule can be evaluated, and the results are the same each time.
func TestRealTraces(t *testing.T) {
	shop, err := os.ReadFile("../../fixtures/ci/webshop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("../../fixtures/traces/real/*-p[24].trace")
	if err != nil || len(names) < 3 {
		t.Fatalf("%d traces: %v", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			rep, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Options: replay.Options{Name: "x"}, Spans: true})
			if err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string][]byte{"starter.yaml": Starter, "webshop.yaml": shop} {
				if file == "webshop.yaml" && !strings.Contains(name, "webshop") {
					continue
				}
				checkReal(t, file, text, rep)
			}
			checkDraft(t, rep)
		})
	}
}

// checkDraft: a policy that is drafted from a trace passes on it.
func checkDraft(t *testing.T, rep *report.Report) {
	t.Helper()
	text := Draft(rep)
	p, err := Load("draft.yaml", text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	results, err := p.Check(t.Context(), rep)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Status != report.CheckPass {
			t.Errorf("%s: %s: %s in\n%s", r.ID, r.Status, r.Message, text)
		}
	}
	if len(results) < 3 {
		t.Errorf("%d rules in\n%s", len(results), text)
	}
}

// TestDraft: names can be anything.
func TestDraft(t *testing.T) {
	rep := sample()
	for _, name := range []string{"it's", `a "b" \ c`, "line\nbreak", "é # x: y", "{{x}}", "\x00\x1b[1m", "\xff", "a b", "a-b"} {
		rep.Spans = append(rep.Spans, report.SpanTime{Kind: report.KindTask, Name: name, Count: 30, P50: 1, P95: 2e9, Max: 3e9})
	}
	checkDraft(t, rep)
	checkDraft(t, &report.Report{Latency: report.Latency{Count: 1}, Trace: report.Trace{LivePeak: 1}})
}

func checkReal(t *testing.T, file string, text []byte, rep *report.Report) {
	t.Helper()
	var before []byte
	for range 2 {
		p, err := Load(file, text)
		if err != nil {
			t.Fatal(err)
		}
		results, err := p.Check(t.Context(), rep)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Status == report.CheckError || r.Status == "" {
				t.Errorf("%s: %s: %s: %s", file, r.ID, r.Status, r.Message)
			}
			if file == "webshop.yaml" && r.Status == report.CheckFail {
				t.Errorf("%s: %s failed: %s", file, r.ID, r.Message)
			}
		}
		got, err := json.Marshal(results)
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(got, before) {
			t.Error("the results differ from one time to the next")
		}
		before = got
	}
}

func TestCancelled(t *testing.T) {
	p, err := Load("x.yaml", []byte("version: 1\nrules:\n  - {name: a, expr: 'true'}\n"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Check(ctx, sample()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestSpans: times by name are wanted only by rules that look at them, wherever they do.
func TestSpans(t *testing.T) {
	for rule, want := range map[string]bool{
		"{name: a, expr: goroutines.peak > 0}":                                                         false,
		"{name: a, for: functions, expr: it.waits > 0}":                                                false,
		"{name: a, for: requests, expr: it.count > 0}":                                                 true,
		"{name: a, expr: tasks.size() > 0}":                                                            true,
		"{name: a, expr: 'sent_requests.all(r, r.p99 < ms(5))'}":                                       true,
		"{name: a, expr: 'region(\"x\").p99 < ms(5)'}":                                                 true,
		"{name: a, expr: goroutines.peak > 0, skip_if: requests.size() == 0}":                          true,
		"{name: a, expr: goroutines.peak > 0, message: '{{tasks.size()}} tasks'}":                      true,
		"{name: a, for: functions, where: 'requests.size() > 0', expr: it.waits > 0, if_none: 'pass'}": true,
	} {
		p, err := Load("x.yaml", []byte("version: 1\nrules:\n  - "+rule+"\n"))
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		} else if p.Spans() != want {
			t.Errorf("%s: %v, want %v", rule, p.Spans(), want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"latency", "functions", "wait_p99", "it.wait_p99", "", "gc"}
	for written, want := range map[string]string{"latancy": "latency", "lateny": "latency", "fucntions": "functions", "function": "functions", "wait": "wait_p99", "zzz": "", "": "", "g": ""} {
		if got := nearest(written, names); got != want {
			t.Errorf("%s: %q, want %q", written, got, want)
		}
	}
}

// FuzzLoad: no text makes Load panic, and an error names a place in the text.
func FuzzLoad(f *testing.F) {
	f.Add(Starter)
	for _, name := range []string{"testdata/broken.txtar", "testdata/results.txtar"} {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range ar.Files {
			f.Add(x.Data)
			f.Add(bytes.ReplaceAll(x.Data, []byte("\n"), []byte("\r\n")))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Load("fuzz.yaml", text)
		var errs Errors
		if err != nil && !errors.As(err, &errs) {
			t.Fatalf("an error of another kind: %v", err)
		}
		for _, e := range errs {
			if e.Line < 0 || e.Line > bytes.Count(text, []byte("\n"))+bytes.Count(text, []byte("\r"))+2 || e.Line > 0 && e.Column < 1 {
				t.Errorf("%d:%d is no place", e.Line, e.Column)
			}
		}
		if err == nil {
			if _, err := p.Check(t.Context(), &report.Report{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
