package diagnose

import (
	"fmt"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkBurst measures how many goroutines were created within 10 ms, and how
// long those then waited to run for the first time.
//
// Threshold: 257 within 10 ms, one more than a P's ring holds, so that they fill the
// global queue as well; worth a finding if one of them waited for 5 ms, a warning
// from 10 ms, critical from 100 ms, like any wait. A P runs some thousand short
// goroutines in a millisecond: where none waits, all is well.
//
// False positives: programs that start all their work at once and wait for the
// end of it anyway. Creation that goes on like this for more than a second is no
// burst but load, which the check on that judges.
//
// Always decided: the creation and the first run of every goroutine are in the trace.
var checkBurst = check{id: "burst", title: "Bursts of new goroutines", begin: func(s *replay.Session) judge {
	return (&burstJudge{bench: bench{s}, bursts: replay.Shared(s, newBursts)}).judge
}}

type burstJudge struct {
	bench
	bursts *bursts
}

func (r *burstJudge) judge(rep *report.Report) judgement {
	b := r.bursts
	b.finish()
	j := judgement{measured: fmt.Sprintf("at most %s created within 10 ms", words.Plural(b.most, "goroutine"))}
	all := b.worst.Best()
	if len(all) == 0 || all[0].longest < chainWait {
		return j
	}
	x := &all[0]
	f := report.Finding{
		Severity: graded(x.longest),
		Title:    fmt.Sprintf("%s were created within %s and waited up to %s to start", words.Plural(x.count, "goroutine"), words.Length(x.length()), words.Length(x.longest)),
		CostNS:   b.cost,
		CostOf:   "goroutine time from creation until the first run, in bursts",
		What: fmt.Sprintf("At %s the program created %s goroutines in %s, mostly %s. Each waited %s for a P on average before it ran at all.",
			words.At(r.Offset(x.start())), words.Count(x.count), words.Length(x.length()), words.Function(r.Names.StartFunc(x.fn)), words.Length(x.waits/x.count)),
		Why:    "New goroutines stand in the queues before all that becomes ready later: until the burst is worked off, everything waits as long as it.",
		Advice: "Bound how many run at once: a pool of workers, errgroup's SetLimit, a semaphore taken before the go statement.",
		Sure:   "certain", SureWhy: "creation and first run of each goroutine are in the trace",
		Evidence: []report.Evidence{
			{Label: "goroutines in the worst burst", Value: words.Count(x.count)},
			{Label: "bursts", Value: words.Count(b.n)},
			{Label: "longest wait until the first run", Value: words.Length(x.longest)},
			{Label: "most created within 10 ms", Value: words.Count(b.most)},
		},
	}
	for i := range all {
		x := &all[i]
		f.Moments = append(f.Moments, r.moment(x.start(), min(x.end()+model.Time(x.longest), r.End), -1, -1, -1,
			fmt.Sprintf("%s goroutines created in %s, mostly %s", words.Count(x.count), words.Length(x.length()), words.Function(r.Names.StartFunc(x.fn)))))
	}
	j.explains = attributed{"starvation": b.starved, "overload": b.starved}
	j.findings = []report.Finding{f}
	return j
}

const (
	burstTick = 1_000_000          // ns
	burstSpan = 10                 // ticks
	burstSize = model.RunqSize + 1 // goroutines in a span: more than a P's ring holds
	burstLate = 4096               // ticks for which the first run of a goroutine is waited for
	burstLoad = 1000               // ticks after which it is no burst
)
