// Package fleet tells of many traces what one does not show: which cause eats the slow
// requests, on which hosts, since which build.
//
//	trace ──▶ Map ──▶ Rows ──▶ Fleet.Add ──▶ Fleet.Merge ──▶ Fleet.Result
//
// What is kept of a trace is small and depends on that trace alone: Rows, which are a file
// of Parquet of about 20 kB that DuckDB and others read where it lies (SQL has a macro that
// tells the same quantiles). So traces can be read anywhere, by as many as there are, each
// once: Key says under what to keep them.
//
// What rows say together is a Fleet: sums, so that it makes no difference in which order
// traces are added and parts of a fleet are merged; a Fleet travels by MarshalBinary. The
// Result is the same then, down to its bytes as JSON.
//
// A flight recorder's snapshots tell why they were taken, their trigger. Those taken because
// something was slow are a biased sample of how long things take: quantiles are of those
// that were taken by chance, and causes of slow ones are counted among the slow ones.
//
// # Rows
//
// The columns are Row's. Every row has the first ones, which say which trace it is of:
//
//	trace       Key of the trace
//	host, build, trigger, program, go_version
//	quality     complete, partial or unreadable
//
// and kind says what else there is:
//
//	trace       path, start, duration_ns, events, gomaxprocs, losses, severity, title, detail, advice
//	finding     id, number, severity, title, advice, sure, cost_ns, cost_of, func, file, line, at_ns
//	cause       id (kind of root), number, title, advice, sure, cost_ns, typical_ns, longer_ns, count, of, name, func, file, line
//	series      of, name, series, count, unfinished, sum_ns, least_ns, greatest_ns
//	bin         of, name, series, bin, count, lo_ns, hi_ns, mid_ns; least_ns, greatest_ns of its series
package fleet

import _ "embed"

// SQL are macros over rows, in the dialect of DuckDB: sketches merged by a query give the
// quantiles that a Result has.
//
//go:embed fleet.sql
var SQL string
