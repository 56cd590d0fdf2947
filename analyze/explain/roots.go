package explain

import (
	"cmp"
	"fmt"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// describe tells of a root in words.
func (a *account) describe(k rootKey, r *rootSum) report.Root {
	x := report.Root{Kind: k.kind}
	if k.fn != "" || k.kind == report.RootGC {
		x.At = mostFrame(r.who, k.fn)
		if x.From, _ = most(r.from); x.From == x.At.Func {
			x.From = ""
		}
	}
	st := mostStanding(r.stood)
	if st != nil {
		x.Stood = st.at
	}
	t := tale{Root: &x, sum: r, st: st, known: k.known, asked: a.e.cpus.Said(), tight: a.e.heap.Tight(), manyHadPs: len(r.gs) >= len(a.e.h.ps), mean: r.ns / max(1, a.n), of: a.n, times: r.times / max(1, a.n)}
	t.callee, _ = most(r.callee)
	t.restless = k.kind == report.RootQueue && a.e.busy.Never(x.At.Func, int64(a.e.now-a.e.zero))
	t.launches = k.kind == report.RootQueue && a.e.chains.of(x.At.Func)
	if k.kind == report.RootNoCPU {
		t.loss = k.fn
		x.At = mostFrame(r.who, "")
		x.From, _ = most(r.from)
		if x.From == x.At.Func {
			x.From = ""
		}
	}
	if k.kind == report.RootStoodStill {
		st := a.e.stills.Total()
		t.stills = &st
		x.At, x.From = a.hadPs(&st)
	}
	t.dead = a.e.deadlock(&x)
	x.Text = t.text()
	x.Advice = t.advice()
	x.Sure, x.SureWhy = t.sure()
	return x
}

// mostFrame is the place with the most time: of a function, or else of the one with the
// most, its line with the most.
func mostFrame(by map[report.Frame]int64, fn string) report.Frame {
	if fn == "" {
		fns := map[string]int64{}
		for f, ns := range by {
			fns[f.Func] += ns
		}
		fn, _ = most(fns)
	}
	best, ns := report.Frame{}, int64(-1)
	for f, n := range by {
		if f.Func == fn && (n > ns || n == ns && f.Line < best.Line) {
			best, ns = f, n
		}
	}
	return best
}

func mostStanding(by map[standing]int64) *standing {
	var best *standing
	var ns int64
	for s, n := range by {
		if best == nil || n > ns || n == ns && s.less(best) {
			best, ns = &s, n
		}
	}
	return best
}

func (s *standing) less(t *standing) bool {
	if s.via != t.via {
		return s.via < t.via
	}
	if s.at.Func != t.at.Func {
		return s.at.Func < t.at.Func
	}
	return s.at.Line < t.at.Line
}

// tale is a root on its way into words.
type tale struct {
	*report.Root
	sum       *rootSum
	st        *standing
	known     *names.Pool
	mean      int64 // of an instance
	times     int64 // that it began, in an instance
	of        int64 // instances
	callee    string
	stills    *measure.StandstillSum
	loss      string // of RootNoCPU: why there was none
	manyHadPs bool   // as many goroutines as there are Ps are behind it
	asked     bool   // the machine was: what is told as computing was on a CPU
	restless  bool   // who is behind it never waits for anything
	launches  bool   // each goroutine of who is behind it starts the next one
	dead      deadlocked
	tight     bool // the collector leaves hardly room
}

// place is a place in words: the function with its line, and who called it.
func place(f report.Frame, from string) string {
	s := words.Place(f.Func, names.FileName(f.File), f.Line)
	if from != "" && from != f.Func {
		s += ", called from " + words.Function(from)
	}
	return s
}

// called is a place and what it had called, where that tells more than its line: a
// function of another package.
func called(callee string, f report.Frame, from string) string {
	if callee == "" || names.HasPrefix(callee, []string{"runtime.", "internal/"}) {
		return place(f, from)
	}
	return words.Function(callee) + ", called by " + place(f, from)
}

// text is what follows "went to".
func (t *tale) text() string {
	if 2*t.sum.likely > t.sum.ns {
		return t.what() + ", likely at the other end of its connection"
	}
	return t.what()
}

// what is what it was, and who is behind it.
func (t *tale) what() string {
	in := ""
	if t.At.Func != "" {
		in = " in " + place(t.At, t.From)
	}
	by := ""
	if t.At.Func != "" {
		by = place(t.At, t.From)
	}
	if w := names.WorkOf(t.At.Func); w != nil {
		by = w.What + " (" + place(t.At, t.From) + ")"
		in = " in " + by
	}
	if t.unseen() {
		by = "goroutines of " + words.Function(t.At.Func) + ", whose stacks do not show where,"
		in = ", in goroutines of " + words.Function(t.At.Func) + ": no stack shows where"
	}
	switch t.Kind {
	case report.RootComputing:
		return "computing" + in + t.while() + t.orNoCPU()
	case report.RootQueue:
		if by == "" {
			return "waiting for a P while other goroutines had it" + t.mostly()
		}
		if t.yields() {
			return "giving up the P again and again (runtime.Gosched)" + in
		}
		return "waiting for a P while " + by + " had it"
	case report.RootLate:
		return did[report.CauseIdleP]
	case report.RootStoodStill:
		return t.stoodStill()
	case report.RootNoCPU:
		return t.noCPU()
	case report.RootGC:
		return "the garbage collector" + t.limited() + ": " + t.collector() + t.allocating()
	case report.RootForcedGC:
		return "the garbage collector, called with runtime.GC" + in
	case report.RootStopping:
		if by == "" {
			return did[report.CauseStopping]
		}
		return "waiting while the world was being stopped and had to wait for " + by + ", which could not be interrupted there, or had no CPU"
	case report.RootStopped:
		return did[report.CauseStopTheWorld] + t.calling() + in
	case report.RootSyscall:
		if t.At.Func == "" {
			return t.called()
		}
		return t.called() + ": " + called(t.callee, t.At, t.From) + t.while()
	case report.RootNetwork:
		if t.At.Func == "" {
			return did[report.CauseNetwork]
		}
		if t.looksUp() {
			return "looking up the name of a host" + t.often() + ": " + called(t.callee, t.At, t.From) + t.while()
		}
		return did[report.CauseNetwork] + t.often() + ": " + called(t.callee, t.At, t.From) + t.while()
	case report.RootSleep:
		if d := t.delay(); d != nil {
			return "sleeping" + d.Text + in + t.while()
		}
		return "sleeping" + in + t.while()
	case report.RootFoundLate:
		if by == "" {
			return did[report.CauseFoundLate]
		}
		return "a timer, or the network, that no P looked after: all were busy, one with " + by
	case report.RootBlocked:
		if d := t.delay(); d != nil {
			return t.waiting() + d.Text
		}
		if fired := t.fired(); fired != "" {
			return t.waiting() + untilFired(fired)
		}
		return t.waiting() + " until a timer, the network or the runtime ended it"
	case report.RootNeverEnded:
		return t.waiting() + ", which nobody ended before the trace did"
	case report.RootLock, report.RootPlace:
		return t.waiting() + t.inTurn() + t.meanwhile() + t.through()
	}
	return t.sum.untold.most().text()
}

const (
	// oftenFrom is how often an instance must wait for the network at one place for that to
	// be worth a word, and oftenLong how long the waits must be: shorter ones are the pieces
	// of one answer.
	oftenFrom = 8
	oftenLong = 300_000 // ns
)

// asksInTurn ends the advice on that.
const asksInTurn = " makes one after the other."

// repeats reports whether each instance waits there again and again.
func (t *tale) repeats() bool {
	return t.times >= oftenFrom && t.mean/t.times >= oftenLong
}

// often says how often an instance waits there, where it does so again and again.
func (t *tale) often() string {
	if !t.repeats() {
		return ""
	}
	return fmt.Sprintf(" %s, %s each", words.Times(t.times), words.Length(t.mean/t.times))
}

// looksUp reports whether it is the address of a host that is asked for.
func (t *tale) looksUp() bool { return 2*t.sum.lookup > t.sum.ns }

// orNoCPU says what computing may have been as well, where it is long enough.
func (t *tale) orNoCPU() string {
	if t.mean < hiddenFrom || t.asked {
		return ""
	}
	return " (or waiting for a CPU, which no trace shows)"
}

// while says what the explained goroutine itself waited for meanwhile.
func (t *tale) while() string {
	if t.st == nil || t.st.at.Func == "" || t.st.at.Func == t.At.Func {
		return ""
	}
	return ", which " + words.Function(t.st.at.Func) + " waited for"
}

// through says that the explained goroutine waited for another one that waited in a pool.
func (t *tale) through() string {
	if t.known == nil {
		return ""
	}
	return t.while()
}

// waiting says what the explained goroutine waited for, and where.
func (t *tale) waiting() string {
	if t.known != nil {
		return fmt.Sprintf("waiting for %s in %s%s", t.known.What, words.Function(t.known.Func), cmp.Or(inPlace(t.At), t.standing()))
	}
	if t.st == nil {
		return "being blocked" + inPlace(t.At)
	}
	what := ""
	switch r := model.Reason(t.st.via - 1); {
	case strings.HasPrefix(t.st.rw, "R"):
		what = "waiting to lock for reading (RWMutex)"
	case t.st.rw != "":
		what = "waiting to lock for writing (RWMutex)"
	case t.st.once:
		what = "waiting for a sync.Once"
	case strings.Contains(t.st.callee, "Mutex).Lock"), t.Kind == report.RootLock:
		what = "waiting to lock a mutex"
	case r == model.ReasonSync && t.st.end.OfGroup():
		what = "waiting for a wait group"
	case r == model.ReasonSync:
		what = "waiting for a lock, semaphore or wait group"
	case r == model.ReasonCond:
		what = "waiting for a condition variable"
	case r == model.ReasonChanRecv:
		what = "waiting to receive from a channel"
	case r == model.ReasonChanSend:
		what = "waiting to send to a channel"
	case r == model.ReasonSelect:
		what = "waiting in a select"
	default:
		what = "waiting (" + r.String() + ")"
	}
	return what + t.standing()
}

func (t *tale) standing() string {
	if t.st == nil {
		return ""
	}
	if t.known == nil && t.st.callee != "" && (!names.HasPrefix(t.st.callee, names.Plumbing) || names.Locks(t.st.callee)) {
		return " in " + called(t.st.callee, t.st.at, "")
	}
	return inPlace(t.st.at)
}

func inPlace(f report.Frame) string {
	if f.Func == "" {
		return ""
	}
	return " in " + place(f, "")
}

// meanwhile says what those did who were waited for.
func (t *tale) meanwhile() string {
	c := t.mainCause()
	if t.known.Makes() {
		return ""
	}
	if t.heldUnseen() {
		return ": who held it does not show"
	}
	if t.timed() {
		if fired := t.fired(); fired != "" {
			return untilFired(fired)
		}
		ended := " until a timer ended it"
		if d := t.delay(); d != nil {
			ended = d.Text
		}
		if n := t.ended(); n > 1 {
			ended += ", " + words.Times(n)
		}
		return ended
	}
	if holder := t.holder(); holder.Func != "" && t.At == t.Stood {
		return map[report.Cause]string{
			report.CauseRunning: " while " + place(holder, "") + " held the lock and waited for others that ran",
			report.CauseNetwork: " while " + place(holder, "") + " held the lock and waited for the network or a pipe",
			report.CauseSleep:   " while " + place(holder, "") + " held the lock and slept",
			report.CauseSyscall: " while " + place(holder, "") + " held the lock and was in a system call",
		}[c]
	}
	if t.Kind == report.RootLock && t.At.Func != "" && t.At == t.Stood && 2*t.sum.there > t.sum.ns {
		return map[report.Cause]string{
			report.CauseRunning: " while another goroutine ran there",
			report.CauseNetwork: " while another goroutine waited for the network there",
			report.CauseSleep:   " while another goroutine slept there",
			report.CauseSyscall: " while another goroutine was in a system call there",
		}[c] + t.withLock()
	}
	if in := t.inside(); in.Func != "" {
		return map[report.Cause]string{
			report.CauseRunning: " while " + place(in, "") + ", which let it go on, ran",
			report.CauseNetwork: " while " + place(in, "") + ", which let it go on, waited for the network",
			report.CauseSleep:   " while " + place(in, "") + ", which let it go on, slept",
			report.CauseSyscall: " while " + place(in, "") + ", which let it go on, was in a system call",
		}[c]
	}
	if t.At.Func == "" || t.known != nil || t.At == t.Stood {
		return map[report.Cause]string{
			report.CauseRunning: " while others ran",
			report.CauseNetwork: " while others waited for the network",
			report.CauseSleep:   " while others slept",
			report.CauseSyscall: " while others were in system calls",
		}[c]
	}
	who := place(t.At, t.From)
	lock := ""
	switch holder := t.holder(); {
	case holder.Func != "":
		who, lock = place(holder, "")+" held the lock and waited for "+who+", which", ""
	case t.Kind == report.RootLock:
		lock = t.withLock()
	}
	switch c {
	case report.CauseNetwork:
		return " while " + who + " waited for the network" + lock
	case report.CauseSleep:
		if t.forCond() {
			return " until " + who + ", which had slept, signalled it"
		}
		return " while " + who + " slept" + lock
	case report.CauseSyscall:
		return " while " + who + " was in a system call" + t.into() + lock
	}
	return " while " + who + " ran" + lock
}

// mainCause is the cause of most of it.
func (t *tale) mainCause() report.Cause {
	c := report.CauseRunning
	for k, ns := range t.sum.causes {
		if ns > t.sum.causes[c] {
			c = report.Cause(k)
		}
	}
	return c
}

// heldUnseen reports whether who held the lock does not show for most of it.
func (t *tale) heldUnseen() bool { return t.mainCause() == report.CauseLock }

// withLock says that those who were waited for had the lock.
func (t *tale) withLock() string {
	if t.st != nil && t.st.once {
		return " in it"
	}
	return " with the lock held"
}

// inside is what most of those did, at one place, who had what a known pool gives and let
// the explained ones go on; no frame where that is no place of its own.
func (t *tale) inside() report.Frame {
	if t.known == nil || t.known.Makes() {
		return report.Frame{}
	}
	at := mostFrame(t.sum.inside, "")
	if at.Func == t.Stood.Func || at.Func == t.At.Func || 2*t.sum.inside[at] < t.sum.ns {
		return report.Frame{}
	}
	return at
}

// timed reports whether timers ended most of it: who waits at channels was let go on by
// no goroutine.
func (t *tale) timed() bool {
	if t.fired() != "" && t.st != nil {
		return true
	}
	if t.Kind != report.RootPlace || t.st == nil || t.known != nil || t.sum.causes[report.CauseBlocked]*2 <= t.sum.ns {
		return false
	}
	return t.st.via == blockedFor(model.ReasonSelect) || t.st.via == blockedFor(model.ReasonChanRecv)
}

// holder is where who held the lock was blocked, and waited for who is behind most of
// that; no frame where that one held it.
func (t *tale) holder() report.Frame {
	var all int64
	for _, ns := range t.sum.held {
		all += ns
	}
	if t.Kind != report.RootLock || 2*all < t.sum.ns {
		return report.Frame{}
	}
	return mostFrame(t.sum.held, "")
}

// into names the system call's function.
func (t *tale) into() string {
	if t.callee == "" || names.HasPrefix(t.callee, []string{"runtime.", "internal/", "syscall."}) {
		return ""
	}
	return " (" + words.Function(t.callee) + ")"
}

// calling names what was called that stops the world.
func (t *tale) calling() string {
	if names.InsteadOf(t.callee) == "" {
		return ""
	}
	return " (" + words.Function(t.callee) + ")"
}

// mostly names those that had the P, where several had it.
func (t *tale) mostly() string {
	fns := map[string]int64{}
	for f, ns := range t.sum.who {
		fns[f.Func] += ns
	}
	var parts []string
	for range 3 {
		fn, ns := most(fns)
		if fn == "" || ns*20 < t.sum.ns {
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s", words.Function(fn), words.ShareOf(ns, t.sum.ns)))
		delete(fns, fn)
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// collector says what of the collector it was.
func (t *tale) collector() string {
	kinds := map[string]int64{}
	for c, what := range map[report.Cause]string{
		report.CauseGCWorker:   "mark workers had the P",
		report.CauseAssist:     "marking for it (mark assist)",
		report.CauseAssistWait: "waiting to help it (mark assist)",
		report.CauseSweep:      "sweeping",
		report.CauseGCStop:     "stopped worlds",
		report.CauseGCWait:     "waiting for it",
	} {
		kinds[what] += t.sum.causes[c]
	}
	var parts []string
	for range 2 {
		what, ns := most(kinds)
		if ns*10 < t.sum.ns || ns == 0 {
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s", what, words.ShareOf(ns, t.sum.ns)))
		delete(kinds, what)
	}
	if len(parts) == 0 {
		return "waiting for one of its phases"
	}
	return strings.Join(parts, ", ")
}

// allocating names who allocated when it had to help.
func (t *tale) allocating() string {
	if t.At.Func == "" {
		return ""
	}
	return "; allocating in " + place(t.At, t.From)
}

// advice is what to do about it.
func (t *tale) advice() string {
	who := words.Function(t.At.Func)
	if w := names.WorkOf(t.At.Func); w != nil && ran(t.Kind) {
		return w.Advice
	}
	switch t.Kind {
	case report.RootQueue, report.RootFoundLate:
		if t.yields() {
			return pollAdvice(who)
		}
		if !t.ours() {
			return t.shared()
		}
		less := "et " + who + " do less of it at a time."
		if t.launches {
			return names.LoopInstead(who)
		}
		if t.manyHadPs {
			less = "et " + who + " run in fewer goroutines than there are Ps, or do less of it at a time."
		}
		if t.restless {
			return who + " never waited for anything: if it polls (a select with a default, a loop that looks again), let it block instead. Else l" + less
		}
		return "L" + less
	case report.RootStopping:
		return "Do what " + who + " does there in pieces, if it can't be interrupted: the longest code without a call, or what clears or copies memory."
	case report.RootStopped:
		return t.stopAdvice()
	case report.RootStoodStill:
		return "Compare nr_throttled in the container's cpu.stat. Raise the quota, or do less at once; GOMAXPROCS above the quota makes it worse."
	case report.RootNoCPU:
		return noCPUWords[t.loss].advice
	case report.RootForcedGC:
		return "Do not call runtime.GC there."
	case report.RootLock:
		if t.At.Func == "" || t.sum.causes[report.CauseLock]*2 > t.sum.ns {
			return ""
		}
		switch {
		case t.st != nil && t.st.logs:
			return names.LoggerAdvice
		case t.st != nil && t.st.once:
			return names.OnceAdvice
		case t.st != nil && names.LockAdvice(t.st.callee) != "":
			return names.LockAdvice(t.st.callee)
		}
		holder := t.holder()
		if holder.Func != "" && t.At == t.Stood { // what that waited for does not show
			return "Do what blocks in " + words.Function(holder.Func) + " outside of the lock: copy what it needs, unlock, then wait."
		}
		if holder.Func != "" {
			return fmt.Sprintf("Do not wait for %s in %s with the lock held: copy what it needs, unlock, then wait.", who, words.Function(holder.Func))
		}
		if t.sum.causes[report.CauseRunning]*2 > t.sum.ns {
			return "Hold the lock for less: let " + who + " compute outside of it."
		}
		return "Do what blocks in " + who + " outside of the lock: copy what it needs, unlock, then wait."
	case report.RootPlace:
		return cmp.Or(t.letIn(), t.placeAdvice())
	case report.RootNeverEnded:
		return t.endAdvice()
	case report.RootGC:
		return t.roomAdvice()
	case report.RootLate:
		return "Look at the machine: a CPU quota, other processes, a guest whose host is busy. The program's own goroutines did not have the Ps."
	}
	return t.ownAdvice()
}

// yields reports whether nobody had the P for most of the time: who waited had given it up.
func (t *tale) yields() bool { return t.At.Func != "" && 2*t.sum.yielded > t.sum.ns }

// sleepsMeanwhile reports whether it is another goroutine that sleeps, which keeps the
// explained one waiting.
func (t *tale) sleepsMeanwhile() bool { return 2*t.sum.others > t.sum.ns }

// sleepAdvice is what to do about that.
func (t *tale) sleepAdvice() string {
	return "Others wait while " + words.Function(t.At.Func) + " sleeps: let it wait in a select that a context, or who has something for it, ends as well, or sleep for less."
}

// pollAdvice is what to do about who looks again and again, asleep or without its P in
// between.
func pollAdvice(who string) string {
	return "If " + who + " polls there, let it be woken by what it waits for instead: a lock, a channel, a sync.Cond."
}

// shared is what to do where the load of many had the Ps.
func (t *tale) shared() string {
	all, fns := int64(0), map[string]int64{}
	for f, ns := range t.sum.who {
		if all += ns; !names.Standard(&f) {
			fns[f.Func] += ns
		}
	}
	first, ns := most(fns)
	delete(fns, first)
	second, more := most(fns)
	if t.Kind != report.RootQueue || second == "" || (ns+more)*5 < all {
		return ""
	}
	return fmt.Sprintf("No one function had the Ps: do less in %s and %s, or let less run at once; GOMAXPROCS can be as high as there are CPUs, a larger load needs more of them.", words.Function(first), words.Function(second))
}

// stopAdvice is what to do about who stops the world for what it does.
func (t *tale) stopAdvice() string {
	if !t.ours() {
		return ""
	}
	s := "Do not stop the world in " + words.Function(t.At.Func) + " while requests are served, or do it less often"
	if instead := names.InsteadOf(t.callee); instead != "" {
		s += ": " + instead
	}
	return s + "."
}

// endAdvice is what to do about a wait that nobody ended.
func (t *tale) endAdvice() string {
	if t.dead.advice != "" {
		return t.dead.advice
	}
	if t.known != nil && t.known.Never != "" {
		return t.known.Never + t.orDials()
	}
	if t.st != nil && t.st.end != nil {
		return t.st.end.Advice
	}
	return "Find out who is to end it: a lock that nobody unlocks, or a channel that nobody serves."
}

// orDials is what else to do where what is waited for may not come about: whether it is
// being made does not show in one wait.
func (t *tale) orDials() string {
	if t.known.Made == nil {
		return ""
	}
	return " If dials hang instead, as the other side takes no connections, give them a timeout (net.Dialer.Timeout)."
}

// placeAdvice is what to do about a wait for others at a channel, select, semaphore or
// condition variable.
func (t *tale) placeAdvice() string {
	if t.st == nil || t.st.at.Func == "" {
		return ""
	}
	if fired := t.fired(); fired != "" {
		return t.firedAdvice(fired)
	}
	if d := t.delay(); d != nil {
		return d.Advice
	}
	if n := t.ended(); t.timed() && n > 1 {
		return "Timers, not goroutines, let " + words.Function(t.st.at.Func) + " go on there, " + words.Times(n) + ": if it pauses between tries, see why those fail, and pause for less or give up sooner; if it keeps to a rate, raise that or call less often."
	}
	if t.timed() {
		return "No goroutine let " + words.Function(t.st.at.Func) + " go on there, a timer did: if it keeps to a rate, raise that or call less often; if it gave up an answer, see who was to give it."
	}
	if t.forCond() && t.sum.causes[report.CauseSleep]*2 > t.sum.ns {
		return condAdvice(words.Function(t.st.at.Func))
	}
	if !t.ours() || t.At == t.Stood {
		return "If " + words.Function(t.st.at.Func) + " waits for a place among few there, allow more of them; else find out what those do who are to let it go on."
	}
	if 2*t.sum.asked.ns > t.sum.ns {
		return "Others wait while " + words.Function(t.At.Func) + " waits for the network: find out why the other side takes that long, give it a limit, or let them go on without it; if it has a place among few, allow more of them."
	}
	who, less := words.Function(t.At.Func), "do less"
	switch t.mainCause() {
	case report.CauseSleep:
		less = "sleep for less"
	case report.CauseNetwork:
		less = "wait for the network for less"
	case report.CauseSyscall:
		less = "ask less of the operating system"
	}
	return "Let " + who + " " + less + " while others wait for it, or do that in another goroutine; if it has a place among few, allow more of them."
}

// ours reports whether the place is in code that the program's owners can change.
func (t *tale) ours() bool { return t.At.Func != "" && !names.Standard(&t.At) }

// ownAdvice is what to do about what goroutines did of their own.
func (t *tale) ownAdvice() string {
	if t.Kind == report.RootComputing && t.unseen() {
		return "Take a CPU profile while the trace is recorded: its samples stand in the trace, and show where."
	}
	if !t.ours() {
		return ""
	}
	who := words.Function(t.At.Func)
	switch t.Kind {
	case report.RootComputing:
		s := "Let " + who + " do less, or split it up: a CPU profile has its lines."
		if t.orNoCPU() != "" {
			s += " If it had no CPU of its own all the while, which gmptrace record would show, look at the machine instead."
		}
		return s
	case report.RootSleep:
		if d := t.delay(); d != nil {
			return d.Advice
		}
		if t.sleepsMeanwhile() {
			return t.sleepAdvice()
		}
		return pollAdvice(who)
	case report.RootNetwork:
		if t.looksUp() {
			return "Keep connections, so that fewer names have to be looked up. Go keeps no answers: see the name server and resolv.conf (ndots, search), or keep addresses."
		}
		if t.repeats() {
			return fmt.Sprintf("If each of those waits is for a call, ask for all at once, or at the same time: %s", cmp.Or(words.Function(t.From), who)) + asksInTurn
		}
		return "Find out why the other side of " + who + " takes that long, or ask it for less." + t.orJoinNot()
	case report.RootSyscall:
		if strings.HasPrefix(t.callee, "os/exec.") {
			return who + " runs a command there and waits for its end: keep what it answers, or do that in this process."
		}
		if a := t.callAdvice(who); a != "" {
			return a
		}
		s := "Let " + who + " ask less of the operating system there, or move that off this path"
		if t.mean >= takesThread {
			s += ": each such call takes a thread"
		}
		return s + "."
	}
	return ""
}

// letIn is what to do about waiting to be let in, or to hand something over: where those
// inside wait themselves, more at once do more.
func (t *tale) letIn() string {
	if in := t.inside(); in.Func != "" {
		return "Let " + words.Function(in.Func) + " keep what it has for less. " + t.known.Advice
	}
	if t.known != nil {
		return t.known.Advice
	}
	c := &t.sum.causes
	if t.ours() && t.At != t.Stood && 2*t.sum.asked.ns <= t.sum.ns { // who receives has a name
		return ""
	}
	if t.st == nil || t.st.via != blockedFor(model.ReasonChanSend) || (c[report.CauseNetwork]+c[report.CauseSleep]+c[report.CauseSyscall])*2 < t.sum.ns {
		return ""
	}
	return "Raise the limit that " + place(t.st.at, "") + " waits at, if what those inside wait for can take more at once."
}

// takesThread is how long system calls must be for the thread that each takes to matter.
const takesThread = 10_000_000 // ns

const (
	// muchMore is how many times as long as typical ones slow ones must do something for
	// that to be worth a word on it, and muchLonger by how much.
	muchMore   = 4
	muchLonger = 5_000_000 // ns
)

// unseen reports whether all that shows of who ran is what of the standard library started
// the goroutines, such as a server: that is nobody's name.
func (t *tale) unseen() bool {
	switch t.Kind {
	case report.RootComputing, report.RootQueue:
		return t.At.Func != "" && t.sum.unseen*2 >= t.sum.ns && names.Standard(&t.At)
	}
	return false
}

// adviceByMore is what to do about what slow ones do for much longer than typical ones, who
// do as much of that kind in all: where somebody who computes was last seen may differ.
// Others that sleep while it waits are no attempts of its own.
func adviceByMore(x *report.Root, typical int64) string {
	if x.At.Func == "" || x.NS < muchMore*typical || x.NS-typical < muchLonger {
		return ""
	}
	who := words.Function(x.At.Func)
	switch x.Kind {
	case report.RootComputing:
		return fmt.Sprintf("Do less in %s at a time, split it or spread it evenly: slow ones compute there for %s, typical ones for %s.", who, words.Length(x.NS), words.Length(typical))
	case report.RootSleep:
		return fmt.Sprintf("Slow ones sleep in %s for %s, typical ones for %s: if that is between attempts, wait in a queue that wakes them at once (Lock in place of TryLock, a channel, sync.Cond).", who, words.Length(x.NS), words.Length(typical))
	}
	return ""
}
