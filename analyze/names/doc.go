// Package names knows what a trace calls things, and what a stack tells. A Table has the
// functions, stacks, strings and threads by the numbers that model.Facts have for them:
// a watcher reads that of its session. Beside it stands what frames say: which is the
// program's own, which locks a mutex, which belong to the runtime.
//
// There are two ways to name a goroutine, and no third. Places tells where it stands: the
// innermost frame of the program's own code on a stack. Starts tells what it runs, where
// no stack does or what is named has to be the same in other traces: the function that it
// started with, or what that was given to run.
//
// Numbering and StackFrames are for who fills a Table.
package names
