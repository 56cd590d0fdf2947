package whatif

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"gmptrace/model"
	"gmptrace/model/simulate"
)

// What do several Ps cost the program's computing? A trace with several tells: the same piece of
// a program, from one place where goroutines stop to the next, was computed now while nobody else
// ran, now beside others. Where it takes about as long each time that it is alone, how much
// longer it takes beside others is what memory, caches and the collector's marking cost. With one
// P all of it is alone.

// crowd tells how many Ps ran goroutines or marked, when.
type crowd struct {
	times []model.Time // at which that changes
	sums  []int64      // by then: of all Ps, how long they did, in ns
	more  float64      // how much more computing takes beside others than alone, as a share
}

const (
	timesKept  = 1024    // stretches of each kind
	crowdKept  = 1 << 20 // stretches that are looked at, at the most: of larger traces nothing is told
	aloneShare = .1      // of a piece that others ran at the most, where it was alone
	amidShare  = .9      // at the least, where it was among others
	crowdTimes = 15      // of each that tell of a piece
	aloneEven  = 1.6     // times as long as one of four pieces alone, one of four is at the most: else they are of several kinds
	crowdTells = .3      // share of computing that such pieces are at the least
	mostMore   = 1.5
)

// crowded looks at all stretches; nil where too few tell.
func (c *workloads) crowded(computed func(s ownAt) int64) *crowd {
	type change struct {
		at model.Time
		n  int64
	}
	var changes []change
	run := func(from, to model.Time) { changes = append(changes, change{from, 1}, change{to, -1}) }
	for _, x := range c.marking {
		run(x.from, x.to)
	}
	for _, g := range c.order {
		for s := range g.steps() {
			if s.kind == ownRun || s.kind == ownAssist {
				run(s.from, s.to)
			}
		}
		if len(changes) > 2*crowdKept {
			return nil
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	x := &crowd{}
	sum, n, last := int64(0), int64(0), model.Time(0)
	for _, ch := range changes {
		sum += n * int64(ch.at-last)
		n, last = n+ch.n, ch.at
		x.times, x.sums = append(x.times, ch.at), append(x.sums, sum)
	}
	if x.more = x.costs(c, computed); x.more == 0 {
		return nil
	}
	return x
}

// byItself is the workload in which all computing takes what it does alone, nil where the trace
// does not tell that.
func (w *prediction) byItself() *simulate.Workload {
	if w.lonely == nil {
		var load *simulate.Workload
		cpus := w.c.cpus
		if w.x.Machine == nil {
			cpus = nil
		}
		of := writer{c: w.c, cpus: cpus, part: 1}
		if w.c.crowd = w.c.crowded(func(s ownAt) int64 { of.p = s.p; return of.computed(s.from, s.to) }); w.c.crowd != nil {
			load = w.c.workload(cpus, w.a.changing())
			copy(load.Cycles, w.w.Cycles)
			w.c.crowd = nil
		}
		w.lonely = &load
	}
	return *w.lonely
}

// until is how long Ps ran in sum until a time.
func (x *crowd) until(t model.Time) int64 {
	i := sort.Search(len(x.times), func(i int) bool { return x.times[i] > t })
	if i == 0 {
		return 0
	}
	if i == len(x.times) || x.times[i] == x.times[i-1] {
		return x.sums[i-1]
	}
	part := float64(t-x.times[i-1]) / float64(x.times[i]-x.times[i-1])
	return x.sums[i-1] + int64(part*float64(x.sums[i]-x.sums[i-1]))
}

// others is how long others ran while one did from a time to another, in sum.
func (x *crowd) others(from, to model.Time) int64 {
	return max(0, x.until(to)-x.until(from)-int64(to-from))
}

// alone is how long what took ns among others takes alone.
func (x *crowd) alone(from, to model.Time, ns int64) int64 {
	share := min(1, float64(x.others(from, to))/float64(max(1, to-from)))
	return int64(float64(ns) / (1 + x.more*share))
}

// costs compares pieces that were computed alone with those that were not.
func (x *crowd) costs(c *workloads, computed func(s ownAt) int64) (more float64) {
	type times struct {
		alone, amid []int64
		all         int64
	}
	kinds, all := map[piece]*times{}, int64(0)
	for _, g := range c.order {
		if g.runtime || g.worker {
			continue
		}
		last, ns, wall, others := g.fn, int64(0), int64(0), int64(0)
		for s := range g.steps() {
			switch s.kind {
			case ownRun:
				ns, wall, others = ns+computed(s), wall+int64(s.to-s.from), others+x.others(s.from, s.to)
				continue
			case ownAssist:
				continue
			}
			if ns > 0 {
				k := kinds[piece{last, s.stack}]
				if k == nil {
					k = &times{}
					kinds[piece{last, s.stack}] = k
				}
				k.all, all = k.all+ns, all+ns
				switch share := float64(others) / float64(max(1, wall)); {
				case len(k.alone)+len(k.amid) >= timesKept:
				case share <= aloneShare:
					k.alone = append(k.alone, ns)
				case share >= amidShare:
					k.amid = append(k.amid, ns)
				}
			}
			last, ns, wall, others = s.stack, 0, 0, 0
		}
	}
	told, weight := 0.0, 0.0
	for _, k := range kinds {
		slices.Sort(k.alone)
		slices.Sort(k.amid)
		if n := len(k.alone); n < crowdTimes || len(k.amid) < crowdTimes || float64(k.alone[n*3/4]) > aloneEven*float64(k.alone[n/4]) {
			continue
		}
		ratio := math.Inf(1) // of which quantile it is least: there may be a few kinds all the same
		for q := range 3 {
			at := func(l []int64) float64 { return float64(l[len(l)*(q+1)/4]) }
			ratio = min(ratio, at(k.amid)/max(1, at(k.alone)))
		}
		told += float64(k.all) * ratio
		weight += float64(k.all)
	}
	if weight < crowdTells*float64(all) || weight == 0 {
		return 0
	}
	return math.Min(math.Max(told/weight-1, 0), mostMore)
}
