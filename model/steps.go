package model

// The handlers of single events. Each changes the state of a G, M and P and
// yields the stretch that ends; where a goroutine is put is in place.go, where
// a dispatched one came from in find.go.

func (s *Sched) newproc(e *entry) {
	g := s.g(e.g)
	g.fn = e.Stack
	if !s.aged {
		s.aged = true
		s.young = e.Subject <= youngGoID
	}
	s.born(g, GRunnable)
	g.by = e.G
	if e.P < 0 {
		s.globrunqput(e.g, e)
	} else {
		s.runqput(s.p(e.P), e.g, true)
	}
}

// youngGoID is the highest id that the first goroutine created in a trace may
// have for the trace to have begun with the program: the runtime starts some ten
// of its own, more with many Ps.
const youngGoID = 64

func (s *Sched) newprocBlocked(e *entry) {
	g := s.g(e.g)
	g.fn = e.Stack
	g.reason, g.began = ReasonNone, e.Time
	s.born(g, GWaiting)
}

func (s *Sched) newprocSyscall(e *entry) {
	g := s.g(e.g)
	g.fn = e.Stack
	s.born(g, GSyscall)
	if e.M >= 0 {
		m := s.m(e.M)
		m.g, m.sysAt = e.g, e.Time
	}
}

// born begins g's life now.
func (s *Sched) born(g *G, state GState) {
	if g.seen {
		s.diverge(DivergeState, g, NoP)
		s.unqueue(g)
	} else {
		g.seen, g.state = true, GNotExist
	}
	s.setG(g, state, NoG)
}

func (s *Sched) execute(e *entry) {
	g, p := s.g(e.g), s.p(e.P)
	g.next.seq = 0
	if e.again != 0 {
		s.expect(g, s.cur+uint64(e.again))
	}
	s.ensure(g, GRunnable, e)
	since := e.since
	e.since = s.sinceOf(e, g)
	if !p.ran {
		p.ran = true
		if s.young {
			p.fasten()
		}
		if s.young && p.phase.at < 0 {
			p.phase = freshPhase
			if p.id == 0 {
				p.phase = firstPhase
			}
		}
	}
	s.fastenByIdling(e, g, p)
	var f found
	s.find(e, g, p, &f)
	e.since = since // in a trial it holds for what is supposed alone
	if s.trial.over {
		return
	}
	s.dispatched(e, g, p, &f)
}

// dispatched makes g run on p, where f says that it came from.
func (s *Sched) dispatched(e *entry, g *G, p *P, f *found) {
	if f.handed {
		f.sources = f.sources.With(SourceSyscallExit)
		f.source, f.victim, f.certain = SourceSyscallExit, NoP, false
		f.settleTick()
	}
	s.fastenByFound(p, f)
	s.countTick(e, g, p, f)
	s.noteLocked(e, g, p)
	var told *Dispatch
	if s.trial.depth == 0 { // what a trial finds is not told
		told = s.tell(e, g, p, f)
	}
	s.setG(g, GRunning, NoG)
	if told != nil {
		told.Runnable, told.Idle = int32(s.runnable), int32(s.npidle())
	}
	g.place, g.p, g.batch, g.popped, g.kickAt, g.putSeq, g.chain = placeNone, p.id, 0, false, 0, 0, 0
	g.began = s.now
	s.runs(p, e.M, e.g)
	p.source, p.certain, p.first = f.source, f.certain, true
	s.snap(p)
}

// tell yields the dispatch e, but for what it leaves behind.
func (s *Sched) tell(e *entry, g *G, p *P, f *found) *Dispatch {
	d := add(&s.Facts.Dispatches)
	d.Time, d.Ready = s.now, g.since
	d.G, d.By, d.P, d.M, d.Func = g.id, g.by, p.id, e.M, g.fn
	d.Victim, d.WaitedOn = f.victim, f.waited
	d.Source, d.Certain, d.Sources = f.source, f.certain, f.sources
	d.Moved, d.DueMin, d.DueMax, d.Queue = uint8(min(f.moved, 255)), uint8(f.dueMin), uint8(f.dueMax), int32(f.queue)
	d.Turn, d.Beside = f.turn, f.beside
	d.Censored, d.Runtime = g.open&OpenStart != 0, g.roles&roleRuntime != 0
	d.Tick = f.tick
	return d
}

