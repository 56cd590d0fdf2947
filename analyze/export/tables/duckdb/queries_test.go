package duckdb_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"database/sql"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // the driver

	"gmptrace/analyze/export/tables"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

const traces = "../../../../fixtures/traces/"

// fixtures: a server, one of whose requests are slow, a program that serves nothing, and
// one that was cut off.
var fixtures = []string{"real/webshop-go1.26-p4.trace", "cases/orders.trace.gz", "real/esbuild-go1.26-p16.trace", "broken/truncated.trace"}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(traces + name)
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

// row is a row of an answer by columns; NULL has none.
type row map[string]any

// num is a number: sums are larger than int64 for DuckDB.
func (r row) num(column string) int64 {
	switch n := r[column].(type) {
	case nil:
		return 0
	case int64:
		return n
	case *big.Int:
		return n.Int64()
	}
	panic(fmt.Sprintf("%s is %v", column, r[column]))
}

func (r row) str(column string) string { s, _ := r[column].(string); return s }

// ask runs SQL in the current folder.
func ask(t *testing.T, db *sql.DB, query string) []row {
	t.Helper()
	answer, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	columns, err := answer.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []row
	for answer.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := answer.Scan(into...); err != nil {
			t.Fatal(err)
		}
		x := row{}
		for i, v := range values {
			if v != nil {
				x[columns[i]] = v
			}
		}
		out = append(out, x)
	}
	if err := answer.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// checker holds answers to the report of the same trace.
type checker struct {
	*testing.T
	rep *report.Report
}

// near tells whether two quantiles are the same: reports know them to 1/128.
func near(exact, sketched int64) bool {
	return math.Abs(float64(exact-sketched)) <= float64(exact)/128
}

func (c *checker) equal(what string, got, want int64) {
	c.Helper()
	if got != want {
		c.Errorf("%s: the query says %d, and the report %d", what, got, want)
	}
}

func (c *checker) near(what string, got, want int64) {
	c.Helper()
	if !near(got, want) {
		c.Errorf("%s: the query says %d, and the report %d", what, got, want)
	}
}

// function is one of the report's.
func (c *checker) function(name string) *report.FunctionTime {
	c.Helper()
	for i := range c.rep.Functions {
		if f := &c.rep.Functions[i]; f.Name == name {
			return f
		}
	}
	c.Fatalf("the report has no %q", name)
	return nil
}

