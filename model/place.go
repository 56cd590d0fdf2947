package model

// Where goroutines are put.

// runqput puts r into p's runnext (the goroutine it kicks out goes to the ring)
// or at the tail of p's ring.
//
// Source: proc.go, runqput.
func (s *Sched) runqput(p *P, r gref, next bool) {
	g := s.g(r)
	s.unqueue(g)
	if !next {
		s.ringput(p, r)
		return
	}
	kicked := p.runnext
	p.runnext = r
	g.place, g.p, g.sure = placeRunnext, p.id, true
	if kicked != 0 {
		s.ringput(p, kicked)
		s.g(kicked).kickAt = s.now
	}
}

// ringput puts r at the tail of p's ring; a full ring gives its first half and
// r to the global queue.
//
// Source: proc.go, runqput and runqputslow.
func (s *Sched) ringput(p *P, r gref) {
	if p.runq.len() == RunqSize {
		s.noteOverflow(p, r)
		p.runq.spill(s.globalPush)
		s.globalPush(r)
		return
	}
	p.runq.push(r)
	g := s.g(r)
	g.place, g.p, g.sure = placeRing, p.id, true
}

// globalPush puts r at the global queue's tail.
func (s *Sched) globalPush(r gref) {
	s.roomInGlobal()
	s.placeGlobal(s.g(r), s.globq.push(r))
}

func (s *Sched) roomInGlobal() {
	if s.globq.full() {
		s.globq.makeRoom(func(r gref, pos int64) { s.g(r).pos = pos })
	}
}

func (s *Sched) placeGlobal(g *G, pos int64) {
	g.place, g.p, g.sure, g.pos = placeGlobal, NoP, true, pos
	g.popped, g.putSeq = false, 0
	g.putAt, g.putEnd, g.putM = s.now, s.now, NoM
}

// globrunqputhead puts r, which stands in a local queue, at the global queue's
// head.
func (s *Sched) globrunqputhead(r gref) {
	g := s.g(r)
	s.unqueue(g)
	s.roomInGlobal()
	s.placeGlobal(g, s.globq.pushHead(r))
}

// globrunqput puts r, which e's thread announced, at the global queue's tail.
// The thread may be stalled between the event and the put: it is done at its
// next event at the latest.
//
// Source: proc.go, globrunqput.
func (s *Sched) globrunqput(r gref, e *entry) {
	g := s.g(r)
	s.unqueue(g)
	s.globalPush(r)
	g.putM, g.putSeq = e.M, s.cur
	if next, _ := s.nextOnM(s.cur); next != nil {
		g.putEnd = next.Time
	}
	s.settled = max(s.settled, g.putEnd)
}

// unqueue takes g out of the queue that it is thought to be in.
func (s *Sched) unqueue(g *G) {
	switch g.place {
	case placeRunnext:
		if p := s.p(g.p); p.runnext != 0 && s.look(p.runnext) == g {
			p.runnext = 0
		}
	case placeRing:
		p := s.p(g.p)
		for i := range p.runq.len() {
			if s.look(p.runq.at(i)) == g {
				p.runq.removeAt(i)
				break
			}
		}
	case placeGlobal:
		s.globq.remove(g.pos)
		if g.popped {
			g.popped = false
			s.popped--
		}
	}
	g.place = placeNone
}

// putStopped queues a goroutine that stopped although it could have gone on.
//
// Source: proc.go, goschedImpl and goyield_m.
func (s *Sched) putStopped(e *entry, g *G, how How) {
	switch {
	case e.P < 0:
		s.globrunqput(e.g, e)
	case how == HowGoyield:
		s.runqput(s.p(e.P), e.g, false)
	case e.Reason == ReasonPreempted && s.rules.PreemptToRunnext && s.stw > 0:
		s.runqput(s.p(e.P), e.g, true)
	default:
		s.globrunqput(e.g, e)
	}
}

// putAfterSyscall places a goroutine that left a system call without the P it
// went in with.
//
// Source: proc.go, exitsyscall, exitsyscallfast_pidle, exitsyscall0 (up to
// 1.25), exitsyscallTryGetP, exitsyscallNoP (1.26).
func (s *Sched) putAfterSyscall(e *entry, g *G) {
	if e.P >= 0 || s.findsIdleP(e) {
		s.direct(g, SourceSyscallExit)
		s.noteSysexit(e, g, false)
		return
	}
	s.globrunqput(e.g, e)
	s.noteSysexit(e, g, true)
}

