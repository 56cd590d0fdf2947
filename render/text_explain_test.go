package render

import (
	"bytes"
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// TestExplainSummary: the answer comes first and fits on a screen, and says that there is
// more; all of it is longer and has what the answer left out.
func TestExplainSummary(t *testing.T) {
	var short, all bytes.Buffer
	opt := TextOptions{Width: 80, Trace: "app.trace"}
	if err := ExplainSummary(&short, sampleExplanation(), opt); err != nil {
		t.Fatal(err)
	}
	if err := ExplainText(&all, sampleExplanation(), opt); err != nil {
		t.Fatal(err)
	}
	if n, m := strings.Count(short.String(), "\n"), strings.Count(all.String(), "\n"); n > 50 || m < 2*n {
		t.Errorf("the answer has %d lines of %d:\n%s", n, m, &short)
	}
	for _, want := range []string{"With --all: the next ", "\n1  ", "Next:"} {
		if !strings.Contains(short.String(), want) {
			t.Errorf("the answer has no %q:\n%s", want, &short)
		}
	}
	if strings.Contains(short.String(), "\n2  ") || !strings.Contains(all.String(), "\n2  ") || strings.Contains(all.String(), "--all") {
		t.Error("the answer has the second slowest, or all of it has not")
	}
	var none bytes.Buffer
	if err := ExplainSummary(&none, &report.Explanation{Headline: "The trace has no requests."}, opt); err != nil || strings.Contains(none.String(), "--all") {
		t.Errorf("of nothing it says %q (%v)", &none, err)
	}
}
