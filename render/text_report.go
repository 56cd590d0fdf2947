package render

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// TextOptions say how to lay text out. The zero value is right for a file.
type TextOptions struct {
	Color bool // ANSI colours for severities and headings
	Width int  // columns; 0 is 80, less than 40 counts as 40

	// Height is that of the screen in lines, 0 for none: of text that is longer the
	// answer stands at the end as well.
	Height int

	Verbose bool // of checks and comparisons: list what passed or is the same too

	// Trace is what commands to go on with call the trace, as words of a shell: "TRACE"
	// where it can't be read again, "" by its name. Window is the flags for the part of it
	// that was read.
	Trace, Window string

	Next []Step // to go on with after a comparison

	short bool // there is more text to be had
}

// Limits of the text: what is beyond them is in the page and in the JSON.
const (
	textFunctions = 12
	textEpisodes  = 8
	textMoments   = 3
	textFrames    = 8
	textBuckets   = 14
)

// Text writes all that an engineer wants to see in a terminal. Whatever the trace
// names can neither move the cursor nor turn the writing around: see printable.
// Colours are the only escape sequences it writes.
func Text(w io.Writer, r *report.Report, opt TextOptions) error {
	return textSections(w, r, opt, textIdentity, textVerdict, textKey, textFindings, textMachine, textLatency, textDispatches, textSteals, textHandoffs, textPreemptions,
		textGC, textTopFunctions, textTasks, textSlowest, textWaits, textRules, textChecks)
}

// Summary writes the answer, as Text does, what was found in a few lines each, and the
// commands that tell more.
func Summary(w io.Writer, r *report.Report, opt TextOptions) error {
	opt.short = true
	return textSections(w, r, opt, textIdentity, textVerdict, textFound)
}

func textSections(w io.Writer, r *report.Report, opt TextOptions, sections ...func(*terminal, *report.Report)) error {
	safe := mapped(*r, words.Printable)
	out := bufio.NewWriter(w)
	t := newTerminal(out, opt)
	for _, section := range sections {
		section(t, &safe)
	}
	opt = opt.named(safe.Trace.Name)
	t.next(reportSteps(&safe, opt), opt)
	t.again(safe.Verdict.Headline, bold, colorOf(safe.Verdict.Severity))
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the report as text: %w", err)
	}
	return nil
}

func textIdentity(t *terminal, r *report.Report) {
	t.line(t.paint(bold, "gmptrace") + "  " + program(r))
	t.wrap("", "", subtitle(r))
	if !r.Trace.Complete {
		t.line(t.paint(colorOf(report.SeverityWarning), "Part of the trace is missing or could not be verified:"))
		for _, l := range r.Trace.Lost {
			t.wrap("  - ", "    ", lostText(l))
		}
	}
	for _, note := range r.Trace.Notes {
		t.wrap("  - ", "    ", note)
	}
	t.line("")
}

func textVerdict(t *terminal, r *report.Report) {
	v := r.Verdict
	t.wrap("", "", v.Headline, bold, colorOf(v.Severity))
	t.wrap("", "", goesOn(v.Headline, v.Detail))
	if v.Advice != "" {
		t.wrap("To do: ", "       ", v.Advice)
	}
	t.words(verdictSays(r)...)
	t.line("")
}

func textKey(t *terminal, r *report.Report) {
	table := table{left: 3}
	for _, f := range keyFigures(r) {
		table.add(f.Name, f.Figure, f.Beside)
	}
	table.align = "lrl"
	t.table(table)
}

func textFindings(t *terminal, r *report.Report) {
	t.heading(findingsTitle(r), "")
	if len(r.Findings) == 0 {
		t.line("  " + noFinding(r))
		t.line("")
	}
	t.findings(r)
}

func (t *terminal) findings(r *report.Report) {
	for _, f := range r.Findings {
		t.finding(f)
	}
}

func (t *terminal) finding(f report.Finding) {
	head := fmt.Sprintf("%2d  %s  ", f.Number, strings.ToUpper(string(f.Severity)))
	t.wrap(head, strings.Repeat(" ", 4), f.Title, bold, colorOf(f.Severity))
	field := func(name, value string) {
		if value != "" {
			t.wrap(fmt.Sprintf("    %-9s", name), strings.Repeat(" ", 13), value)
		}
	}
	if f.CostNS > 0 {
		field("cost", words.Length(f.CostNS)+" "+f.CostOf)
	}
	field("what", what(f))
	field("why", f.Why)
	for i, e := range f.Evidence {
		field([]string{"evidence", ""}[min(i, 1)], e.Label+": "+e.Value)
	}
	field("to do", f.Advice)
	field("sure", howSure(f.Sure, f.SureWhy))
	for i, m := range f.Moments[:min(len(f.Moments), textMoments)] {
		field([]string{"when", ""}[min(i, 1)], strings.TrimSuffix(momentText(m)+": "+m.Text, ": "))
	}
	t.stack(f.Stacks)
	t.line("")
}

