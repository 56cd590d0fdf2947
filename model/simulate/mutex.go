package simulate

// Mutexes are taken in the simulated order, as sync.Mutex has it: who unlocks one wakes who
// has waited longest, and whoever comes by before that one runs takes it. Who was passed by
// for starvingFrom is given it.
//
// Source: internal/sync/mutex.go.

// starvingFrom is how long a goroutine waits for a mutex before nobody passes it by.
const starvingFrom = 1_000_000 // ns

// mutex is one.
type mutex struct {
	holder   int32   // 0 for none
	first    int32   // who was woken in vain, and is next, 0 for none
	line     []int32 // who else waits, first come first
	awoken   int32   // who was woken for it and has not come to it yet, 0 for none
	starving bool    // it is handed on
}

// takes has gi take a mutex that is free, or stand in line; since is when it came.
func (x *mutex) takes(gi int32, since, now int64) bool {
	switch {
	case x.holder == gi: // it was handed to it
		if !x.waited() || now-since < starvingFrom {
			x.starving = false
		}
	case x.holder != 0 || x.starving && x.awoken != gi:
		if x.awoken == gi {
			x.awoken = 0
			x.starving = x.starving || now-since > starvingFrom
			x.first = gi // before all others, of whom there may be many
		} else {
			x.line = append(x.line, gi)
		}
		return false
	}
	if x.awoken == gi {
		x.awoken = 0
	}
	x.holder = gi
	return true
}

// waited reports whether somebody waits for it who was not woken.
func (x *mutex) waited() bool { return x.first != 0 || len(x.line) > 0 }

// frees has its holder unlock it, and returns who is woken, 0 for nobody.
func (x *mutex) frees() int32 {
	x.holder = 0
	if !x.waited() {
		x.starving = false
		return 0
	}
	if x.awoken != 0 {
		return 0
	}
	next := x.first
	if x.first = 0; next == 0 {
		next, x.line = x.line[0], x.line[1:]
	}
	if x.starving {
		x.holder = next
	} else {
		x.awoken = next
	}
	return next
}

// locks has gi, which runs on p, take a mutex, and reports whether it has it.
func (s *sim) locks(gi int32, n int64) bool {
	g := &s.gs[gi]
	if g.locking == 0 {
		g.locking = s.now + 1
	}
	if !s.mutexes[n].takes(gi, g.locking-1, s.now) {
		return false
	}
	g.locking = 0
	g.holds++
	return true
}

// release has gi unlock a mutex on p, if it has it.
func (s *sim) release(p, gi int32, n int64) {
	x := &s.mutexes[n]
	if x.holder != gi || s.gs[gi].locking != 0 {
		return
	}
	s.gs[gi].holds--
	if next := x.frees(); next != 0 {
		s.ready(p, next)
	}
}

// lets has gi, at its end, unlock what it has.
func (s *sim) lets(p, gi int32) {
	for n := 0; s.gs[gi].holds > 0 && n < len(s.mutexes); n++ {
		s.release(p, gi, int64(n))
	}
}

// stuck frees a mutex that others wait for, where nothing else goes on, and returns who goes
// on, 0 for nobody: in another order than the recorded one, who has it may wait for one of
// those.
func (s *sim) stuck() int32 {
	for i := range s.mutexes {
		if x := &s.mutexes[i]; x.waited() {
			if x.holder != 0 && s.gs[x.holder].locking == 0 {
				s.gs[x.holder].holds--
			}
			x.awoken = 0
			return x.frees()
		}
	}
	return 0
}
