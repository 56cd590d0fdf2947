package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"gmptrace/analyze/fleet"
	"gmptrace/analyze/words"
	"gmptrace/render"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

type fleetCommand struct {
	*analysis
	format    choice
	out       string
	force     bool
	rows      string
	reports   string
	sql       bool
	given     fleet.Input
	hostFrom  pathPattern
	buildFrom pathPattern
}

// rowsGCPercent is for rows alone, which take little memory: collecting as often as beside
// a trace would be a third of the work.
const rowsGCPercent = 100

// pathPattern takes a name out of a path: what the first group of a regular expression
// matches or, if it has none, what all of it does.
type pathPattern struct{ re *regexp.Regexp }

func (p *pathPattern) Type() string { return "regexp" }

func (p *pathPattern) String() string {
	if p.re == nil {
		return ""
	}
	return p.re.String()
}

func (p *pathPattern) Set(s string) (err error) {
	if p.re, err = regexp.Compile(s); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return nil
}

// of is the name in a path; "" if there is none.
func (p *pathPattern) of(path string) string {
	if p.re == nil {
		return ""
	}
	m := p.re.FindStringSubmatch(filepath.ToSlash(path))
	if len(m) == 0 {
		return ""
	}
	return m[min(1, len(m)-1)]
}

func (a *app) fleetCommand() *cobra.Command {
	c := &fleetCommand{analysis: newAnalysis(a), format: chosen(formatText, formatJSON, formatHTML)}
	cmd := &cobra.Command{
		Use:   "fleet TRACES|DIR|ROWS...",
		Short: "Say what many traces have in common: causes, hosts, builds",
		Long: `Fleet reads many traces, such as the snapshots of a service's flight recorders,
and says which cause eats the slow requests, on which hosts, since which build.

Of each trace it keeps a small file of rows, a Parquet file that DuckDB and others
read, and the trace is not read again: what was interrupted goes on where it was. What
is named may be traces, folders with traces (.trace, .out, with .gz or .zst) and files
of rows or folders with those. A trace that cannot be read is told of, and stops nothing.

A flight recorder's snapshots say what host and build they are of and why they were
taken, evidence of the machine beside a trace (TRACE.machine) says the host, and flags
say so of other traces. How long things take is told by snapshots that were taken by
chance alone (baseline): those taken because something was slow are a biased sample.`,
		Example: `  gmptrace fleet app.trace app.trace.gz
  gmptrace fleet --rows rows -o fleet.html app.trace app.trace.gz
  gmptrace fleet --host-from '([^/]+)/[^/]*$' --build v1 --trigger baseline app.trace
  gmptrace fleet --format json app.trace
  gmptrace fleet --sql`,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			if !cmd.Flags().Changed("format") {
				c.formatOf(c.out)
			}
			return c.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.Var(&c.maxMemory, "max-memory", "`BYTES` that reading one trace may take, such as 1GiB; as many are read at once as there are CPUs")
	f.StringVar(&c.rows, "rows", "", "keep rows in the folder `DIR` (default: "+fleet.RowsDir+" in the first folder that is named, else here)")
	f.StringVar(&c.given.Host, "host", "", "take all traces for those of the host `NAME`")
	f.StringVar(&c.given.Build, "build", "", "take all traces for those of the build `NAME`")
	f.StringVar(&c.given.Trigger, "trigger", "", "take all traces for taken because of `WHY`: baseline, slow, observed, metric or asked")
	f.Var(&c.hostFrom, "host-from", "take the host from a trace's path: what `REGEXP` matches, or its first group")
	f.Var(&c.buildFrom, "build-from", "take the build from a trace's path, likewise: `REGEXP`")
	f.StringVar(&c.reports, "reports", "", "write reports of the worst traces into the folder `DIR`, for the page to link to")
	f.BoolVar(&c.sql, "sql", false, "print macros for DuckDB that read rows, and nothing else")
	f.Var(&c.format, "format", "`FORMAT` of the output: text, json or html (default: by the name of the output)")
	f.StringVarP(&c.out, "output", "o", "-", "write to `FILE`; - is standard output")
	f.BoolVar(&c.force, "force", false, "replace FILE whoever wrote it")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "no progress bar and no remarks on standard error")
	c.format.complete(cmd, "format")
	return cmd
}

// formatOf is what the name of an output asks for.
func (c *fleetCommand) formatOf(name string) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".html", ".htm":
		c.format.value = formatHTML
	case ".json":
		c.format.value = formatJSON
	}
}

func (c *fleetCommand) run(ctx context.Context, names []string) error {
	if c.sql {
		_, err := io.WriteString(c.stdout, fleet.SQL)
		return err
	}
	if len(names) == 0 {
		return usagef("nothing to make a fleet of: name traces, folders with traces, or rows")
	}
	switch c.given.Trigger {
	case "", "baseline", "slow", "observed", "metric", "asked":
	default:
		return usagef("--trigger %q: need one of baseline, slow, observed, metric, asked", printableName(c.given.Trigger))
	}
	if c.host != nil {
		return c.answer(ctx, names)
	}
	if c.rows == "" {
		c.rows = defaultRows(names)
	}
	files, err := fleet.Find(names, c.rows)
	if err != nil {
		return err
	}
	if len(files.Traces)+len(files.Rows) == 0 {
		return inputError(names[0], "read", "has neither traces nor rows below it", "Traces of folders are known by their names: .trace or .out, maybe with .gz or .zst. Name others themselves.", nil)
	}
	out, err := createOutput(c.out, c.force, c.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	if len(files.Traces) == 0 && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(rowsGCPercent)
	}
	all, err := c.collect(ctx, files)
	if err != nil {
		return err
	}
	return c.write(ctx, out, all, files)
}

