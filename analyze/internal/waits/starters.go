package waits

import (
	"sort"

	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// Starters tells who started the goroutines that are there, and what each has done. It
// remembers as many as it has room for, whatever there are: of two that share a place the
// later one. All who ask share one, for replay.Shared.
type Starters struct {
	stood *replay.Stood
	slots []Started // by a hash of the goroutine; nil before the first
	tell  []func(*model.GInterval, *Started)
	ready []func(*model.GInterval, *Started)
}

// NewStarters makes Starters, for replay.Shared.
func NewStarters(s *replay.Session) *Starters {
	return &Starters{stood: replay.Shared(s, replay.NewStood)}
}

// Each has use called with the stretches of the program's goroutines, but not those in which
// one ran and goes on after it, or waited for a P and had before; and with what is known of
// each as of its end, nil for nothing.
func (w *Starters) Each(use func(*model.GInterval, *Started)) { w.tell = append(w.tell, use) }

// EachReady has use called likewise with those in which one waited for a P and had before.
func (w *Starters) EachReady(use func(*model.GInterval, *Started)) { w.ready = append(w.ready, use) }

// Started is a goroutine that was started in the trace.
type Started struct {
	G, By model.GoID // By started it
	Func  uint32     // stack that it started with
	Born  model.Time
	Gave  bool   // for who looks for that: it has let its starter go on
	Busy  uint32 // where it ran for longest, as far as that shows: a stack that it was seen or stopped with, 0 for none
	busy  int64
	Parks bool // that stack is of a wait, which may be elsewhere
	ran   int64
	stood int64      // blocked, or in system calls
	since model.Time // from then on it has run, or its stretch is not over yet
	seen  model.Time // running, last
}

const starterSlots = 1 << 13

func (w *Starters) Watch(f *model.Facts) {
	ps, events := f.Ps, w.stood.Events
	for i := range f.Gs {
		iv := &f.Gs[i]
		for ; len(events) > 0 && events[0].Time < iv.End; events = events[1:] {
			if ev := &events[0]; ev.Stack != 0 && (ev.Op == model.OpCPUSample || ev.Op == model.OpAssistBegin) {
				w.Of(ev.G).saw(ev.Stack, ev.Time, false)
			}
		}
		for ; len(ps) > 0 && ps[0].End <= iv.End; ps = ps[1:] {
			if p := &ps[0]; p.Stack != 0 && p.Does == model.PDoesRun {
				w.Of(p.G).saw(p.Stack, p.End, p.Stopped == model.OpPark)
			}
		}
		if iv.Runtime {
			continue
		}
		if iv.First && iv.State == model.GRunnable && iv.Open&model.OpenStart == 0 {
			w.starts(f.Dispatches, iv)
		}
		s := w.Of(iv.G)
		if s != nil {
			s.did(iv)
		}
		tell, goesOn := w.tell, !iv.Exit && iv.Open&model.OpenEnd == 0
		switch {
		case iv.State == model.GRunning && goesOn:
			continue
		case iv.State == model.GRunnable && goesOn && !iv.First:
			tell = w.ready
		}
		for _, use := range tell {
			use(iv, s)
		}
	}
}

// starts notes who started a goroutine that comes to run for the first time.
func (w *Starters) starts(all []model.Dispatch, iv *model.GInterval) {
	for i := sort.Search(len(all), func(i int) bool { return all[i].Time >= iv.End }); i < len(all) && all[i].Time == iv.End; i++ {
		if all[i].G != iv.G || all[i].By == model.NoG {
			continue
		}
		if w.slots == nil {
			w.slots = make([]Started, starterSlots)
		}
		w.slots[uint64(iv.G)%starterSlots] = Started{G: iv.G, By: all[i].By, Func: iv.Func, Born: iv.Start}
	}
}

// did adds a stretch.
func (s *Started) did(iv *model.GInterval) {
	switch s.since = iv.End; iv.State {
	case model.GRunning:
		s.ran += int64(iv.End - iv.Start)
	case model.GWaiting, model.GSyscall:
		s.stood += int64(iv.End - iv.Start)
	}
}

// saw notes where a goroutine is that has run until now. Where it goes to wait tells less of
// where it ran than where it was stopped, or seen.
func (s *Started) saw(stack uint32, now model.Time, parks bool) {
	if s == nil {
		return
	}
	ns := int64(now - max(s.seen, s.since))
	if s.seen = now; s.Busy == 0 || s.Parks && !parks || s.Parks == parks && ns > s.busy {
		s.Busy, s.busy, s.Parks = stack, ns, parks
	}
}

// Of is what is known of a goroutine that was started in the trace, nil for nothing.
func (w *Starters) Of(g model.GoID) *Started {
	if w.slots == nil || g <= 0 {
		return nil
	}
	if s := &w.slots[uint64(g)%starterSlots]; s.G == g {
		return s
	}
	return nil
}

// Stood is for how long it has been blocked, or in system calls.
func (s *Started) Stood() int64 { return s.stood }

// Ran is for how long it has run by a time at which it runs.
func (s *Started) Ran(now model.Time) int64 { return s.ran + int64(max(0, now-s.since)) }
