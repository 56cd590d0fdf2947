package render

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"gmptrace/analyze/report"
)

// TestMachineFits: what the machine said fits into 80 columns, with pressure and where
// GOMAXPROCS comes from; what it said in vain is told with why.
func TestMachineFits(t *testing.T) {
	told := func(m *report.Machine) string {
		var b bytes.Buffer
		textMachine(&terminal{w: &b, width: 80}, &report.Report{Machine: m})
		for line := range strings.Lines(b.String()) {
			if w := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); w > 80 {
				t.Errorf("%d columns: %s", w, line)
			}
		}
		return b.String()
	}
	got := told(&report.Machine{Samples: 500, Wanted: 9e9, Lost: report.CPULost{Quota: 1e9, Others: 2e9, Own: 1e9}, QuotaCPUs: 0.5, Period: 1e8, CPUs: 64,
		Pressure: 0.42, GomaxprocsSource: "env", Throttled: &report.Throttled{Periods: 123456, Over: 12345, NS: 123456789012}})
	for _, want := range []string{"some CPU pressure", "42", "environment", "likely"} {
		if !strings.Contains(got, want) {
			t.Errorf("without %q:\n%s", want, got)
		}
	}
	if got := told(&report.Machine{Samples: 5, Doubts: []string{"the samples are of another process"}}); !strings.Contains(got, "another process") {
		t.Errorf("evidence of no use is passed over: %q", got)
	}
	if got := told(&report.Machine{Pressure: -1}); got != "" {
		t.Errorf("nothing was asked, and it says %q", got)
	}
}
