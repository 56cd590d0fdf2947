package report

import (
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// MaxMoments is how many worst moments a finding shows.
const MaxMoments = 5

// Rank is higher the worse it is, from 0 on.
func (s Severity) Rank() int {
	switch s {
	case SeverityCritical:
		return 2
	case SeverityWarning:
		return 1
	}
	return 0
}

// AtLeast reports whether s is as severe as t or more.
func (s Severity) AtLeast(t Severity) bool { return s.Rank() >= t.Rank() }

// Analysed is the analysed length in nanoseconds.
func Analysed(rep *Report) int64 { return rep.Trace.To - rep.Trace.From }

// How CostOf ends where times of several were added up to more than the trace's length.
const (
	AllGoroutines = ", all goroutines together"
	AllPs         = ", all Ps together"
)

// MaxRanges is how many mark phases and pauses GC.Ranges keeps: the longest.
const MaxRanges = 4096

// BucketsOf are the octaves of a distribution.
func BucketsOf(s *stat.Sketch) []Bucket {
	var out []Bucket
	for _, o := range s.Octaves() {
		out = append(out, Bucket(o))
	}
	return out
}

// Schema names the version of the JSON form of Report. Fields are added within
// a version; a field that changes meaning or goes makes a new one.
const Schema = "gmptrace.report/2"

// Devel is the Version of what the analyses return: a library does not know its own.
// Whoever does sets another.
const Devel = "devel"

// Report is the result of one analysis: all that render needs, and nothing it
// would have to work out again. Its JSON form is documented in
// analyze/schema/report.schema.json.
//
// Times are nanoseconds from the trace's first event (names end in _at_ns) or
// lengths in nanoseconds (names end in _ns). Ids are -1 where there is none.
type Report struct {
	Schema      string         `json:"schema"`
	Version     string         `json:"gmptrace_version"`
	Trace       Trace          `json:"trace"`
	Verdict     Verdict        `json:"verdict"`
	Key         Key            `json:"key_figures"`
	Findings    []Finding      `json:"findings"`
	Checks      []Check        `json:"checks"`
	Latency     Latency        `json:"scheduling_latency"`
	Dispatches  Dispatches     `json:"dispatches"`
	Handoffs    Handoffs       `json:"handoffs"`
	Preemptions Preemptions    `json:"preemptions"`
	GC          GC             `json:"gc"`
	Procs       []ProcTime     `json:"procs"`
	Threads     Threads        `json:"threads"`
	Functions   []FunctionTime `json:"functions"`
	Tasks       []TaskTime     `json:"tasks"`
	Episodes    []Episode      `json:"worst_waits"`
	Slowest     Slowest        `json:"slowest"`
	Rules       []Rule         `json:"rules"`
	Machine     *Machine       `json:"machine"` // what the machine said beside the trace; nil if nothing
	Overview    Overview       `json:"overview"`
	Timeline    *Timeline      `json:"-"` // only where Options.Slices asked for it
	Spans       []SpanTime     `json:"-"` // only where Options.Spans asked for them
	SpanCauses  []SpanCauses   `json:"-"` // of requests and tasks, by name: for policies
}

// Trace says what was read: where it comes from, how far it can be trusted.
type Trace struct {
	Name            string       `json:"name"`
	Program         string       `json:"program"`            // main package or module seen in stacks; "" when unknown
	Format          string       `json:"format"`             // as the header says it, after the first Go version that writes it: "go 1.26"
	GoVersion       string       `json:"go_version"`         // whose rules were applied: "1.26"
	GoAssumed       string       `json:"go_version_basis"`   // how GoVersion is known or what was assumed
	Race            bool         `json:"race"`               // stacks show that it was built with -race, which shuffles run queues; few such traces have any that does
	Unexplained     bool         `json:"queues_unexplained"` // the order in which goroutines left the run queues is not that of the rules
	Compression     string       `json:"compression"`        // "", "gzip" or "zstd"
	Start           string       `json:"start"`              // wall-clock of the first event, RFC 3339 with ns; "" where the trace has none
	DurationNS      int64        `json:"duration_ns"`        // first event to last
	From            int64        `json:"from_ns"`            // part of the trace that was analysed
	To              int64        `json:"to_ns"`
	Bytes           int64        `json:"bytes"` // of the trace, uncompressed, as far as read
	Events          int64        `json:"events"`
	Generations     int          `json:"generations"`
	LargestGenBytes int64        `json:"largest_generation_bytes"`
	Goroutines      int64        `json:"goroutines"` // distinct ones seen
	LivePeak        int64        `json:"goroutines_live_peak"`
	Gomaxprocs      []Gomaxprocs `json:"gomaxprocs"` // in order of time; empty when the trace doesn't say
	Complete        bool         `json:"complete"`   // every byte was read and used, and nothing shows that the end is missing (formats before 1.26 can't prove it: see Notes)
	Lost            []Loss       `json:"lost"`       // what could not be read or used
	Notes           []string     `json:"notes"`      // what was assumed
}

// Gomaxprocs is GOMAXPROCS from a moment on.
type Gomaxprocs struct {
	At int64 `json:"at_ns"`
	N  int   `json:"n"`
}

// Loss is a part of the input that could not be read or used.
type Loss struct {
	Kind       string `json:"kind"`       // truncated, damaged, concatenated, interleaved, no-end, no-events, limit, too-old …
	Offset     int64  `json:"offset"`     // bytes into the uncompressed trace; -1 when not known
	Generation int    `json:"generation"` // counted from 1; 0 when not known
	Bytes      int64  `json:"bytes"`      // not read or not used; -1 when not known
	Text       string `json:"text"`       // what was lost and what to do
}

// Severity ranks a finding.
type Severity string

// The severities, mildest first.
const (
	SeverityInfo     Severity = "info"     // worth knowing, no harm shown
	SeverityWarning  Severity = "warning"  // costs latency or CPU
	SeverityCritical Severity = "critical" // explains a large part of the time lost
)

// Verdict is the answer in one sentence, with a second one for the detail.
type Verdict struct {
	Severity Severity `json:"severity"` // info when nothing is wrong
	Headline string   `json:"headline"`
	Detail   string   `json:"detail"`
	Advice   string   `json:"advice"` // what to do; "" where the trace gives no reason for any
}

// Key are the figures at the top of every report.
type Key struct {
	LatencyP50  int64   `json:"latency_p50_ns"`
	LatencyP99  int64   `json:"latency_p99_ns"`
	LatencyP999 int64   `json:"latency_p999_ns"`
	LatencyMax  int64   `json:"latency_max_ns"`
	QueuePeak   int     `json:"runnable_peak"` // most goroutines runnable at once
	QueuePeakAt int64   `json:"runnable_peak_at_ns"`
	QueueMean   float64 `json:"runnable_mean"` // time-weighted
	Utilisation float64 `json:"p_utilisation"` // share of P time running a goroutine, in [0, 1]
	STWMax      int64   `json:"stw_max_ns"`
	STWTotal    int64   `json:"stw_total_ns"`
	GCShare     float64 `json:"gc_share"` // share of wall time inside a GC cycle, in [0, 1]
}

// Finding is one thing that the trace shows and that someone may want to act on.
type Finding struct {
	ID       string     `json:"id"`     // of the check; stable
	Number   int        `json:"number"` // 1 is the worst
	Of       int        `json:"of"`     // number of the finding whose time this one looks at too, which says why; 0 for none
	Severity Severity   `json:"severity"`
	Fails    Severity   `json:"-"` // from which on it fails a check against a fixture that has no such finding; "" for none does
	Root     *Root      `json:"-"` // of the slowest requests or tasks, which is the same: what this finding is about; nil for none
	Title    string     `json:"title"`
	CostNS   int64      `json:"cost_ns"` // what it cost, in the unit that CostOf names; within a severity findings are ranked by it, symptoms behind what explains them
	CostOf   string     `json:"cost_of"` // "goroutine time spent waiting", "P time idle" …; of more than the trace's length whose times were added up
	What     string     `json:"what"`
	Why      string     `json:"why"`
	Advice   string     `json:"advice"`
	Sure     string     `json:"sure"` // "certain", "high", "medium", "low"
	SureWhy  string     `json:"sure_why"`
	Evidence []Evidence `json:"evidence"`
	Moments  []Moment   `json:"moments"` // worst first
	Stacks   []Stack    `json:"stacks"`
}

// Evidence is one measured fact behind a finding.
type Evidence struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Moment is a window of the timeline that shows a finding.
type Moment struct {
	Start int64        `json:"start_at_ns"`
	End   int64        `json:"end_at_ns"`
	G     model.GoID   `json:"g"`
	P     model.ProcID `json:"p"`
	M     int64        `json:"m"` // the operating system's thread id
	Text  string       `json:"text"`
}

// Stack is a call stack, innermost frame first.
type Stack struct {
	Title  string  `json:"title"`
	Frames []Frame `json:"frames"`
}

// Frame is one call of a Stack.
type Frame struct {
	Func string `json:"func"`
	File string `json:"file"`
	Line uint64 `json:"line"`
}

// Check says what a check looked for and what it measured, whether or not it
// found anything.
type Check struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Measured  string `json:"measured"` // the figure it judged by
	Findings  int    `json:"findings"`
	Undecided string `json:"undecided"` // why this trace can't tell; "" when it can
}