// runs makes goroutine r run on p and its thread.
func (s *Sched) runs(p *P, i MIndex, r gref) {
	s.setP(p, PDoesRun)
	p.g = r
	if i >= 0 {
		m := s.m(i)
		if m.p != p.id {
			s.takeP(i, p)
		}
		m.g = r
		p.m = i
	}
}

// stops makes the P of e look for work after its goroutine stopped.
func (s *Sched) stops(e *entry) {
	if e.M >= 0 {
		s.m(e.M).g = 0
	}
	if e.P < 0 {
		return
	}
	p := s.p(e.P)
	s.stop = e
	s.setP(p, PDoesSched)
	s.stop = nil
	p.g = 0
	s.snap(p)
}

func (s *Sched) park(e *entry) {
	g := s.g(e.g)
	s.ensure(g, GRunning, e)
	if e.Reason == ReasonPreempted {
		s.preempted(e, g)
	}
	s.unqueue(g)
	s.setG(g, GWaiting, NoG)
	g.reason, g.stack = e.Reason, e.Stack
	g.began = e.Time
	s.handoffLocked(e, g)
	s.stops(e)
}

func (s *Sched) gosched(e *entry) {
	g := s.g(e.g)
	s.ensure(g, GRunning, e)
	how := s.preempted(e, g)
	s.setG(g, GRunnable, NoG)
	s.putStopped(e, g, how)
	s.handoffLocked(e, g)
	s.stops(e)
}

// preempted yields how a goroutine stopped that could have gone on.
func (s *Sched) preempted(e *entry, g *G) How {
	how := s.how(e)
	x := add(&s.Facts.Preempts)
	x.Time, x.Ran, x.G, x.P = s.now, s.now-g.began, g.id, e.P
	x.Func, x.Stack, x.How = g.fn, e.Stack, how
	x.Parked, x.Runtime = e.Op == OpPark, g.roles&roleRuntime != 0
	return how
}

// how reads the way of a stop off its reason and stack.
//
// Up to Go 1.25 preemptPark drops the goroutine before it is traced, so that a
// park with reason "preempted" has no stack: its way is unknown.
//
// Source: proc.go, goschedImpl, goyield_m, gopreempt_m, preemptPark.
func (s *Sched) how(e *entry) How {
	switch {
	case e.Reason == ReasonGosched:
		return HowGosched
	case e.Flags&FlagGoyield != 0,
		s.rules.GoyieldHidden && e.Flags&FlagSemrelease != 0 && e.Op == OpGosched:
		return HowGoyield
	case e.Flags&FlagStack == 0:
		return HowUnknown
	case e.Flags&FlagAsyncPreempt != 0:
		return HowSignal
	}
	return HowCooperative
}

func (s *Sched) goexit(e *entry) {
	g := s.g(e.g)
	state := GRunning
	if e.Op == OpGoexitSyscall {
		state = GSyscall
	}
	s.ensure(g, state, e)
	s.unqueue(g)
	n := len(s.Facts.Gs)
	s.closeG(g, NoG)
	if len(s.Facts.Gs) > n {
		s.Facts.Gs[n].Exit = true
	}
	s.handoffLocked(e, g)
	if e.Op == OpGoexit {
		s.stops(e)
	} else if e.M >= 0 {
		s.m(e.M).g = 0
	}
	if s.trial.depth == 0 {
		s.gs.drop(e.g)
	}
}

func (s *Sched) entersyscall(e *entry) {
	g := s.g(e.g)
	s.ensure(g, GRunning, e)
	s.setG(g, GSyscall, NoG)
	g.stack = e.Stack
	if e.M >= 0 {
		m := s.m(e.M)
		m.g, m.sysAt = e.g, e.Time
	}
	if e.P < 0 || e.Flags&FlagNoEnd != 0 {
		return
	}
	p := s.p(e.P)
	s.setP(p, PDoesSyscall)
	p.g = e.g
	if s.givesAway() {
		s.handoff(HandoffBlocking, p, g.id, 0)
	}
}

