package render

import (
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// counted is v with its unit: "3 dispatches", "1.20 s".
func counted(v int64, unit string) string {
	if unit == "ns" {
		return words.Length(v)
	}
	return words.Count(v) + words.Tie + unit
}

// ruleBins is how many rows the table of a distribution has at the most.
const ruleBins = 12

// binRow is a row of a distribution, with its bar's length in [0, 100].
type binRow struct {
	From, To, Count, Share string
	Bar                    int64
}

func binRows(s report.Spread) []binRow {
	var buckets []report.Bucket
	for _, b := range s.Bins {
		buckets = append(buckets, report.Bucket(b))
	}
	buckets = mergeBuckets(buckets, ruleBins)
	most := int64(1)
	for _, b := range buckets {
		most = max(most, b.Count)
	}
	var rows []binRow
	for _, b := range buckets {
		row := binRow{From: quantity(b.Lo, s.Unit), To: quantity(b.Hi, s.Unit), Count: words.Count(b.Count), Share: words.ShareOf(b.Count, s.Count), Bar: 100 * b.Count / most}
		if b.Count > 0 {
			row.Bar = max(1, row.Bar)
		}
		rows = append(rows, row)
	}
	return rows
}

// ruleParts are the ways in which a rule's occasions went, without those that
// did not occur.
func ruleParts(x report.Rule) []report.RulePart {
	var parts []report.RulePart
	for _, p := range x.Parts {
		if p.Count > 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// ruleName is the address of a rule's explanation on the page.
func ruleName(x report.Rule) string {
	return "rule-" + strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c == '-' {
			return c
		}
		return -1
	}, x.ID)
}
