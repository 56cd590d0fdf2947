package diagnose

import (
	"testing"

	"gmptrace/analyze/report"
)

// TestRank: a symptom goes behind a cause that explains half of it, which is
// lifted to its severity, but by one step only.
func TestRank(t *testing.T) {
	symptom := func(sev report.Severity) ranked {
		return ranked{report.Finding{ID: "starvation", Severity: sev, CostNS: 100, Title: "symptom"}, &Check{Symptom: true}, &Judgement{}, ""}
	}
	wide := symptom(report.SeverityWarning)
	wide.with.Base = 101
	cause := func(sev report.Severity, ns int64) ranked {
		return ranked{report.Finding{ID: "hog", Severity: sev, CostNS: 1, Title: "cause"}, &Check{}, &Judgement{Explains: Explained{"starvation": ns}}, ""}
	}
	for _, c := range []struct {
		name  string
		found []ranked
		first string
		sev   report.Severity // of the cause
	}{
		{"explains half", []ranked{symptom(report.SeverityCritical), cause(report.SeverityWarning, 50)}, "cause", report.SeverityCritical},
		{"explains less", []ranked{symptom(report.SeverityCritical), cause(report.SeverityWarning, 49)}, "symptom", report.SeverityWarning},
		{"two steps below", []ranked{symptom(report.SeverityCritical), cause(report.SeverityInfo, 100)}, "symptom", report.SeverityInfo},
		{"more severe", []ranked{symptom(report.SeverityWarning), cause(report.SeverityCritical, 100)}, "cause", report.SeverityCritical},
		{"explains less than half of what counts", []ranked{wide, cause(report.SeverityWarning, 50)}, "symptom", report.SeverityWarning},
		{"explains nothing", []ranked{symptom(report.SeverityWarning), cause(report.SeverityWarning, 0)}, "symptom", report.SeverityWarning},
	} {
		rank(c.found)
		for i := range c.found {
			if f := &c.found[i]; f.Title == "cause" && f.Severity != c.sev {
				t.Errorf("%s: the cause is %s, want %s", c.name, f.Severity, c.sev)
			}
		}
		if got := c.found[0].Title; got != c.first {
			t.Errorf("%s: the %s comes first, want the %s", c.name, got, c.first)
		}
	}
}
