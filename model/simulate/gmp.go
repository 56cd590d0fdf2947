package simulate

import "gmptrace/model"

// Go's scheduler: proc.go of Go 1.26, as far as the reference model has it, and
// the schedulers that it is compared with.

// ready makes gi runnable. p is the P that does it, -1 for none.
//
// Source: proc.go, ready, newproc, runqput.
func (s *sim) ready(p, gi int32) {
	g := &s.gs[gi]
	g.state, g.since = gRunnable, s.now
	s.runnable++
	s.res.Events++
	switch s.cfg.Scheduler {
	case GMP:
		if s.coroutine && s.ps[p].coro == 0 {
			s.ps[p].coro = gi
			return
		}
		if p < 0 {
			s.contend(-1)
			s.global.Put(gi)
		} else {
			s.touch(p)
			s.spilled(p, s.ps[p].q.Put(gi, true, &s.global))
		}
		s.wakep()
	case SharedQueue:
		s.lock(p)
		s.global.Put(gi)
		if len(s.idle) > 0 {
			s.wakeP(s.takeIdle(-1), false)
		}
	case ThreadQueue:
		s.ps[g.p].fifo.Put(gi)
		if s.ps[g.p].does == pIdle {
			s.wakeP(s.takeIdle(g.p), false)
		}
	}
}

func (s *sim) spilled(p int32, n int) {
	if n > 0 {
		s.contend(p)
		s.res.Overflows++
	}
}

// wakep starts a thread that looks for work, unless one does so already.
//
// Source: proc.go, wakep.
func (s *sim) wakep() {
	if s.spinning == 0 && len(s.idle) > 0 && !s.cfg.NoSteal {
		s.wakeP(s.takeIdle(-1), true)
	} else if s.cfg.NoSteal && len(s.idle) > 0 && (s.global.Len() > 0 || s.gc.wants()) {
		s.wakeP(s.takeIdle(-1), false)
	}
}

// find gives p something to do.
func (s *sim) find(p int32) {
	switch s.cfg.Scheduler {
	case GMP:
		s.findRunnable(p)
	case SharedQueue:
		if s.findWorker(p, true) {
			return
		}
		s.lock(p)
		if gi := s.global.Get(); gi != 0 {
			s.start(p, gi, &s.cfg.Costs.Switch, 0, false)
		} else if !s.findWorker(p, false) {
			s.rest(p, true)
		}
	case ThreadQueue:
		if s.findWorker(p, true) {
			return
		}
		if gi := s.ps[p].fifo.Get(); gi != 0 {
			s.start(p, gi, &s.cfg.Costs.Switch, 0, false)
		} else if !s.findWorker(p, false) {
			s.rest(p, true)
		}
	}
}

// findRunnable looks in the order of the runtime.
//
// Source: proc.go, findRunnable, schedule.
func (s *sim) findRunnable(p int32) {
	pp := &s.ps[p]
	c := &s.cfg.Costs
	if gi := pp.coro; gi != 0 {
		pp.coro = 0
		s.start(p, gi, &nothing, 0, true)
		return
	}
	fresh := s.fresh
	s.fresh = false
	batch := s.runTimers(p, p)
	if s.findWorker(p, true) {
		return
	}
	if s.cfg.Tick > 0 && pp.tick%uint32(s.cfg.Tick) == 0 && s.global.Len() > 0 {
		s.contend(p)
		s.res.TickPulls++
		s.start(p, s.global.Get(), &c.Global, 0, false)
		return
	}
	if gi, inherit := pp.q.Get(); gi != 0 {
		cost := &c.Switch
		if fresh {
			cost = &c.Fresh
		}
		s.start(p, gi, cost, batch, inherit)
		return
	}
	if s.global.Len() > 0 {
		s.contend(p)
		gi, _ := s.global.Batch(len(s.ps), &pp.q)
		s.start(p, gi, &c.Global, 0, false)
		return
	}
	if len(s.dueNet) > 0 && !s.poller.asleep {
		pre := int64(0)
		if !fresh {
			pre = s.rng.of(&c.Netpoll)
		}
		pre += s.together()
		s.start(p, s.poll(p, pre), &c.Fresh, pre, false)
		return
	}
	if s.steals(p) || s.findWorker(p, false) {
		return
	}
	if pp.spinning && !pp.spun {
		s.until(p, pSpin, s.rng.of(&c.Spin))
		return
	}
	s.rest(p, true)
}

