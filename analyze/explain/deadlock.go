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
	d.why, d.advice = waits.Deadlock(mine, slices.Delete(all, i, i+1), e.zero)
	return d
}
