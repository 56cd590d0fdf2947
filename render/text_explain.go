package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Limits of an explanation as text: what is beyond them is in the page and in the
// JSON.
const (
	textCauses      = 8
	textAntagonists = 5
	textRoots       = 5
	textSpent       = 6 // of the slowest
	textSpentOther  = 3 // of each other

	summaryRoots = 2
	summarySpent = 1 // of the slowest
)

// ExplainText writes an explanation for a terminal, in the manner of Text.
func ExplainText(w io.Writer, x *report.Explanation, opt TextOptions) error {
	return writeExplained(w, x, opt, (*terminal).explanation)
}

// ExplainSummary writes the answer, what the time went to, the slowest, and the commands
// that tell more.
func ExplainSummary(w io.Writer, x *report.Explanation, opt TextOptions) error {
	opt.short = true
	return writeExplained(w, x, opt, (*terminal).explained)
}

func writeExplained(w io.Writer, x *report.Explanation, opt TextOptions, write func(*terminal, *report.Explanation)) error {
	safe := mapped(*x, words.Printable)
	out := bufio.NewWriter(w)
	t := newTerminal(out, opt)
	t.explainAnswer(&safe)
	if len(safe.Slowest) > 0 {
		write(t, &safe)
	}
	opt = opt.named(safe.Trace.Name)
	t.next(explainSteps(&safe, opt), opt)
	t.again(safe.Headline, bold)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the explanation as text: %w", err)
	}
	return nil
}

func (t *terminal) explainAnswer(x *report.Explanation) {
	textIdentity(t, &report.Report{Trace: x.Trace})
	t.wrap("", "", x.Headline, bold)
	if x.Detail != "" {
		t.wrap("", "", x.Detail)
	}
	if x.Advice != "" {
		t.wrap("To do: ", "       ", x.Advice)
	}
	if sure := howSure(x.Sure, x.SureWhy); sure != "" {
		t.wrap("Sure:  ", "       ", sure)
	}
	t.words(x.Headline, x.Advice, x.SureWhy)
	t.line("")
}

// explained is what a summary has below the answer.
func (t *terminal) explained(x *report.Explanation) {
	if n := x.Durations.Count; n > 0 {
		t.wrap("Of:    ", "       ", x.What+": "+words.Count(n)+unfinished(x.Unfinished)+unnamed(x))
		t.line("")
	}
	if len(x.Roots) > 0 {
		t.roots(x, summaryRoots)
	} else {
		t.compared(x)
	}
	t.instance(1, &x.Slowest[0], summarySpent)
	rest := "all causes and names"
	if n := int64(len(x.Slowest)) - 1; n > 0 {
		rest = "the next " + words.Count(n) + " slowest, " + rest
	}
	t.wrap("", "", "With --all: "+rest)
	t.line("")
}

func (t *terminal) explanation(x *report.Explanation) {
	t.durations(x)
	t.roots(x, textRoots)
	t.populations(x)
	t.compared(x)
	most := textSpent
	for i := range x.Slowest {
		t.instance(i+1, &x.Slowest[i], most)
		most = textSpentOther
	}
	for _, n := range x.Notes {
		t.wrap("  - ", "    ", n)
	}
	t.wrap("  - ", "    ", "Typical: between the quartiles, a quarter was faster, a quarter slower. A goroutine that one waits for is the one that let it go on")
	t.line("")
}

// explainSteps are what tells more than an explanation does, first what it says itself.
func explainSteps(x *report.Explanation, opt TextOptions) []Step {
	var steps []Step
	if x.Next != "" {
		steps = append(steps, Step{x.Next, explainGives(x.Next)})
	}
	if x.Kind == report.KindRequest && x.Unfinished > 0 && !strings.Contains(x.Next, "--unfinished") {
		steps = append(steps, Step{opt.command("explain --http --unfinished"), "requests that never ended"})
	}
	if len(x.Slowest) == 0 {
		return append(steps, Step{opt.command("analyze"), "what else the trace shows"})
	}
	return append(steps, Step{opt.command("explain --format html -o why.html"), "a page, each one a waterfall"})
}

// explainGives is what an explanation's own next command is for.
func explainGives(command string) string {
	switch {
	case strings.Contains(command, " --at "):
		return "who was behind it"
	case strings.Contains(command, " --unfinished "):
		return "requests that never ended"
	case strings.HasPrefix(command, "gmptrace report "):
		return "the slowest, in the timeline"
	}
	return "what there is to explain"
}

