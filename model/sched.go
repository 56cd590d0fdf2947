package model

import "math"

// maxProcs bounds P ids: the runtime itself refuses more (runtime2.go,
// _MaxGomaxprocs is 1<<10 on old versions and unbounded since; a trace that
// says more is damaged).
const maxProcs = 1 << 16

// Sched is the reference scheduler. It follows a trace: every Step reads one
// event into a bounded look-ahead and decides the oldest event there; Drain
// decides the rest. What was decided is appended to Facts.
type Sched struct {
	Facts Facts

	// Depths asks for Facts.Depths, which are many.
	Depths bool
	// Begun asks for Facts.Begun and Idling: who explains a moment needs to know
	// what has not ended yet. Doing asks for Facts.Doing and Idling, for who needs to
	// know it only where he takes the facts, and costs a tenth.
	Begun, Doing bool

	rules Rules
	ahead horizon
	gs    goroutines
	ps    []*P // by id; nil where not seen
	ms    []M  // by MIndex
	globq globq
	progress
	trial trial

	start       Time // of the trace
	started     bool
	broken      bool // since a break in the trace: goroutines not seen since are in unknown states
	procs       int  // GOMAXPROCS; the highest P seen while the trace doesn't say
	declared    bool // GOMAXPROCS was
	mostProcs   int  // the highest GOMAXPROCS declared
	stwAhead    int  // stop-the-world ranges open where reading has come
	aged, young bool // the first newproc was seen; the program began then, by the goroutine's id
	closed      gref // goroutines whose intervals the trace's end has closed
	scratch     []gref
	turned      []*P      // with Begun: that the event being decided made do something else
	shown       []*P      // of which it showed what they have been doing since the trace began
	phases      []phaseOf // scratch
	listed      []gref    // scratch
	beats       beats
	aheadBeats  beats // while a trial looks for phases

	firstWorker, lastWorker GoID // no mark worker known has an id before or after these
}

// progress is what changes with every event and is small: a trial copies it.
type progress struct {
	now     Time
	cur     uint64
	settled Time // when all puts onto the global queue announced so far must be done
	popped  int  // goroutines in it that have left it by all evidence, their dispatch still to come

	running  int // Ps held by an M
	runnable int // goroutines
	promised int // Ps that count as idle, to threads that have not woken yet: see injectglist
	latent   int // of which the look-ahead holds only that they were runnable before the trace showed it
	stw      int // stop-the-world ranges open
	waste    Waste
	wasting  bool

	promisedAt   Time   // when the last were
	pace         Time   // see keepPace
	slack        uint64 // last pull of a batch of which it was not sure which goroutines it took
	strain       int    // how much was assumed so far that is possible but not likely
	doubt        uint64 // event that last contradicted the queues
	passed, kept int    // dispatches from a ring beside an occupied runnext, and from runnext beside a ring
	stop         *entry // that is being decided, nil for other events
}

// New is a scheduler that follows the rules, looking ahead as many events as
// ahead says: at most Lookahead, which 0 stands for.
func New(rules Rules, ahead int) *Sched {
	if ahead == 0 {
		ahead = Lookahead
	}
	s := &Sched{rules: rules, ahead: newHorizon(ahead), gs: newGoroutines(), beats: beats{}, aheadBeats: beats{}, firstWorker: math.MaxInt64, lastWorker: NoG, progress: progress{pace: paceStart}}
	s.globq.log = &s.trial.log
	return s
}

// Step reads ev and decides the oldest event in the look-ahead if that is full.
// Times of events must not decrease.
func (s *Sched) Step(ev *Event) {
	if s.ahead.full() {
		s.decide()
	}
	s.read(ev)
}

// Drain decides all events in the look-ahead.
func (s *Sched) Drain() {
	for s.ahead.head < s.ahead.tail {
		s.decide()
	}
}

// Close ends the trace: it drains the look-ahead and closes every open interval
// at the last event's time.
func (s *Sched) Close() {
	for s.CloseSome(math.MaxInt) {
	}
}

