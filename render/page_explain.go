package render

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// explainPage is what the template of an explanation draws on.
type explainPage struct {
	*report.Explanation
	CSP    template.HTMLAttr
	Style  template.CSS
	Report *report.Report // the trace alone, for the templates that pages share
	Home   *home
}

// explainPolicy lets nothing run and nothing be asked for: the page has no script.
const explainPolicy template.HTMLAttr = `content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`

// ExplainHTML writes an explanation as one page that needs nothing else, in the
// manner of HTML, but without a script: all of it reads as it is.
func ExplainHTML(w io.Writer, x *report.Explanation) error { return writeExplanation(w, x, nil) }

func writeExplanation(w io.Writer, x *report.Explanation, at *home) error {
	safe := mapped(*x, words.Printable)
	p := &explainPage{Explanation: &safe, CSP: explainPolicy, Style: pageStyle(), Report: &report.Report{Trace: safe.Trace}, Home: at}
	if err := pageTemplate().ExecuteTemplate(w, "explain.tmpl", p); err != nil {
		return fmt.Errorf("writing the explanation's page: %w", err)
	}
	return nil
}

// histogram is a distribution as a picture. Places and sizes are percent.
type histogram struct {
	Bars    []column
	Marks   []quantileMark
	Summary string
}

type column struct {
	Left, Width, Height float64
	From, To            string
	Count               string
	Share               string
	Title               string
	Label               bool // there is room for From below it
	Narrow              bool // also on a narrow screen
}

type quantileMark struct {
	Left  float64
	Name  string
	Value string
	Line  int  // the one that its label stands in
	End   bool // the label ends at the mark, instead of beginning there
}

func newHistogram(d *report.Durations) histogram {
	var h histogram
	buckets := trimmed(d.Buckets)
	n := len(buckets)
	if n == 0 {
		return h
	}
	most := 0.0
	for _, b := range buckets {
		most = max(most, math.Log1p(float64(b.Count)))
	}
	width := 100 / float64(n)
	every, narrow := (n+11)/12, (n+4)/5
	for i, b := range buckets {
		h.Bars = append(h.Bars, column{Left: float64(i) * width, Width: width, Height: percentOf(math.Log1p(float64(b.Count)), most), From: words.Length(b.Lo), To: words.Length(b.Hi), Count: words.Count(b.Count),
			Share: words.ShareOf(b.Count, d.Count), Title: fmt.Sprintf("%s to %s: %s (%s)", words.Length(b.Lo), words.Length(b.Hi), words.Count(b.Count), words.ShareOf(b.Count, d.Count)), Label: i%every == 0, Narrow: i%narrow == 0})
	}
	for i, q := range []struct {
		name string
		at   int64
	}{{"p50", d.P50}, {"p90", d.P90}, {"p99", d.P99}} {
		if q.name == "p99" && d.Count < 100 {
			continue
		}
		left := onLogScale(buckets, q.at)
		h.Marks = append(h.Marks, quantileMark{left, q.name, words.Length(q.at), i, left > 65})
	}
	h.Summary = fmt.Sprintf("Histogram of %s: half within %s, 90%s%% within %s%s, the longest %s. Both axes are logarithmic.",
		words.Plural(d.Count, "length"), words.Length(d.P50), words.Tie, words.Length(d.P90), within99(d.Count, d.P99), words.Length(d.Max))
	return h
}

// trimmed is buckets without the empty ones at both ends.
func trimmed(buckets []report.Bucket) []report.Bucket {
	for len(buckets) > 0 && buckets[0].Count == 0 {
		buckets = buckets[1:]
	}
	for len(buckets) > 0 && buckets[len(buckets)-1].Count == 0 {
		buckets = buckets[:len(buckets)-1]
	}
	return buckets
}

// onLogScale is where a value is among buckets of equal width, in percent.
func onLogScale(buckets []report.Bucket, v int64) float64 {
	n := float64(len(buckets))
	for i, b := range buckets {
		if v < b.Hi {
			part := 0.0
			if v > b.Lo && b.Lo > 0 {
				part = math.Log(float64(v)/float64(b.Lo)) / math.Log(float64(b.Hi)/float64(b.Lo))
			} else if v > b.Lo {
				part = float64(v) / float64(b.Hi)
			}
			return percentOf(float64(i)+part, n)
		}
	}
	return 100
}

// comparedRow is a cause in typical instances and in slow ones, with bars on one
// scale.
type comparedRow struct {
	Class, Text           string
	Typical, Slow, Change string
	TypicalBar, SlowBar   float64
}

// maxCompared is how many causes are compared one by one.
const maxCompared = 12

// comparedRows are the largest changes, in the order of extra; what is beyond them
// is one row, so that the columns sum to the means.
func comparedRows(extra []report.CauseChange, typical, slow int64) []comparedRow {
	var most int64 = 1
	for _, c := range causeTree(extra, slow) {
		most = max(most, c.Typical, c.Slow)
	}
	row := func(class, text string, a, b int64) comparedRow {
		return comparedRow{class, text, words.Length(a), words.Length(b), words.LengthChange(b - a), percentOf(float64(a), float64(most)), percentOf(float64(b), float64(most))}
	}
	tree := causeTree(extra, slow)
	var changes []int64
	for _, c := range tree {
		if !c.Part {
			changes = append(changes, max(c.Slow-c.Typical, c.Typical-c.Slow))
		}
	}
	slices.Sort(changes)
	var least int64
	if len(changes) > maxCompared {
		least = changes[len(changes)-maxCompared]
	}
	var list []comparedRow
	n, shown := 0, false
	for _, c := range tree {
		if c.Part {
			if shown {
				list = append(list, row(classOf(c.Cause), "of that: "+c.CauseChange.Text, c.Typical, c.Slow))
			}
			continue
		}
		if shown = n < maxCompared && max(c.Slow-c.Typical, c.Typical-c.Slow) >= least; !shown {
			continue
		}
		n++
		list = append(list, row(classOf(c.Cause), c.CauseChange.Text, c.Typical, c.Slow))
		typical, slow = typical-c.Typical, slow-c.Slow
	}
	if typical != 0 || slow != 0 {
		list = append(list, row("c-other", "all other causes", typical, slow))
	}
	return list
}

// allCauses are the causes of all instances together, for where there is nothing to
// compare.
func allCauses(x *report.Explanation) []causeRow { return barOf(x.Causes, x.Durations.Total) }

// antagonists are those of the instance with this number.
type antagonists struct {
	Number int
	List   []report.Antagonist
}

func newAntagonists(i int, list []report.Antagonist) antagonists { return antagonists{i + 1, list} }

// antagonistWord says what an antagonist did to whom.
func antagonistWord(a report.Antagonist) string { return causeWordOf(a.Cause).Term }

// stateName is a state of a goroutine in a table.
func stateName(s report.StateTime) string {
	if s.Reason != "" {
		return s.State + ": " + s.Reason
	}
	return s.State
}

// openInstances is how many of the slowest are unfolded.
const openInstances = 3

// Rows that the page has at most of reasons, and of an instance's time.
const (
	pageRoots = 20
	pageSpent = 12
)

// usedWords are the words that a page's reader may need.
func usedWords() []causeWord { return causeWords }

// samplesOf is how many samples there are.
func samplesOf(in *report.Instance) int64 {
	var n int64
	for _, s := range in.Samples {
		n += s.Count
	}
	return n
}

// first is at most n of a list.
func first[T any](n int, list []T) []T { return list[:min(n, len(list))] }
