package analyze

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
// too, one was below the least, one above the most (make whatif-accuracy;
// fixtures/calibrate measures the parts alone). Other machines differ.
var (
	parallelLeast = parallel{compute: 1, marking: 1, gap: 1.3, locked: 1.3, crossing: 0, bounce: 0}
	parallelUsual = parallel{compute: DefaultParallel, marking: 1.3, gap: 1.7, locked: 1.8, crossing: 150, bounce: 400}
	parallelMost  = parallel{compute: 1.3, marking: 2, gap: 2.5, locked: 2.5, crossing: 800, bounce: 1200}
)

// DefaultParallel is how much longer the same computing takes with several Ps.
const DefaultParallel = 1.1

// parallelOf is one of the above with what the settings ask for.
func (w *whatIf) parallelOf(p parallel) parallel {
	if f := w.set.Parallel; f > 0 && f != DefaultParallel {
		p.compute = f
	}
	return p
}

// crosses reports whether one of cfg and the recorded run has several Ps, and the
// other one has not.
func (w *whatIf) crosses(cfg *simulate.Config) bool { return (cfg.Procs > 1) != (w.procs > 1) }

// applyParallel changes cfg for what several Ps cost more than the recorded ones, or less.
func (w *whatIf) applyParallel(cfg *simulate.Config, p parallel) {
	if !w.crosses(cfg) {
		return
	}
	p = w.parallelOf(p)
	c := &w.costs
	if cfg.Procs > 1 {
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
