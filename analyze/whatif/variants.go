package whatif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model/simulate"
)

// plan is what a variant is to be simulated under.
type plan struct {
	name     string
	settings string
	cfg      simulate.Config
	seeds    int
	bound    bool // of the variant before it: what several Ps cost at the least, or at the most

	load *simulate.Workload // what is simulated, nil for what was recorded
}

// basePlan is Go's scheduler as it was recorded.
func (w *prediction) basePlan() plan {
	seeds := w.set.Seeds
	if seeds <= 0 {
		seeds = DefaultSeeds
	}
	base := simulate.DefaultConfig(w.procs)
	base.Costs, base.Alert = w.costs, w.rules.SysmonAlert
	w.set.Calibration.lockBy(&base.Costs, w.procs)
	return plan{name: fmt.Sprintf("gmp, GOMAXPROCS %d", w.procs), cfg: base, seeds: seeds}
}

// plans are the variants: first Go's scheduler as it was recorded.
func (w *prediction) plans() []plan {
	first := w.basePlan()
	out, base, seeds := []plan{first}, first.cfg, first.seeds
	if !w.set.Change.none() && len(w.set.Schedulers) == 0 && len(w.set.Procs) == 0 {
		return out // another program was asked for, no other settings
	}
	for _, s := range w.schedulers() {
		for _, p := range w.procsOf(s) {
			cfg := base
			cfg.Scheduler, cfg.Procs, cfg.Stretch = s, p, w.set.Stretch
			text := w.apply(&cfg)
			if s == simulate.GMP && p == w.procs && text == "" {
				continue // the first one
			}
			name := fmt.Sprintf("%v, GOMAXPROCS %d", s, p)
			if s != simulate.GMP {
				name = fmt.Sprintf("%v, %s", s, words.Plural(int64(p), "thread"))
			}
			if text != "" {
				name += ", changed"
			}
			w.set.Calibration.lockBy(&cfg.Costs, p)
			out = append(out, w.bounded(plan{name: name, settings: text, cfg: cfg, seeds: seeds})...)
		}
	}
	return out
}

// schedulers are those to simulate: without others asked for, they stand beside Go's where
// nothing was asked for at all.
func (w *prediction) schedulers() []simulate.Scheduler {
	switch {
	case len(w.set.Schedulers) > 0:
		return w.set.Schedulers
	case w.otherSettings():
		return []simulate.Scheduler{simulate.GMP}
	}
	return []simulate.Scheduler{simulate.GMP, simulate.SharedQueue, simulate.ThreadQueue}
}

// procsOf are the numbers of Ps to simulate a scheduler with. Who asks for other settings means
// them with the Ps that there were.
func (w *prediction) procsOf(s simulate.Scheduler) []int {
	switch {
	case len(w.set.Procs) > 0:
		return slices.Compact(slices.Sorted(slices.Values(w.set.Procs)))
	case w.changesRules(), s != simulate.GMP && len(w.set.Schedulers) == 0:
		return []int{w.procs}
	}
	return slices.Compact([]int{max(w.procs/2, 1), w.procs, 2 * w.procs})
}

// apply changes cfg to what was asked for, and says how.
func (w *prediction) apply(cfg *simulate.Config) string {
	var what []string
	s := &w.set
	if cfg.CPUs = s.CPUs; s.CPUs > 0 {
		what = append(what, words.Plural(int64(s.CPUs), "CPU"))
	}
	gmp := cfg.Scheduler == simulate.GMP
	if s.Tick > 0 && gmp {
		cfg.Tick = s.Tick
		what = append(what, fmt.Sprintf("tick %s", words.Count(s.Tick)))
	} else if s.Tick < 0 && gmp {
		cfg.Tick = 0
		what = append(what, "no tick")
	}
	if s.Slice > 0 {
		cfg.Slice = int64(s.Slice)
		what = append(what, fmt.Sprintf("slices of %v", s.Slice))
	} else if s.Slice < 0 {
		cfg.Slice = 0
		what = append(what, "no preemption")
	}
	if cfg.NoAsync = s.NoAsync; s.NoAsync {
		what = append(what, "no signals")
	}
	if cfg.NoSteal = s.NoSteal && gmp; cfg.NoSteal {
		what = append(what, "no stealing")
	}
	if cfg.NoHandoff = s.NoHandoff && gmp; cfg.NoHandoff {
		what = append(what, "no handoff")
	}
	return strings.Join(what, ", ")
}

// boundSeeds is how often each bound is simulated.
const boundSeeds = 2

// morePs is how much longer computing may take with more Ps than several: nothing
// was measured there.
const morePs = 1.25

