package explain

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// account divides the time of instances by what took it and who did it: each step of
// their paths belongs to one root, so roots add up.
type account struct {
	e      *explainer
	places *names.Places
	name   string // of the instances, "" where they have several or none
	mixed  bool   // they may be of several handlers: what one has more of, the other may never do
	n      int64  // instances
	total  int64
	unread map[report.Frame]int64 // where answers were closed before their end
	by     map[rootKey]*rootSum
}

// rootKey tells roots apart: by their kind and the function of who is behind it, ""
// where that is none, or nobody in particular.
type rootKey struct {
	kind  report.RootKind
	fn    string
	known *names.Pool
}

// rootSum is what is known of one root.
type rootSum struct {
	ns      int64
	times   int64 // that it began
	likely  int64 // of ns: what the other ends of connections did
	untold  untoldSum
	yielded int64 // of that: the P was given up, and nobody else had it
	unseen  int64 // of that: the place is the function that a goroutine started with, where it was does not show
	causes  [report.NumCauses]int64
	gs      map[model.GoID]bool    // that had a P meanwhile, as many as there are Ps at most
	who     map[report.Frame]int64 // who is behind it
	from    map[string]int64       // function of the program that had called that
	caller  map[string]int64       // whom to name as having called it, see names.Place.Caller
	above   map[string]int64       // function of the program that had called who is nearer than from
	callee  map[string]int64       // function that it had called
	works   map[string]int64       // function of a library that it computed in
	stood   map[standing]int64     // where the explained goroutines stood meanwhile
	inside  insiders               // of a pool: what those of the program did who had a place of it
	ahead   map[report.Frame]int64 // likewise: where another one stood in line before
	back    int64                  // of ns: who let the explained ones go on gave a place back
	closed  int64                  // of ns: that one closed a channel
	chain   int64                  // of that: and was one of them
	there   int64                  // of ns: another goroutine was at the very place
	lookup  int64                  // of ns: a host's name was looked up
	others  int64                  // of ns: other goroutines than the explained ones
	child   int64                  // of ns: what those did that the explained one had started
	came    int64                  // of ns: until a later request brought what was waited for
	fires   tally                  // of ns: until a timer was due that started a function
	fired   map[string]int64       // that function
	held    map[report.Frame]int64 // where who held the lock stood that they waited for, and waited for who is behind it
	asked   asking                 // of ns: those who were waited for had asked for something over the network
	jobs    map[string]int64       // what those were given to do who were waited for
	again   int64                  // of ns: who held the lock was where the explained ones waited for it
	pooled  int64                  // of ns: for what a sync.Pool had none of
	outside int64                  // of ns: the explained ones waited outside of the handlers that they are called by
	calls   map[*names.Call]int64  // of ns: calls of the system, or C, of which something is known
	dials   int64                  // of ns: until a connection was made
	writes  int64                  // of ns: until a connection or pipe took what was written to it
	forAll  int64                  // of ns: something that one did for all who asked meanwhile
	sites   map[string]int64       // where the explained goroutines waited for others, as names.WaitsAt has it
	delay   delayed
}

// standing is where an explained goroutine was blocked.
type standing struct {
	via    via
	at     report.Frame
	callee string
	logs   bool        // for the lock of a logger
	lock   bool        // for a mutex
	once   bool        // for a sync.Once
	rw     string      // "RLock" or "Lock" of an RWMutex, "" for none
	end    *names.End  // what it waited for, nil where nothing is known
	wait   *names.Wait // what its place says that it waited for, nil for nothing
}

// accountOf divides the time of instances whose details are known.
func (e *explainer) accountOf(of []*explained) *account {
	a := &account{e: e, places: e.names.Places(), unread: map[report.Frame]int64{}, by: map[rootKey]*rootSum{}}
	if len(of) > 0 && !slices.ContainsFunc(of, func(x *explained) bool { return x.Name != of[0].Name }) {
		a.name = of[0].Name
	}
	for _, x := range of {
		a.n++
		a.total += x.bill.total
		lost := e.noCPU(x)
		for i := range x.sums.list {
			s, t := &x.sums.list[i].key, &x.sums.list[i].value
			a.add(x, s, tally{ns: a.without(x, s, t.ns, lost[*s]), n: t.n, waits: t.waits})
		}
	}
	a.joinCallers()
	return a
}

