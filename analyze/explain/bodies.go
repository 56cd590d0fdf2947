package explain

import (
	"cmp"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// wrappers start goroutines for others: what runs on them says more.
var wrappers = []string{"sync.(*WaitGroup).Go.func", "golang.org/x/sync/errgroup.(*Group)."}

// body finds out what a goroutine ran first, from the stacks that it was blocked with.
// Whether a wrapper has started it shows only at the end.
func (e *explainer) body(g model.GoID, fn uint32) {
	if e.bodies[g] != "" {
		return
	}
	l := e.h.of(g)
	if fn == 0 {
		fn = l.fn
	}
	if start := e.names.StartFunc(fn); !isClosure(start[strings.LastIndexByte(start, '.')+1:]) && !names.HasPrefix(start, wrappers) {
		return
	}
	for i := range l.segs {
		frames := e.names.Stacks[l.segs[i].stack]
		if n := len(frames); n > 1 && frames[n-1].Func == e.names.StartFunc(fn) && !names.Standard(&frames[n-2]) {
			e.bodies[g] = frames[n-2].Func
			return
		}
	}
}

// funcOf is the function that a goroutine started with, or that the one it started
// with was to call. It is for the end, when all has been read.
func (e *explainer) funcOf(g model.GoID, fn uint32) string {
	start := e.names.StartFunc(fn)
	switch b := e.bodies[g]; {
	case b != "" && (start == "" || e.wrapper(start)):
		return b
	case e.wrapper(start):
		return e.unwrapped(start)
	}
	return start
}

// unwrapped is what goroutines run that start with a wrapper, where that is always the
// same; else the wrapper.
func (e *explainer) unwrapped(start string) string {
	run := ""
	for _, frames := range e.names.Stacks {
		if n := len(frames); n > 1 && frames[n-1].Func == start && frames[n-2].Func != run {
			if run != "" {
				return start
			}
			run = frames[n-2].Func
		}
	}
	return cmp.Or(run, start)
}

// wrapper reports whether goroutines that start with a function run what somebody gave
// it: what wrappers lists and what, in one line, calls several functions of another
// package, or many of its own. A line that calls two of its own may call them by name,
// one after the other.
func (e *explainer) wrapper(start string) bool {
	if e.wraps == nil {
		e.wraps = startWrappers(e.names.Stacks)
	}
	return e.wraps[start] || names.HasPrefix(start, wrappers)
}

// startWrappers are the functions that are wrappers by the stacks that start with them.
func startWrappers(stacks [][]report.Frame) map[string]bool {
	const severalOthers, manyOwn = 2, 3
	type line struct {
		call
		own bool // it calls functions of its own package
	}
	calls, wraps := map[line]map[string]bool{}, map[string]bool{}
	for _, frames := range stacks {
		n := len(frames)
		if n < 2 || names.Standard(&frames[n-1]) || names.Foreign(&frames[n-2]) {
			continue
		}
		from, to := &frames[n-1], frames[n-2].Func
		if !isClosure(from.Func[strings.LastIndexByte(from.Func, '.')+1:]) || strings.HasPrefix(to, from.Func+".") {
			continue
		}
		at := line{call{from.Func, from.Line}, names.Package(from.Func) == names.Package(to)}
		if calls[at] == nil {
			calls[at] = map[string]bool{}
		}
		calls[at][to] = true
		if n := len(calls[at]); n >= manyOwn || n >= severalOthers && !at.own {
			wraps[from.Func] = true
		}
	}
	return wraps
}
