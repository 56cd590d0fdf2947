// Package simulate runs a workload, taken out of a trace or written by hand,
// under a scheduler that is free to decide: Go's own with any settings, one
// queue for all threads, or one queue for each.
//
//	Workload ──▶ Run(Config) ──▶ Result
//	               │  queues and arithmetic of package model: LocalQueue, GlobalQueue
//	               └─ Costs: what was measured, or defaults
//
// It is a simulation of discrete events: nothing happens between two of them.
// What runs has a time of its own, which passes as fast as the clock, and not at all
// while the world is stopped. Threads may have to wait for a CPU: see cpus.go. The same workload, settings and seed give the same
// result. What each P's threads do is simplified: a P has one thread or none.
package simulate

import (
	"math"

	"gmptrace/model"
)

// gState is what a goroutine is doing.
type gState uint8

const (
	gNone gState = iota // not created
	gRunnable
	gRunning
	gBlocked
	gWaiting // for a timer, the network or something not known
	gSyscall
	gDone
)

// gor is a goroutine.
type gor struct {
	pc, to  uint32
	block   uint32 // number of the Block that it is in or comes to next
	p       int32  // where it ran last; ThreadQueue: its thread
	rem     int64  // left of the length that it was computing
	since   int64  // since when it is runnable; -1 since before the beginning
	early   uint64 // Blocks from block on that are already ended, the next one lowest
	state   gState
	runtime bool
	tight   bool
	locked  bool
	waits   bool  // it is a job that waits for somebody to be free
	needed  bool  // it is a job that somebody waits for
	behind  int32 // in a Lock: the goroutine whose hold ends it; else 0
	holds   int32 // mutexes
	locking int64 // one more than since when it waits for a mutex, 0 for none
}

// does is what a P is doing.
type does uint8

const (
	pIdle    does = iota
	pWaking       // its thread is on its way
	pPausing      // its thread pauses before it takes a runnext
	pSpin         // its thread looks for work
	pRun          // a goroutine, or the way there
	pSyscall      // its goroutine is in a system call
	pGC           // a mark worker
)

// uses reports whether it takes a CPU.
func (d does) uses() bool { return d == pSpin || d == pRun || d == pGC }

// proc is a P, or a thread of the other schedulers.
type proc struct {
	q    model.LocalQueue  // GMP
	fifo model.GlobalQueue // ThreadQueue

	g        int32 // running or in a system call on it; 0 for none
	does     does
	spinning bool
	passed   bool   // its thread went with a goroutine locked to it
	spun     bool   // it has looked for work in vain
	gen      uint32 // its timers of other generations are stale
	idleFrom int64

	tick     uint32 // scheduling ticks
	seenTick uint32 // by sysmon
	seenAt   int64
	began    int64  // when its goroutine did
	calls    uint32 // system calls
	seenCall uint32
	callAt   int64

	victim int32 // whose runnext it will take after a pause
	want   int32 // what was there

	worker workerKind // mark worker that runs, and for how long
	chunk  int64
	marked int64 // by fractional workers in this collection
	coro   int32 // coroutine to switch to
	debt   int64 // lock time that the goroutine spent

	thread
}

// sim is a simulation under way.
type sim struct {
	cfg  Config
	w    *Workload
	code []byte
	gs   []gor
	ps   []proc

	now      int64 // the clock
	v        int64 // time of what runs
	frozen   int64 // until when the world is stopped
	cpus     int
	onCPU    int     // threads that have one, if there are fewer than Ps
	waiting  []int32 // Ps whose threads wait for one
	ends     ends
	timers   timers
	sleeps   timers // of goroutines that wait for a timer
	poller   poller
	stations []attendance
	held     []bool // holds of locks, by their numbers: they have begun
	mutexes  []mutex
	sharing  map[uint64]struct{} // who have which of them beside other readers: key
	woken    []int32             // by who unlocked one
	rng      random

	global   model.GlobalQueue
	idle     []int32 // stack
	spinning int
	parked   int   // threads without a P that a P can be started on
	due      []due // goroutines whose timers have expired
	dueOn    []int // how many of those were set on each P; first those on none
	dueNet   []due // goroutines that the network has something for
	polled   int64 // when the network was polled last
	late     map[uint64]struct{}
	lockFree int64
	holder   int32 // the P that had the lock last, -1 for a thread without one
	toucher  int32 // the P that changed what all share last
	deal     int   // thread that gets the next new goroutine
	sysmon   struct {
		asleep bool
		delay  int64
		idle   int
	}
	gc        gcLoad
	coroutine bool   // the next goroutine to be readied is switched to
	offers    int    // the station that the goroutine whose steps are taken joins at its end, -1 for none
	here      uint32 // where the step stands that is being taken
	fresh     bool   // what is found now was readied by the thread that finds it, just before

	observed bool // for episodes, or for scenes
	seen     watcher

	gaps     int64 // lengths from a stop to a start, which count as running
	live     int   // goroutines of the program that have not ended
	runnable int
	running  int
	res      *Result
}

// stopEvery is after how many events Config.Stop is asked.
const stopEvery = 1 << 14

// Run simulates w under cfg.
func Run(w *Workload, cfg Config) *Result {
	s := newSim(w, cfg)
	defer s.leave()
	s.begin()
	for events := int64(1); s.live > 0; events++ {
		if events%stopEvery == 0 && cfg.Stop != nil && cfg.Stop(events) {
			break
		}
		p := s.ends.first()
		end := s.clock(s.ends.at[p])
		if t := min(s.timers.next(), s.sleeps.next()); t < end {
			s.advance(t)
			s.fire()
			continue
		}
		if end == never && s.unstick() {
			continue
		}
		if end == never {
			break // what is left waits for what the trace does not show
		}
		at := s.ends.at[p]
		s.advance(end)
		s.v = at
		s.ended(p)
	}
	return s.finish()
}

