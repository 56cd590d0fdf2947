// Package load turns bytes into batches of events, and says what was lost. It alone
// reads the format of Go's tracer.
package load
