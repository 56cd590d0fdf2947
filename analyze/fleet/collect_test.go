package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// folder has traces of two hosts, one of them twice, some damaged, one that is none, and
// other files.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for to, from := range map[string]string{
		"h1/a.trace.gz": "cases/orders.trace.gz", "h1/b.trace.gz": "cases/jobs.trace.gz", "h2/again.trace.gz": "cases/jobs.trace.gz", "h2/c.trace.gz": "cases/payments.trace.gz",
		"h2/cut.trace": "broken/truncated.trace", "h2/page.trace": "broken/html.trace", "h2/empty.trace": "broken/empty.trace",
	} {
		b, err := os.ReadFile(filepath.Join(traces, from))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, to), b)
	}
	write(t, filepath.Join(dir, "notes.txt"), []byte("no trace"))
	write(t, filepath.Join(dir, ".hidden.trace"), []byte("no trace"))
	write(t, filepath.Join(dir, "h1/a.trace.gz.machine"), []byte("gmptrace.machine 1\nmachine pid=1 cpus=2 online=2 smt=1 host=web-1\nsnapshot trigger=slow name=x took=5 time=20261129T091501.123Z host=web-1 build=4f2c\n"))
	return dir
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// collected is what is made of a folder with its rows.
func collected(t *testing.T, ctx context.Context, dir, rows string, done func(int, int)) (*Collected, error) {
	t.Helper()
	files, err := Find([]string{dir}, rows)
	if err != nil {
		t.Fatal(err)
	}
	c := Collector{Dir: rows, Done: done}
	return c.Collect(ctx, files)
}

// filesIn are the files of a folder by name.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(b)
	}
	return out
}