// stack writes the innermost frames of the first stack.
func (t *terminal) stack(stacks []report.Stack) {
	if len(stacks) == 0 || len(stacks[0].Frames) == 0 {
		return
	}
	indent := strings.Repeat(" ", 13)
	t.wrap("    stack    ", indent, cmp.Or(stacks[0].Title, "innermost frame first"))
	frames := stacks[0].Frames
	for _, f := range frames[:min(len(frames), textFrames)] {
		s := words.Function(f.Func)
		if f.File != "" {
			s += fmt.Sprintf(" %s:%d", fileName(f.File), f.Line)
		}
		t.wrap(indent+"  ", indent+"    ", s)
	}
}

func textLatency(t *terminal, r *report.Report) {
	t.heading("Scheduling latency", latencyTakeaway(r))
	rows := mergeBuckets(r.Latency.Buckets, textBuckets)
	if len(rows) == 0 {
		return
	}
	most := 0.0
	for _, b := range rows {
		most = max(most, math.Log10(float64(b.Count)+1))
	}
	table := table{align: "rrl", left: 3}
	for _, b := range rows {
		table.add(words.Length(b.Lo), words.Count(b.Count), bar(math.Log10(float64(b.Count)+1)/most, t.width-30))
	}
	t.table(table, "wait from", "waits", "log scale")
}

// bar is a horizontal bar of a share in [0, 1] of width, in eighths.
func bar(share float64, width int) string {
	eighths := int(math.Round(share * float64(max(10, min(50, width))) * 8))
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[rest])
	}
	return s
}

func textDispatches(t *terminal, r *report.Report) {
	d := r.Dispatches
	t.heading("Where dispatched goroutines came from", dispatchesTakeaway(r))
	table := table{align: "lrrrrrrl"[:t.sourceColumns()], left: 3}
	var meanings []string
	for _, s := range d.Sources {
		if s.Count > 0 {
			row := []string{s.Source, words.Count(s.Count), words.Count(s.Runtime), words.ShareOf(s.Count, d.Count), words.ShareOf(s.Certain, s.Count), words.Length(div(s.Wait, s.Count)), words.Length(s.Max), sourceMeaning(s.Source)}
			table.add(row[:t.sourceColumns()]...)
			meanings = append(meanings, s.Source+": "+sourceMeaning(s.Source))
		}
	}
	t.table(table, []string{"source", "count", "runtime", "share", "certain", "mean wait", "longest", ""}[:t.sourceColumns()]...)
	if len(meanings) > 0 && t.sourceColumns() < 8 {
		t.wrap("   ", "   ", strings.Join(meanings, "; "))
		t.line("")
	}
	if d.Resyncs > 0 {
		t.wrap("  ", "  ", fmt.Sprintf("The trace contradicted the model's queues %s; they were then corrected.", words.Times(d.Resyncs)))
		t.line("")
	}
}

// sourceColumns is how many columns the table of sources has: in a narrow terminal what
// they mean stands below it.
func (t *terminal) sourceColumns() int {
	if t.width < 104 {
		return 7
	}
	return 8
}

func textSteals(t *terminal, r *report.Report) {
	t.heading("Work stealing", stealsTakeaway(r))
}

func textHandoffs(t *terminal, r *report.Report) {
	t.heading("Handoffs of Ps", handoffsTakeaway(r))
	table := table{align: "lrrrr", left: 3}
	for _, c := range r.Handoffs.Causes {
		table.add(c.Cause, words.Count(c.Count), words.Length(c.P50), words.P99(c.Count, words.Length(c.P99)), words.Length(c.Max))
	}
	t.table(table, "cause", "count", "after, median", "p99", "longest")
}

func textPreemptions(t *terminal, r *report.Report) {
	t.heading("Preemptions", preemptionsTakeaway(r))
	table := table{align: "lrrrrr", left: 3}
	for _, k := range r.Preemptions.Kinds {
		table.add(k.How, words.Count(k.Count), words.Count(k.Runtime), words.Length(k.P50), words.P99(k.Count, words.Length(k.P99)), words.Length(k.Max))
	}
	t.table(table, "how", "count", "runtime", "had run, median", "p99", "longest")
}