// defaultRows is where rows are kept: in the first folder that is named, unless that has
// nothing but them, else in the current one.
func defaultRows(names []string) string {
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.IsDir() && filepath.Base(name) != fleet.RowsDir {
			return filepath.Join(name, fleet.RowsDir)
		}
	}
	return fleet.RowsDir
}

func (c *fleetCommand) collect(ctx context.Context, files fleet.Files) (*fleet.Collected, error) {
	var bar *progressbar.ProgressBar
	if !c.quiet && isTerminal(c.stderr) {
		bar = progressbar.NewOptions(2*len(files.Traces)+len(files.Rows), progressbar.OptionSetWriter(c.stderr), progressbar.OptionSetDescription("reading traces"),
			progressbar.OptionSetWidth(20), progressbar.OptionClearOnFinish())
	}
	collector := fleet.Collector{Dir: c.rows, Options: fleet.Options{MaxMemory: int64(c.maxMemory)}, Input: c.input, Done: func(done, _ int) {
		if bar != nil {
			_ = bar.Set(done) // an error is one of standard error: nowhere to tell it
		}
	}}
	all, err := collector.Collect(ctx, files)
	if bar != nil {
		_ = bar.Finish()
	}
	return all, err
}

// input is what flags say of a trace.
func (c *fleetCommand) input(path string) fleet.Input {
	in := c.given
	if host := c.hostFrom.of(path); host != "" {
		in.Host = host
	}
	if build := c.buildFrom.of(path); build != "" {
		in.Build = build
	}
	return in
}

func (c *fleetCommand) write(ctx context.Context, out *output, all *fleet.Collected, files fleet.Files) error {
	r := all.Result()
	r.Version = buildVersion()
	links := render.FleetLinks{Traces: all.Sources, Reports: map[string]string{}}
	if c.reports != "" {
		if err := c.writeReports(ctx, r, &links); err != nil {
			return err
		}
	}
	err := out.write(ctx, func(w io.Writer) error {
		switch c.format.value {
		case formatJSON:
			return render.FleetJSON(w, r)
		case formatHTML:
			return render.FleetHTML(w, r, links)
		}
		opt := textOptions(c.stdout)
		if c.out != "-" {
			opt = render.TextOptions{}
		}
		opt.Next = c.next(r, &links, files)
		return render.FleetText(w, r, links, opt)
	})
	if err != nil {
		return err
	}
	if out.path != "" {
		c.remark("%s: %s", printableName(out.path), printableName(r.Headline))
	}
	c.tell(all, files, r)
	return nil
}

// tell says how much was read, and sets the exit code.
func (c *fleetCommand) tell(all *fleet.Collected, files fleet.Files, r *fleet.Result) {
	if len(files.Traces) > 0 {
		c.remark("%d of %d traces were read now, rows of the others were there; they are kept in %s", all.Read, len(all.Sources), printableName(c.rows))
	}
	if files.Passed > 0 {
		c.remark("%d other files were passed over", files.Passed)
	}
	for _, err := range all.Failed {
		fmt.Fprintf(c.stderr, "gmptrace: %s\n", printableName(err.Error()))
	}
	if len(all.Failed) > 0 || r.Traces.Unreadable+r.Traces.Partial > 0 {
		c.code = exitPartial
		fmt.Fprintf(c.stderr, "gmptrace: %d traces could not be read, and %d could be in part\n", r.Traces.Unreadable, r.Traces.Partial)
	}
}

// next is what to go on with: the worst trace of the first cause, and all of it as a page.
func (c *fleetCommand) next(r *fleet.Result, links *render.FleetLinks, files fleet.Files) []render.Step {
	var steps []render.Step
	if worst := worstOf(r); worst != nil && links.Command(*worst) != "" {
		steps = append(steps, render.Step{Command: links.Command(*worst), Gives: "the trace in which it was worst"})
	}
	rows := c.rows
	if len(files.Traces) == 0 {
		rows = filepath.Dir(files.Rows[0])
	}
	if printableName(rows) == rows {
		steps = append(steps, render.Step{Command: "gmptrace fleet -o fleet.html " + words.Shell(rows), Gives: "as a page, of the rows in that folder"})
	}
	return steps
}

// writeReports writes reports of the traces that the page names, but for those that are
// there already, and says where they are.
func (c *fleetCommand) writeReports(ctx context.Context, r *fleet.Result, links *render.FleetLinks) error {
	if err := os.MkdirAll(c.reports, 0o777); err != nil {
		return outputError(c.reports, err)
	}
	base := "."
	if c.out != "-" {
		base = filepath.Dir(c.out)
	}
	for _, w := range r.Listed() {
		trace := links.File(w)
		if !c.isFile(trace) || trace == "" {
			continue
		}
		name := filepath.Join(c.reports, w.Trace+".html")
		if ours, err := writtenByGmptrace(name); err != nil || !ours {
			if err := c.writeReport(ctx, trace, name); ctx.Err() != nil {
				return ctx.Err()
			} else if err != nil {
				c.remark("%s", printableName(err.Error()))
				continue
			}
		}
		to, err := filepath.Rel(base, name)
		if err != nil {
			to = name
		}
		links.Reports[w.Trace] = (&url.URL{Path: filepath.ToSlash(to)}).String()
	}
	return nil
}

func (c *fleetCommand) writeReport(ctx context.Context, trace, name string) error {
	one := &reportCommand{analysis: newAnalysis(&app{stdin: c.stdin, stdout: io.Discard, stderr: io.Discard}), out: name, maxSize: defaultMaxSize}
	one.quiet, one.slices, one.maxMemory = true, defaultMaxSize/leastSliceSize, c.maxMemory
	return one.run(ctx, trace)
}
