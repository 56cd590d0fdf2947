package diagnose

import (
	"fmt"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkFinalizers measures for how long finalizers and cleanups were blocked. One
// goroutine runs all finalizers, few run cleanups: whatever else they are to give back
// comes later by that.
//
// Threshold: 10 ms, and a tenth of the trace; a warning from half of it.
//
// False positives: with several goroutines for cleanups (Go 1.25) others go on meanwhile;
// and nobody may need what they give back.
//
// Always decided: a finalizer's wait without a stack counts as none.
var checkFinalizers = Check{ID: "finalizers", Title: "Finalizers that were blocked", Fails: report.SeverityWarning, Begin: func(s *replay.Session) Judge {
	return (&finalizersJudge{bench: bench{s}, finalizers: replay.Shared(s, newFinalizers)}).decide
}}

const (
	finalizersSome = 10_000_000 // ns
	finalizersPart = 10         // the part of the trace: a tenth
	finalizersMuch = 2          // for a warning: half
)

type finalizersJudge struct {
	bench
	finalizers *finalizers
}

func (r *finalizersJudge) decide(rep *report.Report) Judgement {
	x, span := r.finalizers, report.Analysed(rep)
	j := Judgement{Measured: fmt.Sprintf("finalizers were blocked %s, for %s", words.Times(x.n), words.Length(x.ns))}
	if x.ns < finalizersSome || x.ns*finalizersPart < span {
		return j
	}
	f := r.describe(span)
	if x.ns*finalizersMuch >= span {
		f.Severity = report.SeverityWarning
	}
	j.Findings = []report.Finding{f}
	return j
}

func (r *finalizersJudge) describe(span int64) report.Finding {
	x, places := r.finalizers, r.Names.Places()
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("Finalizers were blocked for %s", words.Length(x.ns)),
		CostNS:   x.ns,
		CostOf:   "time that a finalizer was blocked",
		What:     fmt.Sprintf("Finalizers were blocked %s, for %s of the trace in all.", words.Times(x.n), words.ShareOf(x.ns, span)),
		Why:      "One goroutine runs all finalizers, one after the other (and few run cleanups): while one is blocked, those behind it wait, and what they are to give back is missing.",
		Advice:   "Do not wait in a finalizer: let it start a goroutine for that; and give back by a call (Close), not by a finalizer, what others wait for.",
		Sure:     "high", SureWhy: "the waits are in the trace; how many finalizers stood behind them is not",
	}
	for i, p := range topPlaces(places, x.blocked) {
		if i == 0 && p.n*2 >= x.ns {
			f.Title += ", mostly in " + p.name
		}
		f.Evidence = append(f.Evidence, report.Evidence{Label: "blocked in " + p.name, Value: words.Length(p.n)})
	}
	for _, p := range topPlaces(places, x.let) {
		f.Evidence = append(f.Evidence, report.Evidence{Label: "waited for a finalizer in " + p.name, Value: words.Length(p.n)})
	}
	for _, iv := range x.worst.Best() {
		f.Moments = append(f.Moments, r.scene(iv.Start, iv.End, iv.G, model.NoP, model.NoM, fmt.Sprintf("a finalizer was blocked for %s", words.Length(int64(iv.End-iv.Start)))))
	}
	return f
}

// finalizers answers: for how long, and where, were finalizers blocked?
type finalizers struct {
	names   *names.Table
	stands  *replay.Stood
	inside  names.Flags // of stacks: inside of a finalizer or cleanup
	n, ns   int64
	blocked map[uint32]int64 // ns by stack
	let     map[uint32]int64 // likewise, of those whom finalizers let go on
	worst   *stat.TopK[model.GInterval]
}

func newFinalizers(s *replay.Session) *finalizers {
	return &finalizers{names: s.Names, stands: replay.Shared(s, replay.NewStood), blocked: map[uint32]int64{}, let: map[uint32]int64{}, worst: stat.NewTopK[model.GInterval](report.MaxMoments)}
}

func (x *finalizers) Watch(f *model.Facts) {
	for _, i := range x.stands.At {
		iv := &f.Gs[i]
		if iv.State != model.GWaiting {
			continue
		}
		d := int64(iv.End - iv.Start)
		switch {
		case x.inside.Of(x.names, iv.Stack, finalizes):
			x.n++
			x.ns += d
			x.blocked[iv.Stack] += d
			if x.worst.Admits(d) {
				x.worst.Offer(d, *iv)
			}
		case iv.Stack != 0 && x.inside.Of(x.names, iv.ByStack, finalizes):
			x.let[iv.Stack] += d
		}
	}
}

// finalizes reports whether frames are of a finalizer or cleanup.
func finalizes(frames []report.Frame) bool {
	n := len(frames)
	return n > 1 && slices.Contains(finalizing, frames[n-1].Func) && !names.IsRuntime(frames[n-2].Func)
}

// finalizing are the runtime's functions that run finalizers and cleanups.
//
// Source: runtime/mfinal.go and runtime/mcleanup.go, Go 1.21 to 1.26.
var finalizing = []string{"runtime.runfinq", "runtime.runFinalizers", "runtime.runCleanups"}
