package main

import (
	"context"
	"io"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/render"

	"github.com/spf13/cobra"
)

// A page of so many slices opens within a second. A slice takes at least
// leastSliceSize bytes of it.
const (
	mostSlices     = 500_000
	leastSliceSize = 4
	defaultMaxSize = 10_000_000
)

type reportCommand struct {
	*analysis
	out     string
	force   bool
	maxSize byteSize
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
			if !cmd.Flags().Changed("slices") {
				c.slices = int(min(mostSlices, int64(c.maxSize)/leastSliceSize))
			}
			return c.run(cmd.Context(), args[0])
		},
	}
	c.addFlags(cmd.Flags())
	cmd.Flags().StringVarP(&c.out, "output", "o", "", "write to `FILE`; - is standard output (default: the trace's name with .html)")
	cmd.Flags().BoolVar(&c.force, "force", false, "replace FILE whoever wrote it")
	c.maxSize = defaultMaxSize
	cmd.Flags().Var(&c.maxSize, "max-size", "`BYTES` that the page may have, such as 4MB; a timeline that needs more shows findings and slowest requests in full and the rest in overview")
	cmd.Flags().IntVar(&c.slices, "slices", 0, "keep up to `N` slices of the timeline in full detail (default: as many as --max-size allows, up to 500000)")
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
	return c.write(ctx, trace, out, rep)
}

func (c *reportCommand) write(ctx context.Context, trace string, out *output, rep *report.Report) error {
	var size int64
	err := out.write(ctx, func(w io.Writer) (err error) {
		size, err = render.HTMLWithin(w, rep, int64(c.maxSize))
		return err
	})
	if err != nil {
		return err
	}
	if size > int64(c.maxSize) {
		c.remark("the page has %s without any slice of the timeline: --max-size %s is too little", words.Bytes(size), words.Bytes(c.maxSize))
	}
	if out.path != "" {
		c.remark("%s: %s", printableName(out.path), printableName(rep.Verdict.Headline))
	}
	if out.path != "" && isTerminal(c.stderr) {
		c.remark("open it in a browser; the answer as text: gmptrace analyze %s", c.shellWords(trace))
	}
	c.conclude(rep)
	return nil
}
