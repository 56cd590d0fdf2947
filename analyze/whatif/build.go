package whatif

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"

	"gmptrace/analyze/internal/measure"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// bytes is how much is kept; the workload takes no more.
func (c *workloads) bytes() int64 {
	n := int64(0)
	for _, g := range c.order {
		n += int64(len(g.own) + len(g.marks))
	}
	return n
}

// build makes the workload of what was kept, in which computing took the time on Ps.
func (c *workloads) build() *simulate.Workload {
	c.arrange()
	return c.workload(nil, nil)
}

// arrange finds out, of all that was kept, who waits for whom, and who could do as well what
// another one did.
func (c *workloads) arrange() {
	c.connect()
	c.beats()
	c.sites = c.stations()
	c.findMutexes()
	c.holding()
	c.deadlines()
}

// workload makes the workload. With cpus computing takes what it had of a CPU. With a change
// it is changed, and has marks where requests and tasks begin and end.
func (c *workloads) workload(cpus *measure.Machine, ch *changing) *simulate.Workload {
	w := &simulate.Workload{Cycles: slices.Clone(c.cycles)}
	c.spread = 0
	w.Stations, w.Holds, w.Mutexes = slices.Clone(c.sites), c.holds, c.mutexes
	if ch != nil {
		c.resize(w.Stations, ch.pools)
	}
	w.Grow(len(c.order) + c.allJobs)
	var code []byte
	for _, g := range c.order {
		x := writer{c: c, w: w, g: g, cpus: cpus, ch: ch, at: g.index, local: g.local, part: 1, code: simulate.Code{B: code[:0]},
			as: simulate.Goroutine{Root: g.root, Runtime: g.runtime || g.worker, Tight: g.tight, Locked: g.locked}}
		if !g.worker {
			c.write(g, &x)
		}
		x.as.Last = x.as.Job && g.exits
		w.Write(x.at, x.as, &x.code)
		code = x.code.B
	}
	return w
}

// forget lets go what workloads are made of.
func (c *workloads) forget() {
	for _, g := range c.order {
		g.own, g.marks, g.sends = nil, nil, nil
	}
}

// placed is a mark with its time.
type placed struct {
	at   model.Time
	kind markStep
	a, b uint64

	waited model.Time // how long who is woken has waited, of markAnswer, markUnlock and markTaken
	stack  uint32     // that it waited with; of markAcquire and markRelease one that locks
	by     uint32     // stack of who wakes it
}

// writer puts a goroutine's own steps and its marks into one sequence.
type writer struct {
	c     *workloads
	w     *simulate.Workload
	g     *gWork
	at    int                // which goroutine or job of w is being written
	as    simulate.Goroutine // what it is
	code  simulate.Code
	marks []placed
	acc   int64 // ns computed and not yet written
	help  bool  // they were computed for the collector
	local []bool
	cpus  *measure.Machine // nil: computing takes the time on a P
	ch    *changing        // nil: nothing changes
	block uint32           // number of the wait that comes, of those that other goroutines ended
	part  float64          // of what is computed, that is left by the change
	p     model.ProcID     // of the step, -1 where that does not matter
}

// computed is what computing from one time to another takes.
func (w *writer) computed(from, to model.Time) int64 {
	ns := int64(to - from)
	if w.cpus != nil && w.p >= 0 && ns > 0 {
		lost := w.cpus.Divide(w.p, from, to)
		ns = max(0, ns-lost.Total())
	}
	if w.c.crowd != nil && ns > 0 {
		ns = w.c.crowd.alone(from, to, ns)
	}
	if w.part != 1 {
		ns = int64(float64(ns) * w.part)
	}
	return ns
}

// take ends what is being written, as the goroutine waits for a job, and begins that.
func (w *writer) take(station int) {
	if !w.as.Job {
		w.code.Offer(station)
	}
	w.w.Write(w.at, w.as, &w.code)
	next := w.g.jobs
	if w.as.Job {
		next = w.at + 1
	}
	w.at, w.as = next, simulate.Goroutine{Job: true, Station: uint32(station), Tight: w.g.tight, Locked: w.g.locked}
	w.code = simulate.Code{B: w.code.B[:0]}
}

