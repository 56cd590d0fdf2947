package fleet

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"

	"gmptrace/analyze/stat"
)

// RowsSchema names the version of the rows. Columns are added within a version; one that
// changes meaning or goes makes a new one.
const RowsSchema = "gmptrace.rows/1"

// rowsKey is where a file of rows has RowsSchema.
const rowsKey = "gmptrace.schema"

// RowKind is what a Row tells of.
type RowKind string

// The kinds, in the order in which a file has them.
const (
	RowTrace   RowKind = "trace"   // the trace itself, one of each
	RowFinding RowKind = "finding" // what a check found
	RowCause   RowKind = "cause"   // what the slowest requests or tasks spent their time on
	RowSeries  RowKind = "series"  // a distribution of lengths, by what and name
	RowBin     RowKind = "bin"     // one bin of the series' sketch
)

// Quality says how much of a trace could be read.
type Quality string

// The qualities.
const (
	QualityComplete   Quality = "complete"
	QualityPartial    Quality = "partial"    // Losses says what is missing
	QualityUnreadable Quality = "unreadable" // nothing: Losses says why
)

// What a series is the distribution of.
const (
	OfRequest = "request" // lengths of requests served, by handler: those that had not ended as far as they went
	OfTask    = "task"    // lengths of user tasks, by name, likewise
	OfSched   = "sched"   // waits from ready to execute of all goroutines: scheduling_latency of a report
	OfBlocked = "blocked" // stretches in which goroutines of the program were blocked, by cause
)

// Row is one row. The first columns say which trace it is of; those that its kind does not
// have are nil.
type Row struct {
	Kind    RowKind `parquet:"kind,dict"`
	Trace   string  `parquet:"trace,dict"` // Key of the trace
	Host    *string `parquet:"host,dict"`  // nil where nothing tells, as are the next four
	Build   *string `parquet:"build,dict"`
	Trigger *string `parquet:"trigger,dict"` // why it was taken: slow, observed, metric, baseline or asked
	Program *string `parquet:"program,dict"`
	Go      *string `parquet:"go_version,dict"`
	Quality Quality `parquet:"quality,dict"`

	// Of a trace.
	Path     *string `parquet:"path"` // as it was called when it was read
	Start    *string `parquet:"start"`
	Duration *int64  `parquet:"duration_ns"`
	Events   *int64  `parquet:"events"`
	Procs    *int64  `parquet:"gomaxprocs"`
	Losses   *string `parquet:"losses"` // what could not be read; nil where all was
	Detail   *string `parquet:"detail"` // second sentence of the verdict

	// Of a finding, a cause; of a trace, Severity, Title and Advice of its verdict.
	ID       *string `parquet:"id,dict"`  // of the check; kind of the cause
	Number   *int64  `parquet:"number"`   // from 1 on, the worst first
	Severity *string `parquet:"severity"` // info, warning, critical
	Title    *string `parquet:"title"`
	Advice   *string `parquet:"advice"`
	Sure     *string `parquet:"sure"`
	Cost     *int64  `parquet:"cost_ns"` // of a cause: of a slow instance, mean
	CostOf   *string `parquet:"cost_of"`
	Typical  *int64  `parquet:"typical_ns"` // of a cause: of a typical instance, mean; 0 where there is none to compare with
	Longer   *int64  `parquet:"longer_ns"`  // of a cause: by how much a slow instance took longer than a typical one, of all causes that took longer
	Func     *string `parquet:"func"`       // culprit
	File     *string `parquet:"file"`
	Line     *int64  `parquet:"line"`
	At       *int64  `parquet:"at_ns"` // of a finding: when its worst moment began

	// Of a cause, a series and a bin: of what.
	Of   *string `parquet:"of,dict"`
	Name *string `parquet:"name,dict"`

	// Of a series and of each of its bins.
	Series *int64 `parquet:"series"` // number within the file, from 0 on
	Least  *int64 `parquet:"least_ns"`
	Most   *int64 `parquet:"greatest_ns"`

	Count  *int64 `parquet:"count"`  // values: in a series, in a bin
	Sum    *int64 `parquet:"sum_ns"` // of a series
	Open   *int64 `parquet:"unfinished"`
	Bin    *int64 `parquet:"bin"`    // number of the bin, as package stat has it
	LoNS   *int64 `parquet:"lo_ns"`  // least value that belongs into the bin
	HiNS   *int64 `parquet:"hi_ns"`  // and the greatest
	MidNS  *int64 `parquet:"mid_ns"` // what stands for all in it
	Schema string `parquet:"schema,dict"`
}

// Rows are what is kept of one trace.
type Rows struct {
	rows     []Row          // all but bins; the first is the trace's
	sketches []*stat.Sketch // of the rows that are series, in their order
}

// Key is the trace's: see Key.
func (r *Rows) Key() string { return r.rows[0].Trace }

