package compare

import (
	"cmp"
	"fmt"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// Who only computes is seen nowhere but where something interrupts it: the runtime, which
// preempts goroutines, and the CPU profiler. Few stacks tell where a function's time goes to;
// they tell where to look.

// Seen is where a series was seen computing most often.
type Seen struct {
	Func  string `json:"func"`
	Times int64  `json:"times"`
	Of    int64  `json:"of"` // times that it was seen in the program's own code at all
}

// sightings are those of a trace in the making.
type sightings struct {
	preempted map[seriesKey]map[uint32]int64 // stacks, by whose cycles and computing they interrupt
	sampled   map[uint32]int64               // stacks that the profiler took
	handlers  map[uint32]int64               // of requests that only compute, by key of explain.LateNames
	kept      int
}

// mostSightings are the stacks of which is known how often they were seen.
const mostSightings = 1 << 12

func newSightings() *sightings {
	return &sightings{preempted: map[seriesKey]map[uint32]int64{}, sampled: map[uint32]int64{}, handlers: map[uint32]int64{}}
}

// see counts one in.
func (s *sightings) see(in map[uint32]int64, what uint32) {
	if in[what] == 0 {
		if s.kept == mostSightings {
			return
		}
		s.kept++
	}
	in[what]++
}

// preempts notes where a goroutine of a trail was when it had to let go of its P.
func (s *sightings) preempts(iv *model.GInterval, trail uint32) {
	if iv.Woken || iv.Stack == 0 || trail == 0 || iv.Open&model.OpenStart != 0 {
		return
	}
	k := seriesKey{kind: SeriesDispatch, of: trail}
	if s.preempted[k] == nil {
		if s.kept == mostSightings {
			return
		}
		s.preempted[k] = map[uint32]int64{}
	}
	s.see(s.preempted[k], iv.Stack)
}

// tell fills in where series were seen, once all stacks are known.
func (b *collector) tell(out *Behaviour) {
	starts, places, handlers := b.names.Starts(), b.names.Places(), b.finders[0].finder.(explain.LateNames)
	counts := map[key]map[string]int64{}
	add := func(k key, fn string, n int64) {
		if counts[k] == nil {
			counts[k] = map[string]int64{}
		}
		counts[k][fn] += n
	}
	within := func(name string, stack uint32, n int64) {
		if p := places.Of(stack); p != nil && p.Own && name != "" {
			add(key{SeriesDispatch, name}, p.At.Func, n)
			add(key{SeriesCycle, name}, p.At.Func, n)
			if start := starts.Always(b.names.StartFunc(stack)); start != name { // lives are by what goroutines start with
				add(key{SeriesDispatch, start}, p.At.Func, n)
			}
			add(key{SeriesLife, starts.Always(b.names.StartFunc(stack))}, p.At.Func, n)
		}
	}
	for k, stacks := range b.seen.preempted {
		for stack, n := range stacks {
			within(starts.Name(b.runners.Trails, k.of), stack, n)
		}
	}
	for stack, n := range b.seen.sampled {
		within(starts.Runs(b.names.Stacks[stack]), stack, n)
	}
	for handler, n := range b.seen.handlers {
		if name := handlers.Called(handler); name != "" {
			add(key{SeriesComputed, ""}, name, n)
		}
	}
	for i := range out.Causes {
		out.Causes[i].Seen = mostSeen(counts[key{out.Causes[i].Kind, out.Causes[i].Name}])
	}
}

// mostSeen is nil where no function stands out: the half and two of what was seen.
func mostSeen(counts map[string]int64) *Seen {
	var out Seen
	for fn, n := range counts {
		out.Of += n
		if c := cmp.Compare(n, out.Times); c > 0 || c == 0 && fn < out.Func {
			out.Func, out.Times = fn, n
		}
	}
	if out.Times < 2 || 2*out.Times < out.Of {
		return nil
	}
	return &out
}

// seenIn says where most of some traces were seen computing, "" where that does not show.
func seenIn(side []*Behaviour, k key) string {
	counts, of := map[string]int64{}, int64(0)
	for _, b := range side {
		for i := range b.Causes {
			if c := &b.Causes[i]; c.Kind == k.kind && c.Name == k.name && c.Seen != nil {
				counts[c.Seen.Func] += c.Seen.Times
				of += c.Seen.Of
			}
		}
	}
	most := mostSeen(counts)
	if most == nil {
		return ""
	}
	return fmt.Sprintf("%s, %s of %s times that its stack shows", words.Function(most.Func), words.Count(int(most.Times)), words.Count(int(of)))
}

// computes reports whether what grew most of a series is computing.
func computes(k key, causes []CauseChange) bool {
	return k.kind == SeriesDispatch || k.kind == SeriesLeg || k.kind == SeriesComputed || len(causes) > 0 && causes[0].Kind == CauseRunning && causes[0].Grown() > 0
}

// where tells where a failed series computes.
func (x *expected) where(k key, traces []*Behaviour, causes []CauseChange) {
	if x.Status != report.CheckFail || len(x.Failures) == 0 || !computes(k, causes) {
		return
	}
	if k.kind == SeriesLeg {
		k = key{SeriesDispatch, k.function()}
	}
	x.detail("seen computing in", seenIn(traces, k))
}
