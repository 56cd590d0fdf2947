package whatif

import (
	"sort"

	"gmptrace/analyze/stat"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// measured is what the scheduler was seen to take.
type measured struct {
	swtch, global, steal, netpoll, fresh, wake, spin, next, locked, slack, late stat.Sketch
}

// lateness is how much too late a wait for the network is likely to have ended. While all
// Ps run goroutines, nobody looks at it: it was due at any time of the stretch that ended
// before it was found, so half of that.
func (c *workloads) lateness(p *pWork, d *model.Dispatch) model.Time {
	if busy(p, d) {
		return d.Ready - p.schedFrom + (p.runTo-p.runFrom)/2
	}
	return 0
}

// busy reports whether all Ps ran goroutines before what d dispatches was found ready.
func busy(p *pWork, d *model.Dispatch) bool {
	return d.Idle == 0 && !p.idled && p.schedTo == d.Time && d.Ready >= p.schedFrom && p.runTo == p.schedFrom
}

// stallLeast is how long a thread needs for no dispatch: it had no CPU, if the
// goroutine was there all the time.
const stallLeast = 200_000 // ns

// sysmonFast is the most that a system call may have lasted before it lost its P if
// sysmon's sleeps were short.
const sysmonFast = 400_000 // ns

// gap measures what the scheduler took for a dispatch.
func (c *workloads) gap(p *pWork, d *model.Dispatch) {
	if p.schedTo != d.Time {
		return
	}
	if d.Ready > p.schedFrom {
		switch d.Source {
		case model.SourceRunnext, model.SourceNetpoll:
			c.costs.fresh.Add(int64(d.Time - d.Ready))
			if !p.idled {
				c.costs.netpoll.Add(int64(d.Ready - p.schedFrom))
			}
		}
		return
	}
	ns := int64(d.Time - p.schedFrom)
	if ns > stallLeast {
		c.seen.stalled += ns
	}
	switch d.Source {
	case model.SourceRunnext, model.SourceLocal:
		c.costs.swtch.Add(ns)
	case model.SourceGlobal, model.SourceGlobalTick:
		c.costs.global.Add(ns)
	case model.SourceSteal:
		c.costs.steal.Add(ns)
	case model.SourceStealRunnext:
		c.costs.next.Add(ns)
	}
}

// woke measures how long a thread took to have p since a goroutine became runnable.
// With two Ps nobody looks for work then: the other one's thread runs what readied it.
func (c *workloads) woke(p *pWork) {
	if p.idled && p.risen != noTime && len(c.ps) == 2 {
		c.costs.wake.Add(int64(p.schedFrom - p.risen))
	}
}

// sleptFor measures how late the system ended the sleep of a thread that had nothing to do until
// a timer was due, which it asks for in whole milliseconds, and at the least for one.
func (c *workloads) sleptFor(p *pWork, d *model.Dispatch) {
	if over := int64(p.schedFrom-p.idleFrom) - simulate.PollGrain; p.idled && p.schedTo == d.Time && d.Ready >= p.schedFrom && over >= 0 && over < simulate.PollGrain {
		c.costs.late.Add(over)
	}
}

// rises are the last moments at which one goroutine more was runnable.
type rises struct {
	at   []model.Time // circular
	n    int
	last int32
}

const risesKept = 1 << 14

func (r *rises) add(d model.Depth) {
	if d.N > r.last {
		if len(r.at) < risesKept {
			r.at = append(r.at, d.Time)
		} else {
			r.at[r.n%risesKept] = d.Time
		}
		r.n++
	}
	r.last = d.N
}

// first is the first of them in [from, to), noTime if there is none or it is
// forgotten.
func (r *rises) first(from, to model.Time) model.Time {
	oldest := max(0, r.n-risesKept)
	i := oldest + sort.Search(r.n-oldest, func(i int) bool { return r.at[(oldest+i)%risesKept] >= from })
	if i == r.n || i == oldest && oldest > 0 || r.at[i%risesKept] >= to {
		return noTime
	}
	return r.at[i%risesKept]
}

const (
	costValues = 512 // of a measured cost: enough for a tail that shows
	fewest     = 20  // lengths that it is made of
)

// cost is the lengths measured as a cost; fallback where they are too few.
func cost(h *stat.Sketch, source string, fallback simulate.Cost) simulate.Cost {
	if h.N() < fewest {
		return fallback
	}
	c := simulate.Cost{NS: make([]int64, costValues), Source: source}
	for i := range c.NS {
		c.NS[i] = h.Quantile((float64(i) + .5) / costValues)
	}
	// The last value stands for all of the tail: the mean stays what it was.
	last, sum := costValues-1, int64(0)
	for _, ns := range c.NS[:last] {
		sum += ns
	}
	c.NS[last] = max(c.NS[last], int64(float64(h.Sum())*costValues/float64(h.N()))-sum)
	return c
}

// calibrated are the costs that were measured in the trace, and for those of which it
// has too few, what is known of the machine, or defaults.
func (c *workloads) calibrated(known *Calibration) simulate.Costs {
	d := simulate.DefaultCosts()
	m := &c.costs
	c.timed(&d)
	known.costs(&d)
	d.Switch = cost(&m.swtch, "measured: dispatches from the own queue", d.Switch)
	d.Global = cost(&m.global, "measured: dispatches from the global queue", d.Global)
	d.Steal = cost(&m.steal, "measured: dispatches of stolen goroutines", d.Steal)
	d.Netpoll = cost(&m.netpoll, "measured: from a stop to what the poller or a timer had", d.Netpoll)
	d.Fresh = cost(&m.fresh, "measured: from what the poller or a timer had to its start", d.Fresh)
	d.Wake = cost(&m.wake, "measured: from a ready to the thread that it woke", d.Wake)
	d.Arrive = cost(&c.local.arrive, "measured: from a send to the end of the wait for it", d.Wake)
	d.Locked = cost(&m.locked, "measured: dispatches of goroutines locked to their threads", d.Locked)
	d.Slack = cost(&m.slack, "measured: how long system calls lasted until sysmon took their Ps", d.Slack)
	d.Spin = cost(&m.spin, "measured: threads that found nothing", d.Spin)
	d.Pause = cost(&m.next, "measured: thefts of a runnext", d.Pause)
	return d
}

// Of a machine that was slower to wake an idle CPU, how late a thread's sleep ends tells how long
// it takes to wake a thread in another way, too. On two virtual machines the medians of programs
// with two Ps were 58 and 127 µs late, of waking a thread for a goroutine 35 and 100 µs, and the
// pause of a thief, who asks for 3 µs, took 57 and 127 µs.
const (
	wakeSooner = 23_000    // ns
	wakeBehind = 1_500_000 // ns; of a tenth to a quarter, which the system puts behind another thread
	fromLate   = "told by how late threads wake that wait for a timer"
)

// timed puts what sleeps that ended late tell in the place of defaults.
func (c *workloads) timed(d *simulate.Costs) {
	if c.costs.late.N() < fewest {
		return
	}
	late := c.costs.late.Quantile(.5)
	d.Late = simulate.Constant(late, "measured: how late threads woke that waited for a timer")
	soon := max(late-wakeSooner, 1)
	d.Wake = simulate.Cost{NS: []int64{soon, soon, soon, soon, soon, soon, wakeBehind}, Source: fromLate}
	d.Pause, d.Slack = simulate.Constant(late, fromLate), simulate.Constant(max(late, d.Slack.Mean()), fromLate)
}

// refusedSource is said of a cost that was measured where threads had no CPU.
const refusedSource = "default: what was measured is of threads that had no CPU"

// refuse puts what is known of the machine, or defaults, in the place of costs that were measured
// of threads that had no CPU, and reports whether there are any.
func (c *workloads) refuse(costs *simulate.Costs, known *Calibration) bool {
	d := simulate.DefaultCosts()
	c.timed(&d)
	known.costs(&d)
	m, some := &c.costs, false
	for _, x := range []struct {
		measured *stat.Sketch
		cost     *simulate.Cost
		instead  simulate.Cost
	}{{&m.wake, &costs.Wake, d.Wake}, {&m.wake, &costs.Arrive, d.Wake}, {&m.steal, &costs.Steal, d.Steal}, {&m.next, &costs.Pause, d.Pause}} {
		if slow(x.measured) {
			*x.cost, some = x.instead, true
			x.cost.Source = refusedSource
		}
	}
	return some
}
