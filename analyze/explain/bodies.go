package explain

import (
	"cmp"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// body finds out what a goroutine runs, from the stacks that it was blocked with. Whether
// a wrapper has started it shows only at the end: until then what is kept is a stack.
func (e *explainer) body(g model.GoID, fn uint32) {
	if e.bodies[g] != 0 {
		return
	}
	if fn == 0 {
		fn = e.h.of(g).fn
	}
	if start := e.names.StartFunc(fn); !names.MayWrap(start) {
		return
	}
	segs := e.h.of(g).segs
	for i := range segs {
		if k := segs[i].stack; e.names.Start[k] == e.names.Start[fn] && names.Gives(e.names.Stacks[k]) {
			e.bodies[g] = k
			return
		}
	}
}

// funcOf is the function that a goroutine started with, or that the one it started
// with was to call. It is for the end, when all has been read.
func (e *explainer) funcOf(g model.GoID, fn uint32) string {
	starts, start := e.names.Starts(), e.names.StartFunc(fn)
	if k := e.bodies[g]; k != 0 && (start == "" || starts.Wrapper(start)) {
		if runs := starts.Runs(e.names.Stacks[k]); runs != "" {
			return runs
		}
	}
	return starts.Always(start)
}

// doing names goroutines by the function of the program's own code in which they were last
// seen, over most of what they have to do with an instance. Who was not seen in any has
// none. It is for the end.
func (e *explainer) doing(x *explained) map[model.GoID]string {
	type seenIn struct {
		g  model.GoID
		fn string
	}
	sums := map[seenIn]int64{}
	for i := range x.sums.list {
		t, spent := &x.sums.list[i].key, &x.sums.list[i].value
		g := x.g
		if t.who.G != model.NoG {
			g = t.who.G
		} else if t.g.G != model.NoG {
			g = t.g.G
		}
		if p := e.names.Places().Of(t.seen); p != nil && p.Own {
			sums[seenIn{g, p.At.Func}] += spent.ns
		}
	}
	most := map[model.GoID]seenIn{}
	for s, ns := range sums {
		if b, ok := most[s.g]; !ok || ns > sums[b] || ns == sums[b] && s.fn < b.fn {
			most[s.g] = s
		}
	}
	out := map[model.GoID]string{}
	for g, s := range most {
		out[g] = s.fn
	}
	if start := e.funcOf(x.g, x.fn); start != "" && !names.Standard(&report.Frame{Func: start}) {
		delete(out, x.g) // the explained one is its own, whatever it calls
	}
	return out
}

// called is a goroutine's name: what it was doing, else what it runs.
func (e *explainer) called(doing map[model.GoID]string, g model.GoID, fn uint32) string {
	return cmp.Or(doing[g], e.funcOf(g, fn))
}
