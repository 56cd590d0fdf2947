package measure

import (
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestWaitsOfNothing: a wait that the trace's end cuts off where it begins says nothing
// of how long waits are; one that it cuts off later does.
func TestWaitsOfNothing(t *testing.T) {
	n := names.NewNumbering()
	s := &replay.Session{Names: &n.Table, Window: &replay.Window{From: 0, To: replay.Forever}}
	l := NewWaits(s)
	wait := func(from, to model.Time, open model.Open) model.GInterval {
		return model.GInterval{Start: from, End: to, State: model.GRunnable, Open: open}
	}
	f := model.Facts{Gs: []model.GInterval{wait(10, 60, 0), wait(100, 100, model.OpenEnd), wait(0, 0, model.OpenStart), wait(70, 100, model.OpenEnd)}}
	l.stood.Watch(&f)
	l.functions.runners.Watch(&f)
	l.functions.Watch(&f)
	l.Watch(&f)
	rep := report.Report{Trace: report.Trace{DurationNS: 100, To: 100}}
	l.Fill(&rep)
	if x := rep.Latency; x.Count != 1 || x.Censored != 1 || x.P50 < 30 || rep.Key.QueuePeak != 2 {
		t.Errorf("%d waits and %d cut off, median %d ns, %d at the end; want 1 and 1, 30 ns or more, 2", x.Count, x.Censored, x.P50, rep.Key.QueuePeak)
	}
}
