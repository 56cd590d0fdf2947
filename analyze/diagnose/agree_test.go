package diagnose_test

import (
	"iter"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
)

// TestFindingsAgree: in all scenarios, also those of explanations, a finding that is about the
// same as the first root of slow requests or tasks says what to do as the verdict does, and is
// no milder.
func TestFindingsAgree(t *testing.T) {
	same, n := 0, 0
	for name, events := range allScenarios(t) {
		n++
		rep := analyzeScenario(t, events)
		v := &rep.Verdict
		for i := range rep.Findings {
			f := &rep.Findings[i]
			if f.Root == nil || f.Root != &rep.Slowest.Roots[0] {
				continue
			}
			same++
			if f.Severity.AtLeast(report.SeverityWarning) && f.Number == 1 && f.Advice != v.Advice {
				t.Errorf("%s: finding %d says %q, the verdict %q", name, f.Number, f.Advice, v.Advice)
			}
			if f.Of == 0 && !f.Severity.AtLeast(v.Severity) {
				t.Errorf("%s: finding %d is %s, the verdict %s", name, f.Number, f.Severity, v.Severity)
			}
		}
	}
	if same < 2 {
		t.Errorf("of %d scenarios %d have such a finding", n, same)
	}
}

// allScenarios are the events of all scenarios, also of those of explanations, by file.
func allScenarios(t *testing.T) iter.Seq2[string, string] {
	t.Helper()
	var files []string
	for _, dir := range []string{"testdata", "testdata/verdicts", "../explain/testdata/explain"} {
		in, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, in...)
	}
	return func(yield func(string, string) bool) {
		for _, name := range files {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(name, string(ar.Files[0].Data)) {
				return
			}
		}
	}
}

// TestVerdictAdvises: a verdict that begins with why requests, tasks or main.main took that
// long says what to do as an explanation does.
func TestVerdictAdvises(t *testing.T) {
	led := 0
	for name, events := range allScenarios(t) {
		rep := analyzeScenario(t, events)
		x, err := explain.Explain(t.Context(), replaytest.Scenario(t, events), replay.Options{Name: "scenario"}, explain.Selector{})
		if err != nil {
			t.Fatal(err)
		}
		if rep.Verdict.Headline != x.Headline {
			continue
		}
		if led++; rep.Verdict.Advice != x.Advice {
			t.Errorf("%s: the verdict advises %q, the explanation %q", name, rep.Verdict.Advice, x.Advice)
		}
	}
	if led < 20 {
		t.Errorf("%d verdicts begin with that", led)
	}
}
