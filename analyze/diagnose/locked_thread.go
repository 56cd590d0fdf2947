package diagnose

import (
	"fmt"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkLockedThread measures what goroutines that are locked to their thread
// (runtime.LockOSThread) cost: whenever one stops, its thread must give its P
// away, and whenever it is to run again, the P must be brought back to it. Both
// wake a thread.
//
// Threshold: a hundred such handoffs, and a thousand a second, is worth knowing:
// at some ten microseconds each that is a per cent of a CPU. Or, and a warning, if these
// goroutines, and those whom they made ready, waited for a P for 5 ms in all, a
// hundredth of the trace, and a tenth of the milliseconds in which two handoffs fell or
// more; critical never: it slows one goroutine and who talks to it.
//
// False positives: a goroutine counts as locked if it runs on one thread that
// runs nothing else and is handed to it; a goroutine that for a while happens to
// do so counts as well.
//
// Always decided: on which threads a goroutine ran is in every trace, who is locked
// in none.
var checkLockedThread = Check{ID: "locked-thread", Costs: costsCalls, Title: "Handoffs to and from locked threads", Fails: report.SeverityWarning, Begin: func(s *replay.Session) Judge {
	return (&lockedThreadJudge{bench: bench{s}, locked: replay.Shared(s, newLockedGs)}).decide
}}

const (
	handoffsSome  = 100       // handoffs: fewer are nothing
	handoffsOften = 1000      // handoffs a second
	lockedSlow    = 5_000_000 // ns that goroutines waited for a P, in all

	lockedTick  = model.Time(1_000_000) // ns
	lockedOften = 2                     // handoffs in a tick: two thousand a second
)

type lockedThreadJudge struct {
	bench
	locked *lockedGs
}

func (r *lockedThreadJudge) decide(rep *report.Report) Judgement {
	l, span := r.locked, report.Analysed(rep)
	j := Judgement{Measured: fmt.Sprintf("%s of Ps by threads with a locked goroutine; these goroutines waited %s for a P", words.Plural(l.n, "handoff"), words.Length(l.waits.Sum()))}
	slow := l.slow(span)
	if l.n < handoffsSome || l.n*1_000_000_000 < handoffsOften*span && !slow {
		return j
	}
	f := r.describe(span)
	if slow {
		f.Severity = report.SeverityWarning
	}
	j.Findings = []report.Finding{f}
	return j
}

func (r *lockedThreadJudge) describe(span int64) report.Finding {
	l := r.locked
	return report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("Goroutines locked to their thread gave their P away %s times%s", words.Count(l.n), r.mostly()),
		CostNS:   l.cost(),
		CostOf:   "goroutine time that these, and those whom they made ready, were runnable",
		What: fmt.Sprintf("%s times a second a thread with a locked goroutine gave its P away, so that each message to it costs a switch of threads; these goroutines waited %s to run, %s at the median and %s at the longest.",
			words.Count(l.n*1_000_000_000/max(1, span)), words.Times(l.waits.N()), words.Length(l.waits.Quantile(.5)), words.Length(l.waits.Max())),
		Why:    "A goroutine that called runtime.LockOSThread can run on its own thread only, and that thread runs no other. Each time it blocks and goes on, two threads have to be woken instead of none.",
		Advice: "Keep such a goroutine to what needs the thread, and let it do more per message; remove LockOSThread where nothing needs it.",
		Sure:   "high", SureWhy: "the trace does not say who is locked: it shows threads that run one goroutine and give their P away when it stops",
		Evidence: []report.Evidence{
			{Label: "handoffs", Value: words.Count(l.n)},
			{Label: "median wait from ready to running", Value: words.Length(l.waits.Quantile(.5))},
			{Label: "99th percentile", Value: words.P99(l.waits.N(), words.Length(l.waits.Quantile(.99)))},
			{Label: "longest", Value: words.Length(l.waits.Max())},
			{Label: "those whom they made ready waited", Value: words.Length(l.others.Sum())},
			{Label: "time with such handoffs two thousand times a second", Value: words.Length(l.busy * int64(lockedTick))},
		},
		Moments: r.scenes(),
	}
}

// mostly names what those goroutines run, where it is mostly one thing that waited.
func (r *lockedThreadJudge) mostly() string {
	fn, n, all := "", int64(0), int64(0)
	for stack, k := range r.locked.started {
		all += k
		if k > n || k == n && r.runs(stack) < fn {
			fn, n = r.runs(stack), k
		}
	}
	if fn == "" || n*2 < all {
		return ""
	}
	return ", mostly " + words.Function(fn)
}

