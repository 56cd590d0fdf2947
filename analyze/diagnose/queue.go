package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkQueue measures queues for something other than a mutex: goroutines that wait
// on channels, in selects and for condition variables, by the place where they do, who
// lets them in, and how long that one had been inside itself. See queuers.go.
//
// Threshold: like a convoy of the check lock, at least one goroutine waited there at
// any time, on average, and four or more at once, in at least eight waits that
// another goroutine ended: half of what makes a convoy, as pools are often small. Fewer
// were inside at once than waited, and those inside were so for half of the time in
// which others waited. A warning where the 99th percentile of the waits takes 10 ms, a
// time slice, critical from 100 ms, as waits for a P are graded. Information where those
// inside mostly waited for a P, or ran on all that there are: then the CPU is what there
// is too little of, and letting in more would not help. The same where most that sent
// had nothing left to do but to end, and where the limit is one of tests.
//
// Many goroutines that wait at one place may as well stand by for work. They queue where
// three quarters of them were let in by others that had been let in there and left, one
// for one; where they send, as the receiver takes less than they have; where the place
// is known to be one of a pool. And where goroutines that mostly come once are let in by
// few of the program's own that are hardly ever blocked.
//
// Or who waits starts goroutines, and waits for room for the next until one of these is done:
// 16 such waits outside of the standard library, that were a quarter of the trace's time. That is information, unless it is
// what requests or tasks were slow for.
//
// A channel is closed once: who waits for that waits until something is over, and where each
// waits so for the one before it, they do what depends on each other, in its order. Only where
// the place is known to be one of a pool may that be how a place is given.
//
// A queue in which most wait for less than the one served takes does not show where
// those who serve it never wait there themselves. False positives: goroutines that pass one thing on in a ring wait for each other the
// same way; generators that are asked in turn wait to send. One place may stand for many
// channels, as which one it was is not in the trace.
var checkQueue = Check{ID: "queue", Costs: costsQueues, Title: "Queues for a place other than a mutex", Fails: report.SeverityCritical, Begin: func(s *replay.Session) Judge {
	return (&queueJudge{bench: bench{s}, queues: replay.Shared(s, newQueuers), stages: replay.Shared(s, newStages)}).decide
}}

const (
	queueWide = 4 // waiting at once; in twice as many waits or more
	queueTold = 3 // places at most: of several in a chain one is the cause
)

type queueJudge struct {
	bench
	slow   *slowness // nil for none
	queues *queuers
	stages *stages
	places *names.Places
	ps     int // the most there were
}

func (r *queueJudge) decide(rep *report.Report) Judgement {
	r.places, r.ps, r.slow = r.Names.Places(), len(rep.Procs), slownessOf(rep)
	span := report.Analysed(rep)
	found := r.found(span)
	var worst queuePlace
	if len(found) > 0 {
		worst = *found[0]
	}
	j := Judgement{Measured: fmt.Sprintf("%s where goroutines queued, up to %s at once, %s in all", words.Plural(len(found), "place"), orMore(worst.peak.most, queuePeak), words.Length(worst.waits.Sum()))}
	if u := &r.queues.unknown; len(found) == 0 && u.peak.most >= queueWide && u.n >= 2*queueWide && u.ns >= span {
		j.Undecided = fmt.Sprintf("%s for channels, in selects or for condition variables, %s in all, without a stack that tells where", words.Plural(u.n, "wait"), words.Length(u.ns))
	}
	for _, p := range found[:min(len(found), queueTold)] {
		j.Findings = append(j.Findings, r.describe(p, span))
	}
	return j
}

// found are the places at which goroutines queued, the severest and longest first.
func (r *queueJudge) found(span int64) (out []*queuePlace) {
	for _, p := range r.queues.places {
		if p.convoy(span) && p.fewInside() && r.letIn(p) || p.limits(span) && !names.Standard(&report.Frame{Func: p.function()}) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *queuePlace) int {
		return cmp.Or(cmp.Compare(r.severity(b).Rank(), r.severity(a).Rank()), cmp.Compare(b.waits.Sum(), a.waits.Sum()), cmp.Compare(a.name, b.name))
	})
	return out
}

// convoy reports whether at any time somebody waited there on average, in many waits
// that others ended, many at once.
func (p *queuePlace) convoy(span int64) bool {
	return p.peak.most >= queueWide && p.waits.Sum() >= span && p.letIn >= 2*queueWide
}

// limits reports whether goroutines waited there that start others, for one of these to make
// room for the next, for a quarter of the time.
func (p *queuePlace) limits(span int64) bool {
	return p.ownLimit() && p.letIn >= 4*queueWide && p.waits.Sum()*4 >= span
}

// fewInside reports whether there were fewer inside than waited, and whether they were
// there while others waited: who wakes many at once lets them in at once, and is inside
// for no time.
func (p *queuePlace) fewInside() bool {
	n := int64(p.inside.most)
	return n > 0 && n < int64(p.peak.most) && 2*p.stays.Sum() >= n*p.somebody
}

