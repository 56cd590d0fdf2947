package names

import "gmptrace/analyze/report"

// Package is the import path in a function's full name.
func Package(fn string) string { return packageOf(fn) }

// Foreign reports whether a frame is of the standard library or of a module that the
// program uses. One of a program that was installed out of the cache of modules counts
// as a module's too: what tells them apart shows only when all of the trace has been
// read, see Places.
func Foreign(f *report.Frame) bool { return Standard(f) || ofModule(f.File) }