// givesAway reports whether the system call that begins now is one that gives
// its P away at once: the thread's next step releases it. So does a C thread
// that leaves Go for good, but its goroutine ends with it.
//
// Source: proc.go, entersyscallblock and dropm.
func (s *Sched) givesAway() bool {
	next, seq := s.nextOnM(s.cur)
	if next == nil || next.Op != OpReleasep || next.stw {
		return false
	}
	after, _ := s.nextOnM(seq)
	return after == nil || after.Op != OpGoexitSyscall
}

func (s *Sched) exitsyscall(e *entry) {
	g := s.g(e.g)
	s.ensure(g, GSyscall, e)
	n := len(s.Facts.Gs)
	s.setG(g, GRunning, NoG)
	if len(s.Facts.Gs) > n {
		s.Facts.Gs[n].Unended = e.Flags&FlagNoEnd != 0
	}
	g.began = s.now
	if e.P < 0 {
		return
	}
	p := s.p(e.P)
	g.p = p.id
	s.runs(p, e.M, e.g)
}

func (s *Sched) exitsyscallNoP(e *entry) {
	g := s.g(e.g)
	s.ensure(g, GSyscall, e)
	s.setG(g, GRunnable, NoG)
	if e.M >= 0 {
		m := s.m(e.M)
		m.g = 0
		if m.p == NoP && m.seen && m.does == MDoesSyscall {
			s.closeM(e.M)
			m.does, m.since = MDoesPark, s.now
		}
	}
	s.putAfterSyscall(e, g)
}

func (s *Sched) ready(e *entry) {
	g := s.g(e.g)
	s.ensure(g, GWaiting, e)
	n := len(s.Facts.Gs)
	s.setG(g, GRunnable, e.G)
	g.woken = true
	if len(s.Facts.Gs) > n {
		s.Facts.Gs[n].ByStack, s.Facts.Gs[n].Polled = e.Stack, s.monitor(e)
	}
	s.putReady(e, g)
}

// monitor reports whether the runtime's monitor made a goroutine ready: it never has a P.
// A thread that waits for the network and finds no idle P when something is ready has
// given one up.
//
// Source: runtime/proc.go, findRunnable and sysmon.
func (s *Sched) monitor(e *entry) bool {
	return e.P < 0 && e.G < 0 && (e.M < 0 || !s.m(e.M).seen)
}

// ensure brings g into the state that e implies, if it was in another: the
// reader's order is right, the model missed something.
func (s *Sched) ensure(g *G, state GState, e *entry) {
	switch {
	case !g.seen:
		s.appears(g, state)
	case g.state != state:
		if g.state != GUndetermined {
			s.diverge(DivergeState, g, e.P)
		}
		s.unqueue(g)
		s.setG(g, state, NoG)
		if state == GRunnable {
			g.place = placeUnknown
		}
	}
}

// goStatus restates a goroutine at the beginning of a generation.
func (s *Sched) goStatus(e *entry) {
	g := s.g(e.g)
	state := GState(e.Arg)
	if g.seen && g.state == state {
		return
	}
	s.ensure(g, state, e)
	s.settle(e, g)
}

// appears begins a goroutine that the trace shows in mid-life. In an unbroken
// trace it has been in this state since the trace began; after a break nobody
// knows since when.
func (s *Sched) appears(g *G, state GState) {
	g.seen, g.state, g.open, g.since = true, state, OpenStart, s.start
	if s.broken {
		g.since = s.now
	}
	g.began = g.since
	if state == GRunnable {
		s.counts(true)
		g.place = placeUnknown
		s.latent = max(0, s.latent-1)
	}
}

// settle joins a restated goroutine with the M and P it is on.
func (s *Sched) settle(e *entry, g *G) {
	if e.M < 0 || g.state != GRunning && g.state != GSyscall || e.G != g.id {
		return
	}
	m := s.m(e.M)
	m.g = e.g
	if g.state == GSyscall {
		m.sysAt = s.now
	}
	if e.P < 0 {
		return
	}
	p := s.p(e.P)
	g.p = p.id
	if p.does != PDoesSched || p.g != 0 {
		return
	}
	// Its status came just before and showed it held: it has been running g.
	p.g = e.g
	p.does = PDoesRun
	if g.state == GSyscall {
		p.does = PDoesSyscall
	}
	s.shows(p)
}

