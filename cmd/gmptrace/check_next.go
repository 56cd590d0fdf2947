package main

import (
	"regexp"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// sayNext names with each failure the command that tells more of it, where what it is
// held to names none itself.
func sayNext(trace string, results []report.CheckResult) []report.CheckResult {
	for i := range results {
		r := &results[i]
		if r.Status != report.CheckFail || r.Next != "" {
			continue
		}
		r.Next = "gmptrace analyze " + words.Shell(trace)
		if what, name := failedItem(r); explained[what] != "" {
			r.Next = "gmptrace explain " + words.Shell(trace) + selector(explained[what], name)
		}
	}
	return results
}

// explained are the flags by which explain takes what can fail: by a fixture's kind of
// distribution, and by a policy's scope.
var explained = map[string]string{
	"request": "--http", "requests": "--http", "task": "--task", "tasks": "--task", "region": "--region", "regions": "--region",
	"life": "--func", "cycle": "--func", "wait": "--func", "dispatch": "--func", "functions": "--func",
}

// failedItem is what a result is about: its kind, and the name of the first one that
// failed.
func failedItem(r *report.CheckResult) (what, name string) {
	if rest, ok := strings.CutPrefix(r.ID, "fixture/"); ok && r.Kind == "fixture" {
		what, name, _ = strings.Cut(rest, "/")
		return what, name
	}
	scope := strings.TrimPrefix(strings.TrimPrefix(r.Expected, "for "), "all ")
	if end := strings.IndexAny(scope, " :"); end > 0 && strings.HasPrefix(r.Expected, "for ") && len(r.Failures) > 0 {
		return scope[:end], r.Failures[0].Item
	}
	return "", ""
}

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
	case flag == "--func":
		name = "^" + regexp.QuoteMeta(name) + "$"
	}
	if strings.HasPrefix(name, "-") {
		return " " + words.Shell(flag+"="+name)
	}
	return " " + flag + " " + words.Shell(name)
}
