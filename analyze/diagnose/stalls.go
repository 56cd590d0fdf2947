package diagnose

import (
	"fmt"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// stalls answers: when did nothing happen at all, although goroutines ran?
type stalls struct {
	zero    model.Time
	last    model.Time // of the last fact; the trace's beginning before
	now     model.Time // how far the trace has been followed
	stw     int        // stop-the-world ranges under way: then nothing is to happen
	pending []stall
	out     stallSum
}

// stall is a time without any event.
type stall struct {
	start, end model.Time
	running    int // Ps that ran a goroutine of the program all the while
	p          model.ProcID
	g          model.GoID
}

// stallSum sums standstills up.
type stallSum struct {
	n, total, longest int64
	severalPs         int64                            // of those with two Ps running
	phase             [quotaBins]struct{ n, ns int64 } // by where in a quota's period they ended
	inStep, inStepNS  int64                            // those that ended in the fifth of the period that has most
	worst             *stat.TopK[stall]
}

func newStalls(s *replay.Session) *stalls {
	return &stalls{zero: s.Zero, last: s.Zero, out: stallSum{worst: stat.NewTopK[stall](report.MaxMoments)}}
}

func (s *stalls) Watch(f *model.Facts) {
	s.now = f.Now
	gs, ps, events := f.Gs, f.Ps, f.Events
	for len(gs) > 0 || len(ps) > 0 || len(events) > 0 {
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

// see takes the time of the next fact: nothing happened since the last one.
func (s *stalls) see(t model.Time) {
	if t-s.last >= stallMin && s.stw == 0 {
		s.pending = append(s.pending, stall{start: s.last, end: t})
		if len(s.pending) > stallKept {
			s.out.add(&s.pending[0], s.zero)
			s.pending = s.pending[1:]
		}
	}
	s.last = max(s.last, t)
}

// ran counts a stretch of a P that ran a goroutine while nothing happened.
func (s *stalls) ran(iv *model.PInterval) {
	if len(s.pending) == 0 || iv.End-iv.Start < stallMin || iv.Does != model.PDoesRun || iv.Runtime {
		return
	}
	for k := range s.pending {
		if x := &s.pending[k]; iv.Start <= x.start && iv.End >= x.end {
			x.running++
			x.p, x.g = iv.P, iv.G
		}
	}
}

// stop follows stop-the-world ranges.
func (s *stalls) stop(ev *model.Event) {
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

func (s *stallSum) add(x *stall, zero model.Time) {
	d := int64(x.end - x.start)
	if x.running == 0 {
		return
	}
	s.n++
	s.total += d
	s.longest = max(s.longest, d)
	if x.running > 1 {
		s.severalPs += d
	}
	p := &s.phase[int64(x.end-zero)%quota/(quota/quotaBins)]
	p.n++
	p.ns += d
	s.worst.Offer(d, *x)
}

// total is the sum of all, those included that still wait.
func (s *stalls) total() stallSum {
	s.see(s.now)
	for i := range s.pending {
		s.out.add(&s.pending[i], s.zero)
	}
	s.pending = nil
	for i := range quotaBins {
		var n, ns int64
		for k := range quotaBins / 5 {
			p := &s.out.phase[(i+k)%quotaBins]
			n, ns = n+p.n, ns+p.ns
		}
		if ns > s.out.inStepNS {
			s.out.inStep, s.out.inStepNS = n, ns
		}
	}
	return s.out
}

func (s *stallSum) moments(r bench) []report.Moment {
	var out []report.Moment
	for _, x := range s.worst.Best() {
		out = append(out, r.moment(x.start, x.end, x.g, x.p, -1,
			fmt.Sprintf("nothing happened for %s while %s ran goroutines", words.Length(int64(x.end-x.start)), words.Plural(int64(x.running), "P"))))
	}
	return out
}
