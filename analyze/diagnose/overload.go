package diagnose

import (
	"fmt"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkOverload measures for how long there was more work than the Ps could do:
// columns of the overview in which the Ps ran goroutines 95 % of the time while
// at least three more per P were runnable on average.
//
// Threshold: such columns make up 10 ms and a fifth of the trace, or 100 ms; critical if
// half of the trace, with ten runnable goroutines per P in them.
//
// It goes behind what explains half of the long waits otherwise: a queue grows as well
// behind one goroutine that keeps the P, a burst, or the collector. What waits in the
// global queue only, it does not explain: then there was time for others.
//
// False positives: batch programs that are meant to use every CPU.
//
// Always decided: the states of all goroutines and Ps are in the trace, and where
// GOMAXPROCS is not, the Ps seen count.
var checkOverload = Check{ID: "overload", Costs: costsOthers, Title: "More work than the Ps could do", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&overloadJudge{bench: bench{s}, witnesses: newWitnesses(s), latency: replay.Shared(s, measure.NewWaits), pollers: replay.Shared(s, newPollers)}).decide
}}

// overloadCritical is how many runnable goroutines per P are critical, for half of the
// trace.
const overloadCritical = 10

type overloadJudge struct {
	bench
	witnesses
	latency *measure.Waits
	pollers *pollers
}

func (r *overloadJudge) decide(rep *report.Report) Judgement {
	n := max(1, gomaxprocsNow(rep))
	full := saturated(rep, n)
	j := Judgement{Measured: fmt.Sprintf("%s with all Ps busy and at least three goroutines waiting per P", words.Length(full.time))}
	if !full.overloaded(rep) {
		return j
	}
	j.Explains, j.Base = r.attribute(pDidRun, pDidHog), r.latency.StarvedNS
	delete(j.Explains, "overload")
	delete(j.Explains, "global-queue") // too much work lets all queues wait alike
	f := describeOverload(rep, &full, n)
	r.tellTimers(&f, rep)
	j.Findings = []report.Finding{f}
	return j
}

// timersPerP is how many goroutines timers must wake at one line in a second, for each P,
// for that to be worth telling: each takes far more than the 50 µs that it then may.
const timersPerP = 1000

// tellTimers names the line at which timers woke most goroutines, where they woke that
// many: less of that is less work.
func (r *overloadJudge) tellTimers(f *report.Finding, rep *report.Report) {
	places, by := r.Names.Places(), map[string]int64{}
	var n, most int64
	at := ""
	for _, p := range r.pollers.timers {
		if p == nil {
			continue
		}
		n += p.n
		if x := places.Of(p.stack); x != nil && !names.Standard(&x.At) {
			name := placeName(&x.At)
			if by[name] += p.n; by[name] > most {
				most, at = by[name], name
			}
		}
	}
	perSecond := int64(float64(most) / max(1, float64(report.Analysed(rep))) * 1e9)
	if most*2 < n || perSecond < timersPerP*int64(max(1, gomaxprocsNow(rep))) {
		return
	}
	where := "in " + at
	if strings.HasSuffix(f.Title, at) {
		where = "there"
	}
	f.Title += fmt.Sprintf("; timers woke goroutines %s times a second %s", words.Count(perSecond), where)
	f.What += fmt.Sprintf(" Timers ended %s waits in %s.", words.Count(most), at)
	f.Advice = fmt.Sprintf("Let timers wake fewer goroutines in %s: look less often, let one ticker serve all, or Reset one timer in place of time.After in a loop. Else limit what runs at once, or make it cheaper.", at)
	f.Evidence = append(f.Evidence, report.Evidence{Label: "woken by timers in " + at, Value: words.Count(perSecond) + " times a second"})
}

func describeOverload(rep *report.Report, full *saturation, n int) report.Finding {
	f := report.Finding{
		Severity: report.SeverityWarning,
		Title:    fmt.Sprintf("For %s there was more work than %s could do", words.Length(full.time), words.Plural(int64(n), "P")),
		CostNS:   int64(full.waiting * float64(full.time)),
		CostOf:   "goroutine time spent runnable then",
		What: fmt.Sprintf("For %s of %s the Ps were busy all the time, and %s goroutines waited on average.",
			words.Length(full.time), words.Length(report.Analysed(rep)), words.Mean(full.waiting)),
		Why:    "Work arrived faster than the Ps could do it, so that queues and waiting times grew.",
		Advice: "Limit what runs at once (semaphore, pool of workers, admission control), make the hottest functions cheaper, or give the process more CPUs (and check that it gets as many as it has Ps).",
		Sure:   "certain", SureWhy: "states of all goroutines and Ps are in the trace",
		Evidence: []report.Evidence{
			{Label: "goroutines waiting then, on average", Value: words.Mean(full.waiting)},
			{Label: "goroutines runnable at once, most", Value: words.Count(rep.Key.QueuePeak)},
			{Label: "Ps running a goroutine, whole trace", Value: fmt.Sprintf("%s of the time", words.Share(rep.Key.Utilisation))},
		},
		Moments: []report.Moment{{Start: full.start, End: full.end, G: model.NoG, P: model.NoP, M: -1, Text: "the longest such time"}},
	}
	if full.time*2 >= report.Analysed(rep) && full.waiting >= overloadCritical*float64(n) {
		f.Severity = report.SeverityCritical
	}
	if who := mostlyRan(rep); who != "" {
		f.Title += ", mostly of " + who
	}
	return f
}

// mostlyRan names the function of the program that ran for half of what the program's
// goroutines did, where it was seen or else as it began; "" where there is none.
func mostlyRan(rep *report.Report) string {
	var all, most int64
	who := ""
	for i := range rep.Functions {
		f := &rep.Functions[i]
		if f.Runtime {
			continue
		}
		all += f.Running
		at := f.At
		if f.Seen.Func != "" && f.SeenNS*2 >= f.Running {
			at = f.Seen
		} else if at.Func == "" {
			at.Func = f.Name
		}
		if f.Running > most && !names.Standard(&at) {
			most, who = f.Running, placeName(&at)
		}
	}
	if most*2 < all {
		return ""
	}
	return who
}