// Rule is one rule of the scheduler's model against the trace.
//
// Agreed of Judged says how well the rule holds, and Judged of Applied on how
// much of what happened that rests: occasions that a trace can't tell about, or
// that the model could only explain by assuming the rule, are not judged.
type Rule struct {
	ID          string     `json:"id"` // stable
	Title       string     `json:"title"`
	Statement   string     `json:"statement"` // what Go 1.22 to 1.27 do
	Source      string     `json:"source"`    // where in the runtime
	Changed     string     `json:"changed"`   // between these versions; "" for nothing
	Article     string     `json:"article"`   // what the usual short account says; "" where it is silent
	Differs     string     `json:"differs"`   // where Go does otherwise; "" where it does not
	Evidence    string     `json:"evidence"`  // what an occasion is judged by, and what is only counted
	Unit        string     `json:"unit"`      // what the counts count: dispatches, steals … or ns, of time
	Applied     int64      `json:"applied"`   // occasions
	Judged      int64      `json:"judged"`    // of Applied
	Agreed      int64      `json:"agreed"`    // of Judged
	Certain     int64      `json:"certain"`   // of Judged: shown by events alone, or nothing else that the rule asks about the dispatch fits
	Undecided   string     `json:"undecided"` // why this trace can't tell; "" when it can, or when the rule never applied
	Note        string     `json:"note"`      // how many occasions of a kind can't be judged, and why; "" for none
	Parts       []RulePart `json:"parts"`
	Spread      Spread     `json:"distribution"`
	Divergences []Moment   `json:"divergences"` // worst first, at most five
}

