package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/policy"
	"gmptrace/analyze/report"
	"gmptrace/render"

	"github.com/spf13/cobra"
	"golang.org/x/mod/modfile"
)

type checkCommand struct {
	*analysis
	policy  string
	fixture string
	compare compare.Options
	other   bool // compare with a fixture of another program
	several bool // traces: a fixture is compared with all of them together
	format  choice
	failOn  choice
	outputs []string
	force   bool
	verbose bool
}

func (a *app) checkCommand() *cobra.Command {
	c := &checkCommand{analysis: newAnalysis(a),
		format: chosen(formatText, formatJSON, formatJUnit, formatSARIF, formatMarkdown),
		failOn: chosen(string(report.CheckSeverityError), string(report.CheckSeverityWarning))}
	cmd := &cobra.Command{
		Use:   "check TRACE... --policy FILE | --fixture DIR",
		Short: "Hold traces to a policy or to a recorded fixture, for CI",
		Long: `Check analyses each trace and holds it to every rule of a policy: a YAML file of
named expressions over the analysis. What fails is named, with what was measured
and where in the program it is. 'gmptrace policy init' writes a policy to start
from, 'gmptrace policy list' prints all that a rule can look at.

With --fixture it holds the traces, all together, to the behaviour that 'gmptrace
fixture record' has kept: requests, tasks, regions and goroutines must not take
longer than they did, by more than chance and by more than they vary anyway, and
the program must not newly deadlock, leak goroutines, poll or queue. A failure says
by how much, what of the time has grown and where. What says more about the machine
than about the program only warns.

As text, what failed comes first, in a paragraph each with the command that tells
more of it, then a line for each warning. What passed and what was skipped is
counted; -v lists it, with what was measured and why.

Results go to standard output in the --format given. -o writes them to files: with
FORMAT=FILE in that format besides, any number of times; with FILE alone in the
format of --format, and then not to standard output. Files that gmptrace wrote are
replaced.

Exit codes: 0 every rule holds or was skipped; 1 a rule of severity error failed,
with --fail-on warning any; 2 wrong usage, a broken policy, an unreadable trace, or
a rule that can't be evaluated; 3 a trace was analysed in part. 1 beats 2 beats 3.

` + traceHelp,
		Example: `  gmptrace check app.trace --policy policy.yaml
  gmptrace check app.trace app.trace.gz --policy policy.yaml --fail-on warning
  gmptrace check fixtures/traces/real/webshop-go1.26-p2-endpoint.trace --fixture fixtures/ci/behaviour
  gmptrace check app.trace --policy policy.yaml --format markdown -o summary.md
  gmptrace check app.trace --policy policy.yaml -o junit=report.xml -o sarif=report.sarif
  gmptrace check --policy policy.yaml --format json - < app.trace`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no trace given: name files or http addresses, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			return c.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	c.addTraceFlags(f)
	f.StringVarP(&c.policy, "policy", "p", "", "hold traces to the rules in `FILE`, YAML")
	f.StringVar(&c.fixture, "fixture", "", "hold traces to the behaviour recorded in `DIR`")
	f.Float64Var(&c.compare.Alpha, "alpha", compare.DefaultAlpha, "with --fixture: `SHARE` of the changes claimed that chance alone may have made")
	f.BoolVar(&c.other, "other-program", false, "with --fixture: compare even if it is of another program")
	f.Float64Var(&c.compare.Floor, "floor", compare.DefaultFloor, "with --fixture: least relative `CHANGE` of a length that counts: 0.1 is 10 %")
	f.Var(&c.failOn, "fail-on", "exit with code 1 if a rule of this `SEVERITY` failed, or of a worse one: warning or error")
	f.Var(&c.format, "format", "`FORMAT` of the results: text, json, junit, sarif or markdown")
	f.StringArrayVarP(&c.outputs, "output", "o", nil, "write to a file, in the format of --format or in its own: `[FORMAT=]FILE`; may be repeated")
	f.BoolVar(&c.force, "force", false, "replace files whoever wrote them")
	f.BoolVarP(&c.verbose, "verbose", "v", false, "list what passed and what was skipped as well, and all that is known of warnings: as text")
	c.format.complete(cmd, "format")
	c.failOn.complete(cmd, "fail-on")
	must(cmd.RegisterFlagCompletionFunc("policy", cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt)))
	must(cmd.RegisterFlagCompletionFunc("output", c.completeOutput))
	return cmd
}

