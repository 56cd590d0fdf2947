package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// checkGomaxprocs measures whether the process got the CPUs that GOMAXPROCS
// promises, as far as a trace shows: it holds neither the number of CPUs nor a
// quota.
//
// Threshold: a standstill is a time of 25 ms with no event at all although a P or
// more ran goroutines: a goroutine is asked to stop after between 10 ms and 20 ms,
// which leaves an event. Eight that end in the same fifth of the tenth of a second in
// which CPU quotas are counted, and make up four fifths of the time of all, or five of
// which all others but one do, are a warning, critical if all took a fifth of the trace
// (from when the process goes on it takes up to 20 ms until something happens). Without that rhythm, standstills of
// two Ps or more are worth a finding from 2 % of the trace, a warning from 5 %. If of
// twenty goroutines or more that used up their time slice a fifth had run for 30 ms,
// threads had to wait for CPUs: a warning if standstills took 5 %, or half of what
// long waits lasted passed with a P that ran nothing, else information.
//
// Where the machine told which CPUs threads had, nothing of that is guessed: the check cpu
// says it.
//
// That GOMAXPROCS is too small can't be known. With one P it is worth a try: most
// machines have more CPUs. It is a warning if the P ran goroutines for four fifths of
// the trace and of 100 ms or more, waits of over 10 ms make up a fifth of it, mostly
// while others used up their time or took turns, and it was neither that too many
// wanted to run at once nor the order in which they came: other checks say that.
// Else, where all Ps were busy for a fifth of the trace with goroutines waiting, the
// check is undecided.
//
// False positives: two goroutines in long calculations that cannot be interrupted
// leave no event either, and a program with a period of its own of 100 ms can look
// like a quota.
var checkGomaxprocs = Check{ID: "gomaxprocs", Costs: costsLate, Title: "GOMAXPROCS against the CPUs that there are", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&gomaxprocsJudge{
		bench: bench{s}, witnesses: newWitnesses(s), stalls: replay.Shared(s, measure.NewStandstills), preempts: replay.Shared(s, measure.NewPreemptions),
		latency: replay.Shared(s, measure.NewWaits), chains: replay.Shared(s, newChains), bursts: replay.Shared(s, newBursts), procs: replay.Shared(s, measure.NewProcs),
	}).decide
}}

const (
	stallSeldom = 50 // the part of the trace that standstills of two Ps take: a fiftieth is worth a finding
	stallOften  = 20 // a twentieth is a warning

	quotaCritical = 5 // the part of the trace that standstills take: a fifth

	slicesSome = 20          // time slices used up, of which a fifth came late
	oneFrom    = 100_000_000 // ns of trace: less does not tell how busy the one P is
	oneBusy    = .8          // part of the time that it ran goroutines, in [0, 1]
)

type gomaxprocsJudge struct {
	bench
	witnesses
	stalls   *measure.Standstills
	preempts *measure.Preemptions
	latency  *measure.Waits
	chains   *chains
	bursts   *bursts
	procs    *measure.Procs
}

func (r *gomaxprocsJudge) decide(rep *report.Report) Judgement {
	st, p := r.stalls.Total(), r.preempts
	j := Judgement{Measured: fmt.Sprintf("%s in which nothing happened although goroutines ran, %s in all; %s of %s used up came late",
		words.Plural(st.N, "standstill"), words.Length(st.Time), words.Count(p.Late), words.Plural(p.Slice, "time slice"))}
	if len(rep.Trace.Gomaxprocs) == 0 {
		j.Undecided = "the trace does not say GOMAXPROCS"
		return j
	}
	n := gomaxprocsNow(rep)
	told := measuredCPUs(rep)
	f := report.Finding{Severity: report.SeverityInfo, Evidence: r.evidence(n, &st), Moments: standstillScenes(&st, r.bench)}
	switch {
	case told && n >= rep.Machine.CPUs:
		return j
	case !told && st.InRhythm():
		r.quotaFinding(rep, &f, &st)
		j.Explains = r.attribute(pDidHog, pDidOver, pDidNone)
		j.Explains.add(Explained{"hog": r.stalls.Over})
	case !told && n > 1 && p.Slice >= slicesSome && p.Late*5 >= p.Slice:
		j.Explains = r.tooManyPs(rep, &f, &st, n)
	case !told && st.SeveralPs > 0 && st.SeveralPs*stallSeldom >= report.Analysed(rep):
		standstill(rep, &f, &st)
	case n == 1 && r.onePIsFew(rep):
		j.Explains = r.onlyOneP(rep, &f)
		if told {
			counted(&f, rep.Machine.CPUs)
		}
	default:
		j.Undecided = tooFewPerhaps(rep, n)
		if told && j.Undecided != "" {
			j.Undecided = fmt.Sprintf("all Ps ran goroutines at times while others waited, and the process may run on %s, of which %s are used: whether others need the rest is not told", words.Plural(rep.Machine.CPUs, "CPU"), words.Count(n))
		}
		return j
	}
	j.Findings = []report.Finding{f}
	return j
}