func newSim(w *Workload, cfg Config) *sim {
	cfg.Procs = max(cfg.Procs, 1)
	s := &sim{cfg: cfg, w: w, code: w.Code, ps: make([]proc, cfg.Procs), dueOn: make([]int, cfg.Procs+1),
		cpus: cfg.CPUs, ends: newEnds(cfg.Procs), rng: random(cfg.Seed*0x5851f42d4c957f2d + 1),
		late: map[uint64]struct{}{}, sharing: map[uint64]struct{}{}, res: newResult()}
	if s.cpus <= 0 {
		s.cpus = math.MaxInt32
	}
	s.observed = cfg.Observe || len(cfg.Scenes) > 0
	s.enter()
	s.held, s.mutexes = make([]bool, w.Holds), make([]mutex, w.Mutexes)
	if cfg.Fates {
		s.res.Fates = make([]Fate, len(w.Gs))
	}
	for i := len(s.ps) - 1; i >= 0; i-- {
		if cfg.Scheduler == GMP {
			s.ps[i].q = model.NewLocalQueue()
		}
		s.idle = append(s.idle, int32(i))
	}
	for i := range w.Gs {
		from := &w.Gs[i]
		s.gs[i+1] = gor{pc: from.From, to: from.To, since: -1, runtime: from.Runtime, tight: from.Tight, locked: from.Locked && cfg.Scheduler == GMP, p: -1}
		if !from.Runtime {
			s.live++
		}
	}
	return s
}

// begin brings the goroutines that are there at the beginning into the states
// that they begin in, and starts Ps for those that can run.
func (s *sim) begin() {
	for i := range s.w.Gs {
		if s.w.Gs[i].Root {
			s.appear(int32(i + 1))
		}
	}
	if s.cfg.Scheduler == ThreadQueue {
		for p := range s.ps {
			if s.ps[p].fifo.Len() > 0 {
				s.takeIdle(int32(p))
				s.find(int32(p))
			}
		}
	} else {
		for len(s.idle) > 0 && s.global.Len() > 0 {
			s.find(s.takeIdle(-1))
		}
	}
	s.parked = len(s.idle)
	if s.parked > 0 {
		s.pollerSleeps()
	}
	s.sysmon.delay = model.SysmonLeast
	s.timers.add(timer{at: model.SysmonLeast, kind: timerSysmon})
}

// appear is how a root begins.
func (s *sim) appear(gi int32) {
	g := &s.gs[gi]
	if s.cfg.Scheduler == ThreadQueue {
		g.p = s.home(-1)
	}
	s.arrived(g)
	if g.pc < g.to {
		op, a, _, pc := s.next(g.pc)
		if root := steps[op].root; root != nil {
			g.pc = pc
			root(s, gi, a)
			return
		}
	}
	g.state = gRunnable
	s.runnable++
	if s.cfg.Scheduler == ThreadQueue {
		s.ps[g.p].fifo.Put(gi)
	} else {
		s.global.Put(gi)
	}
}

// clock is when what runs has come to v, if nothing changes until then.
func (s *sim) clock(v int64) int64 {
	if v == never {
		return never
	}
	return max(s.now, s.frozen) + v - s.v
}

// advance lets time pass.
func (s *sim) advance(to int64) {
	if from := max(s.now, s.frozen); to > from {
		s.v += to - from
	}
	if d := to - s.now; d > 0 {
		if s.observed {
			s.observe(to)
		}
		s.res.pass(s.now, d, s.running, s.runnable)
		s.now = to
	}
}

// set makes P p do d.
func (s *sim) set(p int32, d does) {
	pp := &s.ps[p]
	was := pp.does
	if was == d {
		return
	}
	if was == pRun {
		s.running--
	}
	if d == pRun {
		s.running++
	}
	if was == pIdle {
		s.res.Idle += s.now - pp.idleFrom
	}
	if d == pIdle {
		pp.idleFrom = s.now
	}
	if was == pWaking || was == pPausing {
		pp.gen++
	}
	pp.does = d
	if was.uses() && !d.uses() {
		s.leaves(p)
	} else if d.uses() && !was.uses() {
		s.wants(p)
	}
}

// until makes what p does, d, end after ns of its own time.
func (s *sim) until(p int32, d does, ns int64) {
	s.set(p, d)
	s.lasts(p, ns)
}

// ended goes on after what p did has ended.
func (s *sim) ended(p int32) {
	switch s.ps[p].does {
	case pRun:
		s.exec(p)
	case pGC:
		s.chunkDone(p)
	case pSpin:
		s.lasts(p, never)
		s.ps[p].spun = true
		s.find(p)
	default:
		s.ends.set(p, never)
	}
}

// fire lets the next timer expire.
func (s *sim) fire() {
	if s.sleeps.next() <= s.timers.next() {
		s.slept(s.sleeps.pop().id)
		return
	}
	switch t := s.timers.pop(); t.kind {
	case timerStarved:
		if s.gs[t.id].state == gWaiting {
			s.ready(-1, t.id)
		}
	case timerNet:
		s.comes(t.id)
	case timerSyscall:
		s.exitsyscall(t.id)
	case timerWake:
		if pp := &s.ps[t.id]; pp.does == pWaking && pp.gen == t.gen {
			pp.spun = false
			s.find(t.id)
		}
	case timerPause:
		if pp := &s.ps[t.id]; pp.does == pPausing && pp.gen == t.gen {
			s.pauseOver(t.id)
		}
	case timerQuantum:
		s.quantumOver(t.id, t.gen)
	case timerPoll:
		if t.gen == s.poller.gen {
			s.pollerWakes()
		}
	case timerSysmon:
		s.watch()
	}
}
