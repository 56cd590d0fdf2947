package compare

import (
	"math"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// leg is what a goroutine computes from one place where it waits to the next, or from its start,
// or to its end: what the code between the two costs, however often the scheduler interrupts it.
// Where one function of a goroutine does this and that, legs tell them apart, and on a machine
// with too little CPU the shorter ones of a leg are those that the operating system left alone.
type leg struct {
	from doing // where it waited before; of no cause if it has just begun
	ran  model.Time
	took int64 // memory from the heap, so many times
	on   bool  // all of it is in the trace
}

// legKey is a leg's way, as stacks have it.
type legKey struct {
	trail    uint32
	from, to doing
}

// legs are the ways that there were.
type legs struct {
	numbers map[legKey]uint32
	keys    []legKey
}

func newLegs() *legs { return &legs{numbers: map[legKey]uint32{}} }

// of is the number of a way. ok is false if there are too many.
func (l *legs) of(k legKey) (n uint32, ok bool) {
	n, ok = l.numbers[k]
	if !ok && len(l.keys) < maxSeries {
		n, ok = uint32(len(l.keys)), true
		l.numbers[k] = n
		l.keys = append(l.keys, k)
	}
	return n, ok
}

// leg follows a goroutine from wait to wait. A trail of 0 is that of one that has not shown
// what it runs.
func (b *collector) leg(g *goroutine, iv *model.GInterval, trail uint32) {
	if trail == 0 {
		trail = b.runners.Trails.Of(iv.Func)
	}
	l := &g.leg
	if iv.First {
		*l = leg{on: iv.Open&model.OpenStart == 0}
	}
	switch what := doingOf(iv); {
	case iv.State == model.GRunning:
		if what.cause == CauseRunning {
			l.ran += iv.End - iv.Start
		}
		l.on = l.on && iv.Open == 0
		if iv.Exit {
			b.legEnds(l, legKey{trail, l.from, doing{}}, iv.End)
		}
	case iv.State == model.GWaiting && what.cause != CauseCollector:
		b.legEnds(l, legKey{trail, l.from, what}, iv.Start)
		*l = leg{from: what, on: true}
	}
}

func (b *collector) legEnds(l *leg, k legKey, at model.Time) {
	if !l.on || l.ran < dispatchLeast { // what is shorter matters to nobody, and would hide the length of the rest
		return
	}
	if n, ok := b.legs.of(k); ok {
		of := seriesKey{kind: SeriesLeg, of: n}
		if b.addTo(of, at, l.ran) {
			b.series[of].Allocs += l.took
		}
	}
}

// allocated takes in that a goroutine took memory from the heap: a span of it, of which it
// makes what it allocates.
func (b *collector) allocated(ev *model.Event) {
	if ev.Op != model.OpHeapAlloc {
		return
	}
	if g := b.accounts.gs[ev.G]; g != nil {
		g.leg.took++
	}
}

// name names a way by functions, as lines move and callers differ.
func (l *legs) name(n uint32, b *collector, starts *names.Starts) string {
	k := &l.keys[n]
	places := b.names.Places()
	from, to := "from its start", "to its end"
	if k.from != (doing{}) {
		from = "from " + k.from.at(places)
	}
	if k.to != (doing{}) {
		to = "to " + k.to.at(places)
	}
	return starts.Name(b.runners.Trails, k.trail) + legOf + from + " " + to
}

// legOf is what stands behind the function in the name of a leg.
const legOf = ", "

// at is what a goroutine does and in which function.
func (d doing) at(places *names.Places) string {
	c := Cause{Kind: d.cause}
	if p := places.Of(d.stack); d.stack != 0 && p != nil {
		c.Call = p.Callee
		return c.did() + " in " + words.Function(p.At.Func)
	}
	return c.did()
}

// keepLegs leaves those out that come to little: they are many.
func keepLegs(all []Series, seconds float64) []Series {
	return slices.DeleteFunc(all, func(s Series) bool {
		if s.Kind != SeriesLeg {
			return false
		}
		whole := s.Whole()
		return whole.N() < fewestValues || float64(whole.Sum()) < legKept*seconds
	})
}

const (
	legKept   = .005e9 // ns a second that a leg must come to, to be kept
	legDrift  = .025   // from run to run, of logarithms, of what varies by nothing else
	legWithin = .05    // quantiles to either side tell how much it does
	legNear   = .6     // of the distance between these, which one may move by from run to run
	legAllocs = .4     // from run to run, of logarithms, of what does nothing but allocate: for a whole run it costs now this and now the double
	legSpan   = 10e3   // ns that it takes to take a span from the heap, and to fill it
	legFar    = 3      // standard deviations from the median run: what is beyond was held up by something else
)

// legQuantiles are those of which that is held to which varies least, of those that come to
// anything: the more a run was interrupted by others, the lower, and of what does now this and now
// that one that lies within either.
var legQuantiles = []quantity{
	{"p10", .1, fewestValues, 1, legDrift, 0},
	{"p25", .25, fewestValues, 1, .03, 0}, // higher ones differ more from run to run, also on a quiet machine
	{"p50", .5, fewestValues, 1, .034, 0},
	{"p75", .75, fewestValues, 1, .04, 0},
}

// leg compares what a leg computes, where it comes to something.
func (c *comparison) leg(k key, old, new []*Behaviour) {
	if max(innerOf(k, old).time, innerOf(k, new).time) < innerLeast {
		return
	}
	o, n := newSide(k, old, nil), newSide(k, new, nil)
	if o.all.N() < fewestValues || n.all.N() < fewestValues {
		return
	}
	allocating := spans(k, old, new)
	var best judgedLeg
	for i := range legQuantiles {
		x := c.legAt(&legQuantiles[i], o, n, allocating)
		if x.q != nil && (best.q == nil || x.varies < best.varies) {
			best = x
		}
	}
	if best.q == nil {
		return
	}
	x := Change{Kind: k.kind, Name: k.name, Held: true, Stat: best.q.name, Unit: "ns", P: 1, Q: 1, Bins: bins(o.all, n.all), Floor: c.floor}
	x.Old, x.New = sideOfAll(o), sideOfAll(n)
	x.Time = float64(n.all.Sum())/max(n.time, 1e-9) - float64(o.all.Sum())/max(o.time, 1e-9)
	c.judge(x, lengths, best.old, best.new, dispatchLeast, assumed{sd: best.sd, share: driftShare, least: best.least})
}

// spans is how long the mean leg takes to take memory from the heap, and to fill it, ns.
func spans(k key, sides ...[]*Behaviour) float64 {
	var took, legs float64
	for _, side := range sides {
		for _, b := range side {
			if s := b.seriesOf(k); s != nil {
				took += float64(s.Allocs)
				legs += float64(s.Whole().N())
			}
		}
	}
	return took * legSpan / max(1, legs)
}

// judgedLeg is a quantile of a leg on both sides.
type judgedLeg struct {
	q          *quantity
	old, new   []run
	sd, varies float64
	least      float64 // standard deviation that it has, whatever the runs tell
}

// legAt looks at one quantile of legs that spend so long allocating in the mean.
func (c *comparison) legAt(q *quantity, o, n *oneSide, allocating float64) judgedLeg {
	var near []float64
	runs := func(side *oneSide) (out []run) {
		for i, all := range side.traces {
			if all.N() < q.per {
				continue
			}
			within, drift := side.blocks[i].vary([]figure{q.figure(0)}, c.draws)
			out = append(out, seenRun(lengths.to(q.of(all, 0)), within[0], drift[0], len(side.blocks[i].cells)))
			near = append(near, lengths.to(float64(all.Quantile(q.q+legWithin)))-lengths.to(float64(all.Quantile(q.q-legWithin))))
		}
		return settled(out)
	}
	x := judgedLeg{old: runs(o), new: runs(n)}
	if !enough(x.old, x.new) {
		return x
	}
	usual := min(o.all.Quantile(q.q), n.all.Quantile(q.q))
	if float64(usual) < dispatchLeast {
		return x
	}
	x.least = legAllocs * min(1, allocating/float64(max(1, usual)))
	x.q, x.sd = q, math.Hypot(q.drift, max(x.least, legNear*stat.Median(near)))
	x.varies = x.sd*x.sd + meanOf(slices.Concat(x.old, x.new), func(r run) float64 { return r.within })
	return x
}

// settled are runs of which none is farther from the median one than those are from each other,
// nor varies more than that.
func settled(runs []run) []run {
	if len(runs) < 3 {
		return runs
	}
	var all, off, within, drift []float64
	for _, r := range runs {
		all, within, drift = append(all, r.y), append(within, r.within), append(drift, r.drift)
	}
	middle := stat.Median(all)
	for _, y := range all {
		off = append(off, math.Abs(y-middle))
	}
	reach := legFar * max(legDrift, 1.4826*stat.Median(off))
	for i := range runs {
		runs[i].y = max(middle-reach, min(middle+reach, runs[i].y))
		runs[i].seen, runs[i].within, runs[i].drift = runs[i].y, stat.Median(within), stat.Median(drift)
	}
	return runs
}

// function is the one that a leg is of.
func (k key) function() string {
	if k.kind != SeriesLeg {
		return k.name
	}
	fn, _, _ := strings.Cut(k.name, legOf+"from ")
	return fn
}
