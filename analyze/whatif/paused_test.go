package whatif

import (
	"strings"
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// TestPaused: pauses of milliseconds in pieces of a program that take as long each time are
// those of threads without a CPU; one piece that is now short and now long is not.
func TestPaused(t *testing.T) {
	run := func(length func(piece, i int) int64) float64 {
		c := newWorkloads(&replay.Session{Names: &names.Table{}, Window: &replay.Window{From: 0, To: replay.Forever}})
		g, at := c.g(1), model.Time(0)
		for i := range 300 {
			for piece := range 3 {
				ns := model.Time(length(piece, i))
				g.step(ownRun, at, at+ns)
				g.stand(ownBlock, uint32(piece+1), at+ns, at+ns+1000)
				at += ns + 1000
			}
		}
		return c.paused()
	}
	if got := run(func(piece, i int) int64 { return ms / 10 }); got != 0 {
		t.Errorf("what takes as long each time has pauses: %v", got)
	}
	if got := run(func(piece, i int) int64 {
		if i%20 == 5*piece {
			return 8 * ms
		}
		return ms / 10
	}); got < .5 {
		t.Errorf("every twentieth piece takes 80 times as long, wherever it is: %v", got)
	}
	if got := run(func(piece, i int) int64 {
		if piece == 1 && i%20 == 0 {
			return 8 * ms
		}
		return ms / 10
	}); got != 0 {
		t.Errorf("one piece alone takes longer now and then: %v", got)
	}
}

// TestTakenCPUs: a program beside another one that took the CPU is told from the same without,
// and nothing about it is called fair.
func TestTakenCPUs(t *testing.T) {
	for name, want := range map[string]bool{"os-stolen": true, "os-stolen-healthy": false} {
		x := simulated(t, "../../fixtures/traces/incidents/"+name+".trace.gz", Settings{Schedulers: []simulate.Scheduler{simulate.GMP}, Procs: []int{2}, Seeds: 1, NoScaling: true, NoChanges: true})
		v := &x.Variants[1]
		said := false
		for _, d := range v.Doubts {
			said = said || strings.HasPrefix(d, "threads were kept from running")
		}
		if said != want || want && v.Confidence != ConfidencePoor {
			t.Errorf("%s: %s, with doubts %q", name, v.Confidence, v.Doubts)
		}
	}
}

// TestRefusedCosts: what waking and stealing took threads that had no CPU is not what it costs.
func TestRefusedCosts(t *testing.T) {
	c := &workloads{}
	for range 30 {
		c.costs.wake.Add(5 * ms)
		c.costs.steal.Add(2_000)
	}
	costs := c.calibrated(nil)
	if !c.refuse(&costs, nil) {
		t.Error("nothing is refused")
	}
	d := simulate.DefaultCosts()
	if costs.Wake.Mean() != d.Wake.Mean() || costs.Wake.Source != refusedSource || costs.Arrive.Mean() != d.Wake.Mean() {
		t.Errorf("waking takes %d, by %s", costs.Wake.Mean(), costs.Wake.Source)
	}
	if mean := costs.Steal.Mean(); mean < 1_900 || mean > 2_100 {
		t.Errorf("stealing takes %d, measured 2000", mean)
	}
}
