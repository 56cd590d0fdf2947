package names

import (
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// End is what is to be said of waits that never end, by what is waited for.
type End struct {
	Does   string // what who waits wants: "to lock"
	Undone string // what nobody did: "unlocked"
	Why    string // of a lock, where nothing tells who may hold it
	Advice string
}

var (
	endSends = End{"to send", "received",
		"Nobody receives any more: whoever did has returned, or is blocked itself; or, where the channel counts places, whoever had one has not given it back.",
		"Make sure that somebody receives until all have sent, on every path (by defer, where the channel counts places), and let senders give up when their context ends."}
	endReceives = End{"to receive", "answered them",
		"Nobody sends what they wait for: whoever was to answer left it out, or gave up.",
		"Make sure that there is an answer in any case, an error as well; and let who waits give up when its context ends: select on its Done."}
	endLocks = End{"to lock", "unlocked",
		"Whoever holds the lock is blocked on something that is no lock, or returned without unlocking: who that is is not told.",
		"Unlock by defer, hold no lock where something is waited for, and take several in one order everywhere; a dump of all goroutines (/debug/pprof/goroutine?debug=2) shows who stands where."}
	endGroups = End{"for a wait group", "called its last Done",
		"Somebody whom it counts has not called Done: it returned early, or is blocked itself.",
		"Call Done by defer, first thing in each goroutine that is counted, or use sync.WaitGroup.Go; and let what they wait for end with a context."}
	endConds = End{"for a condition variable", "signalled it to them",
		"Nobody signals any more, or a signal came when nobody waited yet.",
		"Signal or broadcast on each path that changes what is waited for, and check that in a loop, under the lock, before each wait."}
)

// OfGroup reports whether a wait group is waited for.
func (e *End) OfGroup() bool { return e == &endGroups }

// waitsForGroup reports whether a stack waits for a wait group: sync.WaitGroup's own, also
// inside of a library's function, or that of a group that is made of one, as errgroup's is.
func waitsForGroup(frames []report.Frame) bool {
	for i := range frames {
		if strings.HasSuffix(frames[i].Func, "Group).Wait") {
			return true
		}
		if !HasPrefix(frames[i].Func, WaitPackages) {
			return false
		}
	}
	return false
}

// EndOf is what to say of waits for a reason, with a stack; nil where nothing is known.
func EndOf(reason model.Reason, frames []report.Frame) *End {
	switch reason {
	case model.ReasonChanSend:
		return &endSends
	case model.ReasonChanRecv, model.ReasonSelect:
		return &endReceives
	case model.ReasonCond:
		return &endConds
	case model.ReasonSync:
		if waitsForGroup(frames) {
			return &endGroups
		}
		return &endLocks
	}
	return nil
}
