package report

// RootKind is what kind of thing took an instance's time.
type RootKind string

// The kinds.
const (
	RootComputing  RootKind = "computing"   // it ran, or what it had others do did
	RootQueue      RootKind = "queue"       // others had the Ps
	RootLate       RootKind = "late"        // a P was free, and came late
	RootLocked     RootKind = "locked"      // a P was handed to the thread that a goroutine is locked to, or from it
	RootStoodStill RootKind = "stood-still" // nothing of the process ran, in the rhythm of a CPU quota, or though it had a P
	RootNoCPU      RootKind = "no-cpu"      // who had the P had no CPU, by what the machine said: for its quota, another process …
	RootGC         RootKind = "gc"          // the garbage collector
	RootForcedGC   RootKind = "forced-gc"   // the garbage collector, called with runtime.GC
	RootStopping   RootKind = "stopping"    // the world waited for a goroutine to stop
	RootStopped    RootKind = "stopped"     // the world was stopped
	RootLock       RootKind = "lock"        // a lock was held
	RootPlace      RootKind = "place"       // it waited for others at a channel, select, semaphore or condition variable
	RootSyscall    RootKind = "syscall"     // a system call, or C code
	RootNetwork    RootKind = "network"     // until the network was ready
	RootSleep      RootKind = "sleep"       // it slept
	RootFoundLate  RootKind = "found-late"  // a timer was due, or the network ready, maybe, and all Ps ran other goroutines
	RootBlocked    RootKind = "blocked"     // it was blocked, and a timer or nobody that shows ended it
	RootNeverEnded RootKind = "never-ended" // it was blocked, and still is when the trace ends
	RootNotTold    RootKind = "not-told"    // the trace does not tell
)

// Root is one reason for the time that instances took, with who is behind it. The
// roots of some instances add up to their time.
type Root struct {
	Kind    RootKind `json:"kind"`
	NS      int64    `json:"ns"`         // of a slow instance, mean
	Typical int64    `json:"typical_ns"` // of a typical one, mean; 0 where there is none to compare with
	At      Frame    `json:"at"`         // who is behind it: where that goroutine was last seen; empty where nobody in particular is
	From    string   `json:"from"`       // function of the program that had called that; "" for none
	Stood   Frame    `json:"stood"`      // where the explained goroutine was blocked meanwhile; empty where it was not
	Text    string   `json:"text"`       // in words: what follows "went to"
	Advice  string   `json:"advice"`     // what to do; "" where the trace gives no reason for any
	Sure    string   `json:"sure"`       // as of a Finding
	SureWhy string   `json:"sure_why"`

	Site    string `json:"-"` // of a wait for others: the function that waits and its line, as names.WaitsAt has it; "" for none
	Holder  Frame  `json:"-"` // of a wait for a lock: where who held it was blocked; empty where that one was not, or At is where
	Awaited bool   `json:"-"` // others wait for what is done there, or for a lock that it is done with
}

// OfAnother reports whether instances with a name waited for what another one of them did:
// such as the first that misses what is cached, and gets it for all.
func (r *Root) OfAnother(name string) bool {
	return r.Stood.Func != "" && r.Stood.Func != r.At.Func && r.From != "" && r.From == name
}
