package compare

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is no fixture is told as what it is, and never with the advice to write a fixture in
// its place.
func TestNotAFixture(t *testing.T) {
	for name, test := range map[string][2]string{
		"app.trace":    {"go 1.26 trace\x00\x00\x00and so on", "it is a trace, no fixture"},
		"app.trace.gz": {"\x1f\x8b\x08\x00", "it is compressed"},
		"app.zst":      {"\x28\xb5\x2f\xfd\x04", "it is compressed"},
		"empty":        {"", "it is empty"},
		"report.json":  {`{"schema":"gmptrace.report/9","fixture":"gmptrace.fixture/7"}`, "does not begin with the schema of a fixture"},
		"policy.yaml":  {"requests:\n- path: /\n", "no fixture, which is JSON"},
		FixtureFile:    {"<<<<<<< HEAD\n{\n \"schema\": \"gmptrace.fixture/7\"", "no fixture, which is JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, []byte(test[0]), 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := ReadFixture(file)
			if err == nil || !strings.Contains(err.Error(), test[1]) || !strings.Contains(err.Error(), file) {
				t.Fatalf("error %v, want one of %s with %q", err, file, test[1])
			}
			if strings.Contains(err.Error(), "--force") || !strings.Contains(err.Error(), "give the folder") {
				t.Errorf("error %v, want the advice to give the folder, and none to replace a file", err)
			}
		})
	}
}

// A fixture is named by its folder or by its file.
func TestFixturePath(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, FixtureFile)
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, file} {
		if got := FixturePath(name); got != file {
			t.Errorf("the fixture %s is in %s, want %s", name, got, file)
		}
	}
}
