package whatif

import "gmptrace/model/simulate"

// parallel is what the same work costs more with several Ps than with one: CPUs
// that share memory and power, goroutines that find their data in another CPU's
// cache, locks and counters of the scheduler that several Ps change, threads that
// are woken on another CPU. No trace with one P tells, and none with several.
type parallel struct {
	compute  float64 // times the length of computing and of short system calls
	marking  float64 // times the collector's work
	gap      float64 // times the length from a stop to the next start
	locked   float64 // likewise, where one of the goroutines is locked to its thread
	crossing float64 // ns after each dispatch
	bounce   float64 // ns for each goroutine readied, if another P readied the last one
}

// What several Ps cost, at least, usually and at most: of ten programs that were
// recorded with one and with two Ps on a virtual machine of two CPUs that others used
// too, about one was below the least and one above the most (make whatif-accuracy).
// Those two CPUs were hardware threads of one core, as such machines' often are: code
// that waits for its own results runs as fast beside other code as alone, code that
// keeps the core's units busy 1.6 times longer.
var (
	parallelLeast = parallel{compute: 1, marking: 1, gap: 1.3, locked: 1.3, crossing: 0, bounce: 0}
	parallelUsual = parallel{compute: DefaultParallel, marking: 1.3, gap: 1.7, locked: 1.8, crossing: 150, bounce: 400}
	parallelMost  = parallel{compute: 1.6, marking: 2, gap: 2.5, locked: 2.5, crossing: 800, bounce: 1200}
)

// coresLeast is how much the same computing takes at the least with several Ps, each on a core
// of its own: of six programs that were recorded with one and with two Ps on a virtual machine
// whose two CPUs say so, it took 0.95 to 1.1 times as long (make whatif-accuracy). A machine
// may say so of hardware threads of one core: the most stays a third more.
const coresLeast = .95

// ownThreads is how much longer computing takes with several Ps as the program's own threads share
// a CPU now and then, though another one is idle: those of six programs with two Ps lacked one for
// 2 to 16 % of their time, 7 % in the median, on two CPUs that nothing else used. With one P none do.
const ownThreads = 1.07

// DefaultParallel is how much longer the same computing takes with several Ps.
const DefaultParallel = 1.2

// Calibration is what was measured on the machine that a program runs on, in place of
// defaults: fixtures/tools/calibrate writes it. What is 0 keeps its default, and what the
// trace itself tells comes before it.
type Calibration struct {
	Source  string  `json:"source"`             // shown beside each cost
	Lock    int64   `json:"lock_ns"`            // one operation on a locked queue
	Locks   []int64 `json:"locks_ns"`           // likewise, with 1, 2 … threads that do nothing else, up to the CPUs there are
	Wake    int64   `json:"wake_ns"`            // from a ready to the parked thread that it wakes
	Thread  int64   `json:"thread_ns"`          // likewise, of a thread that has to be made
	Compute float64 `json:"parallel_compute"`   // times the length of computing, with several Ps
	Marking float64 `json:"parallel_marking"`   // times the collector's work, likewise
	Locked  float64 `json:"parallel_locked"`    // times the length from a stop to a start of goroutines locked to their threads
	Bounce  int64   `json:"parallel_bounce_ns"` // for each goroutine readied, if another P readied the last one
}

// costs puts what was measured in the place of defaults.
func (c *Calibration) costs(d *simulate.Costs) {
	if c == nil {
		return
	}
	for _, x := range []struct {
		ns   int64
		cost *simulate.Cost
	}{{c.Lock, &d.Lock}, {c.Wake, &d.Wake}, {c.Thread, &d.Thread}} {
		if x.ns > 0 {
			*x.cost = simulate.Constant(x.ns, c.Source)
		}
	}
}

// lockBy puts what an operation on a locked queue takes with so many threads in its place: what
// was measured up to the CPUs that there were. With more threads it is taken to cost what it
// did with all CPUs: threads that wait longer sleep, as those of the runtime's own locks do, and
// no more of them than there are CPUs pass the lock's cache line on.
func (c *Calibration) lockBy(costs *simulate.Costs, threads int) {
	if c == nil || len(c.Locks) == 0 {
		return
	}
	costs.Alone = simulate.Constant(c.Locks[0], c.Source)
	costs.Lock = simulate.Constant(c.Locks[min(threads, len(c.Locks))-1], c.Source)
}

// defaultLockers is with up to how many threads the default of the lock's cost is one that was
// seen.
const defaultLockers = 2

// lockFrom says where the lock's cost with so many threads is from.
func (c *Calibration) lockFrom(threads int) string {
	from, measured := "default", defaultLockers
	if c != nil && len(c.Locks) > 0 {
		from, measured = "calibrated", len(c.Locks)
	}
	if threads > measured {
		return "extrapolated"
	}
	return from
}

// parallelOf is one of the above with what the settings ask for: what was measured is
// no better known than that it may be a tenth more or less. Where the machine says that
// there is one CPU only, no two Ps compute at once; where it says that each is a core of its
// own, they hardly keep each other up.
func (w *prediction) parallelOf(p parallel) parallel {
	if c := w.set.Calibration; c != nil {
		scale := func(value *float64, measured, usual float64) {
			if measured > 0 {
				*value = max(*value-usual, -measured/10) + measured
				*value = min(*value, measured*1.1)
			}
		}
		scale(&p.compute, c.Compute, parallelUsual.compute)
		scale(&p.marking, c.Marking, parallelUsual.marking)
		scale(&p.locked, c.Locked, parallelUsual.locked)
		scale(&p.bounce, float64(c.Bounce), parallelUsual.bounce)
	}
	switch c := w.set.Calibration; {
	case w.oneCPU:
		p.compute, p.marking = 1, 1
	case w.ownCores && (c == nil || c.Compute == 0):
		p.compute = max(p.compute/DefaultParallel, coresLeast)
	}
	if f := w.set.Parallel; f > 0 && f != DefaultParallel {
		p.compute = f
	}
	return p
}

// crosses reports whether one of cfg and the recorded run has several Ps, and the
// other one has not.
func (w *prediction) crosses(cfg *simulate.Config) bool { return (cfg.Procs > 1) != (w.procs > 1) }

// applyParallel changes cfg for what several Ps cost more than the recorded ones, or less.
func (w *prediction) applyParallel(cfg *simulate.Config, p parallel) {
	if !w.crosses(cfg) {
		return
	}
	p = w.parallelOf(p)
	c := &w.costs
	if cfg.Procs > 1 {
		if w.ownCores {
			p.compute *= ownThreads
		}
		cfg.Crossing, cfg.Bounce = int64(p.crossing), int64(p.bounce)
	} else {
		cfg.Crossing = -int64(p.crossing + p.bounce)
		p.compute, p.marking, p.gap, p.locked = 1/p.compute, 1/p.marking, 1/p.gap, 1/p.locked
	}
	cfg.Stretch, cfg.Marking = p.compute, p.marking
	cfg.Costs.Switch, cfg.Costs.Global, cfg.Costs.Locked = c.Switch.Scaled(p.gap), c.Global.Scaled(p.gap), c.Locked.Scaled(p.locked)
	if w.set.Stretch > 0 { // told: what computing takes is known
		cfg.Stretch, cfg.Marking, cfg.Crossing, cfg.Bounce = w.set.Stretch, w.set.Stretch, 0, 0
	}
}
