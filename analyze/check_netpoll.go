package analyze

import "fmt"

// checkNetpoll measures network wake-ups that only the runtime's monitor found:
// Ps look at the network when they run out of work; while all are busy nobody
// does, until the monitor (sysmon) sees that it was not done for 10 ms.
//
// Threshold: ten such wake-ups, and 5 % of all that the network ended, is worth
// knowing; a warning if they are half, which means that the Ps mostly have no
// time to look.
//
// False positives: the monitor also finds what became ready just before it looked.
// How long a connection had been readable is not in the trace: between nothing and
// about 10 ms, more if the monitor itself got no CPU.
var checkNetpoll = check{id: "netpoll", title: "Network wake-ups found late", judge: func(r *run, rep *Report) judgement {
	n := r.netpolls
	j := judgement{measured: fmt.Sprintf("%d of %s found by the monitor instead of a P", n.polled, plural(n.all, "network wake-up"))}
	if r.old && n.all > 0 {
		j.measured = plural(n.all, "network wake-up")
		j.undecided = "traces before Go 1.22 do not tell who found a connection ready"
		return j
	}
	if n.polled < 10 || n.polled*20 < n.all {
		return j
	}
	f := Finding{
		Severity: SeverityInfo,
		Title:    fmt.Sprintf("%d network wake-ups were found only by the runtime's monitor", n.polled),
		CostNS:   n.after.total,
		CostOf:   "goroutine time from when the monitor found them until they ran; the delay before is not in the trace",
		What: fmt.Sprintf("Of %s, %s were found by the monitor, up to %d at once. They had been ready for up to about 10 ms by then, each; the trace does not tell since when.",
			plural(n.all, "network wake-up"), percent(n.polled, n.all), n.most),
		Why:    "A P looks at the network when it has nothing else to run. All were busy, so that it was left to the monitor (sysmon), which looks when nobody did for 10 ms.",
		Advice: "Leave the Ps some time: fewer goroutines that compute at once, more CPUs for the process, or work in smaller pieces. Latency of up to 10 ms per read is the sign of it.",
		Sure:   "high", SureWhy: "that neither a goroutine nor a P found them is in the trace; the length of the delay is not",
		Evidence: []Evidence{
			{"found by the monitor", fmt.Sprint(n.polled)},
			{"all network wake-ups", fmt.Sprint(n.all)},
			{"from found to running, median", dur(n.after.quantile(.5))},
			{"from found to running, longest", dur(n.after.max)},
		},
	}
	if n.polled*2 >= n.all {
		f.Severity = SeverityWarning
	}
	for _, x := range n.worst.best() {
		f.Moments = append(f.Moments, r.moment(x.at-10_000_000, x.at, x.g, -1, -1, fmt.Sprintf("the monitor found %s ready", plural(x.count, "goroutine"))))
	}
	for i := range f.Moments {
		f.Moments[i].Start = max(0, f.Moments[i].Start)
	}
	j.findings = []Finding{f}
	return j
}}
