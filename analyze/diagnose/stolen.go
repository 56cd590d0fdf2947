package diagnose

import (
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// stolen answers: which goroutines seem to have run for longer than the runtime lets
// them, where they mostly run for a moment? Their thread had no CPU meanwhile, or the
// runtime's monitor had none.
type stolen struct {
	names   *names.Table
	stops   measure.Stops
	signals int64 // goroutines of the program that a signal stopped: it can
	byFunc  []ran // by names' function index
	long    []lateStop
	open    map[model.GoID]int // of those in long that a signal stopped, the goroutine's last
}

// ran is how long goroutines of one function run at a stretch.
type ran struct{ n, slices, most int64 }

// lateStop is a stretch of twice a time slice or longer.
type lateStop struct {
	model.PInterval
	how  model.How
	rest model.Time // how long it went on for when it came to run again
}

const (
	maxStolen = 4096 // stretches kept
)

func newStolen(s *replay.Session) *stolen { return &stolen{names: s.Names, open: map[model.GoID]int{}} }

func (s *stolen) Watch(f *model.Facts) {
	s.stops.Observe(f)
	for i := range f.Preempts {
		if x := &f.Preempts[i]; x.How == model.HowSignal && !x.Runtime {
			s.signals++
		}
	}
	for i := range f.Ps {
		if iv := &f.Ps[i]; iv.Does == model.PDoesRun && !iv.Runtime {
			s.stretch(iv)
		}
	}
}

func (s *stolen) stretch(iv *model.PInterval) {
	fn := s.names.Start[iv.Func]
	for int(fn) >= len(s.byFunc) {
		s.byFunc = append(s.byFunc, ran{})
	}
	d, r := iv.End-iv.Start, &s.byFunc[fn]
	r.n++
	if i, ok := s.open[iv.G]; ok {
		s.long[i].rest = d
		delete(s.open, iv.G)
	}
	switch {
	case d < measure.WholeSlice:
		r.most = max(r.most, int64(d))
		return
	case d < measure.TwoSlices:
		r.slices++
		return
	}
	if len(s.long) == maxStolen {
		return
	}
	x := lateStop{PInterval: *iv, how: s.stops.How(iv)}
	if x.how == model.HowSignal {
		s.open[iv.G] = len(s.long)
	}
	s.long = append(s.long, x)
}

// all are the stretches that can't have been what they seem, as far as that can be
// told. If signals stop goroutines of the program, one that computes is stopped after
// between one and two slices, and goes on later; that hardly happened to any of its
// function. What ended at a function call is left out: a signal that was due would have
// come first when the thread had a CPU again, so that it may be code without calls that
// no signal may stop.
func (s *stolen) all() (out []lateStop) {
	if s.signals == 0 {
		return nil
	}
	n := map[uint32]int64{}
	for i := range s.long {
		n[s.names.Start[s.long[i].Func]]++
	}
	for i := range s.long {
		x := &s.long[i]
		fn := s.names.Start[x.Func]
		r := &s.byFunc[fn]
		rare := r.n >= 20*n[fn] && r.slices <= n[fn]/4
		if x.how != model.HowCooperative && rare && int64(x.rest) <= max(r.most, int64(measure.TwoSlices/10)) && r.most*4 <= measure.TwoSlices {
			out = append(out, *x)
		}
	}
	return out
}
