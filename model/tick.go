package model

// A P's schedtick counts dispatches; every 61st looks at the global queue first.
// The trace does not show the counter, only some of its hits: a goroutine taken
// from the global queue while the P has work of its own. One of them shows the
// phase of the whole trace; one that the model only imagines shows a wrong one.
// So phases are voted on.

// phase is what is known of a P's schedtick.
type phase struct {
	at    int      // residue of P.tick at which the global queue comes first; -1 while not known
	votes int      // for at, less those against it
	rival int      // another residue that hits were seen at
	for2  int      // votes for rival
	may   residues // where it likely is, as p ran little before the trace began; none once a hit tells
}

// residues is a set of residues within the period.
type residues uint64

func (set residues) has(r int) bool { return set&(1<<r) != 0 }

// noPhase is the phase of which nothing is known.
var noPhase = phase{at: -1, rival: -1}

// A P of a program that the trace follows from its beginning mostly ran at most a few
// goroutines before: the runtime's own, and the beginning of main. In recordings with
// their truth half of the Ps ran none, the others up to six, and P 0 at least one. But
// a program that begins its trace itself may have run some more on some Ps, and looks
// the same: so that is a reason to believe a hit there, not to doubt one elsewhere.
const (
	someRan residues = 1<<60 | 1<<59 | 1<<58 | 1<<57 | 1<<56 | 1<<55
	noneRan residues = 1 << 0
)

// Phases that are supposed when a P first runs something. A hit where they allow
// one settles them, and two elsewhere refute them.
var (
	newPhase   = phase{at: 0, votes: 1, rival: -1}                         // made in mid-trace: its schedtick is 0
	freshPhase = phase{at: 0, votes: 1, rival: -1, may: noneRan | someRan} // likely none
	firstPhase = phase{at: -1, rival: -1, may: noneRan | someRan}          // of P 0
)

// votesMost bounds how many contradictions it takes until a phase that was seen
// often is given up.
const votesMost = 5

// What a hit weighs.
const (
	weakHit   = 1
	strongHit = 2 // the goroutine cannot have come to the P with an earlier batch
)

// rumour counts a hit at residue r that may well be none, as the goroutine may have
// stood in the P's own ring, and reports whether r is the phase. Only another one
// at the same residue makes it that.
func (h *phase) rumour(r int) bool {
	switch {
	case r == h.at:
		return true
	case h.may.has(r):
		h.settle(r, weakHit)
	case r == h.rival:
		h.for2++
	case h.for2 <= 1:
		h.rival, h.for2 = r, 1
	default:
		h.for2--
	}
	if h.for2 > max(h.votes, 1) {
		*h = phase{at: h.rival, votes: h.for2, rival: h.at, for2: h.votes}
	}
	return r == h.at
}

// hit counts a hit at residue r, and reports whether that is now the phase.
func (h *phase) hit(r, weight int) bool {
	switch {
	case h.may.has(r):
		h.settle(r, weight+1) // few false ones fall there
	case h.at < 0 || h.votes == 0 && r != h.at:
		h.settle(r, weight)
	case r == h.at:
		h.votes = min(h.votes+weight, votesMost)
	case r == h.rival:
		h.for2 += weight
	case h.for2 <= weight:
		h.rival, h.for2 = r, weight
	default:
		h.for2 -= weight
	}
	if h.for2 > h.votes {
		*h = phase{at: h.rival, votes: h.for2, rival: h.at, for2: h.votes}
	}
	return r == h.at
}

// miss counts a turn in which the global queue was passed by.
func (h *phase) miss() {
	if h.votes--; h.votes > 0 {
		return
	}
	*h = phase{at: h.rival, votes: h.for2, rival: -1, may: h.may &^ (1 << h.at)}
}

// settle makes r the phase, with so many votes.
func (h *phase) settle(r, votes int) { *h = phase{at: r, votes: votes, rival: -1} }

