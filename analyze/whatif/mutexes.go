package whatif

import (
	"iter"
	"slices"

	"gmptrace/analyze/whatif/held"
)

// findMutexes finds the mutexes of which it shows where they are held, and gives them numbers and
// goroutines marks where they take and unlock them. Others are waited for as it was recorded:
// see holding.
func (c *workloads) findMutexes() {
	gs := make([]held.Goroutine, len(c.order))
	for i, g := range c.order {
		gs[i].Steps, gs[i].Apart = g.stretches(), g.runtime || g.worker
		for _, x := range c.unlocks(g) {
			gs[i].Unlocks = append(gs[i].Unlocks, held.Unlock{Since: x.at - x.waited, At: x.at, Stack: x.stack, By: x.by})
			gs[x.a].Waits = append(gs[x.a].Waits, held.Wait{Stack: x.stack, Block: uint32(x.b), From: x.at - x.waited, To: x.at})
		}
	}
	found := held.Find(gs, &c.lockSites, c.zero, c.seen.makespan)
	c.mutexes, c.mutexOf = found.Mutexes, found.Of
	for i, holds := range found.Holds {
		c.order[i].has(holds)
	}
}

// unlocks are the marks with which g ends waits for locks.
func (c *workloads) unlocks(g *gWork) []placed {
	return slices.DeleteFunc(c.placed(g), func(m placed) bool { return m.kind != markUnlock })
}

// stretches are g's steps, as far as they matter to who has a mutex.
func (g *gWork) stretches() iter.Seq[held.Step] {
	return func(yield func(held.Step) bool) {
		for s := range g.steps() {
			x := held.Step{Kind: held.Stands, From: s.from, To: s.to, Stack: s.stack}
			switch s.kind {
			case ownRun:
				x.Kind = held.Computes
			case ownAssist:
				x.Kind = held.Assists
			}
			if !yield(x) {
				return
			}
		}
	}
}

// byNobody is b of marks of stretches that nobody noticed.
const byNobody = 1

// has gives g marks where it takes and unlocks mutexes, and tells which of its waits are for them.
func (g *gWork) has(holds []held.Hold) {
	for _, x := range holds {
		for k, b := range x.Blocks {
			if g.lockAt == nil {
				g.lockAt = map[uint32]int{}
			}
			if g.lockAt[b] = x.Mutex; k > 0 {
				g.lockAt[b] = -1 // it goes on waiting
			}
		}
		noticed := uint64(0)
		if x.Unseen {
			noticed = byNobody
		}
		if len(x.Blocks) == 0 {
			g.holds = append(g.holds, placed{at: x.From, kind: markAcquire, a: uint64(x.Mutex), b: noticed, stack: x.Stack})
		}
		if !x.Woke {
			g.holds = append(g.holds, placed{at: x.To, kind: markRelease, a: uint64(x.Mutex), b: noticed, stack: x.Stack})
		}
	}
	slices.SortStableFunc(g.holds, func(a, b placed) int { return int(a.at - b.at) })
}
