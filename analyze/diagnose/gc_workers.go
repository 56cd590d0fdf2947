package diagnose

import (
	"fmt"
	"math"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkGCWorkers measures how much of the Ps' time mark workers took, and how long
// goroutines waited for a P that a mark worker had.
//
// Threshold: 25 % is what the collector takes by design while it marks; more than
// 15 % over the whole trace means that it marks most of the time. Critical from 30 %,
// or where they ran for longer than the program and a collection was under way most
// of the time: what else had no CPU then had none because of them. Or: of waits from
// 1 ms on, 10 ms in all and at least a quarter passed behind mark workers; a warning
// if one passed 10 ms there, critical from 100 ms.
//
// It goes behind assists that cost goroutines at least as much as waits behind workers.
//
// False positives: idle-priority workers use Ps that had nothing to do; they
// count, but cost no latency unless they are slow to stop. So the share of P time
// alone fires only if goroutines also waited.
//
// Always decided: mark workers and cycles are in the trace.
var checkGCWorkers = Check{ID: "gc-workers", Costs: costsCollector, Title: "GC mark workers crowding out the program", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&gcWorkersJudge{bench: bench{s}, witnesses: newWitnesses(s), cycles: replay.Shared(s, newCycles)}).decide
}}

const (
	workersMuch     = 15         // per cent of the Ps' time: the collector marks most of the time
	workersCritical = 30         // per cent
	workersDelay    = 1_000_000  // ns: the 99th percentile of waits for a P, from which workers are in the way
	workersBehind   = 10_000_000 // ns of waits behind workers, and a quarter of all waits
)

// wholly explains any cost; twice of it is no overflow.
const wholly = math.MaxInt64 / 4

type gcWorkersJudge struct {
	bench
	witnesses
	cycles *cycles
}

func (r *gcWorkersJudge) decide(rep *report.Report) Judgement {
	w := r.figures(rep)
	j := Judgement{Measured: fmt.Sprintf("mark workers took %s of the Ps' time in %s; goroutines waited %s behind them",
		words.ShareOf(w.ran, w.pTime), words.Plural(rep.GC.Cycles, "cycle"), words.Length(w.behind))}
	if !w.much && !w.late {
		return j
	}
	f := r.describe(rep, &w)
	if w.late {
		r.tellWaits(&f, &w)
	}
	if w.crowdOut() {
		f.What += fmt.Sprintf(" Mark workers ran %s of all that ran.", words.ShareOf(w.ran, w.ran+w.program))
	}
	j.Explains = r.attribute(pDidMark)
	if w.crowdOut() {
		j.Explains.add(lackedCPU())
	}
	j.Base = 2 * max(1, w.behind) // assists have to outweigh all of it
	j.Findings = []report.Finding{f}
	return j
}

// workers is what mark workers took, in ns.
type workers struct {
	pTime   int64 // that there was
	ran     int64
	program int64   // that the program's goroutines ran
	cycle   float64 // part of the time that a cycle was under way, in [0, 1]
	waited  int64   // for a P, in waits that blame looks at
	behind  int64   // of that: behind mark workers
	longest int64   // of that, in one wait
	much    bool    // they took a large part of the Ps' time
	late    bool    // goroutines waited for long behind them
}

// figures are what the check judges by.
func (r *gcWorkersJudge) figures(rep *report.Report) workers {
	w := workers{
		pTime: measure.GomaxprocsTime(&rep.Trace, len(rep.Procs)), ran: rep.GC.Workers, program: programRan(rep), cycle: rep.Key.GCShare,
		waited: r.blame.waited.total(), behind: r.blame.waited[pDidMark], longest: r.blame.worstPart(pDidMark),
	}
	w.much = w.ran*100 >= w.pTime*workersMuch && rep.Latency.P99 >= workersDelay
	w.late = w.behind >= workersBehind && w.behind*4 >= w.waited
	return w
}

// crowdOut tells whether mark workers ran for longer than the program did, and a
// collection was under way most of the time.
func (w *workers) crowdOut() bool { return w.cycle >= .5 && w.ran >= w.program }

func (w *workers) severity() report.Severity {
	s := report.SeverityInfo
	if w.late {
		s = graded(w.longest)
	}
	if w.much {
		s = worse(s, report.SeverityWarning)
	}
	if w.crowdOut() || w.much && w.ran*100 >= w.pTime*workersCritical {
		s = report.SeverityCritical
	}
	return s
}

func (r *gcWorkersJudge) describe(rep *report.Report, w *workers) report.Finding {
	g, why := &rep.GC, r.cycles.why(r.bench)
	return report.Finding{
		Severity: w.severity(),
		Title:    fmt.Sprintf("Mark workers took %s of the Ps' time", words.ShareOf(w.ran, w.pTime)),
		CostNS:   w.ran,
		CostOf:   "P time of mark workers",
		What:     fmt.Sprintf("%s in %s; a cycle was under way %s of the time.", words.Plural(g.Cycles, "cycle"), words.Length(report.Analysed(rep)), words.Share(w.cycle)),
		Why:      why.why,
		Advice:   why.advice,
		Sure:     "certain", SureWhy: "mark workers and cycles are in the trace",
		Evidence: []report.Evidence{
			{Label: "P time of mark workers", Value: words.Length(w.ran)},
			{Label: "cycles", Value: words.Count(g.Cycles)},
			{Label: "time inside cycles", Value: words.Length(g.Mark)},
			{Label: "mark assists by the program's goroutines", Value: words.Length(g.Assist)},
			{Label: "goroutine time waiting for a P that a mark worker had", Value: words.Length(w.behind)},
			{Label: "all such waits of " + words.Length(blamedFrom) + " and more", Value: words.Length(w.waited)},
		},
		Moments: longestMarks(g.Ranges),
	}
}

// tellWaits adds how long goroutines waited behind workers, and makes that the point
// where workers did not take much.
func (r *gcWorkersJudge) tellWaits(f *report.Finding, w *workers) {
	f.Moments = r.blame.scenes(r.bench, pDidMark, "a mark worker had the P")
	f.What += fmt.Sprintf(" Of %s that goroutines waited for a P, %s passed while a mark worker had it.", words.Length(w.waited), words.ShareOf(w.behind, w.waited))
	if w.much {
		return
	}
	f.Title = fmt.Sprintf("Goroutines waited up to %s behind mark workers", words.Length(w.longest))
	f.CostNS, f.CostOf = w.behind, "goroutine time spent waiting for a P that a mark worker had"
	f.Why = "While the collector marks, a quarter of the Ps do nothing else, and each of them for the whole mark phase: with few Ps, what stands in their queues waits until another P takes it."
	f.Sure, f.SureWhy = "high", "mark workers are in the trace; on whose queue a goroutine stood is inferred"
}

// longestMarks are the longest mark phases.
func longestMarks(ranges []report.GCRange) []report.Moment {
	top := stat.NewTopK[report.GCRange](report.MaxMoments)
	for _, x := range ranges {
		if !x.STW {
			top.Offer(x.End-x.Start, x)
		}
	}
	var out []report.Moment
	for _, x := range top.Best() {
		out = append(out, report.Moment{Start: x.Start, End: x.End, G: model.NoG, P: model.NoP, M: -1, Text: "mark phase of " + words.Length(x.End-x.Start)})
	}
	return out
}
