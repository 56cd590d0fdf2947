package diagnose

import (
	"cmp"
	"fmt"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// checkStarvation measures how long the program's goroutines stayed runnable.
//
// Threshold: 10 ms, the time slice after which sysmon preempts whoever runs
// (proc.go, forcePreemptNS): a goroutine that waits longer has waited for more
// than one other to use up its slice. Critical from 100 ms.
//
// False positives: the operating system did not run the program's threads (many
// Ps on few CPUs): the wait is real, its cause lies outside. Waits cut off by
// the trace's ends are counted as the lower bounds that they are.
//
// Always decided: every wait for a P has both its ends in the trace, or those of the trace.
var checkStarvation = Check{ID: "starvation", Costs: costsOthers, Title: "Goroutines that waited long for a P", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&starvationJudge{bench: bench{s}, latency: replay.Shared(s, measure.NewWaits), blame: replay.Shared(s, newBlame), cycles: replay.Shared(s, newCycles), longRuns: replay.Shared(s, measure.NewLongRuns), tireless: replay.Shared(s, measure.NewTireless)}).decide
}}

type starvationJudge struct {
	bench
	latency  *measure.Waits
	blame    *blame
	cycles   *cycles
	longRuns *measure.LongRuns
	tireless *measure.Tireless
}

func (r *starvationJudge) decide(rep *report.Report) Judgement {
	l := r.latency
	j := Judgement{Measured: fmt.Sprintf("longest wait of the program's goroutines %s; %s longer than %s",
		words.Length(l.User.Max()), words.Plural(l.Starved, "wait"), words.Length(measure.StarvedAfter))}
	if l.Starved == 0 {
		return j
	}
	f := r.describe()
	behind := ""
	if fn := mostlyBehind(rep.Episodes); fn != "" {
		behind = words.Function(fn)
		f.Title += ", the longest mostly behind " + culpritName(fn)
	}
	f.Why, f.Advice = r.cause(rep.Episodes)
	tellSeen(&f, rep.Episodes)
	if who := r.neverWaits(rep); who != "" {
		polls := fmt.Sprintf("%s never waited for anything: if it polls (a select with a default, a loop that looks again), let it block instead.", who)
		if who == behind {
			f.Advice = polls + " Else: " + strings.ToLower(f.Advice[:1]) + f.Advice[1:]
		} else {
			f.Advice += " " + polls
		}
	}
	f.Moments = worstWaits(rep.Episodes)
	f.Stacks = r.culpritStack(rep.Episodes)
	j.Findings = []report.Finding{f}
	return j
}

func (r *starvationJudge) describe() report.Finding {
	l := r.latency
	return report.Finding{
		Severity: worse(report.SeverityWarning, graded(l.User.Max())),
		Title:    fmt.Sprintf("Goroutines waited up to %s for a P", words.Length(l.User.Max())),
		CostNS:   l.StarvedNS,
		CostOf:   "goroutine time spent runnable in waits longer than " + words.Length(measure.StarvedAfter),
		What: fmt.Sprintf("%s took longer than %s from ready to running; half of the program's waits took less than %s.",
			words.Plural(l.Starved, "wait"), words.Length(measure.StarvedAfter), words.Length(l.User.Quantile(.5))),
		Sure: "certain", SureWhy: "the trace holds both ends of each wait; who ran meanwhile on the P that the model had it queued on is inferred",
		Evidence: append([]report.Evidence{
			{Label: "longest wait", Value: words.Length(l.User.Max())},
			{Label: "99.9th percentile", Value: words.P999(l.User.N(), words.Length(l.User.Quantile(.999)))},
			{Label: "median", Value: words.Length(l.User.Quantile(.5))},
			{Label: "waits over " + words.Length(measure.StarvedAfter), Value: words.Plural(l.Starved, "wait")},
			{Label: "still waiting at the trace's end", Value: words.Plural(l.OpenEnd, "goroutine")},
		}, r.blame.starved.evidence()...),
	}
}

