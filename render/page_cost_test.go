package render

import (
	"testing"

	"gmptrace/analyze/report"
)

// TestCostKind: beside a finding's title stands whose time its cost is, and whether those
// of several were added up.
func TestCostKind(t *testing.T) {
	for costOf, want := range map[string]string{
		"goroutine time blocked there":                        "goroutine time",
		"goroutine time blocked there" + report.AllGoroutines: "goroutine time, all goroutines together",
		"P time of mark workers" + report.AllPs:               "P time, all Ps together",
		"time in which a listener took no connection":         "",
	} {
		if got := costKind(costOf); got != want {
			t.Errorf("%q: %q, want %q", costOf, got, want)
		}
	}
}
