package explain

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"gmptrace/analyze/report"
)

// TestSure: how sure an answer is agrees with what it says: nothing is certain beside an
// "or", and where the text has a line or names who held a lock, no sentence beneath denies it.
func TestSure(t *testing.T) {
	files, err := filepath.Glob("testdata/explain/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	seen := map[report.RootKind]bool{}
	for _, name := range files {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		x := explainScenario(t, string(ar.Files[0].Data), selectorNamed(t, ar.Files[1].Name))
		for i := range x.Roots {
			r := &x.Roots[i]
			seen[r.Kind] = true
			if contradicts(r) {
				t.Errorf("%s: %q, but %s: %q", filepath.Base(name), r.Text, r.Sure, r.SureWhy)
			}
		}
	}
	for _, kind := range []report.RootKind{report.RootQueue, report.RootComputing, report.RootLock, report.RootPlace, report.RootNotTold, report.RootNeverEnded} {
		if !seen[kind] {
			t.Errorf("no scenario has a root of kind %s", kind)
		}
	}
}

// contradicts reports whether what is said of how sure a root is does not agree with what
// is said of it.
func contradicts(r *report.Root) bool {
	has := func(s, part string) bool { return strings.Contains(s, part) }
	switch {
	case r.Sure == "" || r.Sure != "high" && r.SureWhy == "":
		return true
	case has(r.SureWhy, "who unlocked") && has(r.Text, "does not show"),
		has(r.SureWhy, "where it ran does not show") && r.At.Line > 0,
		has(r.SureWhy, "the line is") && r.At.Line == 0:
		return true
	case r.SureWhy == "": // certain
		return has(r.Text, " or ") && !has(r.Text, "(or C code)")
	case r.Kind == report.RootNotTold:
		return r.SureWhy == "the trace does not tell" || !has(r.Text, ":") && !has(r.Text, "what it did then")
	}
	return false
}

// TestContradicts checks that the test before can fail.
func TestContradicts(t *testing.T) {
	line := report.Frame{Func: "main.step", Line: 17}
	for _, r := range []report.Root{
		{Kind: report.RootQueue, Text: "waiting for a P while main.step (main.go:17) had it", At: line, Sure: "medium", SureWhy: "where it ran does not show, the function is the one that the goroutine started with"},
		{Kind: report.RootLock, Text: "waiting to lock a mutex: who held it does not show", Sure: "medium", SureWhy: "the trace names who unlocked"},
		{Kind: report.RootBlocked, Text: "waiting in a select until a timer, the network or the runtime ended it", Sure: "high"},
		{Kind: report.RootNotTold, Text: "something that the trace does not tell", Sure: "low", SureWhy: "the trace does not tell"},
		{Kind: report.RootLate, Text: "waiting", Sure: "medium"},
	} {
		if !contradicts(&r) {
			t.Errorf("%q agrees with %s: %q", r.Text, r.Sure, r.SureWhy)
		}
	}
}