// tellSeen names who was seen to have the Ps for part of the longest waits, where nobody
// had them for most: of several that took turns, with the runtime's own goroutines or with
// what no stack tells of, the one that its authors can change.
func tellSeen(f *report.Finding, episodes []report.Episode) {
	if mostlyBehind(episodes) != "" {
		return
	}
	at, share, ok := seenBehind(episodes)
	if !ok {
		return
	}
	f.Title += fmt.Sprintf(", the longest for at least %s behind %s", words.Share(share), placeName(&at))
	f.Advice += fmt.Sprintf(" First look at %s, which was seen to have the Ps for longest.", words.Function(at.Func))
}

// neverWaits is the function of the program whose goroutines never stopped to wait, of
// those with most time on Ps; "" where there is none.
func (r *starvationJudge) neverWaits(rep *report.Report) string {
	for i := range rep.Functions {
		if f := &rep.Functions[i]; r.tireless.Never(f.Name, report.Analysed(rep)) {
			return words.Function(f.Name)
		}
	}
	return ""
}

// worstWaits are those of the worst that count as starved.
func worstWaits(episodes []report.Episode) []report.Moment {
	var out []report.Moment
	for i := range episodes {
		e := &episodes[i]
		if i == report.MaxMoments || e.Wait <= measure.StarvedAfter {
			break
		}
		out = append(out, report.Moment{Start: e.Start, End: e.Start + e.Wait, G: e.G, P: e.P, M: -1,
			Text: fmt.Sprintf("%s waited %s%s", words.Goroutine(int64(e.G), e.Func), words.Length(e.Wait), whoRan(e))})
	}
	return out
}

// cause says why goroutines waited, all of them and the one that waited longest, and
// what to do.
func (r *starvationJudge) cause(episodes []report.Episode) (why, advice string) {
	if len(episodes) == 0 {
		return "Nothing shows who held the Ps.", "Record again with more Ps or less load, and compare."
	}
	ofAll, adviceForAll := starvedBy(&r.blame.starved, r.latency.Starved, r.latency.StarvedNS)
	why, advice = heldUp(&episodes[0])
	if advice = cmp.Or(adviceForAll, advice, r.adviceByMost()); advice == starvedAdvice[pDidMark] {
		advice += " " + r.cycles.advice(r.Names.Places())
	}
	return ofAll + why, advice
}

// adviceByMost is the advice by what most of the waits' time passed with.
func (r *starvationJudge) adviceByMost() string {
	if kinds := r.blame.starved.parts(); len(kinds) > 0 {
		return cmp.Or(starvedAdvice[kinds[0]], starvedAdvice[pDidRun])
	}
	return "Record for longer, so that the wait's end shows."
}

// starvedBy says what most of the waits' time passed with, and what to do about
// that; the advice is "" where the worst wait has it. One wait needs no sum.
func starvedBy(s *split, n, ns int64) (why, advice string) {
	kinds := s.parts()
	if n < 2 || len(kinds) == 0 || s.total()*2 < ns {
		return "", ""
	}
	most := kinds[0]
	if s[most]*20 >= s.total()*19 {
		return "", "" // the worst wait is like the others
	}
	why = fmt.Sprintf("For %s of the time of all these waits, %s", words.ShareOf(s[most], s.total()), whileWords[most])
	if s[kinds[1]]*10 >= s.total() {
		why += fmt.Sprintf("; for %s, %s", words.ShareOf(s[kinds[1]], s.total()), whileWords[kinds[1]])
	}
	why += ". "
	if s[most]*5 < s.total()*2 {
		return why, starvedAdvice[pDidRun] // no one thing
	}
	return why, starvedAdvice[most]
}

// starvedAdvice is by what most of the time passed with.
var starvedAdvice = map[pDid]string{
	pDidRun:  "There was more work than the Ps could do: run less at once (a bounded pool of workers), make the work cheaper, or give the process more CPUs.",
	pDidHog:  "Goroutines compute for whole time slices: run less of that at once (a bounded pool of workers), make it cheaper, or give the process more CPUs.",
	pDidMark: "Let the collector work less.",
	pDidNone: "Look at the findings on idle Ps, and at the machine: CPU quota, other processes, GOMAXPROCS higher than the CPUs that the process gets.",
	pDidStop: "See the finding on stop-the-world pauses.",
	pDidCall: "See the finding on system calls that held Ps.",
}

