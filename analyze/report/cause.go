package report

// Cause is what a nanosecond of an explained stretch of time went to. Every
// nanosecond has exactly one.
type Cause uint8

// The causes. Those from CauseGCStop to CauseDispatch are of time spent
// runnable: what kept the goroutine from running.
const (
	CauseRunning      Cause = iota // a goroutine ran its own code
	CauseAssist                    // it ran, to mark for the collector
	CauseSweep                     // it ran, to sweep before it could allocate
	CauseGCStop                    // the world was stopped, or was being stopped, for the collector
	CauseStopTheWorld              // likewise, for another reason
	CauseStopping                  // the world was being stopped, and a goroutine had yet to stop
	CauseGCWorker                  // the P that it waited for ran a mark worker
	CauseRuntime                   // the P that it waited for ran another goroutine of the runtime
	CauseQueue                     // it stood in a P's local queue, and that P ran others
	CauseGlobalQueue               // it stood in the global queue, and the P that took it ran others until then
	CauseAfterSyscall              // it left a system call without a P, and all were busy
	CauseSyscallHeld               // the P that it waited for was held by a goroutine in a system call
	CauseIdleP                     // a P was idle: the thread that should have run it on there came late
	CauseDispatch                  // the P that it waited for had a thread that ran no goroutine yet
	CauseSyscall                   // in a system call, or in C
	CauseNetwork                   // until the network was ready
	CauseSleep                     // until a timer was due
	CauseFoundLate                 // the timer that it slept for may have been due, or the network ready, and all Ps ran other goroutines, so that none looked
	CauseAssistWait                // in debt to the collector, with nothing to mark
	CauseGCWait                    // for the collector otherwise
	CauseBlocked                   // blocked, and ended by no goroutine that the trace names
	CauseNeverEnded                // blocked, and still so when the trace ended
	CauseLock                      // a lock was held by goroutines that the trace does not name
	CauseUnknown                   // the trace does not tell
	CauseNotKept                   // too long ago to be kept: see explain.HistorySoft
	NumCauses
)

var causeNames = [NumCauses]string{"running", "gc-assist", "gc-sweep", "gc-stop-the-world", "stop-the-world", "stopping", "gc-worker", "runtime", "queue", "global-queue",
	"after-syscall", "syscall-held", "idle-p", "dispatch", "syscall", "network", "sleep", "found-late", "gc-assist-wait", "gc-wait", "blocked", "never-ended", "lock", "unknown", "not-kept"}

// CauseOthers and CauseLate are what several causes have in common that are one to who
// waits: Cause.Parent says of which.
const (
	CauseOthers = "others-had-the-cpu"
	CauseLate   = "thread-late"
)

// Parent is the name of what c is a part of, where several causes are one to who waits,
// wherever it stood meanwhile; else c's own.
func (c Cause) Parent() string {
	switch c {
	case CauseRuntime, CauseQueue, CauseGlobalQueue, CauseAfterSyscall:
		return CauseOthers
	case CauseIdleP, CauseDispatch:
		return CauseLate
	}
	return c.String()
}

// String is the cause's name in JSON.
func (c Cause) String() string {
	if c < NumCauses {
		return causeNames[c]
	}
	return "invalid"
}