// CloseSome is Close in portions, for whoever takes the facts in between: with a
// million goroutines they are many. It closes the intervals of n goroutines at the
// most, and reports whether there are more.
func (s *Sched) CloseSome(n int) (more bool) {
	if s.closed == 0 {
		s.Drain()
		s.endWaste()
		s.closeProcs()
	}
	for ; n > 0 && s.closed < s.gs.used; n-- {
		s.closed++
		if g := s.gs.at(s.closed); g.id != NoG && g.seen {
			g.open |= OpenEnd
			s.closeG(g, NoG)
		}
	}
	return s.closed < s.gs.used
}

// closeProcs closes the open intervals of Ps and of threads.
func (s *Sched) closeProcs() {
	for _, p := range s.ps {
		if p != nil && p.seen {
			s.closeP(p, PDoesIdle)
		}
	}
	for i := range s.ms {
		s.closeM(MIndex(i))
	}
}

// Take swaps the facts found since it was last called for f, whose memory the
// next ones will use.
func (s *Sched) Take(f *Facts) {
	if s.Doing {
		s.doing()
	}
	f.Reset()
	*f, s.Facts = s.Facts, *f
	f.Now = s.now
}

// doing tells what the Ps do that did something else when this was last told.
func (s *Sched) doing() {
	for _, p := range s.ps {
		if p != nil && p.turned {
			p.turned = false
			s.beginning(p, add(&s.Facts.Doing))
		}
	}
}

// Between reports whether the next event has another time than the one decided
// last, so that no more facts of that moment can come.
func (s *Sched) Between() bool {
	h := &s.ahead
	return h.head == h.tail || h.at(h.head).Time != s.now
}

// Seen is how many goroutines there were, and the most at once.
func (s *Sched) Seen() (all, peak int64) { return s.gs.all, s.gs.peak }

func (s *Sched) decide() {
	h := &s.ahead
	e := h.at(h.head)
	if e.Op == OpExecute {
		s.scout(e)
	}
	s.cur = h.head
	h.head++
	if !s.started {
		s.started, s.start = true, e.Time
	}
	s.now = e.Time
	class := &opClasses[e.Op]
	switch class.subject {
	case subjectG:
		if s.look(e.g).id != GoID(e.Subject) {
			s.refind(e) // it exited since it was read: only a damaged trace goes on about it, and ends trials
		}
	case subjectP:
		s.p(ProcID(e.Subject)).opHead = s.cur + uint64(e.again)
	}
	s.handle(e)
	if e.M >= 0 && class.onM {
		m := s.m(e.M)
		m.olderOp, m.olderG = m.prevOp, m.prevG
		m.prevOp, m.prevG, m.prevAt = e.Op, e.g, e.Time
	}
	s.watchWaste()
	s.tellBegun()
}

// tellBegun tells what the Ps do that the event made do something else.
func (s *Sched) tellBegun() {
	if len(s.turned)+len(s.shown) == 0 || s.trial.depth > 0 {
		return
	}
	for _, p := range s.turned {
		s.beginning(p, add(&s.Facts.Begun))
	}
	for _, p := range s.shown {
		s.stretch(p, add(&s.Facts.Shown))
	}
	s.turned, s.shown = s.turned[:0], s.shown[:0]
}

func (s *Sched) refind(e *entry) {
	if e.g = s.gs.find(GoID(e.Subject)); e.g == 0 {
		e.g = s.gs.add(GoID(e.Subject))
	}
}

// handle does what an event says; one of no case changes no scheduler state.
func (s *Sched) handle(e *entry) {
	switch e.Op {
	case OpNewproc:
		s.newproc(e)
	case OpNewprocBlocked:
		s.newprocBlocked(e)
	case OpNewprocSyscall:
		s.newprocSyscall(e)
	case OpExecute:
		s.execute(e)
	case OpPark:
		s.park(e)
	case OpGosched:
		s.gosched(e)
	case OpReady:
		s.ready(e)
	case OpGoexit, OpGoexitSyscall:
		s.goexit(e)
	case OpEntersyscall:
		s.entersyscall(e)
	case OpExitsyscall:
		s.exitsyscall(e)
	case OpExitsyscallNoP:
		s.exitsyscallNoP(e)
	case OpGoStatus:
		s.goStatus(e)
	case OpAcquirep:
		s.acquirep(e)
	case OpReleasep:
		s.releasep(e)
	case OpRetake:
		s.retake(e)
	case OpProcStatus:
		s.procStatus(e)
	case OpGOMAXPROCS:
		s.gomaxprocs(e)
	case OpSTWBegin:
		s.stwBegin(e)
	case OpSTWEnd:
		s.stwEnd(e)
	case OpAssistBegin:
		s.assistBegin(e)
	case OpAssistEnd:
		s.assistEnd(e)
	case OpGeneration:
		s.generation(e)
	default:
		s.Facts.Events = append(s.Facts.Events, e.Event)
	}
}

