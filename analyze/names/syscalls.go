package names

import (
	"strings"

	"gmptrace/analyze/report"
)

// Call is what a call of the operating system or of C does that programs meet, and what to
// do where it takes long. The zero value, and nil, are calls of which nothing is known.
type Call struct {
	does   verb
	what   string // it does that to
	Advice string // with its own subject, "" for none
	Locks  bool   // it waits for the lock of a file, which others have
	funcs  []string
}

// verb is what a call does, in the forms that sentences need.
type verb struct{ doing, did, does string }

var (
	toWait  = verb{"waiting ", "waited ", "waits "}
	toRead  = verb{"reading ", "read ", "reads "}
	toWrite = verb{"writing ", "wrote ", "writes "}
	toLook  = verb{"looking up ", "looked up ", "looks up "}
	toSleep = verb{"sleeping ", "slept ", "sleeps "}
	toStart = verb{"starting ", "started ", "starts "}
	toMove  = verb{"renaming or removing ", "renamed or removed ", "renames or removes "}
)

// Doing is what the call is, after "went to".
func (c *Call) Doing() string {
	if c == nil {
		return "a system call (or C code)"
	}
	return c.does.doing + c.what
}

// Did is what who made the call did.
func (c *Call) Did() string {
	if c == nil {
		return "was in a system call (or C code)"
	}
	return c.does.did + c.what
}

// Does is what who makes such calls does.
func (c *Call) Does() string {
	if c == nil {
		return "is in system calls"
	}
	return c.does.does + c.what
}

// CallOfC is a call of C.
var CallOfC = &Call{does: verb{"", "was in ", "is in "}, what: "C code",
	Advice: "See what it does there, which a trace does not show. If calls take the longer the more there are at once, and the machine has CPUs to spare, they likely wait within C, as for a lock of the library: have one of what that guards for each caller. If it computes, it takes a CPU that the Go scheduler does not count: let no more run at once than there are CPUs, or let it do less."}

// commandAdvice is what to do about other processes that are run.
const commandAdvice = "Another process is run there: keep what it answers, or do in this process what it does."

// systemPackages are those of functions that make system calls, with the dot.
var systemPackages = []string{"syscall.", "golang.org/x/sys/unix.", "internal/syscall/unix."}

// system are functions of any package that makes system calls, by their names alone.
func system(names string) (out []string) {
	for name := range strings.FieldsSeq(names) {
		for _, pkg := range systemPackages {
			out = append(out, pkg+name)
		}
	}
	return out
}

var knownCalls = []*Call{
	{does: toWait, what: "for the lock of a file", Locks: true,
		Advice: "Hold the file's lock for less: compute and wait before it is taken or after, lock to read (LOCK_SH) where nothing is changed, or give each file a lock of its own. Who had it a trace does not show.",
		funcs:  append(system("Flock FcntlFlock"), "golang.org/x/sys/windows.LockFileEx", "internal/syscall/windows.LockFileEx")},
	{does: toWait, what: "for the disk to store what was written (Sync)",
		Advice: "Let several writes share one Sync (gather what comes meanwhile, and answer all of them after it), or leave it to somebody else than who is waited for.",
		funcs:  append(system("Fsync Fdatasync Sync Syncfs SyncFileRange Msync"), "os.(*File).Sync")},
	{does: toWait, what: "for the end of a command (another process)", Advice: commandAdvice,
		funcs: append(system("Wait4 Waitid"), "os.(*Process).blockUntilWaitable", "os.(*Process).pidfdWait", "os.(*Process).Wait")},
	{does: toStart, what: "a command (another process)", Advice: commandAdvice,
		funcs: append(system("ForkExec StartProcess"), "syscall.forkExec", "os.StartProcess")},
	{does: toLook, what: "the name of a host in C (getaddrinfo)",
		Advice: "Keep connections, so that fewer names have to be looked up; see the name server and resolv.conf (ndots, search). Each look-up in C takes a thread: GODEBUG=netdns=go has Go ask by itself.",
		funcs:  []string{"net._C2func_getaddrinfo", "net._C_getaddrinfo", "net._C2func_getnameinfo", "net._C_getnameinfo", "net._C2func_res_nsearch", "net._C_res_nsearch", "net._C_res_search"}},
	{does: toSleep, what: "in a system call, which keeps a thread", Advice: "Sleep by time.Sleep, which keeps no thread; or wait for what it is that others have to do.",
		funcs: system("Nanosleep ClockNanosleep")},
	{does: toWait, what: "in a system call for something to read or to write, which keeps a thread",
		Advice: "Let Go wait: what os.NewFile makes of a descriptor that does not block, and connections of net, keep no thread while they wait, and take deadlines.",
		funcs:  system("Poll Ppoll Select Pselect EpollWait Kevent")},
	{does: toRead, what: "a file (or pipe)", funcs: []string{"os.(*File).Read", "os.(*File).ReadAt", "os.(*File).WriteTo"}},
	{does: toWrite, what: "to a file (or pipe)", funcs: []string{"os.(*File).Write", "os.(*File).WriteAt", "os.(*File).ReadFrom"}},
	{does: toMove, what: "files", funcs: append(system("Rename Renameat Renameat2 Unlink Unlinkat Rmdir"), "os.Rename", "os.Remove", "os.RemoveAll")},
	{does: toLook, what: "files", funcs: append(system("Open Openat Openat2 Stat Lstat Fstatat Getdents ReadDirent"), "os.OpenFile", "os.Stat", "os.Lstat", "os.ReadDir", "os.(*File).ReadDir", "os.(*File).Readdirnames", "os.(*File).Readdir", "syscall.openat", "syscall.fstatat")},
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

var callsByFunc = func() map[string]*Call {
	by := map[string]*Call{}
	for _, c := range knownCalls {
		for _, fn := range c.funcs {
			by[fn] = c
		}
	}
	return by
}()

// CallOf is what is known of the call that a stack ends in, nil for nothing.
func CallOf(frames []report.Frame) *Call {
	for i := range frames {
		f := &frames[i]
		if c := callsByFunc[f.Func]; c != nil {
			return c
		}
		if OfCgo(f) {
			return CallOfC
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
