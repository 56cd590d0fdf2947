package simulate

import "gmptrace/model"

// What Ps have to do with each other: locks, idle Ps, threads.

// lock is one operation on the shared queue by p, -1 for none: it delays what p
// does next.
func (s *sim) lock(p int32) {
	at := s.now
	if p >= 0 {
		at += s.ps[p].debt
	}
	s.acquire(p, at)
	if p >= 0 {
		s.ps[p].debt += s.lockFree - at
	}
}

// acquire has p, -1 for a thread without a P, take the queue's lock from the time at on, and
// returns how long it waited for that. What one thread does one after the other at the same
// time does not wait for itself.
func (s *sim) acquire(p int32, at int64) (waited int64) {
	hold := &s.cfg.Costs.Lock
	if s.holder == p && len(s.cfg.Costs.Alone.NS) > 0 {
		hold = &s.cfg.Costs.Alone
	}
	from := max(at, s.lockFree)
	if s.holder != p {
		waited = from - at
	}
	s.res.Locked++
	s.lockFree, s.holder = from+s.rng.of(hold), p
	s.res.LockWait += waited
	return waited
}

// touch is p changing what all Ps share, as readying a goroutine does: it costs
// more if another one did so last.
//
// Source: proc.go, wakep.
func (s *sim) touch(p int32) {
	if s.cfg.Bounce > 0 && s.toucher != p && p >= 0 {
		s.ps[p].debt += s.cfg.Bounce
	}
	s.toucher = p
}

// contend adds to what p's goroutine does next how long it waited for the lock of
// the global queue. What the operation itself takes is in the measured costs.
func (s *sim) contend(p int32) {
	at := s.now
	if p >= 0 {
		at += s.ps[p].debt
	}
	if waited := s.acquire(p, at); p >= 0 {
		s.ps[p].debt += waited
	}
}

// takeIdle takes the P p, or any if that is -1, from the idle ones.
func (s *sim) takeIdle(p int32) int32 {
	n := len(s.idle) - 1
	i := n
	if p >= 0 {
		for s.idle[i] != p {
			i--
		}
	}
	p = s.idle[i]
	s.idle = append(s.idle[:i], s.idle[i+1:]...)
	if m := &s.sysmon; m.asleep {
		m.asleep = false
		if s.cfg.Alert {
			m.delay, m.idle = model.SysmonLeast, 0
		}
		s.timers.add(timer{at: s.now + m.delay, kind: timerSysmon})
	}
	s.ps[p].spun = false
	return p
}

// wakeP starts a thread for p.
func (s *sim) wakeP(p int32, spinning bool) {
	pp := &s.ps[p]
	s.set(p, pWaking)
	pp.spinning = spinning
	if spinning {
		s.spinning++
	}
	cost := &s.cfg.Costs.Wake
	if s.parked > 0 {
		s.parked--
	} else {
		cost = &s.cfg.Costs.Thread
	}
	s.timers.add(timer{at: s.now + s.rng.of(cost), kind: timerWake, id: p, gen: pp.gen})
}

// rest makes p idle. Its thread parks, unless it is in a system call.
func (s *sim) rest(p int32, parks bool) {
	pp := &s.ps[p]
	if pp.spinning {
		pp.spinning = false
		s.spinning--
	}
	pp.spun, pp.passed, pp.debt = false, false, 0
	pp.g = 0
	s.ends.set(p, never)
	s.set(p, pIdle)
	s.idle = append(s.idle, p)
	if parks {
		s.parked++
	}
	s.pollerSleeps()
}
