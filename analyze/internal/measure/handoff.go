package measure

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// Handoffs answers: which Ps were taken from their Ms, and after how long?
type Handoffs struct {
	After [model.NumHandoffCauses]stat.Sketch
	Worst *stat.TopK[model.Handoff]
}

// NewHandoffs makes Handoffs, for replay.Shared.
func NewHandoffs(*replay.Session) *Handoffs {
	return &Handoffs{Worst: stat.NewTopK[model.Handoff](report.MaxMoments)}
}

func (h *Handoffs) Watch(f *model.Facts) {
	for i := range f.Handoffs {
		x := &f.Handoffs[i]
		h.After[x.Cause].Add(int64(x.After))
		h.Worst.Offer(int64(x.After), *x)
	}
}

func (h *Handoffs) Fill(r *report.Report) {
	for c := range h.After {
		a := &h.After[c]
		if a.N() == 0 {
			continue
		}
		r.Handoffs.Count += a.N()
		r.Handoffs.Causes = append(r.Handoffs.Causes, report.HandoffCause{
			Cause: model.HandoffCause(c).String(), Count: a.N(), P50: a.Quantile(.5), P99: a.Quantile(.99), Max: a.Max(),
		})
	}
}

// Preemptions answers: which goroutines were made to stop, how, and after
// running for how long?
type Preemptions struct {
	Ran     [model.NumHows]stat.Sketch
	runtime [model.NumHows]int64 // of them, goroutines of the Go runtime
	Worst   *stat.TopK[model.Preempt]
	Slice   int64 // goroutines of the program that were stopped by force after a whole time slice
	Late    int64 // of them: after LateSlice
}

// WholeSlice is about the time slice after which the runtime asks a goroutine to
// stop; shorter runs are stopped for stack scans and stop-the-world.
//
// Source: proc.go, forcePreemptNS.
const WholeSlice = model.TimeSlice / 10 * 9 // ns

// LateSlice is half as much again as a goroutine runs that nothing delays: where all
// compute, sysmon looks every 10 ms, sees at the first look that another goroutine
// runs and at the third that it still does, so that slices are of 20 ms.
//
// Source: proc.go, sysmon and retake.
const LateSlice = 3 * model.TimeSlice // ns

// NewPreemptions makes Preemptions, for replay.Shared.
func NewPreemptions(*replay.Session) *Preemptions {
	return &Preemptions{Worst: stat.NewTopK[model.Preempt](report.MaxMoments)}
}

func (p *Preemptions) Watch(f *model.Facts) {
	for i := range f.Preempts {
		x := &f.Preempts[i]
		p.Ran[x.How].Add(int64(x.Ran))
		if x.Runtime {
			p.runtime[x.How]++
		} else {
			if p.Worst.Admits(int64(x.Ran)) {
				p.Worst.Offer(int64(x.Ran), *x)
			}
			if x.Ran >= WholeSlice && x.How != model.HowGosched && x.How != model.HowGoyield {
				p.Slice++
				if x.Ran >= LateSlice {
					p.Late++
				}
			}
		}
	}
}

func (p *Preemptions) Fill(r *report.Report) {
	for how := range p.Ran {
		h := &p.Ran[how]
		if h.N() == 0 {
			continue
		}
		r.Preemptions.Count += h.N()
		r.Preemptions.Kinds = append(r.Preemptions.Kinds, report.PreemptCount{
			How: model.How(how).String(), Count: h.N(), Runtime: p.runtime[how], P50: h.Quantile(.5), P99: h.Quantile(.99), Max: h.Max(),
		})
	}
}
