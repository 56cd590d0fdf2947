package diagnose_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"gmptrace/analyze/report"
)

// TestFindingsAgree: in all scenarios, also those of explanations, a finding that is about the
// same as the first root of slow requests or tasks says what to do as the verdict does, and is
// no milder.
func TestFindingsAgree(t *testing.T) {
	var files []string
	for _, dir := range []string{"testdata", "testdata/verdicts", "../explain/testdata/explain"} {
		in, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, in...)
	}
	same := 0
	for _, name := range files {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rep := analyzeScenario(t, string(ar.Files[0].Data))
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
		t.Errorf("of %d scenarios %d have such a finding", len(files), same)
	}
}
