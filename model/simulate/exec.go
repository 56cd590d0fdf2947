package simulate

// What goroutines do: their steps.

// exec lets p's goroutine take its next steps, up to one that takes time.
func (s *sim) exec(p int32) {
	gi := s.ps[p].g
	g := &s.gs[gi]
	s.offers = -1
	for g.pc < g.to {
		s.here = g.pc
		op, a, b, pc := s.next(g.pc)
		g.pc = pc
		if op != stepMark {
			s.res.Events++
		}
		if steps[op].exec(s, p, gi, a, b) {
			return
		}
	}
	if g.holds > 0 {
		s.lets(p, gi)
	}
	s.stop(p, g, gDone)
	if s.cfg.Fates {
		s.res.Fates[gi-1].End = s.now
	}
	if !g.runtime {
		s.live--
		s.res.Makespan = s.now
	}
	if job := s.follows(gi, s.offers, p); job != 0 {
		s.goesOn(p, job)
		return
	}
	s.find(p)
}

// goesOn makes p's goroutine do a job right away.
func (s *sim) goesOn(p, job int32) {
	g := &s.gs[job]
	g.state, g.p, g.since = gRunning, p, s.now
	s.ps[p].g, s.ps[p].passed = job, false
	s.arrived(g)
	s.lasts(p, 0)
}

// inLine reports whether a goroutine waits for a lock itself, so that who has it next in the
// recorded run stands behind that: unless it waits for gi in the end.
func (s *sim) inLine(behind, gi int32) bool {
	for at := behind; ; at = s.gs[at].behind {
		switch {
		case at == gi:
			return false
		case s.gs[at].behind == 0:
			return at != behind
		}
	}
}

// underway reports whether g goes on by itself, as far as it is known.
func (g *gor) underway() bool {
	return g.state == gRunning || g.state == gRunnable || g.state == gSyscall
}

// mark tells that a mark was come to.
func (s *sim) mark(arg, at int64) {
	if s.cfg.Marked != nil {
		s.cfg.Marked(int(arg>>1), at)
	}
}

// arrived tells the marks that g, which is dispatched, came to when it became runnable.
func (s *sim) arrived(g *gor) {
	for g.rem == 0 && g.pc < g.to && step(s.code[g.pc]) == stepMark {
		a, pc := s.arg(g.pc + 1)
		if a&1 == 0 {
			return
		}
		s.mark(a, max(g.since, 0))
		g.pc = pc
	}
}

// stretched is a length of computing on this machine.
func (s *sim) stretched(ns int64) int64 {
	if s.cfg.Stretch > 0 {
		return max(int64(float64(ns)*s.cfg.Stretch), 1)
	}
	return ns
}

// stop takes g off p.
func (s *sim) stop(p int32, g *gor, state gState) {
	pp := &s.ps[p]
	g.state, g.p = state, p
	if s.cfg.Scheduler == ThreadQueue {
		g.p = p // it never leaves
	}
	pp.g = 0
	s.lasts(p, never)
	if g.locked && s.cfg.Scheduler == GMP {
		pp.passed = true
		s.res.Handoffs++
	}
	if !g.runtime {
		s.res.Makespan = s.now // so far
	}
}

// yield puts g, which could go on, where others come first.
func (s *sim) yield(p int32, g *gor, gi int32, own bool) {
	g.state, g.since = gRunnable, s.now
	s.runnable++
	switch {
	case s.cfg.Scheduler == ThreadQueue:
		s.ps[p].fifo.Put(gi)
	case s.cfg.Scheduler == SharedQueue:
		s.lock(p)
		s.global.Put(gi)
	case own:
		s.spilled(p, s.ps[p].q.Put(gi, false, &s.global))
	default:
		s.contend(p)
		s.global.Put(gi)
	}
}

func (s *sim) create(p, gi int32) {
	g := &s.gs[gi]
	if g.state != gNone {
		return
	}
	if s.cfg.Scheduler == ThreadQueue {
		g.p = s.home(p)
	}
	s.ready(p, gi)
}

// home is the thread that a new goroutine created on p is dealt to.
func (s *sim) home(p int32) int32 {
	if s.cfg.AllOnCreator {
		return max(p, 0)
	}
	s.deal++
	return int32((s.deal - 1) % len(s.ps))
}

// passes reports whether g's next Block is ended before it begins.
func (s *sim) passes(g *gor, gi int32) bool {
	if g.early&1 == 0 {
		return false
	}
	s.endsBlock(gi)
	return true
}

// lateOnes brings in the end of a Block that was too far ahead to be noted.
func (s *sim) lateOnes(g *gor, gi int32) {
	if len(s.late) > 0 {
		k := key(gi, g.block+63)
		if _, ok := s.late[k]; ok {
			delete(s.late, k)
			g.early |= 1 << 63
		}
	}
}

func key(g int32, block uint32) uint64 { return uint64(g)<<32 | uint64(block) }

// wake ends the n-th Block of gi.
func (s *sim) wake(p, gi int32, n uint32) {
	if s.unblocks(gi, n) {
		s.ready(p, gi)
	}
}

// unblocks ends the n-th Block of gi, which may not have come to it yet. It reports
// whether gi was in it.
func (s *sim) unblocks(gi int32, n uint32) bool {
	g := &s.gs[gi]
	switch d := int64(n) - int64(g.block); {
	case d < 0: // it was
	case d == 0 && g.state == gBlocked && !g.waits && g.locking == 0:
		g.behind = 0
		g.block++
		g.early >>= 1
		s.lateOnes(g, gi)
		return true
	case d < 64:
		g.early |= 1 << d
	default:
		s.late[key(gi, n)] = struct{}{}
	}
	return false
}

// start makes gi run on p after the cost of getting there.
func (s *sim) start(p, gi int32, cost *Cost, extra int64, inherit bool) {
	pp := &s.ps[p]
	g := &s.gs[gi]
	if !inherit {
		pp.tick++
	}
	gap := s.rng.of(cost) + extra
	s.res.Events++
	s.res.Dispatches++
	s.runnable--
	if g.locked || pp.passed {
		gap = s.rng.of(&s.cfg.Costs.Locked) + extra // another thread has to wake: startlockedm, stoplockedm
		pp.passed = false
	}
	if !g.runtime && g.since >= 0 {
		wait := s.clock(s.v+gap+pp.debt) - g.since
		if s.cfg.Waited != nil {
			s.cfg.Waited(wait)
		}
		if s.cfg.Fates {
			f := &s.res.Fates[gi-1]
			f.Wait = max(f.Wait, wait)
		}
	}
	g.state, g.p, pp.g, pp.began = gRunning, p, gi, s.now
	s.arrived(g)
	s.gaps += gap + pp.debt
	ns := gap + pp.debt + g.rem
	pp.debt = 0
	if g.rem == 0 && g.pc < g.to && step(s.code[g.pc]) == stepRun {
		a, pc := s.arg(g.pc + 1)
		g.pc = pc
		a = s.stretched(a)
		if cost != &nothing { // a coroutine's data are where it runs
			a = max(a+s.cfg.Crossing, a*2/5)
		}
		ns += a
		s.res.Events++
	}
	g.rem = 0
	s.until(p, pRun, ns)
	if pp.spinning {
		pp.spinning = false
		s.spinning--
		s.wakep()
	}
	pp.spun = false
}

// preempt stops what p runs.
func (s *sim) preempt(p int32) {
	pp := &s.ps[p]
	gi := pp.g
	g := &s.gs[gi]
	g.rem = s.remains(p)
	s.res.Preemptions++
	s.stop(p, g, gNone)
	s.yield(p, g, gi, false)
	s.find(p)
}
