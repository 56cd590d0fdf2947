// Package anonymize writes a trace with other names: one that can be shown to somebody
// else, and of which every analysis says the same.
//
// Functions, files, tasks, regions, messages and packages are numbered in the order in
// which the trace has them: pkg3.(*type1).method2 tells nothing, where a hash of a name
// could be compared with those of names that were guessed. What a name is made of stays,
// as far as analyses go by it: that a function is a closure of another, a method of a
// type, in the file of a test or of a module. So do names that they know: those of the
// standard library, of gRPC, of routers; the methods of common interfaces, such as
// ServeHTTP; and that a type is called a mutex, a group, a client or a transport.
//
// Threads and program counters are numbered likewise, the date is another, and the clock
// starts anew. Lines, lengths, ids of goroutines and Ps, sizes of the heap and numbers
// of everything stay. Of what the machine said within the trace, the counters stay.
//
// Nothing is copied that is not understood: what of a damaged trace can't be read, and
// experiments, are not in the output.
package anonymize
