package simulate

// Laws are what a workload takes whoever runs when: no scheduler can change them.
type Laws struct {
	Work    int64 // what the program's goroutines compute, in ns of one P
	Span    int64 // the longest chain of what waits for each other, in ns: the run's length with Ps without end
	Chained int64 // of Span, what is computed
	Held    int64 // most that goroutines in system calls may keep Ps besides, in ns
	Runs    int64 // how often a goroutine may have to be dispatched
}

// LawsOf finds the laws of w under what cfg makes of lengths (Stretch, Crossing). hop is what
// it takes each time to get from one goroutine to another, or from the outside: 0 for laws
// that nothing undercuts.
//
// Each goroutine goes on as soon as what it waits for has come, as there is always a P. When
// that is does not depend on the order in which goroutines are looked at here, only on who
// waits for whom; they are looked at in the order of time, so that little is ended before it
// is come to.
//
// Without a hop everybody finds locks free and somebody for each job: in another order they
// might. With one they wait as in a simulation with Ps without end.
func LawsOf(w *Workload, cfg *Config, hop int64) Laws {
	l := lawyer{sim: sim{cfg: *cfg, w: w, code: w.Code, gs: make([]gor, len(w.Gs)+1), stations: make([]attendance, len(w.Stations)), held: make([]bool, w.Holds), mutexes: make([]mutex, w.Mutexes), sharing: map[uint64]struct{}{}}, at: make([]moment, len(w.Gs)+1), ran: make([]bool, len(w.Gs)+1), came: map[uint64]moment{}, hop: hop}
	for i := range w.Gs {
		from := &w.Gs[i]
		l.gs[i+1] = gor{pc: from.From, to: from.To, runtime: from.Runtime}
	}
	for i := range w.Gs {
		if w.Gs[i].Root && l.gs[i+1].state == gNone {
			l.starts(int32(i+1), moment{})
		}
	}
	l.run()
	return l.out
}

// moment is when something is, and how much of that was computed, on the longest chain to it.
type moment struct{ at, computed int64 }

func (m moment) after(o moment) moment {
	if o.at > m.at || o.at == m.at && o.computed > m.computed {
		return o
	}
	return m
}

// lawyer is LawsOf at work.
type lawyer struct {
	sim  // its code, and what lengths are on this machine
	at   []moment
	ran  []bool            // it has computed since it was dispatched
	came map[uint64]moment // ends of Blocks that were not come to, by goroutine and number
	hop  int64
	out  Laws
}

func (l *lawyer) starts(gi int32, m moment) {
	l.gs[gi].state = gRunnable
	l.at[gi] = moment{m.at + l.hop, m.computed}
	l.out.Runs++
	l.goesOn(gi)
}

// goesOn has a goroutine go on when it is its time.
func (l *lawyer) goesOn(gi int32) { l.timers.add(timer{at: l.at[gi].at, id: gi}) }

func (l *lawyer) run() {
	for l.timers.next() != never || l.unsticks() {
		gi := l.timers.pop().id
		l.goes(gi)
		if g := &l.gs[gi]; !g.runtime && l.at[gi].at > l.out.Span {
			l.out.Span, l.out.Chained = l.at[gi].at, l.at[gi].computed
		}
	}
}

// goes takes a goroutine's steps up to a Block whose end has not come, to where others come
// first, or to its own end.
func (l *lawyer) goes(gi int32) {
	g := &l.gs[gi]
	l.offers = -1
	for g.pc < g.to {
		if l.at[gi].at > l.timers.next() {
			l.goesOn(gi)
			return
		}
		l.here = g.pc
		op, a, b, pc := l.next(g.pc)
		g.pc = pc
		if law := steps[op].law; law != nil && law(l, gi, a, b) {
			return
		}
	}
	for n := 0; g.holds > 0 && n < len(l.mutexes); n++ {
		l.release(gi, int64(n))
	}
	g.state = gDone
	l.offered(gi, l.offers)
}

