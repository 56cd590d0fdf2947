package tables_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/explain"
	"gmptrace/analyze/export/tables"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"

	"github.com/parquet-go/parquet-go"
)

// fixtures are traces of several programs, Go versions and kinds: servers, one that
// serves nothing, bubbles, one that was cut off, a part of one.
var fixtures = []string{"real/webshop-go1.26-p4.trace", "real/webshop-go1.25-p16-flight.trace", "real/esbuild-go1.26-p16.trace",
	"real/gotest-go1.26-p2-synctest.trace", "cases/orders.trace.gz", "broken/truncated.trace"}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../../fixtures/traces", name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err == nil {
			data, err = io.ReadAll(z)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// export writes a fixture's tables.
func export(t *testing.T, name string, opt tables.Options) (*report.Report, string) {
	t.Helper()
	dir := t.TempDir()
	rep, err := tables.Export(t.Context(), bytes.NewReader(read(t, name)), opt, dir)
	if err != nil {
		t.Fatal(err)
	}
	return rep, dir
}

// row is a row by columns: int64, bool or string; NULL has none.
type row map[string]any

func (r row) num(column string) int64 { n, _ := r[column].(int64); return n }
func (r row) str(column string) string {
	s, _ := r[column].(string)
	return s
}
func (r row) is(column string) bool { return r[column].(bool) }

// rows reads a table.
func rows(t *testing.T, dir, table string) []row {
	t.Helper()
	f := open(t, dir, table)
	r := parquet.NewReader(f)
	defer r.Close()
	columns := f.Schema().Columns()
	var out []row
	buf := make([]parquet.Row, 256)
	for {
		n, err := r.ReadRows(buf)
		for _, values := range buf[:n] {
			x := row{}
			for _, v := range values {
				name := columns[v.Column()][0]
				switch {
				case v.IsNull():
				case v.Kind() == parquet.Boolean:
					x[name] = v.Boolean()
				case v.Kind() == parquet.ByteArray:
					x[name] = string(v.ByteArray())
				default:
					x[name] = v.Int64()
				}
			}
			out = append(out, x)
		}
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, dir, table string) *parquet.File {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, table+".parquet"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSums holds the sums of all tables to the figures of the report.
func TestSums(t *testing.T) {
	for _, name := range fixtures {
		t.Run(name, func(t *testing.T) {
			rep, dir := export(t, name, tables.Options{})
			sums(t, rep, dir)
		})
	}
	t.Run("part", func(t *testing.T) {
		rep, dir := export(t, fixtures[0], tables.Options{Options: replay.Options{From: replay.Bound{Set: true, Offset: 300e6}, To: replay.Bound{Set: true, Offset: 900e6}}})
		if rep.Trace.From != 300e6 {
			t.Fatalf("the part begins at %d", rep.Trace.From)
		}
		sums(t, rep, dir)
	})
}

// functionSum is what is told of a function, by a report or by the rows of tables.
type functionSum struct {
	goroutines, dispatches, running, runnable, syscall, unknown, assist int64
	blocked                                                             string // sums of its reasons
}

func sums(t *testing.T, rep *report.Report, dir string) {
	equal := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the tables say %v, and the report %v", what, got, want)
		}
	}
	stretches, goroutines := rows(t, dir, "slices"), rows(t, dir, "goroutines")
	got, want, reasons := map[string]functionSum{}, map[string]functionSum{}, map[string]map[string]int64{}
	for _, s := range stretches {
		f, ns := got[s.str("func")], s.num("dur_ns")
		switch s.str("state") {
		case "running":
			f.running += ns
			if s.is("assist") {
				f.assist += ns
			}
		case "runnable":
			f.runnable += ns
		case "syscall":
			f.syscall += ns
		case "unknown":
			f.unknown += ns
		case "blocked":
			if reasons[s.str("func")] == nil {
				reasons[s.str("func")] = map[string]int64{}
			}
			reasons[s.str("func")][s.str("reason")] += ns
		default:
			t.Fatalf("%v has no state", s)
		}
		if s.is("first") {
			f.goroutines++
		}
		got[s.str("func")] = f
	}
	for _, d := range rows(t, dir, "dispatches") {
		f := got[d.str("func")]
		f.dispatches++
		got[d.str("func")] = f
	}
	for fn, f := range got {
		f.blocked = spell(reasons[fn])
		got[fn] = f
	}
	for _, f := range rep.Functions {
		by := map[string]int64{}
		for _, b := range f.Blocked {
			by[b.Reason] += b.NS
		}
		want[f.Name] = functionSum{f.Goroutines, f.Dispatches, f.Running, f.Runnable, f.Syscall, f.Unknown, f.Assist, spell(by)}
	}
	equal("functions", got, want)
	equal("goroutines", int64(len(goroutines)), count(rep.Functions, func(f report.FunctionTime) int64 { return f.Goroutines }))
	var lived int64
	for _, g := range goroutines {
		parts := g.num("running_ns") + g.num("runnable_ns") + g.num("syscall_ns") + g.num("blocked_ns") + g.num("unknown_ns")
		if lived += parts; parts > g.num("dur_ns") {
			t.Errorf("%v: the parts are %d ns", g, parts)
		}
	}
	equal("lifetimes", lived, count(rep.Functions, func(f report.FunctionTime) int64 { return f.Total }))

	var latency report.Latency
	for _, w := range rows(t, dir, "waits") {
		if latency.Total += w.num("dur_ns"); w.is("cut_begin") || w.is("cut_end") {
			latency.Censored++
		} else {
			latency.Count++
		}
		latency.Max = max(latency.Max, w.num("dur_ns"))
	}
	l := rep.Latency
	equal("waits", latency, report.Latency{Count: l.Count, Total: l.Total, Censored: l.Censored, Max: l.Max})
	sources, stolen := map[string]report.SourceCount{}, int64(0)
	for _, d := range rows(t, dir, "dispatches") {
		c := sources[d.str("source")]
		c.Source = d.str("source")
		c.Count++
		if d.is("certain") {
			c.Certain++
		}
		if d.is("runtime") {
			c.Runtime++
		}
		c.Wait += d.num("wait_ns")
		c.Max = max(c.Max, d.num("wait_ns"))
		sources[c.Source] = c
		if _, ok := d["victim"]; ok {
			stolen += d.num("moved")
		}
	}
	for _, c := range rep.Dispatches.Sources {
		if s := sources[c.Source]; s.Count != c.Count || s.Certain != c.Certain || s.Wait != c.Wait || s.Max != c.Max || s.Runtime < c.Runtime {
			t.Errorf("dispatches: the tables say %v, and the report %v", s, c)
		}
	}
	equal("stolen goroutines", stolen, rep.Dispatches.Steals.Goroutines)
	equal("findings", len(rows(t, dir, "findings")), len(rep.Findings))
	equal("traces", len(rows(t, dir, "trace")), 1)
	procs(t, rep, dir)
	collections(t, rep, dir)
	requests(t, rep, dir)
}

