package explain

import (
	"cmp"
	"slices"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Each tells of every request and task what its time went to, for who stores that. It
// goes into all of them, where a report goes into a sample. What it tells are numbers:
// what they are called is known when all has been read and the session's report filled.
type Each struct {
	of    *slowOnes
	tell  func(*Told)
	parts map[Part]int64 // of the instance that is walked
}

// Told is one instance, and where its time went.
type Told struct {
	Kind       report.InstanceKind // KindRequest, of those served, or KindTask
	Name       string              // of a task; of a request see Each.Handler
	Key        uint32              // of a request
	Task       int64               // id of a task, -1 for none
	G          model.GoID          // that it began on, and that served a request
	Start, End model.Time
	Unfinished bool // going on when the trace ended
	Known      bool // Parts sum to its length; else there was too much to look at
	Parts      []Spell
}

// Part is what some of an instance's time had in common.
type Part struct {
	Via   uint8 // what it did itself meanwhile: 0 if the part is its own, else 1 and the reason that it was blocked for
	Cause report.Cause
	G     model.GoID // whose time it was, of those that it waited for; NoG for its own
	Fn    uint32     // stack that G started with
	Who   model.GoID // that had the P, or stopped the world; NoG for nobody
	WhoFn uint32     // stack that Who started with
	Stack uint32     // where G stopped, or who stopped the world
	Seen  uint32     // where G, or Who, was last seen running
	Stood uint32     // where the instance itself was blocked meanwhile
}

// Spell is a part, and how long it was.
type Spell struct {
	Part
	NS int64
}

// maxParts is how many parts of an instance are told apart, the longest ones, and
// mostParts how many are while it is walked. Of the others only the cause is told: the
// sum is the same.
const (
	maxParts  = 32
	mostParts = 1 << 12
)

// AddEach makes a session tell of every request and task that it finds, some of them while
// its report is filled. Those that reach beyond a part of the trace are left out, as in
// Report.Slowest.
func AddEach(s *replay.Session, tell func(*Told)) *Each {
	x := &Each{of: replay.Shared(s, newSlowOnes), tell: tell, parts: map[Part]int64{}}
	x.of.each, x.of.every = x, 1
	return x
}

// walks has a walk tell of its parts: of who is behind them as long as that takes less
// than half of the looks at stretches that there may be, else of causes alone.
func (x *Each) walks(w *walk) {
	e, sum := x.of, w.sum
	if e.work > e.affordable()/2 {
		w.sum = func(v via, c report.Cause, ns int64) {
			sum(v, c, ns)
			x.parts[Part{Via: uint8(v), Cause: c, G: model.NoG, Who: model.NoG}] += ns
		}
		return
	}
	w.sum, w.use = nil, func(s *step) {
		sum(s.via, s.cause, int64(s.to-s.from))
		x.part(s)
	}
}

// part takes in a step.
func (x *Each) part(s *step) {
	p := Part{Via: uint8(s.via), Cause: s.cause, G: model.NoG, Who: s.who, WhoFn: s.whoFn, Stack: s.stack, Seen: s.seen, Stood: s.stood}
	if s.depth > 0 {
		p.G, p.Fn = s.g, s.fn
	}
	if _, known := x.parts[p]; !known && len(x.parts) >= mostParts {
		p = p.alone()
	}
	x.parts[p] += int64(s.to - s.from)
}

// alone is the part by its cause alone.
func (p *Part) alone() Part {
	return Part{Via: p.Via, Cause: p.Cause, G: model.NoG, Who: model.NoG}
}

// told tells of an instance, whose parts have been taken in where known is set.
func (x *Each) told(kind report.InstanceKind, in *Span, known bool) {
	if kind == report.KindTurn || kind == report.KindMain {
		clear(x.parts)
		return
	}
	t := Told{Kind: kind, Name: in.Name, Key: in.Key, Task: in.task, G: in.g, Start: in.Start, End: in.End, Unfinished: in.unfinished, Known: known}
	for p, ns := range x.parts {
		t.Parts = append(t.Parts, Spell{p, ns})
	}
	clear(x.parts)
	slices.SortFunc(t.Parts, longest)
	if len(t.Parts) > maxParts {
		t.Parts = folded(t.Parts)
	}
	x.tell(&t)
}

// folded keeps the longest parts, and tells the others by their cause alone.
func folded(parts []Spell) []Spell {
	others := map[Part]int64{}
	for _, p := range parts[maxParts:] {
		others[p.alone()] += p.NS
	}
	parts = parts[:maxParts]
	for p, ns := range others {
		parts = append(parts, Spell{p, ns})
	}
	slices.SortFunc(parts, longest)
	return parts
}

func longest(a, b Spell) int {
	return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.Via, b.Via), cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.G, b.G), cmp.Compare(a.Who, b.Who),
		cmp.Compare(a.Stack, b.Stack), cmp.Compare(a.Seen, b.Seen), cmp.Compare(a.Stood, b.Stood), cmp.Compare(a.Fn, b.Fn), cmp.Compare(a.WhoFn, b.WhoFn))
}

