package analyze

import "fmt"

// checkOverload measures whether there was more work than the Ps could do.
//
// Threshold: on average at least two goroutines runnable per P while Ps ran
// goroutines at least 90 % of the time; critical from ten per P.
//
// False positives: batch programs that are meant to use every CPU; short traces
// of a burst.
var checkOverload = check{"overload", "More work than the Ps could do", func(r *run, rep *Report) judgement {
	k := &rep.Key
	n := max(1, gomaxprocsNow(rep))
	per := k.QueueMean / float64(n)
	j := judgement{measured: fmt.Sprintf("%s goroutines runnable per P on average, Ps busy %.0f %%", mean(per), 100*k.Utilisation)}
	if per < 2 || k.Utilisation < .9 {
		return j
	}
	f := Finding{
		Severity: SeverityWarning,
		Title:    fmt.Sprintf("Overload: on average %.0f goroutines waited for %s", k.QueueMean, plural(int64(n), "P")),
		CostNS:   rep.Latency.Total,
		CostOf:   "goroutine time spent runnable",
		What:     fmt.Sprintf("The Ps ran goroutines %.0f %% of the time and still %.1f goroutines waited on average, %d at the most (at %s).", 100*k.Utilisation, k.QueueMean, k.QueuePeak, at(k.QueuePeakAt)),
		Why:      "Work arrives faster than the Ps can do it, so that queues and waiting times grow.",
		Advice:   "Limit what runs at once (semaphore, pool of workers, admission control), make the hottest functions cheaper, or give the process more CPUs.",
		Sure:     "certain", SureWhy: "states of all goroutines and Ps are in the trace",
		Evidence: []Evidence{
			{"goroutines runnable, mean", fmt.Sprintf("%.1f", k.QueueMean)},
			{"goroutines runnable, most", fmt.Sprint(k.QueuePeak)},
			{"Ps running a goroutine", fmt.Sprintf("%.1f %% of the time", 100*k.Utilisation)},
		},
		Moments: []Moment{{Start: max(rep.Trace.From, k.QueuePeakAt-5_000_000), End: min(rep.Trace.To, k.QueuePeakAt+5_000_000), G: -1, P: -1, M: -1,
			Text: fmt.Sprintf("%d goroutines runnable", k.QueuePeak)}},
	}
	if per >= 10 {
		f.Severity = SeverityCritical
	}
	j.findings = []Finding{f}
	return j
}}

// gomaxprocsNow is the last GOMAXPROCS of the trace, or the Ps seen where it
// says none.
func gomaxprocsNow(rep *Report) int {
	if n := len(rep.Trace.Gomaxprocs); n > 0 {
		return rep.Trace.Gomaxprocs[n-1].N
	}
	return len(rep.Procs)
}
