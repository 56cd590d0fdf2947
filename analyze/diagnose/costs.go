package diagnose

import (
	"strings"

	"gmptrace/analyze/report"
)

// costs is in which way goroutines lose time to what a check finds. Of the findings with
// the same costs, which look at the same time from several sides, one leads.
type costs uint8

// The ways.
const (
	costsNothing   costs = iota
	costsOthers          // others ran on the Ps
	costsWakeups         // timers and the network were found late
	costsLate            // Ps were free, and threads came late
	costsCollector       // the garbage collector
	costsStops           // stopped worlds
	costsLocks           // locks
	costsQueues          // queues for something else
	costsCalls           // system calls, C, and threads
	costsEnds            // waits without an end
	costsPolling         // CPU time that is spent on nothing
)

// roots are the kinds of roots of slow requests and tasks that findings explain; none for
// what is worth telling whether or not those were slow.
func (c costs) roots() []report.RootKind {
	switch c {
	case costsOthers:
		return []report.RootKind{report.RootQueue, report.RootFoundLate}
	case costsWakeups:
		return []report.RootKind{report.RootFoundLate, report.RootSleep, report.RootNetwork, report.RootQueue}
	case costsLate:
		return []report.RootKind{report.RootNoCPU, report.RootStoodStill, report.RootLate, report.RootQueue, report.RootComputing}
	case costsCollector:
		return []report.RootKind{report.RootGC, report.RootForcedGC}
	case costsStops:
		return []report.RootKind{report.RootStopping, report.RootStopped, report.RootForcedGC, report.RootGC, report.RootQueue}
	case costsLocks:
		return []report.RootKind{report.RootLock, report.RootNeverEnded, report.RootQueue}
	case costsQueues:
		return []report.RootKind{report.RootPlace, report.RootNetwork, report.RootNeverEnded}
	case costsCalls:
		return []report.RootKind{report.RootSyscall, report.RootLocked, report.RootLate, report.RootQueue, report.RootPlace, report.RootLock}
	}
	return nil
}

// ofMachine reports whether a loaded machine makes goroutines lose time that way as well.
func (c costs) ofMachine() bool { return c == costsOthers || c == costsWakeups || c == costsLate }

// together is what a cost is time of. Where it exceeds the time that the report covers, it
// says whose times were added up: a thousand seconds in a trace of one look like a mistake.
func together(cost int64, of string, whole int64) string {
	if cost <= whole {
		return of
	}
	of, aside, besides := strings.Cut(of, "; ")
	switch {
	case strings.HasPrefix(of, "goroutine time "):
		of += report.AllGoroutines
	case strings.HasPrefix(of, "P time "):
		of += report.AllPs
	}
	if besides {
		of += "; " + aside
	}
	return of
}
