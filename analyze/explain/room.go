package explain

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// limited says why the collector runs that often, where the room that it leaves tells.
func (t *tale) limited() string {
	if !t.tight {
		return ""
	}
	return ", which has hardly room (likely a memory limit, or a very low GOGC)"
}

// roomAdvice is what to do about the collector: more memory helps where nothing but its
// goal keeps the heap small.
func (t *tale) roomAdvice() string {
	allocate := "Allocate less"
	if t.ours() {
		allocate += " in " + words.Function(t.At.Func)
	}
	if 2*t.sum.pooled > t.sum.ns {
		return allocate + names.PoolAdvice
	}
	if t.tight {
		return "Raise the memory limit or hold less in memory: raising GOGC does not help under a limit. If there is none, raise GOGC. " + allocate + "."
	}
	return allocate + ", or give the collector more memory to work with."
}

// collectorFirst puts the collector, where it names who allocates, before a wait for a P
// that others had of whom no stack of the program shows, if that is not much more: others
// that had the P helped the collector as well, and nobody can do anything about them.
func collectorFirst(roots []report.Root) {
	if len(roots) < 2 || roots[0].Kind != report.RootQueue || roots[1].Kind != report.RootGC {
		return
	}
	others, gc := &roots[0], &roots[1]
	nameless := others.At.Func == "" || names.Standard(&others.At)
	named := gc.At.Func != "" && !names.Standard(&gc.At)
	if nameless && named && 4*(gc.NS-gc.Typical) >= 3*(others.NS-others.Typical) {
		roots[0], roots[1] = roots[1], roots[0]
	}
}
