package measure

import (
	"fmt"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// HeapRoom answers: how much room does the collector leave the program? Live heap and goal
// are in the trace as they change, limits are not.
type HeapRoom struct {
	Room  stat.Sketch // goal beyond the live heap by cycle, in 1/1000 of that
	Live  stat.Sketch // bytes when cycles ended
	Grown int64       // bytes allocated in cycles
	Whole int64       // cycles that Grown is of

	Cycles stat.Sketch // ns from the beginning of marking to its end

	began  model.Time // of the cycle under way, 0 for none
	live   int64      // bytes; 0 not known yet
	peak   int64      // of live since the last cycle ended
	marked int64      // live when the last cycle ended
	ended  bool       // the next goal is that of a cycle that has ended
}

// tightRoom is up to where a goal beyond the live heap is little room, in thousandths:
// GOGC of 15.
const tightRoom = 150

// A cycle takes long for its heap from longCycle on, where that is longPerMB for each MB that
// lives: marking goes from pointer to pointer, and takes a fraction of that for what has few.
const (
	longCycle = 100_000_000 // ns
	longPerMB = 1_000_000   // ns
)

// NewHeapRoom makes a HeapRoom, for replay.Shared.
func NewHeapRoom(*replay.Session) *HeapRoom { return &HeapRoom{} }

func (h *HeapRoom) Watch(f *model.Facts) {
	for i := range f.Events {
		h.event(&f.Events[i])
	}
}

func (h *HeapRoom) event(ev *model.Event) {
	switch ev.Op {
	case model.OpGeneration:
		if ev.Arg != 0 { // events were lost
			h.marked, h.peak, h.ended, h.began = 0, 0, false, 0
		}
	case model.OpGCBegin:
		h.began = ev.Time
	case model.OpGCEnd:
		if h.began > 0 {
			h.Cycles.Add(int64(ev.Time - h.began))
			h.began = 0
		}
		h.end()
	case model.OpHeapAlloc:
		h.live = ev.Arg
		h.peak = max(h.peak, ev.Arg)
	case model.OpHeapGoal:
		h.newGoal(ev.Arg)
	}
}

// end takes in that a cycle has ended: the live heap is what it marked.
func (h *HeapRoom) end() {
	if h.live == 0 {
		return
	}
	if h.marked > 0 && h.peak > h.marked {
		h.Grown += h.peak - h.marked
		h.Whole++
	}
	h.marked, h.peak, h.ended = h.live, h.live, true
}

// newGoal takes in the heap at which the next cycle is to have ended.
func (h *HeapRoom) newGoal(goal int64) {
	if h.ended && h.live > 0 {
		h.Live.Add(h.live)
		h.Room.Add(max(0, goal-h.live) * 1000 / h.live)
		h.ended = false
	}
}

// Tight reports whether the collector leaves the program hardly room: a memory limit, or a
// very low GOGC, looks like that.
func (h *HeapRoom) Tight() bool { return h.Room.N() > 0 && h.Room.Quantile(.5) <= tightRoom }

// LongAdvice is what to do where cycles take long for the heap that lives, as many objects with
// pointers have them do, after what says to allocate less: that makes them rarer alone. ""
// where they do not.
func (h *HeapRoom) LongAdvice(allocate string) string {
	ns, live := h.Cycles.Quantile(.5), h.Live.Quantile(.5)
	if live == 0 || ns < longCycle || ns < live>>20*longPerMB {
		return ""
	}
	return fmt.Sprintf("A cycle takes %s for %s that live: hold fewer objects with pointers (values in place of pointers, indexes, one large slice), or raise GOGC, so that cycles are rarer. %s for that too: it makes none of them shorter.",
		words.Length(ns), words.Bytes(live), allocate)
}
