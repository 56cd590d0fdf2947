package names

import (
	"testing"

	"gmptrace/analyze/report"
)

// TestVersionFromStacks: the folder of a downloaded toolchain names the version,
// also one whose traces have the header of the version before.
func TestVersionFromStacks(t *testing.T) {
	for file, want := range map[string]int{
		"/go/pkg/mod/golang.org/toolchain@v0.0.1-go1.27.4.linux-amd64/src/runtime/proc.go": 27,
		"/usr/local/go/src/runtime/proc.go":                                                0,
		"runtime/proc.go":                                                                  0,
	} {
		table := Table{Stacks: [][]report.Frame{nil, {{Func: "runtime.gopark", File: file}}}}
		if got := table.VersionFromStacks(); got != want {
			t.Errorf("%s: Go 1.%d, want 1.%d", file, got, want)
		}
	}
}
