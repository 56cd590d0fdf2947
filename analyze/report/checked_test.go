package report

import (
	"errors"
	"testing"
)

// TestChecked: a status is the worst there is, counts add up, and FailOn decides
// what a failure is.
func TestChecked(t *testing.T) {
	result := func(status CheckStatus, severity CheckSeverity) CheckResult {
		return CheckResult{Status: status, Severity: severity}
	}
	skip, pass := result(CheckSkip, CheckSeverityError), result(CheckPass, CheckSeverityError)
	warn, fail, broken := result(CheckFail, CheckSeverityWarning), result(CheckFail, CheckSeverityError), result(CheckError, CheckSeverityError)
	whole := Trace{Complete: true, Events: 1}
	for _, test := range []struct {
		name         string
		results      []CheckResult
		status       CheckStatus
		counts       CheckCounts
		fails, warns bool // Failed with FailOn error and warning
	}{
		{"none", nil, CheckSkip, CheckCounts{}, false, false},
		{"skipped", []CheckResult{skip}, CheckSkip, CheckCounts{Skipped: 1}, false, false},
		{"passed", []CheckResult{pass, skip}, CheckPass, CheckCounts{Passed: 1, Skipped: 1}, false, false},
		{"warned", []CheckResult{warn, pass}, CheckFail, CheckCounts{Passed: 1, Warned: 1}, false, true},
		{"failed", []CheckResult{pass, fail, warn}, CheckFail, CheckCounts{Passed: 1, Failed: 1, Warned: 1}, true, true},
		{"broken", []CheckResult{broken, fail}, CheckError, CheckCounts{Failed: 1, Errors: 1}, true, true},
	} {
		for _, on := range []CheckSeverity{CheckSeverityError, CheckSeverityWarning} {
			c := NewChecked("")
			c.FailOn = on
			c.Add(&whole, test.results)
			want := test.fails
			if on == CheckSeverityWarning {
				want = test.warns
			}
			if c.Status != test.status || c.Counts != test.counts || c.Counts.Of() != len(test.results) || c.Failed() != want {
				t.Errorf("%s, failing on %s: %s %+v failed %v", test.name, on, c.Status, c.Counts, c.Failed())
			}
		}
	}
	c := NewChecked("")
	c.Add(&Trace{Complete: true}, []CheckResult{pass})
	if c.Traces[0].Complete {
		t.Error("a trace without events is called complete")
	}
	c.AddUnreadable("x", errors.New("no\ntrace"))
	if c.Status != CheckError || c.Counts.Errors != 1 || c.Traces[1].Error != "no trace" {
		t.Errorf("%+v", c)
	}
}