// completeOutput offers formats before the = of FORMAT=FILE.
func (c *checkCommand) completeOutput(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	if strings.Contains(typed, "=") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, n := range c.format.names {
		names = append(names, n+"=")
	}
	return names, cobra.ShellCompDirectiveNoSpace
}

// checkOutput is a place for results, and their format there.
type checkOutput struct {
	*output
	format string
}

func (c *checkCommand) run(ctx context.Context, traces []string) error {
	if err := c.usage(traces); err != nil {
		return err
	}
	c.several = len(traces) > 1
	held := &heldTo{}
	if err := held.load(c.policy, c.fixture); err != nil {
		return err
	}
	c.spans = held.policy != nil && held.policy.Spans()
	outputs, err := c.createOutputs(traces)
	defer func() {
		for _, o := range outputs {
			o.discard()
		}
	}()
	if err != nil {
		return err
	}
	checked := report.NewChecked(buildVersion())
	checked.FailOn = report.CheckSeverity(c.failOn.value)
	for _, trace := range traces {
		if err := c.checkTrace(ctx, trace, held, checked); err != nil {
			return err
		}
	}
	if c.several && len(held.traces) > 0 {
		all := held.traces[0].Trace
		all.Name += ", compared with the fixture"
		if n := len(held.traces) - 1; n > 0 {
			all.Name = fmt.Sprintf("%s and %d more, compared together", held.traces[0].Trace.Name, n)
		}
		checked.Add(&all, c.sayNext(traces[0], compare.Check(held.fixture, held.traces, held.file, c.compare)))
	}
	for _, o := range outputs {
		err := o.write(ctx, func(w io.Writer) error { return c.render(w, checked, o) })
		if err != nil {
			return err
		}
	}
	switch {
	case checked.Failed():
		c.code = exitFindings
	case checked.Counts.Errors > 0:
		c.code = exitUsage
	}
	return nil
}

// usage finds what no single flag can know to be wrong.
func (c *checkCommand) usage(traces []string) error {
	if c.policy == "" && c.fixture == "" {
		return usagef("nothing to hold traces to: name a policy with --policy FILE ('gmptrace policy init' writes one to start from), or a fixture with --fixture DIR ('gmptrace fixture record' makes one)")
	}
	if err := checkCompare(c.compare); err != nil {
		return err
	}
	stdin := 0
	for _, t := range traces {
		if t == "-" {
			stdin++
		}
		if err := c.check(t); err != nil {
			return err
		}
	}
	if stdin > 1 {
		return usagef("standard input can be read only once")
	}
	return nil
}

// checkTrace adds a trace and its results. A trace that can't be read is one of
// them: the others are checked all the same.
func (c *checkCommand) checkTrace(ctx context.Context, trace string, held *heldTo, checked *report.Checked) error {
	rep, err := held.read(ctx, c.analysis, trace)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && !c.other && held.fixture != nil && otherProgram(held.fixture[0].Trace.Program, rep.Trace.Program) {
		return usagef("%s is a trace of %s, and the fixture one of %s: compare them all the same with --other-program", printableName(trace), printableName(rep.Trace.Program), printableName(held.fixture[0].Trace.Program))
	}
	if err != nil {
		checked.AddUnreadable(trace, err)
		fmt.Fprintf(c.stderr, "gmptrace: %s\n", printable(err.Error()))
		c.code = exitUsage
		return nil
	}
	var results []report.CheckResult
	if held.policy != nil {
		if results, err = held.policy.Check(ctx, rep); err != nil {
			return err
		}
	}
	if held.fixture != nil && len(held.traces) == 1 && !c.several {
		results = append(results, compare.Check(held.fixture, held.traces, held.file, c.compare)...)
	}
	checked.Add(&rep.Trace, c.sayNext(trace, results))
	c.concludeTrace(&rep.Trace)
	return nil
}

// otherProgram reports whether two programs are known not to be the same.
func otherProgram(a, b string) bool { return a != "" && b != "" && a != b }

// heldTo is what traces are held to.
type heldTo struct {
	policy  *policy.Policy // nil for none
	file    string         // of the fixture
	fixture []*compare.Behaviour
	traces  []*compare.Behaviour // those read, where there is a fixture
}

func (h *heldTo) load(policyFile, fixture string) (err error) {
	if policyFile != "" {
		if h.policy, err = loadPolicy(policyFile); err != nil {
			return err
		}
	}
	if fixture == "" {
		return nil
	}
	f, err := compare.ReadFixture(fixture)
	if err != nil {
		return err
	}
	h.file = filepath.ToSlash(compare.FixturePath(fixture))
	if h.fixture, err = f.Behaviours(); err != nil {
		return fmt.Errorf("%s: %w: record it again", h.file, err)
	}
	return nil
}

