package model

// What the trace proves wrong about the queues, and how they are put right.

// leftSyscall reports whether e's goroutine left a system call without a P on
// this thread, which has done nothing since but get p.
func (s *Sched) leftSyscall(e *entry, p *P) bool {
	if e.M < 0 || !p.foundNone {
		return false
	}
	m := s.m(e.M)
	return m.prevOp == OpAcquirep && m.olderOp == OpExitsyscallNoP && m.olderG == e.g
}

// findHostage looks for what explains that p runs its k-th goroutine before the
// first: a thief has taken a run off this ring and not started yet, and p stole
// part of it back.
func (s *Sched) findHostage(p *P, k int) {
	for i := k + 1; i < p.runq.len(); i++ {
		y := p.runq.at(i)
		if c := s.comes(y); c.p >= 0 && c.p != p.id {
			p.hostage, p.own = y, 0
			return
		}
	}
}

// repair corrects the model's queues where this dispatch refutes them.
func (s *Sched) repair(e *entry, g *G, p *P) {
	if g.place != placeRing || g.p == p.id {
		return
	}
	v := s.p(g.p)
	if s.globq.n > 0 && s.neverLeft(e, g, v, p) {
		s.unbatch(e, g, v)
		s.diverge(DivergePlace, g, p.id)
		return
	}
	if !s.lockedAnywhere(g) && s.leftRing(e, v) {
		s.emptyIntoGlobal(v)
		s.diverge(DivergePlace, g, p.id)
		return
	}
	if p.snapHead == e.g {
		// Another P's steal seemed to take it, but this P had it first.
		s.unqueue(g)
		p.runq.pushHead(e.g)
		g.place, g.p, g.sure = placeRing, p.id, false
		s.diverge(DivergePlace, g, p.id)
	}
}

// leftRing reports whether g, at the head of v's long ring, must have gone to the
// global queue with those behind it: a thief would have taken half of them and
// run the last, and what it left would run on v.
func (s *Sched) leftRing(e *entry, v *P) bool {
	if v.hostage != 0 || v.runq.len() < longRing || v.runq.at(0) != e.g {
		return false
	}
	for i := 1; i < longRing/4; i++ {
		if c := s.comes(v.runq.at(i)); c.p == NoP || c.p == v.id {
			return false
		}
	}
	return true
}

// longRing is how many goroutines a ring must hold for it to be plain that a
// thief would have taken more than the first.
const longRing = 16

// emptyIntoGlobal moves the head of v's ring to the global queue's head: its
// first half if the ring may have overflowed, all of it if a mark worker may
// have drained it, which leaves no event; those that v runs itself stay.
//
// Source: proc.go, runqputslow; mgc.go, gcBgMarkWorker, runqdrain.
func (s *Sched) emptyIntoGlobal(v *P) {
	most := v.runq.len()
	if most >= 3*RunqSize/4 {
		most = RunqSize / 2
	}
	left := s.scratch[:0]
	for i := range most {
		r := v.runq.at(i)
		if s.comes(r).p == v.id {
			break
		}
		left = append(left, r)
	}
	s.scratch = left
	for i := len(left) - 1; i >= 0; i-- {
		s.globrunqputhead(left[i])
		s.g(left[i]).sure = false
	}
}

// neverLeft reports whether g, thought to be in v's ring, must still be in the
// global queue: it came to v in a batch, and what stands in the global queue
// behind it is not dispatched before it.
func (s *Sched) neverLeft(e *entry, g *G, v, p *P) bool {
	if g.batch == 0 {
		return false
	}
	k := v.runq.index(e.g)
	if k > 0 {
		// A thief runs the last of what it stole and the others after it.
		return s.comes(v.runq.at(k-1)).p == v.id
	}
	if v.runq.len() > 2 {
		return true // a thief would have taken more
	}
	h := s.globq.at(s.globq.head)
	return !s.g(h).popped && s.comes(h).seq > s.cur && s.g(h).putAt < p.snapAt
}

