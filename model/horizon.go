package model

// Lookahead is how many events the model looks ahead before it decides one: a
// few milliseconds of a busy program. Measured on recordings with their truth,
// more makes no answer better and costs cache misses.
const Lookahead = 1 << 12

// entry is an event in the look-ahead, linked with what follows it. Links are
// distances in events; 0 means that nothing follows in the look-ahead.
type entry struct {
	Event
	g     gref   // slot of the goroutine that is the subject
	since Time   // of the event before it on the same M, 0 if none
	given Time   // woken: the same for the thread that released the P last
	freed Time   // and when it did
	woken bool   // OpExecute right after OpAcquirep
	stw   bool   // OpReleasep: in a stop-the-world
	onM   uint32 // next scheduler event on the same M
	onP   uint32 // OpExecute: next dispatch on the same P
	again uint32 // OpExecute: next dispatch of the same G; P operations: next one on the same P
}

// horizon is the ring of events that were read and not yet decided. Sequence
// numbers count events from 1.
type horizon struct {
	ring *[Lookahead]entry
	most uint64 // entries in use
	head uint64 // next to decide
	tail uint64 // next to read
}

func newHorizon(n int) horizon {
	return horizon{ring: new([Lookahead]entry), most: uint64(n), head: 1, tail: 1}
}

func (h *horizon) at(seq uint64) *entry { return &h.ring[seq%Lookahead] }
func (h *horizon) full() bool           { return h.tail-h.head == h.most }

// holds reports whether seq is still to be decided.
func (h *horizon) holds(seq uint64) bool { return seq >= h.head && seq < h.tail }

// inFull is the last event that is read whose number has this lower half.
func (h *horizon) inFull(low uint32) uint64 { return h.tail - uint64(uint32(h.tail)-low) }

// subject says what an Op's Subject is.
type subject uint8

const (
	subjectNone subject = iota
	subjectG
	subjectP
)

// opClass says how an Op enters the look-ahead.
type opClass struct {
	subject subject
	onM     bool // a scheduler step of the M: linked to the next one
}

var opClasses = [numOps]opClass{
	OpNewproc:        {subjectG, true},
	OpNewprocBlocked: {subjectG, true},
	OpNewprocSyscall: {subjectG, true},
	OpExecute:        {subjectG, true},
	OpPark:           {subjectG, true},
	OpGosched:        {subjectG, true},
	OpReady:          {subjectG, true},
	OpGoexit:         {subjectG, true},
	OpGoexitSyscall:  {subjectG, true},
	OpEntersyscall:   {subjectG, true},
	OpExitsyscall:    {subjectG, true},
	OpExitsyscallNoP: {subjectG, true},
	OpGoStatus:       {subjectG, false},
	OpAcquirep:       {subjectP, true},
	OpReleasep:       {subjectP, true},
	OpRetake:         {subjectP, true},
	OpProcStatus:     {subjectP, false},
	OpSTWBegin:       {subjectNone, true},
	OpSTWEnd:         {subjectNone, true},
	OpLabel:          {subjectNone, true},
}

// read puts ev at the end of the look-ahead and links it.
func (s *Sched) read(ev *Event) {
	h := &s.ahead
	seq := h.tail
	h.tail++
	e := h.at(seq)
	e.Event = *ev // field by field: of a whole entry, most would be written twice
	e.g, e.since, e.given, e.freed, e.woken, e.stw, e.onM, e.onP, e.again = 0, 0, 0, 0, false, false, 0, 0, 0
	class := &opClasses[ev.Op]
	var m *M
	before := OpNone
	if ev.M >= 0 {
		m = s.m(ev.M)
		if class.onM {
			if h.holds(m.tail) {
				h.at(m.tail).onM = uint32(seq - m.tail)
			}
			e.since = m.tailAt
			before = m.tailOp
			m.tail, m.tailAt, m.tailOp = seq, ev.Time, ev.Op
		}
	}
	switch class.subject {
	case subjectG:
		s.readG(e, seq, m, before)
	case subjectP:
		p := s.p(ProcID(ev.Subject))
		if h.holds(p.opTail) {
			h.at(p.opTail).again = uint32(seq - p.opTail)
		}
		if !h.holds(p.opHead) {
			p.opHead = seq
		}
		p.opTail = seq
		if ev.Op == OpReleasep {
			e.stw = s.stwAhead > 0
			p.freedFrom, p.freedAt = e.since, e.Time
		}
	default:
		switch ev.Op {
		case OpSTWBegin:
			s.stwAhead++
		case OpSTWEnd:
			s.stwAhead = max(0, s.stwAhead-1)
		case OpGeneration:
			if ev.Arg != 0 {
				s.stwAhead = 0
			}
		}
		// Whoever a P runs has the label while it was promised a mark worker that it gave
		// back, until its next one (1.26: releaseNextGCMarkWorker leaves the mode): so it
		// tells only where nothing else does whose goroutine this is.
		if ev.Op == OpLabel && ev.Flags&(FlagDedicated|FlagFractional|FlagGCIdle) != 0 {
			if r := s.gs.find(ev.G); r != 0 && s.gs.at(r).fn == 0 {
				s.works(s.gs.at(r))
				s.gs.at(r).roles |= roleRuntime
			}
		}
	}
}

