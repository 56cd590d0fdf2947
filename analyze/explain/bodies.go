package explain

import (
	"gmptrace/analyze/names"
	"gmptrace/model"
)

// body finds out what a goroutine runs, from the stacks that it was blocked with. Whether
// a wrapper has started it shows only at the end: until then what is kept is a stack.
func (e *explainer) body(g model.GoID, fn uint32) {
	if e.bodies[g] != 0 {
		return
	}
	l := e.h.of(g)
	if fn == 0 {
		fn = l.fn
	}
	if start := e.names.StartFunc(fn); !names.MayWrap(start) {
		return
	}
	for i := range l.segs {
		if k := l.segs[i].stack; e.names.Start[k] == e.names.Start[fn] && names.Gives(e.names.Stacks[k]) {
			e.bodies[g] = k
			return
		}
	}
}

// funcOf is the function that a goroutine started with, or that the one it started
// with was to call. It is for the end, when all has been read.
func (e *explainer) funcOf(g model.GoID, fn uint32) string {
	if e.starts == nil {
		e.starts = names.NewStarts(e.names)
	}
	start := e.names.StartFunc(fn)
	if k := e.bodies[g]; k != 0 && (start == "" || e.starts.Wrapper(start)) {
		if runs := e.starts.Runs(e.names.Stacks[k]); runs != "" {
			return runs
		}
	}
	return e.starts.Always(start)
}
