package main

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"gmptrace/analyze"
	"gmptrace/render"

	"github.com/spf13/cobra"
)

type decisionsCommand struct {
	*analysis
	kinds  []string
	format choice
}

func (a *app) decisionsCommand() *cobra.Command {
	c := &decisionsCommand{analysis: newAnalysis(a), format: chosen(formatLines, formatCSV, formatText)}
	cmd := &cobra.Command{
		Use:   "decisions TRACE",
		Short: "Print every scheduling decision, one a line",
		Long: `Decisions prints one line for each scheduling decision, in the order of the
trace: as text on a terminal, else as JSON for machines. At is when it was, from the
trace's beginning as in reports, and func what the goroutine started with; time is in
nanoseconds of the trace's own clock, as golang.org/x/exp/trace gives it. Ids are -1
where there is none. A dispatch is a goroutine that goes
from runnable to running; its source is inferred. Certain says that no other place
fits the scheduler's rules, and candidates are the sources that fit: of one that is
certain, two if it came from the global queue and it is not known whether it was
that queue's turn. Tick says whether it was: yes, no or unknown. As text, a source
that is not certain has a question mark.

` + traceHelp,
		Example: `  gmptrace decisions app.trace
  gmptrace decisions --format text --from 5ms --to 6ms app.trace
  gmptrace decisions --kind dispatch,steal --format csv app.trace
  gmptrace decisions --kind handoff --quiet - < app.trace`,
		Args: oneTrace,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			if !cmd.Flags().Changed("format") && isTerminal(c.stdout) {
				c.format.value = formatText
			}
			return c.run(cmd.Context(), args[0])
		},
	}
	c.addFlags(cmd.Flags())
	must(cmd.Flags().MarkHidden("fail-on")) // decisions are no findings
	cmd.Flags().StringSliceVar(&c.kinds, "kind", nil, "only `KINDS`, separated by commas: "+strings.Join(decisionKinds(), ", "))
	cmd.Flags().Var(&c.format, "format", "`FORMAT` of the lines: jsonl, csv or text, which terminals get")
	c.completions(cmd)
	c.format.complete(cmd, "format")
	must(cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(decisionKinds(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func decisionKinds() []string {
	var names []string
	for _, k := range analyze.DecisionKinds {
		names = append(names, string(k))
	}
	return names
}

func (c *decisionsCommand) run(ctx context.Context, trace string) error {
	if err := c.check(trace); err != nil {
		return err
	}
	var kinds []analyze.DecisionKind
	for _, k := range c.kinds {
		if !slices.Contains(decisionKinds(), k) {
			return usagef("--kind %q: need some of %s", printableName(k), strings.Join(decisionKinds(), ", "))
		}
		kinds = append(kinds, analyze.DecisionKind(k))
	}
	in, err := c.open(ctx, trace)
	if err != nil {
		return err
	}
	defer in.Close()
	bar := c.progress(in)
	buf := bufio.NewWriterSize(contextWriter{ctx, c.stdout}, 1<<16)
	lines := c.writer(buf, trace)
	tr, err := analyze.Decisions(ctx, in, c.options(in, bar), kinds, lines.Write)
	bar.close()
	if err != nil {
		return printableError(err)
	}
	if err := cmp.Or(lines.Flush(), buf.Flush()); err != nil {
		return err
	}
	tr.Name = in.name
	c.concludeTrace(&tr)
	return nil
}

func (c *decisionsCommand) writer(w io.Writer, trace string) render.DecisionWriter {
	switch c.format.value {
	case formatCSV:
		return render.DecisionTable(w)
	case formatText:
		return render.DecisionText(w, c.textOptions(trace, "-"))
	}
	return render.DecisionLines(w)
}
