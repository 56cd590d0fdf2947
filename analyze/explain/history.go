package explain

import (
	"slices"
	"sort"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// history is what every goroutine and P did of late: what an explanation goes
// back through. It is bounded: over soft stretches it forgets what came before
// the oldest thing that is being explained, over hard ones the oldest in any
// case.
type history struct {
	names      *names.Table
	soft, hard int
	base       int // what soft was at first: it grows while something that is being explained goes on

	gs      lines
	ps      []pLine         // by P
	stw     []pause         // stop-the-world pauses, the open one reaching forever
	wastes  []replay.Window // stretches with an idle P beside a runnable goroutine
	idling  model.Idling
	locked  map[model.GoID]*lockedG // nil until a thread gave its P away for one
	inbox   names.Flags             // of stacks: where goroutines wait for their next piece of work
	standBy names.Flags             // likewise: where they wait for the next request or connection

	between names.Flags // likewise: for the next request on a connection
	aside   names.Flags // of stacks: see handsOver

	pages *pages // where what is not here yet is read from; nil if all is here

	view *view // from where it is looked at
	now  model.Time
	lost model.Time // before it stretches may be missing
	kept int        // stretches
	ages []age
	free []*gLine // forgotten ones, to be used again
}

// view is a moment to look at a history from: what came later does not show. So
// an instance can be looked at later than when it ended, and looks the same.
type view struct {
	at   model.Time // nothing that ended after it shows
	open []pSeg     // by P: what had not ended, with an end of 0 for nothing
	idle model.Time // since when a P was idle beside a runnable goroutine, forever for not at all
}

// whole shows all.
var whole = &view{at: replay.Forever, idle: replay.Forever}

// gLine is one goroutine's stretches, in order.
type gLine struct {
	fn      uint32     // stack that it started with
	since   model.Time // when that became known
	was     uint32     // what was held for it before
	segs    []gSeg
	samples []sample
	read    int // number of the page until which it has been read
}

// gSeg is a stretch of a goroutine in one state.
type gSeg struct {
	start, end model.Time
	by         model.GoID   // Waiting: who ended it; Runnable: who readied or created the goroutine
	stack      uint32       // Waiting and Syscall: where it stopped
	byStack    uint32       // Waiting: where it was ended
	p          model.ProcID // where it ran; Runnable: where it was going to run, NoP if it did not
	on         model.ProcID // Runnable: whose local queue it stood in, NoP for none
	state      model.GState
	reason     model.Reason
	source     model.Source // Runnable: of the dispatch that ended it
	assist     bool
	first      bool // Runnable since it was created
	certain    bool
	unended    bool // Syscall: how long it took is not known, it counts as running
	goesOn     bool // it had not ended when the trace did
}

// pause is a time in which the world was stopped, or was being stopped.
type pause struct {
	replay.Window
	gc    bool       // by the collector
	g     model.GoID // that stopped it
	stack uint32     // where
}

// sample is where the CPU profiler found a goroutine running.
type sample struct {
	at    model.Time
	stack uint32
}

// pLine is one P's stretches, in order, and the sweeping done on it.
type pLine struct {
	segs   []pSeg
	ended  model.Time      // the last one
	sweeps []replay.Window // the open one reaches forever
	now    pSeg            // what it began to do last
	sums   sums
}

// pSeg is a stretch of a P.
type pSeg struct {
	start, end model.Time
	g          model.GoID
	fn         uint32
	stack      uint32 // where g stopped at its end, 0 if it did not or that does not show
	p          model.ProcID
	does       model.PActivity
	worker     bool
	runtime    bool
}

// age says how many stretches there were at a time.
type age struct {
	at   model.Time
	kept int
}

func newHistory(n *names.Table, soft, hard int) *history {
	return &history{names: n, soft: soft, hard: hard, base: soft, view: whole}
}

// add takes in the facts.
func (h *history) add(f *model.Facts) {
	h.now = f.Now
	dispatches := f.Dispatches
	for i := range f.Gs {
		iv := &f.Gs[i]
		if !counts(iv) {
			continue
		}
		var d *model.Dispatch
		if iv.State == model.GRunnable {
			d, dispatches = endedBy(iv, dispatches)
		}
		h.line(iv.G).add(iv, d)
		h.kept++
	}
	for i := range f.Events { // after the goroutines that they are about
		h.event(&f.Events[i])
	}
	for i := range f.Ps {
		h.addP(&f.Ps[i])
	}
	for i := range f.Wastes {
		h.wastes = append(h.wastes, replay.Window{From: f.Wastes[i].Start, To: f.Wastes[i].End})
	}
	h.begun(f.Begun)
	h.idle(f)
	h.givenAway(f.Handoffs)
}

// begun takes in what has not ended yet.
func (h *history) begun(all []model.Beginning) {
	for i := range all {
		if l, b := h.p(all[i].P), &all[i]; l != nil {
			l.now = pSeg{start: b.Start, end: b.End, g: b.G, fn: b.Func, does: b.Does, worker: b.Worker, runtime: b.Runtime}
		}
	}
}

// idle takes in whether a P is idle beside a runnable goroutine.
func (h *history) idle(f *model.Facts) {
	if n := len(f.Idling); n > 0 {
		h.idling = f.Idling[n-1]
	}
}

// endedBy is the dispatch that ended a runnable goroutine's stretch, nil if none did, out of
// those that are left; and what is left for later stretches.
func endedBy(iv *model.GInterval, left []model.Dispatch) (*model.Dispatch, []model.Dispatch) {
	for len(left) > 0 && left[0].Time < iv.End {
		left = left[1:]
	}
	for k := range left {
		if left[k].Time != iv.End {
			break
		}
		if left[k].G == iv.G {
			return &left[k], left
		}
	}
	return nil, left
}

// look is the view at a time, until which all is known.
func (h *history) look(now model.Time) *view {
	v := &view{at: now, idle: replay.Forever, open: make([]pSeg, len(h.ps))}
	for i := range h.ps {
		if l := &h.ps[i]; l.ended <= l.now.start && l.now.start < now {
			v.open[i] = l.now
			v.open[i].end = now
		}
	}
	if h.idling.Is && h.idling.Time < now {
		v.idle = h.idling.Time
	}
	return v
}

func (h *history) event(ev *model.Event) {
	switch ev.Op {
	case model.OpSTWBegin:
		if n := len(h.stw); n == 0 || h.stw[n-1].To != replay.Forever {
			h.stw = append(h.stw, pause{replay.Window{From: ev.Time, To: replay.Forever}, strings.HasPrefix(h.names.Texts[ev.Arg], "GC"), ev.G, ev.Stack})
		}
	case model.OpSTWEnd:
		if n := len(h.stw); n > 0 {
			h.stw[n-1].To = ev.Time
		}
	case model.OpSweepBegin:
		if l := h.p(ev.P); l != nil && (len(l.sweeps) == 0 || l.sweeps[len(l.sweeps)-1].To != replay.Forever) {
			l.sweeps = append(l.sweeps, replay.Window{From: ev.Time, To: replay.Forever})
			h.kept++
		}
	case model.OpSweepEnd:
		if l := h.p(ev.P); l != nil && len(l.sweeps) > 0 {
			l.sweeps[len(l.sweeps)-1].To = ev.Time
		}
	case model.OpCPUSample:
		if ev.G > 0 {
			h.line(ev.G).sampled(ev)
			h.kept++
		}
	}
}

func (h *history) p(id model.ProcID) *pLine {
	if id < 0 {
		return nil
	}
	for int(id) >= len(h.ps) {
		h.ps = append(h.ps, pLine{})
	}
	return &h.ps[id]
}

// counts reports whether a stretch is kept: one of no length tells only that its goroutine
// is there.
func counts(iv *model.GInterval) bool { return iv.End > iv.Start || iv.First }

// add adds a stretch; d is the dispatch that ended it, nil if none did.
func (l *gLine) add(iv *model.GInterval, d *model.Dispatch) {
	l.started(iv.Func, iv.End)
	l.segs = roomy(l.segs)
	l.segs = append(l.segs, gSeg{})
	l.segs[len(l.segs)-1].set(iv, d)
}

// put adds a stretch from a page.
func (l *gLine) put(x *pageG) {
	l.started(x.fn, x.end)
	l.segs = append(roomy(l.segs), x.gSeg)
}

// started notes with which stack a goroutine started, which may show late.
func (l *gLine) started(fn uint32, at model.Time) {
	if fn != 0 && fn != l.fn {
		l.fn, l.since, l.was = fn, at, l.fn
	}
}

// roomy is a list with room for one more. It doubles what a long one has: append adds a
// quarter, and so copies each element four times by the end.
func roomy[T any](list []T) []T {
	if n := len(list); n == cap(list) && n > 1<<8 {
		return slices.Grow(list, n)
	}
	return list
}

func (l *gLine) sampled(ev *model.Event) {
	l.samples = append(l.samples, sample{ev.Time, ev.Stack})
}

// set makes s the stretch iv, where it stays; d is the dispatch that ended it.
func (s *gSeg) set(iv *model.GInterval, d *model.Dispatch) {
	s.start, s.end, s.by, s.stack, s.byStack, s.p, s.on = iv.Start, iv.End, iv.By, iv.Stack, iv.ByStack, iv.P, model.NoP
	s.state, s.reason, s.assist, s.first, s.unended = iv.State, iv.Reason, iv.Assist, iv.First && iv.Open&model.OpenStart == 0, iv.Unended
	s.goesOn = iv.Open&model.OpenEnd != 0
	s.source, s.certain = 0, false
	switch {
	case d != nil:
		s.by, s.p, s.on, s.source, s.certain = d.By, d.P, d.WaitedOn, d.Source, d.Certain
	case iv.State == model.GRunnable:
		s.by, s.p, s.on = model.NoG, model.NoP, iv.P
	}
}

// line is that of a goroutine.
func (h *history) line(g model.GoID) *gLine {
	l := h.gs.of(g)
	if l != nil {
		return l
	}
	if n := len(h.free); n > 0 {
		l = h.free[n-1]
		h.free = h.free[:n-1]
	} else {
		l = &gLine{}
	}
	h.gs.put(g, l)
	return l
}

// emptied is an empty list in the memory of another, unless that is much and was hardly
// needed: each of many goroutines may be a busy one for once.
func emptied[T any](list []T) []T {
	if cap(list) > 1<<10 && cap(list) > 3*len(list) {
		return nil
	}
	return list[:0]
}

// clear forgets all. Who did something keeps the memory for it, until the next time:
// those that were busy will be.
func (h *history) clear() {
	h.gs.without(func(l *gLine) bool {
		idle := len(l.segs) == 0
		if idle {
			h.free = append(h.free, l)
		}
		*l = gLine{segs: emptied(l.segs), samples: l.samples[:0]}
		return idle
	})
	for i := range h.ps {
		h.ps[i].segs, h.ps[i].sweeps, h.ps[i].sums = h.ps[i].segs[:0], h.ps[i].sweeps[:0], sums{}
	}
	h.stw, h.wastes, h.ages, h.kept = h.stw[:0], h.wastes[:0], h.ages[:0], 0
}

func (h *history) addP(iv *model.PInterval) {
	if l := h.p(iv.P); l != nil {
		l.segs = append(roomy(l.segs), pSeg{})
		l.segs[len(l.segs)-1].set(iv)
		l.ended = iv.End
		h.kept++
	}
}

// set makes s the stretch iv.
func (s *pSeg) set(iv *model.PInterval) {
	s.start, s.end, s.g, s.fn, s.stack, s.p = iv.Start, iv.End, iv.G, iv.Func, iv.Stack, iv.P
	s.does, s.worker, s.runtime = iv.Does, iv.Worker, iv.Runtime
}

// forget drops what is too old, once there is too much, and calls before before it
// does, with the time until which it drops. oldest is when the oldest thing began that is
// being explained.
func (h *history) forget(oldest model.Time, before func(model.Time)) {
	h.ages = append(h.ages, age{h.now, h.kept})
	if h.kept < h.soft {
		return
	}
	to := min(h.youngest(h.base/2), oldest)
	if h.kept >= h.hard {
		to = max(to, h.youngest(h.hard/2))
	}
	if to <= h.lost {
		h.soft = min(2*h.soft, h.hard)
		return
	}
	before(to)
	h.drop(to)
}

// youngest is the time since which the n youngest stretches ended. What is kept was
// kept in the order of its ends, nearly.
func (h *history) youngest(n int) model.Time {
	i := sort.Search(len(h.ages), func(i int) bool { return h.ages[i].kept >= h.kept-n })
	return h.ages[i].at
}

// drop forgets the stretches that ended by to.
func (h *history) drop(to model.Time) {
	h.lost = to
	n := 0
	h.gs.without(func(l *gLine) bool {
		l.segs = after(l.segs, func(s *gSeg) bool { return s.end > to })
		l.samples = after(l.samples, func(s *sample) bool { return s.at > to })
		n += len(l.segs) + len(l.samples)
		if len(l.segs) > 0 {
			return false
		}
		*l = gLine{segs: l.segs, samples: l.samples}
		h.free = append(h.free, l)
		return true
	})
	for i := range h.ps {
		l := &h.ps[i]
		l.segs = after(l.segs, func(s *pSeg) bool { return s.end > to })
		l.sweeps = after(l.sweeps, func(s *replay.Window) bool { return s.To > to })
		l.sums.drop(to)
		n += len(l.segs) + len(l.sweeps)
	}
	h.stw = after(h.stw, func(s *pause) bool { return s.To > to })
	h.wastes = after(h.wastes, func(s *replay.Window) bool { return s.To > to })
	h.kept, h.soft = n, min(max(h.base, 2*n), h.hard)
	h.ages = append(h.ages[:0], age{to, 0}, age{h.now, n})
}

// after is the tail of list from the first element that is young, moved to its
// beginning.
func after[T any](list []T, young func(*T) bool) []T {
	switch n := len(list); {
	case n == 0 || young(&list[0]):
		return list
	case !young(&list[n-1]):
		return list[:0]
	}
	i := sort.Search(len(list), func(i int) bool { return young(&list[i]) })
	return slices.Delete(list, 0, i)
}

// during calls use with the goroutine's stretches within [from, to], clipped, in
// order; what lies between them is passed with a nil stretch.
func (l gLine) during(from, to model.Time, use func(s *gSeg, from, to model.Time)) {
	i := sort.Search(len(l.segs), func(i int) bool { return l.segs[i].end > from })
	for at := from; at < to; {
		if i == len(l.segs) || l.segs[i].start >= to {
			use(nil, at, to)
			return
		}
		s := &l.segs[i]
		if s.start > at {
			use(nil, at, s.start)
			at = s.start
		}
		end := min(s.end, to)
		if end > at {
			use(s, at, end)
			at = end
		}
		i++
	}
}

// lineOf is what a goroutine did, nil for one that is not known.
func (h *history) lineOf(g model.GoID) *gLine {
	if h.pages != nil {
		return h.pages.lineG(h, g)
	}
	return h.gs.of(g)
}

// did is what P p did.
func (h *history) did(p model.ProcID) []pSeg {
	if h.pages != nil {
		return h.pages.did(p)
	}
	return h.ps[p].segs
}

// of is what shows of a goroutine, nothing for one that is not known.
func (h *history) of(g model.GoID) gLine {
	l := h.lineOf(g)
	if l == nil {
		return gLine{}
	}
	x := *l
	if n := len(x.segs); n > 0 && x.segs[n-1].end > h.view.at {
		x.segs = x.segs[:sort.Search(n, func(i int) bool { return x.segs[i].end > h.view.at })]
	}
	if x.since > h.view.at {
		x.fn = x.was
	}
	return x
}

// does is the stretch of P p at t, nil if none is known, and until when that holds.
func (h *history) does(p model.ProcID, t model.Time) (*pSeg, model.Time) {
	segs := h.did(p)
	return h.doesOf(p, segs, sort.Search(len(segs), func(i int) bool { return segs[i].end > t }), t)
}

// doesOf is the same where segs are those of p, and the one at i is the first that ends
// after t.
func (h *history) doesOf(p model.ProcID, segs []pSeg, i int, t model.Time) (*pSeg, model.Time) {
	var s *pSeg
	switch {
	case i < len(segs) && segs[i].end <= h.view.at:
		s = &segs[i]
	case int(p) < len(h.view.open) && h.view.open[p].end > t:
		s = &h.view.open[p]
	default:
		return nil, replay.Forever
	}
	if s.start > t {
		return nil, s.start
	}
	return s, s.end
}

// within reports whether t lies in one of the spans, which are in order and do
// not overlap, and until when that holds.
func within(spans []replay.Window, t model.Time) (bool, model.Time) {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].To > t })
	if i == len(spans) {
		return false, replay.Forever
	}
	return at(spans[i], t)
}

// at reports whether a span that ends after t has begun by then, and until when
// that holds.
func at(span replay.Window, t model.Time) (bool, model.Time) {
	if span.From > t {
		return false, span.From
	}
	return true, span.To
}

// lastSeen is the stack that shows what the goroutine that ran on p at a time was doing:
// where it stopped next, in the same stretch or after system calls that the trace tells
// no end of; 0 where that does not show.
func (h *history) lastSeen(g model.GoID, p model.ProcID, t model.Time) uint32 {
	if p >= 0 && int(p) < len(h.ps) {
		if s, _ := h.does(p, t); s != nil && s.g == g && s.stack != 0 {
			return s.stack
		}
	}
	segs := h.of(g).segs
	i := sort.Search(len(segs), func(i int) bool { return segs[i].end > t })
	for ; i < len(segs) && segs[i].state != model.GRunnable; i++ {
		if segs[i].stack != 0 {
			return segs[i].stack
		}
	}
	return 0
}
