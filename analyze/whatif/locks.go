package whatif

import (
	"fmt"

	"gmptrace/analyze/words"
)

// Locks are the waits for locks, and what bounds that sets to predictions: a section that
// nobody waited for leaves no event.
type Locks struct {
	Waits int64  `json:"waits"`
	Time  int64  `json:"time_ns"` // of all goroutines together
	Text  string `json:"text"`
}

// locksWaited are those of the program; nil if no goroutine waited for a lock.
func (c *workloads) locksWaited() *Locks {
	out := &Locks{}
	for _, g := range c.order {
		if g.runtime || g.worker {
			continue
		}
		for s := range g.steps() {
			if s.kind == ownBlock && c.lockSites.Locking(s.stack) {
				out.Waits++
				out.Time += int64(s.to - s.from)
			}
		}
	}
	if out.Waits == 0 {
		return nil
	}
	out.Text = fmt.Sprintf("Goroutines waited for locks %s, %s in all, and no change to locks can save more than comes of that. A section that nobody waited for leaves no event: how often a lock was free, and how long it was held then, can't be known. So waits that come with more Ps, or where something else gets faster, are missing, and such predictions are the best that locks leave.",
		words.Plural(out.Waits, "time"), words.Length(out.Time))
	return out
}
