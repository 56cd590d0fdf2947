package names

import (
	"slices"
	"strings"

	"gmptrace/analyze/report"
)

// Work is what the standard library computes for long with no code of the program on the
// stack, and what can be done about it.
type Work struct {
	Func   string // that does it
	What   string // it is
	Advice string
}

// works are those that programs meet. In a handshake an RSA key costs the server some
// milliseconds, and whoever checks a chain of certificates about one.
var works = []Work{{Func: "crypto/tls.(*Conn).HandshakeContext", What: "TLS handshakes",
	Advice: "Make fewer TLS handshakes: let those who connect keep their connections, and see whether the server closes them (SetKeepAlivesEnabled(false), Connection: close); or resume sessions; and give the server a certificate with an ECDSA key, as each handshake computes a signature, which takes milliseconds with an RSA key."}}

// WorkOf is such work that a function does, nil for none.
func WorkOf(fn string) *Work {
	for i := range works {
		if works[i].Func == fn {
			return &works[i]
		}
	}
	return nil
}

// worksIn is the function of a library that computes where a stack ends, of the frames within
// the program's call of it; "" for none, and where it waits instead: what ran before that may
// have been the caller. The library's lower parts are none either: such as time.Since are where
// loops happen to be seen.
func worksIn(within []report.Frame) string {
	callee := &within[len(within)-1]
	if wraps(callee.Func) || HasPrefix(callee.Func, Plumbing) || HasPrefix(callee.Func, small) || OfCgo(callee) || within[0].Func == "runtime.selectgo" || slices.ContainsFunc(within, func(f report.Frame) bool { return HasPrefix(f.Func, waiting) }) {
		return ""
	}
	return callee.Func
}

// small are packages whose functions do so little that who calls them again and again is what
// computes.
var small = []string{"sync/atomic.", "math.", "math/bits.", "math/rand.", "math/rand/v2.", "unicode.", "unicode/utf8.", "cmp."}

// waiting is what functions begin with that stacks of waits and system calls end in.
var waiting = []string{"runtime.gopark", "runtime.chan", "runtime.block", "runtime.sema", "runtime.netpoll", "runtime.notetsleep",
	"sync.", "internal/sync.", "internal/poll.", "internal/syscall/", "syscall.", "net.", "net/http.", "database/sql.", "os.", "time.Sleep", "golang.org/x/sync/"}

// costs are functions of libraries, by how they begin, that cost more than who calls them may
// expect, and what to do instead.
var costs = []struct{ fns, advice string }{
	{"reflect.Select", "reflect.Select looks at all of its cases each time, so that each call costs more the more it has: let all send to one channel, or to a few."},
	{"regexp.Compile", compileOnce}, {"regexp.MustCompile", compileOnce}, {"regexp.MatchString", compileOnce}, {"regexp.Match", compileOnce},
	{"html/template.(*Template).Parse", parseOnce}, {"text/template.(*Template).Parse", parseOnce},
	{"golang.org/x/crypto/bcrypt.", slowOnPurpose}, {"golang.org/x/crypto/scrypt.", slowOnPurpose}, {"golang.org/x/crypto/argon2.", slowOnPurpose},
}

const (
	compileOnce   = "Compile an expression once (regexp.MustCompile in a variable of the package), not each time that it is used."
	parseOnce     = "Parse a template once, not each time that it is used."
	slowOnPurpose = "Hashing passwords is slow on purpose: let fewer run at once than there are Ps, and check each but once (a session, a token)."
)

// CostAdvice is what to do about what a function of a library costs, "" where nothing special is
// known of it.
func CostAdvice(fn string) string {
	for _, c := range costs {
		if strings.HasPrefix(fn, c.fns) {
			return c.advice
		}
	}
	return ""
}

// Tells reports whether a frame says what was done there: it is not of the standard library,
// or of what that is known to compute.
func Tells(f *report.Frame) bool { return !Standard(f) || WorkOf(f.Func) != nil }

// working is, of a stack of the standard library alone, the frame of what that is known to
// compute; -1 for none.
func working(frames []report.Frame) int {
	for i := range frames {
		if WorkOf(frames[i].Func) != nil {
			return i
		}
	}
	return -1
}

// hiddenLocks are functions of the standard library that lock a mutex which their callers do
// not see, by how they begin, and what to do about waits for it.
var hiddenLocks = []struct{ fns, advice string }{
	{"sync.(*Map).", mapAdvice}, {"internal/sync.(*HashTrieMap[", mapAdvice},
	{"context.", "A context is locked while it is cancelled, until all that were derived from it are: derive fewer from one, call their cancel functions as soon as they are no longer needed, or give what is cancelled together a context of its own."},
}

// mapAdvice is for sync.Map.
const mapAdvice = "A sync.Map is locked where keys are new or gone, before Go 1.24 also to copy all that it holds once Range has looked at it: have several maps by key, or a map with a mutex of your own."

// Locks reports whether a function locks a mutex that its callers do not see.
func Locks(fn string) bool { return LockAdvice(fn) != "" }

// LockAdvice is what to do about waits for such a mutex, "" where a function has none.
func LockAdvice(fn string) string {
	for _, h := range hiddenLocks {
		if strings.HasPrefix(fn, h.fns) {
			return h.advice
		}
	}
	return ""
}
