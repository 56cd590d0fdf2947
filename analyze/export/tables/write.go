package tables

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// Format is how tables are written.
type Format string

// The formats.
const (
	Parquet Format = "parquet"
	CSV     Format = "csv"
)

// writer writes the rows of one table.
type writer interface {
	write(row []cell) error // a cell for each column
	close() error
}

// newWriter makes the writer of a table of a format.
func newWriter(f Format, t *table, w io.Writer, rep *report.Report) (writer, error) {
	switch f {
	case Parquet:
		return newParquetWriter(t, w, rep), nil
	case CSV:
		return newCSVWriter(t, w)
	}
	return nil, fmt.Errorf("tables can be written as %s or %s, not as %q", Parquet, CSV, string(f))
}

// What a group of rows has at the most: it is what stands in memory while it is written.
// DuckDB reads groups at once by several threads, and Parquet's own tools advise more.
const (
	groupRows = 1 << 17
	groupText = 64 << 20 // bytes
	batchRows = 1 << 10  // that are handed on together

	// dictionaryBytes is when texts of a column that are all different are written one by
	// one: hostile ones would fill memory twice.
	dictionaryBytes = 1 << 20
)

// parquetWriter writes a Parquet file, column by column.
type parquetWriter struct {
	out   *parquet.GenericWriter[any]
	into  []*parquet.ColumnWriter
	batch [][]parquet.Value // by column
	rows  int               // in the group, the batch's among them
	text  int               // bytes of texts in it
}

func newParquetWriter(t *table, w io.Writer, rep *report.Report) *parquetWriter {
	options := []parquet.WriterOption{parquetSchema(t),
		parquet.Compression(&parquetzstd.Codec{Level: zstd.SpeedFastest}),
		parquet.CreatedBy("gmptrace", rep.Version, ""),
		parquet.DictionaryMaxBytes(dictionaryBytes),
		parquet.DataPageStatistics(false), // those of groups and the index of pages say the same
	}
	for _, m := range metadata(t, rep) {
		options = append(options, parquet.KeyValueMetadata(m[0], m[1]))
	}
	p := &parquetWriter{out: parquet.NewGenericWriter[any](w, options...), batch: make([][]parquet.Value, len(t.columns))}
	p.into = p.out.ColumnWriters()
	return p
}

// parquetSchema is a table's schema: of a struct, as that keeps the order of columns.
func parquetSchema(t *table) *parquet.Schema {
	var fields []reflect.StructField
	for i, c := range t.columns {
		typ, how := reflect.TypeFor[int64](), ",dict"
		switch c.kind {
		case length:
			how = ",delta"
		case flag:
			typ, how = reflect.TypeFor[bool](), ""
		case text:
			typ = reflect.TypeFor[string]()
		}
		if c.null {
			how += ",optional"
		}
		fields = append(fields, reflect.StructField{Name: "C" + strconv.Itoa(i), Type: typ, Tag: reflect.StructTag(`parquet:"` + c.name + how + `"`)})
	}
	return parquet.NewSchema(t.name, parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface()))
}

func (p *parquetWriter) write(row []cell) error {
	for i, v := range row {
		if v.Kind() == parquet.ByteArray {
			p.text += len(v.ByteArray())
		}
		p.batch[i] = append(p.batch[i], v)
	}
	p.rows++
	if p.rows%batchRows != 0 && p.rows < groupRows && p.text < groupText {
		return nil
	}
	if err := p.flush(); err != nil || p.rows < groupRows && p.text < groupText {
		return err
	}
	p.rows, p.text = 0, 0
	return p.out.Flush()
}

// flush hands on the batch.
func (p *parquetWriter) flush() error {
	for i, values := range p.batch {
		if len(values) == 0 {
			continue
		}
		if _, err := p.into[i].WriteRowValues(values); err != nil {
			return err
		}
		p.batch[i] = values[:0]
	}
	return nil
}

func (p *parquetWriter) close() error {
	if err := p.flush(); err != nil {
		return err
	}
	return p.out.Close()
}

// metadata is what a file says of itself, by key.
func metadata(t *table, rep *report.Report) [][2]string {
	type columnDoc struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Doc  string `json:"doc"`
	}
	var docs []columnDoc
	for _, c := range t.columns {
		docs = append(docs, columnDoc{c.name, c.kind.String(), c.doc})
	}
	columns, _ := json.Marshal(docs)
	lost, _ := json.Marshal(losses(&rep.Trace))
	return [][2]string{
		{"gmptrace.schema", Version},
		{"gmptrace.version", rep.Version},
		{"gmptrace.table", t.name},
		{"gmptrace.rows", t.rows},
		{"gmptrace.columns", string(columns)},
		{"gmptrace.trace", strings.ToValidUTF8(rep.Trace.Name, "\uFFFD")},
		{"gmptrace.go_version", rep.Trace.GoVersion},
		{"gmptrace.from_ns", strconv.FormatInt(rep.Trace.From, 10)},
		{"gmptrace.to_ns", strconv.FormatInt(rep.Trace.To, 10)},
		{"gmptrace.complete", strconv.FormatBool(rep.Trace.Complete)},
		{"gmptrace.lost", string(lost)},
	}
}

// losses are what could not be read or used, in words.
func losses(t *report.Trace) []string {
	out := []string{}
	for _, l := range t.Lost {
		out = append(out, words.Machine(l.Text))
	}
	return out
}

// csvWriter writes a CSV file, with the columns' names in the first line.
type csvWriter struct {
	buf     *bufio.Writer
	out     *csv.Writer
	columns []column
	fields  []string
}

func newCSVWriter(t *table, w io.Writer) (*csvWriter, error) {
	c := &csvWriter{buf: bufio.NewWriterSize(w, 1<<16), columns: t.columns, fields: make([]string, len(t.columns))}
	c.out = csv.NewWriter(c.buf)
	for i := range t.columns {
		c.fields[i] = t.columns[i].name
	}
	return c, c.out.Write(c.fields)
}

func (c *csvWriter) write(row []cell) error {
	for i, v := range row {
		switch {
		case v.IsNull():
			c.fields[i] = ""
		case c.columns[i].kind == flag:
			c.fields[i] = strconv.FormatBool(v.Boolean())
		case c.columns[i].kind == text:
			c.fields[i] = harmless(string(v.ByteArray()))
		default:
			c.fields[i] = strconv.FormatInt(v.Int64(), 10)
		}
	}
	return c.out.Write(c.fields)
}

func (c *csvWriter) close() error {
	c.out.Flush()
	if err := c.out.Error(); err != nil {
		return err
	}
	return c.buf.Flush()
}

// harmless is a text of a trace for who opens a table in a spreadsheet or a terminal: no
// formula, and nothing that is not printable.
func harmless(s string) string {
	if strings.ContainsAny(s[:min(1, len(s))], "=+-@\t\r") {
		s = "'" + s
	}
	return words.Printable(s)
}
