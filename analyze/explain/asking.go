package explain

import (
	"fmt"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

const (
	// lineFrom is how many times in a row those who are waited for must ask for something,
	// in one wait of a slow instance, for that to be a line, and lineMore how many times as
	// often as for a typical one.
	lineFrom = 3
	lineMore = 3
)

// inLine is what to do about slow instances that wait while others ask again and again for
// what they ask for once in a typical one's wait: those stand before them. typical is what
// typical ones have of the same root, nil for nothing.
func (a *account) inLine(x *report.Root, r, typical *rootSum) string {
	if x.Kind != report.RootPlace || typical == nil || 2*r.asked.ns <= r.ns || 2*r.chain > r.ns {
		return ""
	}
	n, usual := r.asked.inOne(), typical.asked.inOne()
	if n < lineFrom || n < lineMore*usual {
		return ""
	}
	s := fmt.Sprintf("Slow ones stand in line: %s waits for the network %s while they do, %s each, for typical ones %s.",
		words.Function(x.At.Func), words.Times(n), words.Length(r.asked.ns/r.asked.n), words.Times(usual))
	job, ns := most(r.jobs)
	if own, _ := most(typical.jobs); job == "" || 2*ns <= r.asked.ns || own == job {
		return s + " Let more go on at once, or each take less."
	}
	return s + fmt.Sprintf(" Most of it is for %s: give that a queue or workers of its own, or let more go on at once.", words.Function(job))
}

// asking is what those asked for over the network who were waited for.
type asking struct {
	ns, n int64
	waits int64 // in which that was
	of    *explained
	most  int64 // of waits: those of that instance
}

// add adds some of an instance: what was asked for in different ways in the same wait.
func (x *asking) add(of *explained, t tally) {
	x.ns, x.n = x.ns+t.ns, x.n+t.n
	if x.of != of {
		x.of, x.most = of, 0
	}
	if t.waits > x.most {
		x.waits, x.most = x.waits+t.waits-x.most, t.waits
	}
}

func (x *asking) join(y *asking) { x.ns, x.n, x.waits = x.ns+y.ns, x.n+y.n, x.waits+y.waits }

// inOne is how often in one wait.
func (x *asking) inOne() int64 { return x.n / max(1, x.waits) }

// lookAgainFrom is how many must have gone for something, before each that waited.
const lookAgainFrom = 2

// lookAgain is what to do about those that lock to get something over the network, where
// each of those before them went for it too, with the lock held, and typical ones need not.
func (a *account) lookAgain(x *report.Root, r, typical *rootSum) string {
	if x.Kind != report.RootLock || typical != nil && typical.ns > 0 || 2*r.again <= r.ns || r.times < lookAgainFrom*a.n || 2*r.causes[report.CauseNetwork] <= r.ns {
		return ""
	}
	return fmt.Sprintf("All who wait go for the network there in turn, with the lock held. If what they get is the same for all, look again once %s has the lock, or let one get it for all (singleflight); else do what blocks in %s outside of the lock.",
		words.Function(x.Stood.Func), words.Function(mostFrame(r.held, "").Func))
}

// orJoinNot is what else to do where somebody waits for another goroutine around a handler,
// which has returned by then or was not called yet.
func (t *tale) orJoinNot() string {
	if t.st == nil || t.st.at.Func == "" || t.st.at.Func == t.At.Func || 2*t.sum.outside <= t.sum.ns {
		return ""
	}
	who := words.Function(t.st.at.Func)
	return fmt.Sprintf(" It is not the handler that waits for that, but %s around it: if nobody needs it by then, let %s not wait.", who, who)
}

// orLeaveOut is what else to do where somebody waits for all that it has started to ask
// others: for the slowest.
func (t *tale) orLeaveOut() string {
	if t.st == nil || t.st.at.Func == "" || 2*t.sum.child <= t.sum.ns {
		return ""
	}
	return fmt.Sprintf(" If %s asks several at once, it waits for the slowest of them: give each a time limit, or answer without who is late.", words.Function(t.st.at.Func))
}
