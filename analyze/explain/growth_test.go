package explain

import (
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
)

// TestGrowth counts what an explanation looks at: when there is twice as much of what
// all wait for, that may not be much more than twice as much.
func TestGrowth(t *testing.T) {
	explaining := func(sel Selector) func(*replay.Session) *explainer {
		return func(s *replay.Session) *explainer { return explains(s, sel) }
	}
	for name, begin := range map[string]func(*replay.Session) *explainer{
		"stalls": explaining(Selector{Kind: report.KindStall}),
		"tasks":  explaining(Selector{Kind: report.KindTask, Task: -1}),
		"report": func(s *replay.Session) *explainer {
			x := newSlowOnes(s)
			s.Add(x)
			return &x.explainer
		},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 3000
			one, two := looks(t, n, begin), looks(t, 2*n, begin)
			if one == 0 || float64(two) > 2.3*float64(one) {
				t.Errorf("%d looks at stretches for %d goroutines, and %d for twice as many", one, n, two)
			}
		})
	}
}

func looks(t *testing.T, n int, begin func(*replay.Session) *explainer) int {
	t.Helper()
	var e *explainer
	if _, err := replay.Run(t.Context(), replaytest.Scenario(t, replaytest.Woken(n, true)), replay.Options{Name: "growth"}, func(s *replay.Session) { e = begin(s) }); err != nil {
		t.Fatal(err)
	}
	var skipped int64
	x := e.explanation()
	for _, g := range e.groups {
		for _, p := range g.populations {
			skipped += p.skipped
		}
	}
	if x.Durations.Count == 0 || skipped > 0 {
		t.Errorf("%d explained, and %d left out", x.Durations.Count, skipped)
	}
	return e.work + e.detailed
}

// TestLeftOut sees to it that an explanation says what it left out when following all
// would take too long.
func TestLeftOut(t *testing.T) {
	var e *explainer
	if _, err := replay.Run(t.Context(), replaytest.Scenario(t, replaytest.Woken(100, true)), replay.Options{Name: "growth"}, func(s *replay.Session) {
		e = explains(s, Selector{Kind: report.KindTask, Task: -1})
		e.work = 1 << 30
	}); err != nil {
		t.Fatal(err)
	}
	x := e.explanation()
	if x.Durations.Count != 100 || len(x.Slowest) == 0 || len(x.Notes) == 0 {
		t.Fatalf("%d durations, %d shown, notes %q", x.Durations.Count, len(x.Slowest), x.Notes)
	}
	const want = "where the time went is known of 0 of them: in each, so much else went on that to follow all would take too long"
	if x.Notes[0] != want {
		t.Errorf("got %q, want %q", x.Notes[0], want)
	}
}

// TestFewTypical: once finding out the details of typical instances has taken many looks, it
// is done for the slowest ones alone.
func TestFewTypical(t *testing.T) {
	explained := func(looks int) (more int, x *report.Explanation) {
		var e *explainer
		if _, err := replay.Run(t.Context(), replaytest.Scenario(t, replaytest.Woken(100, true)), replay.Options{Name: "growth"}, func(s *replay.Session) {
			e = explains(s, Selector{Kind: report.KindTask, Task: -1, Top: 1})
			e.closely = looks
		}); err != nil {
			t.Fatal(err)
		}
		x = e.explanation()
		return e.detailed, x
	}
	all, x := explained(0)
	few, y := explained(1 << 30)
	if few == 0 || few >= all {
		t.Errorf("%d looks for the slowest, %d for typical ones as well", few, all)
	}
	if len(y.Slowest) == 0 || len(y.Slowest) != len(x.Slowest) || len(y.Slowest[0].Causes) == 0 {
		t.Errorf("%d of the slowest are explained, %d with typical ones", len(y.Slowest), len(x.Slowest))
	}
}
