package names

import (
	"slices"
	"strings"

	"gmptrace/analyze/report"
)

// Call is what a call of the operating system or of C does that programs meet, and what to
// do where it takes long.
type Call struct {
	What   string // it is, "" where nothing is clearer than that it is one
	Advice string // with its own subject
	Locks  bool   // it waits for the lock of a file, which others have
	funcs  []string
}

// CallOfC is a call of C.
var CallOfC = &Call{What: "C code",
	Advice: "See what it does there, which a trace does not show. If calls take the longer the more there are at once, and the machine has CPUs to spare, they likely wait within C, as for a lock of the library: have one of what that guards for each caller. If it computes, it takes a CPU that the Go scheduler does not count: let no more run at once than there are CPUs, or let it do less."}

var knownCalls = []*Call{
	{What: "waiting for the lock of a file", Locks: true,
		Advice: "Hold the file's lock for less: compute and wait before it is taken or after, lock to read (LOCK_SH) where nothing is changed, or give each file a lock of its own. Who had it a trace does not show.",
		funcs:  []string{"syscall.Flock", "syscall.FcntlFlock", "golang.org/x/sys/unix.Flock", "golang.org/x/sys/unix.FcntlFlock", "golang.org/x/sys/windows.LockFileEx", "internal/syscall/windows.LockFileEx"}},
	{Advice: "Let several writes share one Sync (gather what comes meanwhile, and answer all of them after it), or leave it to somebody else than who is waited for.",
		funcs: []string{"os.(*File).Sync", "syscall.Fsync", "syscall.Fdatasync", "golang.org/x/sys/unix.Fsync", "golang.org/x/sys/unix.Fdatasync"}},
}

// ElsewhereAdvice is what to do about the lock of a file that another process has.
const ElsewhereAdvice = "Find the process that has it (lslocks, fuser on the file): what it does meanwhile is not in this trace. Let it hold the lock for less, or give each process a file of its own."

// LetsGoOfFile reports whether a stack is of a call that may give back the lock of a file: by
// unlocking or closing it.
func LetsGoOfFile(frames []report.Frame) bool {
	for i := range frames {
		if f := &frames[i]; f.Func == "syscall.Close" || f.Func == "os.(*File).Close" || f.Func == "golang.org/x/sys/unix.Close" {
			return true
		}
	}
	c := CallOf(frames)
	return c != nil && c.Locks
}

// CallOf is what is known of the call that a stack ends in, nil for nothing.
func CallOf(frames []report.Frame) *Call {
	for i := range frames {
		f := &frames[i]
		if OfCgo(f) {
			return CallOfC
		}
		for _, c := range knownCalls {
			if slices.Contains(c.funcs, f.Func) {
				return c
			}
		}
		if !Standard(f) && !strings.HasPrefix(f.Func, "golang.org/x/sys/") {
			return nil
		}
	}
	return nil
}

// OfCgo reports whether a frame is of what cgo wrote around a function of C: nobody's own
// code, in a file that is not kept.
func OfCgo(f *report.Frame) bool {
	fn := f.Func[strings.LastIndexByte(f.Func, '/')+1:]
	return strings.Contains(fn, "._Cfunc_") || strings.Contains(fn, "._C2func_") || FileName(f.File) == "_cgo_gotypes.go"
}
