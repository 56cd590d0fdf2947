package explain

import (
	"fmt"
	"slices"

	"gmptrace/analyze/internal/waits"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
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

// behind is where it begins that a root's goroutines stand, nil where that is there.
func (e *explainer) behind(r *report.Root) *waits.Behind {
	places := e.names.Places()
	for _, x := range append(e.stands.At(places), e.stands.Receivers(places, &r.At)) {
		if x.At == r.At && x.N > 0 && x.Stuck(int64(e.now-e.zero)) {
			return e.stands.Behind(x, places, e.zero)
		}
	}
	return nil
}

// neverEnded says for what goroutines still wait.
func (t *tale) neverEnded() string {
	s := t.waiting() + ", which nobody ended before the trace did"
	if t.behind != nil {
		s += ": they stand behind " + t.behind.Where()
	}
	if x := t.stand; x != nil {
		s += fmt.Sprintf(": %s that it likely counts wait %s in %s, and never go on", words.Count(int64(x.N)), x.Does(), x.Name)
	}
	return s
}

// lookDeadlock finds out who likely waits for each other.
func lookDeadlock(a *account, _ rootKey, t *tale) {
	t.dead, t.behind = a.e.deadlock(t.Root), a.e.behind(t.Root)
	if t.st == nil || !t.st.end.OfGroup() {
		return
	}
	for _, x := range a.e.stands.At(a.e.names.Places()) {
		if x.N >= waits.Several && x.Stuck(int64(a.e.now-a.e.zero)) {
			t.stand = x
			return
		}
	}
}

// sureOfLocks says how sure it is who likely waits for each other.
func (t *tale) sureOfLocks() (string, string) {
	if t.behind != nil {
		return "medium", waits.SureOfBehind
	}
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
	if t.behind != nil {
		return t.behind.Advice()
	}
	if t.stand != nil {
		return t.stand.LetGoOn()
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
