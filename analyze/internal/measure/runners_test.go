package measure

import (
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestManyYoung: of goroutines that do not show what they run, so many are waited for and
// no more. What the others do is told at once, by what they started with.
func TestManyYoung(t *testing.T) {
	numbering := names.NewNumbering()
	started := numbering.Stack(names.StackFrames{Key: "a", Frames: []report.Frame{{Func: "main.main.func1"}}})
	table := &numbering.Table
	r := &Runners{Trails: names.NewTrails(table), names: table, young: map[model.GoID]*young{}}
	var f model.Facts
	for g := range model.GoID(mostYoung + 100) {
		f.Gs = append(f.Gs, model.GInterval{Start: 1, End: 2, G: g + 1, State: model.GRunning, Func: started})
	}
	r.Watch(&f)
	if len(r.young) != mostYoung {
		t.Errorf("%d goroutines are waited for, want %d", len(r.young), mostYoung)
	}
	for i, trail := range r.Gs {
		if told := trail != 0; told != (i >= mostYoung) {
			t.Fatalf("stretch %d has trail %d", i, trail)
		}
	}
}

// TestStartShowsLate: what a goroutine did before it showed where it started is told as soon
// as that shows, though it has no stack of its own by then.
func TestStartShowsLate(t *testing.T) {
	numbering := names.NewNumbering()
	started := numbering.Stack(names.StackFrames{Key: "a", Frames: []report.Frame{{Func: "main.work"}}})
	table := &numbering.Table
	r := &Runners{Trails: names.NewTrails(table), names: table, young: map[model.GoID]*young{}}
	r.Watch(&model.Facts{Gs: []model.GInterval{
		{Start: 1, End: 3, G: 7, State: model.GWaiting},
		{Start: 3, End: 4, G: 7, State: model.GRunning, Func: started},
	}})
	if len(r.Late) != 1 || r.Late[0].Start != 1 || r.Late[0].Trail != r.Gs[1] || len(r.young) > 0 {
		t.Errorf("told late %+v, and %d goroutines are waited for", r.Late, len(r.young))
	}
}
