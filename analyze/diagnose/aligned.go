package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkAligned looks for timers that are due at one moment: many goroutines that wait at one
// line, asleep or for a ticker, go on within a millisecond, and then wait for each other's
// Ps. Spread over their interval the same work would not.
//
// Threshold: four times as many as there are Ps, eight at least, at one moment, three times;
// worth a finding if a hundredth of them waited for a P for 5 ms, a warning from 10 ms,
// critical from 100 ms, like any wait.
//
// False positives: goroutines that are meant to go on together, such as clients of a load
// test. Timers that were due at different times, and were looked after together as all Ps
// were busy, look the same: those places have late timers as well.
//
// Always decided: that no goroutine ended a wait, and how long who waited stood for a P, is
// in every trace.
var checkAligned = Check{ID: "aligned", Costs: costsOthers, Title: "Timers that are due at one moment", Fails: report.SeverityCritical, Begin: func(s *replay.Session) Judge {
	return (&alignedJudge{bench: bench{s}, alarms: replay.Shared(s, newAlarms)}).decide
}}

const (
	alignedWide  = 8         // goroutines at one moment, or
	alignedPerP  = 4         // for each P
	alignedTimes = 3         // moments
	alignedWait  = 5_000_000 // ns for a P
	alignedSpan  = 1_000_000 // ns that a moment lasts, at most
)

type alignedJudge struct {
	bench
	alarms *alarms
}

func (r *alignedJudge) decide(rep *report.Report) Judgement {
	var worst *alarm
	for _, x := range r.alarms.byStack {
		if x == nil {
			continue
		}
		x.over()
		if int(x.most) >= max(alignedWide, alignedPerP*len(rep.Procs)) && x.times >= alignedTimes && (worst == nil || x.waits.Sum() > worst.waits.Sum()) {
			worst = x
		}
	}
	if worst == nil {
		return Judgement{Measured: "no place where many timers were due at one moment, again and again"}
	}
	j := Judgement{Measured: fmt.Sprintf("up to %s at one place were due within %s", words.Plural(worst.most, "timer"), words.Length(alignedSpan))}
	if worst.waits.Quantile(.99) >= alignedWait {
		j.Findings = []report.Finding{r.describe(worst)}
		j.Explains = Explained{"starvation": worst.starved, "overload": worst.starved}
	}
	return j
}

func (r *alignedJudge) describe(x *alarm) report.Finding {
	at := placeOf(r.Names.Places(), x.stack)
	f := report.Finding{
		Severity: graded(x.waits.Quantile(.99)),
		Title:    fmt.Sprintf("Up to %s timers in %s are due at one moment: those that waited for them then wait for a P, up to %s", words.Count(x.most), at, words.Length(x.waits.Max())),
		CostNS:   x.waits.Sum(),
		CostOf:   "goroutine time waiting for a P after that",
		What: fmt.Sprintf("%s, %s or more that waited in %s for a timer went on within %s, %s in all: half of them then waited for a P for longer than %s.",
			words.Times(x.times), words.Plural(x.least, "goroutine"), at, words.Length(alignedSpan), words.Count(x.waits.N()), words.Length(x.waits.Quantile(.5))),
		Why:    "They began together, or count from the same clock: all that they do is to be done at once, and nothing is to be done in between.",
		Advice: fmt.Sprintf("Spread them: begin those in %s at different times, or add something random to how long each waits there.", at),
		Sure:   "medium", SureWhy: "that no goroutine ended those waits is in the trace, that timers did is inferred",
		Evidence: []report.Evidence{
			{Label: "moments at which so many were due", Value: words.Count(x.times)},
			{Label: "at one moment, most", Value: words.Count(x.most)},
			{Label: "wait for a P after that, median", Value: words.Length(x.waits.Quantile(.5))},
			{Label: "99th percentile", Value: words.P99(x.waits.N(), words.Length(x.waits.Quantile(.99)))},
		},
		Stacks: r.stack("where they waited", x.stack),
	}
	for _, w := range x.worst.Best() {
		f.Moments = append(f.Moments, r.scene(w.start, w.end, w.g, model.NoP, model.NoM,
			fmt.Sprintf("%s waited %s for a P", words.Goroutine(int64(w.g), r.runs(w.fn)), words.Length(int64(w.end-w.start)))))
	}
	return f
}

