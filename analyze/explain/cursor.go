package explain

import (
	"sort"

	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// cursor looks at what kept goroutines from running on a P at one time after the other: it
// goes on from where it stands, as what it looks at comes in the same order.
type cursor struct {
	h     *history
	p     model.ProcID // NoP where it is not known
	segs  []pSeg       // of p
	stop  int          // the first pause of h that ends after what was looked at last
	waste int          // the first one of h.wastes that does
	seg   int          // and of segs
}

// nearBy is how far a cursor goes on step by step.
const nearBy = 4

// ahead is the first one of n, from one on, that ends after a time.
func ahead(from, n int, after func(int) bool) int {
	for i := from; i < min(from+nearBy, n); i++ {
		if after(i) {
			return i
		}
	}
	from = min(from+nearBy, n)
	return from + sort.Search(n-from, func(i int) bool { return after(from + i) })
}

func (h *history) cursor(p model.ProcID) cursor {
	c := cursor{h: h, p: model.NoP}
	if p != model.NoP && int(p) < len(h.ps) {
		c.p, c.segs = p, h.did(p)
	}
	return c
}

// stopped is the pause that t lies in, nil if none, and until when that holds.
func (c *cursor) stopped(t model.Time) (*pause, model.Time) {
	stw := c.h.stw
	c.stop = ahead(c.stop, len(stw), func(i int) bool { return stw[i].To > t })
	switch {
	case c.stop == len(stw):
		return nil, replay.Forever
	case stw[c.stop].From > t:
		return nil, stw[c.stop].From
	}
	return &stw[c.stop], stw[c.stop].To
}

// wasted reports whether a P was idle beside a runnable goroutine at t, and until
// when that holds.
func (c *cursor) wasted(t model.Time) (bool, model.Time) {
	all, view := c.h.wastes, c.h.view
	c.waste = ahead(c.waste, len(all), func(i int) bool { return all[i].To > t })
	if c.waste < len(all) && all[c.waste].To <= view.at {
		return at(all[c.waste], t)
	}
	return at(replay.Window{From: view.idle, To: replay.Forever}, t)
}

// does is what the P does at t, nil if that is not known, and until when that holds.
func (c *cursor) does(t model.Time) (*pSeg, model.Time) {
	c.seg = ahead(c.seg, len(c.segs), func(i int) bool { return c.segs[i].end > t })
	return c.h.doesOf(c.p, c.segs, c.seg, t)
}
