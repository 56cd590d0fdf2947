package explain

import (
	"cmp"
	"slices"
	"sort"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/internal/waits"
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
	stills *measure.Standstills
	cpus   *measure.Machine
	heap   *measure.HeapRoom
	busy   *measure.Tireless
	chains *launches
	files  *fileLocks
	alike  *waits.Alike
	stands *waits.Standing
	zero   model.Time
	window *replay.Window
	open   bool  // leave out instances that have ended
	inside bool  // leave out instances that reach beyond the window: what they did there is not seen
	path   int   // steps of a path that an Instance has at the most
	every  int64 // of those that are not among the slowest so far, explain one in so many, for the means

	mainFree int // steps that the main goroutine may take in any case
	h        *history
	locks    *names.LockSites
	pools    *names.Pools
	peers    peers
	bodies   map[model.GoID]uint32 // a stack of goroutines that a wrapper may have started: see body

	each *Each // is told of every instance, where set

	// prepare, where set, makes h hold what an instance needs, before it is explained.
	prepare func(*Span)
	look    func(model.Time) *view // what is known at a time
	view    *view                  // from where the instances are looked at that the portion ends
	moments *measure.Moments       // are told of the slowest so far, where set

	ready     stat.Sketch // waits of the program's goroutines for a P, of Explain alone
	stretches int         // taken in
	work      int         // how many were looked at for the sums
	detailed  int         // and for details
	closely   int         // of those, for details of typical ones
	sums      *summing
	walked    atDepth // of the walk under way

	having   *messages // nil for all instances
	groups   []*group  // the first one that has instances is reported
	now      model.Time
	portions portions

	rest, part model.Facts // of those at hand: here, as each call would allocate them
}

// explained is an instance and where its time went.
type explained struct {
	*Span
	view        *view  // from where to look for its details, nil once they are known
	summed      bool   // its bill is in those of all
	ran         uint32 // stack that the goroutine started with, where that showed later than the instance
	bill        *bill
	states      map[report.StateTime]int64
	antagonists byKey[antagonist, int64]
	samples     map[uint32]int64 // by stack
	waits       map[waitedFor]int64
	sums        byKey[stepSum, tally] // where they are too many, some of somebody: see fold
	onCPU       []cpuPiece            // stretches that a CPU was wanted for, where the machine says who had one
	steps       []step
}

// stepSum is what all steps alike are summed by, before short ones are folded.
type stepSum struct {
	via    via
	cause  report.Cause
	g      measure.Culprit // of steps of others, else none
	who    measure.Culprit
	stack  uint32
	seen   uint32 // where who, or else g or the explained one, was last seen running
	stood  uint32 // where the explained one was blocked
	letIn  uint32 // as of a step, as the next ones
	pool   uint32
	made   bool
	ahead  uint32
	held   uint32
	has    uint32
	asks   uint32
	locked uint32
	fired  bool
	came   bool
	child  bool
	likely bool   // as of a step
	untold untold // of CauseUnknown
	still  bool   // while nothing happened at all, though goroutines ran
}

// tally is for how long something was, how often, and since when.
type tally struct {
	ns, n int64
	first model.Time
	waits int64      // of the explained goroutine, in which that was
	last  model.Time // when the last of those began
}

