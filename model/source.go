package model

// Source is where a dispatched goroutine came from.
type Source uint8

// The sources, in the order of reports. Their names follow the runtime.
const (
	SourceUnknown       Source = iota // the trace began too late to know
	SourceRunnext                     // its own P's runnext
	SourceLocal                       // its own P's ring
	SourceGlobalTick                  // global queue, because schedtick%61 was 0
	SourceGlobal                      // global queue, the local one being empty
	SourceSteal                       // another P's ring
	SourceStealRunnext                // another P's runnext
	SourceNetpoll                     // the network poller, directly
	SourceGCWorker                    // findRunnableGCWorker: dedicated or fractional mark worker
	SourceGCIdle                      // idle-priority mark worker
	SourceTraceReader                 // the tracer's reader goroutine
	SourceSyscallExit                 // left a system call and found an idle P
	SourceCoroutine                   // coroswitch (iter.Pull)
	SourceParkCancelled               // gopark's unlock function refused to park
	NumSources
)

var sourceNames = [NumSources]string{"unknown", "runnext", "local", "global-tick", "global", "steal", "steal-runnext",
	"netpoll", "gc-worker", "gc-idle", "trace-reader", "syscall-exit", "coroutine", "park-cancelled"}

// globalSources are the two ways out of the one global queue.
const globalSources = Sources(1<<SourceGlobalTick | 1<<SourceGlobal)

// String is the source's name in every output.
func (s Source) String() string {
	if s < NumSources {
		return sourceNames[s]
	}
	return "invalid"
}

// Tick says whether a goroutine was taken from the global queue because it was
// that queue's turn: SourceGlobalTick, where that is known. Which of the two rules
// it was is another question than which queue it was: with the own queue empty,
// both take the same goroutine.
type Tick uint8

// The answers.
const (
	TickUnknown Tick = iota
	TickNo
	TickYes
)

// String is the answer's name in every output.
func (t Tick) String() string {
	return [...]string{"unknown", "no", "yes", "invalid"}[min(t, TickYes+1)]
}
