package replay

import (
	"slices"

	"gmptrace/model"
)

// Stood sorts Facts.Gs at hand for those who look at a few of them, who are done sooner by
// it. Its lists are places in Facts.Gs.
type Stood struct {
	At    []int32 // goroutines that neither ran nor waited for a P: blocked, in a system call, or not known. One in five
	Ready []int32 // that waited for a P
	Edges []int32 // first or last stretches: of a goroutine, or cut off by the trace
	Marks []int32 // inside of a mark assist
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
}