// RulePart is one way in which a rule's occasions went.
type RulePart struct {
	Label string `json:"label"`
	Count int64  `json:"count"`
}

// Spread is a distribution of what Of says, in Unit. All is 0 and Bins empty
// where there is nothing to count.
type Spread struct {
	Of    string `json:"of"`
	Unit  string `json:"unit"` // ns, or a noun
	Count int64  `json:"count"`
	P50   int64  `json:"p50"`
	P90   int64  `json:"p90"`
	P99   int64  `json:"p99"`
	Max   int64  `json:"max"`
	Bins  []Bin  `json:"bins"`
}

// Bin counts values in [Lo, Hi).
type Bin struct {
	Lo    int64 `json:"lo"`
	Hi    int64 `json:"hi"`
	Count int64 `json:"count"`
}

// Latency is the distribution of the time from ready to execute.
type Latency struct {
	Count    int64    `json:"count"` // waits that ended in a dispatch
	Total    int64    `json:"total_ns"`
	Censored int64    `json:"censored"` // began before the trace or still waiting at its end; included as the lower bounds they are
	Longest  int64    `json:"longest_censored_ns"`
	P50      int64    `json:"p50_ns"`
	P90      int64    `json:"p90_ns"`
	P95      int64    `json:"-"` // for policies
	P99      int64    `json:"p99_ns"`
	P999     int64    `json:"p999_ns"`
	Max      int64    `json:"max_ns"`
	Buckets  []Bucket `json:"buckets"`
}

