package explain

import (
	"strings"

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

// collecting says what of the collector took it, and why that runs so often.
func (t *tale) collecting() string {
	return "the garbage collector" + t.limited() + ": " + t.collector() + t.allocating()
}

// forcedGC says who called it.
func (t *tale) forcedGC() string {
	return "the garbage collector, called with runtime.GC" + t.in()
}

// sureOfRoom says how sure it is why the collector runs that often.
func (t *tale) sureOfRoom() (string, string) {
	if !t.tight {
		return "high", ""
	}
	return "medium", "cycles, live heap and goal are in the trace, a limit and GOGC are not"
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
	if long := t.heap.LongAdvice(allocate); long != "" {
		return long
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

// collector says what of the collector it was.
func (t *tale) collector() string {
	kinds := map[string]int64{}
	for c, what := range map[report.Cause]string{
		report.CauseGCWorker:   "while mark workers had the P",
		report.CauseAssist:     "marking for it (mark assist)",
		report.CauseAssistWait: "waiting to help it (mark assist)",
		report.CauseSweep:      "sweeping",
		report.CauseGCStop:     "while the world was stopped",
		report.CauseGCWait:     "waiting for the collector",
	} {
		kinds[what] += t.sum.causes[c]
	}
	var parts []string
	for range 2 {
		what, ns := most(kinds)
		if ns*10 < t.sum.ns || ns == 0 {
			break
		}
		share := words.ShareOf(ns, t.sum.ns)
		switch {
		case ns == t.sum.ns:
			share = "all of this"
		case len(parts) == 0:
			share += " of this"
		}
		parts = append(parts, share+" "+what)
		delete(kinds, what)
	}
	if len(parts) == 0 {
		return "waiting for one of its phases"
	}
	return strings.Join(parts, ", ")
}

// allocating names who allocated when it had to help.
func (t *tale) allocating() string {
	if t.At.Func == "" {
		return ""
	}
	return "; allocating in " + place(t.At, t.caller)
}
