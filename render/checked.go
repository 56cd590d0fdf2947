package render

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"gmptrace/analyze"
)

// CheckedJSON writes c as analyze/schema/check.schema.json describes it, in the
// manner of JSON.
func CheckedJSON(w io.Writer, c *analyze.Checked) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(mapped(*c, func(s string) string { return s })); err != nil {
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

// CheckedText writes c for a terminal, in the manner of Text: what failed first.
func CheckedText(w io.Writer, c *analyze.Checked, opt TextOptions) error {
	safe := mapped(*c, printable)
	out := bufio.NewWriter(w)
	t := &text{w: out, width: max(60, cmp.Or(opt.Width, 100)), color: opt.Color}
	t.line(t.paint(bold, "gmptrace check") + "  " + checkedSummary(&safe))
	for i := range safe.Traces {
		t.line("")
		t.checkedTrace(&safe.Traces[i])
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the results as text: %w", err)
	}
	return nil
}

func (t *text) checkedTrace(x *analyze.CheckedTrace) {
	t.wrap("", "  ", x.Name+checkedAbout(x), bold)
	if x.Error != "" {
		t.wrapPainted("  ", "ERROR", red, "  ", checkedIndent, x.Error)
		return
	}
	for _, l := range x.Lost {
		t.wrapPainted("  ", "part of it is missing", yellow, ": ", "    ", l)
	}
	for _, r := range checkedOrder(x.Results) {
		t.checkedResult(&r)
	}
}

// checkedIndent is where what is said of a result begins.
var checkedIndent = strings.Repeat(" ", 9)

func (t *text) checkedResult(r *analyze.CheckResult) {
	word, with := checkedWord(r)
	said := r.ID
	switch {
	case r.Message != "":
		said += ": " + r.Message
	case len(r.Measured) > 0:
		said += ": " + evidenceText(r.Measured)
	}
	// wrap measures what it is given, and an escape sequence has no width.
	t.wrapPainted("  ", word, with, strings.Repeat(" ", max(0, 5-len(word)))+"  ", checkedIndent, said)
	if r.Status == analyze.CheckPass || r.Status == analyze.CheckSkip {
		return
	}
	field := func(name, value string) {
		if value != "" {
			t.wrap(checkedIndent+fmt.Sprintf("%-12s", name), checkedIndent+strings.Repeat(" ", 12), value)
		}
	}
	field("about", r.Description)
	field("expected", r.Expected)
	field("written in", checkedPlace(r))
	for i := range r.Failures[:min(len(r.Failures), checkedItems)] {
		t.checkedFailure(r, &r.Failures[i])
	}
	if n := len(r.Failures) - checkedItems + r.FailuresLeft; n > 0 {
		t.line(fmt.Sprintf("%s… and %d more", checkedIndent, n))
	}
}

func (t *text) checkedFailure(r *analyze.CheckResult, f *analyze.CheckFailure) {
	if f.Message != r.Message {
		t.wrap(checkedIndent+"- ", checkedIndent+"  ", f.Message)
	}
	for _, d := range saidNot(f) {
		t.wrap(checkedIndent+"    ", checkedIndent+"      ", d.Label+": "+d.Value)
	}
	for i, frame := range f.At[:min(len(f.At), checkedFrames)] {
		t.wrap(checkedIndent+[]string{"    at ", "       "}[min(i, 1)], checkedIndent+"         ", frameText(frame))
	}
}

// saidNot are a failure's details, none if its message has them all.
func saidNot(f *analyze.CheckFailure) []analyze.Evidence {
	for _, d := range f.Details {
		if !strings.Contains(f.Message, d.Value) {
			return f.Details
		}
	}
	return nil
}

// wrapPainted is wrap with a painted word in the first line's prefix.
func (t *text) wrapPainted(before, word string, with ink, after, rest, s string) {
	var b strings.Builder
	inner := &text{w: &b, width: t.width}
	inner.wrap(before+word+after, rest, s)
	out := strings.TrimRight(b.String(), "\n")
	if strings.HasPrefix(out, before+word) {
		out = before + t.paint(with, word) + out[len(before+word):]
	}
	t.line(out)
}

func frameText(f analyze.Frame) string {
	s := functionName(f.Func)
	if f.File != "" {
		s += fmt.Sprintf(" %s:%d", fileName(f.File), f.Line)
	}
	return s
}

func evidenceText(list []analyze.Evidence) string {
	var parts []string
	for _, e := range list {
		parts = append(parts, e.Label+" is "+e.Value)
	}
	return strings.Join(parts, ", ")
}

// checkedWord is a result's status in a word, and its colour.
func checkedWord(r *analyze.CheckResult) (string, ink) {
	switch {
	case r.Status == analyze.CheckError:
		return "ERROR", red
	case r.Status == analyze.CheckFail && r.Severity == analyze.CheckSeverityWarning:
		return "WARN", yellow
	case r.Status == analyze.CheckFail:
		return "FAIL", red
	case r.Status == analyze.CheckSkip:
		return "skip", faint
	}
	return "pass", blue
}

// checkedRank orders results: what needs to be looked at first.
func checkedRank(r *analyze.CheckResult) int {
	word, _ := checkedWord(r)
	return slices.Index([]string{"FAIL", "ERROR", "WARN", "skip", "pass"}, word)
}

// checkedOrder are the results with what failed first, and else in their order.
func checkedOrder(results []analyze.CheckResult) []analyze.CheckResult {
	out := slices.Clone(results)
	slices.SortStableFunc(out, func(a, b analyze.CheckResult) int { return cmp.Compare(checkedRank(&a), checkedRank(&b)) })
	return out
}

// checkedPlace is where what a trace was held to is written down.
func checkedPlace(r *analyze.CheckResult) string {
	if r.File == "" || r.Line == 0 {
		return r.File
	}
	return fmt.Sprintf("%s:%d", r.File, r.Line)
}

// checkedSummary is the outcome in one line.
func checkedSummary(c *analyze.Checked) string {
	s := checkedCounts(c.Counts)
	if len(c.Traces) != 1 {
		s += " in " + plural(int64(len(c.Traces)), "trace")
	}
	return s
}

func checkedCounts(n analyze.CheckCounts) string {
	var parts []string
	add := func(k int, what string) {
		if k > 0 {
			parts = append(parts, count(int64(k))+nbsp+what)
		}
	}
	add(n.Failed, "failed")
	add(n.Errors, "could not be checked")
	if n.Warned > 0 {
		parts = append(parts, plural(int64(n.Warned), "warning"))
	}
	add(n.Passed, "passed")
	add(n.Skipped, "skipped")
	if len(parts) == 0 {
		return "nothing to check"
	}
	return strings.Join(parts, ", ")
}

// checkedAbout is what is known of a trace and what became of it, to be read after
// its name.
func checkedAbout(x *analyze.CheckedTrace) string {
	if x.Error != "" {
		return ": could not be read"
	}
	var parts []string
	if x.Program != "" {
		parts = append(parts, x.Program)
	}
	if x.GoVersion != "" {
		parts = append(parts, "Go"+nbsp+x.GoVersion)
	}
	parts = append(parts, dur(x.DurationNS))
	if !x.Complete {
		parts = append(parts, "analysed in part")
	}
	return " (" + strings.Join(parts, ", ") + "): " + checkedCounts(x.Counts)
}
