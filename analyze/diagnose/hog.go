package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkHog measures how long one goroutine kept a P at a stretch.
//
// Threshold: 24 ms at a stretch, 30 ms if a signal ended it. The slice after which
// sysmon asks for a preemption is 10 ms, but it looks only every 10 ms and counts
// from when it first saw the goroutine: a slice of 20 ms is usual where all compute,
// and a busy machine adds to it. One that a signal stopped can be interrupted at any
// time: it may be that only the asking came late. Only a warning if another goroutine
// waited for that P for 10 ms or more meanwhile, critical from 100 ms.
//
// False positives: the operating system took the thread off its CPU, so that the
// goroutine did not really run all the time; a program that is meant to compute
// and has no one waiting gets the finding as information only.
//
// Always decided: every stretch on a P has both its ends in the trace, or those of
// the trace.
var checkHog = Check{ID: "hog", Costs: costsOthers, Title: "Goroutines that kept a P for long", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&hogJudge{bench: bench{s}, witnesses: newWitnesses(s), longRuns: replay.Shared(s, measure.NewLongRuns)}).decide
}}

type hogJudge struct {
	bench
	witnesses
	longRuns *measure.LongRuns
}

func (r *hogJudge) decide(rep *report.Report) Judgement {
	l := r.longRuns
	j := Judgement{Measured: fmt.Sprintf("longest stretch of one goroutine on a P %s", words.Length(l.All.Max()))}
	overran := l.Overran.Best()
	if len(overran) == 0 {
		return j
	}
	j.Explains = r.attribute(pDidOver)
	j.Findings = []report.Finding{r.describe(&overran[0], r.waitedFor(rep, overran))}
	return j
}

// describe is the finding, of which x is the longest stretch; somebody waited for its P
// meanwhile, or for that of another long stretch.
func (r *hogJudge) describe(x *measure.LongRun, waited int64) report.Finding {
	length := words.Length(int64(x.End - x.Start))
	f := report.Finding{
		Severity: graded(waited),
		Title:    fmt.Sprintf("%s kept P%d for %s at a stretch", r.who(x), x.P, length),
		CostOf:   "P time of stretches that went on when they were to end",
		CostNS:   r.longRuns.Over,
		What:     fmt.Sprintf("%s had P%d from %s on for %s at a stretch.", words.Goroutine(int64(x.G), r.runs(x.Func)), x.P, words.At(r.Offset(x.Start)), length),
		Why:      whyLong(x),
		Advice:   "If the machine had CPUs to spare, split this work into pieces of about a millisecond, or move it off the path of requests. If it had not, the goroutine did not really run all that time: look at the machine's load first.",
		Sure:     "medium", SureWhy: "both ends of the stretch are in the trace; whether the thread had a CPU all the while is not",
		Evidence: []report.Evidence{
			{Label: "longest stretch", Value: length},
			{Label: "how that ended", Value: howEnded(x)},
			{Label: "99th percentile of all stretches", Value: words.P99(r.longRuns.All.N(), words.Length(r.longRuns.All.Quantile(.99)))},
			{Label: "longest of the worst waits for such a P meanwhile", Value: words.Length(waited)},
		},
		Moments: r.scenes(),
		Stacks:  r.stack(fmt.Sprintf("where G%d stopped in the end", x.G), x.Stack),
	}
	if isTracer(r.Names.StartFunc(x.Func)) {
		f.Title = fmt.Sprintf("The tracer itself kept P%d for %s at a stretch", x.P, length)
		f.Why = "That is the tracer itself, which writes down the state of every goroutine, again about once a second. Without tracing it would not have been."
	}
	return f
}

// who is the place where a stretch ended, where that is the program's.
func (r *hogJudge) who(x *measure.LongRun) string {
	if p := r.Names.Places().Of(x.Stack); p != nil && p.Own {
		return placeFor(p)
	}
	return "One goroutine"
}

// scenes are the longest stretches.
func (r *hogJudge) scenes() []report.Moment {
	var out []report.Moment
	for _, x := range r.longRuns.Overran.Best() {
		out = append(out, r.scene(x.Start, x.End, x.G, x.P, x.M,
			fmt.Sprintf("%s ran %s on P%d", words.Goroutine(int64(x.G), r.runs(x.Func)), words.Length(int64(x.End-x.Start)), x.P)))
	}
	return out
}

// whyLong says what let a stretch go on.
func whyLong(x *measure.LongRun) string {
	const asked = "The runtime asks a goroutine to stop after 10 ms to 20 ms. "
	switch x.How {
	case model.HowSignal:
		return asked + "This one was stopped by a signal in the end, and so could have been sooner: its thread, or the runtime's monitor, got no CPU, or it was for long in code that no signal may stop."
	case model.HowCooperative:
		return asked + "This one went on until it called a function: before, it reached no point where it could be stopped (asyncpreemptoff, or code that no signal may stop), or its thread, or the runtime's monitor, got no CPU."
	}
	return asked + "This one went on: it reached no point where it could be stopped, or its thread, or the runtime's monitor, got no CPU. The trace cannot tell these apart."
}

// howEnded says how the stretch ended.
func howEnded(x *measure.LongRun) string {
	switch x.How {
	case model.HowSignal:
		return "by a signal"
	case model.HowCooperative:
		return "at a function call"
	}
	return "by itself"
}

// waitedFor is the longest time within one of these stretches that one of the
// worst waits for its P lasted.
func (r *hogJudge) waitedFor(rep *report.Report, over []measure.LongRun) int64 {
	var longest int64
	for _, e := range rep.Episodes {
		for i := range over {
			if x := &over[i]; queueOf(&e) == int32(x.P) {
				from, to := max(e.Start, r.Offset(x.Start)), min(e.Start+e.Wait, r.Offset(x.End))
				longest = max(longest, to-from)
			}
		}
	}
	return longest
}
