package analyze

import (
	"fmt"

	"gmptrace/analyze/words"
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
var checkIdleP = check{id: "idle-p", title: "Idle Ps while work waited", symptom: true, begin: func(s *Session) judge {
	return (&idlePJudge{bench: bench{s}, procs: Shared(s, newProcs)}).judge
}}

type idlePJudge struct {
	bench
	procs *procs
}

func (r *idlePJudge) judge(rep *Report) judgement {
	w := &r.procs.wastes
	j := judgement{measured: fmt.Sprintf("%s in %s longer than %s", words.Length(w.long), words.Plural(w.n, "stretch"), words.Length(wakeTime))}
	if len(rep.Trace.Gomaxprocs) == 0 {
		j.undecided = "the trace does not say GOMAXPROCS"
	}
	if j.undecided != "" || w.long < 2_000_000 || w.long*100 < analysed(rep) {
		return j
	}
	f := Finding{
		Severity: SeverityInfo,
		Title:    fmt.Sprintf("A P was idle for %s while goroutines were runnable", words.Length(w.long)),
		CostNS:   w.long,
		CostOf:   "wall time with a P idle and a goroutine runnable",
		What: fmt.Sprintf("%s longer than %s in which at least one P was idle although at least one goroutine waited for a P; the longest took %s.",
			words.Plural(w.n, "stretch"), words.Length(wakeTime), words.Length(w.all.Max())),
		Why:    "The trace does not say what delayed the P: its thread may have been waiting for a CPU, or had to be started first, or the goroutine was about to be picked up elsewhere.",
		Advice: idleAdvice(gomaxprocsNow(rep)),
		Sure:   "medium", SureWhy: "a P that is promised to a thread which is just waking still looks idle in the trace",
		Evidence: []Evidence{
			{"share of the trace", words.ShareOf(w.long, analysed(rep))},
			{"longest stretch", words.Length(w.all.Max())},
			{"median of all stretches, short ones included", words.Length(w.all.Quantile(.5))},
		},
	}
	if w.long*10 >= analysed(rep) {
		f.Severity = SeverityWarning
	}
	for _, x := range w.worst.Best() {
		f.Moments = append(f.Moments, r.moment(x.Start, x.End, -1, -1, -1,
			fmt.Sprintf("%s with up to %s runnable and %s idle", words.Length(int64(x.End-x.Start)), words.Plural(int64(x.Runnable), "goroutine"), words.Plural(int64(x.Idle), "P"))))
	}
	j.findings = []Finding{f}
	return j
}

// idleAdvice depends on whether there is a P to spare.
func idleAdvice(procs int) string {
	if procs <= 1 {
		return "Compare with the machine's load and the process's CPU quota at that time: with one P, its thread alone was late."
	}
	return "Compare GOMAXPROCS with the CPUs that the process really gets (quota, other processes): more Ps than CPUs make threads wait for one another."
}
