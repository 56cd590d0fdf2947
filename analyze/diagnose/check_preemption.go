package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkPreemption measures how often goroutines of the program used up a whole
// time slice and had to be stopped. Stops after less are the collector's, which
// scans stacks, or for a stop-the-world.
//
// Threshold: information only, from 20 a second. The check on hogs judges those
// that were stopped late.
//
// False positives: none that matter; it is information.
//
// Always decided: when a goroutine began to run and when it was stopped is in the trace.
var checkPreemption = check{id: "preemption", title: "Time slices used up", begin: func(s *replay.Session) judge {
	return (&preemptionJudge{bench: bench{s}, preempts: replay.Shared(s, measure.NewPreemptions)}).judge
}}

type preemptionJudge struct {
	bench
	preempts *measure.Preemptions
}

func (r *preemptionJudge) judge(rep *report.Report) judgement {
	n := r.preempts.Slice
	sig, coop := &r.preempts.Ran[model.HowSignal], &r.preempts.Ran[model.HowCooperative]
	j := judgement{measured: fmt.Sprintf("%s after a whole time slice; %s by signal and %s at a function call in all", words.Plural(n, "stop"), words.Count(sig.N()), words.Count(coop.N()))}
	if n*1_000_000_000 < 20*report.Analysed(rep) || report.Analysed(rep) < 100_000_000 {
		return j
	}
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("Goroutines used up their time slice %s", words.Times(n)),
		CostOf:   "not a cost in time",
		What:     fmt.Sprintf("%s times a second a goroutine of the program ran for %s or more and had to be stopped to let others run.", words.Count(n*1_000_000_000/report.Analysed(rep)), words.Length(measure.WholeSlice)),
		Why:      "They compute for longer than the time slice of 10 ms without blocking.",
		Advice:   "Nothing, if the program is meant to compute; preempted goroutines go to the end of the global queue, so what shares the Ps with them waits.",
		Sure:     "certain", SureWhy: "preemptions are in the trace, their kind is on the stack where the Go version records one",
		Evidence: []report.Evidence{
			{Label: "stopped after a whole slice", Value: words.Count(n)},
			{Label: "stopped by signal, for any reason", Value: words.Count(sig.N())},
			{Label: "stopped at a function call, for any reason", Value: words.Count(coop.N())},
		},
	}
	for _, x := range r.preempts.Worst.Best() {
		f.Moments = append(f.Moments, r.moment(x.Time-x.Ran, x.Time, x.G, x.P, -1,
			fmt.Sprintf("%s ran %s until it was stopped (%s)", words.Goroutine(int64(x.G), r.Names.StartFunc(x.Func)), words.Length(int64(x.Ran)), x.How)))
		f.Stacks = append(f.Stacks, r.stack(fmt.Sprintf("G%d when it was stopped", x.G), x.Stack)...)
	}
	f.Stacks = f.Stacks[:min(len(f.Stacks), 2)]
	j.findings = []report.Finding{f}
	return j
}