// TestResume: what was interrupted goes on where it was, and ends with the same bytes as
// what was not; what is there is not read again.
func TestResume(t *testing.T) {
	dir := folder(t)
	whole := filepath.Join(dir, RowsDir)
	want, err := collected(t, t.Context(), dir, whole, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want.N() != 6 || want.Read != 6 {
		t.Errorf("%d traces, %d read: want 6, as one is there twice", want.N(), want.Read)
	}
	resumed := filepath.Join(t.TempDir(), "rows")
	for stop := 8; ; stop++ { // of 7 traces that are hashed first
		ctx, cancel := context.WithCancel(t.Context())
		got, err := collected(t, ctx, dir, resumed, func(done, _ int) {
			if done == stop {
				cancel()
			}
		})
		cancel()
		if err == nil {
			if asJSON(t, &got.Fleet) != asJSON(t, &want.Fleet) {
				t.Error("another result, interrupted and resumed")
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	a, b := filesIn(t, whole), filesIn(t, resumed)
	if len(a) != 6 || len(b) != len(a) {
		t.Errorf("%d and %d files of rows, want 6", len(a), len(b))
	}
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s: other bytes, interrupted and resumed", name)
		}
	}
	again, err := collected(t, t.Context(), dir, whole, nil)
	if err != nil || again.Read != 0 || asJSON(t, &again.Fleet) != asJSON(t, &want.Fleet) {
		t.Errorf("again: error %v, %d traces read, want none and the same result", err, again.Read)
	}
	rows, err := collected(t, t.Context(), whole, "nowhere", nil)
	if err != nil || asJSON(t, &rows.Fleet) != asJSON(t, &want.Fleet) {
		t.Errorf("of the rows alone: error %v, or another result", err)
	}
}

// TestHalfRows: a file of rows that somebody cut, or that has no rows, is made again; named
// itself it is told of.
func TestHalfRows(t *testing.T) {
	dir := folder(t)
	rows := filepath.Join(dir, RowsDir)
	want, err := collected(t, t.Context(), dir, rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	was := filesIn(t, rows)
	var cut string
	for name, b := range was {
		cut = filepath.Join(rows, name)
		write(t, cut, []byte(b[:len(b)/2]))
		break
	}
	alone, err := collected(t, t.Context(), rows, "nowhere", nil)
	if err != nil || len(alone.Failed) != 1 || !strings.HasPrefix(alone.Failed[0].Error(), cut+": ") || alone.N() != 5 {
		t.Errorf("error %v, failed %v, %d traces: want one file told of, and 5 traces", err, alone.Failed, alone.N())
	}
	got, err := collected(t, t.Context(), dir, rows, nil)
	if err != nil || got.Read != 1 || asJSON(t, &got.Fleet) != asJSON(t, &want.Fleet) {
		t.Errorf("error %v, %d read: want the one that was cut, and the same result", err, got.Read)
	}
	for name, b := range filesIn(t, rows) {
		if was[name] != b {
			t.Errorf("%s: other bytes, made again", name)
		}
	}
}

// TestDamaged: traces that cannot be read are told of with why, and stop nothing.
func TestDamaged(t *testing.T) {
	dir := folder(t)
	gone := filepath.Join(dir, "h2/gone.trace")
	if err := os.Symlink("nowhere", gone); err != nil {
		t.Fatal(err)
	}
	got, err := collected(t, t.Context(), dir, filepath.Join(dir, RowsDir), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := got.Result()
	if r.Traces.Count != 7 || r.Traces.Unreadable != 3 || r.Traces.Partial != 1 || r.Traces.Complete != 3 {
		t.Errorf("%+v: want 7 traces, of which 3 cannot be read and one can in part", r.Traces)
	}
	for i, want := range []string{"empty.trace", "gone.trace", "page.trace"} {
		if i >= len(r.Lost) || !strings.HasSuffix(r.Lost[i].Path, want) || r.Lost[i].Text == "" {
			t.Errorf("not told of %s: %+v", want, r.Lost)
		}
	}
	if n := len(filesIn(t, filepath.Join(dir, RowsDir))); n != 6 {
		t.Errorf("%d files of rows, want 6: none of what could not even be opened", n)
	}
	if r.Traces.Slow != 1 || len(r.Hosts) == 0 || r.Hosts[len(r.Hosts)-1].Name != "web-1" {
		t.Errorf("%+v, hosts %+v: want the snapshot's host and trigger, which stand in the file beside it", r.Traces, r.Hosts)
	}
}

// failing is a trace whose medium fails.
type failing struct{ n atomic.Int64 }

func (f *failing) Read(p []byte) (int, error) {
	if f.n.Add(1) > 2 {
		return 0, errors.New("the disk is gone")
	}
	return copy(p, "go 1.26 trace\x00\x00\x00"), nil
}

// TestMedium: that a trace could not be read to its end is an error, not a damaged trace.
func TestMedium(t *testing.T) {
	if _, err := Map(t.Context(), &failing{}, Input{}, Options{}); err == nil || !strings.Contains(err.Error(), "disk is gone") {
		t.Errorf("error %v, want the disk's", err)
	}
}

// TestKey: the key is the hash of the bytes where nothing else is given, and differs with
// what is.
func TestKey(t *testing.T) {
	seen := map[string]bool{}
	for _, in := range []Input{{}, {Host: "a"}, {Build: "a"}, {Trigger: "a"}, {Evidence: []byte("a")}, {Host: "a", Build: "b"}, {Host: "ab"}} {
		k, err := Key(strings.NewReader("x"), in)
		if err != nil || seen[k] || !strings.HasPrefix(k, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881") {
			t.Errorf("%+v: error %v, key %s: want one of its own that begins with the hash", in, err, k)
		}
		seen[k] = true
		in.Path = "elsewhere"
		if again, _ := Key(strings.NewReader("x"), in); again != k {
			t.Errorf("%+v: the path has a part in the key", in)
		}
	}
}

// TestBias: slow snapshots have no part in quantiles, and what is told of causes is told of
// the slow ones among themselves.
func TestBias(t *testing.T) {
	slow := mapFile(t, "cases/orders.trace.gz", Input{Trigger: "slow"})
	healthy := mapFile(t, "cases/orders-healthy.trace.gz", Input{Trigger: "baseline"})
	untold := mapFile(t, "cases/jobs.trace.gz", Input{})
	alone := asQuantiles(t, healthy)
	if both := asQuantiles(t, slow, healthy, untold); both != alone || alone == "[]" {
		t.Error("other quantiles with a slow snapshot and one that does not tell why it was taken")
	}
	if q := asQuantiles(t, slow); q != "[]" {
		t.Errorf("quantiles of slow snapshots alone: %s", q)
	}
	if asQuantiles(t, slow, untold) != asQuantiles(t, untold) {
		t.Error("other quantiles with a slow snapshot, where none was taken by chance")
	}
	var f Fleet
	for _, r := range []*Rows{slow, healthy} {
		f.Add(r)
	}
	r := f.Result()
	if len(r.Causes) == 0 || r.Causes[0].Sample != SampleSlow {
		t.Fatalf("causes %+v: want those of slow snapshots first", r.Causes)
	}
	for _, c := range r.Causes {
		if c.Of != 1 || c.Traces != 1 {
			t.Errorf("%s of %s: %d of %d traces, want 1 of 1", c.Kind, c.Sample, c.Traces, c.Of)
		}
	}
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "biased sample") {
		t.Errorf("it does not say so: %s", notes)
	}
}

func asQuantiles(t *testing.T, rows ...*Rows) string {
	t.Helper()
	var f Fleet
	for _, r := range rows {
		f.Add(r)
	}
	b, err := json.Marshal(f.Result().Quantiles)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
