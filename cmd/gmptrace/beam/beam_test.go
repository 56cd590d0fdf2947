package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"gmptrace/analyze/fleet"
	"gmptrace/analyze/machine"
	"gmptrace/render"
)

const traces = "../../../fixtures/traces/"

// TestMain lets the pipeline's workers begin, who are in this process.
func TestMain(m *testing.M) {
	beam.Init()
	os.Exit(m.Run())
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

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// folder has traces of two hosts, one of them twice and one with evidence of the machine,
// some damaged, one that cannot be opened, some with names that would act on a terminal.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for to, from := range map[string]string{
		"h1/a.trace.gz": "cases/orders.trace.gz", "h1/b.trace.gz": "cases/jobs.trace.gz", "h2/again.trace.gz": "cases/jobs.trace.gz", "h2/c.trace.gz": "cases/payments.trace.gz",
		"h2/healthy.trace.gz": "cases/orders-healthy.trace.gz", "h2/\x1b[2J<b>\u202e'.trace": "broken/truncated.trace", "h2/page.trace": "broken/html.trace", "h2/empty.trace": "broken/empty.trace",
	} {
		write(t, filepath.Join(dir, to), read(t, traces+from))
	}
	write(t, filepath.Join(dir, "h1/a.trace.gz"+machine.Suffix),
		[]byte("gmptrace.machine 1\nmachine pid=1 cpus=2 online=2 smt=1 host=web-1\nsnapshot trigger=slow name=x took=5 time=20261129T091501.123Z host=web-1 build=4f2c\n"))
	if err := os.Symlink("nowhere", filepath.Join(dir, "h2/gone.trace")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// filesIn are the files of a folder by name.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		out[e.Name()] = string(read(t, filepath.Join(dir, e.Name())))
	}
	return out
}

// alone is what a single process makes of a folder: its rows, and all in one.
func alone(t *testing.T, dir string, g given) (rows map[string]string, merged string) {
	t.Helper()
	kept := filepath.Join(t.TempDir(), "rows")
	files, err := fleet.Find([]string{dir}, kept)
	if err != nil {
		t.Fatal(err)
	}
	c := fleet.Collector{Dir: kept, Input: g.input}
	all, err := c.Collect(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	return filesIn(t, kept), asJSON(t, &all.Fleet)
}

func asJSON(t *testing.T, f *fleet.Fleet) string {
	t.Helper()
	r := f.Result()
	r.Version = "v1.2.3"
	var b bytes.Buffer
	if err := render.FleetJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func sameFiles(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %d bytes, which are other than the %d of a single process", name, len(got[name]), len(want[name]))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files of rows, want %d", len(got), len(want))
	}
}

