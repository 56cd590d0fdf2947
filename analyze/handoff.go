package analyze

import (
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// handoffs answers: which Ps were taken from their Ms, and after how long?
type handoffs struct {
	after [model.NumHandoffCauses]stat.Sketch
	worst *stat.TopK[model.Handoff]
}

func newHandoffs(*Session) *handoffs {
	return &handoffs{worst: stat.NewTopK[model.Handoff](maxMoments)}
}

func (h *handoffs) Watch(f *model.Facts) {
	for i := range f.Handoffs {
		x := &f.Handoffs[i]
		h.after[x.Cause].Add(int64(x.After))
		h.worst.Offer(int64(x.After), *x)
	}
}

func (h *handoffs) Fill(r *Report) {
	for c := range h.after {
		a := &h.after[c]
		if a.N() == 0 {
			continue
		}
		r.Handoffs.Count += a.N()
		r.Handoffs.Causes = append(r.Handoffs.Causes, HandoffCause{
			Cause: model.HandoffCause(c).String(), Count: a.N(), P50: a.Quantile(.5), P99: a.Quantile(.99), Max: a.Max(),
		})
	}
}

// preemptions answers: which goroutines were made to stop, how, and after
// running for how long?
type preemptions struct {
	ran     [model.NumHows]stat.Sketch
	runtime [model.NumHows]int64 // of them, goroutines of the Go runtime
	worst   *stat.TopK[model.Preempt]
	slice   int64 // goroutines of the program that were stopped by force after a whole time slice
	late    int64 // of them: after lateSlice
}

// wholeSlice is about the time slice after which the runtime asks a goroutine to
// stop; shorter runs are stopped for stack scans and stop-the-world.
//
// Source: proc.go, forcePreemptNS.
const wholeSlice = 9_000_000 // ns

// lateSlice is half as much again as a goroutine runs that nothing delays: where all
// compute, sysmon looks every 10 ms, sees at the first look that another goroutine
// runs and at the third that it still does, so that slices are of 20 ms.
//
// Source: proc.go, sysmon and retake.
const lateSlice = 30_000_000 // ns

func newPreemptions(*Session) *preemptions {
	return &preemptions{worst: stat.NewTopK[model.Preempt](maxMoments)}
}

func (p *preemptions) Watch(f *model.Facts) {
	for i := range f.Preempts {
		x := &f.Preempts[i]
		p.ran[x.How].Add(int64(x.Ran))
		if x.Runtime {
			p.runtime[x.How]++
		} else {
			p.worst.Offer(int64(x.Ran), *x)
			if x.Ran >= wholeSlice && x.How != model.HowGosched && x.How != model.HowGoyield {
				p.slice++
				if x.Ran >= lateSlice {
					p.late++
				}
			}
		}
	}
}

func (p *preemptions) Fill(r *Report) {
	for how := range p.ran {
		h := &p.ran[how]
		if h.N() == 0 {
			continue
		}
		r.Preemptions.Count += h.N()
		r.Preemptions.Kinds = append(r.Preemptions.Kinds, PreemptCount{
			How: model.How(how).String(), Count: h.N(), Runtime: p.runtime[how], P50: h.Quantile(.5), P99: h.Quantile(.99), Max: h.Max(),
		})
	}
}
