package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// spentKey is what stretches of a path have in common that are one row.
type spentKey struct {
	parent string // of the cause
	own    bool   // of the explained goroutine, else of one that it waited for
	fn     string // that this one started with
	at     string // function of the place
	line   uint64 // of it, where the goroutine stood there
	stood  standing
	known  *names.Pool
	fired  bool // as of a step, as the next ones
	came   bool
	likely bool
	untold untold // of what the trace does not tell
	yields bool   // nobody else had the P, which the explained goroutine had given up
	loss   string // why there was no CPU, by what the machine said; else ""
}

// whose is what the reader knows all of a row to be of: the instance, or who it waited for.
func (k *spentKey) whose(x *explained) string {
	if k.own {
		return x.Name
	}
	return k.fn
}

// spentSum is such a row.
type spentSum struct {
	tally
	g       model.GoID // whose; NoG for several
	cause   report.Cause
	calls   map[*names.Call]int64 // of CauseSyscall
	place   names.Place
	places  map[report.Frame]int64
	callers map[string]int64 // whom to name as having called those
	works   map[string]int64 // functions of libraries that it computed in there
}

// maxSpent is how many rows an instance has, but for the last one of what is left.
const maxSpent = 12

// spent are the stretches of an instance's path by cause and place, most first.
func (e *explainer) spent(x *explained) []report.Spent {
	rows := e.spentRows(x)
	keys := make([]spentKey, 0, len(rows))
	for k := range rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b spentKey) int {
		r, s := rows[a], rows[b]
		return cmp.Or(cmp.Compare(s.ns, r.ns), cmp.Compare(r.first, s.first), cmp.Compare(a.parent, b.parent), cmp.Compare(a.at, b.at), cmp.Compare(a.line, b.line),
			cmp.Compare(a.fn, b.fn), cmp.Compare(r.g, s.g), cmp.Compare(a.stood.at.Func, b.stood.at.Func), cmp.Compare(a.stood.at.Line, b.stood.at.Line))
	})
	out := []report.Spent{}
	left := report.Spent{G: model.NoG, Cause: "several"}
	for _, k := range keys {
		r := rows[k]
		if len(out) == maxSpent && len(keys) > maxSpent+1 {
			left.NS, left.Count, left.Places = left.NS+r.ns, left.Count+r.n, left.Places+1
			if at := int64(r.first - e.zero); left.Places == 1 || at < left.First {
				left.First = at
			}
			continue
		}
		out = append(out, report.Spent{NS: r.ns, Count: r.n, First: int64(r.first - e.zero), G: r.g, Func: k.fn, Cause: k.parent, At: r.place.At, Stood: k.stood.at, Likely: k.likely, Places: 1, Text: spentText(&k, r)})
	}
	if left.Places > 0 {
		left.Text = fmt.Sprintf("%s at %s", words.Plural(left.Count, "shorter stretch"), words.Plural(left.Places, "other place"))
		out = append(out, left)
	}
	return out
}

// spentRows sums the steps of an instance.
func (e *explainer) spentRows(x *explained) map[spentKey]*spentSum {
	a := &account{e: e, places: e.names.Places()}
	rows := map[spentKey]*spentSum{}
	lost := e.noCPU(x)
	for i := range x.sums.list {
		s, t := &x.sums.list[i].key, x.sums.list[i].value
		t.ns -= lostRows(rows, x, lost[*s], t)
		k, place := a.spentKey(x, s)
		r := rows[k]
		if r == nil {
			r = &spentSum{g: s.g.G, cause: s.cause, tally: tally{first: t.first}, calls: map[*names.Call]int64{}, places: map[report.Frame]int64{}, callers: map[string]int64{}, works: map[string]int64{}}
			if k.own {
				r.g = x.g
			}
			rows[k] = r
		}
		if g := s.g.G; !k.own && (g != r.g || g == somebody) {
			r.g = model.NoG
		}
		r.ns, r.n, r.first = r.ns+t.ns, r.n+t.n, min(r.first, t.first)
		r.cause = min(r.cause, s.cause)
		if s.cause == report.CauseSyscall {
			r.calls[names.CallOf(e.names.Stacks[s.stack])] += t.ns
		}
		if place != nil {
			r.callers[place.Caller(k.whose(x))] += t.ns
			r.works[place.Works] += t.ns
			if r.places[place.At] += t.ns; r.place.At.Func == "" || better(place, &r.place) {
				r.place = *place
			}
		}
	}
	for _, r := range rows {
		if len(r.places) > 1 {
			r.place.At = mostFrame(r.places, "")
		}
	}
	return rows
}