// measuredCPUs reports whether the machine told which CPUs threads had: the check cpu says
// what is to be said of that then, and nothing is to be guessed.
func measuredCPUs(rep *report.Report) bool {
	return rep.Machine != nil && rep.Machine.Wanted > 0 && rep.Machine.CPUs > 0
}

// counted corrects a finding where it is known how many CPUs there are.
func counted(f *report.Finding, cpus int) {
	f.Advice = fmt.Sprintf("Raise GOMAXPROCS: the process may run on %s.", words.Plural(cpus, "CPU"))
	f.Sure, f.SureWhy = "high", "that all waited for one P is in the trace, and the machine told how many CPUs there are"
}

func (r *gomaxprocsJudge) evidence(n int, st *measure.StandstillSum) []report.Evidence {
	return []report.Evidence{
		{Label: "GOMAXPROCS", Value: words.Count(n)},
		{Label: "standstills", Value: fmt.Sprintf("%s, %s in all, longest %s", words.Count(st.N), words.Length(st.Time), words.Length(st.Longest))},
		{Label: "standstills that ended in the same fifth of 100 ms", Value: fmt.Sprintf("%s of %s", words.Count(st.InStep), words.Count(st.N))},
		{Label: "time slices used up", Value: words.Count(r.preempts.Slice)},
		{Label: "of them after more than " + words.Length(measure.LateSlice), Value: words.Count(r.preempts.Late)},
	}
}

// tooFewPerhaps says why it can't be told whether more Ps would help; "" where they
// would not.
func tooFewPerhaps(rep *report.Report, n int) string {
	full := saturated(rep, n)
	if !full.partly(rep) {
		return ""
	}
	return fmt.Sprintf("for %s all Ps ran goroutines while others waited: whether more Ps would help depends on how many CPUs there are, which is not in the trace", words.Length(full.time))
}

// quotaFinding is of standstills in the rhythm of a quota.
func (r *gomaxprocsJudge) quotaFinding(rep *report.Report, f *report.Finding, st *measure.StandstillSum) {
	f.Severity = report.SeverityWarning
	if st.Time*quotaCritical >= report.Analysed(rep) {
		f.Severity = report.SeverityCritical
	}
	f.Title = fmt.Sprintf("The process stood still %s times for up to %s, in the rhythm of a CPU quota", words.Count(st.N), words.Length(st.Longest))
	f.CostNS, f.CostOf = st.Time, "wall time without any event although goroutines ran"
	f.What = fmt.Sprintf("For up to %s at a time, %s in all, nothing happened on any P although goroutines were running; %s of %s times it went on in the same fifth of a tenth of a second.",
		words.Length(st.Longest), words.Length(st.Time), words.Count(st.InStep), words.Count(st.N))
	f.Why = "That is what it looks like when a container has used up its share of CPU time: the kernel stops all of its threads until the next period of 100 ms begins."
	spread := "spread the work or do less of it at once"
	if top := topPlaces(r.Names.Places(), st.RanThen); len(top) > 0 {
		f.What += fmt.Sprintf(" Mostly %s had a P when it stood still.", top[0].name)
		spread = "spread what " + top[0].name + " does, or do less of it at once"
	}
	f.Advice = fmt.Sprintf("Compare nr_throttled in the container's cpu.stat. Raise the quota, or %s. GOMAXPROCS above the quota makes it worse (Go 1.25 sets it to the quota by itself).", spread)
	f.Sure, f.SureWhy = "high", "the rhythm is that of a quota; the quota itself is not in the trace"
	if st.InStep < measure.QuotaSome {
		f.Sure = "medium"
	}
}

