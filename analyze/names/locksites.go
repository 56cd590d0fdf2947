package names

import (
	"strings"

	"gmptrace/analyze/report"
)

// LockSites knows what stacks say about mutexes, each of which it looks at once.
type LockSites struct {
	Names *Table
	sites []LockSite // by stack
}

// LockSite is where a stack locks or unlocks: Site tells it.
type LockSite struct {
	known   bool
	locking bool            // in the locking of a mutex; a WaitGroup waits for the same reason
	Lock    LockKind        // of what it locks
	Reading bool            // it locks or unlocks an RWMutex beside other readers
	Parted  bool            // it has let go of the mutex until it is woken: sync.Cond.Wait
	Signals bool            // it wakes one of those who wait for a condition: sync.Cond.Signal
	Once    bool            // that is a sync.Once, which is waited for until its function has returned
	Advice  string          // what to do about waits for a mutex that the standard library hides, "" for others
	Callers []*report.Frame // the two innermost ones outside of packages sync and runtime
}

// LockKind is how a mutex is locked.
type LockKind uint8

// The ways to lock.
const (
	LockMutex   LockKind = iota
	LockReading          // an RWMutex, beside other readers
	LockWriting          // an RWMutex, alone
)

// kindOfLock is the way of a function that locks.
func kindOfLock(fn string) LockKind {
	switch {
	case strings.Contains(fn, "RWMutex).RLock"):
		return LockReading
	case strings.Contains(fn, "RWMutex).Lock"):
		return LockWriting
	}
	return LockMutex
}

// OnceAdvice is what to do about waits for a sync.Once.
const OnceAdvice = "Whoever comes before it is done waits: do it when the program starts, before anything is served, or make it quicker."

// siteFrames is how many callers a LockSite has: mutexes are often locked by a
// method that does nothing else.
const siteFrames = 2

// Site is where a stack locks or unlocks, whether it does or not.
func (l *LockSites) Site(stack uint32) LockSite {
	for int(stack) >= len(l.sites) {
		l.sites = append(l.sites, LockSite{})
	}
	s := &l.sites[stack]
	if s.known {
		return *s
	}
	s.known = true
	frames := l.Names.Stacks[stack]
	for i := range frames {
		f := &frames[i]
		if s.Advice == "" && len(s.Callers) == 0 {
			s.Advice = LockAdvice(f.Func)
		}
		if HasPrefix(f.Func, lockPackages) {
			s.locking = s.locking || strings.Contains(f.Func, "Mutex).")
			s.Lock = max(s.Lock, kindOfLock(f.Func))
			s.Signals = s.Signals || f.Func == "sync.(*Cond).Signal"
			s.Parted = s.Parted || f.Func == "sync.(*Cond).Wait" && !s.locking
			s.Reading = s.Reading || strings.Contains(f.Func, "RWMutex).R")
			s.Once = s.Once || strings.HasPrefix(f.Func, "sync.(*Once).")
		} else if s.Callers = append(s.Callers, f); len(s.Callers) == siteFrames {
			break
		}
	}
	return *s
}

// lockPackages are those that locking and unlocking goes through.
var lockPackages = []string{"runtime.", "sync.", "internal/sync.", "internal/race."}

// Locking reports whether a stack is in the locking of a mutex.
func (l *LockSites) Locking(stack uint32) bool { return l.Site(stack).locking }

// Locker is the function that locks a mutex on this stack, "" if none does.
func (l *LockSites) Locker(stack uint32) string {
	switch s, frames := l.Site(stack), l.Names.Stacks[stack]; {
	case !s.locking:
		return ""
	case len(s.Callers) == 0:
		return frames[len(frames)-1].Func
	default:
		return s.Callers[0].Func
	}
}

// SameSite reports whether two stacks lock and unlock in the same function, or by methods of
// one type that it calls, which only wrap that.
func SameSite(a, b LockSite) bool {
	if len(a.Callers) == 0 || len(b.Callers) == 0 {
		return false
	}
	if a.Callers[0].Func == b.Callers[0].Func {
		return true
	}
	return len(a.Callers) > 1 && len(b.Callers) > 1 && a.Callers[1].Func == b.Callers[1].Func && sameType(a.Callers[0].Func, b.Callers[0].Func)
}

// SameLock reports whether two sites may take one lock twice: in different methods of one
// type, which take a lock of one kind.
func (s LockSite) SameLock(o LockSite) bool {
	return len(s.Callers) > 0 && len(o.Callers) > 0 && (s.Lock == LockMutex) == (o.Lock == LockMutex) &&
		s.Callers[0].Func != o.Callers[0].Func && sameType(s.Callers[0].Func, o.Callers[0].Func)
}

// sameType reports whether two functions are methods of one type.
func sameType(a, b string) bool {
	i := strings.LastIndexByte(a, '.')
	return i > 0 && strings.HasSuffix(a[:i], ")") && i == strings.LastIndexByte(b, '.') && a[:i] == b[:i]
}

// Holding reports whether a goroutine that was blocked with this stack may have
// held the lock then that it unlocked afterwards: it was in a function that
// unlocks, and, where that also locks, between the two lines.
func (l *LockSites) Holding(stack uint32, lock, unlock LockSite) bool {
	for k, u := range unlock.Callers {
		for i := range l.Names.Stacks[stack] {
			f := &l.Names.Stacks[stack][i]
			if f.Func != u.Func {
				continue
			}
			if k < len(lock.Callers) && lock.Callers[k].Func == u.Func && lock.Callers[k].Line <= u.Line {
				return f.Line >= lock.Callers[k].Line && f.Line <= u.Line
			}
			return true
		}
	}
	return false
}

// OfCollector reports whether a stack waits for a semaphore of the runtime's collector,
// for which the tracer gives the same reason as for a mutex: no lock of the program.
//
// Source: runtime/mgc.go, gcStart and gcMarkDone; runtime/proc.go, stopTheWorldGC.
func (l *LockSites) OfCollector(stack uint32) bool {
	for i := range l.Names.Stacks[stack] {
		switch fn := l.Names.Stacks[stack][i].Func; {
		case fn == "runtime.gcMarkDone" || fn == "runtime.gcStart" || fn == "runtime.stopTheWorldGC":
			return true
		case !strings.HasPrefix(fn, "runtime."):
			return false
		}
	}
	return false
}
