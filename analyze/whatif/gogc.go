package whatif

import "errors"

// leastHeap is the goal of a heap that is small, with a GOGC of 100.
//
// Source: mgcpacer.go, defaultHeapMinimum.
const leastHeap = 4 << 20

// gogcOff is how far the goal of a small heap may be from leastHeap.
const gogcOff = leastHeap / 50

// gogc is the program's GOGC, 0 if nothing tells: what the machine was told, or how much more
// than what was live the heap was to grow to. Under a memory limit that is less than GOGC.
func (c *workloads) gogc() float64 {
	if g := c.cpus.GOGC(); g > 0 {
		return float64(g)
	}
	h := c.heap
	if h.Room.N() == 0 {
		return 0
	}
	room, live := h.Room.Quantile(.5), h.Live.Quantile(.5)
	if goal := live + live*room/1000; goal > leastHeap-gogcOff && goal < leastHeap+gogcOff {
		return 100
	}
	return float64(room) / 10
}

// errNoGOGC is that a trace does not say what GOGC was.
var errNoGOGC = errors.New("--gc gogc=N: nothing in the trace tells what GOGC was, as no collection ended in it: take a longer one, or ask for --gc half or off")
