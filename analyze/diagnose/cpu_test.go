package diagnose

import (
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// TestFewerPs: how many Ps to have goes by the CPUs that there are and by the quota, and
// what is not known is not made up.
func TestFewerPs(t *testing.T) {
	for _, test := range []struct {
		m            report.Machine
		runOn, fewer string
	}{
		{report.Machine{CPUs: 2}, "may run on 2\u00a0CPUs, which", "GOMAXPROCS to 2 at"},
		{report.Machine{CPUs: 8, QuotaCPUs: 2.5}, "its quota is worth 2.5 of them", "GOMAXPROCS to 3 at"},
		{report.Machine{CPUs: 2, QuotaCPUs: 0.5}, "its quota is worth 0.5 of them", "Raise the CPU limit: 0.5 of a CPU"},
		{report.Machine{Online: 4}, "may run on 4\u00a0CPUs", "GOMAXPROCS to 4 at"},
		{report.Machine{}, "all CPUs that it may run on", "the number of CPUs that the process may use"},
	} {
		runOn, fewer := mayRunOn(&test.m), fewerPs(&test.m)
		if !strings.Contains(runOn, test.runOn) || !strings.Contains(fewer, test.fewer) {
			t.Errorf("%+v: %q, %q; want %q, %q", test.m, runOn, fewer, test.runOn, test.fewer)
		}
	}
}

// TestQuotaPs: no advice asks for fewer Ps than there can be.
func TestQuotaPs(t *testing.T) {
	for quota, want := range map[float64]string{
		0:   "no more Ps than the quota is worth in CPUs",
		0.5: "One P alone (GOMAXPROCS=1) can use up more than that",
		1:   "with GOMAXPROCS=1 a burst",
		2.5: "with GOMAXPROCS=3 a burst",
	} {
		if got := quotaPs(&report.Machine{QuotaCPUs: quota}); !strings.Contains(got, want) {
			t.Errorf("a quota of %v CPUs: %q, want %q", quota, got, want)
		}
	}
}
