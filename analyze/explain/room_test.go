package explain

import (
	"testing"

	"gmptrace/analyze/report"
)

// TestCollectorFirst: the collector goes before waits behind nobody in particular that
// are at most a third more, and before no others.
func TestCollectorFirst(t *testing.T) {
	serve := report.Frame{Func: "net/http.(*conn).serve"}
	search := report.Frame{Func: "main.search", File: "main.go"}
	for _, c := range []struct {
		name          string
		others, alloc report.Frame
		gc            int64 // beyond typical, where others took 100
		kind          report.RootKind
		want          bool
	}{
		{"nearly as much", serve, search, 75, report.RootGC, true},
		{"nobody at all", report.Frame{}, search, 75, report.RootGC, true},
		{"much less", serve, search, 74, report.RootGC, false},
		{"others have a name", search, search, 99, report.RootGC, false},
		{"who allocates has none", serve, report.Frame{}, 99, report.RootGC, false},
		{"no collector", serve, search, 99, report.RootComputing, false},
	} {
		roots := []report.Root{{Kind: report.RootQueue, NS: 110, Typical: 10, At: c.others}, {Kind: c.kind, NS: c.gc + 50, Typical: 50, At: c.alloc}}
		if collectorFirst(roots); (roots[0].Kind == c.kind) != c.want {
			t.Errorf("%s: %s comes first", c.name, roots[0].Kind)
		}
	}
}
