package analyze

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"gmptrace/model/simulate"
)

// WhatIfSchema names the version of the JSON form of WhatIf: see Schema.
const WhatIfSchema = "gmptrace.whatif/1"

// Settings are the schedulers and settings to simulate a recorded program under.
// The zero value is Go's scheduler as it was recorded.
type Settings struct {
	Schedulers []simulate.Scheduler // none: all
	Procs      []int                // values of GOMAXPROCS; none: the recorded one, half and twice of it
	CPUs       int                  // that the Ps share; 0 for one for each
	Tick       int                  // 0 for 61, negative for never
	Slice      time.Duration        // 0 for 10 ms, negative for never
	NoSteal    bool
	NoHandoff  bool
	NoAsync    bool
	Seeds      int     // 0 is DefaultSeeds
	Parallel   float64 // how much longer the same computing takes with several Ps than with one; 0 is DefaultParallel
	Stretch    float64 // what lengths of computing are multiplied by, other than in the self-check; 0 for 1
	NoScaling  bool    // leave WhatIf.Scaling empty
}

// DefaultSeeds is how often each variant is simulated, with other luck.
const DefaultSeeds = 5

// What the same work costs more with several Ps than with one: CPUs that share a
// core, memory and power, and goroutines that find their data in another CPU's
// cache. No trace tells. These are medians over programs that were recorded with
// one and with two Ps on a virtual machine of two CPUs (make whatif-accuracy tells
// how well they do there); other machines differ.
const (
	DefaultParallel  = 1.15 // times the length of computing
	parallelSwitch   = 1.4  // times the length from a stop to the next start
	parallelCrossing = 200  // ns after each dispatch
)

// WhatIf is what a recorded program would have taken under other schedulers and
// settings. Everything in it but Recorded is a prediction. Its JSON form is
// documented in analyze/schema/whatif.schema.json; units are those of Report.
type WhatIf struct {
	Schema   string        `json:"schema"`
	Version  string        `json:"gmptrace_version"`
	Trace    Trace         `json:"trace"`
	Headline string        `json:"headline"`
	Detail   string        `json:"detail"`
	Check    SelfCheck     `json:"self_check"`
	Recorded Variant       `json:"recorded"`
	Variants []Variant     `json:"variants"` // the first is Go's scheduler as it was recorded
	Scaling  []ScalePoint  `json:"scaling"`  // each scheduler with a growing number of Ps, one seed; none for large traces
	Advice   []Suggestion  `json:"advice"`   // most gain first
	Workload WorkloadSums  `json:"workload"`
	Costs    []CostApplied `json:"costs"`
	Notes    []string      `json:"notes"` // what can't be known, or was assumed
}

// Confidence is how far predictions about a trace can be relied on.
type Confidence string

// The levels, by how well the simulation reproduces the recorded run.
const (
	ConfidenceGood Confidence = "good" // makespan within 5 %, median and p99 of the scheduling latency within 15 %
	ConfidenceFair Confidence = "fair" // makespan within 10 %; latencies differ by more than 15 %, or the makespan by more than 5 %
	ConfidencePoor Confidence = "poor" // neither: predictions are not to be relied on
	ConfidenceNone Confidence = "none" // nothing to simulate
)

// SelfCheck compares the simulation of Go's scheduler as it was recorded with the
// recorded run. Differences are shares of the recorded figure; negative if the
// simulated one is smaller.
type SelfCheck struct {
	Confidence Confidence `json:"confidence"`
	Makespan   float64    `json:"makespan_difference"`
	P50        float64    `json:"p50_difference"`
	P99        float64    `json:"p99_difference"`
	Text       string     `json:"text"`
}

