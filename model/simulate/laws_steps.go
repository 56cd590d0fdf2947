package simulate

// What steps mean to LawsOf. Each reports whether the goroutine goes no further for now.

func (l *lawyer) lawRun(gi int32, a, _ int64) bool {
	l.computes(gi, a)
	return false
}

func (l *lawyer) lawCreate(gi int32, a, _ int64) bool {
	if to := int32(a) + 1; l.gs[to].state == gNone {
		l.starts(to, l.at[gi])
	}
	return false
}

func (l *lawyer) lawWake(gi int32, a, b int64) bool {
	l.ends(int32(a)+1, uint32(b), l.at[gi])
	return false
}

func (l *lawyer) lawPass(gi int32, _, _ int64) bool {
	l.takeEnd(gi)
	return false
}

// takeEnd is when the end of gi's next Block has come, and whether it has; the Block is over.
func (l *lawyer) takeEnd(gi int32) (moment, bool) {
	g := &l.gs[gi]
	k := key(gi, g.block)
	came, ok := l.came[k]
	delete(l.came, k)
	g.block++
	return came, ok
}

// hasEnd reports whether the end of gi's next Block has come.
func (l *lawyer) hasEnd(gi int32) bool {
	_, ok := l.came[key(gi, l.gs[gi].block)]
	return ok
}

func (l *lawyer) lawBlock(gi int32, _, _ int64) bool {
	if !l.hasEnd(gi) {
		l.gs[gi].state = gBlocked
		return true
	}
	came, _ := l.takeEnd(gi)
	l.hops(gi, came)
	return false
}

func (l *lawyer) lawHold(_ int32, a, _ int64) bool {
	l.held[a] = true
	return false
}

func (l *lawyer) lawLock(gi int32, a, b int64) bool {
	if l.hop > 0 && !l.hasEnd(gi) && (l.held[a] || l.gs[b+1].underway() || l.inLine(int32(b)+1, gi)) {
		l.gs[gi].state, l.gs[gi].behind = gBlocked, int32(b)+1
		return true
	}
	if came, ok := l.takeEnd(gi); ok && l.hop > 0 {
		l.hops(gi, came)
	}
	return false
}

func (l *lawyer) lawAcquire(gi int32, a, _ int64) bool {
	if l.now = l.at[gi].at; l.hop > 0 && !l.locks(gi, a) {
		l.gs[gi].pc, l.gs[gi].state = l.here, gBlocked
		return true
	}
	return false
}

func (l *lawyer) lawShare(gi int32, a, _ int64) bool {
	if l.now = l.at[gi].at; l.hop > 0 && !l.shares(gi, a) {
		l.gs[gi].state = gBlocked
		return true
	}
	return false
}

func (l *lawyer) lawRelease(gi int32, a, _ int64) bool {
	l.release(gi, a)
	return false
}

func (l *lawyer) lawNeed(gi int32, a, _ int64) bool {
	if !l.hasEnd(gi) {
		l.needs(int32(a)+1, l.at[gi])
	}
	return false
}

func (l *lawyer) lawPut(gi int32, a, _ int64) bool {
	l.given(int32(a)+1, l.at[gi])
	return false
}

func (l *lawyer) lawOffer(_ int32, a, _ int64) bool {
	l.offers = int(a)
	return false
}

func (l *lawyer) lawUntil(gi int32, a, _ int64) bool {
	if m := l.at[gi]; a > m.at {
		l.hops(gi, moment{a, m.computed})
	}
	return false
}

func (l *lawyer) lawWait(gi int32, a, _ int64) bool {
	m := l.at[gi]
	l.hops(gi, moment{m.at + a, m.computed})
	return false
}

// lawMarking is of what the collector may leave none of with other Ps.
func (l *lawyer) lawMarking(gi int32, a, _ int64) bool {
	if l.hop > 0 {
		l.at[gi].at += a
	}
	return false
}

func (l *lawyer) lawSyscall(gi int32, a, b int64) bool {
	if a < ShortCall {
		a = l.stretched(a)
	}
	l.out.Held += min(a, mostHeld)
	return l.lawWait(gi, a, b)
}

func (l *lawyer) lawYield(gi int32, _, _ int64) bool {
	l.hops(gi, l.at[gi])
	return false
}
