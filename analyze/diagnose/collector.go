package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// cycles answers: who began the collections, how much room does the collector leave, and
// who allocates?
type cycles struct {
	names  *names.Table
	window *replay.Window

	begun  int64
	stacks map[uint32]int64 // cycles by the stack that began them

	heap  *measure.HeapRoom
	stood *replay.Stood

	assists map[model.GoID]model.Event // that are under way
	helped  map[uint32]int64           // ns in assists by the stack that they began in

	idleFrom map[model.ProcID]model.Time // when the last worker of an idle P came to run
	spare    int64                       // ns that workers ran on Ps that had nothing else to do
}

func newCycles(s *replay.Session) *cycles {
	return &cycles{names: s.Names, window: s.Window, heap: replay.Shared(s, measure.NewHeapRoom), stood: replay.Shared(s, replay.NewStood), stacks: map[uint32]int64{}, assists: map[model.GoID]model.Event{},
		helped: map[uint32]int64{}, idleFrom: map[model.ProcID]model.Time{}}
}

func (c *cycles) Watch(f *model.Facts) {
	for i := range c.stood.Events {
		c.event(&c.stood.Events[i])
	}
	dispatches := f.Dispatches
	for i := range f.Ps {
		iv := &f.Ps[i]
		if !iv.Worker || iv.Does != model.PDoesRun { // nearly always
			continue
		}
		for ; len(dispatches) > 0 && dispatches[0].Time < iv.End; dispatches = dispatches[1:] {
			c.dispatched(&dispatches[0])
		}
		if from, ok := c.idleFrom[iv.P]; ok && iv.Start >= from {
			c.spare += int64(iv.End - iv.Start)
		}
	}
	for i := range dispatches {
		c.dispatched(&dispatches[i])
	}
}

// dispatched notes whether the P ran out of other work.
func (c *cycles) dispatched(d *model.Dispatch) {
	switch {
	case d.Source == model.SourceGCIdle:
		c.idleFrom[d.P] = d.Time
	case len(c.idleFrom) > 0:
		delete(c.idleFrom, d.P)
	}
}

func (c *cycles) event(ev *model.Event) {
	switch ev.Op {
	case model.OpGeneration:
		if ev.Arg != 0 { // events were lost
			clear(c.assists)
		}
	case model.OpGCBegin:
		if ev.Arg == 0 && c.window.From <= ev.Time && ev.Time < c.window.To {
			c.begun++
			c.stacks[ev.Stack]++
		}
	case model.OpAssistBegin:
		c.assists[ev.G] = *ev
	case model.OpAssistEnd:
		if from, ok := c.assists[ev.G]; ok {
			c.helped[from.Stack] += int64(ev.Time - from.Time)
			delete(c.assists, ev.G)
		}
	}
}

// begunBy is who begins a cycle.
type begunBy uint8

const (
	begunUnknown   begunBy = iota
	begunByHeap            // somebody who allocated when the heap had grown enough
	begunByProgram         // a call that asks for it
	begunByTime            // the monitor, two minutes after the last one
)

// begunWith tells by the stack that began it.
//
// Source: runtime/mgc.go, gcTrigger.
func (c *cycles) begunWith(stack uint32) begunBy {
	by := begunUnknown
	for i := range c.names.Stacks[stack] {
		switch fn := c.names.Stacks[stack][i].Func; {
		case fn == "runtime.GC" || fn == "runtime/debug.FreeOSMemory":
			return begunByProgram
		case fn == "runtime.forcegchelper":
			return begunByTime
		case strings.HasPrefix(fn, "runtime.mallocgc") || strings.HasPrefix(fn, "runtime.new") || strings.HasPrefix(fn, "runtime.make"):
			by = begunByHeap
		}
	}
	return by
}

// count is how many cycles were begun by whom.
func (c *cycles) count() (n [begunByTime + 1]int64) {
	for stack, times := range c.stacks {
		n[c.begunWith(stack)] += times
	}
	return n
}

// mostly is who began more than half of the cycles.
func (c *cycles) mostly() begunBy {
	for by, n := range c.count() {
		if 2*n > c.begun {
			return begunBy(by)
		}
	}
	return begunUnknown
}

// mostStack is the stack that began most cycles, 0 if there is none.
func (c *cycles) mostStack() (stack uint32) {
	for s, n := range c.stacks {
		if s != 0 && (stack == 0 || n > c.stacks[stack] || n == c.stacks[stack] && s < stack) {
			stack = s
		}
	}
	return stack
}

// collectorWhy is why a collection is mostly under way, in words.
type collectorWhy struct {
	title, often, why, advice string
	sure, sureWhy             string
	evidence                  []report.Evidence
}

