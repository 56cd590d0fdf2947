package explain

import (
	"gmptrace/analyze/report"
)

// summing adds the bills of instances to those of all, one after the other.
type summing struct {
	e     *explainer
	p     *population
	bills []*bill // that it is added to
	w     walk

	// How many stretches were looked at for who is behind the parts of stalls. That costs far
	// more than to sum up causes, so that there may be a quarter of what the trace has of them by
	// then: what is looked at closely is spread over all of it.
	closely int

	// The methods of those names, made values once for all instances: there may be millions.
	onCause func(via, report.Cause, int64)
	onStep  func(*step)
}

func (e *explainer) summing() *summing {
	if e.sums == nil {
		x := &summing{e: e}
		x.onCause, x.onStep = x.cause, x.step
		e.sums = x
	}
	return e.sums
}

// add adds an instance's bill.
func (x *summing) add(p *population, in *Span) {
	e, length := x.e, int64(in.End-in.Start)
	x.p, x.bills = p, append(x.bills[:0], &p.sum)
	if !in.unfinished { // else nobody knows what it would have been like
		x.bills = append(x.bills, p.alike(length))
	}
	for _, b := range x.bills {
		b.count++
		b.total += length
	}
	x.w = walk{h: e.h, locks: e.locks, pools: e.pools, at: &e.walked, given: in.handed, busy: in.busy, sum: x.onCause}
	closely := p.shares != nil && x.closely <= workFree/2+e.stretches/4 // the rest is left to what looks at less
	if closely {
		x.w.sum, x.w.use = nil, x.onStep
	}
	if e.each != nil {
		e.each.walks(&x.w)
	}
	e.from(e.view, in)
	x.w.path(in.g, in.Start, in.End, 0, 0)
	e.work += x.w.steps
	if closely {
		x.closely += x.w.steps
	}
}

// cause takes in a time of which only the cause counts.
func (x *summing) cause(v via, c report.Cause, ns int64) {
	for _, b := range x.bills {
		b.put(v, c, ns)
	}
	if x.p.shares != nil {
		x.p.shares.cause(v, c, tally{ns: ns, n: 1})
	}
}

// step takes in a step.
func (x *summing) step(s *step) {
	for _, b := range x.bills {
		b.put(s.via, s.cause, int64(s.to-s.from))
	}
	x.p.shares.step(s)
}
