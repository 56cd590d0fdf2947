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

// checkPolling measures what goroutines that have nothing to do cost by looking again and
// again, by the place where they do: those that call runtime.Gosched after having run
// for less than 5 µs, with the time that the scheduler needs for the next; those that
// wake each other, for less than 10 µs of work from being woken to waking; and those
// that a timer wakes a thousand times a second, each after a millisecond or less. See pollers.go.
//
// Threshold: places whose goroutines yield a thousand times, mostly after so little
// work, and take a hundredth of the time of all Ps for that; a warning from a twentieth,
// critical from a half: then the program does little else. Goroutines that wake each
// other for a twentieth of that time, and timers, are information: it may be meant so.
//
// False positives: goroutines that yield after every few microseconds of real work, or
// hand something on that took no time to make. Yielding by runtime.GC, which waits for
// sweeping, is the runtime's, and does not count.
var checkPolling = Check{ID: "polling", Costs: costsPolling, Title: "CPU time spent polling", Fails: report.SeverityWarning, Begin: func(s *replay.Session) Judge {
	return (&pollingJudge{bench: bench{s}, pollers: replay.Shared(s, newPollers)}).decide
}}

const (
	pollsEnough  = 1000      // times that a place yields: less says little, whatever part of the time it is
	pollSpan     = 1_000_000 // ns: in a shorter trace a thousand yields may be all that there are
	pollsPerSec  = 1000      // of a timer: a thousandth of a second is too little for people to tell
	timersEnough = 100       // waits for a timer that tell a rate
	timersFew    = 16        // goroutines that wait so: more may each have something to do
	timerShort   = 1_250_000 // ns: waits for a millisecond, which the system may make a little longer; of longer ones many goroutines add up
	pollsTold    = 3         // places at most
)

type pollingJudge struct {
	bench
	pollers *pollers
	places  *names.Places
	whole   int64 // time of all Ps, in ns
	span    int64 // of the trace, in ns
}

func (r *pollingJudge) decide(rep *report.Report) Judgement {
	r.places, r.span = r.Names.Places(), report.Analysed(rep)
	r.whole = r.span * int64(max(1, len(rep.Procs)))
	var yields, burnt int64
	found := r.yielding()
	for _, p := range found {
		yields += p.n
		burnt += p.cost()
	}
	j := Judgement{Measured: fmt.Sprintf("%s of polling by %s; %s of waking each other for as little",
		words.Length(burnt), words.Plural(yields, "yield"), words.Plural(r.pollers.turns, "turn"))}
	if r.span < pollSpan && len(found) > 0 {
		j.Undecided = fmt.Sprintf("%s is too short to tell goroutines that poll from some that yield while they wait for a moment: record %s or more", words.Length(r.span), words.Length(pollSpan))
		return j
	}
	for _, p := range found[:min(len(found), pollsTold)] {
		j.Findings = append(j.Findings, r.describeYield(p))
	}
	if p := r.pingPong(); p != nil {
		j.Findings = append(j.Findings, r.describePingPong(p))
	}
	if p := r.timer(); p != nil {
		j.Findings = append(j.Findings, r.describeTimer(p))
	}
	return j
}

// yielding are the places that poll by yielding, the costliest first.
func (r *pollingJudge) yielding() (out []*poller) {
	for _, p := range r.byLine() {
		if p.n >= pollsEnough && 2*p.short > p.n && p.cost()*100 >= r.whole {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *poller) int {
		return cmp.Or(cmp.Compare(b.cost(), a.cost()), cmp.Compare(a.stack, b.stack))
	})
	return out
}

// byLine are the places that yield, those of one line as one, however it is called.
func (r *pollingJudge) byLine() (out []*poller) {
	seen := map[report.Frame]*poller{}
	for _, p := range r.pollers.yields {
		if p == nil || r.ofRuntime(p.stack) {
			continue
		}
		var at report.Frame
		if x := r.places.Of(p.stack); x != nil {
			at = x.At
		}
		if seen[at] == nil {
			seen[at] = &poller{stack: p.stack, first: p.first}
			out = append(out, seen[at])
		}
		seen[at].add(p)
	}
	return out
}

// ofRuntime reports whether a stack yields in a function of the runtime other than
// Gosched itself.
func (r *pollingJudge) ofRuntime(stack uint32) bool {
	for _, f := range r.Names.Stacks[stack] {
		if f.Func != "runtime.Gosched" {
			return names.HasPrefix(f.Func, []string{"runtime."})
		}
	}
	return false
}

// pingPong is where goroutines wait that wake each other for nothing, for longest in
// all; nil where that takes less than a twentieth of the time.
func (r *pollingJudge) pingPong() (worst *poller) {
	for _, p := range r.pollers.wakes {
		if p != nil && p.n >= pollsEnough && p.ns*20 >= r.whole && (worst == nil || p.ns > worst.ns) {
			worst = p
		}
	}
	return worst
}

