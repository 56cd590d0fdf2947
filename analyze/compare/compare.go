// Package compare tells whether the behaviour of a program has changed between
// some traces and some others.
//
// What is compared are distributions and rates, never single numbers. With
// several traces a side each trace is one observation; with one a side its
// windows are. A change is called one only if a Mann-Whitney U test says that the
// two sides differ, and if they differ by more than a floor: so that neither
// chance nor the drift of a machine looks like a change of the program.
package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"

	"gmptrace/analyze"
)

// Options say how sure a change must be. The zero value has the defaults.
type Options struct {
	Alpha float64 // level of the test; 0 is DefaultAlpha
	Floor float64 // least relative change of lengths of requests, tasks, regions and goroutines; 0 is DefaultFloor
}

const (
	// DefaultAlpha is the default of Options.Alpha.
	DefaultAlpha = .01
	// DefaultFloor is the default of Options.Floor: 10 %.
	DefaultFloor = .10
)

// Floors of what varies more by itself than the lengths of the program's own
// work, and amounts that matter to nobody.
const (
	waitFloor    = 1.0   // waits for a P: twice as long
	waitLeast    = 100e3 // ns: and by no less than this
	lengthLeast  = 1e3   // ns: of other lengths
	rateFloor    = .5    // rates: half as much again
	rateLeast    = 10.0  // a second
	shareLeast   = .01e9 // ns/s: 1 % of a P
	tailFloor    = .5    // of 90th and 99th percentiles, in addition to the floor
	fewestValues = 20    // of a distribution on each side
	perWindow    = 8     // lengths that a window must have to be an observation
	fewestObs    = 4     // observations on each side
)

// Verdict is what is claimed of a change.
type Verdict string

// The verdicts.
const (
	Same   Verdict = "~"      // nothing can be claimed
	Worse  Verdict = "worse"  // longer, or more
	Better Verdict = "better" // shorter, or less
	Few    Verdict = "few"    // too little to tell
	Gone   Verdict = "gone"   // only among the old ones
	New    Verdict = "new"    // only among the new ones
)

// Change is one statistic on both sides.
type Change struct {
	Kind    analyze.SeriesKind // of a distribution; "rate" of a rate
	Name    string
	Stat    string // p50, p90, p99 or rate
	Unit    string // ns, /s, ns/s
	Old     Side
	New     Side
	Ratio   float64 // of the medians, new to old; 0 where old is 0
	P       float64 // of the test
	Floor   float64 // least relative change that would be claimed
	Verdict Verdict
	Time    float64 // difference of the totals that it makes, ns a second of trace; 0 of rates
}

// Side is one statistic on one side.
type Side struct {
	Median float64 // over the observations
	Lo, Hi float64 // confidence interval of the median
	N      int     // observations
	Count  int64   // lengths in all
}

// KindRate is the Kind of a Change of a rate.
const KindRate analyze.SeriesKind = "rate"

// Result is a comparison.
type Result struct {
	Changes   []Change // what changed most in time first, worse and better ones before the others
	Windows   bool     // observations are windows of one trace a side
	Alpha     float64
	OldTraces int
	NewTraces int
}

// Sets compares two sets of traces.
func Sets(old, new []*analyze.Behaviour, opt Options) *Result {
	c := comparison{alpha: cmp.Or(opt.Alpha, DefaultAlpha), floor: cmp.Or(opt.Floor, DefaultFloor)}
	c.windows = len(old) < fewestObs || len(new) < fewestObs
	r := &Result{Windows: c.windows, Alpha: c.alpha, OldTraces: len(old), NewTraces: len(new)}
	for _, k := range keys(old, new) {
		r.Changes = append(r.Changes, c.series(k, old, new)...)
	}
	for i := range rates(old, new) {
		r.Changes = append(r.Changes, c.rate(i, old, new))
	}
	slices.SortStableFunc(r.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(rank(b.Verdict), rank(a.Verdict)), cmp.Compare(math.Abs(b.Time), math.Abs(a.Time)))
	})
	return r
}

func rank(v Verdict) int {
	switch v {
	case Worse, Better:
		return 2
	case Gone, New:
		return 1
	}
	return 0
}

type key struct {
	kind analyze.SeriesKind
	name string
}

// keys are the distributions on either side, in order.
func keys(sides ...[]*analyze.Behaviour) []key {
	seen := map[key]bool{}
	var out []key
	for _, side := range sides {
		for _, b := range side {
			for _, s := range b.Series {
				if k := (key{s.Kind, s.Name}); !seen[k] {
					seen[k] = true
					out = append(out, k)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b key) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name)) })
	return out
}

func rates(old, new []*analyze.Behaviour) []analyze.Rate {
	if len(old) == 0 || len(new) == 0 {
		return nil
	}
	return old[0].Rates
}

// comparison is how one is made.
type comparison struct {
	alpha, floor float64
	windows      bool
}

// stats are the statistics compared of a distribution.
var stats = []struct {
	name string
	q    float64
	per  int // lengths that an observation needs, so that the quantile means something
}{{"p50", .5, perWindow}, {"p90", .9, 30}, {"p99", .99, 300}}

// sample is one statistic's observations on one side.
type sample struct {
	values []float64
	count  int64   // lengths
	total  float64 // their sum, ns
	time   float64 // of the traces, s
}

