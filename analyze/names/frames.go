package names

import (
	"strings"

	"gmptrace/analyze/report"
)

// FileName is the last element of a source file's path, which may be one of
// Windows.
func FileName(file string) string { return file[strings.LastIndexAny(file, `/\`)+1:] }

// PlaceOf is the frame of a stack that says most to whoever wrote the program: the
// innermost one that is not of the standard library's lower parts.
func PlaceOf(frames []report.Frame) *report.Frame {
	if len(frames) == 0 {
		return nil
	}
	for i := range frames {
		if !HasPrefix(frames[i].Func, Plumbing) && !OfCgo(&frames[i]) {
			return &frames[i]
		}
	}
	return &frames[0]
}

// SystemCall is the function that stands for the system call in which a stack ends: of
// those in a row that only make it, the one that was called. "" for none.
func SystemCall(frames []report.Frame) string {
	call := ""
	for i := range frames {
		fn := frames[i].Func
		if !HasPrefix(fn, []string{"syscall.", "internal/syscall/", "golang.org/x/sys/", "runtime."}) {
			break
		}
		if !strings.HasPrefix(fn, "runtime.") {
			call = fn
		}
	}
	return call
}

// Flags are what holds for some stacks and not for others. Each is looked at once.
type Flags struct{ stacks []int8 } // 1 it holds, -1 not, 0 not known yet

// Of reports whether it holds for a stack of n.
func (f *Flags) Of(n *Table, stack uint32, holds func(frames []report.Frame) bool) bool {
	for int(stack) >= len(f.stacks) {
		f.stacks = append(f.stacks, 0)
	}
	if f.stacks[stack] == 0 {
		f.stacks[stack] = -1
		if holds(n.Stacks[stack]) {
			f.stacks[stack] = 1
		}
	}
	return f.stacks[stack] > 0
}

// Missing stands for strings, and for what is on stacks, of a generation that was cut
// short before it wrote them. It is nobody's name.
const Missing = "(not in the trace)"

// Plumbing is what programs are blocked in, without having written it.
var Plumbing = []string{"runtime.", "sync.", "internal/", "syscall.", "os.", "net.", "time.", "io.", "bufio.", "context.", "crypto/", "golang.org/x/sync/"}

// HasPrefix reports whether s begins with one of the prefixes.
func HasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// OwnFrame is the innermost frame of a stack that is the program's: not of the
// runtime or of its package trace, or what cgo wrote.
func OwnFrame(frames []report.Frame) report.Frame {
	for _, f := range frames {
		if !strings.HasPrefix(f.Func, "runtime.") && !strings.HasPrefix(f.Func, "runtime/") && !OfCgo(&f) {
			return f
		}
	}
	return report.Frame{}
}

// recorder is what the functions of the flight recorder begin with.
const recorder = "gmptrace/analyze/flight.(*Recorder)."

// IsRuntime reports whether a goroutine that started with this function belongs
// to the Go runtime, its tracer or the flight recorder. The main goroutine, iter.Pull's and those of
// C threads that call into Go run the program's code; one that is preempted while it
// ends shows nothing but runtime.goexit1, whoever it was.
func IsRuntime(start string) bool {
	if strings.HasPrefix(start, "runtime/trace.") || strings.HasPrefix(start, recorder) {
		return true
	}
	return strings.HasPrefix(start, "runtime.") && start != "runtime.main" && start != "runtime.corostart" &&
		!strings.HasPrefix(start, "runtime.cgocallback") && !strings.HasPrefix(start, "runtime.goexit")
}

// Collecting reports whether a stack is in the garbage collector's own waits and work:
// in a call of runtime.GC, or where an allocation starts, helps or ends a cycle.
func Collecting(frames []report.Frame) bool {
	for i := range frames {
		fn, ok := strings.CutPrefix(frames[i].Func, "runtime.")
		if !ok {
			return false // of the stack's innermost part, which is the runtime's
		}
		if fn == "GC" || fn == "gcStart" || strings.HasPrefix(fn, "gcMark") || strings.HasPrefix(fn, "gcAssist") {
			return true
		}
	}
	return false
}