// readyOn puts a goroutine whose timer p runs into p's queue.
func (s *sim) readyOn(p, gi int32, at int64) {
	g := &s.gs[gi]
	g.state, g.since = gRunnable, at
	s.runnable++
	s.res.Events++
	s.spilled(p, s.ps[p].q.Put(gi, true, &s.global))
	s.wakep()
}

// pollMost is how many goroutines one look at the network finds on Linux.
//
// Source: netpoll_epoll.go, netpoll.
const pollMost = 128

// poll takes what the network has. The poller's list is a stack: the last is to be
// run, of the others, the later ones first, there is one for each idle P in the
// global queue, and the rest in p's ring.
//
// Source: proc.go, findRunnable, injectglist.
func (s *sim) poll(p int32, pre int64) int32 {
	s.polled = s.now
	n := min(len(s.dueNet), pollMost)
	list := s.dueNet[:n]
	for _, d := range list {
		s.gs[d.g].state, s.gs[d.g].since = gRunnable, min(max(s.now, d.at), s.now+pre)
	}
	s.runnable += n
	s.res.Events += int64(n)
	idle := len(s.idle)
	for i := n - 2; i >= 0; i-- {
		gi := list[i].g
		if n-2-i < idle {
			s.global.Put(gi)
			s.wakeP(s.takeIdle(-1), false)
		} else {
			s.spilled(p, s.ps[p].q.Put(gi, false, &s.global))
		}
	}
	gi := list[n-1].g
	s.dueNet = append(s.dueNet[:0], s.dueNet[n:]...)
	return gi
}

// steals takes work from other Ps, and reports whether p has something to do.
//
// Source: proc.go, stealWork, runqgrab.
func (s *sim) steals(p int32) bool {
	pp := &s.ps[p]
	if s.cfg.NoSteal || !pp.spinning && 2*s.spinning >= len(s.ps)-len(s.idle) {
		return false
	}
	if !pp.spinning {
		pp.spinning = true
		s.spinning++
	}
	if s.runnable <= s.global.Len() && len(s.due) == 0 {
		return false
	}
	n := len(s.ps)
	from := s.rng.below(n)
	next := int32(-1)
	for i := range n {
		v := int32((from + i) % n)
		if v == p {
			continue
		}
		q := &s.ps[v].q
		if q.RingLen() > 0 {
			s.res.Steals++
			s.start(p, pp.q.Steal(q), &s.cfg.Costs.Steal, 0, false)
			return true
		}
		if next < 0 && q.Next() != 0 {
			next = v
		}
	}
	if batch := s.runTimers(p, -1); batch > 0 {
		gi, inherit := pp.q.Get()
		s.start(p, gi, &s.cfg.Costs.Switch, batch, inherit)
		return true
	}
	if next < 0 {
		return false
	}
	if s.ps[next].does != pRun {
		s.stealNext(p, next, &s.cfg.Costs.Steal)
		return true
	}
	pp.victim, pp.want = next, s.ps[next].q.Next()
	s.set(p, pPausing)
	s.timers.add(timer{at: s.now + s.rng.of(&s.cfg.Costs.Pause), kind: timerPause, id: p, gen: pp.gen})
	return true
}

func (s *sim) stealNext(p, victim int32, cost *Cost) {
	s.res.Steals++
	s.start(p, s.ps[victim].q.StealNext(), cost, 0, false)
}

var (
	nothing Cost // of switching to a coroutine
	paused  Cost // of a theft after the pause, which has it all
)

// pauseOver takes the runnext that p paused for, if it is still there.
func (s *sim) pauseOver(p int32) {
	pp := &s.ps[p]
	if q := &s.ps[pp.victim].q; q.Next() == pp.want && q.RingLen() == 0 {
		s.stealNext(p, pp.victim, &paused)
		return
	}
	pp.spun = false
	s.find(p)
}

// due is a goroutine whose wait has ended, and when that was.
type due struct {
	at int64
	g  int32
	p  int32 // where its timer was set, -1 for none
}

// BatchGap is how much apart two waits may have ended to have been ended by one
// thread that ran timers or polled the network once.
const BatchGap = 400 // ns

// together brings in what the network has so soon after what is due that one poll
// gets it too, and returns how long that takes.
func (s *sim) together() int64 {
	last := s.now
	for len(s.timers.heap) > 0 {
		t := &s.timers.heap[0]
		if t.kind != timerNet || t.at > last+BatchGap {
			break
		}
		last = t.at
		if x := s.timers.pop(); s.gs[x.id].state == gWaiting {
			s.dueNet = append(s.dueNet, due{x.at, x.id, -1})
		}
	}
	return last - s.now
}

