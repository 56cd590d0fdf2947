package whatif

import (
	"fmt"
	"math"
	"slices"

	"gmptrace/analyze/words"
	"gmptrace/model/simulate"
)

// Laws are what no scheduler can change about the recorded program.
type Laws struct {
	Work        int64    `json:"work_ns"`          // what its goroutines compute, of all together
	Span        int64    `json:"span_ns"`          // the longest chain of what waits for each other: no run is shorter
	Computed    int64    `json:"span_computed_ns"` // of Span; the rest is outside of the program, or in system calls
	Parallelism float64  `json:"parallelism"`      // Work by Span: how many Ps it can use on average
	Bounds      []Bound  `json:"bounds"`           // by a growing number of Ps
	Text        []string `json:"text"`
}

// Bound is between which lengths a run of Go's scheduler must lie with so many Ps, if the
// program computes what it did.
type Bound struct {
	Procs int   `json:"gomaxprocs"`
	Least int64 `json:"least_ns"` // work law and span law
	Most  int64 `json:"most_ns"`  // Graham's bound, with what dispatches cost; waking threads comes on top
}

// mostBoundProcs is up to how many Ps bounds are told.
const mostBoundProcs = 128

// corridor finds bounds, and keeps what of them does not depend on the number of Ps.
type corridor struct {
	w    *prediction
	laws map[[2]float64][2]simulate.Laws // least and most, by what computing is multiplied by
}

// corridor is nothing found yet.
func (w *prediction) corridor() *corridor {
	return &corridor{w: w, laws: map[[2]float64][2]simulate.Laws{}}
}

// configs are under which computing takes the least and the most that is likely with so many
// Ps: what several of them cost is not known better.
func (c *corridor) configs(procs int) (least, most simulate.Config) {
	w := c.w
	least = simulate.DefaultConfig(procs)
	least.Costs = w.costs
	most = least
	switch {
	case w.set.Stretch > 0 && procs != w.procs:
		least.Stretch, most.Stretch = w.set.Stretch, w.set.Stretch
	case w.crosses(&least):
		w.applyParallel(&least, parallelLeast)
		w.applyParallel(&most, parallelMost)
		if procs < w.procs {
			least, most = most, least
		}
	case procs > w.procs:
		most.Stretch = morePs
	case procs < w.procs:
		least.Stretch = 1 / morePs
	}
	return least, most
}

// bound is that of so many Ps on so many CPUs, 0 for one each.
func (c *corridor) bound(procs, cpus int) Bound {
	least, most := c.configs(procs)
	key := [2]float64{least.Stretch, most.Stretch}
	both, ok := c.laws[key]
	costs := &most.Costs
	if !ok {
		hop := costs.Switch.Mean()
		both = [2]simulate.Laws{simulate.LawsOf(c.w.w, &least, 0), simulate.LawsOf(c.w.w, &most, hop)}
		c.laws[key] = both
	}
	marked := int64(0)
	for _, cycle := range c.w.w.Cycles {
		marked += int64(float64(cycle.Work)*max(most.Marking, 1)) + cycle.STW
	}
	if cpus > 0 {
		procs = min(procs, cpus)
	}
	b := Bound{Procs: procs}
	b.Least, b.Most = simulate.Bounds(procs, &both[0], &both[1], marked, costs.Switch.Mean())
	return b
}

// tell fills in the laws of the recorded program.
func (c *corridor) tell() *Laws {
	w := c.w
	cfg := simulate.DefaultConfig(w.procs)
	own := simulate.LawsOf(w.w, &cfg, 0)
	l := &Laws{Work: own.Work, Span: own.Span, Computed: own.Chained, Bounds: []Bound{}}
	if own.Span > 0 {
		l.Parallelism = rounded(float64(own.Work) / float64(own.Span))
	}
	procs := []int{w.procs}
	for p := 1; p <= mostBoundProcs; p *= 2 {
		procs = append(procs, p)
	}
	for i := range w.x.Variants {
		procs = append(procs, w.x.Variants[i].Procs)
	}
	slices.Sort(procs)
	for _, p := range slices.Compact(procs) {
		b := c.bound(p, w.set.CPUs)
		b.Procs = p
		l.Bounds = append(l.Bounds, b)
	}
	l.Text = l.say()
	return l
}

// say says them in sentences.
func (l *Laws) say() []string {
	outside := l.Span - l.Computed
	chain := fmt.Sprintf("Span: %s, the longest chain of what waits for each other", words.Length(l.Span))
	switch {
	case outside <= l.Span/100:
		chain += ", all of it computing"
	case l.Computed <= l.Span/100:
		chain += ", hardly any of it computing: it waits for timers, the network and system calls"
	default:
		chain += fmt.Sprintf(", %s of it computing: the rest waits for timers, the network and system calls", words.Length(l.Computed))
	}
	out := []string{
		fmt.Sprintf("Work: %s that goroutines compute, whoever runs when: N Ps take at least an Nth of it.", words.Length(l.Work)),
		chain + ". No number of Ps is faster.",
	}
	ps := int(math.Ceil(l.Parallelism))
	text := fmt.Sprintf("Parallelism: work by span is %.1f: ", l.Parallelism)
	switch {
	case l.Parallelism < .05:
		text = "Parallelism: work by span is less than 0.1: the run is as long as what it waits for, with any number of Ps."
	case ps <= 1:
		text += "one P could do it all in the time of the span, if work came evenly; more Ps only take up what comes at once."
	default:
		text += fmt.Sprintf("%s could be kept busy on average, and from there on the span decides.", words.Plural(int64(ps), "P"))
	}
	return append(out, text)
}

// greedy reports whether Graham's bound is about a variant: only Go's scheduler as it is
// leaves no P idle while a goroutine could run.
func (v *Variant) greedy() bool { return v.Scheduler == simulate.GMP.String() && v.Settings == "" }

// hold brings a prediction's range into its corridor.
func (c *corridor) hold(v *Variant) {
	b := c.bound(v.Procs, v.CPUs)
	v.Least = b.Least
	if v.greedy() {
		v.Most = b.Most
	}
	v.Low, v.High = b.within(v.Low, v.Makespan, v.High, v.greedy())
}

// within is the part of a range about ns that lies between the bounds; of others than Go's
// scheduler it may be above. What is predicted stays in it.
func (b *Bound) within(low, ns, high int64, greedy bool) (int64, int64) {
	if low = max(low, b.Least); greedy {
		high = min(high, b.Most)
	}
	return min(low, ns), max(high, ns)
}
