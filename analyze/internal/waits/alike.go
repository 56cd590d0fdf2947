package waits

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// Alike answers: do all long waits for the network at a place take the same time? What answers
// takes now less and now more: it is a time limit that ends them, or somebody who sleeps. Which
// of the two a trace does not show, as neither is a goroutine.
type Alike struct {
	names  *names.Table
	stands *replay.Stood
	by     map[uint32]*stat.Sketch // of waits of alikeLong and more, by stack
}

const (
	alikeLong = 20_000_000 // ns: what is shorter is worth no limit
	alikeSome = 5          // waits at a place, at least
	alikePart = 33         // of their length by which they differ at most, nine of ten of them
)

// NewAlike makes one.
func NewAlike(s *replay.Session) *Alike {
	return &Alike{names: s.Names, stands: replay.Shared(s, replay.NewStood), by: map[uint32]*stat.Sketch{}}
}

// Watch takes in waits.
func (w *Alike) Watch(f *model.Facts) {
	for _, i := range w.stands.At {
		iv := &f.Gs[i]
		if iv.Reason != model.ReasonNetwork || iv.End-iv.Start < alikeLong || iv.State != model.GWaiting || iv.By != model.NoG || iv.Open != 0 {
			continue
		}
		if w.by[iv.Stack] == nil {
			w.by[iv.Stack] = &stat.Sketch{}
		}
		w.by[iv.Stack].Add(int64(iv.End - iv.Start))
	}
}

// At is the length in ns of all long waits for the network in a function, 0 where they are few
// or differ.
func (w *Alike) At(fn string) int64 {
	var all stat.Sketch
	for stack, lengths := range w.by { // sums alone: the order does not matter
		if p := w.names.Places().Of(stack); p != nil && p.At.Func == fn {
			all.Merge(lengths)
		}
	}
	lo, hi := all.Quantile(.05), all.Quantile(.95)
	if all.N() < alikeSome || (hi-lo)*alikePart > lo {
		return 0
	}
	return lo
}