// heldUp says who held the P in the worst wait, and what to do.
func heldUp(e *report.Episode) (why, advice string) {
	switch {
	case len(e.Culprits) == 0 && queueOf(e) < 0:
		return "The one that waited longest stood in the global queue until the trace ended: which P was to take it from there is not told.", ""
	case len(e.Culprits) == 0:
		return "In the worst wait no goroutine ran on the P that it waited for: the thread of that P was not scheduled by the operating system, or the P was idle.",
			"Look at the findings on idle Ps, and at the machine's load: is GOMAXPROCS higher than the CPUs that the process gets?"
	case e.Forgotten*2 >= e.Wait:
		who := "See which goroutines run there in the timeline"
		if fn := commonFunc(e.Culprits); fn != "" {
			who = "See the goroutines of " + culpritName(fn) + ", which ran there last"
		}
		return fmt.Sprintf("In the worst wait goroutines took turns on P%d so often that only the last %s stretches are remembered: who had it before, the evidence says in sum.", queueOf(e), words.Count(measure.RecentPs)),
			who + ": they switch very often, and leave no turn to those that wait."
	case e.Culprits[0].NS*2 >= e.Wait:
		return heldByOne(e)
	case e.Ran*2 < e.Wait:
		return fmt.Sprintf("In the worst wait goroutines ran on P%d for only %s of %s: the P's thread was held up outside of the program, or the P was idle.", queueOf(e), words.Length(e.Ran), words.Length(e.Wait)),
			"Look at the machine: CPU quota, other processes, GOMAXPROCS higher than the CPUs that the process gets."
	}
	c := e.Culprits[0]
	return fmt.Sprintf("In the worst wait many goroutines took turns on P%d; %s ran longest, %s of %s.", queueOf(e), words.Goroutine(int64(c.G), c.Func), words.Length(c.NS), words.Length(e.Wait)),
		starvedAdvice[pDidRun]
}

// heldByOne says so of the goroutine that ran for most of the worst wait.
func heldByOne(e *report.Episode) (why, advice string) {
	c := e.Culprits[0]
	if isTracer(c.Func) {
		return fmt.Sprintf("In the worst wait the tracer itself held P%d for %s of %s: it writes down the state of every goroutine, again about once a second. Without tracing this wait would not have been.", queueOf(e), words.Length(c.NS), words.Length(e.Wait)),
			"Leave out of account what passed behind the tracer: it says how many goroutines there are (each costs about half a microsecond), nothing else."
	}
	fn := cmp.Or(c.At.Func, c.Func)
	return fmt.Sprintf("In the worst wait %s held P%d for %s of %s.", words.Goroutine(int64(c.G), c.Func), queueOf(e), words.Length(c.NS), words.Length(e.Wait)),
		cmp.Or(names.SpinAdvice(fn, words.Function(fn)), "Let that goroutine yield: split its work into pieces of a millisecond, call runtime.Gosched between them, or move it off the path of requests.")
}

// culpritStack is where the goroutine that ran longest in the worst wait stopped, if one
// of its runs was among the longest of all.
func (r *starvationJudge) culpritStack(episodes []report.Episode) []report.Stack {
	if len(episodes) == 0 || len(episodes[0].Culprits) == 0 {
		return nil
	}
	for _, iv := range r.longRuns.Worst.Best() {
		if iv.G == episodes[0].Culprits[0].G {
			return r.stack(fmt.Sprintf("where G%d, which ran meanwhile, stopped", iv.G), iv.Stack)
		}
	}
	return nil
}

// culpritName names a function whose goroutines others waited for.
func culpritName(fn string) string {
	if isTracer(fn) {
		fn = "the tracer itself"
	}
	return words.Function(fn)
}
