package diagnose

import (
	"fmt"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkLeak measures whether goroutines that started with the same function get
// more and more, and stay blocked.
//
// Threshold: 20 more at the end than at the beginning, a warning from 100; their
// number never fell from one eighth of the trace to the next and rose in at least
// six; nine tenths of the growth is blocked at the end, half of it for longer than an
// eighth of the trace. And at most a tenth of those that began ended; or 20 did, and
// most of those that stay are blocked where none else was for a tenth as long and went
// on: then it is a warning from 20.
//
// False positives: a program whose load grows all through the trace, with a
// goroutine for each connection; where they wait for the network, it is
// information only. A trace of less than a second is too short to tell growth
// from work in progress, unless others of the same function come to their end.
var checkLeak = check{id: "leak", title: "Goroutines that get more and never end", begin: func(s *replay.Session) judge {
	return (&leakJudge{bench: bench{s}, leaks: replay.Shared(s, newLeaks)}).judge
}}

type leakJudge struct {
	bench
	leaks *leaks
}

func (r *leakJudge) judge(rep *report.Report) judgement {
	r.leaks.finish()
	var worst *growth
	var most, open int64
	for _, g := range r.leaks.byFunc {
		if g == nil || names.IsRuntime(r.Names.Funcs[g.fn]) {
			continue
		}
		most = max(most, g.live)
		if report.Analysed(rep) < leakTrace && !g.forever(r.leaks, g.place()) {
			open = max(open, g.live)
			continue
		}
		if g.leaks(r.leaks) && (worst == nil || g.live > worst.live) {
			worst = g
		}
	}
	j := judgement{measured: fmt.Sprintf("one function's goroutines grew by %s at most", words.Count(most))}
	if worst == nil && open >= leakSize {
		j.undecided = fmt.Sprintf("%s is too short to tell goroutines that stay from work in progress: record %s or more", words.Length(report.Analysed(rep)), words.Length(leakTrace))
		return j
	}
	if worst == nil {
		return j
	}
	stuck := worst.place()
	name := words.Function(r.Names.Funcs[worst.fn])
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("Goroutines of %s grew by %s and stay blocked", name, words.Count(worst.live)),
		CostOf:   "not a cost in time",
		What: fmt.Sprintf("In %s %s goroutines began in %s and %s ended; their number rose all the time. %s were blocked at the end, %s of them for more than %s.",
			words.Length(report.Analysed(rep)), words.Count(worst.born), name, words.Count(worst.ended), words.Count(worst.blocked), words.Count(worst.stuck), words.Length(report.Analysed(rep)/leakParts)),
		Why:    fmt.Sprintf("They are %s, and nothing woke them. Mostly that means that whoever starts them does not make sure that they end.", blockedOn(stuck.reason.String())),
		Advice: "Look at the stack: who should send, receive, close or unlock there? Give it a context that ends, or a channel with room for the one value.",
		Sure:   "medium", SureWhy: "the goroutines are in the trace; whether something would wake them after its end is not",
		Evidence: []report.Evidence{
			{Label: "began", Value: words.Count(worst.born)},
			{Label: "ended", Value: words.Count(worst.ended)},
			{Label: "blocked at the end", Value: words.Count(worst.blocked)},
			{Label: "number by eighths of the trace, from its beginning", Value: fmt.Sprint(r.leaks.curve(worst))},
		},
		Stacks: r.stack("where they are blocked", stuck.stack),
	}
	if worst.forever(r.leaks, stuck) {
		f.Why = fmt.Sprintf("They are %s, where nobody else of the program was for a tenth as long and went on. Mostly that means that whoever starts them does not make sure that they end: it gave up waiting, or returned.", blockedOn(stuck.reason.String()))
		f.Sure = "high"
	}
	if (worst.live >= 100 || f.Sure == "high") && stuck.reason != model.ReasonNetwork {
		f.Severity = report.SeverityWarning
	}
	f.Moments = []report.Moment{r.moment(stuck.since[0], r.End, stuck.g, -1, -1, fmt.Sprintf("%s blocked since %s", words.Goroutine(int64(stuck.g), r.Names.Funcs[worst.fn]), words.At(r.Offset(stuck.since[0]))))}
	j.findings = []report.Finding{f}
	return j
}

const (
	leakSize    = 20
	leakTrace   = 1_000_000_000 // ns
	leakParts   = 8
	leakSamples = 64        // kept, at equal distances
	leakTick    = 1_000_000 // ns: the first distance; it doubles as the trace grows
)
