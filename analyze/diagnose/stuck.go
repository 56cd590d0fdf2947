package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/internal/waits"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkStuck looks for waits that never end: goroutines that wait for a lock, or to send
// on a channel, until the trace ends, at a line where nobody's wait has ended for long.
// And requests or tasks that wait to receive, for a wait group or for a condition
// variable, for what never comes, while others were answered.
//
// A place of a known pool (names.PoolOf) is one where goroutines do not stand for good
// either: who waits there is told as waiting for what the pool gives.
//
// Threshold: 100 ms, a fifth of the trace or a second, and ten times as long as any wait
// at that line that ended; eight of those where they wait for no lock, or eight goroutines
// that came to stand there one after the other. Of those that neither lock nor send each counts for
// itself, and only where requests or tasks that never end stand: all others may be idle. A
// warning from two goroutines, critical from eight, or where somebody waits for a wait group
// as long: what they are to do never ends. One alone is information.
//
// Where requests or tasks wait for ever, two that stand to send as long will do.
//
// False positives: a lock that is held on purpose until the trace ends, and goroutines
// that park themselves for good. Which lock it is, and who holds it, is not in a trace:
// a holder that never unlocks leaves no event. Where goroutines stand at several lines,
// holders are likely among them.
var checkStuck = Check{ID: "stuck", Costs: costsEnds, Title: "Goroutines whose wait never ends", Fails: report.SeverityWarning, Begin: func(s *replay.Session) Judge {
	return (&stuckJudge{bench: bench{s}, standing: replay.Shared(s, waits.NewStanding)}).decide
}}

type stuckJudge struct {
	bench
	standing *waits.Standing
}

func (r *stuckJudge) decide(rep *report.Report) Judgement {
	places := r.Names.Places()
	all := r.standing.At(places)
	j := Judgement{Measured: words.Plural(r.standing.Stands(), "goroutine") + " in a lock or a send at the trace's end"}
	if r.standing.Unknown() > r.standing.Stands() {
		j.Undecided = fmt.Sprintf("%s for a lock or to send at the trace's end, without a stack that tells where", words.Plural(r.standing.Unknown(), "wait"))
		return j
	}
	var stuck []*waits.Stand
	span := report.Analysed(rep)
	waited := slices.ContainsFunc(rep.Slowest.Roots, func(root report.Root) bool { return root.Kind == report.RootNeverEnded })
	for _, x := range all {
		if x.Stuck(span) || waited && x.SendsOn(span) {
			stuck = append(stuck, x)
		}
	}
	stuck = append(stuck, r.unanswered(rep, places)...)
	if len(stuck) > 0 {
		f := r.describe(stuck)
		j.Findings = []report.Finding{f}
		j.Explains = Explained{"leak": wholly}
	}
	return j
}

// unanswered are the places where requests or tasks stand that never end, and wait to
// receive.
func (r *stuckJudge) unanswered(rep *report.Report, places *names.Places) (out []*waits.Stand) {
	for i := range rep.Slowest.Roots {
		root := &rep.Slowest.Roots[i]
		if root.Kind != report.RootNeverEnded || root.At.Func == "" {
			continue
		}
		if x := r.standing.Receivers(places, &root.At); x.N > 0 {
			out = append(out, x)
		}
	}
	return out
}

// describe says who stands, most of them at the first place.
func (r *stuckJudge) describe(stuck []*waits.Stand) report.Finding {
	most := stuck[0]
	f := report.Finding{
		Severity: r.severity(stuck),
		Title:    fmt.Sprintf("%s %s in %s and never %s on", goroutinesWait(most.N), most.Does(), most.Name, goOn(most.N)),
		CostNS:   most.NS,
		CostOf:   "goroutine time that they have waited by the trace's end",
		What: fmt.Sprintf("%s %s in %s until the trace ends, the first %s, and nobody has %s there since.",
			goroutinesWait(most.N), most.Does(), most.Name, most.When(r.Zero), most.Undone()),
		Sure: "medium", SureWhy: "that they stand is in the trace; something may go on after its end",
		Stacks: r.stack(fmt.Sprintf("where G%d stands", most.G), most.Stack),
	}
	if last, since := most.LetGo(); since {
		f.What = strings.TrimSuffix(f.What, ".") + " " + words.At(r.Offset(last)) + "."
	}
	for _, x := range stuck {
		f.Evidence = append(f.Evidence, report.Evidence{Label: "stand in " + x.Name + " " + x.When(r.Zero), Value: words.Plural(x.N, "goroutine")})
		if len(f.Moments) < report.MaxMoments {
			f.Moments = append(f.Moments, r.scene(x.Since, x.End, x.G, model.NoP, model.NoM, fmt.Sprintf("G%d waits %s in %s", x.G, x.Does(), x.Name)))
		}
	}
	for _, x := range stuck[1:min(len(stuck), 3)] {
		f.Stacks = append(f.Stacks, r.stack(fmt.Sprintf("where G%d stands", x.G), x.Stack)...)
	}
	if most.Lock {
		f.SureWhy = waits.SureOfLocks
	}
	f.Why, f.Advice = r.whyStuck(stuck)
	if b := r.standing.Behind(most, r.Names.Places(), r.Zero); b != nil {
		f.Title += ", behind " + b.Where()
		f.Why, f.Advice, f.SureWhy = b.Why(), b.Advice(), waits.SureOfBehind
		f.Stacks = append(f.Stacks, r.stack(fmt.Sprintf("where G%d stands", b.First().G), b.First().Stack)...)
	}
	if most.Lock && len(stuck) > 1 && stuck[1].Lock {
		f.Title += ": likely a deadlock"
	}
	return f
}

func goroutinesWait(n int) string {
	if n == 1 {
		return "A goroutine waits"
	}
	return words.Count(n) + " goroutines wait"
}

func goOn(n int) string {
	if n == 1 {
		return "goes"
	}
	return "go"
}

func goroutinesTry(n int) string {
	if n == 1 {
		return "a goroutine tries"
	}
	return words.Count(n) + " goroutines try"
}

func (r *stuckJudge) severity(stuck []*waits.Stand) report.Severity {
	n, counted := 0, false
	for _, x := range stuck {
		n += x.N
		counted = counted || r.standing.Counted(x)
	}
	switch {
	case n >= waits.Many, n >= waits.Several && counted:
		return report.SeverityCritical
	case n >= waits.Several:
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

// whyStuck says who likely holds what, and what to do.
func (r *stuckJudge) whyStuck(stuck []*waits.Stand) (why, advice string) {
	most := stuck[0]
	if most.Pool.Makes() {
		return fmt.Sprintf("The other side takes no connections: %s to make one, and the network lets none of them go on.", goroutinesTry(r.standing.Dials())),
			most.Pool.Never
	}
	if most.Pool != nil {
		return fmt.Sprintf("Nobody gives back %s any more: whoever has one returned without, or stands itself. Who that is is not told: taking one leaves no event.", most.Pool.What),
			cmp.Or(most.Pool.Never, most.What.Advice)
	}
	if !most.Lock {
		return most.WhyEnds(), most.What.Advice
	}
	if why, advice = r.standing.Deadlock(most, stuck[1:], r.Zero); why != "" {
		return why, advice
	}
	return most.What.Why, most.What.Advice
}
