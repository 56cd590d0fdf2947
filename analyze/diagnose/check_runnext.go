package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// checkRunnext measures how long goroutines stood in a P's ring, or in the global
// queue until that P took them from it, while others readied one another on the P:
// each is put into runnext, which goes before both queues, inherits the time slice,
// and brings the global queue's turn no nearer (golang.org/issue/52934).
//
// Threshold: a chain counts from ten dispatches out of runnext in a row, only the
// runtime's goroutines between them, each within a millisecond of the one before,
// over a millisecond. It is worth a finding if somebody stood
// behind chains for 5 ms, half a time slice; a warning from 10 ms, critical from
// 100 ms, like any wait.
//
// False positives: the goroutines of the chain would have been as long if they
// had come from the ring: then the wait is the same for all, in another order.
// While a trace is taken, chains may last for longer than else: the tracer's own
// goroutine runs every few milliseconds, and each time a new time slice begins.
// Queues that a program built with -race shuffles cannot be judged.
var checkRunnext = check{id: "runnext", title: "Goroutines that ready each other past a P's queue", begin: func(s *replay.Session) judge {
	return (&runnextJudge{bench: bench{s}, chains: replay.Shared(s, newChains)}).judge
}}

type runnextJudge struct {
	bench
	chains *chains
}

func (r *runnextJudge) judge(rep *report.Report) judgement {
	c := r.chains
	j := judgement{measured: fmt.Sprintf("%s of goroutines that readied each other, longest %s; waits behind them up to %s", words.Plural(c.n, "chain"), words.Length(c.longest), words.Length(c.waits.Max()))}
	if rep.Trace.Race && c.waits.Max() >= chainWait {
		j.undecided = "the run queues are shuffled, as in a program built with -race: what stood in runnext is not known"
	}
	if j.undecided != "" || c.waits.Max() < chainWait {
		return j
	}
	f := report.Finding{
		Severity: graded(c.waits.Max()),
		Title:    fmt.Sprintf("Goroutines that ready each other kept others waiting for %s", words.Length(c.waits.Max())),
		CostNS:   c.waits.Sum(),
		CostOf:   "goroutine time spent in queues behind such chains",
		Why:      "A goroutine that is readied by the one that runs goes before all that stand in the P's queue, and uses up the same time slice. Two that keep readying each other so keep the P until the slice of 10 ms ends, and begin again soon after.",
		Advice:   "Hand over in larger pieces, so that the two switch less often (a buffered channel, a batch), or let them pass through runtime.Gosched now and then; more Ps let the others be stolen.",
		Sure:     "high", SureWhy: "the order in which goroutines ran is in the trace, in which queue they stood is inferred from it; tracing itself lets such chains last longer, as the tracer's goroutine begins a new time slice whenever it runs",
		Evidence: []report.Evidence{
			{Label: "longest wait behind chains", Value: words.Length(c.waits.Max())},
			{Label: "dispatches that stood behind one", Value: words.Count(c.waits.N())},
			{Label: "longest chain", Value: words.Length(c.longest)},
			{Label: "chains", Value: words.Count(c.n)},
		},
	}
	for i, x := range c.worst.Best() {
		who := fmt.Sprintf("%s and %s", words.Goroutine(int64(x.a), r.Names.StartFunc(x.aFn)), words.Goroutine(int64(x.b), r.Names.StartFunc(x.bFn)))
		if x.more {
			who += " and others"
		}
		text := fmt.Sprintf("%s readied each other %s in %s on P%d", who, words.Times(x.count), words.Length(int64(x.end-x.start)), x.p)
		if i == 0 {
			f.What = text + ", the longest such time. Others stood in that P's queue or the global one meanwhile."
		}
		f.Moments = append(f.Moments, r.moment(x.start, x.end, x.a, x.p, -1, text))
	}
	j.explains = attributed{"starvation": c.starved, "overload": c.starved, "global-queue": c.global}
	j.findings = []report.Finding{f}
	return j
}

const (
	chainWait   = 5_000_000 // ns behind chains that are worth a finding
	chainCount  = 10        // dispatches that make a chain
	chainLength = 1_000_000 // ns
	chainStep   = 1_000_000 // ns: who runs for longer takes part in no chain, it keeps the P by itself
)

// graded is the severity of a longest wait.
func graded(wait int64) report.Severity {
	switch {
	case wait >= 10*measure.StarvedAfter:
		return report.SeverityCritical
	case wait >= measure.StarvedAfter:
		return report.SeverityWarning
	}
	return report.SeverityInfo
}
