package render

import (
	"fmt"
	"strings"

	"gmptrace/analyze"
)

// rulesTakeaway says how far the trace bears the model's rules out.
func rulesTakeaway(r *analyze.Report) string {
	applied, judged, all := 0, 0, 0
	var certain, occasions int64 // times left out: they would drown the rest
	for i := range r.Rules {
		x := &r.Rules[i]
		if x.Applied > 0 {
			applied++
		}
		if x.Unit != "ns" {
			certain += x.Certain
			occasions += x.Judged
		}
		if x.Judged > 0 {
			judged++
			if x.Agreed == x.Judged {
				all++
			}
		}
	}
	if applied == 0 {
		return "No rule of the scheduler was seen to apply."
	}
	text := fmt.Sprintf("%d of %s applied; of the %d that this trace can judge, %d held without exception. "+
		"An occasion is judged only where it could have shown the opposite, by more than the rule itself",
		applied, plural(int64(len(r.Rules)), "rule"), judged, all)
	if occasions > 0 {
		text += fmt.Sprintf("; %s of these are called certain", share(certain, occasions))
	}
	return text + "."
}

// agreement is how far the trace agreed with a rule, and on how much that rests.
func agreement(x analyze.Rule) string {
	switch {
	case x.Applied == 0:
		return "–"
	case x.Judged == 0:
		return "can't tell"
	case x.Unit == "ns":
		return share(x.Agreed, x.Judged)
	}
	return share(x.Agreed, x.Judged) + " of " + count(x.Judged)
}

// quantity is v in a unit of rules and distributions.
func quantity(v int64, unit string) string {
	if unit == "ns" {
		return dur(v)
	}
	return count(v)
}

// counted is v with its unit: "3 dispatches", "1.20 s".
func counted(v int64, unit string) string {
	if unit == "ns" {
		return dur(v)
	}
	return count(v) + nbsp + unit
}

// ruleBins is how many rows the table of a distribution has at the most.
const ruleBins = 12

// binRow is a row of a distribution, with its bar's length in [0, 100].
type binRow struct {
	From, To, Count, Share string
	Bar                    int64
}

func binRows(s analyze.Spread) []binRow {
	var buckets []analyze.Bucket
	for _, b := range s.Bins {
		buckets = append(buckets, analyze.Bucket(b))
	}
	buckets = mergeBuckets(buckets, ruleBins)
	most := int64(1)
	for _, b := range buckets {
		most = max(most, b.Count)
	}
	var rows []binRow
	for _, b := range buckets {
		row := binRow{From: quantity(b.Lo, s.Unit), To: quantity(b.Hi, s.Unit), Count: count(b.Count), Share: share(b.Count, s.Count), Bar: 100 * b.Count / most}
		if b.Count > 0 {
			row.Bar = max(1, row.Bar)
		}
		rows = append(rows, row)
	}
	return rows
}

// ruleParts are the ways in which a rule's occasions went, without those that
// did not occur.
func ruleParts(x analyze.Rule) []analyze.RulePart {
	var parts []analyze.RulePart
	for _, p := range x.Parts {
		if p.Count > 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// textRules is a line a rule; what did not agree, and why some can't be judged,
// stands below.
func textRules(t *text, r *analyze.Report) {
	if len(r.Rules) == 0 {
		return
	}
	t.heading("Rules of the scheduler, and whether the trace agrees", rulesTakeaway(r))
	cells := []string{"rule", "applied", "agreed", "median", "most", "p99", "of"}
	table := table{align: "lrrrrrl"[:t.ruleColumns()], left: 3}
	for _, x := range r.Rules {
		row := []string{x.Title, quantity(x.Applied, x.Unit), agreement(x), "", "", "", ""}
		if s := x.Spread; s.Count > 0 {
			row = append(row[:3], quantity(s.P50, s.Unit), quantity(s.Max, s.Unit), quantity(s.P99, s.Unit), s.Of)
		}
		table.add(row[:t.ruleColumns()]...)
	}
	t.table(table, cells[:t.ruleColumns()]...)
	for _, x := range r.Rules {
		if len(x.Divergences) > 0 {
			m := x.Divergences[0]
			t.wrap("  ! ", "    ", fmt.Sprintf("%s: %s, the worst at %s: %s", x.Title, notAgreed(x), offset(m.Start, atSpan), m.Text))
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
func (t *text) ruleColumns() int {
	if t.width < 96 {
		return 5
	}
	return 7
}

// notAgreed is how often, or for how long, the trace did not agree.
func notAgreed(x analyze.Rule) string {
	if x.Unit == "ns" {
		return "disagreed for " + dur(x.Judged-x.Agreed)
	}
	return "disagreed " + times(x.Judged-x.Agreed)
}

// ruleName is the address of a rule's explanation on the page.
func ruleName(x analyze.Rule) string {
	return "rule-" + strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c == '-' {
			return c
		}
		return -1
	}, x.ID)
}
