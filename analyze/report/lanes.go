package report

import "gmptrace/model"

// SpanLane is the tasks of a name with the regions inside of them, or the regions of a name
// that are of no task. Of many the longest are kept.
type SpanLane struct {
	Kind    InstanceKind // KindTask or KindRegion
	Name    string
	Spans   []Span // tasks, or regions of no task: in order of time
	Regions []Span // inside of Spans; in order of time
	LeftOut int64  // tasks and regions that are not kept
}

// Span is a task or a region over time.
type Span struct {
	Start, End int64
	G          model.GoID // that began it
	Name       string     // of a region inside of a task
	In         int        // index in SpanLane.Spans of the task that a region is in
	Open       bool       // it had not ended when the trace did
}

// LogPoint is messages that the program logged one soon after the other: the first, and how
// many there are.
type LogPoint struct {
	At   int64
	G    model.GoID
	Text string
	N    int64
}

// MMUPoint is a point of the curve of minimum mutator utilisation: of all windows so long
// the least share of the Ps' time that collecting garbage left to the program.
type MMUPoint struct {
	Window      int64   `json:"window_ns"`
	Utilisation float64 `json:"utilisation"`
}

// CPUSamples are what the CPU profiler found running, where it ran while the trace was taken.
type CPUSamples struct {
	All    int64       // that the trace has
	Every  int64       // 1 if List has all of them, 2 for every second and so on
	List   []CPUSample // in order of time
	Stacks [][]Frame   // innermost frame first
}

// CPUSample is one of them. P and G are -1 where the thread had none.
type CPUSample struct {
	At    int64
	P     model.ProcID
	G     model.GoID
	M     int32 // index in Timeline.Threads, -1 if none is known
	Stack int   // index in CPUSamples.Stacks
}
