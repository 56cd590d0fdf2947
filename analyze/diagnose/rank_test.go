package diagnose

import (
	"fmt"
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// TestRank: a symptom goes behind a cause that explains half of it, which is
// lifted to its severity, but by one step only.
func TestRank(t *testing.T) {
	symptom := func(sev report.Severity) ranked {
		return ranked{Finding: report.Finding{ID: "starvation", Severity: sev, CostNS: 100, Title: "symptom"}, of: &Check{Symptom: true}, with: &Judgement{}}
	}
	wide := symptom(report.SeverityWarning)
	wide.with.Base = 101
	cause := func(sev report.Severity, ns int64) ranked {
		return ranked{Finding: report.Finding{ID: "hog", Severity: sev, CostNS: 1, Title: "cause"}, of: &Check{}, with: &Judgement{Explains: Explained{"starvation": ns}}}
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
		rank(c.found, nil)
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

// TestFold: of findings that look at the same time, the first one leads, and the others
// are notes that say so; what is not why slow requests were slow is a note too.
func TestFold(t *testing.T) {
	finding := func(title string, c costs, sev report.Severity, ns int64) ranked {
		return ranked{Finding: report.Finding{Title: title, Severity: sev, CostNS: ns}, of: &Check{Costs: c}, with: &Judgement{}}
	}
	found := []ranked{
		finding("hog", costsOthers, report.SeverityCritical, 90),
		finding("starvation", costsOthers, report.SeverityCritical, 80),
		finding("lock", costsLocks, report.SeverityWarning, 10),
		finding("gc", costsCollector, report.SeverityWarning, 100),
	}
	slow := &slowness{Slowest: &report.Slowest{Groups: []report.Population{{Total: 100, Lost: 80}}, Roots: []report.Root{{Kind: report.RootQueue, NS: 40e6}, {Kind: report.RootNetwork, NS: 1e6}}}, extra: 41e6}
	slow.Roots = append(slow.Roots, report.Root{Kind: report.RootLock, NS: 9e6})
	slow.extra += 9e6
	rank(found, slow)
	var got []string
	for i := range found {
		f := &found[i]
		got = append(got, fmt.Sprintf("%s %s %d", f.Title, f.Severity, f.Of))
	}
	if want := "hog critical 0, lock warning 0, starvation info 1, gc info 0"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

// TestOutweighs: the verdict begins with what requests were slow by, where that is most of
// it and has a name, and the first finding is a symptom of less than half of that.
func TestOutweighs(t *testing.T) {
	slow := func(other int64) *slowness {
		describe := report.Root{Kind: report.RootSyscall, NS: 20e6, At: report.Frame{Func: "main.describe"}}
		return &slowness{Slowest: &report.Slowest{Roots: []report.Root{describe, {Kind: report.RootQueue, NS: other}}}, extra: 20e6 + other}
	}
	for _, c := range []struct {
		id    string
		other int64
		want  bool
	}{
		{"unbalanced", 9e6, true},
		{"unbalanced", 11e6, false},
		{"runnext", 9e6, false}, // a cause
		{"threads", 9e6, false}, // tells of system calls itself
	} {
		if got := slow(c.other).outweighs(checkOf(&report.Finding{ID: c.id})); got != c.want {
			t.Errorf("%s, which is %d ns of it: %v, want %v", c.id, c.other, got, c.want)
		}
	}
}
