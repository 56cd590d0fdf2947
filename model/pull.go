package model

import "math"

// Pulls from the global queue: which of them it was, and what came along.

// Certain orders of puts onto the global queue: two puts farther apart than
// putApart, the first done by putDone at the latest, cannot have changed places.
const (
	putApart = 1500    // ns
	putDone  = 3000    // ns
	putSure  = 100_000 // ns: not even a stalled thread
)

// fromGlobal explains a dispatch of a goroutine in the global queue: a 61-tick
// pull takes one; a pull because the local queue is empty takes a batch; and a
// goroutine pulled earlier with a batch may only now show up.
func (s *Sched) fromGlobal(e *entry, g *G, p *P, f *found) {
	mine, sure := s.aheadInGlobal(e, g, p)
	if !sure && s.outOfTurn(p) {
		mine = nil
	}
	empty := p.runq.len() == 0 && p.runnext == 0
	if len(mine) > 0 && len(mine) < globBatchMax && empty {
		// They left with an earlier batch of this P and are in its ring: this
		// pull is out of turn.
		for _, r := range mine {
			s.unqueue(s.g(r))
			s.ringput(p, r)
		}
		empty = false
	}
	f.sources = f.sources.With(SourceGlobal).With(SourceGlobalTick)
	if s.hasLocal(p) {
		s.globalBeforeLocal(e, g, p, f, len(mine) > 0)
		return
	}
	if s.inTurn(p) {
		f.source = SourceGlobalTick
		return
	}
	f.source = SourceGlobal
	f.certain = g.sure && !g.popped && s.outOfTurn(p) && empty
	s.pullBatch(e, g, p, f)
}

// globalBeforeLocal explains a pull from the global queue while p has goroutines
// of its own: only every 61st dispatch may do that.
func (s *Sched) globalBeforeLocal(e *entry, g *G, p *P, f *found, refuted bool) {
	if !refuted && s.outOfTurn(p) && p.tick-p.phaseAt < 300 {
		if g.putSeq > 0 && p.lastPull < g.putSeq {
			// Not its turn, but it can be nowhere else: what seemed local has
			// gone elsewhere.
			s.toLimbo(p)
			s.diverge(DivergeTick, g, p.id)
			f.source = SourceGlobal
			return
		}
		// It must have come here with an earlier batch.
		s.diverge(DivergePlace, g, p.id)
		f.source = SourceLocal
		f.sources = f.sources.With(SourceLocal)
		return
	}
	f.source = SourceGlobalTick
	f.certain = g.sure && !g.popped && s.inTurn(p)
	p.phase, p.phaseAt = p.tick%tickPeriod, p.tick
}

// aheadInGlobal looks at what stands ahead of g in the global queue, which is
// first in, first out: those were popped by other threads, whose dispatches are
// still to come; or they are in the ring of this P (mine), which makes this a
// pull out of turn; or they were put there at about the same time. sure means
// that the order of the puts is not in doubt.
func (s *Sched) aheadInGlobal(e *entry, g *G, p *P) (mine []gref, sure bool) {
	mine = s.scratch[:0]
	for pos := max(s.globq.head, g.pos-globBatchMax); pos < g.pos; pos++ {
		r := s.globq.at(pos)
		if r == 0 {
			continue
		}
		y := s.g(r)
		if y.popped {
			continue
		}
		if s.comes(r).p != p.id {
			y.popped = true
			s.popped++
			continue
		}
		if g.putAt-y.putAt > putApart && (y.putEnd <= g.putAt || y.putEnd-y.putAt < putDone) {
			mine = append(mine, r)
			if y.putP >= 0 && y.putP == g.putP || g.putAt-y.putAt > putSure {
				sure = true
			}
		}
	}
	s.scratch = mine
	return mine, sure
}

// hasLocal reports whether p certainly has goroutines of its own: some in its
// queue that it will run itself.
func (s *Sched) hasLocal(p *P) bool {
	if p.runnext != 0 && s.comes(p.runnext).p == p.id {
		return true
	}
	for i := range p.runq.len() {
		if s.comes(p.runq.at(i)).p == p.id {
			return true
		}
	}
	return false
}

// toLimbo empties p's queue: where its goroutines are is not known.
func (s *Sched) toLimbo(p *P) {
	for p.runq.len() > 0 {
		g := s.g(p.runq.at(0))
		s.unqueue(g)
		g.place, g.sure = placeLimbo, false
	}
	if p.runnext != 0 {
		g := s.g(p.runnext)
		s.unqueue(g)
		g.place, g.sure = placeLimbo, false
	}
}

// inTurn reports whether it is known that p looks at the global queue first now.
func (s *Sched) inTurn(p *P) bool { return p.phase >= 0 && p.tick%tickPeriod == p.phase }

// outOfTurn reports whether it is known that it does not.
func (s *Sched) outOfTurn(p *P) bool { return p.phase >= 0 && p.tick%tickPeriod != p.phase }

