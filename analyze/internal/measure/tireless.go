package measure

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Tireless answers: which functions' goroutines never stop to wait? What computes for long
// mostly gets its work from somewhere. Checks and explanations ask it, so that they can't
// disagree.
type Tireless struct {
	functions *functions
	by        map[string]*functionTime // nil until asked
}

// NewTireless makes Tireless, for replay.Shared.
func NewTireless(s *replay.Session) *Tireless {
	return &Tireless{functions: replay.Shared(s, NewFunctions)}
}

const (
	// tirelessAll is the part of a P's time that those must run for together: half.
	tirelessAll = 2
	// tirelessEach is the part that each of them must at least: a quarter. Those that are
	// started for a piece of work, and end, need not wait.
	tirelessEach = 4
)

// Never reports whether goroutines that run a function of the program did so for long, of
// span ns of trace, and never waited for anything but the collector. To be asked when all
// of the trace has been read.
func (t *Tireless) Never(fn string, span int64) bool {
	if t.by == nil {
		t.by = t.functions.joined(t.functions.names.Starts())
	}
	x := t.by[fn]
	return x != nil && !names.Standard(&report.Frame{Func: fn}) && x.tireless(span)
}

func (t *functionTime) tireless(span int64) bool {
	return !t.Runtime && t.Running > 0 && t.Running*tirelessAll >= span && t.Running*tirelessEach >= t.Goroutines*span && !t.stops()
}

// stops reports whether goroutines waited for anything but the collector, or were in a
// system call.
func (t *functionTime) stops() bool {
	for reason := range t.blocked {
		if t.blocked[reason].Count > 0 && !forCollector(model.Reason(reason)) {
			return true
		}
	}
	return t.Syscall > 0
}

// forCollector reports whether it is the collector that a goroutine waits for.
func forCollector(r model.Reason) bool {
	return r == model.ReasonAssist || r == model.ReasonUntilGCEnds || r == model.ReasonSweep || r == model.ReasonPreempted
}
