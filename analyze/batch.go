package analyze

import "gmptrace/model"

// batch is a run of a generation's events, translated. Indices in the events
// (stacks, strings, Ms) count within the generation; what the tables gained
// since the batch before it comes along, so that the replay can extend its own
// tables without sharing memory with the decoder.
//
//	Event.Stack  1-based into the generation's stacks, 0 for none
//	Event.Arg    where Op says string: 1-based into the generation's strings, 0 for ""
//	Event.M      0-based into the generation's threads, -1 for none
type batch struct {
	gen     int  // generation, counted from 1 in the order of the input
	first   bool // the generation's first batch: tables start afresh
	events  []model.Event
	stacks  []stackFrames
	strings []string
	threads []int64 // the operating system's thread ids
}

// stackFrames is a stack as decoded, innermost frame first. key is equal for
// equal stacks of any generation.
type stackFrames struct {
	key    string
	frames []Frame
}
