package render

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// CheckedMarkdown writes c as GitHub's Markdown, for the summary of a pull request:
// a table with what failed first, and details to unfold. Nothing that a trace names
// is taken for Markdown or HTML, and nobody is mentioned by it.
func CheckedMarkdown(w io.Writer, c *report.Checked) error {
	safe := mapped(*c, func(s string) string { return words.Printable(words.Text(s)) })
	out := bufio.NewWriter(w)
	m := &markdown{w: out}
	m.line("<!-- gmptrace check -->")
	m.line("### gmptrace check: %s", words.Text(checkedSummary(&safe)))
	for i := range safe.Traces {
		m.trace(&safe.Traces[i])
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the results as Markdown: %w", err)
	}
	return nil
}

type markdown struct{ w io.Writer }

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(m.w, format+"\n", args...) }

func (m *markdown) trace(x *report.CheckedTrace) {
	m.line("\n**%s**%s\n", md(x.Name), md(checkedAbout(x)))
	if x.Error != "" {
		m.line("💥 %s", md(x.Error))
		return
	}
	for _, l := range x.Lost {
		m.line("> ⚠️ Part of it is missing: %s\n", md(l))
	}
	results := checkedOrder(x.Results)
	var passed, others []report.CheckResult
	for _, r := range results {
		if r.Status == report.CheckPass {
			passed = append(passed, r)
		} else {
			others = append(others, r)
		}
	}
	m.table(others)
	for i := range others {
		m.details(&others[i])
	}
	if len(passed) > 0 {
		m.line("\n<details><summary>✅ %s</summary>\n", words.Text(checkedCounts(report.CheckCounts{Passed: len(passed)})))
		m.table(passed)
		m.line("\n</details>")
	}
}

func (m *markdown) table(results []report.CheckResult) {
	if len(results) == 0 {
		return
	}
	m.line("| | Rule | Result |\n|---|---|---|")
	for i := range results {
		r := &results[i]
		said := r.Message
		if said == "" {
			said = evidenceText(r.Measured)
		}
		m.line("| %s | %s | %s |", checkedSign(r), md(r.ID), md(said))
	}
}

// checkedSign is a result's status as a picture, with the word for those who can't
// see it.
func checkedSign(r *report.CheckResult) string {
	word, _ := checkedWord(r)
	return map[string]string{"FAIL": "❌ failed", "ERROR": "💥 error", "WARN": "⚠️ warning", "skip": "⏭️ skipped", "pass": "✅ passed"}[word]
}

func (m *markdown) details(r *report.CheckResult) {
	if r.Status != report.CheckFail {
		return
	}
	m.line("\n<details><summary>%s %s</summary>\n", strings.Fields(checkedSign(r))[0], md(r.ID))
	if r.Description != "" {
		m.line("%s\n", md(r.Description))
	}
	m.line("Expected: <code>%s</code>", md(r.Expected))
	if p := checkedPlace(r); p != "" {
		m.line(" (%s)", md(p))
	}
	m.line("")
	for i := range r.Failures[:min(len(r.Failures), checkedItems)] {
		m.failure(&r.Failures[i])
	}
	if n := len(r.Failures) - checkedItems + r.FailuresLeft; n > 0 {
		m.line("* … and %d more", n)
	}
	m.line("\n</details>")
}

func (m *markdown) failure(f *report.CheckFailure) {
	m.line("* %s", md(f.Message))
	for _, d := range saidNot(f) {
		m.line("  * %s: %s", md(d.Label), md(d.Value))
	}
	for _, frame := range f.At[:min(len(f.At), checkedFrames)] {
		m.line("  * at <code>%s</code>", md(frameText(frame)))
	}
}

// listItem is what begins a numbered list.
var listItem = regexp.MustCompile(`^\d+[.)](\s|$)`)

// md is a text in Markdown, without an effect of its own: every character that
// Markdown, HTML or GitHub could take for a sign is written as a number. Very long
// texts are cut.
func md(s string) string {
	s = words.Text(s)
	if r := []rune(s); len(r) > checkedChars {
		s = string(r[:checkedChars]) + "…"
	}
	var b strings.Builder
	runes := []rune(s)
	list := listItem.MatchString(s)
	for i, r := range runes {
		next := ' '
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		switch {
		case strings.ContainsRune("\\`*_[]<>&#|~@$", r),
			r == ':' && (next == '/' || unicode.IsLetter(next)),                 // an address, an emoji
			r == '.' && i > 2 && strings.EqualFold(string(runes[i-3:i]), "www"), // an address too
			i == 0 && (list || strings.ContainsRune("+-=", r)):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