// Source: proc.go, entersyscall, entersyscallblock.
func (s *sim) entersyscall(p int32, g *gor, gi int32, ns int64, blocking bool) {
	pp := &s.ps[p]
	g.state, g.p = gSyscall, p
	s.ends.set(p, never)
	s.set(p, pSyscall)
	pp.calls++
	s.timers.add(timer{at: s.now + ns, kind: timerSyscall, id: gi})
	if blocking && s.cfg.Scheduler == GMP && !s.cfg.NoHandoff {
		s.handoff(p)
	}
}

// Source: proc.go, exitsyscall, exitsyscallTryGetP, exitsyscallNoP.
func (s *sim) exitsyscall(gi int32) {
	g := &s.gs[gi]
	if g.p >= 0 && s.ps[g.p].does == pSyscall && s.ps[g.p].g == gi {
		p := g.p
		g.state = gRunning
		s.until(p, pRun, 0)
		if s.reached(p) {
			s.exec(p)
		}
		return
	}
	if s.cfg.Scheduler != GMP { // it was in the system call from the beginning on
		s.ready(-1, gi)
		return
	}
	g.state, g.since = gRunnable, s.now
	s.runnable++
	s.res.Events++
	if len(s.idle) > 0 {
		if s.sysmon.asleep {
			s.sysmon.delay, s.sysmon.idle = model.SysmonLeast, 0
		}
		s.start(s.takeIdle(-1), gi, &s.cfg.Costs.Switch, 0, false)
		return
	}
	s.contend(-1)
	s.global.Put(gi)
	s.parked++
}

// handoff gives p, whose goroutine is in a system call, to another thread.
//
// Source: proc.go, handoffp.
func (s *sim) handoff(p int32) {
	s.res.Handoffs++
	s.ps[p].g = 0
	switch {
	case s.ps[p].q.Len() > 0 || s.global.Len() > 0 || s.gc.wants():
		s.wakeP(p, false)
	case s.spinning+len(s.idle) == 0 && !s.cfg.NoSteal:
		s.wakeP(p, true)
	default:
		s.rest(p, false)
	}
}

// watch is one round of sysmon.
//
// Source: proc.go, sysmon, retake.
func (s *sim) watch() {
	m := &s.sysmon
	did := false
	for i := range s.ps {
		did = s.retake(int32(i)) || did
	}
	if len(s.dueNet) > 0 && !s.poller.asleep && s.polled+model.PollLate <= s.now {
		s.polled = s.now
		s.inject()
	}
	if len(s.due) > 0 && len(s.idle) > 0 {
		s.wakeP(s.takeIdle(-1), false) // a timer should have run
	}
	if did {
		m.idle, m.delay = 0, model.SysmonLeast
	} else if m.idle++; m.idle > sysmonPatience {
		m.delay = min(2*m.delay, model.SysmonMost)
	}
	if len(s.idle) == len(s.ps) {
		m.asleep = true
		return
	}
	s.timers.add(timer{at: s.now + m.delay + s.rng.of(&s.cfg.Costs.Slack), kind: timerSysmon})
}

// retake preempts what p has run for too long, and takes p out of a system call
// that lasts, or that comes at the end of a time slice. It reports whether it did
// the latter.
func (s *sim) retake(p int32) bool {
	pp := &s.ps[p]
	if pp.does != pRun && pp.does != pSyscall {
		return false
	}
	over := false
	if pp.seenTick != pp.tick {
		pp.seenTick, pp.seenAt = pp.tick, s.now
	} else {
		over = s.cfg.Slice > 0 && pp.seenAt+s.cfg.Slice <= s.now
	}
	if pp.does == pRun {
		if over && s.reached(p) && (!s.cfg.NoAsync || !s.gs[pp.g].tight) {
			s.preempt(p)
		}
		return false
	}
	if s.cfg.Scheduler != GMP || s.cfg.NoHandoff {
		return false
	}
	if pp.seenCall != pp.calls && !over {
		pp.seenCall, pp.callAt = pp.calls, s.now
		return false
	}
	if pp.q.Len() == 0 && s.spinning+len(s.idle) > 0 && pp.callAt+model.RetakeIdle > s.now {
		return false
	}
	s.handoff(p)
	return true
}
