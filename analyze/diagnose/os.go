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

// checkOS measures waits for a P that ran nothing meanwhile, or for one that ran
// others while another P was free: the P was idle or its thread was in the scheduler,
// the world was not stopped. Whoever makes a goroutine ready while a P is idle wakes a
// thread for it (wakep), and that one looks into all queues; so nobody in the process
// was in the way: the thread did not get a CPU, or was late to wake.
//
// Threshold: waits from 1 ms on, and of them such time of 10 ms in all, at least
// half, and a hundredth of the trace; or half of what waits over 10 ms lasted. A
// warning if 10 ms of one wait passed so, critical from 100 ms, and a P was idle beside
// work for so long three times, or for a tenth of the trace; or if such time, in
// shorter waits, makes up a twentieth of the trace and three quarters of all of them.
// Waking a thread on an idle machine takes less than a tenth of a millisecond.
//
// And stretches of 20 ms or more of goroutines that else run for a moment, where signals
// stop goroutines of this program: had it had a CPU, it would have been stopped in that
// time, and have gone on later. A warning from three, and a hundredth of the trace.
//
// False positives: code that no signal may stop and that is run seldom; the runtime
// may leave a P idle for a moment because another thread already looks for work; when
// a thread gave its P up because the operating system held it, the P of another queue
// may be blamed. Goroutines that seem to run while their thread has no CPU are not
// seen if that is for less than 20 ms, or if they often run for long.
//
// Always decided: that a P ran nothing is in the trace; why is inferred, and the finding
// says so.
var checkOS = Check{ID: "os", Costs: costsLate, Title: "Waits with nobody of the process in the way", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&osJudge{
		bench: bench{s}, witnesses: newWitnesses(s), latency: replay.Shared(s, measure.NewWaits), stolen: replay.Shared(s, newStolen),
		procs: replay.Shared(s, measure.NewProcs), pollers: replay.Shared(s, newPollers),
	}).decide
}}

const (
	freeSome  = 10_000_000 // ns of waits for a P that ran nothing, half of all and a hundredth of the trace
	freeTimes = 3          // times that a P was free for 10 ms, or a tenth of the trace: what comes once or twice is a disturbance, and worth a note
	freeOften = 20         // the part of the trace, a twentieth, from which it is a warning in short waits too

	stolenSome = 3    // stretches of goroutines that seem to have had no CPU
	stolenRare = 20   // times as many stretches of their functions were short
	maxStolen  = 4096 // stretches kept
)

type osJudge struct {
	bench
	witnesses
	latency *measure.Waits
	stolen  *stolen
	procs   *measure.Procs
	pollers *pollers
}

func (r *osJudge) decide(rep *report.Report) Judgement {
	free, waited := r.free(), r.blame.waited.total()
	j := Judgement{Measured: fmt.Sprintf("%s of %s that waits of %s and more lasted", words.Length(free), words.Length(waited), words.Length(blamedFrom)), Explains: Explained{}}
	r.judgeStolen(rep, &j)
	many := free >= freeSome && free*2 >= waited && free*100 >= report.Analysed(rep)
	if !many && !r.mostOfLongWaits() || r.polled(rep) {
		return j
	}
	f := r.describe()
	if r.few(rep) {
		f.Severity = report.SeverityInfo
	}
	if many && free*4 >= waited*3 && free*freeOften >= report.Analysed(rep) {
		f.Severity = worse(f.Severity, report.SeverityWarning)
	}
	j.Explains.add(r.attribute(pDidNone, pDidSpare))
	j.Explains.add(Explained{"idle-p": min(free, r.procs.Wastes.Long), "unbalanced": r.blame.waited[pDidSpare]})
	j.Findings = append(j.Findings, f)
	return j
}

// few reports whether Ps were free beside work for long less often than a disturbance takes to
// be more than one, and for little of the trace.
func (r *osJudge) few(rep *report.Report) bool {
	long := 0
	for _, x := range r.procs.Wastes.Worst.Best() {
		if int64(x.End-x.Start) >= measure.StarvedAfter {
			long++
		}
	}
	return long < freeTimes && r.procs.Wastes.Long*10 < report.Analysed(rep)
}

// polled reports whether the Ps mostly looked for work for goroutines that yield again and
// again: then they ran nothing while goroutines waited, and were not free.
func (r *osJudge) polled(rep *report.Report) bool {
	var burnt int64
	for _, p := range r.pollers.yields {
		if p != nil {
			burnt += p.cost()
		}
	}
	return burnt*2 >= report.Analysed(rep)*int64(max(1, len(rep.Procs)))
}

