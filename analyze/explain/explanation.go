package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// explanation is the answer.
func (e *explainer) explanation() *report.Explanation {
	e.close()
	g := e.groups[0]
	for _, x := range e.groups {
		if x.n() > 0 && (x.kind != report.KindMain || !e.stoodBy(x.first().slowest.Best()[0])) {
			g = x
			break
		}
	}
	p := g.first()
	x := &report.Explanation{Kind: g.kind, What: g.what, Causes: []report.CauseTime{}, Extra: []report.CauseChange{}, Roots: []report.Root{}, Usual: []report.Root{},
		Slowest: []report.Instance{}, Notes: []string{}, Groups: g.summaries()}
	x.Typical.Causes, x.Slow.Causes = []report.CauseTime{}, []report.CauseTime{}
	if p == nil {
		x.Durations = durations(&stat.Sketch{})
		x.Headline, x.Notes = e.nothing(), e.notes(g, &population{}, nil)
		return x
	}
	x.Name, x.Called, x.Unfinished, x.Durations = p.name, many(g)+g.named(p), p.unfinished, durations(&p.all)
	x.Causes = causeTimes(&p.sum, 1)
	best := p.slowest.Best()
	for _, in := range best {
		x.Slowest = append(x.Slowest, e.instance(in))
	}
	a := &answer{e: e, g: g, p: p, slow: p.slow(best), usual: g.usual(p)}
	if a.usual == p {
		a.typical = p.middle(a.slow)
	} else {
		a.typical = a.usual.middle(nil)
	}
	x.Slow = a.bill().group()
	if a.typical != nil {
		x.Typical = a.typical.group()
		x.Extra = changes(a.typical, a.bill())
	}
	a.tell(x)
	x.Notes = append(e.notes(g, p, best), hidden(x)...)
	return x
}

func durations(h *stat.Sketch) report.Durations {
	return report.Durations{Count: h.N(), Total: h.Sum(), P50: h.Quantile(.5), P90: h.Quantile(.9), P99: h.Quantile(.99),
		P999: h.Quantile(.999), Max: h.Max(), Buckets: report.BucketsOf(h)}
}

// maxGroups is how many populations an Explanation names.
const maxGroups = 20

// summaries are the populations, the one that is explained first.
func (g *group) summaries() []report.Population {
	out := []report.Population{}
	for _, p := range g.ranked() {
		if len(out) == maxGroups {
			break
		}
		out = append(out, report.Population{Name: p.name, Count: p.all.N(), Unfinished: p.unfinished, Total: p.all.Sum(), Lost: p.lost(),
			P50: p.all.Quantile(.5), P99: p.all.Quantile(.99), Max: p.all.Max()})
	}
	return out
}

// slow are the slowest instances: at most a quarter of all, one at least.
func (p *population) slow(best []*explained) []*explained {
	return best[:max(1, min(len(best), int(p.all.N()/4)))]
}

func billOf(of []*explained) *bill {
	var b bill
	for _, x := range of {
		b.add(x.bill)
	}
	return &b
}

// fewTypical is the least number of instances that tell what is typical.
const fewTypical = 3

// farFromMedian is how many times as long as the median what lies between the quartiles may
// take to be typical: of many that are quick and some that are slow the mean would be neither's.
const farFromMedian = 4

// usualLengths are those of typical instances, of those that ended.
func (p *population) usualLengths() (lo, hi int64) {
	lo, hi = p.ended.Quantile(.25), p.ended.Quantile(.75)
	if p.ended.N() >= 4*fewTypical { // so that enough lie below the median
		hi = min(hi, farFromMedian*p.ended.Quantile(.5))
	}
	return lo, hi
}

// middle is the bill of the instances of usual lengths, but for the slow ones, nil where there
// are too few.
func (p *population) middle(slow []*explained) *bill {
	if p.ended.N() < 4 {
		return nil
	}
	var b bill
	from, to := p.usualLengths()
	lo, hi := likeness(from), likeness(to)
	for i := lo; i <= hi && i < len(p.bills); i++ {
		if p.bills[i] != nil {
			b.add(p.bills[i])
		}
	}
	for _, x := range slow {
		if i := likeness(x.bill.total); x.summed && !x.unfinished && i >= lo && i <= hi {
			b.sub(x.bill)
		}
	}
	if b.count < fewTypical {
		return nil
	}
	return &b
}

