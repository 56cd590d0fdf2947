package report

import "gmptrace/model"

// InstanceKind is what an Instance is one of.
type InstanceKind string

// The kinds.
const (
	KindGoroutine InstanceKind = "goroutine" // from its creation to its end
	KindTask      InstanceKind = "task"      // a user task, from beginning to end
	KindRegion    InstanceKind = "region"    // a user region, from beginning to end
	KindLog       InstanceKind = "log"       // from the beginning of what a message was logged in to the message
	KindRequest   InstanceKind = "request"   // served or sent by net/http or gRPC
	KindAt        InstanceKind = "at"        // a goroutine was seen in a function, at every stop from the first to the last
	KindTurn      InstanceKind = "turn"      // from when a goroutine of the program had something to read from a connection until it read again
	KindMain      InstanceKind = "main"      // the main goroutine, as far as the trace has it
	KindStall     InstanceKind = "stall"     // a wait of one of the program's goroutines for a P, a lock or the collector, or a system call
)

// Explanation says where the time of some instances of one thing went. Its JSON
// form is documented in analyze/schema/explain.schema.json; units are those of
// Report.
type Explanation struct {
	Schema     string        `json:"schema"`
	Version    string        `json:"gmptrace_version"`
	Trace      Trace         `json:"trace"`
	Kind       InstanceKind  `json:"kind"`
	What       string        `json:"what"`     // what was selected, in words
	Name       string        `json:"name"`     // of those that are explained, "" where all are
	Called     string        `json:"-"`        // what those are called in words: "requests of main.get"
	Others     bool          `json:"-"`        // typical ones are of others, which show no handler
	Headline   string        `json:"headline"` // the answer: what was slow, and what most of the time went to
	Detail     string        `json:"detail"`
	Advice     string        `json:"advice"` // what to do; "" where the trace gives no reason for any
	Sure       string        `json:"sure"`   // of the answer, as of a Finding; "" where nothing is slow
	SureWhy    string        `json:"sure_why"`
	Next       string        `json:"next"`          // the command that tells more, with the trace's name
	Roots      []Root        `json:"roots"`         // of the slow ones, what they have more of first; sums to Slow.Mean
	Usual      []Root        `json:"typical_roots"` // of typical ones, most first; sums to the mean of those of Typical that are looked at closely, 16 at most. Typical is 0 in them
	Durations  Durations     `json:"durations"`
	Causes     []CauseTime   `json:"causes"`  // over all instances, most first; sums to Durations.Total. Where none has ended, over Slowest
	Typical    Group         `json:"typical"` // those between the quartiles; of none where there are too few
	Slow       Group         `json:"slow"`    // the slowest ones; of stalls, which many small ones add up to, all
	Extra      []CauseChange `json:"extra"`   // what the slow ones have more or less of, most first; sums to the difference of the means
	Slowest    []Instance    `json:"slowest"` // slowest first
	Unfinished int64         `json:"unfinished"`
	Groups     []Population  `json:"groups"` // all that were selected, by name: the one that is explained first
	Notes      []string      `json:"notes"`  // what can't be told, or was assumed
}

// Population is the instances of one name.
type Population struct {
	Name       string `json:"name"`
	Count      int64  `json:"count"`
	Unfinished int64  `json:"unfinished"` // of Count: they had not ended when the trace did, and count as far as they went
	Total      int64  `json:"total_ns"`
	Lost       int64  `json:"lost_ns"` // of Total, by which they are ordered: beyond the median, or waited for a P, the collector or without an end
	P50        int64  `json:"p50_ns"`
	P99        int64  `json:"p99_ns"`
	Max        int64  `json:"max_ns"`
}

// Durations is the distribution of the instances' lengths.
type Durations struct {
	Count   int64    `json:"count"` // instances, the unfinished ones as far as they went
	Total   int64    `json:"total_ns"`
	P50     int64    `json:"p50_ns"`
	P90     int64    `json:"p90_ns"`
	P99     int64    `json:"p99_ns"`
	P999    int64    `json:"p999_ns"`
	Max     int64    `json:"max_ns"`
	Buckets []Bucket `json:"buckets"`
}

// CauseTime is time that went to one cause.
type CauseTime struct {
	BlockedFor string `json:"blocked_for"` // the reason that the explained goroutine was blocked for meanwhile; "in line" of a task that had yet to be taken up by who ended it; "" if it was neither
	Cause      string `json:"cause"`       // of it, or of the goroutine that it waited for
	Parent     string `json:"parent"`      // what Cause is a part of, as Cause.Parent has it
	NS         int64  `json:"ns"`
	Text       string `json:"text"` // both in words
}

// Group is some instances together.
type Group struct {
	Count  int64       `json:"count"`
	Mean   int64       `json:"mean_ns"`
	Causes []CauseTime `json:"causes"` // means, most first
}

// CauseChange is how much more of a cause the slow ones have than the typical
// ones.
type CauseChange struct {
	BlockedFor string `json:"blocked_for"`
	Cause      string `json:"cause"`
	Parent     string `json:"parent"`
	Typical    int64  `json:"typical_ns"` // mean
	Slow       int64  `json:"slow_ns"`    // mean
	Text       string `json:"text"`
}

