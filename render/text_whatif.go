package render

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/whatif"
	"gmptrace/analyze/words"
)

// WhatIfText writes predictions for a terminal, in the manner of Text.
func WhatIfText(w io.Writer, x *whatif.Result, opt TextOptions) error {
	safe := mapped(*x, words.Printable)
	out := bufio.NewWriter(w)
	t := newTerminal(out, opt)
	t.whatIf(&safe)
	opt = opt.named(safe.Trace.Name)
	t.apart()
	steps := []Step{
		{opt.command("whatif --format html -o whatif.html"), "timelines, latency curves"},
		{opt.command("whatif --teach"), "where other schedulers have trouble with it"},
		{opt.command("explain"), "why it was slow as it is"},
	}
	if x.Lesson != nil {
		steps = []Step{
			{opt.command("whatif --teach --format html -o teach.html"), "the queues step by step, drawn"},
			{opt.command("whatif"), "what to make faster first"},
		}
	}
	t.next(steps, opt)
	t.again(safe.Headline, bold)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the predictions as text: %w", err)
	}
	return nil
}

func (t *terminal) whatIf(x *whatif.Result) {
	textIdentity(t, &report.Report{Trace: x.Trace})
	t.wrap("", "", x.Headline, bold)
	if x.Detail != "" {
		t.wrap("", "", x.Detail)
	}
	t.line("")
	with := blue
	if x.Check.Confidence == whatif.ConfidencePoor {
		with = red
	}
	t.wrap("Self-check: "+string(x.Check.Confidence)+". ", "  ", x.Check.Text+".", with)
	t.line("")
	if x.Check.Confidence == whatif.ConfidenceNone {
		return
	}
	if x.Lesson != nil {
		t.lesson(x.Lesson)
		return
	}
	t.programChanges(x)
	t.variants(x)
	t.scaling(x)
	if len(x.Advice) > 0 {
		t.heading("Advice", "")
		for _, a := range x.Advice {
			t.wrap("  - ", "    ", a.Text)
		}
		t.line("")
	}
	t.heading("What the simulations took for granted", workloadText(&x.Workload))
	costs := table{align: "lrrrl", left: 3}
	for _, c := range x.Costs {
		from, _, _ := strings.Cut(c.Source, ":")
		costs.add(c.Name, words.Length(c.P50), words.Length(c.P99), words.Length(c.Mean), from)
	}
	t.table(costs, "what it costs", "p50", "p99", "mean", "from")
	for _, n := range taken(x) {
		t.wrap("  - ", "    ", n)
	}
}

func (t *terminal) variants(x *whatif.Result) {
	for _, l := range lengthTables(x, false) {
		t.heading(l.Title, "")
		t.table(table{align: "l" + strings.Repeat("r", len(l.Header)-2) + "l", left: 3, rows: l.Rows}, l.Header...)
	}
	t.heading("How long the program takes", "Every line but the first is a prediction; the range is what the makespan is likely to lie in.")
	for _, c := range changedSettings(x) {
		t.wrap("  ", "  ", c)
	}
	spans := table{align: "lrrlrrr", left: 3}
	lats := table{align: "lrrrrrr", left: 3}
	work := table{align: "lrrrrrr", left: 3}
	for _, v := range allVariants(x) {
		spans.add(v.Name, span(v), spanRange(v), sure(v), speedup(v), words.Count(int64(math.Round(v.Rate))), words.Share(v.Utilisation))
		lats.add(v.Name, words.Length(v.P50), words.Length(v.P90), words.P99(v.Waits, words.Length(v.P99)), p99Range(v), words.Length(v.Max), words.Mean(v.QueueMean))
		work.add(v.Name, words.Count(v.Steals), words.Count(v.Handoffs), words.Count(v.Preemptions), words.Count(v.TickPulls), lockWait(v), words.Length(v.Idle))
	}
	t.table(spans, "run", "makespan", "likely range", "sure", "speed", "dispatches/s", "P use")
	for _, d := range doubts(x) {
		t.wrap("  ", "  ", d)
	}
	if len(doubts(x)) > 0 {
		t.line("")
	}
	t.heading("How long goroutines wait for a P", "")
	t.table(lats, "run", "p50", "p90", "p99", "of the seeds", "longest", "queue")
	t.heading("What the scheduler does", "")
	t.table(work, "run", "steals", "handoffs", "preempted", "ticks", "lock wait", "Ps idle")
}

func p99Range(v *whatif.Variant) string {
	if v.Name == "recorded" {
		return words.None
	}
	return words.P99(v.Waits, words.Length(v.P99Low)+" … "+words.Length(v.P99High))
}

// scaling tells the laws, and the makespan by the number of Ps between what they allow.
func (t *terminal) scaling(x *whatif.Result) {
	if x.Laws == nil {
		return
	}
	t.heading("What no scheduler can change", "By the laws of work and span a run takes at least so long, by Graham's bound Go's scheduler takes at most so long, beside what waking threads costs.")
	for _, text := range x.Laws.Text {
		t.wrap("  ", "  ", text)
	}
	t.line("")
	procs, rows := scaleTable(x)
	tab := table{align: "l", left: 3}
	header := []string{"Ps or threads"}
	for _, p := range procs {
		tab.align += "r"
		header = append(header, strconv.Itoa(p))
	}
	for _, r := range rows {
		tab.add(append([]string{r[0]}, r[1:]...)...)
	}
	t.table(tab, header...)
}