// Quality is how much of the trace could be read.
func (r *Rows) Quality() Quality { return r.rows[0].Quality }

// Lost says what of the trace could not be read; "" if nothing.
func (r *Rows) Lost() string { return text(r.rows[0].Losses) }

// Path is what the trace was called when it was read.
func (r *Rows) Path() string { return text(r.rows[0].Path) }

// A file that holds more than this is not one that Write has written: a trace has at most
// some hundred series of some hundred bins.
const (
	mostBytes = 64 << 20
	mostRows  = 1 << 20
	mostHead  = 1 << 14 // of the first group
)

// Write writes the rows as a file of Parquet: the same bytes for the same rows. All that a
// merge wants to know first lies in the first group of rows, and bins in the second.
func (r *Rows) Write(w io.Writer) error {
	out := parquet.NewGenericWriter[Row](w, &parquet.WriterConfig{
		CreatedBy: "gmptrace", Compression: &parquet.Snappy, KeyValueMetadata: map[string]string{rowsKey: RowsSchema}})
	if _, err := out.Write(r.rows); err != nil {
		return fmt.Errorf("writing rows: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing rows: %w", err)
	}
	if _, err := out.Write(r.bins()); err != nil {
		return fmt.Errorf("writing bins: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("writing rows: %w", err)
	}
	return nil
}

// bins are the rows of that kind.
func (r *Rows) bins() []Row {
	var out []Row
	for i := range r.rows {
		x := &r.rows[i]
		if x.Kind != RowSeries {
			continue
		}
		bin := Row{Kind: RowBin, Trace: x.Trace, Host: x.Host, Build: x.Build, Trigger: x.Trigger, Program: x.Program, Go: x.Go, Quality: x.Quality,
			Of: x.Of, Name: x.Name, Series: x.Series, Least: x.Least, Most: x.Most, Schema: x.Schema}
		for b, n := range r.sketches[*x.Series].Bins() {
			bin.Bin, bin.Count = ref(int64(b)), ref(n)
			bin.LoNS, bin.HiNS, bin.MidNS = ref(stat.Lo(b)), ref(stat.Hi(b)), ref(stat.Mid(b))
			out = append(out, bin)
		}
	}
	return out
}

// ReadRows reads what Write has written. It is an error if nobody could have.
func ReadRows(r io.ReaderAt, size int64) (out *Rows, err error) {
	defer func() { // the decoder may panic on what somebody made up
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("its columns cannot be decoded: %v", p)
		}
	}()
	if size > mostBytes {
		return nil, fmt.Errorf("%d bytes are more than rows of one trace take", size)
	}
	f, err := parquet.OpenFile(r, size, &parquet.FileConfig{SkipPageIndex: true, SkipBloomFilters: true, ReadBufferSize: 4096, ReadMode: parquet.ReadModeSync})
	if err != nil {
		return nil, fmt.Errorf("it is no file of Parquet that can be read: %w", err)
	}
	switch schema, _ := f.Lookup(rowsKey); {
	case schema == "":
		return nil, errors.New("it has no rows of gmptrace")
	case schema != RowsSchema:
		return nil, fmt.Errorf("its rows are of version %.40q, and %s are read here: let this gmptrace read the traces again", schema, RowsSchema)
	}
	groups := f.RowGroups()
	if len(groups) == 0 || len(groups) > 2 {
		return nil, fmt.Errorf("%d groups of rows are not those of one trace", len(groups))
	}
	for i, g := range groups {
		if n := g.NumRows(); n < 0 || n > mostRows || i == 0 && n > mostHead {
			return nil, fmt.Errorf("%d rows in a group are not those of one trace", n)
		}
	}
	out = &Rows{}
	if out.rows, err = readHead(f.RowGroups()[0]); err != nil {
		return nil, err
	}
	var bins parquet.RowGroup
	if len(f.RowGroups()) == 2 {
		bins = f.RowGroups()[1]
	}
	return out, out.readSketches(bins)
}

// columns are the fields of a Row by the names of their columns.
var columns = func() (out []string) {
	t := reflect.TypeFor[Row]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("parquet"), ",")
		out = append(out, name)
	}
	return out
}()

// readHead reads whole rows, column by column: a reader of rows would take most of the time
// of a merge. A column that is not there is of a version that had it not yet.
func readHead(g parquet.RowGroup) ([]Row, error) {
	rows := make([]Row, g.NumRows())
	for field, name := range columns {
		err := eachValue(g, name, func(i int, v parquet.Value) error {
			return set(reflect.ValueOf(&rows[i]).Elem().Field(field), v)
		})
		if err != nil {
			return nil, fmt.Errorf("its column %s cannot be read: %w", name, err)
		}
	}
	if len(rows) == 0 || rows[0].Kind != RowTrace || rows[0].Trace == "" {
		return nil, errors.New("its first row is no trace's")
	}
	for i := range rows {
		if rows[i].Trace != rows[0].Trace || i > 0 && rows[i].Kind == RowTrace {
			return nil, errors.New("it has rows of more than one trace")
		}
	}
	return rows, nil
}

