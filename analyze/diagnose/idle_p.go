package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkIdleP measures work conservation: stretches in which a P was idle while
// a goroutine was runnable and the world was not stopped.
//
// Threshold: stretches longer than 100 µs, which is more than a thread takes to
// wake on an idle machine, that sum to at least 1 % of the trace and 2 ms; a
// warning from 10 %. Never critical: what delayed the wake-up is not in the trace.
//
// False positives: many Ps on few CPUs, where waking a thread takes as long as
// the operating system makes it wait: the cost is real, the cause is the
// machine's load. A trace that does not say GOMAXPROCS cannot be judged.
var checkIdleP = Check{ID: "idle-p", Costs: costsLate, Title: "Idle Ps while work waited", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&idlePJudge{bench: bench{s}, procs: replay.Shared(s, measure.NewProcs)}).decide
}}

const (
	idleSome    = 2_000_000 // ns in all
	idlePart    = 100       // the part of the trace: a hundredth
	idleWarning = 10        // a tenth
)

type idlePJudge struct {
	bench
	procs *measure.Procs
}

func (r *idlePJudge) decide(rep *report.Report) Judgement {
	w := &r.procs.Wastes
	j := Judgement{Measured: fmt.Sprintf("%s in %s longer than %s", words.Length(w.Long), words.Plural(w.N, "stretch"), words.Length(measure.WakeTime))}
	switch {
	case len(rep.Trace.Gomaxprocs) == 0:
		j.Undecided = "the trace does not say GOMAXPROCS"
	case w.Long >= idleSome && w.Long*idlePart >= report.Analysed(rep):
		j.Findings = []report.Finding{r.describe(rep)}
	}
	return j
}

func (r *idlePJudge) describe(rep *report.Report) report.Finding {
	w, span := &r.procs.Wastes, report.Analysed(rep)
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("A P was idle for %s while goroutines were runnable", words.Length(w.Long)),
		CostNS:   w.Long,
		CostOf:   "wall time with a P idle and a goroutine runnable",
		What: fmt.Sprintf("%s longer than %s in which at least one P was idle although at least one goroutine waited for a P; the longest took %s.",
			words.Plural(w.N, "stretch"), words.Length(measure.WakeTime), words.Length(w.All.Max())),
		Why:    "The trace does not say what delayed the P: its thread may have been waiting for a CPU, or had to be started first, or the goroutine was about to be picked up elsewhere.",
		Advice: idleAdvice(gomaxprocsNow(rep), w.All.Max()),
		Sure:   "medium", SureWhy: "a P that is promised to a thread which is just waking still looks idle in the trace",
		Evidence: []report.Evidence{
			{Label: "share of the trace", Value: words.ShareOf(w.Long, span)},
			{Label: "longest stretch", Value: words.Length(w.All.Max())},
			{Label: "median of all stretches, short ones included", Value: words.Length(w.All.Quantile(.5))},
		},
		Moments: r.scenes(),
	}
	if w.Long*idleWarning >= span {
		f.Severity = report.SeverityWarning
	}
	return f
}

// scenes are the longest stretches.
func (r *idlePJudge) scenes() []report.Moment {
	var out []report.Moment
	for _, x := range r.procs.Wastes.Worst.Best() {
		out = append(out, r.scene(x.Start, x.End, model.NoG, model.NoP, model.NoM, fmt.Sprintf("%s with up to %s runnable and %s idle",
			words.Length(int64(x.End-x.Start)), words.Plural(int64(x.Runnable), "goroutine"), words.Plural(int64(x.Idle), "P"))))
	}
	return out
}

// idleAdvice depends on whether it was long, and whether there is a P to spare.
func idleAdvice(procs int, longest int64) string {
	switch {
	case longest < blamedFrom:
		return "Nothing, unless a millisecond matters: waking a thread takes up to that on a machine with load."
	case procs <= 1:
		return "Compare with the machine's load and the process's CPU quota at that time: with one P, its thread alone was late."
	}
	return "Compare GOMAXPROCS with the CPUs that the process really gets (quota, other processes): more Ps than CPUs make threads wait for one another."
}
