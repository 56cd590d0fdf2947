package analyze

import (
	"fmt"

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
var checkSTW = check{id: "stop-the-world", title: "Stop-the-world pauses", begin: func(s *Session) judge {
	return (&stwJudge{bench: bench{s}, witnesses: newWitnesses(s), gc: Shared(s, newGC)}).judge
}}

type stwJudge struct {
	bench
	witnesses
	gc *gc
}

func (r *stwJudge) judge(rep *Report) judgement {
	g := &rep.GC
	j := judgement{measured: fmt.Sprintf("longest pause %s, %s in all (%s)", words.Length(rep.Key.STWMax), words.Length(g.STWTotal), words.Plural(g.STWCount, "pause"))}
	if rep.Key.STWMax < 1_000_000 {
		return j
	}
	f := Finding{
		Severity: SeverityInfo,
		Title:    fmt.Sprintf("The world was stopped for %s", words.Length(rep.Key.STWMax)),
		CostNS:   g.STWTotal,
		CostOf:   "wall time with the world stopped or stopping",
		What:     fmt.Sprintf("%s took %s in all, the longest %s.", words.Plural(g.STWCount, "stop-the-world pause"), words.Length(g.STWTotal), words.Length(rep.Key.STWMax)),
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
		f.Evidence = append(f.Evidence, Evidence{k.Cause, fmt.Sprintf("%s, %s in all, longest %s", words.Plural(k.Count, "pause"), words.Length(k.Total), words.Length(k.Max))})
	}
	for i, p := range r.gc.worstSTW.Best() {
		text := fmt.Sprintf("%s: %s", r.names.texts[p.cause], words.Length(int64(p.end-p.start)))
		if p.late() {
			text += "; " + p.holdUp(r.bench)
		}
		f.Moments = append(f.Moments, r.moment(p.start, p.end, p.g, p.p, -1, text))
		if i == 0 {
			f.Stacks = r.stack("who stopped the world for longest", p.stack)
			p.explain(r.bench, &f)
		}
	}
	j.explains = r.explains(pDidStop)
	j.findings = []Finding{f}
	return j
}

// stopping is the time until the last P had stopped, as far as the trace shows.
func (p *stwPause) stopping() int64 {
	if !p.stopped {
		return 0
	}
	return max(0, int64(min(p.last.End, p.end)-p.start))
}

// late tells whether stopping made the pause long.
func (p *stwPause) late() bool {
	return p.stopping() >= 1_000_000 && 2*p.stopping() >= int64(p.end-p.start)
}

// holdUp says who stopped last.
func (p *stwPause) holdUp(r bench) string {
	if p.last.Does == model.PDoesSched {
		return fmt.Sprintf("P%d, whose thread ran no goroutine, stopped last, %s after it was asked to", p.last.P, words.Length(p.stopping()))
	}
	return fmt.Sprintf("%s ran on P%d until %s after it was asked to stop, longest of all", words.Goroutine(int64(p.last.G), r.names.startFunc(p.last.Func)), p.last.P, words.Length(p.stopping()))
}

// explain says why the longest pause took so long.
func (p *stwPause) explain(r bench, f *Finding) {
	switch {
	case !p.late():
		stopped := "all Ps that ran had stopped after " + words.Length(p.stopping())
		if p.stopping() == 0 {
			stopped = "no other P ran when it began"
		}
		f.Why = fmt.Sprintf("In the longest pause, %s. The rest passed in what was done while the world was stopped, or the thread that did it had no CPU: the trace does not tell which.", stopped)
		f.Advice = "Avoid calls that stop the world (ReadMemStats, GOMAXPROCS) on the path of requests; if the collector stopped it, look at the machine's load."
	case p.last.Does == model.PDoesSched:
		f.Why = "In the longest pause " + p.holdUp(r) + ": the operating system did not run that thread."
		f.Advice = "Look at the machine: CPU quota, other processes, GOMAXPROCS higher than the CPUs that the process gets."
	default:
		f.Why = "In the longest pause " + p.holdUp(r) + ". It reached no point where it could be stopped, or its thread had no CPU; everything else waited for it."
		f.Advice = "If the machine had CPUs to spare, see what that goroutine does without a function call or a loop that can be interrupted; if not, look at the machine's load."
		f.Stacks = append(f.Stacks, r.stack(fmt.Sprintf("where G%d, which ran longest into the pause, stopped", p.last.G), p.last.Stack)...)
	}
}
