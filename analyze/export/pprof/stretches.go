package pprof

import (
	"cmp"
	"maps"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// part is a stretch of a goroutine, or what of it lies in one task, handler, instance.
type part struct {
	from, to model.Time
	g        model.GoID
	n        int64  // stretches that end with it: 1 or 0
	fn       uint32 // stack that g started with
	key
}

// key is what parts have in common that are added up. What its numbers stand for is known
// when all has been read.
type key struct {
	stack   uint32 // 0 for none: it is then told where the goroutine started
	of      uint32 // stack that tells what the goroutine runs
	task    int64  // name, by its number in the trace; 0 for none
	handler int32  // key of its requests plus 1; 0 for none
	class   int32  // of the instance that is asked for, by its place in selecting.classes
	state   model.GState
	reason  model.Reason // for which it was blocked
	how     how          // it had stopped or, of what ran, did in the end
	assist  bool         // it ran, to mark for the collector
	worker  bool         // it ran, as a mark worker
	parked  bool         // it did nothing else from beginning to end
}

// how is how a goroutine came to stop.
type how uint8

const (
	howUnknown how = iota
	howReady       // it was blocked, and that ended
	howNew
	howPreempted
	howGosched
	howSyscall
	howBlocked
	howExit
	howNever // not before the trace ended
)

var howNames = [...]string{howUnknown: "unknown", howReady: "ready", howNew: "newproc", howPreempted: "preempted", howGosched: "gosched",
	howSyscall: "exitsyscall", howBlocked: "blocked", howExit: "exit", howNever: "trace-end"}

// stretches cuts what goroutines did into parts. Those of one goroutine it tells in order
// of time.
type stretches struct {
	names  *names.Table
	locks  *names.LockSites
	window *replay.Window // nil for all of the trace
	kind   *kind
	marks  marks
	tell   func(*part)
	told   func(g model.GoID, fn uint32, until model.Time) // of a goroutine all parts until then
	left   func(model.GoID)                                // a goroutine has ended: no part of it is to come

	// Where goroutines stopped that could have gone on, until they run again: what a
	// stretch has as its stack is that of the last park.
	stops map[model.GoID]stop

	// What goroutines ran that have not stopped yet, as far as that was told.
	ran   map[model.GoID]*run
	spare []*run

	unknown int64 // ns in states that the trace does not tell
	samples int64 // of the CPU profiler, in all of the trace
}

type stop struct {
	at    model.Time
	stack uint32
	how   how
}

type run struct{ parts []part }

func newStretches(s *replay.Session, k *kind) *stretches {
	x := &stretches{names: s.Names, locks: &names.LockSites{Names: s.Names}, kind: k, marks: newMarks(), stops: map[model.GoID]stop{}, ran: map[model.GoID]*run{}}
	if s.Part {
		x.window = s.Window
	}
	return x
}

// watch takes in facts, in order of time.
func (s *stretches) watch(f *model.Facts) {
	events, preempts := f.Events, f.Preempts
	for i := range f.Gs {
		iv := &f.Gs[i]
		events = s.marked(events, iv.End)
		for ; len(preempts) > 0 && preempts[0].Time <= iv.Start; preempts = preempts[1:] {
			s.stopped(&preempts[0])
		}
		s.stretch(iv)
		s.marks.skip(iv.G, iv.End)
		s.told(iv.G, iv.Func, s.known(iv))
		if iv.Exit {
			s.marks.left(iv.G)
			s.left(iv.G)
		}
	}
	s.marked(events, replay.Forever)
	for i := range preempts {
		s.stopped(&preempts[i])
	}
}

// marked takes in events until a time, and returns those after it.
func (s *stretches) marked(events []model.Event, until model.Time) []model.Event {
	for ; len(events) > 0 && events[0].Time <= until; events = events[1:] {
		ev := &events[0]
		if ev.Op != model.OpCPUSample {
			s.marks.event(ev)
			continue
		}
		s.samples++
		if len(s.kind.states) == 0 && (s.window == nil || s.window.Holds(ev.Time)) {
			p := part{from: ev.Time, to: ev.Time, g: ev.G, n: 1, key: key{stack: ev.Stack, task: s.marks.now(ev.G), state: model.GRunning}}
			if ev.G > 0 { // else it is the stack of a thread
				p.fn, p.of = ev.Stack, ev.Stack
			}
			s.tell(&p)
		}
	}
	return events
}

// known is until when the parts of a goroutine have been told, after a stretch of it.
func (s *stretches) known(iv *model.GInterval) model.Time {
	if len(s.ran) > 0 {
		if r := s.ran[iv.G]; r != nil && len(r.parts) > 0 {
			return r.parts[0].from
		}
	}
	return iv.End
}

// stopped notes where a goroutine stopped that could have gone on. One that parked, until
// it is resumed, has a stack of its own.
func (s *stretches) stopped(x *model.Preempt) {
	if x.Parked {
		return
	}
	h := howPreempted
	if x.How == model.HowGosched {
		h = howGosched
	}
	s.stops[x.G] = stop{x.Time, x.Stack, h}
}

// stretch takes in a stretch of a goroutine, which is in order of time with those of the
// same one.
func (s *stretches) stretch(iv *model.GInterval) {
	at := s.standsAt(iv)
	switch {
	case iv.State == model.GRunning || iv.Unended: // as the rest of the call
		s.runs(iv, at)
	default:
		s.release(iv.G, at)
	}
	if iv.Exit {
		s.release(iv.G, stop{how: howExit})
	}
	switch {
	case iv.State == model.GUndetermined || iv.State == model.GNotExist:
		s.cut(iv, func(p *part) { s.unknown += int64(p.to - p.from) })
	case iv.State != model.GRunning && !iv.Unended && s.kind.has(iv.State):
		s.cut(iv, func(p *part) {
			p.stack, p.of, p.how = at.stack, s.tells(iv, at.stack), at.how
			if iv.State == model.GWaiting {
				p.reason = s.reason(iv)
			}
			s.tell(p)
		})
	}
}

// standsAt is where a goroutine stands in a stretch in which it does not run, and how it
// came to that.
func (s *stretches) standsAt(iv *model.GInterval) stop {
	switch iv.State {
	case model.GWaiting:
		return stop{iv.Start, iv.Stack, howBlocked}
	case model.GSyscall:
		return stop{iv.Start, iv.Stack, howSyscall}
	case model.GRunnable:
		x, ok := s.stops[iv.G]
		if ok {
			delete(s.stops, iv.G)
		}
		switch {
		case ok && x.at == iv.Start:
			return x
		case iv.Woken:
			return stop{iv.Start, iv.Stack, howReady}
		case iv.Open&model.OpenStart != 0:
			return stop{iv.Start, 0, howUnknown}
		case iv.First:
			return stop{iv.Start, iv.Func, howNew}
		}
		return stop{iv.Start, iv.Stack, howSyscall}
	}
	return stop{iv.Start, 0, howUnknown}
}

// reason is why a goroutine waited: where the collector has it wait on a semaphore of its
// own, that is no lock of the program. It is as in the report's table of functions.
func (s *stretches) reason(iv *model.GInterval) model.Reason {
	switch {
	case iv.Reason != model.ReasonSync || !s.locks.OfCollector(iv.Stack):
		return iv.Reason
	case iv.Assist:
		return model.ReasonAssist
	}
	return model.ReasonUntilGCEnds
}

// tells is the stack that tells what a goroutine runs: the one that it was seen with, as
// far as that reaches down to where it started.
func (s *stretches) tells(iv *model.GInterval, stack uint32) uint32 {
	if seen, began := s.names.Start[stack], s.names.Start[iv.Func]; seen != 0 && (began == 0 || seen == began) {
		return stack
	}
	return iv.Func
}

// cut calls use with the parts of a stretch that lie in the window, by the tasks that its
// goroutine worked for.
func (s *stretches) cut(iv *model.GInterval, use func(*part)) {
	if iv.Open != 0 && iv.End == iv.Start {
		return // it was cut off where it began, and tells nothing
	}
	from, to, open := iv.Start, iv.End, iv.Open
	if s.window != nil {
		var ok bool
		if from, to, ok = s.window.Clip(from, to); !ok {
			return
		}
		if from > iv.Start {
			open |= model.OpenStart
		}
		if to < iv.End {
			open |= model.OpenEnd
		}
	}
	p := part{g: iv.G, fn: iv.Func, key: key{state: iv.State, worker: iv.Worker}}
	p.parked = open == model.OpenStart|model.OpenEnd && (iv.State == model.GWaiting || iv.State == model.GSyscall)
	s.marks.each(iv.G, from, to, func(from, to model.Time, task int64, last bool) {
		p.from, p.to, p.task, p.n = from, to, task, 0
		if last {
			p.n = 1
		}
		use(&p)
	})
}

// runs takes in a stretch in which a goroutine ran: the stack with which it stops is told
// with the next one. Where it began to help the collector it went on.
func (s *stretches) runs(iv *model.GInterval, at stop) {
	if !s.kind.has(model.GRunning) {
		return
	}
	if iv.Unended {
		s.release(iv.G, at)
	}
	r := s.ran[iv.G]
	s.cut(iv, func(p *part) {
		if r == nil {
			r = s.newRun(iv.G)
		}
		p.n, p.state, p.assist = 0, model.GRunning, iv.Assist
		r.parts = append(r.parts, *p)
	})
}

func (s *stretches) newRun(g model.GoID) *run {
	r := &run{}
	if n := len(s.spare); n > 0 {
		r, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	s.ran[g] = r
	return r
}

// release tells what a goroutine ran until it stopped.
func (s *stretches) release(g model.GoID, at stop) {
	if len(s.ran) == 0 {
		return
	}
	r := s.ran[g]
	if r == nil {
		return
	}
	for i := range r.parts {
		p := &r.parts[i]
		p.stack, p.how = at.stack, at.how
		p.of = s.tells(&model.GInterval{Func: p.fn}, at.stack)
		if i == len(r.parts)-1 {
			p.n = 1
		}
		s.tell(p)
	}
	delete(s.ran, g)
	r.parts = r.parts[:0]
	s.spare = append(s.spare, r)
}

// close tells what ran until the trace ended.
func (s *stretches) close() {
	for _, g := range slices.SortedFunc(maps.Keys(s.ran), cmp.Compare) {
		s.release(g, stop{how: howNever})
	}
}
