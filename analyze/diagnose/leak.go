package diagnose

import (
	"fmt"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkLeak measures whether goroutines that started with the same function get
// more and more, and stay blocked.
//
// Threshold: 20 more at the end than at the beginning, a warning from 100; their
// number never fell from one eighth of the trace to the next and rose in at least
// six; nine tenths of the growth is blocked at the end, half of it for longer than an
// eighth of the trace. And at most a tenth of those that began ended; or 20 did, and
// most of those that stay are blocked where none else was for a tenth as long and went
// on: then it is a warning from 20.
//
// False positives: a program whose load grows all through the trace, with a
// goroutine for each connection; where they wait for the network, it is
// information only. A trace of less than a second is too short to tell growth
// from work in progress, unless others of the same function come to their end.
var checkLeak = Check{ID: "leak", Costs: costsEnds, Title: "Goroutines that get more and never end", Fails: report.SeverityWarning, Begin: func(s *replay.Session) Judge {
	return (&leakJudge{bench: bench{s}, leaks: replay.Shared(s, newLeaks)}).decide
}}

const (
	leakSize    = 20            // more at the end than at the beginning
	leakWarning = 100           // more
	leakTrace   = 1_000_000_000 // ns: a shorter trace does not tell growth from work in progress
	leakParts   = 8             // of the trace, in which their number is compared
	leakRises   = leakParts - 2 // parts in which it must have risen
	leakTimes   = 10            // as long blocked as anybody who went on
	leakSamples = 64            // kept, at equal distances
	leakTick    = 1_000_000     // ns: the first distance; it doubles as the trace grows
)

type leakJudge struct {
	bench
	leaks *leaks
}

func (r *leakJudge) decide(rep *report.Report) Judgement {
	r.leaks.finish()
	g := r.grown(report.Analysed(rep))
	j := Judgement{Measured: fmt.Sprintf("one function's goroutines grew by %s at most", words.Count(g.most))}
	switch {
	case g.worst != nil:
		j.Findings = []report.Finding{r.describe(rep, g.worst, g.worst.place())}
	case g.open >= leakSize:
		j.Undecided = fmt.Sprintf("%s is too short to tell goroutines that stay from work in progress: record %s or more", words.Length(report.Analysed(rep)), words.Length(leakTrace))
	}
	return j
}

// grown is what the numbers of the program's goroutines grew by.
type grown struct {
	most  int64   // of one function
	open  int64   // of one function of which can't be told whether they stay
	worst *growth // that leaks; nil if none does
}

// grown looks at all functions, in span ns of trace.
func (r *leakJudge) grown(span int64) (x grown) {
	for _, g := range r.leaks.byFunc {
		if g == nil || names.IsRuntime(r.Names.Funcs[g.fn]) {
			continue
		}
		x.most = max(x.most, g.live)
		switch {
		case span < leakTrace && !g.forever(r.leaks, g.place()):
			x.open = max(x.open, g.live)
		case g.stays(r.leaks) && (x.worst == nil || g.live > x.worst.live):
			x.worst = g
		}
	}
	return x
}

// describe is the finding of goroutines of which most are stuck there.
func (r *leakJudge) describe(rep *report.Report, g *growth, stuck *stuckAt) report.Finding {
	name, span := words.Function(r.Names.Funcs[g.fn]), report.Analysed(rep)
	f := report.Finding{
		Severity: r.severity(g, stuck),
		Title:    fmt.Sprintf("Goroutines %s grew by %s and stay blocked", r.standIn(stuck, name), words.Count(g.live)),
		CostOf:   "not a cost in time",
		What: fmt.Sprintf("In %s %s goroutines began in %s and %s ended; their number rose all the time. %s were blocked at the end, %s of them for more than %s.",
			words.Length(span), words.Count(g.born), name, words.Count(g.ended), words.Count(g.blocked), words.Count(g.stuck), words.Length(span/leakParts)),
		Why:    fmt.Sprintf("They are %s, and nothing woke them. Mostly that means that whoever starts them does not make sure that they end.", blockedOn(stuck.reason.String())),
		Advice: "Look at the stack: who should send, receive, close or unlock there? Give it a context that ends, or a channel with room for the one value.",
		Sure:   "medium", SureWhy: "the goroutines are in the trace; whether something would wake them after its end is not",
		Evidence: []report.Evidence{
			{Label: "began", Value: words.Count(g.born)},
			{Label: "ended", Value: words.Count(g.ended)},
			{Label: "blocked at the end", Value: words.Count(g.blocked)},
			{Label: "number by eighths of the trace, from its beginning", Value: fmt.Sprint(r.leaks.curve(g))},
		},
		Moments: []report.Moment{r.scene(stuck.since[0], r.End, stuck.g, model.NoP, model.NoM,
			fmt.Sprintf("%s blocked since %s", words.Goroutine(int64(stuck.g), r.Names.Funcs[g.fn]), words.At(r.Offset(stuck.since[0]))))},
		Stacks: r.stack("where they are blocked", stuck.stack),
	}
	if g.forever(r.leaks, stuck) {
		f.Why = fmt.Sprintf("They are %s, where nobody else of the program was for a tenth as long and went on. Mostly that means that whoever starts them does not make sure that they end: it gave up waiting, or returned.", blockedOn(stuck.reason.String()))
		f.Sure = "high"
	}
	return f
}

// standIn is where goroutines stand that are stuck there: what starts them is often not the
// program's own, such as a server.
func (r *leakJudge) standIn(stuck *stuckAt, started string) string {
	if p := r.Names.Places().Of(stuck.stack); p != nil && p.Own {
		return "in " + placeName(&p.At)
	}
	return "of " + started
}

// severity is information where they wait for the network: load may have grown.
func (r *leakJudge) severity(g *growth, stuck *stuckAt) report.Severity {
	if stuck.reason != model.ReasonNetwork && (g.live >= leakWarning || g.forever(r.leaks, stuck)) {
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

// leaks answers: of which goroutines are there more and more? It samples their
// number, by the function that they started with, at a fixed number of times.
type leaks struct {
	stood  *replay.Stood
	names  *names.Table
	window *replay.Window
	from   model.Time // of what was analysed; set by the first facts
	step   model.Time // 0 before
	n      int
	byFunc []*growth // by names' function index
	endAt  model.Time
	now    model.Time

	// By the stack that it parked with, the longest wait of the program's goroutines
	// that ended; 0 if none did.
	returned []int64
}

// growth is how the number of goroutines of one function changed.
type growth struct {
	fn          uint32
	born, ended int64
	live        int64 // born less ended
	samples     [leakSamples]int32

	// Of those there at the end that began in the trace.
	blocked int64
	stuck   int64               // for longer than an eighth of the trace
	places  map[uint32]*stuckAt // by the stack that they parked with
}

// stuckAt are goroutines of one function that are blocked at one place at the end.
type stuckAt struct {
	stack  uint32
	reason model.Reason
	since  []model.Time
	g      model.GoID // blocked for longest
}

func newLeaks(s *replay.Session) *leaks {
	return &leaks{names: s.Names, stood: replay.Shared(s, replay.NewStood), window: s.Window}
}

func (l *leaks) Watch(f *model.Facts) {
	if l.step == 0 {
		l.step, l.from = leakTick, l.window.From
	}
	for _, i := range l.stood.At {
		if iv := &f.Gs[i]; iv.State == model.GWaiting && iv.Open&model.OpenEnd == 0 && !iv.Runtime {
			l.ended(iv)
		}
	}
	for _, i := range l.stood.Edges {
		if iv := &f.Gs[i]; iv.First || iv.Exit || iv.Open&model.OpenEnd != 0 {
			l.sampleUntil(iv.End)
			l.change(iv)
		}
	}
	l.now = min(f.Now, l.window.To)
}

// ended notes that a goroutine went on.
func (l *leaks) ended(iv *model.GInterval) {
	for int(iv.Stack) >= len(l.returned) {
		l.returned = append(l.returned, 0)
	}
	l.returned[iv.Stack] = max(l.returned[iv.Stack], int64(iv.End-iv.Start), 1)
}

// finish takes the samples that no goroutine's stretch came after.
func (l *leaks) finish() { l.sampleUntil(l.now) }

// sampleUntil takes the samples that are due.
func (l *leaks) sampleUntil(now model.Time) {
	for l.from+l.step*model.Time(l.n+1) <= now {
		l.sample()
	}
}

// sample notes how many there are now; where there is no room, every other one is
// dropped, and they are taken half as often.
func (l *leaks) sample() {
	if l.n == leakSamples {
		l.thin()
		return
	}
	for _, g := range l.byFunc {
		if g != nil {
			g.samples[l.n] = int32(g.live)
		}
	}
	l.n++
}

// thin drops every other sample.
func (l *leaks) thin() {
	for _, g := range l.byFunc {
		if g == nil {
			continue
		}
		for i := range leakSamples / 2 {
			g.samples[i] = g.samples[2*i+1]
		}
	}
	l.n /= 2
	l.step *= 2
}

// at is what is known of goroutines that began with a stack.
func (l *leaks) at(stack uint32) *growth {
	i := l.names.Start[stack]
	for int(i) >= len(l.byFunc) {
		l.byFunc = append(l.byFunc, nil)
	}
	if l.byFunc[i] == nil {
		l.byFunc[i] = &growth{fn: i}
	}
	return l.byFunc[i]
}

// change takes in that a goroutine began, ended, or is there at the end.
func (l *leaks) change(iv *model.GInterval) {
	g := l.at(iv.Func)
	if iv.First && iv.Open&model.OpenStart == 0 {
		g.born++
		g.live++
	}
	if iv.Exit {
		g.ended++
		g.live--
	}
	if iv.Open&model.OpenEnd == 0 || iv.State != model.GWaiting {
		return
	}
	if iv.End != l.endAt { // those before were of a break in the trace
		l.endAt = iv.End
		l.forgetBlocked()
	}
	if iv.Open&model.OpenStart == 0 { // else it is older than the trace
		g.block(iv, iv.End-l.from)
	}
}

// forgetBlocked drops what is known of goroutines that are there at the end.
func (l *leaks) forgetBlocked() {
	for _, g := range l.byFunc {
		if g != nil {
			g.blocked, g.stuck, g.places = 0, 0, nil
		}
	}
}

// block notes a goroutine that is blocked at the end of span ns of trace.
func (g *growth) block(iv *model.GInterval, span model.Time) {
	g.blocked++
	if (iv.End-iv.Start)*leakParts > span {
		g.stuck++
	}
	if g.places == nil {
		g.places = map[uint32]*stuckAt{}
	}
	p := g.places[iv.Stack]
	if p == nil {
		p = &stuckAt{stack: iv.Stack, reason: iv.Reason, g: iv.G}
		g.places[iv.Stack] = p
	}
	p.since = append(p.since, iv.Start)
	if k := len(p.since) - 1; iv.Start < p.since[0] { // the first is the one blocked for longest
		p.g, p.since[0], p.since[k] = iv.G, iv.Start, p.since[0]
	}
}

// place is where most of them are blocked.
func (g *growth) place() *stuckAt {
	most := &stuckAt{}
	for _, p := range g.places {
		if len(p.since) > len(most.since) || len(p.since) == len(most.since) && p.stack < most.stack {
			most = p
		}
	}
	return most
}

// forever reports whether most that are blocked at p have been so for ten times as
// long as anybody else was who went on from there, while leakSize of the same
// function came to their end: these are no work in progress.
func (g *growth) forever(l *leaks, p *stuckAt) bool {
	var longest int64
	if int(p.stack) < len(l.returned) {
		longest = l.returned[p.stack]
	}
	n := 0
	for _, t := range p.since {
		if int64(l.endAt-t) > leakTimes*longest {
			n++
		}
	}
	return g.ended >= leakSize && 2*n > len(p.since)
}

// curve is how many there were after each part of the trace.
func (l *leaks) curve(g *growth) []int64 {
	out := make([]int64, 0, leakParts)
	for i := 1; i < leakParts; i++ {
		if k := l.n * i / leakParts; k > 0 {
			out = append(out, int64(g.samples[k-1]))
		}
	}
	return append(out, g.live)
}

// stays reports whether there were more and more, and those that are stay.
func (g *growth) stays(l *leaks) bool {
	if g.live < leakSize || g.blocked*10 < g.live*9 || g.stuck*2 < g.live {
		return false
	}
	if p := g.place(); g.ended*10 > g.born && (len(p.since) < leakSize || !g.forever(l, p)) {
		return false
	}
	return rises(l.curve(g))
}

// rises reports whether a curve never falls, and rises in most of its parts.
func rises(curve []int64) bool {
	var before int64
	rose := 0
	for _, n := range curve {
		if n < before {
			return false
		}
		if n > before {
			rose++
		}
		before = n
	}
	return rose >= leakRises
}
