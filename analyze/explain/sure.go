package explain

import (
	"gmptrace/analyze/internal/waits"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// sure says how sure it is who is behind a root, and why no surer: of what its text says,
// what is inferred, and from what.
func (t *tale) sure() (string, string) {
	if 2*t.sum.likely > t.sum.ns {
		return "medium", "that it served this shows in the order of what both ends of the connection did, not in the trace itself"
	}
	switch t.Kind {
	case report.RootComputing, report.RootQueue:
		return t.sureWhoRan()
	case report.RootNeverEnded:
		if t.dead.why != "" {
			return "medium", waits.SureOfLocks
		}
	case report.RootLock:
		if t.heldUnseen() {
			return "medium", "that it waited is in the trace; who gets a lock without waiting leaves no event"
		}
		return "medium", "the trace names who unlocked; since when that goroutine held it is inferred"
	case report.RootPlace:
		if t.timed() {
			return "medium", "that no goroutine ended the wait is in the trace, that a timer did is inferred"
		}
		return "medium", "the trace names who ended the wait, what that had to do with it is inferred"
	case report.RootBlocked:
		if t.fired() == "" {
			return "medium", "that no goroutine ended the wait is in the trace, which of the others did is not"
		}
	case report.RootStopping:
		if t.At.Func != "" {
			return "medium", "that it was the last to stop is in the trace, why it was so late is not"
		}
	case report.RootFoundLate:
		return "medium", "since when the timer was due, or the network ready, a trace does not show: this is the most that it can have been"
	case report.RootNetwork:
		return "medium", "a trace does not show since when the network was ready"
	case report.RootStoodStill:
		return "medium", "the rhythm is that of a CPU quota; the quota itself is not in the trace"
	case report.RootGC:
		if t.tight {
			return "medium", "cycles, live heap and goal are in the trace, a limit and GOGC are not"
		}
	case report.RootLate:
		return "medium", "a trace shows that the thread came late, not why"
	case report.RootNotTold:
		return "low", t.sum.untold.most().why()
	}
	return "high", ""
}

// sureWhoRan says how sure it is who computed, or had the P: which goroutines did is in the
// trace, what they ran shows where they stopped.
func (t *tale) sureWhoRan() (string, string) {
	who := words.Function(t.At.Func)
	switch {
	case t.At.Func == "" && t.Kind == report.RootQueue, t.yields():
		return "high", ""
	case t.At.Func == "":
		return "medium", "no stack shows where it ran"
	case t.sum.unseen*2 >= t.sum.ns && t.sum.unseen < t.sum.ns && !names.Standard(&t.At):
		return "high", "where those goroutines ran shows of some of it, the rest is told by what they started with"
	case t.sum.unseen*2 < t.sum.ns && t.At.Line > 0:
		return "high", "the line is where that goroutine was last seen: it may have been elsewhere before"
	case names.Standard(&t.At):
		return "medium", "no stack shows where it ran: " + who + " is what those goroutines started with"
	case t.At.Line > 0:
		return "high", "those goroutines started with " + who + "; no stack shows what of it ran, the line is its first"
	}
	return "high", "those goroutines started with " + who + "; no stack shows what of it ran"
}

// untold is why a trace does not tell what a goroutine did, or had to wait for.
type untold uint8

const (
	untoldState  untold = iota // the goroutine's state is not in the trace
	untoldBefore               // it was before the first that the trace has of it
	untoldQueue                // it waited for a P, in whose queue does not show
	untoldP                    // it waited for a P, and what that did does not show
	numUntold
)

var untoldWords = [numUntold]struct{ text, past, why string }{
	untoldState: {"something that the trace does not tell: it has no state of that goroutine for then",
		"did what the trace does not tell: it has no state of it for then", "the trace has no state of that goroutine for then"},
	untoldBefore: {"something that the trace does not tell: it was before the first event of that goroutine",
		"did what the trace does not tell: it was before its first event", "it was before the first event of that goroutine"},
	untoldQueue: {"waiting for a P, in whose queue the trace does not tell: it ends, or breaks off, before that goroutine ran",
		"got no CPU; in whose queue it stood does not show, as it had not run when the trace ended, or broke off", "in whose queue a goroutine stood shows when it runs, which it did not before the trace ended, or broke off"},
	untoldP: {"waiting for a P, of which the trace does not tell what it did then",
		"got no CPU; what the P did that it waited for the trace does not tell", "the trace has no event of that P for then"},
}

func (u untold) text() string { return untoldWords[u].text } // follows "went to"
func (u untold) past() string { return untoldWords[u].past } // follows "it"
func (u untold) why() string  { return untoldWords[u].why }

// untoldSum is for how long which.
type untoldSum [numUntold]int64

func (s *untoldSum) most() untold {
	best := untold(0)
	for u, ns := range s {
		if ns > s[best] {
			best = untold(u)
		}
	}
	return best
}
