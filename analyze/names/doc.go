// Package names knows what a trace calls things, and what a stack tells. A Table has the
// functions, stacks, strings and threads by the numbers that model.Facts have for them:
// a watcher reads that of its session. Beside it stands what frames say: which is the
// program's own, which locks a mutex, which belong to the runtime.
//
// Numbering and StackFrames are for who fills a Table.
package names
