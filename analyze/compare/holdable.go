package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
)

// heldInTurn are the kinds of series that a program can be held to, so that a change of them
// fails a check, in their order: what its users wait for; else, where there is none of
// that, the cycles of its goroutines, and their computing.
var heldInTurn = [][]SeriesKind{
	{SeriesRequest, SeriesComputed, SeriesTask, SeriesRegion, SeriesLife},
	{SeriesCycle, SeriesDispatch},
}

// innerLeast is how much time a second the cycles or the computing of a function must come to
// so that a program is held to them, ns: what is a fiftieth of a CPU may vary as it will.
const innerLeast = .02e9

// holds reports whether a program is held to a series: to those of the kinds that it is held to
// and, where these are of its users, also to what goroutines do that none of their time is spent
// on. Of cycles and computing only those count that come to something.
func (c *comparison) holds(k key, old, new []*Behaviour) bool {
	if k.kind != SeriesCycle && k.kind != SeriesDispatch {
		return c.held[k.kind]
	}
	o, n := innerOf(k, old), innerOf(k, new)
	if c.held[SeriesRequest] && (o.inner || n.inner) {
		return false
	}
	return max(o.time, n.time) >= innerLeast || c.held[k.kind] && !c.busy
}

// inner is what is known of the cycles or the computing of a function on one side.
type inner struct {
	time  float64 // ns a second
	inner bool
}

func innerOf(k key, side []*Behaviour) (x inner) {
	var seconds float64
	for _, b := range side {
		seconds += float64(b.Window) * float64(b.Windows) / 1e9
		if s := b.seriesOf(k); s != nil {
			x.time += float64(s.Whole().Sum())
			x.inner = x.inner || s.Inner
		}
	}
	x.time /= max(seconds, 1e-9)
	return x
}

// anyBusy reports whether there is any function whose cycles or computing come to something.
func anyBusy(old, new []*Behaviour) bool {
	for _, k := range keys(old, new) {
		if (k.kind == SeriesCycle || k.kind == SeriesDispatch) && max(innerOf(k, old).time, innerOf(k, new).time) >= innerLeast {
			return true
		}
	}
	return false
}

// heldKinds are those of one step of heldInTurn: the first of which both sides have enough of the same series, so
// that what is only on one side does not stand for what is on both.
func heldKinds(old, new []*Behaviour) map[SeriesKind]bool {
	out := map[SeriesKind]bool{}
	for _, kinds := range heldInTurn {
		for _, k := range kinds {
			out[k] = true
		}
		both := enoughOf(new, kinds)
		if slices.ContainsFunc(enoughOf(old, kinds), func(k key) bool { return slices.Contains(both, k) }) {
			return out
		}
		clear(out)
	}
	for _, k := range heldInTurn[0] {
		out[k] = true
	}
	return out
}

// enoughOf are the series of some kinds with fewestValues or more in the mean trace: more
// traces do not make what there is little of what the program is about.
func enoughOf(side []*Behaviour, kinds []SeriesKind) (out []key) {
	for k, n := range counts(side, kinds) {
		if n >= fewestValues*int64(len(side)) {
			out = append(out, k)
		}
	}
	return out
}

// counts are how many lengths there are of each series of some kinds.
func counts(side []*Behaviour, kinds []SeriesKind) map[key]int64 {
	out := map[key]int64{}
	for _, b := range side {
		for i := range b.Series {
			if s := &b.Series[i]; slices.Contains(kinds, s.Kind) {
				out[key{s.Kind, s.Name}] += s.Whole().N()
			}
		}
	}
	return out
}

// Holdable reports whether traces of a program can be held to some others, or to those of
// a fixture: whether these have enough of anything. If not, why says what there is.
func Holdable(side []*Behaviour) (ok bool, why string) {
	var most key
	var n int64
	for _, kinds := range heldInTurn {
		if len(enoughOf(side, kinds)) > 0 {
			return true, ""
		}
		for k, c := range counts(side, kinds) {
			if c > n || c == n && k.text() < most.text() {
				most, n = k, c
			}
		}
	}
	if n == 0 {
		return false, "it has no requests, tasks, regions, goroutines that begin and end, nor any that are woken and blocked again"
	}
	return false, fmt.Sprintf("of all that can be compared it has fewer than %d: most, %s, of %s", fewestValues, words.Count(int(n)), most.text())
}

// HeldSeries is a series that other traces can be held to.
type HeldSeries struct {
	Text   string // its kind and name
	Count  int64
	P50    int64
	Notice float64 // the least relative change of Stat that a check of as many traces would notice; 0 where that is not known
	Stat   string  // p50, or mean where less of that is noticed
}

// Passes reports whether a check of as many traces passes it where nothing has changed,
// and does not skip it since it might have doubled unnoticed.
func (h *HeldSeries) Passes() bool { return h.Notice > 0 && h.Notice <= mostNoticed }

// Held are the series of some traces that others can be held to, most lengths first.
func Held(side []*Behaviour) []HeldSeries {
	keenest, held := map[key]*Change{}, map[key]bool{}
	r := Sets(side, side, Options{})
	for i := range r.Changes {
		c, k := &r.Changes[i], key{r.Changes[i].Kind, r.Changes[i].Name}
		held[k] = held[k] || c.Held
		if was := keenest[k]; c.passes() && (was == nil || c.Noticed > 0 && (was.Noticed <= 0 || c.Noticed < was.Noticed)) {
			keenest[k] = c
		}
	}
	var out []HeldSeries
	for _, k := range keys(side) {
		if !held[k] {
			continue
		}
		var all []*stat.Sketch
		for _, b := range side {
			if s := b.seriesOf(k); s != nil {
				all = append(all, s.Windows...)
			}
		}
		whole := stat.Merged(all)
		if whole.N() < fewestValues*int64(len(side)) {
			continue
		}
		h := HeldSeries{Text: k.text(), Count: whole.N(), P50: whole.Quantile(.5)}
		if c := keenest[k]; c != nil {
			h.Notice, h.Stat = c.Noticed, c.Stat
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b HeldSeries) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text)) })
	return out
}

// text names a series.
func (k key) text() string {
	return strings.TrimSpace((&Change{Kind: k.kind, Name: k.name}).Text())
}
