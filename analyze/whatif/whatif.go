package whatif

import (
	"context"
	"fmt"
	"io"
	"time"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// Schema names the version of the JSON form of a Result: see report.Schema.
const Schema = "gmptrace.whatif/1"

// Settings are the schedulers and settings to simulate a recorded program under.
// The zero value is Go's scheduler as it was recorded.
type Settings struct {
	Schedulers []simulate.Scheduler // none: all
	Procs      []int                // values of GOMAXPROCS; none: the recorded one, half and twice of it
	CPUs       int                  // that the Ps share; 0 for one for each
	Tick       int                  // 0 for model.TickPeriod, negative for never
	Slice      time.Duration        // 0 for model.TimeSlice, negative for never
	NoSteal    bool
	NoHandoff  bool
	NoAsync    bool
	Seeds      int     // 0 is DefaultSeeds
	Parallel   float64 // how much longer the same computing takes with several Ps than with one; 0 is DefaultParallel
	Stretch    float64 // what lengths of computing are multiplied by, other than in the self-check; 0 for 1
	NoScaling  bool    // leave Result.Scaling empty
	NoChanges  bool    // leave Result.Changes empty
	Teach      bool    // fill in Result.Lesson
	Change     Change  // the program to simulate beside the recorded one; none: those of what has most time cheaper

	Calibration *Calibration // nil: defaults
}

// DefaultSeeds is how often each variant is simulated, with other luck.
const DefaultSeeds = 5

// Result is what a recorded program would have taken under other schedulers and
// settings. Everything in it but Recorded is a prediction. Its JSON form is
// documented in analyze/schema/whatif.schema.json; units are those of report.Report.
type Result struct {
	Schema    string        `json:"schema"`
	Version   string        `json:"gmptrace_version"`
	Trace     report.Trace  `json:"trace"`
	Headline  string        `json:"headline"`
	Detail    string        `json:"detail"`
	Check     SelfCheck     `json:"self_check"`
	Recorded  Variant       `json:"recorded"`
	Variants  []Variant     `json:"variants"` // the first is Go's scheduler as it was recorded
	Scaling   []ScalePoint  `json:"scaling"`  // each scheduler with a growing number of Ps, of Go's several seeds; none for large traces
	Advice    []Suggestion  `json:"advice"`   // most gain first
	Changes   []Changed     `json:"changes"`  // of the program, with the same Ps; of a table those that help most first, none for large traces
	Workload  WorkloadSums  `json:"workload"`
	Costs     []CostApplied `json:"costs"`
	Notes     []string      `json:"notes"`     // what can't be known, or was assumed
	Machine   *Computing    `json:"machine"`   // what the machine said; nil if it was not asked
	Locks     *Locks        `json:"locks"`     // that goroutines waited for; nil if none did
	Deadlines *Deadlines    `json:"deadlines"` // of contexts; nil if none ended a wait
	Laws      *Laws         `json:"laws"`      // nil if there is nothing to simulate
	Lesson    *Lesson       `json:"lesson"`    // nil if Settings.Teach did not ask for it
}

// SelfCheck compares the simulation of Go's scheduler as it was recorded with the
// recorded run. Differences are shares of the recorded figure; negative if the
// simulated one is smaller.
type SelfCheck struct {
	Confidence Confidence     `json:"confidence"`
	Makespan   float64        `json:"makespan_difference"`
	P50        float64        `json:"p50_difference"`
	P99        float64        `json:"p99_difference"`
	Of         []LengthsCheck `json:"requests_and_tasks"` // what takes most time together first
	Text       string         `json:"text"`
}

// Variant is one run: the recorded one, or several simulations that differ in
// their seed, of which the figures are medians.
type Variant struct {
	Name      string `json:"name"`
	Scheduler string `json:"scheduler"`
	Procs     int    `json:"gomaxprocs"`
	CPUs      int    `json:"cpus"`        // 0: one for each P
	Settings  string `json:"settings"`    // what differs from Go's; "" if nothing does
	Makespan  int64  `json:"makespan_ns"` // until the last of the program's goroutines stopped running
	Low       int64  `json:"makespan_low_ns"`
	High      int64  `json:"makespan_high_ns"` // between Low and High it is likely to lie: over the seeds, and what several Ps may cost, widened by what the self-check is off and by what else is not sure
	Least     int64  `json:"least_ns"`         // what work and span allow, with any scheduler; 0 for the recorded run
	Most      int64  `json:"most_ns"`          // Graham's bound, for Go's scheduler with its own settings; 0 for others

	Confidence Confidence `json:"confidence"` // how sure the makespan is
	Doubts     []string   `json:"doubts"`     // why not more
	Speedup    float64    `json:"speedup"`    // against the simulation of the recorded settings; 1 for the recorded run
	Rate       float64    `json:"dispatches_per_second"`

	Waits   int64   `json:"waits"` // from ready to running, of the program's goroutines
	P50     int64   `json:"p50_ns"`
	P90     int64   `json:"p90_ns"`
	P99     int64   `json:"p99_ns"`
	P99Low  int64   `json:"p99_low_ns"` // over the seeds
	P99High int64   `json:"p99_high_ns"`
	Max     int64   `json:"max_ns"`
	Curve   []int64 `json:"latency_curve_ns"` // quantiles 0, 1/32 … 31/32, then 0.99, 0.999 and the longest

	Of []Lengths `json:"requests_and_tasks"` // how long they take, what takes most time together first

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
	Low       int64  `json:"makespan_low_ns"` // as of a Variant, of Go's scheduler; else as the makespan
	High      int64  `json:"makespan_high_ns"`
	P99       int64  `json:"p99_ns"`
	LockWait  int64  `json:"lock_wait_ns"`

	LockShare float64 `json:"lock_wait_share"` // of the time in which threads ran goroutines or waited for a queue's lock
	LockCost  int64   `json:"lock_cost_ns"`    // that one operation on a locked queue is taken to cost with so many threads
	LockFrom  string  `json:"lock_cost_from"`  // default or calibrated; extrapolated where there are more threads than that was measured with
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
	Loopback   int64 `json:"waits_loopback"` // of Network, those that a goroutine of the program ended by sending
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
// the settings ask for. Errors are those of analyze.Analyze.
func Simulate(ctx context.Context, r io.Reader, opt replay.Options, set Settings) (*Result, error) {
	var c *workloads
	var rules model.Rules
	tr, err := replay.Run(ctx, r, opt, func(s *replay.Session) { c, rules = replay.Shared(s, newWorkloads), s.Rules })
	if err != nil {
		return nil, err
	}
	x := &Result{Schema: Schema, Version: report.Devel, Trace: tr}
	if c == nil {
		x.Headline, x.Detail = report.NoEvents.Headline, report.NoEvents.Detail
		x.Check = SelfCheck{Confidence: ConfidenceNone, Text: "nothing to simulate"}
		x.Recorded.Confidence = ConfidenceNone
		return x, nil
	}
	w := &prediction{c: c, set: set, x: x, procs: 1, rules: rules}
	for _, g := range tr.Gomaxprocs {
		w.procs = max(w.procs, g.N)
	}
	if len(tr.Gomaxprocs) == 0 {
		w.procs = max(w.procs, len(c.ps))
	}
	return x, w.predict(ctx)
}

// prediction is a Result in the making.
type prediction struct {
	c     *workloads
	set   Settings
	x     *Result
	rules model.Rules
	procs int // recorded
	w     *simulate.Workload
	costs simulate.Costs
	error float64 // of the self-check's makespan

	piled  float64 // which share of the jobs of one place waited at once with the recorded settings
	paused float64 // which share of computing seems to be of threads without a CPU
	a      *attribution
	lonely **simulate.Workload // of byItself, once that was looked for
	room   simulate.Room       // of try

	// What the machine said of its CPUs.
	oneCPU  bool // the process may run on one only
	oneCore bool // they are hardware threads of one core

	ownCores bool // each is a core of its own
}

// maxWorkload is how many bytes of steps can be addressed.
const maxWorkload = 3 << 30

func (w *prediction) predict(ctx context.Context) error {
	if w.c.bytes() > maxWorkload {
		return fmt.Errorf("%s: the workload is too large to be simulated: take a part of it with --from and --to", w.x.Trace.Name)
	}
	w.c.arrange()
	recorded := w.take()
	w.costs = w.c.calibrated(w.set.Calibration)
	measured := w.costs
	refused := w.c.refuse(&w.costs, w.set.Calibration)
	recorded, err := w.chooseLocks(ctx, recorded, &measured)
	if err != nil {
		return fmt.Errorf("%s: %w", w.x.Trace.Name, err)
	}
	w.paused = w.c.paused()
	w.x.Deadlines, w.x.Locks = w.a.deadlined(), w.c.locksWaited()
	w.describe()
	plans := w.plans()
	follow := w.a.follows()
	results, err := runAll(ctx, w.w, plans, follow)
	if err != nil {
		return fmt.Errorf("%s: %w", w.x.Trace.Name, err)
	}
	check := results[0]
	if w.x.Machine != nil || refused { // the recorded run had what the machine gave
		again, err := runAll(ctx, recorded, []plan{w.asMeasured(&measured)}, follow)
		if err != nil {
			return fmt.Errorf("%s: %w", w.x.Trace.Name, err)
		}
		check = again[0]
	}
	w.selfCheck(check)
	base := medianOf(results[0]).Makespan
	w.piled = medianOf(results[0]).Piled
	for i := 0; i < len(plans); {
		n := i + 1
		var bounds []*outcome
		for ; n < len(plans) && plans[n].bound; n++ {
			bounds = append(bounds, results[n]...)
		}
		w.x.Variants = append(w.x.Variants, w.variant(&plans[i], results[i], bounds, base))
		i = n
	}
	laws := w.corridor()
	if w.x.Check.Confidence != ConfidenceNone {
		for i := range w.x.Variants {
			laws.hold(&w.x.Variants[i])
		}
		w.x.Laws = laws.tell()
	}
	if err := w.scale(ctx, laws); err != nil {
		return err
	}
	if err := w.changes(ctx); err != nil {
		return fmt.Errorf("%s: %w", w.x.Trace.Name, err)
	}
	if err := w.teach(ctx); err != nil {
		return err
	}
	w.c.forget()
	w.advise()
	w.notes()
	w.headline()
	return nil
}

// take makes the workloads of what was arranged: w.w, and as it was recorded.
func (w *prediction) take() (recorded *simulate.Workload) {
	w.a = w.c.attributed()
	w.w = w.c.workload(nil, w.a.changing())
	recorded = w.w
	w.measured()
	w.x.Recorded = w.c.recorded(w.procs)
	w.x.Recorded.Of = w.a.recordedLengths()
	return recorded
}

// asMeasured is the plan for the recorded run, with costs as they were measured in it.
func (w *prediction) asMeasured(costs *simulate.Costs) plan {
	x := w.basePlan()
	x.cfg.Costs = *costs
	w.set.Calibration.lockBy(&x.cfg.Costs, w.procs)
	return x
}

func (w *prediction) describe() {
	l := &w.c.seen
	w.x.Workload = WorkloadSums{Goroutines: len(w.c.order), Steps: w.w.Steps, Edges: w.w.Edges, Inside: l.inside, Outside: l.outside, Network: l.net, Loopback: w.c.local.matched(),
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
		{"from a send through the network to the thread that waits for it", &c.Arrive},
		{"start a new thread", &c.Thread},
		{"pass a P to or from a locked thread", &c.Locked},
		{"look for work in vain", &c.Spin},
		{"what the system adds to sysmon's sleeps", &c.Slack},
		{"what it adds to those of the thread that waits for a timer", &c.Late},
		{"one operation on a locked queue", &c.Lock},
	} {
		w.x.Costs = append(w.x.Costs, CostApplied{Name: x.name, P50: x.cost.Quantile(.5), P99: x.cost.Quantile(.99), Mean: x.cost.Mean(), Source: x.cost.Source})
	}
}
