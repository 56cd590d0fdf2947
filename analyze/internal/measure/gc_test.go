package measure

import (
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestRangesEndAtBreak: where events were lost, nothing that was under way before
// is joined with what ends after.
func TestRangesEndAtBreak(t *testing.T) {
	c := NewGC(&replay.Session{Names: &names.NewNumbering().Table, Window: &replay.Window{From: 0, To: replay.Forever}})
	f := model.Facts{Events: []model.Event{
		{Time: 10, Op: model.OpGCBegin}, {Time: 20, Op: model.OpSweepBegin, P: 1}, {Time: 30, Op: model.OpSTWBegin, G: 1},
		{Time: 50, Op: model.OpGeneration, Arg: 1},
		{Time: 1000, Op: model.OpSweepEnd, P: 1}, {Time: 1000, Op: model.OpSTWEnd, G: 1}, {Time: 1000, Op: model.OpGCEnd},
	}}
	c.Watch(&f)
	rep := report.Report{Trace: report.Trace{DurationNS: 1000, To: 1000}}
	c.Fill(&rep)
	if g := rep.GC; g.Cycles != 1 || g.Mark != 40 || g.Sweep != 30 || g.STWCount != 0 {
		t.Errorf("%d cycles of %d ns, sweeps of %d ns, %d pauses; want 1 of 40, 30 and 0", g.Cycles, g.Mark, g.Sweep, g.STWCount)
	}
}