func (t *terminal) durations(x *report.Explanation) {
	d := x.Durations
	if d.Count == 0 {
		t.heading("How long they took", fmt.Sprintf("%s: %s, all of them cut off by the trace's end", x.What, words.Count(x.Unfinished)))
		return
	}
	t.heading("How long they took", fmt.Sprintf("%s: %s%s%s", x.What, words.Count(d.Count), unfinished(x.Unfinished), unnamed(x)))
	table := table{align: "rrrrr", left: 5}
	table.add(words.Length(d.P50), words.Length(d.P90), words.P99(d.Count, words.Length(d.P99)), words.P999(d.Count, words.Length(d.P999)), words.Length(d.Max))
	t.table(table, "p50", "p90", "p99", "p99.9", "longest")
}

// roots shows what the time of the slow ones went to, and who was behind it, beside that
// of typical ones.
func (t *terminal) roots(x *report.Explanation, most int) {
	if len(x.Roots) == 0 {
		return
	}
	t.heading("Why", rootsOf(x))
	list := table{align: "rrw", left: 3}
	header := []string{"slow", "typical", "went to"}
	if len(x.Usual) == 0 {
		list.align, header = "rw", []string{"time", "went to"}
	}
	add := func(slow, typical, text string) {
		if len(x.Usual) == 0 {
			list.add(slow, text)
			return
		}
		list.add(slow, typical, text)
	}
	for _, r := range rootRows(x, most) {
		add(r.Slow, r.Than, r.Text)
	}
	add(words.Length(x.Slow.Mean), words.Length(rootsSum(x.Usual)), "in all")
	t.table(list, header...)
}

// populations shows the others that were selected, by name.
func (t *terminal) populations(x *report.Explanation) {
	if len(x.Groups) < 2 {
		return
	}
	t.heading("By name", "the first is explained here")
	table := table{align: "rrrrw", left: 5}
	for i := range first(textCauses, x.Groups) {
		g := &x.Groups[i]
		table.add(words.Count(g.Count), words.Length(g.P50), words.P99(g.Count, words.Length(g.P99)), words.Length(g.Max), groupName(x.Kind, g.Name))
	}
	t.table(table, "count", "p50", "p99", "longest", "name")
	t.more(len(x.Groups)-textCauses, "name")
}

// compared shows what the slow ones have that typical ones have not.
func (t *terminal) compared(x *report.Explanation) {
	if x.Typical.Count == 0 {
		var total int64
		for _, c := range x.Causes {
			total += c.NS
		}
		t.heading("Where their time went", "")
		table := table{align: "rrw", left: 3}
		rows := causeTree(timesOf(x.Causes), total)
		for _, r := range first(textCauses, rows) {
			table.add(words.Length(r.Slow), words.ShareOf(r.Slow, total), r.Term())
		}
		t.table(table, "time", "share", "went to")
		t.more(len(rows)-textCauses, "cause")
		return
	}
	t.heading("What the slow ones have that typical ones have not", fmt.Sprintf("means of %s and of the %s between the quartiles", slowOnes(x), words.Count(x.Typical.Count)))
	table := table{align: "rrrw", left: 3}
	shown, rows := 0, causeTree(x.Extra, x.Slow.Mean)
	for _, r := range rows {
		if d := r.Slow - r.Typical; shown < textCauses && max(d, -d)*100 >= x.Slow.Mean {
			table.add(words.Length(r.Slow), words.Length(r.Typical), words.LengthChange(d), r.Term())
			shown++
		}
	}
	table.add(words.Length(x.Slow.Mean), words.Length(x.Typical.Mean), words.LengthChange(x.Slow.Mean-x.Typical.Mean), "in all")
	t.table(table, "slow", "typical", "difference", "went to")
	t.more(len(rows)-shown, "cause")
}

func (t *terminal) instance(n int, in *report.Instance, most int) {
	t.heading(fmt.Sprintf("%d  %s took %s", n, instanceName(in), instanceLength(in)), instanceWhere(in))
	for _, l := range in.Logs {
		t.wrap("   message ", "           ", l)
	}
	for _, s := range in.Samples[:min(len(in.Samples), textAntagonists)] {
		t.wrap("   cpu    ", "          ", fmt.Sprintf("%s in %s", words.Plural(s.Count, "sample"), words.Function(s.Func)))
	}
	if len(in.Logs)+len(in.Samples) > 0 {
		t.line("")
	}
	table := table{align: "rrrw", left: 2}
	for _, s := range spentRows(in, most) {
		table.add(words.Length(s.NS), words.ShareOf(s.NS, in.Duration), words.Count(s.Count), s.Text)
	}
	t.table(table, "time", "share", "times", "what it did, or what kept it from going on")
}
