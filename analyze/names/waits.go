package names

import (
	"slices"
	"strings"

	"gmptrace/analyze/report"
)

// Wait is a wait in a library whose place says what it is for, whoever ends it.
type Wait struct {
	What   string // it is
	Advice string // with its own subject
	funcs  []string
}

var knownWaits = []*Wait{
	{What: "waiting for the end of the output of a command that has ended",
		Advice: "The command has ended, but something that it started still has its output open: let that write elsewhere (a file, /dev/null), give the command a file to write to, or set exec.Cmd.WaitDelay.",
		funcs:  []string{"os/exec.(*Cmd).awaitGoroutines"}},
	{What: "waiting until the other end of an HTTP/2 connection takes more",
		Advice: "The other end has not read what it was sent: let it read bodies while they come, or close them. A connection has one window for all its streams: one that nobody reads holds up the others, so give it a connection of its own, or make the windows larger.",
		funcs: []string{"net/http.(*http2clientStream).awaitFlowControl", "net/http/internal/http2.(*clientStream).awaitFlowControl", "golang.org/x/net/http2.(*clientStream).awaitFlowControl",
			"net/http.(*http2serverConn).writeDataFromHandler", "net/http/internal/http2.(*serverConn).writeDataFromHandler", "golang.org/x/net/http2.(*serverConn).writeDataFromHandler",
			"google.golang.org/grpc/internal/transport.(*writeQuota).get"}},
}

// WaitOf is what is known of the wait that a stack ends in, nil for nothing.
func WaitOf(frames []report.Frame) *Wait {
	for i := range frames {
		for _, w := range knownWaits {
			if slices.Contains(w.funcs, frames[i].Func) {
				return w
			}
		}
		if !Foreign(&frames[i]) {
			return nil
		}
	}
	return nil
}

// writing are how functions begin that wait until a connection or pipe takes what is written.
var writing = []string{"internal/poll.(*FD).Write", "internal/poll.(*FD).RawWrite", "internal/poll.SendFile"}

// Writes reports whether a stack writes to a connection or a pipe.
func Writes(frames []report.Frame) bool {
	return slices.ContainsFunc(frames, func(f report.Frame) bool { return HasPrefix(f.Func, writing) })
}

// Dials reports whether a stack waits until a connection is made.
func Dials(frames []report.Frame) bool {
	return slices.ContainsFunc(frames, func(f report.Frame) bool { return f.Func == "net.(*netFD).connect" })
}

// ForAll reports whether a stack does something for all who ask for it meanwhile.
func ForAll(frames []report.Frame) bool {
	return slices.ContainsFunc(frames, func(f report.Frame) bool {
		return strings.Contains(f.Func, "/singleflight.(*Group") && strings.HasSuffix(Base(f.Func), ".doCall")
	})
}

// ForAllText and ForAllAdvice are what to say of that.
const (
	ForAllText   = ", for all who asked meanwhile (singleflight)"
	ForAllAdvice = "All who ask meanwhile wait for that one: get it before it is needed (in the background, before what there is expires), or let them have what there was."
)

// Closes reports whether frames that ended the wait of somebody for a channel did so by closing
// it: that leaves no frame of the runtime in a trace, where to send and to receive do.
//
// Source: runtime/chan.go, closechan calls goready with a skip of 3 for each who waits.
func Closes(frames []report.Frame) bool {
	return len(frames) > 0 && (frames[0].Func == "runtime.closechan" || !HasPrefix(frames[0].Func, []string{"runtime.", "sync.", "internal/", "reflect."}))
}
