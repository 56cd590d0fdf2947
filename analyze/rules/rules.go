package rules

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// rules answers: which rules of the scheduler did this trace put to the test,
// and how often did it agree? One file for each group of rules says what counts
// as an occasion, and as agreement; what the rules say is in prose.go.
//
// An occasion is judged only where the trace has evidence that does not come
// from assuming the rule: a goroutine that another P ran meanwhile, one that
// was passed by, a length of time. The rest is counted and not judged.
type rules struct {
	names *names.Table
	zero  model.Time
	older bool // than the rules

	tallies [numRules]tally
	byP     []ruleProc
	runs    *measure.LongRuns
	stands  *replay.Stood

	// Pauses and collections stop goroutines before their slice ends.
	marking, stopped int
	excusedTo        model.Time
}

// ruleID numbers the rules in the order of reports.
type ruleID int

const (
	ruleTick ruleID = iota
	ruleLocal
	ruleGlobal
	ruleSteal
	ruleRunnext
	ruleOverflow
	ruleHandoff
	ruleThreads
	ruleSysexit
	ruleNetpoll
	ruleYield
	rulePreempt
	ruleConserve
	numRules
)

// tally counts the occasions of one rule.
type tally struct {
	applied, judged, agreed, certain int64

	spread stat.Sketch
	parts  [maxParts]int64
	worst  *stat.TopK[miss]
}

// maxParts is into how many ways a rule's occasions may be split.
const maxParts = 10

// miss is an occasion on which the trace did not show what the rule says.
type miss struct {
	start, end model.Time
	g          model.GoID
	p          model.ProcID
	text       string
}

// pass counts an occasion that was judged and agreed.
func (t *tally) pass(certain bool) {
	t.applied++
	t.judged++
	t.agreed++
	if certain {
		t.certain++
	}
}

// fail counts an occasion that was judged and did not agree; how describes it if
// it is among the worst.
func (t *tally) fail(score model.Time, certain bool, how func() miss) {
	t.applied++
	t.judged++
	if certain {
		t.certain++
	}
	if s := max(1, int64(score)); t.worst.Admits(s) {
		t.worst.Offer(s, how())
	}
}

// ruleProc is what the rules must remember of a P.
type ruleProc struct {
	does   model.PActivity // in its last stretch
	g      model.GoID
	fresh  bool // a thread took it up since it last ran a goroutine
	slice  model.Time
	shared int // dispatches in the current time slice; 0 while its beginning is not known
	stolen int // goroutines still to run that came with a steal: the rule alone says that they did
	over   fullRing

	counted bool // its last pull ahead of local work came when its ticks said so
	seen    bool // it had a stretch
}

// fullRing is the last overflow of a P's ring, while it is not judged.
type fullRing struct {
	model.Overflow
	is bool
}

// Add makes a session fill Report.Rules.
func Add(s *replay.Session) { replay.Shared(s, newRules) }

func newRules(s *replay.Session) *rules {
	r := &rules{names: s.Names, zero: s.Zero, older: s.Older, runs: replay.Shared(s, measure.NewLongRuns), stands: replay.Shared(s, replay.NewStood)}
	for i := range r.tallies {
		r.tallies[i].worst = stat.NewTopK[miss](report.MaxMoments)
	}
	return r
}

func (r *rules) at(p model.ProcID) *ruleProc {
	for int(p) >= len(r.byP) {
		r.byP = append(r.byP, ruleProc{})
	}
	return &r.byP[p]
}

func (r *rules) Watch(f *model.Facts) {
	r.inOrder(f)
	r.observeThreads(f)
	for _, i := range r.stands.At {
		r.goroutine(&f.Gs[i])
	}
	for i := range f.Wastes {
		r.waste(&f.Wastes[i])
	}
}

// ahead is how far the facts were taken in, by kind.
type ahead struct {
	*model.Facts
	events                            []model.Event // but for those that come by the thousand
	ps, handoffs, overflows, preempts int
}

