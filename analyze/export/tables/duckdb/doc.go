// Package duckdb runs the queries that come with exported tables, with DuckDB, and holds
// their answers to the reports of the same traces. It is a module of its own: gmptrace
// needs no database, and whoever builds it does not download one.
package duckdb
