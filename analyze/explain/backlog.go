package explain

import (
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// backlog knows since when, at the earliest, goroutines have waited for a P: some of them
// may have been started for something that is explained, which shows only once they run.
// Queues are left in the order in which they were joined, so that who leaves one last
// joined it before all who are still there.
type backlog struct {
	floor model.Time   // a P was idle, or nobody waited: who waits now has come since
	since []model.Time // by P whose queue it is, from 1; 0 is the global one
}

func (b *backlog) watch(f *model.Facts) {
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		if d.Idle > 0 || d.Runnable == 0 {
			b.floor = d.Time
		}
		if d.Queue == 0 || d.Censored {
			continue
		}
		q := int(d.WaitedOn - model.NoP)
		for q >= len(b.since) {
			b.since = append(b.since, 0)
		}
		if b.since[q] = d.Ready; d.Queue == 1 {
			b.since[q] = d.Time
		}
	}
}

// oldest is since when.
func (b *backlog) oldest() model.Time {
	oldest := replay.Forever
	for _, t := range b.since {
		if t > 0 {
			oldest = min(oldest, max(t, b.floor))
		}
	}
	return oldest
}