// free is how long goroutines waited for a P while it ran nothing, or another one did.
func (r *osJudge) free() int64 { return r.blame.waited[pDidNone] + r.blame.waited[pDidSpare] }

// mostOfLongWaits reports whether half of the time of waits that count as starved was so.
func (r *osJudge) mostOfLongWaits() bool {
	starved := r.latency.StarvedNS
	return starved > 0 && (r.blame.starved[pDidNone]+r.blame.starved[pDidSpare])*2 >= starved
}

func (r *osJudge) describe() report.Finding {
	b, waited := r.blame, r.blame.waited.total()
	longest := max(b.worstPart(pDidNone), b.worstPart(pDidSpare))
	f := report.Finding{
		Severity: graded(longest),
		Title:    fmt.Sprintf("Goroutines waited up to %s although a P was free for them", words.Length(longest)),
		CostNS:   r.free(),
		CostOf:   "goroutine time spent waiting for a P while it, or another one, ran nothing",
		What: fmt.Sprintf("Waits of %s and more lasted %s in all; for %s of that the P that the goroutine waited for ran no goroutine and the world was not stopped, for %s it ran others while another P was idle.",
			words.Length(blamedFrom), words.Length(waited), words.ShareOf(b.waited[pDidNone], waited), words.ShareOf(b.waited[pDidSpare], waited)),
		Why:    "No goroutine was in the way. Most likely the P's thread had been woken, or was about to look for work, and the operating system did not run it.",
		Advice: "Look at the machine, not at the program: CPU quota of the container, other processes, a virtual machine that loses its CPUs, GOMAXPROCS higher than the CPUs that the process gets.",
		Sure:   "medium", SureWhy: "the trace shows that the P ran nothing; that its thread wanted a CPU is inferred",
		Evidence: append(b.waited.evidence(), report.Evidence{Label: "goroutines ran while another P was idle", Value: words.Length(b.waited[pDidSpare])}),
		Moments:  b.scenes(r.bench, pDidNone, "the P ran nothing"),
	}
	if b.waited[pDidSpare] > b.waited[pDidNone] {
		f.Moments = b.scenes(r.bench, pDidSpare, "another P was idle")
	}
	return f
}

// judgeStolen judges goroutines that seem to have run for too long.
func (r *osJudge) judgeStolen(rep *report.Report, j *Judgement) {
	x := sumStolen(r.stolen.credible())
	if len(x.over) < stolenSome || x.ns*100 < report.Analysed(rep) {
		return
	}
	starved := r.starvedDuring(rep, x.over, r.latency.StarvedNS)
	j.Explains.add(Explained{
		"timers": lateDuring(x.over, r.sleepers.regular()), "netpoll": lateDuring(x.over, r.readers.regular()),
		"starvation": starved, "overload": starved, "hog": x.overrun,
	})
	j.Findings = append(j.Findings, r.describeStolen(&x))
}

// stolenSum is stretches in which goroutines seem to have had no CPU.
type stolenSum struct {
	ns      int64
	overrun int64 // of ns: in those that the check on hogs counts
	over    stretches
	worst   *stat.TopK[lateStop]
}

// sumStolen sums them up.
func sumStolen(all []lateStop) stolenSum {
	s := stolenSum{worst: stat.NewTopK[lateStop](report.MaxMoments)}
	for i := range all {
		x := &all[i]
		ns := int64(x.End - x.Start)
		s.ns += ns
		if measure.Overrun(x.End-x.Start, x.how) {
			s.overrun += ns
		}
		s.over = append(s.over, [2]model.Time{x.Start, x.End})
		s.worst.Offer(ns, *x)
	}
	return s
}

func (r *osJudge) describeStolen(x *stolenSum) report.Finding {
	w := &x.worst.Best()[0]
	usual := r.stolen.byFunc[r.Names.Start[w.Func]]
	return report.Finding{
		Severity: report.SeverityWarning,
		Title:    fmt.Sprintf("Goroutines that else run for a moment seemed to run for up to %s", words.Length(int64(w.End-w.Start))),
		CostNS:   x.ns,
		CostOf:   "P time of goroutines that seem to have had no CPU",
		What: fmt.Sprintf("%s times a goroutine had a P for %s or more at a stretch. The goroutines of %s ran %s times, and else for at most %s.",
			words.Count(len(x.over)), words.Length(measure.TwoSlices), words.Function(r.runs(w.Func)), words.Count(usual.n), words.Length(usual.most)),
		Why:    "The runtime stops a goroutine that computes after 10 ms to 20 ms, by a signal where it calls no function, and did so in this program. These went on for longer, and had nothing more to do then. So their threads, or the runtime's monitor with them, had no CPU: another process, a virtual machine that was stopped, or a signal that stopped this one.",
		Advice: "Look at the machine, not at the program: other processes and their priority, steal time, CPU quota.",
		Sure:   "medium", SureWhy: "that they ran longer than the runtime lets them is in the trace, that they had no CPU is inferred",
		Evidence: []report.Evidence{
			{Label: "such stretches", Value: words.Count(len(x.over))},
			{Label: "goroutines of the program that a signal stopped", Value: words.Count(r.stolen.signals)},
		},
		Moments: r.scenes(x),
	}
}