// bounded is a variant's plan with what several Ps usually cost, and those of its
// bounds where that matters.
func (w *prediction) bounded(p plan) []plan {
	out := []plan{p}
	w.applyParallel(&out[0].cfg, parallelUsual)
	bound := func(cfg simulate.Config) {
		out = append(out, plan{cfg: cfg, seeds: boundSeeds, bound: true, load: out[0].load})
	}
	if p.cfg.Procs == 1 && w.crosses(&p.cfg) && w.set.Stretch == 0 {
		if out[0].load = w.byItself(); out[0].load != nil {
			out[0].cfg.Stretch = 1 // what computing takes alone is told by the trace
		}
	}
	switch {
	case w.set.Stretch > 0 || p.cfg.Procs == w.procs:
	case w.crosses(&p.cfg):
		for _, cost := range []parallel{parallelLeast, parallelMost} {
			cfg := p.cfg
			w.applyParallel(&cfg, cost)
			bound(cfg)
		}
	default:
		cfg := p.cfg
		if cfg.Stretch = morePs; cfg.Procs < w.procs {
			cfg.Stretch = 1 / morePs
		}
		bound(cfg)
	}
	return out
}

// outcome is what one simulation found.
type outcome struct {
	*simulate.Result
	latency stat.Sketch   // from ready to running, of the program's goroutines
	of      []stat.Sketch // lengths of requests and tasks, by group
}

func outcomeOf(w *simulate.Workload, cfg simulate.Config, follow *follower) *outcome {
	x := &outcome{of: follow.in(&cfg)}
	cfg.Waited = x.latency.Add
	x.Result = simulate.Run(w, cfg)
	return x
}

// errTooLong is that a simulation came to no end in a time that its workload is worth: a few
// steps that take for ever, for which sysmon looks at each time slice, or that goroutines
// take in turn.
var errTooLong = errors.New("its goroutines ran for too long to be simulated: take a part of it with --from and --to")

// enough is how many events a simulation of w may have.
func enough(w *simulate.Workload) int64 { return 1<<20 + 64*w.Steps }

// runAll simulates all plans, on all CPUs of this machine.
func runAll(ctx context.Context, w *simulate.Workload, plans []plan, follow *follower) ([][]*outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := func(events int64) bool {
		if events > enough(w) {
			cancel(errTooLong)
		}
		return ctx.Err() != nil
	}
	results := make([][]*outcome, len(plans))
	jobs := make(chan [2]int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var room simulate.Room
			for j := range jobs {
				cfg := plans[j[0]].cfg
				cfg.Seed, cfg.Stop, cfg.Room = uint64(j[1]+1), stop, &room
				results[j[0]][j[1]] = outcomeOf(cmp.Or(plans[j[0]].load, w), cfg, follow)
			}
		})
	}
	for i := range plans {
		results[i] = make([]*outcome, plans[i].seeds)
		for k := range plans[i].seeds {
			if ctx.Err() == nil {
				jobs <- [2]int{i, k}
			}
		}
	}
	close(jobs)
	wg.Wait()
	return results, context.Cause(ctx)
}

// medianOf is the result of the seed whose makespan is the median.
func medianOf(rs []*outcome) *outcome {
	sorted := slices.Clone(rs)
	slices.SortStableFunc(sorted, func(a, b *outcome) int { return int(a.Makespan - b.Makespan) })
	return sorted[len(sorted)/2]
}

// middle is the median of a figure over the seeds, and its range.
func middle(rs []*outcome, figure func(*outcome) int64) (median, low, high int64) {
	var all []int64
	for _, r := range rs {
		all = append(all, figure(r))
	}
	slices.Sort(all)
	return all[len(all)/2], all[0], all[len(all)-1]
}

func difference(got, want int64) float64 {
	if want == 0 {
		return 0
	}
	return float64(got-want) / float64(want)
}

// variant is what the simulations of a plan found; bounds are those of its bounds.
func (w *prediction) variant(p *plan, rs []*outcome, bounds []*outcome, base int64) Variant {
	r := medianOf(rs)
	v := Variant{Name: p.name, Scheduler: p.cfg.Scheduler.String(), Procs: p.cfg.Procs, CPUs: p.cfg.CPUs, Settings: p.settings}
	makespan := func(r *outcome) int64 { return r.Makespan }
	v.Makespan, _, _ = middle(rs, makespan)
	_, low, high := middle(slices.Concat(rs, bounds), makespan)
	v.Low, v.High = int64(float64(low)/(1+w.error)), int64(float64(high)*(1+w.error))
	v.P99, v.P99Low, v.P99High = middle(rs, func(r *outcome) int64 { return r.latency.Quantile(.99) })
	v.P50, _, _ = middle(rs, func(r *outcome) int64 { return r.latency.Quantile(.5) })
	v.P90, _, _ = middle(rs, func(r *outcome) int64 { return r.latency.Quantile(.9) })
	if v.Makespan > 0 {
		v.Speedup = float64(base) / float64(v.Makespan)
		v.Rate = float64(r.Dispatches) / float64(v.Makespan) * 1e9
		v.Utilisation = min(1, float64(r.Busy)/float64(r.Makespan)/float64(p.cfg.Procs))
	}
	v.Waits, v.Max, v.Curve = r.latency.N(), r.latency.Max(), curve(&r.latency)
	v.QueueMean, v.QueuePeak, v.Idle, v.LockWait = r.QueueMean, r.QueuePeak, r.Idle, r.LockWait
	v.Steals, v.Handoffs, v.Preemptions, v.Overflows, v.TickPulls = r.Steals, r.Handoffs, r.Preemptions, r.Overflows, r.TickPulls
	v.columns(&r.Timeline)
	v.Of = w.simulatedLengths(w.a, rs, bounds)
	pace := w.pace(&v, r)
	if v.Procs != w.procs || pace != "" {
		v.forget(pace == "")
	}
	w.judge(&v, pace)
	return v
}

