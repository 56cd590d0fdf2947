package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkSTW measures stop-the-world pauses, from asking the Ps to stop until the
// world runs again, and names who ran until the last P had stopped: if that took
// a millisecond and half of the longest pause, it is what made the pause long.
//
// Threshold: 1 ms for one pause, which is ten times what a pause takes on an
// idle machine. A warning if a pause took 10 ms or all took 0.5 % of the trace;
// critical if both.
//
// False positives: pauses that the program asked for (runtime.ReadMemStats,
// GOMAXPROCS, a heap dump) are as long as what it does in them.
//
// Always decided: both ends of every pause are in the trace.
var checkSTW = check{id: "stop-the-world", title: "Stop-the-world pauses", begin: func(s *replay.Session) judge {
	return (&stwJudge{bench: bench{s}, witnesses: newWitnesses(s), gc: replay.Shared(s, measure.NewGC)}).judge
}}

type stwJudge struct {
	bench
	witnesses
	gc *measure.GC
}

func (r *stwJudge) judge(rep *report.Report) judgement {
	g := &rep.GC
	j := judgement{measured: fmt.Sprintf("longest pause %s, %s in all (%s)", words.Length(rep.Key.STWMax), words.Length(g.STWTotal), words.Plural(g.STWCount, "pause"))}
	if rep.Key.STWMax < 1_000_000 {
		return j
	}
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("The world was stopped for %s", words.Length(rep.Key.STWMax)),
		CostNS:   g.STWTotal,
		CostOf:   "wall time with the world stopped or stopping",
		What:     fmt.Sprintf("%s took %s in all, the longest %s.", words.Plural(g.STWCount, "stop-the-world pause"), words.Length(g.STWTotal), words.Length(rep.Key.STWMax)),
		Why:      "A pause lasts until every P has stopped: a goroutine that reaches no safe point, or a thread that gets no CPU, holds up all others.",
		Advice:   "Look at the moment in the timeline: which P ran longest into the pause? Give that goroutine scheduling points; avoid calls that stop the world (ReadMemStats, GOMAXPROCS) on the path of requests.",
		Sure:     "certain", SureWhy: "the pauses are in the trace",
	}
	long, much := rep.Key.STWMax >= 10_000_000, g.STWTotal*200 >= report.Analysed(rep)
	if long || much {
		f.Severity = report.SeverityWarning
	}
	if long && much {
		f.Severity = report.SeverityCritical
	}
	for _, k := range g.STWs {
		f.Evidence = append(f.Evidence, report.Evidence{Label: k.Cause, Value: fmt.Sprintf("%s, %s in all, longest %s", words.Plural(k.Count, "pause"), words.Length(k.Total), words.Length(k.Max))})
	}
	for i, p := range r.gc.WorstSTW.Best() {
		text := fmt.Sprintf("%s: %s", r.Names.Texts[p.Cause], words.Length(int64(p.End-p.Start)))
		if p.Late() {
			text += "; " + holdUp(&p, r.bench)
		}
		f.Moments = append(f.Moments, r.moment(p.Start, p.End, p.G, p.P, -1, text))
		if i == 0 {
			f.Stacks = r.stack("who stopped the world for longest", p.Stack)
			explainPause(&p, r.bench, &f)
		}
	}
	j.explains = r.explains(pDidStop)
	j.findings = []report.Finding{f}
	return j
}

// holdUp says who stopped last.
func holdUp(p *measure.STWPause, r bench) string {
	if p.Last.Does == model.PDoesSched {
		return fmt.Sprintf("P%d, whose thread ran no goroutine, stopped last, %s after it was asked to", p.Last.P, words.Length(p.Stopping()))
	}
	return fmt.Sprintf("%s ran on P%d until %s after it was asked to stop, longest of all", words.Goroutine(int64(p.Last.G), r.Names.StartFunc(p.Last.Func)), p.Last.P, words.Length(p.Stopping()))
}

// explainPause says why the longest pause took so long.
func explainPause(p *measure.STWPause, r bench, f *report.Finding) {
	switch {
	case !p.Late():
		stopped := "all Ps that ran had stopped after " + words.Length(p.Stopping())
		if p.Stopping() == 0 {
			stopped = "no other P ran when it began"
		}
		f.Why = fmt.Sprintf("In the longest pause, %s. The rest passed in what was done while the world was stopped, or the thread that did it had no CPU: the trace does not tell which.", stopped)
		f.Advice = "Avoid calls that stop the world (ReadMemStats, GOMAXPROCS) on the path of requests; if the collector stopped it, look at the machine's load."
	case p.Last.Does == model.PDoesSched:
		f.Why = "In the longest pause " + holdUp(p, r) + ": the operating system did not run that thread."
		f.Advice = "Look at the machine: CPU quota, other processes, GOMAXPROCS higher than the CPUs that the process gets."
	default:
		f.Why = "In the longest pause " + holdUp(p, r) + ". It reached no point where it could be stopped, or its thread had no CPU; everything else waited for it."
		f.Advice = "If the machine had CPUs to spare, see what that goroutine does without a function call or a loop that can be interrupted; if not, look at the machine's load."
		f.Stacks = append(f.Stacks, r.stack(fmt.Sprintf("where G%d, which ran longest into the pause, stopped", p.Last.G), p.Last.Stack)...)
	}
}
