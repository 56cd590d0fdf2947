package render

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// CheckedText writes c for a terminal, in the manner of Text: what failed first.
func CheckedText(w io.Writer, c *report.Checked, opt TextOptions) error {
	safe := mapped(*c, words.Printable)
	out := bufio.NewWriter(w)
	t := &terminal{w: out, width: max(60, cmp.Or(opt.Width, 100)), color: opt.Color}
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

func (t *terminal) checkedTrace(x *report.CheckedTrace) {
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

func (t *terminal) checkedResult(r *report.CheckResult) {
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
	if r.Status == report.CheckPass || r.Status == report.CheckSkip {
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
		t.line(fmt.Sprintf("%s… and %s more", checkedIndent, words.Count(n)))
	}
}

func (t *terminal) checkedFailure(r *report.CheckResult, f *report.CheckFailure) {
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

// wrapPainted is wrap with a painted word in the first line's prefix.
func (t *terminal) wrapPainted(before, word string, with ink, after, rest, s string) {
	var b strings.Builder
	inner := &terminal{w: &b, width: t.width}
	inner.wrap(before+word+after, rest, s)
	out := strings.TrimRight(b.String(), "\n")
	if strings.HasPrefix(out, before+word) {
		out = before + t.paint(with, word) + out[len(before+word):]
	}
	t.line(out)
}
