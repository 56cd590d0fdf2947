package whatif

import (
	"cmp"
	"math"
	"regexp"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/model"
)

// Change is a program that is otherwise than the recorded one: the zero value is the same.
type Change struct {
	Faster         []Faster
	WithoutLock    *regexp.Regexp // functions that lock a mutex, and no longer wait for it
	WithoutSyscall *regexp.Regexp // functions whose system calls are not made
	GC             GC
	GOGC           int // with GCTo
	Pools          []Pool
}

// Pool is how many goroutines there are to be that do a start function's jobs.
type Pool struct {
	Func    *regexp.Regexp // start functions of goroutines that wait for jobs at one place
	Workers int
}

// Faster is computing that takes less time.
type Faster struct {
	Func *regexp.Regexp // functions, with all that they call
	By   float64        // which share of it goes, from 0 to 1
}

// GC is how the collector is run.
type GC string

// How often it collects.
const (
	GCAsRecorded GC = ""
	GCOff        GC = "off"
	GCHalf       GC = "half" // every second cycle is left out, as with twice the GOGC
	GCTo         GC = "gogc" // as often as with a GOGC
)

func (c *Change) none() bool {
	return len(c.Faster) == 0 && c.WithoutLock == nil && c.WithoutSyscall == nil && c.GC == GCAsRecorded && len(c.Pools) == 0
}

// changing is a change while a workload is built.
type changing struct {
	a       *attribution
	faster  []matching
	lock    func(stack uint32) bool // nil for none
	call    func(stack uint32) bool // nil for none
	callBy  float64
	gcBy    float64 // which share of the collector's work goes; below 0 it is more
	gcKeeps float64 // share of the cycles that are held, 0 for all
	pools   []Pool
	shares  map[kindKey]float64
	cut     int64 // ns that are left out, of computing, waits and calls
}

// matching is which stacks' computing takes less time, and by how much.
type matching struct {
	match func(stack uint32) bool
	by    float64
}

// stacksWith tells of stacks by the functions on them.
func stacksWith(n *names.Table, has func(fn string) bool) func(stack uint32) bool {
	known := map[uint32]bool{}
	return func(stack uint32) bool {
		is, ok := known[stack]
		if !ok {
			for _, f := range n.Stacks[stack] {
				is = is || has(f.Func)
			}
			known[stack] = is
		}
		return is
	}
}

// locksOf tells of stacks that lock, by the function that does.
func (a *attribution) locksOf(has func(fn string) bool) func(stack uint32) bool {
	sites := names.LockSites{Names: a.c.names}
	known := map[uint32]bool{}
	return func(stack uint32) bool {
		is, ok := known[stack]
		if !ok {
			fn := sites.Locker(stack)
			is = fn != "" && has(fn)
			known[stack] = is
		}
		return is
	}
}

// changed is the change that was asked for. With free, what gets faster costs nothing.
func (a *attribution) changed(c *Change, free bool) *changing {
	ch := a.changing()
	for _, f := range c.Faster {
		by := f.By
		if free {
			by = 1
		}
		ch.faster = append(ch.faster, matching{stacksWith(a.c.names, f.Func.MatchString), by})
	}
	if c.WithoutLock != nil {
		ch.lock = a.locksOf(c.WithoutLock.MatchString)
	}
	if c.WithoutSyscall != nil {
		ch.call, ch.callBy = stacksWith(a.c.names, c.WithoutSyscall.MatchString), 1
	}
	switch c.GC {
	case GCOff:
		ch.gcBy = 1
	case GCHalf:
		ch.gcKeeps = .5
	case GCTo:
		if keep := a.c.gogc() / float64(c.GOGC); keep < 1 {
			ch.gcKeeps = keep
		} else {
			ch.gcBy = 1 - keep
		}
	}
	ch.pools = c.Pools
	return ch
}

func (a *attribution) changing() *changing {
	return &changing{a: a, shares: map[kindKey]float64{}}
}

// write writes the steps of a goroutine as they are changed.
func (ch *changing) write(w *writer, g *gWork) {
	id := ch.a.ids[g.index]
	if marks := ch.a.marks[id]; len(marks) > 0 {
		w.marks = append(w.marks, marks...)
		slices.SortStableFunc(w.marks, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	}
	ch.a.each(id, g, func(s ownAt, key kindKey) {
		w.p = s.p
		switch {
		case s.kind == ownAssist:
			w.part = 1 - ch.gcBy
		case s.kind == ownRun && !g.runtime:
			w.part = 1 - ch.share(key)
			ch.cut += int64(float64(s.to-s.from) * (1 - w.part))
		}
		w.own(s)
		w.part = 1
	})
}

// share is which share of computing goes.
func (ch *changing) share(key kindKey) float64 {
	if len(ch.faster) == 0 {
		return 0
	}
	x, ok := ch.shares[key]
	if !ok {
		kind, left := ch.a.of(key), 1.0
		for _, f := range ch.faster {
			left *= 1 - f.by*kind.share(f.match)
		}
		x = 1 - left
		ch.shares[key] = x
	}
	return x
}

// spares reports whether a step is left out: a wait for a lock that is none any more.
func (ch *changing) spares(s *ownAt) bool {
	if ch.lock == nil || s.kind != ownBlock && s.kind != ownWait || !ch.lock(s.stack) {
		return false
	}
	ch.cut += int64(s.to - s.from)
	return true
}

// free reports whether a lock is none any more, by a stack that locks it; ch may be nil.
func (ch *changing) free(stack uint32) bool { return ch != nil && ch.lock != nil && ch.lock(stack) }

// stands is how long a system call takes.
func (ch *changing) stands(s *ownAt) model.Time {
	ns := s.to - s.from
	if ch.call == nil || s.kind != ownSyscall && s.kind != ownBlocking || !ch.call(s.stack) {
		return ns
	}
	left := model.Time(float64(ns) * (1 - ch.callBy))
	ch.cut += int64(ns - left)
	return left
}

// collects reports whether there is a collection.
func (ch *changing) collects(n int) bool {
	held := func(n int) float64 { return math.Ceil(float64(n) * ch.gcKeeps) }
	return ch.gcBy < 1 && (ch.gcKeeps == 0 || held(n+1) > held(n))
}

// stopped is how long the world stands for the collector, or whoever else stops it; ch may
// be nil.
func (ch *changing) stopped(ns int64) int64 {
	switch {
	case ch == nil:
		return ns
	case ch.gcKeeps > 0:
		return int64(float64(ns) * ch.gcKeeps)
	}
	return int64(float64(ns) * (1 - ch.gcBy))
}
