package model

// What if: the sizes that a batch may have had are tried out on the events that
// follow, and the trace refutes the wrong ones.

// Bounds of looking ahead.
const (
	foreseeLeast = 32      // events that one supposition is followed for at least
	foreseeMost  = 384     // and at the most
	foreseeStart = 1 << 19 // events that trials may decide in any trace
	foreseeEvery = 8       // and one more for so many events decided for good
)

// outlook is what a supposition led to.
type outlook struct {
	far    uint64 // event that refutes it, or where the trial ended
	strain int    // how much had to be assumed on the way
}

// better reports whether a explains more than b, or the same with less assumed.
func (a outlook) better(b outlook) bool {
	return a.far > b.far || a.far == b.far && a.strain < b.strain
}

// tryBatches is the likeliest batch that p pulled with g. In a trial it does not
// return to where it was: the trial ends inside.
func (s *Sched) tryBatches(e *entry, g *G, p *P, f *found, n span) batch {
	t := &s.trial
	t.settled = n.least == n.most
	likely := batch{n: n.likely, asRun: true}
	if t.scouting {
		return likely
	}
	if t.depth > 0 {
		s.tryInside(e, p, f, n, likely)
		return likely
	}
	if n.least == n.most && s.cur > s.doubt+doubtFor || !s.afford() {
		return likely
	}
	t.until = s.foreseeUntil(g, n)
	t.agreed = len(s.Facts.Divergences)
	best, bears := likely, outlook{}
	t.rivals = 0
	try := func(b batch, strain int) {
		t.budget = 3 * int(t.until-s.cur)
		o := s.suppose(e, p, *f, b)
		o.strain += strain
		if o.far >= t.until {
			t.rivals++
		}
		if o.better(bears) {
			best, bears = b, o
		}
	}
	try(likely, 0)
	for _, b := range s.alternatives(n, likely) {
		try(b, unlikelyStrain)
	}
	if bears.far < t.until && p.mayTurn() {
		try(batch{n: 1, tick: true}, 1)
	}
	if bears.far < s.cur+(t.until-s.cur)/2 {
		for _, d := range [...]int{1, -1, 2, -2} {
			if size := n.likely + d; size >= 1 && size <= s.globq.n && (size < n.least || size > n.most) {
				try(batch{n: size, asRun: likely.asRun}, 2*unlikelyStrain)
			}
		}
		if bears.far < t.until && (best.n < n.least || best.n > n.most) {
			best = likely // what is wrong is wrong since before this pull
		}
	}
	t.settled = t.rivals == 1 && best == likely
	return best
}

// alternatives are other batches than the likeliest: of the other sizes, then in
// the other order if that made a difference to the batch supposed last.
func (s *Sched) alternatives(n span, likely batch) []batch {
	var all []batch
	differs := s.trial.differs
	for d := 1; len(all) < 3 && d <= n.most-n.least; d++ {
		if n.likely-d >= n.least {
			all = append(all, batch{n: n.likely - d, asRun: likely.asRun})
		}
		if n.likely+d <= n.most {
			all = append(all, batch{n: n.likely + d, asRun: likely.asRun})
		}
	}
	if differs {
		all = append(all, batch{n: n.likely, asRun: !likely.asRun})
	}
	return all
}

// foreseeUntil is up to which event the trace must bear out how many goroutines
// g's batch had: until what stands behind the batch has been dispatched, and
// some more.
func (s *Sched) foreseeUntil(g *G, n span) uint64 {
	until := s.cur
	i := 1
	for pos := g.pos + 1; pos < s.globq.tail && i <= n.most+1; pos++ {
		r := s.globq.at(pos)
		if r <= 0 {
			pos += r.ahead()
			continue
		}
		if s.look(r).popped {
			continue
		}
		if i >= n.least-1 {
			if c := s.comes(r); c.seq != never {
				until = max(until, c.seq)
			}
		}
		i++
	}
	return min(until+foreseeLeast, s.cur+foreseeMost, s.ahead.tail)
}

