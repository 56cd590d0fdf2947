package render

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

func findingsText(t *testing.T, r *report.Report, width int) string {
	t.Helper()
	var b bytes.Buffer
	if err := Findings(&b, r, TextOptions{Trace: "app.trace", Width: width}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFindings: findings stand there as in the whole text, whether all are asked for or
// some, and beside them what was measured by checks that found nothing.
func TestFindings(t *testing.T) {
	r := sample(8, 1000)
	whole := textOf(t, r, TextOptions{})
	all := findingsText(t, r, 0)
	section := all[strings.Index(all, "Findings, worst first"):strings.Index(all, "Checked, no finding")]
	if len(r.Findings) < 2 || !strings.Contains(whole, section) {
		t.Errorf("not a part of the whole text:\n%s", section)
	}
	quiet := silent(r)[0]
	if !strings.Contains(all, quiet.Measured) {
		t.Errorf("not what %s measured:\n%s", quiet.ID, all)
	}
	some := *r
	some.Findings, some.Checks = r.Findings[1:2], nil
	one := findingsText(t, &some, 0)
	from := strings.Index(one, " 2  ")
	if from < 0 || !strings.Contains(whole, one[from:strings.Index(one, "Next:")]) {
		t.Errorf("finding 2 alone:\n%s", one)
	}
	if wide := findingsText(t, &some, 160); !strings.Contains(wide, "# the worst moment of finding 2\n") {
		t.Errorf("goes on with another:\n%s", wide)
	}
	some.Findings, some.Checks = nil, []report.Check{quiet}
	if out := findingsText(t, &some, 0); !strings.Contains(out, quiet.Measured) || strings.Contains(out, "worst first") {
		t.Errorf("what %s measured:\n%s", quiet.ID, out)
	}
}

// TestFindingsTitle: notes beside an account of slow requests are not the answer.
func TestFindingsTitle(t *testing.T) {
	r := sample(8, 1000)
	r.Slowest.Headline = "3 requests of main.get waited for the network."
	for _, c := range []struct {
		verdict  string
		severity report.Severity
		want     string
	}{
		{r.Slowest.Headline, report.SeverityInfo, "Found besides, worst first"},
		{r.Slowest.Headline, report.SeverityWarning, worstFirst},
		{r.Findings[0].Title + ".", report.SeverityInfo, worstFirst},
	} {
		r.Verdict.Headline, r.Findings[0].Severity = c.verdict, c.severity
		if got := findingsTitle(r); got != c.want || !strings.Contains(textOf(t, r, TextOptions{}), c.want) {
			t.Errorf("%s, the first finding %s: %q", c.verdict, c.severity, got)
		}
	}
	if !strings.Contains(findingsText(t, r, 0), worstFirst) {
		t.Error("findings without the verdict stand beside nothing")
	}
}

func TestGlossaryText(t *testing.T) {
	var b bytes.Buffer
	if err := GlossaryText(&b); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n- **"); n != len(glossary) || strings.ContainsRune(b.String(), '\u00a0') {
		t.Errorf("%d words of %d:\n%s", n, len(glossary), &b)
	}
	if err := GlossaryText(failing{errors.New("full")}); err == nil {
		t.Error("no error of a writer that fails")
	}
}
