package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/model"
)

// explanation is the answer.
func (e *explainer) explanation() *Explanation {
	e.close()
	g := e.groups[0]
	for _, x := range e.groups {
		if x.all.n+x.unfinished > 0 {
			g = x
			break
		}
	}
	x := &Explanation{Kind: g.kind, What: g.what, Unfinished: g.unfinished, Causes: []CauseTime{}, Extra: []CauseChange{},
		Slowest: []Instance{}, Notes: []string{}}
	h := &g.all
	x.Durations = Durations{Count: h.n, Total: h.total, P50: h.quantile(.5), P90: h.quantile(.9), P99: h.quantile(.99),
		P999: h.quantile(.999), Max: h.max, Buckets: h.octaves()}
	x.Causes = causeTimes(&g.sum, 1)
	best := g.slowest.best()
	for _, in := range best {
		x.Slowest = append(x.Slowest, e.instance(in))
	}
	x.Typical.Causes, x.Slow.Causes = []CauseTime{}, []CauseTime{}
	slow, typical := g.slow(best), g.typical()
	if slow != nil {
		x.Slow = slow.group()
		if typical != nil {
			x.Typical = typical.group()
			x.Extra = changes(typical, slow)
		}
	}
	x.Headline, x.Detail = e.answer(x, g, best)
	x.Notes = append(e.notes(g, best), ranLonger(x)...)
	return x
}

// slow is the bill of the slowest instances: at most a quarter of all.
func (g *group) slow(best []*explained) *bill {
	var b bill
	for _, in := range best {
		if !in.unfinished && (b.count == 0 || 4*(b.count+1) <= g.all.n) {
			b.add(&in.bill)
		}
	}
	if b.count == 0 {
		return nil
	}
	return &b
}

// typical is the bill of the instances between the quartiles, nil where there are
// fewer than four in all.
func (g *group) typical() *bill {
	if g.all.n < 4 {
		return nil
	}
	var b bill
	lo, hi := bucketOf(g.all.quantile(.25)), bucketOf(g.all.quantile(.75))
	for i := lo; i <= hi && i < len(g.bills); i++ {
		if g.bills[i] != nil {
			b.add(g.bills[i])
		}
	}
	return &b
}

// mean is the time of one cause for each instance.
func (b *bill) mean(v via, c Cause) int64 { return b.ns[v][c] / max(1, b.count) }

func (b *bill) group() Group {
	g := Group{Count: b.count, Causes: causeTimes(b, b.count)}
	for _, c := range g.Causes {
		g.Mean += c.NS // sums to it, which the quotient would not
	}
	return g
}

// causeTimes are the causes of a bill, divided by n, most first.
func causeTimes(b *bill, n int64) []CauseTime {
	out := []CauseTime{}
	for v := range b.ns {
		for c := range b.ns[v] {
			if ns := b.ns[v][c] / n; ns > 0 {
				out = append(out, CauseTime{reasonOf(via(v)), Cause(c).String(), ns, causeText(via(v), Cause(c))})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b CauseTime) int { return cmp.Compare(b.NS, a.NS) })
	return out
}

// changes are what slow has more or less of than typical, most first.
func changes(typical, slow *bill) []CauseChange {
	out := []CauseChange{}
	for v := range slow.ns {
		for c := range slow.ns[v] {
			x := CauseChange{reasonOf(via(v)), Cause(c).String(), typical.mean(via(v), Cause(c)), slow.mean(via(v), Cause(c)), causeText(via(v), Cause(c))}
			if x.Typical != x.Slow {
				out = append(out, x)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b CauseChange) int {
		return cmp.Compare(b.Slow-b.Typical, a.Slow-a.Typical)
	})
	return out
}

// instance is one of the slowest, for the reader.
func (e *explainer) instance(x *explained) Instance {
	if l := e.h.gs[x.g]; x.fn == 0 && l != nil {
		x.fn = l.fn
	}
	in := Instance{Name: x.name, Task: x.task, G: x.g, Func: e.names.startFunc(x.fn), Start: int64(x.start - e.zero),
		Duration: x.bill.total, Unfinished: x.unfinished, Logs: x.logs, Causes: causeTimes(&x.bill, 1),
		States: []StateTime{}, Antagonists: []Antagonist{}, Samples: []SampleTime{}, Path: []PathStep{}}
	if in.Logs == nil {
		in.Logs = []string{}
	}
	for s, ns := range x.states {
		s.NS = ns
		in.States = append(in.States, s)
	}
	slices.SortFunc(in.States, func(a, b StateTime) int {
		return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.State, b.State), cmp.Compare(a.Reason, b.Reason))
	})
	for a, ns := range x.antagonists {
		in.Antagonists = append(in.Antagonists, Antagonist{a.g, e.names.startFunc(a.fn), a.p, a.cause.String(), ns})
	}
	slices.SortFunc(in.Antagonists, func(a, b Antagonist) int {
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

func (e *explainer) samples(x *explained) []SampleTime {
	by := map[string]int64{}
	for stack, n := range x.samples {
		if frames := e.names.stacks[stack]; len(frames) > 0 {
			by[frames[0].Func] += n
		}
	}
	out := []SampleTime{}
	for fn, n := range by {
		out = append(out, SampleTime{fn, n})
	}
	slices.SortFunc(out, func(a, b SampleTime) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Func, b.Func)) })
	return out[:min(len(out), maxSamples)]
}

