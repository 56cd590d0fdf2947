package analyze

import "fmt"

// checkSTW measures stop-the-world pauses, from asking the Ps to stop until the
// world runs again.
//
// Threshold: 1 ms for one pause, which is ten times what a pause takes on an
// idle machine. A warning if a pause took 10 ms or all took 0.5 % of the trace;
// critical if both.
//
// False positives: pauses that the program asked for (runtime.ReadMemStats,
// GOMAXPROCS, a heap dump) are as long as what it does in them.
var checkSTW = check{"stop-the-world", "Stop-the-world pauses", func(r *run, rep *Report) judgement {
	g := &rep.GC
	j := judgement{measured: fmt.Sprintf("longest pause %s, %s in all (%s)", dur(rep.Key.STWMax), dur(g.STWTotal), plural(g.STWCount, "pause"))}
	if rep.Key.STWMax < 1_000_000 {
		return j
	}
	f := Finding{
		Severity: SeverityInfo,
		Title:    fmt.Sprintf("The world was stopped for %s", dur(rep.Key.STWMax)),
		CostNS:   g.STWTotal,
		CostOf:   "wall time with the world stopped or stopping",
		What:     fmt.Sprintf("%s took %s in all, the longest %s.", plural(g.STWCount, "stop-the-world pause"), dur(g.STWTotal), dur(rep.Key.STWMax)),
		Why:      "A pause lasts until every P has stopped: a goroutine that reaches no safe point, or a thread that gets no CPU, holds up all others.",
		Advice:   "Look at the moment in the timeline: which P ran longest into the pause? Give that goroutine scheduling points; avoid calls that stop the world (ReadMemStats, GOMAXPROCS) on the path of requests.",
		Sure:     "certain", SureWhy: "the pauses are in the trace",
	}
	long, much := rep.Key.STWMax >= 10_000_000, g.STWTotal*200 >= analysed(rep)
	if long || much {
		f.Severity = SeverityWarning
	}
	if long && much {
		f.Severity = SeverityCritical
	}
	for _, k := range g.STWs {
		f.Evidence = append(f.Evidence, Evidence{k.Cause, fmt.Sprintf("%s, %s in all, longest %s", plural(k.Count, "pause"), dur(k.Total), dur(k.Max))})
	}
	for i, p := range r.gc.worstSTW.best() {
		if i == 0 {
			f.Stacks = r.stack("who stopped the world for longest", p.stack)
		}
		f.Moments = append(f.Moments, r.moment(p.start, p.end, p.g, p.p, -1,
			fmt.Sprintf("%s: %s", r.names.texts[p.cause], dur(int64(p.end-p.start)))))
	}
	j.findings = []Finding{f}
	return j
}}
