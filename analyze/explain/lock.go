package explain

import (
	"fmt"

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
	who, holder := words.Function(t.At.Func), t.holder().Func
	switch {
	case holder != "" && t.At == t.Stood: // what that waited for does not show
		return outsideLock(words.Function(holder))
	case holder != "":
		return fmt.Sprintf("Do not wait for %s in %s with the lock held: copy what it needs, unlock, then wait.", who, words.Function(holder))
	case t.sum.causes[report.CauseRunning]*2 > t.sum.ns:
		return "Hold the lock for less: let " + who + " compute outside of it."
	}
	return outsideLock(who)
}

// outsideLock is what to do about who blocks with a lock held.
func outsideLock(who string) string {
	return "Do what blocks in " + who + " outside of the lock: copy what it needs, unlock, then wait."
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
