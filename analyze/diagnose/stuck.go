package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkStuck looks for waits that never end: goroutines that wait for a lock, or to send
// on a channel, until the trace ends, at a line where nobody's wait has ended for long.
// And requests or tasks that wait to receive, for a wait group or for a condition
// variable, for what never comes, while others were answered.
//
// A place of a known pool (names.PoolOf) is one where goroutines do not stand for good
// either: who waits there is told as waiting for what the pool gives.
//
// Threshold: 100 ms, a fifth of the trace or a second, and ten times as long as any wait
// at that line that ended; eight of those where they wait for no lock, or eight goroutines
// that came to stand there one after the other. Of those that neither lock nor send each counts for
// itself, and only where requests or tasks that never end stand: all others may be idle. A
// warning from two goroutines, critical from eight: what they are to do never ends. One
// alone is information.
//
// Where requests or tasks wait for ever, two that stand to send as long will do.
//
// False positives: a lock that is held on purpose until the trace ends, and goroutines
// that park themselves for good. Which lock it is, and who holds it, is not in a trace:
// a holder that never unlocks leaves no event. Where goroutines stand at several lines,
// holders are likely among them.
var checkStuck = Check{ID: "stuck", Costs: costsEnds, Title: "Goroutines whose wait never ends", Begin: func(s *replay.Session) Judge {
	return (&stuckJudge{bench: bench{s}, standing: replay.Shared(s, newStanding)}).decide
}}

const (
	stuckFrom     = 100_000_000   // ns
	stuckPart     = 5             // the part of the trace: a fifth
	stuckLong     = 1_000_000_000 // ns, whatever part of the trace that is
	stuckTimes    = 10            // as long as any wait there that ended
	stuckWarning  = 2             // goroutines
	stuckCritical = 8
	stuckSends    = 8 // sends or receives at that line that ended: before, it may be made for standing
)

type stuckJudge struct {
	bench
	standing *standing
}

func (r *stuckJudge) decide(rep *report.Report) Judgement {
	places := r.Names.Places()
	all := r.standing.at(places)
	j := Judgement{Measured: words.Plural(len(r.standing.open), "goroutine") + " in a lock or a send at the trace's end"}
	if r.standing.unknown > len(r.standing.open) {
		j.Undecided = fmt.Sprintf("%s for a lock or to send at the trace's end, without a stack that tells where", words.Plural(r.standing.unknown, "wait"))
		return j
	}
	var stuck []*standingAt
	span := report.Analysed(rep)
	waited := slices.ContainsFunc(rep.Slowest.Roots, func(root report.Root) bool { return root.Kind == report.RootNeverEnded })
	for _, x := range all {
		if x.stuck(span) || waited && x.sendsOn(span) {
			stuck = append(stuck, x)
		}
	}
	stuck = append(stuck, r.unanswered(rep, places)...)
	if len(stuck) > 0 {
		f := r.describe(stuck)
		j.Findings = []report.Finding{f}
		j.Explains = Explained{"leak": wholly}
	}
	return j
}

// unanswered are the places where requests or tasks stand that never end, and wait to
// receive.
func (r *stuckJudge) unanswered(rep *report.Report, places *names.Places) (out []*standingAt) {
	for i := range rep.Slowest.Roots {
		root := &rep.Slowest.Roots[i]
		if root.Kind != report.RootNeverEnded || root.At.Func == "" {
			continue
		}
		if x := r.standing.receivers(places, &root.At); x.n > 0 {
			out = append(out, x)
		}
	}
	return out
}

