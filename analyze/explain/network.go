package explain

import (
	"cmp"
	"fmt"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// onNetwork says what of the network was waited for, and where.
func (t *tale) onNetwork() string {
	if t.At.Func == "" {
		return did[report.CauseNetwork]
	}
	return t.network() + t.often() + ": " + called(t.callee, t.At, t.caller) + t.while()
}

// network says for what of the network it waited.
func (t *tale) network() string {
	switch {
	case t.looksUp():
		return "looking up the name of a host"
	case t.st != nil && t.st.wait != nil:
		return t.st.wait.What
	case t.writes():
		return "waiting until the other end of a connection or pipe took what was written"
	case t.alike > 0 && t.connects():
		return "waiting to connect, " + words.Length(t.alike) + " each time (as until a time limit)"
	}
	return did[report.CauseNetwork]
}

// networkAdvice is what to do about it.
func (t *tale) networkAdvice() string {
	if !t.ours() {
		return ""
	}
	who := words.Function(t.At.Func)
	switch {
	case t.looksUp() && strings.Contains(t.callee, ".Lookup"): // the program's own question: nothing was to be connected to yet
		return "Let " + who + " keep the addresses that it got: it asks for them each time, and Go keeps no answers. Else see the name server and resolv.conf (ndots, search)."
	case t.looksUp():
		return "Keep connections, so that fewer names have to be looked up. Go keeps no answers: see the name server and resolv.conf (ndots, search), or keep addresses."
	}
	if t.st != nil && t.st.wait != nil {
		return t.st.wait.Advice
	}
	if t.writes() {
		return writeAdvice(who)
	}
	if t.alike > 0 && t.connects() {
		return t.dialAdvice()
	}
	if t.repeats() {
		return "If each of those waits is for a call, ask for all at once, or at the same time: " + t.looping() + " makes one after the other."
	}
	return "Find out why the other side of " + who + " takes that long, or ask it for less." + t.orJoinNot() + t.orLeaveOut() + t.orLimit()
}

// lookAlike finds out whether all long waits there take the same time, those of the root too.
func lookAlike(a *account, _ rootKey, t *tale) {
	each := t.mean / max(1, t.times)
	if ns := a.e.alike.At(t.At.Func); ns > 0 && each >= ns-ns/alikePart && each <= ns+ns/alikePart {
		t.alike = ns
	}
}

// alikePart is the part of what all waits at a place take by which those of a root differ from it
// at most, on average, to be such.
const alikePart = 10

// connects reports whether it is a new connection that is waited for.
func (t *tale) connects() bool { return 2*t.sum.dials > t.sum.ns }

// dialAdvice is what to do about new connections that all take as long as a time limit would
// have it.
func (t *tale) dialAdvice() string {
	limited := "All of these waits took " + words.Length(t.alike) + ": if a time limit (a deadline, a context, net.Dialer.Timeout) ended them, nobody answers there. See whether that host is up, remember for some time that it is not, and shorten the limit. "
	if t.triesAgain() {
		return limited + "Else the other side's queue of new connections is full, or packets are lost: the system tries again after 1, 3 and 7 s."
	}
	return limited + "Else the other side is that far away: keep connections."
}

// orLimit is what else may be behind answers that all take the same time.
func (t *tale) orLimit() string {
	if t.alike == 0 {
		return ""
	}
	return " All of these waits took " + words.Length(t.alike) + ": if a time limit ended them, nobody answers there."
}

// triesAgain reports whether the waits are as long as systems wait until they try again to
// connect.
//
// Source: RFC 6298, which has them begin with 1 s, and double that each time.
func (t *tale) triesAgain() bool {
	for _, after := range []int64{1_000_000_000, 3_000_000_000, 7_000_000_000} {
		if t.alike >= after && t.alike <= after+after/alikePart {
			return true
		}
	}
	return false
}

const (
	// oftenFrom is how often an instance must wait for the network at one place for that to
	// be worth a word, and oftenLong how long the waits must be: shorter ones are the pieces
	// of one answer.
	oftenFrom = 8
	oftenLong = 300_000 // ns
)

// looping says who calls the place again and again: most likely who called its caller, or
// another one further out.
func (t *tale) looping() string {
	if t.above != "" && t.above != t.From {
		return words.Function(t.above) + ", or who calls it,"
	}
	return words.Function(cmp.Or(t.From, t.At.Func))
}

// repeats reports whether each instance waits there again and again.
func (t *tale) repeats() bool {
	return t.times >= oftenFrom && t.mean/t.times >= oftenLong
}

// often says how often an instance waits there, where it does so again and again.
func (t *tale) often() string {
	if !t.repeats() {
		return ""
	}
	return fmt.Sprintf(" %s, %s each", words.Times(t.times), words.Length(t.mean/t.times))
}

// writes reports whether it was waited for others to read what was written to them.
func (t *tale) writes() bool { return 2*t.sum.writes > t.sum.ns }

// writeAdvice is what to do about that.
func writeAdvice(who string) string {
	return "The other end does not read what " + who + " writes as fast as it comes: give each write a deadline (SetWriteDeadline) and drop who is too slow, or write to each from a goroutine of its own, with a bounded queue."
}

// looksUp reports whether it is the address of a host that is asked for.
func (t *tale) looksUp() bool { return 2*t.sum.lookup > t.sum.ns }
