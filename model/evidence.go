package model

// What a step knows that speaks for or against a rule of the scheduler, beside
// the decision itself. Nothing here changes the model's state.

// turn is how many ticks ago it was the global queue's turn on p, modulo 61: 0
// is its turn, -1 not known: no two pulls have shown it, this one and later
// ones included, or the queues are in doubt. One alone may be another P's batch.
func (s *Sched) turn(p *P) int8 {
	if !p.phaseKnown() || s.inDoubt() {
		return -1
	}
	return int8((p.residue() - p.phase.at + TickPeriod) % TickPeriod)
}

// beside are the queues that held a goroutine other than r all the while that p
// looked for work: it was there after p's last event, and ran later. One in p's
// own queue counts only if p itself ran it: else it may have been stolen first.
// And it counts only where an event put it: no global batch, nor the collector,
// and while the queues are not in doubt. All that would be the model's word.
func (s *Sched) beside(r gref, g *G, p *P, turn int8) Queues {
	var set Queues
	if n := p.runnext; n != 0 && n != r && s.waitedFor(n, p) && !s.collected(s.look(n)) {
		set |= QueueRunnext
	}
	if h := p.snapHead; h != 0 && h != r && s.waitedFor(h, p) && s.ownRing(s.look(h), p) {
		set |= QueueRing
	}
	if p.runnext == r && !s.collected(g) || s.ownRing(g, p) {
		set |= QueueSelf
	}
	if s.globq.n > 0 && tellsOfGlobal(g, set, turn) && s.inGlobal(r, p) {
		set |= QueueGlobal
	}
	return set
}

// tellsOfGlobal reports whether it says something of a rule if the global queue held
// a goroutine other than g: see QueueGlobal. To find out takes longer than all the rest.
func tellsOfGlobal(g *G, beside Queues, turn int8) bool {
	return g.place != placeGlobal && (turn == 0 || beside&QueueSelf != 0 || g.place == placeDirect)
}

// ownRing reports whether g stands in p's ring and has been in local queues only.
func (s *Sched) ownRing(g *G, p *P) bool {
	return g.place == placeRing && g.p == p.id && g.batch == 0 && g.sure && !s.inDoubt() && !s.collected(g)
}

// collected reports whether a mark worker made g ready: those that it wakes at
// the end of a cycle go to several queues, and the trace does not say which.
//
// Source: mgc.go, gcMarkTermination and gcSweep; mgcmark.go, gcWakeAllAssists;
// proc.go, injectglist.
func (s *Sched) collected(g *G) bool {
	if g.by < s.firstWorker || g.by > s.lastWorker {
		return false // a program has few, with ids close together: nearly nobody is looked up
	}
	r := s.gs.find(g.by)
	return r != 0 && s.look(r).roles&roleWorker != 0
}

// waitedFor reports whether r, in p's queue, was runnable before p began to look
// for work, and p itself is the next to run it.
func (s *Sched) waitedFor(r gref, p *P) bool {
	return s.look(r).since < p.snapAt && s.comes(r).p == p.id
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
		if g := s.look(y); y != r && !g.popped && g.putEnd < p.snapAt && s.untouched(y, p) {
			return true
		}
	}
	return false
}

// untouched reports whether y, in the global queue while p looks for work, was
// not in another P's hands already: that P would be looking for work too. Nor can
// a batch of the P that runs it next have brought it: the last one left before.
func (s *Sched) untouched(y gref, p *P) bool {
	c := s.comes(y)
	if c.p == NoP || s.p(c.p).lastPull >= s.look(y).putSeq {
		return false
	}
	return c.p == p.id || s.p(c.p).does != PDoesSched
}

