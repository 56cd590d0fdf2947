package whatif

import (
	"context"
	"math"

	"gmptrace/model/simulate"
)

// Where a mutex is held is inferred (see mutexes). Where the recorded run does not come out of
// that, and does of who waited for whom as it was recorded (see holding), the latter is taken.

// betterBy is by how much less a logarithm the one must be off for it to be taken.
const betterBy = .2

// chooseLocks has locks be as comes closest to the recorded run, and makes the workloads again
// if need be.
func (w *prediction) chooseLocks(ctx context.Context, recorded *simulate.Workload, costs *simulate.Costs) (*simulate.Workload, error) {
	if w.c.mutexes == 0 {
		return recorded, nil
	}
	inferred, err := w.off(ctx, recorded, costs)
	if err != nil || inferred < betterBy {
		return recorded, err
	}
	kept := w.c.asRecordedLocks()
	again := w.take()
	off, err := w.off(ctx, again, costs)
	if err != nil || off+betterBy < inferred {
		return again, err
	}
	w.c.restoreLocks(kept)
	return w.take(), nil
}

// off is by how much lengths of requests and tasks, or the whole run where there are none, come
// out otherwise than they were recorded: the logarithm, for the worst of p50, p90 and p99 of a
// name, on average of all of them.
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
	if n == 0 {
		span, _, _ := middle(rs[0], func(r *outcome) int64 { return r.Makespan })
		return apart(difference(span, w.x.Recorded.Makespan)), nil
	}
	return sum / n, nil
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

// asRecordedLocks has who waits for a lock wait for who had it when that was recorded.
func (c *workloads) asRecordedLocks() *keptLocks {
	x := &keptLocks{mutexOf: c.mutexOf, mutexes: c.mutexes, holds: c.holds}
	c.mutexOf, c.mutexes, c.holds = nil, 0, 0
	for _, g := range c.order {
		x.of = append(x.of, keptWaits{g.holds, g.lockAt, g.lockOf, g.needs})
		g.holds, g.lockAt, g.lockOf, g.needs = nil, nil, nil, nil
	}
	c.holding()
	return x
}

// restoreLocks takes that back.
func (c *workloads) restoreLocks(x *keptLocks) {
	c.mutexOf, c.mutexes, c.holds = x.mutexOf, x.mutexes, x.holds
	for i, g := range c.order {
		k := &x.of[i]
		g.holds, g.lockAt, g.lockOf, g.needs = k.holds, k.lockAt, k.lockOf, k.needs
	}
}
