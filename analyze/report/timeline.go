package report

import "gmptrace/model"

// SliceKind is what a P did during a slice of the timeline.
type SliceKind uint8

// The kinds of slices. A P that does none of these is idle.
const (
	SliceUser     SliceKind = iota // a goroutine of the program ran
	SliceRuntime                   // a goroutine of the runtime ran, other than a mark worker
	SliceGCWorker                  // a mark worker ran
	SliceAssist                    // a goroutine ran and did GC assist work all the while
	SliceSyscall                   // its goroutine was in a system call, the P not yet taken
	SliceSched                     // held by an M that ran no goroutine: looking for work
	NumSliceKinds
)

// String is the kind's name in reports.
func (k SliceKind) String() string {
	return [...]string{"user goroutine", "runtime goroutine", "GC worker", "GC assist", "syscall", "looking for work", "?"}[min(k, NumSliceKinds)]
}

// Timeline is what one picture in full detail needs: a track per P with its
// slices, and the marks of decisions. It is kept only where Options.Slices asks
// for it and up to that many slices; beyond, Complete is false and Kept says
// which windows still have all their slices.
type Timeline struct {
	Tracks   []*Track
	Names    []string     // names of Slice.Name: what goroutines run, see FunctionTime
	Marks    []Mark       // in order of time
	Depth    []DepthPoint // changes of the number of runnable goroutines, thinned
	Threads  []int64      // by Slice.M: the operating system's ids
	Stops    []Stop       // by Slice.Stop; 0 is none
	Blocked  []Blocked    // in order of their ends
	Complete bool
	Kept     []Window // in order of time; the whole trace when Complete
	LeftOut  int64    // slices not kept
	Lanes    Lanes

	Parts []KeptPart // of Kept, each to be left out whole
}

// Window is a part of the trace in full detail.
type Window struct{ Start, End int64 }

// Blocked is a stretch in which a system call held a thread that had no P.
type Blocked struct {
	Start, End int64
	M          int32
}

// DepthPoint is the number of runnable goroutines from a moment on.
type DepthPoint struct {
	At int64
	N  int
}

// MarkKind is a kind of decision shown on the timeline.
type MarkKind uint8

// The kinds of marks.
const (
	MarkSteal MarkKind = iota
	MarkTick           // a 61-tick pull
	MarkHandoff
	MarkPreempt
	NumMarkKinds
)

// String is the kind's name in reports.
func (k MarkKind) String() string {
	return [...]string{"steal", "61-tick pull", "handoff", "preemption", "?"}[min(k, NumMarkKinds)]
}

// Mark is one decision at one moment on one P.
type Mark struct {
	At   int64
	P    model.ProcID
	From model.ProcID // victim of a steal, else -1
	Kind MarkKind
}

// Slice is a stretch of time in which one P did one thing.
type Slice struct {
	Start, End int64 // from the trace's first event
	G          model.GoID
	Name       uint32 // index in Timeline.Names
	Kind       SliceKind
	Source     model.Source // where G was dispatched from; unknown for slices that go on after a stop
	Certain    bool

	Wait int64      // how long G had been runnable when it was dispatched; 0 where Source is unknown
	By   model.GoID // who made it runnable, -1 for nobody or not known
	M    int32      // index in Timeline.Threads, -1 when not known
	Stop uint32     // index in Timeline.Stops: how G stopped at the slice's end, 0 if it did not
}

// Stop is how a goroutine stopped running.
type Stop struct {
	Why   string  // "blocked: chan receive", "preempted", "yielded", "ended"
	Stack []Frame // where, innermost frame first; empty if the trace shows none
	At    Frame   // which of Stack says most: the innermost of the program's own code, if any
}

// Lanes are what there is over all of the time beside slices.
type Lanes struct {
	Heap   []HeapPoint // in order of time; empty where the trace has none
	Width  int64       // of a column of States, in nanoseconds
	States [NumGoStates][]float64

	Spans     []SpanLane // most time first
	MoreSpans int        // names that have no lane
	Untold    int64      // tasks and regions of still more names, or of too many at once
	Logs      []LogPoint // in order of time

	Samples CPUSamples
}

// HeapPoint is the heap in bytes from a moment on; 0 for not known. Where several changes
// make one point, Live is the largest.
type HeapPoint struct{ At, Live, Goal int64 }

// GoState is what a goroutine does, as lanes count it.
type GoState uint8

// The states that are counted.
const (
	GoRunning GoState = iota
	GoSyscall
	GoRunnable
	GoWaiting
	NumGoStates
)

// String is the state's name in reports.
func (s GoState) String() string {
	return [...]string{"running", "in a system call", "runnable", "blocked", "?"}[min(s, NumGoStates)]
}

// KeepWindow adds a window in full detail, joined with the one before it where
// they touch.
func (t *Timeline) KeepWindow(start, end int64) {
	if n := len(t.Kept); n > 0 && t.Kept[n-1].End >= start {
		t.Kept[n-1].End = max(t.Kept[n-1].End, end)
		return
	}
	t.Kept = append(t.Kept, Window{start, end})
}