// describe says who stands, most of them at the first place.
func (r *stuckJudge) describe(stuck []*standingAt) report.Finding {
	most := stuck[0]
	f := report.Finding{
		Severity: severityOfStuck(stuck),
		Title:    fmt.Sprintf("%s %s in %s and never go on", goroutinesWait(most.n), most.does(), most.name),
		CostNS:   most.ns,
		CostOf:   "goroutine time that they have waited by the trace's end",
		What: fmt.Sprintf("%s %s in %s until the trace ends, the first %s, and nobody has %s there since.",
			goroutinesWait(most.n), most.does(), most.name, r.when(most), most.undone()),
		Sure: "medium", SureWhy: "that they stand is in the trace; something may go on after its end",
		Stacks: r.stack(fmt.Sprintf("where G%d stands", most.g), most.stack),
	}
	if most.last > most.since {
		f.What = strings.TrimSuffix(f.What, ".") + " " + words.At(r.Offset(most.last)) + "."
	}
	for _, x := range stuck {
		f.Evidence = append(f.Evidence, report.Evidence{Label: "stand in " + x.name + " " + r.when(x), Value: words.Plural(x.n, "goroutine")})
		if len(f.Moments) < report.MaxMoments {
			f.Moments = append(f.Moments, r.scene(x.since, x.end, x.g, model.NoP, model.NoM, fmt.Sprintf("G%d waits %s in %s", x.g, x.does(), x.name)))
		}
	}
	for _, x := range stuck[1:min(len(stuck), 3)] {
		f.Stacks = append(f.Stacks, r.stack(fmt.Sprintf("where G%d stands", x.g), x.stack)...)
	}
	if most.lock {
		f.SureWhy = "that they stand is in the trace; a holder that never unlocks leaves no event, so who holds a lock is inferred from who stands where, and something may go on after the trace's end"
	}
	f.Why, f.Advice = r.whyStuck(stuck)
	if most.lock && len(stuck) > 1 && stuck[1].lock {
		f.Title += ": likely a deadlock"
	}
	return f
}

// when says since when they stand.
func (r *stuckJudge) when(x *standingAt) string {
	if x.since <= r.Zero {
		return "since before the trace began"
	}
	return "since " + words.At(r.Offset(x.since))
}

func goroutinesWait(n int) string {
	if n == 1 {
		return "A goroutine waits"
	}
	return words.Count(n) + " goroutines wait"
}

func goroutinesTry(n int) string {
	if n == 1 {
		return "a goroutine tries"
	}
	return words.Count(n) + " goroutines try"
}

