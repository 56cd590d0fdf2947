package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// CheckedJUnit writes c as JUnit XML: a testsuite for each trace, a testcase for
// each result, with its figures in system-out. It keeps to what both Surefire's and
// Jenkins' schemas allow. The format knows no warnings: those that Checked.FailOn lets
// pass are testcases that pass, and told of in system-out.
//
// Names are made printable first: XML has no way to write most control characters
// at all.
func CheckedJUnit(w io.Writer, c *report.Checked) error {
	safe := mapped(*c, func(s string) string { return noXML.Replace(words.Printable(words.Text(s))) })
	doc := junitSuites{}
	for i := range safe.Traces {
		doc.Suites = append(doc.Suites, junitOf(&safe, &safe.Traces[i], i))
	}
	b, err := xml.MarshalIndent(doc, "", "  ")
	if err == nil {
		_, err = io.WriteString(w, xml.Header+"<!-- gmptrace check -->\n"+string(b)+"\n")
	}
	if err != nil {
		return fmt.Errorf("writing the results as JUnit XML: %w", err)
	}
	return nil
}

// noXML are characters that XML may not hold, beside those that printable replaces.
var noXML = strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Package    string          `xml:"package,attr"`
	ID         int             `xml:"id,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Hostname   string          `xml:"hostname,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
	Out        junitText       `xml:"system-out"`
	Err        junitText       `xml:"system-err"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Skipped *junitSkipped `xml:"skipped"`
	Error   *junitFailure `xml:"error"`
	Failure *junitFailure `xml:"failure"`
	Out     *junitText    `xml:"system-out"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",cdata"`
}

type junitText struct {
	Text string `xml:",cdata"`
}

func junitOf(c *report.Checked, x *report.CheckedTrace, id int) junitSuite {
	name := junitToken(x.Name)
	s := junitSuite{Name: name, Package: "gmptrace", ID: id, Timestamp: junitTime(x.Start), Hostname: "localhost", Time: "0",
		Properties: []junitProperty{
			{"gmptrace_version", c.Version}, {"program", x.Program}, {"go_version", x.GoVersion},
			{"trace_seconds", fmt.Sprintf("%.9f", float64(x.DurationNS)/1e9)}, {"complete", fmt.Sprint(x.Complete)},
		}}
	for i := range x.Results {
		s.add(junitCaseOf(c, name, &x.Results[i]))
	}
	if x.Error != "" {
		s.add(junitCase{Name: "trace", Class: name, Time: "0", Error: &junitFailure{Message: x.Error, Type: "unreadable", Text: x.Error}})
	}
	s.Err.Text = strings.Join(x.Lost, "\n")
	return s
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Skipped != nil:
		s.Skipped++
	case c.Error != nil:
		s.Errors++
	case c.Failure != nil:
		s.Failures++
	}
}

func junitCaseOf(c *report.Checked, class string, r *report.CheckResult) junitCase {
	out := junitCase{Name: junitToken(r.ID), Class: class, Time: "0"}
	switch {
	case r.Status == report.CheckSkip:
		out.Skipped = &junitSkipped{r.Message}
	case r.Status == report.CheckError:
		out.Error = &junitFailure{Message: r.Message, Type: r.Kind, Text: checkedPlain(r)}
	case c.Matters(r):
		out.Failure = &junitFailure{Message: r.Message, Type: r.Kind, Text: checkedPlain(r)}
	}
	text := figures(r)
	if r.Status == report.CheckFail && !c.Matters(r) {
		text = "warning: " + checkedPlain(r) + text
	}
	if text != "" {
		out.Out = &junitText{text}
	}
	return out
}

// figures are what was measured for a result, and what it comes to where that is told
// nowhere else.
func figures(r *report.CheckResult) string {
	var b strings.Builder
	if r.Status == report.CheckPass && r.Message != "" {
		b.WriteString(words.Text(r.Message) + "\n")
	}
	for _, e := range r.Measured {
		b.WriteString(words.Text(e.Label+": "+e.Value) + "\n")
	}
	return b.String()
}

// junitToken is a name as schemas want it, whose tokens have no spaces at the
// ends and none beside another; never empty.
func junitToken(s string) string {
	if s = strings.Join(strings.Fields(s), " "); s == "" {
		return "-"
	}
	return s
}

// junitTime is the trace's start without its fraction and zone, which the schema
// does not want. It must be there: where the trace has none, it is the epoch.
func junitTime(start string) string {
	t, err := time.Parse(time.RFC3339Nano, start)
	if err != nil {
		t = time.Unix(0, 0)
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}

// checkedPlain is all of a failure as plain text.
func checkedPlain(r *report.CheckResult) string {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(words.Text(fmt.Sprintf(format, args...)) + "\n") }
	line("%s: %s", r.ID, r.Message)
	if r.Description != "" {
		line("%s", r.Description)
	}
	line("expected: %s", r.Expected)
	if p := checkedPlace(r); p != "" {
		line("written in: %s", p)
	}
	for _, f := range r.Failures {
		line("")
		line("- %s", f.Message)
		for _, d := range f.Details {
			line("    %s: %s", d.Label, d.Value)
		}
		for _, frame := range f.At {
			line("    at %s %s:%d", frame.Func, frame.File, frame.Line)
		}
	}
	if r.FailuresLeft > 0 {
		line("… and %d more", r.FailuresLeft)
	}
	if r.Next != "" {
		line("")
		line("next: %s", r.Next)
	}
	return b.String()
}
