package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// explanation is the answer.
func (e *explainer) explanation() *report.Explanation {
	e.close()
	g := e.groups[0]
	for _, x := range e.groups {
		if x.all.N()+x.unfinished > 0 {
			g = x
			break
		}
	}
	x := &report.Explanation{Kind: g.kind, What: g.what, Unfinished: g.unfinished, Causes: []report.CauseTime{}, Extra: []report.CauseChange{},
		Slowest: []report.Instance{}, Notes: []string{}}
	h := &g.all
	x.Durations = report.Durations{Count: h.N(), Total: h.Sum(), P50: h.Quantile(.5), P90: h.Quantile(.9), P99: h.Quantile(.99),
		P999: h.Quantile(.999), Max: h.Max(), Buckets: report.BucketsOf(h)}
	x.Causes = causeTimes(&g.sum, 1)
	best := g.slowest.Best()
	for _, in := range best {
		x.Slowest = append(x.Slowest, e.instance(in))
	}
	x.Typical.Causes, x.Slow.Causes = []report.CauseTime{}, []report.CauseTime{}
	if h.N() == 0 { // all go on
		var sum bill
		for _, in := range best {
			sum.add(in.bill)
		}
		x.Causes = causeTimes(&sum, 1)
	}
	slow := g.slow(best)
	typical := g.typical(best, slow)
	if slow != nil {
		x.Slow = slow.group()
		if typical != nil {
			x.Typical = typical.group()
			x.Extra = changes(typical, slow)
		}
	}
	x.Headline, x.Detail = e.answer(x, g, best)
	x.Notes = append(e.notes(g, best), hidden(x)...)
	return x
}

// slow is the bill of the slowest instances: at most a quarter of all.
func (g *group) slow(best []*explained) *bill {
	var b bill
	for _, in := range best {
		if !in.unfinished && (b.count == 0 || 4*(b.count+1) <= g.all.N()) {
			b.add(in.bill)
		}
	}
	if b.count == 0 {
		return nil
	}
	return &b
}

// fewTypical is the least number of instances that tell what is typical.
const fewTypical = 3

// typical is the bill of the instances between the quartiles that are not among
// the slow ones, nil where there are too few.
func (g *group) typical(best []*explained, slow *bill) *bill {
	if g.all.N() < 4 || slow == nil {
		return nil
	}
	var b bill
	lo, hi := likeness(g.all.Quantile(.25)), likeness(g.all.Quantile(.75))
	for i := lo; i <= hi && i < len(g.bills); i++ {
		if g.bills[i] != nil {
			b.add(g.bills[i])
		}
	}
	for _, in := range finished(best)[:slow.count] {
		if !in.summed {
			continue
		}
		if i := likeness(in.bill.total); i >= lo && i <= hi {
			b.sub(in.bill)
		}
	}
	if b.count < fewTypical {
		return nil
	}
	return &b
}

func (b *bill) group() report.Group {
	g := report.Group{Count: b.count, Causes: causeTimes(b, b.count)}
	for _, c := range g.Causes {
		g.Mean += c.NS // sums to it, which the quotient would not
	}
	return g
}

// causeTimes are the causes of a bill, divided by n, most first.
func causeTimes(b *bill, n int64) []report.CauseTime {
	out := []report.CauseTime{}
	b.each(func(v via, c report.Cause, ns int64) {
		if ns /= n; ns > 0 {
			out = append(out, report.CauseTime{BlockedFor: reasonOf(v), Cause: c.String(), NS: ns, Text: causeText(v, c)})
		}
	})
	slices.SortStableFunc(out, func(a, b report.CauseTime) int { return cmp.Compare(b.NS, a.NS) })
	return out
}

