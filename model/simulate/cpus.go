package simulate

// CPUs fewer than Ps: the system runs as many threads as there are CPUs, each for a
// quantum if others wait, who come in turn. A thread that waits for a CPU keeps its
// P, and what is in the P's queue: Go's scheduler does not know. One that was just
// woken is let in first at the next turn, as it had less than its share.

const (
	quantum  = int64(3_000_000) // ns: Linux's base slice, of EEVDF and of CFS with few threads
	osSwitch = int64(2_000)     // ns: from one thread to another on a CPU; measured on amd64
)

// thread is what the system knows of a P's thread.
type thread struct {
	on   bool   // a CPU runs it
	turn uint32 // counts how often one began to
	left int64  // of what it does, in ns, while none runs it; never if that has no end
}

// scarce reports whether threads may have to wait for a CPU.
func (s *sim) scarce() bool { return s.cpus < len(s.ps) }

// wants makes p's thread ask for a CPU.
func (s *sim) wants(p int32) {
	if !s.scarce() {
		return
	}
	pp := &s.ps[p]
	pp.left = never
	if s.onCPU < s.cpus {
		s.runs(p)
	} else {
		s.waiting = append([]int32{p}, s.waiting...)
	}
}

// runs puts p's thread onto a CPU that is free.
func (s *sim) runs(p int32) {
	pp := &s.ps[p]
	pp.on = true
	pp.turn++
	s.onCPU++
	if pp.left != never {
		s.ends.set(p, s.v+pp.left)
	}
	s.timers.add(timer{at: s.now + quantum, kind: timerQuantum, id: p, gen: pp.turn})
}

// leaves takes p's thread, which has nothing to do, off its CPU, or out of the line.
func (s *sim) leaves(p int32) {
	if !s.scarce() {
		return
	}
	pp := &s.ps[p]
	if !pp.on {
		for i, q := range s.waiting {
			if q == p {
				s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
				return
			}
		}
		return
	}
	pp.on = false
	s.onCPU--
	s.nextThread()
}

// nextThread gives a free CPU to who waits longest.
func (s *sim) nextThread() {
	if len(s.waiting) > 0 {
		p := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.runs(p)
	}
}

// quantumOver lets another thread have p's CPU if one waits.
func (s *sim) quantumOver(p int32, turn uint32) {
	pp := &s.ps[p]
	if !pp.on || pp.turn != turn {
		return
	}
	if len(s.waiting) == 0 {
		s.timers.add(timer{at: s.now + quantum, kind: timerQuantum, id: p, gen: turn})
		return
	}
	pp.left = s.remains(p)
	if pp.left != never {
		pp.left += osSwitch
	}
	s.ends.set(p, never)
	pp.on = false
	s.onCPU--
	s.waiting = append(s.waiting, p)
	s.nextThread()
}

// remains is how long what p does still takes, at least 1 ns; never if it has no end.
func (s *sim) remains(p int32) int64 {
	if s.scarce() && !s.ps[p].on {
		return s.ps[p].left
	}
	if s.ends.at[p] == never {
		return never
	}
	return max(s.ends.at[p]-s.v, 1)
}

// lasts makes what p does end after ns on a CPU, or never.
func (s *sim) lasts(p int32, ns int64) {
	switch {
	case s.scarce() && s.ps[p].does.uses() && !s.ps[p].on:
		s.ps[p].left = ns
	case ns == never:
		s.ends.set(p, never)
	default:
		s.ends.set(p, s.v+ns)
	}
}

// reached reports whether p's thread has a CPU, so that it can do what it is asked to.
func (s *sim) reached(p int32) bool { return !s.scarce() || s.ps[p].on }