// accountOfAll divides the time of all instances of a population that keeps that.
func (e *explainer) accountOfAll(p *population) *account {
	a := &account{e: e, places: e.names.Places(), unread: map[report.Frame]int64{}, by: map[rootKey]*rootSum{}, n: p.sum.count, total: p.sum.total}
	all := &explained{Span: &Span{g: model.NoG}}
	p.shares.each(func(s *stepSum, t tally) { a.add(all, s, t) })
	a.joinCallers()
	return a
}

// joinCallers joins what was seen in a function with what was seen in the one that had
// called it: they are one loop. The greater part gives the place, of what was seen: where
// somebody was seen tells more than the function that a goroutine started with.
func (a *account) joinCallers() {
	keys := slices.SortedFunc(maps.Keys(a.by), func(k, l rootKey) int {
		return cmp.Or(cmp.Compare(k.kind, l.kind), cmp.Compare(a.by[k].ns, a.by[l].ns), cmp.Compare(k.fn, l.fn))
	})
	for _, k := range keys {
		r := a.by[k]
		if r == nil { // joined already
			continue
		}
		from, _ := most(r.from)
		caller := rootKey{kind: k.kind, fn: from, known: k.known}
		if from == "" || from == k.fn || a.by[caller] == nil {
			continue
		}
		into, out := caller, k
		if x := a.by[caller]; r.ns >= x.ns-x.unseen {
			into, out = k, caller
		}
		a.by[into] = joined(a.by[into], a.by[out])
		delete(a.by, out)
	}
}

func newRootSum() *rootSum {
	return &rootSum{gs: map[model.GoID]bool{}, who: map[report.Frame]int64{}, from: map[string]int64{}, caller: map[string]int64{}, above: map[string]int64{}, callee: map[string]int64{}, works: map[string]int64{}, stood: map[standing]int64{}, fired: map[string]int64{}, held: map[report.Frame]int64{},
		inside: insiders{}, ahead: map[report.Frame]int64{}, jobs: map[string]int64{}, sites: map[string]int64{}}
}

// sumOf is the sum of a root.
func (a *account) sumOf(k rootKey) *rootSum {
	r := a.by[k]
	if r == nil {
		r = newRootSum()
		a.by[k] = r
	}
	return r
}

// add adds a step.
func (a *account) add(x *explained, s *stepSum, of tally) {
	if p := a.places.Of(s.stood); p != nil && names.ClosesUnread(a.e.names.Stacks[s.stood]) {
		a.unread[p.At]++
	}
	k, who := a.root(x, s)
	r, ns := a.sumOf(k), of.ns
	r.ns += ns
	r.times += of.n
	r.causes[s.cause] += ns
	if s.likely {
		r.likely += ns
	}
	if k.kind == report.RootNotTold {
		r.untold[s.untold] += ns
	}
	if k.kind == report.RootQueue && s.who.G == model.NoG {
		r.yielded += ns
	}
	if s.who.G != model.NoG && len(r.gs) < len(a.e.h.ps) {
		r.gs[s.who.G] = true
	}
	if who != nil {
		a.addWho(r, k, who, s, ns)
	}
	if fn := a.firedFunc(x, s); fn != "" {
		r.fired[fn] += ns
		r.fires.ns, r.fires.n = r.fires.ns+ns, r.fires.n+of.n
	}
	if s.via != 0 && !own(s) {
		r.stood[a.standing(x, s)] += ns
		r.sites[names.WaitsAt(a.e.names.Stacks[cmp.Or(s.pool, s.stood)])] += ns
	}
	if s.g.G != model.NoG {
		r.others += ns
	}
	if s.child {
		r.child += ns
	}
	if s.came {
		r.came += ns
	}
	if names.LooksUp(a.e.names.Stacks[s.stack]) {
		r.lookup += ns
	}
	if s.cause == report.CauseSyscall {
		if r.calls == nil {
			r.calls = map[*names.Call]int64{}
		}
		r.calls[names.CallOf(a.e.names.Stacks[s.stack])] += ns
	}
	if s.cause == report.CauseNetwork && names.Writes(a.e.names.Stacks[s.stack]) {
		r.writes += ns
	} else if s.cause == report.CauseNetwork && names.Dials(a.e.names.Stacks[s.stack]) {
		r.dials += ns
	}
	if names.ForAll(a.e.names.Stacks[cmp.Or(s.stack, s.seen)]) || names.ForAll(a.e.names.Stacks[s.asks]) {
		r.forAll += ns
	}
	r.delay.add(a.e.names.Stacks[cmp.Or(s.stack, s.stood)], s.cause, of)
	if p := a.leaf(x, s); k.known == nil && k.kind == report.RootLock && p != nil && p.Own && s.via != 0 && !own(s) {
		r.there += ns
	} else if k.known != nil {
		r.inside.add(a, x, s, k.known, ns)
	}
	if p := a.places.Of(s.held); p != nil {
		r.held[p.At] += ns
	}
	if p, stood := a.places.Of(s.ahead), a.places.Of(s.pool); p != nil && stood != nil && p.At.Func != stood.At.Func {
		r.ahead[p.At] += ns
	}
	a.addMeans(r, k, x, s, of)
}

