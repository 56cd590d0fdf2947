package analyze

import (
	"fmt"

	"gmptrace/model"
)

// checkPreemption measures how often goroutines had to be stopped by force, and
// how late that was.
//
// Threshold: information only, from 100 preemptions a second that used up their
// slice: the program computes long without blocking. The check on hogs judges
// late ones.
//
// False positives: none that matter; it is information.
var checkPreemption = check{"preemption", "Forced preemptions", func(r *run, rep *Report) judgement {
	var n int64
	for _, h := range []model.How{model.HowSignal, model.HowCooperative, model.HowUnknown} {
		n += r.preempts.ran[h].n
	}
	sig := &r.preempts.ran[model.HowSignal]
	j := judgement{measured: fmt.Sprintf("%s, %d of them by signal, after %s at the median", plural(n, "preemption"), sig.n, dur(sig.quantile(.5)))}
	if n*1_000_000_000 < 100*analysed(rep) || analysed(rep) < 100_000_000 {
		return j
	}
	f := Finding{
		Severity: SeverityInfo,
		Title:    fmt.Sprintf("Goroutines were preempted %d times", n),
		CostOf:   "not a cost in time",
		What:     fmt.Sprintf("%d goroutines a second had to be stopped to let others run, %d by signal, %d at a function call.", n*1_000_000_000/analysed(rep), sig.n, r.preempts.ran[model.HowCooperative].n),
		Why:      "They compute longer than the time slice of 10 ms without blocking.",
		Advice:   "Nothing, if the program is meant to compute; preempted goroutines go to the end of the global queue, so what shares the Ps with them waits.",
		Sure:     "certain", SureWhy: "preemptions are in the trace, their kind is on the stack where the Go version records one",
		Evidence: []Evidence{{"by signal", fmt.Sprint(sig.n)}, {"ran before, median", dur(sig.quantile(.5))}, {"ran before, most", dur(sig.max)}},
	}
	for _, x := range r.preempts.worst.best() {
		f.Moments = append(f.Moments, r.moment(x.Time-x.Ran, x.Time, x.G, x.P, -1,
			fmt.Sprintf("%s ran %s until it was stopped (%s)", named(int64(x.G), r.names.startFunc(x.Func)), dur(int64(x.Ran)), x.How)))
		f.Stacks = append(f.Stacks, r.stack(fmt.Sprintf("G%d when it was stopped", x.G), x.Stack)...)
	}
	f.Stacks = f.Stacks[:min(len(f.Stacks), 2)]
	j.findings = []Finding{f}
	return j
}}
