package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"gmptrace/analyze/internal/waits"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkAbandoned looks for work that goes on though nobody waits for it any more: a
// goroutine starts another one, waits on a channel or in a select for what that does, and
// gives up, as a timer or its context says; and what it had started goes on.
//
// What counts as given up: the wait began within 10 ms of the start, no goroutine ended it
// but one that cancelled a context, and the one that waited neither waits at that line again
// while the other goes on, as who starts something at every tick does, nor is let go on by it. The other goes on for 1 ms at least, and is no
// goroutine that the standard library started for itself, as for a connection.
//
// Threshold: eight such waits at one line. A warning where those that went on ran for a
// twentieth of the time of all Ps, or one of them was there at any time, on average: the
// slower the program is, the more of them there are.
//
// False positives: a goroutine that is started to go on by itself, whose starter then waits
// for a timer at once, eight times.
//
// Always decided: who starts whom and who ends a wait is in every trace.
var checkAbandoned = Check{ID: "abandoned", Costs: costsNothing, Title: "Work that goes on when nobody waits for it any more", Fails: report.SeverityWarning, Begin: func(s *replay.Session) Judge {
	return (&abandonedJudge{bench: bench{s}, work: replay.Shared(s, newAbandoned)}).decide
}}

const (
	abandonedSome  = 8          // waits given up at one line
	abandonedAfter = 10_000_000 // ns: a wait for what was started begins within so long
	abandonedLong  = 1_000_000  // ns: who ends sooner had got the message
	abandonedCPU   = 20         // part of the time of all Ps: a twentieth
)

type abandonedJudge struct {
	bench
	work *abandoned
}

func (r *abandonedJudge) decide(rep *report.Report) Judgement {
	r.work.finish()
	var worst *gaveUp
	var n int64
	for _, x := range r.work.byStack {
		if x != nil {
			n += x.went.N()
			if worst == nil || x.went.Sum() > worst.went.Sum() {
				worst = x
			}
		}
	}
	j := Judgement{Measured: words.Plural(n, "goroutine") + " went on for more than " + words.Length(abandonedLong) + " when nobody waited for them any more"}
	if worst != nil && worst.went.N() >= abandonedSome {
		j.Findings = []report.Finding{r.describe(worst, report.Analysed(rep), len(rep.Procs))}
	}
	return j
}

func (r *abandonedJudge) describe(x *gaveUp, span int64, ps int) report.Finding {
	severity := report.SeverityInfo
	if x.ran*abandonedCPU >= span*int64(ps) || x.went.Sum() >= span {
		severity = report.SeverityWarning
	}
	places := r.Names.Places()
	in, who := placeOf(places, x.stack), placeOf(places, x.mostly())
	ended := "a timer"
	if x.byContext*2 > x.went.N() {
		ended = "its context"
	}
	f := report.Finding{
		Severity: severity,
		Title:    fmt.Sprintf("%s gave up waiting %s, and what it had started went on for up to %s: %s", in, words.Times(x.went.N()), words.Length(x.went.Max()), who),
		CostNS:   x.went.Sum(),
		CostOf:   "goroutine time for which nobody waited any more",
		What: fmt.Sprintf("%s starts %s and waits for it, until %s ends the wait. %s went on after that, half of them for more than %s, and ran for %s.",
			in, who, ended, words.Plural(x.went.N(), "goroutine"), words.Length(x.went.Quantile(.5)), words.Length(x.ran)),
		Why:    "Who gives up does not stop what was started: that goes on to use CPU, connections and locks for an answer that nobody takes, and there is the more of it the slower all is.",
		Advice: fmt.Sprintf("Hand the context that ends the wait on to %s, and let all that waits or loops there end with it; have a channel for its answer that has room for one.", who),
		Sure:   "medium", SureWhy: "who was started, that no goroutine ended the wait and for how long the other went on is in the trace; that the one waited for the other is inferred",
		Evidence: []report.Evidence{
			{Label: "went on when nobody waited any more", Value: words.Count(x.went.N())},
			{Label: "of those waits, ended by a context", Value: words.Count(x.byContext)},
			{Label: "went on still when the trace ended", Value: words.Count(x.open)},
			{Label: "for how long, median", Value: words.Length(x.went.Quantile(.5))},
			{Label: "ran meanwhile, all together", Value: words.Length(x.ran)},
		},
		Stacks: append(r.stack("where it gave up", x.stack), r.stack("where what went on was", x.mostly())...),
	}
	for _, w := range x.worst.Best() {
		f.Moments = append(f.Moments, r.scene(w.start, w.end, w.g, model.NoP, model.NoM,
			fmt.Sprintf("%s went on for %s after G%d had given up", words.Goroutine(int64(w.g), r.runs(w.fn)), words.Length(int64(w.end-w.start)), w.by)))
	}
	return f
}

// abandoned answers: which goroutines went on after who had started them gave up waiting
// for them?
type abandoned struct {
	names    *names.Table
	starters *waits.Starters
	cancels  names.Flags // of stacks: cancels a context
	kids     []kids      // by a hash of the goroutine that has started them; nil before the first
	byStack  []*gaveUp   // that was waited with
}

// kids are the goroutines that one has started last.
type kids struct {
	by   model.GoID
	last [kidsKept]kid
	n    int
}

// kidsKept is how many are remembered of one.
const kidsKept = 4

// kid is one of them.
type kid struct {
	g     model.GoID
	alone bool       // who started it has given up waiting
	stack uint32     // there
	at    model.Time // then
	ran   int64      // by then; once it is over, since
	limit bool       // a context ended the wait
	end   model.Time // when it was over; 0 before
	open  bool       // that was the trace's end
	fn    uint32     // stack that it started with, once it is over
	busy  uint32     // where it was, likewise
}