// Bucket counts waits in [Lo, Hi).
type Bucket struct {
	Lo    int64 `json:"lo_ns"`
	Hi    int64 `json:"hi_ns"`
	Count int64 `json:"count"`
}

// Dispatches says where dispatched goroutines came from.
type Dispatches struct {
	Count   int64         `json:"count"`
	Certain int64         `json:"certain"` // of Count: no other place fits the rules
	Sources []SourceCount `json:"sources"` // every source, in the order of model.Source
	Steals  StealMatrix   `json:"steals"`
	Resyncs int64         `json:"divergences"` // the trace contradicted the model's queues, which were then corrected
}

// SourceCount is one source of dispatches.
type SourceCount struct {
	Source  string `json:"source"`
	Count   int64  `json:"count"`
	Certain int64  `json:"certain"`
	Runtime int64  `json:"runtime_count"` // of Count: goroutines of the Go runtime
	Wait    int64  `json:"wait_total_ns"` // time its goroutines had been runnable
	Max     int64  `json:"wait_max_ns"`
}

// StealMatrix counts steals by thief and victim.
type StealMatrix struct {
	Steals     int64          `json:"steals"`
	Goroutines int64          `json:"goroutines"`     // moved by them
	Procs      []model.ProcID `json:"procs"`          // names of rows and columns
	Count      [][]int64      `json:"count"`          // [thief][victim]
	MoreProcs  int            `json:"procs_left_out"` // Ps beyond the 128 shown
}

// Handoffs counts Ps that left their M with work to do elsewhere.
type Handoffs struct {
	Count  int64          `json:"count"`
	Causes []HandoffCause `json:"causes"`
}

// HandoffCause is one cause of handoffs.
type HandoffCause struct {
	Cause string `json:"cause"`
	Count int64  `json:"count"`
	P50   int64  `json:"after_p50_ns"` // since the system call began; 0 where there was none
	P99   int64  `json:"after_p99_ns"`
	Max   int64  `json:"after_max_ns"`
}

// Preemptions counts goroutines that stopped running although they could have gone on.
type Preemptions struct {
	Count int64          `json:"count"`
	Kinds []PreemptCount `json:"kinds"`
}

// PreemptCount is one kind of preemption.
type PreemptCount struct {
	How     string `json:"how"` // signal, cooperative, gosched, goyield, unknown
	Count   int64  `json:"count"`
	Runtime int64  `json:"runtime_count"` // of Count: goroutines of the Go runtime
	P50     int64  `json:"ran_p50_ns"`
	P99     int64  `json:"ran_p99_ns"`
	Max     int64  `json:"ran_max_ns"`
}

