package analyze

import (
	"sort"
	"strings"

	"gmptrace/model"
)

// lockSites knows what stacks say about mutexes.
type lockSites struct {
	names *names
	sites []mutexSite // by stack
}

// mutexSite is where a stack locks or unlocks.
type mutexSite struct {
	known   bool
	locking bool     // in the locking of a mutex; a WaitGroup waits for the same reason
	callers []*Frame // the two innermost ones outside of packages sync and runtime
}

// siteFrames is how many callers a mutexSite has: mutexes are often locked by a
// method that does nothing else.
const siteFrames = 2

func (l *lockSites) site(stack uint32) mutexSite {
	for int(stack) >= len(l.sites) {
		l.sites = append(l.sites, mutexSite{})
	}
	s := &l.sites[stack]
	if s.known {
		return *s
	}
	s.known = true
	frames := l.names.stacks[stack]
	for i := range frames {
		f := &frames[i]
		if hasPrefix(f.Func, lockPackages) {
			s.locking = s.locking || strings.Contains(f.Func, "Mutex).")
		} else if s.callers = append(s.callers, f); len(s.callers) == siteFrames {
			break
		}
	}
	return *s
}

// lockPackages are those that locking and unlocking goes through.
var lockPackages = []string{"runtime.", "sync.", "internal/sync.", "internal/race."}

// locking reports whether a stack is in the locking of a mutex.
func (l *lockSites) locking(stack uint32) bool { return l.site(stack).locking }

// locker is the function that locks a mutex on this stack, "" if none does.
func (l *lockSites) locker(stack uint32) string {
	switch s, frames := l.site(stack), l.names.stacks[stack]; {
	case !s.locking:
		return ""
	case len(s.callers) == 0:
		return frames[len(frames)-1].Func
	default:
		return s.callers[0].Func
	}
}

// sameSite reports whether two stacks lock and unlock in the same function.
func sameSite(a, b mutexSite) bool {
	return len(a.callers) > 0 && len(b.callers) > 0 && a.callers[0].Func == b.callers[0].Func
}

// holding reports whether a goroutine that was blocked with this stack may have
// held the lock then that it unlocked afterwards: it was in a function that
// unlocks, and, where that also locks, between the two lines.
func (l *lockSites) holding(stack uint32, lock, unlock mutexSite) bool {
	for k, u := range unlock.callers {
		for i := range l.names.stacks[stack] {
			f := &l.names.stacks[stack][i]
			if f.Func != u.Func {
				continue
			}
			if k < len(lock.callers) && lock.callers[k].Func == u.Func && lock.callers[k].Line <= u.Line {
				return f.Line >= lock.callers[k].Line && f.Line <= u.Line
			}
			return true
		}
	}
	return false
}

// since is since when, not before from, the goroutine of line must have had the
// lock that it unlocked at the time to, with the stack unlock, for a waiter with
// the stack lock; and its wait for that lock, nil if that is not what it last was
// blocked for.
func (l *lockSites) since(line *gLine, from, to model.Time, lock, unlock uint32) (model.Time, *gSeg) {
	locking, unlocking := l.site(lock), l.site(unlock)
	if line == nil || len(unlocking.callers) == 0 {
		return from, nil
	}
	i := sort.Search(len(line.segs), func(i int) bool { return line.segs[i].start >= to })
	for i--; i >= 0 && line.segs[i].end > from; i-- {
		s := &line.segs[i]
		switch {
		case s.state == model.GWaiting && s.reason == model.ReasonSync && l.locking(s.stack) && sameSite(l.site(s.stack), unlocking):
			return s.end, s
		case (s.state == model.GWaiting || s.state == model.GSyscall) && s.stack != 0 && !l.holding(s.stack, locking, unlocking):
			return s.end, nil
		}
	}
	return from, nil
}