// write writes g's steps.
func (c *workloads) write(g *gWork, w *writer) {
	marks := append(append(append(c.merged[:0], g.holds...), c.placed(g)...), g.asks...)
	for _, x := range g.starts {
		if !x.take {
			marks = append(marks, placed{at: x.at, kind: markSplit, a: uint64(g.station)})
		}
	}
	slices.SortStableFunc(marks, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	w.marks, c.merged = marks, marks
	if g.root && g.first > c.zero {
		w.code.Wait(int64(g.first - c.zero)) // nobody is known to have created it
	}
	if w.ch != nil {
		w.ch.write(w, g)
	} else {
		for s := range g.steps() {
			w.p = s.p
			w.own(s)
		}
	}
	w.upTo(model.Time(1<<63 - 1))
	w.compute()
}

func (w *writer) own(s ownAt) {
	kind, from, to := s.kind, s.from, s.to
	if kind == ownRun || kind == ownAssist {
		if w.help != (kind == ownAssist) {
			w.compute()
			w.help = !w.help
		}
		at := from
		for len(w.marks) > 0 && w.marks[0].at <= to {
			m := w.marks[0]
			w.acc += w.computed(at, max(m.at, at))
			at = max(at, m.at)
			if m.kind == markSTW {
				at = min(to, at+model.Time(m.a))
			}
			w.emit()
		}
		w.acc += w.computed(at, to)
		return
	}
	w.upTo(from)
	for len(w.marks) > 0 && (w.marks[0].kind == markHold || w.marks[0].kind == markAcquire) && w.marks[0].at < to {
		w.emit() // it holds a lock while it waits for something else
	}
	w.compute()
	if kind == ownBlock || kind == ownNet && w.local[0] {
		defer func() { w.block++ }()
	}
	if w.c.takes(w.g, &s) {
		w.take(w.g.station)
		return
	}
	if w.ch != nil {
		if w.ch.spares(&s) {
			if kind == ownBlock {
				w.code.Pass()
			}
			return
		}
		to = from + w.ch.stands(&s)
	}
	switch kind {
	case ownBlock:
		if _, ok := w.g.timed[w.block]; ok {
			w.code.Pass() // that is what the deadline ends
			w.code.Wait(int64(to - from))
			return
		}
		if job, ok := w.g.needs[w.block]; ok {
			w.code.Need(job)
		}
		w.wait(&s)
	case ownWait:
		if ns := w.c.wanted(&s); w.c.atItsTime(&s) {
			w.code.WaitUntil(int64(from-w.c.zero) + ns)
		} else {
			w.code.Wait(ns)
		}
	case ownNet:
		switch {
		case w.local[0]:
			w.code.Block()
		case w.c.accepts(s.stack):
			w.code.NetUntil(int64(to - w.c.zero))
		default:
			w.code.Net(int64(to - from))
		}
		w.local = w.local[1:]
	case ownSyscall:
		w.code.Syscall(int64(to - from))
	case ownBlocking:
		w.code.Blocking(int64(to - from))
	case ownStarved:
		w.code.Starved(int64(to - from))
	}
}

func (w *writer) upTo(at model.Time) {
	for len(w.marks) > 0 && w.marks[0].at <= at {
		w.emit()
	}
}

func (w *writer) compute() {
	if w.help {
		w.code.Assist(w.acc)
	} else {
		w.code.Run(w.acc)
	}
	w.acc = 0
}

// emit writes the next mark.
func (w *writer) emit() {
	m := w.marks[0]
	w.marks = w.marks[1:]
	w.compute()
	switch m.kind {
	case markCreate:
		w.code.Create(int(m.a))
	case markWake, markSwitch, markSend, markAnswer, markUnlock, markTaken:
		w.wake(&m)
	case markHold:
		w.code.Hold(int(m.a))
	case markAcquire:
		if !w.ch.free(m.stack) {
			w.acquire(int(m.a), m.stack, m.at)
		}
	case markRelease:
		w.code.Release(int(m.a))
	case markPut:
		w.code.Put(int(m.a))
	case markSplit:
		w.take(int(m.a))
	case markYield:
		w.code.Yield()
	case markGoyield:
		w.code.Goyield()
	case markGC:
		if w.ch == nil || w.ch.collects(int(m.a)) {
			w.code.GC(int(m.a))
		}
	case markSTW:
		if ns := w.ch.stopped(int64(m.a)); ns > 0 {
			w.code.STW(ns)
		}
	case markBegin:
		w.code.Mark(int(m.a), m.b == 1)
	case markEnd:
		w.code.Mark(int(m.a), false)
	}
}

// wait writes a wait that another goroutine ended.
func (w *writer) wait(s *ownAt) {
	if n, ok := w.g.lockAt[w.block]; ok {
		if w.code.Pass(); n >= 0 {
			w.acquire(n, s.stack, s.from)
		}
	} else if x, ok := w.g.lockOf[w.block]; ok {
		w.code.Lock(x.n, x.by)
	} else {
		w.code.Block()
	}
}

// acquire writes that a mutex is taken by a stack.
func (w *writer) acquire(n int, stack uint32, at model.Time) {
	if w.c.lockSites.Site(stack).Reading {
		w.code.Share(n, w.serving(at))
	} else {
		w.code.Acquire(n, w.serving(at))
	}
}

// serving is which request the goroutine serves at a time, -1 for none.
func (w *writer) serving(at model.Time) int {
	if w.ch == nil {
		return -1
	}
	return w.ch.a.serving(w.ch.a.ids[w.g.index], at)
}

// wake writes what ends another goroutine's wait.
func (w *writer) wake(m *placed) {
	if n, ok := w.c.mutexOf[m.stack]; ok && m.kind == markUnlock {
		w.code.Release(n)
		return
	}
	to, k, job := w.c.order[m.a].target(m.b)
	switch {
	case job:
		w.code.Put(to)
	case m.kind == markWake || m.kind == markAnswer || m.kind == markUnlock || m.kind == markTaken:
		w.code.Wake(to, k)
	case m.kind == markSwitch:
		w.code.Switch(to, k)
	default:
		w.code.Send(to, k)
	}
}

// ownAt is a step that a goroutine takes by itself.
type ownAt struct {
	kind     ownStep
	from, to model.Time
	p        model.ProcID // -1 where that does not matter
	stack    uint32       // that it stood with, 0 of computing
	recv     bool         // of ownBlock: for what comes out of a channel
	late     int64        // of ownWait: it may have been over so long before
}

// steps are what g did by itself.
func (g *gWork) steps() iter.Seq[ownAt] {
	return func(yield func(ownAt) bool) {
		end := g.base
		for b := g.own; len(b) > 0; {
			s := ownAt{kind: ownStep(b[0]), p: -1}
			gap, n := binary.Varint(b[1:])
			length, m := binary.Uvarint(b[1+n:])
			b = b[1+n+m:]
			s.from = end + model.Time(gap)
			s.to = s.from + model.Time(length)
			end = s.to
			s.recv, s.kind = s.kind&recv != 0, s.kind&^recv
			switch kind := s.kind &^ onP; {
			case s.kind&onP != 0:
				p, n := binary.Uvarint(b)
				s.kind, b, s.p = kind, b[n:], model.ProcID(p)
			case kind != ownRun && kind != ownAssist:
				stack, n := binary.Uvarint(b)
				b, s.stack = b[n:], uint32(stack)
				if kind == ownWait {
					late, n := binary.Uvarint(b)
					b, s.late = b[n:], int64(late)
				}
			}
			if !yield(s) {
				return
			}
		}
	}
}

// placed are g's marks in order of time, up to the next call.
func (c *workloads) placed(g *gWork) []placed {
	out := append(c.room[:0], g.sends...)
	at := c.zero
	for b := g.marks; len(b) > 0; {
		m := placed{kind: markStep(b[0])}
		d, n := binary.Varint(b[1:])
		b = b[1+n:]
		at += model.Time(d)
		m.at = at
		args := 1
		switch m.kind {
		case markWake, markSwitch:
			args = 2
		case markAnswer, markUnlock, markTaken:
			args = 5
		case markYield, markGoyield:
			args = 0
		}
		for i := range args {
			v, n := binary.Uvarint(b)
			b = b[n:]
			switch i {
			case 0:
				m.a = v
			case 1:
				m.b = v
			case 2:
				m.waited = model.Time(v)
			case 3:
				m.stack = uint32(v)
			case 4:
				m.by = uint32(v)
			}
		}
		if args >= 2 {
			m.b = c.order[m.a].number(m.b)
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	c.room = out
	return out
}
