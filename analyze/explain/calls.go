package explain

import (
	"fmt"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

const (
	// manyCalls is how many short calls an instance must make at one place for their number
	// to be what is wrong, shortCall how short they are at most, on average, and callsLong how
	// long all of them.
	manyCalls = 200
	shortCall = 50_000  // ns
	callsLong = 500_000 // ns
)

// takesThread is how long system calls must be for the thread that each takes to matter.
const takesThread = 10_000_000 // ns

// callKind is what is known of the calls that most of it went to, nil for nothing.
func (t *tale) callKind() *names.Call { return mostOf(t.sum.calls, t.sum.ns) }

// shortCalls reports whether each instance makes very many calls there that are short.
func (t *tale) shortCalls() bool {
	return t.Kind == report.RootSyscall && t.times >= manyCalls && t.mean >= callsLong && t.mean/t.times <= shortCall
}

// called says what calls it went to, and how often they were made where that is what is wrong.
func (t *tale) called() string {
	what := t.callKind().Doing() + t.ofAnother()
	if t.shortCalls() {
		what += fmt.Sprintf(" %s, %s each", words.Times(t.times), words.Length(t.mean/t.times))
	}
	return what
}

// streaming are functions that read or write a piece with each call.
var streaming = []string{"io.", "os.(*File).", "bufio.", "fmt.F", "net.", "crypto/tls.", "encoding/", "syscall.Write", "syscall.Read", "net/http."}

// inCall says what calls took it, and where they were made.
func (t *tale) inCall() string {
	if t.At.Func == "" {
		return t.called()
	}
	return t.called() + ": " + called(t.callee, t.At, t.caller) + t.while()
}

// ofAnother says so of a lock of a file that was another process's.
func (t *tale) ofAnother() string {
	if t.elsewhere {
		return " that likely another process had"
	}
	return ""
}

// adviceOn is what to do about calls of which something is known.
func (t *tale) adviceOn(c *names.Call) string {
	if t.elsewhere {
		return names.ElsewhereAdvice
	}
	return c.Advice
}

// callAdvice is what to do about them.
func (t *tale) callAdvice() string {
	if !t.ours() {
		return ""
	}
	c, who := t.callKind(), words.Function(t.At.Func)
	switch {
	case t.shortCalls() && names.HasPrefix(t.callee, streaming):
		return "Gather what " + who + " reads or writes there: with a bufio.Writer or bufio.Reader around it, or in larger pieces, one call does for many."
	case t.shortCalls():
		return "Let " + who + " make fewer calls there, each for more at once."
	case c != nil && c.Advice != "":
		return t.adviceOn(c)
	}
	s := "Let " + who + " ask less of the operating system there, or move that off this path"
	if t.mean >= takesThread {
		s += ": each such call takes a thread"
	}
	return s + "."
}

// into names the system call's function.
func (t *tale) into() string {
	if t.callee == "" || names.HasPrefix(t.callee, []string{"runtime.", "internal/", "syscall."}) {
		return ""
	}
	return " (" + words.Function(t.callee) + ")"
}
