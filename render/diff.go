package render

import (
	"encoding/json"
	"fmt"
	"io"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/words"
)

// DiffJSON writes r as analyze/schema/diff.schema.json describes it, in the manner
// of JSON.
func DiffJSON(w io.Writer, r *compare.Result) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(mapped(*r, words.Machine)); err != nil {
		return fmt.Errorf("writing the comparison as JSON: %w", err)
	}
	return nil
}

func changeName(c *compare.Change) string {
	short := *c
	short.Name = words.Function(c.Name)
	if c.Name == "" {
		short.Name = ""
	}
	return short.Text()
}

// sideText is a median and its confidence interval.
func sideText(s compare.Side, unit string) string {
	if s.N == 0 {
		return "–"
	}
	text := compare.Amount(s.Median, unit)
	if s.Median > 0 && unit != "%" {
		half := max(s.Median-s.Lo, s.Hi-s.Median) / s.Median
		if s.Open {
			return text + " ±∞"
		}
		text += " ±" + words.Share(half)
	}
	return text
}

// probability is that of chance alone, for as many statistics as there are; "–" where none was judged.
func probability(c compare.Change) string {
	switch {
	case c.Verdict == compare.New || c.Verdict == compare.Gone || c.Verdict == compare.Few:
		return "–"
	case c.Q < .001:
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", c.Q)
}

func deltaText(c *compare.Change) string {
	switch c.Verdict {
	case compare.Worse, compare.Better:
		switch {
		case c.Stat == "far":
			return "longest " + words.Length(int64(c.Old.Max)) + " → " + words.Length(int64(c.New.Max))
		case c.Stat == "slow":
			return fmt.Sprintf("%+.1f points", c.New.Median-c.Old.Median)
		case c.Ratio == 0:
			return "from none"
		case c.Ratio >= 10:
			return "×" + words.Number(c.Ratio)
		}
		return words.Change(c.Ratio - 1)
	case compare.New, compare.Gone:
		return string(c.Verdict)
	}
	return "~"
}
