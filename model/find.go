package model

// found is the answer to where a dispatched goroutine came from.
type found struct {
	source  Source
	victim  ProcID
	moved   int     // goroutines moved by a steal or a global batch, this one included
	certain bool    // no other place fits
	tick    Tick    // what the P's schedtick says; found adds what the places say
	waited  ProcID  // in whose local queue it stood, NoP if in none
	handed  bool    // to its own thread, which waits in exitsyscall: that is what counts as the source
	sources Sources // what else fits

	// See Dispatch.
	queue          int
	dueMin, dueMax int
	turn           int8
	beside         Queues
}

// find explains the dispatch e of g on p in f: the inverse of findRunnable. It
// takes g out of its queue and moves what came along with it.
//
// Source: proc.go, findRunnable, schedule, execute.
func (s *Sched) find(e *entry, g *G, p *P, f *found) {
	*f = found{victim: NoP, moved: 1, turn: -1, waited: NoP}
	if g.place == placeRunnext || g.place == placeRing {
		f.waited = g.p
	}
	if s.trial.depth == 0 {
		f.turn = s.turn(p)
		f.beside = s.beside(e.g, g, p, f.turn)
	}
	if (g.place == placeGlobal || g.place == placeRing) && s.leftSyscall(e, p) {
		if f.handed = p.idleFrom > g.since; !f.handed {
			s.direct(g, SourceSyscallExit) // never queued: its thread stalled before it could, then found p idle
			g.sure = false
		}
	}
	s.repair(e, g, p)
	switch g.place {
	case placeDirect:
		s.fromNowhere(g, f)
	case placeRunnext:
		s.fromRunnext(e, g, p, f)
	case placeRing:
		if g.p == p.id {
			s.fromOwnRing(e, g, p, f)
		} else {
			s.fromOtherRing(e, g, p, f)
		}
	case placeGlobal:
		s.fromGlobal(e, g, p, f)
	default:
		f.source = SourceUnknown
		p.lastIn = s.cur
		p.loosen()
	}
	s.found(g, f)
}

// found takes g out of its queue and says how sure f is.
func (s *Sched) found(g *G, f *found) {
	s.unqueue(g)
	if s.doubtful(g, f.source) {
		f.certain = false
	}
	f.sources = f.sources.With(f.source)
	switch {
	case !f.certain && f.sources.onePlace():
		f.sources |= rivals[f.source]
	case f.certain && !f.sources.onePlace():
		f.sources = Sources(0).With(f.source)
	}
	f.settleTick()
}

// settleTick makes what is known of the tick and the sources that fit agree.
func (f *found) settleTick() {
	switch {
	case f.tick == TickYes && f.certain:
		f.sources = Sources(0).With(SourceGlobalTick)
	case f.tick == TickNo && f.source != SourceGlobalTick:
		f.sources &^= 1 << SourceGlobalTick
	case !f.sources.Has(SourceGlobalTick):
		f.tick = TickNo
	default:
		f.tick = TickUnknown
	}
}

// rivals are what a dispatch may have come from instead, where all that is known
// is that the queues are not as sure as they look.
var rivals = [NumSources]Sources{
	SourceRunnext:      1 << SourceLocal,
	SourceLocal:        1<<SourceGlobal | 1<<SourceSteal,
	SourceGlobalTick:   1<<SourceGlobal | 1<<SourceLocal,
	SourceGlobal:       1<<SourceGlobalTick | 1<<SourceLocal,
	SourceSteal:        1<<SourceStealRunnext | 1<<SourceGlobal,
	SourceStealRunnext: 1<<SourceSteal | 1<<SourceGlobal,
}

// doubtFor is for how many events after the trace contradicted the model's
// queues nothing that it takes from a ring or the global queue is called certain:
// what is wrong in one queue shows up later in another. What is in runnext does
// not depend on the other queues.
const doubtFor = 1 << 9