func (s *Sched) acquirep(e *entry) {
	p := s.p(ProcID(e.Subject))
	s.setP(p, PDoesSched)
	p.g = 0
	s.noteStart(e, p)
	s.takeP(e.M, p)
	s.redeem(e)
	s.snap(p)
}

func (s *Sched) releasep(e *entry) {
	p := s.p(ProcID(e.Subject))
	does := MDoesPark
	if p.does == PDoesSyscall {
		does = MDoesSyscall
	}
	p.foundNone, p.idleFrom = p.does == PDoesSched && s.stw == 0, s.now
	s.setP(p, PDoesIdle)
	s.leaveP(p, does)
	p.g = 0
}

// retake takes p from a thread in a system call.
func (s *Sched) retake(e *entry) {
	p := s.p(ProcID(e.Subject))
	var id GoID = NoG
	var after Time
	if p.g != 0 {
		id = s.g(p.g).id
	}
	if p.m >= 0 {
		if m := s.m(p.m); m.sysAt > 0 {
			after = s.now - m.sysAt
		}
	}
	switch {
	case e.P < 0 && e.G < 0 && e.M != p.m:
		s.handoff(HandoffRetake, p, id, after)
	case e.G >= 0 && e.P >= 0 && s.stw == 0:
		s.handoff(HandoffSafepoint, p, id, after)
	}
	p.foundNone = false
	s.setP(p, PDoesIdle)
	s.leaveP(p, MDoesSyscall)
	p.g = 0
}

// handoff yields that p leaves its M, and who takes it next.
func (s *Sched) handoff(cause HandoffCause, p *P, g GoID, after Time) {
	h := Handoff{Time: s.now, After: after, G: g, P: p.id, From: p.m, To: NoM, Cause: cause}
	if p.g != 0 && cause == HandoffRetake {
		h.Stack = s.g(p.g).stack
	}
	e := s.ahead.at(s.cur)
	seq := s.cur
	if opClasses[e.Op].subject != subjectP { // announced by what its goroutine does
		var n *entry
		if n, seq = s.nextOnM(s.cur); n == nil || ProcID(n.Subject) != p.id {
			seq = 0
		}
	}
	if seq != 0 {
		if d := s.ahead.at(seq).again; d != 0 {
			if n := s.ahead.at(seq + uint64(d)); n.Op == OpAcquirep {
				h.To = n.M
			}
		}
	}
	s.Facts.Handoffs = append(s.Facts.Handoffs, h)
}

// handoffLocked yields a handoff if g, locked to its M, stopped and the M gave
// its P away: an M that runs only one goroutine and releases its P at each stop.
//
// Source: proc.go, stoplockedm and, at goexit, mexit.
func (s *Sched) handoffLocked(e *entry, g *G) {
	if e.M < 0 || e.P < 0 || s.stw > 0 || !s.lockedTo(g, e.M) {
		return
	}
	if n, _ := s.nextOnM(s.cur); n == nil || n.Op != OpReleasep || n.stw {
		return
	}
	cause := HandoffLockedM
	if e.Op == OpGoexit {
		cause = HandoffMExit
	}
	s.handoff(cause, s.p(e.P), g.id, 0)
}

// lockSure is how many dispatches must have been handed to a goroutine's thread for it to
// seem locked there.
const lockSure = 4

// lockedTo reports whether g seems locked to thread i (LockOSThread): most of
// its dispatches in a row there were handed to the thread, which ran nothing else.
func (s *Sched) lockedTo(g *G, i MIndex) bool {
	return g.lockM == i && g.lockAcq == lockSure && g.lockNet > 0
}

// noteLocked counts dispatches of g on one thread that runs nothing else, and
// those that startlockedm handed to it: another thread gave its P up although g
// was runnable, as if it had found nothing, and this one took it.
//
// Source: proc.go, startlockedm.
func (s *Sched) noteLocked(e *entry, g *G, p *P) {
	if e.M < 0 {
		return
	}
	m := s.m(e.M)
	if g.lockM != e.M || m.lastG != e.g {
		g.lockM, g.lockNet, g.lockAcq = e.M, 0, 0
	}
	m.lastG = e.g
	if m.prevOp == OpAcquirep && p.foundNone && g.since <= p.idleFrom {
		g.lockNet++
		g.lockAcq = min(g.lockAcq+1, lockSure)
	} else {
		g.lockNet--
	}
}

