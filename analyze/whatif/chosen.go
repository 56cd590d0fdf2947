package whatif

import (
	"context"
	"math"
	"slices"

	"gmptrace/model/simulate"
)

// Where a mutex is held is inferred (see mutexes), and how often it was without anybody noticing
// (see unseen). Where the recorded run does not come out of that, and does without the latter, or
// of who waited for whom as it was recorded (see holding), that is taken.

// lockChoices are what else locks may be like, and by how much less a logarithm the recorded run
// must be off for that to be taken.
var lockChoices = []struct {
	less     func(*workloads) bool // false: it is no other
	betterBy float64
}{{(*workloads).onlySeen, 0}, {(*workloads).asRecordedLocks, .2}}

// chooseLocks has locks be as comes closest to the recorded run, and makes the workloads again
// if need be.
func (w *prediction) chooseLocks(ctx context.Context, recorded *simulate.Workload, costs *simulate.Costs) (*simulate.Workload, error) {
	if w.c.mutexes == 0 {
		return recorded, nil
	}
	least, err := w.off(ctx, recorded, costs)
	for _, x := range lockChoices {
		if err != nil || least < x.betterBy {
			break
		}
		kept := w.c.keepLocks()
		if !x.less(w.c) {
			continue
		}
		again := w.take()
		var off float64
		if off, err = w.off(ctx, again, costs); err == nil && off+x.betterBy < least {
			recorded, least = again, off
			continue
		}
		w.c.restoreLocks(kept)
		recorded = w.take()
	}
	return recorded, err
}

// off is by how much lengths of requests and tasks come out otherwise than they were recorded, and
// the whole run: the logarithm, for the worst of p50, p90 and p99 of a name, on average of all of
// them, and of the run.
func (w *prediction) off(ctx context.Context, recorded *simulate.Workload, costs *simulate.Costs) (float64, error) {
	rs, err := runAll(ctx, recorded, []plan{w.asMeasured(costs)}, w.a.follows())
	if err != nil {
		return 0, err
	}
	apart := func(share float64) float64 { return math.Abs(math.Log(math.Max(1e-3, 1+share))) }
	sum, n := 0.0, 0.0
	for i, c := range w.checkLengths(w.a, rs[0]) {
		rec, worst := &w.x.Recorded.Of[i], 0.0
		for k, share := range [...]float64{c.P50, c.P90, c.P99} {
			if rec.at(k).Known {
				worst = math.Max(worst, apart(share))
			}
		}
		sum, n = sum+worst*float64(c.Count), n+float64(c.Count)
	}
	span, _, _ := middle(rs[0], func(r *outcome) int64 { return r.Makespan })
	return sum/math.Max(n, 1) + apart(difference(span, w.x.Recorded.Makespan)), nil
}

// keptLocks is what was inferred of mutexes.
type keptLocks struct {
	mutexOf        map[uint32]int
	mutexes, holds int
	of             []keptWaits // by goroutine
}

type keptWaits struct {
	holds  []placed
	lockAt map[uint32]int
	lockOf map[uint32]hold
	needs  map[uint32]int
}

func (c *workloads) keepLocks() *keptLocks {
	x := &keptLocks{mutexOf: c.mutexOf, mutexes: c.mutexes, holds: c.holds}
	for _, g := range c.order {
		x.of = append(x.of, keptWaits{g.holds, g.lockAt, g.lockOf, g.needs})
	}
	return x
}

// onlySeen has mutexes be taken only where somebody noticed, and reports whether they were
// elsewhere.
func (c *workloads) onlySeen() bool {
	some := false
	for _, g := range c.order {
		n := len(g.holds)
		g.holds = slices.DeleteFunc(slices.Clone(g.holds), func(m placed) bool { return m.b == byNobody })
		some = some || len(g.holds) < n
	}
	return some
}

// asRecordedLocks has who waits for a lock wait for who had it when that was recorded.
func (c *workloads) asRecordedLocks() bool {
	c.mutexOf, c.mutexes, c.holds = nil, 0, 0
	for _, g := range c.order {
		g.holds, g.lockAt, g.lockOf, g.needs = nil, nil, nil, nil
	}
	c.holding()
	return true
}

// restoreLocks has them be as they were.
func (c *workloads) restoreLocks(x *keptLocks) {
	c.mutexOf, c.mutexes, c.holds = x.mutexOf, x.mutexes, x.holds
	for i, g := range c.order {
		k := &x.of[i]
		g.holds, g.lockAt, g.lockOf, g.needs = k.holds, k.lockAt, k.lockOf, k.needs
	}
}
