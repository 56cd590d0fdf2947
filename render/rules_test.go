package render

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// TestAgreement: what can't be told is never a percentage, and a percentage says
// what it is of.
func TestAgreement(t *testing.T) {
	for _, c := range []struct {
		rule report.Rule
		want string
	}{
		{report.Rule{}, "–"},
		{report.Rule{Applied: 5, Undecided: "why"}, "can't tell"},
		{report.Rule{Applied: 5, Judged: 4, Agreed: 4}, "100 % of 4"},
		{report.Rule{Applied: 5000, Judged: 4000, Agreed: 3999}, ">99.9 % of 4000"},
		{report.Rule{Applied: 2e9, Judged: 2e9, Agreed: 1e9, Unit: "ns"}, "50 %"},
	} {
		if got := words.Text(agreement(c.rule)); got != c.want {
			t.Errorf("%+v: %q, want %q", c.rule, got, c.want)
		}
	}
}

// TestBinRows: a distribution keeps its counts when its bins are joined.
func TestBinRows(t *testing.T) {
	s := report.Spread{Unit: "ns", Count: 40}
	for i := range int64(40) {
		s.Bins = append(s.Bins, report.Bin{Lo: i, Hi: i + 1, Count: 1})
	}
	rows := binRows(s)
	if len(rows) == 0 || len(rows) > ruleBins || rows[0].Count != "4" || rows[0].Bar != 100 {
		t.Errorf("rows %+v", rows)
	}
	if rows := binRows(report.Spread{}); rows != nil {
		t.Errorf("nothing makes rows: %+v", rows)
	}
}

// TestPageRules: a rule's name in the table opens what is said of it, and its
// moment moves the timeline.
func TestPageRules(t *testing.T) {
	r := sample(8, 2000)
	p := open(t, r, view{width: desktop, height: 768})
	id := ruleName(r.Rules[0])
	p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector('a[href="#%s"]').click()`, id)), wait(fmt.Sprintf(`document.getElementById(%q).open`, id)))
	p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector('#%s a[href^="#t="]').click()`, id)))
	m := r.Rules[0].Divergences[0]
	start, end := around(r, m.Start, m.End)
	lands(p, start, end, m.P)
	p.quiet()
}
