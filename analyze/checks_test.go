package analyze

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"gmptrace/fixtures/scenario"
	"gmptrace/model"
)

var update = flag.Bool("update", false, "write what the scenarios yield into their files; read the difference")

// TestChecks runs testdata/checks/*.txtar: each begins with a comment that says
// what happens, then the events and the findings expected. Every check has a
// scenario in which it fires, one just below its threshold and, where a trace
// can be unable to tell, one that cannot be decided.
func TestChecks(t *testing.T) { scenarios(t, "testdata/checks", findingsOf) }

// TestVerdicts runs testdata/verdicts/*.txtar: events, and the verdict on them.
func TestVerdicts(t *testing.T) {
	scenarios(t, "testdata/verdicts", func(r *Report) string {
		v := r.Verdict
		return fmt.Sprintf("%s: %s\n%s\n", v.Severity, v.Headline, v.Detail)
	})
}

// scenarios compares what a report on each file's events says with its second part.
func scenarios(t *testing.T, dir string, say func(*Report) string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil || len(ar.Files) != 2 {
				t.Fatalf("want two files, events and what they yield: %v", err)
			}
			got := say(analyzeScenario(t, string(ar.Files[0].Data)))
			if got == string(ar.Files[1].Data) {
				return
			}
			if *update {
				ar.Files[1].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("got\n%swant\n%s", got, ar.Files[1].Data)
		})
	}
}

// analyzeScenario replays events written as text and reports on them.
func analyzeScenario(t *testing.T, text string) *Report {
	t.Helper()
	b := scenarioBatch(t, text)
	var r run
	opt := Options{Name: "scenario", Slices: 1000}
	if err := r.take(b, opt); err != nil {
		t.Fatal(err)
	}
	r.finish()
	rep := newReport(opt)
	rep.Trace = Trace{Name: "scenario", Format: "go 1.26", Complete: true, Events: int64(len(b.events))}
	if err := r.report(rep, opt); err != nil {
		t.Fatal(err)
	}
	return rep
}

// scenarioBatch is events written as text, as if they had been decoded.
func scenarioBatch(t *testing.T, text string) *batch {
	t.Helper()
	lines, err := scenario.Expand(text)
	if err != nil {
		t.Fatal(err)
	}
	var in scenario.Reader
	b := &batch{gen: 1, first: true, format: "go 1.26"}
	for _, line := range lines {
		ev, err := in.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		for ev.M >= model.MIndex(len(b.threads)) {
			b.threads = append(b.threads, int64(1000+len(b.threads)))
		}
		b.events = append(b.events, ev)
	}
	for _, stack := range in.Stacks {
		var frames []Frame
		for _, fn := range strings.Split(stack, "<") {
			frames = append(frames, Frame{Func: fn, File: fn + ".go", Line: 1})
		}
		b.stacks = append(b.stacks, stackFrames{key: stack, frames: frames})
	}
	b.strings = in.Texts
	return b
}

// findingsOf is what a scenario's file says of a report.
func findingsOf(rep *Report) string {
	var out strings.Builder
	for _, f := range rep.Findings {
		fmt.Fprintf(&out, "%s %s: %s (%s, %s)\n", f.ID, f.Severity, f.Title, dur(f.CostNS), f.CostOf)
		for _, m := range f.Moments {
			fmt.Fprintf(&out, "  %s to %s: %s\n", at(m.Start), at(m.End), m.Text)
		}
		fmt.Fprintf(&out, "  why: %s\n", f.Why)
	}
	for _, c := range rep.Checks {
		if c.Undecided != "" {
			fmt.Fprintf(&out, "%s undecided: %s\n", c.ID, c.Undecided)
		}
	}
	if out.Len() == 0 {
		return "nothing\n"
	}
	return out.String()
}
