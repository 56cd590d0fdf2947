package render

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"gmptrace/analyze/compare"
)

// DiffJSON writes r as analyze/schema/diff.schema.json describes it, in the manner
// of JSON.
func DiffJSON(w io.Writer, r *compare.Result) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(mapped(*r, func(s string) string { return s })); err != nil {
		return fmt.Errorf("writing the comparison as JSON: %w", err)
	}
	return nil
}

// textSame is how many statistics without a change are listed in a terminal.
const textSame = 12

// DiffText writes a comparison for a terminal, in the manner of benchstat.
func DiffText(w io.Writer, r *compare.Result, opt TextOptions) error {
	safe := mapped(*r, printable)
	out := bufio.NewWriter(w)
	t := &text{w: out, width: max(60, cmp.Or(opt.Width, 100)), color: opt.Color}
	t.diff(&safe)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the comparison as text: %w", err)
	}
	return nil
}

func (t *text) diff(r *compare.Result) {
	t.wrap("", "", r.Verdict, bold)
	for _, n := range r.Notes {
		if strings.Contains(n, " differs: ") {
			t.wrap("", "", strings.ToUpper(n[:1])+n[1:]+".")
		}
	}
	t.line("")
	var changed, same []compare.Change
	few := 0
	for _, c := range r.Changes {
		switch c.Verdict {
		case compare.Same:
			same = append(same, c)
		case compare.Few:
			few++
		default:
			changed = append(changed, c)
		}
	}
	if len(changed) > 0 {
		t.heading("What changed, most in time first", "")
		t.changes(changed)
	}
	if len(same) > 0 {
		t.heading("Nothing can be claimed of", "")
		t.changes(same[:min(len(same), textSame)])
		t.more(len(same)-textSame, "statistic")
	}
	if few > 0 {
		t.wrap("  ", "  ", plural(int64(few), "statistic")+" had too few values to compare.")
	}
	for _, n := range r.Notes {
		if !strings.Contains(n, " differs: ") {
			t.wrap("  - ", "    ", n)
		}
	}
	t.wrap("  - ", "    ", fmt.Sprintf("~ stands for no change: the Mann-Whitney U test says p ≥ %g, or the medians differ by less than the floor. ± is the 95 %% confidence interval of the median.", r.Alpha))
}

func (t *text) changes(list []compare.Change) {
	table := table{align: "lrrrrl", left: 3}
	for _, c := range list {
		table.add(changeName(&c), sideText(c.Old, c.Unit), sideText(c.New, c.Unit), deltaText(&c), probability(c), fmt.Sprintf("n=%d+%d", c.Old.N, c.New.N))
	}
	t.table(table, "what", "old", "new", "change", "p", "")
}

func changeName(c *compare.Change) string {
	short := *c
	short.Name = functionName(c.Name)
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
	if unit == "%" {
		return digits3(s.Median) + " %"
	}
	text := valueText(s.Median, unit)
	if s.Median > 0 {
		half := max(s.Median-s.Lo, s.Hi-s.Median) / s.Median
		if s.Open {
			return text + " ±∞"
		}
		text += fmt.Sprintf(" ±%.0f%%", 100*half)
	}
	return text
}

func valueText(v float64, unit string) string {
	switch unit {
	case "ns":
		return dur(int64(v))
	case "ns/s":
		return digits3(v/1e7) + " %P"
	}
	return digits3(v) + unit
}

// probability is the p of a test, "–" where none was made.
func probability(c compare.Change) string {
	switch {
	case c.Verdict == compare.New || c.Verdict == compare.Gone || c.Verdict == compare.Few:
		return "–"
	case c.P < .001:
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", c.P)
}

func deltaText(c *compare.Change) string {
	switch c.Verdict {
	case compare.Worse, compare.Better:
		switch {
		case c.Stat == "far":
			return "longest " + dur(int64(c.Old.Max)) + " → " + dur(int64(c.New.Max))
		case c.Ratio == 0:
			return "from none"
		case c.Ratio >= 10:
			return "×" + digits3(c.Ratio)
		}
		return fmt.Sprintf("%+.1f%%", 100*(c.Ratio-1))
	case compare.New, compare.Gone:
		return string(c.Verdict)
	}
	return "~"
}
