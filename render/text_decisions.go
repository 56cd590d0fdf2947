package render

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"gmptrace/analyze"
	"gmptrace/analyze/words"
)

// DecisionText writes decisions for people, a line each, with times and names as reports
// have them, and at the end the commands to go on with.
func DecisionText(w io.Writer, opt TextOptions) DecisionWriter {
	out := bufio.NewWriter(w)
	return &sentenceWriter{out: out, t: newTerminal(out, opt), opt: opt}
}

type sentenceWriter struct {
	out *bufio.Writer
	t   *terminal
	opt TextOptions
}

func (x *sentenceWriter) Write(d *analyze.Decision) error {
	p := words.None
	if d.P >= 0 {
		p = fmt.Sprintf("P%d", d.P)
	}
	// A line each, however long: whoever looks for something has what it belongs to.
	x.t.line(fmt.Sprintf("%12s  %-8s  %-4s  %s", words.Text(words.At(d.At)), decisionWord(d), p, words.Printable(decisionSaid(d))))
	return nil
}

// decisionWord is a decision's kind as people call it.
func decisionWord(d *analyze.Decision) string {
	switch {
	case d.Kind == analyze.DecisionDivergence:
		return "mended"
	case d.Kind == analyze.DecisionPreempt && strings.HasPrefix(d.How, "go"):
		return "yield"
	}
	return string(d.Kind)
}

func (x *sentenceWriter) Flush() error {
	if x.t.lines > 0 {
		x.t.line("")
	}
	opt := x.opt
	x.t.next([]Step{
		{opt.command("analyze"), "what it adds up to"},
		{opt.command("decisions --format jsonl"), "the same for machines, in full"},
	}, opt)
	return x.out.Flush()
}

// decisionSaid is what was decided.
func decisionSaid(d *analyze.Decision) string {
	who := ""
	if d.G > 0 {
		who = fmt.Sprintf("G%d", d.G)
		if d.Func != "" {
			who += " " + words.Function(d.Func)
		}
	}
	switch d.Kind {
	case analyze.DecisionDispatch:
		from := d.Source
		if d.Victim >= 0 {
			from += fmt.Sprintf(" P%d", d.Victim)
		}
		others := ""
		if !d.Certain {
			from += "?"
			if or := without(d.Candidates, d.Source); len(or) > 0 {
				others = ", or from " + strings.Join(or, ", ")
			}
		}
		return fmt.Sprintf("%-8s  %-18s  %s%s", fmt.Sprintf("M%d", d.M), from, who, others)
	case analyze.DecisionSteal:
		if d.Moved > 1 {
			who += fmt.Sprintf(" and %s more", words.Count(d.Moved-1))
		}
		return fmt.Sprintf("%s from P%d", who, d.Victim)
	case analyze.DecisionHandoff:
		return handoffSaid(d, who)
	case analyze.DecisionPreempt:
		return fmt.Sprintf("%s after %s, by %s", who, words.Length(d.Ran), d.How)
	}
	return strings.TrimSpace(who + ": the trace contradicted the model's queues (" + d.What + ")")
}

// handoffSaid is which thread a P left for which, why, and whose system call it was.
func handoffSaid(d *analyze.Decision, who string) string {
	to := "no thread yet"
	if d.ToM >= 0 {
		to = fmt.Sprintf("M%d", d.ToM)
	}
	said := fmt.Sprintf("from M%d to %s, %s", d.FromM, to, d.Cause)
	if d.After > 0 {
		said += fmt.Sprintf(" after %s in a system call", words.Length(d.After))
	}
	if who != "" {
		said += " of " + who
	}
	return said
}

// without are the names but for one.
func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}