// letIn reports whether those who waited wanted to be let in, and did not stand by for
// work.
func (r *queueJudge) letIn(p *queuePlace) bool {
	switch {
	case p.known == nil && p.byClosing*2 > p.letIn:
		return false
	case p.byEachOther*4 >= p.letIn*3:
		return true
	case p.known != nil, p.reason == model.ReasonChanSend:
		return p.stays.N()*2 >= p.letIn
	}
	return p.first*4 >= p.waits.N()*3 && p.stays.N()*2 >= p.letIn && p.did.blocked()*5 <= p.stays.Sum() &&
		r.own(p.longest.stack) && r.own(p.by())
}

// own reports whether a stack stops in the program's own code, but for the runtime.
func (r *queueJudge) own(stack uint32) bool {
	x := r.places.Of(stack)
	return x != nil && x.Own && (x.Callee == "" || names.HasPrefix(x.Callee, names.WaitPackages))
}

// lacksCPU reports whether those inside mostly waited for a P, or ran on all Ps that
// there are.
func (r *queueJudge) lacksCPU(p *queuePlace) bool {
	whole := p.stays.Sum()
	return p.did[insideRunnable]*2 > whole || p.inside.most >= r.ps && p.onCPU()*2 > whole
}

// wereDone reports whether most of those who waited had nothing left to do but to end:
// they had a result to give away, and nobody waits for them.
func (p *queuePlace) wereDone() bool { return p.reason == model.ReasonChanSend && p.done*2 > p.letIn }

func (r *queueJudge) severity(p *queuePlace) report.Severity {
	if r.lacksCPU(p) || p.wereDone() || p.known != nil && p.known.Harmless {
		return report.SeverityInfo
	}
	if p.ownLimit() {
		return r.severityOfLimit(p)
	}
	return graded(p.waits.Quantile(.99))
}

// ownLimit reports whether goroutines waited there for room, which those made that they had
// started themselves. Who receives from those gathers what they bring.
func (p *queuePlace) ownLimit() bool {
	return p.byStarted > 0 && p.byStarted*4 >= p.letIn*3 && (p.known != nil || p.reason == model.ReasonChanSend || p.reason == model.ReasonCond)
}

// severityOfLimit is that of a limit that goroutines keep to for what they start: most do so
// on purpose, unless that is why requests or tasks were slow.
func (r *queueJudge) severityOfLimit(p *queuePlace) report.Severity {
	if root := r.slow.waited(p.is); root != nil && root == &r.slow.Roots[0] {
		return r.slow.severity()
	}
	return report.SeverityInfo
}

// title says who queued for what.
func (r *queueJudge) title(p *queuePlace, behind *downstream) string {
	if p.ownLimit() {
		return fmt.Sprintf("%s starts goroutines, and waited %s %s until one of them was done: no more than %s at once",
			placeOf(r.places, p.longest.stack), p.what(), words.Times(p.waits.N()), orMore(p.inside.most, queuePeak))
	}
	return fmt.Sprintf("A queue: up to %s goroutines at once waited %s, %s", orMore(p.peak.most, queuePeak), p.what(), r.servers(p)+r.inTheEnd(behind))
}

// describe says what happened at a place, in span ns of trace.
func (r *queueJudge) describe(p *queuePlace, span int64) report.Finding {
	mean, behind := float64(p.waits.Sum())/float64(max(1, span)), r.servedBehind(p)
	f := report.Finding{
		Severity: r.severity(p),
		Title:    r.title(p, behind),
		CostNS:   p.waits.Sum(),
		CostOf:   "goroutine time waiting there",
		What: fmt.Sprintf("%s %s, half of the times longer than %s; up to %s at once, %s on average.",
			r.whoWaited(p), words.Times(p.waits.N()), words.Length(p.waits.Quantile(.5)), orMore(p.peak.most, queuePeak), words.Mean(mean)),
		Why:    r.why(p),
		Advice: r.advice(p, behind),
		Sure:   "medium", SureWhy: "the trace names who let them in and where, not which channel it was; so how many are let in at once is at least the most that were seen inside: who came in without waiting leaves no event",
		Evidence: p.evidence(mean),
		Moments:  r.scenes(p),
		Stacks: append(r.stack(fmt.Sprintf("where G%d waited longest", p.longest.g), p.longest.stack),
			r.stack("where they were mostly let in", p.by())...),
	}
	r.slow.same(&f, r.slow.waited(p.is))
	return f
}

// what they wait for, after "waited".
func (p *queuePlace) what() string {
	switch {
	case p.known != nil:
		return fmt.Sprintf("for %s in %s", p.known.What, words.Function(p.function()))
	case p.reason == model.ReasonChanSend:
		return "to send in " + words.Function(p.function())
	}
	return "to be let in by " + words.Function(p.function())
}

// servers says how many were inside at most or, of those who serve and do not wait there
// themselves, who they are.
func (r *queueJudge) servers(p *queuePlace) string {
	most := orMore(p.inside.most, queuePeak)
	x := r.places.Of(p.by())
	if p.known != nil || p.byEachOther*2 >= p.letIn || x == nil || !x.Own || x.At.Func == p.function() {
		return fmt.Sprintf("no more than %s seen inside", most)
	}
	verb := "let in"
	if p.reason == model.ReasonChanSend {
		verb = "received"
	}
	return fmt.Sprintf("%s by %s, by no more than %s at once", verb, placeName(&x.At), most)
}

