package explain

import (
	"sort"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// A pool lets in so many at once. Who waits for a place gets that of somebody who gives it
// back, who had it since he got it from another one, and so on: what all of those did while
// they had it is what was waited for. What who gave it back had done before he got it is
// none of the waiter's business: his connection may have been idle.

// maxPlaced is how many of those are gone back through.
const maxPlaced = 1 << 10

// placed is who had a place, since when, and the wait by which he got it, nil if that does not
// show.
type placed struct {
	g        model.GoID
	from, to model.Time
	got      *gSeg
}

// pooled walks a wait for a place of a known pool, back through those who had that place.
func (w *walk) pooled(s *gSeg, x *step) {
	var chain []placed
	at, by := x.to, s.by // from the waiter's end backwards
	for range maxPlaced {
		if at <= x.from || by == model.NoG {
			break
		}
		p, from := w.placedSince(by, s.stack, x.from, at)
		if p.from < at {
			chain = append(chain, p)
		}
		at, by = p.from, from
	}
	if at > x.from {
		unknown := *x
		unknown.to, unknown.cause = at, report.CauseLock
		w.tell(&unknown)
	}
	ahead, inside := w.ahead, w.inside
	w.inside = x.depth + 1
	for i := len(chain) - 1; i >= 0; i-- {
		p := &chain[i]
		if ahead == 0 && i > 0 && chain[i-1].got != nil {
			w.ahead = chain[i-1].got.stack
		} else {
			w.ahead = ahead
		}
		w.path(p.g, p.from, p.to, x.via, x.depth+1)
	}
	w.ahead, w.inside = ahead, inside
}

// placedSince is since when, not before a time, a goroutine had the place that it gave at
// another time to who waited with a stack, and who had it before, NoG where that does not
// show.
func (w *walk) placedSince(g model.GoID, stack uint32, from, to model.Time) (placed, model.GoID) {
	line := w.h.of(g)
	start := w.locks.Names.StartFunc(line.fn)
	if names.GivesBack(start) && len(line.segs) > 0 && line.segs[0].first {
		if by := line.segs[0].by; by != model.NoG { // for who started it
			g, line = by, w.h.of(by)
		}
	}
	i := sort.Search(len(line.segs), func(i int) bool { return line.segs[i].start >= to })
	for i--; i >= 0 && line.segs[i].end > from; i-- {
		w.steps++
		s := &line.segs[i]
		if s.first && s.state == model.GRunnable {
			return placed{g: g, from: s.start, to: to}, s.by
		}
		if s.state != model.GWaiting || s.end > to {
			continue
		}
		if w.samePool(s.stack, stack) && w.letIn(s) || names.GivesAnew(start) && w.letIn(s) {
			return placed{g: g, from: s.end, to: to, got: s}, s.by
		}
		if w.h.waitsForWork(s) || w.h.waitsForRequest(s) {
			return placed{g: g, from: s.end, to: to}, s.by
		}
	}
	return placed{g: g, from: from, to: to}, model.NoG
}

// samePool reports whether two stacks wait in one known pool, as far as they tell.
func (w *walk) samePool(a, b uint32) bool {
	return w.pools.Of(a).Same(w.pools.Of(b))
}

// letIn reports whether another goroutine ended a wait, and not a timer.
func (w *walk) letIn(s *gSeg) bool {
	return s.by != model.NoG && !s.goesOn && !w.h.startedByTimer(s.by)
}

// startedByTimer reports whether a timer started a goroutine, such as the deadline of a
// context.
func (h *history) startedByTimer(g model.GoID) bool {
	segs := h.of(g).segs
	return len(segs) > 0 && segs[0].byTimer()
}

// waitsForRequest reports whether a goroutine that serves a connection waits for what comes
// next on it.
func (h *history) waitsForRequest(s *gSeg) bool {
	return s.reason == model.ReasonNetwork && h.between.Of(h.names, s.stack, func(frames []report.Frame) bool {
		if len(frames) == 0 {
			return false
		}
		handled, _ := handledBy(frames)
		return handled < 0 && serverKindOf(frames[len(frames)-1].Func) == servesConn
	})
}

// insideWaits notes where who has a place of the pool that is waited for is blocked itself, maybe
// for another one.
func (w *walk) insideWaits(s *gSeg, x *step) {
	if w.has == 0 && w.pool != 0 && x.depth != 0 && w.inside == x.depth {
		w.has = s.stack
	}
}
