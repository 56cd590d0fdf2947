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

// String is the source's name in every output.
func (s Source) String() string {
	if s < NumSources {
		return sourceNames[s]
	}
	return "invalid"
}
