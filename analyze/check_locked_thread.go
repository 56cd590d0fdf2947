package analyze

import "fmt"

// checkLockedThread measures what goroutines that are locked to their thread
// (runtime.LockOSThread) cost: whenever one stops, its thread must give its P
// away, and whenever it is to run again, the P must be brought back to it. Both
// wake a thread.
//
// Threshold: a hundred such handoffs, and a thousand a second, is worth knowing:
// at some ten microseconds each that is a per cent of a CPU. A warning if these
// goroutines also waited for a P for a tenth of the time in all, critical never:
// it slows one goroutine.
//
// False positives: a goroutine counts as locked if it runs on one thread that
// runs nothing else and is handed to it; a goroutine that for a while happens to
// do so counts as well.
var checkLockedThread = check{id: "locked-thread", title: "Handoffs to and from locked threads", judge: func(r *run, rep *Report) judgement {
	l := r.locked
	j := judgement{measured: fmt.Sprintf("%s of Ps by threads with a locked goroutine; these goroutines waited %s for a P", plural(l.n, "handoff"), dur(l.waits.total))}
	if l.n < 100 || l.n*1_000_000_000 < 1000*analysed(rep) {
		return j
	}
	f := Finding{
		Severity: SeverityInfo,
		Title:    fmt.Sprintf("Goroutines locked to their thread gave their P away %d times", l.n),
		CostNS:   l.waits.total,
		CostOf:   "time that these goroutines were runnable",
		What: fmt.Sprintf("%d times a second a thread with a locked goroutine gave its P away; these goroutines waited %s to run, %s at the median and %s at the longest.",
			l.n*1_000_000_000/max(1, analysed(rep)), times(l.waits.n), dur(l.waits.quantile(.5)), dur(l.waits.max)),
		Why:    "A goroutine that called runtime.LockOSThread can run on its own thread only, and that thread runs no other. Each time it blocks and goes on, two threads have to be woken instead of none.",
		Advice: "Keep such a goroutine to what needs the thread, and let it do more per message; remove LockOSThread where nothing needs it.",
		Sure:   "high", SureWhy: "the trace does not say who is locked: it shows threads that run one goroutine and give their P away when it stops",
		Evidence: []Evidence{
			{"handoffs", fmt.Sprint(l.n)},
			{"median wait from ready to running", dur(l.waits.quantile(.5))},
			{"99th percentile", dur(l.waits.quantile(.99))},
			{"longest", dur(l.waits.max)},
		},
	}
	if l.waits.total*10 >= analysed(rep) {
		f.Severity = SeverityWarning
	}
	for _, x := range l.worst.best() {
		f.Moments = append(f.Moments, r.moment(x.Start, x.End, x.G, -1, -1,
			fmt.Sprintf("%s waited %s to run", named(int64(x.G), r.names.startFunc(x.Func)), dur(int64(x.End-x.Start)))))
	}
	j.findings = []Finding{f}
	return j
}}
