package names

import (
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// stackOf is a stack of functions, innermost first.
func stackOf(fns string) (frames []report.Frame) {
	for fn := range strings.SplitSeq(fns, "<") {
		frames = append(frames, report.Frame{Func: fn, File: "x.go"})
	}
	return frames
}

// TestCallOf: what a call does is told by the innermost function that says so, not by one
// that a program gave the same name further out.
func TestCallOf(t *testing.T) {
	for fns, want := range map[string]string{
		"syscall.Syscall<syscall.Flock<shop/series.lock":                                            "waiting for the lock of a file",
		"syscall.Syscall<golang.org/x/sys/unix.Flock<github.com/gofrs/flock.(*Flock).Lock":          "waiting for the lock of a file",
		"runtime.cgocall<shop/imaging._Cfunc_shrink<shop/imaging.Resize.func1<shop/imaging.Resize":  "C code",
		"runtime.cgocall<net._C2func_getaddrinfo<net.cgoLookupHostIP<main.main":                     "looking up the name of a host in C (getaddrinfo)",
		"syscall.Syscall<syscall.write<os.(*File).Write<io.WriteString<shop/report.(*table).cell":   "writing to a file (or pipe)",
		"syscall.Syscall<syscall.write<os.(*File).Write<main.write<shop/imaging._Cfunc_shrink.func": "writing to a file (or pipe)",
		"syscall.Syscall<syscall.write<internal/poll.(*FD).Write<net.(*netFD).Write<main.write":     "",
		"syscall.Syscall<syscall.connect<syscall.Connect<net.(*netFD).connect<net.Dial<main.dial":   "",
		"syscall.Syscall6<os.(*Process).pidfdWait.func1<os.(*Process).pidfdWait<os/exec.(*Cmd).Run": "waiting for the end of a command (another process)",
		"syscall.Syscall<syscall.fcntl<syscall.FcntlFlock<main.lock<main.last":                      "waiting for the lock of a file",
	} {
		got := ""
		if c := CallOf(stackOf(fns)); c != nil {
			got = c.Doing()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", fns, got, want)
		}
	}
	if c := CallOf(stackOf("syscall.Syscall<syscall.Fsync<internal/poll.(*FD).Fsync<os.(*File).Sync<main.save")); c == nil || !strings.Contains(c.Advice, "share one Sync") {
		t.Errorf("Sync is not known: %+v", c)
	}
}

// TestPlaceOfC: what calls C is told by the line of the program that did, not by one of the
// file that cgo wrote.
func TestPlaceOfC(t *testing.T) {
	n := NewNumbering()
	frames := stackOf("runtime.cgocall<shop/imaging._Cfunc_shrink<shop/imaging.Resize<shop/web.thumb<main.main")
	frames[1].File = "_cgo_gotypes.go"
	k := n.Stack(StackFrames{Key: "c", Frames: frames})
	if p := n.Places().Of(k); p.At.Func != "shop/imaging.Resize" || p.Callee != "shop/imaging._Cfunc_shrink" || !p.Own {
		t.Errorf("the place is %+v", p)
	}
	if f := OwnFrame(frames); f.Func != "shop/imaging.Resize" {
		t.Errorf("the program's own frame is %s", f.Func)
	}
	if f := PlaceOf(frames); f.Func != "shop/imaging.Resize" {
		t.Errorf("the frame that tells most is %s", f.Func)
	}
}
