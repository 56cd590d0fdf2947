package simulate

// The thread that waits for the network, and for the next timer. While there is one, no
// other thread looks at the network; timers are run by whoever looks for work, too.

// poller is that thread.
type poller struct {
	asleep bool
	until  int64  // when the timer is due that it sleeps for; never for none
	gen    uint32 // its wake-ups of other generations are stale
	called bool   // something has come from the network, and it is on its way
}

// PollGrain is what Linux counts the poller's sleeps in: it asks epoll_wait for whole
// milliseconds, rounded down, but for at least one.
//
// Source: netpoll_epoll.go, netpoll.
const PollGrain = int64(1_000_000) // ns

// pollerSleeps makes a thread that found nothing to do wait for the network and the next
// timer, if none does so already; one that does and would sleep too long is woken to look
// again.
//
// Source: proc.go, findRunnable.
func (s *sim) pollerSleeps() {
	if s.cfg.Scheduler != GMP {
		return
	}
	x := &s.poller
	next := s.sleeps.next()
	if len(s.due) > 0 {
		next = s.now
	}
	if x.asleep && (x.called || x.until <= next) {
		return
	}
	x.asleep, x.called, x.until = true, false, next
	x.gen++
	if next == never {
		return
	}
	ns := s.rng.of(&s.cfg.Costs.Spin) + 1 // it only looks
	if d := next - s.now; d > 0 {
		ns = max(d-d%PollGrain, PollGrain) + s.rng.of(&s.cfg.Costs.Late)
	}
	s.timers.add(timer{at: s.now + ns, kind: timerPoll, gen: x.gen})
}

// pollerWakes is that it wakes up, and takes an idle P. Where there is none, it puts what
// the network has into the global queue.
func (s *sim) pollerWakes() {
	s.poller.asleep = false
	if len(s.idle) == 0 {
		s.inject()
		return
	}
	s.pollIdle()
}

// inject puts what the network has into the global queue.
func (s *sim) inject() {
	for _, d := range s.dueNet {
		s.ready(-1, d.g)
	}
	s.dueNet = s.dueNet[:0]
}

// pollIdle lets the poller find, on an idle P, what it waited for.
func (s *sim) pollIdle() {
	p := s.takeIdle(-1)
	s.parked = max(s.parked-1, 0)
	s.fresh = true
	s.find(p)
	s.fresh = false
}

// runTimers makes p run the timers that are due of those that were set on the P of, of all
// Ps if that is -1, and returns how long that takes.
//
// Source: proc.go, findRunnable, stealWork.
func (s *sim) runTimers(p, of int32) int64 {
	if s.cfg.NoSteal {
		of = -1 // else nobody might do so
	}
	if of >= 0 && s.dueOn[of+1] == 0 && s.dueOn[0] == 0 {
		return 0 // others' may be many
	}
	batch, left := int64(0), s.due[:0]
	for _, d := range s.due {
		if of >= 0 && d.p >= 0 && d.p != of {
			left = append(left, d)
			continue
		}
		s.dueOn[d.p+1]--
		s.readyOn(p, d.g, s.now+batch)
		batch += timerCost
	}
	s.due = left
	return batch
}

// expires ends the wait of a goroutine at a time.
//
// Source: time.go, wakeNetPoller.
func (s *sim) expires(t timer) {
	if t.kind != timerWait {
		s.timers.add(t)
		return
	}
	s.sleeps.add(t)
	if s.poller.asleep {
		s.pollerSleeps()
	}
}

// slept is that the timer is due that gi waits for. Whoever looks for work next runs it,
// and if nobody does so, the poller when it wakes up.
func (s *sim) slept(gi int32) {
	switch {
	case s.gs[gi].state != gWaiting:
	case s.cfg.Scheduler != GMP:
		s.ready(-1, gi)
	default:
		on := s.gs[gi].p
		s.due = append(s.due, due{s.now, gi, on})
		s.dueOn[on+1]++
	}
}

// comes is something that came for gi from outside of the program: the length of its wait
// has the waking of the poller in it.
func (s *sim) comes(gi int32) {
	switch {
	case s.gs[gi].state != gWaiting:
	case s.cfg.Scheduler != GMP:
		s.ready(-1, gi)
	default:
		s.dueNet = append(s.dueNet, due{s.now, gi, -1})
		if s.poller.asleep {
			s.pollerWakes()
		}
	}
}

// arrives is something that a goroutine of the program sent to gi: the poller has to wake
// up first.
func (s *sim) arrives(gi int32) {
	if s.cfg.Scheduler != GMP {
		s.ready(-1, gi)
		return
	}
	s.gs[gi].state = gWaiting
	s.dueNet = append(s.dueNet, due{s.now, gi, -1})
	if x := &s.poller; x.asleep && !x.called {
		x.called = true
		x.gen++
		s.timers.add(timer{at: s.now + s.rng.of(&s.cfg.Costs.Arrive), kind: timerPoll, gen: x.gen})
	}
}
