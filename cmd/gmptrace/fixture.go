package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/words"

	"github.com/spf13/cobra"
)

type fixtureCommand struct {
	*analysis
	out   string
	force bool
	keep  bool
}

func (a *app) fixtureCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "fixture",
		Short:   "Keep the behaviour of a program, to check others against",
		Example: `  gmptrace fixture record app.trace -o fixture`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return noCommand(cmd, args, "no command given: gmptrace fixture record TRACE... -o DIR")
		},
	}
	cmd.AddCommand(a.fixtureRecordCommand())
	return cmd
}

func (a *app) fixtureRecordCommand() *cobra.Command {
	c := &fixtureCommand{analysis: newAnalysis(a)}
	cmd := &cobra.Command{
		Use:   "record TRACE... -o DIR",
		Short: "Record what is stable of some traces",
		Long: `Record writes what is stable of the behaviour that some traces show into
DIR/fixture.json: the distributions of what took how long and where that time
went, rates, findings, and how well the scheduler's rules held. It is small, can be
read in a diff, and is meant to be committed. Several traces of the same program
tell how much it varies from run to run; of a single one, only how much it varies
within.

It names what a check will hold other traces to: requests, tasks, regions and
goroutines that end; where there are none of those, cycles of the goroutines that
live on, and their computing. A check also fails where the collector's work,
goroutines that are left behind, or waits for a mutex or to send have grown, or
where the program newly does to itself what these traces show that it did not, as
a deadlock. If there is too little of any of them it says so, with exit code 3, and
a check against it is skipped.

` + traceHelp,
		Example: `  gmptrace fixture record app.trace -o fixture
  gmptrace fixture record --keep-traces app.trace app.trace.gz -o fixture`,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			return c.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	c.addFlags(f)
	must(f.MarkHidden("fail-on"))
	f.StringVarP(&c.out, "output", "o", "", "write to the folder `DIR`, which is made if it does not exist")
	f.BoolVar(&c.force, "force", false, "replace a fixture that is there, and take traces that are not complete")
	f.BoolVar(&c.keep, "keep-traces", false, "keep the traces too, compressed")
	c.completions(cmd)
	return cmd
}

func (c *fixtureCommand) run(ctx context.Context, traces []string) error {
	switch {
	case len(traces) == 0:
		return usagef("no trace given: name at least one")
	case c.out == "":
		return usagef("where to? Give a folder with -o DIR")
	}
	file := filepath.Join(c.out, compare.FixtureFile)
	if _, err := os.Stat(file); err == nil && !c.force {
		return usagef("%s exists: replace it with --force", printableName(file))
	}
	behaviours, err := c.behaviours(ctx, traces)
	if err != nil {
		return err
	}
	for i, b := range behaviours {
		if otherProgram(behaviours[0].Trace.Program, b.Trace.Program) {
			return usagef("%s is a trace of %s, and %s one of %s: a fixture is of one program", printableName(traces[i]), printableName(b.Trace.Program), printableName(traces[0]), printableName(behaviours[0].Trace.Program))
		}
		if !b.Trace.Complete && !c.force {
			return usagef("%s is not complete: record it again, or keep what there is with --force", printableName(traces[i]))
		}
	}
	if err := os.MkdirAll(c.out, 0o777); err != nil {
		return err
	}
	if c.keep {
		for i, trace := range traces {
			if err := keepTrace(trace, c.out, i+1); err != nil {
				return err
			}
		}
	}
	out, err := createOutput(file, true, c.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	fixture := compare.NewFixture(buildVersion(), behaviours)
	if err := out.write(ctx, func(w io.Writer) error { return fixture.Write(w) }); err != nil {
		return err
	}
	c.remark("%s: %s", printableName(file), printableName(program(behaviours)))
	c.holds(behaviours)
	return nil
}

// shownHeld is how many series record names.
const shownHeld = 8

// holds tells what a check will hold other traces to or, where it can do so with nothing,
// why.
func (c *fixtureCommand) holds(behaviours []*compare.Behaviour) {
	if ok, why := compare.Holdable(behaviours); !ok {
		c.code = exitPartial
		fmt.Fprintln(c.stderr, printable("gmptrace: a check against it will compare nothing: "+why+". Record for longer, or under load."))
		return
	}
	held := compare.Held(behaviours)
	for i := range held[:min(len(held), shownHeld)] {
		h := &held[i]
		c.remark("  %s", printable(fmt.Sprintf("%s: %s, p50 %s; %s", h.Text, words.Count(int(h.Count)), words.Length(h.P50), noticed(h))))
	}
	if n := len(held) - shownHeld; n > 0 {
		c.remark("  and %s more", words.Count(n))
	}
	if !slices.ContainsFunc(held, func(h compare.HeldSeries) bool { return h.Passes() }) {
		c.remark("  A check of as many traces can pass none of it: record several traces, and for longer, or under steadier load.")
	}
}

// noticed says what a check would notice of a series.
func noticed(h *compare.HeldSeries) string {
	switch {
	case h.Notice <= 0:
		return "too few of it, or in too short a time, to tell what a check would notice"
	case !h.Passes():
		return "it varies so much that a check would not notice a doubling"
	}
	text := fmt.Sprintf("a check of as many traces would notice %s or more", words.Change(h.Notice))
	if h.Stat != "p50" {
		text += " of its " + h.Stat
	}
	return text
}

// program says what a fixture is of.
func program(behaviours []*compare.Behaviour) string {
	of := "one trace"
	if n := len(behaviours); n > 1 {
		of = fmt.Sprintf("%d traces", n)
	}
	if p := behaviours[0].Trace.Program; p != "" {
		return of + " of " + p
	}
	return of
}

// keepTrace copies the nth trace into a folder, compressed if it is not.
func keepTrace(trace, dir string, n int) error {
	if trace == "-" || isURL(trace) {
		return usagef("--keep-traces needs files, and %s is none", printableName(trace))
	}
	in, err := os.Open(trace)
	if err != nil {
		return err
	}
	defer in.Close()
	name := fmt.Sprintf("%02d-%s", n, filepath.Base(trace)) // two may have one name
	if filepath.Ext(name) == ".gz" || filepath.Ext(name) == ".zst" {
		return copyTo(filepath.Join(dir, name), in, func(w io.Writer) io.WriteCloser { return nopCloser{w} })
	}
	return copyTo(filepath.Join(dir, name+".gz"), in, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func copyTo(name string, in io.Reader, wrap func(io.Writer) io.WriteCloser) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := wrap(f)
	_, err = io.Copy(w, in)
	if e := w.Close(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
