// Package explain says where the time of requests, tasks, regions, goroutines, log
// messages and stalls went: what each nanosecond of them was spent on, along the path of
// who waited for whom, and what the slow ones have that typical ones have not.
//
// Explain is the way in, for one trace and one Selector. AddSlowest and AddSpans make a
// session fill what a report says of that, and a Finder finds instances in the facts for
// whoever compares their lengths.
package explain
