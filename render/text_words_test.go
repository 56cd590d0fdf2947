package render

import (
	"bytes"
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// TestWords: an answer says what the words mean that it has, and no others: neither those of
// functions nor those of what it does not show.
func TestWords(t *testing.T) {
	for _, x := range []struct {
		says string
		want []string
	}{
		{"Goroutines waited up to 12.0 ms for a P.", []string{"P (a slot"}},
		{"main.spin kept P0 for 26.1 ms at a stretch", []string{"P (a slot"}},
		{"GOMAXPROCS is 16\u00a0Ps", []string{"P (a slot"}},
		{"Requests of main.P wait for main.(*P).get, P.S.", nil},
		{"Mark assists took 44 %", []string{"mark assist ("}},
		{"The world was stopped for 3.05 ms", []string{"the world stops ("}},
		{"Goroutines waited in the global queue", []string{"global queue ("}},
		{"sleeping in main.load", nil},
	} {
		var b bytes.Buffer
		if err := Summary(&b, &report.Report{Verdict: report.Verdict{Headline: x.says}}, TextOptions{Width: 200}); err != nil {
			t.Fatal(err)
		}
		_, line, _ := strings.Cut(b.String(), "Words: ")
		line, _, _ = strings.Cut(line, "\n")
		if got := strings.Count(line, " ("); got != len(x.want) {
			t.Errorf("%q: %q", x.says, line)
		}
		for _, w := range x.want {
			if !strings.Contains(line, w) {
				t.Errorf("%q: %q is not in %q", x.says, w, line)
			}
		}
	}
}

// TestNoNumberMissing: each finding that is not told of in lines of its own stands beneath
// the one whose time it looks at, so that the numbers have no gap.
func TestNoNumberMissing(t *testing.T) {
	r := &report.Report{Findings: []report.Finding{
		{Number: 1, Severity: report.SeverityWarning, Title: "One"}, {Number: 2, Title: "Two", Severity: report.SeverityInfo, Of: 1},
		{Number: 3, Title: "Three", Severity: report.SeverityInfo}, {Number: 4, Title: "Four", Severity: report.SeverityInfo, Of: 1},
	}}
	var b bytes.Buffer
	if err := Summary(&b, r, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := "    also   2: Two; 4: Four\n 3  INFO  Three\n"; !strings.Contains(b.String(), want) {
		t.Errorf("got %q, want %q in it", b.String(), want)
	}
	if strings.Contains(b.String(), "--all") {
		t.Errorf("there is no more: %q", b.String())
	}
}
