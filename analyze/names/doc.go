// Package names knows what a trace calls things, and what a stack tells: the
// program's own frame, a lock, the runtime.
package names
