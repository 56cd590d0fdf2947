package diagnose

import (
	"fmt"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// checkTimers measures how late goroutines wake that sleep, or read a timer's or
// ticker's channel, again and again in the same place. A trace does not hold for how
// long they meant to. A sleep is never shorter than asked for, so where at least half
// of twenty sleeps took about as long as the shortest, that is what was asked for. Of
// a channel it is the median time from one wake-up to the next, where four fifths
// are about as long. A wait that took at least 5 ms longer, while no P was idle for
// half of that time, counts as late: timers are looked at by Ps between two
// goroutines.
//
// Threshold: 5 ms late; a warning from 10 ms, the time slice, if a hundredth of
// such sleeps was late, and three: a single disturbance may delay those that were due in
// it. Never critical:
// what was asked for is inferred. How long the goroutine then waited for a P is
// told apart.
//
// False positives: a place that mostly waits for one time and now and then for
// longer, while all Ps are busy. Where more than a tenth of the waits is longer
// although a P is idle, the place is left out. Of a channel, a wait counts that
// nothing but a timer ended: no goroutine and no P on behalf of one.
var checkTimers = Check{ID: "timers", Costs: costsWakeups, Title: "Timers and sleeps that ended late", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&timersJudge{bench: bench{s}, sleepers: replay.Shared(s, newSleepers)}).decide
}}

type timersJudge struct {
	bench
	sleepers *sleepers
}

func (r *timersJudge) decide(*report.Report) Judgement {
	t := r.sleepers
	late := sumLate(t.regular())
	j := Judgement{Measured: fmt.Sprintf("%s for a timer, in %s for about the same time again and again; %s of those late, by up to %s",
		words.Plural(t.n, "wait"), words.Plural(late.places, "place"), words.Count(late.delays.N()), words.Length(late.delays.Max()))}
	switch {
	case t.n > 0 && late.places == 0:
		j.Undecided = fmt.Sprintf("no place waited for a timer %s times for about the same time, and a trace does not hold for how long a goroutine meant to wait", words.Count(waitsEnough))
	case late.delays.N() > 0:
		j.Findings = []report.Finding{r.describe(&late)}
	}
	return j
}

func (r *timersJudge) describe(late *lateSum) report.Finding {
	after, busy := r.sleepers.after(), sumBusy(r.sleepers.regular())
	return report.Finding{
		Severity: late.severity(),
		Title:    fmt.Sprintf("Goroutines were woken up to %s late by timers", words.Length(late.delays.Max())),
		CostNS:   late.delays.Sum(),
		CostOf:   "goroutine time waiting for a timer beyond what the place mostly waits",
		What: fmt.Sprintf("%s for a timer lasted at least %s longer than the same place waits otherwise, while the Ps were busy. After waking, goroutines waited another %s for a P at the median, %s at the longest.",
			words.Plural(late.delays.N(), "wait"), words.Length(lateFrom), words.Length(after.Quantile(.5)), words.Length(after.Max())),
		Why:    "A timer that is due is run by a P that is between two goroutines, or by one that has nothing to do. All Ps ran goroutines for long, or their threads had no CPU.",
		Advice: "See what ran meanwhile: " + busiest(&busy) + ". Shorter pieces of work, or more CPUs, let timers through in time.",
		Sure:   "medium", SureWhy: "for how long a goroutine means to wait is not in the trace: it is taken from how long the same place waits mostly",
		Evidence: append(late.evidence(),
			report.Evidence{Label: "from waking to running, median", Value: words.Length(after.Quantile(.5))},
			report.Evidence{Label: "from waking to running, longest", Value: words.Length(after.Max())}),
		Moments: late.scenes(r.bench, "a timer"),
		Stacks:  late.stack(r.bench),
	}
}

// busyWords name what a P did when a timer was due.
var busyWords = [...]string{
	pDidRun: "goroutines that took turns", pDidHog: "goroutines that used up their time slice", pDidOver: "goroutines that ran for very long",
	pDidMark: "mark workers", pDidOther: "goroutines of the runtime", pDidNone: "nothing, the Ps stood still", pDidCall: "system calls",
	pDidStop: "nothing, the world was stopped",
}

// busiest says what the Ps did mostly.
func busiest(s *split) string {
	best := pDidRun
	for k := range pDidSpare {
		if s[k] > s[best] {
			best = k
		}
	}
	return busyWords[best]
}
