package model

// What the trace proves wrong about the queues, and how they are put right.

// neverQueued reports whether e's goroutine, which left a system call without a
// P on this thread, was not put onto the global queue after all: the thread,
// stalled before it could, then found p idle, which whoever gave p up would not
// have done with a goroutine in the global queue.
func (s *Sched) neverQueued(e *entry, p *P) bool {
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
	if most >= 3*runqSize/4 {
		most = runqSize / 2
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
