package measure

import (
	"strings"
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

// TestLongAdvice: how long a cycle takes for what lives decides whether to allocate less helps.
func TestLongAdvice(t *testing.T) {
	const ms, mb = 1_000_000, 1 << 20
	for _, x := range []struct {
		name     string
		ns, live int64
		long     bool
	}{
		{"many pointers", 340 * ms, 240 * mb, true},
		{"a large heap, marked as fast as others", 340 * ms, 4000 * mb, false},
		{"a small heap", 90 * ms, 4 * mb, false},
		{"no heap is told", 340 * ms, 0, false},
	} {
		h := NewHeapRoom(nil)
		f := &model.Facts{Events: []model.Event{
			{Op: model.OpHeapAlloc, Time: 1, Arg: x.live},
			{Op: model.OpGCBegin, Time: 2},
			{Op: model.OpGCEnd, Time: model.Time(2 + x.ns)},
			{Op: model.OpHeapGoal, Time: model.Time(2 + x.ns), Arg: 2 * x.live},
		}}
		h.Watch(f)
		if got := h.LongAdvice("Allocate less"); (got != "") != x.long || x.long && !strings.Contains(got, "raise GOGC") {
			t.Errorf("%s: %q", x.name, got)
		}
	}
}
