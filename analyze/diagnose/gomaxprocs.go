package diagnose

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

// checkGomaxprocs measures whether the process got the CPUs that GOMAXPROCS
// promises, as far as a trace shows: it holds neither the number of CPUs nor a
// quota.
//
// Threshold: a standstill is a time of 25 ms with no event at all although a P or
// more ran goroutines: a goroutine is asked to stop after between 10 ms and 20 ms,
// which leaves an event. Eight that end in the same fifth of the tenth of a second in
// which CPU quotas are counted, and make up four fifths of the time of all, or five of
// which all others but one do, are a warning, critical if all took a fifth of the trace (from when the process goes on
// it takes up to 20 ms until something happens). Without that rhythm, standstills of
// two Ps or more are worth a finding from 2 % of the trace, a warning from 5 %. If of
// twenty goroutines or more that used up their time slice a fifth had run for 30 ms,
// threads had to wait for CPUs: a warning if standstills took 5 %, or half of what
// long waits lasted passed with a P that ran nothing, else information.
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
		bench: bench{s}, witnesses: newWitnesses(s), stalls: replay.Shared(s, newStalls), preempts: replay.Shared(s, measure.NewPreemptions),
		latency: replay.Shared(s, measure.NewWaits), chains: replay.Shared(s, newChains), bursts: replay.Shared(s, newBursts), procs: replay.Shared(s, measure.NewProcs),
	}).decide
}}

const (
	stallMin    = 25_000_000 // ns without any event: longer than a preemption takes
	stallKept   = 256        // standstills that wait for the stretches around them
	stallSeldom = 50         // the part of the trace that standstills of two Ps take: a fiftieth is worth a finding
	stallOften  = 20         // a twentieth is a warning

	quota         = 100_000_000 // ns: period of the kernel's CPU quota, if nobody set another
	quotaBins     = 20
	quotaSome     = 8 // standstills; fewer fall into one fifth of the period by chance too often
	quotaFew      = 5 // if hardly any falls elsewhere, it is likely all the same
	quotaCritical = 5 // the part of the trace that they take: a fifth

	slicesSome = 20          // time slices used up, of which a fifth came late
	oneFrom    = 100_000_000 // ns of trace: less does not tell how busy the one P is
	oneBusy    = .8          // part of the time that it ran goroutines, in [0, 1]
)

type gomaxprocsJudge struct {
	bench
	witnesses
	stalls   *stalls
	preempts *measure.Preemptions
	latency  *measure.Waits
	chains   *chains
	bursts   *bursts
	procs    *measure.Procs
}

func (r *gomaxprocsJudge) decide(rep *report.Report) Judgement {
	st, p := r.stalls.total(), r.preempts
	j := Judgement{Measured: fmt.Sprintf("%s in which nothing happened although goroutines ran, %s in all; %s of %s used up came late",
		words.Plural(st.n, "standstill"), words.Length(st.total), words.Count(p.Late), words.Plural(p.Slice, "time slice"))}
	if len(rep.Trace.Gomaxprocs) == 0 {
		j.Undecided = "the trace does not say GOMAXPROCS"
		return j
	}
	n := gomaxprocsNow(rep)
	f := report.Finding{Severity: report.SeverityInfo, Evidence: r.evidence(n, &st), Moments: st.scenes(r.bench)}
	switch {
	case st.inRhythm():
		r.quotaFinding(rep, &f, &st)
		j.Explains = r.attribute(pDidHog, pDidOver, pDidNone)
		j.Explains.add(Explained{"hog": r.stalls.over})
	case n > 1 && p.Slice >= slicesSome && p.Late*5 >= p.Slice:
		j.Explains = r.tooManyPs(rep, &f, &st, n)
	case st.severalPs > 0 && st.severalPs*stallSeldom >= report.Analysed(rep):
		standstill(rep, &f, &st)
	case n == 1 && r.onePIsFew(rep):
		j.Explains = r.onlyOneP(rep, &f)
	default:
		j.Undecided = tooFewPerhaps(rep, n)
		return j
	}
	j.Findings = []report.Finding{f}
	return j
}

