package measure

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

const (
	standstillFrom  = 25_000_000 // ns without any event: longer than a preemption takes
	standstillsKept = 256        // that wait for the stretches around them

	quota     = 100_000_000 // ns: period of the kernel's CPU quota, if nobody set another
	quotaBins = 20
	quotaFew  = 5 // standstills: if hardly any falls elsewhere, they are likely in its rhythm
)

// QuotaSome is how many standstills in the rhythm of a quota tell that it is one: fewer
// fall into one fifth of its period by chance too often.
const QuotaSome = 8

// Standstills answers: when did nothing happen at all, although goroutines ran?
type Standstills struct {
	zero    model.Time
	last    model.Time // of the last fact; the trace's beginning before
	now     model.Time // how far the trace has been followed
	stw     int        // stop-the-world ranges under way: then nothing is to happen
	pending []Standstill
	out     StandstillSum

	// Gaps are the times in which nothing happened at all, whatever the Ps did.
	Gaps []replay.Window
	Over int64 // ns of stretches that run on as the process stood still in them
}

// Standstill is a time without any event.
type Standstill struct {
	replay.Window
	Running int // Ps that ran a goroutine of the program all the while
	P       model.ProcID
	G       model.GoID
	stacks  []uint32 // where those stopped that ran
}

// StandstillSum sums standstills up.
type StandstillSum struct {
	N, Time, Longest int64
	SeveralPs        int64 // ns of those with two Ps running
	InStep, InStepNS int64 // those that ended in the fifth of a quota's period that has most
	Worst            *stat.TopK[Standstill]
	RanThen          map[uint32]int64                 // ns by where who had a P stopped when it went on
	phase            [quotaBins]struct{ n, ns int64 } // by where in a quota's period they ended
}

// NewStandstills looks for them.
func NewStandstills(s *replay.Session) *Standstills {
	return &Standstills{zero: s.Zero, last: s.Zero, out: StandstillSum{Worst: stat.NewTopK[Standstill](report.MaxMoments), RanThen: map[uint32]int64{}}}
}

// Watch takes in the facts.
func (s *Standstills) Watch(f *model.Facts) {
	s.now = f.Now
	if f.Now-s.last < standstillFrom {
		s.pass(f)
		return
	}
	gs, ps, events := f.Gs, f.Ps, f.Events
	for len(gs) > 0 || len(ps) > 0 || len(events) > 0 {
		t := earliest(gs, ps, events)
		s.see(t)
		for len(gs) > 0 && gs[0].End <= t {
			gs = gs[1:]
		}
		for ; len(ps) > 0 && ps[0].End <= t; ps = ps[1:] {
			s.ran(&ps[0])
		}
		for ; len(events) > 0 && events[0].Time <= t; events = events[1:] {
			s.stop(&events[0])
		}
	}
}

// pass takes in facts that no standstill lies between.
func (s *Standstills) pass(f *model.Facts) {
	if n := len(f.Gs); n > 0 {
		s.last = max(s.last, f.Gs[n-1].End)
	}
	if n := len(f.Ps); n > 0 {
		s.last = max(s.last, f.Ps[n-1].End)
	}
	if n := len(f.Events); n > 0 {
		s.last = max(s.last, f.Events[n-1].Time)
	}
	if len(s.pending) > 0 {
		for i := range f.Ps {
			s.ran(&f.Ps[i])
		}
	}
	for i := range f.Events {
		s.stop(&f.Events[i])
	}
}

// earliest is the time of the first of these facts.
func earliest(gs []model.GInterval, ps []model.PInterval, events []model.Event) model.Time {
	t := replay.Forever
	if len(gs) > 0 {
		t = gs[0].End
	}
	if len(ps) > 0 {
		t = min(t, ps[0].End)
	}
	if len(events) > 0 {
		t = min(t, events[0].Time)
	}
	return t
}

// see takes the time of the next fact: nothing happened since the last one.
func (s *Standstills) see(t model.Time) {
	if t-s.last >= standstillFrom && s.stw == 0 {
		s.Gaps = append(s.Gaps, replay.Window{From: s.last, To: t})
		s.pending = append(s.pending, Standstill{Window: replay.Window{From: s.last, To: t}})
		if len(s.pending) > standstillsKept {
			s.out.add(&s.pending[0], s.zero)
			s.pending = s.pending[1:]
		}
	}
	s.last = max(s.last, t)
}

// ran counts a stretch of a P that ran a goroutine while nothing happened.
func (s *Standstills) ran(iv *model.PInterval) {
	if len(s.pending) == 0 || iv.End-iv.Start < standstillFrom || iv.Does != model.PDoesRun || iv.Runtime {
		return
	}
	within := false
	for k := range s.pending {
		if x := &s.pending[k]; iv.Start <= x.From && iv.End >= x.To {
			x.Running++
			x.P, x.G, within = iv.P, iv.G, true
			x.stacks = append(x.stacks, iv.Stack)
		}
	}
	if within {
		s.Over += int64(iv.End - iv.Start)
	}
}

// stop follows stop-the-world ranges.
func (s *Standstills) stop(ev *model.Event) {
	switch ev.Op {
	case model.OpSTWBegin:
		s.stw++
	case model.OpSTWEnd:
		s.stw = max(0, s.stw-1)
	case model.OpGeneration:
		if ev.Arg != 0 {
			s.stw = 0
		}
	}
}

// add counts a standstill, if a goroutine of the program ran all the while.
func (s *StandstillSum) add(x *Standstill, zero model.Time) {
	d := int64(x.To - x.From)
	if x.Running == 0 {
		return
	}
	s.N++
	s.Time += d
	s.Longest = max(s.Longest, d)
	if x.Running > 1 {
		s.SeveralPs += d
	}
	p := &s.phase[int64(x.To-zero)%quota/(quota/quotaBins)]
	p.n++
	p.ns += d
	s.Worst.Offer(d, *x)
	for _, stack := range x.stacks {
		s.RanThen[stack] += d
	}
}

// Total is the sum of all, those included that still wait.
func (s *Standstills) Total() StandstillSum {
	s.see(s.now)
	for i := range s.pending {
		s.out.add(&s.pending[i], s.zero)
	}
	s.pending = nil
	s.out.findRhythm()
	return s.out
}

// findRhythm finds the fifth of a quota's period in which standstills ended that took
// most time.
func (s *StandstillSum) findRhythm() {
	for i := range quotaBins {
		var n, ns int64
		for k := range quotaBins / 5 {
			p := &s.phase[(i+k)%quotaBins]
			n, ns = n+p.n, ns+p.ns
		}
		if ns > s.InStepNS {
			s.InStep, s.InStepNS = n, ns
		}
	}
}

// InRhythm reports whether most ended in the same fifth of a quota's period.
func (s *StandstillSum) InRhythm() bool {
	return s.InStep >= QuotaSome && s.InStepNS*5 >= s.Time*4 || s.InStep >= quotaFew && s.InStep >= s.N-1
}
