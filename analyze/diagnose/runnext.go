package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkRunnext measures how long goroutines stood in a P's ring, or in the global
// queue until that P took them from it, while others readied one another on the P:
// each is put into runnext, which goes before both queues, inherits the time slice,
// and brings the global queue's turn no nearer (golang.org/issue/52934).
//
// Threshold: a chain counts from ten dispatches out of runnext in a row, only the
// runtime's goroutines between them, each within a millisecond of the one before,
// over a millisecond. It is worth a finding if somebody stood
// behind chains for 5 ms, half a time slice; a warning from 10 ms, critical from
// 100 ms, like any wait.
//
// False positives: the goroutines of the chain would have been as long if they
// had come from the ring: then the wait is the same for all, in another order.
// While a trace is taken, chains may last for longer than else: the tracer's own
// goroutine runs every few milliseconds, and each time a new time slice begins.
// Queues whose order the rules do not explain, as with -race, cannot be judged.
var checkRunnext = Check{ID: "runnext", Costs: costsOthers, Title: "Goroutines that ready each other past a P's queue", Fails: report.SeverityWarning, Begin: func(s *replay.Session) Judge {
	return (&runnextJudge{bench: bench{s}, chains: replay.Shared(s, newChains)}).decide
}}

const (
	chainWait   = 5_000_000 // ns behind chains that are worth a finding
	chainCount  = 10        // dispatches that make a chain
	chainLength = 1_000_000 // ns
	chainStep   = 1_000_000 // ns: who runs for longer takes part in no chain, it keeps the P by itself
)

type runnextJudge struct {
	bench
	chains *chains
}

func (r *runnextJudge) decide(rep *report.Report) Judgement {
	c := r.chains
	c.finish()
	j := Judgement{Measured: fmt.Sprintf("%s of goroutines that readied each other, longest %s; waits behind them up to %s", words.Plural(c.n, "chain"), words.Length(c.longest), words.Length(c.waits.Max()))}
	switch {
	case c.waits.Max() < chainWait:
	case unknownQueues(&rep.Trace) != "":
		j.Undecided = unknownQueues(&rep.Trace)
	default:
		j.Explains = Explained{"starvation": c.starved, "overload": c.starved, "global-queue": c.global}
		j.Findings = []report.Finding{r.describe()}
	}
	return j
}

// unknownQueues says why it is not known what stood in runnext; "" where it is.
func unknownQueues(t *report.Trace) string {
	switch {
	case t.Race:
		return "the program was built with -race, which shuffles the run queues: what stood in runnext is not known"
	case t.Unexplained:
		return "the order of the run queues is not explained by the rules: what stood in runnext is not known"
	}
	return ""
}

func (r *runnextJudge) describe() report.Finding {
	c := r.chains
	f := report.Finding{
		Severity: graded(c.waits.Max()),
		Title:    fmt.Sprintf("Goroutines that ready each other kept others waiting for %s", words.Length(c.waits.Max())),
		CostNS:   c.waits.Sum(),
		CostOf:   "goroutine time spent in queues behind such chains",
		Why:      "A goroutine that is readied by the one that runs goes before all that stand in the P's queue, and uses up the same time slice. Two that keep readying each other so keep the P until the slice of 10 ms ends, and begin again soon after.",
		Advice:   "Hand over in larger pieces, so that the two switch less often (a buffered channel, a batch), or let them pass through runtime.Gosched now and then; more Ps let the others be stolen.",
		Sure:     "high", SureWhy: "the order in which goroutines ran is in the trace, in which queue they stood is inferred from it; tracing itself lets such chains last longer, as the tracer's goroutine begins a new time slice whenever it runs",
		Evidence: []report.Evidence{
			{Label: "longest wait behind chains", Value: words.Length(c.waits.Max())},
			{Label: "dispatches that stood behind one", Value: words.Count(c.waits.N())},
			{Label: "longest chain", Value: words.Length(c.longest)},
			{Label: "chains", Value: words.Count(c.n)},
		},
	}
	for i, x := range c.worst.Best() {
		text := r.text(&x)
		if i == 0 {
			f.What = text + ", the longest such time. Others stood in that P's queue or the global one meanwhile."
			r.tellLaunched(&f, &x)
		}
		f.Moments = append(f.Moments, r.scene(x.start, x.end, x.a, x.p, model.NoM, text))
	}
	return f
}

// tellLaunched says so where each goroutine started the next one.
func (r *runnextJudge) tellLaunched(f *report.Finding, x *chain) {
	if !x.launched() {
		return
	}
	name := words.Function(r.runs(x.aFn))
	if p := r.Names.Places().Of(x.aFn); p != nil {
		name = placeName(&p.At)
	}
	f.Title = fmt.Sprintf("Goroutines of %s, each of which starts the next, kept others waiting for %s", name, words.Length(r.chains.waits.Max()))
	f.Why = "A goroutine that is started by the one that runs goes before all that stand in the P's queue, and inherits the rest of its time slice: what stands in the queues hardly gets a turn."
	f.Advice = names.LoopInstead(name)
}

// text says who readied each other.
func (r *runnextJudge) text(x *chain) string {
	who := fmt.Sprintf("%s and %s", words.Goroutine(int64(x.a), r.runs(x.aFn)), words.Goroutine(int64(x.b), r.runs(x.bFn)))
	if x.more {
		who += " and others"
	}
	did := "readied"
	if x.launched() {
		did = "started"
	}
	return fmt.Sprintf("%s %s each other %s in %s on P%d", who, did, words.Times(x.count), words.Length(int64(x.end-x.start)), x.p)
}

