// Gmptrace says where the time of a Go program went and what its scheduler did,
// from an execution trace.
//
//	gmptrace report TRACE     writes one HTML file that needs nothing else; so does gmptrace TRACE
//	gmptrace analyze TRACE    prints the same as text or JSON
//	gmptrace explain TRACE    says why something was slow, and who did it
//	gmptrace record URL       records a trace, and asks the machine meanwhile
//	gmptrace decisions TRACE  prints every scheduling decision, one a line
//	gmptrace anonymize TRACE  writes the trace with other names
//	gmptrace check TRACE...   holds traces to the rules of a policy
//	gmptrace export TRACE     writes a trace in formats of other tools
//	gmptrace fleet TRACES     says what many traces have in common
//	gmptrace policy           writes, checks and explains policies
//
// One file of this package holds one subcommand; analysis.go has what those that
// read a trace share, input.go and fetch.go where a trace comes from, output.go
// where a report goes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"gmptrace/analyze/report"
	"gmptrace/cmd/gmptrace/mcp"
)

// The exit codes. Where two fit, the earlier in this list is taken: a finding
// that was asked for beats a trace read in part.
const (
	exitDone        = 0
	exitFindings    = 1   // --fail-on, and a finding as severe as that; a rule that failed
	exitUsage       = 2   // usage, nothing readable, or nowhere to write
	exitPartial     = 3   // analysed in part, or nothing in it
	exitInterrupted = 130 // 128 + SIGINT, as shells have it
)

// gcPercent keeps the peak of memory low: most of what is live is what the reader
// holds of a generation, so that collecting oftener costs next to nothing.
const gcPercent = 40

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The second Ctrl-C kills: from the first on, the signal has its default effect again.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// app is one run of the program: its streams, and the code that it will exit with.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	host   *mcp.Host // what stands around it if it is no process of its own
	code   int
	ran    bool // a subcommand's own code was reached: what fails from there on is not the usage
}

// run is the program without its process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(a.meant(root, args))
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return a.code
	}
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "gmptrace: interrupted")
		return exitInterrupted
	}
	a.complain(cmd, err)
	return exitUsage
}

// meant are the arguments with the command that a trace without one stands for: a
// report of it. Flags may come before it.
func (a *app) meant(root *cobra.Command, args []string) []string {
	isCommand := func(arg string) bool {
		return slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == arg })
	}
	isTrace := func(arg string) bool {
		info, err := os.Stat(arg)
		return arg == "-" || isURL(arg) || err == nil && !info.IsDir()
	}
	switch {
	case len(args) == 0 || isCommand(args[0]):
		return args
	case isTrace(args[0]), strings.HasPrefix(args[0], "-") && slices.ContainsFunc(args, isTrace) && !slices.ContainsFunc(args, isCommand):
		return slices.Insert(slices.Clone(args), 0, "report")
	}
	return args
}

// complain prints what went wrong, and where to read on if it was the usage.
func (a *app) complain(cmd *cobra.Command, err error) {
	fmt.Fprintf(a.stderr, "gmptrace: %s\n", printable(err.Error()))
	var usage usageError
	if !a.ran || errors.As(err, &usage) {
		fmt.Fprintf(a.stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
	}
}

// usageError is a command line that cannot be meant.
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error {
	return usageError(fmt.Sprintf(format, args...))
}

// oneTrace is the arguments of a subcommand that reads a trace.
func oneTrace(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usagef("no trace given: name a file or an http address, or - for standard input")
	case 1:
		return nil
	}
	return usagef("%d arguments given, but only one trace can be read at a time", len(args))
}

// inputError is what could not be read, in the form of the errors of Analyze.
func inputError(name, kind, text, hint string, err error) error {
	return &report.InputError{Name: printableName(name), Kind: kind, Offset: -1, Text: text, Hint: hint, Err: err}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "gmptrace",
		Short: "Where the time of a Go program went, and what its scheduler did",
		Long: `Gmptrace reads a Go execution trace (runtime/trace, /debug/pprof/trace, the
flight recorder, go test -trace), replays it through a model of the scheduler,
and says where the time went: scheduling latency and what caused it, where
goroutines were dispatched from, steals, handoffs, preemptions, idle Ps, GC.

A trace alone is a report of it: one HTML file. 'gmptrace analyze' prints the answer.

Exit codes: 0 done; 1 --fail-on found something, or a check failed; 2 usage or nothing readable;
3 the trace was analysed in part or has nothing in it; 130 after Ctrl-C.`,
		Example: `  gmptrace app.trace
  gmptrace report app.trace
  gmptrace analyze app.trace
  gmptrace explain app.trace
  gmptrace check app.trace --policy policy.yaml
  gmptrace version`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return noCommand(cmd, args, "no command given")
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.AddCommand(a.reportCommand(), a.serveCommand(), a.analyzeCommand(), a.explainCommand(), a.checkCommand(), a.policyCommand(), a.fixtureCommand(),
		a.diffCommand(), a.whatifCommand(), a.decisionsCommand(), a.exportCommand(), a.recordCommand(), a.anonymizeCommand(), a.mcpCommand(), a.fleetCommand(), a.versionCommand())
	return root
}
