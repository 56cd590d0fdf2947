package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// checkOverload measures for how long there was more work than the Ps could do:
// columns of the overview in which the Ps ran goroutines 95 % of the time while
// at least three more per P were runnable on average.
//
// Threshold: such columns make up 10 ms and a fifth of the trace, or 100 ms; critical if
// half of the trace, with ten runnable goroutines per P in them.
//
// It goes behind what explains half of the long waits otherwise: a queue grows as well
// behind one goroutine that keeps the P, a burst, or the collector. What waits in the
// global queue only, it does not explain: then there was time for others.
//
// False positives: batch programs that are meant to use every CPU.
//
// Always decided: the states of all goroutines and Ps are in the trace, and where
// GOMAXPROCS is not, the Ps seen count.
var checkOverload = check{id: "overload", title: "More work than the Ps could do", symptom: true, begin: func(s *replay.Session) judge {
	return (&overloadJudge{bench: bench{s}, witnesses: newWitnesses(s), latency: replay.Shared(s, measure.NewWaits)}).judge
}}

type overloadJudge struct {
	bench
	witnesses
	latency *measure.Waits
}

func (r *overloadJudge) judge(rep *report.Report) judgement {
	n := max(1, gomaxprocsNow(rep))
	o := saturated(rep, n)
	j := judgement{measured: fmt.Sprintf("%s with all Ps busy and at least three goroutines waiting per P", words.Length(o.time))}
	if !overloaded(rep, o) {
		return j
	}
	f := report.Finding{
		Severity: report.SeverityWarning,
		Title:    fmt.Sprintf("For %s there was more work than %s could do", words.Length(o.time), words.Plural(int64(n), "P")),
		CostNS:   int64(o.waiting * float64(o.time)),
		CostOf:   "goroutine time spent runnable then",
		What:     fmt.Sprintf("For %s of %s the Ps were busy all the time, and %s goroutines waited on average.", words.Length(o.time), words.Length(report.Analysed(rep)), words.Mean(o.waiting)),
		Why:      "Work arrived faster than the Ps could do it, so that queues and waiting times grew.",
		Advice:   "Limit what runs at once (semaphore, pool of workers, admission control), make the hottest functions cheaper, or give the process more CPUs (and check that it gets as many as it has Ps).",
		Sure:     "certain", SureWhy: "states of all goroutines and Ps are in the trace",
		Evidence: []report.Evidence{
			{Label: "goroutines waiting then, on average", Value: words.Mean(o.waiting)},
			{Label: "goroutines runnable at once, most", Value: words.Count(rep.Key.QueuePeak)},
			{Label: "Ps running a goroutine, whole trace", Value: fmt.Sprintf("%s of the time", words.Share(rep.Key.Utilisation))},
		},
		Moments: []report.Moment{{Start: o.start, End: o.end, G: -1, P: -1, M: -1, Text: "the longest such time"}},
	}
	if o.time*2 >= report.Analysed(rep) && o.waiting >= 10*float64(n) {
		f.Severity = report.SeverityCritical
	}
	j.explains, j.base = r.explains(pDidRun, pDidHog), r.latency.StarvedNS
	delete(j.explains, "overload")
	delete(j.explains, "global-queue") // too much work lets all queues wait alike
	j.findings = []report.Finding{f}
	return j
}

// overloaded reports whether there was too much work for long enough.
func overloaded(rep *report.Report, o saturation) bool {
	return o.time >= 10_000_000 && (o.time*5 >= report.Analysed(rep) || o.time >= 100_000_000)
}

// crowd is how many goroutines must wait per P.
const crowd = 3

// saturation is how long all Ps were busy with goroutines waiting.
type saturation struct {
	time       int64
	waiting    float64 // goroutines, average over time
	start, end int64   // of the longest time without a break
}

// saturated finds the columns of the overview with all n Ps busy and three
// goroutines waiting per P.
func saturated(rep *report.Report, n int) saturation {
	var s saturation
	var sum float64
	var run int64
	o := &rep.Overview
	for c := range o.Columns {
		var busy float64
		for i := range o.Procs {
			for _, k := range []report.SliceKind{report.SliceUser, report.SliceRuntime, report.SliceGCWorker, report.SliceAssist} {
				busy += float64(o.Procs[i].Share[k][c])
			}
		}
		width := min(o.Width, rep.Trace.DurationNS-int64(c)*o.Width)
		part := float64(width) / float64(max(o.Width, 1)) // the last column is not full
		if width <= 0 || busy < .95*float64(n)*part || o.Runnable[c] < crowd*float64(n)*part {
			run = 0
			continue
		}
		s.time += width
		sum += o.Runnable[c] * float64(o.Width)
		if run += width; run > s.end-s.start {
			s.end = int64(c)*o.Width + width
			s.start = s.end - run
		}
	}
	if s.time > 0 {
		s.waiting = sum / float64(s.time)
	}
	return s
}

// gomaxprocsNow is the last GOMAXPROCS of the trace, or the Ps seen where it
// says none.
func gomaxprocsNow(rep *report.Report) int {
	if n := len(rep.Trace.Gomaxprocs); n > 0 {
		return rep.Trace.Gomaxprocs[n-1].N
	}
	return len(rep.Procs)
}