// lostRows adds what of a sum there was no CPU for to the rows of that, and returns how
// much it is.
func lostRows(rows map[spentKey]*spentSum, x *explained, lost report.CPULost, of tally) (all int64) {
	for why := range report.NumCPULosses {
		part := min(*lost.At(why), of.ns-all)
		if part <= 0 {
			continue
		}
		k := spentKey{parent: string(report.RootNoCPU), own: true, loss: why.String()}
		r := rows[k]
		if r == nil {
			r = &spentSum{g: x.g, tally: tally{first: of.first}}
			rows[k] = r
		}
		r.ns, r.n, r.first = r.ns+part, r.n+of.n, min(r.first, of.first)
		all += part
	}
	return all
}

// better makes the choice among places of a row the same whatever the order.
func better(a, b *names.Place) bool {
	return cmp.Or(cmp.Compare(a.Callee, b.Callee), cmp.Compare(a.From, b.From), cmp.Compare(a.At.Line, b.At.Line)) > 0
}

// spentKey is the row that a step belongs to, and the place of it, nil where none shows.
func (a *account) spentKey(x *explained, s *stepSum) (spentKey, *names.Place) {
	k := spentKey{parent: s.cause.Parent(), own: s.g.G == model.NoG, fired: s.fired, came: s.came, likely: s.likely, untold: s.untold}
	switch {
	case k.fired:
		k.fn = a.firedFunc(x, s)
	case !k.own:
		k.fn = a.e.funcOf(s.g.G, s.g.Func)
	}
	if s.via != 0 && !own(s) && s.cause != report.CauseFoundLate {
		k.stood, k.known = a.standing(x, s), a.e.pools.Of(s.stood)
	}
	k.yields = s.who.G == model.NoG && (s.cause == report.CauseIdleP || s.cause == report.CauseDispatch) && yields(a.e.names.Stacks[s.seen])
	place := a.spentPlace(x, s)
	if k.yields {
		place = a.places.Of(s.seen)
	}
	if place != nil {
		k.at = place.At.Func
		if !runs(s.cause) {
			k.line = place.At.Line
		}
	}
	return k, place
}

// runs reports whether the place of a cause is that of a goroutine which ran: where it
// happened to be seen.
func runs(c report.Cause) bool {
	return c == report.CauseRunning || c == report.CauseAssist || c == report.CauseSweep || c == report.CauseFoundLate || waitsForP(c) && !stopsAll(c)
}

// spentPlace is where who did it was or, of a wait for a P, who had that.
func (a *account) spentPlace(x *explained, s *stepSum) *names.Place {
	switch {
	case s.cause == report.CauseIdleP, s.cause == report.CauseDispatch, s.cause == report.CauseUnknown, s.cause == report.CauseNotKept, s.cause == report.CauseGCWorker:
		return nil
	case s.cause == report.CauseStopTheWorld:
		return a.places.Of(s.stack)
	case s.cause == report.CauseGCStop:
		return nil
	case s.cause == report.CauseFoundLate, waitsForP(s.cause):
		return a.who(s.seen, s.who)
	case s.cause == report.CauseRunning, s.cause == report.CauseAssist, s.cause == report.CauseSweep:
		g := s.g
		if g.G == model.NoG {
			g = measure.Culprit{G: x.g, Func: x.fn}
		}
		return a.who(s.seen, g)
	}
	return a.places.Of(s.stack)
}