// GC is what collection cost.
type GC struct {
	Cycles     int64      `json:"cycles"`         // mark phases that overlap with what was analysed
	Mark       int64      `json:"mark_ns"`        // wall time inside concurrent mark phases
	Workers    int64      `json:"worker_ns"`      // P time of mark workers
	Assist     int64      `json:"assist_ns"`      // goroutine time running inside mark assists
	AssistWait int64      `json:"assist_wait_ns"` // goroutine time blocked or runnable inside them
	Sweep      int64      `json:"sweep_ns"`       // P time in sweeping by user goroutines
	STWCount   int64      `json:"stw_count"`
	STWTotal   int64      `json:"stw_ns"`
	STWs       []STWKind  `json:"stw_kinds"`
	MMU        []MMUPoint `json:"mmu"` // shortest window first; empty where nothing was collected
	Ranges     []GCRange  `json:"-"`   // for pictures; at most MaxRanges
	RangesLeft int64      `json:"-"`   // ranges beyond those kept
}

// STWKind is stop-the-world pauses of one cause.
type STWKind struct {
	Cause string `json:"cause"`
	Count int64  `json:"count"`
	Total int64  `json:"total_ns"`
	Max   int64  `json:"max_ns"`
	MaxAt int64  `json:"max_at_ns"`
}

// GCRange is a mark phase or a stop-the-world pause, for pictures.
type GCRange struct {
	Start, End int64
	STW        bool
	Cause      string
}

// ProcTime is how one P spent its time.
type ProcTime struct {
	P          model.ProcID `json:"p"`
	Running    int64        `json:"running_ns"`   // a goroutine ran
	GCWorker   int64        `json:"gc_worker_ns"` // of Running: a mark worker did
	Syscall    int64        `json:"syscall_ns"`   // its goroutine was in a system call, the P not yet taken
	Sched      int64        `json:"sched_ns"`     // held by an M that ran no goroutine: looking for work
	Idle       int64        `json:"idle_ns"`
	Dispatches int64        `json:"dispatches"`
	StolenFrom int64        `json:"stolen_from"`
	QueuePeak  int          `json:"queue_peak"` // most goroutines in its local queue, as those found it that took one out
}

// Threads is how many Ms there were.
type Threads struct {
	Count   int   `json:"count"`           // distinct
	Running int64 `json:"with_p_ns"`       // thread time holding a P: what the P did then is in Procs
	Syscall int64 `json:"in_syscall_ns"`   // thread time in system calls whose P was taken
	Parked  int64 `json:"parked_ns"`       // thread time without a P or a system call
	Peak    int   `json:"in_syscall_peak"` // most blocked in system calls at once
	PeakAt  int64 `json:"in_syscall_peak_at_ns"`
	LateNew int   `json:"first_seen_late"` // first seen after the trace's first tenth
}

// FunctionTime is the time of all goroutines that run one function: that started with
// it, or with one that only runs what it was given, as errgroup and WaitGroup.Go do.
// Running + Runnable + Syscall + the blocked times is Total, exactly.
type FunctionTime struct {
	Name       string       `json:"name"` // "" when unknown
	Goroutines int64        `json:"goroutines"`
	Total      int64        `json:"total_ns"` // lifetimes within the trace
	Running    int64        `json:"running_ns"`
	Runnable   int64        `json:"runnable_ns"`
	Syscall    int64        `json:"syscall_ns"`
	Blocked    []ReasonTime `json:"blocked"`   // longest first
	Assist     int64        `json:"assist_ns"` // of Running: inside mark assists
	Dispatches int64        `json:"dispatches"`
	WaitP99    int64        `json:"wait_p99_ns"`
	WaitMax    int64        `json:"wait_max_ns"`
	Runtime    bool         `json:"runtime"`    // belongs to the Go runtime
	Unknown    int64        `json:"unknown_ns"` // of Total: state not told by the trace
	Parked     int64        `json:"parked"`     // of Goroutines: blocked, or in a system call, all the while
	ParkedNS   int64        `json:"parked_ns"`  // of Total: theirs
	Seen       Frame        `json:"seen"`       // in the program's own code, where they were last seen after most of Running; empty where that is nowhere but in the function itself
	SeenFrom   string       `json:"seen_from"`  // function of the program that had called that; "" for none, or the function itself
	SeenNS     int64        `json:"seen_ns"`    // of Running: stretches that ended in Seen's function

	// For policies. They are no part of the JSON.
	Waits    int64 `json:"-"` // from ready to execute, those cut off by the trace's ends too
	WaitP50  int64 `json:"-"`
	WaitP90  int64 `json:"-"`
	WaitP95  int64 `json:"-"`
	WaitP999 int64 `json:"-"`
	// Of ParkedNS, in system calls; the rest was blocked for a reason not told.
	ParkedCalls int64 `json:"-"`
	At          Frame `json:"-"` // where the function stands in the source; empty when unknown
}

