package waits

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
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
	if a := w.again(); a.concerns(&most.At) {
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
	site   names.LockSite
	at     *report.Frame // where it locks for the second time, in site
	call   *report.Frame // from where that was called
	first  *report.Frame // the line before that locks as well
	writer *report.Frame // where one stands that wants it alone, nil for nobody
}

// again is the first of those who stand for a lock in a method that another method of the same
// type has called, below a line at which that locks as well; nil for nobody. That it has not
// unlocked in between, and that the type has not two locks of a kind, does not show.
func (w *Standing) again() *again {
	takes, seen := w.takes(), map[uint32]bool{}
	var writers []names.LockSite
	var first *again
	for _, iv := range slices.SortedStableFunc(w.standForLocks(), func(a, b *model.GInterval) int { return cmp.Compare(a.Start, b.Start) }) {
		if seen[iv.Stack] {
			continue
		}
		seen[iv.Stack] = true
		site := w.locks.Site(iv.Stack)
		if site.Lock == names.LockWriting {
			writers = append(writers, site)
		}
		if first == nil {
			first = w.takenBefore(iv, site, takes)
		}
	}
	if first != nil {
		if i := slices.IndexFunc(writers, first.site.SameLock); i >= 0 {
			first.writer = writers[i].Callers[0]
		}
	}
	return first
}

// standForLocks are the waits for locks that the trace's end cut off, whose place shows.
func (w *Standing) standForLocks() iter.Seq[*model.GInterval] {
	return func(yield func(*model.GInterval) bool) {
		for i := range w.open {
			iv := &w.open[i]
			if iv.Reason == model.ReasonSync && len(w.locks.Site(iv.Stack).Callers) > 0 && !yield(iv) {
				return
			}
		}
	}
}

// takes are where locks were waited for, each line once, by function.
func (w *Standing) takes() map[string][]names.LockSite {
	takes := map[string][]names.LockSite{}
	take := func(stack uint32) {
		s := w.locks.Site(stack)
		if !w.locks.Locking(stack) || len(s.Callers) == 0 {
			return
		}
		at := s.Callers[0]
		if !slices.ContainsFunc(takes[at.Func], func(t names.LockSite) bool { return t.Callers[0].Line == at.Line && t.Lock == s.Lock }) {
			takes[at.Func] = append(takes[at.Func], s)
		}
	}
	for iv := range w.standForLocks() {
		take(iv.Stack)
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
func (w *Standing) takenBefore(iv *model.GInterval, site names.LockSite, takes map[string][]names.LockSite) *again {
	frames := w.locks.Names.Stacks[iv.Stack]
	for i := 1 + slices.IndexFunc(frames, func(f report.Frame) bool { return f == *site.Callers[0] }); i < len(frames); i++ {
		f := &frames[i]
		for _, t := range takes[f.Func] {
			if t.Callers[0].Line < f.Line && t.SameLock(site) {
				return &again{g: iv.G, site: site, at: site.Callers[0], call: f, first: t.Callers[0]}
			}
		}
	}
	return nil
}

// concerns reports whether those who stand at a place stand for that lock.
func (a *again) concerns(at *report.Frame) bool {
	return a != nil && (*at == *a.at || *at == *a.first || a.writer != nil && *at == *a.writer)
}

func (a *again) why() string {
	s := fmt.Sprintf("G%d waits in %s, called from %s, which locks at line %d as well: it likely has that lock already", a.g, placeName(a.at), placeName(a.call), a.first.Line)
	switch {
	case a.site.Lock == names.LockMutex:
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
