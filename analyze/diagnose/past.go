package diagnose

import "gmptrace/model"

// past is the time by kind up to each of the last moments, in order.
type past struct {
	grain model.Time   // stretches that are shorter share a moment
	at    []model.Time // circular, up to pastMoments of them
	sums  []split
	n     int        // moments so far
	from  model.Time // the last of them
	last  model.Time
	sum   split
}

const (
	pastMoments = 512
	pastFine    = 200_000   // ns: reaches a tenth of a second back at least
	pastCoarse  = 5_000_000 // ns: two and a half seconds
)

// add appends a stretch that ends at end.
func (p *past) add(start, end model.Time, k pDid) {
	if p.sharesMoment(start, end) { // nearly always
		p.sum[k] += int64(end - start)
		p.last = end
		return
	}
	if p.n == 0 {
		p.push(start)
	}
	if end-start >= p.grain && p.last > p.from {
		p.push(p.last)
	}
	p.sum[k] += int64(end - start)
	p.last = end
	if end-p.from >= p.grain {
		p.push(end)
	}
}

// sharesMoment reports whether a stretch needs no moment of its own.
func (p *past) sharesMoment(start, end model.Time) bool {
	return p.n > 0 && end-min(start, p.from) < p.grain
}

// push makes t the last moment.
func (p *past) push(t model.Time) {
	if p.n < pastMoments {
		p.at, p.sums = append(p.at, t), append(p.sums, p.sum)
	} else {
		p.at[p.n%pastMoments], p.sums[p.n%pastMoments] = t, p.sum
	}
	p.n++
	p.from, p.last = t, max(p.last, t)
}

// upTo is the time by kind up to t; ok is false where it is forgotten.
func (p *past) upTo(t model.Time) (s split, ok bool) {
	if p.n == 0 || t >= p.last {
		return p.sum, p.n > 0
	}
	if first := max(0, p.n-pastMoments) % pastMoments; t < p.at[first] {
		return p.sums[first], false
	}
	k := p.before(t)
	from, a := p.at[k%pastMoments], p.sums[k%pastMoments]
	to, b := p.last, p.sum
	if k+1 < p.n {
		to, b = p.at[(k+1)%pastMoments], p.sums[(k+1)%pastMoments]
	}
	if to > from {
		a.approach(&b, float64(t-from)/float64(to-from))
	}
	return a, true
}

// before is the number of the last moment that is not after t, which is no earlier than
// the first that is remembered.
func (p *past) before(t model.Time) int {
	lo, hi := max(0, p.n-pastMoments), p.n // it lies in [lo, hi)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; p.at[mid%pastMoments] <= t {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// between is the time by kind in [start, end], as far as it is remembered; ok is
// whether all of it is.
func (p *past) between(start, end model.Time) (s split, ok bool) {
	a, ok := p.upTo(start)
	s, _ = p.upTo(end)
	for k := range s {
		s[k] -= a[k]
	}
	return s, ok
}