// sample are the kept instances of those lengths that are not among the slow ones.
func (p *population) sample(slow []*explained) []*explained {
	lo, hi := p.usualLengths()
	var out []*explained
	for _, x := range p.typical.kept {
		if lo <= x.bill.total && x.bill.total <= hi && !slices.Contains(slow, x) {
			out = append(out, x)
		}
	}
	return out
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
			out = append(out, report.CauseTime{BlockedFor: reasonOf(v), Cause: c.String(), Parent: c.Parent(), NS: ns, Text: causeText(v, c)})
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
			x := report.CauseChange{BlockedFor: reasonOf(v), Cause: c.String(), Parent: c.Parent(), Typical: typical.mean(v, c), Slow: slow.mean(v, c), Text: causeText(v, c)}
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
	x.fn = cmp.Or(x.fn, x.ran)
	doing := e.doing(x)
	in := report.Instance{Name: x.Name, Task: x.task, G: x.g, Func: e.called(doing, x.g, x.fn), Start: int64(x.Start - e.zero),
		Duration: x.bill.total, Unfinished: x.unfinished, Logs: x.logs, Causes: causeTimes(x.bill, 1),
		States: []report.StateTime{}, Antagonists: []report.Antagonist{}, Samples: []report.SampleTime{}, Spent: e.spent(x), Path: []report.PathStep{}}
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
	had := slices.SortedFunc(slices.Values(x.antagonists.list), func(a, b keyed[antagonist, int64]) int {
		return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.key.g, b.key.g), cmp.Compare(a.key.p, b.key.p), cmp.Compare(a.key.cause.String(), b.key.cause.String()))
	})
	for _, a := range had[:min(len(had), maxAntagonists)] {
		in.Antagonists = append(in.Antagonists, report.Antagonist{G: a.key.g, Func: e.called(doing, a.key.g, a.key.fn), P: a.key.p, Cause: a.key.cause.String(), NS: a.value})
	}
	in.Samples = e.samples(x)
	for len(x.steps) > maxSteps {
		x.steps = shortened(x.steps)
	}
	steps := x.steps
	for len(steps) > e.path {
		steps = shortened(slices.Clone(steps))
	}
	for i := range steps {
		in.Path = append(in.Path, e.pathStep(&steps[i], doing))
	}
	in.Story = e.story(x, doing)
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

func (e *explainer) pathStep(s *step, doing map[model.GoID]string) report.PathStep {
	x := report.PathStep{Start: int64(s.from - e.zero), NS: int64(s.to - s.from), G: s.g, Func: e.called(doing, s.g, s.fn), Depth: s.depth,
		BlockedFor: reasonOf(s.via), Cause: s.cause.String(), P: s.p, By: s.who, ByFunc: e.called(doing, s.who, s.whoFn), Likely: s.likely, Several: s.several}
	if s.cause == report.CauseBlocked || s.cause == report.CauseGCWait {
		x.Reason = s.reason.String()
	}
	if f := e.place(s.stack); f != nil {
		x.At = *f
	}
	x.Text = e.stepText(s, doing)
	if s.several > 0 {
		x.Cause, x.By, x.ByFunc, x.At, x.Reason = "several", model.NoG, "", report.Frame{}, ""
		x.Text = words.Plural(int64(s.several), "short stretch")
	}
	return x
}

func (e *explainer) place(stack uint32) *report.Frame {
	if p := e.names.Places().Of(stack); p != nil {
		return &p.At
	}
	return names.PlaceOf(e.names.Stacks[stack])
}

