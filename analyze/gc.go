package analyze

import (
	"cmp"
	"slices"

	"gmptrace/model"
)

// MaxRanges is how many mark phases and pauses GC.Ranges keeps: the longest.
const MaxRanges = 4096

// gc answers: what did garbage collection and stopping the world cost?
type gc struct {
	names *names
	zero  model.Time

	out       GC
	marking   bool
	markBegan model.Time
	stws      []openSTW
	kinds     map[int64]*STWKind
	assists   map[model.GoID]model.Time
	sweeps    map[model.ProcID]model.Time
	longest   *topK[GCRange]
	worstSTW  *topK[stwPause]
	last      model.Time
}

type openSTW struct {
	g     model.GoID
	began model.Time
	cause int64
}

// stwPause is one stop-the-world pause: who stopped the world, on which P.
type stwPause struct {
	start, end model.Time
	g          model.GoID
	p          model.ProcID
	cause      int64
}

func (c *gc) observe(f *model.Facts) {
	for i := range f.Events {
		c.event(&f.Events[i])
	}
	for i := range f.Ps {
		if iv := &f.Ps[i]; iv.Worker && iv.Does == model.PDoesRun {
			c.out.Workers += int64(iv.End - iv.Start)
		}
	}
}

func (c *gc) event(ev *model.Event) {
	c.last = ev.Time
	switch ev.Op {
	case model.OpGCBegin:
		if !c.marking {
			c.marking, c.markBegan = true, ev.Time
			if ev.Arg != 0 && c.out.Cycles == 0 {
				c.markBegan = c.zero // already on when the trace began
			}
			c.out.Cycles++
		}
	case model.OpGCEnd:
		c.endMark(ev.Time)
	case model.OpSTWBegin:
		c.stws = append(c.stws, openSTW{ev.G, ev.Time, ev.Arg})
	case model.OpSTWEnd:
		c.endSTW(ev)
	case model.OpAssistBegin:
		if _, on := c.assists[ev.G]; !on {
			c.assists[ev.G] = ev.Time
		}
	case model.OpAssistEnd:
		if t, ok := c.assists[ev.G]; ok {
			c.out.Assist += int64(ev.Time - t)
			delete(c.assists, ev.G)
		}
	case model.OpSweepBegin:
		if _, on := c.sweeps[ev.P]; !on {
			c.sweeps[ev.P] = ev.Time
		}
	case model.OpSweepEnd:
		if t, ok := c.sweeps[ev.P]; ok {
			c.out.Sweep += int64(ev.Time - t)
			delete(c.sweeps, ev.P)
		}
	}
}

func (c *gc) endMark(now model.Time) {
	if !c.marking {
		return
	}
	c.marking = false
	c.out.Mark += int64(now - c.markBegan)
	c.keep(GCRange{Start: int64(c.markBegan - c.zero), End: int64(now - c.zero)})
}

func (c *gc) endSTW(ev *model.Event) {
	i := slices.IndexFunc(c.stws, func(o openSTW) bool { return o.g == ev.G })
	if i < 0 {
		return
	}
	o := c.stws[i]
	c.stws = slices.Delete(c.stws, i, i+1)
	k := c.kinds[o.cause]
	if k == nil {
		k = &STWKind{Cause: c.names.texts[o.cause]}
		c.kinds[o.cause] = k
	}
	d := int64(ev.Time - o.began)
	k.Count++
	k.Total += d
	if d > k.Max {
		k.Max, k.MaxAt = d, int64(o.began-c.zero)
	}
	c.out.STWCount++
	c.out.STWTotal += d
	c.worstSTW.offer(d, stwPause{o.began, ev.Time, o.g, ev.P, o.cause})
	c.keep(GCRange{Start: int64(o.began - c.zero), End: int64(ev.Time - c.zero), STW: true, Cause: k.Cause})
}

func (c *gc) keep(r GCRange) {
	c.out.RangesLeft++
	c.longest.offer(max(r.End-r.Start, 1), r)
}

func (c *gc) report(r *Report) {
	c.endMark(max(c.last, c.markBegan, c.zero+model.Time(r.Trace.To)))
	for _, t := range c.assists { // sums do not depend on the order
		c.out.Assist += int64(c.last - t)
	}
	for _, t := range c.sweeps {
		c.out.Sweep += int64(c.last - t)
	}
	for _, k := range c.kinds {
		c.out.STWs = append(c.out.STWs, *k)
		r.Key.STWMax = max(r.Key.STWMax, k.Max)
	}
	slices.SortFunc(c.out.STWs, func(a, b STWKind) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Cause, b.Cause))
	})
	c.out.Ranges = c.longest.best()
	c.out.RangesLeft -= int64(len(c.out.Ranges))
	slices.SortFunc(c.out.Ranges, func(a, b GCRange) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	r.GC = c.out
	r.Key.STWTotal = c.out.STWTotal
	if d := r.Trace.To - r.Trace.From; d > 0 {
		r.Key.GCShare = float64(c.out.Mark) / float64(d)
	}
}
