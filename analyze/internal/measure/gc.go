package measure

import (
	"cmp"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// GC answers: what did garbage collection and stopping the world cost?
type GC struct {
	names  *names.Table
	stood  *replay.Stood
	zero   model.Time
	window *replay.Window

	out       report.GC
	marking   bool
	markBegan model.Time
	marked    bool // a mark phase was seen
	stws      []openSTW
	kinds     map[int64]*report.STWKind
	sweeps    map[model.ProcID]model.Time
	longest   *stat.TopK[report.GCRange]
	WorstSTW  *stat.TopK[STWPause]
	Assists   *stat.TopK[model.GInterval] // the longest stretches inside assists
	Each      func(report.GCRange)        // is told every range at its end, where set
	Awaited   map[uint32]*Awaited         // whom pauses waited for, by the stack that he was at when he stopped
}

// Awaited is pauses that stopping a goroutine of the program made long: see
// STWPause.Late.
type Awaited struct{ Count, Sum, Max int64 }

type openSTW struct {
	g     model.GoID
	began model.Time
	cause int64
	stack uint32
	p     model.ProcID // of who stops the world

	last    model.PInterval // of those under way when it began, the one that ended last so far
	stopped bool            // last is set
}

// STWPause is one stop-the-world pause: who stopped the world, on which P.
type STWPause struct {
	Start, End model.Time
	G          model.GoID
	P          model.ProcID
	Cause      int64
	Stack      uint32 // of who stopped the world

	Last    model.PInterval // the stretch that ended last of those that were to stop; stopped is whether there was one
	stopped bool
}

// Stopping is the time until the last P had stopped, as far as the trace shows.
func (p *STWPause) Stopping() int64 {
	if !p.stopped {
		return 0
	}
	return max(0, int64(min(p.Last.End, p.End)-p.Start))
}

// Late tells whether stopping made the pause long.
func (p *STWPause) Late() bool {
	return p.Stopping() >= 1_000_000 && 2*p.Stopping() >= int64(p.End-p.Start)
}

// NewGC makes a GC, for replay.Shared.
func NewGC(s *replay.Session) *GC {
	return &GC{names: s.Names, stood: replay.Shared(s, replay.NewStood), zero: s.Zero, window: s.Window, kinds: map[int64]*report.STWKind{}, sweeps: map[model.ProcID]model.Time{}, Awaited: map[uint32]*Awaited{},
		longest: stat.NewTopK[report.GCRange](report.MaxRanges), WorstSTW: stat.NewTopK[STWPause](report.MaxMoments), Assists: stat.NewTopK[model.GInterval](report.MaxMoments)}
}

func (c *GC) Watch(f *model.Facts) {
	ps := f.Ps
	for i := range f.Events {
		ev := &f.Events[i]
		for len(ps) > 0 && ps[0].End <= ev.Time {
			c.proc(&ps[0])
			ps = ps[1:]
		}
		c.event(ev)
	}
	for i := range ps {
		c.proc(&ps[i])
	}
	for _, i := range c.stood.Marks {
		c.assisted(&f.Gs[i])
	}
}

// proc takes a stretch of a P, in order of time with the events: one that was
// under way when somebody began to stop the world had to end for it.
func (c *GC) proc(iv *model.PInterval) {
	if iv.Does == model.PDoesRun && iv.Worker {
		c.out.Workers += int64(iv.End - iv.Start)
	}
	if iv.Does == model.PDoesIdle || iv.Does == model.PDoesSyscall {
		return
	}
	for i := range c.stws {
		if o := &c.stws[i]; iv.P != o.p && iv.Start < o.began {
			o.last, o.stopped = *iv, true
		}
	}
}

// assisted adds a stretch of a goroutine inside a mark assist: it marks while it
// runs, and waits for something to mark or for a P otherwise.
func (c *GC) assisted(iv *model.GInterval) {
	d := int64(iv.End - iv.Start)
	if c.Assists.Admits(d) {
		c.Assists.Offer(d, *iv)
	}
	if iv.State == model.GRunning {
		c.out.Assist += d
	} else {
		c.out.AssistWait += d
	}
}

func (c *GC) event(ev *model.Event) {
	switch ev.Op {
	case model.OpGeneration:
		if ev.Arg != 0 { // events were lost: what is still on is told again
			c.endAll(ev.Time)
		}
	case model.OpGCBegin:
		if !c.marking {
			c.markBegan = ev.Time
			if ev.Arg != 0 && !c.marked {
				c.markBegan = c.zero // already on when the trace began
			}
			c.marking, c.marked = true, true
		}
	case model.OpGCEnd:
		c.endMark(ev.Time)
	case model.OpSTWBegin:
		c.stws = append(c.stws, openSTW{g: ev.G, began: ev.Time, cause: ev.Arg, stack: ev.Stack, p: ev.P})
	case model.OpSTWEnd:
		c.endSTW(ev)
	case model.OpSweepBegin:
		if _, on := c.sweeps[ev.P]; !on {
			c.sweeps[ev.P] = ev.Time
		}
	case model.OpSweepEnd:
		if t, ok := c.sweeps[ev.P]; ok {
			c.out.Sweep += c.within(t, ev.Time)
			delete(c.sweeps, ev.P)
		}
	}
}

func (c *GC) endMark(now model.Time) {
	if !c.marking {
		return
	}
	c.marking = false
	from, to, ok := c.window.Clip(c.markBegan, now)
	if !ok {
		return
	}
	c.out.Cycles++
	c.out.Mark += int64(to - from)
	c.keep(report.GCRange{Start: int64(from - c.zero), End: int64(to - c.zero)})
}

// within is how much of a range lies in the window, in nanoseconds.
func (c *GC) within(start, end model.Time) int64 {
	from, to, ok := c.window.Clip(start, end)
	if !ok {
		return 0
	}
	return int64(to - from)
}

func (c *GC) endSTW(ev *model.Event) {
	i := slices.IndexFunc(c.stws, func(o openSTW) bool { return o.g == ev.G })
	if i < 0 {
		return
	}
	o := c.stws[i]
	c.stws = slices.Delete(c.stws, i, i+1)
	from, to, ok := c.window.Clip(o.began, ev.Time)
	if !ok {
		return
	}
	k := c.kinds[o.cause]
	if k == nil {
		k = &report.STWKind{Cause: c.names.Texts[o.cause]}
		c.kinds[o.cause] = k
	}
	d := int64(to - from)
	k.Count++
	k.Total += d
	if d > k.Max {
		k.Max, k.MaxAt = d, int64(from-c.zero)
	}
	c.out.STWCount++
	c.out.STWTotal += d
	p := STWPause{from, to, o.g, ev.P, o.cause, o.stack, o.last, o.stopped}
	c.WorstSTW.Offer(d, p)
	if p.Late() && p.Last.Does == model.PDoesRun && !p.Last.Runtime {
		c.awaited(&p)
	}
	c.keep(report.GCRange{Start: int64(from - c.zero), End: int64(to - c.zero), STW: true, Cause: k.Cause})
}

// awaited counts a pause for whom it waited for.
func (c *GC) awaited(p *STWPause) {
	a := c.Awaited[p.Last.Stack]
	if a == nil {
		a = &Awaited{}
		c.Awaited[p.Last.Stack] = a
	}
	a.Count++
	a.Sum += p.Stopping()
	a.Max = max(a.Max, p.Stopping())
}

// endAll ends what is under way, except pauses: how long they took is not known.
func (c *GC) endAll(now model.Time) {
	c.endMark(now)
	for _, t := range c.sweeps { // sums do not depend on the order
		c.out.Sweep += c.within(t, now)
	}
	clear(c.sweeps)
	c.stws = nil
}

func (c *GC) keep(r report.GCRange) {
	c.out.RangesLeft++
	c.longest.Offer(r.End-r.Start, r)
	if c.Each != nil {
		c.Each(r)
	}
}

func (c *GC) Fill(r *report.Report) {
	c.endAll(c.zero + model.Time(r.Trace.DurationNS))
	for _, k := range c.kinds {
		c.out.STWs = append(c.out.STWs, *k)
		r.Key.STWMax = max(r.Key.STWMax, k.Max)
	}
	slices.SortFunc(c.out.STWs, func(a, b report.STWKind) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Cause, b.Cause))
	})
	c.out.Ranges = c.longest.Best()
	c.out.RangesLeft -= int64(len(c.out.Ranges))
	slices.SortFunc(c.out.Ranges, func(a, b report.GCRange) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	r.GC = c.out
	r.Key.STWTotal = c.out.STWTotal
	if d := r.Trace.To - r.Trace.From; d > 0 {
		r.Key.GCShare = float64(c.out.Mark) / float64(d)
	}
}
