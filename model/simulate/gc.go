package simulate

import "math"

// The collector as load: mark workers share the work of a cycle. A quarter of the
// Ps run dedicated ones; where that is no whole number, each P runs a fractional
// one for a part of its time; idle Ps help. Assists take their part of the same
// work: the more idle Ps do, the less is left to them.
//
// Source: mgcpacer.go, startCycle, findRunnableGCWorker; proc.go, findRunnable.

type workerKind uint8

const (
	workerDedicated workerKind = iota
	workerFractional
	workerIdle
)

// Lengths for which a mark worker works before it looks up.
const (
	dedicatedChunk = 200_000 // ns
	otherChunk     = 50_000  // ns: the runtime looks up after every 100 kB
)

type gcLoad struct {
	on        bool
	cycle     Cycle
	pool      int64 // left to be taken, in ns
	taken     int64 // being worked on
	dedicated int   // workers still to be started
	fraction  float64
	began     int64
	waiting   []int // cycles to come
}

// wants reports whether a P is to run a dedicated worker.
func (c *gcLoad) wants() bool { return c.on && c.dedicated > 0 && c.pool > 0 }

func (s *sim) startGC(p int32, n int) {
	c := &s.gc
	if c.on {
		c.waiting = append(c.waiting, n)
		return
	}
	*c = gcLoad{on: true, cycle: s.w.Cycles[n], pool: s.w.Cycles[n].Work, began: s.now, waiting: c.waiting}
	if s.cfg.Marking > 0 {
		c.pool = int64(float64(c.pool) * s.cfg.Marking)
	}
	goal := float64(len(s.ps)) / 4
	c.dedicated = int(goal + .5)
	if off := float64(c.dedicated)/goal - 1; math.Abs(off) > .3 {
		if float64(c.dedicated) > goal {
			c.dedicated--
		}
		c.fraction = (goal - float64(c.dedicated)) / float64(len(s.ps))
	}
	for i := range s.ps {
		s.ps[i].marked = 0
	}
	if c.pool == 0 {
		s.endGC(p)
		return
	}
	// The world was stopped: every P comes by the scheduler.
	for i := range s.ps {
		if q := int32(i); q != p && s.ps[i].does == pRun && c.dedicated > 0 && s.cfg.Scheduler == GMP {
			s.aside(q)
		}
	}
	for c.dedicated > 0 && len(s.idle) > 0 {
		q := s.takeIdle(-1)
		s.find(q)
		if s.ps[q].does != pGC {
			break
		}
	}
	if s.cfg.Scheduler == GMP {
		s.wakep() // startTheWorldWithSema: so that idle Ps mark
	}
}

// aside makes p's goroutine wait until the mark worker is done.
func (s *sim) aside(p int32) {
	gi := s.ps[p].g
	g := &s.gs[gi]
	g.rem = s.remains(p)
	s.stop(p, g, gRunnable)
	g.since = s.now
	s.runnable++
	s.spilled(p, s.ps[p].q.Put(gi, true, &s.global))
	s.find(p)
}

// findWorker runs a mark worker on p if it is its turn: one that comes before
// goroutines, or one that takes what is left of an idle P.
func (s *sim) findWorker(p int32, first bool) bool {
	c := &s.gc
	if !c.on || c.pool == 0 {
		return false
	}
	kind := workerIdle
	switch {
	case !first:
	case c.dedicated > 0:
		c.dedicated--
		kind = workerDedicated
	case c.fraction > 0 && float64(s.ps[p].marked) <= c.fraction*float64(s.now-c.began):
		kind = workerFractional
	default:
		return false
	}
	pp := &s.ps[p]
	if pp.spinning {
		pp.spinning = false
		s.spinning--
	}
	pp.worker, pp.spun = kind, false
	s.workChunk(p)
	return true
}

func (s *sim) workChunk(p int32) {
	pp := &s.ps[p]
	chunk := int64(otherChunk)
	if pp.worker == workerDedicated {
		chunk = dedicatedChunk
	}
	pp.chunk = min(chunk, s.gc.pool)
	s.gc.pool -= pp.chunk
	s.gc.taken += pp.chunk
	s.until(p, pGC, pp.chunk)
}

func (s *sim) chunkDone(p int32) {
	pp := &s.ps[p]
	c := &s.gc
	c.taken -= pp.chunk
	pp.marked += pp.chunk
	s.lasts(p, never)
	if c.on && c.pool == 0 && c.taken == 0 {
		s.endGC(-1)
	} else if c.on && c.pool > 0 {
		switch {
		case pp.worker == workerDedicated,
			pp.worker == workerFractional && float64(pp.marked) <= 1.2*c.fraction*float64(s.now-c.began):
			s.workChunk(p)
			return
		}
	}
	s.find(p)
}

// assist takes what p's goroutine has to mark out of the collection's work, at
// most ns, and returns how long that takes.
func (s *sim) assist(p int32, ns int64) int64 {
	c := &s.gc
	if !c.on {
		return 0
	}
	ns = min(ns, c.pool)
	c.pool -= ns
	s.res.Assisted += ns
	if c.pool == 0 && c.taken == 0 {
		s.endGC(p)
	}
	return ns
}

// endGC ends the collection; p is where that is found, -1 for no goroutine's P.
func (s *sim) endGC(p int32) {
	c := &s.gc
	c.on = false
	if c.cycle.STW > 0 {
		s.stopWorld(p, c.cycle.STW)
	}
	if len(c.waiting) > 0 {
		n := c.waiting[0]
		c.waiting = c.waiting[1:]
		s.startGC(p, n)
	}
}

// stopWorld stops the world for ns. What runs on other Ps than p goes to runnext,
// and on when the world starts again and the threads have been woken.
//
// Source: proc.go, stopTheWorldWithSema, goschedImpl, startTheWorldWithSema.
func (s *sim) stopWorld(p int32, ns int64) {
	s.frozen = max(s.now, s.frozen) + ns
	if s.cfg.Scheduler != GMP {
		return
	}
	for i := range s.ps {
		if q := int32(i); q != p && s.ps[i].does == pRun {
			s.ps[i].debt += s.rng.of(&s.cfg.Costs.Wake)
			s.aside(q)
		}
	}
}
