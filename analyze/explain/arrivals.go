package explain

import (
	"slices"
	"sort"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// Who waits for something that a later request brings waits for that to come. What the
// goroutine did which then serves it, before there was anything to serve, kept nobody
// waiting: it stood by. So the wait counts as that of who waits for more: of who is
// explained, or of somebody that this one waits for, such as who gathers what many ask for.

// standsByForMore reports whether a goroutine that is blocked on the network with a stack
// waits for the next request or connection.
func standsByForMore(frames []report.Frame) bool {
	if len(frames) == 0 {
		return false
	}
	if slices.ContainsFunc(frames, func(f report.Frame) bool { return strings.HasSuffix(f.Func, ".Accept") }) {
		return true
	}
	start := frames[len(frames)-1].Func
	handled, _ := handledBy(frames)
	return handled < 0 && (serverKindOf(start) == servesConn || serverKindOf(start) == servesReadAhead || strings.HasSuffix(start, "erverConn).readFrames"))
}

// forArrival tells a step of a goroutine that stands by as one of who waits for what comes
// then, if there is such a goroutine.
//
// A wait since before the trace began may show neither a reason nor a place: then it is taken
// for what the goroutine waits for next.
func (w *walk) forArrival(x *step) bool {
	if w.waiter == nil {
		return false
	}
	stack, reason := x.stack, x.reason
	if stack == 0 && reason == model.ReasonNone {
		stack, reason = w.nextWait(x.g, x.to)
	}
	if reason != model.ReasonNetwork || !w.h.standBy.Of(w.h.names, stack, standsByForMore) {
		return false
	}
	y := *w.waiter
	y.from, y.to, y.cause, y.came = x.from, x.to, report.CauseBlocked, true
	w.tell(&y)
	return true
}

// nextWait is where and why a goroutine waits next after a time.
func (w *walk) nextWait(g model.GoID, after model.Time) (stack uint32, reason model.Reason) {
	segs := w.h.of(g).segs
	for i := sort.Search(len(segs), func(i int) bool { return segs[i].start >= after }); i < len(segs); i++ {
		w.steps++
		if segs[i].state == model.GWaiting {
			return segs[i].stack, segs[i].reason
		}
	}
	return 0, model.ReasonNone
}

// arrives reports whether later requests brought some of what was waited for, at least.
func (t *tale) arrives() bool { return 10*t.sum.came > t.sum.ns }

// untilBrought says until when those waited whom later requests let go on.
func (t *tale) untilBrought() string {
	switch who := place(t.At, t.From); {
	case !t.forTimerOf():
		return untilBrought
	case 10*t.sum.came > 9*t.sum.ns:
		return whileDid(who, "waited for what a later request brought")
	default:
		return whileDid(who, "waited for what later requests brought, or a timer")
	}
}

// untilBrought says the same of who waited itself.
const untilBrought = " until a later request brought that"

// moreAdvice is what to do about that.
func (t *tale) moreAdvice() string {
	if !t.forTimerOf() {
		return "If " + words.Function(t.st.at.Func) + " is not meant to wait there for other requests, give it a limit."
	}
	return "Others wait while " + words.Function(t.At.Func) + " waits for more to come: if it gathers what many ask for, let it go on as soon as nothing more is there, or wait for less (a shorter timer, a smaller batch)."
}
