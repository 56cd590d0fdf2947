package explain

import (
	"slices"
	"sort"

	"gmptrace/analyze/internal/handlers"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// maxPathDepth is how many goroutines a path follows that wait for each other.
const maxPathDepth = 64

// step is a stretch of a critical path: what one goroutine did, or what kept it
// from going on, while the explained one depended on it.
type step struct {
	from, to model.Time
	g        model.GoID // whose stretch it is
	fn       uint32     // stack that g started with
	cause    report.Cause
	via      via          // what the explained goroutine did meanwhile
	depth    int          // how many goroutines the explained one waits for g through
	who      model.GoID   // that had the P, or stopped the world; NoG for none
	whoFn    uint32       // stack that who started with
	stack    uint32       // where g stopped, or who stopped the world; 0 if it ran
	seen     uint32       // where g, or who, was last seen running; 0 if neither ran or it does not show
	stood    uint32       // where the explained goroutine was blocked meanwhile; 0 if the step is its own
	letIn    uint32       // where it was let go on from there by another one, 0 for nowhere
	since    model.Time   // when it began to be
	pool     uint32       // where it, or the first one of those that it waited for, waited in a known pool; 0 for none did
	made     bool         // what the pool gives was being made meanwhile
	held     uint32       // where who held the lock that it was blocked for was blocked itself, and waited for g; 0 for none
	has      uint32       // where who had a place of that pool was blocked itself, and waited for g; 0 for nowhere
	asks     uint32       // where the first of them waits for what a package of the network asked for; 0 for none does
	locked   uint32       // where a goroutine stopped to or from whose thread a P had to be handed: see handedOver
	ahead    uint32       // of a pool: where who got the place next had waited for it; 0 for nobody but the explained one
	p        model.ProcID // where g ran, or the P that it waited for
	reason   model.Reason // of a blocked g
	several  int          // stretches that this one stands for, 0 for itself
	untold   untold       // why the trace does not tell the cause
	fired    bool         // g was yet to be started by a timer
	child    bool         // the explained goroutine waited for one that it had started: see startedHere
	came     bool         // a later request ended the wait: see forArrival
	likely   bool         // g is taken for the other end of a connection that was waited for: see peers
}

// via is what the explained goroutine itself did during a step: 0 if the step is
// its own, else 1 and the reason that it was blocked for, or standsInLine.
type via uint8

const numVias = standsInLine + 1

func blockedFor(r model.Reason) via { return via(r) + 1 }

// walk finds the critical path of a goroutine from one time to another.
//
// While it was not blocked, its own stretches are the path. While it was
// blocked, the path is that of the goroutine which unblocked it, over the same
// time: that one was what it waited for. So the steps follow each other without
// a gap, and their lengths sum to the whole.
type walk struct {
	h     *history
	locks *names.LockSites
	use   func(*step)
	sum   func(via, report.Cause, int64) // instead of use, where only the sums count
	pools *names.Pools
	stance
	pool   uint32 // where the first one on the chain waits in a pool, 0 for none
	makes  bool   // who is walked makes what that gives
	held   uint32 // where who holds the lock that the explained one waits for is blocked, 0 for nowhere
	asks   uint32 // where the first one waits for an answer of the network, 0 for none
	inside int    // depth of who has a place of that pool, 0 for nobody
	has    uint32 // as of a step, as the next one
	ahead  uint32
	steps  int        // stretches and pieces that were looked at
	given  bool       // who is explained was given its work by others: see gotWork
	busy   model.Time // until when it may have stood in line for g: see stands

	peers   *peers                    // nil where no other ends are looked for
	ends    map[model.GoID]model.GoID // other ends, found before
	servers []server                  // among which they are looked for, nil until then
	likely  bool                      // what is walked is one
	begin   model.Time                // when what is explained began
	waiter  *step                     // the wait that what is walked ended, nil where it did none
	at      *atDepth
}

// stance is where the explained goroutine is blocked, or one that does its work.
type stance struct {
	stood  uint32
	letsIn uint32     // where it is let go on, 0 for nowhere
	since  model.Time // since when
	child  bool       // it is blocked for one that it has started
	hands  bool       // it is blocked for one that was started to run its handler
	holder int        // depth of who holds the lock that it waits for
}

// atDepth are the steps that a walk is at, by depth: there may be millions, of which nobody
// keeps one.
type atDepth [maxPathDepth + 1]step

// tell tells of a step.
func (w *walk) tell(x *step) {
	if w.sum != nil {
		w.sum(x.via, x.cause, int64(x.to-x.from))
		return
	}
	if x.via != 0 {
		x.stood, x.letIn, x.since, x.pool, x.made, x.asks = w.stood, w.letsIn, w.since, w.pool, w.makes, w.asks
		x.ahead, x.has, x.child = w.ahead, w.has, w.child
		if x.depth > w.holder {
			x.held = w.held
		}
	}
	x.likely = w.likely
	switch {
	case x.cause == report.CauseRunning || x.cause == report.CauseAssist || x.cause == report.CauseSweep:
		if x.seen == 0 {
			x.seen = w.h.lastSeen(x.g, x.p, x.from)
		}
	case x.who != model.NoG:
		if x.seen == 0 {
			x.seen = w.h.lastSeen(x.who, x.p, x.from)
		}
	case x.depth == 0 && x.p != model.NoP && (x.cause == report.CauseDispatch || x.cause == report.CauseIdleP):
		if s, _ := w.h.does(x.p, x.from-1); s != nil && yields(w.locks.Names.Stacks[s.stack]) {
			x.seen = s.stack
		}
	}
	w.use(x)
}

// yields reports whether a stack is of who gave up its P.
func yields(frames []report.Frame) bool {
	return len(frames) > 0 && frames[0].Func == "runtime.Gosched"
}

// path walks goroutine g from one time to another.
func (w *walk) path(g model.GoID, from, to model.Time, v via, depth int) {
	line := w.h.of(g)
	if depth == 0 {
		w.begin = from
	}
	if s := w.gotWork(&line, from, to, depth); s != nil {
		w.steps++
		w.blocked(s, &step{from: from, to: s.end, g: g, fn: line.fn, via: v, depth: depth, who: model.NoG, p: model.NoP})
		from = s.end
	}
	if depth == 0 {
		from = w.stands(g, from, to)
	}
	line.during(from, to, func(s *gSeg, from, to model.Time) {
		w.steps++
		x := &w.at[depth]
		*x = step{from: from, to: to, g: g, fn: line.fn, via: v, depth: depth, who: model.NoG, p: model.NoP}
		switch {
		case s == nil:
			w.gap(&line, x)
		case s.state == model.GWaiting:
			w.blocked(s, x)
		case s.state == model.GRunnable:
			w.runnable(s, x)
		case s.state == model.GRunning, s.unended:
			w.running(s, x)
		case s.state == model.GSyscall:
			x.cause, x.stack, x.p = report.CauseSyscall, s.stack, s.p
			w.tell(x)
		default:
			x.cause = report.CauseUnknown
			w.tell(x)
		}
	})
}

// gap is a time for which no stretch of the goroutine is kept: before it was
// created, it was its creator's turn, or a timer was not due; after its last stretch it goes on running,
// or else it could not have done what it is asked about.
func (w *walk) gap(line *gLine, x *step) {
	if x.from < w.h.lost {
		rest := *x
		x.to = min(x.to, w.h.lost)
		x.cause = report.CauseNotKept
		w.tell(x)
		if rest.from = x.to; rest.from < rest.to {
			w.gap(line, &rest)
		}
		return
	}
	x.cause = report.CauseRunning
	i := sort.Search(len(line.segs), func(i int) bool { return line.segs[i].start >= x.to })
	if i < len(line.segs) {
		x.cause, x.untold = report.CauseUnknown, untoldBefore
		switch s := &line.segs[i]; {
		case s.byTimer():
			x.cause, x.fired = report.CauseBlocked, true
		case s.first && s.by != x.g && x.depth < maxPathDepth:
			w.path(s.by, x.from, x.to, x.via, x.depth+1)
			return
		}
	}
	w.tell(x)
}

func (w *walk) running(s *gSeg, x *step) {
	x.p = s.p
	if s.assist {
		x.cause = report.CauseAssist
		w.tell(x)
		return
	}
	if s.p < 0 || int(s.p) >= len(w.h.ps) {
		w.tell(x)
		return
	}
	sweeps := w.h.ps[s.p].sweeps
	for end := x.to; x.from < end; x.from = x.to {
		swept, until := within(sweeps, x.from)
		x.to, x.cause, x.seen = min(end, until), report.CauseRunning, 0
		if swept {
			x.cause = report.CauseSweep
		} else if w.use != nil {
			x.seen, until = w.h.stopsWorld(x.g, x.from)
			x.to = min(x.to, until)
		}
		w.tell(x)
	}
}

func (w *walk) runnable(s *gSeg, x *step) {
	x.p = w.h.queueOf(s)
	if w.sum != nil {
		w.steps += w.h.sum(s, x.from, x.to, func(c report.Cause, ns int64) { w.sum(x.via, c, ns) })
		return
	}
	y := *x
	w.h.divide(s, x.from, x.to, func(part piece) {
		w.steps++
		y = *x
		y.from, y.to, y.cause, y.who, y.whoFn, y.stack, y.seen, y.untold = part.from, part.to, part.cause, part.g, part.fn, part.stack, part.seen, part.untold
		if part.cause == report.CauseStopping {
			y.p = part.p
		}
		y.locked = w.h.handedOver(s, &y)
		w.tell(&y)
	})
}

// blocked walks what a goroutine was blocked for. A lock that who does the work of the
// explained one waits for, counts as if that one did itself.
func (w *walk) blocked(s *gSeg, x *step) {
	x.stack, x.reason = s.stack, s.reason
	if s.reason == model.ReasonSync && w.locks.OfCollector(s.stack) {
		x.reason = model.ReasonUntilGCEnds
	}
	switch {
	case x.depth == 0:
		x.via = blockedFor(x.reason)
		w.stance = stance{s.stack, s.byStack, x.from, w.startedHere(s, x.g), w.h.handsOver(s.stack), 1}
	case x.depth == 1 && (w.child || w.hands) && w.locks.Locking(s.stack):
		outer := w.stance
		x.via = blockedFor(s.reason)
		w.stance = stance{stood: s.stack, letsIn: s.byStack, since: x.from, holder: 2}
		w.waited(s, x)
		w.stance = outer
		return
	}
	w.waited(s, x)
}

// waited walks a wait.
func (w *walk) waited(s *gSeg, x *step) {
	if x.depth <= w.holder {
		w.held = 0
	}
	if x.depth == w.holder && w.locks.Locking(w.stood) {
		w.held = s.stack
	}
	x.cause = leafCause(x.reason)
	if w.forArrival(x) {
		return
	}
	pool, makes, asks, has := w.pool, w.makes, w.asks, w.has
	w.waits(s.stack, x.cause)
	w.insideWaits(s, x)
	if s.goesOn && x.cause == report.CauseBlocked && x.to == s.end {
		x.cause = report.CauseNeverEnded
	}
	if s.goesOn || x.to != s.end || x.cause != report.CauseSleep && x.cause != report.CauseNetwork || !w.foundLate(x) {
		w.ended(s, x)
	}
	w.pool, w.makes, w.asks, w.has = pool, makes, asks, has
}

// startedHere reports whether goroutine g, which is explained, waits for what another one
// has to give that it had started for that: not for a place among others, but for a part of
// its own work, as with a wait group.
func (w *walk) startedHere(s *gSeg, g model.GoID) bool {
	if s.reason != model.ReasonChanRecv && s.reason != model.ReasonSelect || s.by == model.NoG || s.goesOn {
		return false
	}
	line := w.h.of(s.by)
	segs := line.segs
	return len(segs) > 0 && names.Ours(w.h.names.StartFunc(line.fn)) && segs[0].first && segs[0].by == g && segs[0].start >= w.begin
}

// handsOver reports whether who is blocked with a stack has had another goroutine run its
// handler.
func (h *history) handsOver(stack uint32) bool {
	return h.aside.Of(h.names, stack, func(frames []report.Frame) bool {
		i := slices.IndexFunc(frames, func(f report.Frame) bool { return !names.IsRuntime(f.Func) })
		return i >= 0 && frames[i].Func == handlers.Timeout
	})
}

// waits notes what a stack that who is walked is blocked with tells of what it waits for.
func (w *walk) waits(stack uint32, c report.Cause) {
	if w.use == nil {
		return
	}
	if w.asks == 0 && c == report.CauseBlocked && w.pools.Asks(stack) {
		w.asks = stack
	}
	if w.pool != 0 {
		w.makes = w.makes || w.pools.Makes(stack)
	} else if w.pools.Of(stack) != nil {
		w.pool = stack
	}
}

// foundLate tells of a wait for a timer or the network before whose end no P had been
// free for some time: as far as that, it may have been over before. It reports whether it
// was such a wait.
func (w *walk) foundLate(x *step) bool {
	late := *x
	if late.from = max(x.from, w.h.unfound(x)); x.to-late.from < foundLateFrom {
		return false
	}
	if x.to = late.from; x.from < x.to {
		w.tell(x)
	}
	late.cause, late.stack = report.CauseFoundLate, 0
	late.who, late.whoFn, late.p = w.h.ranLongest(late.from, late.to)
	w.tell(&late)
	return true
}

const (
	// foundLateFrom is the least time for which a wait counts as maybe over before it ended.
	foundLateFrom = 1_000_000 // ns
	// A P that is about to run a goroutine takes no longer than soonRuns, and looks for
	// one then no further than into queues.
	soonRuns = 50_000 // ns
	// sysmonPolls is how often the network is polled while all Ps are busy.
	//
	// Source: runtime/proc.go, sysmon.
	sysmonPolls = 10_000_000 // ns
	// busyBack is how many stretches of a P are gone back through.
	busyBack = 64
)

// unfound is since when no P can have noticed what x waited for. Ps that run one goroutine
// after the other do not poll the network, the monitor does. A timer is looked at by the P
// that the goroutine had slept on, between two goroutines, and by others that find nothing
// to run.
func (h *history) unfound(x *step) model.Time {
	since := x.to - sysmonPolls
	if x.cause == report.CauseSleep {
		p := h.lastOn(x.g, x.from)
		if p == model.NoP {
			return x.to
		}
		s := h.ranBefore(p, x.to)
		if s == nil {
			return x.to
		}
		since = s.start
	}
	for p := range h.ps {
		since = max(since, h.busySince(model.ProcID(p), x.to, since))
	}
	return since
}

// lastOn is the P on which a goroutine ran until a time.
func (h *history) lastOn(g model.GoID, until model.Time) model.ProcID {
	segs := h.of(g).segs
	i := sort.Search(len(segs), func(i int) bool { return segs[i].end >= until })
	for ; i >= 0 && i < len(segs); i-- {
		if segs[i].state == model.GRunning {
			return segs[i].p
		}
	}
	return model.NoP
}

// ranBefore is what a P ran until a time or, where it looked for work then, just before;
// nil if nothing.
func (h *history) ranBefore(p model.ProcID, until model.Time) *pSeg {
	s, _ := h.does(p, until-1)
	if s != nil && s.does == model.PDoesSched && until-s.start <= soonRuns {
		s, _ = h.does(p, s.start-1)
	}
	if s == nil || s.does != model.PDoesRun {
		return nil
	}
	return s
}

// busySince is since when, until a time and not before another one, a P ran goroutines
// one after the other.
func (h *history) busySince(p model.ProcID, until, from model.Time) model.Time {
	at := until
	for range busyBack {
		s, _ := h.does(p, at-1)
		if s == nil || s.does == model.PDoesIdle || s.does == model.PDoesSched && s.end-s.start > soonRuns {
			return at
		}
		if at = s.start; at <= from {
			return from
		}
	}
	return at
}

// ranLongest is the goroutine that ran for longest in one stretch in a time, and where.
func (h *history) ranLongest(from, to model.Time) (g model.GoID, fn uint32, on model.ProcID) {
	g, on = model.NoG, model.NoP
	var most model.Time
	for p := range h.ps {
		if s := h.ranBefore(model.ProcID(p), to); s != nil && to-max(s.start, from) > most {
			most, g, fn, on = to-max(s.start, from), s.g, s.fn, model.ProcID(p)
		}
	}
	return g, fn, on
}

// ended walks a wait that goes on as long as it seems.
func (w *walk) ended(s *gSeg, x *step) {
	if x.cause == report.CauseNetwork && x.to == s.end && !s.goesOn && w.linked(x) {
		return
	}
	if x.cause != report.CauseBlocked || x.to != s.end || s.by == model.NoG || s.by == x.g || x.depth >= maxPathDepth {
		w.tell(x)
		return
	}
	if s.reason == model.ReasonSync && w.locks.Locking(s.stack) {
		w.locked(s, x)
		return
	}
	if w.pools.Keeps(s.stack) && w.letIn(s) {
		w.pooled(s, x)
		return
	}
	waiter := w.waiter
	w.waiter = x
	w.path(s.by, x.from, x.to, x.via, x.depth+1)
	w.waiter = waiter
}

// locked walks a wait for a lock: back through those who held it, one before the
// other. The one who unlocked it had it since it got it from another one, or
// since it was last blocked outside of the function that unlocks: what it did
// before that is none of the waiter's business, and who had the lock then the
// trace does not name.
func (w *walk) locked(s *gSeg, x *step) {
	type held struct {
		g        model.GoID
		from, to model.Time
	}
	var chain []held
	at, by, unlock := x.to, s.by, s.byStack // from the waiter's end backwards
	for at > x.from && by != model.NoG && len(chain) < maxPathDepth {
		since, from := heldSince(w.locks, w.h.of(by), x.from, at, s.stack, unlock)
		if since < at {
			chain = append(chain, held{by, since, at})
		}
		at, by = since, model.NoG
		if from != nil {
			by, unlock = from.by, from.byStack
		}
	}
	if at > x.from {
		unknown := *x
		unknown.to, unknown.cause = at, report.CauseLock
		w.tell(&unknown)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		w.path(chain[i].g, chain[i].from, chain[i].to, x.via, x.depth+1)
	}
}

// leafCause is why a goroutine is blocked, if that is no other goroutine's doing;
// else CauseBlocked.
func leafCause(r model.Reason) report.Cause {
	switch r {
	case model.ReasonNetwork:
		return report.CauseNetwork
	case model.ReasonSleep:
		return report.CauseSleep
	case model.ReasonAssist:
		return report.CauseAssistWait
	case model.ReasonUntilGCEnds, model.ReasonSweep, model.ReasonWeakToStrong, model.ReasonPreempted:
		return report.CauseGCWait
	}
	return report.CauseBlocked
}