// timer is where few goroutines wait for timers the most often; nil where that is less
// than a thousand times a second.
func (r *pollingJudge) timer() (worst *poller) {
	for _, p := range r.pollers.timers {
		if p != nil && p.n >= timersEnough && len(p.gs) <= timersFew && p.ran.Quantile(.5) <= timerShort && r.perSecond(p.n) > pollsPerSec && (worst == nil || p.n > worst.n) {
			worst = p
		}
	}
	return worst
}

func (r *pollingJudge) perSecond(n int64) int64 {
	return int64(float64(n) / max(1, float64(r.span)) * 1e9)
}

// describeYield says who yields again and again.
func (r *pollingJudge) describeYield(p *poller) report.Finding {
	severity := report.SeverityInfo
	switch cost := p.cost(); {
	case cost*2 >= r.whole:
		severity = report.SeverityCritical
	case cost*20 >= r.whole:
		severity = report.SeverityWarning
	}
	place, span := placeOf(r.places, p.stack), words.Length(int64(p.last-p.first))
	return report.Finding{
		Severity: severity,
		Title:    fmt.Sprintf("%s polls: it yielded %s in %s", r.nameOf(p.stack), words.Times(p.n), span),
		CostNS:   p.cost(),
		CostOf:   "P time of yielding, and of finding what to run next",
		What: fmt.Sprintf("%s called runtime.Gosched in %s %s in %s, each time after having run for %s at the median. That, and finding what to run next, took %s of the time of all Ps.",
			p.goroutines(), place, words.Times(p.n), span, words.Length(p.ran.Quantile(.5)), words.ShareOf(p.cost(), r.whole)),
		Why:    "Who yields after so little work mostly has found nothing to do, and will look again. A goroutine that yields stays ready to run: a P runs it again as soon as others have had their turn, and never goes idle.",
		Advice: "Block until there is something to do: receive from a channel, or wait for a sync.Cond that whoever brings it signals.",
		Sure:   "high", SureWhy: "each of these calls is in the trace; that nothing was found is inferred from how short they ran",
		Evidence: []report.Evidence{
			{Label: "yields", Value: words.Count(p.n)},
			{Label: "in a second", Value: words.Count(r.perSecond(p.n))},
			{Label: "ran for less than " + words.Length(pollShort) + " before", Value: words.ShareOf(p.short, p.n)},
			{Label: "time that they ran", Value: words.Length(p.ran.Sum())},
			{Label: "time until the P ran the next", Value: words.Length(p.ns)},
		},
		Moments: []report.Moment{r.scene(p.first, p.last, p.gs[0], model.NoP, model.NoM,
			fmt.Sprintf("%s yielded in %s", p.goroutines(), place))},
		Stacks: r.stack("where they yielded", p.stack),
	}
}

// describePingPong says who wakes each other.
func (r *pollingJudge) describePingPong(p *poller) report.Finding {
	return report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("Goroutines woke each other %s for less than %s of work", words.Times(p.n), words.Length(pollTurn)),
		CostNS:   p.ns,
		CostOf:   "goroutine time from being woken to waking the other",
		What: fmt.Sprintf("%s that waited in %s were woken by one that they had woken themselves, %s later at the median, %s: %s in a second.",
			p.goroutines(), placeOf(r.places, p.stack), words.Length(p.ran.Quantile(.5)), words.Times(p.n), words.Count(r.perSecond(p.n))),
		Why:    "Two goroutines that wait for each other's every step run one at a time, and each step costs a wake-up and a dispatch, which is more than what they do.",
		Advice: "Hand over more at once, let the channel between them hold some, or do both parts in one goroutine.",
		Sure:   "medium", SureWhy: "who woke whom is in the trace; whether what was handed over was worth it is not",
		Evidence: []report.Evidence{
			{Label: "turns", Value: words.Count(p.n)},
			{Label: "part of the time of all Ps", Value: words.ShareOf(p.ns, r.whole)},
		},
		Stacks: append(r.stack("where one waits", p.stack), r.stack("where the other waits", p.other)...),
	}
}

// describeTimer says who waits for short timers.
func (r *pollingJudge) describeTimer(p *poller) report.Finding {
	return report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("A timer woke %s %s times a second", r.nameOf(p.stack), words.Count(r.perSecond(p.n))),
		CostOf:   "not a cost in time",
		What: fmt.Sprintf("%s of %s waited for a timer %s, for %s at the median.",
			p.goroutines(), placeOf(r.places, p.stack), words.Times(p.n), words.Length(p.ran.Quantile(.5))),
		Why:    "Each wake-up costs a timer, a dispatch and often that of a thread, whether there is something to do or not.",
		Advice: "If it waits for something to happen, block until it does; if not, wait for longer.",
		Sure:   "high", SureWhy: "each wait is in the trace",
		Evidence: []report.Evidence{{Label: "waits", Value: words.Count(p.n)}},
		Stacks:   r.stack("where they wait", p.stack),
	}
}

// nameOf is the function of a stack's place.
func (r *pollingJudge) nameOf(stack uint32) string {
	if x := r.places.Of(stack); x != nil {
		return words.Function(x.At.Func)
	}
	return "A goroutine"
}
