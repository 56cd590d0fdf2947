package analyze

import "fmt"

// checkIdleP measures work conservation: stretches in which a P was idle while
// a goroutine was runnable and the world was not stopped.
//
// Threshold: stretches longer than 100 µs, which is more than a thread takes to
// wake on an idle machine, that sum to at least 1 % of the trace or 20 ms.
//
// False positives: many Ps on few CPUs, where waking a thread takes as long as
// the operating system makes it wait: the cost is real, the cause is the
// machine's load. A trace that does not say GOMAXPROCS cannot be judged.
var checkIdleP = check{"idle-p", "Idle Ps while work waited", func(r *run, rep *Report) judgement {
	w := &r.procs.wastes
	j := judgement{measured: fmt.Sprintf("%s in %s longer than %s", dur(w.long), plural(w.n, "stretch"), dur(wakeTime))}
	if len(rep.Trace.Gomaxprocs) == 0 {
		j.undecided = "the trace does not say GOMAXPROCS"
	}
	if w.n == 0 || j.undecided != "" || w.long*100 < analysed(rep) && w.long < 20_000_000 {
		return j
	}
	f := Finding{
		Severity: SeverityWarning,
		Title:    fmt.Sprintf("A P was idle for %s while goroutines were runnable", dur(w.long)),
		CostNS:   w.long,
		CostOf:   "wall time in which a P was idle and a goroutine was runnable, in stretches longer than " + dur(wakeTime),
		What: fmt.Sprintf("%s longer than %s in which at least one P was idle although at least one goroutine waited for a P; the longest took %s.",
			plural(w.n, "stretch"), dur(wakeTime), dur(w.all.max)),
		Why:    "The wake-up of the thread for the idle P was late: the operating system had no CPU for it, or a thread had to be started first.",
		Advice: "Compare GOMAXPROCS with the CPUs that the process really gets (quota, other processes): a smaller GOMAXPROCS avoids waiting for threads that get no CPU.",
		Sure:   "medium", SureWhy: "a P that is promised to a thread which is just waking still looks idle in the trace",
		Evidence: []Evidence{
			{"share of the trace", percent(w.long, analysed(rep))},
			{"longest stretch", dur(w.all.max)},
			{"median of all such stretches", dur(w.all.quantile(.5))},
		},
	}
	if w.long*10 > analysed(rep)*3 {
		f.Severity = SeverityCritical
	}
	for _, x := range w.worst.best() {
		f.Moments = append(f.Moments, r.moment(x.Start, x.End, -1, -1, -1,
			fmt.Sprintf("%s with up to %s runnable and %s idle", dur(int64(x.End-x.Start)), plural(int64(x.Runnable), "goroutine"), plural(int64(x.Idle), "P"))))
	}
	j.findings = []Finding{f}
	return j
}}
