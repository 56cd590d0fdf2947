package render

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

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
	checkedItems  = 10 // failures of one rule
	checkedFrames = 5
	checkedChars  = 400 // of a message in Markdown
)

// saidNot are a failure's details, none if its message has them all.
func saidNot(f *report.CheckFailure) []report.Evidence {
	for _, d := range f.Details {
		if !strings.Contains(f.Message, d.Value) {
			return f.Details
		}
	}
	return nil
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
func checkedRank(r *report.CheckResult) int {
	word, _ := checkedWord(r)
	return slices.Index([]string{"FAIL", "ERROR", "WARN", "skip", "pass"}, word)
}

// checkedOrder are the results with what failed first, and else in their order.
func checkedOrder(results []report.CheckResult) []report.CheckResult {
	out := slices.Clone(results)
	slices.SortStableFunc(out, func(a, b report.CheckResult) int { return cmp.Compare(checkedRank(&a), checkedRank(&b)) })
	return out
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