// changes are what slow has more or less of than typical, most first.
func changes(typical, slow *bill) []report.CauseChange {
	out := []report.CauseChange{}
	for v := range numVias {
		for c := range report.NumCauses {
			x := report.CauseChange{BlockedFor: reasonOf(v), Cause: c.String(), Typical: typical.mean(v, c), Slow: slow.mean(v, c), Text: causeText(v, c)}
			if x.Typical != x.Slow {
				out = append(out, x)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b report.CauseChange) int {
		return cmp.Compare(b.Slow-b.Typical, a.Slow-a.Typical)
	})
	return out
}

// instance is one of the slowest, for the reader.
func (e *explainer) instance(x *explained) report.Instance {
	if l := e.h.gs[x.g]; x.fn == 0 && l != nil {
		x.fn = l.fn
	}
	in := report.Instance{Name: x.Name, Task: x.task, G: x.g, Func: e.funcOf(x.g, x.fn), Start: int64(x.Start - e.zero),
		Duration: x.bill.total, Unfinished: x.unfinished, Logs: x.logs, Causes: causeTimes(x.bill, 1),
		States: []report.StateTime{}, Antagonists: []report.Antagonist{}, Samples: []report.SampleTime{}, Path: []report.PathStep{}}
	if in.Logs == nil {
		in.Logs = []string{}
	}
	for s, ns := range x.states {
		s.NS = ns
		in.States = append(in.States, s)
	}
	slices.SortFunc(in.States, func(a, b report.StateTime) int {
		return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.State, b.State), cmp.Compare(a.Reason, b.Reason))
	})
	for a, ns := range x.antagonists {
		in.Antagonists = append(in.Antagonists, report.Antagonist{G: a.g, Func: e.funcOf(a.g, a.fn), P: a.p, Cause: a.cause.String(), NS: ns})
	}
	slices.SortFunc(in.Antagonists, func(a, b report.Antagonist) int {
		return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.G, b.G), cmp.Compare(a.P, b.P), cmp.Compare(a.Cause, b.Cause))
	})
	in.Antagonists = in.Antagonists[:min(len(in.Antagonists), maxAntagonists)]
	in.Samples = e.samples(x)
	for len(x.steps) > maxSteps {
		x.steps = shortened(x.steps)
	}
	steps := x.steps
	for len(steps) > e.path {
		steps = shortened(slices.Clone(steps))
	}
	for i := range steps {
		in.Path = append(in.Path, e.pathStep(&steps[i]))
	}
	in.Story = e.story(x)
	return in
}

const (
	maxAntagonists = 20 // of an instance
	maxSamples     = 10 // functions of an instance
)

func (e *explainer) samples(x *explained) []report.SampleTime {
	by := map[string]int64{}
	for stack, n := range x.samples {
		if frames := e.names.Stacks[stack]; len(frames) > 0 {
			by[frames[0].Func] += n
		}
	}
	out := []report.SampleTime{}
	for fn, n := range by {
		out = append(out, report.SampleTime{Func: fn, Count: n})
	}
	slices.SortFunc(out, func(a, b report.SampleTime) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Func, b.Func))
	})
	return out[:min(len(out), maxSamples)]
}

func (e *explainer) pathStep(s *step) report.PathStep {
	x := report.PathStep{Start: int64(s.from - e.zero), NS: int64(s.to - s.from), G: s.g, Func: e.funcOf(s.g, s.fn), Depth: s.depth,
		BlockedFor: reasonOf(s.via), Cause: s.cause.String(), P: s.p, By: s.who, ByFunc: e.funcOf(s.who, s.whoFn), Several: s.several}
	if s.cause == report.CauseBlocked || s.cause == report.CauseGCWait {
		x.Reason = s.reason.String()
	}
	if f := e.place(s.stack); f != nil {
		x.At = *f
	}
	x.Text = e.stepText(s)
	if s.several > 0 {
		x.Cause, x.By, x.ByFunc, x.At, x.Reason = "several", model.NoG, "", report.Frame{}, ""
		x.Text = words.Plural(int64(s.several), "short stretch")
	}
	return x
}

func (e *explainer) place(stack uint32) *report.Frame { return names.PlaceOf(e.names.Stacks[stack]) }

func (e *explainer) notes(g *group, best []*explained) []string {
	notes := []string{}
	if f, ok := g.finder.(interface{ notes() []string }); ok {
		notes = append(notes, f.notes()...)
	}
	if g.unfinished > 0 {
		notes = append(notes, fmt.Sprintf("%s had not ended when the trace did: not in the distribution, and among the slowest with the length until then", words.Count(g.unfinished)))
	}
	if g.skipped > 0 {
		notes = append(notes, fmt.Sprintf("where the time went is known of %s of them: in each, so much else went on that to follow all would take too long", words.Count(g.sum.count)))
	}
	if lost := g.sum.byCause()[report.CauseNotKept]; lost > 0 {
		notes = append(notes, fmt.Sprintf("%s of the explained time lies too far before its end for what happened then to be kept: explain a smaller part with --from and --to", words.Length(lost)))
	}
	for _, in := range best {
		if in.bill.share(report.CauseIdleP)+in.bill.share(report.CauseDispatch) > .1 {
			notes = append(notes, "that a thread came late, or was held up, a trace shows; not why: the operating system gave it no CPU, or took long to wake it")
			break
		}
	}
	return notes
}