func textGC(t *terminal, r *report.Report) {
	t.heading("Garbage collection, stop-the-world, threads", gcTakeaway(r))
	table := table{align: "lrrrr", left: 3}
	for _, s := range r.GC.STWs {
		table.add(s.Cause, words.Count(s.Count), words.Length(s.Total), words.Length(s.Max), words.At(s.MaxAt))
	}
	t.table(table, "cause of the pause", "count", "total", "longest", "longest at")
	t.wrap("  ", "  ", threadsTakeaway(r))
	t.line("")
}

func textTopFunctions(t *terminal, r *report.Report) {
	t.heading("Where goroutine time went, by what goroutines run", functionsTakeaway(r))
	list := busiest(r)
	table := table{align: "lrrrrrrl", left: 3}
	for _, f := range list[:min(len(list), textFunctions)] {
		s := stateTimes(f)
		blockedOn := ""
		if len(f.Blocked) > 0 {
			blockedOn = f.Blocked[0].Reason
		}
		table.add(words.Function(f.Name), words.Count(f.Goroutines), words.Length(s[0]), words.Length(s[1]), words.Length(f.WaitMax), words.Length(s[2]), words.Length(blockedTime(f)), blockedOn)
	}
	t.table(table, "function", "count", "running", "runnable", "max wait", "syscall", "blocked", "on most")
	t.more(len(list)-textFunctions, "function")
	textSeen(t, list[:min(len(list), textFunctions)])
}

// textSeen says where those were last seen that run more than one function.
func textSeen(t *terminal, list []report.FunctionTime) {
	const most = 4
	shown := 0
	for _, f := range list {
		if in := seenIn(f); in != "" && shown < most {
			t.wrap("   ", "      ", fmt.Sprintf("%s ran for %s: %s.", words.Function(f.Name), words.Length(f.Running), in))
			shown++
		}
	}
	if shown > 0 {
		t.line("")
	}
}

func textTasks(t *terminal, r *report.Report) {
	if len(r.Tasks) == 0 {
		return
	}
	t.heading("User tasks", "")
	table := table{align: "lrrrrr", left: 3}
	for _, k := range r.Tasks[:min(len(r.Tasks), textFunctions)] {
		table.add(k.Name, words.Count(k.Count), words.Count(k.Open), words.Length(k.P50), words.P99(k.Count, words.Length(k.P99)), words.Length(k.Max))
	}
	t.table(table, "task", "ended", "open", "median", "p99", "longest")
	t.more(len(r.Tasks)-textFunctions, "task")
}

// textSlow is how many of the slowest requests or tasks the text shows.
const textSlow = 3

func textSlowest(t *terminal, r *report.Report) {
	s := &r.Slowest
	if len(s.Instances) == 0 {
		return
	}
	t.heading(slowestTitle(s.Kind), s.Headline)
	for i := range first(textSlow, s.Instances) {
		in := &s.Instances[i]
		t.wrap(fmt.Sprintf("%4d  ", i+1), "      ", fmt.Sprintf("%s took %s: %s", instanceName(in), instanceLength(in), instanceWhere(in)))
		for _, sentence := range first(1, in.Story) {
			t.wrap("      ", "      ", sentence)
		}
	}
	t.line("")
}

func textWaits(t *terminal, r *report.Report) {
	t.heading("Worst waits, and who ran meanwhile", "")
	table := table{align: "rrlw", left: 3}
	for _, e := range r.Episodes[:min(len(r.Episodes), textEpisodes)] {
		table.add(waitText(e), words.AtWithin(e.Start, e.Wait), endedBy(e), fmt.Sprintf("G%d %s", e.G, words.Function(e.Func))+culprit(e))
	}
	t.table(table, "waited", "from", "ended by", "goroutine, and who ran meanwhile")
}

func waitText(e report.Episode) string {
	if e.Censored {
		return "≥ " + words.Length(e.Wait)
	}
	return words.Length(e.Wait)
}

func endedBy(e report.Episode) string {
	switch {
	case e.Source == "":
		return "trace ended"
	case e.Certain:
		return e.Source
	}
	return e.Source + "?"
}

// culprit is who ran for longest while a goroutine waited.
func culprit(e report.Episode) string {
	if len(e.Culprits) == 0 {
		return ""
	}
	c := e.Culprits[0]
	return fmt.Sprintf(", while G%d %s ran for %s", c.G, ranIn(c), words.Length(c.NS))
}

func textChecks(t *terminal, r *report.Report) {
	t.heading("Checked, no finding", "")
	if tooLittle(r) {
		t.line("  " + noFinding(r))
	}
	for _, c := range silent(r) {
		t.wrap("  - ", "    ", strings.TrimSuffix(c.Title+": "+c.Measured, ": "))
	}
	for _, c := range undecided(r.Checks) {
		t.wrap("  ? ", "    ", c.Title+": could not be decided: "+c.Undecided)
	}
	t.line("")
}