// alarms answers: at which lines are the timers of many goroutines due at one moment?
type alarms struct {
	byStack []*alarm // that was waited with
	woken   []woken  // by a hash of the goroutine; nil before the first
}

// woken is a goroutine that a timer let go on, and that has not run yet.
type woken struct {
	g  model.GoID
	at model.Time
	of *alarm
}

const wokenSlots = 4096 // goroutines remembered: more than are due at one moment

// alarm is what is known of one such line.
type alarm struct {
	stack uint32
	now   moment

	times, most, least int64 // of moments at which many were due
	starved            int64 // of waits: those longer than measure.StarvedAfter
	waits              stat.Sketch
	worst              *stat.TopK[queued]
}

// moment is those that were due last.
type moment struct {
	from  model.Time
	n     int64
	ended []queued // waits for a P since, of as many as count for a moment: then they are counted at once
}

func newAlarms(*replay.Session) *alarms { return &alarms{} }

func (w *alarms) Watch(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		switch {
		case iv.Runtime:
		case iv.State == model.GWaiting && iv.By == model.NoG && iv.Stack != 0 && iv.Open&model.OpenEnd == 0 && timed(iv.Reason):
			w.due(iv)
		case iv.State == model.GRunnable && w.woken != nil:
			w.ran(iv)
		}
	}
}

// timed reports whether a wait for that reason, which no goroutine ended, waited for a timer.
func timed(r model.Reason) bool {
	return r == model.ReasonSleep || r == model.ReasonSelect || r == model.ReasonChanRecv
}

// due takes in a goroutine whose timer is due.
func (w *alarms) due(iv *model.GInterval) {
	if w.woken == nil {
		w.woken = make([]woken, wokenSlots)
	}
	for int(iv.Stack) >= len(w.byStack) {
		w.byStack = append(w.byStack, nil)
	}
	x := w.byStack[iv.Stack]
	if x == nil {
		x = &alarm{stack: iv.Stack, worst: stat.NewTopK[queued](report.MaxMoments)}
		w.byStack[iv.Stack] = x
	}
	if x.now.n == 0 || iv.End-x.now.from > alignedSpan {
		x.over()
		x.now = moment{from: iv.End, ended: x.now.ended[:0]}
	}
	x.now.n++
	w.woken[uint64(iv.G)%wokenSlots] = woken{iv.G, iv.End, x}
}

// ran takes in that such a goroutine has come to run.
func (w *alarms) ran(iv *model.GInterval) {
	k := &w.woken[uint64(iv.G)%wokenSlots]
	if k.of == nil || k.g != iv.G || k.at != iv.Start {
		return
	}
	q := queued{start: iv.Start, end: iv.End, g: iv.G, fn: iv.Func}
	if x := k.of; x.now.n >= alignedWide && k.at >= x.now.from {
		x.flush()
		x.count(q)
	} else if k.at >= x.now.from && len(x.now.ended) < alignedWide {
		x.now.ended = append(x.now.ended, q)
	}
	k.of = nil
}

// flush counts those that ran before it showed that many were due.
func (x *alarm) flush() {
	for _, q := range x.now.ended {
		x.count(q)
	}
	x.now.ended = x.now.ended[:0]
}

// count counts a wait for a P.
func (x *alarm) count(q queued) {
	ns := int64(q.end - q.start)
	x.waits.Add(ns)
	if ns > measure.StarvedAfter {
		x.starved += ns
	}
	if x.worst.Admits(ns) {
		x.worst.Offer(ns, q)
	}
}

// over ends a moment.
func (x *alarm) over() {
	if n := x.now.n; n >= alignedWide {
		x.flush()
		x.times++
		x.most = max(x.most, n)
		if x.least == 0 || n < x.least {
			x.least = n
		}
	}
	x.now.n = 0
}
