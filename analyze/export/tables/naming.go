package tables

import (
	"gmptrace/analyze/explain"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// naming says what the numbers of rows stand for, when all of the trace has been read.
// Each is looked at once.
type naming struct {
	names  *names.Table
	starts *names.Starts
	places *names.Places
	trails *names.Trails
	late   []uint32 // trails by youth: see ref
	each   *explain.Each

	run      []*running // by trail
	stacks   []*placeCells
	handlers map[int64]cell
	texts    []cell
	sets     map[model.Sources]cell
	nowhere  placeCells
	nobody   running

	states, reasons, sources, ticks, doing, spans, instances, causes, parents []cell
	mark, pause                                                               cell
}

// running is what goroutines run by a trail.
type running struct {
	name    cell
	runtime bool
}

// placeCells is a place in the source.
type placeCells struct{ fn, file, line, callee cell }

// doer is a goroutine and what it started with.
type doer struct{ g, fn cell }

// ref is how a row refers to the trail of a goroutine: by its number or, where that shows
// later, by that of the goroutine's youth.
type ref = int64

func youth(n uint32) ref { return -1 - ref(n) }

func newNaming(c *collector) *naming {
	n := &naming{names: c.session.Names, starts: c.session.Names.Starts(), places: c.session.Names.Places(), trails: c.runners.Trails, late: c.late, each: c.each,
		handlers: map[int64]cell{}, sets: map[model.Sources]cell{},
		mark: textOf("mark"), pause: textOf("stop-the-world"), nowhere: placeCells{null, null, null, null}, nobody: running{name: null}}
	n.states = cells(numStates, func(i int) string { return stateNames[i] })
	n.reasons = cells(int(model.NumReasons), func(i int) string { return model.Reason(i).String() })
	n.sources = cells(int(model.NumSources), func(i int) string { return model.Source(i).String() })
	n.ticks = cells(int(model.TickYes)+1, func(i int) string { return model.Tick(i).String() })
	n.doing = cells(len(doings), func(i int) string { return doings[i] })
	n.spans = cells(numSpanKinds, func(i int) string { return spanKinds[i] })
	n.instances = cells(2, func(i int) string { return string([]report.InstanceKind{report.KindTask, report.KindRequest}[i]) })
	n.causes = cells(int(report.NumCauses), func(i int) string { return report.Cause(i).String() })
	n.parents = cells(int(report.NumCauses), func(i int) string { return report.Cause(i).Parent() })
	n.texts = cells(len(c.texts.all), func(i int) string { return c.texts.all[i] })
	return n
}

// doings are what Ps do, by model.PActivity.
var doings = []string{model.PDoesIdle: "idle", model.PDoesSched: "sched", model.PDoesRun: "run", model.PDoesSyscall: "syscall"}

func cells(n int, name func(int) string) []cell {
	out := make([]cell, n)
	for i := range out {
		out[i] = textOf(name(i))
	}
	return out
}

// runs is what a goroutine runs.
func (n *naming) runs(r ref) *running {
	if r < 0 {
		if r = -1 - r; r >= ref(len(n.late)) {
			return &n.nobody
		}
		r = ref(n.late[r])
	}
	if r == 0 {
		return &n.nobody
	}
	for int(r) >= len(n.run) {
		n.run = append(n.run, nil)
	}
	if n.run[r] == nil {
		name := n.starts.Name(n.trails, uint32(r))
		n.run[r] = &running{textOf(name), names.IsRuntime(name)}
	}
	return n.run[r]
}

// place is where a stack is in the program.
func (n *naming) place(stack int64) *placeCells {
	if stack == 0 {
		return &n.nowhere
	}
	for int(stack) >= len(n.stacks) {
		n.stacks = append(n.stacks, nil)
	}
	if n.stacks[stack] == nil {
		n.stacks[stack] = n.cellsOf(n.places.Of(uint32(stack)))
	}
	return n.stacks[stack]
}

func (n *naming) cellsOf(p *names.Place) *placeCells {
	if p == nil {
		return &n.nowhere
	}
	c := &placeCells{textOf(p.At.Func), textOf(p.At.File), null, textOf(p.Callee)}
	if p.At.Line > 0 {
		c.line = numberOf(int64(p.At.Line))
	}
	return c
}

// handler is the handler of the requests with a key.
func (n *naming) handler(key int64) cell {
	h, ok := n.handlers[key]
	if !ok {
		h = textOf(n.each.Handler(uint32(key)))
		n.handlers[key] = h
	}
	return h
}

// part is what a row of causes is about.
func part(row []int64) *explain.Part {
	return &explain.Part{Via: uint8(row[causeVia]), Cause: report.Cause(row[causeCause]), G: model.GoID(row[causeOf]), Fn: uint32(row[causeOfFn]),
		Who: model.GoID(row[causeWho]), WhoFn: uint32(row[causeWhoFn]), Stack: uint32(row[causeStack]), Seen: uint32(row[causeSeen]), Stood: uint32(row[causeStood])}
}

func (n *naming) blockedFor(row []int64) cell {
	if row[causeVia] == 0 {
		return null
	}
	return n.reasons[row[causeVia]-1]
}

func (n *naming) where(row []int64) *placeCells {
	return n.cellsOf(n.each.Where(part(row), model.GoID(row[causeG])))
}

func (n *naming) stood(row []int64) *placeCells {
	if row[causeVia] == 0 {
		return &n.nowhere
	}
	return n.place(row[causeStood])
}

// who is the goroutine behind a row of causes.
func (n *naming) who(row []int64) doer {
	g, stack := row[causeWho], row[causeWhoFn]
	if g < 0 {
		g, stack = row[causeOf], row[causeOfFn]
	}
	if g < 0 {
		return doer{null, null}
	}
	return doer{numberOf(g), textOf(n.starts.Always(n.names.StartFunc(uint32(stack))))}
}
