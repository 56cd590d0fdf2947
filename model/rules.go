package model

import "fmt"

// The rules, in one place: what the schedulers of Go 1.22 to 1.27 do, where, and
// what changed when. Functions are of runtime/proc.go, lines those of Go 1.26.8,
// unless said otherwise. The handlers cite the rule that they follow by the
// runtime's function.
//
// Go 1.27 (1.27.4 was read) changes none of them. Its runtime/proc.go differs in how a
// program starts (mainInitDone, GODEBUG settings that are gone, maps.AlgInit), in newm1
// with cgo, and in that mPark and entersyscall wipe a signal stack and newproc1 hands a
// flag on where runtime/secret is built in; time.go has lost asynctimerchan. What the
// tracer writes is the same byte for byte, header included.
//
//	rule                                   where                                    changed
//	61st tick: one from the global queue   findRunnable, 3443                       1.25: sched.runqsize is sched.runq.size
//	schedtick not advanced by runnext      execute, runqget
//	own queue: runnext, then ring          findRunnable, runqget
//	global batch: size/GOMAXPROCS+1,       globrunqgetbatch, 7293                   1.22–1.24: globrunqget(pp, max) puts the
//	  all, 128 at most                                                              batch onto the ring itself
//	poll of the network                    findRunnable, 3495                       1.25: one thread at a time (pollingNet)
//	steal: half rounded up, last one runs  stealWork, runqgrab, 7662
//	runnext stolen in the last round       runqgrab                                 after 3 µs if the victim runs
//	ready, newproc: runnext                ready, runqput
//	ring full: half and one to global      runqputslow, 7524
//	Gosched, preempted: global tail        goschedImpl, 4307                        1.26: runnext while a stop-the-world waits
//	goyield: ring tail                     goyield_m, 4456                          1.22–1.24: its stack begins at semrelease1
//	preempted for a scan: parked           preemptPark, 4368                        1.22–1.25: traced without a stack
//	lists: npidle to global, rest to ring  injectglist, 4045
//	assists credited: ring tail            mgcmark.go, gcFlushBgCredit
//	assists at the end of marking: a list  mgcmark.go, gcWakeAllAssists
//	mark worker preempted: ring to global  mgc.go, gcBgMarkWorker; runqdrain, 7623  leaves no event
//	system call that blocks: handoff       entersyscallblock, 4791
//	system call that lasts: retake         retake, 6630                             20 µs at least, 10 ms if nobody needs the P
//	out of a system call: old or idle P    exitsyscallTryGetP, 5033                 1.22–1.25: exitsyscallfast and _pidle
//	no P: global tail                      exitsyscallNoP, 5067                     1.22–1.25: exitsyscall0
//	locked goroutine found: P to its M     startlockedm, 3278
//	locked goroutine stops: handoff        stoplockedm
//	time slice: 10 ms                      forcePreemptNS, 6628
//	GOMAXPROCS lowered: queue to global    p.destroy                                head of the global queue
//	an old P's thread comes back           procresize, 6163                         1.26: mgetSpecific
//	built with -race: queues shuffled      runqput, randomizeScheduler

// Rules are the switches for what differs between versions and shows in a
// trace; the rest of the table above holds for all of them.
type Rules struct {
	Minor int // of the Go version: 26 for Go 1.26

	// PreemptToRunnext: a goroutine preempted while a stop-the-world is pending
	// goes to runnext instead of the global queue.
	// Source: proc.go, goschedImpl, since Go 1.26.
	PreemptToRunnext bool

	// GoyieldHidden: the stack of a goyield does not show runtime.goyield but
	// begins at runtime.semrelease1.
	// Source: sema.go, semrelease1; observed with Go 1.22 to 1.24, where the
	// tracer leaves goyield's own frame out.
	GoyieldHidden bool

	// SysmonAlert: whenever sysmon was woken, its sleeps are short again; else
	// only if a system call woke it. For who runs the scheduler forward.
	// Source: proc.go, sysmon.
	SysmonAlert bool
}

// Constants of the runtime, the same in every version covered, for all who name or
// judge by them: there is no other copy.
const (
	// TickPeriod is how many scheduling ticks of a P pass from one look at the global
	// queue first to the next.
	// Source: proc.go, findRunnable: schedtick%61.
	TickPeriod = 61

	// RunqSize is how many goroutines a P's ring holds.
	// Source: runtime2.go, p.runq.
	RunqSize = 256

	// GlobalBatchMost is how many goroutines a P takes from the global queue at once, at
	// the most.
	// Source: proc.go, globrunqgetbatch and globrunqget: len(pp.runq)/2.
	GlobalBatchMost = RunqSize / 2

	// TimeSlice is how long a P is on one scheduling tick when sysmon asks its goroutine
	// to stop, in nanoseconds.
	// Source: proc.go, forcePreemptNS.
	TimeSlice = 10_000_000

	// SysmonLeast and SysmonMost are the shortest and the longest sleep of sysmon, in
	// nanoseconds.
	// Source: proc.go, sysmon: delay.
	SysmonLeast = 20_000
	SysmonMost  = 10_000_000

	// RetakeIdle is how long a system call keeps a P that nobody else needs, in
	// nanoseconds.
	// Source: proc.go, retake.
	RetakeIdle = 10_000_000

	// PollLate is after how long without a look at the network sysmon looks, in
	// nanoseconds.
	// Source: proc.go, sysmon: lastpoll.
	PollLate = 10_000_000
)

// OldestRules and NewestRules are the Go minor versions whose schedulers the
// model knows; others are replayed by the nearest of them.
const (
	OldestRules = 22
	NewestRules = 27
)

// RulesFor are the rules of Go 1.minor. Versions outside those known get the
// nearest ones.
func RulesFor(minor int) Rules {
	minor = min(max(minor, OldestRules), NewestRules)
	return Rules{
		Minor:            minor,
		PreemptToRunnext: minor >= 26,
		GoyieldHidden:    minor < 25,
		SysmonAlert:      minor < 26,
	}
}

// String is the Go version: "1.26".
func (r Rules) String() string { return fmt.Sprintf("1.%d", r.Minor) }