func (e *explainer) notes(g *group, p *population, best []*explained) []string {
	notes := []string{}
	if f, ok := g.finder.(interface{ notes() []string }); ok {
		notes = append(notes, f.notes()...)
	}
	if p.unfinished > 0 {
		notes = append(notes, fmt.Sprintf("%s had not ended when the trace did: they count with the length until then", words.Count(p.unfinished)))
	}
	if p.beyond > 0 {
		notes = append(notes, fmt.Sprintf("%s reach beyond the part of the trace that was asked for: they count with all of their length", words.Count(p.beyond)))
	}
	if p.skipped > 0 {
		notes = append(notes, fmt.Sprintf("where the time went is known of %s of them: in each, so much else went on that to follow all would take too long", words.Count(p.sum.count)))
	}
	if lost := p.sum.byCause()[report.CauseNotKept]; lost > 0 {
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

// hiddenFrom is the time from which it is worth a word what else it may have been: threads
// wait for a CPU, and timers fire late, by about a millisecond and more.
const hiddenFrom = 1_000_000 // ns

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
		if d := extra[h.cause]; float64(d) >= secondShare*float64(x.Slow.Mean-x.Typical.Mean) && d >= hiddenFrom {
			out = append(out, fmt.Sprintf(h.text, words.Length(d)))
		}
	}
	return out
}

// nothing says that there is nothing to explain, and what there would be.
func (e *explainer) nothing() string {
	where := "The trace has"
	if e.window.From > e.zero || e.window.To != replay.Forever {
		where = "That part of the trace has"
	}
	if len(e.groups) > 1 && e.groups[len(e.groups)-1].kind == report.KindStall {
		return where + " no requests, no tasks, and nothing that waited for a P, a lock or the collector."
	}
	var said []string
	for i, g := range e.groups {
		said = append(said, e.none(g, where, i > 0))
		where = "It has"
	}
	return strings.Join(said, " ")
}

// none says that a group has no instances, and what others there are.
func (e *explainer) none(g *group, where string, too bool) string {
	s := fmt.Sprintf("%s no %s", where, strings.TrimPrefix(g.what, "what led up to "))
	if e.open {
		s += " that had not ended when the trace did"
	}
	if too {
		s += " either"
	}
	if f, ok := g.finder.(interface{ others() []string }); ok {
		if names := f.others(); len(names) > 0 {
			s += ", but others: " + strings.Join(names, ", ")
		}
	}
	if x, ok := g.finder.(*requestFinder); ok && !x.client {
		if _, unseen := x.trails().Names(); unseen > 0 {
			s += fmt.Sprintf("; the handler of %s does not show, which may be of these", words.Plural(unseen, "request"))
		}
	}
	return s + "."
}

// fineWait is the p99 of waits for a P up to which the scheduler is fine.
const fineWait = 1_000_000 // ns

// fine says so where the scheduler had no part worth a word: "" where it may have had.
func (e *explainer) fine(waited, total int64) string {
	p99 := e.ready.Quantile(.99)
	if e.ready.N() < 100 || p99 > fineWait || waited*10 >= total {
		return ""
	}
	return fmt.Sprintf("Scheduler fine: waits for a P took %s of it, p99 of all such waits %s.", words.ShareOf(waited, total), words.Length(p99))
}

// schedulerShare answers how much of it was the scheduler, and whose doing that was; for
// yielded ns nobody else had the P, which goroutines had given up.
func (e *explainer) schedulerShare(of *bill, yielded int64) string {
	var waited int64
	by := of.byCause()
	for c, ns := range by {
		if waitsForP(report.Cause(c)) {
			waited += ns
		}
	}
	if fine := e.fine(waited, of.total); fine != "" {
		return fine
	}
	if untold := by[report.CauseUnknown]; untold > waited && untold*10 >= of.total {
		return fmt.Sprintf("Whether it was the scheduler does not show: what kept it for %s of the time the trace does not tell.", words.ShareOf(untold, of.total))
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
		{by[report.CauseStopTheWorld], "while the world was stopped, not by the collector"},
		{by[report.CauseQueue] + by[report.CauseGlobalQueue] + by[report.CauseAfterSyscall] + by[report.CauseRuntime], "while others ran"},
		{by[report.CauseSyscallHeld], "for a P held by a system call"},
		{yielded, "for one that it had given up itself (runtime.Gosched)"},
		{by[report.CauseIdleP] + by[report.CauseDispatch] - yielded, "although a P was free (its thread came late)"},
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

// many is what a group's instances are called.
func many(g *group) string {
	switch g.kind {
	case report.KindLog:
		return "messages"
	case report.KindAt:
		return "stretches"
	}
	return string(g.kind) + "s"
}

// one is what one of a group's instances is called.
func one(g *group) string {
	if g.kind == report.KindAt {
		return "stretch"
	}
	return strings.TrimSuffix(many(g), "s")
}
