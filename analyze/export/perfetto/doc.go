// Package perfetto writes a trace in Perfetto's format, to be opened at ui.perfetto.dev or
// asked by its trace_processor: TrackEvents on tracks of Ps, threads and goroutines, what
// the program marked itself, and what gmptrace found.
//
// It writes while it reads. What it holds of the trace is bounded: a goroutine has a track
// of its own only as long as those are not more than asked for, and names are forgotten
// and told anew when they become many. What is left out by that is said in the file.
//
// # How the file is laid out
//
// Packets are in sequences, whose names and clocks count for themselves: one for each P,
// so that its slices need no name of their track and only say how long after each other
// they are; one for all goroutines, one for threads, one for counters, and one for the
// rest. Each writes its packets some at a time, as what is alike takes less room together. Times are the trace's own, in nanoseconds: the clock of the whole is BOOTTIME, as
// Perfetto calls what needs no translation, whatever clock the program's machine had.
// Packets are not in the order of time, which Perfetto does not need: a slice is written
// when it has ended, and findings come last. Of packets of one time on one track, those
// written first come first.
//
// The numbers of fields are from Perfetto's protos/perfetto/trace, as published.
package perfetto
