package waits

import (
	"fmt"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Deadlock says who likely holds the lock that most wait for, where others stand for locks
// as well, or it itself; "" where nothing tells that. The trace begins at zero.
func (w *Standing) Deadlock(most *Stand, others []*Stand, zero model.Time) (why, advice string) {
	if !most.Lock {
		return "", ""
	}
	if a := w.again(); a != nil {
		return a.why(), a.advice()
	}
	var also, at []string
	for _, x := range others {
		if x.Lock {
			also = append(also, fmt.Sprintf("in %s %s", x.Name, x.When(zero)))
			at = append(at, x.Name)
		}
	}
	switch {
	case len(at) == 0:
		return "", ""
	case len(at) == 1:
		return fmt.Sprintf("Whoever holds that lock likely waits for another one itself, %s, which somebody who waits in %s holds: likely a deadlock.", also[0], most.Name),
			"Lock both in one order in " + most.Name + " and " + at[0] + "."
	}
	return fmt.Sprintf("Others stand as well: %s. Whoever holds that lock is likely one of them, and waits for another's: likely a deadlock.", strings.Join(also, ", ")),
		"Lock in one order, in " + strings.Join(at, " and ") + " first."
}

// again is a goroutine that stands for a lock that it likely has already.
type again struct {
	g      model.GoID
	since  model.Time
	at     *report.Frame // where it locks for the second time
	call   *report.Frame // from where that was called
	first  *report.Frame // the line before that locks as well
	read   bool          // it is an RWMutex
	writer *report.Frame // where one stands that wants it alone, nil for nobody
}

// again is the first of those who stand for a lock in a method that another method of the same
// type has called, below a line at which that locks as well; nil for nobody. That it has not
// unlocked in between, and that the type has not two locks of a kind, does not show.
func (w *Standing) again() (first *again) {
	takes := w.takes()
	var writer *report.Frame
	for i := range w.open {
		iv := &w.open[i]
		if iv.Reason != model.ReasonSync {
			continue
		}
		site := w.locks.Site(iv.Stack)
		if site.Lock == names.LockWriting && writer == nil && len(site.Callers) > 0 {
			writer = site.Callers[0]
		}
		if a := w.takenBefore(iv, takes); a != nil && (first == nil || a.since < first.since) {
			first = a
		}
	}
	if first != nil {
		first.writer = writer
	}
	return first
}

// takes are where locks were waited for, by function.
func (w *Standing) takes() map[string][]names.LockSite {
	takes := map[string][]names.LockSite{}
	take := func(stack uint32) {
		if s := w.locks.Site(stack); w.locks.Locking(stack) && len(s.Callers) > 0 {
			takes[s.Callers[0].Func] = append(takes[s.Callers[0].Func], s)
		}
	}
	for i := range w.open {
		take(w.open[i].Stack)
	}
	for stack, e := range w.ended {
		if e != nil {
			take(uint32(stack))
		}
	}
	return takes
}

// takenBefore is that the one who stands had locked before in a caller, nil if that does not
// show.
func (w *Standing) takenBefore(iv *model.GInterval, takes map[string][]names.LockSite) *again {
	site, frames := w.locks.Site(iv.Stack), w.locks.Names.Stacks[iv.Stack]
	if len(site.Callers) == 0 {
		return nil
	}
	below := false // the frame that locks
	for i := range frames {
		f := &frames[i]
		if !below {
			below = f == site.Callers[0]
			continue
		}
		for _, t := range takes[f.Func] {
			if t.Callers[0].Line < f.Line && t.SameLock(site) {
				return &again{g: iv.G, since: iv.Start, at: site.Callers[0], call: f, first: t.Callers[0], read: site.Lock != names.LockMutex}
			}
		}
	}
	return nil
}

func (a *again) why() string {
	s := fmt.Sprintf("G%d waits in %s, called from %s, which locks at line %d as well: it likely has that lock already", a.g, placeName(a.at), placeName(a.call), a.first.Line)
	switch {
	case !a.read:
		return s + ", and waits for itself."
	case a.writer != nil:
		return fmt.Sprintf("%s. Between the two came one who wants it alone, in %s, and waits for the first to be unlocked; who asks later waits behind that one.", s, placeName(a.writer))
	}
	return s + ": who wants it alone and asks between the two waits for the first, and the second for that one."
}

func (a *again) advice() string {
	return fmt.Sprintf("Do not lock again where the lock is held, not for reading either: let %s call what does not lock.", placeName(a.call))
}

// SureOfLocks says why it is no surer who holds a lock that nobody unlocks.
const SureOfLocks = "that they stand is in the trace; a holder that never unlocks leaves no event, so who holds a lock is inferred from who stands where, and something may go on after the trace's end"