// Handler is the handler of the requests with a key, "" where none shows.
func (x *Each) Handler(key uint32) string {
	return x.of.groups[0].finder.(*requestFinder).Called(key)
}

// BlockedFor is the reason that the instance was blocked for meanwhile; "" if it was not.
func (p *Part) BlockedFor() string { return reasonOf(via(p.Via)) }

// Where is the place of who did it, or of who had the P meanwhile, of an instance that
// began on a goroutine; nil where none shows.
func (x *Each) Where(p *Part, g model.GoID) *names.Place {
	of := &explained{Span: &Span{g: g}}
	return x.account().spentPlace(of, p.sum())
}

// Stood is where the instance itself was blocked meanwhile, nil where it was not.
func (x *Each) Stood(p *Part) *names.Place {
	if p.Via == 0 {
		return nil
	}
	return x.account().places.Of(p.Stood)
}

// By is the goroutine that did it, or that had the P meanwhile, and the function that it
// started with; NoG for the instance's own.
func (x *Each) By(p *Part) (model.GoID, string) {
	g, fn := p.G, p.Fn
	if p.Who != model.NoG {
		g, fn = p.Who, p.WhoFn
	}
	if g == model.NoG {
		return g, ""
	}
	return g, x.of.funcOf(g, fn)
}

func (x *Each) account() *account {
	return &account{e: &x.of.explainer, places: x.of.names.Places()}
}

func (p *Part) sum() *stepSum {
	return &stepSum{via: via(p.Via), cause: p.Cause, g: measure.Culprit{G: p.G, Func: p.Fn}, who: measure.Culprit{G: p.Who, Func: p.WhoFn}, stack: p.Stack, seen: p.Seen, stood: p.Stood}
}

// Found is a task, a region or a request that the program sent, and how long it took
// within what is analysed.
type Found struct {
	Kind       report.InstanceKind
	Name       string // of the task or region; the function that sent the request
	Task       int64  // id of a task, -1 for none
	G          model.GoID
	Start, End model.Time
	Unfinished bool // it ends later than what is analysed
	Cut        bool // it began earlier
}

// finds tells of those.
type finds struct {
	window *replay.Window
	now    model.Time
	kinds  []spanKind
	tell   func(*Found)
}

// AddFound makes a session tell of every task, region and request sent, in the order of
// their ends within each kind, and of the unfinished ones while its report is filled. They
// are those that Report.Spans counts.
func AddFound(s *replay.Session, tell func(*Found)) {
	n := s.Names
	s.Add(&finds{window: s.Window, tell: tell, kinds: []spanKind{
		{kind: report.KindTask, finder: FindAll(n, report.KindTask)},
		{kind: report.KindRegion, finder: FindAll(n, report.KindRegion)},
		{kind: report.KindRequest, sent: true, finder: &requestFinder{names: n, client: true}},
	}})
}

func (x *finds) Watch(f *model.Facts) {
	x.now = f.Now
	for i := range x.kinds {
		k := &x.kinds[i]
		k.finder.Find(f, func(in *Span) { x.found(k, in) })
		k.finder.oldest() // which lets go of those that have ended
	}
}

func (x *finds) Fill(*report.Report) {
	for i := range x.kinds {
		x.kinds[i].finder.close(x.now, func(in *Span) { x.found(&x.kinds[i], in) })
	}
}

func (x *finds) found(k *spanKind, in *Span) {
	w := x.window
	if in.Start >= w.To || in.End < w.From {
		return
	}
	x.tell(&Found{Kind: k.kind, Name: in.Name, Task: in.task, G: in.g, Start: max(in.Start, w.From), End: min(in.End, w.To),
		Unfinished: in.unfinished || in.End >= w.To, Cut: in.Start < w.From})
}
