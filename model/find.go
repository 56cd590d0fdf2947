package model

import "math"

// found is the answer to where a dispatched goroutine came from.
type found struct {
	source  Source
	victim  ProcID
	moved   int     // goroutines moved by a steal or a global batch, this one included
	certain bool    // nothing else fits
	sources Sources // what else fits
}

// find explains the dispatch e of g on p: the inverse of findRunnable. It takes
// g out of its queue and moves what came along with it.
//
// Source: proc.go, findRunnable, schedule, execute.
func (s *Sched) find(e *entry, g *G, p *P) found {
	f := found{victim: NoP, moved: 1}
	if (g.place == placeGlobal || g.place == placeRing) && s.neverQueued(e, p) {
		s.direct(g, SourceSyscallExit)
		g.sure = false
	}
	s.repair(e, g, p)
	switch g.place {
	case placeDirect:
		s.fromNowhere(g, &f)
	case placeRunnext:
		s.fromRunnext(g, p, &f)
	case placeRing:
		if g.p == p.id {
			s.fromOwnRing(e, g, p, &f)
		} else {
			s.fromOtherRing(e, g, p, &f)
		}
	case placeGlobal:
		s.fromGlobal(e, g, p, &f)
	case placeLimbo:
		f.source = SourceSteal
	default:
		f.source = SourceUnknown
	}
	s.unqueue(g)
	if s.doubtful(g, f.source) {
		f.certain = false
	}
	if f.certain {
		f.sources = 0
	}
	return f
}

// doubtFor is for how many events after the trace contradicted the model's
// queues nothing that it takes from them is called certain: what is wrong in one
// queue shows up later in another.
const doubtFor = 1 << 12

// doubtful reports whether what src says of g depends on queues that were
// contradicted lately.
func (s *Sched) doubtful(g *G, src Source) bool {
	if s.doubt == 0 || s.cur > s.doubt+doubtFor {
		return false
	}
	return src == SourceLocal || src == SourceGlobal || src == SourceGlobalTick || src == SourceSteal
}

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

// countTick advances p's schedtick: a dispatch from the own runnext inherits the
// time slice, and the direct ones of system calls and coroutines do not count,
// but a start on the goroutine's locked thread always does.
//
// Source: proc.go, execute's inheritTime.
func (s *Sched) countTick(e *entry, g *G, p *P, f found) {
	switch f.source {
	case SourceRunnext, SourceCoroutine, SourceSyscallExit, SourceParkCancelled:
		if e.M < 0 || s.m(e.M).prevOp != OpAcquirep || !s.lockedTo(g, e.M) || f.source != SourceRunnext {
			return
		}
	}
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
	switch {
	case !g.sure: // see neverQueued
		f.sources = f.sources.With(SourceGlobal)
	case g.direct == SourceNetpoll && s.now-g.parkAt <= 4*parkCancel:
		// A cancelled park that was slow looks the same as a quick poll.
		f.certain = false
		f.sources = f.sources.With(SourceParkCancelled)
	case g.direct == SourceParkCancelled:
		f.certain = false
		f.sources = f.sources.With(SourceNetpoll)
	}
}

func (s *Sched) fromRunnext(g *G, p *P, f *found) {
	f.certain = g.sure
	if g.p == p.id {
		f.source = SourceRunnext
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
	k := p.runq.index(e.g)
	if p.hostage != 0 && p.runq.index(p.hostage) < 0 {
		p.hostage = 0
	}
	if p.hostage == 0 && k > 0 && s.comes(p.runq.at(0)).p == p.id {
		s.findHostage(p, k)
	}
	f.certain = g.sure && k == 0 && p.hostage == 0 && p.runnext == 0
	if p.hostage == 0 {
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
	f.certain = g.sure && from == 0 && v.hostage == 0
	moved := s.scratch[:0]
	for i := from; i < k; i++ {
		moved = append(moved, v.runq.at(i))
	}
	s.scratch = moved
	v.runq.removeAt(k)
	g.place = placeNone
	if s.lockedAnywhere(g) && k == 0 && g.kickAt > 0 && s.now-g.kickAt < lockedWake {
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

// lockedWake is how long the thread of a locked goroutine may take to wake
// after the thief handed the goroutine to it.
const lockedWake = 60_000 // ns

func (s *Sched) lockedAnywhere(g *G) bool { return g.lockM >= 0 && s.lockedTo(g, g.lockM) }

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