// tooManyPs is of goroutines that were stopped late, and says what that explains.
func (r *gomaxprocsJudge) tooManyPs(rep *report.Report, f *report.Finding, st *measure.StandstillSum, n int) Explained {
	lacking := r.blame.starved[pDidNone] + r.blame.starved[pDidSpare]
	f.Title = fmt.Sprintf("The process seems to get fewer CPUs than its %d Ps could use", n)
	f.CostNS, f.CostOf = lacking, "goroutine time in long waits with a P that ran nothing"
	if lacking == 0 {
		f.CostOf = "not a cost in time"
	}
	f.What = fmt.Sprintf("Goroutines used up their time slice %s; %d times one had run for "+words.Length(measure.LateSlice)+" or more before it stopped, instead of 10 ms to 20 ms. In waits longer than %s, goroutines waited %s while the P that they waited for, or another one, ran nothing.",
		words.Times(r.preempts.Slice), r.preempts.Late, words.Length(measure.StarvedAfter), words.Length(lacking))
	f.Why = "The monitor that asks goroutines to stop (sysmon), they themselves, or the threads of Ps that were to wake had to wait for a CPU: they share CPUs with one another or with other processes."
	f.Advice = "Set GOMAXPROCS to the CPUs that the process really gets, or give it more."
	f.Sure, f.SureWhy = "medium", "the trace does not say how many CPUs there are; code that cannot be interrupted also stops late"
	if st.SeveralPs*stallOften < report.Analysed(rep) && (lacking == 0 || lacking*2 < r.latency.StarvedNS) {
		return nil
	}
	f.Severity = report.SeverityWarning
	x := r.attribute(pDidNone, pDidSpare)
	x["os"] = lacking
	x["idle-p"] = min(lacking, r.procs.Wastes.Long)
	x["unbalanced"] = r.blame.waited[pDidSpare]
	return x
}

// standstill is of standstills without a rhythm.
func standstill(rep *report.Report, f *report.Finding, st *measure.StandstillSum) {
	if st.SeveralPs*stallOften >= report.Analysed(rep) {
		f.Severity = report.SeverityWarning
	}
	f.Title = fmt.Sprintf("For up to %s no P did anything new although goroutines ran", words.Length(st.Longest))
	f.CostNS, f.CostOf = st.Time, "wall time without any event although goroutines ran"
	f.What = fmt.Sprintf("%s, %s in all: goroutines ran on one P or more, and not even the preemption that is due after 10 ms happened.", words.Plural(st.N, "standstill"), words.Length(st.Time))
	f.Why = "Either the machine did not run the process, or not all of it (other processes, a CPU quota, a virtual machine that was stopped), or all running goroutines were in code that cannot be interrupted."
	f.Advice = "Compare with the machine's load, the container's cpu.stat and the virtual machine's steal time. If the machine was idle, see the stacks of the goroutines that ran."
	f.Sure, f.SureWhy = "medium", "that nothing happened is certain; who held the process up is not in the trace"
}

// onePIsFew reports whether the one P was mostly busy, and goroutines waited long for
// others that did nothing wrong.
func (r *gomaxprocsJudge) onePIsFew(rep *report.Report) bool {
	r.bursts.finish()
	span, starved := report.Analysed(rep), r.latency.StarvedNS
	turns := r.blame.starved[pDidRun] + r.blame.starved[pDidHog]
	otherwise := max(r.blame.unfair[pDidRun], r.chains.starved, r.bursts.starved)
	busy := span >= oneFrom && rep.Key.Utilisation >= oneBusy && starved*5 >= span
	if !busy || turns*2 < starved || otherwise*2 >= starved {
		return false
	}
	full := saturated(rep, 1)
	return !full.overloaded(rep)
}

// onlyOneP is of a program that kept its only P busy.
func (r *gomaxprocsJudge) onlyOneP(rep *report.Report, f *report.Finding) Explained {
	f.Severity = report.SeverityWarning
	f.Title = fmt.Sprintf("GOMAXPROCS is 1, and the P was busy %s of the time while goroutines waited up to %s", words.ShareOf(int64(1000*rep.Key.Utilisation), 1000), words.Length(r.latency.User.Max()))
	f.CostNS, f.CostOf = r.latency.StarvedNS, "goroutine time spent runnable in waits longer than "+words.Length(measure.StarvedAfter)
	f.What = fmt.Sprintf("Up to %s goroutines were ready to run at once, and one could. They waited while others took turns or used up their time slice: no single one kept the P for longer than it may.", words.Count(rep.Key.QueuePeak))
	f.Why = "Work that could be done at the same time was done in turns, as there is one P only."
	f.Advice = "See how many CPUs the process may use (nproc, the container's cpu.max). If more than one, raise GOMAXPROCS; if not, the work has to become less."
	f.Sure, f.SureWhy = "low", "that all waited for one P is in the trace; how many CPUs there are is not"
	f.Moments = r.blame.scenes(r.bench, pDidHog, "others used up their time slice")
	if len(f.Moments) == 0 {
		f.Moments = r.blame.scenes(r.bench, pDidRun, "others took turns")
	}
	x := r.attribute(pDidRun, pDidHog)
	delete(x, "global-queue")
	return x
}

// standstillScenes are the longest.
func standstillScenes(s *measure.StandstillSum, r bench) []report.Moment {
	var out []report.Moment
	for _, x := range s.Worst.Best() {
		out = append(out, r.scene(x.From, x.To, x.G, x.P, -1,
			fmt.Sprintf("nothing happened for %s while %s ran goroutines", words.Length(int64(x.To-x.From)), words.Plural(int64(x.Running), "P"))))
	}
	return out
}
