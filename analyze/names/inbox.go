package names

import (
	"slices"
	"strings"

	"gmptrace/analyze/report"
)

// Inbox reports whether a goroutine that waits with a stack waits for its next piece of
// work: it does so in the very function that it was started to run, not in one that this
// called for an answer.
func Inbox(frames []report.Frame) bool {
	at := slices.IndexFunc(frames, func(f report.Frame) bool { return !wraps(f.Func) })
	if at < 0 || Standard(&frames[at]) {
		return false
	}
	return !slices.ContainsFunc(frames[at+1:], func(f report.Frame) bool { return !wraps(f.Func) && !launches(f.Func) })
}

// launches reports whether a function is one that a go statement makes, which calls what was
// to be started.
func launches(fn string) bool {
	last := lastPart(fn)
	return IsClosure(strings.TrimPrefix(last, "gowrap"))
}
