package render

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// program is the traced program's name, as far as its stacks tell.
func program(r *report.Report) string {
	if r.Trace.Program == "" {
		return "unknown program"
	}
	return r.Trace.Program
}

// subtitle is the identity of the trace in one line.
func subtitle(r *report.Report) string {
	t := r.Trace
	parts := []string{inputName(t.Name), offsetRange(r)}
	parts = append(parts, gomaxprocs(t))
	parts = append(parts, words.Plural(t.Events, "event"), words.Plural(t.Goroutines, "goroutine"), rules(t))
	if t.Start != "" {
		parts = append(parts, "recorded "+clock(t.Start))
	}
	if t.Race {
		parts = append(parts, "built with -race")
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// rules says whose scheduler was replayed, and how that is known; "" where none
// was.
func rules(t report.Trace) string {
	switch {
	case t.GoVersion == "":
		return ""
	case t.GoAssumed == "":
		return "Go " + t.GoVersion + " rules"
	}
	return "Go " + t.GoVersion + " rules (" + t.GoAssumed + ")"
}

// inputName is the last element of a file's path. An address is kept whole.
func inputName(name string) string {
	if strings.Contains(name, "://") {
		return name
	}
	return path.Base(filepath.ToSlash(name))
}

// clock shortens an RFC 3339 time to whole seconds.
func clock(rfc3339 string) string {
	date, rest, ok := strings.Cut(rfc3339, "T")
	if !ok || len(rest) < 8 {
		return rfc3339
	}
	zone := strings.TrimLeft(rest[8:], ".0123456789")
	if zone == "Z" {
		zone = " UTC"
	}
	return date + " " + rest[:8] + zone
}

func offsetRange(r *report.Report) string {
	from, to := bounds(r)
	if from == 0 && to >= r.Trace.DurationNS {
		return words.Length(r.Trace.DurationNS)
	}
	return fmt.Sprintf("%s to %s of %s", words.AtWithin(from, to-from), words.AtWithin(to, to-from), words.Length(r.Trace.DurationNS))
}

// gomaxprocs is the value, or the values in order where it changed.
func gomaxprocs(t report.Trace) string {
	if len(t.Gomaxprocs) == 0 {
		return ""
	}
	var list []string
	for _, g := range t.Gomaxprocs[:min(4, len(t.Gomaxprocs))] {
		list = append(list, words.Count(g.N))
	}
	if len(t.Gomaxprocs) > 4 {
		list = append(list, "…")
	}
	return "GOMAXPROCS " + strings.Join(list, " → ")
}

// lostText says where in the input a loss is, beside what was lost.
func lostText(l report.Loss) string {
	var where []string
	if l.Generation > 0 {
		where = append(where, fmt.Sprintf("generation %d", l.Generation))
	}
	if l.Offset >= 0 {
		where = append(where, "byte "+words.Count(l.Offset))
	}
	if l.Bytes > 0 {
		where = append(where, words.Bytes(l.Bytes)+" not used")
	}
	if len(where) == 0 {
		return l.Text
	}
	return l.Text + " (" + strings.Join(where, ", ") + ")"
}

func momentText(m report.Moment) string {
	s := words.AtWithin(m.Start, m.End-m.Start)
	if m.End > m.Start {
		s += " to " + words.AtWithin(m.End, m.End-m.Start)
	}
	if m.P >= 0 {
		s += fmt.Sprintf(" on P%d", m.P)
	}
	return s
}

func div(total, n int64) int64 {
	if n == 0 {
		return 0
	}
	return total / n
}

// tooLittle tells whether the trace shows so little that checks that found
// nothing mean nothing.
func tooLittle(r *report.Report) bool { return r.Trace.Events == 0 || r.Dispatches.Count == 0 }

// findingsTitle is what findings stand under. Where the verdict is what slow requests or
// tasks lost their time to, and no finding is that or more than a note, these come after it:
// none of them is the answer.
func findingsTitle(r *report.Report) string {
	if len(r.Findings) > 0 && r.Findings[0].Severity == report.SeverityInfo && r.Verdict.Headline != "" && r.Verdict.Headline == r.Slowest.Headline && r.Findings[0].What != r.Verdict.Headline {
		return "Found besides, worst first"
	}
	return worstFirst
}

const worstFirst = "Findings, worst first"

// noFinding says why there is no finding.
func noFinding(r *report.Report) string {
	if tooLittle(r) {
		return "There was too little to check: no goroutine was seen to be dispatched."
	}
	return "No check found anything that cost time."
}

// silent are the checks that found nothing, undecided those that could not tell.
// A check of a trace with too little in it is neither.
func silent(r *report.Report) []report.Check {
	if tooLittle(r) {
		return nil
	}
	return selectChecks(r.Checks, func(c report.Check) bool { return c.Findings == 0 && c.Undecided == "" })
}

func undecided(checks []report.Check) []report.Check {
	return selectChecks(checks, func(c report.Check) bool { return c.Undecided != "" })
}

func selectChecks(checks []report.Check, keep func(report.Check) bool) []report.Check {
	var list []report.Check
	for _, c := range checks {
		if keep(c) {
			list = append(list, c)
		}
	}
	return list
}

// sourceMeanings say in plain words what a source of dispatches is, short enough
// for a table in a terminal.
var sourceMeanings = [model.NumSources]string{
	model.SourceUnknown:       "trace began too late",
	model.SourceRunnext:       "the one made ready last",
	model.SourceLocal:         "the P's own run queue",
	model.SourceGlobalTick:    "global queue, 61st tick",
	model.SourceGlobal:        "global queue, own empty",
	model.SourceSteal:         "another P's run queue",
	model.SourceStealRunnext:  "another P's runnext",
	model.SourceNetpoll:       "the network poller",
	model.SourceGCWorker:      "a GC mark worker",
	model.SourceGCIdle:        "mark worker of an idle P",
	model.SourceTraceReader:   "writes the trace",
	model.SourceSyscallExit:   "after a syscall, idle P",
	model.SourceCoroutine:     "coroutine (iter.Pull)",
	model.SourceParkCancelled: "need not park after all",
}

func sourceMeaning(name string) string {
	for s, text := range sourceMeanings {
		if model.Source(s).String() == name {
			return text
		}
	}
	return ""
}

// bounds is the part of the trace that pictures show: what was analysed.
func bounds(r *report.Report) (from, to int64) {
	if r.Trace.To > r.Trace.From {
		return r.Trace.From, r.Trace.To
	}
	return 0, max(1, r.Trace.DurationNS)
}

// mergeBuckets joins neighbours until there are at most n, without the empty
// ones at both ends.
func mergeBuckets(buckets []report.Bucket, n int) []report.Bucket {
	for len(buckets) > 0 && buckets[0].Count == 0 {
		buckets = buckets[1:]
	}
	for len(buckets) > 0 && buckets[len(buckets)-1].Count == 0 {
		buckets = buckets[:len(buckets)-1]
	}
	size := (len(buckets) + n - 1) / n
	var merged []report.Bucket
	for i, b := range buckets {
		if i%size == 0 {
			merged = append(merged, b)
			continue
		}
		last := &merged[len(merged)-1]
		last.Hi = b.Hi
		last.Count += b.Count
	}
	return merged
}

// capital is s as a sentence begins.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
