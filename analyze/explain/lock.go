package explain

import (
	"fmt"
	"strings"

	"gmptrace/analyze/internal/waits"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// lockAdvice is what to do about a lock that was held.
func (t *tale) lockAdvice() string {
	if t.At.Func == "" || 2*t.sum.causes[report.CauseLock] > t.sum.ns {
		return ""
	}
	if t.st != nil {
		switch {
		case t.st.logs:
			return names.LoggerAdvice
		case t.st.once:
			return names.OnceAdvice
		case names.LockAdvice(t.st.callee) != "":
			return names.LockAdvice(t.st.callee)
		}
	}
	by, holder := waits.Holder{At: t.At, Blocks: 2*t.sum.causes[report.CauseRunning] <= t.sum.ns, Kind: t.lockKind()}, t.holder()
	switch {
	case holder.Func != "" && t.At == t.Stood: // what that waited for does not show
		by.At, by.Blocks = holder, true
	case holder.Func != "":
		return fmt.Sprintf("Do not wait for %s in %s with the lock held: copy what it needs, unlock, then wait.", words.Function(t.At.Func), words.Function(holder.Func))
	}
	return by.Advice()
}

// lockKind is how the lock was to be locked.
func (t *tale) lockKind() names.LockKind {
	switch {
	case t.st == nil || t.st.rw == "":
		return names.LockMutex
	case strings.HasPrefix(t.st.rw, "R"):
		return names.LockReading
	}
	return names.LockWriting
}

// sureOfHolder says how sure it is who held the lock.
func (t *tale) sureOfHolder() (string, string) {
	if t.heldUnseen() {
		return "medium", "that it waited is in the trace; who gets a lock without waiting leaves no event"
	}
	return "medium", "the trace names who unlocked; since when that goroutine held it is inferred"
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
