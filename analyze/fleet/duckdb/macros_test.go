package duckdb_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // the driver

	"gmptrace/analyze/fleet"
)

const traces = "../../../fixtures/traces/"

// hostile is a name that would act in a query that is made of it.
const hostile = "x'; DROP VIEW rows; --\x1b[2J\"\u202e"

// kept writes rows of recorded traces into a folder, as if hosts of several builds had
// taken them for several reasons, and adds them to a fleet.
func kept(t *testing.T, dir string, triggers []string) *fleet.Fleet {
	t.Helper()
	var all fleet.Fleet
	for i, name := range []string{"cases/orders.trace.gz", "cases/orders-healthy.trace.gz", "cases/payments.trace.gz", "cases/jobs.trace.gz", "cases/pages-healthy.trace.gz", "broken/truncated.trace", "broken/html.trace"} {
		for k, trigger := range triggers {
			in, err := os.Open(traces + name)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			given := fleet.Input{Path: name, Host: fmt.Sprintf("%s%d", hostile, i%3), Build: []string{"", "v1", hostile}[(i+k)%3], Trigger: trigger}
			r, err := fleet.Map(context.Background(), in, given, fleet.Options{})
			if err != nil {
				t.Fatal(err)
			}
			out, err := os.Create(filepath.Join(dir, r.Key()+fleet.RowsSuffix))
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Write(out); err != nil {
				t.Fatal(err)
			}
			if err := out.Close(); err != nil {
				t.Fatal(err)
			}
			all.Add(r)
		}
	}
	return &all
}

// open has the macros and the view of a folder's rows.
func open(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	view := "CREATE OR REPLACE VIEW rows AS FROM read_parquet('" + strings.ReplaceAll(dir, "'", "''") + "/*.parquet')"
	for _, query := range []string{fleet.SQL, view} {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

type quantile struct{ of, name, build string }

// ask are the quantiles that a query tells, with how many values they are of.
func ask(t *testing.T, db *sql.DB, query string, args ...any) map[quantile][2]int64 {
	t.Helper()
	answer, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	out := map[quantile][2]int64{}
	for answer.Next() {
		var q quantile
		var build sql.NullString
		var n, ns int64
		if err := answer.Scan(&q.of, &q.name, &build, &n, &ns); err != nil {
			t.Fatal(err)
		}
		q.build = build.String
		out[q] = [2]int64{n, ns}
	}
	if err := answer.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestQuantiles: the macro tells the very numbers of the program, of the sample that it
// tells them of, for one trace and for several.
func TestQuantiles(t *testing.T) {
	for name, triggers := range map[string][]string{"baseline": {"baseline", "slow", "asked"}, "other": {"slow", ""}, "two": {"baseline", "baseline"}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := kept(t, dir, triggers).Result()
			db := open(t, dir)
			for _, x := range []struct {
				q  float64
				of func(*fleet.Quantiles) int64
			}{
				{.5, func(q *fleet.Quantiles) int64 { return q.P50.NS }}, {.9, func(q *fleet.Quantiles) int64 { return q.P90.NS }},
				{.99, func(q *fleet.Quantiles) int64 { return q.P99.NS }}, {.999, func(q *fleet.Quantiles) int64 { return q.P999.NS }},
				{0, func(q *fleet.Quantiles) int64 { return q.Min }}, {1, func(q *fleet.Quantiles) int64 { return q.Max }},
			} {
				got := ask(t, db, "FROM fleet_quantiles(?)", x.q)
				if len(got) != len(r.Quantiles) || len(got) < 20 {
					t.Errorf("q %v: %d rows, and the program has %d", x.q, len(got), len(r.Quantiles))
				}
				for i := range r.Quantiles {
					p := &r.Quantiles[i]
					if want := [2]int64{p.Count, x.of(p)}; got[quantile{p.Of, p.Name, p.Build}] != want {
						t.Errorf("q %v of %s %s, build %q: count and ns %v, want %v", x.q, p.Of, p.Name, p.Build, got[quantile{p.Of, p.Name, p.Build}], want)
					}
				}
			}
		})
	}
}

// TestSlowAlone: there is nothing to tell quantiles of, and the macro for one sample tells
// those of the slow ones to who asks for them.
func TestSlowAlone(t *testing.T) {
	dir := t.TempDir()
	kept(t, dir, []string{"slow"})
	db := open(t, dir)
	if got := ask(t, db, "FROM fleet_quantiles(0.99)"); len(got) > 0 {
		t.Errorf("quantiles of slow snapshots: %v", got)
	}
	if got := ask(t, db, "FROM fleet_quantiles_of(0.99, 'slow')"); len(got) == 0 {
		t.Error("none, though they were asked for")
	}
}

// TestRanks goes through many ranks of one sketch: those at which the product of doubles
// is just above or below a whole number among them.
func TestRanks(t *testing.T) {
	dir := t.TempDir()
	all := kept(t, dir, []string{"baseline"})
	db := open(t, dir)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 60 {
		q := random.Float64()
		if i%2 == 0 {
			q = float64(i) / 100
		}
		want := all.Quantile(fleet.SampleBaseline, fleet.OfSched, "", "v1", q)
		if got := ask(t, db, "FROM fleet_quantiles(?)", q)[quantile{fleet.OfSched, "", "v1"}]; got[1] != want || want == 0 {
			t.Errorf("q %v: %d, want %d", q, got[1], want)
		}
	}
}

// TestCauses: the macro finds the traces that the program does.
func TestCauses(t *testing.T) {
	dir := t.TempDir()
	r := kept(t, dir, []string{"baseline", "slow"}).Result()
	db := open(t, dir)
	answer, err := db.QueryContext(t.Context(), "SELECT id, func, traces FROM fleet_causes('slow')")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	got := map[[2]string]int64{}
	for answer.Next() {
		var id string
		var fn sql.NullString
		var n int64
		if err := answer.Scan(&id, &fn, &n); err != nil {
			t.Fatal(err)
		}
		got[[2]string{id, fn.String}] = n
	}
	n := 0
	for i := range r.Causes {
		if c := &r.Causes[i]; c.Sample == fleet.SampleSlow {
			n++
			if got[[2]string{c.Kind, c.Func}] < c.Traces { // which leaves out those with next to no share
				t.Errorf("%s %s: %d traces, the program has %d", c.Kind, c.Func, got[[2]string{c.Kind, c.Func}], c.Traces)
			}
		}
	}
	if n == 0 {
		t.Error("the program has no cause")
	}
}
