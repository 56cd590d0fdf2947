package explain

import (
	"sort"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// sums are what divide finds on a P, added up: each of many goroutines that wait for
// it at once asks for the same.
type sums struct {
	mark      // until when they go, and what the pieces sum to until then
	n     int // pieces since the last of marks
	marks []mark
	asked mark // until where it was last asked for: whoever asks next often asks for a little more
}

type causeSum [report.NumCauses]int64

// mark is what the pieces sum to until a time.
type mark struct {
	at  model.Time
	sum causeSum
}

// A mark stands at every markEvery-th piece. What consists of fewer pieces than
// fewPieces, about, is divided as it is.
const (
	markEvery = 16
	fewPieces = 2 * markEvery
)

// drop forgets the sums until a time.
func (l *sums) drop(to model.Time) {
	l.marks = after(l.marks, func(m *mark) bool { return m.at >= to })
	l.at = max(l.at, to)
}

// add adds a piece.
func (m *mark) add(x piece) {
	m.sum[x.cause] += int64(x.to - x.from)
	m.at = x.to
}

// sum calls use with what the pieces sum to that divide would call it with, and
// returns how many it went through for that.
func (h *history) sum(s *gSeg, from, to model.Time, use func(report.Cause, int64)) (steps int) {
	pieces := func(from, to model.Time) {
		h.divide(s, from, to, func(x piece) {
			steps++
			use(x.cause, int64(x.to-x.from))
		})
	}
	p := h.queueOf(s)
	if p == model.NoP || int(p) >= len(h.ps) || h.few(p, from, to) {
		pieces(from, to)
		return steps
	}
	steps += h.sumUp(p, to)
	l := &h.ps[p].sums
	if l.at <= max(from, l.marks[0].at) || to <= l.marks[0].at {
		pieces(from, to)
		return steps
	}
	if first := l.marks[0].at; from < first {
		pieces(from, first)
		from = first
	}
	until := min(to, l.at)
	begin, n := h.sumUntil(p, from)
	sum, k := h.sumUntil(p, until)
	steps += n + k
	for c := range sum {
		if sum[c] -= begin[c]; sum[c] < 0 { // something showed since that had not when it was summed up
			pieces(from, to)
			return steps
		}
	}
	for c, ns := range sum {
		if ns > 0 {
			use(inQueue(s, report.Cause(c)), ns)
		}
	}
	pieces(until, to)
	return steps
}

// sumUntil is what the pieces of a P sum to until a time, which is not before the first mark
// and not after that until which they are summed up; and how many it went through for that.
func (h *history) sumUntil(p model.ProcID, t model.Time) (sum causeSum, steps int) {
	l := &h.ps[p].sums
	if t == l.at {
		return l.sum, 0
	}
	m := &l.marks[sort.Search(len(l.marks), func(i int) bool { return l.marks[i].at > t })-1]
	if l.asked.at < m.at || l.asked.at > t {
		l.asked = *m
	}
	h.divide(&gSeg{on: p}, l.asked.at, t, func(x piece) {
		steps++
		l.asked.add(x)
	})
	return l.asked.sum, steps
}

// inQueue is what of a P's sums is the cause for one goroutine: those that run on
// the P are summed as if it stood in the P's queue.
func inQueue(s *gSeg, c report.Cause) report.Cause {
	if c == report.CauseQueue {
		return queueCause(s, &pSeg{})
	}
	return c
}

// few reports whether there is little to divide between two times.
func (h *history) few(p model.ProcID, from, to model.Time) bool {
	segs, wastes := h.did(p), h.wastes
	i := sort.Search(len(segs), func(i int) bool { return segs[i].end > from }) + fewPieces
	k := sort.Search(len(wastes), func(k int) bool { return wastes[k].To > from }) + fewPieces
	return (i >= len(segs) || segs[i].end > to) && (k >= len(wastes) || wastes[k].To > to)
}

// sumUp adds up what P p did until a time, as far as that will not turn out to have
// been something else, and returns how many pieces that was.
func (h *history) sumUp(p model.ProcID, until model.Time) (steps int) {
	l, segs := &h.ps[p].sums, h.did(p)
	if n := len(segs); n > 0 {
		until = min(until, segs[n-1].end, h.view.idle)
		if l.at == 0 {
			l.at = max(h.lost, segs[0].start)
		}
	}
	if len(l.marks) == 0 {
		l.marks = append(l.marks, l.mark)
	}
	h.divide(&gSeg{on: p}, l.at, h.untilStopping(l.at, until), func(x piece) {
		steps++
		l.add(x)
		if l.n++; l.n == markEvery {
			l.n = 0
			l.marks = append(l.marks, l.mark)
		}
	})
	return steps
}

// untilStopping is when the first stop of the world between two times begins that has not
// ended for who looks: which goroutine it waits for shows in what all Ps did until then.
func (h *history) untilStopping(from, to model.Time) model.Time {
	i := sort.Search(len(h.stw), func(i int) bool { return h.stw[i].To > from })
	for ; i < len(h.stw) && h.stw[i].From < to; i++ {
		if h.stw[i].To > h.view.at {
			return max(from, h.stw[i].From)
		}
	}
	return to
}