func (s *Sched) g(r gref) *G {
	g := s.gs.at(r)
	if s.trial.epoch != 0 && g.kept != s.trial.epoch {
		s.keepG(g)
	}
	return g
}

// look is the goroutine r for reading only: no trial copies it.
func (s *Sched) look(r gref) *G { return s.gs.at(r) }

// m is the thread's state; it grows the table as threads appear.
func (s *Sched) m(i MIndex) *M {
	for int(i) >= len(s.ms) {
		s.ms = append(s.ms, M{p: NoP})
	}
	m := &s.ms[i]
	if s.trial.epoch != 0 && m.kept != s.trial.epoch {
		s.keepM(m)
	}
	return m
}

// p is the processor's state. Ids out of range share one P, so that a damaged
// trace cannot make the model grow without bound.
func (s *Sched) p(id ProcID) *P {
	if id < 0 || id >= maxProcs {
		id = maxProcs - 1
	}
	for int(id) >= len(s.ps) {
		s.ps = append(s.ps, nil)
	}
	if s.ps[id] == nil {
		s.ps[id] = &P{id: id, m: NoM, phase: noPhase, loose: true, runq: ring{q: new([RunqSize]gref), log: &s.trial.log}}
		if !s.declared && id < maxProcs-1 {
			s.procs = max(s.procs, int(id)+1)
		}
	}
	p := s.ps[id]
	if s.trial.epoch != 0 && p.kept != s.trial.epoch {
		s.keepP(p)
	}
	return p
}

// npidle is the number of Ps that no M holds.
func (s *Sched) npidle() int { return max(0, s.procs-s.running) }

// setG closes g's current stretch and begins one in state.
func (s *Sched) setG(g *G, state GState, by GoID) {
	s.closeG(g, by)
	if (g.state == GRunnable) != (state == GRunnable) {
		s.counts(state == GRunnable)
	}
	if state == GRunnable {
		g.by = by
	}
	g.state, g.since, g.open, g.woken = state, s.now, 0, false
}

// counts is one runnable goroutine more, or one fewer.
func (s *Sched) counts(more bool) {
	if more {
		s.runnable++
	} else {
		s.runnable--
	}
	if s.Depths && s.trial.depth == 0 {
		s.Facts.Depths = append(s.Facts.Depths, Depth{s.now, int32(s.runnable)})
	}
}

// closeG writes g's current stretch, which ends now.
func (s *Sched) closeG(g *G, by GoID) {
	if g.state == GNotExist || s.trial.depth > 0 {
		return
	}
	iv := add(&s.Facts.Gs)
	iv.Start, iv.End = g.since, s.now
	iv.G, iv.By, iv.P, iv.Func, iv.Stack = g.id, by, g.p, g.fn, g.stack
	iv.State, iv.Reason, iv.Open = g.state, g.reason, g.open
	iv.First, iv.Assist, iv.Woken = !g.told, g.assists(), g.woken
	iv.Runtime, iv.Worker = g.roles&roleRuntime != 0, g.roles&roleWorker != 0
	g.told = true
}

// setP closes p's current stretch and begins another.
func (s *Sched) setP(p *P, does PActivity) {
	s.closeP(p, does)
	if p.does == PDoesIdle && does != PDoesIdle {
		s.running++
	} else if p.does != PDoesIdle && does == PDoesIdle {
		s.running--
	}
	p.does, p.since = does, s.now
	s.turns(p)
}

// turns notes that p does something else from now on.
func (s *Sched) turns(p *P) {
	p.turned = true // what a trial does to a P is undone
	if s.Begun && s.trial.depth == 0 {
		s.turned = append(s.turned, p)
	}
}

// shows notes that p shows what it has been doing since the trace began.
func (s *Sched) shows(p *P) {
	s.turns(p)
	if s.trial.depth == 0 {
		s.shown = append(s.shown, p)
	}
}