func (r *gomaxprocsJudge) evidence(n int, st *stallSum) []report.Evidence {
	return []report.Evidence{
		{Label: "GOMAXPROCS", Value: words.Count(n)},
		{Label: "standstills", Value: fmt.Sprintf("%s, %s in all, longest %s", words.Count(st.n), words.Length(st.total), words.Length(st.longest))},
		{Label: "standstills that ended in the same fifth of 100 ms", Value: fmt.Sprintf("%s of %s", words.Count(st.inStep), words.Count(st.n))},
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
func (r *gomaxprocsJudge) quotaFinding(rep *report.Report, f *report.Finding, st *stallSum) {
	f.Severity = report.SeverityWarning
	if st.total*quotaCritical >= report.Analysed(rep) {
		f.Severity = report.SeverityCritical
	}
	f.Title = fmt.Sprintf("The process stood still %s times for up to %s, in the rhythm of a CPU quota", words.Count(st.n), words.Length(st.longest))
	f.CostNS, f.CostOf = st.total, "wall time without any event although goroutines ran"
	f.What = fmt.Sprintf("For up to %s at a time, %s in all, nothing happened on any P although goroutines were running; %s of %s times it went on in the same fifth of a tenth of a second.",
		words.Length(st.longest), words.Length(st.total), words.Count(st.inStep), words.Count(st.n))
	f.Why = "That is what it looks like when a container has used up its share of CPU time: the kernel stops all of its threads until the next period of 100 ms begins."
	spread := "spread the work or do less of it at once"
	if top := topPlaces(names.NewPlaces(r.Names), st.ranThen); len(top) > 0 {
		f.What += fmt.Sprintf(" Mostly %s had a P when it stood still.", top[0].name)
		spread = "spread what " + top[0].name + " does, or do less of it at once"
	}
	f.Advice = fmt.Sprintf("Compare nr_throttled in the container's cpu.stat. Raise the quota, or %s. GOMAXPROCS above the quota makes it worse (Go 1.25 sets it to the quota by itself).", spread)
	f.Sure, f.SureWhy = "high", "the rhythm is that of a quota; the quota itself is not in the trace"
	if st.inStep < quotaSome {
		f.Sure = "medium"
	}
}

// tooManyPs is of goroutines that were stopped late, and says what that explains.
func (r *gomaxprocsJudge) tooManyPs(rep *report.Report, f *report.Finding, st *stallSum, n int) Explained {
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
	if st.severalPs*stallOften < report.Analysed(rep) && (lacking == 0 || lacking*2 < r.latency.StarvedNS) {
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
func standstill(rep *report.Report, f *report.Finding, st *stallSum) {
	if st.severalPs*stallOften >= report.Analysed(rep) {
		f.Severity = report.SeverityWarning
	}
	f.Title = fmt.Sprintf("For up to %s no P did anything new although goroutines ran", words.Length(st.longest))
	f.CostNS, f.CostOf = st.total, "wall time without any event although goroutines ran"
	f.What = fmt.Sprintf("%s, %s in all: goroutines ran on one P or more, and not even the preemption that is due after 10 ms happened.", words.Plural(st.n, "standstill"), words.Length(st.total))
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

// stalls answers: when did nothing happen at all, although goroutines ran?
type stalls struct {
	zero    model.Time
	last    model.Time // of the last fact; the trace's beginning before
	now     model.Time // how far the trace has been followed
	stw     int        // stop-the-world ranges under way: then nothing is to happen
	pending []stall
	out     stallSum
	over    int64 // ns of stretches that run on as the process stood still in them
}

// stall is a time without any event.
type stall struct {
	start, end model.Time
	running    int // Ps that ran a goroutine of the program all the while
	p          model.ProcID
	g          model.GoID
	stacks     []uint32 // where those stopped that ran
}

// stallSum sums standstills up.
type stallSum struct {
	n, total, longest int64
	severalPs         int64                            // of those with two Ps running
	phase             [quotaBins]struct{ n, ns int64 } // by where in a quota's period they ended
	inStep, inStepNS  int64                            // those that ended in the fifth of the period that has most
	worst             *stat.TopK[stall]
	ranThen           map[uint32]int64 // ns by where who had a P stopped when it went on
}

func newStalls(s *replay.Session) *stalls {
	return &stalls{zero: s.Zero, last: s.Zero, out: stallSum{worst: stat.NewTopK[stall](report.MaxMoments), ranThen: map[uint32]int64{}}}
}

func (s *stalls) Watch(f *model.Facts) {
	s.now = f.Now
	if f.Now-s.last < stallMin {
		s.pass(f)
		return
	}
	gs, ps, events := f.Gs, f.Ps, f.Events
	for len(gs) > 0 || len(ps) > 0 || len(events) > 0 {
		t := earliest(gs, ps, events)
		s.see(t)
		for len(gs) > 0 && gs[0].End <= t {
			gs = gs[1:]
		}
		for ; len(ps) > 0 && ps[0].End <= t; ps = ps[1:] {
			s.ran(&ps[0])
		}
		for ; len(events) > 0 && events[0].Time <= t; events = events[1:] {
			s.stop(&events[0])
		}
	}
}

// pass takes in facts that no standstill lies between.
func (s *stalls) pass(f *model.Facts) {
	if n := len(f.Gs); n > 0 {
		s.last = max(s.last, f.Gs[n-1].End)
	}
	if n := len(f.Ps); n > 0 {
		s.last = max(s.last, f.Ps[n-1].End)
	}
	if n := len(f.Events); n > 0 {
		s.last = max(s.last, f.Events[n-1].Time)
	}
	if len(s.pending) > 0 {
		for i := range f.Ps {
			s.ran(&f.Ps[i])
		}
	}
	for i := range f.Events {
		s.stop(&f.Events[i])
	}
}

// earliest is the time of the first of these facts.
func earliest(gs []model.GInterval, ps []model.PInterval, events []model.Event) model.Time {
	t := replay.Forever
	if len(gs) > 0 {
		t = gs[0].End
	}
	if len(ps) > 0 {
		t = min(t, ps[0].End)
	}
	if len(events) > 0 {
		t = min(t, events[0].Time)
	}
	return t
}

// see takes the time of the next fact: nothing happened since the last one.
func (s *stalls) see(t model.Time) {
	if t-s.last >= stallMin && s.stw == 0 {
		s.pending = append(s.pending, stall{start: s.last, end: t})
		if len(s.pending) > stallKept {
			s.out.add(&s.pending[0], s.zero)
			s.pending = s.pending[1:]
		}
	}
	s.last = max(s.last, t)
}

// ran counts a stretch of a P that ran a goroutine while nothing happened.
func (s *stalls) ran(iv *model.PInterval) {
	if len(s.pending) == 0 || iv.End-iv.Start < stallMin || iv.Does != model.PDoesRun || iv.Runtime {
		return
	}
	within := false
	for k := range s.pending {
		if x := &s.pending[k]; iv.Start <= x.start && iv.End >= x.end {
			x.running++
			x.p, x.g, within = iv.P, iv.G, true
			x.stacks = append(x.stacks, iv.Stack)
		}
	}
	if within {
		s.over += int64(iv.End - iv.Start)
	}
}

// stop follows stop-the-world ranges.
func (s *stalls) stop(ev *model.Event) {
	switch ev.Op {
	case model.OpSTWBegin:
		s.stw++
	case model.OpSTWEnd:
		s.stw = max(0, s.stw-1)
	case model.OpGeneration:
		if ev.Arg != 0 {
			s.stw = 0
		}
	}
}

// add counts a standstill, if a goroutine of the program ran all the while.
func (s *stallSum) add(x *stall, zero model.Time) {
	d := int64(x.end - x.start)
	if x.running == 0 {
		return
	}
	s.n++
	s.total += d
	s.longest = max(s.longest, d)
	if x.running > 1 {
		s.severalPs += d
	}
	p := &s.phase[int64(x.end-zero)%quota/(quota/quotaBins)]
	p.n++
	p.ns += d
	s.worst.Offer(d, *x)
	for _, stack := range x.stacks {
		s.ranThen[stack] += d
	}
}

// total is the sum of all, those included that still wait.
func (s *stalls) total() stallSum {
	s.see(s.now)
	for i := range s.pending {
		s.out.add(&s.pending[i], s.zero)
	}
	s.pending = nil
	s.out.findRhythm()
	return s.out
}

// findRhythm finds the fifth of a quota's period in which standstills ended that took
// most time.
func (s *stallSum) findRhythm() {
	for i := range quotaBins {
		var n, ns int64
		for k := range quotaBins / 5 {
			p := &s.phase[(i+k)%quotaBins]
			n, ns = n+p.n, ns+p.ns
		}
		if ns > s.inStepNS {
			s.inStep, s.inStepNS = n, ns
		}
	}
}

// inRhythm reports whether most ended in the same fifth of a quota's period.
func (s *stallSum) inRhythm() bool {
	return s.inStep >= quotaSome && s.inStepNS*5 >= s.total*4 || s.inStep >= quotaFew && s.inStep >= s.n-1
}

// scenes are the longest.
func (s *stallSum) scenes(r bench) []report.Moment {
	var out []report.Moment
	for _, x := range s.worst.Best() {
		out = append(out, r.scene(x.start, x.end, x.g, x.p, -1,
			fmt.Sprintf("nothing happened for %s while %s ran goroutines", words.Length(int64(x.end-x.start)), words.Plural(int64(x.running), "P"))))
	}
	return out
}
