package whatif

import (
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model/simulate"
)

// Lengths are how long the requests of a handler, or the tasks of a name, take.
type Lengths struct {
	Kind  string `json:"kind"` // request or task
	Name  string `json:"name"` // "" where no handler shows
	Count int64  `json:"count"`
	P50   Length `json:"p50"`
	P90   Length `json:"p90"`
	P99   Length `json:"p99"`

	Chance bool `json:"by_chance"` // which of the handler's requests show it is chance, or others do here than did: predictions are not to be relied on
}

// Length is a quantile of them: recorded, or the median over the seeds.
type Length struct {
	NS    int64 `json:"ns"`
	Low   int64 `json:"low_ns"` // between Low and High it is likely to lie: over the seeds and bounds, widened by what the self-check is off by
	High  int64 `json:"high_ns"`
	Known bool  `json:"known"` // it is of many enough, and the simulation of the recorded settings came within 30 % of what was recorded
}

// Called is what they are of.
func (l *Lengths) Called() string { return called(l.Kind, l.Name) }

// called is a handler or task for people.
func called(kind, name string) string {
	switch {
	case kind == string(report.KindTask):
		return "task " + name
	case name == "":
		return "requests that show no handler"
	}
	return name
}

// quantiles are those that lengths are told by.
var quantiles = [...]float64{.5, .9, .99}

// at is the i-th of quantiles.
func (l *Lengths) at(i int) *Length { return [...]*Length{&l.P50, &l.P90, &l.P99}[i] }

// enoughBeyond is how many of the lengths lie beyond a quantile that is told.
const enoughBeyond = 2.5

// follower has simulations tell how long requests and tasks take in them.
type follower struct {
	group  []int32           // of each that ended, by its number in workloads.done
	stood  map[int]standsFor // those of which that depends on the simulation
	groups int
}

// follows is who follows what the attribution has put together.
func (a *attribution) follows() *follower {
	f := &follower{group: make([]int32, len(a.c.done)), stood: a.named, groups: len(a.groups)}
	for n := range a.groups {
		for _, i := range a.groups[n].of {
			f.group[i] = int32(n)
		}
	}
	return f
}

// in returns the lengths that a simulation under cfg will have found, by group.
func (f *follower) in(cfg *simulate.Config) []stat.Sketch {
	if f == nil || f.groups == 0 {
		return nil
	}
	of := make([]stat.Sketch, f.groups)
	began := make([]int64, len(f.group))
	stood := make([]bool, len(f.group))
	cfg.Stood = func(n int) { stood[n] = true }
	cfg.Marked = func(n int, at int64) {
		if n%2 == 0 {
			began[n/2] = at + 1
		} else if from := began[n/2]; from > 0 {
			group := f.group[n/2]
			if x, ok := f.stood[n/2]; ok {
				group = x.group(stood[n/2])
			}
			of[group].Add(at + 1 - from)
		}
	}
	return of
}

// recordedLengths are those of the recorded run, what takes most time together first.
func (a *attribution) recordedLengths() []Lengths {
	out := []Lengths{}
	for _, n := range a.mostTime() {
		in := &a.groups[n]
		l := Lengths{Kind: in.kind, Name: in.name, Count: int64(len(in.of)), Chance: in.chance}
		var rec stat.Sketch
		for _, ns := range in.recorded {
			rec.Add(ns)
		}
		for i, q := range quantiles {
			ns := rec.Quantile(q)
			*l.at(i) = Length{NS: ns, Low: ns, High: ns, Known: float64(l.Count)*(1-q) >= enoughBeyond}
		}
		out = append(out, l)
	}
	return out
}

// simulatedLengths are those that simulations found, in the order of the recorded ones. What
// the self-check is off by, of each, may be so here as well.
func (w *prediction) simulatedLengths(a *attribution, rs, bounds []*outcome) []Lengths {
	out := []Lengths{}
	for k, n := range a.mostTime() {
		rec := &w.x.Recorded.Of[k]
		shown, _, _ := middle(rs, func(r *outcome) int64 { return int64(r.of[n].N()) })
		l := Lengths{Kind: rec.Kind, Name: rec.Name, Count: rec.Count, Chance: rec.Chance || a.groups[n].shared && otherRequests(shown, rec.Count)}
		for i, q := range quantiles {
			figure := func(r *outcome) int64 { return r.of[n].Quantile(q) }
			to := l.at(i)
			to.NS, to.Low, to.High = middle(rs, figure)
			if len(bounds) > 0 {
				_, low, high := middle(bounds, figure)
				to.Low, to.High = min(to.Low, low), max(to.High, high)
			}
			to.Known = rec.at(i).Known && !a.mixed(n)
			if k < len(w.x.Check.Of) {
				off := w.x.Check.Of[k].off(i)
				by := max(w.x.Check.Of[k].factor(i), 1+leastOff)
				to.Low, to.High = int64(float64(to.Low)/by), int64(float64(to.High)*by)
				to.Known = to.Known && off <= fairRequests
			}
		}
		out = append(out, l)
	}
	return out
}

// othersTimes is how many times as many requests show their handler, or as few, from where on they
// are taken to be others than in the recorded run.
const othersTimes = 1.5

// otherRequests reports whether those that show a handler, as they wait for an RWMutex, are others
// than were recorded, by how many they are; 0 is that none ended.
func otherRequests(shown, recorded int64) bool {
	return shown > 0 && (float64(shown) > othersTimes*float64(recorded) || float64(recorded) > othersTimes*float64(shown))
}

// LengthsCheck is by which share the simulation of the recorded settings is off from the
// recorded lengths.
type LengthsCheck struct {
	Kind  string  `json:"kind"`
	Name  string  `json:"name"`
	Count int64   `json:"count"`
	P50   float64 `json:"p50_difference"`
	P90   float64 `json:"p90_difference"`
	P99   float64 `json:"p99_difference"`
}

// off is the difference of the i-th of quantiles, whichever way.
func (c *LengthsCheck) off(i int) float64 {
	return max([...]float64{c.P50, c.P90, c.P99}[i], -[...]float64{c.P50, c.P90, c.P99}[i])
}

// factor is what the simulated one has to be multiplied with, or divided by, to be the recorded
// one: ten at the most, as nothing is told then.
func (c *LengthsCheck) factor(i int) float64 {
	times := 1 + [...]float64{c.P50, c.P90, c.P99}[i]
	return min(max(times, 1/max(times, .1)), 10)
}

// checkLengths compares what simulations of the recorded settings found with the recorded run.
func (w *prediction) checkLengths(a *attribution, rs []*outcome) []LengthsCheck {
	out := []LengthsCheck{}
	for k, n := range a.mostTime() {
		rec := &w.x.Recorded.Of[k]
		c := LengthsCheck{Kind: rec.Kind, Name: rec.Name, Count: rec.Count}
		for i, to := range []*float64{&c.P50, &c.P90, &c.P99} {
			ns, _, _ := middle(rs, func(r *outcome) int64 { return r.of[n].Quantile(quantiles[i]) })
			*to = latencyDifference(ns, rec.at(i).NS)
		}
		out = append(out, c)
	}
	return out
}