// findsIdleP reports whether e's thread, which left a system call without a P,
// took the slow path that finds an idle one: the P that it acquires next was
// idle already, nobody else had it in between, and it runs e's goroutine.
func (s *Sched) findsIdleP(e *entry) bool {
	acq, seq := s.nextOnM(s.cur)
	if acq == nil || acq.Op != OpAcquirep {
		return false
	}
	if p := s.p(ProcID(acq.Subject)); p.does != PDoesIdle || p.opHead != seq {
		return false
	}
	ex, _ := s.nextOnM(seq)
	return ex != nil && ex.Op == OpExecute && ex.g == e.g
}

// direct says that g is in no queue and will be dispatched from src.
func (s *Sched) direct(g *G, src Source) {
	s.unqueue(g)
	g.place, g.direct, g.sure = placeDirect, src, true
}

// putReady places a goroutine that became runnable.
func (s *Sched) putReady(e *entry, g *G) {
	switch {
	case s.coroswitch(e):
		s.direct(g, SourceCoroutine)
	case e.P < 0:
		s.globrunqput(e.g, e)
	case e.G < 0:
		s.putFromScheduler(e, g)
	case e.Flags&FlagInject != 0:
		s.injected(e, g)
	case e.Flags&FlagSystemstack != 0 && (g.parked(ReasonNetwork) || g.roles&roleScavenger != 0):
		// Called through systemstack without goready: injectglist, mostly while
		// the world is stopped and no P counts as idle.
		s.runqput(s.p(e.P), e.g, false)
	case g.parked(ReasonAssist):
		s.runqput(s.p(e.P), e.g, false) // gcFlushBgCredit: ready without next
	default:
		s.runqput(s.p(e.P), e.g, true)
	}
}

// parked reports whether g's last park was for reason r.
func (g *G) parked(r Reason) bool { return g.reason == r }

// coroswitch reports whether e is the first of the three events of a switch
// between coroutines: ready, park or exit, execute, within a few nanoseconds,
// without a stack.
//
// Source: coro.go, coroswitch_m; traceruntime.go, GoSwitch.
func (s *Sched) coroswitch(e *entry) bool {
	if e.G < 0 || e.Flags&FlagStack != 0 {
		return false
	}
	stop, seq := s.nextOnM(s.cur)
	if stop == nil || stop.Time-e.Time > 2 {
		return false
	}
	coro := stop.Op == OpGoexit ||
		stop.Op == OpPark && stop.Flags&FlagStack == 0 && (stop.Reason == ReasonNone || stop.Reason == ReasonOther)
	if !coro {
		return false
	}
	ex, _ := s.nextOnM(seq)
	return ex != nil && ex.Op == OpExecute && ex.g == e.g && ex.Time-e.Time <= 4
}

// parkCancel is how soon after its park a goroutine goes on if gopark's unlock
// function refused: what a poll of the network takes is longer.
const parkCancel = 400 // ns

// putFromScheduler places a goroutine readied by a thread with a P that ran no
// goroutine: findRunnable itself.
//
// Source: proc.go, findRunnable, injectglist; mgc.go, findRunnableGCWorker.
func (s *Sched) putFromScheduler(e *entry, g *G) {
	next, seq := s.nextOnM(s.cur)
	starts := next != nil && next.Op == OpExecute && next.g == e.g
	switch {
	case g.roles&roleWorker != 0:
		s.direct(g, SourceGCWorker)
		if starts {
			if label, _ := s.nextOnM(seq); label != nil && label.Op == OpLabel && label.Flags&FlagGCIdle != 0 {
				g.direct = SourceGCIdle
			}
		}
	case g.roles&roleReader != 0:
		s.direct(g, SourceTraceReader)
	case g.parked(ReasonNetwork) && starts:
		m := s.m(e.M)
		if m.prevOp == OpPark && m.prevG == e.g && e.Time-m.prevAt < parkCancel {
			s.direct(g, SourceParkCancelled)
		} else {
			s.direct(g, SourceNetpoll)
		}
	case g.parked(ReasonNetwork) && g.chain == uint32(s.cur):
		// placed with the first of its batch
	case g.parked(ReasonNetwork) && s.netpollBatch(e):
	default:
		s.runqput(s.p(e.P), e.g, true)
		g.sure = !g.parked(ReasonNetwork) // a timer does this; what a poll returns should have been a batch
	}
}