// gaveUp are waits at one place that ended before what was started for them did.
type gaveUp struct {
	stack     uint32
	went      stat.Sketch // ns for which goroutines went on after that
	ran       int64       // of those
	byContext int64       // waits that a context ended
	open      int64       // went on when the trace ended
	by        map[uint32]int64
	worst     *stat.TopK[queued]
}

func newAbandoned(s *replay.Session) *abandoned {
	w := &abandoned{names: s.Names, starters: replay.Shared(s, waits.NewStarters)}
	w.starters.Each(w.did)
	return w
}

// did takes in a stretch of a goroutine, and what is known of that.
func (w *abandoned) did(iv *model.GInterval, s *waits.Started) {
	if s != nil && iv.First && names.Ours(w.names.StartFunc(s.Func)) {
		w.born(s)
	}
	if iv.State == model.GWaiting && (iv.Reason == model.ReasonSelect || iv.Reason == model.ReasonChanRecv) {
		w.waited(iv)
	}
	if s != nil && (iv.Exit || iv.Open&model.OpenEnd != 0) {
		w.over(s, iv)
	}
}

// of are those that a goroutine has started, nil where none are remembered.
func (w *abandoned) of(g model.GoID) *kids {
	if w.kids == nil {
		return nil
	}
	if k := &w.kids[uint64(g)%parentSlots]; k.by == g {
		return k
	}
	return nil
}

// kid is what is remembered of one of them, nil for nothing.
func (k *kids) kid(g model.GoID) *kid {
	for i := range k.last {
		if k.last[i].g == g {
			return &k.last[i]
		}
	}
	return nil
}

func (w *abandoned) born(s *waits.Started) {
	if w.kids == nil {
		w.kids = make([]kids, parentSlots)
	}
	k := &w.kids[uint64(s.By)%parentSlots]
	if k.by != s.By {
		w.forget(k)
		*k = kids{by: s.By}
	}
	x := &k.last[k.n%kidsKept]
	w.wentOn(x, s.By)
	*x = kid{g: s.G}
	k.n++
}

// forget counts those of a goroutine that went on.
func (w *abandoned) forget(k *kids) {
	for i := range k.last {
		w.wentOn(&k.last[i], k.by)
	}
}

// finish counts those of all.
func (w *abandoned) finish() {
	for i := range w.kids {
		w.forget(&w.kids[i])
	}
}

// waited takes in a wait of a goroutine that may have started some.
func (w *abandoned) waited(iv *model.GInterval) {
	k := w.of(iv.G)
	if k == nil || iv.Stack == 0 {
		return
	}
	for i := range k.last {
		switch x := &k.last[i]; {
		case x.alone && x.stack == iv.Stack && (x.end == 0 || iv.Start < x.end): // it had not given up, but looks again and again
			*x = kid{}
		case x.end != 0:
			w.wentOn(x, iv.G)
		}
	}
	limit := iv.By != model.NoG && w.cancels.Of(w.names, iv.ByStack, cancelling)
	switch {
	case iv.Open&model.OpenEnd != 0:
	case iv.By == model.NoG || limit:
		for i := range k.last {
			x := &k.last[i]
			if s := w.starters.Of(x.g); s != nil && !x.alone && s.Born >= iv.Start-abandonedAfter && s.Born < iv.End {
				*x = kid{g: x.g, alone: true, stack: iv.Stack, at: iv.End, ran: s.Ran(iv.End), limit: limit}
			}
		}
	default:
		if x := k.kid(iv.By); x != nil { // it has got what it had waited for
			*x = kid{}
		}
	}
}

// over takes in that a goroutine ends, or the trace does.
func (w *abandoned) over(s *waits.Started, iv *model.GInterval) {
	k := w.of(s.By)
	if k == nil {
		return
	}
	x := k.kid(s.G)
	if x == nil {
		return
	}
	if !x.alone || int64(iv.End-x.at) < abandonedLong {
		*x = kid{}
		return
	}
	x.end, x.ran, x.open = iv.End, s.Ran(iv.End)-x.ran, iv.Open&model.OpenEnd != 0
	x.fn, x.busy = s.Func, cmp.Or(s.Busy, s.Func)
}

// wentOn counts a goroutine that went on until it was over, if it did: who had started it has
// not looked again meanwhile.
func (w *abandoned) wentOn(x *kid, by model.GoID) {
	if x.end == 0 {
		return
	}
	for int(x.stack) >= len(w.byStack) {
		w.byStack = append(w.byStack, nil)
	}
	up := w.byStack[x.stack]
	if up == nil {
		up = &gaveUp{stack: x.stack, by: map[uint32]int64{}, worst: stat.NewTopK[queued](report.MaxMoments)}
		w.byStack[x.stack] = up
	}
	ns := int64(x.end - x.at)
	up.went.Add(ns)
	up.ran += x.ran
	up.by[x.busy] += ns
	if x.limit {
		up.byContext++
	}
	if x.open {
		up.open++
	}
	if up.worst.Admits(ns) {
		up.worst.Offer(ns, queued{start: x.at, end: x.end, g: x.g, by: by, fn: x.fn})
	}
	*x = kid{}
}

// mostly is where those were that went on for longest, all together.
func (x *gaveUp) mostly() uint32 {
	return slices.SortedFunc(maps.Keys(x.by), func(a, b uint32) int { return cmp.Or(cmp.Compare(x.by[b], x.by[a]), cmp.Compare(a, b)) })[0]
}
