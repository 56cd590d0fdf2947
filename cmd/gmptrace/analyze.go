package main

import (
	"context"
	"io"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/render"

	"github.com/spf13/cobra"
)

type analyzeCommand struct {
	*analysis
	format   choice
	brief    bool
	all      bool
	findings []string // ids of those to print alone; allFindings for all
}

// allFindings is the value of --findings without one.
const allFindings = "all"

func (a *app) analyzeCommand() *cobra.Command {
	c := &analyzeCommand{analysis: newAnalysis(a), format: chosen(formatText, formatJSON)}
	cmd := &cobra.Command{
		Use:   "analyze TRACE",
		Short: "Print what a trace shows, as text or JSON",
		Long: `Analyze prints what it finds in a trace to standard output: as text for people,
or as JSON whose schema is in analyze/schema of the source.

The text is the answer: what was slow and why, who did it and where, what to do; then
what else was found, and the commands that tell more. --findings prints every finding
with its evidence, and what checks measured that found nothing; --findings=IDS those of
some checks. --all prints that and all figures: latency, dispatches, steals, handoffs,
preemptions, GC, functions, tasks, slowest requests, worst waits, rules of the scheduler.

` + traceHelp,
		Example: `  gmptrace analyze app.trace
  gmptrace analyze --all app.trace
  gmptrace analyze --findings=gc,lock app.trace
  gmptrace analyze --format json app.trace.gz
  gmptrace analyze --brief app.trace
  gmptrace analyze --from 5ms --quiet - < app.trace
  gmptrace analyze --fail-on critical app.trace`,
		Args: oneTrace,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			return c.run(cmd.Context(), args[0])
		},
	}
	c.addFlags(cmd.Flags())
	cmd.Flags().Var(&c.format, "format", "`FORMAT` of the output: text or json")
	cmd.Flags().BoolVar(&c.all, "all", false, "print all that was found, not the answer alone: as text")
	cmd.Flags().StringSliceVar(&c.findings, "findings", nil, "print the findings with their evidence, with =`IDS` those of some checks: as text")
	cmd.Flags().Lookup("findings").NoOptDefVal = allFindings
	cmd.Flags().BoolVar(&c.brief, "brief", false, "JSON of at most 8 kB: verdict, roots, slowest, first findings, next commands")
	c.completions(cmd)
	c.format.complete(cmd, "format")
	return cmd
}

func (c *analyzeCommand) run(ctx context.Context, trace string) error {
	if err := c.check(trace); err != nil {
		return err
	}
	rep, err := c.load(ctx, trace)
	if err != nil {
		return err
	}
	said := rep
	if len(c.findings) > 0 && !slices.Contains(c.findings, allFindings) {
		if said, err = rep.OfChecks(c.findings); err != nil {
			return usagef("--findings: %v", err)
		}
	}
	out := &output{w: c.stdout}
	if err := out.write(ctx, func(w io.Writer) error { return c.render(w, trace, said) }); err != nil {
		return err
	}
	c.conclude(rep)
	return nil
}

func (c *analyzeCommand) render(w io.Writer, trace string, rep *report.Report) error {
	switch {
	case c.brief:
		return render.Brief(w, rep)
	case c.format.value == formatJSON:
		return render.JSON(w, rep)
	case len(c.findings) > 0:
		return render.Findings(w, rep, c.textOptions(trace, "-"))
	case c.all:
		return render.Text(w, rep, c.textOptions(trace, "-"))
	}
	return render.Summary(w, rep, c.textOptions(trace, "-"))
}
