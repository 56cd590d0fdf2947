package replay

import (
	"slices"

	"gmptrace/model"
)

// Stood knows which of Facts.Gs at hand are of goroutines that neither ran nor waited for a
// P: blocked, in a system call, or not known. That is one in five of them, so that who looks
// at no others is done sooner by Stood.
type Stood struct {
	At []int32 // their places in Facts.Gs
}

// NewStood makes Stood, for Shared.
func NewStood(*Session) *Stood { return &Stood{} }

func (s *Stood) Watch(f *model.Facts) {
	at, n := slices.Grow(s.At[:0], len(f.Gs))[:len(f.Gs)], 0
	for i := range f.Gs { // without a branch, which would be mispredicted
		at[n] = int32(i)
		if state := f.Gs[i].State; state != model.GRunning && state != model.GRunnable {
			n++
		}
	}
	s.At = at[:n]
}
