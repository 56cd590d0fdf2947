package pprof

import "gmptrace/model"

// Type is what of goroutines' time a profile has.
type Type string

// The types.
const (
	Sched   Type = "sched"   // runnable: waiting for a P
	Block   Type = "block"   // blocked
	Syscall Type = "syscall" // in system calls
	Running Type = "running" // running
	CPU     Type = "cpu"     // samples of the CPU profiler
	OffCPU  Type = "offcpu"  // all that is not running
)

// Types are all there are, in the order of help.
var Types = []Type{Sched, Block, Syscall, Running, CPU, OffCPU}

// kind is what a type takes of a trace, and what it calls that.
type kind struct {
	states []model.GState // stretches in these
	count  string         // name of the first value
	time   string         // name of the second one, in nanoseconds
	about  string         // what is added up, for the profile's comments
	cause  string         // what the label of that name says; "" for none
}

// samplePeriod is the time that a sample of the CPU profiler stands for. The trace does
// not tell it: it is that of runtime/pprof, 100 samples a second.
//
// Source: runtime/pprof, StartCPUProfile.
const samplePeriod = 10_000_000 // ns

// The names of values are those of Go's own profiles where these have the same.
var kinds = map[Type]*kind{
	Sched: {[]model.GState{model.GRunnable}, "waits", "delay",
		"time in which goroutines could run and had no P, by the stack with which they had stopped before; of new ones, where they start",
		"cause is what made them runnable: ready (a wait ended), newproc, preempted, gosched, exitsyscall (no P was left after a system call)"},
	Block: {[]model.GState{model.GWaiting}, "contentions", "delay",
		"time in which goroutines were blocked, by the stack with which they parked",
		"reason is the runtime's, and cause what several of them have in common: lock, channel, network, sleep, gc, other"},
	Syscall: {[]model.GState{model.GSyscall}, "calls", "time",
		"time in which goroutines were in system calls or in C, by the stack with which they went in", ""},
	Running: {[]model.GState{model.GRunning}, "stretches", "running",
		"time in which goroutines ran on a P, by the stack with which they stopped in the end: what they did before that it does not show (a CPU profile does)",
		"cause is running, gc-assist or gc-worker; stopped is how it ended: blocked, syscall, preempted, gosched, exit, or not before the trace did"},
	CPU: {nil, "samples", "cpu",
		"samples of the CPU profiler, each taken for 10 ms: the trace does not tell how often it sampled, and 100 times a second is runtime/pprof's default", ""},
	OffCPU: {[]model.GState{model.GRunnable, model.GWaiting, model.GSyscall}, "stretches", "off-cpu",
		"time in which goroutines did not run, by the stack with which they had stopped",
		"cause is runnable, syscall or, of those that were blocked, lock, channel, network, sleep, gc, other; reason is the runtime's"},
}

// has reports whether stretches in a state are of the kind.
func (k *kind) has(s model.GState) bool {
	for _, x := range k.states {
		if x == s {
			return true
		}
	}
	return false
}
