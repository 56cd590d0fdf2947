package diagnose

import (
	"testing"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/report"
)

// TestPauses: how much pauses took in all is asked of those alone that the program asked
// for, or that waited for a goroutine of it: the machine makes others long.
func TestPauses(t *testing.T) {
	const second = 1_000_000_000
	for _, c := range []struct {
		name           string
		awaited, asked int64 // ns in all, in one pause each
		want           report.Severity
	}{
		{"mostly the collector's", 4e6, 0, report.SeverityInfo},
		{"waited for the program", 5e6, 0, report.SeverityWarning},
		{"asked for by the program", 0, 5e6, report.SeverityWarning},
		{"both, of which neither is much", 3e6, 3e6, report.SeverityWarning},
		{"long and much", 10e6, 0, report.SeverityCritical},
		{"neither", 0, 0, report.SeverityInfo},
	} {
		r := &stopTheWorldJudge{gc: &measure.GC{Awaited: map[uint32]*measure.Awaited{1: {Count: 1, Sum: c.awaited, Max: c.awaited}}}}
		rep := &report.Report{Trace: report.Trace{DurationNS: second, To: second}, GC: report.GC{STWTotal: 20e6, STWs: []report.STWKind{
			{Cause: "GC mark termination", Count: 9, Total: 15e6, Max: 9e6}, {Cause: "read mem stats", Count: 1, Total: c.asked, Max: c.asked}}}}
		if got := r.severity(rep); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