// scenes are the longest such stretches.
func (r *osJudge) scenes(s *stolenSum) []report.Moment {
	var out []report.Moment
	for _, x := range s.worst.Best() {
		out = append(out, r.scene(x.Start, x.End, x.G, x.P, x.M,
			fmt.Sprintf("%s seemed to run for %s on P%d", words.Goroutine(int64(x.G), r.runs(x.Func)), words.Length(int64(x.End-x.Start)), x.P)))
	}
	return out
}

// stolen answers: which goroutines seem to have run for longer than the runtime lets
// them, where they mostly run for a moment? Their thread had no CPU meanwhile, or the
// runtime's monitor had none.
type stolen struct {
	names   *names.Table
	stops   measure.Stops
	signals int64 // goroutines of the program that a signal stopped: it can
	byFunc  []ran // by names' function index
	long    []lateStop
	open    map[model.GoID]int // of those in long that a signal stopped, the goroutine's last
}

// ran is how long goroutines of one function run at a stretch.
type ran struct{ n, slices, most int64 }

// lateStop is a stretch of twice a time slice or longer.
type lateStop struct {
	model.PInterval
	how  model.How
	rest model.Time // how long it went on for when it came to run again
}

func newStolen(s *replay.Session) *stolen { return &stolen{names: s.Names, open: map[model.GoID]int{}} }

func (s *stolen) Watch(f *model.Facts) {
	s.stops.Observe(f)
	for i := range f.Preempts {
		if x := &f.Preempts[i]; x.How == model.HowSignal && !x.Runtime {
			s.signals++
		}
	}
	for i := range f.Ps {
		if iv := &f.Ps[i]; iv.Does == model.PDoesRun && !iv.Runtime {
			s.stretch(iv)
		}
	}
}

// stretch takes in that a goroutine ran, and when its last one was too long, whether it
// went on.
func (s *stolen) stretch(iv *model.PInterval) {
	fn := s.names.Start[iv.Func]
	for int(fn) >= len(s.byFunc) {
		s.byFunc = append(s.byFunc, ran{})
	}
	d, r := iv.End-iv.Start, &s.byFunc[fn]
	r.n++
	if len(s.open) > 0 { // hardly ever
		if i, ok := s.open[iv.G]; ok {
			s.long[i].rest = d
			delete(s.open, iv.G)
		}
	}
	switch {
	case d < measure.WholeSlice:
		r.most = max(r.most, int64(d))
	case d < measure.TwoSlices:
		r.slices++
	case len(s.long) < maxStolen:
		s.keep(iv)
	}
}

// keep notes a stretch of twice a time slice or longer.
func (s *stolen) keep(iv *model.PInterval) {
	x := lateStop{PInterval: *iv, how: s.stops.How(iv)}
	if x.how == model.HowSignal {
		s.open[iv.G] = len(s.long)
	}
	s.long = append(s.long, x)
}

// credible are the stretches that can't have been what they seem, as far as that can be
// told. If signals stop goroutines of the program, one that computes is stopped after
// between one and two slices, and goes on later; that hardly happened to any of its
// function. What ended at a function call is left out: a signal that was due would have
// come first when the thread had a CPU again, so that it may be code without calls that
// no signal may stop.
func (s *stolen) credible() (out []lateStop) {
	if s.signals == 0 {
		return nil
	}
	n := map[uint32]int64{}
	for i := range s.long {
		n[s.names.Start[s.long[i].Func]]++
	}
	for i := range s.long {
		x := &s.long[i]
		fn := s.names.Start[x.Func]
		if r := &s.byFunc[fn]; x.how != model.HowCooperative && r.brief(n[fn]) && int64(x.rest) <= max(r.most, int64(measure.TwoSlices/10)) {
			out = append(out, *x)
		}
	}
	return out
}

// brief reports whether goroutines of a function mostly run for a moment, but for so many
// long stretches.
func (r *ran) brief(long int64) bool {
	return r.n >= stolenRare*long && r.slices <= long/4 && r.most*4 <= measure.TwoSlices
}
