package main

import (
	"regexp"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// sayNext names with each failure the command that tells more of it, where what it is
// held to names none itself.
func (an *analysis) sayNext(trace string, results []report.CheckResult) []report.CheckResult {
	for i := range results {
		r := &results[i]
		if r.Status != report.CheckFail || r.Next != "" {
			continue
		}
		r.Next = "gmptrace analyze " + an.shellWords(trace)
		if r.Subject != nil {
			r.Next = an.explaining(trace, r.Subject)
		}
	}
	return results
}

// explaining is the command that explains what of a trace failed or changed.
func (an *analysis) explaining(trace string, x *report.CheckSubject) string {
	return "gmptrace explain " + an.shellWords(trace) + selector(explained[x.Kind], x.Name)
}

// explained are the flags by which explain takes what can fail or change.
var explained = map[report.InstanceKind]string{report.KindRequest: "--http", report.KindTask: "--task", report.KindRegion: "--region",
	report.KindGoroutine: "--func", report.KindAt: "--at"}

// selector is a flag of explain that selects a name. Names that can't be written on a
// command line are left to explain's own choice.
func selector(flag, name string) string {
	switch {
	case flag == "--http" && (name == "" || name[0] == '('): // all of them, or those whose handler was not seen
		return " --http"
	case name == "" || name[0] == '(' || words.Printable(name) != name: // those without a name have one in parentheses
		return ""
	case flag == "--http":
		return " " + words.Shell(flag+"=^"+regexp.QuoteMeta(name)+"$")
	case flag == "--func" || flag == "--at":
		name = "^" + regexp.QuoteMeta(name) + "$"
	}
	if strings.HasPrefix(name, "-") {
		return " " + words.Shell(flag+"="+name)
	}
	return " " + flag + " " + words.Shell(name)
}