// scenes are the longest waits.
func (r *lockedThreadJudge) scenes() []report.Moment {
	var out []report.Moment
	for _, x := range r.locked.worst.Best() {
		out = append(out, r.scene(x.Start, x.End, x.G, model.NoP, model.NoM,
			fmt.Sprintf("%s waited %s to run", words.Goroutine(int64(x.G), r.runs(x.Func)), words.Length(int64(x.End-x.Start)))))
	}
	return out
}

// lockedGs answers: what do goroutines that are locked to their thread cost?
type lockedGs struct {
	n     int64
	gs    [256]model.GoID // those whose next wait counts, by id modulo: they are few; 0 is none
	open  int             // of gs
	waits stat.Sketch

	started map[uint32]int64 // waits by the stack that a goroutine started with

	// The other way: those whom a locked goroutine makes ready need another thread.
	known  [256]model.GoID // goroutines whose thread gave its P away, by id modulo
	others stat.Sketch

	tick  model.Time // under way, with in handoffs so far
	in    int64
	busy  int64 // ticks with lockedOften handoffs or more
	worst *stat.TopK[model.GInterval]
}

func newLockedGs(*replay.Session) *lockedGs {
	return &lockedGs{started: map[uint32]int64{}, worst: stat.NewTopK[model.GInterval](report.MaxMoments)}
}

func (l *lockedGs) Watch(f *model.Facts) {
	if len(f.Handoffs) > 0 || l.n > 0 {
		l.readied(f)
	}
	if len(f.Handoffs) > 0 || l.open > 0 {
		l.waited(f)
	}
}

// readied looks at whom locked goroutines made ready: a handoff says of the
// dispatches after it that its goroutine is one.
func (l *lockedGs) readied(f *model.Facts) {
	hs := f.Handoffs
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		for ; len(hs) > 0 && hs[0].Time < d.Time; hs = hs[1:] {
			l.handed(&hs[0])
		}
		if l.is(d.By) && !l.is(d.G) && !d.Runtime {
			l.others.Add(int64(d.Time - d.Ready))
		}
	}
	for i := range hs {
		l.handed(&hs[i])
	}
}

// waited looks at the waits of locked goroutines that come after a handoff.
func (l *lockedGs) waited(f *model.Facts) {
	hs := f.Handoffs
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.State != model.GRunnable || iv.Runtime {
			continue
		}
		for ; len(hs) > 0 && hs[0].Time < iv.End; hs = hs[1:] {
			l.awaits(&hs[0])
		}
		l.runs(iv)
	}
	for i := range hs {
		l.awaits(&hs[i])
	}
}

// runs counts a wait for a P, if it is one that counts.
func (l *lockedGs) runs(iv *model.GInterval) {
	g := l.waiting(iv.G)
	if *g != iv.G {
		return
	}
	*g = 0
	l.open--
	d := int64(iv.End - iv.Start)
	l.waits.Add(d)
	l.started[iv.Func]++
	if l.worst.Admits(d) {
		l.worst.Offer(d, *iv)
	}
}

// is reports whether g is known to be locked.
func (l *lockedGs) is(g model.GoID) bool {
	return g > 0 && l.known[uint64(g)%uint64(len(l.known))] == g
}

// handed notes that a locked goroutine's thread gave its P away.
func (l *lockedGs) handed(x *model.Handoff) {
	if x.Cause != model.HandoffLockedM || x.G <= 0 {
		return
	}
	l.n++
	if t := x.Time / lockedTick; t != l.tick {
		l.tick, l.in = t, 0
	}
	if l.in++; l.in == lockedOften {
		l.busy++
	}
	l.known[uint64(x.G)%uint64(len(l.known))] = x.G
}

// awaits notes that the goroutine's next wait for a P counts.
func (l *lockedGs) awaits(x *model.Handoff) {
	if x.Cause != model.HandoffLockedM || x.G <= 0 {
		return
	}
	g := l.waiting(x.G)
	if *g == 0 {
		l.open++
	}
	*g = x.G
}

// waiting is where a goroutine is noted whose next wait counts.
func (l *lockedGs) waiting(g model.GoID) *model.GoID { return &l.gs[uint64(g)%uint64(len(l.gs))] }

// cost is how long locked goroutines waited for a P, and those whom they made ready, in ns.
func (l *lockedGs) cost() int64 { return l.waits.Sum() + l.others.Sum() }

// slow reports whether they waited for long, for the time in which handoffs came often.
func (l *lockedGs) slow(span int64) bool {
	return l.cost() >= lockedSlow && l.cost()*100 >= span && l.cost()*10 >= l.busy*int64(lockedTick)
}
