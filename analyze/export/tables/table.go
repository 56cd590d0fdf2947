package tables

import (
	"strings"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// Version names the version of the tables. Tables and columns are added within a version;
// one that changes meaning or goes makes a new one.
const Version = "gmptrace.tables/1"

// table is one file: what its rows are, and how they come out of what was kept of them
// while the trace was read.
type table struct {
	name    string
	rows    string // what one row is
	order   string // of the rows
	columns []column
	width   int // numbers that are kept of a row; 0 of tables that are made of the report
}

// column is one column of a table.
type column struct {
	name string
	kind kind
	doc  string // with what NULL means, where it can be
	null bool   // it can be
	of   func(n *naming, row []int64) cell
}

// kind is the type of a column.
type kind uint8

const (
	number kind = iota // int64: an id, or a count
	length             // int64, nanoseconds
	flag               // bool
	text               // UTF-8
)

// String is the type's name in Schema.
func (k kind) String() string {
	return [...]string{"int64", "int64 ns", "bool", "text"}[k]
}

// cell is a value of a row; NULL has no kind. All have the level of a value that could
// be NULL and is not: where it can't, that counts for nothing.
type cell = parquet.Value

func valueOf(v parquet.Value) cell { return v.Level(0, 1, 0) }

// The cells that there are many of.
var (
	null    = parquet.NullValue() // no value
	yes, no = valueOf(parquet.BooleanValue(true)), valueOf(parquet.BooleanValue(false))
)

func numberOf(n int64) cell { return valueOf(parquet.Int64Value(n)) }
func flagOf(b bool) cell {
	if b {
		return yes
	}
	return no
}

// identOf is an id, NULL where there is none, which is negative.
func identOf(n int64) cell {
	if n < 0 {
		return null
	}
	return numberOf(n)
}

// textOf is a text, NULL for none. What a trace holds may be any bytes: those that are no
// UTF-8, which readers of Parquet refuse, are replaced.
func textOf(s string) cell {
	if s == "" {
		return null
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return valueOf(parquet.ByteArrayValue([]byte(s)))
}
