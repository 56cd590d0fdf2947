package analyze

import (
	"slices"
	"testing"

	"gmptrace/model"
)

// TestWindowCut: of stretches what lies in the window stays, of instants those
// in it, the last moment excluded; a goroutine's first stretch in it is marked.
func TestWindowCut(t *testing.T) {
	w := window{100, 200}
	f := model.Facts{
		Dispatches: []model.Dispatch{{Time: 99}, {Time: 100, Ready: 50}, {Time: 199, Ready: 150}, {Time: 200}},
		Gs: []model.GInterval{
			{G: 1, Start: 0, End: 100, First: true}, {G: 1, Start: 100, End: 150},
			{G: 2, Start: 0, End: 110, First: true}, {G: 2, Start: 110, End: 300}, {G: 3, Start: 200, End: 300, First: true}},
		Ps:     []model.PInterval{{P: 0, Start: 0, End: 100}, {P: 0, Start: 100, End: 120}, {P: 0, Start: 190, End: 210}},
		Wastes: []model.Waste{{Start: 0, End: 300}, {Start: 300, End: 400}},
	}
	w.cut(&f)
	if want := []model.Dispatch{{Time: 100, Ready: 100, Censored: true}, {Time: 199, Ready: 150}}; !slices.Equal(f.Dispatches, want) {
		t.Errorf("dispatches %+v, want %+v", f.Dispatches, want)
	}
	want := []model.GInterval{{G: 1, Start: 100, End: 150, First: true},
		{G: 2, Start: 100, End: 110, First: true, Open: model.OpenStart}, {G: 2, Start: 110, End: 200, Open: model.OpenEnd}}
	if !slices.Equal(f.Gs, want) {
		t.Errorf("goroutines' stretches %+v, want %+v", f.Gs, want)
	}
	if want := []model.PInterval{{P: 0, Start: 100, End: 120}, {P: 0, Start: 190, End: 200}}; !slices.Equal(f.Ps, want) {
		t.Errorf("Ps' stretches %+v, want %+v", f.Ps, want)
	}
	if want := []model.Waste{{Start: 100, End: 200}}; !slices.Equal(f.Wastes, want) {
		t.Errorf("wastes %+v, want %+v", f.Wastes, want)
	}
}

// TestTasksInWindow: tasks that overlap with the window count with the part that
// does; those that go on after it are open.
func TestTasksInWindow(t *testing.T) {
	x := newTasks(&Session{names: &newNumbering().names, window: &window{100, 200}})
	var f model.Facts
	for i, task := range [][2]model.Time{{10, 50}, {50, 150}, {120, 180}, {150, 250}, {90, 0}, {210, 0}, {250, 300}} {
		f.Events = append(f.Events, model.Event{Op: model.OpTaskBegin, Subject: int64(i), Time: task[0]})
		if task[1] > 0 {
			f.Events = append(f.Events, model.Event{Op: model.OpTaskEnd, Subject: int64(i), Time: task[1]})
		}
	}
	x.Watch(&f)
	var rep Report
	x.Fill(&rep)
	if len(rep.Tasks) != 1 {
		t.Fatalf("tasks %+v, want one name", rep.Tasks)
	}
	if got := rep.Tasks[0]; got.Count != 2 || got.Open != 2 || got.Total != 50+60 || got.Max != 60 || got.MaxAt != 120 {
		t.Errorf("tasks %+v, want 2 ended of 50 and 60 ns and 2 open", got)
	}
}

// TestRangesEndAtBreak: where events were lost, nothing that was under way before
// is joined with what ends after.
func TestRangesEndAtBreak(t *testing.T) {
	c := newGC(&Session{names: &newNumbering().names, window: &window{0, forever}})
	f := model.Facts{Events: []model.Event{
		{Time: 10, Op: model.OpGCBegin}, {Time: 20, Op: model.OpSweepBegin, P: 1}, {Time: 30, Op: model.OpSTWBegin, G: 1},
		{Time: 50, Op: model.OpGeneration, Arg: 1},
		{Time: 1000, Op: model.OpSweepEnd, P: 1}, {Time: 1000, Op: model.OpSTWEnd, G: 1}, {Time: 1000, Op: model.OpGCEnd},
	}}
	c.Watch(&f)
	rep := Report{Trace: Trace{DurationNS: 1000, To: 1000}}
	c.Fill(&rep)
	if g := rep.GC; g.Cycles != 1 || g.Mark != 40 || g.Sweep != 30 || g.STWCount != 0 {
		t.Errorf("%d cycles of %d ns, sweeps of %d ns, %d pauses; want 1 of 40, 30 and 0", g.Cycles, g.Mark, g.Sweep, g.STWCount)
	}
}
