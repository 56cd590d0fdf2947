// Package replay reads a trace, drives the model through it and tells watchers what
// that finds out. Every analysis is a Watcher, ours or somebody else's.
package replay
