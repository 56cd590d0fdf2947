package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"gmptrace/analyze/internal/waits"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkUneven looks for work that was divided among goroutines so that one of them got most
// of it: whoever started them waits for all (in a sync.WaitGroup or what is made of one),
// and the others are done while that one still computes.
//
// Threshold: waits for four goroutines or more that started with one function, of which the
// last to end had run for three times as long as all others together. A finding where so
// there was only one left in a twentieth of the trace; a warning where that was so in a
// quarter of it, in three waits or more, and there is more than one P: the others could have
// computed meanwhile.
//
// False positives: one goroutine that computes, started beside several that only wait, all
// with one function. Which part is how large is not in the trace, only how long each ran.
//
// Always decided: who starts whom, who ends a wait and how long each ran is in every trace
// that has stacks; without any, nothing is told of a wait group.
var checkUneven = Check{ID: "uneven", Costs: costsNothing, Title: "Work divided unevenly among goroutines", Fails: report.SeverityWarning, Begin: func(s *replay.Session) Judge {
	return (&unevenJudge{bench: bench{s}, joins: replay.Shared(s, newJoins)}).decide
}}

const (
	unevenParts   = 4  // goroutines that are waited for
	unevenTimes   = 3  // as long as all others together the last one runs
	unevenWaits   = 3  // for a warning
	unevenShare   = 20 // part of the trace for a finding: a twentieth
	unevenWarning = 4  // and for a warning: a quarter
)

type unevenJudge struct {
	bench
	joins *joins
}

func (r *unevenJudge) decide(rep *report.Report) Judgement {
	span := report.Analysed(rep)
	var worst *joined
	for _, x := range r.joins.byStack {
		if x != nil && (worst == nil || x.ns > worst.ns) {
			worst = x
		}
	}
	if worst == nil {
		return Judgement{Measured: "no wait for several goroutines of which one had most of the work"}
	}
	j := Judgement{Measured: fmt.Sprintf("one goroutine was left of several for %s at one place", words.Length(worst.ns))}
	if worst.ns*unevenShare >= span {
		j.Findings = []report.Finding{r.describe(worst, span, len(rep.Procs))}
	}
	return j
}

func (r *unevenJudge) describe(x *joined, span int64, ps int) report.Finding {
	severity := report.SeverityInfo
	if x.ns*unevenWarning >= span && x.n >= unevenWaits && ps > 1 {
		severity = report.SeverityWarning
	}
	places := r.Names.Places()
	in, busy := placeOf(places, x.stack), placeOf(places, x.busiest())
	f := report.Finding{
		Severity: severity,
		Title:    fmt.Sprintf("One of %d goroutines had %s of the work, in %s, and %s waited for it", x.parts, words.ShareOf(x.ran, x.all), busy, in),
		CostNS:   x.ns,
		CostOf:   "time in which all but one were done",
		What: fmt.Sprintf("%s divided work among %d goroutines or more, %s: one of them ran %s of what all of them ran, and was alone for %s of the %s that it was waited for.",
			in, x.parts, words.Times(x.n), words.ShareOf(x.ran, x.all), words.Length(x.ns), words.Length(x.waited)),
		Why:    "Work that is divided ends with its largest part: the Ps of those that are done have nothing to do, and nobody else can take what is left of the one part.",
		Advice: fmt.Sprintf("Divide the work of %s by its size: into more and smaller parts, which goroutines take from one channel or counter as they get done.", busy),
		Sure:   "high", SureWhy: "who was started, for how long each ran and who ended the wait is in the trace; the line is where that goroutine was last seen after it had run for longest",
		Evidence: []report.Evidence{
			{Label: "waits for goroutines of which one had most of the work", Value: words.Count(x.n)},
			{Label: "goroutines waited for, least", Value: fmt.Sprint(x.parts)},
			{Label: "ran, the last one of each", Value: words.Length(x.ran)},
			{Label: "ran, all others", Value: words.Length(x.all - x.ran)},
		},
		Stacks: append(r.stack("where that one was", x.busiest()), r.stack("where it was waited for", x.stack)...),
	}
	for _, w := range x.worst.Best() {
		f.Moments = append(f.Moments, r.scene(w.start, w.end, w.by, model.NoP, model.NoM, fmt.Sprintf("G%d alone was left of those that G%d waited for", w.by, w.g)))
	}
	return f
}

