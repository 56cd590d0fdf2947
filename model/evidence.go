package model

// What a step knows that speaks for or against a rule of the scheduler, beside
// the decision itself. Nothing here changes the model's state.

// turn is how many ticks ago it was the global queue's turn on p, modulo 61: 0
// is its turn, -1 not known: no pull has shown it, or the queues are in
// doubt.
func (s *Sched) turn(p *P) int8 {
	if p.phase.at < 0 || p.phase.votes < 1 || s.inDoubt() {
		return -1
	}
	return int8((p.residue() - p.phase.at + tickPeriod) % tickPeriod)
}

// beside are the queues that held a goroutine other than r all the while that p
// looked for work: it was there after p's last event, and ran later. One in p's
// own queue counts only if p itself ran it: else it may have been stolen first.
func (s *Sched) beside(r gref, p *P) Queues {
	var set Queues
	if n := p.runnext; n != 0 && n != r && s.waitedFor(n, p) {
		set |= QueueRunnext
	}
	if h := p.snapHead; h != 0 && h != r && s.g(h).place == placeRing && s.g(h).p == p.id && s.waitedFor(h, p) {
		set |= QueueRing
	}
	if s.globq.n > 0 && s.inGlobal(r, p) {
		set |= QueueGlobal
	}
	return set
}

// waitedFor reports whether r, in p's queue, was runnable before p began to look
// for work, and p itself is the next to run it.
func (s *Sched) waitedFor(r gref, p *P) bool {
	return s.g(r).since < p.snapAt && s.comes(r).p == p.id
}

// besideMost is how many goroutines at the global queue's head are looked at:
// more would cost time where the queue is long, and one is enough.
const besideMost = 4

// inGlobal reports whether the global queue held a goroutine other than r ever
// since p began to look for work: it was put there before, and the next to be
// dispatched will still have come from there.
func (s *Sched) inGlobal(r gref, p *P) bool {
	n := 0
	for pos := s.globq.head; pos < s.globq.tail && n < besideMost; pos++ {
		y := s.globq.at(pos)
		if y <= 0 {
			pos += y.ahead()
			continue
		}
		n++
		// Whoever looked for work since before now may have popped it already.
		if g := s.g(y); y != r && !g.popped && g.putEnd < p.snapAt && s.untouched(y, p) {
			return true
		}
	}
	return false
}

// untouched reports whether y, in the global queue while p looks for work, was
// not in another P's hands already: that P would be looking for work too.
func (s *Sched) untouched(y gref, p *P) bool {
	c := s.comes(y)
	return c.p == p.id || c.p != NoP && s.p(c.p).does != PDoesSched
}

// dueSteal is how many goroutines thief p may have taken from v's ring when it
// ran the k-th of it: half of it, rounded up, less what came too late for it. 0
// and 0 unless the trace shows where the stolen ones end: p runs those ahead of
// the k-th, v the one behind it. With several thieves at work it mostly does not.
//
// Source: proc.go, runqgrab.
func (s *Sched) dueSteal(v, p *P, k int) (least, most int) {
	n := v.runq.len()
	if s.inDoubt() {
		return 0, 0
	}
	if k+1 < n && s.comes(v.runq.at(k+1)).p != v.id {
		return 0, 0
	}
	for i := range k {
		if s.comes(v.runq.at(i)).p != p.id {
			return 0, 0
		}
	}
	late := 0
	for ; late < n; late++ {
		if g := s.g(v.runq.at(n - 1 - late)); g.since < p.snapAt && g.kickAt < p.snapAt {
			break
		}
	}
	return max(1, (n-late+1)/2), (n + 1) / 2
}

// dueBatch notes how many goroutines the pull with g may have taken by the rules,
// if the dispatches of those at its end, the last one in it and the first one
// left, could show that it took others.
func (s *Sched) dueBatch(g *G, n span, f *found) {
	if !s.declared || s.inDoubt() {
		return
	}
	i := 1
	for pos := s.globq.head; pos < s.globq.tail && i <= n.most; pos++ {
		r := s.globq.at(pos)
		if r <= 0 {
			pos += r.ahead()
			continue
		}
		if pos == g.pos || s.look(r).popped {
			continue
		}
		if i >= n.least-1 && s.comes(r).p == NoP {
			return
		}
		i++
	}
	f.dueMin, f.dueMax = n.least, n.most
}

// noteOverflow yields that p's ring is full and r does not fit. It is called
// before anything moves.
func (s *Sched) noteOverflow(p *P, r gref) {
	o := Overflow{Time: s.now, G: s.g(r).id, P: p.id, Global: int32(s.globq.n + runqSize/2 + 1), Early: -1}
	if head := s.comes(p.runq.at(runqSize / 2)); head.p == p.id && !s.inDoubt() {
		o.Early = 0
		for i := range runqSize / 2 {
			if c := s.comes(p.runq.at(i)); c.p == p.id && c.seq < head.seq {
				o.Early++
			}
		}
	}
	s.Facts.Overflows = append(s.Facts.Overflows, o)
}

// noteSysexit yields how g left its system call, the P being lost.
func (s *Sched) noteSysexit(e *entry, g *G, global bool) {
	x := Sysexit{Time: s.now, G: g.id, M: e.M, Global: global}
	if global {
		x.Idle = s.leftIdle()
	}
	s.Facts.Sysexits = append(s.Facts.Sysexits, x)
}

// promised is how long before its next step a P may have been promised to a
// thread that is still waking: until then it looks idle and is not to be had.
const promised = 1_000_000 // ns

// leftIdle counts the Ps that are idle and that nobody takes for a while.
func (s *Sched) leftIdle() int32 {
	var n int32
	if s.stw > 0 {
		return 0 // they are stopped, not idle
	}
	for _, p := range s.ps {
		if p == nil || !p.seen || p.does != PDoesIdle || int(p.id) >= s.procs {
			continue
		}
		if s.ahead.holds(p.opHead) && s.ahead.at(p.opHead).Time-s.now > promised && s.now-p.since > promised {
			n++
		}
	}
	return n
}

// noteStart yields that e's thread takes up p, unless it comes out of a system
// call and goes on with its own goroutine.
func (s *Sched) noteStart(e *entry, p *P) {
	if e.M < 0 {
		return
	}
	m := s.m(e.M)
	if m.g != 0 {
		return
	}
	if next, _ := s.nextOnM(s.cur); next != nil && next.Op == OpExecute && m.prevOp == OpExitsyscallNoP && next.g == m.prevG {
		return
	}
	x := Start{Time: s.now, P: p.id, M: e.M, First: !m.seen}
	if m.seen && m.p == NoP {
		x.Slept = s.now - m.since
	} else if x.First {
		x.Parked = s.surelyParked()
	}
	s.Facts.Starts = append(s.Facts.Starts, x)
}

// parkedLong is how long a thread must have been without a P to be called
// parked: it takes some time to get to sleep.
const parkedLong = 100_000 // ns

// surelyParked counts the threads that startm could have taken instead of a new
// one: those that have long had no P, but for one that may sleep in the poller,
// and as many as there are idle Ps, which may be waking to take these.
//
// Source: proc.go, startm, mget; findRunnable, which blocks in netpoll.
func (s *Sched) surelyParked() int32 {
	n := -1 - s.npidle()
	for i := range s.ms {
		if m := &s.ms[i]; m.seen && m.p == NoP && m.does == MDoesPark && s.now-m.since >= parkedLong {
			n++
		}
	}
	return int32(max(0, n))
}
