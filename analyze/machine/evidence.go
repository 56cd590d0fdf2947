package machine

// Category is that of the log messages of a trace that hold evidence.
const Category = "gmptrace"

// Header is the first line of a file with evidence.
const Header = "gmptrace.machine 1"

// Suffix is what the name of a file with evidence has behind that of its trace.
const Suffix = ".machine"

// MaxLine is how long a line is at the most, in bytes. Go's tracer cuts messages off
// behind 1,024.
const MaxLine = 1000

// Record is what one line tells: one of its fields is not nil.
type Record struct {
	Machine  *Machine
	Quota    *Quota
	Go       *Go
	Sample   *Sample
	Snapshot *Snapshot
}

// Machine is the computer, and the process on it.
type Machine struct {
	PID    int64
	CPUs   int64  // that the process may run on; 0 not told
	Online int64  // CPUs of the machine that are switched on; 0 not told
	SMT    int64  // hardware threads of a core; 0 not told
	Host   string // its name; "" not told
}

// Quota is how much of the CPUs a cgroup may use.
type Quota struct {
	CPU    int64 // ns of CPU time in a period; 0 no limit
	Period int64 // ns
}

// CPUs is how many CPUs the quota is worth, 0 for no limit.
func (q Quota) CPUs() float64 {
	if q.Period <= 0 {
		return 0
	}
	return float64(q.CPU) / float64(q.Period)
}

// Go is how the runtime is set.
type Go struct {
	GOMAXPROCS int64
	Source     string // of GOMAXPROCS: env, quota, cpus or set; "" not told
	GOGC       int64  // percent; -1 off
	GOMEMLIMIT int64  // bytes; 0 none
}

// Sample is the machine's counters at one time.
type Sample struct {
	At        int64    // CLOCK_MONOTONIC, ns
	Threads   []Thread // those that have run since the sample before, by id
	Throttled *Throttled
	Steal     int64 // ns, all CPUs together; -1 not told
	Stall     int64 // ns; -1 not told
	Asleep    int64 // ns; -1 not told
}

// Thread is what a thread has had so far.
type Thread struct {
	ID   int64 // the operating system's
	Run  int64 // ns on a CPU
	Wait int64 // ns ready to run without one; what throttling took is part of it
}

// Throttled is what a quota has taken so far.
type Throttled struct {
	Periods int64 // of the quota, those in which the group ran
	Over    int64 // of Periods, those in which it was used up
	NS      int64 // ns that CPUs stood still for the group, in sum
}

// Snapshot is why and by whom a flight recorder's snapshot was taken.
type Snapshot struct {
	Trigger string // slow, observed, metric, baseline or asked
	Name    string // what was slow; "" not told
	Took    int64  // how long that took, ns; 0 not told
	Time    string // UTC, as 20060102T150405.000Z
	Host    string
	Build   string // revision or version; "" not known
	Trace   string // W3C ids of the request's trace and span; "" not told
	Span    string
}
