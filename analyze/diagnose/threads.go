package diagnose

import (
	"fmt"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkThreads measures how many threads the program grew beside its Ps.
//
// Threshold: at least 10 threads first seen after the trace's first tenth, and
// more of them than GOMAXPROCS: blocking system calls or cgo calls keep taking
// threads away.
//
// False positives: a program that has just started grows to its usual number.
//
// Always decided: a thread shows in the trace once it runs a goroutine.
var checkThreads = Check{ID: "threads", Costs: costsCalls, Title: "Thread growth", Begin: func(*replay.Session) Judge { return decideThreads }}

const (
	threadsSome   = 10        // threads first seen late
	threadsAround = 1_000_000 // ns before and after the peak, to show it
)

// decideThreads asks no watcher: the report has all.
func decideThreads(rep *report.Report) Judgement {
	t := &rep.Threads
	j := Judgement{Measured: fmt.Sprintf("%s, %s first seen late, %s in system calls at once", words.Plural(int64(t.Count), "thread"), words.Count(t.LateNew), words.Count(t.Peak))}
	if t.LateNew >= threadsSome && t.LateNew > gomaxprocsNow(rep) {
		j.Findings = []report.Finding{describeThreads(t)}
	}
	return j
}

func describeThreads(t *report.Threads) report.Finding {
	return report.Finding{
		Severity: report.SeverityWarning,
		Title:    fmt.Sprintf("%s threads appeared while the program ran", words.Count(t.LateNew)),
		CostOf:   "not a cost in time",
		What: fmt.Sprintf("The trace shows %s threads, %s of them first after its first tenth; up to %s were in system calls without a P at once.",
			words.Count(t.Count), words.Count(t.LateNew), words.Count(t.Peak)),
		Why:    "Whenever a system call or C function blocks, another thread is needed to run its P.",
		Advice: "Bound how many blocking calls run at once (a semaphore around file or cgo calls); every thread costs memory and is never given back.",
		Sure:   "high", SureWhy: "threads that ran nothing before may have existed earlier",
		Evidence: []report.Evidence{
			{Label: "threads", Value: words.Count(t.Count)},
			{Label: "first seen late", Value: words.Count(t.LateNew)},
			{Label: "in system calls at once", Value: words.Count(t.Peak)},
		},
		Moments: []report.Moment{{Start: max(0, t.PeakAt-threadsAround), End: t.PeakAt + threadsAround, G: model.NoG, P: model.NoP, M: -1,
			Text: fmt.Sprintf("%s threads in system calls", words.Count(t.Peak))}},
	}
}