// addWho adds to a root who it was.
func (a *account) addWho(r *rootSum, k rootKey, who *names.Place, s *stepSum, ns int64) {
	if p := a.places.Of(s.seen); ran(k.kind) && (p == nil || !names.Tells(&p.At)) {
		r.unseen += ns
	} else {
		r.from[who.From] += ns
		r.caller[who.Caller(a.name)] += ns
	}
	if who.Near != "" {
		r.above[who.Above] += ns
	}
	r.who[who.At] += ns
	r.callee[who.Callee] += ns
	r.works[who.Works] += ns
}

// addMeans adds what advice on a step's root depends on.
func (a *account) addMeans(r *rootSum, k rootKey, x *explained, s *stepSum, of tally) {
	if a.e.names.FromPool(cmp.Or(s.seen, s.stack)) {
		r.pooled += of.ns
	}
	if s.via == 0 || s.via == standsInLine || own(s) {
		return
	}
	from := s.asks
	if s.via == blockedFor(model.ReasonChanSend) && !names.Writes(a.e.names.Stacks[s.stack]) { // who takes what they send may read the answer itself
		from = cmp.Or(from, s.stack)
	}
	if asks := a.places.Of(from); asks != nil && k.known == nil && k.fn == asks.At.Func && s.cause == report.CauseNetwork {
		r.asked.add(x, of)
		if job := a.places.Job(from); job != "" {
			r.jobs[job] += of.ns
		}
	}
	switch among := a.e.names.LetInByPlace(s.stood, s.letIn); {
	case s.via == blockedFor(model.ReasonChanRecv) && names.Closes(a.e.names.Stacks[s.letIn]):
		if r.closed += of.ns; among {
			r.chain += of.ns
		}
	case among:
		r.back += of.ns
	}
	if p := a.places.Of(s.stood); p != nil && s.held != 0 && a.e.names.Within(s.held, p.At.Func) {
		r.again += of.ns
	}
	if x.Key != 0 && x.Name != "" && !a.e.names.Within(s.stood, x.Name) {
		r.outside += of.ns
	}
}

// standing is where an explained goroutine was blocked during a step.
func (a *account) standing(x *explained, s *stepSum) standing {
	if s.via == standsInLine {
		return standing{via: standsInLine, callee: a.e.funcOf(x.g, cmp.Or(x.fn, x.ran))}
	}
	frames := a.e.names.Stacks[s.stood]
	st := standing{via: s.via, rw: rwMutex(frames), logs: names.Logs(frames), lock: a.e.locks.Locking(s.stood), once: a.e.locks.Site(s.stood).Once}
	if s.via != 0 {
		st.end, st.wait = names.EndOf(model.Reason(s.via-1), frames), names.WaitOf(frames)
	}
	if p := a.places.Of(s.stood); p != nil {
		st.at, st.callee = p.At, p.Callee
	}
	return st
}

