package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkSyscall measures what system calls cost the Ps: the time that a P was
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
var checkSyscall = check{id: "syscalls", title: "System calls and cgo that held Ps", begin: func(s *replay.Session) judge {
	return (&syscallJudge{bench: bench{s}, witnesses: newWitnesses(s), handoffs: replay.Shared(s, measure.NewHandoffs)}).judge
}}

type syscallJudge struct {
	bench
	witnesses
	handoffs *measure.Handoffs
}

func (r *syscallJudge) judge(rep *report.Report) judgement {
	h := &r.handoffs.After[model.HandoffRetake]
	pTime := measure.GomaxprocsTime(&rep.Trace, len(rep.Procs))
	j := judgement{measured: fmt.Sprintf("%s, after %s at the median, %s of P time held", words.Plural(h.N(), "retake"), words.Length(h.Quantile(.5)), words.Length(h.Sum()))}
	behind, waited := r.blame.waited[pDidCall], r.blame.waited.total()
	late := behind >= 10_000_000 && behind*4 >= waited && behind*100 >= report.Analysed(rep)
	storm := h.N() >= 100 && h.N()*1_000_000_000 >= retakeStorm*report.Analysed(rep)
	if h.Sum()*100 < pTime*5 && !late && !storm {
		return j
	}
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
	if rep.Key.Utilisation >= .3 && h.Sum()*100 >= pTime*5 {
		f.Severity = report.SeverityWarning
	}
	if h.N() == 0 {
		f.What = "sysmon retook no P."
	}
	if late {
		r.behindCalls(&f)
	}
	for _, x := range r.handoffs.Worst.Best() {
		if x.Cause == model.HandoffRetake {
			if len(f.Stacks) < 2 {
				f.Stacks = append(f.Stacks, r.stack(fmt.Sprintf("G%d's system call", x.G), x.Stack)...)
			}
			f.Moments = append(f.Moments, r.moment(x.Time-x.After, x.Time, x.G, x.P, x.From,
				fmt.Sprintf("P%d held for %s by the system call of G%d", x.P, words.Length(int64(x.After)), x.G)))
		}
	}
	f.Moments = f.Moments[:min(len(f.Moments), report.MaxMoments)]
	j.explains = r.explains(pDidCall)
	j.findings = []report.Finding{f}
	return j
}

// behindCalls adds how long goroutines waited for a P that a system call held, and
// makes that the point where it is more than what retakes cost.
func (r *syscallJudge) behindCalls(f *report.Finding) {
	behind, worst := r.blame.waited[pDidCall], r.blame.worst[pDidCall].Best()
	longest := worst[0].part
	f.Evidence = append(f.Evidence,
		report.Evidence{Label: "goroutine time waiting for a P that a system call held", Value: words.Length(behind)}, report.Evidence{Label: "longest part of one wait", Value: words.Length(longest)})
	if s := graded(longest); s.AtLeast(f.Severity) {
		f.Severity = s
	}
	if f.CostNS >= behind {
		return
	}
	f.Title = fmt.Sprintf("Goroutines waited up to %s for a P that a system call held", words.Length(longest))
	f.CostNS, f.CostOf = behind, "goroutine time spent waiting for a P that a system call held"
	f.What = fmt.Sprintf("Waits for a P of %s and more lasted %s in all; for %s of that a goroutine in a system call had the P. ",
		words.Length(blamedFrom), words.Length(r.blame.waited.total()), words.ShareOf(behind, r.blame.waited.total())) + f.What
	f.Sure, f.SureWhy = "high", "system calls and retakes are in the trace; on whose queue a goroutine stood is inferred"
	f.Moments = r.blame.moments(r.bench, pDidCall, "a system call had the P")
}

// retakeStorm is how many retakes a second are worth a finding whatever they cost.
const retakeStorm = 2000