// Instance is one of the slowest.
type Instance struct {
	Name        string       `json:"name"` // of the task, region or handler; the function that the goroutine started with
	Task        int64        `json:"task"` // id of the task; -1 for none
	G           model.GoID   `json:"g"`    // that it ended on
	Func        string       `json:"func"` // that G runs or, where that is not of the program, in which it was last seen
	Start       int64        `json:"start_at_ns"`
	Duration    int64        `json:"duration_ns"`
	Unfinished  bool         `json:"unfinished"` // still going on when the trace ended: Duration is a lower bound
	Logs        []string     `json:"logs"`       // messages logged in it, the first ones
	Story       []string     `json:"story"`      // what took its time, in sentences, most first
	Causes      []CauseTime  `json:"causes"`     // most first; sums to Duration
	States      []StateTime  `json:"states"`     // of G alone; sums to Duration
	Antagonists []Antagonist `json:"antagonists"`
	Samples     []SampleTime `json:"cpu_samples"` // of the goroutines on its path, while they ran
	Spent       []Spent      `json:"spent"`       // what the path consists of, most first; sums to Duration
	Path        []PathStep   `json:"path"`        // in order; sums to Duration
}

// Spent is what of an instance's time went to one cause at one place: all stretches of
// its path that are alike in that, whichever goroutine did them.
type Spent struct {
	NS     int64      `json:"ns"`
	Count  int64      `json:"count"`       // stretches
	First  int64      `json:"first_at_ns"` // when the first one began
	G      model.GoID `json:"g"`           // whose they are; -1 of several
	Func   string     `json:"func"`        // that it started with; "" where that differs
	Cause  string     `json:"cause"`       // as Cause.Parent has it; "several" for what is left of short stretches
	At     Frame      `json:"at"`          // where that was: of who did it, or who had the P; empty where it does not show
	Stood  Frame      `json:"stood"`       // where the explained goroutine was blocked meanwhile; empty where it was not
	Likely bool       `json:"likely"`      // as of a PathStep
	Places int64      `json:"places"`      // that are summed here: 1 but for "several"
	Text   string     `json:"text"`
}

// StateTime is time in one state of a goroutine.
type StateTime struct {
	State  string `json:"state"`  // running, runnable, syscall, blocked, not-created, unknown
	Reason string `json:"reason"` // of blocked
	NS     int64  `json:"ns"`
}

// Antagonist is a goroutine that had the P while those on an instance's path
// waited for it. Where thousands had, NS is a lower bound: short times may be left out.
type Antagonist struct {
	G     model.GoID   `json:"g"`
	Func  string       `json:"func"` // in which it was last seen, of the program, else that it runs
	P     model.ProcID `json:"p"`
	Cause string       `json:"cause"`
	NS    int64        `json:"ns"`
}

// SampleTime is how often the CPU profiler found a function running.
type SampleTime struct {
	Func  string `json:"func"`
	Count int64  `json:"count"`
}

// PathStep is a stretch of an instance's critical path.
type PathStep struct {
	Start      int64        `json:"start_at_ns"`
	NS         int64        `json:"ns"`
	G          model.GoID   `json:"g"`           // whose stretch it is
	Func       string       `json:"func"`        // that G runs, or in which it was last seen
	Depth      int          `json:"depth"`       // how many goroutines the explained one waits for G through; 0 for itself
	BlockedFor string       `json:"blocked_for"` // as in CauseTime
	Cause      string       `json:"cause"`
	Reason     string       `json:"reason"`  // why G was blocked, where it was and nobody is known that ended it
	P          model.ProcID `json:"p"`       // where G ran, or the P that it waited for
	By         model.GoID   `json:"by"`      // goroutine that had that P; -1 for none
	ByFunc     string       `json:"by_func"` // in which that was last seen, of the program, else that it runs
	At         Frame        `json:"at"`      // where G stopped; empty where the trace does not say
	Likely     bool         `json:"likely"`  // G is taken for who served the other end of a connection, in the same program: a trace does not say so
	Several    int          `json:"several"`
	Text       string       `json:"text"`
}

// Slowest says where the time of a program's slowest requests went, or of its
// slowest tasks where it served none. It is what Explain says of them, in short:
// Kind is "" where there is neither.
type Slowest struct {
	Kind       InstanceKind  `json:"kind"` // request, task, turn or main; "" for none
	What       string        `json:"what"` // in words
	Name       string        `json:"name"` // of those that are explained
	Called     string        `json:"-"`    // as of an Explanation, as the next one
	Others     bool          `json:"-"`
	Headline   string        `json:"headline"` // the answer; "" for none
	Detail     string        `json:"detail"`
	Advice     string        `json:"advice"`
	Roots      []Root        `json:"roots"`
	Groups     []Population  `json:"groups"`
	Durations  Durations     `json:"durations"`
	Typical    Group         `json:"typical"`   // those between the quartiles; of none where there are too few
	Slow       Group         `json:"slow"`      // the slowest ones
	Extra      []CauseChange `json:"extra"`     // what the slow ones have more or less of, most first
	Instances  []Instance    `json:"instances"` // slowest first, at most explain.DefaultTop
	Unfinished int64         `json:"unfinished"`
	Notes      []string      `json:"notes"`
}

// SpanTime is the tasks, regions or requests of one name.
type SpanTime struct {
	Kind  InstanceKind // KindTask, KindRegion or KindRequest
	Sent  bool         // of requests: sent by the program, not served
	Name  string       // of the task or region; function of the handler, or that sent the request; "" when unknown
	At    Frame        // where it begins, or where the handler stands; empty when unknown
	Count int64        // ended within what was analysed; the lengths below are theirs
	Open  int64        // begun and not ended within it
	Total int64        // ns, as are the following
	P50   int64
	P90   int64
	P95   int64
	P99   int64
	P999  int64
	Max   int64
	MaxAt int64 // when the longest began, from the trace's first event
}

// SpanCauses says what the time of the requests or tasks of one name went to.
type SpanCauses struct {
	Kind   InstanceKind // KindTask or KindRequest; of requests, served ones
	Name   string       // as in SpanTime
	Count  int64        // that were looked at: of many a sample
	Total  int64        // ns, of all these
	Causes []CauseTime  // most first; sums to Total
}
