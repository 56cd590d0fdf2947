package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

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

// mostHalf is beyond what half of a confidence interval says nothing but that it is wide.
const mostHalf = 10

// sideText is a median and its confidence interval.
func sideText(s compare.Side, unit string) string {
	if s.N == 0 {
		return "–"
	}
	text := compare.Amount(s.Median, unit)
	if s.Median > 0 && unit != "%" {
		half := max(s.Median-s.Lo, s.Hi-s.Median) / s.Median
		switch {
		case s.Open:
			return text + " ±∞"
		case half > mostHalf:
			return text + " ±>1000 %"
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
		if c.Stat == "far" {
			return "longest " + words.Length(int64(c.Old.Max)) + " → " + words.Length(int64(c.New.Max))
		}
		return c.Delta()
	case compare.ByMachine:
		return c.Delta() + " (CPUs)"
	case compare.New, compare.Gone:
		return string(c.Verdict)
	}
	return "~"
}

// changeGroups are what statistics say something of, in the order in which they are
// shown.
var changeGroups = [...]string{"What users feel: requests and tasks", "What the program does: regions and goroutines", "Why: waits, what is computed by dispatch, and rates"}

// groupOf is a statistic's place in changeGroups.
func groupOf(c *compare.Change) int {
	switch c.Kind {
	case compare.SeriesRequest, compare.SeriesComputed, compare.SeriesTask:
		return 0
	case compare.SeriesWait, compare.SeriesDispatch, compare.SeriesAll, compare.KindRate:
		return 2
	}
	return 1
}

// changeGroup are a comparison's statistics by what is shown of them.
type changeGroup struct {
	changed [len(changeGroups)][]compare.Change
	same    []compare.Change
	few     int
}

func grouped(r *compare.Result) (g changeGroup) {
	for _, c := range r.Changes {
		switch c.Verdict {
		case compare.Same:
			g.same = append(g.same, c)
		case compare.Few:
			g.few++
		default:
			i := groupOf(&c)
			g.changed[i] = append(g.changed[i], c)
		}
	}
	return g
}

// rest says how much there is that did not change, or could not be compared.
func (g *changeGroup) rest(listed bool) string {
	var parts []string
	if n := len(g.changed[0]); n == 0 {
		parts = append(parts, "No change can be claimed of requests and tasks.")
	}
	if n := int64(len(g.same)); n > 0 && !listed {
		parts = append(parts, "Without a change: "+words.Plural(n, "statistic")+" (-v lists them).")
	}
	if g.few > 0 {
		parts = append(parts, "With too few values to compare: "+words.Plural(int64(g.few), "statistic")+".")
	}
	return strings.Join(parts, " ")
}

// cpuNote says what (CPUs) stands for, where a change has it; else "".
func cpuNote(r *compare.Result) string {
	for i := range r.Changes {
		if r.Changes[i].Verdict == compare.ByMachine {
			return "(CPUs) stands for a change that the time without a CPU explains: with it taken out of the mean there is none"
		}
	}
	return ""
}

// equal reports whether every figure is the same on both sides, as it is where both
// have the same trace.
func equal(r *compare.Result) bool {
	for i := range r.Changes {
		switch c := &r.Changes[i]; {
		case c.Verdict != compare.Same && c.Verdict != compare.Few,
			c.Old.Median != c.New.Median, c.Old.Count != c.New.Count, c.Old.Max != c.New.Max, c.Old.N != c.New.N:
			return false
		}
	}
	return len(r.Changes) > 0
}

func equalText(r *compare.Result) string {
	return "Nothing differs: all " + words.Plural(int64(len(r.Changes)), "figure") + " are equal on both sides."
}
