package analyze

import (
	"fmt"
	"time"

	"gmptrace/model"
)

// checkHog measures how long one goroutine kept a P without a scheduling point.
//
// Threshold: 20 ms at a stretch, twice the slice after which sysmon asks for a
// preemption: the request came and did not get through, or sysmon itself was
// late. Only counted as a warning if another goroutine waited 10 ms or more.
//
// False positives: the operating system took the thread off its CPU, so that the
// goroutine did not really run all the time; a program that is meant to compute
// and has no one waiting gets the finding as information only.
var checkHog = check{"hog", "Goroutines that kept a P without yielding", func(r *run, rep *Report) judgement {
	l := r.longRuns
	j := judgement{measured: fmt.Sprintf("longest stretch of one goroutine on a P %s", dur(l.all.max))}
	if l.all.max < hogAfter {
		return j
	}
	f := Finding{
		Severity: SeverityInfo,
		CostOf:   "P time of stretches longer than " + dur(hogAfter),
		Sure:     "high", SureWhy: "both ends of the stretch are in the trace; whether the thread had a CPU all the while is not",
		Advice: "Give long computations scheduling points (calls that are not inlined, runtime.Gosched) and split them into pieces, or keep them off the process that serves requests.",
	}
	for _, iv := range l.worst.best() {
		d := int64(iv.End - iv.Start)
		if d < hogAfter {
			break
		}
		f.CostNS += d
		f.Moments = append(f.Moments, r.moment(iv.Start, iv.End, iv.G, iv.P, iv.M,
			fmt.Sprintf("%s ran %s on P%d", named(int64(iv.G), r.names.startFunc(iv.Func)), dur(d), iv.P)))
	}
	worst := l.worst.best()[0]
	who := named(int64(worst.G), r.names.startFunc(worst.Func))
	f.Title = fmt.Sprintf("One goroutine kept P%d for %s at a stretch", worst.P, dur(l.all.max))
	f.What = fmt.Sprintf("%s ran on P%d from %s on without a scheduling point for %s.", who, worst.P, at(r.offset(worst.Start)), dur(l.all.max))
	f.Why = fmt.Sprintf("sysmon asks a goroutine to stop after %s; this one was not stopped: no safe point was reached, or sysmon's thread got no CPU.", 10*time.Millisecond)
	waited := r.waitedBehind(rep, worst.Start, worst.End)
	f.Evidence = []Evidence{
		{"longest stretch", dur(l.all.max)},
		{"99th percentile of all stretches", dur(l.all.quantile(.99))},
		{"longest wait of another goroutine meanwhile", dur(waited)},
	}
	if waited >= starvedAfter {
		f.Severity = SeverityWarning
	}
	if waited >= 10*starvedAfter {
		f.Severity = SeverityCritical
	}
	j.findings = []Finding{f}
	return j
}}

// hogAfter is the stretch from which a goroutine counts as keeping its P.
const hogAfter = 20_000_000 // ns

// waitedBehind is the longest time within [start, end] that one of the worst
// waits lasted.
func (r *run) waitedBehind(rep *Report, start, end model.Time) int64 {
	var longest int64
	for _, e := range rep.Episodes {
		from, to := max(e.Start, r.offset(start)), min(e.Start+e.Wait, r.offset(end))
		longest = max(longest, to-from)
	}
	return longest
}
