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
// what failed first, and what passed to unfold, in no more than markdownLines lines.
// Nothing that a trace names is taken for Markdown or HTML, and nobody is mentioned by
// it.
func CheckedMarkdown(w io.Writer, c *report.Checked) error {
	safe := mapped(*c, func(s string) string { return words.Printable(words.Text(s)) })
	out := bufio.NewWriter(w)
	m := &markdown{w: out, checked: &safe}
	m.all()
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the results as Markdown: %w", err)
	}
	return nil
}

// Limits of the Markdown. What is left out is counted, and in the other formats.
const (
	markdownLines  = 40 // in all
	markdownTraces = 6
	markdownFailed = 10
	markdownWarned = 6
)

type markdown struct {
	w       io.Writer
	checked *report.Checked
	lines   int // written
}

func (m *markdown) line(format string, args ...any) {
	m.lines++
	fmt.Fprintf(m.w, format+"\n", args...)
}

func (m *markdown) all() {
	m.line("<!-- gmptrace check -->")
	m.line("### gmptrace check: %s", words.Text(checkedSummary(m.checked)))
	m.line("")
	traces := tracesOrder(m.checked)
	m.list(len(traces), markdownTraces, "more trace", func(i int) { m.trace(traces[i]) })
	var failed, warned, passed, skipped []string
	for _, x := range traces {
		s := sortedOf(m.checked, x)
		for _, r := range append(s.failed, s.broken...) {
			failed = append(failed, m.failure(x, r))
		}
		for _, r := range s.warned {
			warned = append(warned, m.result(x, r))
		}
		for _, r := range s.passed {
			passed = append(passed, m.result(x, r))
		}
		for _, r := range s.skipped {
			skipped = append(skipped, m.result(x, r))
		}
	}
	for _, group := range []struct {
		lines []string
		most  int
		what  string
	}{{failed, markdownFailed, "more that failed"}, {warned, markdownWarned, "more warning"}} {
		if len(group.lines) > 0 {
			m.line("")
			m.list(len(group.lines), group.most, group.what, func(i int) { m.line("%s", group.lines[i]) })
		}
	}
	m.fold(append(passed, skipped...))
}

// list writes some of n items, a line each, and counts the others.
func (m *markdown) list(n, most int, what string, item func(int)) {
	for i := range min(n, most) {
		item(i)
	}
	switch left := int64(n - most); {
	case left > 0 && strings.HasPrefix(what, "more that"):
		m.line("* … and %s %s", words.Text(words.Count(left)), what)
	case left > 0:
		m.line("* … and %s", words.Text(words.Plural(left, what)))
	}
}

// fold writes what passed and what was skipped, to be unfolded.
func (m *markdown) fold(rest []string) {
	if len(rest) == 0 {
		return
	}
	n := m.checked.Counts
	m.line("\n<details><summary>%s</summary>\n", words.Text(checkedCounts(report.CheckCounts{Passed: n.Passed, Skipped: n.Skipped, Undecided: n.Undecided})))
	m.lines += 2
	room := markdownLines - m.lines - 2 // the fold's end
	if len(rest) > room {
		room--
	}
	m.list(len(rest), room, "more result", func(i int) { m.line("%s", rest[i]) })
	m.line("\n</details>")
}

// trace is what is known of a trace, in a line.
func (m *markdown) trace(x *report.CheckedTrace) {
	text := "**" + md(x.Name) + "**" + md(checkedAbout(x))
	if x.Error != "" {
		text = "💥 " + text + ": " + md(x.Error)
	}
	if len(x.Lost) > 0 {
		text += ". ⚠️ Part of it is missing: " + md(strings.Join(x.Lost, "; "))
	}
	m.line("* %s", text)
}

// result is a result in a line, with its trace where there are several.
func (m *markdown) result(x *report.CheckedTrace, r *report.CheckResult) string {
	text := "* " + m.head(x, r)
	if said := saidOf(r); said != "" {
		text += ": " + md(said)
	}
	return text
}

func (m *markdown) head(x *report.CheckedTrace, r *report.CheckResult) string {
	text := checkedSign(r) + " **" + md(r.ID) + "**"
	if len(m.checked.Traces) > 1 {
		text += " in " + md(x.Name)
	}
	return text
}

// sign begins what names itself what it is about.
func (m *markdown) sign(x *report.CheckedTrace, r *report.CheckResult) string {
	text := checkedSign(r)
	if len(m.checked.Traces) > 1 {
		text += " in " + md(x.Name)
	}
	return text + ": "
}

// failure is all that matters of a failure, in a line that is shown as a paragraph.
func (m *markdown) failure(x *report.CheckedTrace, r *report.CheckResult) string {
	parts := []string{m.head(x, r)}
	if tellsItself(r) {
		parts = []string{m.sign(x, r) + md(r.Failures[0].Message)}
		for _, more := range unsaid(&r.Failures[0]) {
			parts = append(parts, md(more))
		}
	} else {
		parts = append(parts, m.failed(r)...)
	}
	if n := len(r.Failures) - checkedItems + r.FailuresLeft; n > 0 {
		parts = append(parts, fmt.Sprintf("… and %d more", n))
	}
	if r.Expected != "" {
		text := "expected <code>" + md(r.Expected) + "</code>"
		if p := checkedPlace(r); p != "" {
			text += " (" + md(p) + ")"
		}
		parts = append(parts, text)
	}
	if r.Next != "" {
		parts = append(parts, "next: <code>"+md(r.Next)+"</code>")
	}
	return "* " + strings.Join(parts, "<br>")
}

// failed is what a result says of what failed.
func (m *markdown) failed(r *report.CheckResult) (parts []string) {
	if !repeats(r) {
		parts = append(parts, md(saidOf(r)))
	}
	for i := range r.Failures[:min(len(r.Failures), checkedItems)] {
		f := &r.Failures[i]
		text := md(failureText(f))
		if p := placeText(f); p != "" {
			text += ", at <code>" + md(p) + "</code>"
		}
		parts = append(parts, text)
	}
	return parts
}

// checkedSign is a result's status as a picture, with the word for those who can't
// see it.
func checkedSign(r *report.CheckResult) string {
	word, _ := checkedWord(r)
	return map[string]string{"FAIL": "❌ failed", "ERROR": "💥 error", "WARN": "⚠️ warning", "skip": "⏭️ skipped", "pass": "✅ passed"}[word]
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
