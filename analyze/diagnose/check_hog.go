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
// Always decided: every stretch on a P has both its ends in the trace, or those of the trace.
var checkHog = check{id: "hog", title: "Goroutines that kept a P for long", symptom: true, begin: func(s *replay.Session) judge {
	return (&hogJudge{bench: bench{s}, witnesses: newWitnesses(s), longRuns: replay.Shared(s, measure.NewLongRuns)}).judge
}}

type hogJudge struct {
	bench
	witnesses
	longRuns *measure.LongRuns
}

func (r *hogJudge) judge(rep *report.Report) judgement {
	l := r.longRuns
	j := judgement{measured: fmt.Sprintf("longest stretch of one goroutine on a P %s", words.Length(l.All.Max()))}
	all := l.Overran.Best()
	if len(all) == 0 {
		return j
	}
	worst := &all[0]
	longest := int64(worst.End - worst.Start)
	f := report.Finding{
		Severity: report.SeverityInfo,
		CostOf:   "P time of stretches that went on when they were to end",
		CostNS:   l.Over,
		Sure:     "medium", SureWhy: "both ends of the stretch are in the trace; whether the thread had a CPU all the while is not",
		Advice: "If the machine had CPUs to spare, split this work into pieces of about a millisecond, or move it off the path of requests. If it had not, the goroutine did not really run all that time: look at the machine's load first.",
	}
	for i := range all {
		iv := &all[i]
		f.Moments = append(f.Moments, r.moment(iv.Start, iv.End, iv.G, iv.P, iv.M,
			fmt.Sprintf("%s ran %s on P%d", words.Goroutine(int64(iv.G), r.Names.StartFunc(iv.Func)), words.Length(int64(iv.End-iv.Start)), iv.P)))
	}
	f.Stacks = r.stack(fmt.Sprintf("where G%d stopped in the end", worst.G), worst.Stack)
	who := words.Goroutine(int64(worst.G), r.Names.StartFunc(worst.Func))
	f.Title = fmt.Sprintf("One goroutine kept P%d for %s at a stretch", worst.P, words.Length(longest))
	f.What = fmt.Sprintf("%s had P%d from %s on for %s at a stretch.", who, worst.P, words.At(r.Offset(worst.Start)), words.Length(longest))
	f.Why = whyLong(worst)
	if isTracer(r.Names.StartFunc(worst.Func)) {
		f.Title = fmt.Sprintf("The tracer itself kept P%d for %s at a stretch", worst.P, words.Length(longest))
		f.Why = "That is the tracer itself, which writes down the state of every goroutine, again about once a second. Without tracing it would not have been."
	}
	waited := r.waitedFor(rep, all)
	f.Evidence = []report.Evidence{
		{Label: "longest stretch", Value: words.Length(longest)},
		{Label: "how that ended", Value: howEnded(worst)},
		{Label: "99th percentile of all stretches", Value: words.Length(l.All.Quantile(.99))},
		{Label: "longest of the worst waits for such a P meanwhile", Value: words.Length(waited)},
	}
	if waited >= measure.StarvedAfter {
		f.Severity = report.SeverityWarning
	}
	if waited >= 10*measure.StarvedAfter {
		f.Severity = report.SeverityCritical
	}
	j.explains = r.explains(pDidOver)
	j.findings = []report.Finding{f}
	return j
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
