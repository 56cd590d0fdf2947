package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
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
// although a P is idle, the place is left out. Of a channel, a wait counts that nothing but a timer ended:
// no goroutine and no P on behalf of one.
var checkTimers = check{id: "timers", title: "Timers and sleeps that ended late", symptom: true, begin: func(s *replay.Session) judge {
	return (&timersJudge{bench: bench{s}, timers: replay.Shared(s, newTimers)}).judge
}}

type timersJudge struct {
	bench
	timers *timers
}

func (r *timersJudge) judge(rep *report.Report) judgement {
	t := r.timers
	var late stat.Sketch
	worst := stat.NewTopK[overslept](report.MaxMoments)
	busy := t.busySum()
	var after stat.Sketch
	regular, sleeps := 0, int64(0)
	for _, p := range t.places {
		if p == nil {
			continue
		}
		if !p.regular() {
			continue
		}
		after.Merge(&p.after)
		regular++
		sleeps += p.waits.N()
		late.Merge(&p.late)
		for _, x := range p.worst.Best() {
			worst.Offer(x.late, x)
		}
	}
	j := judgement{measured: fmt.Sprintf("%s for a timer, in %s for about the same time again and again; %s of those late, by up to %s", words.Plural(t.n, "wait"), words.Plural(int64(regular), "place"), words.Count(late.N()), words.Length(late.Max()))}
	if t.n > 0 && regular == 0 {
		j.undecided = fmt.Sprintf("no place waited for a timer %s times for about the same time, and a trace does not hold for how long a goroutine meant to wait", words.Count(sleepsEnough))
		return j
	}
	if late.N() == 0 {
		return j
	}
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("Goroutines were woken up to %s late by timers", words.Length(late.Max())),
		CostNS:   late.Sum(),
		CostOf:   "goroutine time waiting for a timer beyond what the place mostly waits",
		What: fmt.Sprintf("%s for a timer lasted at least %s longer than the same place waits otherwise, while the Ps were busy. After waking, goroutines waited another %s for a P at the median, %s at the longest.",
			words.Plural(late.N(), "wait"), words.Length(sleepLate), words.Length(after.Quantile(.5)), words.Length(after.Max())),
		Why:    "A timer that is due is run by a P that is between two goroutines, or by one that has nothing to do. All Ps ran goroutines for long, or their threads had no CPU.",
		Advice: "See what ran meanwhile: " + busiest(&busy) + ". Shorter pieces of work, or more CPUs, let timers through in time.",
		Sure:   "medium", SureWhy: "for how long a goroutine means to wait is not in the trace: it is taken from how long the same place waits mostly",
		Evidence: []report.Evidence{
			{Label: "late waits", Value: words.Count(late.N())},
			{Label: "late by, median", Value: words.Length(late.Quantile(.5))},
			{Label: "late by, longest", Value: words.Length(late.Max())},
			{Label: "from waking to running, median", Value: words.Length(after.Quantile(.5))},
			{Label: "from waking to running, longest", Value: words.Length(after.Max())},
		},
	}
	if late.Max() >= measure.StarvedAfter && late.N() >= lateSome && late.N()*100 >= sleeps {
		f.Severity = report.SeverityWarning
	}
	for i, x := range worst.Best() {
		if i == 0 {
			f.Stacks = r.stack(fmt.Sprintf("where G%d waited", x.g), x.stack)
		}
		f.Moments = append(f.Moments, r.moment(x.due, x.woken, x.g, -1, -1,
			fmt.Sprintf("%s waited for a timer for %s, %s longer than that place mostly does", words.Goroutine(int64(x.g), r.Names.StartFunc(x.fn)), words.Length(int64(x.woken-x.due)+x.wanted), words.Length(x.late))))
	}
	j.findings = []report.Finding{f}
	return j
}

const (
	sleepsEnough = 20
	sleepsSome   = 8         // before that the shortest is not believed
	sleepLate    = 5_000_000 // ns
	lateSome     = 3         // late waits: fewer are chance
)

// busiest says what the Ps did mostly.
func busiest(s *split) string {
	best, text := pDidRun, [...]string{pDidRun: "goroutines that took turns", pDidHog: "goroutines that used up their time slice", pDidOver: "goroutines that ran for very long", pDidMark: "mark workers",
		pDidOther: "goroutines of the runtime", pDidNone: "nothing, the Ps stood still", pDidCall: "system calls", pDidStop: "nothing, the world was stopped"}
	for k := range pDidSpare {
		if s[k] > s[best] {
			best = k
		}
	}
	return text[best]
}