func count[T any](list []T, of func(T) int64) (n int64) {
	for _, x := range list {
		n += of(x)
	}
	return n
}

// spell makes sums comparable.
func spell(by map[string]int64) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(by)) {
		b.WriteString(k + " " + strconv.FormatInt(by[k], 10) + "\n")
	}
	return b.String()
}

func procs(t *testing.T, rep *report.Report, dir string) {
	by := map[model.ProcID]report.ProcTime{}
	for _, x := range rows(t, dir, "procs") {
		p := by[model.ProcID(x.num("p"))]
		ns := x.num("dur_ns")
		switch x.str("does") {
		case "run":
			if p.Running += ns; x.is("worker") {
				p.GCWorker += ns
			}
		case "syscall":
			p.Syscall += ns
		case "sched":
			p.Sched += ns
		}
		by[model.ProcID(x.num("p"))] = p
	}
	for _, want := range rep.Procs {
		if got := by[want.P]; got.Running != want.Running || got.GCWorker != want.GCWorker || got.Syscall != want.Syscall || got.Sched != want.Sched {
			t.Errorf("P%d: the tables say %v, and the report %v", want.P, got, want)
		}
	}
}

func collections(t *testing.T, rep *report.Report, dir string) {
	var got report.GC
	for _, x := range rows(t, dir, "gc") {
		if x.str("kind") == "mark" {
			got.Cycles, got.Mark = got.Cycles+1, got.Mark+x.num("dur_ns")
		} else {
			got.STWCount, got.STWTotal = got.STWCount+1, got.STWTotal+x.num("dur_ns")
		}
	}
	if r := rep.GC; got.Cycles != r.Cycles || got.Mark != r.Mark || got.STWCount != r.STWCount || got.STWTotal != r.STWTotal {
		t.Errorf("gc: the tables say %v, and the report %v", got, r)
	}
}

