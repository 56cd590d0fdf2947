package simulate

import "gmptrace/model"

// Cost is how long one thing takes: values in nanoseconds of which each is as
// likely as the others, in growing order. One value is a constant.
type Cost struct {
	NS     []int64
	Source string // where it is from
}

// Constant is a cost without spread.
func Constant(ns int64, source string) Cost { return Cost{NS: []int64{ns}, Source: source} }

// Mean is the mean in nanoseconds.
func (c *Cost) Mean() int64 {
	if len(c.NS) == 0 {
		return 0
	}
	sum := int64(0)
	for _, ns := range c.NS {
		sum += ns
	}
	return sum / int64(len(c.NS))
}

// Quantile is the value at q in [0, 1].
func (c *Cost) Quantile(q float64) int64 {
	if len(c.NS) == 0 {
		return 0
	}
	return c.NS[min(int(q*float64(len(c.NS))), len(c.NS)-1)]
}

// Scaled is the cost multiplied by f.
func (c *Cost) Scaled(f float64) Cost {
	out := Cost{Source: c.Source, NS: make([]int64, len(c.NS))}
	for i, ns := range c.NS {
		out.NS[i] = int64(float64(ns) * f)
	}
	return out
}

// Costs are what scheduling costs, in nanoseconds.
type Costs struct {
	Switch  Cost // from one goroutine's stop to the next one's start, out of the own queue
	Global  Cost // likewise, out of the global queue
	Steal   Cost // likewise, out of another P's ring
	Netpoll Cost // from one goroutine's stop to the ready of one that the network poller or a timer has
	Fresh   Cost // from that ready to its start
	Wake    Cost // from the ready that wakes a parked thread to that thread having a P
	Arrive  Cost // from what is sent through the network to the thread that waits for that having a P
	Thread  Cost // likewise, where the thread has to be made first
	Locked  Cost // from one goroutine's stop to the next one's start, where one of them is locked to its thread
	Spin    Cost // how long a thread looks for work before it parks
	Pause   Cost // of a thief before it takes the runnext of a P that runs
	Slack   Cost // that the system makes sysmon's sleeps longer by
	Late    Cost // that it ends the sleep of the thread that waits for the next timer too late
	Lock    Cost // one operation on a locked queue that another thread had last
	Alone   Cost // likewise, that the same thread had last; nothing: as Lock
}

// DefaultCosts are those that hold where nothing was measured: means of an
// amd64 server of about 2020 that runs Linux.
func DefaultCosts() Costs {
	const s = "default: a Linux server of about 2020"
	return Costs{
		Switch:  Constant(200, s),
		Global:  Constant(300, s),
		Steal:   Constant(600, s),
		Netpoll: Constant(1_000, s),
		Fresh:   Constant(150, s),
		Wake:    Constant(35_000, "default: the median of twenty programs on a virtual machine of two CPUs"),
		Arrive:  Constant(35_000, "default: as waking a thread"),
		Locked:  Constant(8_000, s),
		Thread:  Constant(30_000, s),
		Spin:    Constant(700, s),
		Pause:   Constant(57_000, "default: runqgrab's usleep(3), which Linux makes 50 µs longer (timer slack)"),
		Slack:   Constant(80_000, "default: Linux's timer slack of 50 µs, and waking"),
		Late:    Constant(TimerSlack, "default: Linux's timer slack of 50 µs, and waking"),
		Lock:    Constant(60, "default: an uncontended lock, whose cache line comes from another core"),
	}
}

// Constants of the runtime that the reference model has no use for.
const (
	sysmonPatience = 50         // proc.go, sysmon: cycles without anything to do before the delay doubles
	timerCost      = int64(100) // of running one timer that readies a goroutine; measured on amd64
)

// ShortCall is the length in nanoseconds below which a system call computes, more or
// less, rather than waits.
const ShortCall = 20_000

// TimerSlack is how much later than asked for Linux ends a thread's sleep, in
// nanoseconds, if nothing is known of the machine: its timer slack of 50 µs, and waking
// the thread.
const TimerSlack = 58_000

// Scheduler is one way to bring goroutines onto threads.
type Scheduler uint8

// The schedulers.
const (
	// GMP is Go's: a queue per P, the global queue, stealing, handoff.
	GMP Scheduler = iota
	// SharedQueue is one queue for all threads, behind a lock.
	SharedQueue
	// ThreadQueue is a queue per thread. Goroutines are dealt out to the threads
	// in turn as they are created, and stay there. Nothing is stolen, and a
	// system call stops its thread.
	ThreadQueue
	numSchedulers
)

var schedulerNames = [numSchedulers]string{"gmp", "global-queue", "thread-queue"}

// String is the scheduler's name in every output.
func (s Scheduler) String() string { return schedulerNames[s] }

// Named is the scheduler of a name.
func Named(name string) (Scheduler, bool) {
	for i, n := range schedulerNames {
		if n == name {
			return Scheduler(i), true
		}
	}
	return 0, false
}

// Names are the schedulers' names, in order.
func Names() []string { return schedulerNames[:] }

// Config is what to simulate a workload under.
type Config struct {
	Scheduler Scheduler
	Procs     int   // Ps; threads of the other schedulers
	CPUs      int   // that the Ps share evenly; 0 for one for each
	Tick      int   // scheduling ticks between two looks at the global queue first; 0 for never
	Slice     int64 // time slice in nanoseconds; 0 for no preemption
	NoSteal   bool
	NoHandoff bool // a system call keeps its P
	NoAsync   bool // no signals: goroutines that are Tight keep their P
	Costs     Costs
	Alert     bool // sysmon's sleeps are short again whenever all Ps were idle, as before Go 1.26; else only if a system call ended that
	Seed      uint64
	Stretch   float64 // what lengths of computing are multiplied by; 0 for 1
	Crossing  int64   // what a goroutine computes longer after each dispatch, in nanoseconds; may be negative
	Marking   float64 // what the collector's work is multiplied by; 0 for 1
	Bounce    int64   // what readying a goroutine takes longer if another P did so last, in nanoseconds
	Fates     bool    // fill in Result.Fates
	Observe   bool    // fill in Result.Episodes
	Scenes    []int64 // moments of Result.Scenes, in order

	// Waited is told how long, in nanoseconds, each of the program's goroutines waited
	// from ready to running; nil for nobody. Whoever wants the distribution keeps it.
	Waited func(ns int64)

	// Marked is told of each Mark that a goroutine comes to, and when; nil for nobody.
	Marked func(n int, at int64)

	// Stood is told of each Acquire that has to wait; nil for nobody.
	Stood func(n int)

	// Stop is asked now and then, with how many events were simulated so far, whether that
	// is enough: what has not ended by then is Unfinished. Nil for never.
	Stop func(events int64) bool

	// Room is memory to take, nil for new. Two simulations at once need one each.
	Room *Room

	// AllOnCreator makes ThreadQueue leave a goroutine on the thread that
	// created it, instead of dealing out.
	AllOnCreator bool
}

// DefaultConfig is Go's own scheduler with its own settings.
func DefaultConfig(procs int) Config {
	return Config{Procs: procs, Tick: model.TickPeriod, Slice: model.TimeSlice, Costs: DefaultCosts()}
}
