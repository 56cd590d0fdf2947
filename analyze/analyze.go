// Package analyze turns an execution trace into a report.Report: Analyze is one call.
// Decisions tells every scheduling decision instead.
//
//	io.Reader ──▶ internal/load: recognise, decompress, cut into generations, translate
//	          ──▶ replay: model.Sched, in order ──▶ model.Facts, the seam
//	          ──▶ watchers: internal/measure, internal/timeline, rules, explain, diagnose
//	          ──▶ report.Report ──▶ render
//
// It is one pass. Memory is bounded by the live goroutines, the distinct stacks
// and the largest generation, not by the length of the trace.
//
// The other questions to a trace have ways in of their own, and take replay.Options as
// well: explain.Explain, whatif.Simulate and compare.Behave. An analysis of one's own is
// a watcher for replay.Run. A policy is held to a Report: policy.Load.
package analyze

import (
	"context"
	"io"

	"gmptrace/analyze/diagnose"
	"gmptrace/analyze/explain"
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/internal/timeline"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/rules"
)

// Options say what to analyse and how. The zero value analyses everything with
// the defaults.
type Options struct {
	replay.Options

	// Slices is how many slices of the timeline to keep in Report.Timeline for
	// pictures in full detail. 0 keeps none.
	Slices int

	// Around are windows, offsets from the trace's first event, whose slices are
	// kept rather than others where Slices is not enough for all: of 0 there are none.
	// The first ones matter most.
	Around []report.Window

	// Spans asks for Report.Spans: the times of tasks, regions and requests by name.
	Spans bool
}

// Analyze reads a trace from r to its end and reports on it. An input of which
// nothing can be read is a *report.InputError; one of which something can is a Report
// whose Trace.Complete is false and whose Trace.Lost says what is missing. When
// ctx is cancelled the error is ctx.Err().
func Analyze(ctx context.Context, r io.Reader, opt Options) (*report.Report, error) {
	a := Analysis{Options: opt}
	tr, err := replay.Run(ctx, r, opt.Options, a.Begin)
	if err != nil {
		return nil, err
	}
	return a.Report(tr), nil
}

// Analysis is a Report being made, for who tells watchers of his own of the same
// reading: it is given to replay.Run with Begin, and asked for its Report afterwards.
type Analysis struct {
	Options Options         // those of reading are Run's
	session *replay.Session // nil before the first event
	judge   func(*report.Report)
}

// Begin adds those that fill the report, in the order in which they do, and what
// the checks ask.
func (a *Analysis) Begin(s *replay.Session) {
	a.session = s
	replay.Shared(s, measure.NewFunctions)
	replay.Shared(s, measure.NewWaits)
	replay.Shared(s, measure.NewEpisodes)
	replay.Shared(s, measure.NewProcs)
	replay.Shared(s, measure.NewGC)
	replay.Shared(s, measure.NewMMU)
	replay.Shared(s, measure.NewPreemptions)
	replay.Shared(s, measure.NewHandoffs)
	replay.Shared(s, measure.NewDispatches)
	replay.Shared(s, measure.NewThreads)
	rules.Add(s)
	replay.Shared(s, measure.NewTasks)
	replay.Shared(s, measure.NewColumns)
	replay.Shared(s, measure.NewMachine)
	explain.AddSlowest(s)
	if a.Options.Slices > 0 {
		s.Add(timeline.NewTracker(s, a.Options.Slices, a.Options.Around))
	}
	if a.Options.Spans {
		explain.AddSpans(s)
	}
	a.judge = diagnose.Begin(s)
}

// Report is what was found out, judged.
func (a *Analysis) Report(tr report.Trace) *report.Report {
	rep := &report.Report{Schema: report.Schema, Version: report.Devel, Trace: tr}
	if a.session == nil {
		rep.Verdict = report.NoEvents
		return rep
	}
	a.session.Fill(rep)
	a.judge(rep)
	if rep.Timeline != nil {
		rep.Timeline = timeline.Chosen(rep, a.Options.Slices, a.Options.Around)
	}
	return rep
}