// Variant is one run: the recorded one, or several simulations that differ in
// their seed, of which the figures are medians.
type Variant struct {
	Name      string  `json:"name"`
	Scheduler string  `json:"scheduler"`
	Procs     int     `json:"gomaxprocs"`
	CPUs      int     `json:"cpus"`        // 0: one for each P
	Settings  string  `json:"settings"`    // what differs from Go's; "" if nothing does
	Makespan  int64   `json:"makespan_ns"` // until the last of the program's goroutines stopped running
	Low       int64   `json:"makespan_low_ns"`
	High      int64   `json:"makespan_high_ns"` // between Low and High it is likely to lie: the seeds' range, widened by the self-check's difference and, for other numbers of Ps, by what such predictions were off elsewhere
	Speedup   float64 `json:"speedup"`          // against the simulation of the recorded settings; 1 for the recorded run
	Rate      float64 `json:"dispatches_per_second"`

	Waits   int64   `json:"waits"` // from ready to running, of the program's goroutines
	P50     int64   `json:"p50_ns"`
	P90     int64   `json:"p90_ns"`
	P99     int64   `json:"p99_ns"`
	P99Low  int64   `json:"p99_low_ns"` // over the seeds
	P99High int64   `json:"p99_high_ns"`
	Max     int64   `json:"max_ns"`
	Curve   []int64 `json:"latency_curve_ns"` // quantiles 0, 1/32 … 31/32, then 0.99, 0.999 and the longest

	QueueMean   float64 `json:"queue_mean"` // goroutines runnable
	QueuePeak   int     `json:"queue_peak"`
	Utilisation float64 `json:"p_utilisation"` // share of the Ps' time in which goroutines ran
	Idle        int64   `json:"idle_ns"`       // of all Ps together
	LockWait    int64   `json:"lock_wait_ns"`  // of all threads together, for a queue's lock; 0 in the recorded run, which does not tell
	Steals      int64   `json:"steals"`
	Handoffs    int64   `json:"handoffs"`
	Preemptions int64   `json:"preemptions"`
	Overflows   int64   `json:"overflows"`
	TickPulls   int64   `json:"tick_pulls"`

	Width   int64     `json:"column_ns"` // of the timeline's columns
	Running []float64 `json:"running"`   // Ps with a goroutine, on average over each column
	Waiting []float64 `json:"waiting"`   // runnable goroutines, likewise
}

// ScalePoint is one scheduler with one number of Ps.
type ScalePoint struct {
	Scheduler string `json:"scheduler"`
	Procs     int    `json:"gomaxprocs"`
	Makespan  int64  `json:"makespan_ns"`
	P99       int64  `json:"p99_ns"`
	LockWait  int64  `json:"lock_wait_ns"`
}

// Suggestion is a setting that would help, or is not worth a try.
type Suggestion struct {
	Variant    string     `json:"variant"`
	Gain       float64    `json:"gain_share"`     // of the makespan
	Least      float64    `json:"gain_low_share"` // that it is likely to be at least
	Confidence Confidence `json:"confidence"`
	Text       string     `json:"text"`
}

// WorkloadSums says what the workload consists of.
type WorkloadSums struct {
	Goroutines int   `json:"goroutines"`
	Steps      int64 `json:"steps"`
	Edges      int64 `json:"edges"`         // creations and wake-ups by goroutines
	Inside     int64 `json:"waits_inside"`  // ended by a goroutine
	Outside    int64 `json:"waits_outside"` // ended by the network, a timer or something not known
	Network    int64 `json:"waits_network"`
	Cycles     int   `json:"gc_cycles"`
	Cut        int64 `json:"cut_off"` // stretches that the trace's end cuts off
	Bytes      int64 `json:"bytes"`   // that it takes in memory
}

// CostApplied is a cost that the simulations used.
type CostApplied struct {
	Name   string `json:"name"`
	P50    int64  `json:"p50_ns"`
	P99    int64  `json:"p99_ns"`
	Mean   int64  `json:"mean_ns"`
	Source string `json:"source"`
}

// Simulate reads a trace from r, takes its workload out and runs it under what
// the settings ask for. Errors are those of Analyze.
func Simulate(ctx context.Context, r io.Reader, opt Options, set Settings) (*WhatIf, error) {
	c, run, tr, err := extract(ctx, r, opt)
	if err != nil {
		return nil, err
	}
	rep := newReport(opt)
	rep.Trace = tr
	rep.Trace.Name = opt.Name
	x := &WhatIf{Schema: WhatIfSchema, Version: rep.Version}
	if run.replay == nil {
		run.noEvents(rep)
		x.Trace, x.Headline, x.Detail = rep.Trace, rep.Verdict.Headline, rep.Verdict.Detail
		x.Check = SelfCheck{Confidence: ConfidenceNone, Text: "nothing to simulate"}
		return x, nil
	}
	if err := run.describe(&rep.Trace, opt); err != nil {
		return nil, err
	}
	run.gomaxprocs.report(rep)
	x.Trace = rep.Trace
	w := &whatIf{c: c, set: set, x: x, procs: 1}
	for _, g := range rep.Trace.Gomaxprocs {
		w.procs = max(w.procs, g.N)
	}
	if len(rep.Trace.Gomaxprocs) == 0 {
		w.procs = max(w.procs, len(c.ps))
	}
	return x, w.predict(ctx)
}

