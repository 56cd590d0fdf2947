package diagnose

import (
	"fmt"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkStopTheWorld measures stop-the-world pauses, from asking the Ps to stop until the
// world runs again, and names who ran until the last P had stopped: if that took
// a millisecond and half of the longest pause, it is what made the pause long.
//
// Threshold: 1 ms for one pause, which is ten times what a pause takes on an
// idle machine. A warning if a pause took 10 ms or all took 0.5 % of the trace;
// critical if both. That is of pauses that the program asked for, or that waited for a
// goroutine of it: what else makes one long is the machine, of which other checks tell.
//
// False positives: pauses that the program asked for (runtime.ReadMemStats,
// GOMAXPROCS, a heap dump) are as long as what it does in them.
//
// Always decided: both ends of every pause are in the trace.
var checkStopTheWorld = Check{ID: "stop-the-world", Costs: costsStops, Title: "Stop-the-world pauses", Begin: func(s *replay.Session) Judge {
	return (&stopTheWorldJudge{bench: bench{s}, witnesses: newWitnesses(s), gc: replay.Shared(s, measure.NewGC)}).decide
}}

const (
	pauseFrom = 1_000_000  // ns: ten times what a pause takes on an idle machine
	pauseLong = 10_000_000 // ns
	pausePart = 200        // the part of the trace that all take: half a per cent is much
)

type stopTheWorldJudge struct {
	bench
	witnesses
	gc *measure.GC
}

func (r *stopTheWorldJudge) decide(rep *report.Report) Judgement {
	g := &rep.GC
	j := Judgement{Measured: fmt.Sprintf("longest pause %s, %s in all (%s)", words.Length(rep.Key.STWMax), words.Length(g.STWTotal), words.Plural(g.STWCount, "pause"))}
	if rep.Key.STWMax < pauseFrom {
		return j
	}
	f := describePauses(rep)
	f.Severity = r.severity(rep)
	r.tellAwaited(&f)
	for _, p := range r.gc.WorstSTW.Best() {
		f.Moments = append(f.Moments, r.picture(&p))
	}
	if worst := r.gc.WorstSTW.Best(); len(worst) > 0 {
		f.Why, f.Advice = r.whyLong(&worst[0])
		f.Stacks = r.stacks(&worst[0])
	}
	j.Explains = r.attribute(pDidStop)
	j.Findings = []report.Finding{f}
	return j
}

func describePauses(rep *report.Report) report.Finding {
	g := &rep.GC
	f := report.Finding{
		Title:  fmt.Sprintf("The world was stopped for %s", words.Length(rep.Key.STWMax)),
		CostNS: g.STWTotal,
		CostOf: "wall time with the world stopped or stopping",
		What:   fmt.Sprintf("%s took %s in all, the longest %s.", words.Plural(g.STWCount, "stop-the-world pause"), words.Length(g.STWTotal), words.Length(rep.Key.STWMax)),
		Why:    "A pause lasts until every P has stopped: a goroutine that reaches no safe point, or a thread that gets no CPU, holds up all others.",
		Sure:   "certain", SureWhy: "the pauses are in the trace",
	}
	for _, k := range g.STWs {
		f.Evidence = append(f.Evidence, report.Evidence{Label: k.Cause, Value: fmt.Sprintf("%s, %s in all, longest %s", words.Plural(k.Count, "pause"), words.Length(k.Total), words.Length(k.Max))})
	}
	return f
}

// severity is by the longest pause that the program made long, by what it asked for or
// as it did not stop, and by how much all took. Else the machine did.
func (r *stopTheWorldJudge) severity(rep *report.Report) report.Severity {
	var longest, all int64
	for _, a := range r.gc.Awaited {
		longest = max(longest, a.Max)
		all += a.Sum
	}
	for _, k := range rep.GC.STWs {
		if !byCollector(k.Cause) && !byTracer(k.Cause) {
			longest = max(longest, k.Max)
			all += k.Total
		}
	}
	if longest < pauseFrom {
		return report.SeverityInfo
	}
	long, much := longest >= pauseLong, min(all, rep.GC.STWTotal)*pausePart >= report.Analysed(rep) // a pause may count as both
	switch {
	case long && much:
		return report.SeverityCritical
	case long || much:
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

// byCollector reports whether the collector stops the world for that cause, byTracer
// whether the tracer does.
func byCollector(cause string) bool { return strings.Contains(cause, "termination") }
func byTracer(cause string) bool    { return cause == "start trace" || cause == "stop trace" }

// picture is a pause on the timeline.
func (r *stopTheWorldJudge) picture(p *measure.STWPause) report.Moment {
	text := fmt.Sprintf("%s: %s", r.Names.Texts[p.Cause], words.Length(int64(p.End-p.Start)))
	if p.Late() {
		text += "; " + r.holdUp(p)
	}
	return r.scene(p.Start, p.End, p.G, p.P, model.NoM, text)
}

// holdUp says who stopped last.
func (r *stopTheWorldJudge) holdUp(p *measure.STWPause) string {
	if p.Last.Does == model.PDoesSched {
		return fmt.Sprintf("P%d, whose thread ran no goroutine, stopped last, %s after it was asked to", p.Last.P, words.Length(p.Stopping()))
	}
	return fmt.Sprintf("%s ran on P%d until %s after it was asked to stop, longest of all", words.Goroutine(int64(p.Last.G), r.runs(p.Last.Func)), p.Last.P, words.Length(p.Stopping()))
}

// tellAwaited names who asked for the longest pause, and whom most of the time of all pauses
// was waited for.
func (r *stopTheWorldJudge) tellAwaited(f *report.Finding) {
	if at := r.asked(); at != "" {
		f.Title += " by " + at
	}
	if at, a := r.mostAwaited(); a.Sum*2 >= f.CostNS {
		f.Title += ", waiting for " + at
		f.What += fmt.Sprintf(" %s of them waited for %s to stop, up to %s, %s in all.", words.Count(a.Count), at, words.Length(a.Max), words.Length(a.Sum))
	}
}

// asked is the place of the program that asked for the longest pause, where what was done
// in it made it long; "" where nobody in particular did.
func (r *stopTheWorldJudge) asked() string {
	worst := r.gc.WorstSTW.Best()
	if len(worst) == 0 || worst[0].Late() {
		return ""
	}
	if cause := r.Names.Texts[worst[0].Cause]; byCollector(cause) || byTracer(cause) {
		return ""
	}
	if x := r.Names.Places().Of(worst[0].Stack); x != nil {
		return placeName(&x.At)
	}
	return ""
}

// mostAwaited is the place of the program that pauses waited for longest in all, lines of
// one function together.
func (r *stopTheWorldJudge) mostAwaited() (at string, most measure.Awaited) {
	places, sums := r.Names.Places(), map[uint32]int64{}
	for stack, a := range r.gc.Awaited {
		sums[stack] = a.Sum
	}
	top := topPlaces(places, sums)
	if len(top) == 0 {
		return "", most
	}
	for stack, a := range r.gc.Awaited {
		if x := places.Of(stack); x != nil && x.At.Func == top[0].fn {
			most = measure.Awaited{Count: most.Count + a.Count, Sum: most.Sum + a.Sum, Max: max(most.Max, a.Max)}
		}
	}
	return top[0].name, most
}

// whyLong says why a pause took so long, and what to do about it.
func (r *stopTheWorldJudge) whyLong(p *measure.STWPause) (why, advice string) {
	switch {
	case !p.Late():
		stopped := "all Ps that ran had stopped after " + words.Length(p.Stopping())
		if p.Stopping() == 0 {
			stopped = "no other P ran when it began"
		}
		return fmt.Sprintf("In the longest pause, %s. The rest passed in what was done while the world was stopped, or the thread that did it had no CPU: the trace does not tell which.", stopped), r.avoid(p)
	case p.Last.Does == model.PDoesSched:
		return "In the longest pause " + r.holdUp(p) + ": the operating system did not run that thread.",
			"Look at the machine: CPU quota, other processes, GOMAXPROCS higher than the CPUs that the process gets."
	case p.Last.Runtime:
		return "In the longest pause " + r.holdUp(p) + ". That is the runtime's own goroutine, which stops soon when its thread has a CPU.", "Nothing in the program held it up: look at the machine's load."
	}
	why = "In the longest pause " + r.holdUp(p)
	if x := r.Names.Places().Of(p.Last.Stack); x != nil {
		why += fmt.Sprintf(" and was next seen in %s", placeName(&x.At))
	}
	return why + ". It reached no point where it could be stopped, or its thread had no CPU; everything else waited for it.", r.goInPieces()
}

// goInPieces is the advice where a goroutine of the program held a pause up: once can be
// the machine, again and again at one place is the program.
func (r *stopTheWorldJudge) goInPieces() string {
	const inPieces = "do in pieces what can't be interrupted: clearing, copying or comparing much memory at once, and assembly"
	if at, a := r.mostAwaited(); a.Count >= 3 {
		return fmt.Sprintf("In %s, before the line where it was seen next, %s.", at, inPieces)
	}
	return fmt.Sprintf("If the machine had CPUs to spare, %s; if not, look at the machine's load.", inPieces)
}

// avoid is the advice where a pause was long in itself, by who stopped the world.
func (r *stopTheWorldJudge) avoid(p *measure.STWPause) string {
	cause := r.Names.Texts[p.Cause]
	switch {
	case byCollector(cause):
		return "The collector stopped the world, which takes it far less than that on a CPU of its own: look at the machine's load."
	case byTracer(cause):
		return "The tracer stopped the world: leave that pause out of account."
	}
	at, instead := "", ""
	if x := r.Names.Places().Of(p.Stack); x != nil {
		at = " in " + placeName(&x.At)
		if instead = names.InsteadOf(x.Callee); instead != "" {
			instead = ": " + instead
		}
	}
	return fmt.Sprintf("Do not stop the world (%s)%s while requests are served, or do it less often%s.", cause, at, instead)
}

// stacks are who stopped the world, and who held that up.
func (r *stopTheWorldJudge) stacks(p *measure.STWPause) []report.Stack {
	out := r.stack("who stopped the world for longest", p.Stack)
	if p.Late() && p.Last.Does != model.PDoesSched {
		out = append(out, r.stack(fmt.Sprintf("where G%d, which ran longest into the pause, stopped", p.Last.G), p.Last.Stack)...)
	}
	return out
}
