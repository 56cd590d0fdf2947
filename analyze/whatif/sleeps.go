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
	beat        beat
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
// that was busy for longer, or was woken late, sleeps so much shorter, it keeps to a schedule,
// as load generators and tickers do.
func (c *workloads) atItsTime(s *ownAt) bool {
	x := c.sleeps[s.stack]
	switch {
	case x == nil:
		return false
	case x.length() == 0:
		return x.after.kept() || x.beat.kept(steadyMost, evenedMost)
	}
	return x.beat.kept(steadySurely, evenedSurely) // that they all seem to be as long is chance
}

// beat tells whether the ends of sleeps keep to a beat. How late each of them comes does not
// add up then: a sleep after one that was long is short, and several together take as long as
// several others. The sleeps of who sleeps for a length know nothing of each other.
type beat struct {
	n           float64 // sleeps after another
	pairs, self float64 // sums of a sleep's difference from the mean times that of the one before; of its square
	one, many   float64 // variances, of a period and of beatSpan of them together
}

// Limits of what is like a beat: the correlation of a sleep with the one before is -1/2 at the
// best, and 0 of lengths; beatSpan periods together vary as much as one does, and of lengths
// beatSpan times as much. The latter are of six programs (make whatif-accuracy).
const (
	beatSpan     = 8
	beatLeast    = 40  // sleeps that tell so
	steadyMost   = 5.  // times as much as one, that several vary at the most
	evenedMost   = -.1 // the correlation, at the most, two standard errors below nothing
	steadySurely = 2.  // where all seem to have the same length
	evenedSurely = -.25
)

func (x *beat) kept(steady, evened float64) bool {
	if x.n < beatLeast || x.self == 0 || x.one == 0 {
		return false
	}
	r := x.pairs / x.self
	return r < evened && r+2/math.Sqrt(x.n) < 0 && x.many < steady*x.one
}

// add takes in one goroutine's sleeps at one place: their lengths, and when they ended.
func (x *beat) add(waits, ends []float64) {
	if len(ends) < 2*beatSpan {
		return
	}
	off := offMean(waits)
	for i := range off {
		if x.self += off[i] * off[i]; i > 0 {
			x.pairs += off[i] * off[i-1]
		}
	}
	periods := make([]float64, len(ends)-1)
	for i := range periods {
		periods[i] = ends[i+1] - ends[i]
	}
	usual := slices.Sorted(slices.Values(periods))[len(periods)/2]
	for i, p := range periods { // who is behind leaves sleeps out
		periods[i] = p - max(1, math.Round(p/usual))*usual
	}
	periods = offMean(periods)
	n, sum, one, many := float64(len(periods)), 0.0, 0.0, 0.0
	for i, p := range periods {
		one += p * p / n
		if sum += p; i >= beatSpan {
			sum -= periods[i-beatSpan]
		}
		if i >= beatSpan-1 {
			many += sum * sum / (n - beatSpan + 1)
		}
	}
	x.one, x.many, x.n = x.one+n*one, x.many+n*many, x.n+n
}

// offMean is by how much each differs from the mean of all.
func offMean(all []float64) []float64 {
	mean := 0.0
	for _, v := range all {
		mean += v / float64(len(all))
	}
	out := make([]float64, len(all))
	for i, v := range all {
		out[i] = v - mean
	}
	return out
}

// beats looks at all sleeps, one goroutine after the other.
func (c *workloads) beats() {
	type series struct{ waits, ends []float64 }
	for _, g := range c.order {
		if g.runtime || g.worker {
			continue
		}
		at := map[uint32]*series{}
		for s := range g.steps() {
			if s.kind != ownWait || c.sleeps[s.stack] == nil {
				continue
			}
			x := at[s.stack]
			if x == nil {
				x = &series{}
				at[s.stack] = x
			}
			if len(x.ends) < beatKept {
				x.waits, x.ends = append(x.waits, float64(s.to-s.from)), append(x.ends, float64(s.to-c.zero))
			}
		}
		for stack, x := range at {
			c.sleeps[stack].beat.add(x.waits, x.ends)
		}
	}
}

// beatKept is how many sleeps of a goroutine tell whether they keep to a beat.
const beatKept = 4096

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