// checks are how the answers of each query are held to the report.
var checks = map[string]func(c *checker, answer []row){
	"waited_for_p.sql": func(c *checker, answer []row) {
		for _, r := range answer {
			f := c.function(r.str("func"))
			c.equal("waits of "+f.Name, r.num("waits"), f.Waits)
			c.equal("waiting of "+f.Name, r.num("waited_ns"), f.Runnable)
			c.near("the median wait of "+f.Name, r.num("p50_ns"), f.WaitP50)
			c.near("the 99th percentile of "+f.Name, r.num("p99_ns"), f.WaitP99)
			c.equal("the longest wait of "+f.Name, r.num("longest_ns"), f.WaitMax)
		}
		worst := slices.MaxFunc(c.rep.Functions, func(a, b report.FunctionTime) int { return cmp.Compare(user(a), user(b)) })
		c.equal("the first answer", answer[0].num("waited_ns"), worst.Runnable)
	},
	"ran_meanwhile.sql": func(c *checker, answer []row) {
		for _, r := range answer {
			c.function(r.str("waited"))
			if ran := c.function(r.str("ran")); r.num("ran_ns") <= 0 || r.num("waits") <= 0 || ran.Running+ran.Syscall == 0 {
				c.Errorf("%v", r)
			}
		}
	},
	"request_times.sql": func(c *checker, answer []row) {
		if c.rep.Slowest.Kind != report.KindRequest {
			c.equal("handlers", int64(len(answer)), 0)
			return
		}
		c.equal("handlers", int64(len(answer)), int64(len(c.rep.Slowest.Groups)))
		for _, r := range answer {
			i := slices.IndexFunc(c.rep.Slowest.Groups, func(p report.Population) bool { return p.Name == r.str("handler") })
			if i < 0 {
				c.Errorf("the report has no handler %v", r)
				continue
			}
			p := c.rep.Slowest.Groups[i]
			c.equal("requests of "+p.Name, r.num("requests"), p.Count)
			c.equal("unfinished requests of "+p.Name, r.num("unfinished"), p.Unfinished)
			c.equal("time of "+p.Name, r.num("total_ns"), p.Total)
			c.near("the median request of "+p.Name, r.num("p50_ns"), p.P50)
			c.near("the 99th percentile of "+p.Name, r.num("p99_ns"), p.P99)
			c.equal("the longest request of "+p.Name, r.num("longest_ns"), p.Max)
		}
	},
	"slowest_requests.sql": slowest,
	"procs.sql": func(c *checker, answer []row) {
		c.equal("Ps", int64(len(answer)), int64(len(c.rep.Procs)))
		for i, p := range c.rep.Procs {
			r := answer[i]
			got := report.ProcTime{P: model.ProcID(r.num("p")), Running: r.num("running_ns"), GCWorker: r.num("gc_worker_ns"), Syscall: r.num("syscall_ns"),
				Sched: r.num("sched_ns"), Idle: r.num("idle_ns"), Dispatches: p.Dispatches, StolenFrom: p.StolenFrom, QueuePeak: p.QueuePeak}
			if got != p {
				c.Errorf("the query says %v, and the report %v", got, p)
			}
		}
	},
	"steals.sql": func(c *checker, answer []row) {
		m := c.rep.Dispatches.Steals
		var steals, moved int64
		for _, r := range answer {
			steals, moved = steals+r.num("steals"), moved+r.num("goroutines")
			thief, victim := slices.Index(m.Procs, model.ProcID(r.num("thief"))), slices.Index(m.Procs, model.ProcID(r.num("victim")))
			c.equal(fmt.Sprintf("steals of P%d from P%d", r.num("thief"), r.num("victim")), r.num("steals"), m.Count[thief][victim])
		}
		c.equal("steals", steals, m.Steals)
		c.equal("stolen goroutines", moved, m.Goroutines)
	},
	"sources.sql": func(c *checker, answer []row) {
		var all int64
		for _, r := range answer {
			all += r.num("dispatches")
			i := slices.IndexFunc(c.rep.Dispatches.Sources, func(s report.SourceCount) bool { return s.Source == r.str("source") })
			s := c.rep.Dispatches.Sources[i]
			c.equal("dispatches from "+s.Source, r.num("dispatches"), s.Count)
			c.equal("certain ones from "+s.Source, r.num("certain"), s.Certain)
			c.equal("waiting of those from "+s.Source, r.num("waited_ns"), s.Wait)
			c.equal("the longest wait of those from "+s.Source, r.num("longest_ns"), s.Max)
		}
		c.equal("dispatches", all, c.rep.Dispatches.Count)
	},
	"blocked.sql": func(c *checker, answer []row) {
		total := map[string]int64{}
		for _, f := range c.rep.Functions {
			for _, b := range f.Blocked {
				total[b.Reason] += b.NS
			}
		}
		by := map[string]int64{}
		for _, r := range answer {
			by[r.str("reason")] += r.num("blocked_ns")
		}
		for reason, ns := range by {
			if ns > total[reason] {
				c.Errorf("blocked for %s: the query says %d, and the report %d", reason, ns, total[reason])
			}
		}
		if len(by) == 0 && len(total) > 0 {
			c.Errorf("nobody was blocked, and in the report %v", total)
		}
	},
	"functions.sql": func(c *checker, answer []row) {
		c.equal("functions", int64(len(answer)), int64(min(30, len(c.rep.Functions))))
		for _, r := range answer {
			if r.str("func") == "" {
				continue
			}
			f := c.function(r.str("func"))
			c.equal("goroutines of "+f.Name, r.num("goroutines"), f.Goroutines)
			var blocked int64
			for _, b := range f.Blocked {
				blocked += b.NS
			}
			c.equal("running of "+f.Name, r.num("running_ns"), f.Running)
			c.equal("runnable of "+f.Name, r.num("runnable_ns"), f.Runnable)
			c.equal("system calls of "+f.Name, r.num("syscall_ns"), f.Syscall)
			c.equal("blocked of "+f.Name, r.num("blocked_ns"), blocked)
		}
	},
	"gc_share.sql": func(c *checker, answer []row) {
		var got report.GC
		for _, r := range answer {
			switch r.str("kind") {
			case "mark":
				got.Cycles, got.Mark = r.num("times"), r.num("ns")
				if share := r["share"].(float64); math.Abs(share-c.rep.Key.GCShare) > 1e-9 {
					c.Errorf("the query says a share of %v, and the report %v", share, c.rep.Key.GCShare)
				}
			case "stop-the-world":
				got.STWCount, got.STWTotal = r.num("times"), r.num("ns")
				c.equal("the longest pause", r.num("longest_ns"), c.rep.Key.STWMax)
			}
		}
		c.equal("mark phases", got.Cycles, c.rep.GC.Cycles)
		c.equal("marking", got.Mark, c.rep.GC.Mark)
		c.equal("pauses", got.STWCount, c.rep.GC.STWCount)
		c.equal("stopped worlds", got.STWTotal, c.rep.GC.STWTotal)
	},
	"longest_syscalls.sql": func(c *checker, answer []row) {
		for i, r := range answer {
			if f := c.function(r.str("func")); r.num("dur_ns") > f.Syscall || i > 0 && r.num("dur_ns") > answer[i-1].num("dur_ns") {
				c.Errorf("%v, of %d ns in system calls", r, f.Syscall)
			}
		}
	},
	"never_ended.sql": func(c *checker, answer []row) {
		var n int64
		for _, r := range answer {
			n += r.num("goroutines")
			if f := c.function(r.str("func")); r.num("goroutines") > f.Goroutines {
				c.Errorf("%v, of %d", r, f.Goroutines)
			}
		}
		if n > c.rep.Trace.LivePeak {
			c.Errorf("%d goroutines never ended, and there were %d at once", n, c.rep.Trace.LivePeak)
		}
	},
	"findings.sql": func(c *checker, answer []row) {
		c.equal("findings", int64(len(answer)), int64(len(c.rep.Findings)))
		for i, f := range c.rep.Findings {
			c.equal(f.ID, answer[i].num("cost_ns"), f.CostNS)
			if answer[i].str("severity") != string(f.Severity) {
				c.Errorf("%v, and in the report %s", answer[i], f.Severity)
			}
		}
	},
}