// netpollBatch places a batch of goroutines that the network poller returned,
// if e is the first of one: a chain of readies on one thread that ends in the
// dispatch of the last one, which is in no queue.
func (s *Sched) netpollBatch(e *entry) bool {
	batch := s.scratch[:0]
	seq, x := s.cur, e
	for x != nil && x.Op == OpReady && x.G < 0 && s.g(x.g).parked(ReasonNetwork) {
		batch = append(batch, x.g)
		s.g(x.g).chain = uint32(seq)
		x, seq = s.nextOnM(seq)
	}
	s.scratch = batch
	if x == nil || len(batch) < 2 || x.Op != OpExecute || x.g != batch[len(batch)-1] {
		for _, r := range batch {
			s.g(r).chain = 0
		}
		return false
	}
	s.injectglist(s.p(e.P), batch[:len(batch)-1])
	return true
}

// injected places a list of goroutines that the collector wakes at once, e being
// the first of them or one that was placed with it.
//
// Source: mgcmark.go, gcWakeAllAssists; mgc.go, gcMarkTermination; mheap.go,
// gcController's weak-to-strong waiters; proc.go, injectglist.
func (s *Sched) injected(e *entry, g *G) {
	if g.chain == uint32(s.cur) {
		return
	}
	list := s.scratch[:0]
	seq, x := s.cur, e
	for x != nil && x.Op == OpReady && x.Flags&FlagInject != 0 && s.look(x.g).state == GWaiting || x == e {
		list = append(list, x.g)
		s.g(x.g).chain = uint32(seq)
		x, seq = s.nextOnM(seq)
	}
	s.scratch = list
	s.injectglist(s.p(e.P), list)
}

// injectglist puts goroutines onto the global queue, one for each idle P, and
// the rest into p's ring. How many Ps the runtime counted as idle is not exactly
// known: some may be promised to threads that are just waking. So what happens
// to the goroutines decides.
//
// Source: proc.go, injectglist.
func (s *Sched) injectglist(p *P, list []gref) {
	most := min(s.npidle(), len(list))
	if s.stw > 0 {
		most = 0 // a stopped P is not idle
	}
	least := min(most, s.lastingIdle())
	free := s.npidle() - s.promises() // less the one that who last made work ready has woken a thread for
	likely := max(least, min(most, max(free-1, min(free, s.wentGlobal(p, list)))))
	if s.trial.depth == 0 { // what is tried uses the scratch that it lies in
		s.listed = append(s.listed[:0], list...)
		list = s.listed
	}
	global := s.tryLists(p, list, least, likely, most)
	s.putList(p, list, global)
	s.promise(min(global, most))
	for i, r := range list {
		s.g(r).sure = i < least || i >= most
	}
}

// lastingIdle is how many Ps are idle and stay so for longer than they can have been
// promised to a thread.
func (s *Sched) lastingIdle() int {
	n := 0
	for id := range s.procs {
		if id >= len(s.ps) || s.ps[id] == nil {
			continue
		}
		p := s.ps[id]
		until := s.ahead.at(s.ahead.tail - 1).Time
		if s.ahead.holds(p.opHead) {
			until = s.ahead.at(p.opHead).Time
		}
		if p.does == PDoesIdle && until-s.now > promiseMost {
			n++
		}
	}
	return n
}

// wakeMost is how long a thread may take to wake on a machine with more threads
// to run than cores.
const wakeMost = 16_000_000 // ns

// promiseMost is how long a P that was promised to a thread may stay idle where so
// many threads want to run that what depends on it must not be called sure.
const promiseMost = 50_000_000 // ns

// wentGlobal is how many of list seem to have been put onto the global queue:
// those ahead of the first one that p runs itself, as what is in its ring it runs
// in order; or, if it runs none, those that a thread which was woken takes.
func (s *Sched) wentGlobal(p *P, list []gref) int {
	first, n := uint64(never), 0
	for i, r := range list {
		if c := s.comes(r); c.p == p.id && c.seq < first {
			first, n = c.seq, i
		}
	}
	if first != never && (n != 1 || len(list) > 2 || s.comes(list[0]).p == p.id) {
		return n // a thief would have taken half of them, and p runs its ring in order
	}
	for n = 0; n < len(list); {
		if c := s.comes(list[n]); c.p != NoP && (c.p == p.id || !c.woken || c.since <= s.now) {
			break
		}
		n++
	}
	return n
}
