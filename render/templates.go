package render

import (
	"fmt"
	"html/template"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gmptrace/analyze"
	"gmptrace/model"
)

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"dur": dur, "prose": prose, "costKind": costKind, "capital": capital, "offset": offset, "count": count, "mean": mean, "pct": pct, "size": size, "plural": plural,
	"share": share[int64], "short": short, "function": functionName, "div": div,
	"n": func(v int) int64 { return int64(v) }, "ended": func(start, length int64) int64 { return start + length },
	"program": program, "subtitle": subtitle, "lost": lostText, "link": link, "momentLink": momentLink, "moment": momentText,
	"tableFunctions": tableFunctions, "stateTimes": stateTimes, "states": func() []string { return states },
	"noFinding": noFinding, "tooLittle": tooLittle, "silent": silent, "rules": rules, "undecided": undecided, "sourceMeaning": sourceMeaning, "leftOut": leftOut,
	"timelineHeight": timelineHeight, "functionsHeight": functionsHeight,
	"timelineTakeaway": timelineTakeaway, "latencyTakeaway": latencyTakeaway, "stealsTakeaway": stealsTakeaway,
	"dispatchesTakeaway": dispatchesTakeaway, "functionsTakeaway": functionsTakeaway, "handoffsTakeaway": handoffsTakeaway,
	"preemptionsTakeaway": preemptionsTakeaway, "gcTakeaway": gcTakeaway, "threadsTakeaway": threadsTakeaway,
	"episodesTakeaway": episodesTakeaway, "times": times,
	"rulesTakeaway": rulesTakeaway, "agreement": agreement, "quantity": quantity, "counted": counted, "binRows": binRows, "ruleParts": ruleParts, "ruleName": ruleName,
	"kinds": kinds, "markKinds": markKinds,
	"instanceName": instanceName, "instanceLength": instanceLength, "instanceWhere": instanceWhere, "unfinished": unfinished, "signed": signed,
	"waterfall": newWaterfall, "classesIn": classesIn, "causeRows": causeRows, "allCauses": allCauses, "causeClass": classOf, "usedWords": usedWords,
	"histogram": newHistogram, "comparedRows": comparedRows, "antagonistWord": antagonistWord, "antagonists": newAntagonists, "stateName": stateName, "samplesOf": samplesOf,
	"openInstances": func() int { return openInstances }, "explainedMany": explainedMany, "pos": pos, "sub100": func(v float64) float64 { return 100 - v },
	"markTop": func(line int) int { return 4 + 18*line }, "markText": func(line int) int { return 16 + 18*line },
	"inc": func(i int) int { return i + 1 }, "minus": func(a, b int64) int64 { return a - b },
	"changeOf": changeOf, "deltaOf": deltaOf, "sideOf": sideText, "verdictWord": verdictWord, "held": held, "probability": probability, "pairBars": pairBars,
	"half": func(v float64) string { return fmt.Sprintf("%.2f", v*.64) }, "upper": func(v float64) string { return fmt.Sprintf("%.2f", 64-v*.64) },
	"firstAntagonists": first[analyze.Antagonist], "mainP": mainP,
}).ParseFS(templates, "templates/*.tmpl"))

// program is the traced program's name, as far as its stacks tell.
func program(r *analyze.Report) string {
	if r.Trace.Program == "" {
		return "unknown program"
	}
	return r.Trace.Program
}

