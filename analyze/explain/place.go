package explain

import (
	"cmp"
	"fmt"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// heldUp says for what goroutines waited that others had, and what those did.
func (t *tale) heldUp() string {
	return t.waiting() + t.inTurn() + t.meanwhile() + t.through()
}

// meanwhile is what somebody does meanwhile: one of them, several, and one that holds a lock.
type meanwhile struct{ one, several, holding string }

var doing = map[report.Cause]meanwhile{
	report.CauseRunning: {"ran", "ran", "waited for others that ran"},
	report.CauseNetwork: {"waited for the network", "waited for the network", "waited for the network or a pipe"},
	report.CauseSleep:   {"slept", "slept", "slept"},
}

// doing is what those mostly did who were waited for.
func (t *tale) doing() meanwhile {
	if t.mainCause() != report.CauseSyscall {
		return doing[t.mainCause()]
	}
	if c := t.callKind(); c != nil {
		did := c.Did() + t.ofAnother()
		return meanwhile{did, did, did}
	}
	return meanwhile{"was in a system call", "were in system calls", "was in a system call"}
}

// whileDid says that somebody did something meanwhile; nothing where what does not show.
func whileDid(who, what string) string {
	if what == "" {
		return ""
	}
	return " while " + who + " " + what
}

// meanwhile says what those did who were waited for.
func (t *tale) meanwhile() string {
	switch {
	case t.known.Makes(), t.st != nil && t.st.wait != nil:
		return ""
	case t.heldUnseen():
		return ": who held it does not show"
	}
	if inside := t.whileInside(); inside != "" {
		return inside
	}
	if t.timed() {
		return t.untilTimer()
	}
	doing, holder := t.doing(), t.holder()
	switch {
	case holder.Func != "" && t.At == t.Stood:
		return whileDid(place(holder, "")+" held the lock and", doing.holding)
	case t.Kind == report.RootLock && t.At.Func != "" && t.At == t.Stood && 2*t.sum.there > t.sum.ns:
		return whileDid("another goroutine", doing.one) + " there" + t.withLock()
	case t.At.Func == "" || t.known != nil || t.At == t.Stood:
		return whileDid("others", doing.several)
	}
	return t.theyDid(holder)
}

// theyDid says what those did who are behind it, and who waited for them with the lock held.
func (t *tale) theyDid(holder report.Frame) string {
	who, lock := place(t.At, t.caller), ""
	switch {
	case holder.Func != "":
		who = place(holder, "") + " held the lock and waited for " + who + ", which"
	case t.Kind == report.RootLock:
		lock = t.withLock()
	}
	c := t.mainCause()
	if c == report.CauseSleep && t.forCond() {
		return " until " + who + ", which had slept, signalled it"
	}
	what := cmp.Or(t.doing().one, doing[report.CauseRunning].one)
	switch {
	case c == report.CauseRunning && t.worksIn != "":
		what += " in " + words.Function(t.worksIn)
	case c == report.CauseSyscall:
		what += t.into()
	case c == report.CauseNetwork && t.writes():
		what = "waited until the other end of a connection or pipe took what it wrote"
	}
	return whileDid(who, what) + lock
}

// untilTimer says what let those go on whom no goroutine did.
func (t *tale) untilTimer() string {
	if fired := t.fired(); fired != "" {
		return untilFired(fired)
	}
	if t.arrives() {
		return t.untilBrought()
	}
	ended := untilFired("")
	if d := t.delay(); d != nil {
		ended = d.Text
	} else if t.forTimerOf() {
		ended = " until a timer ended the wait of " + place(t.At, t.caller)
	}
	if n := t.ended(); n > 1 {
		ended += ", " + words.Times(n)
	}
	return ended
}

// placeAdvice is what to do about a wait for others at a channel, select, semaphore or
// condition variable.
func (t *tale) placeAdvice() string {
	if t.stoodInLine() {
		return t.turnAdvice()
	}
	if t.inChain() {
		return t.chainAdvice()
	}
	if a := t.letIn(); a != "" || t.st == nil || t.st.at.Func == "" {
		return a
	}
	who := words.Function(t.st.at.Func)
	switch {
	case t.fired() != "":
		return t.firedAdvice(t.fired())
	case t.delay() != nil:
		return t.delay().Advice
	case t.timed() && t.arrives():
		return t.moreAdvice()
	case t.timed() && t.forTimerOf():
		return fmt.Sprintf("%s goes on once a timer is due, and %s waits for that: if it gathers what many give it, let it do so for less time, or hand on at once what there is; if it keeps to a rate, raise that.", words.Function(t.At.Func), who)
	case t.timed() && t.ended() > 1:
		return "Timers, not goroutines, let " + who + " go on there, " + words.Times(t.ended()) + ": if it pauses between tries, see why those fail, and pause for less or give up sooner; if it keeps to a rate, raise that or call less often."
	case t.timed():
		return "No goroutine let " + who + " go on there, a timer did: if it gave up waiting for a place among few (a semaphore), see that places are given back on every path, by defer, before allowing more; if it gave up an answer, see who was to give it; if it keeps to a rate, raise that or call less often."
	case t.forCond() && t.sum.causes[report.CauseSleep]*2 > t.sum.ns:
		return condAdvice(who)
	case !t.ours() || t.At == t.Stood:
		return "If " + who + " waits for a place among few there, allow more of them; else find out what those do who are to let it go on."
	case t.writes():
		return writeAdvice(words.Function(t.At.Func))
	case t.reads():
		return "If " + words.Function(t.At.Func) + " reads what several have asked for, an answer that takes long holds up those behind it: have several connections, or one apart for what takes long; else find out why the other side takes that long."
	case t.mainCause() == report.CauseNetwork, 2*t.sum.asked.ns > t.sum.ns:
		return t.askedAdvice()
	}
	if c := t.callKind(); c != nil && c.Advice != "" {
		return t.adviceOn(c)
	}
	advice := "Let " + words.Function(t.At.Func) + " " + t.doLess() + " while others wait for it, or do that in another goroutine"
	return advice + t.orMorePlaces() + "."
}

// orMorePlaces is what else to do where those who were waited for gave a place back.
func (t *tale) orMorePlaces() string {
	if 2*t.sum.back > t.sum.ns {
		return "; if it has a place among few, allow more of them"
	}
	return ""
}

// reads reports whether it is a goroutine that hands over answers, each of which it waits for
// in the function that it was started to run, as who reads from a connection for others.
func (t *tale) reads() bool {
	return t.From == "" && t.mainCause() == report.CauseNetwork &&
		(t.st.via == blockedFor(model.ReasonChanRecv) || t.st.via == blockedFor(model.ReasonSelect))
}

// askedAdvice is what to do where those who are waited for wait for the network, most often
// for what they ask for over it.
func (t *tale) askedAdvice() string {
	who := words.Function(t.At.Func)
	if t.st.via == blockedFor(model.ReasonChanSend) && 2*t.sum.asked.ns > t.sum.ns && 2*t.sum.back <= t.sum.ns { // it takes what they send
		return "Others wait while " + who + " waits for the network: let it take several at once and ask once for all of them, or in more goroutines; or give it a queue of its own, which drops or puts aside what is too much. A longer channel fills as well."
	}
	return "Others wait while " + who + " waits for the network: find out why the other side takes that long, give it a limit, or let them go on without it" + t.orMorePlaces() + "."
}

// doLess is what those should do less of who are waited for.
func (t *tale) doLess() string {
	switch t.mainCause() {
	case report.CauseSleep:
		return "sleep for less"
	case report.CauseSyscall:
		return "ask less of the operating system"
	}
	return "do less"
}

// sureWhoEnded says how sure it is who ended the wait.
func (t *tale) sureWhoEnded() (string, string) {
	if t.known.MadeByAsker() {
		return "high", ""
	}
	if t.stoodInLine() {
		return "medium", "that others were ended first is in the trace, since when it stood in line for that is inferred"
	}
	if _, did := t.inside(); did.asksForMore() {
		return "medium", "the trace names who gave one back and where that one waited meanwhile; that it had one all the while is inferred"
	}
	if t.timed() && t.arrives() {
		return "medium", "until when each of them waited is in the trace, what for is inferred"
	}
	if t.timed() {
		return "medium", "that no goroutine ended the wait is in the trace, that a timer did is inferred"
	}
	return "medium", "the trace names who ended the wait, what that had to do with it is inferred"
}

// waiting says what the explained goroutine waited for, and where.
func (t *tale) waiting() string {
	if t.known != nil {
		return fmt.Sprintf("waiting for %s in %s%s", t.known.What, words.Function(t.known.Func), cmp.Or(inPlace(t.At), t.standing()))
	}
	if t.st == nil {
		return "being blocked" + inPlace(t.At)
	}
	if t.stoodInLine() {
		return t.itsTurn()
	}
	what := ""
	switch r := model.Reason(t.st.via - 1); {
	case t.st.wait != nil:
		what = t.st.wait.What
	case t.lockKind() == names.LockReading:
		what = "waiting to lock for reading (RWMutex)"
	case t.lockKind() == names.LockWriting:
		what = "waiting to lock for writing (RWMutex)"
	case t.st.once:
		what = "waiting for a sync.Once"
	case t.st.lock, t.Kind == report.RootLock:
		what = "waiting to lock a mutex"
	case r == model.ReasonSync && t.st.end.OfGroup():
		what = "waiting for a wait group"
	case r == model.ReasonSync:
		what = "waiting for a lock, semaphore or wait group"
	case r == model.ReasonCond:
		what = "waiting for a condition variable"
	case t.inChain():
		what = "waiting for another of them (until that closes a channel)"
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

// lookPlace finds out whether connections are made since answers are not read to their end, and
// whether who is waited for waits for another process.
func lookPlace(a *account, k rootKey, t *tale) {
	lookFiles(a, k, t)
	if k.known.ForHTTP() {
		t.unread = mostFrame(a.unread, "")
	}
}

func inPlace(f report.Frame) string {
	if f.Func == "" {
		return ""
	}
	return " in " + place(f, "")
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

// forTimerOf reports whether it is another goroutine's wait that timers ended.
func (t *tale) forTimerOf() bool { return t.ours() && t.At != t.Stood }

// letIn is what to do about waiting to be let in, or to hand something over: where those
// inside wait themselves, more at once do more.
func (t *tale) letIn() string {
	if t.st != nil && t.st.wait != nil {
		return t.st.wait.Advice
	}
	if t.unread.Func != "" {
		return fmt.Sprintf("%s closes bodies of answers that it has not read to their end, on which their connections are closed: read them to the end first (io.Copy to io.Discard), or ask for less.", place(t.unread, ""))
	}
	if t.known != nil {
		return cmp.Or(t.insideAdvice(), t.known.Advice)
	}
	c := &t.sum.causes
	if t.ours() && t.At != t.Stood && (2*t.sum.asked.ns <= t.sum.ns || 2*t.sum.back <= t.sum.ns) { // who receives has a name
		return ""
	}
	if t.st == nil || t.st.via != blockedFor(model.ReasonChanSend) || (c[report.CauseNetwork]+c[report.CauseSleep]+c[report.CauseSyscall])*2 < t.sum.ns {
		return ""
	}
	return "Raise the limit that " + place(t.st.at, "") + " waits at, if what those inside wait for can take more at once. If some of them wait for others that want a place as well, let them take it after that wait, or give it back meanwhile: more places only put that off."
}

// inChain reports whether they wait for one another: each until another of them has done, and
// closes a channel. That is no queue for a place.
func (t *tale) inChain() bool { return t.Kind == report.RootPlace && 2*t.sum.chain > t.sum.ns }

// chainAdvice is what to do about that.
func (t *tale) chainAdvice() string {
	limit := ""
	if t.ours() && t.At != t.Stood {
		limit = ", or give " + words.Function(t.At.Func) + " a time limit"
	}
	return "Each waits for another of them there. If that is for the one before it, one that takes long holds up all behind it: let them go on without that order" + limit +
		". If one gets something for all, get it before it is needed, or use what there is meanwhile."
}