// hidden notes what the main causes may hide.
func hidden(x *report.Explanation) []string {
	extra := map[report.Cause]int64{}
	for _, c := range x.Extra {
		for k := range report.NumCauses {
			if k.String() == c.Cause {
				extra[k] += c.Slow - c.Typical
			}
		}
	}
	var out []string
	for _, h := range []struct {
		cause report.Cause
		text  string
	}{
		{report.CauseRunning, "the slow ones ran %s longer than typical ones (or what they waited for did): there was more to do, or a thread got no CPU for a while, which no trace shows"},
		{report.CauseSleep, "the slow ones slept %s longer than typical ones: a trace says when a timer fired, not when it was due; if all Ps were busy, or the operating system ran no thread, it fired late"},
		{report.CauseNetwork, "the slow ones waited %s longer for the network than typical ones: a trace says when the runtime noticed that it was ready, not since when it was; if all Ps were busy, that may have been late"},
	} {
		if d := extra[h.cause]; float64(d) >= secondShare*float64(x.Slow.Mean-x.Typical.Mean) && d > 0 {
			out = append(out, fmt.Sprintf(h.text, words.Length(d)))
		}
	}
	return out
}

// aboutAsSlow is the least share of the slow ones' time by which they must exceed
// typical ones for the difference to be what is explained.
const aboutAsSlow = .2

// nothingSlow is the length up to which a stall is nothing to talk about.
const nothingSlow = 1_000_000 // ns

// answer is the headline and a detail.
func (e *explainer) answer(x *report.Explanation, g *group, best []*explained) (headline, detail string) {
	n := g.all.N()
	if n+g.unfinished == 0 {
		return e.nothing(g), ""
	}
	of, shown := best[0].bill, best[:1]
	slow := g.slow(best)
	switch typical := g.typical(best, slow); {
	case g.kind == report.KindStall && best[0].bill.total < nothingSlow:
		return fmt.Sprintf("Nothing here is slow: the longest of %s %s took %s.", words.Count(n+g.unfinished), many(g), lengthText(best[0])), ""
	case typical != nil && float64(x.Slow.Mean-x.Typical.Mean) >= aboutAsSlow*float64(x.Slow.Mean):
		of, shown = slow, finished(best)[:slow.count]
		headline = fmt.Sprintf("%s of %s %s took %s, %s more than a typical one", slowest(slow.count), words.Count(n), many(g), each(slow.count, words.Length(x.Slow.Mean)), words.Length(x.Slow.Mean-x.Typical.Mean))
		headline += e.blame(shown, slow, typical)
	case n+g.unfinished == 1:
		headline = "It took " + lengthText(best[0]) + e.blame(shown, of, nil)
	case typical != nil:
		headline = fmt.Sprintf("All %s %s were about as slow, the slowest took %s", words.Count(n+g.unfinished), many(g), lengthText(best[0])) + e.blame(shown, of, nil)
	default:
		headline = fmt.Sprintf("The slowest of %s %s took %s", words.Count(n+g.unfinished), many(g), lengthText(best[0])) + e.blame(shown, of, nil)
	}
	return headline, schedulerShare(of)
}

// nothing says that there is nothing to explain, and what there would be.
func (e *explainer) nothing(g *group) string {
	where := "The trace has"
	if e.window.From > e.zero || e.window.To != replay.Forever {
		where = "That part of the trace has"
	}
	if len(e.groups) > 1 && e.groups[len(e.groups)-1].kind == report.KindStall {
		return where + " no requests, no tasks, and nothing that waited for a P, a lock or the collector."
	}
	s := fmt.Sprintf("%s no %s", where, strings.TrimPrefix(g.what, "what led up to "))
	if f, ok := g.finder.(interface{ others() []string }); ok {
		if names := f.others(); len(names) > 0 {
			s += ", but others: " + strings.Join(names, ", ")
		}
	}
	return s + "."
}

// secondShare is the share of the time from which the headline names a second
// cause too.
const secondShare = .25

// blame says which causes most of ns went to, and who was behind the first one.
func (e *explainer) blame(shown []*explained, slow, typical *bill) string {
	var by [report.NumCauses]int64
	var most [report.NumCauses]struct {
		via via
		ns  int64
	}
	order := make([]report.Cause, report.NumCauses)
	for c := range report.NumCauses {
		order[c] = c
		for v := range numVias {
			d := slow.mean(v, c)
			if typical != nil {
				d -= typical.mean(v, c)
			}
			by[c] += d
			if d > most[c].ns {
				most[c].via, most[c].ns = v, d
			}
		}
	}
	slices.SortStableFunc(order, func(a, b report.Cause) int { return cmp.Compare(by[b], by[a]) })
	var ns, less int64 // of some causes the slow ones may have less
	for _, d := range by {
		ns += max(d, 0)
		less += max(-d, 0)
	}
	text := func(c report.Cause) string {
		s := did[c]
		if most[c].ns*100 >= by[c]*95 {
			s = causeText(most[c].via, c)
		} else if most[c].via != 0 || most[c].ns != by[c] {
			s += ", by itself or by a goroutine that it waited for"
		}
		if typical != nil && c == report.CauseRunning {
			s += " (or waiting for a CPU, which no trace shows)"
		}
		return s
	}
	first, second := order[0], order[1]
	if by[first] <= 0 {
		return "."
	}
	that := "that"
	if less*20 > ns {
		that = "what there was more of"
	}
	s := fmt.Sprintf(": %s of %s went to %s%s", words.ShareOf(by[first], ns), that, text(first), e.behind(shown, first))
	if float64(by[second]) >= secondShare*float64(ns) {
		s += fmt.Sprintf("; another %s to %s", words.ShareOf(by[second], ns), text(second))
	}
	return s + "."
}

