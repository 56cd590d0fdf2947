package compare

import (
	"strings"

	"gmptrace/analyze/report"
)

// mostFound is how many new findings a failure names.
const mostFound = 2

// newFindings are those of warning or worse that no trace of the fixture has as such, those
// that say why before those that these explain.
func newFindings(fixture, traces []*Behaviour) (out []*report.Finding) {
	known := map[string]bool{}
	for _, b := range fixture {
		for _, f := range b.Findings {
			known[f.ID] = true
		}
	}
	for _, explained := range []bool{false, true} {
		for _, b := range traces {
			for i := range b.Findings {
				f := &b.Findings[i]
				if (f.Of != 0) == explained && !known[f.ID] && f.Severity.AtLeast(report.SeverityWarning) {
					known[f.ID] = true
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// findingsKnown warns of new findings.
func findingsKnown(found []*report.Finding, traces []*Behaviour, file string) report.CheckResult {
	x := report.CheckResult{Kind: "fixture", ID: "fixture/findings", Description: "No findings that the fixture has not", Expected: "no finding of warning or worse that no trace of the fixture has",
		File: file, Severity: report.CheckSeverityWarning, Status: report.CheckPass}
	for _, b := range traces {
		x.Items += len(b.Findings)
	}
	for _, f := range found {
		x.Status = report.CheckFail
		x.Message = strings.TrimSpace(x.Message + " " + f.Title + ".")
		fail := report.CheckFailure{Item: f.ID, Key: "finding/" + f.ID, Message: f.Title, Details: []report.Evidence{{Label: "why", Value: f.Why}}}
		if len(f.Stacks) > 0 {
			fail.At = f.Stacks[0].Frames
		}
		x.Failures = append(x.Failures, fail)
	}
	return x
}