// given has a job begin when it is given, or with somebody who is free.
func (l *lawyer) given(job int32, m moment) {
	g := &l.gs[job]
	if g.state != gNone {
		return
	}
	x := &l.stations[l.w.Gs[job-1].Station]
	n := len(x.free) - 1
	switch {
	case l.hop == 0 || n < 0 && g.needed:
	case n >= 0:
		x.free = x.free[:n]
	default:
		g.state, g.waits, l.at[job] = gBlocked, true, m
		x.queue = append(x.queue, job)
		return
	}
	l.starts(job, m)
}

// release is sim.release.
func (l *lawyer) release(gi int32, n int64) { l.wakes(l.unlocks(gi, n), l.at[gi]) }

// wakes has those go on whom somebody unlocked a mutex for.
func (l *lawyer) wakes(woken []int32, m moment) {
	for _, gi := range woken {
		l.gs[gi].state = gRunnable
		l.hops(gi, m)
		l.goesOn(gi)
	}
}

// needs is sim.need at m.
func (l *lawyer) needs(job int32, m moment) {
	switch g := &l.gs[job]; {
	case g.state == gNone:
		g.needed = true
	case g.waits:
		g.waits = false
		l.starts(job, m.after(l.at[job]))
	}
}

// offered has a goroutine at its end do the next job, if it is one of those who do.
func (l *lawyer) offered(gi int32, offers int) {
	w := &l.w.Gs[gi-1]
	switch {
	case l.hop == 0 || offers < 0 && (!w.Job || w.Last):
		return
	case offers < 0:
		offers = int(w.Station)
	}
	if job, ok := l.nextOf(offers); ok {
		l.starts(job, l.at[gi].after(l.at[job]))
	} else {
		x := &l.stations[offers]
		x.free = append(x.free, 0)
	}
}

// unsticks is sim.unstick once all that goes on has ended.
func (l *lawyer) unsticks() bool {
	for i := range l.stations {
		if job, ok := l.nextOf(i); ok {
			l.starts(job, l.at[job].after(moment{l.out.Span, l.out.Chained}))
			return true
		}
	}
	woken := l.stuck()
	l.wakes(woken, moment{l.out.Span, l.out.Chained})
	return len(woken) > 0
}

// mostHeld is how long a system call keeps its P at the most: then sysmon has looked twice.
const mostHeld = int64(20_000_000) // ns

// computes lets a goroutine compute; after a dispatch some of it is what the dispatch costs on
// several Ps, or did when it was recorded.
func (l *lawyer) computes(gi int32, ns int64) {
	ns = l.stretched(ns)
	if !l.ran[gi] && (l.cfg.Crossing < 0 || l.hop > 0) {
		ns = max(ns+l.cfg.Crossing, ns*2/5)
	}
	l.ran[gi] = true
	m := &l.at[gi]
	m.at, m.computed = m.at+ns, m.computed+ns
	if !l.gs[gi].runtime || l.hop > 0 {
		l.out.Work += ns
	}
}

// hops has a goroutine go on where something else has come.
func (l *lawyer) hops(gi int32, came moment) {
	m := &l.at[gi]
	*m = m.after(came)
	m.at += l.hop
	l.ran[gi] = false
	l.out.Runs++
}

// ends ends the n-th Block of gi.
func (l *lawyer) ends(gi int32, n uint32, m moment) {
	g := &l.gs[gi]
	switch {
	case n < g.block: // it was over
	case n == g.block && g.state == gBlocked && !g.waits && g.locking == 0:
		g.behind = 0
		g.block++
		g.state = gRunnable
		l.hops(gi, m)
		l.goesOn(gi)
	default:
		l.came[key(gi, n)] = m.after(l.came[key(gi, n)])
	}
}

// Bounds are the least and the most that a run takes with so many Ps.
//
// The least is the work law and the span law: Ps compute no more than one goroutine each, and
// nobody comes before what he waits for. It holds for any scheduler if least was found
// without a hop. The most is Graham's bound (Brent's, for computing): whoever leaves no P idle
// while a goroutine could run either has all Ps busy, which most.Work divided by the Ps
// bounds, or gets on with the longest chain. marked is what the collector does in Ps' time,
// each what a dispatch takes.
func Bounds(procs int, least, most *Laws, marked, each int64) (from, to int64) {
	n := int64(max(procs, 1))
	from = max((least.Work+n-1)/n, least.Span)
	return from, (most.Work+most.Held+marked+most.Runs*each)/n + most.Span
}
