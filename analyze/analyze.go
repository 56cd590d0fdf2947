// Package analyze turns an execution trace into a Report: it reads the trace
// (load.go, translate.go), replays it through model.Sched (replay.go) and tells
// the facts to one Watcher per question (session.go, run.go).
//
//	io.Reader ──▶ load: recognise, decompress, cut into generations
//	          ──▶ translate: trace.Event → model.Event, generations in parallel
//	          ──▶ replay: model.Sched, in order, one goroutine ──▶ facts
//	          ──▶ analyses: latency, dispatches, handoffs, GC, …, one goroutine ──▶ findings
//	          ──▶ Report ──▶ render
//
// It is one pass. Memory is bounded by the live goroutines, the distinct stacks
// and the largest generation, not by the length of the trace.
package analyze

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"
)

// ReadOptions say what part of a trace to read and how. The zero value reads
// everything with the defaults.
type ReadOptions struct {
	Name      string // of the input, for messages and the report
	Size      int64  // of the input in bytes as read from r, for Progress; 0 when not known
	GoVersion string // "1.26": whose rules to apply; "" to take it from the trace
	From, To  Bound  // part of the trace to analyse; the zero Bound is open

	// MaxMemory bounds what the input can make the reader hold, in bytes,
	// roughly: a generation that would need more is left out, with a Loss. 0 is
	// DefaultMaxMemory.
	MaxMemory int64

	// Workers is the number of generations decoded at once; 0 is
	// min(2, GOMAXPROCS).
	Workers int

	// Progress, where set, is told how far the reading is, a few times a second
	// at the most, from another goroutine than the caller's.
	Progress func(Progress)

	// Cut, where set, says each time after how many events the watchers are told
	// what the model has found out. What they say does not depend on it; tests set it.
	Cut func() int

	// Version of gmptrace that reads, for what it says.
	Version string
}

// Options say what to analyse and how. The zero value analyses everything with
// the defaults.
type Options struct {
	ReadOptions

	// Slices is how many slices of the timeline to keep in Report.Timeline for
	// pictures in full detail. 0 keeps none.
	Slices int

	// Around are windows, offsets from the trace's first event, whose slices are
	// kept rather than others where Slices is not enough for all. The first ones
	// matter most.
	Around []Window

	// Explain asks for Report.Slowest: where the time of the slowest requests or
	// tasks went. It costs memory for what goroutines did of late.
	Explain bool
	// Spans asks for Report.Spans: the times of tasks, regions and requests by name.
	Spans bool
}

// DefaultMaxMemory is the default of ReadOptions.MaxMemory, which a small machine
// can spare: 2 GiB. It suffices for generations of about 250 MB, and before
// format 1.22 for traces of 64 MB.
const DefaultMaxMemory = defaultMaxMemory

// Bound is one end of the part of a trace to analyse: an offset from the
// trace's first event or, where Clock is set, a wall-clock time.
type Bound struct {
	Set    bool
	Offset time.Duration
	Clock  time.Time // has precedence where not zero
}

// Progress is how far an analysis has come.
type Progress struct {
	Bytes  int64 // of the input as read, compressed where it is
	Size   int64 // of the input; 0 when not known
	Events int64
}

// InputError says why an input cannot be analysed at all. Its text names the
// input, where in it, and what to do.
type InputError struct {
	Name   string
	Kind   string // empty, not-a-trace, html, pprof, not-enabled, future-version, too-large, damaged, read …
	Offset int64  // bytes into the uncompressed input; -1 when not known
	Text   string // what is wrong
	Hint   string // what to do
	Err    error  // underlying, may be nil
}

func (e *InputError) Error() string {
	s := fmt.Sprintf("%s: %s", e.Name, e.Text)
	if e.Offset >= 0 {
		s = fmt.Sprintf("%s: at byte %d: %s", e.Name, e.Offset, e.Text)
	}
	if e.Hint != "" {
		s += "\n" + e.Hint
	}
	return s
}

func (e *InputError) Unwrap() error { return e.Err }

// Analyze reads a trace from r to its end and reports on it. An input of which
// nothing can be read is an *InputError; one of which something can is a Report
// whose Trace.Complete is false and whose Trace.Lost says what is missing. When
// ctx is cancelled the error is ctx.Err().
func Analyze(ctx context.Context, r io.Reader, opt Options) (*Report, error) {
	a := analysis{opt: opt}
	tr, err := Run(ctx, r, opt.ReadOptions, a.begin)
	if err != nil {
		return nil, err
	}
	return a.report(tr), nil
}

// analysis is a Report being made.
type analysis struct {
	opt     Options
	session *Session // nil before the first event
	judge   func(*Report)
}

// begin adds those that fill the report, in the order in which they do, and what
// the checks ask.
func (a *analysis) begin(s *Session) {
	a.session = s
	Shared(s, newFunctions)
	Shared(s, newLatency)
	Shared(s, newEpisodes)
	Shared(s, newProcs)
	Shared(s, newGC)
	Shared(s, newPreemptions)
	Shared(s, newHandoffs)
	Shared(s, newDispatches)
	Shared(s, newThreads)
	Shared(s, newRules)
	Shared(s, newTasks)
	Shared(s, newOverview)
	if a.opt.Explain {
		Shared(s, newSlowOnes)
	}
	if a.opt.Slices > 0 {
		s.Add(newTracker(s, a.opt.Slices, a.opt.Around))
	}
	if a.opt.Spans {
		Shared(s, newSpans)
	}
	a.judge = beginChecks(s)
}

// report is what was found out, judged.
func (a *analysis) report(tr Trace) *Report {
	rep := &Report{Schema: Schema, Version: a.opt.version(), Trace: tr}
	if a.session == nil {
		rep.Verdict = noEvents
		return rep
	}
	a.session.fill(rep)
	a.judge(rep)
	if rep.Timeline != nil {
		rep.Timeline.favor(rep.Moments())
	}
	return rep
}

// version is what a report says made it.
func (o *ReadOptions) version() string { return cmp.Or(o.Version, "devel") }
