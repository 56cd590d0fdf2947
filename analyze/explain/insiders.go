package explain

import (
	"cmp"
	"fmt"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// insiders are those who had a place of a known pool while others waited for one, by where
// they were with it; Near is whom to name as having called that.
type insiders map[names.Place]insideSum

// insideSum is what those did at one place.
type insideSum struct {
	ns      int64
	causes  [report.NumCauses]int64
	using   int64 // of ns: in what the pool gives places for
	others  int64 // of ns: they waited for others, and the cause is what those did
	another int64 // of ns: they waited for another place
}

// add adds a step of a wait in a pool, if it shows where one was who had a place of that.
func (in insiders) add(a *account, x *explained, s *stepSum, known *names.Pool, ns int64) {
	if s.via == 0 || own(s) {
		return
	}
	p, stack := a.leaf(x, s), cmp.Or(s.stack, s.seen)
	if s.has != 0 {
		p, stack = a.places.Of(s.has), s.has
	}
	if p == nil || !p.Own || strings.Contains(known.Func, names.Package(p.At.Func)) { // what keeps the pool has no place of it
		return
	}
	sum := insideSum{ns: ns}
	sum.causes[s.cause] = ns
	switch {
	case known.Same(a.e.pools.Of(s.has)):
		sum.another = ns
	case known.Uses(a.e.names.Stacks[stack]):
		sum.using = ns
	}
	if s.has != 0 && s.has != s.stack && s.has != s.asks {
		sum.others = ns
	}
	k := names.Place{At: p.At, Near: p.Caller(a.name), From: p.From}
	in[k] = in[k].with(sum)
}

func (in insiders) join(other insiders) {
	for k, sum := range other {
		in[k] = in[k].with(sum)
	}
}

func (sum insideSum) with(other insideSum) insideSum {
	sum.ns, sum.using, sum.others, sum.another = sum.ns+other.ns, sum.using+other.using, sum.others+other.others, sum.another+other.another
	for c, ns := range other.causes {
		sum.causes[c] += ns
	}
	return sum
}

// most is the function in which they were for longest, its line with the most of that, who
// had called it if that holds for most of it, and what they did in it.
func (in insiders) most() (at names.Place, all insideSum) {
	places, froms, callers := map[report.Frame]int64{}, map[string]int64{}, map[string]int64{}
	for p, sum := range in {
		places[p.At] += sum.ns
	}
	at.At = mostFrame(places, "")
	for p, sum := range in {
		if p.At.Func == at.At.Func {
			froms[p.From] += sum.ns
			callers[p.Near] += sum.ns
			all = all.with(sum)
		}
	}
	if from, ns := most(froms); 2*ns > all.ns {
		at.From, at.Near = from, from
	}
	if near, ns := most(callers); 2*ns > all.ns {
		at.Near = near
	}
	return at, all
}

// inside is where most of those were, and what they did, who had a place of a known pool
// before the explained ones; no frame where that is none of its own.
func (t *tale) inside() (names.Place, insideSum) {
	if t.known == nil || t.known.Makes() {
		return names.Place{}, insideSum{}
	}
	at, sum := t.sum.inside.most()
	if 2*sum.ns < t.sum.ns || !sum.asksForMore() && (at.At == t.Stood || at.At == t.At) {
		return names.Place{}, insideSum{}
	}
	return at, sum
}

// asksForMore reports whether who had a place waited for another one for most of it.
func (sum insideSum) asksForMore() bool { return 2*sum.another > sum.ns }

// ahead is where somebody else stood in line before the explained ones for most of it; no
// frame for nobody.
func (t *tale) ahead() report.Frame {
	at := mostFrame(t.sum.ahead, "")
	if t.known == nil || 2*t.sum.ahead[at] <= t.sum.ns {
		return report.Frame{}
	}
	return at
}

// whileInside says what those did who had a place of a known pool; "" where that does not show.
func (t *tale) whileInside() string {
	in, did := t.inside()
	who, fired := place(in.At, in.Near), t.fired()
	what := cmp.Or(doing[did.mainCause()].one, doing[report.CauseRunning].one)
	if 2*did.others > did.ns {
		what = "waited for others"
	}
	switch ahead := t.ahead(); {
	case did.asksForMore() && fired != "":
		return whileDid(who+", which had one,", "waited for another") + untilFired(fired)
	case did.asksForMore():
		return whileDid(who+", which had one,", "waited for another")
	case in.At.Func == "" || fired != "":
		return ""
	case ahead.Func != "":
		return whileDid(place(ahead, "")+" stood in line before and "+who, what)
	}
	return whileDid(who+", which had one,", what)
}

// insideAdvice is what to do about those who have a place of a known pool, "" where it does
// not show what they do.
func (t *tale) insideAdvice() string {
	in, did := t.inside()
	who, ahead, waits := words.Function(in.At.Func), t.ahead(), did.mainCause()
	switch {
	case did.asksForMore():
		return "Let who has one ask for no other: once all who have one do, each waits for the others, and more of them only put that off. " + t.known.Another
	case in.At.Func == "":
		return ""
	case ahead.Func != "" && t.known.Ahead != "":
		return fmt.Sprintf("If %s asks for much at once, all that come later wait behind it though some is free: %s; and let %s keep what it has for less.", words.Function(ahead.Func), t.known.Ahead, cmp.Or(words.Function(in.From), who))
	case 2*did.using > did.ns:
		return "What " + who + " asks for with it takes that long: find out why, or ask for less. " + t.known.Advice
	case t.known.Hold != "" && waits != report.CauseRunning:
		return "Let " + who + " not " + waitsFor(waits) + " while it has one: " + t.known.Hold
	case in.From != "" && t.From != "" && in.From != t.From:
		return "Let " + words.Function(in.From) + " have fewer at a time, by a limit of its own, so that some are left for " + words.Function(t.From) + "; or let " + who + " keep what it has for less."
	}
	return "Let " + who + " keep what it has for less. " + t.known.Advice
}

// waitsFor is what somebody does that waits, after "not".
func waitsFor(c report.Cause) string {
	switch c {
	case report.CauseNetwork:
		return "wait for the network"
	case report.CauseSleep:
		return "sleep"
	case report.CauseSyscall:
		return "call the operating system"
	}
	return "wait for others"
}

func (sum insideSum) mainCause() report.Cause { return mainOf(&sum.causes) }

// mainOf is the cause of most of it.
func mainOf(causes *[report.NumCauses]int64) report.Cause {
	c := report.CauseRunning
	for k, ns := range causes {
		if ns > causes[c] {
			c = report.Cause(k)
		}
	}
	return c
}
