// Package replay reads a trace, drives the model through it and tells watchers what
// that finds out. Every analysis is a Watcher, ours or somebody else's: Run is the one
// way in.
//
//	c := &counter{}
//	tr, err := replay.Run(ctx, r, replay.Options{}, func(s *replay.Session) { s.Add(c) })
//
// # How to write a watcher
//
// Watch gets model.Facts: slices of what happened, by kind. Take the kinds that answer
// the question, and keep aggregates, a stat.Sketch, a stat.TopK of the worst with their
// evidence, never the facts themselves: a trace may be larger than memory, and the facts
// are used again.
//
// Within a kind facts are in order of time; between kinds they are not. Who needs two
// kinds in one order merges them by time. How many come in one call says nothing: what
// spans two calls has to be kept from one to the next, and what has not ended when the
// trace does is in Facts as open, or is what the watcher still holds when Run returns.
//
// Goroutines, Ps and threads are told by number, functions and stacks by numbers in
// Session.Names. Times are the trace's own; Session.Offset makes nanoseconds from its
// first event of them. Facts are cut to Session.Window, unless WholeTrace asks for all;
// Facts.Events alone are never cut.
//
// What other watchers know is asked of them: their constructor takes the Session, and
// Shared makes each of them once and has it told before whoever asks. One that fills a
// part of a report is a Filler.
package replay
