package compare

import "gmptrace/model"

// cycle is what a goroutine that lives long does again and again: it is woken, works, and
// blocks for the next time. Of a broker, a pipeline or a pool, which end neither
// requests nor tasks nor goroutines, this is what a change shows in.
type cycle struct {
	waits   int        // that it began, up to cyclesAfter
	woken   model.Time // when, if on is set
	on      bool
	ran     model.Time // computed since its dispatch
	ranOpen bool       // or not all of it: the trace began meanwhile
	since   model.Time // when that began
}

// cyclesAfter is how many waits make a goroutine one that goes round: the few of one
// that is there for one thing only are no cycles.
const cyclesAfter = 4

// cycle follows a goroutine, and counts what ends: its computing since a dispatch, and
// the cycle that it was in. A trail of 0 is that of a goroutine that has not shown what it runs.
func (b *collector) cycle(g *goroutine, iv *model.GInterval, trail uint32) {
	c := &g.cycle
	if g.inner && trail != 0 && !b.inner[trail] {
		b.inner[trail] = true
	}
	switch iv.State {
	case model.GRunning:
		if c.ran == 0 {
			c.since = iv.Start
		}
		c.ran += iv.End - iv.Start
		c.ranOpen = c.ranOpen || iv.Open != 0
		if iv.Exit {
			b.dispatched(c, iv.G, iv.End, trail)
		}
		return
	case model.GSyscall:
		return
	}
	if iv.State == model.GRunnable && c.ran > 0 {
		b.seen.preempts(iv, trail)
	}
	b.dispatched(c, iv.G, iv.Start, trail)
	switch {
	case iv.State == model.GRunnable && iv.Woken:
		c.woken, c.on = iv.Start, c.waits >= cyclesAfter && iv.Open&model.OpenStart == 0
	case iv.State == model.GWaiting:
		if k := (seriesKey{kind: SeriesCycle, of: trail}); c.on && trail != 0 && iv.Open&model.OpenStart == 0 && b.addTo(k, iv.Start, iv.Start-c.woken) {
			b.accounts.end(instance{k, iv.G, c.woken, iv.Start})
		}
		c.on = false
		c.waits = min(c.waits+1, cyclesAfter)
	}
}

// dispatched counts what a goroutine has computed since it was dispatched, until a time.
func (b *collector) dispatched(c *cycle, g model.GoID, at model.Time, trail uint32) {
	k := seriesKey{kind: SeriesDispatch, of: trail}
	if c.ran > 0 && !c.ranOpen && trail != 0 && b.addTo(k, at, c.ran) {
		b.accounts.end(instance{k, g, c.since, at})
	}
	c.ran, c.ranOpen = 0, false
}
