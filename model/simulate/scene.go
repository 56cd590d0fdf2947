package simulate

// What schedulers are told apart by, watched while one is simulated: how bad it gets, when,
// and what stands where at that moment.

// Trouble is something that a scheduler can have.
type Trouble uint8

// The troubles, each with what is counted of it.
const (
	Stranded   Trouble = iota // goroutines in the queue of a thread that is in a system call
	Imbalance                 // goroutines in the longest queue while a thread has nothing to do
	Starvation                // ns for which the first of the global queue has waited
	Monopoly                  // ns for which one goroutine has run and another has waited behind it
	Contention                // ns for which who comes now waits for the lock of the queue
	NumTroubles
)

// lasts reports whether a trouble is a length that grows until it is over.
func (t Trouble) lasts() bool { return t == Starvation || t == Monopoly }

// Episode is a stretch of time in which a trouble lasted, the worst one of a simulation: of
// lengths the longest, else that with most of what is counted times how long.
type Episode struct {
	From, Worst, To int64
	Peak            int64 // what was counted at the worst moment
	Total           int64 // what was counted, times ns, over the whole run; of lengths 0
}

// Scene is what stands where at a moment.
type Scene struct {
	At     int64
	Places []Place // by P or thread
	Global int     // goroutines in the queue of all
	Away   int     // goroutines in system calls that no thread of a P waits for
	Others int     // goroutines that wait for others, for timers or the network
	Lock   int64   // ns until the queue's lock is free of those who stand in line for it
}

// Place is a P or a thread.
type Place struct {
	Does  string // one of the words of doings
	Queue int    // goroutines in its own queue
}

// doings are what a P does, in words.
var doings = [...]string{pIdle: "idle", pWaking: "waking", pPausing: "looking", pSpin: "looking", pRun: "running", pSyscall: "in a system call", pGC: "collecting"}

// watcher looks at a simulation as time passes.
type watcher struct {
	last [NumTroubles]int64
	open [NumTroubles]Episode
	most [NumTroubles]int64 // by which the worst one is chosen
}

// observe counts what is so from now until to.
func (s *sim) observe(to int64) {
	if s.cfg.Observe {
		now := s.troubles(to)
		for t := range NumTroubles {
			s.watched(t, now[t], to)
		}
	}
	for n := len(s.res.Scenes); n < len(s.cfg.Scenes) && s.cfg.Scenes[n] < to; n++ {
		s.res.Scenes = append(s.res.Scenes, s.scene(s.cfg.Scenes[n]))
	}
}

// troubles is what is counted of each now, lengths up to the time to.
func (s *sim) troubles(to int64) (out [NumTroubles]int64) {
	longest, idle := 0, false
	running, latest := 0, int64(0)
	for i := range s.ps {
		pp := &s.ps[i]
		n, first := pp.fifo.Len(), pp.fifo.First()
		if s.cfg.Scheduler == GMP {
			n, first = pp.q.Len(), pp.q.First()
		}
		longest = max(longest, n)
		switch pp.does {
		case pIdle:
			idle = true
		case pSyscall:
			out[Stranded] += int64(n)
		case pRun:
			running, latest = running+1, max(latest, pp.began)
			if first != 0 {
				out[Monopoly] = max(out[Monopoly], to-max(pp.began, s.gs[first].since))
			}
		}
	}
	if idle && s.cfg.Scheduler != SharedQueue {
		out[Imbalance] = int64(longest)
	}
	if first := s.global.First(); first != 0 && s.cfg.Scheduler == GMP {
		since := max(s.gs[first].since, 0)
		out[Starvation] = to - since
		if running == len(s.ps) { // behind all of them
			out[Monopoly] = max(out[Monopoly], to-max(latest, since))
		}
	}
	out[Contention] = max(0, s.lockFree-s.now)
	return out
}

// watched goes on with a trouble's episode, which began before or begins now.
func (s *sim) watched(t Trouble, n, to int64) {
	e, best := &s.seen.open[t], &s.res.Episodes[t]
	if n < s.seen.last[t] && t.lasts() || n == 0 {
		s.over(t)
	}
	s.seen.last[t] = n
	if n == 0 {
		return
	}
	at := s.now
	if e.Peak == 0 {
		e.From = s.now
		if t.lasts() {
			e.From = to - n
		}
	}
	if t.lasts() {
		at = to - 1
	} else {
		best.Total += n * (to - s.now)
		e.Total += n * (to - s.now)
	}
	if n > e.Peak {
		e.Peak, e.Worst = n, at
	}
	e.To = to
}

// over ends a trouble's episode.
func (s *sim) over(t Trouble) {
	e, best := &s.seen.open[t], &s.res.Episodes[t]
	weight := e.Total
	if t.lasts() {
		weight = e.Peak
	}
	if weight > s.seen.most[t] {
		s.seen.most[t] = weight
		best.From, best.Worst, best.To, best.Peak = e.From, e.Worst, e.To, e.Peak
	}
	*e = Episode{}
}

// scene is what stands where.
func (s *sim) scene(at int64) Scene {
	x := Scene{At: at, Global: s.global.Len(), Lock: max(0, s.lockFree-at)}
	onP := map[int32]bool{}
	for i := range s.ps {
		pp := &s.ps[i]
		place := Place{Does: doings[pp.does], Queue: pp.fifo.Len()}
		if s.cfg.Scheduler == GMP {
			place.Queue = pp.q.Len()
		}
		if pp.g != 0 {
			onP[pp.g] = true
		}
		x.Places = append(x.Places, place)
	}
	for i := range s.gs[1:] {
		switch g := &s.gs[i+1]; {
		case g.runtime:
		case g.state == gSyscall && !onP[int32(i+1)]:
			x.Away++
		case g.state == gBlocked || g.state == gWaiting:
			x.Others++
		}
	}
	return x
}
