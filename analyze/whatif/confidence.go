package whatif

import (
	"fmt"
	"math"
	"strings"

	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// Confidence is how far a prediction can be relied on.
type Confidence string

// The levels. Of a self-check they tell how well the simulation reproduces the
// recorded run, of a prediction how far off its makespan is likely to be.
const (
	ConfidenceGood Confidence = "good" // self-check: makespan within 5 %, median and p99 of the scheduling latency and the medians of requests and tasks within 15 %; prediction: within 10 %
	ConfidenceFair Confidence = "fair" // self-check: makespan within 10 %, medians of requests and tasks within 30 %; prediction: a quarter off, or more where it gives doubts
	ConfidencePoor Confidence = "poor" // not to be relied on
	ConfidenceNone Confidence = "none" // nothing to simulate
)

// doubt is a reason not to be sure of a prediction.
type doubt struct {
	level Confidence // the best that it leaves
	text  string
}

// Limits of what a recorded run may look like without doubts about what it would
// be like with another number of Ps.
const (
	fairSpread   = .1     // what dispatches may cost more than taken for granted, as a share of the makespan
	poorSpread   = .5     // likewise
	busyShare    = .5     // of the Ps' time that computing and short system calls take
	markingShare = .05    // of computing that is for the collector
	lockedShare  = .1     // of dispatches that are of goroutines locked to their threads
	stallShare   = .03    // of the Ps' time in which a thread that had a goroutine to run did not get to it
	callShare    = .5     // of the Ps' time that long system calls take, of all goroutines together
	stepLength   = 10_000 // ns: mean time between two things that a goroutine does
	aloneSpeed   = 1.2    // a program that is not faster than that with twice the Ps does one thing after the other
)

// doubts are the reasons not to be sure of v.
func (w *prediction) doubts(v *Variant) []doubt {
	var out []doubt
	add := func(when bool, level Confidence, text string) {
		if when {
			out = append(out, doubt{level, text})
		}
	}
	add(w.error > .1, ConfidencePoor, "the self-check failed")
	add(w.error > .05 && w.error <= .1, ConfidenceFair, "the self-check is off by more than 5 %")
	add(len(w.x.Trace.Gomaxprocs) > 1, ConfidencePoor, "GOMAXPROCS changed during the recording")
	add(v.Scheduler != simulate.GMP.String(), ConfidenceFair, "no recording tells how well another scheduler is simulated")
	l := &w.c.seen
	stalls := w.stalls()
	asRecorded := v.Procs == w.procs && v.Scheduler == simulate.GMP.String() && v.Settings == ""
	add(w.kept() && !asRecorded, ConfidencePoor, keptText)
	lacked := w.x.Machine.lacked()
	add(lacked >= mostLacked, ConfidencePoor, "so much of the time on Ps passed without a CPU that the rest tells little: what system calls and wake-ups took for want of one is as recorded")
	add(lacked >= givenLeast && lacked < mostLacked, ConfidenceFair, "what system calls and wake-ups took for want of a CPU is as recorded")
	if v.Procs == w.procs {
		return out
	}
	time := float64(max(w.x.Recorded.Makespan, 1)) * float64(w.procs)
	busy := float64(l.running + l.calls)
	add(busy < busyShare*time, ConfidencePoor, fmt.Sprintf("the program mostly waits (its Ps run goroutines for %s of the time), and how long may depend on the Ps", words.Share(w.x.Recorded.Utilisation)))
	more := v.Procs > w.procs && (v.CPUs == 0 || v.CPUs > w.procs)
	add(more && v.Speedup < aloneSpeed && busy >= busyShare*time, ConfidencePoor,
		"hardly ever more than one goroutine could run: if the program starts as many as there are Ps, or was kept waiting by a chain of locks, it may be faster")
	add(float64(l.lockedStarts) > lockedShare*float64(l.dispatches), ConfidencePoor, "goroutines locked to their threads are dispatched often, and what that costs depends on the CPUs")
	add(w.c.signalled(), ConfidencePoor, signalledText)
	add(float64(l.longCalls) > callShare*time, ConfidenceFair, "goroutines are in long system calls, and what ends them is not known")
	marked := l.marked
	for _, c := range w.w.Cycles {
		marked += c.Work
	}
	add(float64(marked) > markingShare*float64(l.running), ConfidenceFair, "the collector has much to do, and is simulated coarsely")
	add(stalls && w.x.Machine != nil, ConfidenceFair, "threads were kept from running: likely other programs took CPUs")
	add(busy < stepLength*float64(w.w.Steps), ConfidenceFair, "goroutines do little between one wait or system call and the next: what those cost with several Ps differs from program to program")
	known := w.oneCPU || w.set.Stretch > 0 || w.set.Calibration != nil || w.set.Parallel > 0 && w.set.Parallel != DefaultParallel
	add((v.Procs > 1) != (w.procs > 1) && !known, ConfidenceFair, "how much longer the same computing takes with several Ps depends on the machine and the program (see --costs and --parallel-slowdown)")
	add(v.Procs > 1 && w.procs > 1, ConfidenceFair, "what more Ps cost each other, or fewer, was not measured: they are taken to cost what the recorded ones did")
	if w.set.Stretch > 0 {
		return out
	}
	spread := w.spread(v)
	add(spread > poorSpread, ConfidencePoor, "what a dispatch costs decides about the makespan")
	add(spread > fairSpread && spread <= poorSpread, ConfidenceFair, "what a dispatch costs matters")
	return out
}

// stalls reports whether threads that had a goroutine to run often did not get to it.
func (w *prediction) stalls() bool {
	return float64(w.c.seen.stalled) > stallShare*float64(max(w.x.Recorded.Makespan, 1))*float64(w.procs)
}

// Limits of what threads that have CPUs are like.
const (
	slowWake   = 1_000_000           // ns: a thread that is woken runs, and one that steals has done so, in nine of ten cases
	lateSignal = 3 * model.TimeSlice // a goroutine that has run for so long was stopped
	lateShare  = .25                 // of those that are stopped, that may run for longer
	lateLeast  = 4                   // of them
)

// kept reports whether threads seem to have been kept from running, and the machine was not
// asked how much: they did not get to what they had to run, woke or stole late, paused in the
// midst of computing, or were told late that their time slices were over.
func (w *prediction) kept() bool {
	l, m := &w.c.seen, &w.c.costs
	return w.x.Machine == nil && (w.stalls() || slow(&m.wake) || slow(&m.steal) || slow(&m.next) || w.paused >= mostPaused ||
		l.late >= lateLeast && float64(l.late) > lateShare*float64(l.preempts))
}

// slow reports whether what was measured of threads that wake or steal is of such as had no CPU.
func slow(h *stat.Sketch) bool { return h.N() >= fewest && h.Quantile(.9) > slowWake }

const keptText = "threads were kept from running, so likely other programs took CPUs, and how much of computing was that the trace alone does not tell: gmptrace record asks the machine"

// spread is how much of v's likely range is not for computing alone, as a share of its
// makespan.
func (w *prediction) spread(v *Variant) float64 {
	span := float64(max(v.Makespan, 1))
	most, usual := w.parallelOf(parallelMost).compute, w.parallelOf(parallelUsual).compute
	if v.Procs > 1 {
		return float64(v.High)/span/(most/usual) - 1
	}
	return 1 - float64(v.Low)/span*(most/usual)
}

// judge says how sure v is, and why not more; pace is a reason beside others, "" for none.
func (w *prediction) judge(v *Variant, pace string) {
	v.Confidence, v.Doubts = ConfidenceGood, []string{}
	doubts := w.doubts(v)
	if pace != "" {
		doubts = append(doubts, doubt{ConfidencePoor, pace})
	}
	for _, level := range []Confidence{ConfidencePoor, ConfidenceFair} { // what weighs most first
		for _, d := range doubts {
			if d.level == level {
				v.Confidence = lessSure(v.Confidence, d.level)
				v.Doubts = append(v.Doubts, d.text)
			}
		}
	}
}

// lessSure is the lower of two levels.
func lessSure(a, b Confidence) Confidence {
	if b == ConfidencePoor || a == ConfidenceGood {
		return b
	}
	return a
}

// clockGrain is the difference of two latencies, in nanoseconds, that says nothing:
// a trace's clock is no finer, and of events at one time its reader makes each 1 ns
// later than the one before.
const clockGrain = 50

func latencyDifference(got, want int64) float64 {
	if d := got - want; -clockGrain <= d && d <= clockGrain {
		return 0
	}
	return difference(got, want)
}

func (w *prediction) selfCheck(rs []*outcome) {
	rec := &w.x.Recorded
	span, _, _ := middle(rs, func(r *outcome) int64 { return r.Makespan })
	p50, _, _ := middle(rs, func(r *outcome) int64 { return r.latency.Quantile(.5) })
	p99, _, _ := middle(rs, func(r *outcome) int64 { return r.latency.Quantile(.99) })
	c := SelfCheck{Makespan: difference(span, rec.Makespan), P50: latencyDifference(p50, rec.P50), P99: latencyDifference(p99, rec.P99)}
	c.Of = w.checkLengths(w.a, rs)
	w.error = math.Abs(c.Makespan)
	apart := w.apart(c.Of)
	switch {
	case rec.Makespan == 0 || len(w.w.Gs) == 0:
		c.Confidence, c.Text = ConfidenceNone, "nothing to simulate: no goroutine of the program ran"
		w.x.Check = c
		return
	case w.error <= .05 && math.Abs(c.P50) <= .15 && math.Abs(c.P99) <= .15 && apart <= goodRequests:
		c.Confidence = ConfidenceGood
	case w.error <= .1 && apart <= fairRequests:
		c.Confidence = ConfidenceFair
	default:
		c.Confidence = ConfidencePoor
	}
	c.Text = c.say(w.x.Recorded.Of, w.error <= .1 && apart > fairRequests)
	w.x.Check = c
}

// apart is by which share the median of requests or tasks comes out otherwise, of those that are
// farthest off; those that show no handler beside some that do are left out, as which those are is chance.
func (w *prediction) apart(of []LengthsCheck) (most float64) {
	for i, n := range w.a.mostTime() {
		if w.x.Recorded.Of[i].P50.Known && !w.a.mixed(n) {
			most = max(most, of[i].off(0))
		}
	}
	return most
}

// say says by how much the simulation of what was recorded is off: of requests and tasks, of the
// run, and of how long goroutines wait for a P. With apart it is poor for how long some of those take.
func (c *SelfCheck) say(recorded []Lengths, apart bool) string {
	text := "Go's scheduler, simulated as recorded, against the recorded run: "
	for i := range c.Of[:min(len(c.Of), toldEffects)] {
		var parts []string
		for k, q := range quantiles {
			if recorded[i].at(k).Known {
				parts = append(parts, fmt.Sprintf("p%d %s", int(100*q), moved([...]float64{c.Of[i].P50, c.Of[i].P90, c.Of[i].P99}[k])))
			}
		}
		if len(parts) > 0 {
			text += fmt.Sprintf("%s %s; ", called(c.Of[i].Kind, c.Of[i].Name), strings.Join(parts, ", "))
		}
	}
	text += fmt.Sprintf("makespan %s; waits for a P: median %s, p99 %s", moved(c.Makespan), moved(c.P50), moved(c.P99))
	off := max(math.Abs(c.P50), math.Abs(c.P99))
	switch {
	case apart:
		text += "; how long some requests or tasks take does not come out, and what is told of those is not to be relied on"
	case c.Confidence == ConfidencePoor:
		text += "; the simulation does not reproduce this run, and its predictions are not to be relied on"
	case off > .5:
		text += ", so that what is told of these waits is not to be relied on"
	case c.Confidence == ConfidenceFair && off > .15:
		text += ", so that what is told of these waits is less sure"
	}
	return text
}
