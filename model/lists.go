package model

// What if: how many goroutines of a list went to the global queue.
//
// injectglist puts one there for each idle P and the rest into the own ring. Ps that were
// promised to threads which have not woken yet are not idle to it, and the trace does not
// tell them from idle ones. Thieves take half a ring, and a P without work a batch of the
// global queue: so what becomes of the list mostly refutes the wrong numbers.

// tryLists is how many of list the likeliest course of events has p put onto the global
// queue, between least and most; likely is what is so at first sight.
func (s *Sched) tryLists(p *P, list []gref, least, likely, most int) int {
	t := &s.trial
	if least == most || t.depth > 0 || !s.afford() {
		return likely
	}
	t.until, t.agreed = s.listsUntil(list), len(s.Facts.Divergences)
	best, bears := likely, s.supposeList(p, list, likely)
	for _, n := range [...]int{max(least, min(most, s.wentGlobal(p, list))), least, most} {
		if n == likely || n == best {
			continue
		}
		o := s.supposeList(p, list, n)
		o.strain += unlikelyStrain
		if o.better(bears) {
			best, bears = n, o
		}
	}
	return best
}

// listsUntil is up to which event the trace must bear out where a list went: until all of
// it has been dispatched, and some more.
func (s *Sched) listsUntil(list []gref) uint64 {
	until := s.cur
	for _, r := range list {
		if c := s.comes(r); c.seq != never {
			until = max(until, c.seq)
		}
	}
	return min(until+foreseeLeast, s.cur+foreseeMost, s.ahead.tail)
}

// supposeList is what it leads to that p put so many of list onto the global queue.
func (s *Sched) supposeList(p *P, list []gref, global int) outlook {
	s.trial.budget = 3 * int(s.trial.until-s.cur)
	m := s.begin()
	s.putList(s.p(p.id), list, global)
	o := s.follow()
	s.undo(&m)
	return o
}

// putList puts the first of list onto the global queue, as many as global says, and the
// others into p's ring.
func (s *Sched) putList(p *P, list []gref, global int) {
	for i, r := range list {
		s.unqueue(s.g(r))
		if i < global || p.runq.len() == RunqSize {
			s.globalPush(r)
		} else {
			s.ringput(p, r)
		}
	}
}

// promise notes that idle Ps were promised to threads which are to wake.
func (s *Sched) promise(n int) {
	if n > 0 {
		s.promised, s.promisedAt = s.promises()+n, s.now
	}
}

// promises is how many Ps that count as idle are likely promised to threads.
func (s *Sched) promises() int {
	if s.now-s.promisedAt > promiseMost {
		return 0
	}
	return min(s.promised, s.npidle())
}

// redeem notes that a thread has taken an idle P. One that comes out of a system call, or
// brings what the network had to tell, was not promised it.
func (s *Sched) redeem(e *entry) {
	if s.promised == 0 {
		return
	}
	next, _ := s.nextOnM(s.cur)
	if e.M < 0 || s.m(e.M).prevOp != OpExitsyscallNoP && (next == nil || next.Op != OpReady) {
		s.promised--
	}
	s.promised = min(s.promised, s.npidle())
}
