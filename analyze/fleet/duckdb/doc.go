// Package duckdb runs the macros that come with a fleet's rows, with DuckDB, and holds their
// answers to the program's. It is a module of its own: gmptrace needs no database, and
// whoever builds it does not download one.
package duckdb
