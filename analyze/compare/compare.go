// Package compare tells whether the behaviour of a program has changed between
// some traces and some others.
//
// What is compared are distributions and rates, never single numbers, and what is
// told of each is by how much it changed, between which bounds that lies, and how much
// it would have taken to be noticed. A change is called one only if it is larger than
// what varies within traces and between them explains, with as many statistics as are
// looked at, and larger than a floor: so that neither chance nor the drift of a machine
// looks like a change of the program. How that is judged says effect.go.
package compare

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

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
	waitFloor     = 1.0   // waits for a P: twice as long
	waitLeast     = 100e3 // ns: and by no less than this
	lengthLeast   = 1e3   // ns: of other lengths
	dispatchLeast = 10e3  // ns: of what is computed at a time, where that is held
	rateFloor     = .5    // rates: half as much again
	rateLeast     = 10.0  // a second
	shareLeast    = .01e9 // ns/s: 1 % of a P
	slowFloor     = .02   // of all lengths: so many more that are slow
	slowTimes     = 1.5   // what is slow takes so many times the other side's 99th percentile: a shift alone makes none slow
	fewestValues  = 20    // of a distribution on each side
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

	// ByMachine is a change for which the machine is enough of a reason: with the time
	// without a CPU taken out there is none.
	ByMachine Verdict = "machine"
)

// Change is one statistic on both sides.
type Change struct {
	Kind    SeriesKind `json:"kind"` // of a distribution; "rate" of a rate
	Name    string     `json:"name"`
	Stat    string     `json:"stat"`  // p50, p90, p99, mean, slow, far, rate, or cause: a part of the mean
	Cause   *Cause     `json:"cause"` // that part, without its figures; nil of other statistics
	Unit    string     `json:"unit"`  // ns, /s, ns/s; % of slow and far
	Old     Side       `json:"old"`
	New     Side       `json:"new"`
	Ratio   float64    `json:"ratio"`  // of the medians, new to old; 0 where old is 0
	Effect  float64    `json:"effect"` // Ratio less 1; of shares the difference. 0 where old is 0
	Lo      float64    `json:"lo"`     // 95 % confidence interval of Effect
	Hi      float64    `json:"hi"`
	Noticed float64    `json:"noticed"` // least effect that would most likely have been claimed; 0 where none was judged or old is 0
	P       float64    `json:"p"`       // probability of such an effect where there is none; 1 where none was judged
	Q       float64    `json:"q"`       // P for as many as were looked at: what is claimed has one below alpha
	Floor   float64    `json:"floor"`   // least relative change that would be claimed
	Verdict Verdict    `json:"verdict"`
	Time    float64    `json:"time_ns_per_s"` // difference of the totals that it makes, ns a second of trace; 0 of rates
	Bins    []Bin      `json:"bins"`          // of the whole distribution, with its p50
	Held    bool       `json:"-"`             // what the program is held to: worse fails a check
	Aside   bool       `json:"-"`             // it only warns, as computing is drawn out: see setAside
	NoCPU   *NoCPU     `json:"no_cpu"`        // nil where either side does not tell, or it does not apply
}