func (s *Sched) procStatus(e *entry) {
	p := s.p(ProcID(e.Subject))
	held := PState(e.Arg) == PRunning
	if held == (p.does != PDoesIdle) {
		if !p.seen { // it has been idle since the trace began
			p.seen, p.since = true, s.start
			s.shows(p)
		}
		return
	}
	if held {
		if !p.seen { // it has been held since the trace began
			p.seen, p.since, p.does = true, s.start, PDoesSched
			s.shows(p)
			s.running++
		} else {
			s.setP(p, PDoesSched)
		}
		s.takeP(e.M, p)
		s.snap(p)
		return
	}
	s.setP(p, PDoesIdle)
	s.leaveP(p, MDoesPark)
	p.g = 0
}

func (s *Sched) gomaxprocs(e *entry) {
	if n := int(e.Arg); n > 0 && n <= maxProcs {
		for id := n; id < len(s.ps); id++ {
			if s.ps[id] != nil {
				s.destroy(s.ps[id])
			}
		}
		if s.declared {
			for id := s.mostProcs; id < n; id++ {
				s.p(ProcID(id)).phase = newPhase
			}
		}
		s.mostProcs = max(s.mostProcs, n)
		s.procs, s.declared = n, true
	}
	s.Facts.Events = append(s.Facts.Events, e.Event)
}

// destroy moves the queue of a P that GOMAXPROCS took away to the global queue's
// head: its ring from the tail on, then runnext, which so comes first.
//
// Source: proc.go, p.destroy.
func (s *Sched) destroy(p *P) {
	for n := p.runq.len(); n > 0; n-- {
		s.globrunqputhead(p.runq.at(n - 1))
	}
	if p.runnext != 0 {
		s.globrunqputhead(p.runnext)
	}
}

func (s *Sched) stwBegin(e *entry) {
	s.stw++
	s.Facts.Events = append(s.Facts.Events, e.Event)
}

func (s *Sched) stwEnd(e *entry) {
	s.stw = max(0, s.stw-1)
	s.Facts.Events = append(s.Facts.Events, e.Event)
}

func (s *Sched) assistBegin(e *entry) { s.setAssist(e, true) }
func (s *Sched) assistEnd(e *entry)   { s.setAssist(e, false) }

// setAssist cuts the running stretch of the goroutine that begins or ends a mark
// assist.
func (s *Sched) setAssist(e *entry, on bool) {
	s.Facts.Events = append(s.Facts.Events, e.Event)
	r := s.gs.find(e.G)
	if r == 0 {
		return
	}
	g := s.g(r)
	if g.seen && g.state == GRunning && g.assists() != on && g.since < s.now {
		s.closeG(g, NoG)
		g.since, g.open = s.now, 0
	}
	g.assist(on)
}

// assist notes whether g is inside a mark assist.
func (g *G) assist(on bool) {
	g.roles &^= roleAssist
	if on {
		g.roles |= roleAssist
	}
}

func (g *G) assists() bool { return g.roles&roleAssist != 0 }

// generation marks a new generation; where Arg is not 0, events were lost
// before it, and what the model knew is void.
func (s *Sched) generation(e *entry) {
	s.Facts.Events = append(s.Facts.Events, e.Event)
	if e.Arg == 0 || !s.started || s.cur == 1 {
		return
	}
	s.broken = true
	s.stw = 0
	s.endWaste()
	for r := gref(1); r <= s.gs.used; r++ {
		g := s.g(r)
		if g.id == NoG || !g.seen {
			continue
		}
		s.unqueue(g)
		g.open |= OpenEnd
		s.setG(g, GUndetermined, NoG)
		g.assist(false)
	}
	for _, p := range s.ps {
		if p != nil && p.seen && p.does != PDoesIdle {
			s.setP(p, PDoesIdle)
			s.leaveP(p, MDoesPark)
			p.g, p.phase = 0, noPhase
		}
	}
}
