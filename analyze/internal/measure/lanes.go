package measure

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Lanes answers: how large was the heap, and how many goroutines were in which state, from
// moment to moment? It takes the same memory however long the trace is.
type Lanes struct {
	zero   model.Time
	shift  uint // a column of states is 1<<shift nanoseconds wide
	states [report.NumGoStates]timeSums
	heap   heap
}

// NewLanes makes Lanes, for replay.Shared.
func NewLanes(s *replay.Session) *Lanes { return &Lanes{zero: s.Zero, shift: firstShift} }

func (l *Lanes) Watch(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if state, ok := goState(iv); ok && iv.End > iv.Start {
			from, to := max(0, int64(iv.Start-l.zero)), max(0, int64(iv.End-l.zero))
			l.reach(to)
			l.states[state].add(from, to, l.shift)
		}
	}
	for i := range f.Events {
		if ev := &f.Events[i]; ev.Op == model.OpHeapAlloc || ev.Op == model.OpHeapGoal {
			l.heap.event(ev, max(0, int64(ev.Time-l.zero)))
		}
	}
}

func goState(iv *model.GInterval) (report.GoState, bool) {
	switch iv.State {
	case model.GRunning:
		return report.GoRunning, true
	case model.GSyscall:
		return report.GoSyscall, !iv.Unended
	case model.GRunnable:
		return report.GoRunnable, true
	case model.GWaiting:
		return report.GoWaiting, true
	}
	return 0, false
}

// reach doubles the columns' width until an offset lies within them.
func (l *Lanes) reach(off int64) {
	for ; off>>l.shift >= report.OverviewColumns; l.shift++ {
		for i := range l.states {
			l.states[i].double(l.shift)
		}
	}
}

// Of is what there is to show of a trace so long.
func (l *Lanes) Of(duration int64) report.Lanes {
	l.reach(duration)
	out := report.Lanes{Width: 1 << l.shift, Heap: l.heap.points}
	n := int(duration>>l.shift) + 1
	for i := range l.states {
		out.States[i] = share[float64](&l.states[i], l.shift, n)
	}
	if last := duration - int64(n-1)<<l.shift; last > 0 { // the last column ends with the trace
		for i := range out.States {
			out.States[i][n-1] *= float64(out.Width) / float64(last)
		}
	}
	return out
}

// heap thins the changes of the live heap and of its goal. Where they become too many,
// two that follow each other become one, with the higher live heap: a peak must not get
// lost.
type heap struct {
	live, goal int64
	every      int // so many changes make a point
	open       int // of them so far
	points     []report.HeapPoint
}

// mostHeapPoints is how many are kept at most, an even number.
const mostHeapPoints = 2048

func (h *heap) event(ev *model.Event, at int64) {
	if ev.Op == model.OpHeapAlloc {
		h.live = ev.Arg
	} else {
		h.goal = ev.Arg
	}
	if n := len(h.points); h.open > 0 {
		p := &h.points[n-1]
		p.Live, p.Goal = max(p.Live, h.live), h.goal
	} else {
		h.points = append(h.points, report.HeapPoint{At: at, Live: h.live, Goal: h.goal})
	}
	if h.open++; h.open < h.every {
		return
	}
	h.open = 0
	if len(h.points) == mostHeapPoints {
		h.halve()
	}
}

// halve makes one point of two.
func (h *heap) halve() {
	half := h.points[:0]
	for i := 0; i < len(h.points); i += 2 {
		a, b := h.points[i], h.points[i+1]
		half = append(half, report.HeapPoint{At: a.At, Live: max(a.Live, b.Live), Goal: b.Goal})
	}
	h.points, h.every = half, 2*max(1, h.every)
}