// with counts a part of a step, which may go on with the one before.
func (t tally) with(s *step, ns int64, on bool) tally {
	if t.n == 0 || s.from < t.first {
		t.first = s.from
	}
	if t.n == 0 || !on {
		t.n++
	}
	if s.via != 0 && s.since != t.last {
		t.waits, t.last = t.waits+1, s.since
	}
	t.ns += ns
	return t
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

func newExplainer(s *replay.Session, sel Selector) *explainer {
	n := s.Names
	e := &explainer{names: n, peers: peers{names: n}, stills: replay.Shared(s, measure.NewStandstills), cpus: replay.Shared(s, measure.NewMachine), heap: replay.Shared(s, measure.NewHeapRoom), busy: replay.Shared(s, measure.NewTireless), chains: replay.Shared(s, newLaunches), files: replay.Shared(s, newFileLocks), alike: replay.Shared(s, waits.NewAlike), stands: replay.Shared(s, waits.NewStanding), window: s.Window, zero: s.Zero, path: maxSteps, every: 1, mainFree: explainFree, h: newHistory(n, historySoft, historyHard), locks: &names.LockSites{Names: n}, pools: &names.Pools{Names: n}, bodies: map[model.GoID]uint32{}}
	e.look, e.open, e.having = e.h.look, sel.Open, newMessages(n, sel.Having)
	top := cmp.Or(sel.Top, DefaultTop)
	for _, f := range e.finders(sel) {
		if sel.Having != nil {
			f.what += ", with a message matching " + sel.Having.String()
		}
		f.top, f.pooled = top, sel.Pooled || f.kind == report.KindLog
		e.groups = append(e.groups, f)
	}
	if sel.Kind == "" && sel.Having == nil && !s.Part {
		e.groups = slices.Insert(e.groups, len(e.groups)-1, mainGroup(n))
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
	served := &group{kind: report.KindRequest, what: "requests served by handlers" + matching, finder: &requestFinder{names: n, match: sel.Pattern, window: e.window}}
	sent := &group{kind: report.KindRequest, what: "requests sent by functions" + matching, finder: &requestFinder{names: n, match: sel.Pattern, client: true}}
	stalls := &group{kind: report.KindStall, what: "stretches in which a goroutine of the program waited for a P, a lock, to send or for the collector, or was in a system call", finder: &stallFinder{names: n, locks: e.locks}}
	switch sel.Kind {
	case report.KindGoroutine:
		if sel.Pattern == nil {
			return []*group{{kind: report.KindGoroutine, what: "goroutine " + goText(sel.G), finder: &goroutineFinder{names: n, g: sel.G}}}
		}
		return []*group{{kind: report.KindGoroutine, what: "goroutines that started with functions" + matching, finder: &goroutineFinder{names: n, g: model.NoG, match: sel.Pattern}},
			{kind: report.KindGoroutine, what: "goroutines that were seen in functions" + matching, finder: &goroutineFinder{names: n, g: model.NoG, match: sel.Pattern, within: true}}}
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
		switch {
		case sel.Served:
			return []*group{served}
		case sel.Sent:
			return []*group{sent}
		}
		return []*group{served, sent}
	case report.KindAt:
		return []*group{{kind: report.KindAt, what: "stretches in which goroutines were seen in functions" + matching, finder: &atFinder{names: n, match: sel.Pattern}}}
	case report.KindStall:
		return []*group{stalls}
	}
	return []*group{served,
		{kind: report.KindTask, what: "tasks", finder: &taskFinder{names: n, id: -1}},
		{kind: report.KindTurn, what: "turns of goroutines that read from connections themselves: from when there is something to read until they read again", finder: &turnFinder{names: n}},
		stalls}
}

func (e *explainer) Watch(f *model.Facts) {
	part := &e.part
	for e.rest = *f; ; {
		var ends bool
		*part, ends = e.portions.next(&e.rest)
		e.now = part.Now
		e.stretches += len(part.Gs)
		e.h.add(part)
		e.waits(part)
		e.find(part)
		if !ends {
			return
		}
		e.settle()
		if e.h.kept >= e.h.soft {
			e.goOn()
		}
		e.h.forget(e.oldest(), e.fill)
	}
}

// waits counts the program's waits for a P.
func (e *explainer) waits(f *model.Facts) {
	for i := range f.Gs {
		if iv := &f.Gs[i]; iv.State == model.GRunnable && !iv.Runtime && iv.End > e.window.From && iv.Start < e.window.To {
			e.ready.Add(int64(iv.End - iv.Start))
		}
	}
}

// find finds what the facts end: it is explained at the end of their portion, when
// what the Ps did until then is known.
func (e *explainer) find(f *model.Facts) {
	e.having.watch(f)
	for _, g := range e.groups {
		g.finder.Find(f, func(in *Span) { e.found(g, in) })
	}
}

// found takes an instance that is asked for.
func (e *explainer) found(g *group, in *Span) {
	if e.having.in(in) {
		g.ended = append(g.ended, in)
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

// settle explains what was found in the portion that ends.
func (e *explainer) settle() {
	e.view = nil
	e.explainAll()
}

func (e *explainer) explainAll() {
	for i, g := range e.groups {
		e.explainEnded(g)
		if g.n() > 0 && !g.late() && e.each == nil { // the ones after it will not be asked for
			e.groups = e.groups[:i+1]
			return
		}
	}
}

func (e *explainer) explainEnded(g *group) {
	stalls, _ := g.finder.(*stallFinder)
	for _, in := range g.ended {
		if !e.explain(g, in) && stalls != nil {
			stalls.free = append(stalls.free, in)
		}
	}
	g.ended = g.ended[:0]
}

// close explains what was found since, and what the trace leaves unfinished.
func (e *explainer) close() {
	e.view = whole
	e.explainAll()
	for _, g := range e.groups {
		g.finder.close(e.now, func(in *Span) { e.found(g, in) })
		if g.kind == report.KindMain {
			e.closeMain(g)
		}
		e.explainEnded(g)
	}
	e.choose()
	e.fill(replay.Forever)
}

// fill finds out the details of the slowest instances that began before a time: as
// late as it can, for each was one of the slowest for a while if all of them wait in
// one queue.
func (e *explainer) fill(before model.Time) {
	wanted := func(x *explained) bool { return x.view != nil && x.Start < before }
	began := e.detailed
	for _, g := range e.groups {
		for _, p := range g.populations {
			for _, x := range p.slowest.Best() {
				switch {
				case !wanted(x):
				case before < replay.Forever && e.detailed-began > detailsBefore:
					e.outline(x)
				default:
					e.details(x)
				}
			}
			p.typical.kept = slices.DeleteFunc(p.typical.kept, func(x *explained) bool {
				switch {
				case !wanted(x):
				case e.closely > detailsMost:
					return true
				default:
					before := e.detailed
					e.details(x)
					e.closely += e.detailed - before
				}
				return false
			})
		}
	}
}

// detailsMost is how many looks at stretches the details of typical instances may take:
// where so many goroutines wait for a P that each one's wait is all that all others did, a
// few of them tell what is typical.
const detailsMost = 1 << 20

// detailsBefore is how many looks at stretches the details may take of those that are the
// slowest so far, each time that something is about to be forgotten. Of goroutines that stand
// in one queue each is slower than the one before, and what is told in the end is seldom of one
// of those: of the others only what their time went to is found out, in case there is no slower
// one.
const detailsBefore = 1 << 19

// from looks at the history from a moment, to explain an instance.
func (e *explainer) from(v *view, in *Span) {
	if e.prepare != nil {
		e.prepare(in)
	}
	e.h.view = v
}

// explain finds out where an instance's time went, and reports whether it is kept to look
// at it more closely.
func (e *explainer) explain(g *group, in *Span) (kept bool) {
	if in.End <= in.Start || in.End <= e.window.From || in.Start >= e.window.To {
		return false
	}
	whole := e.whole(in)
	if e.inside && !whole || e.open && !in.unfinished {
		return false
	}
	length := int64(in.End - in.Start)
	p := g.of(in)
	if !whole {
		p.beyond++
	}
	slow, typical := p.slowest.Admits(length), !in.unfinished && p.typical.admits(p, length)
	if !slow && !typical && e.every > 1 && p.all.N() >= minSampled && p.all.N()%e.every != 0 {
		p.count(in, length)
		return false
	}
	if e.view == nil {
		e.view = e.look(e.now)
	}
	sum := e.work <= e.affordable()
	if kept = slow || typical; kept {
		x := &explained{Span: in, view: e.view, summed: sum}
		if slow {
			p.slowest.Offer(length, x)
		}
		if typical {
			p.typical.keep(x)
		}
	}
	p.count(in, length)
	if slow {
		e.tell(g, p, in)
	}
	if sum {
		e.summing().add(p, in)
	} else {
		p.skipped++
	}
	if e.each != nil {
		e.each.told(g.kind, in, sum)
	}
	return kept
}

// tell tells of an instance which is among the slowest so far of its population, for
// who keeps what is around it: where that one may be the population that is shown, as it
// lost at least half as much as any, and then of those before it too. Others may well have
// longer ones, such as streams.
func (e *explainer) tell(g *group, p *population, in *Span) {
	kind := measure.MomentRequest
	switch {
	case e.moments == nil || g.kind == report.KindMain:
		return
	case g.kind == report.KindTask:
		kind = measure.MomentTask
	}
	lost := p.lost()
	g.most = max(g.most, lost)
	switch {
	case lost < g.most/2:
		return
	case p.told:
		e.moments.Tell(kind, e.now, in.Start, in.End)
		return
	}
	p.told = true
	for _, x := range p.slowest.Best() {
		e.moments.Tell(kind, e.now, x.Start, x.End)
	}
}

// What typical instances are like may take workEach looks at a stretch for each
// stretch that there is, and workFree in any case: of many that wait for the same
// busy goroutine, each one's path is all that that one did. When there are too many,
// some are left out.
const (
	workFree = 1 << 20
	workEach = 16
)

// affordable is how many looks at stretches are not too many.
func (e *explainer) affordable() int { return workFree + workEach*e.stretches }

// details finds out all that is shown of a slow instance.
func (e *explainer) details(x *explained) {
	e.looksAt(x)
	e.goInto(x, x.Start, x.End)
	e.looked(x)
}

// goInto finds out what a part of an instance's time went to.
func (e *explainer) goInto(x *explained, from, to model.Time) {
	x.bill.total += int64(to - from)
	w := walk{h: e.h, locks: e.locks, pools: e.pools, at: &e.walked, given: x.handed, busy: x.busy, peers: &e.peers, use: func(s *step) {
		c := s.cause
		if s.likely { // what is summed of all is certain
			c = report.CauseNetwork
		}
		x.bill.put(s.via, c, int64(s.to-s.from))
		x.keep(e, s)
	}}
	w.path(x.g, from, to, 0, 0)
	e.detailed += w.steps
	x.alone(e.h, from, to)
}

// outline finds out what a slow instance's time went to, and not who was behind it.
func (e *explainer) outline(x *explained) {
	e.looksAt(x)
	w := walk{h: e.h, locks: e.locks, pools: e.pools, at: &e.walked, given: x.handed, busy: x.busy, sum: func(v via, c report.Cause, ns int64) {
		x.bill.put(v, c, ns)
		sum := causeAlone(v, c)
		if v != 0 && leafReasons[c] != reasonOf(v) && c != report.CauseBlocked && c != report.CauseNeverEnded && c != report.CauseLock {
			sum.g.G = somebody
		}
		t := x.sums.at(sum)
		*t = t.and(tally{ns: ns, n: 1, first: x.Start})
	}}
	w.path(x.g, x.Start, x.End, 0, 0)
	x.bill.total = int64(x.End - x.Start)
	x.alone(e.h, x.Start, x.End)
	x.steps = []step{{from: x.Start, to: x.End, g: x.g, fn: x.fn, who: model.NoG, p: model.NoP, several: w.steps}}
	e.looked(x)
}

// looksAt begins to look at a slow instance.
func (e *explainer) looksAt(x *explained) {
	e.from(x.view, x.Span)
	x.view = nil
	x.clear()
}

func newExplained(in *Span) *explained {
	x := &explained{Span: in}
	x.clear()
	return x
}

// clear has nothing known of it yet.
func (x *explained) clear() {
	x.states, x.antagonists, x.samples = map[report.StateTime]int64{}, newAntagonists(), map[uint32]int64{}
	x.waits, x.sums = map[waitedFor]int64{}, newStepSums()
	x.bill = &bill{count: 1}
}

// looked completes what was found out of one.
func (e *explainer) looked(x *explained) {
	if l := e.h.lineOf(x.g); l != nil {
		x.ran = l.fn
	}
	e.body(x.g, x.fn)
	for i := range x.sums.list {
		s := &x.sums.list[i].key
		for _, c := range [...]measure.Culprit{s.g, s.who} {
			if c.G != model.NoG && c.G != somebody {
				e.body(c.G, c.Func)
			}
		}
	}
}

// summed is by what a step is summed.
func (s *step) summed() stepSum {
	sum := stepSum{via: s.via, cause: s.cause, who: measure.Culprit{G: s.who, Func: s.whoFn}, stack: s.stack, seen: s.seen, stood: s.stood, letIn: s.letIn, pool: s.pool, made: s.made, ahead: s.ahead, held: s.held, has: s.has, asks: s.asks, locked: s.locked, fired: s.fired, came: s.came, child: s.child, likely: s.likely, untold: s.untold, g: measure.Culprit{G: model.NoG}}
	if s.depth > 0 {
		sum.g = measure.Culprit{G: s.g, Func: s.fn}
	}
	return sum
}

// keep adds a step to an instance's details.
func (x *explained) keep(e *explainer, s *step) {
	h := e.h
	sum := s.summed()
	n := len(x.steps)
	on := n > 0 && x.steps[n-1].continues(s)
	still := int64(0)
	if e.cpus.SaidBefore(s.to) {
		x.wantCPU(sum, s)
	} else { // nothing tells who had the CPU but that nothing happened
		still = e.stoodStill(s)
	}
	if still > 0 {
		stood := sum
		stood.still = true
		t := x.sums.at(stood)
		*t = t.with(s, still, on)
	}
	if ns := int64(s.to - s.from); ns > still || ns == 0 {
		t := x.sums.at(sum)
		*t = t.with(s, ns-still, on)
	}
	if len(x.sums.list) >= maxSums {
		x.fold()
	}
	if s.who != model.NoG && !stopsAll(s.cause) {
		*x.antagonists.at(antagonist{s.who, s.whoFn, s.p, s.cause}) += int64(s.to - s.from)
		if len(x.antagonists.list) >= maxSums { // no more than maxAntagonists are shown
			x.antagonists.takeShort(func(ns *int64) int64 { return *ns })
		}
	}
	if s.cause == report.CauseRunning || s.cause == report.CauseAssist || s.cause == report.CauseSweep {
		l := h.of(s.g)
		i := sort.Search(len(l.samples), func(i int) bool { return l.samples[i].at >= s.from })
		for ; i < len(l.samples) && l.samples[i].at < s.to; i++ {
			x.samples[l.samples[i].stack]++
		}
	}
	if on {
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
		s.p == t.p && s.stack == t.stack && s.likely == t.likely && s.came == t.came && s.untold == t.untold && s.several == 0
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
func (x *explained) alone(h *history, since, until model.Time) {
	l := h.of(x.g)
	l.during(since, until, func(s *gSeg, from, to model.Time) {
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
			if leafCause(s.reason) == report.CauseBlocked && to == s.end {
				w.by = s.by
				w.byFn = h.of(s.by).fn
			}
			x.waits[w] += d
		default:
			x.states[report.StateTime{State: "unknown"}] += d
		}
	})
}

// between is the state of a goroutine at a time of which no stretch is kept.
func (l gLine) between(h *history, at model.Time) string {
	switch {
	case at < h.lost:
		return "unknown"
	case len(l.segs) == 0 || l.segs[len(l.segs)-1].end <= at:
		return "running" // or it could not have ended what is explained
	case l.segs[0].start > at && l.segs[0].first:
		return "not-created"
	}
	return "unknown"
}
