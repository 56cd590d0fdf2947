package simulate

// meaning is how a step is written, and what it means to who takes it.
type meaning struct {
	args int // numbers behind it

	// exec takes it for p's goroutine gi, and reports whether that goes no further for now.
	exec func(s *sim, p, gi int32, a, b int64) bool

	// law takes it for LawsOf; nil for what the laws are not about.
	law func(l *lawyer, gi int32, a, b int64) bool

	// root brings gi, which is there at the beginning, into what it begins with; nil where it
	// is runnable then.
	root func(s *sim, gi int32, a int64)
}

// steps is all that there is to a step but how Code writes it.
var steps = [...]meaning{
	stepRun:      {1, (*sim).execRun, (*lawyer).lawRun, nil},
	stepCreate:   {1, (*sim).execCreate, (*lawyer).lawCreate, nil},
	stepBlock:    {0, (*sim).execBlock, (*lawyer).lawBlock, (*sim).rootBlock},
	stepWake:     {2, (*sim).execWake, (*lawyer).lawWake, nil},
	stepSwitch:   {2, (*sim).execSwitch, (*lawyer).lawWake, nil},
	stepWait:     {1, (*sim).execWait, (*lawyer).lawWait, (*sim).rootWait},
	stepNet:      {1, (*sim).execNet, (*lawyer).lawWait, (*sim).rootNet},
	stepSyscall:  {1, (*sim).execSyscall, (*lawyer).lawSyscall, (*sim).rootSyscall},
	stepBlocking: {1, (*sim).execBlocking, (*lawyer).lawSyscall, (*sim).rootSyscall},
	stepYield:    {0, (*sim).execYield, (*lawyer).lawYield, nil},
	stepGoyield:  {0, (*sim).execGoyield, (*lawyer).lawYield, nil},
	stepGC:       {1, (*sim).execGC, nil, nil},
	stepSTW:      {1, (*sim).execSTW, (*lawyer).lawMarking, nil},
	stepAssist:   {1, (*sim).execAssist, (*lawyer).lawMarking, nil},
	stepSend:     {2, (*sim).execSend, (*lawyer).lawWake, nil},
	stepStarved:  {1, (*sim).execStarved, (*lawyer).lawMarking, nil}, // at the beginning there is no collection
	stepMark:     {1, (*sim).execMark, nil, nil},
	stepPass:     {0, (*sim).execPass, (*lawyer).lawPass, nil},
	stepUntil:    {1, (*sim).execUntil, (*lawyer).lawUntil, (*sim).rootWait},
	stepNetUntil: {1, (*sim).execNetUntil, (*lawyer).lawUntil, (*sim).rootNet},
	stepHold:     {1, (*sim).execHold, (*lawyer).lawHold, nil},
	stepLock:     {2, (*sim).execLock, (*lawyer).lawLock, nil},
	stepAcquire:  {2, (*sim).execAcquire, (*lawyer).lawAcquire, nil},
	stepShare:    {2, (*sim).execShare, (*lawyer).lawShare, nil},
	stepRelease:  {1, (*sim).execRelease, (*lawyer).lawRelease, nil},
	stepNeed:     {1, (*sim).execNeed, (*lawyer).lawNeed, nil},
	stepPut:      {1, (*sim).execPut, (*lawyer).lawPut, nil},
	stepOffer:    {1, (*sim).execOffer, (*lawyer).lawOffer, (*sim).rootOffer},
}

// next reads the step at pc, which must not be the end, with its arguments.
func (s *sim) next(pc uint32) (op step, a, b int64, to uint32) {
	op = step(s.code[pc])
	pc++
	args := steps[op].args
	if args > 0 {
		a, pc = s.arg(pc)
	}
	if args > 1 {
		b, pc = s.arg(pc)
	}
	return op, a, b, pc
}

// computing has p's goroutine compute for ns.
func (s *sim) computing(p int32, ns int64) bool {
	pp := &s.ps[p]
	s.until(p, pRun, ns+pp.debt)
	pp.debt = 0
	return true
}

// blocks has p's goroutine wait for a Wake.
func (s *sim) blocks(p, gi int32) bool {
	s.stop(p, &s.gs[gi], gBlocked)
	s.find(p)
	return true
}

// waitsFor has p's goroutine wait for what comes of itself after ns.
func (s *sim) waitsFor(p, gi int32, ns int64, kind timerKind) bool {
	s.stop(p, &s.gs[gi], gWaiting)
	s.expires(timer{at: s.now + ns, kind: kind, id: gi})
	s.find(p)
	return true
}

// endsBlock ends gi's next Block before it begins.
func (s *sim) endsBlock(gi int32) {
	g := &s.gs[gi]
	g.block++
	g.early >>= 1
	s.lateOnes(g, gi)
}

func (s *sim) execRun(p, _ int32, a, _ int64) bool { return s.computing(p, s.stretched(a)) }

func (s *sim) execCreate(p, _ int32, a, _ int64) bool {
	s.create(p, int32(a)+1)
	return false
}

func (s *sim) execBlock(p, gi int32, _, _ int64) bool {
	return !s.passes(&s.gs[gi], gi) && s.blocks(p, gi)
}

func (s *sim) execWake(p, _ int32, a, b int64) bool {
	s.wake(p, int32(a)+1, uint32(b))
	return false
}

func (s *sim) execSwitch(p, _ int32, a, b int64) bool {
	s.coroutine = s.cfg.Scheduler == GMP
	s.wake(p, int32(a)+1, uint32(b))
	s.coroutine = false
	return false
}

