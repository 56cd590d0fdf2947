package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/export/tables"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exporter is a format that a trace's analysis is written in for other programs.
type exporter interface {
	// name is the value of --format.
	name() string
	// addFlags adds flags that only this format has.
	addFlags(f *pflag.FlagSet)
	// export writes what it makes of the trace to out, which is "" for the format's
	// own default beside no other file, and - for standard output.
	export(ctx context.Context, an *analysis, trace, out string, force bool) error
}

// exporters are all formats, in the order of the help.
func exporters() []exporter {
	return []exporter{newPprofExport(), &perfettoExport{}, tablesExporter{tables.Parquet}, tablesExporter{tables.CSV}}
}

type exportCommand struct {
	*analysis
	format  choice
	out     string
	force   bool
	formats []exporter
	owners  map[string]string // of flags that only one format has, that format
}

func (a *app) exportCommand() *cobra.Command {
	c := &exportCommand{analysis: newAnalysis(a), formats: exporters(), owners: map[string]string{}}
	var names []string
	for _, e := range c.formats {
		names = append(names, e.name())
	}
	c.format = chosen(names...)
	cmd := &cobra.Command{
		Use:   "export TRACE",
		Short: "Write what a trace shows in a format of other tools",
		Long: `Export writes what gmptrace makes of a trace in a format that other tools read.

` + traceHelp,
		Example: `  gmptrace export --format pprof app.trace
  gmptrace export --format pprof --type block --http='Checkout' app.trace
  gmptrace export --format pprof --type offcpu --from 5ms --to 50ms -o offcpu.pb.gz app.trace
  gmptrace export --format perfetto app.trace
  gmptrace export --format perfetto --tracks p,g,findings --from 5ms --to 20ms app.trace
  gmptrace export --format parquet app.trace
  gmptrace export --format csv -o app app.trace`,
		Args: explainArgs, // its hint at a handler's pattern holds here too
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			if err := c.ownFlags(cmd); err != nil {
				return err
			}
			return c.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	c.addTraceFlags(f)
	f.Var(&c.format, "format", "`FORMAT` to write: "+strings.Join(names, ", "))
	f.StringVarP(&c.out, "output", "o", "", "write to `FILE`; - is standard output (default: the trace's name with the format's suffix)")
	f.BoolVar(&c.force, "force", false, "replace FILE whoever wrote it")
	for _, e := range c.formats {
		own := pflag.NewFlagSet(e.name(), pflag.ContinueOnError)
		e.addFlags(own)
		own.VisitAll(func(flag *pflag.Flag) { c.owners[flag.Name] = e.name() })
		f.AddFlagSet(own)
		own.VisitAll(func(flag *pflag.Flag) {
			if of, ok := flag.Value.(*choice); ok {
				of.complete(cmd, flag.Name)
			}
		})
	}
	c.format.complete(cmd, "format")
	c.addHelp(cmd)
	return cmd
}

// helper is an exporter that has more to say in --help with its --format.
type helper interface{ help() string }

// addHelp has --help with a --format tell of that too.
func (c *exportCommand) addHelp(cmd *cobra.Command) {
	general := cmd.HelpFunc()
	cmd.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		general(cmd, args)
		for _, e := range c.formats {
			if h, ok := e.(helper); ok && cmd.Flags().Changed("format") && e.name() == c.format.value {
				fmt.Fprint(cmd.OutOrStdout(), "\n", h.help())
			}
		}
	})
}

// ownFlags refuses flags of another format than the one that is written.
func (c *exportCommand) ownFlags(cmd *cobra.Command) error {
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if of := c.owners[f.Name]; err == nil && of != "" && of != c.format.value {
			err = usagef("--%s is for --format %s, and %s is written", f.Name, of, c.format.value)
		}
	})
	return err
}

func (c *exportCommand) run(ctx context.Context, trace string) error {
	if err := c.check(trace); err != nil {
		return err
	}
	i := slices.IndexFunc(c.formats, func(e exporter) bool { return e.name() == c.format.value })
	return c.formats[i].export(ctx, c.analysis, trace, c.out, c.force)
}