// root is what a step belongs to, and who is behind it, nil where that does not show.
func (a *account) root(x *explained, s *stepSum) (rootKey, *names.Place) {
	stack := cmp.Or(s.stack, s.stood)
	switch {
	case s.still && a.e.quota():
		return rootKey{kind: report.RootStoodStill}, nil
	case names.Collecting(a.e.names.Stacks[stack]) || names.Collecting(a.e.names.Stacks[s.stood]), ofCollector(s.cause) && s.cause != report.CauseGCStop:
		return a.collector(s)
	case s.cause == report.CauseStopping:
		return named(report.RootStopping, a.who(s.seen, s.who))
	case stopsAll(s.cause):
		return named(report.RootStopped, a.places.Of(s.stack))
	case s.cause == report.CauseFoundLate:
		return named(report.RootFoundLate, a.who(s.seen, s.who))
	case s.locked != 0:
		return named(report.RootLocked, a.places.Of(s.locked))
	case s.cause == report.CauseIdleP, s.cause == report.CauseDispatch:
		if s.who.G == model.NoG && yields(a.e.names.Stacks[s.seen]) {
			return named(report.RootQueue, a.places.Of(s.seen))
		}
		return rootKey{kind: report.RootLate}, nil
	case waitsForP(s.cause):
		return named(report.RootQueue, a.who(s.seen, s.who))
	case s.cause == report.CauseUnknown, s.cause == report.CauseNotKept:
		return rootKey{kind: report.RootNotTold}, nil
	case s.cause == report.CauseNeverEnded:
		k, who := named(report.RootNeverEnded, a.places.Of(stack))
		k.known = a.e.pools.Of(stack)
		return k, who
	}
	return a.did(x, s)
}

// did is the root of what goroutines did of their own: of what the explained one did
// or had others do, that; of what others did that it waited to get something from, the
// waiting.
func (a *account) did(x *explained, s *stepSum) (rootKey, *names.Place) {
	if s.pool != 0 {
		return a.pooled(s)
	}
	if made := a.e.pools.Making(s.stack); made != nil && own(s) {
		k, who := named(report.RootPlace, a.places.Above(s.stack, made.Func))
		k.known = made
		return k, who
	}
	leaf, stood := a.leaf(x, s), a.places.Of(s.stood)
	kind, ours := a.waited(s), leaf != nil && leaf.Own
	switch asks := a.places.Of(s.asks); {
	case s.cause == report.CauseNetwork && !ours && asks != nil && (s.asks == s.stood || asks.Own && kind == report.RootNotTold): // a response that a goroutine of a package reads
		return named(report.RootNetwork, asks)
	case s.cause == report.CauseNetwork && !ours && asks != nil && asks.Own && kind == report.RootPlace: // the same, for who is waited for
		return named(kind, asks)
	case kind == report.RootNotTold && s.fired:
		return named(leafKinds[s.cause], stood)
	case kind == report.RootNotTold:
		return named(leafKinds[s.cause], leaf)
	case ours, leaf != nil && kind == report.RootLock && s.cause == report.CauseRunning && !names.Standard(&leaf.At): // or a package's own goroutine
		return named(kind, leaf)
	}
	return named(kind, stood)
}

// pooled is the root of a wait in a known pool: of the explained goroutine, or of one that
// it waited for.
func (a *account) pooled(s *stepSum) (rootKey, *names.Place) {
	kind := report.RootPlace
	if a.e.locks.Locking(s.pool) {
		kind = report.RootLock
	}
	k, who := named(kind, a.places.Of(s.pool))
	k.known = a.e.pools.Of(s.pool)
	if s.made && k.known.Made != nil {
		k.known = k.known.Made
		if names.LooksUp(a.e.names.Stacks[s.stack]) {
			k.known = names.LookingUp
		}
	}
	return k, who
}

// own reports whether a step is what the explained goroutine itself did.
func own(s *stepSum) bool {
	switch s.cause {
	case report.CauseSleep, report.CauseNetwork, report.CauseSyscall, report.CauseRunning:
		return s.g.G == model.NoG
	}
	return false
}