// past says what a goroutine did, or what kept it from going on, before a place: what
// follows "it".
var past = [report.NumCauses]string{
	report.CauseRunning:      "ran",
	report.CauseAssist:       "marked memory for the garbage collector (mark assist)",
	report.CauseSweep:        "swept memory for the garbage collector",
	report.CauseGCStop:       "got no CPU, the garbage collector had stopped the world",
	report.CauseStopTheWorld: "got no CPU, the world was stopped",
	report.CauseStopping:     "got no CPU, the world was to stop, and waited for",
	report.CauseGCWorker:     "got no CPU, mark workers of the garbage collector had it",
	report.CauseRuntime:      "got no CPU, others had it",
	report.CauseQueue:        "got no CPU, others had it",
	report.CauseGlobalQueue:  "got no CPU, others had it",
	report.CauseAfterSyscall: "got no CPU, others had it",
	report.CauseSyscallHeld:  "got no CPU, its P was held by a system call",
	report.CauseIdleP:        "got no CPU although a P was free: its thread came late",
	report.CauseDispatch:     "got no CPU although a P was free: its thread came late",
	report.CauseNetwork:      "waited for the network or a pipe",
	report.CauseSleep:        "slept",
	report.CauseFoundLate:    "waited for a timer, or the network, that may have been ready, and all Ps were busy",
	report.CauseAssistWait:   "waited for the garbage collector (mark assist)",
	report.CauseGCWait:       "waited for the garbage collector",
	report.CauseBlocked:      "was blocked until a timer, the network or the runtime ended it",
	report.CauseNeverEnded:   "was blocked until the trace ended",
	report.CauseLock:         "waited for a lock; who held it does not show",
	report.CauseNotKept:      "did something too long ago to be kept",
}

// spentText says in words what a row is.
func spentText(k *spentKey, r *spentSum) string {
	if k.loss != "" {
		return "had no CPU: " + noCPUWords[k.loss].text
	}
	did := r.did(k)
	switch {
	case k.stood.via == 0 && k.fired:
		return "a timer had yet to start " + words.Function(k.fn)
	case k.own && (k.stood.via == 0 || r.cause == report.CauseGCWait):
		return did
	case k.stood.via == 0 && k.likely:
		return fmt.Sprintf("waited for the network, likely served by %s, which %s", spentWho(k, r), did)
	case k.stood.via == 0: // before it was created
		return spentWho(k, r) + " " + did
	}
	t := tale{Root: &report.Root{}, st: &k.stood, known: k.known}
	waited := "waited" + strings.TrimPrefix(t.waiting(), "waiting")
	switch {
	case k.stood.via == standsInLine:
		return fmt.Sprintf("%s while %s %s", waited, spentWho(k, r), did)
	case k.own && k.came:
		return waited + untilBrought
	case k.own && (r.cause == report.CauseNeverEnded || r.cause == report.CauseBlocked):
		return waited + strings.TrimPrefix(past[r.cause], "was blocked")
	case k.fired:
		return waited + untilFired(k.fn)
	case k.own && r.cause == report.CauseLock:
		return waited + "; who held it does not show"
	case k.own:
		return waited + ": " + did
	case k.likely:
		return fmt.Sprintf("%s, likely served by %s, which %s", waited, spentWho(k, r), did)
	}
	return fmt.Sprintf("%s for %s, which %s", waited, spentWho(k, r), did)
}

// did says what a row's goroutine did, or what kept it from going on, and where.
func (r *spentSum) did(k *spentKey) string {
	text := past[r.cause]
	switch {
	case k.yields:
		text = "gave up the P (runtime.Gosched)"
	case k.came:
		text = "waited for what a later request brought"
	case r.cause == report.CauseSyscall:
		text = mostOf(r.calls, r.ns).Did()
	}
	if r.cause == report.CauseUnknown {
		text = k.untold.past()
	}
	if r.place.At.Func == "" || !k.own && !runs(r.cause) && !r.place.Own { // the loop of a package says nothing
		return text
	}
	caller, _ := most(r.callers)
	at := place(r.place.At, caller)
	if r.cause == report.CauseRunning || waitsForP(r.cause) {
		at = called(mostOf(r.works, r.ns), r.place.At, caller)
	}
	switch {
	case r.cause == report.CauseStopping:
		return text + " " + at
	case r.cause.Parent() == report.CauseOthers, r.cause == report.CauseSyscallHeld, r.cause == report.CauseFoundLate:
		return text + ": " + at
	case runs(r.cause), r.cause == report.CauseSleep:
		return text + " in " + at
	}
	return text + " in " + called(r.place.Callee, r.place.At, caller)
}

// spentWho names the goroutine of a row, or what those started with whose it is.
func spentWho(k *spentKey, r *spentSum) string {
	switch {
	case r.g != model.NoG:
		return words.Goroutine(int64(r.g), k.fn)
	case k.fn == "":
		return "others"
	}
	return "goroutines of " + words.Function(k.fn)
}
