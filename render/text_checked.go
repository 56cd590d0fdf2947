package render

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// CheckedText writes c for a terminal, in the manner of Text: what failed first, in a
// paragraph each, then a line for each warning. What passed and what was skipped is
// counted, and listed if opt.Verbose.
func CheckedText(w io.Writer, c *report.Checked, opt TextOptions) error {
	safe := mapped(*c, words.Printable)
	out := bufio.NewWriter(w)
	t := &checkedTerminal{terminal: newTerminal(out, opt), checked: &safe, verbose: opt.Verbose}
	t.all()
	t.again("gmptrace check  "+checkedSummary(&safe), bold)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the results as text: %w", err)
	}
	return nil
}

// checkedTerminal lays results out.
type checkedTerminal struct {
	*terminal
	checked  *report.Checked
	verbose  bool
	expected string // what was said last that is expected: of a fixture most results expect the same
}

// checkedQuiet is how many traces are named of which nothing is to be said.
const checkedQuiet = 5

func (t *checkedTerminal) all() {
	t.line(t.paint(bold, "gmptrace check") + "  " + checkedSummary(t.checked))
	var quiet int
	var unnamed report.CheckCounts
	for _, x := range tracesOrder(t.checked) {
		if traceRank(t.checked, x) == traceQuiet && !t.verbose {
			if quiet++; quiet > checkedQuiet {
				unnamed.Passed += x.Counts.Passed
				unnamed.Skipped += x.Counts.Skipped
				unnamed.Undecided += x.Counts.Undecided
				continue
			}
		}
		if quiet < 2 { // further lines of quiet traces stand together
			t.line("")
		}
		t.trace(x)
	}
	if quiet > checkedQuiet {
		t.line(words.Plural(int64(quiet-checkedQuiet), "more trace") + ": " + checkedCounts(unnamed))
	}
	if n := t.checked.Counts; !t.verbose && n.Passed+n.Skipped > 0 {
		t.apart()
		t.line("-v lists what passed and what was skipped, with figures and reasons.")
	}
}

func (t *checkedTerminal) trace(x *report.CheckedTrace) {
	t.wrap("", "  ", x.Name+checkedAbout(x), bold)
	if x.Error != "" {
		t.wrapPainted("  ", "ERROR", red, "  ", checkedIndent, x.Error)
		return
	}
	for _, l := range x.Lost {
		t.wrapPainted("  ", "part of it is missing", yellow, ": ", "    ", l)
	}
	s := sortedOf(t.checked, x)
	for i, r := range s.failed {
		if i == checkedFailed && !t.verbose {
			t.line(fmt.Sprintf("%s… and %s more failed: the JSON has them, and -v", checkedIndent, words.Count(len(s.failed)-i)))
			t.line("")
			break
		}
		t.paragraph(r)
		t.line("")
	}
	for _, r := range s.broken {
		t.paragraph(r)
		t.line("")
	}
	t.warnings(s.warned)
	if t.verbose {
		for _, r := range slices.Concat(s.skipped, s.passed) {
			t.result(r, saidOf(r))
		}
		return
	}
	if len(s.passed)+len(s.failed)+len(s.broken)+len(s.warned) > 0 {
		return
	}
	reasons := skipReasons(s.skipped) // nothing was judged: that is no good news
	for _, reason := range reasons[:min(len(reasons), checkedItems)] {
		t.wrap("  ", "    ", reason)
	}
}

// checkedIndent is where what is said of a result begins.
var checkedIndent = strings.Repeat(" ", 9)

// result is a result's first line, which goes on where it must.
func (t *checkedTerminal) result(r *report.CheckResult, said string) {
	word, with := checkedWord(r)
	if said != "" {
		said = ": " + said
	}
	// wrap measures what it is given, and an escape sequence has no width.
	t.wrapPainted("  ", word, with, strings.Repeat(" ", max(0, 5-len(word)))+"  ", checkedIndent, r.ID+said)
}

// warnings are a line each.
func (t *checkedTerminal) warnings(list []*report.CheckResult) {
	for i, r := range list {
		switch {
		case t.verbose:
			t.paragraph(r)
		case i == checkedWarned:
			t.line(fmt.Sprintf("%s… and %s", checkedIndent, words.Plural(int64(len(list)-i), "more warning")))
			return
		default:
			word, with := checkedWord(r)
			t.wrapPainted("  ", word, with, "   ", checkedIndent, warningText(r))
		}
	}
}

// warningText is a warning in few words: the first thing that it says, and how much
// more there is. A fixture's warnings name what they are about.
func warningText(r *report.CheckResult) string {
	said := saidOf(r)
	if len(r.Failures) > 0 {
		said = r.Failures[0].Message
	}
	if r.Kind != "fixture" || len(r.Failures) == 0 {
		said = r.ID + ": " + said
	}
	if n := len(r.Failures) - 1 + r.FailuresLeft; n > 0 {
		said += fmt.Sprintf(", and %s more", words.Count(n))
	}
	return said
}

// paragraph is all that matters of a failure: what is wrong, by how much, where, what
// was expected, and what to do next.
func (t *checkedTerminal) paragraph(r *report.CheckResult) {
	switch {
	case tellsItself(r) && !t.verbose:
		f := &r.Failures[0]
		word, with := checkedWord(r)
		t.wrapPainted("  ", word, with, "   ", checkedIndent, f.Message)
		for _, more := range unsaid(f) {
			t.wrap(checkedIndent, checkedIndent+"  ", more)
		}
		t.place(f, checkedIndent)
	case repeats(r) && len(r.Failures) == 1:
		t.result(r, failureText(&r.Failures[0]))
		t.place(&r.Failures[0], checkedIndent)
	default:
		if repeats(r) {
			t.result(r, "")
		} else {
			t.result(r, saidOf(r))
		}
		t.failures(r)
	}
	if r.Description != "" && (r.Kind == "policy" || t.verbose) {
		t.wrap(checkedIndent, checkedIndent, r.Description)
	}
	if r.Expected != "" && !(r.Kind == "fixture" && t.expected == r.Expected) {
		t.expected = r.Expected
		place := ""
		if p := checkedPlace(r); p != "" {
			place = " (" + p + ")"
		}
		t.wrap(checkedIndent+"expected: ", checkedIndent+"  ", r.Expected+place)
	}
	if r.Next != "" { // not wrapped: it is to be copied
		t.line(checkedIndent + "next: " + r.Next)
	}
}

func (t *checkedTerminal) failures(r *report.CheckResult) {
	most := checkedItems
	if t.verbose {
		most = len(r.Failures)
	}
	for i := range r.Failures[:min(len(r.Failures), most)] {
		f := &r.Failures[i]
		t.wrap(checkedIndent+"- ", checkedIndent+"  ", failureText(f))
		t.place(f, checkedIndent+"  ")
	}
	if n := len(r.Failures) - most + r.FailuresLeft; n > 0 {
		t.line(fmt.Sprintf("%s… and %s more", checkedIndent, words.Count(n)))
	}
}

// place says where a failure is, with -v with the whole stack.
func (t *checkedTerminal) place(f *report.CheckFailure, indent string) {
	if !t.verbose {
		if p := placeText(f); p != "" {
			t.wrap(indent+"at ", indent+"   ", p)
		}
		return
	}
	for i, frame := range f.At[:min(len(f.At), checkedFrames)] {
		t.wrap(indent+[]string{"at ", "   "}[min(i, 1)], indent+"     ", frameText(frame))
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
