package render

import (
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// answer is the top of the page: what was slow and why, what that cost, what to do
// about it, and the command that tells more.
type answer struct {
	Headline, Detail string
	Aside            string // how long goroutines waited and where their time went, which is folded
	Cost, Advice     string
	Next             *Step
}

func newAnswer(r *report.Report) answer {
	v := r.Verdict
	a := answer{Headline: v.Headline, Advice: v.Advice, Cost: verdictCost(r), Next: pageStep(r)}
	a.Detail, a.Aside = splitAside(v.Detail)
	a.Detail = goesOn(v.Headline, a.Detail)
	return a
}

// inSentences parts a headline that begins with how many requests there were, and how long
// they took, from its last sentence, which says what that was due to: the page sets only that
// in bold.
func inSentences(headline string) (lead, answer string) {
	at := strings.LastIndex(headline, ". ")
	if at < 0 || headline[0] < '0' || headline[0] > '9' {
		return "", headline
	}
	return headline[:at+1], headline[at+2:]
}

func leadOf(headline string) string {
	lead, _ := inSentences(headline)
	return lead
}

func answerOf(headline string) string {
	_, answer := inSentences(headline)
	return answer
}

// verdictCost is what the finding cost that a verdict is about; "" where it is about none.
func verdictCost(r *report.Report) string {
	if len(r.Findings) == 0 || r.Findings[0].CostNS == 0 || !strings.Contains(r.Verdict.Headline, r.Findings[0].Title) {
		return ""
	}
	return words.Length(r.Findings[0].CostNS) + " " + r.Findings[0].CostOf
}

// asides are how sentences begin that put a verdict into proportion, in the order in
// which they stand.
var asides = []string{"Goroutines waited ", "Waiting for a P made up "}

// splitAside takes such sentences at the end of a verdict's detail off it, unless there is
// nothing else.
func splitAside(detail string) (rest, aside string) {
	for _, begin := range asides {
		if i := strings.LastIndex(detail, ". "+begin); i >= 0 && (begin != asides[0] || strings.Contains(detail[i:], " for a P at the median")) {
			return detail[:i+1], detail[i+2:]
		}
	}
	return detail, ""
}

// Of a text that repeats a title, so many words and such a part of the title are left out.
const repeatedWords = 5

// goesOn is a text that follows a title, without what it repeats of that.
func goesOn(title, text string) string {
	title = strings.TrimSuffix(title, ".")
	if rest, ok := strings.CutPrefix(text, title); ok && (rest == "" || strings.HasPrefix(rest, ". ") || rest == ".") {
		return strings.TrimSpace(strings.TrimPrefix(rest, "."))
	}
	said, saying := strings.Split(title, " "), strings.Split(text, " ")
	n := 0
	for n < min(len(said), len(saying)) && strings.Trim(said[n], ",;:") == strings.Trim(saying[n], ",;:") {
		n++
	}
	if n < repeatedWords || n*2 < len(said) || n == len(saying) {
		return text
	}
	return "… " + strings.Join(saying[n:], " ")
}

// what is what a finding tells beyond its title.
func what(f report.Finding) string { return goesOn(f.Title, f.What) }

// pageStep is the command to go on with from the page, nil for none. It calls the trace
// by the name of its file: the page is read elsewhere than it was made.
func pageStep(r *report.Report) *Step {
	name := noTrace
	if r.Trace.Name != "" && r.Trace.Name != standardInput {
		name = words.Shell(inputName(r.Trace.Name))
	}
	if steps := reportSteps(r, TextOptions{Trace: name}); len(steps) > 1 { // the last makes this page
		return &steps[0]
	}
	return nil
}

// standardInput is how a report calls a trace that came from there.
const standardInput = "standard input"

// keyFigures are the figures that tell most, those of requests or tasks first. One that
// would be nothing is left out.
func keyFigures(r *report.Report) []figure {
	k := r.Key
	list := lengthFigures(r)
	latency, name := keyLatency(r)
	list = append(list, figure{latency, name, besideLatency(r)})
	if k.QueuePeak > 0 {
		list = append(list, figure{words.Count(int64(k.QueuePeak)), "runnable at once, at most", words.Mean(k.QueueMean) + " on average, peak at " + words.At(k.QueuePeakAt)})
	}
	if k.STWMax > 0 {
		list = append(list, figure{words.Length(k.STWMax), "longest stop-the-world", words.Length(k.STWTotal) + " in all"})
	}
	if k.Utilisation >= leastFigure {
		list = append(list, figure{words.Share(k.Utilisation), "P time that ran a goroutine", ""})
	}
	if k.GCShare >= leastFigure {
		list = append(list, figure{words.Share(k.GCShare), "wall time in GC cycles", words.Plural(r.GC.Cycles, "cycle")})
	}
	return list
}

// leastFigure is the least of a whole that is a figure worth telling.
const leastFigure = 0.001

// lengthFigures are how long requests or tasks took, and how many there were.
func lengthFigures(r *report.Report) []figure {
	d := r.Slowest.Durations
	if d.Count == 0 {
		return nil
	}
	if r.Slowest.Kind == report.KindMain {
		return nil // as long as the trace
	}
	kind := string(r.Slowest.Kind)
	many := words.Plural(d.Count, kind)
	if r.Slowest.Unfinished > 0 {
		many += ", " + words.Count(r.Slowest.Unfinished) + " unfinished"
	}
	list := []figure{{words.Length(d.P50), kind + " p50", many}}
	if p := words.P99(d.Count, words.Length(d.P99)); p != words.None {
		return append(list, figure{p, kind + " p99", "longest " + words.Length(d.Max)})
	}
	return append(list, figure{words.Length(d.Max), "longest " + kind, ""})
}

// caveatList is what has to be known of the trace and of the verdict, folded into one line
// of titles.
type caveatList struct {
	Lost          bool // part of the trace is missing
	Titles, Lines []string
}

// caveats are what the trace lacks and what was taken for granted, and what is aside of the
// answer; nil for none.
func caveats(r *report.Report, aside string) *caveatList {
	d := caveatList{Lost: !r.Trace.Complete}
	if d.Lost {
		d.Titles = append(d.Titles, "Part of the trace is missing or could not be verified")
	}
	for _, l := range r.Trace.Lost {
		d.Lines = append(d.Lines, lostText(l))
	}
	if n := len(r.Trace.Notes); n > 0 {
		d.Titles = append(d.Titles, words.Plural(int64(n), "assumption")+" made")
	}
	d.Lines = append(d.Lines, r.Trace.Notes...)
	if aside != "" {
		d.Titles, d.Lines = append(d.Titles, "how long goroutines waited for a P, and where their time went"), append(d.Lines, aside)
	}
	if len(d.Titles) == 0 {
		return nil
	}
	d.Titles[0] = capital(d.Titles[0])
	return &d
}
