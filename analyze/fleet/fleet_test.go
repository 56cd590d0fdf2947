package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/replay"
)

// recorded are rows of some recorded traces, each read once, as if two builds of several
// hosts had written them for several reasons.
func recorded(t *testing.T) []*Rows {
	t.Helper()
	var out []*Rows
	for i, name := range []string{"cases/orders", "cases/orders-healthy", "cases/payments", "cases/pages-healthy", "cases/jobs", "incidents/idle-p", "incidents/lock-http"} {
		for k, trigger := range []string{"baseline", "slow", ""} {
			in := Input{Path: fmt.Sprintf("h%d/%s.trace", i%3, name), Host: fmt.Sprintf("h%d", i%3), Build: fmt.Sprintf("v%d", 9+i%2), Trigger: trigger}
			if (i+k)%2 == 0 {
				out = append(out, mapFile(t, name+".trace.gz", in))
			}
		}
	}
	out = append(out, mapFile(t, "broken/truncated.trace", Input{Path: "cut"}), mapFile(t, "broken/html.trace", Input{Path: "page", Host: "h7"}))
	return out
}

const traces = "../../fixtures/traces"

func mapFile(t testing.TB, name string, in Input) *Rows {
	t.Helper()
	f, err := os.Open(filepath.Join(traces, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := Map(context.Background(), f, in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func written(t *testing.T, r *Rows) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readBack(t *testing.T, b []byte) *Rows {
	t.Helper()
	r, err := ReadRows(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func asJSON(t *testing.T, f *Fleet) string {
	t.Helper()
	b, err := json.MarshalIndent(f.Result(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMergeOrder: the result is the same bytes in whatever order rows come, in whatever
// portions they are merged, and whether parts travel or not.
func TestMergeOrder(t *testing.T) {
	rows := recorded(t)
	var all Fleet
	for _, r := range rows {
		all.Add(r)
	}
	want := asJSON(t, &all)
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		parts := make([]*Fleet, 1+random.IntN(5))
		for i := range parts {
			parts[i] = &Fleet{}
		}
		for _, i := range random.Perm(len(rows)) {
			p := parts[random.IntN(len(parts))]
			p.Add(readBack(t, written(t, rows[i])))
			p.Add(rows[i]) // again
		}
		var merged Fleet
		for _, i := range random.Perm(len(parts)) {
			b, err := parts[i].MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			var part Fleet
			if err := part.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			if err := merged.Merge(&part); err != nil {
				t.Fatal(err)
			}
		}
		if got := asJSON(t, &merged); got != want {
			t.Fatalf("round %d: another result in another order", round)
		}
	}
}

// TestMergeTwice: parts that have a trace in common are refused.
func TestMergeTwice(t *testing.T) {
	r := mapFile(t, "broken/html.trace", Input{Path: "page"})
	var a, b Fleet
	a.Add(r)
	b.Add(r)
	if err := a.Merge(&b); err == nil || a.N() != 1 {
		t.Errorf("error %v, %d traces: want an error, and one trace", err, a.N())
	}
}

// TestRows: what is written can be read again, and the same is written of the same.
func TestRows(t *testing.T) {
	for _, r := range recorded(t) {
		b := written(t, r)
		again := readBack(t, b)
		if !bytes.Equal(written(t, again), b) {
			t.Errorf("%s: read and written again, other bytes", r.Path())
		}
		t.Logf("%s: %d bytes, %d rows, %d series", r.Path(), len(b), len(r.rows), len(r.sketches))
	}
}

// TestQuantilesOfOne: of a single trace, quantiles are those of its report.
func TestQuantilesOfOne(t *testing.T) {
	for _, name := range []string{"cases/orders", "cases/jobs", "incidents/lock-http"} {
		f, err := os.Open(filepath.Join(traces, name+".trace.gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rep, err := analyze.Analyze(context.Background(), f, analyze.Options{Options: replay.Options{}})
		if err != nil {
			t.Fatal(err)
		}
		var one Fleet
		one.Add(readBack(t, written(t, mapFile(t, name+".trace.gz", Input{}))))
		by := map[[2]string]Quantiles{}
		for _, q := range one.Result().Quantiles {
			by[[2]string{q.Of, q.Name}] = q
		}
		if q := by[[2]string{OfSched, ""}]; q.P50.NS != rep.Latency.P50 || q.P99.NS != rep.Latency.P99 || q.P999.NS != rep.Latency.P999 || q.Max != rep.Latency.Max {
			t.Errorf("%s: waits for a P of %+v, in the report %+v", name, q, rep.Latency)
		}
		if len(rep.Slowest.Groups) == 0 {
			t.Fatalf("%s: the report tells of no request or task", name)
		}
		for _, g := range rep.Slowest.Groups {
			q := by[[2]string{string(rep.Slowest.Kind), g.Name}]
			if q.Count != g.Count || q.P50.NS != g.P50 || q.P99.NS != g.P99 || q.Max != g.Max || q.Open != g.Unfinished {
				t.Errorf("%s: %s: %+v, in the report %+v", name, g.Name, q, g)
			}
			if q.P50.Lo != nil || q.P50.Hi != nil {
				t.Errorf("%s: one trace tells how traces differ", name)
			}
		}
	}
}
