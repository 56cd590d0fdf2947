package measure

import (
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestLanes: goroutines are counted by state in columns that grow with the trace, and the
// heap is thinned without losing its peak.
func TestLanes(t *testing.T) {
	const ms = model.Time(1e6)
	l := &Lanes{shift: firstShift}
	l.Watch(&model.Facts{Gs: []model.GInterval{
		{State: model.GWaiting, Start: 0, End: 100 * ms},
		{State: model.GRunning, Start: 0, End: 50 * ms},
		{State: model.GRunnable, Start: 50 * ms, End: 100 * ms},
		{State: model.GSyscall, Start: 50 * ms, End: 50*ms + 1, Unended: true},
	}})
	const changes = 10_001
	for i := range int64(changes) {
		ev := model.Event{Op: model.OpHeapAlloc, Time: model.Time(i) * 1000, Arg: 1000 + i%7}
		if i == 7777 {
			ev.Arg = 9999
		}
		l.Watch(&model.Facts{Events: []model.Event{ev}})
	}
	l.Watch(&model.Facts{Events: []model.Event{{Op: model.OpHeapGoal, Time: 90 * ms, Arg: 4000}}})
	got := l.Of(int64(100 * ms))
	n := len(got.States[0])
	if n > report.OverviewColumns || int64(n)*got.Width < int64(100*ms) {
		t.Fatalf("%d columns of %d ns", n, got.Width)
	}
	for state, want := range [report.NumGoStates][2]float64{report.GoRunning: {1, 0}, report.GoRunnable: {0, 1}, report.GoWaiting: {1, 1}} {
		if a, b := got.States[state][n/4], got.States[state][n-1]; a != want[0] || b < want[1]*.999 || b > want[1]*1.001 {
			t.Errorf("%v: %v in the first half and %v at the end, not %v", report.GoState(state), a, b, want)
		}
	}
	if len(got.Heap) < mostHeapPoints/2 || len(got.Heap) > mostHeapPoints {
		t.Errorf("%d points of the heap", len(got.Heap))
	}
	peak := int64(0)
	for _, p := range got.Heap {
		peak = max(peak, p.Live)
	}
	if last := got.Heap[len(got.Heap)-1]; peak != 9999 || last.Goal != 4000 {
		t.Errorf("the peak is %d, the last point %+v", peak, last)
	}
}
