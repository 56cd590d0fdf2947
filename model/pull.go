package model

import "math"

// Pulls from the global queue: which of them it was, and what came along.
//
// The queue is first in, first out, but the trace does not show its order: a
// thread announces a put and does it some hundred nanoseconds later, or, where
// the operating system stops it in between, milliseconds later; and it takes
// from the queue some time before the dispatch that shows it.

// fromGlobal explains a dispatch of a goroutine in the global queue: a 61-tick
// pull takes one; a pull because the local queue is empty takes a batch; and a
// goroutine popped earlier may only now show up.
func (s *Sched) fromGlobal(e *entry, g *G, p *P, f *found) {
	f.sources = f.sources.With(SourceGlobal).With(SourceGlobalTick)
	popped := g.popped
	if !popped {
		s.settleAhead(e, g, p)
	}
	f.queue = max(1, s.globq.n-s.popped)
	if s.hasLocal(p) && !s.unbatchAll(e, g, p) {
		s.globalBeforeLocal(e, g, p, f)
		return
	}
	f.tick = p.tickKnown()
	held := p.mayHold(g) || s.slackFor(g)
	f.certain = g.sure && !popped && !held && s.latent == 0 && p.runq.len() == 0 && p.runnext == 0
	if p.inTurn() {
		p.lastIn = s.cur
		f.source = SourceGlobalTick
		if g.putEnd > e.since && g.putM != e.M {
			f.tick = TickUnknown // it may have come when the turn was over: p looks once more before it gives up
		}
		if f.tick == TickUnknown {
			if n := s.batchOf(s.globq.n - s.popped); n > 1 {
				s.doubtEnd(g, span{1, 1, n}, batch{n: 1})
				p.loosen()
			}
		}
		return
	}
	f.source = SourceGlobal
	if !held && f.certain {
		p.fasten()
	}
	p.lastIn = s.cur
	if popped {
		s.takePopped(g, p, f)
		return
	}
	s.pullBatch(e, g, p, f)
}

// globalBeforeLocal explains a pull from the global queue while p has goroutines
// of its own: only every 61st dispatch may do that.
func (s *Sched) globalBeforeLocal(e *entry, g *G, p *P, f *found) {
	known := p.tickKnown()
	if p.outOfTurn() {
		s.diverge(DivergeTick, g, p.id)
	}
	// One of a list, of which it is not sure how many went to the global queue, may
	// stand in p's ring instead; and while the queues are in doubt, so may one that
	// was last in a batch or first behind it.
	listed := g.putSeq == 0 && g.chain != 0
	if !g.sure && (listed || s.inDoubt()) && !p.phase.rumour(p.residue()) && !s.drifted(p, weakHit) {
		f.source = SourceLocal
		f.sources = f.sources.With(SourceLocal)
		return
	}
	weight := weakHit
	if g.sure && p.lastPull < g.putSeq {
		weight = strongHit
	}
	switch in := s.hit(p, weight); {
	case in:
		if known == TickYes && !s.inDoubt() {
			p.fasten()
			s.slack = 0
			p.lastIn = s.cur
		}
		f.source, f.tick = SourceGlobalTick, known
		f.certain = g.sure && !g.popped && known == TickYes
	case g.putSeq == 0 || p.lastPull >= g.putSeq:
		f.source = SourceLocal // it must have come here with an earlier batch
		f.sources = f.sources.With(SourceLocal)
	default:
		f.source = SourceGlobal // what seems local has gone elsewhere
	}
}

// settleAhead accounts for what stands ahead of g in the global queue, which
// left it before g: popped by threads whose dispatches are still to come, or put
// there later than it was announced, or in the ring of a P whose last batch was
// larger than the model made it.
func (s *Sched) settleAhead(e *entry, g *G, p *P) {
	owner := NoP // who popped the last one ahead
	last := gref(0)
	taken := 0 // by owner
	wrong := false
	for pos, end := max(s.globq.head, g.pos-2*GlobalBatchMost), s.globq.behind(g.pos); pos < end; pos++ {
		r := s.globq.at(pos)
		if r <= 0 {
			pos += r.ahead()
			continue
		}
		y := s.look(r)
		if y.popped {
			owner = y.popBy
			continue
		}
		c := s.comes(r)
		late := y.mayFollow(g)
		switch {
		case c.p == p.id:
			if !late && !p.outOfTurn() || g.putAt-y.putAt > putSure && y.putM == g.putM {
				wrong = true
				s.moveToRing(p, r)
			}
		case c.p == NoP:
			s.strain++
			if q := s.stalledLooker(p, owner); !late && q != NoP {
				owner = q
				s.pop(r, q)
			}
		case c.since <= e.Time:
			if late && e.Time-c.since < s.pace {
				s.strain += s.lateStrain(y, g)
				break
			}
			owner, last, taken = c.p, r, 1
			s.strain += s.popStrain(e, c.since)
			s.pop(r, owner)
		case owner != NoP && c.p == owner:
			last = r
			taken++
			s.pop(r, owner)
		case late:
			s.strain += s.lateStrain(y, g)
		case owner != NoP:
			s.pop(r, owner) // with the owner's batch, stolen from it later
		default:
			wrong = true
			s.moveToRing(s.p(c.p), r)
		}
	}
	if last != 0 {
		s.popRest(g, owner, last, taken)
	}
	if wrong {
		s.diverge(DivergePlace, g, p.id)
	}
}