// pullBatch takes g from the global queue and moves what came along with it to
// p's ring.
//
// Source: proc.go, globrunqget, globrunqgetbatch.
func (s *Sched) pullBatch(e *entry, g *G, p *P, f *found) {
	p.lastPull = s.cur
	if g.popped {
		// Its batch left the queue earlier; the rest of it stands right behind.
		for pos := g.pos + 1; pos < s.globq.tail; pos++ {
			r := s.globq.at(pos)
			if r == 0 {
				continue
			}
			if y := s.g(r); !y.popped || s.comes(r).p != p.id {
				break
			}
			s.moveToRing(p, r)
			f.moved++
		}
		return
	}
	size := s.globq.n - s.popped // as the puller saw it, give or take a late put
	n := min(size/max(s.procs, 1)+1, size, globBatchMax)
	rest := s.behindInGlobal(g, n+batchSlack)
	if len(rest) < n+batchSlack { // all of them: late puts matter
		size = len(rest) + 1
		n = min(size/max(s.procs, 1)+1, size, globBatchMax)
	}
	surely := s.sureBatch(n, size)
	n = s.batchSize(p, rest, n)
	for i, r := range rest {
		y := s.g(r)
		y.sure = y.sure && (i < surely-1 || i >= n+batchSlack-2)
		if i < n-1 {
			s.moveToRing(p, r)
			f.moved++
		}
	}
}

// sureBatch is how many of a batch, whose size was computed as n from the global
// queue's, were surely in it: all if nothing was being put there or taken just
// then, else as many as one goroutine more or less in the queue leaves.
func (s *Sched) sureBatch(n, size int) int {
	if s.popped == 0 && s.now >= s.settled {
		return n + batchSlack
	}
	return min(n, max(size-1, 1)/max(s.procs, 1)+1)
}

// batchSlack is how far beyond a batch's computed end its real end is looked for.
const batchSlack = 4

// moveToRing moves r from the global queue to p's ring.
func (s *Sched) moveToRing(p *P, r gref) {
	y := s.g(r)
	sure := y.sure
	s.unqueue(y)
	s.ringput(p, r)
	y.batch, y.sure = s.cur, sure
}

// behindInGlobal is what stands behind g in the global queue and could leave
// with it, at most so many: those that others popped, or that were not there
// yet, are left out.
func (s *Sched) behindInGlobal(g *G, most int) []gref {
	rest := s.scratch[:0]
	for pos := g.pos + 1; pos < s.globq.tail && len(rest) < most; pos++ {
		r := s.globq.at(pos)
		if r == 0 {
			continue
		}
		if y := s.g(r); y.popped || y.putEnd > s.now && s.now-y.putAt > putDone && s.overtaken(pos, r) {
			continue
		}
		rest = append(rest, r)
	}
	s.scratch = rest
	return rest
}

// overtaken reports whether something behind r in the global queue is dispatched
// before it: then r was put there late.
func (s *Sched) overtaken(pos int64, r gref) bool {
	a := s.comes(r).seq
	n := 0
	for pos++; pos < s.globq.tail && n < 7; pos++ {
		if y := s.globq.at(pos); y != 0 {
			if s.comes(y).seq < a {
				return true
			}
			n++
		}
	}
	return false
}

// batchSize corrects the computed size n of a batch that p pulled, from where
// the goroutines behind its head are dispatched next.
func (s *Sched) batchSize(p *P, rest []gref, n int) int {
	if len(rest) == 0 {
		return n
	}
	first := s.comes(rest[0])
	lo, hi := 1, len(rest)+1
	for j := 0; j < min(n+2, len(rest)); j++ {
		a := s.comes(rest[j])
		if a.p != p.id {
			if s.endsBatch(p, rest, n, j, a) {
				hi = j + 1
				break
			}
			continue
		}
		if j > 0 {
			if b := s.comes(rest[j-1]); b.p == p.id && a.seq < b.seq {
				hi = j + 1 // order broken: not in the same ring
				break
			}
		}
		// Somebody behind was popped already before the first of these ran.
		for _, z := range rest[j+1 : min(len(rest), j+4)] {
			if b := s.comes(z); b.p != p.id && b.seq < first.seq && first.p == p.id {
				lo = j + 2
			}
		}
	}
	return min(max(n, lo), hi)
}

// endsBatch reports whether rest[j], which runs on another P than the puller,
// shows that the batch ended before it; otherwise it may have been stolen out of
// the puller's ring.
func (s *Sched) endsBatch(p *P, rest []gref, n, j int, a coming) bool {
	if j > 0 {
		b := s.comes(rest[j-1])
		if j+1 < len(rest) && b.p == a.p && b.seq > a.seq {
			return false // a thief runs the last one first
		}
		if b.p == p.id && b.seq > a.seq {
			return true
		}
	}
	from := min(len(rest), max(j+1, n-1))
	behind := false
	for _, z := range rest[from:min(len(rest), from+3)] {
		if c := s.comes(z); c.seq > a.seq && c.seq != math.MaxUint64 && s.g(z).putAt < s.now {
			behind = true
		}
	}
	if !behind {
		return false
	}
	for l := j + 1; l < len(rest) && l < j+globBatchMax+2; l++ {
		if b := s.comes(rest[l]); b.p == a.p && b.seq < a.seq {
			return false // part of a stolen run
		}
	}
	return true
}