// behind names the function whose goroutines account for most of a cause: those
// that had the P, or that did what was waited for; "" where it is no single one's.
func (e *explainer) behind(shown []*explained, c report.Cause) string {
	who, did, at := map[string]int64{}, map[string]int64{}, map[uint32]int64{}
	var all int64
	for _, x := range shown {
		for s, d := range x.sums {
			if s.cause != c {
				continue
			}
			all += d
			if s.who.G != model.NoG {
				who[e.funcOf(s.who.G, s.who.Func)] += d
			}
			if s.g.G != model.NoG && !waitsForP(c) {
				did[e.funcOf(s.g.G, s.g.Func)] += d
			}
			if s.stack != 0 {
				at[s.stack] += d
			}
		}
	}
	stack, ns := most(at)
	if ns*2 <= all {
		stack = 0
	}
	if fn, ns := most(who); ns*2 > all && fn != "" {
		if stopsAll(c) {
			return "; it was stopped by " + words.Function(fn) + e.at(stack)
		}
		return "; the P was held by " + words.Function(fn)
	}
	text := ""
	if fn, ns := most(did); ns*2 > all && fn != "" {
		text = ": " + words.Function(fn)
	}
	return text + e.at(stack)
}

// schedulerShare answers how much of it was the scheduler, and whose doing that was.
func schedulerShare(of *bill) string {
	var waited int64
	by := of.byCause()
	for c, ns := range by {
		if waitsForP(report.Cause(c)) {
			waited += ns
		}
	}
	if waited == 0 {
		return "None of it was waiting for a P" + notTheScheduler(&by, of.total) + "."
	}
	s := fmt.Sprintf("Waiting for a P made up %s of the time", words.ShareOf(waited, of.total))
	kinds := []struct {
		ns   int64
		text string
	}{
		{by[report.CauseGCWorker] + by[report.CauseGCStop], "for the garbage collector (mark workers, stop-the-world)"},
		{by[report.CauseStopTheWorld], "while the world was stopped for another reason"},
		{by[report.CauseQueue] + by[report.CauseGlobalQueue] + by[report.CauseAfterSyscall] + by[report.CauseRuntime], "while others ran"},
		{by[report.CauseSyscallHeld], "for a P held by a system call"},
		{by[report.CauseIdleP] + by[report.CauseDispatch], "although a P was free (its thread came late)"},
	}
	slices.SortStableFunc(kinds, func(a, b struct {
		ns   int64
		text string
	}) int {
		return cmp.Compare(b.ns, a.ns)
	})
	var parts []string
	for _, k := range kinds {
		if k.ns*100 >= of.total {
			parts = append(parts, words.ShareOf(k.ns, of.total)+" "+k.text)
		}
	}
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	if waited*10 < of.total {
		s += notTheScheduler(&by, of.total)
	}
	return s + "."
}

// notTheScheduler says so, unless most of the time went to what hides delays by the
// scheduler or by the operating system: when a timer was due and when the network was
// ready no trace says, nor whether a thread had a CPU.
func notTheScheduler(by *[report.NumCauses]int64, total int64) string {
	if (by[report.CauseRunning]+by[report.CauseSleep]+by[report.CauseNetwork]+by[report.CauseBlocked])*2 > total {
		return ""
	}
	return ": it was not the scheduler"
}

// finished are those that had ended when the trace did.
func finished(all []*explained) []*explained {
	var out []*explained
	for _, x := range all {
		if !x.unfinished {
			out = append(out, x)
		}
	}
	return out
}

// each is a mean, said so where it is one.
func each(n int64, s string) string {
	if n == 1 {
		return s
	}
	return s + " on average"
}

func slowest(n int64) string {
	if n == 1 {
		return "The slowest"
	}
	return fmt.Sprintf("The %s slowest", words.Count(n))
}

// many is what a group's instances are called.
func many(g *group) string {
	switch g.kind {
	case report.KindLog:
		return "messages"
	}
	return string(g.kind) + "s"
}

func lengthText(x *explained) string {
	if x.unfinished {
		return "at least " + words.Length(x.bill.total)
	}
	return words.Length(x.bill.total)
}
