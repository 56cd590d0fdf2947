package render

import (
	"fmt"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// rulesTakeaway says how far the trace bears the model's rules out.
func rulesTakeaway(r *report.Report) string {
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
		applied, words.Plural(int64(len(r.Rules)), "rule"), judged, all)
	if occasions > 0 {
		text += fmt.Sprintf("; %s of these are called certain", words.ShareOf(certain, occasions))
	}
	return text + "."
}

// agreement is how far the trace agreed with a rule, and on how much that rests.
func agreement(x report.Rule) string {
	switch {
	case x.Applied == 0:
		return "–"
	case x.Judged == 0:
		return "can't tell"
	case x.Unit == "ns":
		return words.ShareOf(x.Agreed, x.Judged)
	}
	return words.ShareOf(x.Agreed, x.Judged) + " of " + words.Count(x.Judged)
}

// quantity is v in a unit of rules and distributions.
func quantity(v int64, unit string) string {
	if unit == "ns" {
		return words.Length(v)
	}
	return words.Count(v)
}
