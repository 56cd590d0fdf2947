package pprof_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/export/pprof"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/model"

	"github.com/google/pprof/profile"
	"golang.org/x/tools/txtar"
)

// TestScenarios makes profiles of events written as text. What follows the events is named
// by a type and, if it is restricted, the kind of what to and a pattern.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := range a.Files[1:] {
				f := &a.Files[i+1]
				got := told(t, string(a.Files[0].Data), strings.Fields(f.Name))
				if *replaytest.Update {
					f.Data = []byte(got)
				} else if got != string(f.Data) {
					t.Errorf("%s:\n%s\nwant:\n%s", f.Name, got, f.Data)
				}
			}
			if *replaytest.Update {
				if err := os.WriteFile(file, txtar.Format(a), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// told is a profile as text: what it says of itself, and a line a sample.
func told(t *testing.T, events string, asked []string) string {
	t.Helper()
	opt := pprof.Options{Type: pprof.Type(asked[0])}
	if len(asked) > 1 {
		opt.Select = &explain.Selector{Kind: report.InstanceKind(asked[1]), G: model.NoG, Task: -1}
	}
	if len(asked) > 2 {
		opt.Select.Pattern = regexp.MustCompile(asked[2])
	}
	r, err := pprof.Make(t.Context(), replaytest.Scenario(t, events), opt)
	if err != nil {
		t.Fatal(err)
	}
	p := r.Profile
	if p == nil {
		return r.Nothing + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s %s/%s, period %d %s/%s, %d ns\n", p.SampleType[0].Type, p.SampleType[0].Unit, p.SampleType[1].Type, p.SampleType[1].Unit,
		p.Period, p.PeriodType.Type, p.PeriodType.Unit, p.DurationNanos)
	for _, c := range p.Comments[1:] {
		fmt.Fprintln(&b, "#", c)
	}
	for _, s := range p.Sample {
		fmt.Fprintf(&b, "%d %d %s\n  %s\n", s.Value[0], s.Value[1], stackOf(s), labelsOf(s))
	}
	return b.String()
}

func stackOf(s *profile.Sample) string {
	var fns []string
	for _, l := range s.Location {
		fns = append(fns, l.Line[0].Function.Name)
	}
	return strings.Join(fns, "<")
}

func labelsOf(s *profile.Sample) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.Label)) {
		all = append(all, name+"="+strings.Join(s.Label[name], ","))
	}
	return strings.Join(all, " ")
}
