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

// callKind is what is known of the calls that most of it went to, nil for nothing.
func (t *tale) callKind() *names.Call { return mostOf(t.sum.calls, t.sum.ns) }

// shortCalls reports whether each instance makes very many calls there that are short.
func (t *tale) shortCalls() bool {
	return t.Kind == report.RootSyscall && t.times >= manyCalls && t.mean >= callsLong && t.mean/t.times <= shortCall
}

// called says what calls it went to, and how often they were made where that is what is wrong.
func (t *tale) called() string {
	what := did[report.CauseSyscall]
	if c := t.callKind(); c != nil && c.What != "" {
		what = c.What
	}
	if t.shortCalls() {
		what += fmt.Sprintf(" %s, %s each", words.Times(t.times), words.Length(t.mean/t.times))
	}
	return what
}

// streaming are functions that read or write a piece with each call.
var streaming = []string{"io.", "os.(*File).", "bufio.", "fmt.F", "net.", "crypto/tls.", "encoding/", "syscall.Write", "syscall.Read", "net/http."}

// callAdvice is what to do about calls that who makes.
func (t *tale) callAdvice(who string) string {
	c := t.callKind()
	switch {
	case t.shortCalls() && names.HasPrefix(t.callee, streaming):
		return "Gather what " + who + " reads or writes there: with a bufio.Writer or bufio.Reader around it, or in larger pieces, one call does for many."
	case t.shortCalls():
		return "Let " + who + " make fewer calls there, each for more at once."
	case c != nil:
		return c.Advice
	}
	return ""
}
