package render

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gmptrace/analyze/whatif"
	"gmptrace/analyze/words"
)

// WhatIfJSON writes x as analyze/schema/whatif.schema.json describes it, in the
// manner of JSON.
func WhatIfJSON(w io.Writer, x *whatif.Result) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(mapped(*x, words.Machine)); err != nil {
		return fmt.Errorf("writing the predictions as JSON: %w", err)
	}
	return nil
}

func workloadText(w *whatif.WorkloadSums) string {
	return fmt.Sprintf("%s, %s, %s ended by goroutines, %s by something outside, %s", words.Plural(int64(w.Goroutines), "goroutine"), words.Plural(w.Steps, "step"),
		words.Plural(w.Inside, "wait"), words.Count(w.Outside), words.Plural(int64(w.Cycles), "collection"))
}

// changedSettings says what "changed" means, of each scheduler.
func changedSettings(x *whatif.Result) []string {
	var out []string
	for _, v := range x.Variants {
		line := "changed, of " + v.Scheduler + ": " + v.Settings
		if v.Settings != "" && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

// allVariants are the recorded run and the predicted ones.
func allVariants(x *whatif.Result) []*whatif.Variant {
	out := []*whatif.Variant{&x.Recorded}
	for i := range x.Variants {
		out = append(out, &x.Variants[i])
	}
	return out
}

func spanRange(v *whatif.Variant) string {
	if v.Name == "recorded" {
		return "–"
	}
	return words.Length(v.Low) + " … " + words.Length(v.High)
}

// sure is how sure a prediction is.
func sure(v *whatif.Variant) string {
	if v.Name == "recorded" {
		return "–"
	}
	return string(v.Confidence)
}

// doubts says why predictions are not surer: each reason once, with those that have it.
func doubts(x *whatif.Result) []string {
	var order []string
	names := map[string][]string{}
	for i := range x.Variants {
		v := &x.Variants[i]
		for _, d := range v.Doubts {
			if names[d] == nil {
				order = append(order, d)
			}
			names[d] = append(names[d], v.Name)
		}
	}
	var out []string
	for _, d := range order {
		who := strings.Join(names[d], "; ")
		if len(names[d]) == len(x.Variants) {
			who = "all"
		}
		out = append(out, fmt.Sprintf("Not surer: %s (%s).", d, who))
	}
	return out
}

// speedup is a factor: "1.97×".
func speedup(v *whatif.Variant) string {
	if v.Name == "recorded" {
		return "–"
	}
	return strconv.FormatFloat(v.Speedup, 'f', 2, 64) + "×"
}

func lockWait(v *whatif.Variant) string {
	if v.Name == "recorded" {
		return "not known"
	}
	return words.Length(v.LockWait)
}

// scaleRow is a scheduler's points, by growing number of Ps.
type scaleRow struct {
	name   string
	points []whatif.ScalePoint
}

func scaleTable(x *whatif.Result) (procs []int, rows []scaleRow) {
	for _, p := range x.Scaling {
		if n := len(rows); n == 0 || rows[n-1].name != p.Scheduler {
			rows = append(rows, scaleRow{name: p.Scheduler})
		}
		r := &rows[len(rows)-1]
		r.points = append(r.points, p)
		if len(rows) == 1 {
			procs = append(procs, p.Procs)
		}
	}
	return procs, rows
}
