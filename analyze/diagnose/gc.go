package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// checkGC measures how much of the time a collection was under way, what its workers and
// assists took of the Ps' time, and who began the cycles: see collector.go.
//
// Threshold: three cycles or more, under way half of the time, and 5 % of the Ps' time
// taken: by design a program runs several times as long as the collector does. Or most
// of them asked for by the program, under way a tenth of the time. A warning from a
// quarter of the time; critical if the collector took 30 % of the Ps' time, beside what
// its workers took of Ps that had nothing else to do, or if its workers ran for longer
// than the program.
//
// False positives: a batch program that builds up its heap collects most of the time
// and need not be quick. Neither the memory limit nor GOGC is in a trace: which of them
// leaves so little room is inferred, and the finding says so.
//
// Always decided: mark workers, assists and cycles are in the trace.
var checkGC = Check{ID: "gc", Costs: costsCollector, Title: "Garbage collection most of the time", Begin: func(s *replay.Session) Judge {
	return (&gcJudge{bench: bench{s}, witnesses: newWitnesses(s), cycles: replay.Shared(s, newCycles)}).decide
}}

const (
	gcCycles   = 3  // fewer say nothing about how often they are
	gcMost     = 50 // per cent of the time
	gcTook     = 5  // per cent of the Ps' time
	gcForced   = 10 // per cent of the time, where most cycles were asked for
	gcWarning  = 25 // per cent of the time
	gcCritical = 30 // per cent of the Ps' time
)

type gcJudge struct {
	bench
	witnesses
	cycles *cycles
}

func (r *gcJudge) decide(rep *report.Report) Judgement {
	c := r.share(rep)
	j := Judgement{Measured: fmt.Sprintf("%s, under way %s of the time, took %s of the Ps' time", words.Plural(rep.GC.Cycles, "cycle"), words.Share(rep.Key.GCShare), words.ShareOf(c.took(), c.pTime))}
	forced := r.cycles.mostly() == begunByProgram && c.wall >= gcForced
	if r.cycles.begun < gcCycles || !forced && (c.wall < gcMost || c.took()*100 < c.pTime*gcTook) {
		return j
	}
	j.Findings = []report.Finding{r.describe(rep, &c)}
	j.Explains = r.attribute(pDidMark)
	j.Explains.add(Explained{"gc-workers": wholly, "gc-assist": wholly})
	if c.crowdsOut() {
		j.Explains.add(lackedCPU())
	}
	return j
}

// gcShare is what the collector took, times in ns.
type gcShare struct {
	pTime   int64 // that there was
	workers int64
	spare   int64 // of that, of Ps that had nothing else to do
	assists int64
	program int64   // that the program's goroutines ran, assists included
	wall    float64 // per cent of the time that a cycle was under way
}

func (r *gcJudge) share(rep *report.Report) gcShare {
	return gcShare{
		pTime: measure.GomaxprocsTime(&rep.Trace, len(rep.Procs)), workers: rep.GC.Workers, spare: r.cycles.spare,
		assists: rep.GC.Assist, program: programRan(rep), wall: 100 * rep.Key.GCShare,
	}
}

// took is the P time of workers and assists.
func (c *gcShare) took() int64 { return c.workers + c.assists }

// crowdsOut tells whether mark workers ran for longer than the program.
func (c *gcShare) crowdsOut() bool { return c.wall >= gcMost && c.workers-c.spare >= c.program }

func (c *gcShare) severity() report.Severity {
	switch {
	case c.crowdsOut(), c.wall >= gcMost && (c.took()-c.spare)*100 >= c.pTime*gcCritical:
		return report.SeverityCritical
	case c.wall >= gcWarning:
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

func (r *gcJudge) describe(rep *report.Report, c *gcShare) report.Finding {
	w := r.cycles.why(r.bench)
	f := report.Finding{
		Severity: c.severity(),
		Title:    fmt.Sprintf("A GC cycle ran %s of the time%s", words.Share(rep.Key.GCShare), w.title),
		CostNS:   c.took(),
		CostOf:   "P time of mark workers and mark assists",
		What: fmt.Sprintf("%s in %s%s. Assists and mark workers took %s of the Ps' time.",
			words.Plural(rep.GC.Cycles, "cycle"), words.Length(report.Analysed(rep)), w.often, words.ShareOf(c.took(), c.pTime)),
		Why:    w.why,
		Advice: w.advice,
		Sure:   w.sure, SureWhy: w.sureWhy,
		Evidence: append([]report.Evidence{
			{Label: "P time of mark workers", Value: words.Length(c.workers)},
			{Label: "of that, of Ps that had nothing else to run", Value: words.Length(c.spare)},
			{Label: "mark assists by the program's goroutines", Value: words.Length(c.assists)},
			{Label: "the program's goroutines ran, assists included", Value: words.Length(c.program)},
		}, w.evidence...),
		Moments: longestMarks(rep.GC.Ranges),
		Stacks:  r.stack("where most cycles began", r.cycles.mostStack()),
	}
	return f
}

// programRan is how long goroutines of the program ran, in ns.
func programRan(rep *report.Report) (ns int64) {
	for i := range rep.Functions {
		if f := &rep.Functions[i]; !f.Runtime {
			ns += f.Running
		}
	}
	return ns
}

// lackedCPU is what workers explain that ran for longer than the program did: of the CPUs
// that others lacked they had at least half.
func lackedCPU() Explained { return Explained{"os": wholly, "gomaxprocs": wholly, "idle-p": wholly} }
