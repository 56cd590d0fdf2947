package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gmptrace/analyze/anonymize"
	"gmptrace/analyze/machine"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"

	"github.com/klauspost/compress/gzip"
	"github.com/spf13/cobra"
)

type anonymizeCommand struct {
	*analysis
	out   string
	names string
	force bool
	keep  []string
}

func (a *app) anonymizeCommand() *cobra.Command {
	c := &anonymizeCommand{analysis: newAnalysis(a)}
	cmd := &cobra.Command{
		Use:   "anonymize TRACE -o OUT",
		Short: "Write a trace with other names, to show it to somebody else",
		Long: `Anonymize writes the trace again, in the same format, with other names of packages,
functions, files, tasks, regions and messages, other thread ids and program counters,
and another date. They are numbered in the order of the trace (main.(*type1).method2 in
file3.go), not made from the names, so that nobody can check a guess. Goroutines, times
and lines stay, and so do names that gmptrace knows: of the standard library,
golang.org/x, gRPC and well-known routers. Every command says the same of it, but for names.

It says what was replaced and kept, and what could still tell whose it is. What it does
not understand is not in the output: what is damaged, and experiments of the tracer.
What the machine said beside the trace (TRACE.machine) is not copied.

Traces of Go 1.22 and later can be anonymized. The output is compressed with gzip if its
name ends in .gz. --names writes which name stands for which, tab-separated: that is for
you, to understand what somebody says of the output.

` + traceHelp,
		Example: `  gmptrace anonymize app.trace -o anon.trace
  gmptrace anonymize --keep github.com/acme/open --keep main app.trace -o anon.trace.gz
  gmptrace anonymize --names names.tsv app.trace -o anon.trace`,
		Args: oneTrace,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			if c.out == "" {
				return usagef("no output given: name a file with -o, or - for standard output")
			}
			return c.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVarP(&c.out, "output", "o", "", "write to `FILE`; - is standard output")
	f.StringSliceVar(&c.keep, "keep", nil, "keep names of `PACKAGE`, an import path, and of all packages below it (may be given several times)")
	f.StringVar(&c.names, "names", "", "write which name stands for which to `FILE`")
	f.BoolVar(&c.force, "force", false, "replace FILE whoever wrote it")
	f.Var(&c.maxMemory, "max-memory", "`BYTES` that a part of the trace, and all names, may take, such as 4GiB; a part that needs more is left out")
	f.IntVar(&c.seconds, "seconds", 0, "let the trace endpoint record for `N` seconds (default: the endpoint's own, mostly 1)")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "no progress bar and no summary on standard error")
	return cmd
}

func (c *anonymizeCommand) run(ctx context.Context, trace string) error {
	if err := c.check(trace); err != nil {
		return err
	}
	if err := c.notOnTerminal(c.out, "a trace"); err != nil {
		return err
	}
	for _, name := range []string{c.out, c.names} {
		if err := notItself(trace, name); err != nil {
			return err
		}
	}
	if c.names == c.out {
		return usagef("-o and --names name one file: what stands for which is to be kept apart")
	}
	out, err := createOutput(c.out, c.force, c.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	side := &output{w: io.Discard}
	if c.names != "" {
		if side, err = createOutput(c.names, c.force, c.stdout); err != nil {
			return err
		}
		defer side.discard()
	}
	in, err := c.open(ctx, trace)
	if err != nil {
		return err
	}
	defer in.Close()
	var res *anonymize.Result
	var failed error
	err = out.write(ctx, func(w io.Writer) error {
		res, failed = c.rewrite(ctx, in, w)
		return failed
	})
	if errors.As(failed, new(*report.InputError)) {
		err = printableError(failed) // it is not the output's
	}
	if err != nil {
		return err
	}
	if err := side.write(ctx, res.WriteNames); err != nil {
		return err
	}
	c.tell(trace, res)
	return nil
}

// rewrite writes the trace that in is, compressed if its name asks for that.
func (c *anonymizeCommand) rewrite(ctx context.Context, in *input, w io.Writer) (*anonymize.Result, error) {
	bar := c.progress(in)
	defer bar.close()
	opt := anonymize.Options{Name: in.name, Keep: c.keep, MaxMemory: int64(c.maxMemory),
		Progress: func(read, events int64) { bar.update(replay.Progress{Bytes: read, Events: events}) }}
	if !strings.HasSuffix(c.out, ".gz") {
		return anonymize.Trace(ctx, in, w, opt)
	}
	z := gzip.NewWriter(w)
	res, err := anonymize.Trace(ctx, in, z, opt)
	if err != nil {
		return nil, err
	}
	return res, z.Close()
}

// tell says what became of the trace.
func (c *anonymizeCommand) tell(trace string, res *anonymize.Result) {
	if _, err := os.Stat(trace + machine.Suffix); err == nil && c.isFile(trace) {
		c.remark("%s is not anonymized, and was not copied: it has the machine's name, process and threads", printableName(trace+machine.Suffix))
	}
	c.remark("%s: %s of %s, %s", printableName(c.out), words.Plural(res.Trace.Events, "event"), words.Plural(int64(res.Trace.Generations), "generation"), res.Trace.Format)
	for _, line := range res.Summary() {
		c.remark("%s", printableName(line))
	}
	if t := &res.Trace; !t.Complete || t.Events == 0 {
		c.code = exitPartial
		fmt.Fprintf(c.stderr, "gmptrace: %s: %s\n", printableName(t.Name), printableName("not all of it is in the output"+res.Missing()))
	}
}
