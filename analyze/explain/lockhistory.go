package explain

import (
	"sort"

	"gmptrace/analyze/names"
	"gmptrace/model"
)

// heldSince is since when, not before from, the goroutine of line must have had the
// lock that it unlocked at the time to, with the stack unlock, for a waiter with
// the stack lock; and its wait for that lock, nil if that is not what it last was
// blocked for.
func heldSince(l *names.LockSites, line gLine, from, to model.Time, lock, unlock uint32) (model.Time, *gSeg) {
	locking, unlocking := l.Site(lock), l.Site(unlock)
	if len(unlocking.Callers) == 0 {
		return from, nil
	}
	i := sort.Search(len(line.segs), func(i int) bool { return line.segs[i].start >= to })
	for i--; i >= 0 && line.segs[i].end > from; i-- {
		s := &line.segs[i]
		switch {
		case s.state == model.GWaiting && s.reason == model.ReasonSync && l.Locking(s.stack) && (names.SameSite(l.Site(s.stack), unlocking) || names.SameSite(l.Site(s.stack), locking)):
			return s.end, s
		case (s.state == model.GWaiting || s.state == model.GSyscall) && s.stack != 0 && !l.Holding(s.stack, locking, unlocking):
			return s.end, nil
		}
	}
	return from, nil
}