// series compares a distribution.
func (c *comparison) series(k key, old, new []*analyze.Behaviour) []Change {
	var out []Change
	for i, st := range stats {
		o, n := c.sample(k, old, st.q, st.per), c.sample(k, new, st.q, st.per)
		if i > 0 && (len(o.values) < fewestObs || len(n.values) < fewestObs) {
			continue // its median is told of; of its tail nothing can be
		}
		x := Change{Kind: k.kind, Name: k.name, Stat: st.name, Unit: "ns", Floor: c.floor}
		least := lengthLeast
		if k.kind == analyze.SeriesWait || k.kind == analyze.SeriesAll || k.kind == analyze.SeriesRunning {
			x.Floor, least = waitFloor, waitLeast
		}
		if i > 0 {
			x.Floor += tailFloor
		}
		x.Time = n.total/max(n.time, 1e-9) - o.total/max(o.time, 1e-9)
		c.judge(&x, o, n, least)
		out = append(out, x)
	}
	return out
}

// sample are the observations of a quantile: one of each trace or, where there
// are too few of them, of as many windows as have enough lengths.
func (c *comparison) sample(k key, side []*analyze.Behaviour, q float64, per int) sample {
	var x sample
	for _, b := range side {
		x.time += float64(b.Window) * float64(b.Windows) / 1e9
		i := slices.IndexFunc(b.Series, func(s analyze.Series) bool { return s.Kind == k.kind && s.Name == k.name })
		if i < 0 {
			continue
		}
		all := analyze.Merged(b.Series[i].Windows)
		x.count += all.Count()
		x.total += all.GetSum()
		if !c.windows {
			if all.Count() > 0 {
				x.values = append(x.values, all.Quantile(q))
			}
			continue
		}
		x.values = append(x.values, quantiles(b.Series[i].Windows, q, int64(per))...)
	}
	return x
}

// quantiles are the quantiles of windows, as many of which are joined as it takes
// for each to have at least so many lengths.
func quantiles(windows []*analyze.Sketch, q float64, per int64) []float64 {
	var out []float64
	var open []*analyze.Sketch
	var n int64
	for _, w := range windows {
		open = append(open, w)
		if n += w.Count(); n >= per {
			out = append(out, analyze.Merged(open).Quantile(q))
			open, n = open[:0], 0
		}
	}
	return out
}

// rate compares the rate number i.
func (c *comparison) rate(i int, old, new []*analyze.Behaviour) Change {
	first := old[0].Rates[i]
	x := Change{Kind: KindRate, Name: first.Name, Stat: "rate", Unit: first.Unit, Floor: rateFloor}
	side := func(bs []*analyze.Behaviour) (s sample) {
		for _, b := range bs {
			if c.windows {
				s.values = append(s.values, b.Rates[i].Windows...)
			} else {
				s.values = append(s.values, mean(b.Rates[i].Windows))
			}
		}
		s.count = math.MaxInt32 // a rate of none is a rate
		return s
	}
	least := rateLeast
	if x.Unit == "ns/s" {
		least = shareLeast
	}
	c.judge(&x, side(old), side(new), least)
	return x
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}

// judge says what can be claimed of a change: nothing of a rate within one trace,
// which tells what load the program had rather than how it took it; else nothing unless the test says that
// the sides differ, and their medians do by the floor and by least.
func (c *comparison) judge(x *Change, old, new sample, least float64) {
	t := &benchmath.Thresholds{CompareAlpha: c.alpha}
	o, n := benchmath.NewSample(slices.Clone(old.values), t), benchmath.NewSample(slices.Clone(new.values), t)
	x.Old, x.New = side(o, old.count), side(n, new.count)
	x.P = 1
	switch {
	case old.count == 0 && new.count >= fewestValues:
		x.Verdict = New
		return
	case new.count == 0 && old.count >= fewestValues:
		x.Verdict = Gone
		return
	case old.count < fewestValues || new.count < fewestValues || len(old.values) < fewestObs || len(new.values) < fewestObs:
		x.Verdict = Few
		return
	}
	x.P = benchmath.AssumeNothing.Compare(o, n).P
	if x.Kind == KindRate && c.windows {
		x.P = 1
	}
	if x.Old.Median > 0 {
		x.Ratio = x.New.Median / x.Old.Median
	}
	x.Verdict = Same
	if x.P >= c.alpha {
		return
	}
	diff := x.New.Median - x.Old.Median
	switch {
	case diff >= least && diff >= x.Floor*x.Old.Median:
		x.Verdict = Worse
	case -diff >= least && -diff >= x.Floor*x.New.Median:
		x.Verdict = Better
	}
}

// confidence is that of the intervals shown.
const confidence = .95

func side(s *benchmath.Sample, count int64) Side {
	if len(s.Values) == 0 {
		return Side{}
	}
	sum := benchmath.AssumeNothing.Summary(s, confidence)
	x := Side{Median: sum.Center, Lo: sum.Lo, Hi: sum.Hi, N: len(s.Values)}
	if count != math.MaxInt32 {
		x.Count = count
	}
	return x
}

// Text names a change.
func (x *Change) Text() string {
	if x.Kind == KindRate {
		return x.Name
	}
	return fmt.Sprintf("%s %s %s", x.Kind, x.Name, x.Stat)
}
