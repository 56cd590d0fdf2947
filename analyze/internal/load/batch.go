package load

import (
	"gmptrace/analyze/names"
	"gmptrace/model"
)

// batchEvents is how many events a full batch holds.
const batchEvents = 2048

// Batch is a run of a generation's events, translated. It belongs to load, which
// uses it again once the sink that was given it returns: a sink copies what it
// keeps (frames and strings, which are never written to, need no copy). Indices in the events
// (stacks, strings, Ms) count within the generation; what the tables gained
// since the batch before it comes along, so that the replay can extend its own
// tables without sharing memory with the decoder.
//
//	Event.Stack  1-based into the generation's stacks, 0 for none
//	Event.Arg    where Op says string: 1-based into the generation's strings, 0 for ""
//	Event.M      0-based into the generation's threads, -1 for none
type Batch struct {
	Gen     int    // generation, counted from 1 in the order of the input
	First   bool   // the generation's first batch: tables start afresh
	Format  string // of the trace, as its header says it: "go 1.26"
	Events  []model.Event
	Stacks  []names.StackFrames
	Strings []string
	Threads []int64        // the operating system's thread ids
	Nth     []uint32       // of the events that begin a generation: their numbers among all that its reader gave, its Sync being 1
	Last    model.Time     // of all that the reader gave so far
	Clock   *ClockSnapshot // on a generation's first batch, where the trace has one; else nil
}
