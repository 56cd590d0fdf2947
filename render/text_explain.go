package render

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Limits of an explanation as text: what is beyond them is in the page and in the
// JSON.
const (
	textCauses      = 8
	textAntagonists = 5
	textSteps       = 12
)

// ExplainText writes an explanation for a terminal, in the manner of Text.
func ExplainText(w io.Writer, x *report.Explanation, opt TextOptions) error {
	safe := mapped(*x, words.Printable)
	out := bufio.NewWriter(w)
	t := &terminal{w: out, width: max(60, cmp.Or(opt.Width, 100)), color: opt.Color}
	t.explanation(&safe)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the explanation as text: %w", err)
	}
	return nil
}

func (t *terminal) explanation(x *report.Explanation) {
	textIdentity(t, &report.Report{Trace: x.Trace})
	t.wrap("", "", x.Headline, bold)
	if x.Detail != "" {
		t.wrap("", "", x.Detail)
	}
	if x.Advice != "" {
		t.wrap("To do: ", "       ", x.Advice)
	}
	t.line("")
	if len(x.Slowest) == 0 {
		return
	}
	t.durations(x)
	t.roots(x)
	t.compared(x)
	for i := range x.Slowest {
		t.instance(i+1, &x.Slowest[i])
	}
	for _, n := range x.Notes {
		t.wrap("  - ", "    ", n)
	}
	t.wrap("  - ", "    ", "P: a slot that lets one goroutine run at a time; there are GOMAXPROCS. Runnable: could run, and has no P. Blocked (…): meanwhile the goroutine that unblocked it did this")
}

func (t *terminal) durations(x *report.Explanation) {
	d := x.Durations
	if d.Count == 0 {
		t.heading("How long they took", fmt.Sprintf("%s: %s, all of them cut off by the trace's end", x.What, words.Count(x.Unfinished)))
		return
	}
	t.heading("How long they took", fmt.Sprintf("%s: %s%s", x.What, words.Count(d.Count), unfinished(x.Unfinished)))
	table := table{align: "rrrrr", left: 5}
	table.add(words.Length(d.P50), words.Length(d.P90), words.P99(d.Count, words.Length(d.P99)), words.P999(d.Count, words.Length(d.P999)), words.Length(d.Max))
	t.table(table, "p50", "p90", "p99", "p99.9", "longest")
}

// textRoots is how many roots the text shows.
const textRoots = 5

// roots shows what the time of the slow ones went to, and who was behind it.
func (t *terminal) roots(x *report.Explanation) {
	if len(x.Roots) == 0 {
		return
	}
	t.heading("Why", "means of "+slowOf(x.Slow.Count))
	shown, compared := 0, slices.ContainsFunc(x.Roots, func(r report.Root) bool { return r.Typical > 0 })
	for i := range x.Roots {
		r := &x.Roots[i]
		if shown == textRoots || max(r.NS-r.Typical, r.Typical-r.NS)*100 < x.Slow.Mean {
			continue
		}
		s := words.Length(r.NS)
		if compared {
			s += fmt.Sprintf(" (typical %s)", words.Length(r.Typical))
		}
		t.wrap("  - ", "    ", s+" went to "+r.Text)
		shown++
	}
	t.line("")
	if len(x.Groups) > 1 {
		t.populations(x)
	}
}

// populations shows the others that were selected, by name.
func (t *terminal) populations(x *report.Explanation) {
	t.heading("By name", "the first is explained here")
	table := table{align: "rrrrl", left: 5}
	for i := range first(textCauses, x.Groups) {
		g := &x.Groups[i]
		name := words.Function(g.Name)
		if g.Name == "" {
			name = notSeen(x.Kind)
		}
		table.add(words.Count(g.Count), words.Length(g.P50), words.P99(g.Count, words.Length(g.P99)), words.Length(g.Max), name)
	}
	t.table(table, "count", "p50", "p99", "longest", "name")
	t.more(len(x.Groups)-textCauses, "name")
}

