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
	until       model.Time  // until then lasts is counted
	lasts       int64       // ns in which somebody of it was awake
	waits       stat.Sketch // of those that went on, from the first of their waits in a row
}

// burstOf is those who were woken last by one goroutine, without a pause.
type burstOf struct {
	g        model.GoID
	from, at model.Time
	size     int64
}

// takes adds one who was woken by g at t, once more since the first of them or not, and is how
// many that makes.
func (b *burstOf) takes(g model.GoID, t model.Time, again bool) int64 {
	if b.size == 0 || b.g != g || t-b.at > herdGap || again {
		*b = burstOf{g: g, from: t}
	}
	b.at = t
	b.size++
	return b.size
}

// awake is a goroutine that was woken, of a herd or not, and has not waited again yet.
type awake struct {
	g      model.GoID
	of     *herd
	many   bool       // were woken before it at that moment
	waited uint32     // stack
	since  model.Time // it has waited there, but to be woken for nothing
	woken  model.Time // last
	ran    int64      // ns
	sched  int64      // ns until their Ps ran the next
	did    bool       // something
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
	lock, since := iv.Reason == model.ReasonSync, iv.Start
	if w.slots != nil && !lock {
		if x := w.awake(iv.G); x != nil {
			since = x.waits(iv)
		}
		if x := w.awake(iv.By); x != nil && iv.By != model.NoG && iv.Open&model.OpenEnd == 0 {
			x.did = true
		}
	}
	if iv.By == model.NoG || iv.Open&model.OpenEnd != 0 || !queueable[iv.Reason] {
		return
	}
	if iv.Stack == 0 || iv.ByStack == 0 {
		if n := w.blind.takes(iv.By, iv.End, false); n == herdWide {
			w.unknown += n
		} else if n > herdWide {
			w.unknown++
		}
		return
	}
	if iv.Reason == model.ReasonCond || w.closes.Of(w.names, iv.ByStack, names.Closes) {
		w.woken(iv, since)
	}
}

// waits takes in that one of a herd waits, and is none of it any more. It returns since when it
// does: where it was woken for nothing, it has never gone on since it first waited there.
func (x *awake) waits(iv *model.GInterval) (since model.Time) {
	h, idle := x.of, !x.did && iv.Stack == x.waited && x.ran < herdShort
	x.of = nil
	if x.many {
		h.looksAt(x, iv.Start, idle)
	}
	if idle {
		return x.since
	}
	h.waits.Add(int64(x.woken - x.since))
	return iv.Start
}

// looksAt takes in one of those who were woken together, which waited again at t, or did something.
func (h *herd) looksAt(x *awake, t model.Time, idle bool) {
	h.seen++
	h.lasts += int64(max(0, t-max(h.until, x.woken)))
	h.until = max(h.until, t)
	if idle {
		h.idle++
		h.ns += x.ran + x.sched
		h.ran.Add(x.ran)
	}
}

// woken takes in that a goroutine was woken that had waited since then, but to be woken for
// nothing.
func (w *herds) woken(iv *model.GInterval, since model.Time) {
	if int(iv.ByStack) >= len(w.byStack) {
		w.byStack = slices.Grow(w.byStack, int(iv.ByStack)+1-len(w.byStack))[:iv.ByStack+1]
	}
	h := w.byStack[iv.ByStack]
	if h == nil {
		h = &herd{stack: iv.ByStack}
		w.byStack[iv.ByStack] = h
	}
	n := h.takes(iv.By, iv.End, w.again(h, iv))
	if w.slots == nil && n == herdWide {
		w.slots = make([]awake, herdSlots)
	}
	if w.slots != nil {
		w.slots[uint64(iv.G)%herdSlots] = awake{g: iv.G, of: h, many: n >= herdWide, waited: iv.Stack, since: since, woken: iv.End}
	}
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
}

// again reports whether a goroutine has been woken since the first one of those was that were
// woken last: they are woken anew.
func (w *herds) again(h *herd, iv *model.GInterval) bool {
	if w.slots == nil {
		return false
	}
	x := &w.slots[uint64(iv.G)%herdSlots]
	return x.g == iv.G && x.woken >= h.from
}
