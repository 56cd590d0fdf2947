package whatif

import (
	"cmp"
	"math"
	"slices"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// sighting is where a goroutine was seen while it computed: by the CPU profiler, or where it
// was preempted.
type sighting struct {
	at     model.Time
	g      model.GoID
	stack  uint32
	sample bool
}

func (c *workloads) sighted(g model.GoID, at model.Time, stack uint32, sample bool) {
	if g > 0 && stack != 0 && c.window.Holds(at) {
		c.sightings = append(c.sightings, sighting{at: at, g: g, stack: stack, sample: sample})
	}
}

// attribution answers: who computed? A trace tells where goroutines stopped, and of the
// computing between two stops no more. Where it has the CPU profiler's samples, those tell:
// computing is told apart by the request that it was for, or what its goroutine started
// with, and where it ended, and each kind is shared out as its samples are. Without, half
// of it counts as where it began and half as where it ended.
type attribution struct {
	c       *workloads
	sampled bool
	samples int64
	at      map[model.GoID][]sighting
	during  map[model.GoID][]during
	groups  []instances
	kinds   map[kindKey]*computed
	ids     []model.GoID            // by gWork.index
	marks   map[model.GoID][]placed // where requests and tasks begin and end
	all     int64                   // ns computed by the program's goroutines
	named   map[int]standsFor       // requests whose handler shows if they wait for a mutex, by their numbers in workloads.done
}

// kindKey tells computing apart. With samples it is who and where it ended; what has no more
// than a few of them goes by who alone, with ended anywhere. Without it is where it began and
// ended.
type kindKey struct{ who, ended uint32 }

const anywhere = ^uint32(0)

// computed is computing of one kind.
type computed struct {
	ns     int64
	n      int64            // samples
	stacks map[uint32]int64 // samples, or halves, by stack
}

// during is a request or task on its goroutine.
type during struct {
	from, to model.Time
	group    uint32 // counted from 1
	n        int    // in workloads.done
}

// instances are all requests of one handler, or all tasks of one name.
type instances struct {
	kind     string // of report.InstanceKind
	name     string
	of       []int // of workloads.done
	recorded []int64
	chance   bool // which requests of a handler these are is chance: see byChance
	shared   bool // they show it by waits for an RWMutex: who finds it taken by readers depends on the Ps
}

const (
	sampledFrom = 20 // samples that a trace must have for them to say who computed
	kindFrom    = 5  // samples that a kind must have for them to tell of it alone
)

// attributed looks at all that was computed.
func (c *workloads) attributed() *attribution {
	a := &attribution{c: c, at: map[model.GoID][]sighting{}, during: map[model.GoID][]during{}, kinds: map[kindKey]*computed{}, marks: map[model.GoID][]placed{}, ids: make([]model.GoID, len(c.order))}
	for id, g := range c.gs {
		a.ids[g.index] = id
	}
	for _, s := range c.sightings {
		if s.sample {
			a.samples++
		}
	}
	a.sampled = a.samples >= sampledFrom
	for _, s := range c.sightings {
		if s.sample == a.sampled {
			a.at[s.g] = append(a.at[s.g], s)
		}
	}
	for _, list := range a.at {
		slices.SortStableFunc(list, func(x, y sighting) int { return cmp.Compare(x.at, y.at) })
	}
	a.group()
	a.shows()
	for i, g := range c.order {
		id := a.ids[i]
		if g.runtime || g.worker {
			continue
		}
		a.each(id, g, func(s ownAt, key kindKey) {
			if s.kind == ownRun {
				a.all += int64(s.to - s.from)
				a.add(id, &s, key)
			}
		})
	}
	return a
}

// group puts requests and tasks together by their names.
func (a *attribution) group() {
	by := map[[2]string]int{}
	only := a.c.onlyHandler()
	for i := range a.c.done {
		d := &a.c.done[i]
		key := [2]string{string(d.Kind), cmp.Or(a.c.called(d), only)}
		if d.Kind == report.KindTask {
			key[1] = d.Name
		}
		n, ok := by[key]
		if !ok {
			n = len(a.groups)
			by[key] = n
			a.groups = append(a.groups, instances{kind: key[0], name: key[1]})
		}
		x := &a.groups[n]
		x.of, x.recorded = append(x.of, i), append(x.recorded, int64(d.End-d.Start))
		began, ready := a.c.beganOn(d), uint64(0)
		if d.Kind == report.KindRequest {
			ready = 1 // who serves it waited for it
		}
		a.marks[began] = append(a.marks[began], placed{at: d.Start, kind: markBegin, a: uint64(2 * i), b: ready})
		a.marks[d.G] = append(a.marks[d.G], placed{at: d.End, kind: markEnd, a: uint64(2*i + 1)})
		if began == d.G {
			a.during[d.G] = append(a.during[d.G], during{d.Start, d.End, uint32(n + 1), i})
		}
	}
	for _, list := range a.during {
		slices.SortStableFunc(list, func(x, y during) int { return cmp.Compare(x.from, y.from) })
	}
}

// called is the handler of a request, "" where none shows.
func (c *workloads) called(d *explain.Done) string {
	if d.Kind != report.KindRequest || d.Key == 0 {
		return ""
	}
	return c.served.Handler(d.Key)
}

// onlyHandler is the one that shows in all of the trace, "" for none or several: requests
// that show none count as its, as they do in reports.
func (c *workloads) onlyHandler() string {
	only := ""
	for i := range c.done {
		switch name := c.called(&c.done[i]); {
		case name == "" || name == only:
		case only != "":
			return ""
		default:
			only = name
		}
	}
	return only
}

// beganOn is the goroutine that a request or task began on.
func (c *workloads) beganOn(d *explain.Done) model.GoID {
	if g, ok := c.began[d.Task]; ok && d.Task >= 0 {
		return g
	}
	return d.G
}

// each tells of the steps of a goroutine in their order, of computing in pieces between two
// places where it was seen.
func (a *attribution) each(id model.GoID, g *gWork, tell func(s ownAt, key kindKey)) {
	seen, in := a.at[id], a.during[id]
	cuts := a.cuts(id)
	last := g.fn
	var open []ownAt // computing of which it is not known where it ends
	flush := func(stack uint32) {
		for i := range open {
			s := open[i]
			key := kindKey{last, stack}
			if a.sampled {
				for len(in) > 0 && in[0].to <= s.from {
					in = in[1:]
				}
				if key.who = g.fn | 1<<31; len(in) > 0 && in[0].from <= s.from {
					key.who = in[0].group
				}
			}
			tell(s, key)
		}
		open = open[:0]
		last = stack
	}
	for s := range g.steps() {
		if s.kind != ownRun && s.kind != ownAssist {
			flush(s.stack)
			tell(s, kindKey{})
			continue
		}
		if a.sampled {
			for len(cuts) > 0 && cuts[0] <= s.from {
				cuts = cuts[1:]
			}
			for len(cuts) > 0 && cuts[0] < s.to {
				part := s
				part.to = cuts[0]
				open = append(open, part)
				s.from, cuts = cuts[0], cuts[1:]
			}
			open = append(open, s)
			continue
		}
		for len(seen) > 0 && seen[0].at <= s.to {
			if cut := seen[0].at; cut > s.from {
				part := s
				part.to = cut
				open = append(open, part)
				s.from = cut
			}
			flush(seen[0].stack)
			seen = seen[1:]
		}
		if s.to > s.from {
			open = append(open, s)
		}
	}
	flush(g.fn)
}

// cuts are when requests and tasks begin and end on a goroutine, in order: what it computes
// before and after is not theirs.
func (a *attribution) cuts(id model.GoID) []model.Time {
	var out []model.Time
	for _, d := range a.during[id] {
		out = append(out, d.from, d.to)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// add takes in a piece of computing.
func (a *attribution) add(id model.GoID, s *ownAt, key kindKey) {
	k := a.kind(key)
	ns := int64(s.to - s.from)
	k.ns += ns
	if !a.sampled {
		k.stacks[key.who]++
		k.stacks[key.ended]++
		return
	}
	all := a.kind(kindKey{key.who, anywhere})
	all.ns += ns
	list := a.at[id]
	i, _ := slices.BinarySearchFunc(list, s.from, func(x sighting, t model.Time) int { return cmp.Compare(x.at, t) })
	for ; i < len(list) && list[i].at < s.to; i++ {
		for _, x := range []*computed{k, all} {
			x.n++
			x.stacks[list[i].stack]++
		}
	}
}

func (a *attribution) kind(key kindKey) *computed {
	k := a.kinds[key]
	if k == nil {
		k = &computed{stacks: map[uint32]int64{}}
		a.kinds[key] = k
	}
	return k
}

// of is the kind that tells of computing.
func (a *attribution) of(key kindKey) *computed {
	k := a.kinds[key]
	if !a.sampled || k != nil && k.n >= kindFrom {
		return k
	}
	return a.kinds[kindKey{key.who, anywhere}]
}

// share is the share of a kind's computing that is of stacks that match.
func (k *computed) share(match func(stack uint32) bool) float64 {
	if k == nil {
		return 0
	}
	var part, all int64
	for stack, n := range k.stacks {
		all += n
		if match(stack) {
			part += n
		}
	}
	return float64(part) / float64(max(all, 1))
}

// found is what computing matches.
type found struct {
	ns          int64 // in sum over goroutines
	least, most int64 // that it may be as well
	samples     int64 // of the profiler that tell so, 0 without
}

// sampleSpread is how far a count of n samples may be off for its likely range, in √n.
const sampleSpread = 1.64

// matched is how long stacks that match computed.
func (a *attribution) matched(match func(stack uint32) bool) found {
	var f found
	for key, k := range a.kinds {
		if a.sampled && key.ended == anywhere {
			continue // the sum of others
		}
		share := a.of(key).share(match)
		f.ns += int64(share * float64(k.ns))
		if a.sampled {
			f.samples += int64(k.share(match)*float64(k.n) + .5)
			continue
		}
		if share == 1 {
			f.least += k.ns
		}
		if share > 0 {
			f.most += k.ns
		}
	}
	if a.sampled {
		off := int64(float64(f.ns) * min(1, sampleSpread/math.Sqrt(float64(max(f.samples, 1)))))
		f.least, f.most = f.ns-off, min(f.ns+off, a.all)
	}
	return f
}

// off is by which share the time may be another one.
func (f *found) off() float64 {
	if f.ns == 0 {
		return 0
	}
	return float64(max(f.ns-f.least, f.most-f.ns)) / float64(f.ns)
}