// leafKinds are the kinds of what goroutines do of their own.
var leafKinds = map[report.Cause]report.RootKind{
	report.CauseRunning: report.RootComputing,
	report.CauseSyscall: report.RootSyscall,
	report.CauseNetwork: report.RootNetwork,
	report.CauseSleep:   report.RootSleep,
	report.CauseBlocked: report.RootBlocked,
	report.CauseLock:    report.RootLock,
}

// leaf is the place of what a step's goroutine did.
func (a *account) leaf(x *explained, s *stepSum) *names.Place {
	if s.cause != report.CauseRunning {
		return a.places.Of(s.stack)
	}
	g := s.g
	if g.G == model.NoG {
		g = measure.Culprit{G: x.g, Func: x.fn}
	}
	return a.who(s.seen, g)
}

// who is the place where a goroutine was last seen; where it does not show, the
// function that it started with.
func (a *account) who(seen uint32, g measure.Culprit) *names.Place {
	if p := a.places.Of(seen); p != nil && names.Tells(&p.At) { // where the library stopped says nothing of what ran before
		return p
	}
	if fn := a.e.funcOf(g.G, g.Func); fn != "" {
		return a.places.Func(fn)
	}
	return nil
}

// waited is what a blocked explained goroutine waited for: a lock or a place among
// others; RootNotTold where it was not blocked, or waited for what it had others do.
func (a *account) waited(s *stepSum) report.RootKind {
	switch {
	case s.via == 0 || own(s) || s.child || a.e.h.handsOver(s.stood):
		return report.RootNotTold
	case a.e.locks.Locking(s.stood):
		return report.RootLock
	case s.via == blockedFor(model.ReasonSync) && a.e.pools.Of(s.stood) == nil: // a wait group
		return report.RootNotTold
	}
	return report.RootPlace
}

// collector is the root of what the collector took: one for all of it, but for what
// was asked for by calls of runtime.GC.
func (a *account) collector(s *stepSum) (rootKey, *names.Place) {
	for _, stack := range []uint32{s.stack, s.stood, s.seen} {
		if slices.ContainsFunc(a.e.names.Stacks[stack], func(f report.Frame) bool { return f.Func == "runtime.GC" }) {
			return named(report.RootForcedGC, a.places.Of(stack))
		}
	}
	at := a.places.Of(cmp.Or(s.seen, s.stack))
	if at != nil && !at.Own {
		at = nil
	}
	return rootKey{kind: report.RootGC}, at
}

func named(kind report.RootKind, p *names.Place) (rootKey, *names.Place) {
	if p == nil {
		return rootKey{kind: kind}, nil
	}
	return rootKey{kind: kind, fn: p.At.Func}, p
}

// ofCollector reports whether a cause is the garbage collector.
func ofCollector(c report.Cause) bool {
	switch c {
	case report.CauseAssist, report.CauseSweep, report.CauseGCStop, report.CauseGCWorker, report.CauseAssistWait, report.CauseGCWait:
		return true
	}
	return false
}

// rwMutex is the method of sync.RWMutex that a stack waits in, "" for none.
func rwMutex(frames []report.Frame) string {
	for i := range frames {
		if m, ok := strings.CutPrefix(frames[i].Func, "sync.(*RWMutex)."); ok {
			return m
		}
	}
	return ""
}

// A root has a place of its own from ownPlace of its kind's time on; the others of
// the kind are one.
const ownPlace = .25

// byKind is the time of each kind of cause, ns of all instances together.
func (a *account) byKind() map[report.RootKind]int64 {
	kinds := map[report.RootKind]int64{}
	for k, r := range a.by {
		kinds[k.kind] += r.ns
	}
	return kinds
}

// ownPlaces tells which those are that stand for themselves.
func (a *account) ownPlaces() func(rootKey) bool {
	kinds := a.byKind()
	return func(k rootKey) bool {
		r := a.by[k]
		return r != nil && (k.kind == report.RootNoCPU || float64(r.ns) >= ownPlace*float64(kinds[k.kind]))
	}
}

