package rules

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// The rules on running: how goroutines stop, and how Ps stand idle.

// Bounds of the time slice. sysmon notices a dispatch up to 10 ms late, so it
// asks for a preemption between one and two slices after it; a request that
// meets the goroutine where it can't be stopped is repeated 10 ms later.
//
// Source: proc.go, forcePreemptNS, sysmon and retake.
const (
	sliceLeast = model.TimeSlice - 10_000             // ns: the clocks may differ a little
	sliceMost  = model.TimeSlice + 2*model.SysmonMost // ns
)

// stretch is one stretch of a P. stop is how its goroutine was made to stop, if
// it was.
func (r *rules) stretch(iv *model.PInterval, stop *model.Preempt) {
	p := r.at(iv.P)
	if iv.Does == model.PDoesSched && (!p.seen || p.does == model.PDoesIdle) {
		p.fresh = true
	}
	if iv.Does == model.PDoesRun {
		if p.seen && p.does == model.PDoesSyscall && p.g == iv.G && !iv.First {
			r.keptP()
		}
		if !iv.Runtime {
			r.ran(iv, stop, p)
		}
	}
	p.does, p.g, p.seen = iv.Does, iv.G, true
}

// The ways to stop of the rule on yield points, by how the trace shows them.
const (
	stopChannel = iota
	stopLock
	stopNetwork
	stopSleep
	stopOther
	stopGosched
	stopCall
	stopSignal
	stopUntold
)

// ran judges a run by the rule on time slices: none may go on for long after its
// slice is used up, while others wait. It may for want of a CPU, which no trace
// tells, so that is never certain. One that is stopped sooner was stopped for
// another reason, which the trace does not give: a stack scan, a pause, a safe
// point that Ps are asked for every 100 µs, the tracer. A slice is longer than
// the run if goroutines shared it.
func (r *rules) ran(iv *model.PInterval, stop *model.Preempt, p *ruleProc) {
	length := iv.End - iv.Start
	slice := length
	if p.shared > 0 {
		slice = max(slice, iv.End-p.slice)
	}
	forced := stop != nil && r.stops(stop) && !stop.Parked
	t := &r.tallies[rulePreempt]
	switch {
	case forced && slice < sliceLeast:
		t.parts[sliceEarly]++
		return
	case forced:
		t.spread.Add(int64(slice))
		t.parts[sliceBy(stop.How)]++
		if length < sliceLeast && !r.excused(iv.End) {
			r.tallies[ruleRunnext].parts[1]++
		}
	case length < sliceLeast:
		return
	default:
		t.parts[sliceItself]++
	}
	switch {
	case length > sliceMost:
		r.late(t, iv)
	case forced:
		t.pass(length >= sliceLeast)
	default: // it stopped by itself before it had to
		t.applied++
	}
}

// late is a run that went on for too long.
func (r *rules) late(t *tally, iv *model.PInterval) {
	t.parts[sliceLong]++
	if iv.Waiting == 0 {
		t.applied++
		return
	}
	t.parts[sliceWaited]++
	t.fail(iv.End-iv.Start, false, func() miss {
		return miss{iv.Start, iv.End, iv.G, iv.P, fmt.Sprintf("%s ran %s on P%d without a stop; %s waiting in the end",
			words.Goroutine(int64(iv.G), r.names.StartFunc(iv.Func)), words.Length(int64(iv.End-iv.Start)), iv.P, words.Were(int64(iv.Waiting), "goroutine"))}
	})
}

// The ways in which a run ended, by the rule on time slices.
const (
	sliceSignal = iota
	sliceCall
	sliceUntold
	sliceItself
	sliceLong   // of all: it was late
	sliceWaited // of these: others waited
	sliceEarly  // not for its slice
)

func sliceBy(how model.How) int {
	switch how {
	case model.HowSignal:
		return sliceSignal
	case model.HowCooperative:
		return sliceCall
	}
	return sliceUntold
}

// stops counts a stop and reports whether it was by force.
func (r *rules) stops(x *model.Preempt) bool {
	part := stopUntold
	switch x.How {
	case model.HowGosched, model.HowGoyield:
		part = stopGosched
	case model.HowCooperative:
		part = stopCall
	case model.HowSignal:
		part = stopSignal
	}
	t := &r.tallies[ruleYield]
	t.applied++
	t.parts[part]++
	return part >= stopCall
}

// goroutine counts a stretch of a goroutine that begins with a stop, or ends a
// wait on the network.
func (r *rules) goroutine(iv *model.GInterval) {
	switch {
	case iv.State == model.GSyscall && iv.Open == 0 && !iv.Unended && !r.older: // whose traces have an end of calls that lost their P alone
		r.tallies[ruleSysexit].spread.Add(int64(iv.End - iv.Start))
	case iv.State == model.GWaiting && !iv.Runtime && iv.Open&model.OpenStart == 0 && iv.Reason != model.ReasonPreempted:
		t := &r.tallies[ruleYield]
		t.applied++
		t.parts[stopOf(iv.Reason)]++
	}
	if iv.State == model.GWaiting && iv.Reason == model.ReasonNetwork && iv.By == model.NoG && iv.Open&model.OpenEnd == 0 {
		t := &r.tallies[ruleNetpoll]
		t.applied++
		t.parts[1]++
	}
}

func stopOf(reason model.Reason) int {
	switch reason {
	case model.ReasonChanSend, model.ReasonChanRecv, model.ReasonSelect, model.ReasonForever:
		return stopChannel
	case model.ReasonSync, model.ReasonCond:
		return stopLock
	case model.ReasonNetwork:
		return stopNetwork
	case model.ReasonSleep:
		return stopSleep
	}
	return stopOther
}

// waste counts a stretch in which a P stood idle beside a runnable goroutine.
func (r *rules) waste(x *model.Waste) {
	t := &r.tallies[ruleConserve]
	d := int64(x.End - x.Start)
	t.spread.Add(d)
	t.parts[0]++
	if d <= measure.WakeTime {
		return
	}
	t.parts[1]++
	t.judged -= d // conserved adds the whole
	if t.worst.Admits(d) {
		t.worst.Offer(d, miss{x.Start, x.End, -1, -1, fmt.Sprintf("for %s work waited beside an idle P; meanwhile at most %s idle and %s runnable",
			words.Length(d), words.Were(int64(x.Idle), "P"), words.Were(int64(x.Runnable), "goroutine"))})
	}
}

// conserved fills in the rule on idle Ps, which counts time instead of events.
// What is certain is the time without any such stretch: in the others a P may
// have been promised to a thread that was still waking.
func (r *rules) conserved(rep *report.Report, out *report.Rule) {
	t := &r.tallies[ruleConserve]
	out.Applied = report.Analysed(rep)
	out.Judged = out.Applied
	out.Agreed = max(0, out.Applied+t.judged)
	out.Certain = max(0, out.Applied-t.spread.Sum())
}