// readSketches puts the series together from their bins. Of those only the columns are
// read that are not said of the series already.
func (r *Rows) readSketches(g parquet.RowGroup) error {
	var series, bin, count []int64
	var err error
	if g != nil {
		for _, c := range []struct {
			name string
			to   *[]int64
		}{{"series", &series}, {"bin", &bin}, {"count", &count}} {
			if *c.to, err = readColumn(g, c.name); err != nil {
				return err
			}
		}
	}
	if len(series) != len(bin) || len(bin) != len(count) {
		return errors.New("its bins have no number or no count")
	}
	at := 0
	for i := range r.rows {
		x := &r.rows[i]
		if x.Kind != RowSeries {
			continue
		}
		n := int64(len(r.sketches))
		if x.Series == nil || *x.Series != n || x.Sum == nil || x.Least == nil || x.Most == nil || x.Of == nil {
			return fmt.Errorf("its series %d does not say all that it should", n)
		}
		from := at
		for at < len(series) && series[at] == n {
			at++
		}
		s, err := stat.FromBins(func(yield func(int, int64) bool) {
			for k := from; k < at && yield(int(bin[k]), count[k]); k++ {
			}
		}, *x.Sum, *x.Least, *x.Most)
		if err != nil {
			return fmt.Errorf("its series %d: %w", n, err)
		}
		r.sketches = append(r.sketches, s)
	}
	if at != len(series) {
		return errors.New("it has bins of no series")
	}
	return nil
}

// set sets a field of a Row.
func set(to reflect.Value, v parquet.Value) error {
	switch {
	case to.Kind() == reflect.Pointer && to.Type().Elem().Kind() == reflect.Int64 && v.Kind() == parquet.Int64:
		to.Set(reflect.ValueOf(ref(v.Int64())))
	case to.Kind() == reflect.Pointer && to.Type().Elem().Kind() == reflect.String && v.Kind() == parquet.ByteArray:
		to.Set(reflect.ValueOf(ref(string(v.ByteArray()))))
	case to.Kind() == reflect.String && v.Kind() == parquet.ByteArray:
		to.SetString(string(v.ByteArray()))
	default:
		return fmt.Errorf("it is of kind %v", v.Kind())
	}
	return nil
}

// readColumn reads the numbers of a column, none of which may be missing.
func readColumn(g parquet.RowGroup, name string) ([]int64, error) {
	out := make([]int64, 0, g.NumRows())
	err := eachValue(g, name, func(_ int, v parquet.Value) error {
		if v.Kind() != parquet.Int64 {
			return fmt.Errorf("it is of kind %v", v.Kind())
		}
		out = append(out, v.Int64())
		return nil
	})
	if err == nil && int64(len(out)) != g.NumRows() {
		err = errors.New("it does not have a number in each row")
	}
	if err != nil {
		return nil, fmt.Errorf("its column %s cannot be read: %w", name, err)
	}
	return out, nil
}

// eachValue calls use with the values of a column, and the rows that they are of, without
// those that are missing.
func eachValue(g parquet.RowGroup, name string, use func(row int, v parquet.Value) error) error {
	leaf, ok := g.Schema().Lookup(name)
	if !ok {
		return nil
	}
	chunk := g.ColumnChunks()[leaf.ColumnIndex]
	if chunk.NumValues() != g.NumRows() {
		return errors.New("it has not one value in each row")
	}
	if c, ok := chunk.(*parquet.FileColumnChunk); ok && c.NullCount() == g.NumRows() {
		return nil // as most are: what one kind of rows has, others have not
	}
	pages := chunk.Pages()
	defer pages.Close()
	row := 0
	var buf [128]parquet.Value
	for {
		p, err := pages.ReadPage()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n := p.NumValues(); n <= 0 || int64(row)+n > g.NumRows() {
			return errors.New("a page of it has no values, or more than there are rows")
		}
		values := p.Values()
		for err == nil {
			var n int
			if n, err = values.ReadValues(buf[:]); n == 0 && err == nil {
				err = io.ErrNoProgress
			}
			for _, v := range buf[:n] {
				if !v.IsNull() {
					if err := use(row, v); err != nil {
						return err
					}
				}
				row++
			}
		}
		if err != io.EOF {
			return err
		}
		parquet.Release(p)
	}
}

// ref is where a column's value lies.
func ref[T any](v T) *T { return &v }

// optional is a text that something tells, nil for none.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// series are the rows of that kind, each with its sketch.
func (r *Rows) series(use func(*Row, *stat.Sketch)) {
	for i := range r.rows {
		if x := &r.rows[i]; x.Kind == RowSeries {
			use(x, r.sketches[*x.Series])
		}
	}
}