// whoWaited begins the sentence on who waited where.
func (r *queueJudge) whoWaited(p *queuePlace) string {
	x := r.places.Of(p.longest.stack)
	switch {
	case x == nil:
		return "Goroutines waited " + p.what()
	case x.At.Func == p.function():
		return fmt.Sprintf("Goroutines waited %s (%s:%d)", p.what(), names.FileName(x.At.File), x.At.Line)
	}
	return fmt.Sprintf("In %s goroutines waited %s", placeName(&x.At), p.what())
}

// why says who was inside, and what they did there.
func (r *queueJudge) why(p *queuePlace) string {
	s := fmt.Sprintf("Seen inside at once: at most %s, each for %s at the median", orMore(p.inside.most, queuePeak), words.Length(p.stays.Quantile(.5)))
	if p.byEachOther*2 < p.letIn && !p.ownLimit() {
		s = fmt.Sprintf("Seen to serve them at once: at most %s, each of which took %s for one at the median", orMore(p.inside.most, queuePeak), words.Length(p.stays.Quantile(.5)))
	}
	kind, ns := p.mostly()
	s += fmt.Sprintf(", %s of that %s. The next was mostly let in %s.", words.ShareOf(ns, p.stays.Sum()), insideWords[kind], r.letInFrom(p.by()))
	if n := p.timedOut + p.cancelled; n > 0 {
		s += fmt.Sprintf(" %s ended by a timer or a cancelled context instead.", words.Were(n, "wait"))
	}
	switch {
	case r.lacksCPU(p):
		s += " They lack CPU rather than places."
	case p.wereDone():
		s += " Most had nothing left to do but to end: nothing but who takes what they bring is late."
	case p.waits.Quantile(.5) > p.stays.Quantile(.5):
		s += " Most waited for their turn longer than that."
	}
	return s
}

// letInFrom is who lets in with a stack, after "let in".
func (r *queueJudge) letInFrom(stack uint32) string {
	x := r.places.Of(stack)
	if x == nil {
		return "at a place that does not show (the trace has the runtime's own frames of it, or none)"
	}
	s := "by " + placeName(&x.At)
	if start := r.Names.StartFunc(stack); start != "" && start != x.At.Func {
		s += ", in goroutines of " + words.Function(start)
	}
	return s
}

// advice is what to do about it.
func (r *queueJudge) advice(p *queuePlace, behind *downstream) string {
	switch {
	case behind != nil:
		who, does := behind.who(&r.bench, r.places)
		return fmt.Sprintf("More goroutines that receive would wait to send as well. %s %s, for one after the other: run it in more goroutines, take several at once, or let it do less for each.", who, does)
	case r.lacksCPU(p):
		return "Letting in more would not help: use less CPU inside, or have more of it."
	case p.known != nil:
		return p.known.Advice
	case p.ownLimit():
		return "Let more of them go on at once, if what they use can take it."
	case p.byEachOther*2 < p.letIn:
		return fmt.Sprintf("Serve them by more than %s, or do less for each, or limit the load; a larger buffer helps against bursts alone.", words.Plural(p.inside.most, "goroutine"))
	}
	return "Let in more at once, if what they use there can take it; be inside for less; or limit the load."
}

func (p *queuePlace) evidence(mean float64) []report.Evidence {
	return []report.Evidence{
		{Label: "waits", Value: words.Count(p.waits.N())},
		{Label: "longest", Value: words.Length(p.waits.Max())},
		{Label: "99th percentile", Value: words.P99(p.waits.N(), words.Length(p.waits.Quantile(.99)))},
		{Label: "waiting at once, most", Value: orMore(p.peak.most, queuePeak)},
		{Label: "waiting on average", Value: words.Number(mean)},
		{Label: "inside at once, most", Value: orMore(p.inside.most, queuePeak)},
		{Label: "inside, median", Value: words.Length(p.stays.Quantile(.5))},
		{Label: "let in by another goroutine", Value: words.Count(p.letIn)},
		{Label: "of those by one that had been let in there itself", Value: words.Count(p.byEachOther)},
		{Label: "of those by one that who waited had started", Value: words.Count(p.byStarted)},
		{Label: "ended by a timer", Value: words.Count(p.timedOut)},
		{Label: "given up, as a context was cancelled", Value: words.Count(p.cancelled)},
		{Label: "waiting still at the end", Value: words.Count(p.open)},
	}
}

// scenes are the longest waits.
func (r *queueJudge) scenes(p *queuePlace) (out []report.Moment) {
	for _, w := range p.worst.Best() {
		s := fmt.Sprintf("%s waited %s", words.Goroutine(int64(w.g), r.runs(w.fn)), words.Length(int64(w.end-w.start)))
		if w.by != model.NoG {
			s += fmt.Sprintf(" until G%d let it in", w.by)
		}
		out = append(out, r.scene(w.start, w.end, w.g, model.NoP, model.NoM, s))
	}
	return out
}
