package compare

import (
	"cmp"
	"maps"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// How many goroutines a program lets in somewhere at once (a semaphore's weight, a pool's
// connections, workers who take from a channel) shows where they wait inside, once there is a
// line of others before it: whoever leaves wakes the next one. It is a fact of the program, not
// of the load nor of the machine, and no matter of chance.

// AtOnce is how many goroutines were blocked at a place at the same time.
type AtOnce struct {
	Kind CauseKind `json:"cause"`
	Func string    `json:"func"`
	Most int64     `json:"most"`
	Line *Line     `json:"line,omitempty"` // of those who waited meanwhile until one of them was done; nil for none
}

// Line is where goroutines wait for those at another place to be done.
type Line struct {
	Kind  CauseKind `json:"cause"`
	Func  string    `json:"func"`
	Call  string    `json:"call"`  // what Func called
	Waits int64     `json:"waits"` // that ended by one who was done
	Full  int64     `json:"full"`  // that began while as many were inside as ever are
}

// blocked is a wait that has ended.
type blocked struct {
	start, end model.Time
	at         doing
	after      doing // what who ended it was blocked in before, of no cause if that does not show
	before     doing // what it was blocked in itself until then, which ended at since
	since      model.Time
	line       bool // it may be for others to be done: for a lock or a semaphore, or to send
}

const (
	mostBlocked  = 1 << 15 // waits of a trace that are looked at
	mostAtOnce   = 1 << 7  // places that are told of
	fewestAtOnce = 5       // waits at a place
	lineWaits    = 10      // that must have ended so on a side, to tell a limit
	lineShare    = .5      // of those who leave while there is a line, so many wake the next: some are only held up by others before they do
	lineFull     = .5      // of those who come, so many find it full
	limitFloor   = 1.5     // times as many at once
	unitAtOnce   = "at once"
)

// limits are the waits of a trace.
type limits struct{ waits []blocked }

// limit notes a wait of one of the program's goroutines.
func (b *collector) limit(g *goroutine, iv *model.GInterval) {
	if iv.State != model.GWaiting || iv.Stack == 0 {
		return
	}
	w := blocked{start: iv.Start, end: iv.End, at: doingOf(iv), line: iv.Reason == model.ReasonSync || iv.Reason == model.ReasonChanSend}
	if w.at.cause == CauseCollector {
		return
	}
	if iv.Open&model.OpenEnd == 0 && iv.By != model.NoG {
		if by := b.accounts.gs[iv.By]; by != nil {
			w.after = by.blocked
		}
	}
	w.before, w.since = g.blocked, g.since
	g.blocked, g.since = w.at, iv.End
	if len(b.limits.waits) < mostBlocked {
		b.limits.waits = append(b.limits.waits, w)
	}
}

// spot is a place where goroutines wait, whatever leads there.
type spot struct {
	kind CauseKind
	fn   string
}

// wait is a blocked at spots.
type wait struct {
	start, end, since model.Time
	after, before     spot
}

// spots are waits by place: those that may be for others to be done, and all else.
type spots struct {
	lines, inside map[spot][]wait
	calls         map[spot]string // what the functions of lines called
}

// spots finds the places of all waits.
func (l *limits) spots(n *names.Table) *spots {
	out := &spots{map[spot][]wait{}, map[spot][]wait{}, map[spot]string{}}
	places, pools := n.Places(), map[uint32]bool{}
	at := func(d doing) (spot, *names.Place) {
		if p := places.Of(d.stack); d.stack != 0 && p != nil {
			return spot{d.cause, p.At.Func}, p
		}
		return spot{}, nil
	}
	for _, w := range l.waits {
		s, p := at(w.at)
		if p == nil {
			continue
		}
		pool, known := pools[w.at.stack]
		if !known {
			pool = names.PoolOf(n.Stacks[w.at.stack]) != nil
			pools[w.at.stack] = pool
		}
		x := wait{start: w.start, end: w.end, since: w.since}
		x.after, _ = at(w.after)
		x.before, _ = at(w.before)
		if !pool && !w.line {
			out.inside[s] = append(out.inside[s], x)
		} else {
			out.lines[s] = append(out.lines[s], x)
			out.calls[s] = cmp.Or(out.calls[s], p.Callee)
		}
	}
	return out
}

// atOnce tells of all places but lines.
func (l *limits) atOnce(n *names.Table) (out []AtOnce) {
	of := l.spots(n)
	before := map[spot]*Line{}
	for _, line := range ordered(of.lines) {
		s, waits := leaving(line, of)
		if waits > 0 && (before[s] == nil || before[s].Waits < waits) {
			before[s] = &Line{Kind: line.kind, Func: line.fn, Call: of.calls[line], Waits: waits}
		}
	}
	for _, s := range ordered(of.inside) {
		if len(of.inside[s]) >= fewestAtOnce && len(out) < mostAtOnce {
			x := AtOnce{s.kind, s.fn, most(of.inside[s]), before[s]}
			if x.Line != nil {
				x.Line.Full = full(of.inside[s], of.lines, spot{x.Line.Kind, x.Line.Func}, x.Most)
			}
			if x.Most > 1 || x.Line != nil {
				out = append(out, x)
			}
		}
	}
	slices.SortFunc(out, func(a, b AtOnce) int { return cmp.Or(cmp.Compare(a.Func, b.Func), cmp.Compare(a.Kind, b.Kind)) })
	return out
}

// ordered are places, those of most waits first.
func ordered(spots map[spot][]wait) []spot {
	return slices.SortedFunc(maps.Keys(spots), func(a, b spot) int {
		return cmp.Or(cmp.Compare(len(spots[b]), len(spots[a])), cmp.Compare(a.fn, b.fn), cmp.Compare(a.kind, b.kind))
	})
}

// leaving is the place that those come from who let go on who waits in a line, if most
// who leave it meanwhile do, and how many did.
func leaving(line spot, all *spots) (of spot, waits int64) {
	counts := map[spot]int64{}
	for _, w := range all.lines[line] {
		if len(all.inside[w.after]) > 0 {
			counts[w.after]++
		}
	}
	for s, n := range counts {
		if n > waits || n == waits && (s.fn < of.fn || s.fn == of.fn && s.kind < of.kind) {
			of, waits = s, n
		}
	}
	if float64(waits) < lineShare*float64(endingIn(all.inside[of], all.lines[line])) {
		return spot{}, 0
	}
	return of, waits
}

// endingIn is how many waits end while there is any of a line.
func endingIn(waits, line []wait) (n int64) {
	line = slices.SortedFunc(slices.Values(line), func(a, b wait) int { return cmp.Compare(a.start, b.start) })
	var until []model.Time // by which all of the line that began so far have ended
	var last model.Time
	for _, w := range line {
		last = max(last, w.end)
		until = append(until, last)
	}
	for _, w := range waits {
		i, _ := slices.BinarySearchFunc(line, w.end, func(x wait, t model.Time) int { return cmp.Compare(x.start, t) })
		if i > 0 && until[i-1] > w.end {
			n++
		}
	}
	return n
}

// sorted are when some waits began and when they ended, each in order.
func sorted(waits []wait) (starts, ends []model.Time) {
	for _, w := range waits {
		starts, ends = append(starts, w.start), append(ends, w.end)
	}
	slices.Sort(starts)
	slices.Sort(ends)
	return starts, ends
}

// most is how many of some waits there are at once.
func most(waits []wait) (n int64) {
	starts, ends := sorted(waits)
	for done, i := 0, 0; i < len(starts); i++ {
		for done <= i && ends[done] <= starts[i] {
			done++
		}
		n = max(n, int64(i+1-done))
	}
	return n
}

// full is how many of a line began to wait while there were so many inside: whoever was let in from
// the line is from then on.
func full(inside []wait, lines map[spot][]wait, line spot, most int64) (n int64) {
	let := slices.Clone(inside)
	for i := range let {
		if let[i].before == line {
			let[i].start = let[i].since
		}
	}
	starts, ends := sorted(let)
	for _, w := range lines[line] {
		begun, _ := slices.BinarySearch(starts, w.start+1)
		ended, _ := slices.BinarySearch(ends, w.start+1)
		if int64(begun-ended) >= most {
			n++
		}
	}
	return n
}

// limits compares how many goroutines are let in at once where others stand in line before it:
// what one side was seen to let in and the other, in spite of a line, never did.
func (c *comparison) limits(old, new []*Behaviour) {
	o, n := atOnceOf(old), atOnceOf(new)
	for _, s := range slices.SortedFunc(maps.Keys(n), func(a, b spot) int {
		return cmp.Or(cmp.Compare(a.fn, b.fn), cmp.Compare(a.kind, b.kind))
	}) {
		was, is := o[s], n[s]
		if was == nil || !was.limited() && !is.limited() {
			continue
		}
		x := Change{Kind: SeriesAtOnce, Held: true, Stat: statMost, Unit: unitAtOnce, Floor: limitFloor - 1, P: 1, Q: 1, Verdict: Same, Bins: []Bin{}}
		x.Name = s.text(is, was)
		x.Old, x.New = was.side(len(old)), is.side(len(new))
		x.Ratio = x.New.Median / x.Old.Median
		x.Effect = x.Ratio - 1
		x.Lo, x.Hi = x.Effect, x.Effect
		if is.limited() && x.Old.Median >= limitFloor*x.New.Median || was.limited() && x.New.Median >= limitFloor*x.Old.Median {
			x.P = 0
		}
		c.judged = append(c.judged, judged{Change: x, less: true})
	}
}

// atOnceOf joins what the traces of a side tell.
func atOnceOf(side []*Behaviour) map[spot]*AtOnce {
	out := map[spot]*AtOnce{}
	for _, b := range side {
		for _, x := range b.AtOnce {
			s := spot{x.Kind, x.Func}
			to := out[s]
			if to == nil {
				to = &AtOnce{Kind: x.Kind, Func: x.Func}
				out[s] = to
			}
			to.join(&x)
		}
	}
	return out
}

// join adds another trace's.
func (x *AtOnce) join(o *AtOnce) {
	switch {
	case o.Most > x.Most: // in less of a line it may not have been full
		x.Most = o.Most
		if x.Line != nil {
			x.Line.Full = 0
		}
	case o.Most < x.Most && o.Line != nil:
		line := *o.Line
		line.Full = 0
		o = &AtOnce{Line: &line}
	}
	switch {
	case o.Line == nil:
	case x.Line == nil:
		line := *o.Line
		x.Line = &line
	default:
		x.Line.Waits += o.Line.Waits
		x.Line.Full += o.Line.Full
	}
}

// limited reports whether those who waited in line tell that no more are let in.
func (x *AtOnce) limited() bool {
	return x.Line != nil && x.Line.Waits >= lineWaits && float64(x.Line.Full) >= lineFull*float64(x.Line.Waits)
}

func (x *AtOnce) side(traces int) Side {
	m := float64(x.Most)
	return Side{Median: m, Lo: m, Hi: m, N: traces}
}

// text names what is let in, by the line before it.
func (s spot) text(is, was *AtOnce) string {
	line := is.Line
	if line == nil {
		line = was.Line
	}
	inside, before := Cause{Kind: s.kind}, Cause{Kind: line.Kind, Call: line.Call}
	return "goroutines at once " + inside.did() + " in " + words.Function(s.fn) + ", while others are " + before.did() + " in " + words.Function(line.Func)
}
