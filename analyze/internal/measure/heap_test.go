package measure

import (
	"testing"

	"gmptrace/model"
)

// TestHeapRoom: the room is what the goal that follows a cycle leaves beyond what that marked;
// goals of cycles under way, and what stands on both sides of lost events, do not count.
func TestHeapRoom(t *testing.T) {
	alloc := func(n int64) model.Event { return model.Event{Op: model.OpHeapAlloc, Arg: n} }
	goal := func(n int64) model.Event { return model.Event{Op: model.OpHeapGoal, Arg: n} }
	ends := model.Event{Op: model.OpGCEnd}
	for _, c := range []struct {
		name         string
		events       []model.Event
		cycles       int64
		tight        bool
		grown, whole int64
	}{
		{"no cycle", []model.Event{alloc(100), goal(101)}, 0, false, 0, 0},
		{"hardly room", []model.Event{alloc(100), ends, goal(115), alloc(130), goal(200), alloc(120), ends, goal(130)}, 2, true, 30, 1},
		{"room", []model.Event{alloc(100), ends, goal(116)}, 1, false, 0, 0},
		{"events lost", []model.Event{alloc(100), ends, {Op: model.OpGeneration, Arg: 1}, goal(101)}, 0, false, 0, 0},
		{"no live heap", []model.Event{alloc(100), ends, alloc(0), goal(101)}, 0, false, 0, 0},
	} {
		h := NewHeapRoom(nil)
		h.Watch(&model.Facts{Events: c.events})
		if h.Room.N() != c.cycles || h.Tight() != c.tight || h.Grown != c.grown || h.Whole != c.whole {
			t.Errorf("%s: %d cycles, tight %t, %d grown in %d; want %d, %t, %d in %d", c.name, h.Room.N(), h.Tight(), h.Grown, h.Whole, c.cycles, c.tight, c.grown, c.whole)
		}
	}
}
