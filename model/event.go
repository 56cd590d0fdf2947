// Package model is the reference GMP scheduler: a state machine of every
// goroutine (G), thread (M) and processor (P), their run queues and the rules
// of the Go runtime that move goroutines between them.
//
// Sched is driven from outside, one Event at a time, and yields Facts: a
// dispatch with the place it came from, a closed interval of a G, M or P, a
// handoff, a preemption, a divergence from the rules. It has no clock, no
// randomness, no input or output and no goroutine of its own.
//
//	Event ──▶ Sched.Step ──▶ Facts
//	            │  Horizon   what the next events say (bounded look-ahead)
//	            │  queues    runnext, 256-slot ring, global queue
//	            └─ Rules     what the runtime of that Go version does
package model

import "time"

// Time is an instant on the trace's own clock, in nanoseconds. Only
// differences mean anything. Zero is a valid instant.
type Time int64

// Sub returns the length from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// GoID is the runtime's goroutine id; NoG where there is none.
type GoID int64

// ProcID is the runtime's P id; NoP where there is none. 0 is a valid P.
type ProcID int32

// MIndex is a thread, numbered densely in the order of appearance; NoM where
// there is none. The operating system's thread id may exceed 2^32 and is kept
// beside the model by whoever feeds it.
type MIndex int32

// "None" is -1 for each kind of id: 0 is a valid P and a valid M index.
const (
	NoG GoID   = -1
	NoP ProcID = -1
	NoM MIndex = -1
)

// Op says what an Event does. The names are the runtime's own for the
// operation that the trace event stands for.
type Op uint8

const (
	OpNone Op = iota

	// Goroutines. Event.Subject is the goroutine acted on, Event.G the one
	// that was running on the event's M (NoG if none).
	OpNewproc        // NotExist→Runnable; Stack is the new goroutine's start
	OpNewprocBlocked // NotExist→Waiting (iter.Pull)
	OpNewprocSyscall // NotExist→Syscall (a C thread calls into Go)
	OpExecute        // Runnable→Running: a dispatch
	OpPark           // Running→Waiting, with Reason
	OpGosched        // Running→Runnable, with Reason (Gosched or preempted)
	OpReady          // Waiting→Runnable
	OpGoexit         // Running→NotExist
	OpGoexitSyscall  // Syscall→NotExist
	OpEntersyscall   // Running→Syscall
	OpExitsyscall    // Syscall→Running, P kept
	OpExitsyscallNoP // Syscall→Runnable: lost its P (Event.P: one was found at once)
	OpGoStatus       // not a change: Subject is in state GState(Arg)

	// Processors. Event.Subject is the P.
	OpAcquirep   // Idle→Running, on Event.M
	OpReleasep   // Running→Idle, by the M that held it
	OpRetake     // Running or Syscall→Idle, taken by another M (or by sysmon: no M)
	OpProcStatus // not a change: Subject is in state PState(Arg)

	// The whole program.
	OpGOMAXPROCS // Arg is the new value
	OpGCBegin    // concurrent mark phase
	OpGCEnd
	OpSTWBegin // Arg is the string with the cause
	OpSTWEnd
	OpSweepBegin // on Event.P
	OpSweepEnd
	OpAssistBegin // by Event.G
	OpAssistEnd
	OpHeapAlloc // Arg is bytes
	OpHeapGoal  // Arg is bytes

	// Annotations. They change no scheduler state.
	OpLabel       // of goroutine Event.G; Arg is the string. GC workers carry their mode in Flags
	OpTaskBegin   // Subject is the task, Arg the string with its name
	OpTaskEnd     // Subject is the task
	OpRegionBegin // Arg is the string with the name, Subject the task
	OpRegionEnd   // likewise
	OpLog         // Arg is the string with the message, Subject the task
	OpCPUSample   // Stack is the sample's

	OpGeneration // a new generation begins: every live G and P is restated
	numOps
)

// HasString reports whether an event's Arg is a string, by its number in a table.
func (op Op) HasString() bool {
	switch op {
	case OpSTWBegin, OpLabel, OpTaskBegin, OpRegionBegin, OpRegionEnd, OpLog:
		return true
	}
	return false
}

