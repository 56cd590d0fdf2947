package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkHerd measures thundering herds: a goroutine that wakes many at one moment, by
// sync.Cond.Broadcast, by Signal in a loop or by closing a channel, most of which find nothing to
// do and wait again where they had waited. Who is sent something, or has that taken, got on with
// that, however little it does then. What they cost is the CPU time from when they
// run until they wait again, with the time that the scheduler needs for the next. See herds.go.
//
// Threshold: places that woke eight or more at a moment, so that a hundred goroutines in all
// waited again at the same line, three quarters of those woken, after having run for less
// than 20 µs, and having done nothing but taking a lock and giving it back: no system call, no
// other wait, nobody woken. It costs a hundredth of the time of all Ps; a warning from a twentieth,
// critical from a half: then the program does little else. Or it costs a twentieth of that while
// some of them are awake, and one in a hundred that go on had waited for 5 ms and more since they
// first did: a warning, as what comes seldom is little of the trace and much of those waits.
//
// False positives: a barrier for goroutines that have next to nothing to do between one
// and the next wakes them in the same way.
var checkHerd = Check{ID: "herd", Costs: costsPolling, Title: "Goroutines woken together for nothing", Fails: report.SeverityWarning, Begin: func(s *replay.Session) Judge {
	return (&herdJudge{bench: bench{s}, herds: replay.Shared(s, newHerds)}).decide
}}

const (
	herdSome = 100 // goroutines woken for nothing
	herdTold = 3   // places at most
)

type herdJudge struct {
	bench
	herds  *herds
	places *names.Places
}

func (r *herdJudge) decide(rep *report.Report) Judgement {
	r.places = r.Names.Places()
	whole := report.Analysed(rep) * int64(max(1, len(rep.Procs)))
	var found []*herd
	var idle, ns int64
	for _, h := range r.herds.byStack {
		if h == nil {
			continue
		}
		idle, ns = idle+h.idle, ns+h.ns
		if h.idle >= herdSome && h.idle*4 >= h.seen*3 && (h.ns*100 >= whole || r.holdsUp(rep, h)) {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(a, b *herd) int { return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.stack, b.stack)) })
	j := Judgement{Measured: fmt.Sprintf("%s woken together and for nothing, for %s", words.Plural(idle, "goroutine"), words.Length(ns))}
	if n := r.herds.unknown; len(found) == 0 && n >= herdSome {
		j.Undecided = fmt.Sprintf("%s together, without a stack that tells where they had waited", words.Were(n, "goroutine")+" woken")
	}
	for _, h := range found[:min(len(found), herdTold)] {
		j.Findings = append(j.Findings, r.describe(rep, h, whole))
	}
	return j
}

// holdsUp reports whether a herd takes that much of the Ps while it is awake, and those of it wait
// that long until they go on, that it is likely why.
func (r *herdJudge) holdsUp(rep *report.Report, h *herd) bool {
	return h.ns*20 >= h.lasts*int64(max(1, len(rep.Procs))) && h.waits.Quantile(.99) >= slowFrom
}

// describe tells of a herd, in whole ns of P time.
func (r *herdJudge) describe(rep *report.Report, h *herd, whole int64) report.Finding {
	severity := report.SeverityInfo
	switch {
	case h.ns*2 >= whole:
		severity = report.SeverityCritical
	case h.ns*20 >= whole, r.holdsUp(rep, h):
		severity = report.SeverityWarning
	}
	by, at := placeOf(r.places, h.stack), placeOf(r.places, h.waited)
	return report.Finding{
		Severity: severity,
		Title:    fmt.Sprintf("%s wakes up to %s goroutines at once, %s of them for nothing", by, words.Count(h.most), words.ShareOf(h.idle, h.seen)),
		CostNS:   h.ns,
		CostOf:   "P time of goroutines that were woken for nothing, and of finding what to run next",
		What: fmt.Sprintf("%s woke goroutines that waited in %s, %s, up to %s at once. %s of those looked at waited there again after %s at the median, and had done nothing. That took %s of the time of all Ps, %s of it while some were awake. %s",
			by, at, words.Times(h.n), words.Count(h.most), words.ShareOf(h.idle, h.seen), words.Length(h.ran.Quantile(.5)), words.ShareOf(h.ns, whole), words.ShareOf(h.ns, h.lasts*int64(max(1, len(rep.Procs)))), h.wentOn()),
		Why:    "A thundering herd: one of them gets what there is, all have to run to see that nothing is left for them, and whoever is ready to run meanwhile waits behind them.",
		Advice: r.advice(h, by),
		Sure:   "high", SureWhy: "who was woken, by whom, and that they waited again is in the trace; that nothing was there for them is inferred from how little they did",
		Evidence: []report.Evidence{
			{Label: "times that so many were woken at once", Value: words.Count(h.n)},
			{Label: "goroutines woken", Value: words.Count(h.woken)},
			{Label: "waited again, having done nothing", Value: fmt.Sprintf("%s of %s looked at", words.Count(h.idle), words.Count(h.seen))},
		},
		Moments: []report.Moment{r.scene(h.first, h.last, h.by, model.NoP, model.NoM, fmt.Sprintf("G%d woke %s", h.by, words.Plural(h.most, "goroutine")))},
		Stacks:  append(r.stack("where they were woken", h.stack), r.stack("where they waited, and wait again", h.waited)...),
	}
}

// wentOn says how long those waited that went on.
func (h *herd) wentOn() string {
	n := h.waits.N()
	if n == 0 {
		return "None of them went on."
	}
	return fmt.Sprintf("%s went on: for each %s were for nothing, and half of them had waited longer than %s, the longest %s.",
		words.Count(n), words.Plural(h.idle/n, "wake-up"), words.Length(h.waits.Quantile(.5)), words.Length(h.waits.Max()))
}

// advice depends on how they were woken.
func (r *herdJudge) advice(h *herd, by string) string {
	switch frames := r.Names.Stacks[h.stack]; {
	case slices.ContainsFunc(frames, func(f report.Frame) bool { return strings.HasPrefix(f.Func, "sync.(*Cond).Broadcast") }):
		return "Call Signal in place of Broadcast in " + by + " where there is something for one goroutine alone; or hand it over on a channel, which wakes one. Where some need more than others, keep those who wait in a queue, and wake the first once there is enough for it."
	case names.Closes(frames):
		return "Send on the channel that " + by + " closes where there is something for one goroutine alone: that wakes one."
	}
	return "Wake only as many in " + by + " as there is something for."
}
