package whatif

import (
	"math"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// How long did a goroutine want to sleep? Whoever looks for work runs the timers that are
// due. Where nobody does, a thread sleeps until the next one, but for whole milliseconds,
// and is woken late: that goroutines of all timers that became due meanwhile wake at once
// is the program's rhythm, and no length that any of them asked for. What is known is when
// somebody looked last, and found the timer not due.

// batch is waits that ended together: one thread looked, and found all of them over.
type batch struct {
	to     model.Time // the last of them
	looked model.Time // somebody looked before, and found none of them over; noTime while not known
}

// least is the earliest time at which a wait that began at from can have been over.
func (b *batch) least(from model.Time) model.Time {
	if b.looked == noTime {
		return b.to
	}
	return min(max(b.looked, from), b.to)
}

// looked notes when somebody looked at timers before b, which p found.
func (c *workloads) looked(b *batch, p *pWork, d *model.Dispatch) {
	switch {
	case b.looked != noTime || p.schedTo != d.Time:
	case busy(p, d):
		b.looked = p.runFrom
	case p.idled && p.idleFrom < b.to:
		b.looked = p.idleFrom
		for i := range c.ps { // whoever became idle since
			if q := &c.ps[i]; q != p && q.schedTo < b.to && q.schedTo != q.began {
				b.looked = max(b.looked, q.schedTo)
			}
		}
	}
}

// sleepSite is where a program sleeps: lengths of which each sleep there was no shorter and
// no longer.
type sleepSite struct {
	least, most []int64
	known       bool
	after       schedule
	always      int64 // what all of them slept, 0 if they did not all sleep as long
}

const (
	sleepsKept  = 512 // of a site
	sleepsLeast = 5   // that tell that a site always sleeps as long
	sleepsOff   = 50  // one in so many may be shorter than what is asked for
	sleepsFalse = 5   // in one of so many, who looked may not have looked at all timers
)

// slept takes g's last wait.
func (g *gWork) slept(c *workloads) {
	if g.pendKind != ownWait || g.pendStack == 0 || g.pendWith.looked == noTime {
		return
	}
	s := c.sleeps[g.pendStack]
	if s == nil {
		s = &sleepSite{}
		c.sleeps[g.pendStack] = s
	}
	if g.sleptIn == g.pendStack && g.sleptTo <= g.pendFrom {
		s.after.add(float64(g.pendFrom-g.sleptTo), float64(g.pendTo-g.pendFrom))
	}
	g.sleptIn, g.sleptTo = g.pendStack, g.pendTo
	if len(s.most) < sleepsKept {
		s.least = append(s.least, int64(g.pendWith.least(g.pendFrom)-g.pendFrom))
		s.most = append(s.most, int64(g.pendTo-g.pendFrom))
	}
}

// length is what the site always sleeps, 0 if that differs or is not known. Where there is a
// round one among those that fit, it is that: programs ask for round ones.
func (s *sleepSite) length() int64 {
	if s == nil || s.known {
		if s == nil {
			return 0
		}
		return s.always
	}
	s.known = true
	n := len(s.most)
	if n < sleepsLeast {
		return 0
	}
	slices.Sort(s.least)
	slices.Sort(s.most)
	least, most := s.least[n-1-n/sleepsFalse], s.most[n/sleepsOff]
	if least > most {
		return 0
	}
	s.always = roundest(max(least, most-2*simulate.TimerSlack), most)
	return s.always
}

// roundest is the roundest length from one to another.
func roundest(least, most int64) int64 {
	for _, unit := range []int64{1e9, 5e8, 1e8, 5e7, 1e7, 5e6, 1e6, 5e5, 1e5, 5e4, 1e4, 1e3} {
		if x := most / unit * unit; x >= least && x > 0 {
			return x
		}
	}
	return least + (most-least)/2
}

// wanted is how long a wait was to last that was over at the earliest late before it ended.
func (c *workloads) wanted(s *ownAt) int64 {
	took := int64(s.to - s.from)
	if x := c.sleeps[s.stack].length(); x > 0 && x <= took {
		return x
	}
	if s.late == 0 {
		return took
	}
	c.spread = c.spread*6364136223846793005 + 1442695040888963407
	return took - int64(float64(s.late)*float64(c.spread>>33)/float64(1<<31))
}

// atItsTime reports whether a wait is for a time rather than for a length: where a program
// that was busy for longer sleeps so much shorter, it keeps to a schedule, as load generators
// and tickers do.
func (c *workloads) atItsTime(s *ownAt) bool {
	x := c.sleeps[s.stack]
	return x != nil && x.length() == 0 && x.after.kept()
}

// schedule tells whether sleeps make up for how long their goroutines were busy before.
type schedule struct{ n, b, w, bb, bw, ww float64 }

func (x *schedule) add(busy, wait float64) {
	x.n++
	x.b += busy
	x.w += wait
	x.bb += busy * busy
	x.bw += busy * wait
	x.ww += wait * wait
}

// Limits of how much shorter than the busy time before is longer a sleep is where a program
// keeps to a schedule: as much, but for what it was woken late.
const (
	scheduleLeast = 20  // sleeps that tell so
	makesUp       = .5  // at the least
	makesUpSurely = .25 // with two standard errors off
)

func (x *schedule) kept() bool {
	busy := x.bb - x.b*x.b/x.n
	if x.n < scheduleLeast || busy <= 0 {
		return false
	}
	slope := (x.bw - x.b*x.w/x.n) / busy
	rest := x.ww - x.w*x.w/x.n - slope*slope*busy
	off := math.Sqrt(max(rest, 0) / (x.n - 2) / busy)
	return slope < -makesUp && slope+2*off < -makesUpSurely
}

// accepts reports whether a wait for the network is for a connection: that comes when it
// comes. What comes by one that there is answers what was sent, and comes so much later.
func (c *workloads) accepts(stack uint32) bool {
	return c.accept.Of(c.names, stack, func(frames []report.Frame) bool {
		return slices.ContainsFunc(frames, func(f report.Frame) bool { return f.Func == "internal/poll.(*FD).Accept" })
	})
}