// requests holds requests and what their time went to, and tasks, to the report.
func requests(t *testing.T, rep *report.Report, dir string) {
	type key struct {
		kind string
		id   int64
	}
	causes := map[key]int64{}
	for _, c := range rows(t, dir, "causes") {
		causes[key{c.str("kind"), c.num("id")}] += c.num("ns")
	}
	all, by := rows(t, dir, "requests"), map[string]report.Population{}
	for _, r := range all {
		if ns := causes[key{"request", r.num("id")}]; r.is("explained") && ns != r.num("dur_ns") {
			t.Errorf("%v: the causes of its time are %d ns", r, ns)
		}
		p := by[r.str("handler")]
		p.Count, p.Total, p.Max = p.Count+1, p.Total+r.num("dur_ns"), max(p.Max, r.num("dur_ns"))
		if !r.is("finished") {
			p.Unfinished++
		}
		by[r.str("handler")] = p
	}
	if rep.Slowest.Kind == report.KindRequest {
		for _, want := range rep.Slowest.Groups {
			if got := by[want.Name]; got.Count != want.Count || got.Total != want.Total || got.Max != want.Max || got.Unfinished != want.Unfinished {
				t.Errorf("requests of %q: the tables say %v, and the report %v", want.Name, got, want)
			}
		}
	} else if len(all) > 0 {
		t.Errorf("there are %d requests, and the report is about %q", len(all), rep.Slowest.Kind)
	}
	open, ended := map[string]int64{}, map[string]int64{}
	for _, s := range rows(t, dir, "spans") {
		if s.is("finished") {
			ended[s.str("kind")]++
		} else {
			open[s.str("kind")]++
		}
		if s.str("kind") == "task" && s.is("finished") && !s.is("cut_begin") {
			if ns := causes[key{"task", s.num("task")}]; ns != s.num("dur_ns") {
				t.Errorf("%v: the causes of its time are %d ns", s, ns)
			}
		}
	}
	if n := count(rep.Tasks, func(x report.TaskTime) int64 { return x.Count }); ended["task"] != n {
		t.Errorf("%d tasks ended, and in the report %d", ended["task"], n)
	}
}

// TestSpans holds the counts and lengths of spans to those of the report.
func TestSpans(t *testing.T) {
	_, dir := export(t, fixtures[0], tables.Options{})
	rep, err := analyze.Analyze(t.Context(), bytes.NewReader(read(t, fixtures[0])), analyze.Options{Spans: true})
	if err != nil {
		t.Fatal(err)
	}
	type sum struct{ count, open, total int64 }
	got, want := map[string]sum{}, map[string]sum{}
	for _, s := range rows(t, dir, "spans") {
		x := got[s.str("kind")+" "+s.str("name")]
		if s.is("finished") {
			x.count, x.total = x.count+1, x.total+s.num("dur_ns")
		} else {
			x.open++
		}
		got[s.str("kind")+" "+s.str("name")] = x
	}
	for _, s := range rep.Spans {
		kind := string(s.Kind)
		if s.Kind == report.KindRequest {
			if kind = "request-sent"; !s.Sent {
				continue
			}
		}
		want[kind+" "+s.Name] = sum{s.Count, s.Open, s.Total}
	}
	if !reflect.DeepEqual(got, want) || len(want) < 3 {
		t.Errorf("the tables say %v, and the report %v", got, want)
	}
}

// TestExplained holds what the slowest requests' time went to to what gmptrace explain says.
func TestExplained(t *testing.T) {
	for _, name := range []string{fixtures[0], "cases/orders.trace.gz"} {
		_, dir := export(t, name, tables.Options{})
		x, err := explain.Explain(t.Context(), bytes.NewReader(read(t, name)), replay.Options{}, explain.Selector{Kind: report.KindRequest, Top: 20, Served: true, Pooled: true})
		if err != nil {
			t.Fatal(err)
		}
		type instance struct{ at, ns int64 }
		ids, causes := map[instance]int64{}, map[int64]map[string]int64{}
		for _, r := range rows(t, dir, "requests") {
			ids[instance{r.num("at_ns"), r.num("dur_ns")}] = r.num("id")
			causes[r.num("id")] = map[string]int64{}
		}
		for _, c := range rows(t, dir, "causes") {
			if c.str("kind") == "request" {
				causes[c.num("id")][c.str("blocked_for")+": "+c.str("cause")] += c.num("ns")
			}
		}
		for _, in := range x.Slowest {
			want := map[string]int64{}
			for _, c := range in.Causes {
				want[c.BlockedFor+": "+c.Cause] += c.NS
			}
			if got := causes[ids[instance{in.Start, in.Duration}]]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s at %d: the tables say %v, and explain %v", name, in.Name, in.Start, got, want)
			}
		}
		if len(x.Slowest) < 10 {
			t.Errorf("%s: %d requests were explained", name, len(x.Slowest))
		}
	}
}