// ReasonTime is time blocked for one reason.
type ReasonTime struct {
	Reason string `json:"reason"`
	NS     int64  `json:"ns"`
	Count  int64  `json:"count"`
}

// TaskTime is the user tasks of one name.
type TaskTime struct {
	Name  string `json:"name"`
	Count int64  `json:"count"` // ended within what was analysed
	Open  int64  `json:"open"`  // begun and not ended within it
	Total int64  `json:"total_ns"`
	P50   int64  `json:"p50_ns"`
	P99   int64  `json:"p99_ns"`
	Max   int64  `json:"max_ns"`
	MaxAt int64  `json:"max_at_ns"`
}

// Episode is one long wait from ready to execute, and who ran meanwhile.
type Episode struct {
	G        model.GoID   `json:"g"`
	Func     string       `json:"func"`
	Start    int64        `json:"start_at_ns"`
	Wait     int64        `json:"wait_ns"`
	Censored bool         `json:"censored"` // still waiting at the end, or already at the beginning
	P        model.ProcID `json:"p"`        // on whose queue it waited, as far as known; -1 the global queue or unknown
	Where    string       `json:"where"`    // runnext, local, global, unknown …
	Source   string       `json:"source"`   // of the dispatch that ended it; "" when censored
	Certain  bool         `json:"certain"`
	RanOn    model.ProcID `json:"ran_on"`
	Ran      int64        `json:"ran_ns"`   // of Wait: goroutines ran on P, or on RanOn where P is -1
	Culprits []Culprit    `json:"culprits"` // who did, the five that ran longest

	// Of Wait, from its beginning: who ran then is not remembered, as very many
	// did since.
	Forgotten int64 `json:"forgotten_ns"`
}

// Culprit is a goroutine that ran where another waited.
type Culprit struct {
	G    model.GoID `json:"g"`
	Func string     `json:"func"` // that it ran: see FunctionTime.Name
	At   Frame      `json:"at"`   // in the program's own code, where it was last seen after most of NS; empty where that does not show
	NS   int64      `json:"ns"`
}

// Overview is the whole trace in at most OverviewColumns columns of equal
// width: what every picture of it is drawn from when exact slices are too many.
type Overview struct {
	Width    int64       `json:"column_ns"`
	Columns  int         `json:"columns"`
	Runnable []float64   `json:"runnable_mean"` // per column, time-weighted
	Peak     []int       `json:"runnable_peak"`
	GC       []float64   `json:"gc_share"` // share of the column inside a mark phase
	STW      []float64   `json:"stw_share"`
	Procs    []ProcTiles `json:"procs"`
}

// ProcTiles is one P's share of time per column and SliceKind, each in [0, 1];
// what is missing to 1 is idle.
type ProcTiles struct {
	P     model.ProcID             `json:"p"`
	Share [NumSliceKinds][]float32 `json:"share"`
}

// OverviewColumns bounds Overview.Columns.
const OverviewColumns = 1024

// NoEvents is the verdict on a trace that can be read and has nothing in it.
var NoEvents = Verdict{Severity: SeverityWarning, Headline: "The trace has no events.",
	Detail: "Tracing was started but nothing was written before the file was closed. Record it again, and call trace.Stop (or let the request end) before reading it."}
