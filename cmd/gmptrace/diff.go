package main

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"

	"gmptrace/analyze"
	"gmptrace/analyze/compare"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/render"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type diffCommand struct {
	*analysis
	format  choice
	out     string
	force   bool
	against against
	compare compare.Options
	verbose bool
}

// against is the flag --against: it says where on the command line the new traces
// begin, and takes no value itself.
type against struct {
	flags *pflag.FlagSet
	old   int // traces before it; -1 while it was not given
}

func (a *against) Type() string   { return "" }
func (a *against) String() string { return "" }

func (a *against) Set(v string) error {
	if v != strconv.FormatBool(true) {
		return usageError("put the new traces behind --against, separated by a space")
	}
	a.old = a.flags.NArg()
	return nil
}

func (a *app) diffCommand() *cobra.Command {
	c := &diffCommand{analysis: newAnalysis(a), format: chosen(formatText, formatJSON, formatHTML)}
	cmd := &cobra.Command{
		Use:   "diff OLD... --against NEW...",
		Short: "Say what changed between some traces and others",
		Long: `Diff compares how long requests, tasks, regions and goroutines took, how long
they waited for a P, and how often the scheduler did what, in some traces and in
others. It claims a change only where it is more than chance explains and larger
than a floor; everything else is a ~. It says between what the change lies, and
what change would have been noticed. How traces of one side differ tells how runs
do; with one trace a side that is an assumption.

` + traceHelp,
		Example: `  gmptrace diff app.trace --against app.trace.gz
  gmptrace diff app.trace app.trace.gz --against app.trace.zst app.trace
  gmptrace diff --format json app.trace --against app.trace.gz
  gmptrace diff --format html -o diff.html app.trace --against app.trace.gz`,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			return c.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	c.addFlags(f)
	must(f.MarkHidden("fail-on"))
	c.against = against{flags: f, old: -1}
	f.Var(&c.against, "against", "the traces after this are the new ones")
	f.Lookup("against").NoOptDefVal = strconv.FormatBool(true)
	f.Float64Var(&c.compare.Alpha, "alpha", compare.DefaultAlpha, "`SHARE` of the changes claimed that chance alone may have made")
	f.Float64Var(&c.compare.Floor, "floor", compare.DefaultFloor, "least relative `CHANGE` of a length that is claimed: 0.1 is 10 %")
	f.Var(&c.format, "format", "`FORMAT` of the output: text, json or html")
	f.StringVarP(&c.out, "output", "o", "-", "write to `FILE`; - is standard output")
	f.BoolVar(&c.force, "force", false, "replace FILE whoever wrote it")
	f.BoolVarP(&c.verbose, "verbose", "v", false, "list what did not change as well: as text")
	c.completions(cmd)
	c.format.complete(cmd, "format")
	return cmd
}

func (c *diffCommand) run(ctx context.Context, traces []string) error {
	if c.against.old < 0 {
		return usagef("which traces are the new ones? Write gmptrace diff OLD... --against NEW...")
	}
	old, new := traces[:c.against.old], traces[c.against.old:]
	if len(old) == 0 || len(new) == 0 {
		return usagef("need at least one trace before --against and one after it")
	}
	if err := checkCompare(c.compare); err != nil {
		return err
	}
	out, err := createOutput(c.out, c.force, c.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	before, err := c.behaviours(ctx, old)
	if err != nil {
		return err
	}
	after, err := c.behaviours(ctx, new)
	if err != nil {
		return err
	}
	r := compare.Sets(before, after, c.compare)
	if err := out.write(ctx, func(w io.Writer) error { return c.render(w, old, new, after, r) }); err != nil {
		return err
	}
	if out.path != "" {
		c.remark("%s: %s", printableName(out.path), printableName(r.Verdict))
	}
	return nil
}

func (c *diffCommand) render(w io.Writer, old, new []string, after []*compare.Behaviour, r *compare.Result) error {
	switch c.format.value {
	case formatJSON:
		return render.DiffJSON(w, r)
	case formatHTML:
		return render.DiffHTML(w, r)
	}
	opt := c.textOptions(new[0], c.out)
	opt.Verbose = c.verbose
	opt.Next = c.next(old, new, after, r)
	return render.DiffText(w, r, opt)
}

// next is what to do with a comparison: look at what changed for the worse, in one of the
// new traces, and at what users wait for before what goroutines do.
func (c *diffCommand) next(old, new []string, after []*compare.Behaviour, r *compare.Result) []render.Step {
	var steps []render.Step
	if x := worst(r, after[:1]); x != nil {
		steps = append(steps, render.Step{Command: c.explaining(new[0], x), Gives: "where its time went"})
	}
	page := "gmptrace diff --format html -o diff.html " + c.allShellWords(old) + " --against " + c.allShellWords(new)
	return append(steps, render.Step{Command: page, Gives: "with the distributions"})
}

// worst is what has become worse most; nil if nothing has that some traces explain.
func worst(r *compare.Result, traces []*compare.Behaviour) (most *report.CheckSubject) {
	for i := range r.Changes {
		if r.Changes[i].Verdict != compare.Worse {
			continue
		}
		x := r.Changes[i].Subject(traces)
		if x != nil && x.Kind != report.KindGoroutine && x.Kind != report.KindAt {
			return x
		}
		most = cmp.Or(most, x)
	}
	return most
}

func (c *diffCommand) allShellWords(traces []string) string {
	var all []string
	for _, trace := range traces {
		all = append(all, c.shellWords(trace))
	}
	return strings.Join(all, " ")
}

func checkCompare(o compare.Options) error {
	switch {
	case o.Alpha <= 0 || o.Alpha >= 1:
		return usagef("--alpha %g: need a number between 0 and 1", o.Alpha)
	case o.Floor <= 0 || o.Floor > 10:
		return usagef("--floor %g: need a number above 0, such as 0.1 for 10 %%", o.Floor)
	}
	return nil
}

// behaviours reads traces.
func (an *analysis) behaviours(ctx context.Context, traces []string) ([]*compare.Behaviour, error) {
	var out []*compare.Behaviour
	for _, trace := range traces {
		b, err := an.behaviour(ctx, trace)
		if err != nil {
			return nil, err
		}
		an.concludeTrace(&b.Trace)
		out = append(out, b)
	}
	return out, nil
}

func (an *analysis) behaviour(ctx context.Context, trace string) (*compare.Behaviour, error) {
	if err := an.check(trace); err != nil {
		return nil, err
	}
	return reading(ctx, an, trace, func(in io.Reader, opt replay.Options) (*compare.Behaviour, error) {
		return compare.BehaveAndReport(ctx, in, analyze.Options{Options: opt, Spans: an.spans})
	})
}
