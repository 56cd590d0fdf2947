package render

import (
	"fmt"
	"html/template"
	"strings"
	"sync"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// pageTemplate is made when the first page is written: that takes longer than all else
// that is made when the program starts, and most commands write none.
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(pageFuncs).ParseFS(templates, "templates/*.tmpl"))
})

var pageFuncs = template.FuncMap{
	"dur": words.Length, "p99": words.P99, "keyFigures": keyFigures, "answer": newAnswer, "what": what, "linked": linked, "caveats": caveats, "glossary": func() []term { return glossary }, "costKind": costKind, "capital": capital, "offset": words.AtWithin, "count": words.Count[int64], "mean": words.Mean, "pct": words.Share, "size": words.Bytes[int64], "plural": words.Plural[int64],
	"share": words.ShareOf[int64], "file": fileName, "function": words.Function, "div": div,
	"n": func(v int) int64 { return int64(v) }, "lockHeight": func(n int64) int64 { return 22 * n }, "ended": func(start, length int64) int64 { return start + length },
	"program": program, "subtitle": subtitle, "pieces": strings.Split, "leadOf": leadOf, "answerOf": answerOf, "lost": lostText, "link": link, "momentLink": momentLink, "moment": momentText,
	"seenIn": seenIn, "ranIn": ranIn, "ranInFull": ranInFull,
	"said": said, "machineTitle": func() string { return machineTitle }, "machineSource": machineSource, "machineRows": machineRows, "laneLegend": laneLegend,
	"tableFunctions": tableFunctions, "stateTimes": stateTimes, "states": func() []string { return states },
	"noFinding": noFinding, "findingsTitle": findingsTitle, "tooLittle": tooLittle, "silent": silent, "rules": rules, "undecided": undecided, "sourceMeaning": sourceMeaning, "leftOut": leftOut,
	"timelineHeight": timelineHeight, "functionsHeight": functionsHeight,
	"timelineTakeaway": timelineTakeaway, "latencyTakeaway": latencyTakeaway, "stealsTakeaway": stealsTakeaway,
	"dispatchesTakeaway": dispatchesTakeaway, "functionsTakeaway": functionsTakeaway, "handoffsTakeaway": handoffsTakeaway,
	"preemptionsTakeaway": preemptionsTakeaway, "gcTakeaway": gcTakeaway, "threadsTakeaway": threadsTakeaway,
	"episodesTakeaway": episodesTakeaway, "times": words.Times[int64],
	"rulesTakeaway": rulesTakeaway, "agreement": agreement, "quantity": quantity, "counted": counted, "binRows": binRows, "ruleParts": ruleParts, "ruleName": ruleName,
	"kinds": kinds, "markKinds": markKinds,
	"instanceName": instanceName, "instanceLength": instanceLength, "instanceWhere": instanceWhere, "unfinished": unfinished, "signed": words.LengthChange,
	"waterfall": newWaterfall, "classesIn": classesIn, "causeRows": causeRows, "allCauses": allCauses, "causeClass": classOf, "usedWords": usedWords,
	"histogram": newHistogram, "comparedRows": comparedRows, "antagonistWord": antagonistWord, "antagonists": newAntagonists, "stateName": stateName, "samplesOf": samplesOf,
	"openInstances": func() int { return openInstances }, "slowestTitle": slowestTitle, "pos": pos, "sub100": func(v float64) float64 { return 100 - v },
	"markTop": func(line int) int { return 4 + 18*line }, "markText": func(line int) int { return 16 + 18*line },
	"inc": func(i int) int { return i + 1 }, "minus": func(a, b int64) int64 { return a - b },
	"changeOf": changeOf, "cpuNote": cpuNote, "deltaOf": deltaOf, "sideOf": sideText, "verdictWord": verdictWord, "held": held, "probability": probability, "pairBars": pairBars, "topShare": topShare,
	"half": func(v float64) string { return fmt.Sprintf("%.2f", v*.64) }, "upper": func(v float64) string { return fmt.Sprintf("%.2f", 64-v*.64) },
	"howSure": howSure, "sureWord": sureWord, "rootsOf": rootsOf, "rootRows": rootRows, "pageRoots": func() int { return pageRoots }, "rootsSum": rootsSum, "groupName": groupName, "spentRows": spentRows, "pageSpent": func() int { return pageSpent },
	"p99Of": func(n, ns int64) string { return words.P99(n, words.Length(ns)) },
	"asked": askedKind, "mmuCurve": newMMUCurve, "askedGoroutine": askedGoroutine, "askedMoment": askedMoment, "askedFirst": askedFirst,
	"firstAntagonists": first[report.Antagonist], "mainP": mainP,
	"partyName": partyName, "quantileText": quantileText, "quantileOf": quantileOf, "changeWord": changeWord, "tallyText": tallyText,
}

// maxTableFunctions bounds the page's table of functions.
const maxTableFunctions = 200

func tableFunctions(r *report.Report) []report.FunctionTime {
	list := busiest(r)
	return list[:min(len(list), maxTableFunctions)]
}

// costKind is whose time a cost is, "" where that takes more than a few words.
func costKind(costOf string) string {
	for _, kind := range []string{"goroutine time", "P time", "wall time"} {
		if strings.HasPrefix(costOf, kind) {
			for _, all := range []string{report.AllGoroutines, report.AllPs} {
				if strings.Contains(costOf, all) {
					return kind + all
				}
			}
			return kind
		}
	}
	return ""
}

// leftOut says which slices the timeline does not have, in few words and in more; nil
// when it has all.
func leftOut(r *report.Report) []string {
	tl := r.Timeline
	switch {
	case tl == nil:
		return []string{"This report holds no single slices", "The timeline is drawn from shares of time per column."}
	case tl.Complete:
		return nil
	case len(tl.Kept) == 0:
		return []string{words.Plural(tl.LeftOut, "slice") + " are too many for one page", "The timeline is drawn from shares of time per column."}
	}
	var kept int64
	for _, w := range tl.Kept {
		kept += w.End - w.Start
	}
	from, to := bounds(r)
	return []string{words.Were(tl.LeftOut, "slice") + " left out to keep the page small and quick",
		fmt.Sprintf("--max-size and --slices say how many to keep; gmptrace serve shows all. %s of the time is in full detail, around the findings and the slowest requests; elsewhere the timeline shows shares of time per column.", words.ShareOf(kept, to-from))}
}

func kinds() []string {
	var list []string
	for k := range report.NumSliceKinds {
		list = append(list, k.String())
	}
	return list
}

// markKinds are the kinds of marks by their number, with a character of the
// shape that the painter draws.
func markKinds() []struct{ Shape, Name string } {
	shapes := [report.NumMarkKinds]string{"▼", "●", "■", "◆"}
	list := make([]struct{ Shape, Name string }, report.NumMarkKinds)
	for k := range list {
		list[k].Shape, list[k].Name = shapes[k], report.MarkKind(k).String()+"s"
	}
	return list
}
