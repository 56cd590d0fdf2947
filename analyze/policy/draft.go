package policy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Headroom of a drafted limit above what the trace shows: the same program never runs
// twice alike, and its tails less than its medians.
const (
	roomMedian = 1.5
	roomTail   = 2
	roomMax    = 3
)

// fewForTails is how many instances of a name tell of a 95th percentile.
const fewForTails = 20

// mostDrafted is how many names of one kind rules are drafted for: those that took most
// time in all.
const mostDrafted = 12

// drafting is a policy that is being written.
type drafting struct {
	b     strings.Builder
	names []string // of rules
}

// Draft is a policy that holds what a trace can show: each rule with the trace's own figure
// and some headroom. It passes on the trace that it is made from. rep must have been made
// with Options.Spans.
func Draft(rep *report.Report) []byte {
	w := &drafting{}
	d := newData(rep)
	w.line("# A policy for `gmptrace check`, drafted from one trace: each rule says what the trace")
	w.line("# showed, and has room above it. Look through the limits: one trace does not tell how")
	w.line("# much the program varies. `gmptrace policy list` prints all that a rule can name.")
	w.line("version: 1")
	if rep.Trace.Complete && rep.Trace.Events > 0 {
		w.line("skip_if: \"!trace.complete\"   # its figures would be those of another load")
	} else {
		w.line("# This trace is not complete. Where those to come are: skip_if: \"!trace.complete\"")
	}
	w.line("rules:")
	w.spans(d.requests, "request")
	w.spans(d.tasks, "task")
	if rep.Latency.Count > 0 {
		w.atMost("scheduling-latency", "Goroutines that are ready get a P soon.", "latency.p99", rep.Latency.P99, roomTail)
	}
	w.collector(rep.Key.GCShare)
	if n := rep.Trace.LivePeak; n > 0 {
		w.rule("goroutines", "A leak shows in a long trace.", fmt.Sprintf("today %s; twice that is allowed", words.Count(n)), fmt.Sprintf("goroutines.peak <= %d", 2*n))
	}
	w.findings(rep.Findings)
	return []byte(w.b.String())
}

func (w *drafting) line(s string) { w.b.WriteString(s + "\n") }

// rule writes one for the trace as a whole. note goes into a comment.
func (w *drafting) rule(name, description, note, expr string) {
	w.line("")
	w.line("  # " + note)
	w.line("  - name: " + w.called(name))
	if description != "" {
		w.line("    description: " + description)
	}
	w.line("    expr: " + quoted(expr))
}

// called is a name for a rule that no other has.
func (w *drafting) called(name string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r < utf8.RuneSelf && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._/-", r)):
			return r
		case strings.ContainsRune("()*", r):
			return -1
		}
		return '-'
	}, name)
	clean = clean[:min(len(clean), 80)]
	unique := clean
	for n := 2; slices.Contains(w.names, unique); n++ {
		unique = fmt.Sprintf("%s-%d", clean, n)
	}
	w.names = append(w.names, unique)
	return unique
}

// quoted is a text as YAML reads it back.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// spans writes rules for requests or tasks by name, those that took most time first.
func (w *drafting) spans(all []*span, function string) {
	n := 0
	for _, s := range all {
		if s.Name == "" || s.Count == 0 || len(s.Name) > 200 || !utf8.ValidString(s.Name) || strings.ContainsRune(s.Name, utf8.RuneError) {
			continue
		}
		if n++; n > mostDrafted {
			w.line("")
			w.line(fmt.Sprintf("  # There are more %ss: those that took most time in all have rules.", function))
			return
		}
		item, name := function+"("+strconv.QuoteToGraphic(s.Name)+")", function+"-"+s.Name
		if s.Count < fewForTails {
			w.atMost(name+"-max", "", item+".max", s.Max, roomMax)
			continue
		}
		w.atMost(name+"-p50", "", item+".p50", s.P50, roomMedian)
		w.atMost(name+"-p95", "", item+".p95", s.P95, roomTail)
	}
}

// atMost writes a rule that a time must not exceed what it is by much.
func (w *drafting) atMost(name, description, what string, ns int64, room float64) {
	limit := roundedUp(max(float64(ns)*room, 10e3))
	w.rule(name, description, fmt.Sprintf("today %s; up to %s is allowed", words.Text(words.Length(ns)), words.Text(words.Length(limit))), what+" <= "+lengthExpr(limit))
}

// roundedUp is a length with two digits, not less than ns.
func roundedUp(ns float64) int64 {
	unit := math.Pow(10, math.Max(0, math.Floor(math.Log10(ns))-1))
	return int64(math.Ceil(ns/unit) * unit)
}

// lengthExpr is a length as expressions have it.
func lengthExpr(ns int64) string {
	switch {
	case ns >= 1e9 && ns%1e7 == 0:
		return "s(" + strconv.FormatFloat(float64(ns)/1e9, 'f', -1, 64) + ")"
	case ns >= 1e6:
		return "ms(" + strconv.FormatFloat(float64(ns)/1e6, 'f', -1, 64) + ")"
	}
	return "us(" + strconv.FormatFloat(float64(ns)/1e3, 'f', -1, 64) + ")"
}

// collector writes a rule for the collector's share, where there is room above it.
func (w *drafting) collector(share float64) {
	percent := math.Ceil(100 * math.Max(share*roomMedian, share+.05))
	if percent < 100 {
		w.rule("gc-share", "The collector is at work for part of the time only.", fmt.Sprintf("today %s; up to %.0f %% is allowed", words.Text(words.ShareExact(share)), percent),
			fmt.Sprintf("gc.share <= percent(%.0f)", percent))
	}
}

// findings writes a rule against findings that the trace does not have.
func (w *drafting) findings(all []report.Finding) {
	var ids []string
	for _, f := range all {
		if id := strconv.Quote(f.ID); f.Severity != report.SeverityInfo && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	w.line("")
	if len(ids) == 0 {
		w.line("  # today none but notes")
	} else {
		w.line("  # today of " + strings.Join(ids, ", ") + ": take out of `where` what has been repaired")
	}
	w.line("  - name: " + w.called("no-new-findings"))
	w.line("    for: findings")
	if len(ids) > 0 {
		w.line("    where: " + quoted("!(it.id in ["+strings.Join(ids, ", ")+"])"))
	}
	w.line("    expr: " + quoted(`it.severity < "warning"`))
}
