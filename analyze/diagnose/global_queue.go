package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkGlobalQueue measures how long goroutines wait that are dispatched from
// the global queue. A P with work of its own looks there only at every 61st
// dispatch.
//
// It explains long waits, and the overload that they look like, as far as goroutines took
// turns on the P meanwhile: behind one that keeps it, all queues are alike.
//
// Threshold: 10 ms for one wait that ended in a pull from the global queue, and
// at least ten times the longest wait in local queues.
//
// False positives: where the source of the longest wait is not certain, it may
// have come from elsewhere: the finding says so.
//
// Always decided: the queue that a goroutine came from is inferred in every trace, and the
// finding says how surely.
var checkGlobalQueue = Check{ID: "global-queue", Costs: costsOthers, Title: "Starvation in the global queue", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&globalQueueJudge{bench: bench{s}, blame: replay.Shared(s, newBlame)}).decide
}}

// globalTimes is how many times as long as in local queues goroutines must have waited.
const globalTimes = 10

type globalQueueJudge struct {
	bench
	blame *blame
}

func (r *globalQueueJudge) decide(rep *report.Report) Judgement {
	global, local := queues(rep)
	j := Judgement{Measured: fmt.Sprintf("longest wait in the global queue %s, in local queues %s", words.Length(global.Max), words.Length(local.Max))}
	if global.Max < measure.StarvedAfter || global.Max < globalTimes*local.Max {
		return j
	}
	// Where many took turns on a P and only those in the global queue waited, that
	// they stood there is the reason; behind one that kept the P, it is not.
	unfair := r.blame.unfair[pDidRun]
	j.Explains = Explained{"starvation": unfair, "overload": unfair}
	j.Findings = []report.Finding{describeGlobal(&global, &local)}
	return j
}

// queues sums up what was dispatched from the global queue and from local ones.
func queues(rep *report.Report) (global, local report.SourceCount) {
	for s, c := range rep.Dispatches.Sources {
		switch model.Source(s) {
		case model.SourceGlobal, model.SourceGlobalTick:
			global.Count += c.Count
			global.Certain += c.Certain
			global.Wait += c.Wait
			global.Max = max(global.Max, c.Max)
		case model.SourceRunnext, model.SourceLocal, model.SourceSteal:
			local.Max = max(local.Max, c.Max)
		}
	}
	return global, local
}

func describeGlobal(global, local *report.SourceCount) report.Finding {
	return report.Finding{
		Severity: report.SeverityWarning,
		Title:    fmt.Sprintf("Goroutines waited up to %s in the global queue", words.Length(global.Max)),
		CostNS:   global.Wait,
		CostOf:   "goroutine time spent in the global queue",
		What: fmt.Sprintf("%s came from the global queue; the longest had waited %s, against %s in local queues.",
			words.Plural(global.Count, "dispatch"), words.Length(global.Max), words.Length(local.Max)),
		Why:    "Goroutines that were preempted, yielded or came back from a system call without a P stand in the global queue, and a P with work of its own looks there only at every 61st dispatch.",
		Advice: "Keep goroutines from feeding their own P for ever (two that ready each other share one time slice), and avoid runtime.Gosched in loops.",
		Sure:   "high", SureWhy: fmt.Sprintf("%s of these sources are certain", words.ShareOf(global.Certain, global.Count)),
		Evidence: []report.Evidence{
			{Label: "dispatches from the global queue", Value: words.Count(global.Count)},
			{Label: "longest wait there", Value: words.Length(global.Max)},
			{Label: "longest wait in local queues", Value: words.Length(local.Max)},
		},
	}
}