// curve is a distribution as quantiles.
func curve(h *stat.Sketch) []int64 {
	var out []int64
	for i := range 32 {
		out = append(out, h.Quantile(float64(i)/32))
	}
	return append(out, h.Quantile(.99), h.Quantile(.999), h.Max())
}

func (v *Variant) columns(t *simulate.Timeline) {
	v.Width = t.Width
	for i := range t.Running {
		v.Running = append(v.Running, rounded(float64(t.Running[i])/float64(t.Width)))
		v.Waiting = append(v.Waiting, rounded(float64(t.Waiting[i])/float64(t.Width)))
	}
}

func rounded(x float64) float64 { return math.Round(x*1000) / 1000 }

// recorded is the recorded run as a variant.
func (c *workloads) recorded(procs int) Variant {
	l := &c.seen
	h := &l.latency
	v := Variant{Name: "recorded", Scheduler: "gmp", Procs: procs, Makespan: int64(l.makespan - c.zero), Speedup: 1,
		Waits: h.N(), P50: h.Quantile(.5), P90: h.Quantile(.9), P99: h.Quantile(.99), Max: h.Max(), Curve: curve(h),
		QueuePeak: l.peak, Idle: l.idle, Steals: l.steals, Handoffs: l.handoffs, Preemptions: l.preempts, Overflows: l.overflows, TickPulls: l.ticks}
	v.Confidence, v.Doubts = ConfidenceGood, []string{} // it is no prediction
	v.Low, v.High, v.P99Low, v.P99High = v.Makespan, v.Makespan, v.P99, v.P99
	if v.Makespan > 0 {
		v.Rate = float64(l.dispatches) / float64(v.Makespan) * 1e9
		v.QueueMean = float64(l.waited) / float64(v.Makespan)
		v.Utilisation = min(1, float64(l.running)/float64(v.Makespan)/float64(procs))
	}
	v.columns(&l.timeline)
	return v
}

// How much is simulated for Scaling.
const (
	scaleLimit = 40_000_000 // steps
	scaleSeeds = 3          // of Go's scheduler, if they are within the limit
)

// scale runs each scheduler with 1 to 128 Ps.
func (w *prediction) scale(ctx context.Context, laws *corridor) error {
	if w.set.NoScaling || !w.set.Change.none() || w.w.Steps*24 > scaleLimit || w.w.Steps == 0 {
		return nil
	}
	seeds := 1
	if w.w.Steps*72 <= scaleLimit {
		seeds = scaleSeeds
	}
	var plans []plan
	for _, s := range []simulate.Scheduler{simulate.GMP, simulate.SharedQueue, simulate.ThreadQueue} {
		for p := 1; p <= mostBoundProcs; p *= 2 {
			cfg := simulate.DefaultConfig(p)
			cfg.Scheduler, cfg.Costs, cfg.CPUs, cfg.Alert = s, w.costs, w.set.CPUs, w.rules.SysmonAlert
			w.set.Calibration.lockBy(&cfg.Costs, p)
			if s == simulate.GMP {
				plans = append(plans, w.bounded(plan{cfg: cfg, seeds: seeds})...)
				continue
			}
			w.applyParallel(&cfg, parallelUsual)
			plans = append(plans, plan{cfg: cfg, seeds: 1})
		}
	}
	results, err := runAll(ctx, w.w, plans, nil)
	if err != nil {
		return err
	}
	for i := 0; i < len(plans); {
		cfg, rs := &plans[i].cfg, results[i]
		var bounds []*outcome
		for i++; i < len(plans) && plans[i].bound; i++ {
			bounds = append(bounds, results[i]...)
		}
		w.x.Scaling = append(w.x.Scaling, w.scalePoint(cfg, rs, bounds, laws))
	}
	return nil
}

func (w *prediction) scalePoint(cfg *simulate.Config, rs, bounds []*outcome, laws *corridor) ScalePoint {
	r := medianOf(rs)
	p := ScalePoint{Scheduler: cfg.Scheduler.String(), Procs: cfg.Procs, Makespan: r.Makespan, Low: r.Makespan, High: r.Makespan, P99: r.latency.Quantile(.99), LockWait: r.LockWait,
		LockShare: rounded(lockShare(r.Result)), LockCost: cfg.Costs.Lock.Mean(), LockFrom: w.set.Calibration.lockFrom(cfg.Procs)}
	if cfg.Scheduler == simulate.GMP {
		_, low, high := middle(slices.Concat(rs, bounds), func(r *outcome) int64 { return r.Makespan })
		b := laws.bound(cfg.Procs, cfg.CPUs)
		p.Low, p.High = b.within(int64(float64(low)/(1+w.error)), r.Makespan, int64(float64(high)*(1+w.error)), true)
	}
	return p
}
