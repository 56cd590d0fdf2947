package diagnose

import (
	"fmt"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkLockedThread measures what goroutines that are locked to their thread
// (runtime.LockOSThread) cost: whenever one stops, its thread must give its P
// away, and whenever it is to run again, the P must be brought back to it. Both
// wake a thread.
//
// Threshold: a hundred such handoffs, and a thousand a second, is worth knowing:
// at some ten microseconds each that is a per cent of a CPU. Or, and a warning, if these
// goroutines, and those whom they made ready, waited for a P for 5 ms in all, a
// hundredth of the trace, and a tenth of the milliseconds in which two handoffs fell or
// more; critical never: it slows one goroutine and who talks to it.
//
// False positives: a goroutine counts as locked if it runs on one thread that
// runs nothing else and is handed to it; a goroutine that for a while happens to
// do so counts as well.
//
// Always decided: on which threads a goroutine ran is in every trace, who is locked in none.
var checkLockedThread = check{id: "locked-thread", title: "Handoffs to and from locked threads", begin: func(s *replay.Session) judge {
	return (&lockedThreadJudge{bench: bench{s}, locked: replay.Shared(s, newLocked)}).judge
}}

type lockedThreadJudge struct {
	bench
	locked *locked
}

func (r *lockedThreadJudge) judge(rep *report.Report) judgement {
	l := r.locked
	j := judgement{measured: fmt.Sprintf("%s of Ps by threads with a locked goroutine; these goroutines waited %s for a P", words.Plural(l.n, "handoff"), words.Length(l.waits.Sum()))}
	waited := l.waits.Sum() + l.others.Sum()
	slow := waited >= 5_000_000 && waited*100 >= report.Analysed(rep) && waited*10 >= l.busy*int64(lockedTick)
	if l.n < 100 || l.n*1_000_000_000 < 1000*report.Analysed(rep) && !slow {
		return j
	}
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("Goroutines locked to their thread gave their P away %s times", words.Count(l.n)),
		CostNS:   waited,
		CostOf:   "time that these goroutines, and those whom they made ready, were runnable",
		What: fmt.Sprintf("%s times a second a thread with a locked goroutine gave its P away; these goroutines waited %s to run, %s at the median and %s at the longest.",
			words.Count(l.n*1_000_000_000/max(1, report.Analysed(rep))), words.Times(l.waits.N()), words.Length(l.waits.Quantile(.5)), words.Length(l.waits.Max())),
		Why:    "A goroutine that called runtime.LockOSThread can run on its own thread only, and that thread runs no other. Each time it blocks and goes on, two threads have to be woken instead of none.",
		Advice: "Keep such a goroutine to what needs the thread, and let it do more per message; remove LockOSThread where nothing needs it.",
		Sure:   "high", SureWhy: "the trace does not say who is locked: it shows threads that run one goroutine and give their P away when it stops",
		Evidence: []report.Evidence{
			{Label: "handoffs", Value: words.Count(l.n)},
			{Label: "median wait from ready to running", Value: words.Length(l.waits.Quantile(.5))},
			{Label: "99th percentile", Value: words.Length(l.waits.Quantile(.99))},
			{Label: "longest", Value: words.Length(l.waits.Max())},
			{Label: "those whom they made ready waited", Value: words.Length(l.others.Sum())},
			{Label: "time with such handoffs two thousand times a second", Value: words.Length(l.busy * int64(lockedTick))},
		},
	}
	if slow {
		f.Severity = report.SeverityWarning
	}
	for _, x := range l.worst.Best() {
		f.Moments = append(f.Moments, r.moment(x.Start, x.End, x.G, -1, -1,
			fmt.Sprintf("%s waited %s to run", words.Goroutine(int64(x.G), r.Names.StartFunc(x.Func)), words.Length(int64(x.End-x.Start)))))
	}
	j.findings = []report.Finding{f}
	return j
}

const (
	lockedTick  = model.Time(1_000_000) // ns
	lockedOften = 2                     // handoffs in a tick: two thousand a second
)