// inOrder takes stretches of Ps, handoffs, overflows, dispatches and the collector's
// events in order of time: a stretch that a dispatch ends comes before it.
func (r *rules) inOrder(f *model.Facts) {
	a := ahead{Facts: f, events: r.stands.Events}
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		r.upTo(&a, d.Time)
		r.dispatch(d)
	}
	r.upTo(&a, replay.Forever)
	r.eventsUpTo(&a, replay.Forever)
}

// upTo takes in what came up to a time: stretches with the events before their ends,
// handoffs and overflows.
func (r *rules) upTo(a *ahead, to model.Time) {
	for ; a.ps < len(a.Ps) && a.Ps[a.ps].End <= to; a.ps++ {
		iv := &a.Ps[a.ps]
		r.eventsUpTo(a, iv.End)
		r.stretch(iv, a.endOf(iv))
	}
	for ; a.handoffs < len(a.Handoffs) && a.Handoffs[a.handoffs].Time <= to; a.handoffs++ {
		r.handoff(&a.Handoffs[a.handoffs])
	}
	for ; a.overflows < len(a.Overflows) && a.Overflows[a.overflows].Time <= to; a.overflows++ {
		r.overflow(&a.Overflows[a.overflows])
	}
}

func (r *rules) eventsUpTo(a *ahead, to model.Time) {
	for ; len(a.events) > 0 && a.events[0].Time <= to; a.events = a.events[1:] {
		r.event(&a.events[0])
	}
}

// endOf is the stop that iv ended with although its goroutine could have gone on; nil
// if it ended otherwise.
func (a *ahead) endOf(iv *model.PInterval) *model.Preempt {
	for a.preempts < len(a.Preempts) && a.Preempts[a.preempts].Time < iv.End {
		a.preempts++
	}
	if a.preempts == len(a.Preempts) {
		return nil
	}
	if x := &a.Preempts[a.preempts]; x.Time == iv.End && x.P == iv.P {
		return x
	}
	return nil
}

// afterwards is for how long after a collection or a stop-the-world goroutines
// may still be stopped for it: caches are flushed, and requests are on their way.
const afterwards = 2_000_000 // ns

func (r *rules) event(e *model.Event) {
	switch e.Op {
	case model.OpGCBegin:
		r.marking++
	case model.OpGCEnd:
		r.marking = max(0, r.marking-1)
	case model.OpSTWBegin:
		r.stopped++
	case model.OpSTWEnd:
		r.stopped = max(0, r.stopped-1)
	case model.OpGeneration: // the tracer stops every goroutine for its state
	default:
		return
	}
	r.excusedTo = e.Time + afterwards
}

// excused reports whether something other than the end of its slice may have
// stopped a goroutine at t.
func (r *rules) excused(t model.Time) bool {
	return r.marking > 0 || r.stopped > 0 || t < r.excusedTo
}

// dispatch is one occasion of several rules.
func (r *rules) dispatch(d *model.Dispatch) {
	p := r.at(d.P)
	r.queues(d, p)
	switch d.Source {
	case model.SourceRunnext, model.SourceCoroutine, model.SourceSyscallExit, model.SourceParkCancelled:
		if p.shared > 0 {
			p.shared++
		}
	default:
		r.sliceEnds(p)
		p.slice, p.shared = d.Time, 1
	}
	p.fresh = false
}

// IDs are the ids of all rules, in the order of Report.Rules.
func IDs() []string {
	var ids []string
	for _, p := range ruleProses {
		ids = append(ids, p.id)
	}
	return ids
}

// Fill writes the table.
func (r *rules) Fill(rep *report.Report) {
	for i := range r.byP {
		r.overflowed(&r.byP[i])
	}
	r.tallies[ruleYield].spread.Merge(&r.runs.All)
	for id := range r.tallies {
		rep.Rules = append(rep.Rules, r.rule(rep, ruleID(id)))
	}
}

