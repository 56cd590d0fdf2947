package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/whatif"
	"gmptrace/model"
	"gmptrace/model/simulate"
	"gmptrace/render"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type whatifCommand struct {
	*analysis
	changeFlags
	format     choice
	out        string
	force      bool
	schedulers []string
	procs      []int
	cpus       int
	tick       int
	slice      time.Duration
	seeds      int
	parallel   float64
	costs      string
	noSteal    bool
	noAsync    bool
	noHandoff  bool
	teach      bool
}

func newWhatIf(an *analysis) *whatifCommand {
	return &whatifCommand{analysis: an, format: chosen(formatText, formatJSON, formatHTML)}
}

func (a *app) whatifCommand() *cobra.Command {
	c := newWhatIf(newAnalysis(a))
	cmd := &cobra.Command{
		Use:   "whatif TRACE",
		Short: "Predict the program under other schedulers and settings",
		Long: `Whatif takes out of a trace what each goroutine did (computing, creating, waking,
blocking, sleeping, system calls, network) and simulates it under other settings
of Go's scheduler, and under the two that it is usually explained against: one
queue for all threads behind a lock (global-queue), and one queue for each thread
without stealing or handoff (thread-queue).

With --faster, --without-lock, --without-syscall, --gc or --pool it simulates
another program, as it was scheduled: what each does to handlers and tasks,
against the same simulation without it. Else it does so for what has most time.
Who computed is told by the CPU profiler's samples where the trace has some, else
by where goroutines stopped.

Goroutines of one start function that wait at one place for what comes out of a
channel are workers: whoever is free takes the next job. --pool, such as
--pool 'main\.worker=16', makes them more or fewer; pools of places, as
semaphores and database handles are, stay as they are.

It answers with what to make faster first, or with what was asked: what becomes of
p50 and p99 of handlers and tasks, and how sure that is; of programs without them how
long the run takes. Beside it stand laws that no scheduler can change: work, span, and
bounds for any number of Ps. With --teach it shows where one queue for all threads, or
a queue for each, has trouble with this program, and what Go's scheduler does about it.

Every output has a self-check: Go's scheduler, simulated as it was recorded,
against the recorded run. Where they differ, so will the predictions. Each of
them is good, fair or poor, and says why not better.

How much longer the same computing takes with several Ps depends on the machine
and the program: unless --costs or --parallel-slowdown says so, another number of
Ps is never called good. Where the machine was asked (gmptrace record), computing
is what a thread had of a CPU; where it was not, and threads were kept from
running, nothing is called better than poor.

` + traceHelp,
		Example: `  gmptrace whatif app.trace
  gmptrace whatif --faster main.pack=20% app.trace
  gmptrace whatif --without-lock cart.Add app.trace
  gmptrace whatif --gc off app.trace
  gmptrace whatif --gc gogc=200 app.trace
  gmptrace whatif --gomaxprocs 1,2,4,8 app.trace
  gmptrace whatif --scheduler gmp --no-steal --seeds 3 app.trace
  gmptrace whatif --scheduler gmp --gomaxprocs 8 --cpus 2 app.trace
  gmptrace whatif --costs costs.json app.trace
  gmptrace whatif --teach app.trace
  gmptrace whatif --teach --format html -o schedulers.html app.trace
  gmptrace whatif --scheduler gmp --slice 1ms --tick 0 --format json app.trace
  gmptrace whatif --format html -o whatif.html app.trace`,
		Args: oneTrace,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			return c.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	c.analysis.addFlags(f)
	must(f.MarkHidden("fail-on")) // predictions are no findings
	c.addSettings(f)
	c.changeFlags.addFlags(f)
	f.BoolVar(&c.teach, "teach", false, "show what each of the three schedulers has trouble with, on this program or else on the textbook's, and what Go's does about it")
	f.StringVar(&c.costs, "costs", "", "`FILE` of what things cost on the program's machine, as fixtures/tools/calibrate writes it, in place of defaults")
	f.Var(&c.format, "format", "`FORMAT` of the output: text, json or html")
	f.StringVarP(&c.out, "output", "o", "-", "write to `FILE`; - is standard output")
	f.BoolVar(&c.force, "force", false, "replace FILE whoever wrote it")
	c.completions(cmd)
	c.format.complete(cmd, "format")
	must(cmd.RegisterFlagCompletionFunc("scheduler", cobra.FixedCompletions(simulate.Names(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// addSettings adds the flags that say what to simulate.
func (c *whatifCommand) addSettings(f *pflag.FlagSet) {
	f.StringSliceVar(&c.schedulers, "scheduler", nil, "`NAMES` of schedulers, separated by commas: "+strings.Join(simulate.Names(), ", ")+" (default: gmp, and the others with the recorded Ps if no other setting is asked for)")
	f.IntSliceVar(&c.procs, "gomaxprocs", nil, "`NUMBERS` of Ps or threads, separated by commas (default: as recorded; half and twice of it as well if no other setting is asked for)")
	f.IntVar(&c.cpus, "cpus", 0, "`N` CPUs that the Ps share (default: one for each)")
	f.IntVar(&c.tick, "tick", model.TickPeriod, "scheduling ticks between two looks at the global queue first, `N`; 0 for never")
	f.DurationVar(&c.slice, "slice", time.Duration(model.TimeSlice), "time slice, a `DURATION`; 0 for no preemption")
	f.BoolVar(&c.noSteal, "no-steal", false, "Ps do not steal")
	f.BoolVar(&c.noAsync, "no-async-preempt", false, "no preemption by signals, as before Go 1.14")
	f.BoolVar(&c.noHandoff, "no-handoff", false, "system calls keep their P")
	f.Float64Var(&c.parallel, "parallel-slowdown", whatif.DefaultParallel, "how much longer the same computing takes with several Ps than with one, a `FACTOR`")
	f.IntVar(&c.seeds, "seeds", whatif.DefaultSeeds, "simulate each variant `N` times, with other luck")
}

// maxSimulatedProcs is the most Ps that the model knows of.
const maxSimulatedProcs = 1024

// settings are what the flags ask for.
func (c *whatifCommand) settings() (whatif.Settings, error) {
	set := whatif.Settings{Procs: c.procs, CPUs: c.cpus, NoSteal: c.noSteal, NoAsync: c.noAsync, NoHandoff: c.noHandoff, Seeds: c.seeds, Parallel: c.parallel}
	for _, name := range c.schedulers {
		s, ok := simulate.Named(name)
		if !ok {
			return set, usagef("--scheduler %q: need some of %s", printableName(name), strings.Join(simulate.Names(), ", "))
		}
		set.Schedulers = append(set.Schedulers, s)
	}
	for _, p := range c.procs {
		if p < 1 || p > maxSimulatedProcs {
			return set, usagef("--gomaxprocs %d: need numbers from 1 to %d", p, maxSimulatedProcs)
		}
	}
	switch {
	case c.cpus < 0 || c.cpus > maxSimulatedProcs:
		return set, usagef("--cpus %d: need a number from 1 to %d", c.cpus, maxSimulatedProcs)
	case c.tick < 0 || c.tick > 1<<20:
		return set, usagef("--tick %d: need a number from 1 on, or 0 for never", c.tick)
	case c.slice < 0:
		return set, usagef("--slice %v: must not be negative", c.slice)
	case !(c.parallel >= 0.1 && c.parallel <= 10):
		return set, usagef("--parallel-slowdown %v: need a number from 0.1 to 10", c.parallel)
	case c.seeds < 1 || c.seeds > 1000:
		return set, usagef("--seeds %d: need a number from 1 to 1000", c.seeds)
	}
	if c.tick == 0 {
		set.Tick = -1
	} else if c.tick != model.TickPeriod {
		set.Tick = c.tick
	}
	if c.slice == 0 {
		set.Slice = -1
	} else if c.slice != model.TimeSlice {
		set.Slice = c.slice
	}
	var err error
	if set.Change, err = c.change(); err != nil {
		return set, err
	}
	if c.teach {
		if c.changes() || len(c.schedulers) > 0 {
			return set, usagef("--teach compares the three schedulers on the recorded program: it takes no other scheduler and no change")
		}
		set.Teach, set.NoChanges, set.NoScaling, set.Schedulers = true, true, true, []simulate.Scheduler{simulate.GMP}
	}
	if c.costs != "" {
		set.Calibration, err = readCosts(c.costs)
	}
	return set, err
}

// readCosts reads what fixtures/tools/calibrate wrote.
func readCosts(file string) (*whatif.Calibration, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("--costs: %v", err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var c whatif.Calibration
	if err := dec.Decode(&c); err != nil {
		return nil, usagef("--costs %s: %v", printableName(file), err)
	}
	for _, x := range []float64{c.Compute, c.Marking, c.Locked} {
		if x != 0 && (x < 0.1 || x > 10) {
			return nil, usagef("--costs %s: %v: need factors from 0.1 to 10", printableName(file), x)
		}
	}
	for _, ns := range slices.Concat(c.Locks, []int64{c.Lock, c.Wake, c.Thread, c.Bounce}) {
		if ns < 0 || ns > int64(time.Second) {
			return nil, usagef("--costs %s: %d: need nanoseconds up to a second", printableName(file), ns)
		}
	}
	return &c, nil
}

func (c *whatifCommand) run(ctx context.Context, trace string) error {
	if err := c.check(trace); err != nil {
		return err
	}
	set, err := c.settings()
	if err != nil {
		return err
	}
	return answer[*whatif.Result]{
		out: c.out, force: c.force,
		read: func(in io.Reader, opt replay.Options) (*whatif.Result, error) {
			return simulated(ctx, in, opt, set)
		},
		render: func(w io.Writer, x *whatif.Result) error { return c.render(w, trace, x) },
		told:   func(x *whatif.Result) (string, *report.Trace) { return x.Check.Text, &x.Trace },
	}.give(ctx, c.analysis, trace)
}

// simulated are the predictions for what is read of a trace.
func simulated(ctx context.Context, in io.Reader, opt replay.Options, set whatif.Settings) (*whatif.Result, error) {
	x, err := whatif.Simulate(ctx, in, opt, set)
	if err == nil {
		x.Version = buildVersion()
	}
	return x, err
}

func (c *whatifCommand) render(w io.Writer, trace string, x *whatif.Result) error {
	switch c.format.value {
	case formatJSON:
		return render.WhatIfJSON(w, x)
	case formatHTML:
		if c.teach {
			return render.LessonHTML(w, x)
		}
		return render.WhatIfHTML(w, x)
	}
	return render.WhatIfText(w, x, c.textOptions(trace, c.out))
}
