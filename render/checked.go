package render

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// CheckedJSON writes c as analyze/schema/check.schema.json describes it, in the
// manner of JSON.
func CheckedJSON(w io.Writer, c *report.Checked) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(mapped(*c, words.Machine)); err != nil {
		return fmt.Errorf("writing the results as JSON: %w", err)
	}
	return nil
}

// Limits of results as text and Markdown: what is beyond them is in the JSON.
const (
	checkedFailed = 10 // failed results told of in a paragraph each
	checkedWarned = 10 // warnings told of in a line each
	checkedItems  = 3  // failures of one result
	checkedFrames = 5
	checkedChars  = 400 // of a message in Markdown
)

// failureText is a failure in a sentence: its message, and what was measured that the
// message does not say.
func failureText(f *report.CheckFailure) string {
	text := strings.TrimSuffix(f.Message, ".")
	if more := unsaid(f); len(more) > 0 {
		text += " (" + strings.Join(more, "; ") + ")"
	}
	return text
}

// unsaid is what was measured that a failure's message does not say.
func unsaid(f *report.CheckFailure) (more []string) {
	said := spaceless(f.Message)
	for _, d := range f.Details {
		value, _, _ := strings.Cut(d.Value, " (")
		if !strings.Contains(said, spaceless(value)) {
			more = append(more, d.Label+": "+d.Value)
		}
	}
	return more
}

// tellsItself reports whether a result's only failure names what it is about and says all of
// it in its message, as those of fixtures do: its id and what else was measured stand behind.
func tellsItself(r *report.CheckResult) bool {
	return r.Kind == "fixture" && len(r.Failures) == 1 && r.FailuresLeft == 0 && repeats(r)
}

// spaceless is a text without spaces and marks, which policies' messages write otherwise.
func spaceless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Co) {
			return -1
		}
		return r
	}, words.Text(s))
}

// placeText is where a failure is: the function, and who called it.
func placeText(f *report.CheckFailure) string {
	switch len(f.At) {
	case 0:
		return ""
	case 1:
		return frameText(f.At[0])
	}
	return frameText(f.At[0]) + ", called from " + frameText(f.At[1])
}

// saidOf is what a result comes to, in one line: its message, else its figures.
func saidOf(r *report.CheckResult) string {
	if r.Message != "" {
		return r.Message
	}
	return evidenceText(r.Measured)
}

// repeats reports whether a result's message says no more than those of its failures:
// it is left out where they are shown.
func repeats(r *report.CheckResult) bool {
	if len(r.Failures) == 0 || r.FailuresLeft > 0 || len(r.Failures) > checkedItems {
		return false
	}
	rest := strings.ToLower(r.Message)
	for i := range r.Failures {
		rest = strings.Replace(rest, strings.ToLower(strings.TrimSuffix(r.Failures[i].Message, ".")), "", 1)
	}
	return strings.Trim(rest, " .") == ""
}

func frameText(f report.Frame) string {
	s := words.Function(f.Func)
	if f.File != "" {
		s += fmt.Sprintf(" %s:%d", fileName(f.File), f.Line)
	}
	return s
}

func evidenceText(list []report.Evidence) string {
	var parts []string
	for _, e := range list {
		parts = append(parts, e.Label+" is "+e.Value)
	}
	return strings.Join(parts, ", ")
}

// checkedWord is a result's status in a word, and its colour.
func checkedWord(r *report.CheckResult) (string, ink) {
	switch {
	case r.Status == report.CheckError:
		return "ERROR", red
	case r.Status == report.CheckFail && r.Severity == report.CheckSeverityWarning:
		return "WARN", yellow
	case r.Status == report.CheckFail:
		return "FAIL", red
	case r.Status == report.CheckSkip:
		return "skip", faint
	}
	return "pass", blue
}

// checkedRank orders results: what needs to be looked at first.
func checkedRank(c *report.Checked, r *report.CheckResult) int {
	if c.Matters(r) {
		return 0
	}
	word, _ := checkedWord(r)
	return slices.Index([]string{"FAIL", "ERROR", "WARN", "skip", "pass"}, word)
}

