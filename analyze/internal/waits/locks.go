package waits

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Holder is who holds a lock that others wait for, as far as that shows.
type Holder struct {
	Kind   names.LockKind // of the waits
	At     report.Frame   // where it is with the lock held; of no function where that does not show
	Blocks bool           // there it mostly does not run
}

// Advice is what to do about it.
func (h *Holder) Advice() string {
	in, who := "", words.Function(h.At.Func)
	if h.At.Func != "" {
		in = " in " + who
	}
	s := ""
	switch {
	case h.At.Func != "" && names.Foreign(&h.At) && !names.Standard(&h.At): // nobody can change that
		return who + " is a library's and has its lock all the while: let it have less to do or run seldom, by its options, away from busy hours; or keep what it guards in several, or in another that does not lock all at once."
	case h.Blocks:
		s = "Do what blocks" + in + " outside of the lock: copy what it needs, unlock, then wait."
	default:
		s = "Hold the lock for less" + in + ": compute outside of it, or split what it guards."
	}
	if h.Kind != names.LockMutex {
		s += " Reading as well: a writer that waits keeps new readers out. Where what is read is never changed, swap a pointer to it (atomic.Pointer)."
	}
	return s
}