// Side is one statistic on one side.
type Side struct {
	Median float64 `json:"median"` // of the trace; of several the geometric mean of theirs
	Lo     float64 `json:"lo"`     // 95 % confidence interval of it
	Hi     float64 `json:"hi"`
	Open   bool    `json:"open"` // there is too little for an interval: Lo and Hi are the median
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
const Schema = "gmptrace.diff/2"

// Result is a comparison.
type Result struct {
	Schema  string       `json:"schema"`
	Verdict string       `json:"verdict"`    // in a paragraph
	Changes []Change     `json:"changes"`    // worse and better ones first, among them what changed most in time
	Rules   []RuleChange `json:"rules"`      // that were judged on either side
	Assumed bool         `json:"assumed"`    // with one trace a side, how much runs differ is an assumption
	Alpha   float64      `json:"alpha"`      // share of claims that may be chance
	Old     []string     `json:"old_traces"` // names
	New     []string     `json:"new_traces"` // names
	Notes   []string     `json:"notes"`      // what stands in the way of comparing
	Machine *Gave        `json:"machine"`    // what the machine gave on both sides; nil where neither tells
}

// Sets compares two sets of traces.
func Sets(old, new []*Behaviour, opt Options) *Result {
	old, new = sameWindows(old, new)
	c := comparison{held: heldKinds(old, new), alpha: cmp.Or(opt.Alpha, DefaultAlpha), floor: cmp.Or(opt.Floor, DefaultFloor)}
	c.draws = min(mostDraws, max(fewestDraws, drawsInAll/max(1, len(old)+len(new))))
	assumed := len(old)+len(new) <= 2
	r := &Result{Schema: Schema, Assumed: assumed, Alpha: c.alpha, Old: traceNames(old), New: traceNames(new), Notes: notes(old, new, assumed), Machine: gaveOn(old, new)}
	c.paces, c.busy = pacesOf(old, new), anyBusy(old, new)
	for _, k := range keys(old, new) {
		if k.kind == SeriesLeg {
			c.leg(k, old, new)
		} else {
			c.series(k, old, new)
		}
	}
	c.limits(old, new)
	c.room(old, new)
	for _, r := range rates(old, new) {
		c.rate(r, old, new)
	}
	r.Changes = c.claim()
	r.takeOut(old, new, c.floor)
	r.setAside(old, new)
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
					out = append(out, RuleChange{ID: r.ID})
				}
				out[k].Title = cmp.Or(out[k].Title, r.Title) // which a fixture does not keep
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
// traces, which then has no rates. What is counted by place only some may have.
func rates(old, new []*Behaviour) []Rate {
	if len(old) == 0 || len(new) == 0 {
		return nil
	}
	if slices.ContainsFunc(slices.Concat(old, new), func(b *Behaviour) bool { return len(b.Rates) == 0 }) {
		return nil
	}
	var out []Rate
	seen := map[string]bool{}
	for _, b := range slices.Concat(old, new) {
		for _, r := range b.Rates {
			if !seen[r.Name] && r.Name != roomName {
				seen[r.Name] = true
				out = append(out, r)
			}
		}
	}
	return out
}

// rateNamed is a rate of a trace, 0 where there was none of it.
func (b *Behaviour) rateNamed(name string) Rate {
	for _, r := range b.Rates {
		if r.Name == name {
			return r
		}
	}
	return Rate{Windows: make([]float64, b.Windows)}
}

// comparison is one in the making.
type comparison struct {
	alpha, floor float64
	held         map[SeriesKind]bool
	busy         bool // there is a function whose cycles or computing come to something
	paces        paces
	draws        int // of each trace
	judged       []judged
}

// judged is a change, and how sure its effect is.
type judged struct {
	Change
	effect
	scale scale
	old   float64 // the old side's statistic, on the scale of effects
	least float64 // amount that matters to nobody
	less  bool    // less of it is worse
}

// scale is where an effect is a difference.
type scale struct {
	to, from func(float64) float64
	shares   bool // effects are told as differences of shares, not as ratios
}

var (
	lengths = scale{to: func(v float64) float64 { return math.Log(max(v, 1)) }, from: math.Exp}
	shares  = scale{to: angle, from: shareOf, shares: true}
)

// rateScale is that of a rate: amounts that matter to nobody are no multiple of others.
func rateScale(least float64) scale {
	return scale{
		to: func(v float64) float64 { return math.Log(max(v, 0) + least) }, // of what goes up and down, some draws are below 0
		from: func(y float64) float64 {
			if v := math.Exp(y) - least; v > least*1e-9 { // what is less is 0, and what calculating leaves of it
				return v
			}
			return 0
		},
	}
}

// relative is what a difference from y is as an effect.
func (s *scale) relative(y, diff float64) float64 {
	old, new := s.from(y), s.from(y+diff)
	switch {
	case s.shares:
		return new - old
	case old <= 0:
		return 0
	}
	return new/old - 1
}

// quantity is a statistic compared of a distribution.
type quantity struct {
	name  string
	q     float64 // of a quantile
	per   int64   // lengths that a trace needs, so that it means something
	times float64 // of the floor that it takes
	drift float64 // from run to run, as assumed where it does not show what the lengths are made of

	// follows is how many times as much as a median it differs between runs, and follows
	// their pace, by what the lengths are made of.
	follows float64
}

// slowFollows is what the angle of the share of slow ones differs by, of what a median does.
const slowFollows = .4

var quantities = []quantity{
	{"p50", .5, 10, 1, lengthDrift, 1},
	{"p90", .9, 60, 2, tailDrift, 2},
	{"p99", .99, 400, 4, tailDrift, 3},
	{statMean, 0, 20, 1.5, lengthDrift, 1.4},
	{statSlow, 0, 100, 1, shareDrift, 0},
}

// Statistics that are no quantiles.
const (
	statMean = "mean"
	statSlow = "slow"
	statFar  = "far"
	statRate = "rate"
	statMost = "most"
	statRoom = "room"
)

// of is the quantity of a whole distribution. slow is how long what is slow takes.
func (x *quantity) of(all *stat.Sketch, slow float64) float64 {
	switch x.name {
	case statMean:
		return float64(all.Sum()) / float64(max(1, all.N()))
	case statSlow:
		var n int64
		for bin, count := range all.Bins() {
			if float64(stat.Mid(bin)) > slow {
				n += count
			}
		}
		return float64(n) / float64(max(1, all.N()))
	}
	return float64(all.Quantile(x.q))
}

// figure is the quantity of lengths that are drawn, on its scale.
func (x *quantity) figure(slow float64) figure {
	switch x.name {
	case statMean:
		return func(d *drawn) float64 { return lengths.to(d.mean()) }
	case statSlow:
		return func(d *drawn) float64 { return shares.to(d.above(slow)) }
	}
	return func(d *drawn) float64 { return lengths.to(d.quantile(x.q)) }
}

func (x *quantity) scale() scale {
	if x.name == statSlow {
		return shares
	}
	return lengths
}

// oneSide is a distribution on one side.
type oneSide struct {
	traces []*stat.Sketch // of each trace that has it
	paces  []float64      // of each of them
	blocks []*blocks
	all    *stat.Sketch
	time   float64 // of the traces, s
	within [][]float64
	drift  [][]float64
}

func newSide(k key, of []*Behaviour, p paces) *oneSide {
	x := &oneSide{}
	for _, b := range of {
		x.time += float64(b.Window) * float64(b.Windows) / 1e9
		s := b.seriesOf(k)
		if s == nil {
			continue
		}
		if all := s.Whole(); all.N() > 0 {
			x.traces, x.blocks, x.paces = append(x.traces, all), append(x.blocks, blocksOf(s.Windows)), append(x.paces, p.of(b, k.name))
		}
	}
	x.all = stat.Merged(x.traces)
	return x
}

// slow is how long what the other side calls slow takes.
func (x *oneSide) slow() float64 { return slowTimes * float64(x.all.Quantile(.99)) }

// vary finds out how much each quantity varies within each trace.
func (x *oneSide) vary(slow float64, draws int) {
	var of []figure
	for i := range quantities {
		of = append(of, quantities[i].figure(slow))
	}
	for _, b := range x.blocks {
		within, drift := b.vary(of, draws)
		x.within, x.drift = append(x.within, within), append(x.drift, drift)
	}
}

// runs are the traces that have enough lengths for quantity i, with what each owes to its
// pace taken out.
func (x *oneSide) runs(i int, slow, owes float64) (out []run) {
	q := &quantities[i]
	for t, all := range x.traces {
		if all.N() < q.per {
			continue
		}
		s := q.scale()
		y := s.to(q.of(all, slow))
		out = append(out, run{seen: y, y: y - owes*x.paces[t], within: x.within[t][i], drift: x.drift[t][i], blocks: len(x.blocks[t].cells)})
	}
	return out
}

// series compares a distribution.
func (c *comparison) series(k key, old, new []*Behaviour) {
	o, n := newSide(k, old, c.paces), newSide(k, new, c.paces)
	first := Change{Kind: k.kind, Name: k.name, Held: c.holds(k, old, new), Stat: quantities[0].name, Unit: "ns", P: 1, Q: 1, Bins: bins(o.all, n.all), Floor: c.floor}
	first.Time = float64(n.all.Sum())/max(n.time, 1e-9) - float64(o.all.Sum())/max(o.time, 1e-9)
	first.Old, first.New = sideOfAll(o), sideOfAll(n)
	switch {
	case o.all.N() == 0 && n.all.N() >= fewestValues:
		first.Verdict = New
	case n.all.N() == 0 && o.all.N() >= fewestValues:
		first.Verdict = Gone
	case o.all.N() < fewestValues || n.all.N() < fewestValues:
		first.Verdict = Few
	}
	if first.Verdict != "" {
		c.judged = append(c.judged, judged{Change: first})
		return
	}
	o.vary(n.slow(), c.draws)
	n.vary(o.slow(), c.draws)
	of := c.madeOf(k, old, new)
	for i := range quantities {
		x := first
		if i > 0 {
			x.Bins = []Bin{}
		}
		c.quantity(x, i, o, n, of)
	}
	if first.Held {
		c.causes(k, old, new)
		for _, x := range c.far(k, old, new, o.all, n.all) {
			c.judged = append(c.judged, judged{Change: x, least: -1})
		}
	}
}

// quantity compares quantity i of what is made of something.
func (c *comparison) quantity(x Change, i int, o, n *oneSide, of madeOf) {
	q := &quantities[i]
	x.Stat, x.Floor = q.name, c.floor*q.times
	least, sd, owes := lengthLeast, q.drift, 0.0
	switch {
	case of.known && q.name == statSlow:
		sd = max(sd, of.drift()*slowFollows)
	case of.known:
		sd, owes = of.drift()*q.follows, of.owes()*q.follows
	}
	switch k := x.Kind; {
	case k == SeriesDispatch && x.Held:
		least = dispatchLeast
	case k == SeriesWait || k == SeriesAll || k == SeriesDispatch:
		x.Floor, least, sd = waitFloor*q.times, waitLeast, max(waitDrift, q.drift)
	}
	if q.name == statSlow {
		x.Unit, x.Floor, least = "%", slowFloor, 0
	}
	old, new := o.runs(i, n.slow(), owes), n.runs(i, o.slow(), owes)
	if !enough(old, new) {
		if i == 0 { // its median is told of, and of the rest nothing can be
			x.Verdict = Few
			c.judged = append(c.judged, judged{Change: x})
		}
		return
	}
	c.judge(x, q.scale(), old, new, least, assumed{sd: sd, share: driftShare})
}

// enough reports whether runs tell how much they vary: several, or one that is divided.
func enough(old, new []run) bool {
	if len(old) == 0 || len(new) == 0 {
		return false
	}
	return len(old)+len(new) > 2 || old[0].blocks >= fewestBlocks && new[0].blocks >= fewestBlocks
}

// sideOfAll is a side of which no interval is known.
func sideOfAll(s *oneSide) Side {
	m := float64(s.all.Quantile(.5))
	return Side{Median: m, Lo: m, Hi: m, Open: true, N: len(s.traces), Count: s.all.N(), Max: float64(s.all.Max())}
}

// judge takes a change in with what is known of its effect.
func (c *comparison) judge(x Change, s scale, old, new []run, least float64, assumed assumed) {
	j := judged{Change: x, effect: effectOf(old, new, assumed), scale: s, least: least, old: meanOf(old, unadjusted)}
	j.Verdict, j.P = Same, j.p()
	set := func(side *Side, runs []run) {
		y, reach := meanOf(runs, unadjusted), -studentBelow((1-confidence)/2, j.df)*math.Sqrt(j.variance/float64(len(runs)))
		side.Median, side.Lo, side.Hi, side.N, side.Open = s.from(y), s.from(y-reach), s.from(y+reach), len(runs), false
		if s.shares {
			side.Median, side.Lo, side.Hi = 100*side.Median, 100*side.Lo, 100*side.Hi
		}
	}
	set(&j.Old, old)
	set(&j.New, new)
	if j.Old.Median > 0 {
		j.Ratio = j.New.Median / j.Old.Median
	}
	reach := j.reach(1 - confidence)
	j.Effect, j.Lo, j.Hi = s.relative(j.old, j.diff), s.relative(j.old, j.diff-reach), s.relative(j.old, j.diff+reach)
	c.judged = append(c.judged, j)
}

// confidence is that of the intervals shown.
const confidence = .95

// binsPerOctave is how finely Change.Bins divide a doubling.
const binsPerOctave = 4

// bins are the shares of lengths on both sides.
func bins(old, new *stat.Sketch) []Bin {
	shares := map[int]*Bin{}
	for side, all := range []*stat.Sketch{old, new} {
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

// rate compares a rate, of which a trace has the name and the unit.
func (c *comparison) rate(of Rate, old, new []*Behaviour) {
	x := Change{Kind: KindRate, Name: of.Name, Stat: statRate, Unit: of.Unit, Floor: rateFloor, P: 1, Q: 1, Bins: []Bin{}}
	least, drift, regular := rateLeast, rateDrift, false
	if x.Unit != "/s" {
		least = shareLeast
	}
	if h, ok := heldRateNamed(of.Name); ok {
		x.Held, x.Floor, least, drift, regular = true, h.floor, h.least, h.drift, h.regular
		x.Held = !regular || collected(old, new)
	}
	s := rateScale(least)
	runs := func(bs []*Behaviour) (out []run) {
		for _, b := range bs {
			r := b.rateNamed(of.Name)
			within, drift := varyRate(r.Windows, s.to, c.draws)
			if regular {
				within, drift = min(within, drift/4), 0
			}
			out = append(out, seenRun(s.to(r.Mean), within, drift, len(r.Windows)))
		}
		return out
	}
	o, n := runs(old), runs(new)
	if !enough(o, n) {
		x.Verdict = Few
		x.Old, x.New = Side{Median: old[0].rateNamed(of.Name).Mean, N: len(o), Open: true}, Side{Median: new[0].rateNamed(of.Name).Mean, N: len(n), Open: true}
		c.judged = append(c.judged, judged{Change: x})
		return
	}
	c.judge(x, s, o, n, least, assumed{sd: drift, share: rateDriftShare})
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}

// claim says what can be claimed of all that was judged. Three families are each held
// to the level by themselves, with the procedure of Benjamini and Hochberg: what may fail a
// check is not to pay for the hundreds of waits and rates that only warn, nor what shows in
// the middle of a distribution for what shows in its tail and in its parts.
func (c *comparison) claim() []Change {
	for of := range families {
		var family []*judged
		for i := range c.judged {
			if j := &c.judged[i]; j.Verdict == Same && j.family() == of {
				family = append(family, j)
			}
		}
		level := discover(family, c.alpha)
		for _, j := range family {
			j.claim(c.alpha, level)
		}
	}
	var out []Change
	for i := range c.judged {
		out = append(out, c.judged[i].Change)
	}
	return out
}

// families is how many there are of what is claimed together.
const families = 4

func (x *Change) family() int {
	switch {
	case !x.decides():
		return 2
	case x.Kind == SeriesLeg:
		return 3
	case x.Stat == "p50" || x.Stat == statMean || x.Stat == statRate:
		return 0
	}
	return 1
}

// discover fills in Q, and returns the level that one more claim would have had to reach.
func discover(family []*judged, alpha float64) (level float64) {
	slices.SortStableFunc(family, func(a, b *judged) int { return cmp.Compare(a.P, b.P) })
	n, least, found := float64(len(family)), 1.0, 0
	for i := len(family) - 1; i >= 0; i-- {
		least = min(least, family[i].P*n/float64(i+1))
		if family[i].Q = least; least < alpha {
			found = max(found, i+1)
		}
	}
	return alpha * min(1, float64(found+1)/max(1, n))
}

// claim says whether a change is one.
func (j *judged) claim(alpha, level float64) {
	certain := j.Stat == statFar || j.Stat == statMost
	if !certain {
		j.Noticed = j.notices(level)
	}
	if j.Q >= alpha {
		return
	}
	if certain {
		j.Verdict = Worse
		if j.Effect < 0 != j.less {
			j.Verdict = Better
		}
		return
	}
	old, new := j.scale.from(j.old), j.scale.from(j.old+j.diff)
	diff := new - old
	if j.scale.shares {
		old, new = 1, 1
	}
	switch {
	case j.less && -diff >= j.Floor*old:
		j.Verdict = Worse
	case j.less && diff >= j.Floor*new:
		j.Verdict = Better
	case j.less:
	case diff >= j.least && diff >= j.Floor*old:
		j.Verdict = Worse
	case -diff >= j.least && -diff >= j.Floor*new:
		j.Verdict = Better
	}
}

// notices is the least effect that would have reached a level with a chance of
// noticedPower, and the floor.
func (j *judged) notices(level float64) float64 {
	if j.Old.Median <= 0 && !j.scale.shares {
		return 0
	}
	seen := j.scale.relative(j.old, j.reach(level)-studentBelow(1-noticedPower, j.df)*j.spread())
	if j.scale.shares {
		return max(seen, j.Floor)
	}
	return max(seen, j.Floor, j.least/j.Old.Median)
}

// judged reports whether there was enough to say something of it.
func (x *Change) judged() bool {
	return x.Verdict == Same || x.Verdict == Worse || x.Verdict == Better || x.Verdict == ByMachine
}

// decides reports whether it may fail a check, instead of warning.
func (x *Change) decides() bool {
	if x.Kind == SeriesDispatch && x.Stat == statSlow {
		return false // a machine that others use as well makes some of any length slow; what is computed is held by legs
	}
	return x.Held && (x.Kind == SeriesLeg || x.Stat == statMost || x.Stat == "p50" || x.Stat == statMean || x.Stat == statSlow || x.Stat == statFar || x.Stat == statCause || x.Stat == statRate || x.Stat == statRoom)
}

// Text names a change.
func (x *Change) Text() string {
	if x.Stat == statFar || x.Stat == statSlow {
		y := *x
		y.Stat = "p50"
		of := fmt.Sprintf(" above %g times the 99th percentile", slowTimes)
		if x.Stat == statFar {
			of = " beyond " + words.Count(farTimes) + " times the longest"
		}
		return strings.TrimSuffix(y.Text(), " p50") + of
	}
	if x.Stat == statCause {
		y := *x
		y.Stat = "p50"
		return strings.TrimSuffix(y.Text(), " p50") + ", on average " + x.Cause.Text()
	}
	switch {
	case x.Kind == KindRate:
		return x.Name
	case x.Kind == SeriesAll:
		return "all waits for a P " + x.Stat
	case x.Name == "" && x.Kind == SeriesRequest:
		return "all requests " + x.Stat
	case x.Kind == SeriesComputed:
		return "requests that only compute " + x.Stat
	case x.Kind == SeriesLeg:
		return fmt.Sprintf("computing by %s %s", x.Name, x.Stat)
	case x.Kind == SeriesAtOnce:
		return x.Name
	case x.Kind == SeriesDispatch && x.Name != "":
		return fmt.Sprintf("computing at a time by %s %s", x.Name, x.Stat)
	case x.Name == "":
		return fmt.Sprintf("%s (name not known) %s", x.Kind, x.Stat)
	}
	return fmt.Sprintf("%s %s %s", x.Kind, x.Name, x.Stat)
}