func (s *sim) execSend(_, _ int32, a, b int64) bool {
	if to := int32(a) + 1; s.unblocks(to, uint32(b)) {
		s.arrives(to)
	}
	return false
}

func (s *sim) execWait(p, gi int32, a, _ int64) bool { return s.waitsFor(p, gi, a, timerWait) }

func (s *sim) execNet(p, gi int32, a, _ int64) bool { return s.waitsFor(p, gi, a, timerNet) }

func (s *sim) execUntil(p, gi int32, a, _ int64) bool {
	return a > s.now && s.waitsFor(p, gi, a-s.now, timerWait)
}

func (s *sim) execNetUntil(p, gi int32, a, _ int64) bool {
	return a > s.now && s.waitsFor(p, gi, a-s.now, timerNet)
}

func (s *sim) execStarved(p, gi int32, a, _ int64) bool {
	return s.gc.on && s.waitsFor(p, gi, a, timerStarved)
}

func (s *sim) execSyscall(p, gi int32, a, _ int64) bool { return s.calls(p, gi, a, false) }

func (s *sim) execBlocking(p, gi int32, a, _ int64) bool { return s.calls(p, gi, a, true) }

// calls has p's goroutine make a system call.
func (s *sim) calls(p, gi int32, ns int64, blocking bool) bool {
	if ns < ShortCall {
		ns = s.stretched(ns)
		if s.scarce() { // it takes a CPU
			s.ps[p].calls++
			return s.computing(p, ns)
		}
	}
	s.entersyscall(p, &s.gs[gi], gi, ns, blocking)
	return true
}

func (s *sim) execYield(p, gi int32, _, _ int64) bool { return s.yields(p, gi, false) }

func (s *sim) execGoyield(p, gi int32, _, _ int64) bool { return s.yields(p, gi, true) }

// yields has p's goroutine let others go first.
func (s *sim) yields(p, gi int32, own bool) bool {
	g := &s.gs[gi]
	s.stop(p, g, gNone)
	s.yield(p, g, gi, own)
	s.find(p)
	return true
}

func (s *sim) execGC(p, _ int32, a, _ int64) bool {
	s.startGC(p, int(a))
	return false
}

func (s *sim) execSTW(p, _ int32, a, _ int64) bool {
	s.stopWorld(p, a)
	return false
}

func (s *sim) execAssist(p, _ int32, a, _ int64) bool {
	a = s.assist(p, a)
	return a > 0 && s.computing(p, a)
}

func (s *sim) execMark(_, _ int32, a, _ int64) bool {
	s.mark(a, s.now)
	return false
}

func (s *sim) execPass(_, gi int32, _, _ int64) bool {
	s.endsBlock(gi)
	return false
}

func (s *sim) execHold(_, _ int32, a, _ int64) bool {
	s.held[a] = true
	return false
}

func (s *sim) execLock(p, gi int32, a, b int64) bool {
	g := &s.gs[gi]
	if g.early&1 == 0 && (s.held[a] || s.gs[b+1].underway() || s.inLine(int32(b)+1, gi)) {
		g.behind = int32(b) + 1
		return s.blocks(p, gi)
	}
	s.endsBlock(gi)
	return false
}

func (s *sim) execAcquire(p, gi int32, a, b int64) bool {
	if s.locks(gi, a) {
		return false
	}
	s.gs[gi].pc = s.here // it tries again when it is woken
	return s.standsFor(p, gi, b)
}

func (s *sim) execShare(p, gi int32, a, b int64) bool {
	return !s.shares(gi, a) && s.standsFor(p, gi, b)
}

// standsFor has p's goroutine wait for a mutex, and tells what it does so for.
func (s *sim) standsFor(p, gi int32, told int64) bool {
	if told > 0 && s.cfg.Stood != nil {
		s.cfg.Stood(int(told - 1))
	}
	return s.blocks(p, gi)
}

func (s *sim) execRelease(p, gi int32, a, _ int64) bool {
	s.release(p, gi, a)
	return false
}

func (s *sim) execNeed(p, gi int32, a, _ int64) bool {
	if s.gs[gi].early&1 == 0 {
		s.need(p, int32(a)+1)
	}
	return false
}

func (s *sim) execPut(p, _ int32, a, _ int64) bool {
	if job := int32(a) + 1; s.given(job) {
		s.ready(p, job)
	}
	return false
}

func (s *sim) execOffer(_, _ int32, a, _ int64) bool {
	s.offers = int(a)
	return false
}

func (s *sim) rootBlock(gi int32, _ int64) { s.gs[gi].state = gBlocked }

func (s *sim) rootWait(gi int32, a int64) { s.begins(gi, a, gWaiting, timerWait) }

func (s *sim) rootNet(gi int32, a int64) { s.begins(gi, a, gWaiting, timerNet) }

func (s *sim) rootSyscall(gi int32, a int64) { s.begins(gi, a, gSyscall, timerSyscall) }

// begins has gi begin in what ends after ns.
func (s *sim) begins(gi int32, ns int64, state gState, kind timerKind) {
	s.gs[gi].state = state
	s.expires(timer{at: ns, kind: kind, id: gi})
}

func (s *sim) rootOffer(gi int32, a int64) {
	g := &s.gs[gi]
	g.state = gDone
	s.live--
	s.joins(int(a), max(g.p, 0))
}
