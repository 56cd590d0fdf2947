package replaytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recordedTraces are the recorded traces of real programs and the tiny ones, by
// path. Compressed ones are copies of others.
func recordedTraces(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"analyze/testdata/traces/*.trace", "fixtures/traces/real/*.trace"} {
		found, err := filepath.Glob(filepath.Join(moduleRoot(t), pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no traces in %s: %v", pattern, err)
		}
		names = append(names, found...)
	}
	return names
}

// moduleRoot is the folder of go.mod: tests run in that of their package.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("not in a module")
		}
		dir = up
	}
}

// EachRecorded runs a test on every recorded trace.
func EachRecorded(t *testing.T, test func(t *testing.T, data []byte)) {
	for _, name := range recordedTraces(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".trace"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			test(t, data)
		})
	}
}
