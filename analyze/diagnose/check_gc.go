package diagnose

import (
	"fmt"
	"math"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
)

// checkGC measures how much of the Ps' time mark workers took, and how long
// goroutines waited for a P that a mark worker had.
//
// Threshold: 25 % is what the collector takes by design while it marks; more
// than 15 % over the whole trace means that it marks most of the time. Critical
// from 30 %, or where they ran for longer than the program and a collection was under
// way most of the time: what else had no CPU then had none because of them. Or: of waits from 1 ms on, 10 ms in all and at least a quarter passed
// behind mark workers; a warning if one passed 10 ms there, critical from 100 ms.
//
// It goes behind assists that cost goroutines at least as much as waits behind workers.
//
// False positives: idle-priority workers use Ps that had nothing to do; they
// count, but cost no latency unless they are slow to stop. So the share of P time
// alone fires only if goroutines also waited.
//
// Always decided: mark workers and cycles are in the trace.
var checkGC = check{id: "gc-workers", title: "GC mark workers crowding out the program", symptom: true, begin: func(s *replay.Session) judge {
	return (&gcJudge{bench: bench{s}, witnesses: newWitnesses(s)}).judge
}}

type gcJudge struct {
	bench
	witnesses
}

func (r *gcJudge) judge(rep *report.Report) judgement {
	g := &rep.GC
	pTime := measure.GomaxprocsTime(&rep.Trace, len(rep.Procs))
	behind, waited := r.blame.waited[pDidMark], r.blame.waited.total()
	j := judgement{measured: fmt.Sprintf("mark workers took %s of the Ps' time in %s; goroutines waited %s behind them", words.ShareOf(g.Workers, pTime), words.Plural(g.Cycles, "cycle"), words.Length(behind))}
	much := g.Workers*100 >= pTime*15 && rep.Latency.P99 >= 1_000_000
	late := behind >= 10_000_000 && behind*4 >= waited
	if !much && !late {
		return j
	}
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("Mark workers took %s of the Ps' time", words.ShareOf(g.Workers, pTime)),
		CostNS:   g.Workers,
		CostOf:   "P time of mark workers",
		What:     fmt.Sprintf("%s in %s; a cycle was under way %s of the time.", words.Plural(g.Cycles, "cycle"), words.Length(report.Analysed(rep)), words.Share(rep.Key.GCShare)),
		Why:      "The program allocates so fast, or has so little room (GOMEMLIMIT, GOGC), that the collector runs most of the time.",
		Advice:   "Allocate less (profile with -alloc_space), raise GOGC or GOMEMLIMIT.",
		Sure:     "certain", SureWhy: "mark workers and cycles are in the trace",
		Evidence: []report.Evidence{
			{Label: "P time of mark workers", Value: words.Length(g.Workers)},
			{Label: "cycles", Value: words.Count(g.Cycles)},
			{Label: "time inside cycles", Value: words.Length(g.Mark)},
			{Label: "mark assists by the program's goroutines", Value: words.Length(g.Assist)},
			{Label: "goroutine time waiting for a P that a mark worker had", Value: words.Length(behind)},
			{Label: "all such waits of " + words.Length(blamedFrom) + " and more", Value: words.Length(waited)},
		},
	}
	if late {
		worst := r.blame.worst[pDidMark].Best()
		f.Severity = graded(worst[0].part)
		f.Moments = r.blame.moments(r.bench, pDidMark, "a mark worker had the P")
		f.What += fmt.Sprintf(" Of %s that goroutines waited for a P, %s passed while a mark worker had it.", words.Length(waited), words.ShareOf(behind, waited))
		if !much {
			f.Title = fmt.Sprintf("Goroutines waited up to %s behind mark workers", words.Length(worst[0].part))
			f.CostNS, f.CostOf = behind, "goroutine time spent waiting for a P that a mark worker had"
			f.Why = "While the collector marks, a quarter of the Ps do nothing else, and each of them for the whole mark phase: with few Ps, what stands in their queues waits until another P takes it."
			f.Sure, f.SureWhy = "high", "mark workers are in the trace; on whose queue a goroutine stood is inferred"
		}
	}
	if much && f.Severity == report.SeverityInfo {
		f.Severity = report.SeverityWarning
	}
	if much && g.Workers*100 >= pTime*30 {
		f.Severity = report.SeverityCritical
	}
	if r.crowdsOut(rep) {
		f.Severity = report.SeverityCritical
		f.What += fmt.Sprintf(" Mark workers ran %s of all that ran.", words.ShareOf(g.Workers, g.Workers+r.running(rep)))
		for _, id := range []string{"os", "gomaxprocs", "idle-p"} { // of the CPUs that others lacked they had at least half
			j.explain(id, wholly)
		}
	}
	if !late {
		for _, x := range longestMarks(g.Ranges) {
			f.Moments = append(f.Moments, report.Moment{Start: x.Start, End: x.End, G: -1, P: -1, M: -1, Text: "mark phase of " + words.Length(x.End-x.Start)})
		}
	}
	for id, ns := range r.explains(pDidMark) {
		j.explain(id, ns)
	}
	j.base = 2 * max(1, behind) // assists have to outweigh all of it
	j.findings = []report.Finding{f}
	return j
}

// wholly explains any cost; twice of it is no overflow.
const wholly = math.MaxInt64 / 4

// crowdsOut tells whether mark workers ran for longer than the program did, and a
// collection was under way most of the time.
func (r *gcJudge) crowdsOut(rep *report.Report) bool {
	return rep.Key.GCShare >= .5 && rep.GC.Workers >= r.running(rep)
}

// running is how long the program's goroutines ran.
func (r *gcJudge) running(rep *report.Report) int64 {
	var ns int64
	for _, f := range rep.Functions {
		if !f.Runtime {
			ns += f.Running
		}
	}
	return ns
}

// longestMarks are the longest mark phases among ranges.
func longestMarks(ranges []report.GCRange) []report.GCRange {
	top := stat.NewTopK[report.GCRange](report.MaxMoments)
	for _, x := range ranges {
		if !x.STW {
			top.Offer(x.End-x.Start, x)
		}
	}
	return top.Best()
}