func severityOfStuck(stuck []*standingAt) report.Severity {
	n := 0
	for _, x := range stuck {
		n += x.n
	}
	switch {
	case n >= stuckCritical:
		return report.SeverityCritical
	case n >= stuckWarning:
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

// whyStuck says who likely holds what, and what to do.
func (r *stuckJudge) whyStuck(stuck []*standingAt) (why, advice string) {
	most := stuck[0]
	if most.pool.Makes() {
		return fmt.Sprintf("The other side takes no connections: %s to make one, and the network lets none of them go on.", goroutinesTry(r.standing.dials)),
			most.pool.Never
	}
	if most.pool != nil {
		return fmt.Sprintf("Nobody gives back %s any more: whoever has one returned without, or stands itself. Who that is is not told: taking one leaves no event.", most.pool.What),
			cmp.Or(most.pool.Never, most.what.Advice)
	}
	if !most.lock {
		return most.whyEnds(), most.what.Advice
	}
	var also, at []string
	for _, x := range stuck[1:] {
		if x.lock {
			also = append(also, fmt.Sprintf("in %s %s", x.name, r.when(x)))
			at = append(at, x.name)
		}
	}
	if len(also) == 0 {
		return most.what.Why, most.what.Advice
	}
	if len(at) == 1 {
		return fmt.Sprintf("Whoever holds that lock likely waits for another one itself, %s, which somebody who waits in %s holds: likely a deadlock.", also[0], most.name), "Lock both in one order in " + most.name + " and " + at[0] + "."
	}
	return fmt.Sprintf("Others stand as well: %s. Whoever holds the lock that most wait for is likely one of them, and waits for what another of them holds: likely a deadlock.", strings.Join(also, ", ")),
		"Lock in one order, in " + strings.Join(at, " and ") + " first."
}

// standing answers: who waits for a lock, or to send, when the trace ends?
type standing struct {
	locks   *names.LockSites
	pools   *names.Pools
	ended   []*endedWaits // by stack
	open    []model.GInterval
	receive []model.GInterval // likewise, of those that wait for what may come or not
	dials   int               // goroutines that make connections, and wait for the network, when the trace ends
	dialEnd model.Time
	unknown int // of them whose place does not show
	end     model.Time
}

// endedWaits is waits with one stack that came to their end.
type endedWaits struct {
	n       int
	last    model.Time
	longest int64
}

func newStanding(s *replay.Session) *standing {
	return &standing{locks: &names.LockSites{Names: s.Names}, pools: &names.Pools{Names: s.Names}}
}

func (w *standing) Watch(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.State != model.GWaiting || iv.Runtime {
			continue
		}
		switch iv.Reason {
		case model.ReasonSync, model.ReasonChanSend:
			w.waited(iv)
		case model.ReasonChanRecv, model.ReasonSelect, model.ReasonCond:
			w.received(iv)
		case model.ReasonNetwork:
			w.dialled(iv)
		}
	}
}

// dialled takes in a wait for the network, if it is for a connection that is being made.
func (w *standing) dialled(iv *model.GInterval) {
	if iv.Stack == 0 || iv.Open&model.OpenEnd == 0 || !w.pools.Makes(iv.Stack) {
		return
	}
	if iv.End > w.dialEnd { // those before were of a break in the trace
		w.dials, w.dialEnd = 0, iv.End
	}
	w.dials++
}

// waited takes in a wait.
func (w *standing) waited(iv *model.GInterval) {
	open := iv.Open&model.OpenEnd != 0
	switch {
	case iv.Stack == 0 && open:
		w.unknown++
	case iv.Stack == 0:
	case iv.Reason == model.ReasonSync && !w.locks.Locking(iv.Stack):
		w.received(iv)
	case open:
		w.stands(iv)
	default:
		w.ends(iv)
	}
}

// stands takes in a wait that the trace's end cut off.
func (w *standing) stands(iv *model.GInterval) {
	if iv.End > w.end { // those before were of a break in the trace
		w.open, w.end = w.open[:0], iv.End
	}
	w.open = append(w.open, *iv)
}

// received takes in a wait to receive, for a wait group or for a condition variable.
func (w *standing) received(iv *model.GInterval) {
	switch {
	case iv.Stack == 0:
	case iv.Open&model.OpenEnd == 0:
		w.ends(iv)
	case w.pools.Keeps(iv.Stack):
		w.stands(iv)
	default:
		if n := len(w.receive); n > 0 && iv.End > w.receive[n-1].End {
			w.receive = w.receive[:0]
		}
		w.receive = append(w.receive, *iv)
	}
}

// ends takes in that a wait came to its end.
func (w *standing) ends(iv *model.GInterval) {
	if int(iv.Stack) >= len(w.ended) {
		w.ended = slices.Grow(w.ended, int(iv.Stack)+1-len(w.ended))[:iv.Stack+1]
	}
	e := w.ended[iv.Stack]
	if e == nil {
		e = &endedWaits{}
		w.ended[iv.Stack] = e
	}
	e.n++
	e.last = max(e.last, iv.End)
	e.longest = max(e.longest, int64(iv.End-iv.Start))
}

// standingAt is goroutines that stand at one line.
type standingAt struct {
	name       string
	what       *names.End // that they wait for
	lock       bool
	answered   bool        // what each waits for comes to it alone
	pool       *names.Pool // nil for none that is known
	n          int
	since, end model.Time
	latest     model.Time // when the last of them came
	ns         int64      // all together
	g          model.GoID // the first
	stack      uint32     // its
	endedWaits            // at that line
}

// at is who stands where, most of them first.
func (w *standing) at(places *names.Places) []*standingAt {
	byName := map[string]*standingAt{}
	var out []*standingAt
	for i := range w.open {
		iv := &w.open[i]
		p := places.Of(iv.Stack)
		if p == nil {
			continue
		}
		x := byName[placeName(&p.At)]
		if x == nil {
			x = &standingAt{name: placeName(&p.At), what: w.endOf(iv), lock: iv.Reason == model.ReasonSync, pool: w.pools.Of(iv.Stack), since: iv.Start, end: iv.End, g: iv.G, stack: iv.Stack}
			byName[x.name] = x
			out = append(out, x)
		}
		x.add(iv)
	}
	w.sumEnded(places, func(name string) *standingAt { return byName[name] })
	slices.SortFunc(out, func(a, b *standingAt) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.since, b.since), cmp.Compare(a.name, b.name))
	})
	return out
}