// unbatch returns g and what came behind it in the same batch to the global
// queue's head.
func (s *Sched) unbatch(e *entry, g *G, v *P) {
	k := v.runq.index(e.g)
	back := s.scratch[:0]
	for i := k; i < v.runq.len() && s.g(v.runq.at(i)).batch == g.batch; i++ {
		back = append(back, v.runq.at(i))
	}
	s.scratch = back
	for i := len(back) - 1; i >= 0; i-- {
		y := s.g(back[i])
		s.unqueue(y)
		y.place, y.p, y.batch, y.sure = placeGlobal, NoP, 0, false
		s.roomInGlobal()
		y.pos = s.globq.pushHead(back[i])
	}
}

// evict returns those ahead of the k-th goroutine in p's ring, which p runs
// first, to the global queue if a batch seemed to have brought them: they are
// still there. It returns what k has become.
func (s *Sched) evict(p *P, k int) int {
	for i := k - 1; i >= 0; i-- {
		r := p.runq.at(i)
		if c := s.comes(r); s.look(r).batch != 0 && (c.p == NoP || c.p == p.id || c.since > s.now) {
			s.returnToGlobal(r)
			k--
		}
	}
	return k
}

// unbatchAll reports whether what stands in p's queue must be in the global one
// still, and returns it there: p took g from it, out of its turn, and all seemed
// to have come to p in batches.
func (s *Sched) unbatchAll(e *entry, g *G, p *P) bool {
	if !p.phaseKnown() || p.inTurn() || g.popped || p.runnext != 0 || g.putSeq == 0 || p.lastPull >= g.putSeq {
		return false
	}
	for i := range p.runq.len() {
		if s.g(p.runq.at(i)).batch == 0 {
			return false
		}
	}
	s.diverge(DivergePlace, g, p.id)
	for p.runq.len() > 0 {
		s.returnToGlobal(p.runq.at(p.runq.len() - 1))
	}
	return true
}

// returnToGlobal moves r from a ring back to the global queue, ahead of what its
// P runs after it, or of what was put there after it.
func (s *Sched) returnToGlobal(r gref) {
	y, c := s.g(r), s.comes(r)
	at, end, by, seq := y.putAt, y.putEnd, y.putM, y.putSeq
	s.unqueue(y)
	s.roomInGlobal()
	pos := s.globq.head
	for ; pos < s.globq.tail; pos++ {
		z := s.globq.at(pos)
		if z <= 0 {
			pos += z.ahead()
			continue
		}
		if d := s.comes(z); c.p != NoP && d.p == c.p && d.seq > c.seq || (c.p == NoP || d.p == NoP) && s.g(z).putAt > at {
			break
		}
	}
	pos = s.globq.makeGap(pos, func(r gref, pos int64) { s.g(r).pos = pos })
	s.globq.put(pos, r)
	s.placeGlobal(y, pos)
	y.putAt, y.putEnd, y.putM, y.putSeq, y.batch, y.sure = at, end, by, seq, 0, false
}

// takenAway reports whether the first k of p's ring, which p passes by, were
// stolen by a thread that has not started yet, and moves them to its P: the last
// one is what it will run first.
func (s *Sched) takenAway(e *entry, p *P, k int) bool {
	thief := NoP
	for i := range k {
		switch c := s.comes(p.runq.at(i)); {
		case c.p == p.id:
			return false
		case c.p != NoP && c.since <= e.Time && thief == NoP:
			thief = c.p
		}
	}
	if thief == NoP {
		if thief = s.stalledLooker(p, NoP); thief == NoP {
			return false
		}
	}
	q := s.p(thief)
	for ; k > 0; k-- {
		r := p.runq.at(0)
		y := s.g(r)
		s.unqueue(y)
		if k == 1 {
			s.direct(y, SourceSteal)
			y.popBy, y.sure = p.id, false
			break
		}
		s.ringput(q, r)
		y.sure = false
	}
	s.strain++
	return true
}
