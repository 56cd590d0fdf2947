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
var checkPreemption = Check{ID: "preemption", Costs: costsOthers, Title: "Time slices used up", Begin: func(s *replay.Session) Judge {
	return (&preemptionJudge{bench: bench{s}, preempts: replay.Shared(s, measure.NewPreemptions)}).decide
}}

const (
	stopsOften = 20          // stops a second
	stopsFrom  = 100_000_000 // ns of trace: less tells no rate
	stopStacks = 2           // that a finding shows
)

type preemptionJudge struct {
	bench
	preempts *measure.Preemptions
}

func (r *preemptionJudge) decide(rep *report.Report) Judgement {
	n, span := r.preempts.Slice, report.Analysed(rep)
	j := Judgement{Measured: fmt.Sprintf("%s after a whole time slice; %s by signal and %s at a function call in all",
		words.Plural(n, "stop"), words.Count(r.preempts.Ran[model.HowSignal].N()), words.Count(r.preempts.Ran[model.HowCooperative].N()))}
	if n*1_000_000_000 >= stopsOften*span && span >= stopsFrom {
		j.Findings = []report.Finding{r.describe(span)}
	}
	return j
}

func (r *preemptionJudge) describe(span int64) report.Finding {
	n := r.preempts.Slice
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("Goroutines used up their time slice %s", words.Times(n)),
		CostOf:   "not a cost in time",
		What: fmt.Sprintf("%s times a second a goroutine of the program ran for %s or more and had to be stopped to let others run.",
			words.Count(n*1_000_000_000/span), words.Length(measure.WholeSlice)),
		Why:    "They compute for longer than the time slice of 10 ms without blocking.",
		Advice: "Nothing, if the program is meant to compute; preempted goroutines go to the end of the global queue, so what shares the Ps with them waits.",
		Sure:   "certain", SureWhy: "preemptions are in the trace, their kind is on the stack where the Go version records one",
		Evidence: []report.Evidence{
			{Label: "stopped after a whole slice", Value: words.Count(n)},
			{Label: "stopped by signal, for any reason", Value: words.Count(r.preempts.Ran[model.HowSignal].N())},
			{Label: "stopped at a function call, for any reason", Value: words.Count(r.preempts.Ran[model.HowCooperative].N())},
		},
	}
	for _, x := range r.preempts.Worst.Best() {
		f.Moments = append(f.Moments, r.scene(x.Time-x.Ran, x.Time, x.G, x.P, model.NoM,
			fmt.Sprintf("%s ran %s until it was stopped (%s)", words.Goroutine(int64(x.G), r.runs(x.Func)), words.Length(int64(x.Ran)), x.How)))
		f.Stacks = append(f.Stacks, r.stack(fmt.Sprintf("G%d when it was stopped", x.G), x.Stack)...)
	}
	f.Stacks = f.Stacks[:min(len(f.Stacks), stopStacks)]
	return f
}
