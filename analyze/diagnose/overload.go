package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
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
var checkOverload = Check{ID: "overload", Costs: costsOthers, Title: "More work than the Ps could do", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&overloadJudge{bench: bench{s}, witnesses: newWitnesses(s), latency: replay.Shared(s, measure.NewWaits)}).decide
}}

// overloadCritical is how many runnable goroutines per P are critical, for half of the
// trace.
const overloadCritical = 10

type overloadJudge struct {
	bench
	witnesses
	latency *measure.Waits
}

func (r *overloadJudge) decide(rep *report.Report) Judgement {
	n := max(1, gomaxprocsNow(rep))
	full := saturated(rep, n)
	j := Judgement{Measured: fmt.Sprintf("%s with all Ps busy and at least three goroutines waiting per P", words.Length(full.time))}
	if !full.overloaded(rep) {
		return j
	}
	j.Explains, j.Base = r.attribute(pDidRun, pDidHog), r.latency.StarvedNS
	delete(j.Explains, "overload")
	delete(j.Explains, "global-queue") // too much work lets all queues wait alike
	j.Findings = []report.Finding{describeOverload(rep, &full, n)}
	return j
}

func describeOverload(rep *report.Report, full *saturation, n int) report.Finding {
	f := report.Finding{
		Severity: report.SeverityWarning,
		Title:    fmt.Sprintf("For %s there was more work than %s could do", words.Length(full.time), words.Plural(int64(n), "P")),
		CostNS:   int64(full.waiting * float64(full.time)),
		CostOf:   "goroutine time spent runnable then",
		What: fmt.Sprintf("For %s of %s the Ps were busy all the time, and %s goroutines waited on average.",
			words.Length(full.time), words.Length(report.Analysed(rep)), words.Mean(full.waiting)),
		Why:    "Work arrived faster than the Ps could do it, so that queues and waiting times grew.",
		Advice: "Limit what runs at once (semaphore, pool of workers, admission control), make the hottest functions cheaper, or give the process more CPUs (and check that it gets as many as it has Ps).",
		Sure:   "certain", SureWhy: "states of all goroutines and Ps are in the trace",
		Evidence: []report.Evidence{
			{Label: "goroutines waiting then, on average", Value: words.Mean(full.waiting)},
			{Label: "goroutines runnable at once, most", Value: words.Count(rep.Key.QueuePeak)},
			{Label: "Ps running a goroutine, whole trace", Value: fmt.Sprintf("%s of the time", words.Share(rep.Key.Utilisation))},
		},
		Moments: []report.Moment{{Start: full.start, End: full.end, G: model.NoG, P: model.NoP, M: -1, Text: "the longest such time"}},
	}
	if full.time*2 >= report.Analysed(rep) && full.waiting >= overloadCritical*float64(n) {
		f.Severity = report.SeverityCritical
	}
	if who := mostlyRan(rep); who != "" {
		f.Title += ", mostly of " + who
	}
	return f
}

// mostlyRan names the function of the program that ran for half of what the program's
// goroutines did, where it was seen or else as it began; "" where there is none.
func mostlyRan(rep *report.Report) string {
	var all, most int64
	who := ""
	for i := range rep.Functions {
		f := &rep.Functions[i]
		if f.Runtime {
			continue
		}
		all += f.Running
		at := f.At
		if f.Seen.Func != "" && f.SeenNS*2 >= f.Running {
			at = f.Seen
		} else if at.Func == "" {
			at.Func = f.Name
		}
		if f.Running > most && !names.Standard(&at) {
			most, who = f.Running, placeName(&at)
		}
	}
	if most*2 < all {
		return ""
	}
	return who
}