// popRest marks as gone what the batch of P owner, whose thread has not started
// yet, has beside those ahead of g: goroutines announced after g that may have
// been put onto the queue before it, and that owner runs next after last.
func (s *Sched) popRest(g *G, owner ProcID, last gref, taken int) {
	if q := s.p(owner); q.inTurn() {
		return
	}
	n := s.batchOf(s.globq.n - s.popped + taken)
	seq := s.comes(last).seq
	for ; taken < n; taken++ {
		d := s.ahead.at(seq).onP
		if d == 0 {
			return
		}
		seq += uint64(d)
		r := s.ahead.at(seq).g
		y := s.look(r)
		if y == g || y.place != placeGlobal || y.popped || y.pos < g.pos || !g.mayFollow(y) || s.comes(r).seq != seq {
			return
		}
		s.strain += s.lateStrain(g, y)
		s.pop(r, owner)
	}
}

// stalledLooker is a P other than p whose thread is looking for work and stays
// so for the whole look-ahead, first if that is one; NoP if there is none.
func (s *Sched) stalledLooker(p *P, first ProcID) ProcID {
	found := NoP
	for _, q := range s.ps {
		if q == nil || q == p || q.does != PDoesSched || q.m < 0 || s.ahead.holds(s.ms[q.m].tail) {
			continue
		}
		if found == NoP || q.id == first {
			found = q.id
		}
	}
	return found
}

// putSure is how much apart two puts must be announced for their order not to be
// in doubt.
const putSure = 100_000 // ns

// mayFollow reports whether y, announced before g, may have been put onto the
// global queue after it.
func (y *G) mayFollow(g *G) bool { return y.putEnd > g.putAt && y.putM != g.putM }

// lateStrain is how unlikely it is that y, announced before g, was put onto the
// global queue after it.
func (s *Sched) lateStrain(y, g *G) int {
	switch apart := g.putAt - y.putAt; {
	case apart < s.pace/2:
		return 1
	case apart < 2*s.pace:
		return 2
	}
	return 3
}

// popStrain is how unlikely it is that a thread which has been looking for work
// since then has taken some before e's thread did.
func (s *Sched) popStrain(e *entry, since Time) int {
	switch d := e.Time - since; {
	case d < s.pace:
		return 4
	case d < s.pace*3/2:
		return 2
	}
	return 1
}

// keepPace follows how long this machine mostly takes from one goroutine's stop
// to the next one's dispatch, where a thread is not stalled.
func (s *Sched) keepPace(e *entry) {
	if d := e.Time - e.since; d < 4*s.pace {
		s.pace += (d - s.pace) / 16
		s.pace = max(s.pace, paceLeast)
	}
}

// The pace before anything is known, and the least.
const (
	paceStart = 600 // ns
	paceLeast = 64  // ns
)

