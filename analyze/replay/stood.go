package replay

import (
	"slices"

	"gmptrace/model"
)

// Stood sorts the facts at hand for those who look at a few of them, who are done sooner by
// it.
type Stood struct {
	// Places in Facts.Gs.

	At    []int32 // goroutines that neither ran nor waited for a P: blocked, in a system call, or not known. One in five
	Ready []int32 // that waited for a P
	Edges []int32 // first or last stretches: of a goroutine, or cut off by the trace
	Marks []int32 // inside of a mark assist

	// Events are those of Facts but for the kinds that come by the thousand: sweeps, the size
	// of the heap and its goal, labels, and what the program tells.
	Events []model.Event
}

// manyOf are those kinds.
var manyOf = [256]bool{
	model.OpSweepBegin: true, model.OpSweepEnd: true, model.OpHeapAlloc: true, model.OpHeapGoal: true, model.OpLabel: true,
	model.OpTaskBegin: true, model.OpTaskEnd: true, model.OpRegionBegin: true, model.OpRegionEnd: true, model.OpLog: true,
}

// NewStood makes Stood, for Shared.
func NewStood(*Session) *Stood { return &Stood{} }

func (s *Stood) Watch(f *model.Facts) {
	at, n := slices.Grow(s.At[:0], len(f.Gs))[:len(f.Gs)], 0
	ready, k := slices.Grow(s.Ready[:0], len(f.Gs))[:len(f.Gs)], 0
	s.Edges, s.Marks = s.Edges[:0], s.Marks[:0]
	for i := range f.Gs {
		iv := &f.Gs[i]
		at[n], ready[k] = int32(i), int32(i)
		if iv.State != model.GRunning && iv.State != model.GRunnable { // no branch, which would be mispredicted
			n++
		}
		if iv.State == model.GRunnable { // likewise
			k++
		}
		if iv.First || iv.Exit || iv.Open != 0 {
			s.Edges = append(s.Edges, int32(i))
		}
		if iv.Assist {
			s.Marks = append(s.Marks, int32(i))
		}
	}
	s.At, s.Ready = at[:n], ready[:k]
	s.Events = s.Events[:0]
	for i := range f.Events {
		if ev := &f.Events[i]; !manyOf[ev.Op] {
			s.Events = append(s.Events, *ev)
		}
	}
}