// roots are the roots of slow instances with what typical ones have of them, what there
// is more of first. typical may be nil.
func (a *account) roots(typical *account) []report.Root {
	mine := a.folded(a.ownPlaces())
	var theirs map[rootKey]*rootSum
	if typical != nil { // what is one of their own roots is none of the others of ours
		own := typical.ownPlaces()
		theirs = typical.folded(func(k rootKey) bool { return mine[k] != nil || own(k) })
	}
	usual := map[report.RootKind]int64{}
	if typical != nil {
		for k, r := range typical.by {
			usual[k.kind] += r.ns / max(1, typical.n)
		}
	}
	asked := a.byKind()[report.RootNetwork] / max(1, a.n)
	asksMore := asked > 0 && asked >= 2*usual[report.RootNetwork]
	out := []report.Root{}
	for k, r := range mine {
		x := a.describe(k, r)
		x.NS = r.ns / max(1, a.n)
		if t := theirs[k]; t != nil {
			x.Typical = t.ns / max(1, typical.n)
		}
		if typical != nil {
			x.Advice = cmp.Or(a.inLine(&x, r, theirs[k]), a.lookAgain(&x, r, theirs[k]), x.Advice)
		}
		if typical != nil && !a.mixed && (k.kind != report.RootSleep || 2*r.others <= r.ns) {
			x.Advice = cmp.Or(adviceByMore(&x, usual[x.Kind], asksMore, r.worksIn()), x.Advice)
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b report.Root) int {
		return cmp.Or(cmp.Compare(b.NS-b.Typical, a.NS-a.Typical), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.At.Func, b.At.Func))
	})
	collectorFirst(out)
	return out
}

// folded are the roots with those that do not stand for themselves joined by kind.
func (a *account) folded(own func(rootKey) bool) map[rootKey]*rootSum {
	out := map[rootKey]*rootSum{}
	for k, r := range a.by {
		if k.fn != "" && !own(k) {
			k.fn = ""
		}
		if out[k] == nil {
			out[k] = r
			continue
		}
		out[k] = joined(out[k], r)
	}
	return out
}

// joined is the sum of two.
func joined(a, b *rootSum) *rootSum {
	x := newRootSum()
	for _, r := range []*rootSum{a, b} {
		x.ns, x.times, x.likely = x.ns+r.ns, x.times+r.times, x.likely+r.likely
		x.yielded, x.unseen = x.yielded+r.yielded, x.unseen+r.unseen
		for u, ns := range r.untold {
			x.untold[u] += ns
		}
		x.child, x.came = x.child+r.child, x.came+r.came
		x.writes, x.forAll, x.dials = x.writes+r.writes, x.forAll+r.forAll, x.dials+r.dials
		x.there, x.lookup, x.others = x.there+r.there, x.lookup+r.lookup, x.others+r.others
		maps.Copy(x.gs, r.gs)
		x.again, x.pooled, x.outside = x.again+r.again, x.pooled+r.pooled, x.outside+r.outside
		x.asked.join(&r.asked)
		for c, ns := range r.causes {
			x.causes[c] += ns
		}
		merge(x.jobs, r.jobs)
		merge(x.who, r.who)
		merge(x.from, r.from)
		merge(x.caller, r.caller)
		merge(x.above, r.above)
		merge(x.callee, r.callee)
		merge(x.works, r.works)
		merge(x.stood, r.stood)
		merge(x.sites, r.sites)
		x.fires.ns, x.fires.n = x.fires.ns+r.fires.ns, x.fires.n+r.fires.n
		merge(x.fired, r.fired)
		merge(x.held, r.held)
		x.inside.join(r.inside)
		merge(x.ahead, r.ahead)
		x.back, x.closed, x.chain = x.back+r.back, x.closed+r.closed, x.chain+r.chain
		if x.calls == nil && r.calls != nil {
			x.calls = map[*names.Call]int64{}
		}
		merge(x.calls, r.calls)
		x.delay = x.delay.with(&r.delay)
	}
	return x
}

func merge[K comparable](into, from map[K]int64) {
	for k, ns := range from {
		into[k] += ns
	}
}