// extract reads a trace and takes its workload out.
func extract(ctx context.Context, r io.Reader, opt Options) (*workloads, *run, Trace, error) {
	var c *workloads
	run := &run{begun: func(r *run) {
		c = newWorkloads(r.names, r.replay.window, r.gomaxprocs.zero)
		r.replay.collectors = []collector{r.gomaxprocs, c}
	}}
	defer run.stop()
	tr, err := load(ctx, r, opt, func(b *batch) error { return run.take(b, opt) })
	if err != nil {
		return nil, nil, tr, err
	}
	run.finish()
	return c, run, tr, nil
}

// procsError is by how much, as a share, predictions with another number of Ps were
// off at most for six of ten programs that were recorded with one and with two Ps,
// on a machine that others used as well (make whatif-accuracy); for three of ten they
// were off by a tenth at most. Nothing tells how far off other schedulers are.
const procsError = .2

// whatIf is a prediction being made.
type whatIf struct {
	c     *workloads
	set   Settings
	x     *WhatIf
	procs int // recorded
	w     *simulate.Workload
	costs simulate.Costs
	error float64 // of the self-check's makespan
}

// maxWorkload is how many bytes of steps can be addressed.
const maxWorkload = 3 << 30

// plan is what a variant is to be simulated under.
type plan struct {
	name     string
	settings string
	cfg      simulate.Config
	seeds    int
}

func (w *whatIf) predict(ctx context.Context) error {
	if w.c.bytes() > maxWorkload {
		return fmt.Errorf("%s: the workload is too large to be simulated: take a part of it with --from and --to", w.x.Trace.Name)
	}
	w.w = w.c.build()
	w.costs = w.c.calibrated()
	w.x.Recorded = w.c.recorded(w.procs)
	w.describe()
	plans := w.plans()
	results, err := runAll(ctx, w.w, plans)
	if err != nil {
		return err
	}
	w.selfCheck(results[0])
	base := medianOf(results[0]).Makespan
	for i := range plans {
		w.x.Variants = append(w.x.Variants, w.variant(&plans[i], results[i], base))
	}
	if err := w.scale(ctx); err != nil {
		return err
	}
	w.advise()
	w.notes()
	w.headline()
	return nil
}

// plans are the variants: first Go's scheduler as it was recorded.
func (w *whatIf) plans() []plan {
	seeds := w.set.Seeds
	if seeds <= 0 {
		seeds = DefaultSeeds
	}
	base := simulate.DefaultConfig(w.procs)
	base.Costs = w.costs
	out := []plan{{name: fmt.Sprintf("gmp, GOMAXPROCS %d", w.procs), cfg: base, seeds: seeds}}
	schedulers := w.set.Schedulers
	if len(schedulers) == 0 {
		schedulers = []simulate.Scheduler{simulate.GMP, simulate.SharedQueue, simulate.ThreadQueue}
	}
	procs := w.set.Procs
	if len(procs) == 0 {
		procs = []int{max(w.procs/2, 1), w.procs, 2 * w.procs}
	}
	procs = slices.Compact(slices.Sorted(slices.Values(procs)))
	for _, s := range schedulers {
		for _, p := range procs {
			cfg := base
			cfg.Scheduler, cfg.Procs, cfg.Stretch = s, p, w.set.Stretch
			w.parallel(&cfg)
			text := w.apply(&cfg)
			if s == simulate.GMP && p == w.procs && text == "" {
				continue // the first one
			}
			name := fmt.Sprintf("%v, GOMAXPROCS %d", s, p)
			if s != simulate.GMP {
				name = fmt.Sprintf("%v, %d threads", s, p)
			}
			if text != "" {
				name += ", changed"
			}
			out = append(out, plan{name: name, settings: text, cfg: cfg, seeds: seeds})
		}
	}
	return out
}

