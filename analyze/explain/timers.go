package explain

import (
	"fmt"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// byTimer reports whether a stretch is the first one of a goroutine that a timer started,
// as time.AfterFunc and the deadlines of contexts do: no goroutine had, and threads start
// none but for timers that are due.
//
// Source: time/sleep.go, goFunc, which runs on the stack of a thread.
func (s *gSeg) byTimer() bool { return s.first && s.by == model.NoG }

// firedFunc is what the timer had run that a step waited for, "" if none.
func (a *account) firedFunc(x *explained, s *stepSum) string {
	if !s.fired {
		return ""
	}
	g := s.g
	if g.G == model.NoG {
		g = measure.Culprit{G: x.g, Func: x.fn}
	}
	return a.e.funcOf(g.G, g.Func)
}

// fired is the function that timers ran to end most of it, "" for none.
func (t *tale) fired() string {
	if 2*t.sum.fires.ns <= t.sum.ns {
		return ""
	}
	fn, _ := most(t.sum.fired)
	return fn
}

// blocked says for what goroutines waited that no goroutine ended.
func (t *tale) blocked() string {
	if d := t.delay(); d != nil {
		return t.waiting() + d.Text
	}
	if fired := t.fired(); fired != "" {
		return t.waiting() + untilFired(fired)
	}
	return t.waiting() + " until a timer, the network or the runtime ended it"
}

// sureOfTimer says how sure it is what ended it.
func (t *tale) sureOfTimer() (string, string) {
	if t.fired() != "" {
		return "high", ""
	}
	return "medium", "that no goroutine ended the wait is in the trace, which of the others did is not"
}

// ofContext reports whether what a timer runs is a context's deadline.
func ofContext(fired string) bool { return strings.HasPrefix(fired, "context.") }

// untilFired says until when who is told of waited, where a function did that which a timer
// started.
func untilFired(fired string) string {
	switch {
	case fired == "":
		return " until a timer ended it"
	case ofContext(fired):
		return " until its context's deadline ended it"
	}
	return " until a timer started " + words.Function(fired) + ", which ended it"
}

// inTurn says how often an instance waits there until a timer starts what ends it, where it
// does so again and again.
func (t *tale) inTurn() string {
	if t.fired() == "" || !t.firesOften() {
		return ""
	}
	n, each := t.delays()
	return fmt.Sprintf(" %s, %s each,", words.Times(n), words.Length(each))
}

// delays are how often an instance waits there until a timer is due, and for how long each
// time.
func (t *tale) delays() (n, each int64) {
	n = t.sum.fires.n / max(1, t.of)
	return n, t.sum.fires.ns / max(1, t.of*n)
}

// eachTime says how often an instance waits there, where that is more than once, and how long
// each time.
func (t *tale) eachTime() string {
	n, each := t.delays()
	if n < 2 || each < oftenLong {
		return ""
	}
	return fmt.Sprintf(", %s, %s each", words.Times(n), words.Length(each))
}

// firesOften reports whether each instance waits there again and again until a timer is due.
func (t *tale) firesOften() bool {
	n, each := t.delays()
	return n >= oftenFrom && each >= oftenLong
}

// firedAdvice is what to do about a wait that a function ended which a timer started.
func (t *tale) firedAdvice(fired string) string {
	who := words.Function(t.st.at.Func)
	switch {
	case ofContext(fired) && names.AsksNet(t.st.callee):
		return "No answer had come to " + who + " when its context's deadline was over" + t.eachTime() + ": see whether the other side was asked, and why it takes that long. Each try that ends so costs the whole limit: make fewer, end them sooner where an answer is no longer likely, and give all tries together one deadline."
	case ofContext(fired):
		return "Nobody gave " + who + " what it waited for before its context's deadline: see who was to, or end the context when that is known to fail."
	case t.firesOften():
		return fmt.Sprintf("%s runs after a delay, and %s waits for it again and again: if it gathers what many ask for, ask for all at once, or at the same time; or make the delay shorter.", words.Function(fired), who)
	}
	return fmt.Sprintf("%s runs after a delay: see why nothing let %s go on before, or make the delay shorter.", words.Function(fired), who)
}
