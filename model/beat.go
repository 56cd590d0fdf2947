package model

// What the time tells that a P takes to find its next goroutine.
//
// Where a P alone passes a queue through in batches whose size divides 60, every 61st tick
// falls on an empty ring: no event contradicts a wrong phase of its schedtick. But a pull
// from the global queue takes a lock and moves a batch, which takes longer than taking the
// ring's first. Between two such turns all pulls are at the same distances from the last
// one, so that the times by residue of the schedtick, of many periods, show where they are.

// beat is how long a P took to find what it ran, by the residue of its schedtick.
type beat struct {
	n     int // size of the batches
	sum   [TickPeriod]float64
	times [TickPeriod]int
	all   int     // times in all
	sq    float64 // sum of squares
}

// What a beat is heard by.
const (
	beatLeast  = 4 * TickPeriod // dispatches at least, and after how many more it is listened to again
	beatMost   = 1 << 14        // so many are forgotten by halves
	beatLikely = 6              // natural logarithm of how much likelier the phase must be than any other
	beatSure   = 12             // the same for it to count as known
	beatGuess  = 1 << 9         // dispatches from which on the likeliest is supposed where none is known
)

// beats are those of Ps: of what was decided, and of a look ahead for phases, which is not
// taken back.
type beats map[ProcID]*beat

// of is the beat of a P.
func (bs beats) of(p *P) *beat {
	b := bs[p.id]
	if b == nil {
		b = &beat{}
		bs[p.id] = b
	}
	return b
}

// listen takes in how long p looked for g, which it took out of a batch or with one, and
// finds out its phase.
func (s *Sched) listen(e *entry, g *G, p *P, f *found) {
	if !p.loose || p.phaseKnown() || s.trial.depth > 0 && !s.trial.scouting || e.woken || e.since == 0 {
		return
	}
	bs := s.beats
	if s.trial.scouting {
		bs = s.aheadBeats
	}
	b := bs.of(p)
	switch f.source {
	case SourceGlobal:
		if f.moved != b.n {
			*b = beat{n: f.moved}
		}
	case SourceLocal:
		if g.batch == 0 {
			return
		}
	case SourceGlobalTick:
	default:
		return
	}
	d := e.Time - e.since
	if b.n < 2 || (TickPeriod-1)%b.n != 0 || d > 4*s.pace {
		return
	}
	b.add(p.residue(), float64(d))
	if b.all%beatLeast != 0 {
		return
	}
	at, sure := b.hear()
	if votes := b.votes(sure, p.phase.at >= 0); votes > 0 {
		p.phase.settle(at, votes)
		p.hitTick = p.tick
	}
}

// votes is how much a phase counts that was heard so surely; 0 for not at all. Where none is
// known the likeliest is supposed even if others are nearly as likely: those are a few batches
// off mostly, and wrong for so many in each period, but without a turn at all the batches are
// off by one more in each period.
func (b *beat) votes(sure float64, known bool) int {
	switch {
	case sure >= beatSure:
		return votesKnown
	case sure >= beatLikely:
		return votesKnown - 1
	case !known && b.all >= beatGuess:
		return 1
	}
	return 0
}

// add takes in one time. What is long ago counts less.
func (b *beat) add(residue int, d float64) {
	if b.all >= beatMost {
		b.all, b.sq = 0, b.sq/2
		for r, n := range b.times {
			if n > 0 {
				b.sum[r] *= float64(n/2) / float64(n)
			}
			b.times[r] = n / 2
			b.all += n / 2
		}
	}
	b.sum[residue] += d
	b.times[residue]++
	b.sq += float64(d * d)
	b.all++
}

// hear is the likeliest phase, and by how much it is likelier than any other, as a
// natural logarithm.
func (b *beat) hear() (at int, sure float64) {
	var high [TickPeriod]float64 // how much longer than the others it took at each residue
	total, within := 0.0, b.sq
	for r, n := range b.times {
		if n == 0 {
			return 0, 0
		}
		high[r] = b.sum[r] / float64(n)
		within -= float64(high[r] * b.sum[r])
		total += b.sum[r]
	}
	average, noise := total/float64(b.all), max(within/float64(b.all), 1)
	for r := range high {
		high[r] -= average
	}
	best, second := 0.0, 0.0
	for t := range high {
		switch sum := b.pulls(&high, t); {
		case sum > best:
			best, second, at = sum, best, t
		case sum > second:
			second = sum
		}
	}
	n := float64(1 + (TickPeriod-1)/b.n) // pulls a period
	gap := best/n + best/(TickPeriod-n)
	return at, gap * (best - second) * float64(b.all) / TickPeriod / noise
}

// pulls sums what the pulls of a period have, if the turn is at residue t: the turn itself,
// and a batch from the tick after it on each time that the one before is used up.
func (b *beat) pulls(of *[TickPeriod]float64, t int) float64 {
	sum := of[t]
	for r := 1; r < TickPeriod; r += b.n {
		sum += of[(t+r)%TickPeriod]
	}
	return sum
}