// unlikelyStrain is what it costs to assume another size than the likeliest.
const unlikelyStrain = 2

// tryInside follows, inside a trial, one batch after the other until one is not
// refuted.
func (s *Sched) tryInside(e *entry, p *P, f *found, n span, likely batch) {
	t := &s.trial
	best := outlook{s.cur, s.strain}
	if len(s.Facts.Divergences) <= t.agreed {
		best = s.suppose(e, p, *f, likely)
		for _, b := range s.alternatives(n, likely) {
			if best.far >= t.until || t.budget <= 0 {
				break
			}
			o := s.suppose(e, p, *f, b)
			o.strain += unlikelyStrain
			if o.better(best) {
				best = o
			}
		}
	}
	t.over, t.outlook = true, best
}

// suppose is what it leads to that p pulled this batch.
func (s *Sched) suppose(e *entry, p *P, f found, b batch) outlook {
	m := s.begin()
	p = s.p(p.id)
	g := s.g(e.g)
	differs := s.takeBatch(g, p, &f, b)
	s.found(g, &f)
	s.dispatched(e, g, p, &f)
	o := s.follow()
	s.undo(&m)
	s.trial.differs = differs
	return o
}

// follow decides what follows until something contradicts the model, or the
// trial ends.
func (s *Sched) follow() outlook {
	t := &s.trial
	for s.ahead.head < t.until && t.budget > 0 {
		if s.endsTrials(s.ahead.at(s.ahead.head)) {
			break
		}
		t.budget--
		t.steps++
		s.decide()
		if t.over {
			t.over = false
			return t.outlook
		}
		if len(s.Facts.Divergences) > t.agreed && !t.scouting {
			return outlook{s.cur, s.strain}
		}
	}
	if t.budget <= 0 {
		return outlook{s.cur, s.strain}
	}
	return outlook{t.until, s.strain}
}

// endsTrials reports whether e cannot be decided in a trial: what it does cannot
// be taken back. In a damaged trace a goroutine goes on after its exit.
func (s *Sched) endsTrials(e *entry) bool {
	return e.Op == OpGOMAXPROCS || e.Op == OpGeneration && e.Arg != 0 ||
		opClasses[e.Op].subject == subjectG && s.look(e.g).id != GoID(e.Subject)
}

// scout looks for the phases of schedtick ahead, when the next event is a pull
// from the global queue by a P whose phase is not known: it runs through the
// look-ahead and comes back with the phases that 61-tick pulls showed.
func (s *Sched) scout(e *entry) {
	t := &s.trial
	if t.depth > 0 || s.cur < t.nextScout || s.g(e.g).place != placeGlobal || s.p(e.P).phaseKnown() || !s.afford() {
		return
	}
	most := s.ahead.tail - s.ahead.head
	m := s.begin()
	t.scouting = true
	clear(s.aheadBeats)
	t.until, t.budget = s.ahead.tail, int(most)
	s.follow()
	t.scouting = false
	found := s.phases[:0]
	for _, p := range s.ps {
		if p != nil && p.phase.at >= 0 {
			found = append(found, phaseOf{p, p.phase})
		}
	}
	s.phases = found
	s.undo(&m)
	t.scoutEvery = min(2*t.scoutEvery, scoutRarest)
	for _, f := range found {
		if f.p.phase.votes < f.phase.votes {
			f.p.phase, f.p.foreseen, f.p.hitTick = f.phase, t.until, f.p.tick
			t.scoutEvery = most / 2
		}
	}
	t.nextScout = s.cur + t.scoutEvery
}

// scoutRarest is after how many events another look ahead for phases is taken
// where the last ones showed none.
const scoutRarest = 1 << 16

// phaseOf is a phase of schedtick that a P was seen to have.
type phaseOf struct {
	p     *P
	phase phase
}

// afford reports whether trials have not taken more than their share.
func (s *Sched) afford() bool { return uint64(s.trial.steps) < s.cur/foreseeEvery+foreseeStart }