// TestSameBytes exports twice, read in another way.
func TestSameBytes(t *testing.T) {
	for _, f := range []tables.Format{tables.Parquet, tables.CSV} {
		_, a := export(t, fixtures[0], tables.Options{Format: f})
		_, b := export(t, fixtures[0], tables.Options{Format: f, Options: replay.Options{Workers: 1}})
		entries, err := os.ReadDir(a)
		if err != nil || len(entries) != 13 {
			t.Fatalf("there are %v, %v", entries, err)
		}
		for _, e := range entries {
			if e.IsDir() {
				continue
			}
			x, errX := os.ReadFile(filepath.Join(a, e.Name()))
			y, errY := os.ReadFile(filepath.Join(b, e.Name()))
			if err := cmp.Or(errX, errY); err != nil || !bytes.Equal(x, y) {
				t.Errorf("%s is different the second time: %v", e.Name(), err)
			}
		}
	}
}

// TestCSV holds the CSV files to the Parquet ones.
func TestCSV(t *testing.T) {
	_, p := export(t, fixtures[0], tables.Options{})
	_, c := export(t, fixtures[0], tables.Options{Format: tables.CSV})
	for _, table := range []string{"slices", "waits", "dispatches", "procs", "gc", "goroutines", "requests", "spans", "causes", "findings", "trace"} {
		f, err := os.Open(filepath.Join(c, table+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want := rows(t, p, table)
		if len(lines) != len(want)+1 {
			t.Fatalf("%s: %d lines of %d rows", table, len(lines), len(want))
		}
		for i, x := range want {
			for k, name := range lines[0] {
				if got, want := lines[i+1][k], field(x[name]); got != want {
					t.Fatalf("%s: %s of row %d is %q, want %q", table, name, i, got, want)
				}
			}
		}
	}
}

func field(v any) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case string:
		if strings.Contains("=+-@\t", v[:1]) {
			v = "'" + v
		}
		return words.Printable(v)
	}
	return ""
}

// TestMetadata reads what a file says of itself.
func TestMetadata(t *testing.T) {
	_, dir := export(t, "broken/truncated.trace", tables.Options{Version: "v9.9", Options: replay.Options{Name: "cut.trace"}})
	f := open(t, dir, "waits")
	for key, want := range map[string]string{"gmptrace.schema": tables.Version, "gmptrace.version": "v9.9", "gmptrace.trace": "cut.trace", "gmptrace.table": "waits",
		"gmptrace.complete": "false", "gmptrace.go_version": "1.2", "gmptrace.lost": "cut", "gmptrace.columns": `{"name":"dur_ns","type":"int64 ns"`} {
		if got, ok := f.Lookup(key); !ok || !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q in it", key, got, want)
		}
	}
}

// TestNoEvents exports a trace with nothing in it: all tables are there, and empty.
func TestNoEvents(t *testing.T) {
	rep, dir := export(t, "broken/header_only.trace", tables.Options{})
	if rep.Trace.Events != 0 || len(rows(t, dir, "slices")) != 0 || len(rows(t, dir, "trace")) != 1 {
		t.Errorf("%d events", rep.Trace.Events)
	}
}

// TestCancelled: who gives up leaves no rows of numbers.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	_, err := tables.Export(ctx, &cancels{bytes.NewReader(read(t, fixtures[0])), cancel}, tables.Options{}, dir)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// cancels is a reader that ends a context when it has been read from.
type cancels struct {
	io.Reader
	cancel func()
}

func (c *cancels) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b[:min(len(b), 1<<16)])
	c.cancel()
	return n, err
}

// TestNotWritten: a folder that can't be written to ends the reading.
func TestNotWritten(t *testing.T) {
	_, err := tables.Export(t.Context(), bytes.NewReader(read(t, fixtures[0])), tables.Options{}, filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
}