// pop marks r as gone from the global queue by way of P by.
func (s *Sched) pop(r gref, by ProcID) {
	y := s.g(r)
	y.popped, y.popBy = true, by
	s.popped++
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

// takePopped moves the rest of g's batch, which left the global queue earlier,
// to p's ring.
func (s *Sched) takePopped(g *G, p *P, f *found) {
	p.lastPull = s.cur
	for pos := g.pos + 1; pos < s.globq.tail; pos++ {
		r := s.globq.at(pos)
		if r <= 0 {
			pos += r.ahead()
			continue
		}
		if y := s.look(r); y.popped && (y.popBy == p.id || s.comes(r).p == p.id) {
			s.moveToRing(p, r)
			f.moved++
		} else if y.popped {
			break
		}
	}
}

// span is how many goroutines a pull may have taken.
type span struct{ least, likely, most int }

// batchOf is how many goroutines a pull takes from a queue of so many.
//
// Source: proc.go, globrunqget, globrunqgetbatch.
func (s *Sched) batchOf(size int) int {
	return globBatch(size, s.procs)
}

// batchSpan is how many goroutines the pull that ends in e took, from the length
// that the global queue had then.
func (s *Sched) batchSpan(e *entry, g *G) span {
	size := s.globq.n - s.popped
	if g.popped {
		size++
	}
	if e.since >= s.settled {
		n := s.batchOf(size)
		return span{n, n, n}
	}
	took := max(e.since, e.Time-s.pace/2)
	maybe, late := 0, 0
	pos := s.globq.tail - 1
	for i := 0; i < unsettledMax && pos >= s.globq.head; pos-- {
		r := s.globq.at(pos)
		if r <= 0 {
			pos -= r.back()
			continue
		}
		i++
		y := s.look(r)
		if y == g || y.popped || y.putEnd <= e.since || y.putM == e.M {
			continue
		}
		i = 0
		maybe++
		if y.putAt+min(s.pace/2, (y.putEnd-y.putAt)/2) > took {
			late++
		}
	}
	n := s.batchOf(size)
	if maybe == 0 {
		return span{n, n, n}
	}
	return span{s.batchOf(size - maybe), s.batchOf(size - late), n}
}

// unsettledMax is after how many goroutines in a row, from the global queue's
// tail, whose put was done none is looked for whose put was not.
const unsettledMax = 16

// pullBatch takes g from the global queue and moves what came along with it to
// p's ring.
func (s *Sched) pullBatch(e *entry, g *G, p *P, f *found) {
	n := s.batchSpan(e, g)
	b := s.tryBatches(e, g, p, f, n)
	if s.trial.over {
		return
	}
	if !b.tick && s.trial.depth == 0 {
		s.dueBatch(g, n, f)
	}
	if f.dueMax > 1 && p.inTurn() {
		p.phase.miss() // its turn would have taken one
		f.tick = TickUnknown
	}
	switch {
	case f.dueMax == 0 && n.most > 1 && p.tickKnown() == TickUnknown:
		s.doubtEnd(g, span{1, n.likely, n.most}, b) // it may have been its turn, and taken one
		p.loosen()
	case !s.trial.settled:
		s.doubtEnd(g, n, b)
		p.loosen()
	}
	if n.most > 1 {
		if s.slackFor(g) {
			p.loosen()
		}
		if p.loose {
			s.slack = s.cur
		}
	}
	s.takeBatch(g, p, f, b)
}

// doubtEnd notes that it is not sure which goroutines were the last in a batch
// and the first behind it.
func (s *Sched) doubtEnd(g *G, n span, b batch) {
	i := 1 // g itself
	for pos := s.globq.head; pos < s.globq.tail && i <= max(n.most, b.n); pos++ {
		r := s.globq.at(pos)
		if r <= 0 {
			pos += r.ahead()
			continue
		}
		if pos == g.pos || s.look(r).popped {
			continue
		}
		if i >= min(n.least, b.n)-1 {
			s.g(r).sure = false
		}
		i++
	}
}

// batch is what a pull from the global queue may have taken.
type batch struct {
	n     int  // goroutines, the dispatched one included
	asRun bool // put in the order in which the P runs them, where they may have been
	tick  bool // a 61-tick pull: it takes one
}

// takeBatch moves what stands in the global queue to p's ring, so that b.n
// goroutines left it with g. What is still ahead of g was put there after it.
// It reports whether b.asRun makes a difference.
func (s *Sched) takeBatch(g *G, p *P, f *found, b batch) (differs bool) {
	if b.tick {
		f.source = SourceGlobalTick
		s.hit(p, weakHit)
		return false
	}
	p.lastPull = s.cur
	f.moved = 1
	due := s.dueTurn(p, b.n)
	for pos := s.globq.head; f.moved < b.n && pos < s.globq.tail; {
		r := s.globq.at(pos)
		if r <= 0 {
			pos += 1 + r.ahead()
			continue
		}
		if pos == g.pos || s.look(r).popped {
			pos++
			continue
		}
		if y := s.overtaker(pos, r, g, p, due); y != 0 {
			same := s.comes(r).p == p.id
			differs = differs || same
			if !same || b.asRun {
				s.strain += s.lateStrain(s.look(r), s.look(y))
				r = y
			}
		}
		s.moveToRing(p, r)
		f.moved++
	}
	return differs
}

// overtakersMax is how many slots behind a goroutine are looked at for one that may have
// been put onto the global queue before it.
const overtakersMax = 128

// overtaker is the first of those behind r, at pos in the global queue, that may
// have been put there before it and that p runs before r; 0 if there is none.
// Neither first, which p has just taken, nor due, which it takes by itself in its
// turn, is one.
func (s *Sched) overtaker(pos int64, r gref, first *G, p *P, due gref) gref {
	g, c := s.look(r), s.comes(r)
	for i := 0; i < overtakersMax && pos+1 < s.globq.tail; i++ {
		pos++
		y := s.globq.at(pos)
		if y <= 0 {
			i += int(y.ahead())
			pos += y.ahead()
			continue
		}
		if y == due || pos == first.pos || s.look(y).popped {
			continue
		}
		h := s.look(y)
		if h.putAt >= g.putEnd {
			break
		}
		if d := s.comes(y); d.p == p.id && (c.p != p.id || d.seq < c.seq) && g.mayFollow(h) {
			return y
		}
	}
	return 0
}

// moveToRing moves r from the global queue to p's ring.
func (s *Sched) moveToRing(p *P, r gref) {
	y := s.g(r)
	sure := y.sure
	s.unqueue(y)
	s.ringput(p, r)
	y.batch, y.sure = uint32(s.cur), sure
}

// never is the sequence number of what does not come within the look-ahead.
const never = math.MaxUint64