// dueSteal is how many goroutines thief p may have taken from v's ring when it
// ran the k-th of it: half of it, rounded up, less what came too late for it. 0
// and 0 unless the trace shows where the stolen ones end: p runs those ahead of
// the k-th, v the one behind it; and that all of the ring was there. With several
// thieves at work it mostly does not.
//
// Source: proc.go, runqgrab.
func (s *Sched) dueSteal(v, p *P, k int) (least, most int) {
	n := v.runq.len()
	if s.inDoubt() {
		return 0, 0
	}
	if k+1 >= n || s.comes(v.runq.at(k+1)).p != v.id {
		return 0, 0
	}
	for i := range n {
		if !s.ownRing(s.look(v.runq.at(i)), v) {
			return 0, 0
		}
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
	return max(1, stealHalf(n-late)), stealHalf(n)
}

// dueBatch notes how many goroutines the pull with g should have taken, and how many
// it did, if the trace shows that whatever the rule: those that stood behind g, p runs some time, but before it
// runs anything else, another P runs the one behind these. The queue is first in,
// first out, so they had left it by then, and g's thread alone can have had them.
func (s *Sched) dueBatch(g *G, n span, f *found) {
	e := s.ahead.at(s.cur)
	if !s.declared || s.inDoubt() || n.least != n.most || e.onP == 0 {
		return
	}
	next := s.cur + uint64(e.onP)
	if !s.othersPull(e.P, next) {
		return
	}
	took := 1
	for pos := s.globq.head; pos < s.globq.tail && took <= GlobalBatchMost; pos++ {
		r := s.globq.at(pos)
		if r <= 0 {
			pos += r.ahead()
			continue
		}
		if pos == g.pos || s.look(r).popped {
			continue
		}
		c := s.comes(r)
		switch {
		case pos < g.pos: // put there late, nobody knows where
			return
		case c.p == e.P:
			took++
		case c.p != NoP && c.seq < next && took > 1 && s.allAhead(g.pos, pos):
			f.dueMin, f.dueMax = n.least, took
			return
		default:
			return
		}
	}
}

// othersPull reports whether another P may dispatch a goroutine that stands in the
// global queue before the event next; it does not look far.
func (s *Sched) othersPull(id ProcID, next uint64) bool {
	if next-s.cur > othersWithin {
		return true
	}
	for seq := s.cur + 1; seq < next; seq++ {
		if e := s.ahead.at(seq); e.Op == OpExecute && e.P != id && s.look(e.g).place == placeGlobal {
			return true
		}
	}
	return false
}

// othersWithin is among how many events othersPull looks: more take longer than what
// they may spare.
const othersWithin = 64

// allAhead reports whether what stands between two places of the global queue was
// put there before what stands at the second.
func (s *Sched) allAhead(from, to int64) bool {
	last := s.look(s.globq.at(to))
	for pos := from + 1; pos < to; pos++ {
		if r := s.globq.at(pos); r > 0 && s.look(r).mayFollow(last) {
			return false
		}
	}
	return true
}

// noteOverflow yields that p's ring is full and r does not fit. It is called
// before anything moves.
func (s *Sched) noteOverflow(p *P, r gref) {
	o := Overflow{Time: s.now, G: s.g(r).id, P: p.id, Global: int32(s.globq.n + RunqSize/2 + 1), Early: -1}
	if head := s.comes(p.runq.at(RunqSize / 2)); head.p == p.id && !s.inDoubt() {
		o.Early, o.Full = 0, s.surelyFull(p)
		for i := range RunqSize / 2 {
			if c := s.comes(p.runq.at(i)); c.p == p.id && c.seq < head.seq {
				o.Early++
			}
		}
	}
	s.Facts.Overflows = append(s.Facts.Overflows, o)
}

// surelyFull reports whether all that the model has in p's ring was there: no
// global batch brought it, and p itself is the next to run it. A thief that is
// stalled may have emptied the ring otherwise, and nothing shows it yet.
func (s *Sched) surelyFull(p *P) bool {
	for i := range p.runq.len() {
		if r := p.runq.at(i); !s.ownRing(s.look(r), p) || s.comes(r).p != p.id {
			return false
		}
	}
	return true
}

// noteSysexit yields how g left its system call, the P being lost.
func (s *Sched) noteSysexit(e *entry, g *G, global bool) {
	x := Sysexit{Time: s.now, G: g.id, M: e.M, Global: global}
	if global {
		x.Idle = s.leftIdle()
	}
	s.Facts.Sysexits = append(s.Facts.Sysexits, x)
}

// promised is how long a P must have been idle for the next step on it not to be
// on its way already.
const promised = 1_000_000 // ns

// leftIdle counts the Ps that are idle and that nobody takes for longer than a
// thread takes to wake: until then a P may be promised to one, and is not to be
// had. -1 if all that are idle may be promised, or the world is stopped.
func (s *Sched) leftIdle() int32 {
	idle := s.npidle()
	switch {
	case s.stw > 0:
		return -1
	case idle == 0:
		return 0
	}
	n := int32(0)
	for _, p := range s.ps {
		if p != nil && p.seen && p.does == PDoesIdle && int(p.id) < s.procs && s.now-p.since > promised && s.idleUntil(p)-s.now > wakeMost {
			n++
		}
	}
	if n == 0 {
		return -1
	}
	return n
}

// idleUntil is how long p, which is idle, stays so by all that was read.
func (s *Sched) idleUntil(p *P) Time {
	if s.ahead.holds(p.opHead) {
		return s.ahead.at(p.opHead).Time
	}
	return s.ahead.at(s.ahead.tail - 1).Time
}

// noteStart yields that e's thread takes up p, unless it comes out of a system
// call and goes on with its own goroutine, or was handed p to run the goroutine
// that is locked to it.
func (s *Sched) noteStart(e *entry, p *P) {
	if e.M < 0 {
		return
	}
	m := s.m(e.M)
	if m.g != 0 {
		return
	}
	if next, _ := s.nextOnM(s.cur); next != nil && next.Op == OpExecute &&
		(m.prevOp == OpExitsyscallNoP && next.g == m.prevG || s.lockedTo(s.look(next.g), e.M)) {
		return
	}
	x := Start{Time: s.now, P: p.id, M: e.M, First: !m.seen}
	if m.seen && m.p == NoP {
		x.Slept = s.now - m.since
	} else if x.First {
		x.Parked = s.surelyParked(p)
	}
	s.Facts.Starts = append(s.Facts.Starts, x)
}

// parkedLong is how long a thread must have been without a P to be called
// parked: it takes some time to get to sleep.
const parkedLong = 100_000 // ns

// surelyParked counts the threads that startm could have taken instead of making
// a new one for p. A new one may start long after it was made, but that was after
// p last became idle: the others must have been parked by then. One of them may
// sleep in the poller, and as many as there are idle Ps may be waking to take
// these.
//
// Source: proc.go, startm, mget; findRunnable, which blocks in netpoll.
func (s *Sched) surelyParked(p *P) int32 {
	n := -1 - s.npidle()
	for i := range s.ms {
		if m := &s.ms[i]; s.onMidle(MIndex(i)) && p.idleFrom-m.since >= parkedLong {
			n++
		}
	}
	return int32(max(0, n))
}

// onMidle reports whether thread i surely is on the list that mget takes threads
// from: it is not if it waits for the goroutine locked to it, or ended with it.
// Both look like a thread that parks right after its goroutine stopped. So that
// goroutine must have run on another thread since, or this one must have done
// something without it: it was woken and found nothing, or was looking for work.
//
// Source: proc.go, stoplockedm, stopm, mexit.
func (s *Sched) onMidle(i MIndex) bool {
	m := &s.ms[i]
	if !m.seen || m.p != NoP || m.does != MDoesPark {
		return false
	}
	switch {
	case m.prevOp == OpExitsyscallNoP:
		return s.look(m.prevG).lockM != i
	case m.prevOp != OpReleasep:
		return false
	case m.olderOp == OpPark || m.olderOp == OpGosched:
		return s.look(m.olderG).lockM != i
	}
	return m.olderOp == OpAcquirep || m.olderOp == OpReady
}
