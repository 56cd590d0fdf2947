package report

// Machine is what the machine said beside the trace: whether threads that had a P had a
// CPU as well.
type Machine struct {
	Source           string       `json:"source"` // "trace", or "file" beside it
	Host             string       `json:"host"`
	CPUs             int          `json:"cpus"`       // that the process may run on; 0 not told
	Online           int          `json:"online"`     // CPUs of the machine; 0 not told
	SMT              int          `json:"smt"`        // hardware threads of a core; 0 not told
	QuotaCPUs        float64      `json:"quota_cpus"` // that the cgroup's quota is worth; 0 for no limit, or not told
	Period           int64        `json:"quota_period_ns"`
	GomaxprocsSource string       `json:"gomaxprocs_source"` // env, quota, cpus or set; "" not told
	GOGC             int          `json:"gogc"`              // percent; -1 off; 0 not told
	GOMEMLIM         int64        `json:"gomemlimit"`        // bytes; 0 none, or not told
	Samples          int          `json:"samples"`
	Every            int64        `json:"every_ns"`       // between two samples, at the median
	Wanted           int64        `json:"wanted_ns"`      // that threads ran Go code on a P while samples tell of them, in sum over Ps
	Lost             CPULost      `json:"lost"`           // of Wanted: without a CPU
	StoodStill       int64        `json:"stood_still_ns"` // wall time of Lost.Stopped
	Throttled        *Throttled   `json:"throttled"`      // nil not told
	Stolen           int64        `json:"steal_ns"`       // from the whole machine, in sum over CPUs; -1 not told
	Asleep           int64        `json:"asleep_ns"`      // the machine was suspended: time that the trace does not count; -1 not told
	Pressure         float64      `json:"pressure"`       // share of the time in which some thread of the machine was ready without a CPU (PSI), in [0, 1]; -1 not told
	Snapshot         *SnapshotWhy `json:"snapshot"`       // nil if no flight recorder wrote the trace
	Doubts           []string     `json:"doubts"`         // what of the evidence could not be used
	Spans            []CPUSpan    `json:"-"`              // Wanted and Lost over time, in order; for pictures
}

// MaxCPUSpans is how many spans a Machine has at the most: more samples share them.
const MaxCPUSpans = 1000

// CPUSpan is what the machine said of the time from one sample to a later one.
type CPUSpan struct {
	Start, End int64   // from the trace's first event
	Wanted     int64   // as in Machine
	Lost       CPULost // of Wanted
	Asleep     int64   // the machine was suspended; the trace does not count that
}

// Throttled is what a cgroup's quota took while samples tell of it.
type Throttled struct {
	Periods int64 `json:"periods"` // in which the group ran
	Over    int64 `json:"over"`    // of them, in which it had used its quota up
	NS      int64 `json:"ns"`      // in sum over CPUs
}

// SnapshotWhy is why a flight recorder wrote the trace.
type SnapshotWhy struct {
	Trigger string `json:"trigger"`
	Name    string `json:"name"`
	TookNS  int64  `json:"took_ns"`
	Host    string `json:"host"`
	Build   string `json:"build"`
	Trace   string `json:"trace_id"`
	Span    string `json:"span_id"`
}

// CPULoss is why a thread that had a P had no CPU.
type CPULoss uint8

// The reasons.
const (
	LossQuota      CPULoss = iota // the cgroup's quota was used up
	LossOthers                    // another process had the CPU
	LossOwn                       // other threads of the program had it: more Ps than CPUs
	LossHypervisor                // the hypervisor took it
	LossStopped                   // the whole process was stopped: by a signal, a debugger, a freezer
	LossKernel                    // neither ran nor waited for a CPU: a page fault, or alike
	NumCPULosses
)

var cpuLossNames = [NumCPULosses]string{"quota", "other-processes", "own-threads", "hypervisor", "stopped", "kernel"}

// String is the reason's name in JSON.
func (l CPULoss) String() string {
	if l < NumCPULosses {
		return cpuLossNames[l]
	}
	return "invalid"
}

// CPULost is nanoseconds by reason.
type CPULost struct {
	Quota      int64 `json:"quota_ns"`
	Others     int64 `json:"other_processes_ns"`
	Own        int64 `json:"own_threads_ns"`
	Hypervisor int64 `json:"hypervisor_ns"`
	Stopped    int64 `json:"stopped_ns"`
	Kernel     int64 `json:"kernel_ns"`
}

// At is the place of a reason's time.
func (l *CPULost) At(why CPULoss) *int64 {
	return [...]*int64{&l.Quota, &l.Others, &l.Own, &l.Hypervisor, &l.Stopped, &l.Kernel}[why]
}

// Add adds another's times.
func (l *CPULost) Add(x CPULost) {
	for why := range NumCPULosses {
		*l.At(why) += *x.At(why)
	}
}

// Most is the reason for most of it; the first if there is none.
func (l *CPULost) Most() (most CPULoss) {
	for why := range NumCPULosses {
		if *l.At(why) > *l.At(most) {
			most = why
		}
	}
	return most
}

// Total is the time of all reasons.
func (l CPULost) Total() int64 {
	return l.Quota + l.Others + l.Own + l.Hypervisor + l.Stopped + l.Kernel
}
