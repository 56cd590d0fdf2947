package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
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
var checkNetpoll = check{id: "netpoll", title: "Network wake-ups found late", symptom: true, begin: func(s *replay.Session) judge {
	return (&netpollJudge{bench: bench{s}, netpolls: replay.Shared(s, newNetpolls)}).judge
}}

type netpollJudge struct {
	bench
	netpolls *netpolls
}

func (r *netpollJudge) judge(rep *report.Report) judgement {
	n := r.netpolls
	n.end()
	j := judgement{measured: fmt.Sprintf("%s of %s found by the monitor instead of a P", words.Count(n.polled), words.Plural(n.all, "network wake-up"))}
	if r.Older && n.all > 0 {
		j.measured = words.Plural(n.all, "network wake-up")
		j.undecided = "traces before Go 1.22 do not tell who found a connection ready"
		return j
	}
	late, waits, worst := n.late()
	some := n.polled >= 10 && n.polled*20 >= n.all
	if late.N() > 0 {
		j.measured += fmt.Sprintf("; %s late, by up to %s", words.Plural(late.N(), "wait"), words.Length(late.Max()))
	}
	if !some && late.N() == 0 {
		return j
	}
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("%s network wake-ups were found only by the runtime's monitor", words.Count(n.polled)),
		CostNS:   n.after.Sum(),
		CostOf:   "goroutine time from when the monitor found them until they ran; the delay before is not in the trace",
		What: fmt.Sprintf("Of %s, %s were found by the monitor, up to %s at once. They had been ready for up to about 10 ms by then, each; the trace does not tell since when.",
			words.Plural(n.all, "network wake-up"), words.ShareOf(n.polled, n.all), words.Count(n.most)),
		Why:    "A P looks at the network when it has nothing else to run. All were busy, so that it was left to the monitor (sysmon), which looks when nobody did for 10 ms.",
		Advice: "Leave the Ps some time: fewer goroutines that compute at once, more CPUs for the process, or work in smaller pieces. Latency of up to 10 ms per read is the sign of it.",
		Sure:   "high", SureWhy: "that neither a goroutine nor a P found them is in the trace; the length of the delay is not",
		Evidence: []report.Evidence{
			{Label: "found by the monitor", Value: words.Count(n.polled)},
			{Label: "all network wake-ups", Value: words.Count(n.all)},
			{Label: "from found to running, median", Value: words.Length(n.after.Quantile(.5))},
			{Label: "from found to running, longest", Value: words.Length(n.after.Max())},
		},
	}
	if some && n.polled*2 >= n.all {
		f.Severity = report.SeverityWarning
	}
	if late.N() > 0 {
		r.foundLate(&f, &late, waits, worst)
		j.explains = attributed{"starvation": n.starved}
		j.findings = []report.Finding{f}
		return j
	}
	for _, x := range n.worst.Best() {
		f.Moments = append(f.Moments, r.moment(x.at-model.PollLate, x.at, x.g, -1, -1, fmt.Sprintf("the monitor found %s ready", words.Plural(x.count, "goroutine"))))
	}
	for i := range f.Moments {
		f.Moments[i].Start = max(0, f.Moments[i].Start)
	}
	j.findings = []report.Finding{f}
	return j
}

// foundLate says how much longer than mostly goroutines waited while all Ps were
// kept.
func (r *netpollJudge) foundLate(f *report.Finding, late *stat.Sketch, waits int64, worst *stat.TopK[overslept]) {
	f.Title = fmt.Sprintf("Network wake-ups were found up to %s late", words.Length(late.Max()))
	f.CostNS += late.Sum()
	f.CostOf = "goroutine time waiting for the network beyond what the place mostly waits, and from when the monitor found it until it ran"
	what := fmt.Sprintf("%s for the network lasted at least %s longer than the same place waits mostly, while goroutines kept all Ps.", words.Plural(late.N(), "wait"), words.Length(sleepLate))
	if r.netpolls.polled > 0 {
		what += " " + f.What
	}
	f.What = what
	f.Why = "A P looks at the network when it has nothing else to run. Goroutines kept all Ps, so that nobody looked until one of them stopped, or the monitor (sysmon) did, 10 ms after the last look."
	f.Sure, f.SureWhy = "medium", "since when a connection was readable is not in the trace: it is taken from how long the same place waits mostly"
	f.Evidence = append(f.Evidence, report.Evidence{Label: "late waits", Value: words.Count(late.N())}, report.Evidence{Label: "late by, median", Value: words.Length(late.Quantile(.5))}, report.Evidence{Label: "late by, longest", Value: words.Length(late.Max())})
	if late.Max() >= measure.StarvedAfter && late.N() >= lateSome && late.N()*100 >= waits {
		f.Severity = report.SeverityWarning
	}
	for i, x := range worst.Best() {
		if i == 0 {
			f.Stacks = r.stack(fmt.Sprintf("where G%d waited", x.g), x.stack)
		}
		f.Moments = append(f.Moments, r.moment(x.due, x.woken, x.g, -1, -1,
			fmt.Sprintf("%s waited for the network for %s, %s longer than that place mostly does", words.Goroutine(int64(x.g), r.Names.StartFunc(x.fn)), words.Length(x.wanted+x.late), words.Length(x.late))))
	}
}
