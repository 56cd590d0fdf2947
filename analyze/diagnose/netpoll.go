package diagnose

import (
	"fmt"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkNetpoll measures network wake-ups that only the runtime's monitor found:
// Ps look at the network when they run out of work; while all are busy nobody
// does, until the monitor (sysmon) sees that it was not done for 10 ms.
//
// And how much longer than it mostly does a goroutine waited for the network while
// goroutines kept all Ps, in places where it else seldom waits for longer.
//
// Threshold: ten such wake-ups by the monitor, and 5 % of all that the network ended, is
// worth knowing; a warning if they are half, which means that the Ps mostly have no
// time to look. Or twenty waits at a place, at most a tenth of which was 5 ms longer
// than half of them while a P was free; those that were so while goroutines kept all
// Ps are worth a finding, a warning from 10 ms, if they are three and a hundredth of all.
//
// False positives: the monitor also finds what became ready just before it looked.
// How long a connection had been readable is not in the trace: between nothing and
// about 10 ms, more if the monitor itself got no CPU. And who was to answer may have
// waited for a P of this same process.
var checkNetpoll = Check{ID: "netpoll", Costs: costsWakeups, Title: "Network wake-ups found late", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&netpollJudge{bench: bench{s}, readers: replay.Shared(s, newReaders)}).decide
}}

const (
	polledSome    = 10 // wake-ups that only the monitor found
	polledPart    = 20 // the part of all: a twentieth is worth knowing
	polledWarning = 2  // half
)

type netpollJudge struct {
	bench
	readers *readers
}

func (r *netpollJudge) decide(*report.Report) Judgement {
	n := r.readers
	n.end()
	j := Judgement{Measured: fmt.Sprintf("%s of %s found by the monitor instead of a P", words.Count(n.polled), words.Plural(n.ended, "network wake-up"))}
	if r.Older && n.ended > 0 {
		j.Measured = words.Plural(n.ended, "network wake-up")
		j.Undecided = "traces before Go 1.22 do not tell who found a connection ready"
		return j
	}
	late := sumLate(n.regular())
	if late.delays.N() > 0 {
		j.Measured += fmt.Sprintf("; %s late, by up to %s", words.Plural(late.delays.N(), "wait"), words.Length(late.delays.Max()))
		j.Explains = Explained{"starvation": n.starved}
		j.Findings = []report.Finding{r.describeLate(&late)}
	} else if n.oftenPolled() {
		j.Findings = []report.Finding{r.describe()}
	}
	return j
}

// oftenPolled reports whether the monitor found enough to be worth knowing.
func (n *readers) oftenPolled() bool { return n.polled >= polledSome && n.polled*polledPart >= n.ended }

// severity is by how much of all the monitor found.
func (n *readers) severity() report.Severity {
	if n.oftenPolled() && n.polled*polledWarning >= n.ended {
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

// describe is the finding where only the monitor's wake-ups tell that nobody looked.
func (r *netpollJudge) describe() report.Finding {
	n := r.readers
	return report.Finding{
		Severity: n.severity(),
		Title:    fmt.Sprintf("%s network wake-ups were found only by the runtime's monitor", words.Count(n.polled)),
		CostNS:   n.after.Sum(),
		CostOf:   "goroutine time from when the monitor found them until they ran; the delay before is not in the trace",
		What: fmt.Sprintf("Of %s, %s were found by the monitor, up to %s at once. They had been ready for up to about 10 ms by then, each; the trace does not tell since when.",
			words.Plural(n.ended, "network wake-up"), words.ShareOf(n.polled, n.ended), words.Count(n.most)),
		Why:    "A P looks at the network when it has nothing else to run. All were busy, so that it was left to the monitor (sysmon), which looks when nobody did for 10 ms.",
		Advice: "Leave the Ps some time: fewer goroutines that compute at once, more CPUs for the process, or work in smaller pieces. Latency of up to 10 ms per read is the sign of it.",
		Sure:   "high", SureWhy: "that neither a goroutine nor a P found them is in the trace; the length of the delay is not",
		Evidence: []report.Evidence{
			{Label: "found by the monitor", Value: words.Count(n.polled)},
			{Label: "all network wake-ups", Value: words.Count(n.ended)},
			{Label: "from found to running, median", Value: words.Length(n.after.Quantile(.5))},
			{Label: "from found to running, longest", Value: words.Length(n.after.Max())},
		},
		Moments: r.scenes(),
	}
}

// describeLate is the finding where goroutines waited longer than mostly while all Ps
// were kept.
func (r *netpollJudge) describeLate(late *lateSum) report.Finding {
	f := r.describe()
	f.Severity = worse(f.Severity, late.severity())
	f.Title = fmt.Sprintf("Network wake-ups were found up to %s late", words.Length(late.delays.Max()))
	f.CostNS += late.delays.Sum()
	f.CostOf = "goroutine time waiting for the network beyond what the place mostly waits, and from when the monitor found it until it ran"
	what := fmt.Sprintf("%s for the network lasted at least %s longer than the same place waits mostly, while goroutines kept all Ps.", words.Plural(late.delays.N(), "wait"), words.Length(lateFrom))
	if r.readers.polled > 0 {
		what += " " + f.What
	}
	f.What = what
	f.Why = "A P looks at the network when it has nothing else to run. Goroutines kept all Ps, so that nobody looked until one of them stopped, or the monitor (sysmon) did, 10 ms after the last look."
	f.Sure, f.SureWhy = "medium", "since when a connection was readable is not in the trace: it is taken from how long the same place waits mostly"
	f.Evidence = append(f.Evidence, late.evidence()...)
	f.Moments, f.Stacks = late.scenes(r.bench, "the network"), late.stack(r.bench)
	return f
}

// scenes are the looks of the monitor that found most.
func (r *netpollJudge) scenes() []report.Moment {
	var out []report.Moment
	for _, x := range r.readers.worst.Best() {
		m := r.scene(x.at-model.PollLate, x.at, x.g, model.NoP, model.NoM, fmt.Sprintf("the monitor found %s ready", words.Plural(x.count, "goroutine")))
		m.Start = max(0, m.Start)
		out = append(out, m)
	}
	return out
}
