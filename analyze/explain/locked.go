package explain

import (
	"fmt"
	"sort"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// A goroutine that is locked to its thread (runtime.LockOSThread) waits whenever it is to go
// on until a P was handed to that thread, and whom it made ready until the P is handed on
// from there. That no thread had a free P meanwhile is the price of the lock, not the machine's doing.

const (
	// lockedFrom is how many times a goroutine's thread must have given its P away for it to
	// count as locked: once in a while one that is not seems to be, by who ran where.
	lockedFrom = 100
	// handOverMost is the longest that handing a P over may take: it costs some 20 µs, and
	// what takes far longer lacked a CPU.
	handOverMost = 1_000_000 // ns
)

// lockedG is a goroutine that may be locked to its thread.
type lockedG struct {
	m     model.MIndex // its thread
	n     int          // times that this gave its P away, with none of it on another thread between them
	since model.Time   // when that were lockedFrom
}

// givenAway takes in Ps that threads gave away for the goroutines locked to them.
func (h *history) givenAway(all []model.Handoff) {
	for i := range all {
		x := &all[i]
		if x.Cause != model.HandoffLockedM {
			continue
		}
		if h.locked == nil {
			h.locked = map[model.GoID]*lockedG{}
		}
		l := h.locked[x.G]
		if l == nil || l.m != x.From {
			l = &lockedG{m: x.From}
			h.locked[x.G] = l
		}
		if l.n++; l.n == lockedFrom {
			l.since = x.Time
		}
	}
}

// handedOver is where a goroutine stops that is locked to its thread, to or from which a P
// has to be handed for a runnable stretch of x.g to end; 0 where there is none. Who talks to
// a locked goroutine alone seems locked as well: it moves now and then, though, and its
// thread gives fewer Ps away.
func (h *history) handedOver(s *gSeg, x *step) uint32 {
	if len(h.locked) == 0 || x.cause != report.CauseIdleP && x.cause != report.CauseDispatch || x.to-x.from > handOverMost {
		return 0
	}
	to, from := h.handed(x.g, x.from), h.handed(s.by, x.from)
	switch {
	case from > to:
		return h.lastSeen(s.by, model.NoP, x.from)
	case to > 0:
		segs := h.of(x.g).segs
		if i := sort.Search(len(segs), func(i int) bool { return segs[i].end >= s.start }); i < len(segs) && segs[i].state == model.GWaiting {
			return segs[i].stack
		}
	}
	return 0
}

// handed is how many Ps the thread gave away that a goroutine seems locked to at a time; 0
// for one that does not.
func (h *history) handed(g model.GoID, at model.Time) int {
	if l := h.locked[g]; l != nil && l.n >= lockedFrom && l.since <= at {
		return l.n
	}
	return 0
}

// handing says to whose thread, and from it, Ps had to be handed.
func (t *tale) handing() string {
	return fmt.Sprintf("handing a P to and from the thread that %s is locked to", place(t.At, t.caller))
}

// lockedAdvice is what to do about that.
func (t *tale) lockedAdvice() string {
	return "Each message to " + words.Function(t.At.Func) + " costs a switch of threads: let it do more per message; remove LockOSThread where nothing needs the thread."
}