// GState is what a goroutine is doing.
type GState uint8

const (
	GUndetermined GState = iota
	GNotExist
	GRunnable
	GRunning
	GSyscall
	GWaiting
)

// PState is what a processor is doing.
type PState uint8

const (
	PUndetermined PState = iota
	PNotExist
	PRunning
	PIdle
)

// Reason is why a goroutine parked or stopped, as the runtime writes it.
type Reason uint8

const (
	ReasonNone         Reason = iota // the trace gives none
	ReasonOther                      // one that this version does not know
	ReasonForever                    // "forever": select{} or a nil channel
	ReasonNetwork                    // "network"
	ReasonSelect                     // "select"
	ReasonCond                       // "sync.(*Cond).Wait"
	ReasonSync                       // "sync": mutexes, WaitGroup, semaphores
	ReasonChanSend                   // "chan send"
	ReasonChanRecv                   // "chan receive"
	ReasonAssist                     // "GC mark assist wait for work"
	ReasonSweep                      // "GC background sweeper wait"
	ReasonSystem                     // "system goroutine wait"
	ReasonPreempted                  // "preempted"
	ReasonDebugCall                  // "wait for debug call"
	ReasonUntilGCEnds                // "wait until GC ends"
	ReasonSleep                      // "sleep"
	ReasonWeakToStrong               // "GC weak to strong wait"
	ReasonSynctest                   // "synctest"
	ReasonGosched                    // "runtime.Gosched"
	NumReasons
)

// Flags are what the event's stack and label prove about it. They stand in
// the event so that the model needs no stacks.
type Flags uint16

const (
	FlagStack        Flags = 1 << iota // the event has a stack
	FlagGoyield                        // runtime.goyield is on it
	FlagAsyncPreempt                   // runtime.asyncPreempt is on it: a signal
	FlagSemrelease                     // innermost frame is runtime.semrelease1
	FlagSystemstack                    // innermost frame is runtime.systemstack_switch
	FlagGCWorker                       // runtime.gcBgMarkWorker is on it
	FlagGCMarkDone                     // runtime.gcMarkDone or alike is on it too
	FlagTraceReader                    // in runtime/trace's reader
	FlagInject                         // runtime.injectglist is on it
	FlagScavenger                      // runtime.bgscavenge is on it
	FlagDedicated                      // label "GC (dedicated)"
	FlagFractional                     // label "GC (fractional)"
	FlagGCIdle                         // label "GC (idle)"
	FlagNoEnd                          // of OpEntersyscall and OpExitsyscall: the trace does not tell when the call ended
	FlagRuntimeG                       // the stack's goroutine belongs to the runtime (for OpReady that is the one that readies)
	FlagMachine                        // of OpLog: the message is what the machine said, no word of the program's
)

// Event is one step of the traced program, small and free of pointers so that
// whole generations can be decoded ahead of the model. Fields that an Op does
// not use are zero, ids are -1 where there is none.
type Event struct {
	Time    Time
	G       GoID  // goroutine running on M when the event was written
	Subject int64 // goroutine, P or task acted on: see Op
	Arg     int64 // state, value or string: see Op
	P       ProcID
	M       MIndex
	Stack   uint32 // index of the stack, 0 for none
	Op      Op
	Reason  Reason
	Flags   Flags
}

var reasonNames = [NumReasons]string{"", "other", "forever", "network", "select", "sync.(*Cond).Wait", "sync", "chan send", "chan receive",
	"GC mark assist wait for work", "GC background sweeper wait", "system goroutine wait", "preempted", "wait for debug call",
	"wait until GC ends", "sleep", "GC weak to strong wait", "synctest", "runtime.Gosched"}

// String is the reason as the runtime writes it, "unspecified" where it gives
// none.
func (r Reason) String() string {
	switch {
	case r == ReasonNone:
		return "unspecified"
	case r < NumReasons:
		return reasonNames[r]
	}
	return "invalid"
}

// ReasonNamed is the reason that the runtime writes as name.
func ReasonNamed(name string) Reason {
	for r, n := range reasonNames {
		if n == name {
			return Reason(r)
		}
	}
	return ReasonOther
}
