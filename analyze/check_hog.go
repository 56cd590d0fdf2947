package analyze

import (
	"fmt"

	"gmptrace/model"
)

// checkHog measures how long one goroutine kept a P at a stretch.
//
// Threshold: 30 ms at a stretch. The slice after which sysmon asks for a preemption
// is 10 ms, but it looks only every 10 ms and counts from when it first saw the
// goroutine: a slice of 20 ms is usual where all compute. Only a warning if another goroutine waited for that P for 10 ms or
// more meanwhile, critical from 100 ms.
//
// False positives: the operating system took the thread off its CPU, so that the
// goroutine did not really run all the time; a program that is meant to compute
// and has no one waiting gets the finding as information only.
var checkHog = check{id: "hog", title: "Goroutines that kept a P for long", judge: func(r *run, rep *Report) judgement {
	l := r.longRuns
	j := judgement{measured: fmt.Sprintf("longest stretch of one goroutine on a P %s", dur(l.all.max))}
	if l.all.max < hogAfter {
		return j
	}
	f := Finding{
		Severity: SeverityInfo,
		CostOf:   "P time of stretches longer than " + dur(hogAfter),
		CostNS:   l.long,
		Sure:     "medium", SureWhy: "both ends of the stretch are in the trace; whether the thread had a CPU all the while is not",
		Advice: "If the machine had CPUs to spare, split this work into pieces of about a millisecond, or move it off the path of requests. If it had not, the goroutine did not really run all that time: look at the machine's load first.",
	}
	for _, iv := range l.worst.best() {
		d := int64(iv.End - iv.Start)
		if d < hogAfter {
			break
		}
		f.Moments = append(f.Moments, r.moment(iv.Start, iv.End, iv.G, iv.P, iv.M,
			fmt.Sprintf("%s ran %s on P%d", named(int64(iv.G), r.names.startFunc(iv.Func)), dur(d), iv.P)))
	}
	worst := l.worst.best()[0]
	f.Stacks = r.stack(fmt.Sprintf("where G%d stopped in the end", worst.G), worst.Stack)
	who := named(int64(worst.G), r.names.startFunc(worst.Func))
	f.Title = fmt.Sprintf("One goroutine kept P%d for %s at a stretch", worst.P, dur(l.all.max))
	f.What = fmt.Sprintf("%s had P%d from %s on for %s at a stretch.", who, worst.P, at(r.offset(worst.Start)), dur(l.all.max))
	f.Why = "The runtime asks a goroutine to stop after 10 ms to 20 ms. This one went on: it reached no point where it could be stopped, or its thread, or the runtime's monitor, got no CPU. The trace cannot tell these apart."
	waited := r.waitedFor(rep, worst.P, worst.Start, worst.End)
	f.Evidence = []Evidence{
		{"longest stretch", dur(l.all.max)},
		{"99th percentile of all stretches", dur(l.all.quantile(.99))},
		{"longest of the worst waits for that P meanwhile", dur(waited)},
	}
	if waited >= starvedAfter {
		f.Severity = SeverityWarning
	}
	if waited >= 10*starvedAfter {
		f.Severity = SeverityCritical
	}
	j.explains = r.explains(pDidHog)
	j.findings = []Finding{f}
	return j
}}

// hogAfter is the stretch from which a goroutine counts as keeping its P.
const hogAfter = lateSlice

// waitedFor is the longest time within [start, end] that one of the worst waits
// for p lasted.
func (r *run) waitedFor(rep *Report, p model.ProcID, start, end model.Time) int64 {
	var longest int64
	for _, e := range rep.Episodes {
		if queueOf(&e) == int32(p) {
			from, to := max(e.Start, r.offset(start)), min(e.Start+e.Wait, r.offset(end))
			longest = max(longest, to-from)
		}
	}
	return longest
}