// user is a function's waiting, of the program's own.
func user(f report.FunctionTime) int64 {
	if f.Runtime {
		return -1
	}
	return f.Runnable
}

// slowest holds causes to those of the slowest requests in the report.
func slowest(c *checker, answer []row) {
	if c.rep.Slowest.Kind != report.KindRequest {
		c.equal("causes", int64(len(answer)), 0)
		return
	}
	type request struct {
		name string
		ns   int64
	}
	got := map[request]map[string]int64{}
	for _, r := range answer {
		k := request{r.str("handler"), r.num("dur_ns")}
		if got[k] == nil {
			got[k] = map[string]int64{}
		}
		got[k][r.str("cause")] += r.num("ns")
	}
	for _, in := range c.rep.Slowest.Instances {
		causes := got[request{cmp.Or(in.Name, c.rep.Slowest.Name), in.Duration}] // one that shows no handler counts with the others
		if causes == nil {
			c.Errorf("the query does not say what the request at %d spent its time on", in.Start)
		}
		want := map[string]int64{}
		for _, x := range in.Causes {
			want[x.Cause] += x.NS
		}
		for cause, ns := range want {
			c.equal(fmt.Sprintf("%s of the request at %d", cause, in.Start), causes[cause], ns)
		}
	}
}

// TestQueries runs each query on the tables of some traces, in both formats.
func TestQueries(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i, name := range fixtures {
		for _, format := range []tables.Format{tables.Parquet, tables.CSV} {
			if format == tables.CSV && i > 0 {
				continue
			}
			t.Run(name+" "+string(format), func(t *testing.T) {
				dir := t.TempDir()
				rep, err := tables.Export(t.Context(), bytes.NewReader(read(t, name)), tables.Options{Format: format}, dir)
				if err != nil {
					t.Fatal(err)
				}
				t.Chdir(dir)
				files, err := filepath.Glob("queries/*.sql")
				if err != nil || len(files) != len(checks) {
					t.Fatalf("%d queries and %d checks, %v", len(files), len(checks), err)
				}
				for _, file := range files {
					t.Run(filepath.Base(file), func(t *testing.T) {
						query, err := os.ReadFile(file)
						if err != nil {
							t.Fatal(err)
						}
						ask(t, db, string(query))
						// The report may show less slow ones, of the handler that lost most.
						answer := ask(t, db, strings.Replace(string(query), "LIMIT 10\n", "LIMIT 10000\n", 1))
						checks[filepath.Base(file)](&checker{T: t, rep: rep}, answer)
					})
				}
				if format == tables.Parquet {
					culprits(&checker{T: t, rep: rep}, db)
				}
			})
		}
	}
}

// culprits asks who had the P during the report's worst waits, in SQL of its own: the P
// that waits.queue_p and waits.p name is the one that the report looks at. That counts
// some system calls, not all.
func culprits(c *checker, db *sql.DB) {
	for _, e := range c.rep.Episodes {
		if e.Censored || e.Forgotten > 0 {
			continue
		}
		r := ask(c.T, db, fmt.Sprintf(`WITH held AS (
				SELECT does, least(w.at_ns + w.dur_ns, r.at_ns + r.dur_ns) - greatest(w.at_ns, r.at_ns) AS ns
				FROM read_parquet('waits.parquet') AS w JOIN read_parquet('procs.parquet') AS r
				ON r.p = coalesce(w.queue_p, w.p) AND r.g IS NOT NULL AND r.at_ns < w.at_ns + w.dur_ns AND r.at_ns + r.dur_ns > w.at_ns
				WHERE w.g = %d AND w.at_ns = %d)
			SELECT coalesce(sum(ns) FILTER (does = 'run'), 0) AS ran, coalesce(sum(ns), 0) AS held FROM held`, e.G, e.Start))[0]
		if e.Ran < r.num("ran") || e.Ran > r.num("held") {
			c.Errorf("while G%d waited at %d, the query says that goroutines had the P for %d to %d ns, and the report %d", e.G, e.Start, r.num("ran"), r.num("held"), e.Ran)
		}
	}
}

// TestQuantiles: the rank of a quantile is the same in SQL and in reports.
func TestQuantiles(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for n := int64(1); n <= 120; n++ {
		for _, q := range []float64{.5, .9, .99} {
			got := ask(t, db, fmt.Sprintf("SELECT quantile_disc(x, %v) AS q FROM range(1, %d) AS t(x)", q, n+1))
			if want := max(1, int64(math.Ceil(q*float64(n)))); got[0].num("q") != want {
				t.Errorf("of %d the %v quantile is %d, want %d", n, q, got[0].num("q"), want)
			}
		}
	}
}