// why tells the reason that the evidence shows.
func (c *cycles) why(b bench) collectorWhy {
	places := b.Names.Places()
	w := collectorWhy{sure: "certain", sureWhy: "cycles, mark workers and assists are in the trace", evidence: c.evidence(places)}
	if c.heap.Whole > 0 {
		w.often = fmt.Sprintf(", one per %s allocated", words.Bytes(c.heap.Grown/c.heap.Whole))
	}
	most := c.mostly()
	switch {
	case most == begunByProgram:
		c.forced(&w, places)
	case c.heap.Tight():
		c.limited(&w)
	case most == begunByTime:
		w.why = "The runtime's monitor began them, as there had been none for two minutes each time."
	default:
		w.why = "The program allocates so fast, or has so little room (GOMEMLIMIT, GOGC), that the collector runs most of the time."
		if c.heap.Live.N() > 0 {
			w.why = fmt.Sprintf("The program allocates so fast that the heap, of which %s are live, reaches its goal, %s that, again and again.", words.Bytes(c.heap.Live.Quantile(.5)), c.above())
		}
	}
	w.advice = c.advice(places)
	return w
}

// forced says who asks for cycles.
func (c *cycles) forced(w *collectorWhy, places *names.Places) {
	n := c.count()[begunByProgram]
	w.title = ", asked for by the program"
	w.why = fmt.Sprintf("The program asked for %s of %s by runtime.GC or debug.FreeOSMemory", words.Count(n), words.Plural(c.begun, "cycle"))
	if at := c.caller(places); at != "" {
		w.title = ", asked for by " + at
		w.why += ", mostly in " + at
	}
	w.why += "."
}

// caller is where most cycles that the program asked for were, "" if that does not show.
func (c *cycles) caller(places *names.Places) string {
	asked := map[uint32]int64{}
	for stack, n := range c.stacks {
		if c.begunWith(stack) == begunByProgram {
			asked[stack] = n
		}
	}
	for _, x := range topPlaces(places, asked) {
		return x.name
	}
	return ""
}

// limited says how little room there is.
func (c *cycles) limited(w *collectorWhy) {
	w.title = ": likely a memory limit, or a very low GOGC"
	w.often += fmt.Sprintf(", the goal %s the live heap", c.above())
	w.why = fmt.Sprintf("After a cycle %s are live, and the heap may hardly grow before the next one has to begin. Likely that is a memory limit (GOMEMLIMIT); a very low GOGC looks the same.", words.Bytes(c.heap.Live.Quantile(.5)))
	w.sure, w.sureWhy = "high", "cycles, live heap and goal are in the trace, the limit and GOGC are not"
}

// above is by how much the goal is above the live heap.
func (c *cycles) above() string {
	room := c.heap.Room.Quantile(.5)
	if room == 0 {
		return "no higher than"
	}
	return words.Share(float64(room)/1000) + " above"
}

// advice is what helps, by the evidence: GOGC does nothing about cycles that are asked
// for, or where a memory limit sets the goal.
func (c *cycles) advice(places *names.Places) string {
	allocate := "Allocate less"
	if top := topPlaces(places, c.helped); len(top) > 0 {
		allocate += fmt.Sprintf(", first in %s", top[0].name)
	}
	switch {
	case c.mostly() == begunByProgram:
		return "Do not ask for collections there: the collector runs by itself when the heap has grown. Neither GOGC nor GOMEMLIMIT changes how often the program asks."
	case c.fromPool():
		return allocate + names.PoolAdvice
	case c.heap.Tight():
		return "Raise the limit or hold less in memory: raising GOGC does not help under a limit. If there is none, raise GOGC. " + allocate + "."
	case c.heap.LongAdvice(allocate) != "":
		return c.heap.LongAdvice(allocate)
	case c.heap.Room.N() == 0:
		return allocate + " (profile with -alloc_space); give the collector more room: raise GOGC, or the memory limit if there is one."
	}
	return fmt.Sprintf("%s (profile with -alloc_space), or raise GOGC: the live heap is %s.", allocate, words.Bytes(c.heap.Live.Quantile(.5)))
}

// fromPool reports whether most who helped the collector allocated what a sync.Pool had
// none of.
func (c *cycles) fromPool() bool {
	var all, pooled int64
	for stack, ns := range c.helped {
		if all += ns; c.names.FromPool(stack) {
			pooled += ns
		}
	}
	return 2*pooled > all
}

// evidence is the figures of the heap, who began the cycles and who allocates.
func (c *cycles) evidence(places *names.Places) []report.Evidence {
	n := c.count()
	out := []report.Evidence{
		{Label: "cycles begun by allocating", Value: words.Count(n[begunByHeap])},
		{Label: "cycles that the program asked for", Value: words.Count(n[begunByProgram])},
		{Label: "cycles begun by the monitor, after two minutes", Value: words.Count(n[begunByTime])},
	}
	if c.heap.Live.N() > 0 {
		out = append(out, report.Evidence{Label: "live heap after a cycle, median", Value: words.Bytes(c.heap.Live.Quantile(.5))},
			report.Evidence{Label: "goal, median", Value: c.above() + " that"})
	}
	for _, x := range topPlaces(places, c.helped) {
		out = append(out, report.Evidence{Label: "in assists, allocating in " + x.name, Value: words.Length(x.n)})
	}
	return slices.DeleteFunc(out, func(e report.Evidence) bool { return e.Value == "0" })
}
