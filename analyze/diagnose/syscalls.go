package diagnose

import (
	"cmp"
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkSyscalls measures what system calls cost the Ps: the time that a P was
// held by a system call until sysmon took it away.
//
// Threshold: retakes that cost at least 5 % of the Ps' time; a warning only if
// the Ps were busy at least 30 % of the time: idle Ps lose nothing. Or 2000 retakes
// a second: at 20 µs to notice and as much to go on with another thread, that is a
// tenth of a CPU. Or goroutines that waited for a P that a system call held: of
// waits from 1 ms on, 10 ms in all, a quarter, and a hundredth of the trace; a
// warning if 10 ms of one wait passed so, critical from 100 ms.
//
// False positives: calls that last about as long as sysmon's tick (20 µs to
// 10 ms) are retaken now and then on a healthy program; that is below the
// threshold.
//
// Always decided: system calls and retakes are in the trace.
var checkSyscalls = Check{ID: "syscalls", Costs: costsCalls, Title: "System calls and cgo that held Ps", Begin: func(s *replay.Session) Judge {
	return (&syscallsJudge{bench: bench{s}, witnesses: newWitnesses(s), handoffs: replay.Shared(s, measure.NewHandoffs), calls: replay.Shared(s, newCalls)}).decide
}}

const (
	heldPart    = 20         // the part of the Ps' time that retaken calls held: a twentieth
	heldBusy    = .3         // part of the time that Ps ran goroutines, in [0, 1]: idle Ps lose nothing
	retakesSome = 100        // retakes
	retakeStorm = 2000       // retakes a second that are worth a finding whatever they cost
	callsBehind = 10_000_000 // ns of waits behind calls, a quarter of all waits and a hundredth of the trace
)

type syscallsJudge struct {
	bench
	witnesses
	handoffs *measure.Handoffs
	calls    *calls
}

func (r *syscallsJudge) decide(rep *report.Report) Judgement {
	h := r.retakes()
	j := Judgement{Measured: fmt.Sprintf("%s, after %s at the median, %s of P time held", words.Plural(h.N(), "retake"), words.Length(h.Quantile(.5)), words.Length(h.Sum()))}
	much, late := h.Sum()*heldPart >= measure.GomaxprocsTime(&rep.Trace, len(rep.Procs)), r.late(rep)
	storm := h.N() >= retakesSome && h.N()*1_000_000_000 >= retakeStorm*report.Analysed(rep)
	if !much && !late && !storm {
		return j
	}
	f := r.describe()
	if much && rep.Key.Utilisation >= heldBusy {
		f.Severity = report.SeverityWarning
	}
	if late {
		r.tellWaits(&f)
	}
	f.Advice = cmp.Or(r.calls.advice(r.bench), f.Advice)
	if f.CostNS == h.Sum() { // what others waited for need not be what was retaken
		r.tellCalls(&f)
	}
	j.Explains = r.attribute(pDidCall)
	j.Findings = []report.Finding{f}
	return j
}

// retakes is how long calls had held Ps that were then retaken.
func (r *syscallsJudge) retakes() *stat.Sketch { return &r.handoffs.After[model.HandoffRetake] }

// late reports whether goroutines waited for long for Ps that calls held.
func (r *syscallsJudge) late(rep *report.Report) bool {
	behind := r.blame.waited[pDidCall]
	return behind >= callsBehind && behind*4 >= r.blame.waited.total() && behind*100 >= report.Analysed(rep)
}

func (r *syscallsJudge) describe() report.Finding {
	h := r.retakes()
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("System calls held Ps for %s until they were retaken", words.Length(h.Sum())),
		CostNS:   h.Sum(),
		CostOf:   "P time held by system calls before sysmon retook the P",
		What:     fmt.Sprintf("sysmon retook a P from a blocked system call %s; half of them after less than %s, the slowest after %s.", words.Times(h.N()), words.Length(h.Quantile(.5)), words.Length(h.Max())),
		Why:      "A P stays with its thread in a system call until sysmon notices; meanwhile what stands in its queue has to be stolen or waits.",
		Advice:   "Find the calls in the stacks: slow disks, name lookups through cgo, calls into C. Bound how many run at once.",
		Sure:     "certain", SureWhy: "retakes are in the trace",
		Evidence: []report.Evidence{
			{Label: "retakes", Value: words.Count(h.N())},
			{Label: "held before, median", Value: words.Length(h.Quantile(.5))},
			{Label: "held before, most", Value: words.Length(h.Max())},
		},
	}
	if h.N() == 0 {
		f.What = "sysmon retook no P."
	}
	f.Moments, f.Stacks = r.scenes()
	return f
}

// tellCalls names the function that made most of the calls, where one did: what to do is
// to be done there.
func (r *syscallsJudge) tellCalls(f *report.Finding) {
	m, ok := r.calls.mostly(r.bench)
	if !ok {
		return
	}
	f.Title += ", mostly in " + m.at
	f.Advice = cmp.Or(r.calls.advice(r.bench), m.advice())
	f.Evidence = append(f.Evidence, report.Evidence{Label: "of the time until retaken, by calls in " + m.at, Value: words.Share(m.share)})
}

// scenes are the longest calls that were retaken, with the stacks of two.
func (r *syscallsJudge) scenes() (out []report.Moment, stacks []report.Stack) {
	for _, x := range r.handoffs.Worst.Best() {
		if x.Cause != model.HandoffRetake {
			continue
		}
		if len(stacks) < 2 {
			stacks = append(stacks, r.stack(fmt.Sprintf("G%d's system call", x.G), x.Stack)...)
		}
		out = append(out, r.scene(x.Time-x.After, x.Time, x.G, x.P, x.From,
			fmt.Sprintf("P%d held for %s by the system call of G%d", x.P, words.Length(int64(x.After)), x.G)))
	}
	return out[:min(len(out), report.MaxMoments)], stacks
}

// tellWaits adds how long goroutines waited for a P that a system call held, and
// makes that the point where it is more than what retakes cost.
func (r *syscallsJudge) tellWaits(f *report.Finding) {
	behind, waited := r.blame.waited[pDidCall], r.blame.waited.total()
	longest := r.blame.worstPart(pDidCall)
	f.Evidence = append(f.Evidence,
		report.Evidence{Label: "goroutine time waiting for a P that a system call held", Value: words.Length(behind)},
		report.Evidence{Label: "longest part of one wait", Value: words.Length(longest)})
	f.Severity = worse(f.Severity, graded(longest))
	if f.CostNS >= behind {
		return
	}
	f.Title = fmt.Sprintf("Goroutines waited up to %s for a P that a system call held", words.Length(longest))
	f.CostNS, f.CostOf = behind, "goroutine time spent waiting for a P that a system call held"
	f.What = fmt.Sprintf("Waits for a P of %s and more lasted %s in all; for %s of that a goroutine in a system call had the P. ",
		words.Length(blamedFrom), words.Length(waited), words.ShareOf(behind, waited)) + f.What
	f.Sure, f.SureWhy = "high", "system calls and retakes are in the trace; on whose queue a goroutine stood is inferred"
	f.Moments = r.blame.scenes(r.bench, pDidCall, "a system call had the P")
}
