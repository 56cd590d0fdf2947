package whatif

import (
	"math"
	"os"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/model/simulate"
)

// TestLocksChosen: of a service in which one request has a lock while it reads slowly, and the
// others wait, the recorded run comes out only if who waits for the lock waits for who had it.
func TestLocksChosen(t *testing.T) {
	f, err := os.Open("../../fixtures/traces/incidents/lock-http.trace.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err := Simulate(t.Context(), f, replay.Options{Name: "lock-http"}, Settings{Schedulers: []simulate.Scheduler{simulate.GMP}, Seeds: 3, NoScaling: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Check.Of) == 0 || math.Abs(x.Check.Of[0].P90) > .15 {
		t.Errorf("p90 is off: %+v", x.Check.Of)
	}
}

// TestLocksRestored: what was inferred of mutexes is as before when who had them as recorded
// does no better.
func TestLocksRestored(t *testing.T) {
	c := &workloads{mutexOf: map[uint32]int{1: 0}, mutexes: 1, holds: 2, order: []*gWork{{holds: []placed{{at: 3}}, lockAt: map[uint32]int{4: 0}}}}
	kept := c.keepLocks()
	c.asRecordedLocks()
	if g := c.order[0]; c.mutexes != 0 || c.mutexOf != nil || g.lockAt != nil || len(g.holds) != 0 {
		t.Errorf("dropped: %+v, %+v", c, g)
	}
	c.restoreLocks(kept)
	c.order[0].holds = append(c.order[0].holds, placed{at: 5, b: byNobody})
	c.onlySeen()
	if g := c.order[0]; c.mutexes != 1 || c.holds != 2 || len(c.mutexOf) != 1 || len(g.lockAt) != 1 || len(g.holds) != 1 {
		t.Errorf("restored: %+v, %+v", c, g)
	}
}