// subtitle is the identity of the trace in one line.
func subtitle(r *analyze.Report) string {
	t := r.Trace
	parts := []string{inputName(t.Name), offsetRange(r)}
	parts = append(parts, gomaxprocs(t))
	parts = append(parts, plural(t.Events, "event"), plural(t.Goroutines, "goroutine"), rules(t))
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
func rules(t analyze.Trace) string {
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

func offsetRange(r *analyze.Report) string {
	from, to := bounds(r)
	if from == 0 && to >= r.Trace.DurationNS {
		return dur(r.Trace.DurationNS)
	}
	return fmt.Sprintf("%s to %s of %s", offset(from, to-from), offset(to, to-from), dur(r.Trace.DurationNS))
}

// gomaxprocs is the value, or the values in order where it changed.
func gomaxprocs(t analyze.Trace) string {
	if len(t.Gomaxprocs) == 0 {
		return ""
	}
	var list []string
	for _, g := range t.Gomaxprocs[:min(4, len(t.Gomaxprocs))] {
		list = append(list, fmt.Sprint(g.N))
	}
	if len(t.Gomaxprocs) > 4 {
		list = append(list, "…")
	}
	return "GOMAXPROCS " + strings.Join(list, " → ")
}

// lostText says where in the input a loss is, beside what was lost.
func lostText(l analyze.Loss) string {
	var where []string
	if l.Generation > 0 {
		where = append(where, fmt.Sprintf("generation %d", l.Generation))
	}
	if l.Offset >= 0 {
		where = append(where, "byte "+count(l.Offset))
	}
	if l.Bytes > 0 {
		where = append(where, size(l.Bytes)+" not used")
	}
	if len(where) == 0 {
		return l.Text
	}
	return l.Text + " (" + strings.Join(where, ", ") + ")"
}

func momentText(m analyze.Moment) string {
	s := offset(m.Start, m.End-m.Start)
	if m.End > m.Start {
		s += " to " + offset(m.End, m.End-m.Start)
	}
	if m.P >= 0 {
		s += fmt.Sprintf(" on P%d", m.P)
	}
	return s
}

// maxTableFunctions bounds the page's table of functions.
const maxTableFunctions = 200

func tableFunctions(r *analyze.Report) []analyze.FunctionTime {
	list := busiest(r)
	return list[:min(len(list), maxTableFunctions)]
}

func div(total, n int64) int64 {
	if n == 0 {
		return 0
	}
	return total / n
}

// tooLittle tells whether the trace shows so little that checks that found
// nothing mean nothing.
func tooLittle(r *analyze.Report) bool { return r.Trace.Events == 0 || r.Dispatches.Count == 0 }

// noFinding says why there is no finding.
func noFinding(r *analyze.Report) string {
	if tooLittle(r) {
		return "There was too little to check: no goroutine was seen to be dispatched."
	}
	return "No check found anything that cost time."
}

// silent are the checks that found nothing, undecided those that could not tell.
// A check of a trace with too little in it is neither.
func silent(r *analyze.Report) []analyze.Check {
	if tooLittle(r) {
		return nil
	}
	return selectChecks(r.Checks, func(c analyze.Check) bool { return c.Findings == 0 && c.Undecided == "" })
}

func undecided(checks []analyze.Check) []analyze.Check {
	return selectChecks(checks, func(c analyze.Check) bool { return c.Undecided != "" })
}

func selectChecks(checks []analyze.Check, keep func(analyze.Check) bool) []analyze.Check {
	var list []analyze.Check
	for _, c := range checks {
		if keep(c) {
			list = append(list, c)
		}
	}
	return list
}

// costKind is whose time a cost is, "" where that takes more than a word or two.
func costKind(costOf string) string {
	for _, kind := range []string{"goroutine time", "P time", "wall time"} {
		if strings.HasPrefix(costOf, kind) {
			return kind
		}
	}
	return ""
}

// leftOut says which slices the timeline does not have; "" when it has all.
func leftOut(r *analyze.Report) string {
	tl := r.Timeline
	switch {
	case tl == nil:
		return "This report holds no single slices: the timeline is drawn from shares of time per column."
	case tl.Complete:
		return ""
	case len(tl.Kept) == 0:
		return fmt.Sprintf("%s are too many for one page: the timeline is drawn from shares of time per column.", plural(tl.LeftOut, "slice"))
	}
	var kept int64
	for _, w := range tl.Kept {
		kept += w.End - w.Start
	}
	from, to := bounds(r)
	return fmt.Sprintf("%s left out to keep the page small and quick (--max-size, --slices; gmptrace serve shows all): %s of the time is in full detail, around the findings and the slowest requests; elsewhere the timeline shows shares of time per column.",
		were(tl.LeftOut, "slice"), share(kept, to-from))
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

func kinds() []string {
	var list []string
	for k := range analyze.NumSliceKinds {
		list = append(list, k.String())
	}
	return list
}

// markKinds are the kinds of marks by their number, with a character of the
// shape that the painter draws.
func markKinds() []struct{ Shape, Name string } {
	shapes := [analyze.NumMarkKinds]string{"▼", "●", "■", "◆"}
	list := make([]struct{ Shape, Name string }, analyze.NumMarkKinds)
	for k := range list {
		list[k].Shape, list[k].Name = shapes[k], analyze.MarkKind(k).String()+"s"
	}
	return list
}
