package render

import (
	"fmt"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// textRules is a line a rule; what did not agree, and why some can't be judged,
// stands below.
func textRules(t *terminal, r *report.Report) {
	if len(r.Rules) == 0 {
		return
	}
	t.heading("Rules of the scheduler, and whether the trace agrees", rulesTakeaway(r))
	cells := []string{"rule", "applied", "agreed", "median", "most", "p99", "of"}
	table := table{align: "lrrrrrl"[:t.ruleColumns()], left: 3}
	for _, x := range r.Rules {
		row := []string{x.Title, quantity(x.Applied, x.Unit), agreement(x), "", "", "", ""}
		if s := x.Spread; s.Count > 0 {
			row = append(row[:3], quantity(s.P50, s.Unit), quantity(s.Max, s.Unit), words.P99(s.Count, quantity(s.P99, s.Unit)), s.Of)
		}
		table.add(row[:t.ruleColumns()]...)
	}
	t.table(table, cells[:t.ruleColumns()]...)
	for _, x := range r.Rules {
		if len(x.Divergences) > 0 {
			m := x.Divergences[0]
			t.wrap("  ! ", "    ", fmt.Sprintf("%s: %s, the worst at %s: %s", x.Title, notAgreed(x), words.At(m.Start), m.Text))
		}
	}
	for _, x := range r.Rules {
		if x.Note != "" {
			t.wrap("  · ", "    ", x.Title+": "+x.Note)
		}
	}
	for _, x := range r.Rules {
		if x.Undecided != "" {
			t.wrap("  ? ", "    ", x.Title+": can't be told: "+x.Undecided)
		}
	}
	t.wrap("  ", "  ", "The page and the JSON say what each rule is, where the runtime has it, and where the usual short account differs.")
	t.line("")
}

// ruleColumns is how many columns the table has: what fewer say first, so that
// the rules' names stay whole in a narrow terminal.
func (t *terminal) ruleColumns() int {
	if t.width < 96 {
		return 5
	}
	return 7
}

// notAgreed is how often, or for how long, the trace did not agree.
func notAgreed(x report.Rule) string {
	if x.Unit == "ns" {
		return "disagreed for " + words.Length(x.Judged-x.Agreed)
	}
	return "disagreed " + words.Times(x.Judged-x.Agreed)
}
