package compare

import (
	"slices"
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

func resultOf(t *testing.T, results []report.CheckResult, id string) *report.CheckResult {
	t.Helper()
	i := slices.IndexFunc(results, func(r report.CheckResult) bool { return r.ID == id })
	if i < 0 {
		t.Fatalf("there is no result %s", id)
	}
	return &results[i]
}

// TestOneFailure: however many statistics of a series are worse, it fails once, and says what
// takes longer, by how much, and why before it says what else shows it.
func TestOneFailure(t *testing.T) {
	old, new := made(20, 1e6), made(20, 2e6)
	part := func(ns int64) []Causes {
		return []Causes{{Kind: SeriesTask, Name: "order", Instances: 800, Ended: slices.Repeat([]int64{40}, 20), Causes: []Cause{
			{Kind: CauseRunning, NS: 900e3},
			{Kind: CauseLock, Func: "main.cart", File: "cart.go", Line: 69, Call: "sync.(*Mutex).Lock", NS: ns, Windows: slices.Repeat([]int64{40 * ns}, 20)}}}}
	}
	old.Causes, new.Causes = part(100e3), part(1100e3)
	r := resultOf(t, Check([]*Behaviour{old}, []*Behaviour{new}, "fixture.json", Options{}), "fixture/task/order")
	if r.Status != report.CheckFail || len(r.Failures) != 1 || r.Failures[0].Key != "task/order" {
		t.Fatalf("%+v", r)
	}
	said := untied(r.Message)
	at := 0
	for _, want := range []string{"Task order takes longer: p50 995 µs → 1.99 ms (+995 µs, +100 %, between +", "of the mean +1.00 ms waiting for the mutex in main.cart (cart.go:69)", "Also p90 1.07 ms → 2.15 ms (+100 %); p99 "} {
		i := strings.Index(said[at:], want)
		if i < 0 {
			t.Fatalf("%q is not in its place in %q", want, said)
		}
		at += i
	}
	if n := strings.Count(said, "main.cart"); n != 1 {
		t.Errorf("the cause is named %d times in %q", n, said)
	}
}

// TestAllRequests: of all requests together it is said which have become slower, where their
// handlers show.
func TestAllRequests(t *testing.T) {
	side := func(median float64) *Behaviour {
		b := made(20, median)
		b.Series[0].Kind, b.Series[0].Name = SeriesRequest, ""
		named := b.Series[0]
		named.Name = "main.render"
		b.Series = append(b.Series, named)
		return b
	}
	results := Check([]*Behaviour{side(1e6)}, []*Behaviour{side(2e6)}, "fixture.json", Options{})
	if r := resultOf(t, results, "fixture/request/"); r.Status != report.CheckFail || !strings.Contains(r.Message, ": most of it in main.render") {
		t.Errorf("%s %s", r.Status, r.Message)
	}
	if i, j := slices.IndexFunc(results, func(r report.CheckResult) bool { return r.ID == "fixture/request/main.render" }), slices.IndexFunc(results, func(r report.CheckResult) bool { return r.ID == "fixture/request/" }); i > j {
		t.Error("all requests are told of before those that have a name")
	}
}

// TestOwnFirst: what the program has named is told of before goroutines of the standard library,
// which live as long as what it does there.
func TestOwnFirst(t *testing.T) {
	side := func(median float64) *Behaviour {
		b := made(20, median)
		b.Series[0].Kind, b.Series[0].Name = SeriesLife, "net/http.(*connReader).backgroundRead"
		own := b.Series[0]
		own.Name = "main.server"
		b.Series = append(b.Series, own)
		return b
	}
	results := Check([]*Behaviour{side(1e6)}, []*Behaviour{side(2e6)}, "fixture.json", Options{})
	if results[0].ID != "fixture/life/main.server" || results[1].Status != report.CheckFail {
		t.Errorf("first %s, then %s %s", results[0].ID, results[1].Status, results[1].ID)
	}
}

// TestGone: what is no longer there is named.
func TestGone(t *testing.T) {
	old, new := made(20, 1e6), made(20, 1e6)
	new.Series[0].Name = "other"
	if r := resultOf(t, Check([]*Behaviour{old}, []*Behaviour{new}, "fixture.json", Options{}), "fixture/task/order"); !strings.HasPrefix(r.Message, "Task order is in the fixture, 800 times, and no longer") || r.Severity != report.CheckSeverityWarning {
		t.Errorf("%s %s", r.Severity, r.Message)
	}
}

// TestHeldFindings: what a program newly does to itself fails, what a machine may do warns, and
// nothing fails that the fixture's traces could not tell.
func TestHeldFindings(t *testing.T) {
	old, new := made(20, 1e6), made(20, 1e6)
	old.Decided = []string{"stuck", "lock", "timers"}
	fails := map[string]report.Severity{"stuck": report.SeverityWarning, "lock": report.SeverityCritical, "leak": report.SeverityWarning} // as their checks say
	find := func(id string, severity report.Severity) report.Finding {
		return report.Finding{ID: id, Severity: severity, Fails: fails[id], Title: "title of " + id, Why: "why", Advice: "advice"}
	}
	new.Findings = []report.Finding{find("stuck", report.SeverityWarning), find("lock", report.SeverityWarning), find("timers", report.SeverityCritical), find("leak", report.SeverityCritical)}
	results := Check([]*Behaviour{old}, []*Behaviour{new}, "fixture.json", Options{})
	if r := resultOf(t, results, "fixture/finding/stuck"); r.Status != report.CheckFail || r.Severity != report.CheckSeverityError || r.Message != "title of stuck." || len(r.Failures) != 1 {
		t.Errorf("%+v", r)
	}
	if r := resultOf(t, results, "fixture/findings"); r.Status != report.CheckFail || r.Severity != report.CheckSeverityWarning || len(r.Failures) != 3 || strings.Contains(r.Message, "stuck") {
		t.Errorf("%+v", r)
	}
	if n := len(results) - len(Check([]*Behaviour{old}, []*Behaviour{old}, "fixture.json", Options{})); n != 1 {
		t.Errorf("%d results more than without findings", n)
	}
	old.Findings = []report.Finding{find("stuck", report.SeverityInfo)}
	for _, r := range Check(again(t, old), []*Behaviour{new}, "fixture.json", Options{}) {
		if r.ID == "fixture/finding/stuck" {
			t.Error("what the fixture has fails")
		}
	}
}
