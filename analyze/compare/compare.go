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
	"maps"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"

	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
)

// Options say how sure a change must be. The zero value has the defaults.
type Options struct {
	Alpha float64 // level of the test; 0 is DefaultAlpha
	Floor float64 // least relative change of lengths of requests, tasks, regions and goroutines; 0 is DefaultFloor
}

const (
	// DefaultAlpha is the default of Options.Alpha.
	DefaultAlpha = .01
	// DefaultFloor is the default of Options.Floor: 12 %.
	DefaultFloor = .12
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
	tailFloor    = 2.0   // of 90th and 99th percentiles, in addition to the floor: one disturbance doubles them
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
	Kind    SeriesKind `json:"kind"` // of a distribution; "rate" of a rate
	Name    string     `json:"name"`
	Stat    string     `json:"stat"` // p50, p90, p99, far or rate
	Unit    string     `json:"unit"` // ns, /s, ns/s; % of far
	Old     Side       `json:"old"`
	New     Side       `json:"new"`
	Ratio   float64    `json:"ratio"` // of the medians, new to old; 0 where old is 0
	P       float64    `json:"p"`     // of the test
	Floor   float64    `json:"floor"` // least relative change that would be claimed
	Verdict Verdict    `json:"verdict"`
	Time    float64    `json:"time_ns_per_s"` // difference of the totals that it makes, ns a second of trace; 0 of rates
	Bins    []Bin      `json:"bins"`          // of the whole distribution, with its p50
	Held    bool       `json:"-"`             // what the program is held to: worse fails a check
}

// Side is one statistic on one side.
type Side struct {
	Median float64 `json:"median"` // over the observations
	Lo     float64 `json:"lo"`     // 95 % confidence interval of the median
	Hi     float64 `json:"hi"`
	Open   bool    `json:"open"` // too few observations for an interval: Lo and Hi are the extremes
	N      int     `json:"observations"`
	Count  int64   `json:"count"` // lengths in all
	Max    float64 `json:"max"`   // the longest of them; 0 of rates
}

// Bin is the share of a distribution's lengths in [Lo, Hi), on both sides.
type Bin struct {
	Lo  float64 `json:"lo_ns"`
	Hi  float64 `json:"hi_ns"`
	Old float64 `json:"old"` // in [0, 1]
	New float64 `json:"new"`
}

// RuleChange is how one of the scheduler's rules fared on both sides.
type RuleChange struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	OldJudged int64  `json:"old_judged"`
	OldAgreed int64  `json:"old_agreed"`
	NewJudged int64  `json:"new_judged"`
	NewAgreed int64  `json:"new_agreed"`
}

// KindRate is the Kind of a Change of a rate.
const KindRate SeriesKind = "rate"

// Schema names the version of the JSON form of Result: see report.Schema.
const Schema = "gmptrace.diff/1"

// Result is a comparison.
type Result struct {
	Schema  string       `json:"schema"`
	Verdict string       `json:"verdict"`    // in a paragraph
	Changes []Change     `json:"changes"`    // worse and better ones first, among them what changed most in time
	Rules   []RuleChange `json:"rules"`      // that were judged on either side
	Windows bool         `json:"by_windows"` // observations are windows of traces, not traces
	Alpha   float64      `json:"alpha"`      // level of the test
	Old     []string     `json:"old_traces"` // names
	New     []string     `json:"new_traces"` // names
	Notes   []string     `json:"notes"`      // what stands in the way of comparing
}

// Sets compares two sets of traces.
func Sets(old, new []*Behaviour, opt Options) *Result {
	old, new = sameWindows(old, new)
	c := comparison{held: heldKinds(old, new), alpha: cmp.Or(opt.Alpha, DefaultAlpha), floor: cmp.Or(opt.Floor, DefaultFloor)}
	c.windows = len(old) < fewestObs || len(new) < fewestObs
	r := &Result{Schema: Schema, Windows: c.windows, Alpha: c.alpha, Old: traceNames(old), New: traceNames(new), Notes: notes(old, new, c.windows)}
	for _, k := range keys(old, new) {
		r.Changes = append(r.Changes, c.series(k, old, new)...)
	}
	for i := range r.Changes {
		r.Changes[i].Held = c.held[r.Changes[i].Kind]
	}
	for i := range rates(old, new) {
		r.Changes = append(r.Changes, c.rate(i, old, new))
	}
	slices.SortStableFunc(r.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(rank(b.Verdict), rank(a.Verdict)), cmp.Compare(math.Abs(b.Time), math.Abs(a.Time)))
	})
	r.Rules = rules(old, new)
	r.Verdict = r.verdict()
	return r
}