// Unexplained reports whether goroutines in runnext were passed by so often, although
// their own P ran them later, that the rules do not explain the queues' order. A
// program built with -race is so, as its scheduler puts half of them into the ring and
// shuffles batches; so is one of a Go version whose rules differ.
//
// Source: proc.go, randomizeScheduler, in runqput, runqputslow and runqputbatch.
func (s *Sched) Unexplained() bool { return s.passed >= 8 && s.passed*4 >= s.kept }

// doubtful reports whether what src says of g depends on queues that were
// contradicted lately.
func (s *Sched) doubtful(g *G, src Source) bool {
	if s.Unexplained() {
		return src <= SourceStealRunnext
	}
	return s.inDoubt() && (src == SourceLocal || src == SourceGlobal || src == SourceGlobalTick || src == SourceSteal)
}

// inDoubt reports whether the trace contradicted the queues lately.
func (s *Sched) inDoubt() bool { return s.doubt != 0 && s.cur <= s.doubt+doubtFor }

// countTick advances p's schedtick: a dispatch from the own runnext inherits the
// time slice, and the direct ones of system calls and coroutines do not count,
// but a start on the goroutine's locked thread always does.
//
// Source: proc.go, execute's inheritTime.
func (s *Sched) countTick(e *entry, g *G, p *P, f *found) {
	switch f.source {
	case SourceSyscallExit:
		if !f.handed {
			return
		}
	case SourceRunnext, SourceCoroutine, SourceParkCancelled:
		if e.M < 0 || s.m(e.M).prevOp != OpAcquirep || !s.lockedTo(g, e.M) || f.source != SourceRunnext {
			return
		}
	}
	s.listen(e, g, p, f)
	p.tick++
}

// snap remembers p's queue after an event.
func (s *Sched) snap(p *P) {
	p.snapAt, p.snapHead = s.now, 0
	if p.runq.len() > 0 {
		p.snapHead = p.runq.at(0)
	}
}

// fromNowhere explains a dispatch that came from no queue.
func (s *Sched) fromNowhere(g *G, f *found) {
	f.source, f.certain = g.direct, g.sure
	if g.direct == SourceSteal {
		f.victim = g.popBy
	}
	switch {
	case !g.sure && g.direct == SourceSyscallExit: // its thread may have stalled
		f.sources = f.sources.With(SourceGlobal)
	case g.direct == SourceNetpoll && s.now-g.began <= 4*parkCancel:
		// A cancelled park that was slow looks the same as a quick poll.
		f.certain = false
		f.sources = f.sources.With(SourceParkCancelled)
	case g.direct == SourceParkCancelled:
		f.certain = false
		f.sources = f.sources.With(SourceNetpoll)
	}
}

func (s *Sched) fromRunnext(e *entry, g *G, p *P, f *found) {
	f.certain = g.sure
	f.queue = s.p(g.p).runq.len()
	if g.p == p.id {
		f.queue++
		f.source = SourceRunnext
		s.checkTurn(e, g, p)
		if p.runq.len() > 0 {
			s.kept++
		}
		return
	}
	f.source, f.victim = SourceStealRunnext, g.p
	// The victim may have readied another goroutine before the thief started:
	// then it was taken from the ring, as far as the trace can tell.
	f.certain = g.sure && s.p(g.p).runq.len() == 0
	f.sources = f.sources.With(SourceSteal)
}

