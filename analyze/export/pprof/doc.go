// Package pprof makes profiles for pprof, and for what else reads its format, of traces:
// where goroutines waited for a P, were blocked, were in system calls or ran, by stack.
//
// Make is the way in. What it does with a trace, one after the other:
//
//	stretches  cuts what goroutines did into parts, each with a stack and a task
//	serving    tells of each part which handler was served in it
//	selecting  passes on what lies in the instances that are asked for, if any are
//	sums       adds up by stack and labels
//	building   writes that as a profile
package pprof
