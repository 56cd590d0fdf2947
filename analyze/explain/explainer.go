package explain

import (
	"cmp"
	"slices"
	"sort"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// How many stretches of goroutines and Ps an explanation goes back through: historySoft in general, up to historyHard as long as something that
// is being explained has not ended. A stretch takes about 60 bytes.
const (
	historySoft = 1 << 20
	historyHard = 1 << 22
)

// explainer answers: where did the time of these instances go?
type explainer struct {
	names  *names.Table
	zero   model.Time
	window *replay.Window
	inside bool  // leave out instances that reach beyond the window: what they did there is not seen
	path   int   // steps of a path that an Instance has at the most
	every  int64 // of those that are not among the slowest so far, explain one in so many, for the means
	h      *history
	locks  *names.LockSites
	bodies map[model.GoID]string // of goroutines that a wrapper has started: see body

	// prepare, where set, makes h hold what an instance needs, before it is explained.
	prepare func(*Span)

	groups   []*group // the first one that has instances is reported
	now      model.Time
	portions portions
}

// group is the instances of one finder.
type group struct {
	kind   report.InstanceKind
	what   string
	finder Finder
	top    int
	ended  []*Span // found, and not explained yet

	all        stat.Sketch
	sum        bill
	bills      []*bill // by likeness of their lengths
	unfinished int64
	slowest    *stat.TopK[*explained]
}

// explained is an instance and where its time went.
type explained struct {
	*Span
	bill        bill
	states      map[report.StateTime]int64
	antagonists map[antagonist]int64
	samples     map[uint32]int64 // by stack
	waits       map[waitedFor]int64
	sums        map[stepSum]int64
	steps       []step
}

// stepSum is what all steps alike are summed by, before short ones are folded.
type stepSum struct {
	via   via
	cause report.Cause
	g     measure.Culprit // of steps of others, else none
	who   measure.Culprit
	stack uint32
}

type antagonist struct {
	g     model.GoID
	fn    uint32
	p     model.ProcID
	cause report.Cause
}

// waitedFor is a place where the explained goroutine was blocked, and on whom.
type waitedFor struct {
	reason model.Reason
	stack  uint32
	by     model.GoID
	byFn   uint32
}

// bill is time by what the explained goroutine did and the cause.
type bill struct {
	count int64
	total int64
	ns    [numVias][report.NumCauses]int64
}

func (b *bill) add(o *bill) {
	b.count += o.count
	b.total += o.total
	for v := range b.ns {
		for c := range b.ns[v] {
			b.ns[v][c] += o.ns[v][c]
		}
	}
}

// sub takes an instance's bill off again.
func (b *bill) sub(o *bill) {
	b.count -= o.count
	b.total -= o.total
	for v := range b.ns {
		for c := range b.ns[v] {
			b.ns[v][c] -= o.ns[v][c]
		}
	}
}

func newExplainer(s *replay.Session, sel Selector) *explainer {
	n := s.Names
	e := &explainer{names: n, window: s.Window, zero: s.Zero, path: maxSteps, every: 1, h: newHistory(n, historySoft, historyHard), locks: &names.LockSites{Names: n}, bodies: map[model.GoID]string{}}
	top := cmp.Or(sel.Top, DefaultTop)
	for _, f := range e.finders(sel) {
		f.top = top
		f.slowest = stat.NewTopK[*explained](top)
		e.groups = append(e.groups, f)
	}
	return e
}

// finders are those that a selector asks for.
func (e *explainer) finders(sel Selector) []*group {
	n := e.names
	matching := ""
	if sel.Pattern != nil {
		matching = " " + cmp.Or(sel.Said, "matching "+sel.Pattern.String())
	}
	served := &group{kind: report.KindRequest, what: "requests served by handlers" + matching, finder: &requestFinder{names: n, match: sel.Pattern}}
	sent := &group{kind: report.KindRequest, what: "requests sent by functions" + matching, finder: &requestFinder{names: n, match: sel.Pattern, client: true}}
	stalls := &group{kind: report.KindStall, what: "stretches in which a goroutine of the program waited for a P, a lock or the collector, or was in a system call", finder: &stallFinder{names: n, locks: e.locks}}
	switch sel.Kind {
	case report.KindGoroutine:
		if sel.Pattern == nil {
			return []*group{{kind: report.KindGoroutine, what: "goroutine " + goText(sel.G), finder: &goroutineFinder{names: n, g: sel.G}}}
		}
		return []*group{{kind: report.KindGoroutine, what: "goroutines that started with functions" + matching, finder: &goroutineFinder{names: n, g: model.NoG, match: sel.Pattern}}}
	case report.KindTask:
		if sel.Pattern == nil {
			return []*group{{kind: report.KindTask, what: "task " + idText(sel.Task), finder: &taskFinder{names: n, id: sel.Task}}}
		}
		return []*group{{kind: report.KindTask, what: "tasks" + matching, finder: &taskFinder{names: n, id: -1, match: sel.Pattern}}}
	case report.KindRegion:
		return []*group{{kind: report.KindRegion, what: "regions" + matching, finder: &regionFinder{names: n, match: sel.Pattern}}}
	case report.KindLog:
		return []*group{{kind: report.KindLog, what: "what led up to messages" + matching, finder: &logFinder{names: n, zero: e.zero, match: sel.Pattern}}}
	case report.KindRequest:
		return []*group{served, sent}
	case report.KindStall:
		return []*group{stalls}
	}
	return []*group{served,
		{kind: report.KindTask, what: "tasks", finder: &taskFinder{names: n, id: -1}},
		stalls}
}

func (e *explainer) Watch(f *model.Facts) {
	for rest := *f; ; {
		part, ends := e.portions.next(&rest)
		e.now = part.Now
		e.h.add(&part)
		e.find(&part)
		if !ends {
			return
		}
		e.h.addOpen(e.now)
		e.settle()
		e.h.dropOpen()
		e.h.forget(e.oldest())
	}
}

// find finds what the facts end: it is explained at the end of their portion, when
// what the Ps did until then is known.
func (e *explainer) find(f *model.Facts) {
	for _, g := range e.groups {
		g.finder.Find(f, func(in *Span) { g.ended = append(g.ended, in) })
	}
}

// oldest is when the oldest instance under way began.
func (e *explainer) oldest() model.Time {
	oldest := replay.Forever
	for _, g := range e.groups {
		oldest = min(oldest, g.finder.oldest())
	}
	return oldest
}

// settle explains what was found.
func (e *explainer) settle() {
	for i, g := range e.groups {
		e.explainEnded(g)
		if g.all.N() > 0 { // the ones after it will not be asked for
			e.groups = e.groups[:i+1]
			return
		}
	}
}

func (e *explainer) explainEnded(g *group) {
	for _, in := range g.ended {
		e.explain(g, in)
	}
	g.ended = g.ended[:0]
}

// close explains what was found since, and what the trace leaves unfinished.
func (e *explainer) close() {
	e.settle()
	for _, g := range e.groups {
		g.finder.close(e.now, func(in *Span) { g.ended = append(g.ended, in) })
		e.explainEnded(g)
	}
}

// explain finds out where an instance's time went.
func (e *explainer) explain(g *group, in *Span) {
	if in.End <= in.Start || in.End <= e.window.From || in.Start >= e.window.To {
		return
	}
	if e.inside && !e.whole(in) {
		return
	}
	length := int64(in.End - in.Start)
	detail := g.slowest.Admits(length)
	if !detail && e.every > 1 && g.all.N() >= minSampled && g.all.N()%e.every != 0 {
		g.count(in, length)
		return
	}
	if e.prepare != nil {
		e.prepare(in)
	}
	if detail {
		g.slowest.Offer(length, e.details(in))
	}
	if g.count(in, length); in.unfinished {
		return
	}
	sum, alike := &g.sum, g.bill(length)
	for _, b := range []*bill{sum, alike} {
		b.count++
		b.total += length
	}
	w := walk{h: e.h, locks: e.locks, use: func(s *step) {
		ns := int64(s.to - s.from)
		sum.ns[s.via][s.cause] += ns
		alike.ns[s.via][s.cause] += ns
	}}
	w.path(in.g, in.Start, in.End, 0, 0)
}

// bill is the one of the instances that are about as long.
func (g *group) bill(length int64) *bill {
	b := likeness(length)
	for b >= len(g.bills) {
		g.bills = append(g.bills, nil)
	}
	if g.bills[b] == nil {
		g.bills[b] = &bill{}
	}
	return g.bills[b]
}

// likeness is the same for lengths that are about the same, to 1/16, and grows with
// them. A bill is large: bins as fine as those of a sketch would be four times as many.
func likeness(length int64) int { return stat.Bin(length) / 4 }

// details is all that is shown of a slow instance.
func (e *explainer) details(in *Span) *explained {
	x := &explained{Span: in, states: map[report.StateTime]int64{}, antagonists: map[antagonist]int64{}, samples: map[uint32]int64{}, waits: map[waitedFor]int64{}, sums: map[stepSum]int64{}}
	x.bill.count, x.bill.total = 1, int64(in.End-in.Start)
	w := walk{h: e.h, locks: e.locks, use: func(s *step) {
		x.bill.ns[s.via][s.cause] += int64(s.to - s.from)
		x.keep(e.h, s)
	}}
	w.path(in.g, in.Start, in.End, 0, 0)
	x.alone(e.h)
	e.body(x.g, x.fn)
	for s := range x.sums {
		e.body(s.g.G, s.g.Func)
		e.body(s.who.G, s.who.Func)
	}
	return x
}

// wrappers start goroutines for others: what runs on them says more.
var wrappers = []string{"sync.(*WaitGroup).Go.func", "golang.org/x/sync/errgroup.(*Group)."}

// body finds out what a goroutine runs that a wrapper has started, from the stacks
// that it was blocked with.
func (e *explainer) body(g model.GoID, fn uint32) {
	l := e.h.gs[g]
	if l == nil || e.bodies[g] != "" {
		return
	}
	if fn == 0 {
		fn = l.fn
	}
	if !names.HasPrefix(e.names.StartFunc(fn), wrappers) {
		return
	}
	for i := range l.segs {
		frames := e.names.Stacks[l.segs[i].stack]
		if n := len(frames); n > 1 && names.HasPrefix(frames[n-1].Func, wrappers) {
			e.bodies[g] = frames[n-2].Func
			return
		}
	}
}

// funcOf is the function that a goroutine started with, or that the one it started
// with was to call.
func (e *explainer) funcOf(g model.GoID, fn uint32) string {
	if b := e.bodies[g]; b != "" {
		return b
	}
	return e.names.StartFunc(fn)
}

// count counts an instance and its length.
func (g *group) count(in *Span, length int64) {
	if in.unfinished {
		g.unfinished++
		return
	}
	g.all.Add(length)
}

// keep adds a step to an instance's details.
func (x *explained) keep(h *history, s *step) {
	sum := stepSum{via: s.via, cause: s.cause, who: measure.Culprit{G: s.who, Func: s.whoFn}, stack: s.stack, g: measure.Culprit{G: model.NoG}}
	if s.depth > 0 {
		sum.g = measure.Culprit{G: s.g, Func: s.fn}
	}
	x.sums[sum] += int64(s.to - s.from)
	if s.who != model.NoG && !stopsAll(s.cause) {
		x.antagonists[antagonist{s.who, s.whoFn, s.p, s.cause}] += int64(s.to - s.from)
	}
	if s.cause == report.CauseRunning || s.cause == report.CauseAssist || s.cause == report.CauseSweep {
		if l := h.gs[s.g]; l != nil {
			i := sort.Search(len(l.samples), func(i int) bool { return l.samples[i].at >= s.from })
			for ; i < len(l.samples) && l.samples[i].at < s.to; i++ {
				x.samples[l.samples[i].stack]++
			}
		}
	}
	if n := len(x.steps); n > 0 && x.steps[n-1].continues(s) {
		x.steps[n-1].to = s.to
		return
	}
	x.steps = append(x.steps, *s)
	if len(x.steps) >= 2*maxSteps {
		x.steps = shortened(x.steps)
	}
}

// continues reports whether t goes on with what s was.
func (s *step) continues(t *step) bool {
	return s.to == t.from && s.g == t.g && s.cause == t.cause && s.via == t.via && s.depth == t.depth && s.who == t.who &&
		s.p == t.p && s.stack == t.stack && s.several == 0
}

// maxSteps is how many steps of a path are shown: the longest ones, and between
// them the others in one.
const maxSteps = 200

// shortened joins all but the longest quarter of the steps with their neighbours.
func shortened(steps []step) []step {
	lengths := make([]int64, len(steps))
	for i := range steps {
		lengths[i] = int64(steps[i].to - steps[i].from)
	}
	slices.Sort(lengths)
	least, room := lengths[len(lengths)*3/4], len(lengths)/4
	out := steps[:0]
	for i := range steps {
		s := steps[i]
		if int64(s.to-s.from) >= least && s.several == 0 && room > 0 {
			room-- // of equal length there may be more
			out = append(out, s)
			continue
		}
		n := max(s.several, 1)
		if k := len(out); k > 0 && out[k-1].several > 0 {
			out[k-1].to = s.to
			out[k-1].several += n
			continue
		}
		s.several = n
		out = append(out, s)
	}
	return out
}

// alone adds up what the instance's goroutine itself did.
func (x *explained) alone(h *history) {
	l := h.gs[x.g]
	l.during(x.Start, x.End, func(s *gSeg, from, to model.Time) {
		d := int64(to - from)
		if s == nil {
			x.states[report.StateTime{State: l.between(h, from)}] += d
			return
		}
		switch {
		case s.state == model.GRunning, s.unended:
			x.states[report.StateTime{State: "running"}] += d
		case s.state == model.GRunnable:
			x.states[report.StateTime{State: "runnable"}] += d
		case s.state == model.GSyscall:
			x.states[report.StateTime{State: "syscall"}] += d
		case s.state == model.GWaiting:
			x.states[report.StateTime{State: "blocked", Reason: s.reason.String()}] += d
			w := waitedFor{reason: s.reason, stack: s.stack, by: model.NoG}
			if leafCause(s) == report.CauseBlocked && to == s.end {
				w.by = s.by
				if by := h.gs[s.by]; by != nil {
					w.byFn = by.fn
				}
			}
			x.waits[w] += d
		default:
			x.states[report.StateTime{State: "unknown"}] += d
		}
	})
}

// between is the state of a goroutine at a time of which no stretch is kept.
func (l *gLine) between(h *history, at model.Time) string {
	switch {
	case at < h.lost:
		return "unknown"
	case l == nil || len(l.segs) == 0 || l.segs[len(l.segs)-1].end <= at:
		return "running" // or it could not have ended what is explained
	case l.segs[0].start > at && l.segs[0].first:
		return "not-created"
	}
	return "unknown"
}
