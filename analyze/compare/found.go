package compare

import (
	"slices"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// mostFound is how many new findings a failure names.
const mostFound = 2

// decided are the ids of the checks that could be decided.
func decided(checks []report.Check) (ids []string) {
	for i := range checks {
		if checks[i].Undecided == "" {
			ids = append(ids, checks[i].ID)
		}
	}
	return ids
}

// newFindings are those of warning or worse that no trace of the fixture has, those that say
// why before those that these explain.
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

// holdsFinding reports whether a new finding fails: if it is held to, and each trace of the
// fixture could tell that it has none.
func holdsFinding(f *report.Finding, fixture []*Behaviour) bool {
	return f.Fails != "" && f.Severity.AtLeast(f.Fails) && !slices.ContainsFunc(fixture, func(b *Behaviour) bool { return !slices.Contains(b.Decided, f.ID) })
}

// findingsHeld are the new findings that fail, a result each.
func findingsHeld(found []*report.Finding, fixture []*Behaviour, file string) (out []report.CheckResult) {
	for _, f := range found {
		if holdsFinding(f, fixture) {
			x := findingsResult(file, f)
			x.ID, x.Severity, x.Items = "fixture/finding/"+f.ID, report.CheckSeverityError, 1
			x.Failures[0].Details = append(x.Failures[0].Details, report.Evidence{Label: "to do", Value: f.Advice})
			out = append(out, x)
		}
	}
	return out
}

// findingsKnown warns of the other new findings.
func findingsKnown(found []*report.Finding, fixture, traces []*Behaviour, file string) report.CheckResult {
	x := findingsResult(file, slices.DeleteFunc(slices.Clone(found), func(f *report.Finding) bool { return holdsFinding(f, fixture) })...)
	for _, b := range traces {
		x.Items += len(b.Findings)
	}
	x.Measured = []report.Evidence{{Label: "found", Value: words.Plural(x.Items, "finding")}}
	return x
}

// findingsResult warns of findings, if there are any.
func findingsResult(file string, found ...*report.Finding) report.CheckResult {
	x := report.CheckResult{Kind: "fixture", ID: "fixture/findings", Description: "No findings that the fixture has not", Expected: "no finding of warning or worse that no trace of the fixture has",
		File: file, Severity: report.CheckSeverityWarning, Status: report.CheckPass}
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