// joins answers: who waited for several goroutines that they had started, of which one had
// most of the work?
type joins struct {
	names    *names.Table
	starters *waits.Starters
	groups   names.Flags // of stacks: waits for a wait group
	parents  []parent    // by a hash of the goroutine; nil before the first
	byStack  []*joined   // that was waited with
}

// parentSlots is how many goroutines are remembered that have started others.
const parentSlots = 1 << 12

// parent is a goroutine that has started others, since it last waited for them.
type parent struct {
	g     model.GoID
	ended int        // of those
	last  model.Time // when the last one did
	ran   int64
	fn    uint32 // stack that they started with
	mixed bool   // with several
}

// joined is waits at one place for several of which one had most of the work.
type joined struct {
	stack    uint32
	parts    int   // goroutines that were waited for, at least
	n        int64 // waits
	waited   int64
	ns       int64               // in which all but one were done
	ran, all int64               // what that one ran, and all of them
	busy     [2]map[uint32]int64 // ran, by where that one was stopped or, where that does not show, went to wait
	worst    *stat.TopK[queued]
}

func newJoins(s *replay.Session) *joins {
	w := &joins{names: s.Names, starters: replay.Shared(s, waits.NewStarters)}
	w.starters.Each(w.did)
	return w
}

// did takes in a stretch of a goroutine, and what is known of that.
func (w *joins) did(iv *model.GInterval, s *waits.Started) {
	switch {
	case iv.State == model.GWaiting && iv.Reason == model.ReasonSync:
		w.waited(iv)
	case s != nil && iv.Exit:
		w.ended(s, iv)
	}
}

// ended counts a goroutine for the one that had started it.
func (w *joins) ended(s *waits.Started, iv *model.GInterval) {
	if w.parents == nil {
		w.parents = make([]parent, parentSlots)
	}
	p := &w.parents[uint64(s.By)%parentSlots]
	switch {
	case p.g != s.By:
		*p = parent{g: s.By, fn: s.Func}
	case s.Born < p.last && p.ended == 0: // that was waited for has called Done before it ended
		return
	case p.ended == 0:
		p.fn = s.Func
	}
	p.mixed = p.mixed || p.fn != s.Func
	p.ended, p.last, p.ran = p.ended+1, iv.End, p.ran+s.Ran(iv.End)
}

// waited takes in the end of a wait for all that a goroutine has started.
func (w *joins) waited(iv *model.GInterval) {
	s := w.starters.Of(iv.By)
	if s == nil || s.By != iv.G || !w.forGroup(iv.Stack) {
		return
	}
	if w.parents == nil {
		return
	}
	p := &w.parents[uint64(iv.G)%parentSlots]
	if p.g != iv.G {
		return
	}
	of := *p
	*p = parent{g: iv.G, last: iv.End}
	ran := s.Ran(iv.End)
	if of.ended+1 < unevenParts || of.mixed || of.fn != s.Func || ran < unevenTimes*of.ran {
		return
	}
	for int(iv.Stack) >= len(w.byStack) {
		w.byStack = append(w.byStack, nil)
	}
	x := w.byStack[iv.Stack]
	if x == nil {
		x = &joined{stack: iv.Stack, parts: of.ended + 1, busy: [2]map[uint32]int64{{}, {}}, worst: stat.NewTopK[queued](report.MaxMoments)}
		w.byStack[iv.Stack] = x
	}
	alone := max(of.last, iv.Start)
	x.n, x.parts = x.n+1, min(x.parts, of.ended+1)
	x.ns, x.waited = x.ns+int64(iv.End-alone), x.waited+int64(iv.End-iv.Start)
	x.ran, x.all = x.ran+ran, x.all+ran+of.ran
	by := x.busy[0]
	if s.Parks {
		by = x.busy[1]
	}
	by[s.Busy] += ran
	x.worst.Offer(int64(iv.End-alone), queued{start: alone, end: iv.End, g: iv.G, by: s.G, fn: iv.Func, stack: iv.Stack})
}

// forGroup reports whether a stack waits for a wait group.
func (w *joins) forGroup(stack uint32) bool {
	return w.groups.Of(w.names, stack, func(frames []report.Frame) bool { return names.EndOf(model.ReasonSync, frames).OfGroup() })
}

// busiest is where the one with most of the work mostly was.
func (x *joined) busiest() uint32 {
	by := x.busy[0]
	if len(by) == 0 {
		by = x.busy[1]
	}
	return slices.SortedFunc(maps.Keys(by), func(a, b uint32) int { return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b)) })[0]
}