// apply changes cfg to what was asked for, and says how.
func (w *whatIf) apply(cfg *simulate.Config) string {
	var what []string
	s := &w.set
	if cfg.CPUs = s.CPUs; s.CPUs > 0 {
		what = append(what, fmt.Sprintf("CPUs: %d", s.CPUs))
	}
	gmp := cfg.Scheduler == simulate.GMP
	if s.Tick > 0 && gmp {
		cfg.Tick = s.Tick
		what = append(what, fmt.Sprintf("tick %d", s.Tick))
	} else if s.Tick < 0 && gmp {
		cfg.Tick = 0
		what = append(what, "no tick")
	}
	if s.Slice > 0 {
		cfg.Slice = int64(s.Slice)
		what = append(what, fmt.Sprintf("slice %v", s.Slice))
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

func (w *whatIf) factor() float64 {
	if w.set.Parallel > 0 {
		return w.set.Parallel
	}
	return DefaultParallel
}

// parallel changes cfg for what several Ps cost, where one of it and the recorded
// run has several and the other one has not.
func (w *whatIf) parallel(cfg *simulate.Config) {
	f := w.factor()
	gap, crossing := float64(parallelSwitch), int64(parallelCrossing)
	switch {
	case cfg.Procs > 1 && w.procs == 1:
	case cfg.Procs == 1 && w.procs > 1:
		f, gap, crossing = 1/f, 1/gap, -crossing
	default:
		return
	}
	if cfg.Stretch == 0 {
		cfg.Stretch, cfg.Crossing = f, crossing
	}
	cfg.Costs.Switch, cfg.Costs.Global = cfg.Costs.Switch.Scaled(gap), cfg.Costs.Global.Scaled(gap)
}

// runAll simulates all plans, on all CPUs of this machine.
func runAll(ctx context.Context, w *simulate.Workload, plans []plan) ([][]*simulate.Result, error) {
	results := make([][]*simulate.Result, len(plans))
	jobs := make(chan [2]int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for j := range jobs {
				cfg := plans[j[0]].cfg
				cfg.Seed = uint64(j[1] + 1)
				results[j[0]][j[1]] = simulate.Run(w, cfg)
			}
		})
	}
	for i := range plans {
		results[i] = make([]*simulate.Result, plans[i].seeds)
		for k := range plans[i].seeds {
			if ctx.Err() == nil {
				jobs <- [2]int{i, k}
			}
		}
	}
	close(jobs)
	wg.Wait()
	return results, ctx.Err()
}

// medianOf is the result of the seed whose makespan is the median.
func medianOf(rs []*simulate.Result) *simulate.Result {
	sorted := slices.Clone(rs)
	slices.SortStableFunc(sorted, func(a, b *simulate.Result) int { return int(a.Makespan - b.Makespan) })
	return sorted[len(sorted)/2]
}