// readG finds the subject's slot and learns what the event says of its role:
// that holds for all of its life, so also for what is not decided yet.
func (s *Sched) readG(e *entry, seq uint64, m *M, before Op) {
	id := GoID(e.Subject)
	if m != nil && m.aheadG != 0 && s.gs.at(m.aheadG).id == id {
		e.g = m.aheadG
	} else if e.g = s.gs.find(id); e.g == 0 {
		e.g = s.gs.add(id)
		if e.Op == OpExecute {
			s.latent++
		}
	}
	g := s.gs.at(e.g)
	switch e.Op {
	case OpExecute:
		if last := s.ahead.inFull(g.execTail); s.ahead.holds(last) && s.ahead.at(last).g == e.g {
			s.ahead.at(last).again = uint32(seq - last)
		}
		if e.P >= 0 {
			p := s.p(e.P)
			if before == OpAcquirep {
				e.given, e.freed, e.woken = p.freedFrom, p.freedAt, true
			}
			if s.ahead.holds(p.runTail) {
				s.ahead.at(p.runTail).onP = uint32(seq - p.runTail)
			}
			p.runTail = seq
		}
		if m != nil {
			m.aheadG = e.g
		}
		if !s.ahead.holds(g.next.seq) {
			s.expect(g, seq)
		}
		g.execTail = uint32(seq)
	case OpGosched, OpEntersyscall:
		g.learn(e)
	case OpPark, OpGoStatus:
		g.learn(e)
		if e.Flags&FlagGCWorker != 0 && e.Flags&FlagGCMarkDone == 0 {
			s.works(g)
		}
		if e.Flags&FlagScavenger != 0 {
			g.roles |= roleScavenger
		}
		if e.Flags&FlagTraceReader != 0 && (e.Op == OpGoStatus || e.Reason == ReasonSystem) {
			g.roles |= roleReader
		}
		if e.Flags&FlagRuntimeG != 0 {
			g.roles |= roleRuntime
		}
	case OpNewproc, OpNewprocBlocked, OpNewprocSyscall:
		g.fn = e.Stack
		if e.Flags&FlagGCWorker != 0 {
			s.works(g)
		}
		if e.Flags&FlagRuntimeG != 0 {
			g.roles |= roleRuntime
		}
	}
}

// works notes that g is a mark worker.
func (s *Sched) works(g *G) {
	g.roles |= roleWorker
	s.firstWorker, s.lastWorker = min(s.firstWorker, g.id), max(s.lastWorker, g.id)
}

// learn takes the function that g started with off a stack of its own, for a
// goroutine whose start the trace does not show.
func (g *G) learn(e *entry) {
	if g.fn == 0 {
		g.fn = e.Stack
	}
	switch {
	case e.Flags&FlagRuntimeG != 0:
		g.roles |= roleRuntime
	case e.Flags&FlagStack != 0 && g.roles&roleWorker != 0: // it had another's label
		g.roles &^= roleWorker | roleRuntime
	}
}

// coming is a goroutine's next dispatch.
type coming struct {
	seq   uint64 // never beyond the look-ahead
	since Time   // since when its thread may have had it
	p     ProcID // NoP beyond the look-ahead
	woken bool   // its thread has just got the P
}

// expect notes that event seq is g's next dispatch.
func (s *Sched) expect(g *G, seq uint64) {
	e := s.ahead.at(seq)
	g.next = coming{seq, e.since, e.P, e.woken}
}

// comes is where and when the runnable goroutine r is dispatched next.
func (s *Sched) comes(r gref) coming {
	g := s.gs.at(r)
	if !s.ahead.holds(g.next.seq) {
		return coming{seq: never, p: NoP}
	}
	c := g.next
	if c.woken {
		c.since = s.sinceOf(s.ahead.at(c.seq), g)
	}
	return c
}

// nextOnM is the event after seq on its M, nil beyond the look-ahead.
func (s *Sched) nextOnM(seq uint64) (*entry, uint64) {
	d := s.ahead.at(seq).onM
	if d == 0 {
		return nil, 0
	}
	return s.ahead.at(seq + uint64(d)), seq + uint64(d)
}

// sinceOf is since when a thread may have taken g, which e dispatches: for a
// locked goroutine it was the thread that gave its P to g's own.
func (s *Sched) sinceOf(e *entry, g *G) Time {
	if e.given != 0 && (s.lockedAnywhere(g) || g.place == placeGlobal && g.putM == e.M && e.M >= 0) {
		return e.given
	}
	return e.since
}