// sorted are a trace's results by how they are told of, each in its order.
type sorted struct {
	failed, broken, warned, skipped, passed []*report.CheckResult
}

func sortedOf(c *report.Checked, x *report.CheckedTrace) (s sorted) {
	for i := range x.Results {
		r := &x.Results[i]
		to := [...]*[]*report.CheckResult{&s.failed, &s.broken, &s.warned, &s.skipped, &s.passed}[checkedRank(c, r)]
		*to = append(*to, r)
	}
	return s
}

// tracesOrder are the traces with those first of which most is to be said. Those that
// were held to nothing by themselves, as they were compared together, are left out.
func tracesOrder(c *report.Checked) []*report.CheckedTrace {
	var out []*report.CheckedTrace
	some := c.Counts.Of() > 0
	for i := range c.Traces {
		x := &c.Traces[i]
		if some && x.Complete && len(x.Lost) == 0 && x.Counts.Of() == 0 {
			continue
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b *report.CheckedTrace) int { return cmp.Compare(traceRank(c, a), traceRank(c, b)) })
	return out
}

func traceRank(c *report.Checked, x *report.CheckedTrace) int {
	s := sortedOf(c, x)
	switch {
	case len(s.failed) > 0:
		return 0
	case x.Error != "" || len(s.broken) > 0:
		return 1
	case len(s.warned) > 0:
		return 2
	case len(x.Lost) > 0:
		return 3
	}
	return traceQuiet
}

// traceQuiet is the traceRank of traces of which nothing is to be said.
const traceQuiet = 4

// skipReasons are why results were skipped, with how many for each, in their order.
func skipReasons(skipped []*report.CheckResult) []string {
	count := map[string]int{}
	var order []string
	for _, r := range skipped {
		if count[r.Message]++; count[r.Message] == 1 {
			order = append(order, r.Message)
		}
	}
	for i, reason := range order {
		order[i] = words.Count(count[reason]) + " skipped: " + reason
	}
	return order
}

// checkedPlace is where what a trace was held to is written down.
func checkedPlace(r *report.CheckResult) string {
	if r.File == "" || r.Line == 0 {
		return r.File
	}
	return fmt.Sprintf("%s:%d", r.File, r.Line)
}

// checkedSummary is the outcome in one line.
func checkedSummary(c *report.Checked) string {
	s := checkedCounts(c.Counts)
	if len(c.Traces) != 1 {
		s += " in " + words.Plural(int64(len(c.Traces)), "trace")
	}
	return s
}

func checkedCounts(n report.CheckCounts) string {
	var parts []string
	add := func(k int, what string) {
		if k > 0 {
			parts = append(parts, words.Count(int64(k))+words.Tie+what)
		}
	}
	add(n.Failed, "failed")
	add(n.Errors, "could not be checked")
	if n.Warned > 0 {
		parts = append(parts, words.Plural(int64(n.Warned), "warning"))
	}
	add(n.Passed, "passed")
	if n.Undecided > 0 {
		add(n.Skipped, "skipped ("+words.Count(int64(n.Undecided))+words.Tie+"undecided)")
	} else {
		add(n.Skipped, "skipped")
	}
	if len(parts) == 0 {
		return "nothing to check"
	}
	return strings.Join(parts, ", ")
}

// checkedAbout is what is known of a trace and what became of it, to be read after
// its name.
func checkedAbout(x *report.CheckedTrace) string {
	if x.Error != "" {
		return ": could not be read"
	}
	var parts []string
	if x.Program != "" {
		parts = append(parts, x.Program)
	}
	if x.GoVersion != "" {
		parts = append(parts, "Go "+x.GoVersion+" rules")
	}
	parts = append(parts, words.Length(x.DurationNS))
	if !x.Complete {
		parts = append(parts, "analysed in part")
	}
	return " (" + strings.Join(parts, ", ") + "): " + checkedCounts(x.Counts)
}