func (e *explainer) pathStep(s *step) PathStep {
	x := PathStep{Start: int64(s.from - e.zero), NS: int64(s.to - s.from), G: s.g, Func: e.names.startFunc(s.fn), Depth: s.depth,
		BlockedFor: reasonOf(s.via), Cause: s.cause.String(), P: s.p, By: s.who, ByFunc: e.names.startFunc(s.whoFn), Several: s.several}
	if s.cause == CauseBlocked || s.cause == CauseGCWait {
		x.Reason = s.reason.String()
	}
	if f := e.place(s.stack); f != nil {
		x.At = *f
	}
	x.Text = e.stepText(s)
	if s.several > 0 {
		x.Cause, x.By, x.ByFunc, x.At, x.Reason = "several", model.NoG, "", Frame{}, ""
		x.Text = plural(int64(s.several), "short stretch")
	}
	return x
}

func (e *explainer) place(stack uint32) *Frame { return placeOf(e.names.stacks[stack]) }

// placeOf is the frame of a stack that says most to whoever wrote the program: the
// innermost one that is not of the standard library's lower parts.
func placeOf(frames []Frame) *Frame {
	if len(frames) == 0 {
		return nil
	}
	for i := range frames {
		if !hasPrefix(frames[i].Func, plumbing) {
			return &frames[i]
		}
	}
	return &frames[0]
}

// plumbing is what programs are blocked in, without having written it.
var plumbing = []string{"runtime.", "sync.", "internal/", "syscall.", "os.", "net.", "time.", "io.", "bufio.", "context.", "crypto/", "golang.org/x/sync/"}

func (e *explainer) notes(g *group, best []*explained) []string {
	notes := []string{}
	if f, ok := g.finder.(interface{ notes() []string }); ok {
		notes = append(notes, f.notes()...)
	}
	if g.unfinished > 0 {
		notes = append(notes, fmt.Sprintf("%d had not ended when the trace did: they are not in the distribution, and among the slowest with the lengths that they had come to", g.unfinished))
	}
	var lost int64
	for v := range g.sum.ns {
		lost += g.sum.ns[v][CauseNotKept]
	}
	if lost > 0 {
		notes = append(notes, fmt.Sprintf("%s of the explained time lies too far before its end for what happened then to be kept: explain a smaller part with --from and --to", dur(lost)))
	}
	for _, in := range best {
		if in.bill.share(CauseIdleP)+in.bill.share(CauseDispatch) > .1 {
			notes = append(notes, "that a thread came late, or was held up, a trace shows; not why: the operating system gave it no CPU, or took long to wake it")
			break
		}
	}
	return notes
}

// ranLonger notes what running longer may mean.
func ranLonger(x *Explanation) []string {
	for _, c := range x.Extra {
		if c.Cause == CauseRunning.String() && float64(c.Slow-c.Typical) >= secondShare*float64(x.Slow.Mean-x.Typical.Mean) {
			return []string{fmt.Sprintf("the slow ones ran %s longer than typical ones (or what they waited for did): there was more to do, or a thread got no CPU for a while, which no trace shows", dur(c.Slow-c.Typical))}
		}
	}
	return nil
}

// share is the part of a bill that went to a cause, in [0, 1].
func (b *bill) share(c Cause) float64 {
	var ns int64
	for v := range b.ns {
		ns += b.ns[v][c]
	}
	return float64(ns) / float64(max(1, b.total))
}

// of is the time of all waits for a P in a bill, and how much of it was the
// collector's doing.
func (b *bill) ofP() (waited, collector int64) {
	for v := range b.ns {
		for c := CauseStopTheWorld; c <= CauseDispatch; c++ {
			waited += b.ns[v][c]
		}
		collector += b.ns[v][CauseStopTheWorld] + b.ns[v][CauseGCWorker]
	}
	return waited, collector
}

