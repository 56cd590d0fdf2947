// Package tables writes what a trace shows as tables, for whoever asks questions that no
// report answers: one Parquet or CSV file for each, which DuckDB, pandas, Polars, Spark or
// a spreadsheet read as they are, with queries for common questions beside them.
//
//	rep, err := tables.Export(ctx, r, tables.Options{Format: tables.Parquet}, dir)
//
// The tables are slices, waits, dispatches, procs, gc, goroutines, requests, spans, causes,
// findings and trace. Their columns, units and keys stand in Schema, which is also written
// into the folder as schema.txt. They say what the report of the same trace says: sums of
// their rows are its figures.
//
// What a function or a place is called shows only when all of a trace has been read. So
// rows are numbers first, in files of the same folder that are gone afterwards, and get
// their names in a second pass. Memory is that of a report, with that for one group of
// rows and four bytes for each goroutine that showed late what it runs: it does not grow
// with the number of rows.
//
// The same trace gives the same bytes.
package tables
