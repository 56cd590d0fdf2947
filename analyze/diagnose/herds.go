package diagnose

import (
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// herds answers: who wakes many goroutines at one moment, and how many of those wait
// again at once? It keeps figures by the stack that wakes, and of as many goroutines
// as slots has room for what they have done since.
type herds struct {
	names   *names.Table
	stands  *replay.Stood
	closes  names.Flags // of stacks: closes a channel
	byStack []*herd     // of who wakes
	unknown int64       // woken many at once, without a stack that tells where they had waited
	blind   burstOf

	slots []awake  // by a hash of the goroutine; nil before the first herd
	last  []*awake // by P: who ran on it last, until it runs the next
}

const (
	herdWide  = 8       // woken at once
	herdGap   = 100_000 // ns from one to the next: waking one takes a microsecond at most, with a switch of goroutines between some
	herdShort = 20_000  // ns that who is woken for nothing runs at most: in a herd each has a lock to take and to give back
	herdSlots = 4096    // goroutines remembered
)

// herd is a place that wakes many goroutines at a moment.
type herd struct {
	stack, waited uint32 // where they are woken; where they mostly waited: the last one did
	burstOf
	n, woken    int64 // times that it woke many, and how many in all
	most        int64
	by          model.GoID // who woke that many, from first to last
	first, last model.Time
	seen, idle  int64 // of those: looked at until they waited again or did something, and woken for nothing
	ns          int64 // P time of the latter
	ran         stat.Sketch
}

// burstOf is those who were woken last by one goroutine, without a pause.
type burstOf struct {
	g        model.GoID
	from, at model.Time
	size     int64
}

// takes adds one who was woken by g at t, and is how many that makes.
func (b *burstOf) takes(g model.GoID, t model.Time) int64 {
	if b.size == 0 || b.g != g || t-b.at > herdGap {
		*b = burstOf{g: g, from: t}
	}
	b.at = t
	b.size++
	return b.size
}

// awake is a goroutine of a herd that has not waited again yet.
type awake struct {
	g      model.GoID
	of     *herd
	waited uint32 // stack
	ran    int64  // ns
	sched  int64  // ns until their Ps ran the next
	did    bool   // something
}

func newHerds(s *replay.Session) *herds {
	return &herds{names: s.Names, stands: replay.Shared(s, replay.NewStood)}
}

func (w *herds) Watch(f *model.Facts) {
	ps := f.Ps
	for _, i := range w.stands.At {
		iv := &f.Gs[i]
		if w.slots != nil {
			for ; len(ps) > 0 && ps[0].End <= iv.End; ps = ps[1:] {
				w.onP(&ps[0])
			}
		}
		switch {
		case iv.Runtime:
		case iv.State == model.GWaiting:
			w.waited(iv)
		case w.slots != nil && iv.State == model.GSyscall:
			if x := w.awake(iv.G); x != nil {
				x.did = true
			}
		}
	}
	if w.slots != nil {
		for i := range ps {
			w.onP(&ps[i])
		}
	}
}

// onP takes in what a P did: it ran one of a herd, or looked for the next after it had.
func (w *herds) onP(iv *model.PInterval) {
	for int(iv.P) >= len(w.last) {
		w.last = append(w.last, nil)
	}
	switch x := w.last[iv.P]; {
	case iv.Does == model.PDoesRun:
		if x = w.awake(iv.G); x != nil {
			x.ran += int64(iv.End - iv.Start)
		}
		w.last[iv.P] = x
	case x != nil:
		if iv.Does == model.PDoesSched {
			x.sched += int64(iv.End - iv.Start)
		}
		w.last[iv.P] = nil
	}
}

// awake is what is remembered of a goroutine of a herd that is awake, nil for nothing.
func (w *herds) awake(g model.GoID) *awake {
	if x := &w.slots[uint64(g)%herdSlots]; x.g == g && x.of != nil {
		return x
	}
	return nil
}

// waited takes in a wait: that who waited had nothing to do before it, and who ended it.
func (w *herds) waited(iv *model.GInterval) {
	lock := iv.Reason == model.ReasonSync
	if w.slots != nil && !lock {
		if x := w.awake(iv.G); x != nil {
			x.waits(iv)
		}
		if x := w.awake(iv.By); x != nil && iv.By != model.NoG && iv.Open&model.OpenEnd == 0 {
			x.did = true
		}
	}
	if iv.By == model.NoG || iv.Open&model.OpenEnd != 0 || !queueable[iv.Reason] {
		return
	}
	if iv.Stack == 0 || iv.ByStack == 0 {
		if n := w.blind.takes(iv.By, iv.End); n == herdWide {
			w.unknown += n
		} else if n > herdWide {
			w.unknown++
		}
		return
	}
	if iv.Reason == model.ReasonCond || w.closes.Of(w.names, iv.ByStack, names.Closes) {
		w.woken(iv)
	}
}

// waits takes in that one of a herd waits, and is none of it any more.
func (x *awake) waits(iv *model.GInterval) {
	h := x.of
	h.seen++
	if !x.did && iv.Stack == x.waited && x.ran < herdShort {
		h.idle++
		h.ns += x.ran + x.sched
		h.ran.Add(x.ran)
	}
	x.of = nil
}

// woken takes in that a goroutine was woken.
func (w *herds) woken(iv *model.GInterval) {
	if int(iv.ByStack) >= len(w.byStack) {
		w.byStack = slices.Grow(w.byStack, int(iv.ByStack)+1-len(w.byStack))[:iv.ByStack+1]
	}
	h := w.byStack[iv.ByStack]
	if h == nil {
		h = &herd{stack: iv.ByStack}
		w.byStack[iv.ByStack] = h
	}
	n := h.takes(iv.By, iv.End)
	if n < herdWide {
		return
	}
	h.waited = iv.Stack
	if h.woken++; n == herdWide {
		h.n++
		h.woken += n - 1
	}
	if n > h.most {
		h.most, h.by, h.first, h.last = n, h.g, h.from, h.at
	}
	if w.slots == nil {
		w.slots = make([]awake, herdSlots)
	}
	w.slots[uint64(iv.G)%herdSlots] = awake{g: iv.G, of: h, waited: iv.Stack}
}