// chains answers: where did goroutines that ready each other run past a queue?
type chains struct {
	stood   *replay.Stood
	procs   []chainsOfP
	n       int64
	longest int64
	waits   stat.Sketch // behind chains
	starved int64       // of them: parts of waits longer than measure.StarvedAfter
	global  int64       // of them: in the global queue
	worst   *stat.TopK[chain]
	newest  model.GoID // that has run
	onlyP   bool       // GOMAXPROCS is 1
}

// chain is a row of dispatches from runnext.
type chain struct {
	start, end model.Time
	count      int64
	p          model.ProcID
	a, b       model.GoID // the first two
	aFn, bFn   uint32
	more       bool // there were others
	last       model.GoID
	younger    int64 // dispatches of goroutines that had just begun, and later than the one before
}

// chainsOfP is the chains on one P.
type chainsOfP struct {
	now  chain
	past *past // kind 0: in a chain; nil before the first
}

func newChains(s *replay.Session) *chains {
	return &chains{stood: replay.Shared(s, replay.NewStood), worst: stat.NewTopK[chain](report.MaxMoments)}
}

func (c *chains) Watch(f *model.Facts) {
	for i := range c.stood.Events {
		if ev := &c.stood.Events[i]; ev.Op == model.OpGOMAXPROCS {
			c.onlyP = ev.Arg == 1
		}
	}
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		for int(d.P) >= len(c.procs) {
			c.procs = append(c.procs, chainsOfP{})
		}
		c.newest = max(c.newest, d.G)
		switch p := &c.procs[d.P]; {
		case d.Runtime:
		case d.Source == model.SourceRunnext:
			c.goOn(p, d)
		default:
			c.end(p)
			c.waited(p, d)
		}
	}
	for _, i := range c.stood.Edges {
		if iv := &f.Gs[i]; iv.Open&model.OpenEnd != 0 && iv.State == model.GRunnable && !iv.Runtime {
			c.neverRan(iv)
		}
	}
}

// neverRan takes in a wait that the trace's end cut off.
func (c *chains) neverRan(iv *model.GInterval) {
	on := iv.P
	if on == model.NoP && c.onlyP {
		on = 0
	}
	if on == model.NoP || int(on) >= len(c.procs) || iv.End-iv.Start < chainLength {
		return
	}
	c.behind(&c.procs[on], &model.Dispatch{Ready: iv.Start, Time: iv.End, WaitedOn: iv.P})
}

// goOn takes in a dispatch from runnext.
func (c *chains) goOn(p *chainsOfP, d *model.Dispatch) {
	if p.now.count > 0 && d.Time-p.now.end > chainStep {
		c.end(p)
	}
	p.now.grow(d, c.newest)
}

// waited takes in a dispatch from a queue, which that P took it from.
func (c *chains) waited(p *chainsOfP, d *model.Dispatch) {
	switch on := d.WaitedOn; {
	case d.Time-d.Ready < chainLength:
	case on == model.NoP:
		c.behind(p, d)
	case int(on) < len(c.procs):
		c.behind(&c.procs[on], d)
	}
}

// grow makes a dispatch the last of the row.
func (x *chain) grow(d *model.Dispatch, newest model.GoID) {
	if x.count == 0 {
		*x = chain{start: d.Time, p: d.P, a: d.G, b: model.NoG, aFn: d.Func}
	}
	if d.G > x.last && newest-d.G < goidBatch {
		x.younger++
	}
	x.end, x.last = d.Time, d.G
	x.count++
	switch {
	case d.G == x.a || d.G == x.b:
	case x.b == model.NoG:
		x.b, x.bFn = d.G, d.Func
	default:
		x.more = true
	}
}

// goidBatch is how far numbers of goroutines that begin at the same time lie apart: each P
// takes sixteen at once.
const goidBatch = 64

// launched reports whether each was started by the one before, as goroutines get their
// numbers in order: those that have run before and hand something over may come in order too.
func (x *chain) launched() bool { return x.younger*10 >= x.count*9 }

// counts reports whether the row is long enough, and of two goroutines or more.
func (x *chain) counts() bool {
	return x.count >= chainCount && x.end-x.start >= chainLength && x.b != model.NoG
}

// end ends the row under way, if there is one.
func (c *chains) end(p *chainsOfP) {
	x := p.now
	p.now.count = 0
	if !x.counts() {
		return
	}
	d := int64(x.end - x.start)
	c.n++
	c.longest = max(c.longest, d)
	c.worst.Offer(d, x)
	if p.past == nil {
		p.past = &past{grain: pastFine}
	}
	p.past.add(p.past.last, x.start, 1)
	p.past.add(x.start, x.end, 0)
}

// finish ends the rows that are under way at the trace's end.
func (c *chains) finish() {
	for i := range c.procs {
		c.end(&c.procs[i])
	}
}

// behind adds the part of a wait that passed behind chains of the P that it was
// for.
func (c *chains) behind(p *chainsOfP, d *model.Dispatch) {
	var ns int64
	if p.past != nil {
		in, _ := p.past.between(d.Ready, d.Time)
		ns = in[0]
	}
	if x := &p.now; x.counts() {
		ns += max(0, int64(min(x.end, d.Time)-max(x.start, d.Ready)))
	}
	if ns == 0 {
		return
	}
	c.waits.Add(ns)
	if d.Time-d.Ready > measure.StarvedAfter {
		c.starved += ns
	}
	if d.WaitedOn == model.NoP {
		c.global += ns
	}
}
