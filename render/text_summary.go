package render

import (
	"fmt"
	"strings"
	"time"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// How many findings the summary tells of, and of how many it says what to do.
const (
	summaryFindings = 5
	summaryAdvice   = 3
)

// textFound has the findings that lead, worst first: of those that cost latency what
// they cost, and of the first of them what to do, unless the verdict says so.
func textFound(t *terminal, r *report.Report) {
	if len(r.Findings) == 0 {
		if r.Verdict.Advice == "" {
			t.wrap("", "", noFinding(r))
			t.line("")
		}
		return
	}
	t.line(t.paint(bold, findingsTitle(r)))
	leading := shownFindings(r)
	told := len(leading)
	for i, f := range leading {
		t.found(f, i < summaryAdvice && f.Advice != r.Verdict.Advice)
		told += t.beneath(r, f)
	}
	if more := len(r.Findings) - told; more > 0 {
		t.line("    " + words.Plural(int64(more), "more finding") + " with --all")
	}
	t.line("")
}

// shownFindings are those that a summary tells of: the first that lead.
func shownFindings(r *report.Report) (leading []*report.Finding) {
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Of == 0 && len(leading) < summaryFindings {
			leading = append(leading, f)
		}
	}
	return leading
}

// beneath names the findings that look at what another one does from other sides, so that
// no number is left out, and returns how many they are.
func (t *terminal) beneath(r *report.Report, of *report.Finding) int {
	var sides []string
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Of == of.Number {
			sides = append(sides, fmt.Sprintf("%d: %s", f.Number, f.Title))
		}
	}
	if len(sides) > 0 {
		t.wrap("    also   ", "           ", strings.Join(sides, "; "))
	}
	return len(sides)
}

// found is a finding in one to three lines or so, with what to do about it.
func (t *terminal) found(f *report.Finding, advise bool) {
	severity := strings.ToUpper(string(f.Severity))
	t.wrapPainted(fmt.Sprintf("%2d  ", f.Number), severity, colorOf(f.Severity), "  ", "    ", f.Title)
	if f.Severity == report.SeverityInfo {
		return
	}
	if f.CostNS > 0 {
		t.wrap("    cost   ", "           ", words.Length(f.CostNS)+" "+f.CostOf)
	}
	if f.Advice != "" && advise {
		t.wrap("    to do  ", "           ", sentence(f.Advice))
	}
}

// sentence is the first one of a text.
func sentence(s string) string {
	if head, _, more := strings.Cut(s, ". "); more {
		return head + "."
	}
	return s
}

// reportSteps are what tells more of a trace than the report, or its summary, does.
func reportSteps(r *report.Report, opt TextOptions) []Step {
	if r.Trace.Events == 0 {
		return nil
	}
	var steps []Step
	switch r.Slowest.Kind {
	case report.KindRequest:
		steps = append(steps, Step{opt.command("explain --http"), "why the slowest requests were slow"})
	case report.KindTask, report.KindTurn:
		steps = append(steps, Step{opt.command("explain"), fmt.Sprintf("why the slowest %ss were slow", r.Slowest.Kind)})
	case report.KindMain:
		steps = append(steps, Step{opt.command("explain"), "what the time of main.main went to"})
	}
	if len(r.Findings) > 0 && len(r.Findings[0].Moments) > 0 {
		opt := opt
		opt.Window = windowOf(r.Findings[0].Moments[0])
		steps = append(steps, Step{opt.command("explain"), fmt.Sprintf("the worst moment of finding %d", r.Findings[0].Number)})
	}
	if opt.short {
		steps = append(steps, Step{opt.command("analyze --all"), "findings in full, all figures"})
	}
	return append(steps, Step{opt.command("report"), "a page with the timeline"})
}

// windowOf is the time of a moment as flags have it, in a unit that it is some of.
func windowOf(m report.Moment) string {
	unit, name := int64(time.Millisecond), "ms"
	if m.End-m.Start < 10*unit {
		unit, name = int64(time.Microsecond), "us"
	}
	return fmt.Sprintf("--from %d%s --to %d%s", m.Start/unit, name, m.End/unit+1, name)
}
