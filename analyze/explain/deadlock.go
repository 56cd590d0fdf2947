package explain

import (
	"slices"

	"gmptrace/analyze/internal/waits"
	"gmptrace/analyze/report"
)

// deadlocked is what is told of a wait for a lock that never ended, where others stand for
// locks as well.
type deadlocked struct{ why, advice string }

// deadlock says who likely holds the lock that a root's goroutines stand for, as the check
// does that looks for such waits.
func (e *explainer) deadlock(r *report.Root) (d deadlocked) {
	if r.Kind != report.RootNeverEnded {
		return d
	}
	all := slices.DeleteFunc(e.stands.At(e.names.Places()), func(x *waits.Stand) bool {
		return !x.Lock || !x.Stuck(int64(e.now-e.zero))
	})
	i := slices.IndexFunc(all, func(x *waits.Stand) bool { return x.At == r.At })
	if i < 0 {
		return d
	}
	mine := all[i]
	d.why, d.advice = e.stands.Deadlock(mine, slices.Delete(all, i, i+1), e.zero)
	return d
}

// neverEnded says for what goroutines still wait.
func (t *tale) neverEnded() string {
	return t.waiting() + ", which nobody ended before the trace did"
}

// lookDeadlock finds out who likely waits for each other.
func lookDeadlock(a *account, _ rootKey, t *tale) { t.dead = a.e.deadlock(t.Root) }

// sureOfLocks says how sure it is who likely waits for each other.
func (t *tale) sureOfLocks() (string, string) {
	if t.dead.why == "" {
		return "high", ""
	}
	return "medium", waits.SureOfLocks
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
