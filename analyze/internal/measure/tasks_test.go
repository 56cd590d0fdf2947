package measure

import (
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestTasksInWindow: tasks that overlap with the window count with the part that
// does; those that go on after it are open.
func TestTasksInWindow(t *testing.T) {
	x := NewTasks(&replay.Session{Names: &names.NewNumbering().Table, Window: &replay.Window{From: 100, To: 200}})
	var f model.Facts
	for i, task := range [][2]model.Time{{10, 50}, {50, 150}, {120, 180}, {150, 250}, {90, 0}, {210, 0}, {250, 300}} {
		f.Events = append(f.Events, model.Event{Op: model.OpTaskBegin, Subject: int64(i), Time: task[0]})
		if task[1] > 0 {
			f.Events = append(f.Events, model.Event{Op: model.OpTaskEnd, Subject: int64(i), Time: task[1]})
		}
	}
	x.Watch(&f)
	var rep report.Report
	x.Fill(&rep)
	if len(rep.Tasks) != 1 {
		t.Fatalf("tasks %+v, want one name", rep.Tasks)
	}
	if got := rep.Tasks[0]; got.Count != 2 || got.Open != 2 || got.Total != 50+60 || got.Max != 60 || got.MaxAt != 120 {
		t.Errorf("tasks %+v, want 2 ended of 50 and 60 ns and 2 open", got)
	}
}
