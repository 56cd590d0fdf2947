package explain

import (
	"sort"

	"gmptrace/analyze/names"
	"gmptrace/model"
)

// maxHandOvers is how many goroutines that hand work on a path goes back through. Two that
// do nothing but hand it to each other would take it through all that they ever did.
const maxHandOvers = 16

// gotWork is the last wait of a goroutine, begun after a time and ended before another one,
// for the work that it did then; nil if it did not wait for that, or no other goroutine
// gave it. What it did before that wait was over and done with: what it was given then is
// what counts, and so who gave it, from the beginning on.
//
// That holds for those that are waited for. What is explained did all that it did itself,
// unless it was handed from one goroutine to the other as well.
func (w *walk) gotWork(line *gLine, from, to model.Time, depth int) *gSeg {
	if depth == 0 && !w.given || depth >= maxHandOvers {
		return nil
	}
	segs := line.segs
	for i := sort.Search(len(segs), func(i int) bool { return segs[i].end > to }) - 1; i >= 0 && segs[i].start > from; i-- {
		w.steps++
		if s := &segs[i]; s.state == model.GWaiting && w.h.waitsForWork(s) {
			if s.by == model.NoG || s.goesOn {
				return nil
			}
			return s
		}
	}
	return nil
}

// waitsForWork reports whether a goroutine that is blocked waits for its next piece of work.
func (h *history) waitsForWork(s *gSeg) bool {
	switch s.reason {
	case model.ReasonChanRecv, model.ReasonSelect:
		return h.inbox.Of(h.names, s.stack, names.Inbox)
	}
	return false
}
