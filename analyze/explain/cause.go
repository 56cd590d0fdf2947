package explain

import (
	"sort"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// waitsForP reports whether c is a cause of time spent runnable.
func waitsForP(c report.Cause) bool { return c >= report.CauseGCStop && c <= report.CauseDispatch }

// stopsAll reports whether c is a stopped world.
func stopsAll(c report.Cause) bool { return c == report.CauseGCStop || c == report.CauseStopTheWorld }

// piece is a part of a wait for a P, and what kept the goroutine from running.
type piece struct {
	from, to model.Time
	cause    report.Cause
	g        model.GoID // that had the P, or stopped the world; NoG for none
	fn       uint32
	stack    uint32       // where the world was stopped
	seen     uint32       // where g stopped that had the P, 0 where that does not show there
	p        model.ProcID // that had yet to stop; else 0
	untold   untold       // why the trace does not tell the cause
}

// divide divides [from, to) of a goroutine's runnable stretch by what kept it
// from running, and calls use with each part in order. What counts, in this
// order: a stopped world; an idle P, on which it could have run; and what the P
// did meanwhile in whose queue it stood or, out of the global queue, that took it
// in the end.
func (h *history) divide(s *gSeg, from, to model.Time, use func(piece)) {
	c := h.cursor(h.queueOf(s))
	for at := from; at < to; {
		x := piece{from: at, cause: report.CauseUnknown, g: model.NoG}
		stop, until := c.stopped(at)
		x.to = min(to, until)
		if stop != nil {
			h.stoppedBy(stop, &x)
		} else {
			wasted, until := c.wasted(at)
			x.to = min(x.to, until)
			switch {
			case at < h.lost:
				x.cause, x.to = report.CauseNotKept, min(x.to, h.lost)
			case wasted:
				x.cause = report.CauseIdleP
			default:
				c.held(s, &x)
			}
		}
		use(x)
		at = x.to
	}
}

// queueOf is the P in whose queue a goroutine stood or that took it in the end; NoP where it
// was not taken by the trace's end, unless there is one P alone, which had to take it.
func (h *history) queueOf(s *gSeg) model.ProcID {
	switch {
	case s.on != model.NoP:
		return s.on
	case s.p == model.NoP && len(h.ps) == 1:
		return 0
	}
	return s.p
}

// stoppedBy says who stopped the world.
func (h *history) stoppedBy(stop *pause, x *piece) {
	x.cause, x.g, x.stack = report.CauseStopTheWorld, stop.g, stop.stack
	if stop.gc {
		x.cause = report.CauseGCStop
	}
	x.fn = h.of(stop.g).fn
	if s, p := h.lastToStop(stop, x.from); s != nil {
		*x = piece{from: x.from, to: min(x.to, s.end), cause: report.CauseStopping, g: s.g, fn: s.fn, p: p}
	}
}

// stopsWorld is where goroutine g has stopped the world for something of its own, which it
// does at a time, 0 for nowhere, and until when that holds.
func (h *history) stopsWorld(g model.GoID, at model.Time) (stack uint32, until model.Time) {
	i := sort.Search(len(h.stw), func(i int) bool { return h.stw[i].To > at })
	switch {
	case i == len(h.stw):
		return 0, replay.Forever
	case h.stw[i].From > at:
		return 0, h.stw[i].From
	case h.stw[i].g != g || h.stw[i].gc:
		return 0, h.stw[i].To
	}
	return h.stw[i].stack, h.stw[i].To
}

// lastToStop is what a P still runs at a time, since before the world was to stop: of
// several, what goes on for longest; nil where all have stopped.
func (h *history) lastToStop(stop *pause, at model.Time) (last *pSeg, on model.ProcID) {
	for p := range h.ps {
		s, _ := h.does(model.ProcID(p), at)
		if s != nil && s.does == model.PDoesRun && s.g != stop.g && s.start < stop.From && (last == nil || s.end > last.end) {
			last, on = s, model.ProcID(p)
		}
	}
	return last, on
}

// held says what its P did from x.from on, and shortens x to as long as it did.
func (c *cursor) held(s *gSeg, x *piece) {
	if x.untold = untoldQueue; c.p == model.NoP {
		return
	}
	seg, until := c.does(x.from)
	x.to = min(x.to, until)
	if x.untold = untoldP; seg == nil {
		return
	}
	x.untold = 0
	switch seg.does {
	default:
		x.untold = untoldP
	case model.PDoesIdle:
		x.cause = report.CauseIdleP
	case model.PDoesSched:
		x.cause = report.CauseDispatch
	case model.PDoesSyscall:
		x.cause, x.g, x.fn, x.seen = report.CauseSyscallHeld, seg.g, seg.fn, seg.stack
	case model.PDoesRun:
		x.g, x.fn, x.seen = seg.g, seg.fn, seg.stack
		x.cause = queueCause(s, seg)
	}
}

// queueCause is why a goroutine waits for a P that runs another one.
func queueCause(s *gSeg, seg *pSeg) report.Cause {
	switch {
	case seg.worker:
		return report.CauseGCWorker
	case seg.runtime:
		return report.CauseRuntime
	case s.on != model.NoP:
		return report.CauseQueue
	case s.source == model.SourceSyscallExit:
		return report.CauseAfterSyscall
	}
	return report.CauseGlobalQueue
}