func (r *rules) rule(rep *report.Report, id ruleID) report.Rule {
	t, prose := &r.tallies[id], &ruleProses[id]
	out := report.Rule{
		ID: prose.id, Title: prose.title, Statement: prose.statement, Source: prose.source, Changed: prose.changed,
		Article: prose.article, Differs: prose.differs, Evidence: prose.evidence, Unit: prose.unit,
		Applied: max(t.applied, t.judged), Judged: t.judged, Agreed: t.agreed, Certain: t.certain,
	}
	if id == ruleConserve {
		r.conserved(rep, &out)
	}
	for i, label := range prose.parts {
		out.Parts = append(out.Parts, report.RulePart{Label: label, Count: t.parts[i]})
	}
	out.Spread = spreadOf(&t.spread, prose.of, prose.spreadUnit)
	out.Note = note(id, t)
	out.Undecided = r.undecided(rep, id, &out)
	if out.Undecided != "" {
		out.Judged, out.Agreed, out.Certain = 0, 0, 0
		return out
	}
	for _, m := range t.worst.Best() {
		out.Divergences = append(out.Divergences, report.Moment{
			Start: max(rep.Trace.From, int64(m.start-r.zero)), End: min(rep.Trace.To, int64(m.end-r.zero)),
			G: m.g, P: m.p, M: -1, Text: m.text})
	}
	return out
}

// note says how many occasions were left unjudged that matter, and why; "" for
// none.
func note(id ruleID, t *tally) string {
	switch id {
	case ruleTick:
		if n := t.parts[tickEither]; n >= model.TickPeriod {
			return fmt.Sprintf("of %s pulls that could be a turn or an ordinary one about 1 in %d was a turn, some %s", words.Count(n), model.TickPeriod, words.Count(n/model.TickPeriod))
		}
	case ruleOverflow:
		if n := t.parts[0]; n > 0 {
			return words.Plural(n, "more ring") + " only seemed full: no overflow"
		}
	case ruleHandoff:
		if n := t.parts[handoffLate]; n > 0 {
			return fmt.Sprintf("%s retaken later than %d ms into the call, and not judged: no trace tells whether threads had a CPU", words.Were(n, "P"), retakeMost/1_000_000)
		}
	case rulePreempt:
		if n := t.parts[sliceLong]; n > 0 {
			return fmt.Sprintf("%s longer than %d ms, %s of them while others waited: no trace tells whether their threads had a CPU", words.Were(n, "run"), sliceMost/1_000_000, words.Count(t.parts[sliceWaited]))
		}
	}
	return ""
}

// undecided says why the rule can't be judged by this trace; "" where it was, or
// where it never applied.
func (r *rules) undecided(rep *report.Report, id ruleID, out *report.Rule) string {
	prose := &ruleProses[id]
	switch {
	case rep.Trace.Race && prose.queues:
		return "the program was built with -race, whose scheduler shuffles its queues"
	case rep.Trace.Unexplained && prose.queues:
		return "the order of the run queues is not explained by the rules"
	case r.older && prose.queues:
		return "the program was built with a Go older than 1.22, whose queues the model does not know in detail"
	case r.older && id == ruleSysexit:
		return "the program was built with a Go older than 1.22, whose traces do not tell whether a thread found an idle P"
	case len(rep.Trace.Gomaxprocs) == 0 && prose.procs:
		return "the trace does not say GOMAXPROCS"
	case out.Applied > 0 && out.Judged == 0:
		return prose.unjudged
	}
	return ""
}

func spreadOf(h *stat.Sketch, of, unit string) report.Spread {
	s := report.Spread{Of: of, Unit: unit, Count: h.N(), P50: h.Quantile(.5), P90: h.Quantile(.9), P99: h.Quantile(.99), Max: h.Max()}
	for _, b := range h.Octaves() {
		if unit != "ns" && b.Lo == 0 { // lengths are never so short, but numbers are mostly that small
			s.Bins = append(s.Bins, smallBins(h, b.Hi)...)
			continue
		}
		s.Bins = append(s.Bins, report.Bin(b))
	}
	return s
}

// smallBins are the bins of the numbers that octaves has in one: 0, 1, 2 and 3,
// 4 to 7 …
func smallBins(h *stat.Sketch, end int64) []report.Bin {
	var bins []report.Bin
	for lo, hi := int64(0), int64(1); lo < end && lo <= h.Max(); lo, hi = hi, 2*hi {
		bins = append(bins, report.Bin{Lo: lo, Hi: hi, Count: h.Count(lo, hi)})
	}
	return bins
}

// near is a moment to show around an instant.
const near = 20_000 // ns