// sumEnded adds the waits that ended to the places where they did.
func (w *standing) sumEnded(places *names.Places, at func(name string) *standingAt) {
	for stack, e := range w.ended {
		if e == nil {
			continue
		}
		if p := places.Of(uint32(stack)); p != nil {
			if x := at(placeName(&p.At)); x != nil {
				x.endedWaits.n += e.n
				x.last, x.longest = max(x.last, e.last), max(x.longest, e.longest)
			}
		}
	}
}

// receivers are who waits to receive at a place for far longer than any wait there that
// ended.
func (w *standing) receivers(places *names.Places, at *report.Frame) *standingAt {
	x := &standingAt{name: placeName(at), answered: true}
	w.sumEnded(places, func(name string) *standingAt {
		if name == x.name {
			return x
		}
		return nil
	})
	if x.endedWaits.n < stuckSends {
		return x
	}
	for i := range w.receive {
		iv := &w.receive[i]
		p := places.Of(iv.Stack)
		if p == nil || p.At != *at || int64(iv.End-iv.Start) < max(stuckFrom, stuckTimes*x.longest) {
			continue
		}
		if x.n == 0 {
			x.since, x.end, x.g, x.stack = iv.Start, iv.End, iv.G, iv.Stack
			x.what, x.pool = w.endOf(iv), w.pools.Of(iv.Stack)
		}
		x.add(iv)
	}
	if x.pool != nil && x.pool.Made != nil && w.dials*2 >= x.n {
		x.pool = x.pool.Made
	}
	return x
}

// endOf is what a wait is for.
func (w *standing) endOf(iv *model.GInterval) *names.End {
	return names.EndOf(iv.Reason, w.pools.Names.Stacks[iv.Stack])
}

func (x *standingAt) add(iv *model.GInterval) {
	x.n++
	x.ns += int64(iv.End - iv.Start)
	x.latest = max(x.latest, iv.Start)
	if iv.Start < x.since {
		x.since, x.g, x.stack = iv.Start, iv.G, iv.Stack
	}
}

// stuck reports whether nobody goes on from there, in span ns of trace.
func (x *standingAt) stuck(span int64) bool {
	return (x.lock || x.endedWaits.n >= stuckSends || x.pilesUp()) && x.tooLong(span)
}

// sendsOn reports whether several stand to send so long that they may be what others wait for
// who wait for ever: a line at which goroutines stand for good is no such line, or has one.
func (x *standingAt) sendsOn(span int64) bool {
	return !x.lock && x.n >= stuckWarning && x.tooLong(span)
}

// tooLong reports whether nobody has gone on from there for long.
func (x *standingAt) tooLong(span int64) bool {
	d := int64(x.end - max(x.since, x.last)) // those who were let go on last may have come before
	return d >= stuckFrom && (d >= stuckLong || d*stuckPart >= span) && d >= stuckTimes*x.longest
}

// pilesUp reports whether more and more came to stand there: no line is made for that, even
// where nobody is known to have gone on from it, as sends into a buffer with room are not.
func (x *standingAt) pilesUp() bool {
	return x.n >= stuckCritical && int64(x.latest-x.since) >= stuckFrom
}

// does is what they wait to do, undone what nobody has done.
func (x *standingAt) does() string {
	if x.pool != nil {
		return "for " + x.pool.What
	}
	return x.what.Does
}

func (x *standingAt) undone() string {
	if x.pool != nil {
		return "been given one"
	}
	return x.what.Undone
}

// whyEnds is why waits for what is no lock may never end.
func (x *standingAt) whyEnds() string {
	if !x.answered {
		return x.what.Why
	}
	return fmt.Sprintf("%s Before, %s there ended, after %s at most.", x.what.Why, words.Plural(x.endedWaits.n, "wait"), words.Length(x.longest))
}
