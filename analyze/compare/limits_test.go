package compare

import (
	"fmt"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
)

// lookups is a program of so many workers who ask a database, so many of which at once.
func lookups(t *testing.T, workers, places int) *Behaviour {
	t.Helper()
	var text strings.Builder
	text.WriteString("gomaxprocs n=2\nstatus-p q=0 m=0 p=0 state=held\nstatus-p q=1 m=1 p=1 state=held\nstatus-g g=1 m=0 p=0 by=1 state=running fn=main.main\n")
	var inside, line []int
	ask := func(g int) { // g runs
		if len(inside) < places {
			inside = append(inside, g)
			fmt.Fprintf(&text, "park g=%d p=1 m=1 reason=sleep fn=main.query<main.worker dt=5us\n", g)
			return
		}
		line = append(line, g)
		fmt.Fprintf(&text, "park g=%d p=1 m=1 reason=chan_send fn=main.lookup<main.worker dt=5us\n", g)
	}
	for g := 10; g < 10+workers; g++ {
		fmt.Fprintf(&text, "newproc g=%d p=0 m=0 by=1 fn=main.worker dt=1us\nexecute g=%d p=1 m=1 dt=1us\n", g, g)
		ask(g)
	}
	for range 120 {
		g := inside[0]
		fmt.Fprintf(&text, "ready g=%d p=0 m=0 by=1 dt=1ms\nexecute g=%d p=1 m=1 dt=1us\n", g, g)
		inside = inside[1:]
		next := 0
		if len(line) > 0 {
			next, line = line[0], line[1:]
			inside = append(inside, next)
			fmt.Fprintf(&text, "ready g=%d p=1 m=1 by=%d dt=2us\n", next, g)
		}
		ask(g)
		if next > 0 {
			fmt.Fprintf(&text, "execute g=%d p=1 m=1 dt=1us\npark g=%d p=1 m=1 reason=sleep fn=main.query<main.worker dt=5us\n", next, next)
		}
	}
	b, err := Behave(t.Context(), replaytest.Scenario(t, text.String()), replay.Options{Name: "scenario"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLimits: a pool that lets in fewer than were seen in it before fails a check, by its name, if
// others wait meanwhile; fewer who ask, or a pool as before, do not.
func TestLimits(t *testing.T) {
	for _, test := range []struct {
		name                       string
		workers, places, now, most int
		fails                      bool
	}{
		{"half the pool", 6, 4, 6, 2, true},
		{"half the pool, of which there was none too few", 4, 4, 4, 2, true},
		{"as before", 6, 4, 6, 4, false},
		{"a larger pool", 6, 2, 6, 4, false},
		{"fewer who ask", 6, 4, 2, 4, false},
	} {
		old, now := lookups(t, test.workers, test.places), lookups(t, test.now, test.most)
		fixture, err := NewFixture("", []*Behaviour{old}).Behaviours()
		if err != nil {
			t.Fatal(err)
		}
		fails := false
		for _, r := range Check(fixture, []*Behaviour{now}, "fixture.json", Options{}) {
			if r.Status == report.CheckFail && r.Severity == report.CheckSeverityError && strings.HasPrefix(r.ID, "fixture/at-once/") {
				fails = true
				want := fmt.Sprintf("sleeping in main.query, while others are waiting for a channel in main.lookup went from %d to %d", test.places, test.most)
				if !strings.Contains(r.Message, want) {
					t.Errorf("%s: %q, want %q", test.name, r.Message, want)
				}
			}
		}
		if fails != test.fails {
			t.Errorf("%s: fails %v; before %+v, now %+v", test.name, fails, old.AtOnce, now.AtOnce)
		}
	}
}