func traceNames(side []*Behaviour) []string {
	out := []string{}
	for _, b := range side {
		out = append(out, b.Trace.Name)
	}
	return out
}

// rules are those judged on either side, in the order of reports.
func rules(old, new []*Behaviour) []RuleChange {
	out := []RuleChange{}
	at := map[string]int{}
	each := func(side []*Behaviour, add func(*RuleChange, *report.Rule)) {
		for _, b := range side {
			for i := range b.Rules {
				r := &b.Rules[i]
				if r.Judged == 0 {
					continue
				}
				k, ok := at[r.ID]
				if !ok {
					k = len(out)
					at[r.ID] = k
					out = append(out, RuleChange{ID: r.ID, Title: r.Title})
				}
				add(&out[k], r)
			}
		}
	}
	each(old, func(c *RuleChange, r *report.Rule) { c.OldJudged += r.Judged; c.OldAgreed += r.Agreed })
	each(new, func(c *RuleChange, r *report.Rule) { c.NewJudged += r.Judged; c.NewAgreed += r.Agreed })
	return out
}

type key struct {
	kind SeriesKind
	name string
}

// keys are the distributions on either side, in order.
func keys(sides ...[]*Behaviour) []key {
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

// rates are those that can be compared: none if there is nothing in one of the
// traces, which then has no rates.
func rates(old, new []*Behaviour) []Rate {
	if len(old) == 0 || len(new) == 0 {
		return nil
	}
	if slices.ContainsFunc(slices.Concat(old, new), func(b *Behaviour) bool { return len(b.Rates) == 0 }) {
		return nil
	}
	return old[0].Rates
}

// comparison is how one is made.
type comparison struct {
	alpha, floor float64
	windows      bool
	held         map[SeriesKind]bool
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
	count  int64 // lengths
	total  int64 // their sum, ns
	all    []*stat.Sketch
	time   float64 // of the traces, s
}

// series compares a distribution.
func (c *comparison) series(k key, old, new []*Behaviour) []Change {
	var out []Change
	for i, st := range stats {
		o, n := c.sample(k, old, st.q, st.per), c.sample(k, new, st.q, st.per)
		if i > 0 && (len(o.values) < fewestObs || len(n.values) < fewestObs) {
			continue // its median is told of; of its tail nothing can be
		}
		x := Change{Kind: k.kind, Name: k.name, Stat: st.name, Unit: "ns", Floor: c.floor}
		least := lengthLeast
		if k.kind == SeriesWait || k.kind == SeriesAll || k.kind == SeriesDispatch {
			x.Floor, least = waitFloor, waitLeast
		}
		if i > 0 {
			x.Floor += tailFloor
		}
		x.Time = float64(n.total)/max(n.time, 1e-9) - float64(o.total)/max(o.time, 1e-9)
		x.Bins = []Bin{}
		if i == 0 {
			x.Bins = bins(o.all, n.all)
		}
		c.judge(&x, o, n, least)
		x.Old.Max, x.New.Max = longest(o.all), longest(n.all)
		out = append(out, x)
	}
	if len(out) > 0 && c.held[k.kind] {
		out = append(out, c.far(k, old, new)...)
	}
	return out
}

// sample are the observations of a quantile: one of each trace or, where there
// are too few of them, of as many windows as have enough lengths.
func (c *comparison) sample(k key, side []*Behaviour, q float64, per int) sample {
	var x sample
	for _, b := range side {
		x.time += float64(b.Window) * float64(b.Windows) / 1e9
		i := slices.IndexFunc(b.Series, func(s Series) bool { return s.Kind == k.kind && s.Name == k.name })
		if i < 0 {
			continue
		}
		all := stat.Merged(b.Series[i].Windows)
		x.count += all.N()
		x.total += all.Sum()
		x.all = append(x.all, all)
		if !c.windows {
			if all.N() > 0 {
				x.values = append(x.values, float64(all.Quantile(q)))
			}
			continue
		}
		x.values = append(x.values, quantiles(b.Series[i].Windows, q, int64(per))...)
	}
	return x
}

// quantiles are the quantiles of windows, as many of which are joined as it takes
// for each to have at least so many lengths.
func quantiles(windows []*stat.Sketch, q float64, per int64) []float64 {
	var out []float64
	var open []*stat.Sketch
	var n int64
	for _, w := range windows {
		open = append(open, w)
		if n += w.N(); n >= per {
			out = append(out, float64(stat.Merged(open).Quantile(q)))
			open, n = open[:0], 0
		}
	}
	return out
}

// binsPerOctave is how finely Change.Bins divide a doubling.
const binsPerOctave = 4

// bins are the shares of lengths on both sides.
func bins(old, new []*stat.Sketch) []Bin {
	shares := map[int]*Bin{}
	for side, sketches := range [][]*stat.Sketch{old, new} {
		all := stat.Merged(sketches)
		for bin, n := range all.Bins() {
			i := int(math.Floor(math.Log2(float64(max(stat.Mid(bin), 1))) * binsPerOctave))
			b := shares[i]
			if b == nil {
				b = &Bin{Lo: math.Exp2(float64(i) / binsPerOctave), Hi: math.Exp2(float64(i+1) / binsPerOctave)}
				shares[i] = b
			}
			if side == 0 {
				b.Old += float64(n) / float64(all.N())
			} else {
				b.New += float64(n) / float64(all.N())
			}
		}
	}
	out := []Bin{}
	for _, i := range slices.Sorted(maps.Keys(shares)) {
		b := *shares[i]
		b.Old, b.New = rounded(b.Old), rounded(b.New)
		out = append(out, b)
	}
	return out
}

func rounded(share float64) float64 { return math.Round(share*1e6) / 1e6 }

// rate compares the rate number i.
func (c *comparison) rate(i int, old, new []*Behaviour) Change {
	first := old[0].Rates[i]
	x := Change{Kind: KindRate, Name: first.Name, Stat: "rate", Unit: first.Unit, Floor: rateFloor, Bins: []Bin{}}
	side := func(bs []*Behaviour) (s sample) {
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
	if x.Unit != "/s" {
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
	x.Old, x.New = sideOf(o, old.count), sideOf(n, new.count)
	x.P = 1
	x.Floor = max(x.Floor, spread(o.Values), spread(n.Values))
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

// spread is how much observations vary by themselves: the distance of their
// quartiles, relative to the median. What varies more than the floor within a
// trace does so from one trace to the next, too.
func spread(values []float64) float64 {
	n := len(values)
	if n < fewestObs || values[n/2] <= 0 {
		return 0
	}
	return (values[n*3/4] - values[n/4]) / values[n/2] / 1.5
}

// confidence is that of the intervals shown.
const confidence = .95

func sideOf(s *benchmath.Sample, count int64) Side {
	if len(s.Values) == 0 {
		return Side{}
	}
	sum := benchmath.AssumeNothing.Summary(s, confidence)
	x := Side{Median: sum.Center, Lo: sum.Lo, Hi: sum.Hi, N: len(s.Values)}
	if math.IsInf(x.Lo, 0) || math.IsInf(x.Hi, 0) {
		x.Lo, x.Hi, x.Open = s.Values[0], s.Values[len(s.Values)-1], true
	}
	if count != math.MaxInt32 {
		x.Count = count
	}
	return x
}

// Text names a change.
func (x *Change) Text() string {
	if x.Stat == "far" {
		y := *x
		y.Stat = "p50"
		return strings.TrimSuffix(y.Text(), " p50") + " beyond " + words.Count(farTimes) + " times the longest"
	}
	switch {
	case x.Kind == KindRate:
		return x.Name
	case x.Kind == SeriesAll:
		return "all waits for a P " + x.Stat
	case x.Name == "" && x.Kind == SeriesRequest:
		return "all requests " + x.Stat
	case x.Name == "":
		return fmt.Sprintf("%s (name not known) %s", x.Kind, x.Stat)
	}
	return fmt.Sprintf("%s %s %s", x.Kind, x.Name, x.Stat)
}
