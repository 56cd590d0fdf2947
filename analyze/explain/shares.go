package explain

import (
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// shares are what the instances of a population spent their time on.
type shares struct {
	by    map[stepSum]*tally
	alone []aloneTally // what is told by its cause alone, of each via and cause at most one

	last  *tally // that the last step was added to, as the next one often is like it
	lastS stepSum
}

type aloneTally struct {
	via   via
	cause report.Cause
	tally
}

// maxShares bounds what of a population is told apart: what comes later than so much is
// told without who it was, by the function alone, and what comes later than twice as much by
// its cause alone.
const maxShares = 1 << 15

// somebody stands for any goroutine: no program has one with this number.
const somebody model.GoID = 0

// nameless is what is told of steps without which goroutines they were of.
func (s stepSum) nameless() stepSum {
	if s.g.G != model.NoG {
		s.g.G = somebody
	}
	if s.who.G != model.NoG {
		s.who.G = somebody
	}
	return s
}

// causeAlone is what is told of steps by their cause alone.
func causeAlone(v via, c report.Cause) stepSum {
	return stepSum{via: v, cause: c, g: measure.Culprit{G: model.NoG}, who: measure.Culprit{G: model.NoG}}
}

// step adds a step.
func (x *shares) step(s *step) {
	sum, t := s.summed(), tally{ns: int64(s.to - s.from), n: 1}
	if x.last == nil || sum != x.lastS {
		as, into := sum, x.by[sum]
		if into == nil && len(x.by) >= maxShares {
			as = sum.nameless()
			into = x.by[as]
		}
		if into == nil && len(x.by) >= 2*maxShares {
			x.cause(s.via, s.cause, t)
			return
		}
		if into == nil {
			if x.by == nil {
				x.by = map[stepSum]*tally{}
			}
			into = &tally{}
			x.by[as] = into
		}
		x.last, x.lastS = into, sum
	}
	x.last.add(t)
}

// cause adds what is told by its cause alone: of a few, so that looking through all of them
// is quick.
func (x *shares) cause(v via, c report.Cause, t tally) {
	for i := range x.alone {
		if a := &x.alone[i]; a.via == v && a.cause == c {
			a.add(t)
			return
		}
	}
	x.alone = append(x.alone, aloneTally{v, c, t})
}

// merge adds others, and tells apart all that either does: which of them are too many would
// depend on their order.
func (x *shares) merge(o *shares) {
	for s, t := range o.by {
		into := x.by[s]
		if into == nil {
			if x.by == nil {
				x.by = map[stepSum]*tally{}
			}
			into = &tally{}
			x.by[s] = into
		}
		into.add(*t)
	}
	for _, a := range o.alone {
		x.cause(a.via, a.cause, a.tally)
	}
}

// each calls use with all that there are, in no order, each at most once.
func (x *shares) each(use func(*stepSum, tally)) {
	rest := make(map[stepSum]tally, len(x.alone))
	for _, a := range x.alone {
		rest[causeAlone(a.via, a.cause)] = a.tally
	}
	for s, t := range x.by {
		of := *t
		if more, ok := rest[s]; ok {
			of.add(more)
			delete(rest, s)
		}
		use(&s, of)
	}
	for s, t := range rest {
		use(&s, t)
	}
}

// add adds another tally, of which does not matter when it began.
func (t *tally) add(o tally) { t.ns, t.n, t.waits = t.ns+o.ns, t.n+o.n, t.waits+o.waits }
