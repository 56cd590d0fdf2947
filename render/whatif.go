package render

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gmptrace/analyze/report"
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

// lengthTable is how long the requests of a handler, or the tasks of a name, take in each run.
type lengthTable struct {
	Title  string
	Header []string
	Rows   [][]string
}

// mostLengthTables is of how many handlers and tasks there is one.
const mostLengthTables = 2

// lengthTables are those of x, of what takes most time together and is reproduced, with where
// each length likely lies if there is room for that.
func lengthTables(x *whatif.Result, likely bool) []lengthTable {
	var out []lengthTable
	if len(x.Variants) < 2 {
		return out
	}
	for i := range x.Variants[0].Of {
		known := knownOf(&x.Variants[0].Of[i])
		if len(out) == mostLengthTables || !slices.Contains(known[:], true) {
			continue
		}
		t := lengthTable{Title: "How long " + lasting(&x.Variants[0].Of[i]), Header: []string{"run"}}
		for k, name := range [...]string{"p50", "p90", "p99"} {
			if known[k] {
				t.Header = append(t.Header, name)
			}
		}
		t.Header = append(t.Header, "sure")
		for _, v := range allVariants(x) {
			t.Rows = append(t.Rows, lengthRow(v, &v.Of[i], known, likely))
		}
		out = append(out, t)
	}
	return out
}

// taken is what is to be known of a simulation; of locks where that does not stand beside changes.
func taken(x *whatif.Result) []string {
	if x.Locks == nil || lockBound(x) != "" {
		return x.Notes
	}
	return append(slices.Clip(x.Notes), x.Locks.Text)
}

// lasting is whose lengths those are, with the verb.
func lasting(l *whatif.Lengths) string {
	switch {
	case l.Kind == string(report.KindTask):
		return l.Called() + " takes"
	case l.Name == "":
		return l.Called() + " take"
	}
	return "requests of " + l.Name + " take"
}

// knownOf says which of p50, p90 and p99 are told.
func knownOf(of *whatif.Lengths) [3]bool { return [3]bool{of.P50.Known, of.P90.Known, of.P99.Known} }

// lengthRow is one run.
func lengthRow(v *whatif.Variant, of *whatif.Lengths, known [3]bool, likely bool) []string {
	row, told := []string{v.Name}, false
	recorded := v.Name == "recorded"
	own := knownOf(of)
	for k, l := range [3]whatif.Length{of.P50, of.P90, of.P99} {
		switch {
		case !known[k]:
		case recorded:
			row = append(row, words.Length(l.NS))
		case v.Confidence == whatif.ConfidencePoor || of.Chance || !own[k]:
			row = append(row, "not told")
		case likely:
			told = true
			row = append(row, fmt.Sprintf("%s (%s … %s)", words.Length(l.NS), words.Length(l.Low), words.Length(l.High)))
		default:
			told = true
			row = append(row, words.Length(l.NS))
		}
	}
	if !told {
		return append(row, words.None)
	}
	return append(row, sure(v))
}

// span is the makespan, of what it is told of.
func span(v *whatif.Variant) string {
	if v.Confidence == whatif.ConfidencePoor {
		return words.None
	}
	return words.Length(v.Makespan)
}

func spanRange(v *whatif.Variant) string {
	switch {
	case v.Name == "recorded":
		return "–"
	case v.Confidence == whatif.ConfidencePoor && v.Most > 0:
		return words.Length(v.Least) + " … " + words.Length(v.Most)
	case v.Confidence == whatif.ConfidencePoor:
		return "from " + words.Length(v.Least)
	}
	return words.Length(v.Low) + " … " + words.Length(v.High)
}

// sure is how sure a prediction is.
func sure(v *whatif.Variant) string {
	if v.Name == "recorded" {
		return "–"
	}
	return sureWords(v.Confidence)
}

// sureWords is a confidence, or that there are bounds only.
func sureWords(c whatif.Confidence) string {
	if c == whatif.ConfidencePoor {
		return "bounds only"
	}
	return string(c)
}

// mostDoubts is how many reasons against more confidence are told.
const mostDoubts = 3

// doubts says why predictions are not surer: of each the reason that weighs most, and whom it
// is about.
func doubts(x *whatif.Result) []string {
	var order []string
	about := map[string][]*whatif.Variant{}
	for i := range x.Variants {
		v := &x.Variants[i]
		if len(v.Doubts) == 0 {
			continue
		}
		d := v.Doubts[0]
		if about[d] == nil {
			order = append(order, d)
		}
		about[d] = append(about[d], v)
	}
	var out []string
	for _, d := range order[:min(len(order), mostDoubts)] {
		out = append(out, fmt.Sprintf("Not surer%s: %s.", whom(about[d], len(x.Variants)), d))
	}
	return out
}

// whom says which variants a reason is about, of n; "" for all of them.
func whom(some []*whatif.Variant, n int) string {
	if len(some) == n {
		return ""
	}
	var procs []string
	others := true
	for _, v := range some {
		others = others && v.Scheduler != "gmp"
		if p := strconv.Itoa(v.Procs); !slices.Contains(procs, p) {
			procs = append(procs, p)
		}
	}
	if others {
		return " of other schedulers"
	}
	return " with " + strings.Join(procs, " and ") + " Ps"
}

// speedup is a factor: "1.97×".
func speedup(v *whatif.Variant) string {
	if v.Name == "recorded" || v.Confidence == whatif.ConfidencePoor {
		return words.None
	}
	return strconv.FormatFloat(v.Speedup, 'f', 2, 64) + "×"
}

func lockWait(v *whatif.Variant) string {
	if v.Name == "recorded" {
		return "not known"
	}
	return words.Length(v.LockWait)
}

// scaleTable has a row for each scheduler, and those of Go's bounds around it, with a cell for
// each number of Ps of procs.
func scaleTable(x *whatif.Result) (procs []int, rows [][]string) {
	least, most := []string{"at least"}, []string{"at most"}
	for _, b := range x.Laws.Bounds {
		if len(x.Scaling) == 0 || slices.ContainsFunc(x.Scaling, func(p whatif.ScalePoint) bool { return p.Procs == b.Procs }) {
			procs = append(procs, b.Procs)
			least, most = append(least, words.Length(b.Least)), append(most, words.Length(b.Most))
		}
	}
	rows = append(rows, least)
	for i := range x.Scaling {
		p := &x.Scaling[i]
		if i == 0 || p.Scheduler != x.Scaling[i-1].Scheduler {
			rows = append(rows, []string{p.Scheduler})
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], words.Length(p.Makespan))
		if p.Scheduler == "gmp" && (i+1 == len(x.Scaling) || x.Scaling[i+1].Scheduler != "gmp") {
			rows = append(rows, most)
		}
	}
	if len(x.Scaling) == 0 {
		rows = append(rows, most)
	}
	return procs, rows
}
