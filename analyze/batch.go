package analyze

import "gmptrace/model"

// batchEvents is how many events a full batch holds.
const batchEvents = 2048

// batch is a run of a generation's events, translated. It belongs to load, which
// uses it again once the sink that was given it returns: a sink copies what it
// keeps (frames and strings, which are never written to, need no copy). Indices in the events
// (stacks, strings, Ms) count within the generation; what the tables gained
// since the batch before it comes along, so that the replay can extend its own
// tables without sharing memory with the decoder.
//
//	Event.Stack  1-based into the generation's stacks, 0 for none
//	Event.Arg    where Op says string: 1-based into the generation's strings, 0 for ""
//	Event.M      0-based into the generation's threads, -1 for none
type batch struct {
	gen     int    // generation, counted from 1 in the order of the input
	first   bool   // the generation's first batch: tables start afresh
	format  string // of the trace, as its header says it: "go 1.26"
	events  []model.Event
	stacks  []stackFrames
	strings []string
	threads []int64        // the operating system's thread ids
	nth     []uint32       // of the events that begin a generation: their numbers among all that its reader gave, its Sync being 1
	last    model.Time     // of all that the reader gave so far
	clock   *clockSnapshot // on a generation's first batch, where the trace has one; else nil
}

// stackFrames is a stack as decoded, innermost frame first. key is equal for
// equal stacks of any generation.
type stackFrames struct {
	key    string
	frames []Frame
}
