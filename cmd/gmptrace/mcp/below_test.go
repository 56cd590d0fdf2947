package mcp

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBelow: a folder stands for the traces and rows below it, and nothing outside of the
// root is looked at, whatever links say.
func TestBelow(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "root")
	for _, name := range []string{"root/a.trace", "root/sub/b.out.gz", "root/sub/-c\x1b[2J.trace", "root/sub/notes.txt", "root/sub/.hidden.trace", "root/sub/.git/d.trace",
		"root/sub/gmptrace-rows/e.parquet", "root/sub/b.out.gz.machine", "outside/secret.trace"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(base, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(base, name), "trace")
	}
	for link, to := range map[string]string{"out": "../outside", "sub/leads.trace": "../../outside/secret.trace", "inside": "sub", "far": filepath.Join(base, "outside")} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.root.Close()
	sub := []string{"sub/-c\x1b[2J.trace", "sub/b.out.gz"}
	for _, test := range []struct{ names, want []string }{
		{[]string{"."}, append([]string{"a.trace"}, sub...)},
		{[]string{"sub", "a.trace", "sub/b.out.gz"}, append([]string{"a.trace"}, sub...)},
		{[]string{"sub/gmptrace-rows"}, []string{"sub/gmptrace-rows/e.parquet"}},
		{[]string{"inside"}, []string{"inside/-c\x1b[2J.trace", "inside/b.out.gz"}},
		{[]string{filepath.Join(dir, "sub")}, []string{filepath.Join(dir, sub[0]), filepath.Join(dir, sub[1])}},
		{[]string{"out", "far", "../outside", "/etc", "gone", "http://x/y"}, []string{"../outside", "/etc", "far", "gone", "http://x/y", "out"}}, // open refuses them
	} {
		got, err := f.below(t.Context(), test.names)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, error %v; want %q", test.names, got, err, test.want)
		}
	}
	for _, name := range []string{"out", "far", "../outside", "/etc", "gone", "http://x/y"} {
		if _, err := f.of([]string{name}); err == nil {
			t.Errorf("%s may be read", name)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.below(gone, []string{"."}); err != context.Canceled {
		t.Errorf("error %v, want that nobody waits any more", err)
	}
}

// TestBelowTooMany: a question is of so many traces and no more.
func TestBelowTooMany(t *testing.T) {
	dir := t.TempDir()
	for i := range mostFiles + 1 {
		write(t, filepath.Join(dir, fmt.Sprintf("%d.trace", i)), "")
	}
	_, session := connect(t, dir, echo, nil)
	if got := failure(t, session, "fleet", arguments{"traces": "."}); !strings.Contains(got, "has too many traces below it: a question may be of 2000") {
		t.Error(got)
	}
}
