package diagnose

import (
	"slices"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// pollers answers: which goroutines run again and again for next to nothing, as they
// yield, wake each other, or are woken by timers? It keeps figures by stack, and the
// last wake-up of as many goroutines as woken has room for.
type pollers struct {
	stands                *replay.Stood
	yields, wakes, timers []*poller // by stack
	turns                 int64     // in all of wakes

	yielded []*poller // by P: whose yield made it look for the next, nil if none did
	woken   []wokenG  // by a hash of the goroutine; nil before the first
}

const (
	pollShort = 5_000           // ns: a traced switch of goroutines takes about half a microsecond, and little work some times that
	pollTurn  = 2 * pollShort   // ns from being woken to waking another: there is a wait for a P in it
	pollGs    = 64              // goroutines of one place that are told apart
	pollSlots = 1024            // goroutines whose last wake-up is remembered: those that poll are few
	pollYield = model.OpGosched // with which a stretch of a P ends that polls
)

// poller is a place in the program that polls.
type poller struct {
	stack       uint32
	other       uint32 // of goroutines that wake each other: where the other waited last
	n, short    int64  // how often, and how often after pollShort at most
	ns          int64  // until the P ran the next; of those that wake each other, between
	ran         stat.Sketch
	first, last model.Time
	gs          []model.GoID // at most pollGs
}

// wokenG is who was woken last by whom.
type wokenG struct {
	g, by model.GoID
	at    model.Time
	stack uint32
}

func newPollers(s *replay.Session) *pollers {
	return &pollers{stands: replay.Shared(s, replay.NewStood)}
}

func (l *pollers) Watch(f *model.Facts) {
	for i := range f.Ps {
		l.didP(&f.Ps[i])
	}
	for _, i := range l.stands.At {
		if iv := &f.Gs[i]; iv.State == model.GWaiting && iv.Open == 0 && !iv.Runtime {
			l.waited(iv)
		}
	}
}

// didP takes in what a P did: it ran a goroutine until that yielded, or looked for the
// next after one had.
func (l *pollers) didP(iv *model.PInterval) {
	yields := iv.Does == model.PDoesRun && iv.Stopped == pollYield && iv.Reason == model.ReasonGosched && !iv.Runtime
	if !yields && (int(iv.P) >= len(l.yielded) || l.yielded[iv.P] == nil) {
		return
	}
	for int(iv.P) >= len(l.yielded) {
		l.yielded = append(l.yielded, nil)
	}
	switch {
	case yields:
		p := pollerAt(&l.yields, iv.Stack)
		p.count(iv.G, iv.Start, iv.End)
		l.yielded[iv.P] = p
		return
	case iv.Does == model.PDoesSched:
		l.yielded[iv.P].ns += int64(iv.End - iv.Start)
	}
	l.yielded[iv.P] = nil
}

// waited takes in that a wait ended: who had been woken by the one that waited, or a
// timer, ended it.
func (l *pollers) waited(iv *model.GInterval) {
	switch {
	case iv.By == model.NoG:
		if !iv.Polled && (iv.Reason == model.ReasonSleep || iv.Reason == model.ReasonChanRecv || iv.Reason == model.ReasonSelect) {
			pollerAt(&l.timers, iv.Stack).count(iv.G, iv.Start, iv.End)
		}
	case queueable[iv.Reason]:
		l.turn(iv)
	}
}

// turn takes in that a goroutine was woken by another, which it may have woken itself
// a moment ago.
func (l *pollers) turn(iv *model.GInterval) {
	if l.woken == nil {
		l.woken = make([]wokenG, pollSlots)
	}
	if x := l.woken[uint64(iv.By)%pollSlots]; x.g == iv.By && x.by == iv.G && iv.End-x.at < pollTurn {
		p := pollerAt(&l.wakes, iv.Stack)
		p.count(iv.G, x.at, iv.End)
		p.ns += int64(iv.End - x.at)
		p.other = x.stack
		l.turns++
	}
	l.woken[uint64(iv.G)%pollSlots] = wokenG{iv.G, iv.By, iv.End, iv.Stack}
}

// pollerAt is the place of a stack in places.
func pollerAt(places *[]*poller, stack uint32) *poller {
	if int(stack) >= len(*places) {
		*places = slices.Grow(*places, int(stack)+1-len(*places))[:stack+1]
	}
	if (*places)[stack] == nil {
		(*places)[stack] = &poller{stack: stack}
	}
	return (*places)[stack]
}

// count takes in one more time, which took from start to end.
func (p *poller) count(g model.GoID, start, end model.Time) {
	if p.n == 0 {
		p.first = start
	}
	p.n++
	p.last = end
	if p.ran.Add(int64(end - start)); end-start < pollShort {
		p.short++
	}
	p.addG(g)
}

// add takes in what was counted at another place.
func (p *poller) add(o *poller) {
	p.n += o.n
	p.short += o.short
	p.ns += o.ns
	p.ran.Merge(&o.ran)
	p.first, p.last = min(p.first, o.first), max(p.last, o.last)
	for _, g := range o.gs {
		p.addG(g)
	}
}

func (p *poller) addG(g model.GoID) {
	if len(p.gs) < pollGs && !slices.Contains(p.gs, g) {
		p.gs = append(p.gs, g)
	}
}

// cost is, of a place that yields, the time of Ps that it took.
func (p *poller) cost() int64 { return p.ran.Sum() + p.ns }

// goroutines is how many there were, as the beginning of a sentence.
func (p *poller) goroutines() string {
	if len(p.gs) < pollGs {
		return words.Plural(len(p.gs), "goroutine")
	}
	return words.Count(pollGs) + " goroutines or more"
}
