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
	c.connect()
	c.settle()
	return c.workload(nil, nil)
}

// settle ends what was left open.
func (c *workloads) settle() {
	for _, g := range c.order {
		g.flush()
	}
}

// workload makes the workload. With cpus computing takes what it had of a CPU. With a change
// it is changed, and has marks where requests and tasks begin and end.
func (c *workloads) workload(cpus *measure.Machine, ch *changing) *simulate.Workload {
	w := &simulate.Workload{Cycles: slices.Clone(c.cycles)}
	var code simulate.Code
	for _, g := range c.order {
		code.B = code.B[:0]
		code = simulate.Code{B: code.B}
		if !g.worker {
			c.write(g, &code, cpus, ch)
		}
		w.Add(simulate.Goroutine{Root: g.root, Runtime: g.runtime || g.worker, Tight: g.tight, Locked: g.locked}, &code)
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
}

// writer puts a goroutine's own steps and its marks into one sequence.
type writer struct {
	code  *simulate.Code
	marks []placed
	acc   int64 // ns computed and not yet written
	help  bool  // they were computed for the collector
	local []bool
	cpus  *measure.Machine // nil: computing takes the time on a P
	ch    *changing        // nil: nothing changes
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
	if w.part != 1 {
		ns = int64(float64(ns) * w.part)
	}
	return ns
}

// write writes g's steps.
func (c *workloads) write(g *gWork, code *simulate.Code, cpus *measure.Machine, ch *changing) {
	w := writer{code: code, cpus: cpus, marks: c.placed(g), local: g.local, part: 1, ch: ch}
	if g.root && g.first > c.zero {
		code.Wait(int64(g.first - c.zero)) // nobody is known to have created it
	}
	if ch != nil {
		ch.write(&w, g)
	} else {
		for s := range g.steps() {
			w.p = s.p
			w.own(&s)
		}
	}
	w.upTo(model.Time(1<<63 - 1))
	w.compute()
}

func (w *writer) own(s *ownAt) {
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
	w.compute()
	if w.ch != nil {
		if w.ch.spares(s) {
			if kind == ownBlock {
				w.code.Pass()
			}
			return
		}
		to = from + w.ch.stands(s)
	}
	switch kind {
	case ownBlock:
		w.code.Block()
	case ownWait:
		w.code.Wait(int64(to - from))
	case ownNet:
		if w.local[0] {
			w.code.Block()
		} else {
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
	case markWake:
		w.code.Wake(int(m.a), int(m.b))
	case markSwitch:
		w.code.Switch(int(m.a), int(m.b))
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
	case markSend:
		w.code.Send(int(m.a), int(m.b))
	}
}

// ownAt is a step that a goroutine takes by itself.
type ownAt struct {
	kind     ownStep
	from, to model.Time
	p        model.ProcID // -1 where that does not matter
	stack    uint32       // that it stood with, 0 of computing
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
			switch kind := s.kind &^ onP; {
			case s.kind&onP != 0:
				p, n := binary.Uvarint(b)
				s.kind, b, s.p = kind, b[n:], model.ProcID(p)
			case kind != ownRun && kind != ownAssist:
				stack, n := binary.Uvarint(b)
				b, s.stack = b[n:], uint32(stack)
			}
			if !yield(s) {
				return
			}
		}
	}
}

// placed are g's marks in order of time.
func (c *workloads) placed(g *gWork) []placed {
	out := slices.Clone(g.sends)
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
		case markYield, markGoyield:
			args = 0
		}
		for i := range args {
			v, n := binary.Uvarint(b)
			b = b[n:]
			if i == 0 {
				m.a = v
			} else {
				m.b = v
			}
		}
		if m.kind == markWake || m.kind == markSwitch {
			m.b = c.order[m.a].number(m.b)
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	return out
}
