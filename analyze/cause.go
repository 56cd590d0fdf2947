package analyze

import "gmptrace/model"

// Cause is what a nanosecond of an explained stretch of time went to. Every
// nanosecond has exactly one.
type Cause uint8

// The causes. Those from CauseGCStop to CauseDispatch are of time spent
// runnable: what kept the goroutine from running.
const (
	CauseRunning      Cause = iota // a goroutine ran its own code
	CauseAssist                    // it ran, to mark for the collector
	CauseSweep                     // it ran, to sweep before it could allocate
	CauseGCStop                    // the world was stopped, or was being stopped, for the collector
	CauseStopTheWorld              // likewise, for another reason
	CauseGCWorker                  // the P that it waited for ran a mark worker
	CauseRuntime                   // the P that it waited for ran another goroutine of the runtime
	CauseQueue                     // it stood in a P's local queue, and that P ran others
	CauseGlobalQueue               // it stood in the global queue, and the P that took it ran others until then
	CauseAfterSyscall              // it left a system call without a P, and all were busy
	CauseSyscallHeld               // the P that it waited for was held by a goroutine in a system call
	CauseIdleP                     // a P was idle: the thread that should have run it on there came late
	CauseDispatch                  // the P that it waited for had a thread that ran no goroutine yet
	CauseSyscall                   // in a system call, or in C
	CauseNetwork                   // until the network was ready
	CauseSleep                     // until a timer was due
	CauseAssistWait                // in debt to the collector, with nothing to mark
	CauseGCWait                    // for the collector otherwise
	CauseBlocked                   // blocked, and ended by no goroutine that the trace names
	CauseLock                      // a lock was held by goroutines that the trace does not name
	CauseUnknown                   // the trace does not tell
	CauseNotKept                   // too long ago to be kept: see HistorySoft
	NumCauses
)

var causeNames = [NumCauses]string{"running", "gc-assist", "gc-sweep", "gc-stop-the-world", "stop-the-world", "gc-worker", "runtime", "queue", "global-queue",
	"after-syscall", "syscall-held", "idle-p", "dispatch", "syscall", "network", "sleep", "gc-assist-wait", "gc-wait", "blocked", "lock", "unknown", "not-kept"}

// String is the cause's name in JSON.
func (c Cause) String() string {
	if c < NumCauses {
		return causeNames[c]
	}
	return "invalid"
}

// waitsForP reports whether c is a cause of time spent runnable.
func (c Cause) waitsForP() bool { return c >= CauseGCStop && c <= CauseDispatch }

// stops reports whether c is a stopped world.
func (c Cause) stops() bool { return c == CauseGCStop || c == CauseStopTheWorld }

// piece is a part of a wait for a P, and what kept the goroutine from running.
type piece struct {
	from, to model.Time
	cause    Cause
	g        model.GoID // that had the P, or stopped the world; NoG for none
	fn       uint32
	stack    uint32 // where the world was stopped
}

// divide divides [from, to) of a goroutine's runnable stretch by what kept it
// from running, and calls use with each part in order. What counts, in this
// order: a stopped world; an idle P, on which it could have run; and what the P
// did meanwhile in whose queue it stood or, out of the global queue, that took it
// in the end.
func (h *history) divide(s *gSeg, from, to model.Time, use func(piece)) {
	p := s.on
	if p == model.NoP {
		p = s.p
	}
	for at := from; at < to; {
		x := piece{from: at, cause: CauseUnknown, g: model.NoG}
		stop, until := h.stopped(at)
		x.to = min(to, until)
		if stop != nil {
			h.stoppedBy(stop, &x)
		} else {
			wasted, until := within(h.wastes, at)
			x.to = min(x.to, until)
			switch {
			case at < h.lost:
				x.cause, x.to = CauseNotKept, min(x.to, h.lost)
			case wasted:
				x.cause = CauseIdleP
			default:
				h.held(s, p, &x)
			}
		}
		use(x)
		at = x.to
	}
}

// stoppedBy says who stopped the world.
func (h *history) stoppedBy(stop *pause, x *piece) {
	x.cause, x.g, x.stack = CauseStopTheWorld, stop.g, stop.stack
	if stop.gc {
		x.cause = CauseGCStop
	}
	if l := h.gs[stop.g]; l != nil {
		x.fn = l.fn
	}
}

// held says what P p did from x.from on, and shortens x to as long as it did.
func (h *history) held(s *gSeg, p model.ProcID, x *piece) {
	if p == model.NoP || int(p) >= len(h.ps) {
		return
	}
	seg, until := h.ps[p].at(x.from)
	x.to = min(x.to, until)
	if seg == nil {
		return
	}
	switch seg.does {
	case model.PDoesIdle:
		x.cause = CauseIdleP
	case model.PDoesSched:
		x.cause = CauseDispatch
	case model.PDoesSyscall:
		x.cause, x.g, x.fn = CauseSyscallHeld, seg.g, seg.fn
	case model.PDoesRun:
		x.g, x.fn = seg.g, seg.fn
		x.cause = queueCause(s, seg)
	}
}

// queueCause is why a goroutine waits for a P that runs another one.
func queueCause(s *gSeg, seg *pSeg) Cause {
	switch {
	case seg.worker:
		return CauseGCWorker
	case seg.runtime:
		return CauseRuntime
	case s.on != model.NoP:
		return CauseQueue
	case s.source == model.SourceSyscallExit:
		return CauseAfterSyscall
	}
	return CauseGlobalQueue
}
