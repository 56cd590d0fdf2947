package explain

import (
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// A task that one goroutine begins and another one ends was handed to that, and may have stood
// in its queue before: for as long as that one worked on others, which it ended, and did not
// wait for work. To take something out of a queue leaves no event, to end a task does.

// standsInLine is what a task does that stands in such a queue: it is not blocked, as no goroutine is.
const standsInLine = via(model.NumReasons) + 1

// soonEnds is how soon one after the other a goroutine must end tasks for those to have been
// worked on together.
const soonEnds = 100_000 // ns

// worker is a goroutine that ends tasks which others have begun.
type worker struct {
	ended model.Time // when it ended the last one
	since model.Time // when it had ended the last one before that, and those that it ended together with it
}

// workers are those that there are.
type workers map[model.GoID]worker

// maxWorkers is how many are kept. Who comes later is told without what it did before.
const maxWorkers = 1 << 16

// busyUntil takes in that a goroutine ends a task, and returns until when it worked on others.
func (x workers) busyUntil(g model.GoID, now model.Time) model.Time {
	w, ok := x[g]
	if now-w.ended > soonEnds {
		w.since = w.ended
	}
	if w.ended = now; ok || len(x) < maxWorkers {
		x[g] = w
	}
	return w.since
}

// stands walks the time of a task until who ends it has done with others, and returns when
// that was.
func (w *walk) stands(g model.GoID, from, to model.Time) model.Time {
	until := min(w.busy, to)
	if until <= from {
		return from
	}
	w.stance = stance{since: from, holder: 1}
	w.path(g, from, until, standsInLine, 1)
	return until
}

// stoodInLine reports whether that is what a task did.
func (t *tale) stoodInLine() bool { return t.st != nil && t.st.via == standsInLine }

// itsTurn says so.
func (t *tale) itsTurn() string {
	return "waiting for its turn with " + words.Function(t.st.callee) + ", which had others before it,"
}

// turnAdvice is what to do about that.
func (t *tale) turnAdvice() string {
	return "If some take much longer than others, give those a queue and goroutines of their own, or a limit, so that the quick ones need not stand behind them; else let more goroutines run " + words.Function(t.st.callee) + "."
}