// answer is the headline and a detail.
func (e *explainer) answer(x *Explanation, g *group, best []*explained) (headline, detail string) {
	n := g.all.n
	if n+g.unfinished == 0 {
		return fmt.Sprintf("The trace has no %s.", strings.TrimPrefix(g.what, "what led up to ")), ""
	}
	of, shown := &best[0].bill, best[:1]
	switch slow := g.slow(best); {
	case len(x.Extra) > 0 && x.Slow.Mean > x.Typical.Mean:
		of, shown = slow, finished(best)[:slow.count]
		extra := x.Slow.Mean - x.Typical.Mean
		headline = fmt.Sprintf("%s of %d %s took %s, %s more than a typical one", slowest(slow.count), n, many(g), each(slow.count, dur(x.Slow.Mean)), dur(extra))
		headline += e.blame(shown, slow, g.typical(), extra)
	case n+g.unfinished == 1:
		headline = "It took " + lengthText(best[0]) + e.blame(shown, of, nil, of.total)
	default:
		headline = fmt.Sprintf("The slowest of %d %s took %s", n+g.unfinished, many(g), lengthText(best[0])) + e.blame(shown, of, nil, of.total)
	}
	return headline, schedulerShare(of)
}

// secondShare is the share of the time from which the headline names a second
// cause too.
const secondShare = .25

// blame says which causes most of ns went to, and who was behind the first one.
func (e *explainer) blame(shown []*explained, slow, typical *bill, ns int64) string {
	var by [NumCauses]int64
	var most [NumCauses]struct {
		via via
		ns  int64
	}
	order := make([]Cause, NumCauses)
	for c := range NumCauses {
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
	slices.SortStableFunc(order, func(a, b Cause) int { return cmp.Compare(by[b], by[a]) })
	if typical != nil { // shares of what there is more of: of other causes there may be less
		ns = 0
		for _, d := range by {
			ns += max(d, 0)
		}
	}
	text := func(c Cause) string {
		if most[c].ns*5 >= by[c]*3 {
			return causeText(most[c].via, c)
		}
		return did[c] + ", by itself or by a goroutine that it waited for"
	}
	first, second := order[0], order[1]
	if by[first] <= 0 {
		return "."
	}
	s := fmt.Sprintf(": %s of that went to %s%s", percent(min(by[first], ns), ns), text(first), e.behind(shown, first))
	if float64(by[second]) >= secondShare*float64(ns) {
		s += fmt.Sprintf("; another %s to %s", percent(by[second], ns), text(second))
	}
	return s + "."
}

// behind names the function whose goroutines account for most of a cause: those
// that had the P, or that did what was waited for; "" where it is no single one's.
func (e *explainer) behind(shown []*explained, c Cause) string {
	who, did, at := map[uint32]int64{}, map[uint32]int64{}, map[uint32]int64{}
	var all int64
	for _, x := range shown {
		for i := range x.steps {
			s := &x.steps[i]
			if s.cause != c || s.several > 0 {
				continue
			}
			d := int64(s.to - s.from)
			all += d
			if s.who != model.NoG {
				who[e.names.start[s.whoFn]] += d
			}
			if s.depth > 0 && !c.waitsForP() {
				did[e.names.start[s.fn]] += d
			}
			if s.stack != 0 {
				at[s.stack] += d
			}
		}
	}
	if fn, ns := most(who); ns*2 > all && e.names.funcs[fn] != "" {
		return "; the P was held by " + functionName(e.names.funcs[fn])
	}
	text := ""
	if fn, ns := most(did); ns*2 > all && e.names.funcs[fn] != "" {
		text = ": " + functionName(e.names.funcs[fn])
	}
	if stack, ns := most(at); ns*2 > all {
		text += e.at(stack)
	}
	return text
}

// schedulerShare answers whether it was the scheduler.
func schedulerShare(of *bill) string {
	waited, collector := of.ofP()
	if waited == 0 {
		return "None of it was waiting for a P: it was not the scheduler."
	}
	s := fmt.Sprintf("Waiting for a P made up %s of the time", percent(waited, of.total))
	if collector > 0 {
		s += fmt.Sprintf(": %s of that while the garbage collector had the Ps (mark workers, stop-the-world), %s for other reasons", percent(collector, waited), percent(waited-collector, waited))
	}
	if waited*10 < of.total {
		s += ". It was not the scheduler"
	}
	return s + "."
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
	return fmt.Sprintf("The %d slowest", n)
}

// many is what a group's instances are called.
func many(g *group) string {
	switch g.kind {
	case KindLog:
		return "messages"
	}
	return string(g.kind) + "s"
}

func lengthText(x *explained) string {
	if x.unfinished {
		return "at least " + dur(x.bill.total)
	}
	return dur(x.bill.total)
}