// closeP writes p's current stretch, which ends now because next begins.
func (s *Sched) closeP(p *P, next PActivity) {
	if !p.seen {
		p.seen = true
		p.since = s.start
		if p.does == PDoesIdle && next != PDoesIdle {
			return // idle since the trace began, if it existed
		}
	}
	if p.since == s.now || s.trial.depth > 0 {
		return
	}
	s.stretch(p, add(&s.Facts.Ps))
	p.first = false
}

// stretch writes what p has been doing since it last changed.
func (s *Sched) stretch(p *P, iv *PInterval) {
	iv.Start, iv.End = p.since, s.now
	iv.G, iv.P, iv.M, iv.Does, iv.Waiting = NoG, p.id, p.m, p.does, int32(s.runnable)
	if p.does == PDoesRun || p.does == PDoesSyscall {
		if p.g != 0 {
			g := s.look(p.g)
			iv.G, iv.Func = g.id, g.fn
			if g.state == GRunnable {
				iv.Waiting--
			}
			iv.Runtime, iv.Worker = g.roles&roleRuntime != 0, g.roles&roleWorker != 0
		}
		iv.Source, iv.Certain, iv.First = p.source, p.certain, p.first
		if s.stop != nil {
			iv.Stack, iv.Stopped, iv.Reason = s.stop.Stack, s.stop.Op, s.stop.Reason
		}
	} else if p.does == PDoesIdle {
		iv.M = NoM
	}
}

// beginning writes what p has begun to do.
func (s *Sched) beginning(p *P, b *Beginning) {
	b.Start, b.End, b.G, b.P, b.Does = p.since, s.now, NoG, p.id, p.does
	if p.g != 0 && (p.does == PDoesRun || p.does == PDoesSyscall) {
		g := s.look(p.g)
		b.G, b.Func = g.id, g.fn
		b.Runtime, b.Worker = g.roles&roleRuntime != 0, g.roles&roleWorker != 0
	}
}

// closeM writes the thread's stretch without a P, if it has one.
func (s *Sched) closeM(i MIndex) {
	m := s.m(i)
	if m.p == NoP && m.seen && m.since < s.now {
		s.Facts.Ms = append(s.Facts.Ms, MInterval{Start: m.since, End: s.now, M: i, Does: m.does})
	}
	m.seen = true
}

// takeP makes the thread hold p.
func (s *Sched) takeP(i MIndex, p *P) {
	if i < 0 {
		return
	}
	m := s.m(i)
	s.closeM(i)
	m.p, p.m = p.id, i
}

// leaveP makes the thread that holds p hold none.
func (s *Sched) leaveP(p *P, does MActivity) {
	if p.m < 0 {
		return
	}
	m := s.m(p.m)
	if m.p != p.id {
		return
	}
	m.p, m.does, m.since = NoP, does, s.now
}

// watchWaste follows stretches in which a P was idle while a goroutine was
// runnable; a stopped world is no waste.
func (s *Sched) watchWaste() {
	idle := s.npidle()
	if s.runnable <= 0 || idle == 0 || s.stw > 0 {
		if s.wasting {
			s.endWaste()
		}
		return
	}
	if !s.wasting {
		s.wasting = true
		s.waste = Waste{Start: s.now}
		s.tellIdling(true)
	}
	s.waste.Runnable = max(s.waste.Runnable, int32(s.runnable))
	s.waste.Idle = max(s.waste.Idle, int32(idle))
}

func (s *Sched) endWaste() {
	if s.wasting && s.now > s.waste.Start {
		s.waste.End = s.now
		s.Facts.Wastes = append(s.Facts.Wastes, s.waste)
	}
	if s.wasting {
		s.tellIdling(false)
	}
	s.wasting = false
}

func (s *Sched) tellIdling(is bool) {
	if (s.Begun || s.Doing) && s.trial.depth == 0 {
		s.Facts.Idling = append(s.Facts.Idling, Idling{s.now, is})
	}
}

func (s *Sched) diverge(kind DivergenceKind, g *G, p ProcID) {
	s.doubt = s.cur
	if p >= 0 && kind != DivergeState {
		s.p(p).loosen()
	}
	s.Facts.Divergences = append(s.Facts.Divergences, Divergence{Time: s.now, G: g.id, P: p, Kind: kind})
}