// notSeen is what instances without a name are called.
func notSeen(kind report.InstanceKind) string {
	if kind == report.KindRequest {
		return "(handler not seen)"
	}
	return "(not known)"
}

// compared shows what the slow ones have that typical ones have not.
func (t *terminal) compared(x *report.Explanation) {
	if x.Typical.Count == 0 {
		var total int64
		for _, c := range x.Causes {
			total += c.NS
		}
		t.heading("Where their time went", "")
		table := table{align: "rrl", left: 3}
		for _, c := range x.Causes[:min(len(x.Causes), textCauses)] {
			table.add(words.Length(c.NS), words.ShareOf(c.NS, total), causeShort(c.BlockedFor, c.Cause))
		}
		t.table(table, "time", "share", "went to")
		t.more(len(x.Causes)-textCauses, "cause")
		return
	}
	t.heading("What the slow ones have that typical ones have not", fmt.Sprintf("means of %s and of the %s between the quartiles", slowOf(x.Slow.Count), words.Count(x.Typical.Count)))
	table := table{align: "rrrl", left: 3}
	shown := 0
	for _, c := range x.Extra {
		if d := c.Slow - c.Typical; shown < textCauses && max(d, -d)*100 >= x.Slow.Mean {
			table.add(words.Length(c.Slow), words.Length(c.Typical), words.LengthChange(d), causeShort(c.BlockedFor, c.Cause))
			shown++
		}
	}
	table.add(words.Length(x.Slow.Mean), words.Length(x.Typical.Mean), words.LengthChange(x.Slow.Mean-x.Typical.Mean), "in all")
	t.table(table, "slow", "typical", "difference", "went to")
	t.more(len(x.Extra)-shown, "cause")
}

func slowOf(n int64) string {
	if n == 1 {
		return "the slowest"
	}
	return fmt.Sprintf("the %s slowest", words.Count(n))
}

// causeShort is a cause, and what the explained goroutine was blocked for meanwhile.
func causeShort(blockedFor, cause string) string {
	if blockedFor == "" {
		return causeWordOf(cause).Term
	}
	return fmt.Sprintf("%s, blocked (%s)", causeWordOf(cause).Term, blockedFor)
}

func (t *terminal) instance(n int, in *report.Instance) {
	t.heading(fmt.Sprintf("%d  %s took %s", n, instanceName(in), instanceLength(in)), instanceWhere(in))
	for _, l := range in.Logs {
		t.wrap("   message ", "           ", l)
	}
	for _, s := range in.Story {
		t.wrap("   - ", "     ", s)
	}
	for _, s := range in.Samples[:min(len(in.Samples), textAntagonists)] {
		t.wrap("   cpu    ", "          ", fmt.Sprintf("%s in %s", words.Plural(s.Count, "sample"), words.Function(s.Func)))
	}
	t.line("")
	table := table{align: "rrll", left: 2}
	steps := longestSteps(in.Path, textSteps)
	for _, s := range steps {
		table.add("+"+words.Length(s.Start-in.Start), words.Length(s.NS), stepWho(&s), s.Text)
	}
	t.table(table, "after", "for", "goroutine", "critical path")
	t.more(len(in.Path)-len(steps), "shorter step")
}

// longestSteps are the n longest steps of a path, in its order.
func longestSteps(path []report.PathStep, n int) []report.PathStep {
	var lengths []int64
	for _, s := range path {
		lengths = append(lengths, s.NS)
	}
	slices.Sort(lengths)
	least := lengths[max(0, len(lengths)-n)]
	var out []report.PathStep
	for _, s := range path {
		if s.NS >= least && len(out) < n {
			out = append(out, s)
		}
	}
	return out
}

// stepWho is the goroutine of a step, shown the deeper the more goroutines the
// explained one waited for it through.
func stepWho(s *report.PathStep) string {
	if s.Several > 0 {
		return "…"
	}
	return strings.Repeat("· ", min(s.Depth, 6)) + fmt.Sprintf("G%d %s", s.G, words.Function(s.Func))
}
