package main

import (
	"context"
	"io"

	"gmptrace/analyze"
	"gmptrace/render"

	"github.com/spf13/cobra"
)

// defaultSlices is how many slices of the timeline a report has in full detail
// unless told otherwise: about 3 MB of HTML, a page that opens at once, and
// little memory beside what reading takes.
const defaultSlices = 300_000

type reportCommand struct {
	*analysis
	out   string
	force bool
}

func (a *app) reportCommand() *cobra.Command {
	c := &reportCommand{analysis: newAnalysis(a)}
	cmd := &cobra.Command{
		Use:   "report TRACE",
		Short: "Write a report as one HTML file",
		Long: `Report writes what it finds in a trace into one HTML file that needs nothing
else: no network, no server, no other file.

` + traceHelp + `

The file is named after the trace and lies in the current folder, unless -o says
otherwise. A file in its place is replaced if gmptrace wrote it.`,
		Example: `  gmptrace report app.trace
  gmptrace report app.trace.gz -o report.html
  gmptrace report --from 5ms --to 20ms app.trace -o window.html
  gmptrace report --force -o report.html - < app.trace
  gmptrace report --seconds 5 http://localhost:6060/debug/pprof/trace`,
		Args: oneTrace,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			return c.run(cmd.Context(), args[0])
		},
	}
	c.explain = true
	c.addFlags(cmd.Flags())
	cmd.Flags().StringVarP(&c.out, "output", "o", "", "write to `FILE`; - is standard output (default: the trace's name with .html)")
	cmd.Flags().BoolVar(&c.force, "force", false, "replace FILE whoever wrote it")
	cmd.Flags().IntVar(&c.slices, "slices", defaultSlices, "keep up to `N` slices of the timeline in full detail; beyond, it shows the worst moments in full and the rest in overview")
	c.completions(cmd)
	return cmd
}

func (c *reportCommand) run(ctx context.Context, trace string) error {
	if err := c.check(trace); err != nil {
		return err
	}
	name := c.out
	if name == "" && trace == "-" {
		return usagef("standard input has no name to call the report by: give one with -o FILE")
	}
	if name == "" {
		name = defaultOutput(trace)
	}
	if err := notItself(trace, name); err != nil {
		return err
	}
	out, err := createOutput(name, c.force, c.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	rep, err := c.load(ctx, trace)
	if err != nil {
		return err
	}
	return c.write(ctx, out, rep)
}

func (c *reportCommand) write(ctx context.Context, out *output, rep *analyze.Report) error {
	err := out.write(ctx, func(w io.Writer) error { return render.HTML(w, rep) })
	if err != nil {
		return err
	}
	if out.path != "" {
		c.remark("%s: %s", printableName(out.path), printableName(rep.Verdict.Headline))
	}
	c.conclude(rep)
	return nil
}
