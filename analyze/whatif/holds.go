package whatif

import (
	"slices"
	"sort"

	"gmptrace/model"
)

// Who waits for a lock waits for who holds it then, which in another order of things may be
// nobody. What a trace tells of a hold is its end, if somebody waited for that, and that it
// had begun when that one began to wait; who is about to hold it is waited for, too. How long it lasted before is not told: the mean of
// what it may have been is as long as was waited, and no longer than since its holder did
// anything else that shows. Holds that nobody waited for leave no event, so that nobody waits
// for them in a simulation either.

// hold is one of a lock, by its number, and the goroutine or job that it is in.
type hold struct{ n, by int }

// holding finds the holds of locks that others waited for, and gives them numbers.
func (c *workloads) holding() {
	for _, g := range c.order {
		waits := []ownAt(nil)
		for _, m := range c.placed(g) {
			c.needed(g, &m)
			if _, ok := c.mutexOf[m.stack]; m.kind != markUnlock || ok {
				continue
			}
			if waits == nil {
				waits = g.waits()
			}
			by := c.order[m.a]
			if by.lockOf == nil {
				by.lockOf = map[uint32]hold{}
			}
			g.holds = append(g.holds, placed{at: c.heldFrom(waits, &m), kind: markHold, a: uint64(c.holds)})
			by.lockOf[uint32(m.b)] = hold{c.holds, g.doing(m.at)}
			c.holds++
		}
		slices.SortStableFunc(g.holds, func(a, b placed) int { return int(a.at - b.at) })
	}
}

// needed notes that a job of g ends a wait of one that does a job itself.
func (c *workloads) needed(g *gWork, m *placed) {
	if m.kind != markWake && m.kind != markAnswer && m.kind != markUnlock || g.station < 0 { // who gives a job waits for somebody to be free
		return
	}
	by := c.order[m.a]
	if by.station < 0 {
		return
	}
	if _, ok := c.mutexOf[m.stack]; ok && m.kind == markUnlock {
		return // who unlocks it has begun
	}
	job := g.doing(m.at)
	if _, _, gives := by.target(m.b); gives || job == g.index {
		return
	}
	if by.needs == nil {
		by.needs = map[uint32]int{}
	}
	by.needs[uint32(m.b)] = job
}

// doing is which of its jobs g does at a time, or that it is g itself.
func (g *gWork) doing(at model.Time) int {
	i := sort.Search(len(g.starts), func(i int) bool { return g.starts[i].at > at })
	if i == 0 {
		return g.index
	}
	return g.jobs + i - 1
}

// heldFrom is since when its holder is likely to have held a lock that m unlocks: if who
// waits for that did so while the holder still waited for the lock itself, since it began to.
func (c *workloads) heldFrom(waits []ownAt, m *placed) model.Time {
	since := m.at - m.waited
	i := sort.Search(len(waits), func(i int) bool { return waits[i].to > m.at })
	for i--; i >= 0; i-- {
		if s := &waits[i]; s.kind == ownBlock && c.lockSites.Locking(s.stack) {
			if since <= s.to {
				return s.from
			}
			return max(s.to, since-m.waited)
		}
	}
	return max(c.zero, since-m.waited)
}