// TestSame: prism makes the bytes of a single process, of globs and of a list, and again
// where rows are there, are cut, or are missing.
func TestSame(t *testing.T) {
	dir, out := folder(t), t.TempDir()
	g := given{Build: "v1", HostFrom: "/(h1)/a"}
	rows, merged := alone(t, dir, g)
	if len(rows) != 7 || !strings.Contains(merged, "gone.trace") { // jobs is there twice
		t.Fatalf("%d files of rows, and of all of them: %s", len(rows), merged)
	}
	list := filepath.Join(out, "list")
	write(t, list, []byte(filepath.Join(dir, "h2/*")+"\n\n"))
	j := job{Patterns: []string{filepath.Join(dir, "h1/*")}, List: list, Rows: filepath.Join(out, "rows"), Output: filepath.Join(out, "fleet.json"), Given: g, Version: "v1.2.3"}
	run := func(what string) {
		t.Helper()
		if err := j.run(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		sameFiles(t, filesIn(t, j.Rows), rows)
		got, want := strings.Split(string(read(t, j.Output)), "\n"), strings.Split(merged, "\n")
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("%s: line %d is %q, and of a single process %q", what, i+1, got[i], want[i])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d lines, and of a single process %d", what, len(got), len(want))
		}
	}
	run("at first")
	for i, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range rows {
			if !yield(name) {
				return
			}
		}
	}) {
		switch name := filepath.Join(j.Rows, name); i {
		case 0:
			write(t, name, read(t, name)[:100])
		case 1:
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	run("of rows of which one is cut and one is missing")
}

// TestNoTrace: a pattern that matches none is an error that names it.
func TestNoTrace(t *testing.T) {
	out := t.TempDir()
	j := job{Patterns: []string{filepath.Join(out, "none*")}, Rows: filepath.Join(out, "rows"), Output: filepath.Join(out, "fleet.json")}
	if err := j.run(t.Context()); err == nil || !strings.Contains(err.Error(), "none*: there is no such trace") {
		t.Errorf("error %v, want one that names the pattern", err)
	}
	if _, err := os.Stat(j.Output); err == nil {
		t.Error("a fleet of no traces was written")
	}
}

// TestCheck: what is wrong with flags is said before anything runs.
func TestCheck(t *testing.T) {
	good := job{Patterns: []string{"a"}, Rows: "gs://bucket/rows", Output: "o"}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*job){
		"nothing to make a fleet of": func(j *job) { j.Patterns = nil },
		"--rows":                     func(j *job) { j.Rows = "" },
		"--output":                   func(j *job) { j.Output = "" },
		"--trigger":                  func(j *job) { j.Given.Trigger = "moon" },
		"--host-from":                func(j *job) { j.Given.HostFrom = "(" },
		"--build-from":               func(j *job) { j.Given.BuildFrom = "(" },
		"moon://x":                   func(j *job) { j.Output = "moon://x" },
	} {
		j := good
		spoil(&j)
		if err := j.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// TestFlags: command lines that are shown have flags that there are, runners' among them.
func TestFlags(t *testing.T) {
	f := flag.NewFlagSet("", flag.ContinueOnError)
	new(job).flags(f)
	lines := 0
	for line := range strings.Lines(strings.ReplaceAll(string(read(t, "../docs/fleet.md"))+usage, "\\\n", " ")) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "./beam" && words[0] != "beam" {
			continue
		}
		lines++
		for _, word := range words {
			if name, ok := strings.CutPrefix(word, "--"); ok && f.Lookup(name) == nil && flag.Lookup(name) == nil {
				t.Errorf("no flag %s: %s", word, line)
			}
		}
	}
	if lines < 6 {
		t.Errorf("%d command lines", lines)
	}
}

// TestMerge: however an engine divides rows, and whatever it sends from one worker to
// another, the bytes are the same.
func TestMerge(t *testing.T) {
	kept, merged := alone(t, folder(t), given{})
	var rows [][]byte
	for _, b := range kept {
		rows = append(rows, []byte(b))
	}
	m := mergeFn{Version: "v1.2.3"}
	var want []byte
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		random.Shuffle(len(rows), func(i, k int) { rows[i], rows[k] = rows[k], rows[i] })
		parts := []*fleet.Fleet{m.CreateAccumulator(), m.CreateAccumulator(), m.CreateAccumulator()}
		for _, r := range rows {
			to := &parts[random.IntN(len(parts))]
			var err error
			if *to, err = m.AddInput(*to, r); err != nil {
				t.Fatal(err)
			}
		}
		all := m.CreateAccumulator()
		for _, i := range random.Perm(len(parts)) {
			b, err := encode(parts[i])
			if err != nil {
				t.Fatal(err)
			}
			part, err := decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if all, err = m.MergeAccumulators(all, part); err != nil {
				t.Fatal(err)
			}
		}
		got, err := m.ExtractOutput(all)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d: other bytes", seed)
		}
	}
	var a, b struct {
		Quantiles, Causes json.RawMessage
	}
	if json.Unmarshal(want, &a) != nil || json.Unmarshal([]byte(merged), &b) != nil || !bytes.Equal(a.Causes, b.Causes) || !bytes.Equal(a.Quantiles, b.Quantiles) || len(a.Causes) < 10 {
		t.Error("other causes or quantiles than those of a single process") // which has one more trace, that cannot be opened
	}
	if _, err := m.AddInput(m.CreateAccumulator(), []byte("no rows")); err == nil {
		t.Error("no error of what are no rows")
	}
}