// read analyses a trace.
func (h *heldTo) read(ctx context.Context, an *analysis, trace string) (*report.Report, error) {
	if h.fixture == nil {
		return an.load(ctx, trace)
	}
	b, err := an.behaviour(ctx, trace)
	if err != nil {
		return nil, err
	}
	h.traces = append(h.traces, b)
	return b.Report, nil
}

// createOutputs prepares all places that results go to, standard output the first
// unless a file takes its place.
func (c *checkCommand) createOutputs(traces []string) ([]checkOutput, error) {
	out := []checkOutput{{&output{w: c.stdout}, c.format.value}}
	plain := 0
	seen := map[string]bool{}
	for _, spec := range c.outputs {
		format, name, ok := strings.Cut(spec, "=")
		if ok && !slices.Contains(c.format.names, format) && !strings.ContainsAny(format, `/\.`) {
			return out, usagef("--output %s: %q is no format: need one of %s", printableName(spec), printableName(format), strings.Join(c.format.names, ", "))
		}
		if !ok || !slices.Contains(c.format.names, format) {
			format, name = c.format.value, spec
			plain++
		}
		if name == "" {
			return out, usagef("--output %q names no file", spec)
		}
		if seen[filepath.Clean(name)] && name != "-" {
			return out, usagef("--output: %s is named twice", printableName(name))
		}
		seen[filepath.Clean(name)] = true
		for _, t := range traces {
			if err := notItself(t, name); err != nil {
				return out, err
			}
		}
		if err := notItself(c.policy, name); c.policy != "" && err != nil {
			return out, usagef("%s is the policy itself: give the results another name", printableName(name))
		}
		o, err := createOutput(name, c.force, c.stdout)
		if err != nil {
			return out, err
		}
		out = append(out, checkOutput{o, format})
	}
	if plain > 1 {
		return out, usagef("--output names two files without a format: give one, as in junit=report.xml")
	}
	if plain == 1 {
		out = out[1:]
	}
	return out, nil
}

func (c *checkCommand) render(w io.Writer, checked *report.Checked, o checkOutput) error {
	switch o.format {
	case formatJSON:
		return render.CheckedJSON(w, checked)
	case formatJUnit:
		return render.CheckedJUnit(w, checked)
	case formatSARIF:
		return render.CheckedSARIF(w, checked, sources())
	case formatMarkdown:
		return render.CheckedMarkdown(w, checked)
	}
	opt := render.TextOptions{}
	if o.path == "" && o.temp == nil {
		opt = textOptions(c.stdout)
	}
	opt.Verbose = c.verbose
	return render.CheckedText(w, checked, opt)
}

// sources are the repository that gmptrace was called in, and its module: in CI,
// those of the program that was traced.
func sources() render.SARIFOptions {
	dir, err := os.Getwd()
	if err != nil {
		return render.SARIFOptions{}
	}
	opt := render.SARIFOptions{Root: filepath.ToSlash(dir)}
	moduleDir := ""
	for up := dir; ; up = filepath.Dir(up) {
		if mod, err := os.ReadFile(filepath.Join(up, "go.mod")); err == nil && moduleDir == "" {
			moduleDir, opt.Module = up, modfile.ModulePath(mod)
		}
		if _, err := os.Stat(filepath.Join(up, ".git")); err == nil {
			opt.Root = filepath.ToSlash(up)
			break
		}
		if up == filepath.Dir(up) {
			break
		}
	}
	opt.Dir = within(opt.Root, dir)
	opt.ModuleDir = within(opt.Root, moduleDir)
	return opt
}

// within is a folder's path in another, "" for that itself or where it lies outside.
func within(root, dir string) string {
	rel, err := filepath.Rel(root, dir)
	if err != nil || rel == "." || dir == "" || strings.HasPrefix(rel, "..") {
		return ""
	}
	return filepath.ToSlash(rel)
}

// loadPolicy reads a policy's file.
func loadPolicy(name string) (*policy.Policy, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read: %w", printableName(name), pathless(err))
	}
	p, err := policy.Load(name, text)
	var bad policy.Errors
	if errors.As(err, &bad) {
		return nil, fmt.Errorf("the policy is broken:\n%w", err)
	}
	return p, err
}