// middle is the median of a figure over the seeds, and its range.
func middle(rs []*simulate.Result, figure func(*simulate.Result) int64) (median, low, high int64) {
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

func (w *whatIf) selfCheck(rs []*simulate.Result) {
	rec := &w.x.Recorded
	span, _, _ := middle(rs, func(r *simulate.Result) int64 { return r.Makespan })
	p50, _, _ := middle(rs, func(r *simulate.Result) int64 { return r.Latency.Quantile(.5) })
	p99, _, _ := middle(rs, func(r *simulate.Result) int64 { return r.Latency.Quantile(.99) })
	c := SelfCheck{Makespan: difference(span, rec.Makespan), P50: difference(p50, rec.P50), P99: difference(p99, rec.P99)}
	w.error = math.Abs(c.Makespan)
	switch {
	case rec.Makespan == 0 || len(w.w.Gs) == 0:
		c.Confidence, c.Text = ConfidenceNone, "nothing to simulate: no goroutine of the program ran"
		w.x.Check = c
		return
	case w.error <= .05 && math.Abs(c.P50) <= .15 && math.Abs(c.P99) <= .15:
		c.Confidence = ConfidenceGood
	case w.error <= .1:
		c.Confidence = ConfidenceFair
	default:
		c.Confidence = ConfidencePoor
	}
	c.Text = fmt.Sprintf("Go's scheduler, simulated as recorded, against the recorded run: makespan %+.1f %%, median scheduling latency %+.1f %%, p99 %+.1f %%", 100*c.Makespan, 100*c.P50, 100*c.P99)
	switch c.Confidence {
	case ConfidenceFair:
		c.Text += "; predictions of latency are less sure than those of the makespan"
		if math.Abs(c.P50) > .5 || math.Abs(c.P99) > .5 {
			c.Text = strings.Replace(c.Text, "are less sure than those of the makespan", "are not to be relied on here", 1)
		}
	case ConfidencePoor:
		c.Text += "; the simulation does not reproduce this run, and its predictions are not to be relied on"
	}
	w.x.Check = c
}

func (w *whatIf) variant(p *plan, rs []*simulate.Result, base int64) Variant {
	r := medianOf(rs)
	v := Variant{Name: p.name, Scheduler: p.cfg.Scheduler.String(), Procs: p.cfg.Procs, CPUs: p.cfg.CPUs, Settings: p.settings}
	var low, high int64
	v.Makespan, low, high = middle(rs, func(r *simulate.Result) int64 { return r.Makespan })
	e := w.error
	if v.Procs != w.procs || p.cfg.Scheduler != simulate.GMP {
		e += procsError
	}
	v.Low, v.High = int64(float64(low)/(1+e)), int64(float64(high)*(1+e))
	v.P99, v.P99Low, v.P99High = middle(rs, func(r *simulate.Result) int64 { return r.Latency.Quantile(.99) })
	v.P50, _, _ = middle(rs, func(r *simulate.Result) int64 { return r.Latency.Quantile(.5) })
	v.P90, _, _ = middle(rs, func(r *simulate.Result) int64 { return r.Latency.Quantile(.9) })
	if v.Makespan > 0 {
		v.Speedup = float64(base) / float64(v.Makespan)
		v.Rate = float64(r.Dispatches) / float64(v.Makespan) * 1e9
		v.Utilisation = min(1, float64(r.Busy)/float64(r.Makespan)/float64(p.cfg.Procs))
	}
	v.Waits, v.Max, v.Curve = r.Latency.N, r.Latency.Max, curve(&r.Latency)
	v.QueueMean, v.QueuePeak, v.Idle, v.LockWait = r.QueueMean, r.QueuePeak, r.Idle, r.LockWait
	v.Steals, v.Handoffs, v.Preemptions, v.Overflows, v.TickPulls = r.Steals, r.Handoffs, r.Preemptions, r.Overflows, r.TickPulls
	v.columns(&r.Timeline)
	return v
}

// curve is a distribution as quantiles.
func curve(h *simulate.Histogram) []int64 {
	var out []int64
	for i := range 32 {
		out = append(out, h.Quantile(float64(i)/32))
	}
	return append(out, h.Quantile(.99), h.Quantile(.999), h.Max)
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
	l := &c.lost
	h := &l.latency
	v := Variant{Name: "recorded", Scheduler: "gmp", Procs: procs, Makespan: int64(l.makespan - c.zero), Speedup: 1,
		Waits: h.N, P50: h.Quantile(.5), P90: h.Quantile(.9), P99: h.Quantile(.99), Max: h.Max, Curve: curve(h),
		QueuePeak: l.peak, Idle: l.idle, Steals: l.steals, Handoffs: l.handoffs, Preemptions: l.preempts, Overflows: l.overflows, TickPulls: l.ticks}
	v.Low, v.High, v.P99Low, v.P99High = v.Makespan, v.Makespan, v.P99, v.P99
	if v.Makespan > 0 {
		v.Rate = float64(l.dispatches) / float64(v.Makespan) * 1e9
		v.QueueMean = float64(l.waited) / float64(v.Makespan)
		v.Utilisation = min(1, float64(l.running)/float64(v.Makespan)/float64(procs))
	}
	v.columns(&l.timeline)
	return v
}

func (w *whatIf) describe() {
	l := &w.c.lost
	w.x.Workload = WorkloadSums{Goroutines: len(w.w.Gs), Steps: w.w.Steps, Edges: w.w.Edges, Inside: l.inside, Outside: l.outside, Network: l.net,
		Cycles: len(w.w.Cycles), Cut: l.cut, Bytes: int64(len(w.w.Code)) + int64(len(w.w.Gs))*12}
	c := &w.costs
	for _, x := range []struct {
		name string
		cost *simulate.Cost
	}{
		{"switch to a goroutine of the own queue", &c.Switch},
		{"switch to one of the global queue", &c.Global},
		{"steal from another P's ring", &c.Steal},
		{"steal another P's runnext", &c.Pause},
		{"from a stop to what the poller or a timer had", &c.Netpoll},
		{"from there to its start", &c.Fresh},
		{"wake a parked thread", &c.Wake},
		{"start a new thread", &c.Thread},
		{"pass a P to or from a locked thread", &c.Locked},
		{"look for work in vain", &c.Spin},
		{"what the system adds to sysmon's sleeps", &c.Slack},
		{"one operation on a locked queue", &c.Lock},
	} {
		w.x.Costs = append(w.x.Costs, CostApplied{Name: x.name, P50: x.cost.Quantile(.5), P99: x.cost.Quantile(.99), Mean: x.cost.Mean(), Source: x.cost.Source})
	}
}

// scaleLimit is how many steps are simulated for Scaling.
const scaleLimit = 40_000_000

// scale runs each scheduler with 1 to 128 Ps.
func (w *whatIf) scale(ctx context.Context) error {
	if w.set.NoScaling || w.w.Steps*24 > scaleLimit || w.w.Steps == 0 {
		return nil
	}
	var plans []plan
	for _, s := range []simulate.Scheduler{simulate.GMP, simulate.SharedQueue, simulate.ThreadQueue} {
		for p := 1; p <= 128; p *= 2 {
			cfg := simulate.DefaultConfig(p)
			cfg.Scheduler, cfg.Costs, cfg.CPUs = s, w.costs, w.set.CPUs
			w.parallel(&cfg)
			plans = append(plans, plan{cfg: cfg, seeds: 1})
		}
	}
	results, err := runAll(ctx, w.w, plans)
	if err != nil {
		return err
	}
	for i, p := range plans {
		r := results[i][0]
		w.x.Scaling = append(w.x.Scaling, ScalePoint{Scheduler: p.cfg.Scheduler.String(), Procs: p.cfg.Procs, Makespan: r.Makespan, P99: r.Latency.Quantile(.99), LockWait: r.LockWait})
	}
	return nil
}

// adviceLeast is the share of the makespan below which a gain is not worth a word.
const adviceLeast = .05

// advise names the settings of Go's scheduler that would shorten the run, and says
// so if none does. A gain counts from the lower end of what it is likely to be.
func (w *whatIf) advise() {
	x := w.x
	if len(x.Variants) == 0 || x.Check.Confidence == ConfidenceNone {
		return
	}
	base := &x.Variants[0]
	for i := range x.Variants {
		v := &x.Variants[i]
		if v.Scheduler != "gmp" || i == 0 || base.Makespan == 0 {
			continue
		}
		gain := 1 - float64(v.Makespan)/float64(base.Makespan)
		least := 1 - float64(v.High)/float64(base.Makespan)
		if gain < adviceLeast || least < 0 && x.Check.Confidence != ConfidencePoor {
			continue
		}
		s := Suggestion{Variant: v.Name, Gain: gain, Least: max(least, 0), Confidence: x.Check.Confidence}
		if s.Confidence == ConfidenceGood && v.Procs != w.procs {
			s.Confidence = ConfidenceFair // the self-check has nothing to say about that
		}
		s.Text = fmt.Sprintf("%s: the run is predicted to take %.0f %% less time (at least %.0f %%)", v.Name, 100*gain, 100*s.Least)
		if v.Procs > w.procs && v.CPUs == 0 {
			s.Text += fmt.Sprintf(", if the machine has %d CPUs free for it", v.Procs)
		}
		if x.Check.Confidence == ConfidencePoor {
			s.Text += "; but the self-check failed: try it, do not rely on it"
		}
		s.Text += "."
		x.Advice = append(x.Advice, s)
	}
	slices.SortStableFunc(x.Advice, func(a, b Suggestion) int {
		switch {
		case a.Gain > b.Gain:
			return -1
		case a.Gain < b.Gain:
			return 1
		}
		return 0
	})
	if len(x.Advice) == 0 {
		x.Advice = append(x.Advice, Suggestion{Variant: base.Name, Confidence: x.Check.Confidence,
			Text: fmt.Sprintf("None of the settings simulated is predicted to shorten the run by %.0f %% or more and by more than the prediction may be off: leave them as they are.", 100*adviceLeast)})
	}
}

func (w *whatIf) headline() {
	x := w.x
	if x.Check.Confidence == ConfidenceNone {
		x.Headline = "There is nothing to simulate: no goroutine of the program ran."
		return
	}
	x.Headline = x.Advice[0].Text
	var parts []string
	for _, name := range simulate.Names()[1:] {
		for i := range x.Variants {
			if v := &x.Variants[i]; v.Scheduler == name && v.Procs == w.procs && x.Variants[0].Makespan > 0 {
				parts = append(parts, fmt.Sprintf("under %s the same program is predicted to take %s", name, moreOrLess(float64(v.Makespan)/float64(x.Variants[0].Makespan)-1)))
				break
			}
		}
	}
	x.Detail = strings.Join(parts, "; ")
	if x.Detail != "" {
		x.Detail = strings.ToUpper(x.Detail[:1]) + x.Detail[1:] + ", against Go's scheduler simulated with the same Ps."
	}
}

// moreOrLess is a share of time in words.
func moreOrLess(share float64) string {
	switch p := math.Round(100 * math.Abs(share)); {
	case p < 1:
		return "as long"
	case share > 0:
		return fmt.Sprintf("%.0f %% more time", p)
	default:
		return fmt.Sprintf("%.0f %% less time", p)
	}
}

func (w *whatIf) notes() {
	x := w.x
	add := func(format string, args ...any) { x.Notes = append(x.Notes, fmt.Sprintf(format, args...)) }
	add("Goroutines do what they did when they were recorded: work that would be other work in another order (who finds a lock taken, who gets which job) can't be known, nor waits that did not show because nobody had to wait.")
	if n := w.c.lost.outside; n > 0 {
		add("%d waits were ended by a timer, the network or something not known, %d of them by the network: they are as long as they were, less what a busy P is likely to have been late. A program that talks to itself over the network would be faster than predicted with more Ps.", n, w.c.lost.net)
	}
	add("What other programs on the machine took is in what goroutines computed. From one P to several and back, computing is taken to differ by a factor of %.2f and %d ns after each dispatch, a default that is measured elsewhere (--parallel-slowdown): what it is here depends on caches and CPUs.", w.factor(), parallelCrossing)
	add("How well another number of Ps is predicted depends on the machine: of 29 programs recorded with one and two Ps on a busy one, three of ten predictions were off by 10 %% at most, six of ten by 20 %%; the ranges allow for the latter. Those of other schedulers can't be checked at all.")
	if w.set.CPUs == 0 {
		add("A trace does not tell how many CPUs there are: each P is given one of its own (--cpus says otherwise).")
	}
	if len(x.Trace.Gomaxprocs) > 1 {
		add("GOMAXPROCS changed during the recording; the simulation has the largest value, %d, all the time.", w.procs)
	}
	if w.c.lost.cut > 0 {
		add("%d goroutines had not ended when the trace did: what they did after that is not simulated.", w.c.lost.cut)
	}
	if w.set.NoAsync {
		add("Without signals, a goroutine keeps its P if it was ever preempted by one in the trace (%d such preemptions); others are taken to come by a safe point in time.", w.c.lost.signals)
	}
}

// calibrated are the costs that were measured in the trace, and defaults for
// those of which it has too few.
func (c *workloads) calibrated() simulate.Costs {
	const least = 20
	d := simulate.DefaultCosts()
	m := &c.costs
	d.Switch = m.swtch.Cost("measured: dispatches from the own queue", least, d.Switch)
	d.Global = m.global.Cost("measured: dispatches from the global queue", least, d.Global)
	d.Steal = m.steal.Cost("measured: dispatches of stolen goroutines", least, d.Steal)
	d.Netpoll = m.netpoll.Cost("measured: from a stop to what the poller or a timer had", least, d.Netpoll)
	d.Fresh = m.fresh.Cost("measured: from what the poller or a timer had to its start", least, d.Fresh)
	d.Wake = m.wake.Cost("measured: from a ready to the thread that it woke", least, d.Wake)
	d.Locked = m.locked.Cost("measured: dispatches of goroutines locked to their threads", least, d.Locked)
	d.Spin = m.spin.Cost("measured: threads that found nothing", least, d.Spin)
	d.Pause = m.next.Cost("measured: thefts of a runnext", least, d.Pause)
	return d
}
