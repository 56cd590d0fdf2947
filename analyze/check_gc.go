package analyze

import "fmt"

// checkGC measures how much of the Ps' time mark workers took.
//
// Threshold: 25 % is what the collector takes by design while it marks; more
// than 15 % over the whole trace means that it marks most of the time. Critical
// from 30 %.
//
// False positives: idle-priority workers use Ps that had nothing to do; they
// count, but cost no latency. So this fires only if goroutines also waited.
var checkGC = check{"gc-workers", "GC mark workers crowding out the program", func(r *run, rep *Report) judgement {
	g := &rep.GC
	pTime := gomaxprocsTime(&rep.Trace, len(rep.Procs))
	j := judgement{measured: fmt.Sprintf("mark workers took %s of the Ps' time in %s", percent(g.Workers, pTime), plural(g.Cycles, "cycle"))}
	if g.Workers*100 < pTime*15 || rep.Latency.P99 < 1_000_000 {
		return j
	}
	f := Finding{
		Severity: SeverityWarning,
		Title:    fmt.Sprintf("Mark workers took %s of the Ps' time", percent(g.Workers, pTime)),
		CostNS:   g.Workers,
		CostOf:   "P time of mark workers",
		What:     fmt.Sprintf("%s in %s; a cycle was under way %.0f %% of the time.", plural(g.Cycles, "cycle"), dur(analysed(rep)), 100*rep.Key.GCShare),
		Why:      "The program allocates so fast, or has so little room (GOMEMLIMIT, GOGC), that the collector runs most of the time.",
		Advice:   "Allocate less (profile with -alloc_space), raise GOGC or GOMEMLIMIT.",
		Sure:     "certain", SureWhy: "mark workers and cycles are in the trace",
		Evidence: []Evidence{
			{"P time of mark workers", dur(g.Workers)},
			{"cycles", fmt.Sprint(g.Cycles)},
			{"time inside cycles", dur(g.Mark)},
			{"mark assists by the program's goroutines", dur(g.Assist)},
		},
	}
	if g.Workers*100 >= pTime*30 {
		f.Severity = SeverityCritical
	}
	for _, x := range longestMarks(g.Ranges) {
		f.Moments = append(f.Moments, Moment{Start: x.Start, End: x.End, G: -1, P: -1, M: -1, Text: "mark phase of " + dur(x.End-x.Start)})
	}
	j.findings = []Finding{f}
	return j
}}

// longestMarks are the longest mark phases among ranges.
func longestMarks(ranges []GCRange) []GCRange {
	top := newTopK[GCRange](maxMoments)
	for _, x := range ranges {
		if !x.STW {
			top.offer(x.End-x.Start, x)
		}
	}
	return top.best()
}
