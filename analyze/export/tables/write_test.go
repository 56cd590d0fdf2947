package tables

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gmptrace/analyze/report"

	"github.com/parquet-go/parquet-go"
)

var testTable = table{name: "test", rows: "a row", columns: []column{{name: "n", kind: number}, {name: "name", kind: text, null: true}}}

// TestGroups writes many rows, and long names: no group of rows, which is what stands in
// memory, has more than it may.
func TestGroups(t *testing.T) {
	long := strings.Repeat("x", 1<<18)
	for _, test := range []struct {
		rows, text int
		name       string
	}{{3*groupRows + 5, 0, ""}, {600, 1 << 18, long}} {
		var out bytes.Buffer
		w := newParquetWriter(&testTable, &out, &report.Report{})
		for i := range test.rows {
			if err := w.write([]cell{numberOf(int64(i)), textOf(test.name)}); err != nil {
				t.Fatal(err)
			}
			if len(w.batch[0]) > batchRows || w.rows > groupRows || w.text > groupText+len(test.name) {
				t.Fatalf("%d rows in a batch, %d in a group, with %d bytes of text", len(w.batch[0]), w.rows, w.text)
			}
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		groups := f.RowGroups()
		if f.NumRows() != int64(test.rows) || len(groups) < 3 {
			t.Errorf("%d of %d rows in %d groups", f.NumRows(), test.rows, len(groups))
		}
		for _, g := range groups {
			if n := g.NumRows(); n > groupRows || n*int64(test.text) > groupText+int64(test.text) {
				t.Errorf("a group has %d rows", n)
			}
		}
	}
}

// TestHostileNames writes names that somebody may have given a task.
func TestHostileNames(t *testing.T) {
	names := []string{"=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\t=1", "a,b\"c\nd", "\x1b]0;owned\a", "\xff\xfe", "'=1", "ok - fine"}
	want := []string{"'=HYPERLINK(\"http://x\")", "'+1", "'-1", "'@SUM(A1)", `'\x09=1`, `a,b"c\x0ad`, `\x1b]0;owned\x07`, "\uFFFD", "'=1", "ok - fine"}
	var out bytes.Buffer
	w, err := newCSVWriter(&testTable, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := w.write([]cell{numberOf(1), textOf(name)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines[1:] {
		if line[1] != want[i] {
			t.Errorf("%q is written as %q, want %q", names[i], line[1], want[i])
		}
	}
}

// TestSpool keeps numbers of all lengths.
func TestSpool(t *testing.T) {
	s, err := newSpool(t.TempDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	var want [][3]int64
	for i := range int64(1 << 12) {
		want = append(want, [3]int64{i * i, -i << 50, i % 3})
		if err := s.add(want[i][:]...); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	err = s.each(func(row []int64) error {
		if [3]int64(row) != want[n] {
			t.Fatalf("row %d is %v, want %v", n, row, want[n])
		}
		n++
		return nil
	})
	if err != nil || n != len(want) {
		t.Errorf("%d rows, %v", n, err)
	}
	if err := s.remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.file.Name()); err == nil {
		t.Error("the file is still there")
	}
}

// TestSchema holds columns to what a schema needs.
func TestSchema(t *testing.T) {
	for _, table := range all() {
		seen := map[string]bool{}
		for _, c := range table.columns {
			if seen[c.name] || c.doc == "" || (c.of == nil) != (table.width == 0) || strings.HasSuffix(c.name, "_ns") != (c.kind == length) && c.name != "ns" {
				t.Errorf("%s.%s: %+v", table.name, c.name, c)
			}
			if c.null == !strings.Contains(c.doc, "NULL") && table.width > 0 && !strings.HasSuffix(c.name, "_file") && !strings.HasSuffix(c.name, "_line") && c.name != "who_func" && c.name != "reason" && c.name != "task" && c.name != "g" {
				t.Errorf("%s.%s can be NULL: %v, and is documented as %q", table.name, c.name, c.null, c.doc)
			}
			seen[c.name] = true
			if !strings.Contains(Schema(), "  "+c.name+" ") {
				t.Errorf("%s.%s is not documented", table.name, c.name)
			}
		}
	}
}

// exported makes a folder that looks as Export leaves it.
func exported(t *testing.T, dir, version string) {
	t.Helper()
	for name, text := range map[string]string{schemaFile: version + "\n", "slices.parquet": version, filepath.Join(queriesFolder, "gc_share.sql"): version} {
		put(t, filepath.Join(dir, name), text)
	}
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, name, want string) {
	t.Helper()
	if got, err := os.ReadFile(name); err != nil && want != "" || string(got) != want {
		t.Errorf("%s holds %q, %v, want %q", filepath.Base(name), got, err, want)
	}
}

// TestFolder puts folders into the place of nothing, of older ones, and of others'.
func TestFolder(t *testing.T) {
	const older, newer = "gmptrace.tables/1 older", "gmptrace.tables/1 newer"
	for _, test := range []struct {
		name   string
		before map[string]string // files that are there; nil for no folder
		force  bool
		fails  bool // it is left as it is
	}{
		{name: "nothing"},
		{name: "empty", before: map[string]string{}},
		{name: "ours", before: map[string]string{schemaFile: older, "waits.csv": older}},
		{name: "with a file of others", before: map[string]string{schemaFile: older, "notes.txt": "mine"}, fails: true},
		{name: "with a query of others", before: map[string]string{schemaFile: older, "queries/mine.sql": "mine"}, fails: true},
		{name: "of others", before: map[string]string{"slices.parquet": "mine"}, fails: true},
		{name: "of others, forced", before: map[string]string{"notes.txt": "mine", "slices.parquet": "mine", "queries/mine.sql": "mine"}, force: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "app.tables")
			if test.before != nil {
				if err := os.Mkdir(dir, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			for name, text := range test.before {
				put(t, filepath.Join(dir, name), text)
			}
			f, err := CreateFolder(dir, test.force)
			if (err != nil) != test.fails {
				t.Fatalf("the error is %v", err)
			}
			if test.fails {
				for name, text := range test.before {
					holds(t, filepath.Join(dir, name), text)
				}
			} else {
				exported(t, f.Dir, newer)
				if err := f.Commit(); err != nil {
					t.Fatal(err)
				}
				f.Discard()
				holds(t, filepath.Join(dir, "slices.parquet"), newer)
				holds(t, filepath.Join(dir, "queries/gc_share.sql"), newer)
				holds(t, filepath.Join(dir, "waits.csv"), "")
				if test.force {
					holds(t, filepath.Join(dir, "notes.txt"), "mine")
					holds(t, filepath.Join(dir, "queries/mine.sql"), "mine")
				}
			}
			if left, _ := os.ReadDir(parent); len(left) != 1 {
				t.Errorf("%v are left", left)
			}
		})
	}
}

// TestFolderLate: what comes into a folder while a trace is read is not lost, and what was
// not put into place is gone.
func TestFolderLate(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "app.tables")
	f, err := CreateFolder(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	exported(t, f.Dir, "gmptrace.tables/1")
	put(t, filepath.Join(dir, "notes.txt"), "mine")
	if err := f.Commit(); err == nil {
		t.Error("it was put into the place of what came meanwhile")
	}
	f.Discard()
	holds(t, filepath.Join(dir, "notes.txt"), "mine")
	if left, _ := os.ReadDir(parent); len(left) != 1 {
		t.Errorf("%v are left", left)
	}
}

// TestFolderHere: the current folder is not exchanged for another one.
func TestFolderHere(t *testing.T) {
	t.Chdir(t.TempDir())
	before, err := os.Stat(".")
	if err != nil {
		t.Fatal(err)
	}
	f, err := CreateFolder(".", false)
	if err != nil {
		t.Fatal(err)
	}
	exported(t, f.Dir, "gmptrace.tables/1")
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	holds(t, "slices.parquet", "gmptrace.tables/1")
	if after, err := os.Stat("."); err != nil || !os.SameFile(before, after) {
		t.Errorf("it is another folder, %v", err)
	}
}

// TestQueries: each file says what it answers, and is for the format of the tables.
func TestQueries(t *testing.T) {
	for _, name := range queryNames() {
		sql, err := Queries.ReadFile("queries/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(sql), "-- ") || !strings.Contains(string(sql), "read_parquet('") {
			t.Errorf("%s is %s", name, sql)
		}
		if s := reading(string(sql), CSV); strings.Contains(s, "parquet") || !strings.Contains(s, ".csv'") {
			t.Errorf("%s for CSV is %s", name, s)
		}
	}
}
