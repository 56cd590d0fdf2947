package analyze

import (
	"fmt"

	"gmptrace/model"
)

// stalls answers: when did nothing happen at all, although goroutines ran?
type stalls struct {
	zero    model.Time
	last    model.Time // of the last fact; the trace's beginning before
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
	worst             *topK[stall]
}

func (s *stalls) observe(f *model.Facts) {
	if f.Now-s.last >= stallMin {
		s.gaps(f)
	} else {
		for i := range f.Events {
			s.stop(&f.Events[i])
		}
	}
	for i := range f.Ps {
		iv := &f.Ps[i]
		if iv.End-iv.Start < stallMin || iv.Does != model.PDoesRun || iv.Runtime {
			continue
		}
		for k := range s.pending {
			if x := &s.pending[k]; iv.Start <= x.start && iv.End >= x.end {
				x.running++
				x.p, x.g = iv.P, iv.G
			}
		}
	}
	s.last = f.Now
	for len(s.pending) > stallKept {
		s.out.add(&s.pending[0], s.zero)
		s.pending = s.pending[1:]
	}
}

// gaps finds the times without an event among the facts.
func (s *stalls) gaps(f *model.Facts) {
	last := s.last
	see := func(t model.Time) {
		if t-last >= stallMin && s.stw == 0 {
			s.pending = append(s.pending, stall{start: last, end: t})
		}
		last = max(last, t)
	}
	g, p, e := 0, 0, 0
	for g < len(f.Gs) || p < len(f.Ps) || e < len(f.Events) {
		t := forever
		if g < len(f.Gs) {
			t = min(t, f.Gs[g].End)
		}
		if p < len(f.Ps) {
			t = min(t, f.Ps[p].End)
		}
		if e < len(f.Events) {
			t = min(t, f.Events[e].Time)
		}
		see(t)
		for g < len(f.Gs) && f.Gs[g].End <= t {
			g++
		}
		for p < len(f.Ps) && f.Ps[p].End <= t {
			p++
		}
		for e < len(f.Events) && f.Events[e].Time <= t {
			s.stop(&f.Events[e])
			e++
		}
	}
	see(f.Now)
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
	s.worst.offer(d, *x)
}

// total is the sum of all, those included that still wait.
func (s *stalls) total() stallSum {
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

func (s *stalls) report(*Report) {}

func (r *run) stallMoments(s *stallSum) []Moment {
	var out []Moment
	for _, x := range s.worst.best() {
		out = append(out, r.moment(x.start, x.end, x.g, x.p, -1,
			fmt.Sprintf("nothing happened for %s while %s ran goroutines", dur(int64(x.end-x.start)), plural(int64(x.running), "P"))))
	}
	return out
}