// residue is p's schedtick within its period.
func (p *P) residue() int { return p.tick % TickPeriod }

// inTurn reports whether it is known that p looks at the global queue first now.
func (p *P) inTurn() bool { return p.phase.at >= 0 && p.residue() == p.phase.at }

// outOfTurn reports whether it is known that it does not: that p is fresh does not
// show it.
func (p *P) outOfTurn() bool {
	return p.phase.at >= 0 && p.phase.may == 0 && p.residue() != p.phase.at
}

// mayTurn reports whether it may do so, although that is not what is supposed.
func (p *P) mayTurn() bool { return !p.inTurn() && !p.outOfTurn() }

// A phase is called known while hits agree on it, for so many votes: one alone may
// be what another P's batch left; and if the last was no longer ago than that many
// ticks: a dispatch in some ten thousand is counted that should not be, or the
// other way.
const (
	votesKnown = 3
	knownFor   = 32 * TickPeriod
)

// phaseKnown reports whether p's phase is known.
func (p *P) phaseKnown() bool { return p.phase.votes >= votesKnown && p.tick-p.hitTick < knownFor }

// hit counts that p took g's like from the global queue ahead of its own, and
// reports whether it was its turn. What was foreseen is not counted again.
func (s *Sched) hit(p *P, weight int) bool {
	if !p.inTurn() || s.cur >= p.foreseen {
		if !p.phase.hit(p.residue(), weight) && !s.drifted(p, weight) {
			return false
		}
	}
	p.hitTick = p.tick
	return true
}

// drifted reports whether p's schedtick was miscounted since the last pull that bore
// out its phase: the last two are elsewhere, and agree.
func (s *Sched) drifted(p *P, weight int) bool {
	h := &p.phase
	if h.rival != p.residue() || h.for2 < 2*weight || p.tick-p.hitTick <= 2*TickPeriod {
		return false
	}
	h.settle(h.rival, h.for2)
	return true
}

// tickKnown is whether it is the global queue's turn on p, where that is known.
func (p *P) tickKnown() Tick {
	switch {
	case !p.phaseKnown():
		return TickUnknown
	case p.inTurn():
		return TickYes
	}
	return TickNo
}

// dueTurn is the goroutine that p takes from the global queue in its next turn, if
// that comes within n dispatches after this one and none of them is from
// runnext, which would not count; 0 otherwise.
func (s *Sched) dueTurn(p *P, n int) gref {
	if p.phase.at < 0 {
		return 0
	}
	turn := (p.phase.at - p.residue() + TickPeriod) % TickPeriod
	if turn == 0 || turn > n+1 {
		return 0
	}
	seq := s.cur
	for ; turn > 0; turn-- {
		d := s.ahead.at(seq).onP
		if d == 0 {
			return 0
		}
		seq += uint64(d)
	}
	return s.ahead.at(seq).g
}

// checkTurn looks for contradictions in that p's dispatch came from its own
// queue: in its turn, the global queue would have been first.
func (s *Sched) checkTurn(e *entry, g *G, p *P) {
	if p.inTurn() && s.globalSurely(e) {
		s.diverge(DivergeTick, g, p.id)
		p.phase.miss()
	} else if p.phase.may.has(p.residue()) && s.globalSurely(e) {
		p.phase.may &^= 1 << p.residue()
	}
}

// globalSurely reports whether a goroutine stood in the global queue all the
// time that e's thread looked for one.
func (s *Sched) globalSurely(e *entry) bool {
	n := 0
	for pos := s.globq.head; pos < s.globq.tail && n < 4; pos++ {
		r := s.globq.at(pos)
		if r <= 0 {
			pos += r.ahead()
			continue
		}
		n++
		y := s.look(r)
		if c := s.comes(r); !y.popped && y.putEnd <= e.since && (c.seq == never || c.since > e.Time) {
			return true
		}
	}
	return false
}