func (s *Sched) fromOwnRing(e *entry, g *G, p *P, f *found) {
	f.source = SourceLocal
	batchInTurn := g.batch != 0 && p.tickKnown() == TickYes
	if !batchInTurn {
		s.checkTurn(e, g, p)
	}
	s.keepPace(e)
	if p.runnext != 0 && s.g(p.runnext).sure && s.comes(p.runnext).p == p.id {
		s.passed++
	}
	k := p.runq.index(e.g)
	for k > 0 && s.g(p.runq.at(k-1)).batch == g.batch && s.g(p.runq.at(k-1)).mayFollow(g) {
		p.runq.swap(k-1, k) // put onto the global queue in the other order
		k--
	}
	f.queue = p.runq.len()
	if p.runnext != 0 {
		f.queue++
	}
	if p.hostage != 0 && p.runq.index(p.hostage) < 0 {
		p.hostage = 0
	}
	if batchInTurn && p.hostage == 0 && s.endsInTurn(e, p, k) {
		f.source, f.tick = SourceGlobalTick, TickYes
		f.sources = f.sources.With(SourceLocal).With(SourceGlobalTick)
		return
	}
	if p.hostage == 0 && k > 0 && s.takenAway(e, p, k) {
		k = 0
	}
	if p.hostage == 0 && k > 0 {
		if n := s.evict(p, k); n < k {
			s.diverge(DivergeOrder, g, p.id)
			k = n
		}
	}
	if p.hostage == 0 && k > 0 && s.comes(p.runq.at(0)).p == p.id {
		s.findHostage(p, k)
	}
	f.certain = g.sure && k == 0 && p.hostage == 0 && p.runnext == 0 && (g.batch == 0 || !p.loose)
	if g.batch != 0 && p.loose {
		p.lastIn = s.cur
	}
	if p.hostage == 0 {
		if batchInTurn && s.neverPulled(e, g, p, k) {
			f.source, f.tick = SourceGlobalTick, TickYes
			f.sources = f.sources.With(SourceLocal).With(SourceGlobalTick)
			return
		}
		if k > 0 {
			s.diverge(DivergeOrder, g, p.id)
			f.sources = f.sources.With(SourceSteal).With(SourceGlobal)
		}
		return
	}
	if k == 0 && p.own > 0 {
		p.own--
		return
	}
	if p.runq.index(p.hostage) > k {
		f.source, f.victim = SourceSteal, s.comes(p.hostage).p
		p.own = k
	}
}

// neverPulled reports whether g, the k-th in p's ring since a batch seemed to have
// brought it there, is what p takes from the global queue now that this is first.
func (s *Sched) neverPulled(e *entry, g *G, p *P, k int) bool {
	if s.globalSurely(e) { // p would have taken that instead
		s.diverge(DivergePlace, g, p.id)
		return true
	}
	return k > 0 || !g.sure
}

func (s *Sched) fromOtherRing(e *entry, g *G, p *P, f *found) {
	v := s.p(g.p)
	k := v.runq.index(e.g)
	f.source, f.victim = SourceSteal, v.id
	from := 0
	if v.hostage != 0 {
		if v.hostage == e.g {
			from, v.hostage = min(v.own, k), 0
		} else if k >= v.own && v.runq.index(v.hostage) > k {
			from = v.own
			if c := s.comes(v.hostage); c.p != p.id {
				f.victim = c.p
			}
		}
	}
	f.moved = k - from + 1
	f.certain = g.sure && from == 0 && v.hostage == 0 && (g.batch == 0 || !v.loose)
	if f.queue = v.runq.len(); from == 0 && v.hostage == 0 {
		f.dueMin, f.dueMax = s.dueSteal(v, p, k)
	}
	moved := s.scratch[:0]
	for i := from; i < k; i++ {
		moved = append(moved, v.runq.at(i))
	}
	s.scratch = moved
	v.runq.removeAt(k)
	g.place = placeNone
	if s.lockedAnywhere(g) && k == 0 && e.freed > 0 && e.freed < g.kickAt {
		f.source = SourceStealRunnext // taken before it was kicked out; its thread had to wake
		f.certain, f.sources = false, f.sources.With(SourceSteal)
	}
	for _, r := range moved {
		y := s.g(r)
		s.unqueue(y)
		s.ringput(p, r)
	}
	p.lastPull = s.cur
}

// lockedAnywhere reports whether g seems locked to a thread.
func (s *Sched) lockedAnywhere(g *G) bool { return g.lockM >= 0 && s.lockedTo(g, g.lockM) }
