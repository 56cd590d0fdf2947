package explain

import (
	"fmt"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// answer puts into words why instances were slow.
type answer struct {
	e       *explainer
	g       *group
	p       *population
	slow    []*explained
	usual   *population // of which typical ones are
	typical *bill       // nil where there is none to compare with
}

const (
	// aboutAsSlow is the least share of the slow ones' time by which they must exceed
	// typical ones for the difference to be what is explained.
	aboutAsSlow = .2
	// nothingSlow is the length up to which a stall is nothing to talk about.
	nothingSlow = 1_000_000 // ns
	// muchOf is the part of a trace from which small stalls are worth a word together.
	muchOf = 4
	// secondShare is the share of the time from which a second root is told of too.
	secondShare = .25
)

// tell fills in what the answer is: headline, detail, roots, what to do.
func (a *answer) tell(x *report.Explanation) {
	longest := a.slow[0]
	if a.g.kind == report.KindStall && longest.bill.total < nothingSlow && a.p.all.Sum()*muchOf < int64(a.e.now-a.e.zero) {
		x.Headline = fmt.Sprintf("Nothing here is slow: the longest of %s took %s.", words.Plural(a.p.all.N(), one(a.g)), lengthText(longest))
		x.Detail = a.e.schedulerShare(longest.bill, 0)
		return
	}
	slower := a.typical != nil && float64(x.Slow.Mean-x.Typical.Mean) >= aboutAsSlow*float64(x.Slow.Mean)
	sample := a.usual.sample(a.slow)
	var usual *account
	if len(sample) > 0 {
		usual = a.e.accountOf(sample)
	}
	var mine *account
	if a.p.shares != nil { // which of them were slowest says little of many that are small
		mine, slower = a.e.accountOfAll(a.p), false
	} else {
		mine = a.e.accountOf(a.slow)
	}
	x.Others = a.usual != a.p
	mine.mixed = a.g.kind == report.KindRequest && (a.p.name == "" || x.Others)
	if slower {
		x.Roots = mine.roots(usual)
	} else {
		x.Roots = mine.roots(nil)
	}
	if usual != nil {
		x.Usual = usual.roots(nil)
		awaited(x)
	}
	x.Headline = a.who(x) + a.why(x, slower) + a.victims(mine)
	if dead := a.e.deadlock(&x.Roots[0]); dead.why != "" {
		x.Headline += " " + dead.why
	}
	x.Detail = a.more(x, slower, mine, usual)
	x.Advice, x.Sure, x.SureWhy = x.Roots[0].Advice, x.Roots[0].Sure, x.Roots[0].SureWhy
	if x.Roots[0].Kind == report.RootLate && x.Roots[0].NS-x.Roots[0].Typical < nothingSlow {
		x.Advice = "" // a thread takes some time to wake
	}
	if made := madeMeanwhile(x); made != nil {
		x.Advice = made.Advice
	}
	if r := forAllOfThem(x, slower && a.usual == a.p); r != nil {
		x.Advice, x.Sure, x.SureWhy = r.Advice, r.Sure, r.SureWhy
	}
	if x.Advice != "" {
		x.Advice += a.stampede(mine, &x.Roots[0]) + forOthers(x)
	}
	if n := a.pile(x); n > 0 {
		x.Headline += fmt.Sprintf(" They pile up: at the end %s were open at once, as each began while others still ran.", words.Count(n))
		x.Advice = fmt.Sprintf("Begin no %s while one goes on: leave it out, or let it wait for its turn; begin them less often, or let them do less.", a.called())
	}
}

// awaited tells of the first root that typical ones wait meanwhile for what is done there, or
// for a lock that is held, where they do.
func awaited(x *report.Explanation) {
	r := &x.Roots[0]
	if r.Site != "" || r.At.Func == "" {
		return
	}
	for i := range x.Usual {
		u := &x.Usual[i]
		if u.Kind == report.RootPlace && r.Kind != u.Kind && u.At == r.At && u.Stood.Func != u.At.Func && float64(u.NS) >= secondShare*float64(x.Typical.Mean) {
			r.Awaited = true
			r.Text += ", for which others wait"
			r.Advice = u.Advice
			return
		}
		if u.Kind == report.RootLock && (u.At == r.At || u.Holder == r.At) && float64(u.NS) >= secondShare*float64(x.Typical.Mean) {
			r.Awaited = true
			r.Text += ", with a lock held that others wait for"
			r.Advice = strings.TrimSpace(r.Advice + " Others wait for its lock meanwhile: get what it asks for before it is needed, in the background, keep it for longer, or let them use what there is.")
			return
		}
	}
}

// forOthers is what else to do where slow ones waited for what another one of them did: such
// as the first that misses what is cached, and gets it for all.
func forOthers(x *report.Explanation) string {
	r := &x.Roots[0]
	if r.Kind == report.RootPlace || r.Kind == report.RootLock || !r.OfAnother(x.Name) {
		return ""
	}
	return " Others wait for what one of them does there: keep what it gets for longer, get it before it is needed, or use what there is meanwhile."
}

// madeMeanwhile is the second root where the first is the network and that is a wait for
// connections that were being made, which most of it may go to: that can be done without.
func madeMeanwhile(x *report.Explanation) *report.Root {
	if len(x.Roots) < 2 || x.Roots[0].Kind != report.RootNetwork || x.Roots[1].Kind != report.RootPlace {
		return nil
	}
	if r := &x.Roots[1]; strings.Contains(r.Text, names.BeingMade) && float64(r.NS) >= secondShare*float64(x.Slow.Mean) {
		return r
	}
	return nil
}

// usualShare is the share of a typical one's time from which its first root is what it is slow by.
const usualShare = .5

// forAllOfThem is the root of typical ones where they are slow themselves: it takes most of their
// time, and many times as long as slow ones lose more by what they have more of. nil for none.
func forAllOfThem(x *report.Explanation, comparable bool) *report.Root {
	if !comparable || len(x.Usual) == 0 {
		return nil
	}
	r, first := &x.Usual[0], &x.Roots[0]
	if r.Kind == first.Kind && r.At.Func == first.At.Func || r.Advice == "" || r.NS < nothingSlow ||
		float64(r.NS) < usualShare*float64(x.Typical.Mean) || r.NS < muchMore*(first.NS-first.Typical) {
		return nil
	}
	return r
}

// pile is how many tasks pile up as they take longer than the time until the next begins,
// for want of CPU: those that wait for something else do not for lack of time.
func (a *answer) pile(x *report.Explanation) int64 {
	if a.g.kind != report.KindTask || a.p.name == "" {
		return 0
	}
	switch x.Roots[0].Kind {
	case report.RootQueue, report.RootComputing, report.RootGC:
		return a.p.pile(a.e.now)
	}
	return 0
}

// who says what the instances are, and how long they take.
func (a *answer) who(x *report.Explanation) string {
	if a.g.kind == report.KindMain {
		return ""
	}
	n, longest := a.p.all.N(), a.slow[0]
	unnamed, name := a.unnamed(), a.g.named(a.p)
	if name != "" && a.g.kind == report.KindTurn {
		name += ", from one read to the next"
	}
	if n == 1 {
		return fmt.Sprintf("The one %s%s took %s. ", one(a.g), name, lengthText(longest))
	}
	s := fmt.Sprintf("%s %s%s: p50 %s", words.Count(n), many(a.g), name, words.Length(a.p.all.Quantile(.5)))
	if p99 := words.P99(n, words.Length(a.p.all.Quantile(.99))); p99 != words.None {
		s += ", p99 " + p99
	}
	s += ", longest " + lengthText(longest)
	if x.Unfinished > 0 && x.Unfinished*20 >= n {
		s += fmt.Sprintf("; %s had not ended when the trace did", words.Count(x.Unfinished)) + a.stand(x)
	}
	return s + unnamed + ". "
}

// stand says since when those stand that never end, and how long the others took: of both
// together no figure tells anything.
func (a *answer) stand(x *report.Explanation) string {
	if x.Roots[0].Kind != report.RootNeverEnded || a.p.opened.From <= a.e.zero {
		return ""
	}
	s := ", the first of which began at " + words.At(int64(a.p.opened.From-a.e.zero))
	if a.p.ended.N() > 0 {
		s += " (of the others p50 " + words.Length(a.p.ended.Quantile(.5)) + ")"
	}
	return s
}

// unnamed says that the handler of many requests does not show.
func (a *answer) unnamed() string {
	if x, ok := a.g.finder.(*requestFinder); ok && a.g.late() && !x.through { // those are not selected, and not kept
		if _, n := x.trails().Names(); n > 0 && 10*n >= a.p.all.N() {
			return fmt.Sprintf("; of %s more the handler does not show, which may be of these", words.Count(n))
		}
		return ""
	}
	p := a.g.unnamed()
	switch {
	case p != nil && p.shown > 0:
		return fmt.Sprintf("; the handler shows of only %s: %s", words.Count(p.shown), words.Function(p.shownAs))
	case p == nil, len(a.g.populations) < 2:
		return ""
	case p == a.p:
		return "; they show no handler"
	case 10*p.all.N() < a.p.all.N():
		return ""
	}
	return fmt.Sprintf("; of %s more (p50 %s) the handler does not show, which may be of these", words.Count(p.all.N()), words.Length(p.all.Quantile(.5)))
}

// called is the population's name in words.
func (a *answer) called() string { return a.g.called(a.p) }

// named is " of" a population's name in words, "" where all are one.
func (g *group) named(p *population) string {
	if p.name == "" || g.pooled {
		return ""
	}
	return " of " + g.called(p)
}

func (g *group) called(p *population) string {
	if g.kind == report.KindTask || g.kind == report.KindRegion {
		return fmt.Sprintf("%q", words.Printable(p.name))
	}
	if x, ok := g.finder.(*requestFinder); ok && x.trails().Behind(p.name) {
		return "handlers behind " + words.Function(p.name)
	}
	return words.Function(p.name)
}

// why says what most of the time went to.
func (a *answer) why(x *report.Explanation, slower bool) string {
	r := &x.Roots[0]
	if slower {
		extra := x.Slow.Mean - x.Typical.Mean
		return fmt.Sprintf("T%s took %s longer than a typical one%s; %s of that went to %s.", words.Slowest(x.Slow.Count)[1:], words.Length(extra), a.ofOthers(),
			words.ShareOf(min(r.NS-r.Typical, extra), extra), r.Text)
	}
	if a.p.shares != nil && a.p.all.N() > 1 {
		return fmt.Sprintf("%s of all their time went to %s.", words.ShareOf(r.NS*a.p.sum.count, a.p.sum.total), r.Text)
	}
	if a.g.kind == report.KindMain {
		return fmt.Sprintf("%s, %s went to %s.", a.known(), words.ShareOf(r.NS, x.Slow.Mean), r.Text)
	}
	return fmt.Sprintf("%s of it went to %s.", words.ShareOf(r.NS, x.Slow.Mean), r.Text)
}

// more is a second reason, what the time of a typical one went to, and whether it was the
// scheduler.
func (a *answer) more(x *report.Explanation, slower bool, mine, usual *account) string {
	var parts []string
	of := x.Slow.Mean
	if a.p.shares != nil {
		of = a.p.sum.total / max(1, a.p.sum.count)
	}
	if slower {
		of -= x.Typical.Mean
	}
	if len(x.Roots) > 1 {
		r := &x.Roots[1]
		ns := r.NS
		if slower { // which of them typical ones have more of makes these more than all
			first := &x.Roots[0]
			ns = min(ns-r.Typical, of-min(first.NS-first.Typical, of))
		}
		if float64(ns) >= secondShare*float64(of) {
			text := r.Text
			if strings.HasSuffix(x.Roots[0].Text, orNoCPU) { // once will do
				text = strings.TrimSuffix(text, orNoCPU)
			}
			parts = append(parts, fmt.Sprintf("Another %s went to %s%s.", words.ShareOf(ns, of), text, elsewhere(&x.Roots[0], r)))
		}
	}
	if slower && usual != nil && usual.total > 0 {
		if t := x.Usual; t[0].Kind != report.RootComputing && t[0].NS >= nothingSlow {
			text := t[0].Text
			if text == x.Roots[0].Text {
				text = "the same"
			}
			parts = append(parts, fmt.Sprintf("A typical one%s took %s, %s of which went to %s.", a.ofOthers(), words.Length(x.Typical.Mean), words.ShareOf(t[0].NS, usual.total/usual.n), text))
		}
	}
	return strings.Join(append(parts, a.e.schedulerShare(a.bill(), mine.yielded())), " ")
}

// elsewhere says of a root without a place that its places are others than that of the first
// root of its kind.
func elsewhere(first, r *report.Root) string {
	if r.At.Func != "" || r.Kind != first.Kind || first.At.Func == "" {
		return ""
	}
	return ", at other places"
}

// bill is what is spoken of: the slow ones' or, of many that are small, that of all.
func (a *answer) bill() *bill {
	if a.p.shares != nil {
		return &a.p.sum
	}
	return billOf(a.slow)
}

func lengthText(x *explained) string {
	if x.unfinished {
		return "at least " + words.Length(x.bill.total)
	}
	return words.Length(x.bill.total)
}

// ofOthers says so of typical ones, where these are not of the population.
func (a *answer) ofOthers() string {
	if a.usual != a.p {
		return " of those that show no handler"
	}
	return ""
}

// known is the time of the main goroutine of which shares are told: what of it is known.
func (a *answer) known() string {
	x := a.slow[0]
	if all := int64(x.End - x.Start); x.bill.total < all {
		return fmt.Sprintf("%s took %s; where %s of that went is known: of these", a.called(), words.Length(all), words.Length(x.bill.total))
	}
	return fmt.Sprintf("Of the %s of %s", words.Length(x.bill.total), a.called())
}
