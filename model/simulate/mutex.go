package simulate

// Mutexes are taken in the simulated order, as sync.Mutex has it: who unlocks one wakes who
// has waited longest, and whoever comes by before that one runs takes it. Who was passed by
// for starvingFrom is given it.
//
// Of an RWMutex that is how writers stand in line. Readers have it together; from when a writer
// has come to it on, no more come in, and he waits for those who are there. When he unlocks it,
// all readers who came meanwhile have it, and the next writer waits for them.
//
// Source: internal/sync/mutex.go, sync/rwmutex.go.

// starvingFrom is how long a goroutine waits for a mutex before nobody passes it by.
const starvingFrom = 1_000_000 // ns

// mutex is one.
type mutex struct {
	holder   int32   // 0 for none
	first    int32   // who was woken in vain, and is next, 0 for none
	line     []int32 // who else waits, first come first
	awoken   int32   // who was woken for it and has not come to it yet, 0 for none
	starving bool    // it is handed on

	readers int32   // who have it together
	shut    bool    // a writer has it, or waits for those readers
	came    []int32 // readers since then
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

// locks has gi take a mutex alone, and reports whether it has it.
func (s *sim) locks(gi int32, n int64) bool {
	g, x := &s.gs[gi], &s.mutexes[n]
	if g.locking == 0 {
		g.locking = s.now + 1
	}
	if !x.takes(gi, g.locking-1, s.now) {
		return false
	}
	if x.shut = true; x.readers > 0 {
		return false // the last of them wakes it
	}
	g.locking = 0
	g.holds++
	return true
}

// shares has gi take a mutex beside other readers, and reports whether it has it: else it has
// it when it is woken.
func (s *sim) shares(gi int32, n int64) bool {
	x := &s.mutexes[n]
	if _, has := s.sharing[key(gi, uint32(n))]; has {
		return true
	}
	if x.shut {
		s.gs[gi].locking = s.now + 1
		x.came = append(x.came, gi)
		return false
	}
	s.reads(gi, n)
	return true
}

// reads makes gi one of a mutex's readers.
func (s *sim) reads(gi int32, n int64) {
	s.mutexes[n].readers++
	s.sharing[key(gi, uint32(n))] = struct{}{}
	s.gs[gi].locking = 0
	s.gs[gi].holds++
}

// unlocks has gi unlock a mutex, if it has it, and returns who is woken, until the next call.
func (s *sim) unlocks(gi int32, n int64) []int32 {
	x, k := &s.mutexes[n], key(gi, uint32(n))
	if _, has := s.sharing[k]; has {
		delete(s.sharing, k)
		s.gs[gi].holds--
		if x.readers--; x.readers == 0 && x.shut {
			return append(s.woken[:0], x.holder)
		}
		return nil
	}
	if x.holder != gi || s.gs[gi].locking != 0 {
		return nil
	}
	s.gs[gi].holds--
	return s.opens(n)
}

// opens lets in whoever waits for a mutex that nobody has alone any more.
func (s *sim) opens(n int64) []int32 {
	x := &s.mutexes[n]
	s.woken = append(s.woken[:0], x.came...)
	for _, gi := range x.came {
		s.reads(gi, n)
	}
	x.shut, x.came = false, x.came[:0]
	if next := x.frees(); next != 0 {
		s.woken = append(s.woken, next)
	}
	return s.woken
}

// release has gi unlock a mutex on p, if it has it.
func (s *sim) release(p, gi int32, n int64) {
	for _, next := range s.unlocks(gi, n) {
		s.ready(p, next)
	}
}

// lets has gi, at its end, unlock what it has.
func (s *sim) lets(p, gi int32) {
	for n := 0; s.gs[gi].holds > 0 && n < len(s.mutexes); n++ {
		s.release(p, gi, int64(n))
	}
}

// stuck frees a mutex that others wait for, where nothing else goes on, and returns who go on:
// in another order than the recorded one, who has it may wait for one of those.
func (s *sim) stuck() []int32 {
	for i := range s.mutexes {
		x := &s.mutexes[i]
		if x.shut && x.readers > 0 { // a writer waits for readers
			for k := range s.sharing {
				if gi := int32(k >> 32); uint32(k) == uint32(i) {
					delete(s.sharing, k)
					s.gs[gi].holds--
				}
			}
			x.readers = 0
			return append(s.woken[:0], x.holder)
		}
		if x.waited() || len(x.came) > 0 {
			if x.holder != 0 && s.gs[x.holder].locking == 0 {
				s.gs[x.holder].holds--
			}
			x.awoken = 0
			return s.opens(int64(i))
		}
	}
	return nil
}
