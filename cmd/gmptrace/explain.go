package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
	"gmptrace/render"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type explainCommand struct {
	*analysis
	format    choice
	out       string
	force     bool
	selectors selectors
	top       int
	all       bool
}

// selectors are the flags of which one says what to explain.
type selectors struct {
	goroutine int64
	function  string
	task      string
	region    string
	log       string
	having    string
	http      string
	at        string
	served    bool
	client    bool
	open      bool
	pooled    bool
	given     []string // of the flags, those that were
}

// allRequests is the value of --http without one.
const allRequests = "."

func newExplain(an *analysis) *explainCommand {
	return &explainCommand{analysis: an, format: chosen(formatText, formatJSON, formatHTML)}
}

func (a *app) explainCommand() *cobra.Command {
	c := newExplain(newAnalysis(a))
	cmd := &cobra.Command{
		Use:     "explain TRACE",
		Short:   "Say why something was slow, and who did it",
		Long:    explainHelp + traceHelp,
		Example: explainExamples,
		Args:    explainArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			c.selectors.given = givenOf(cmd, selectorFlags)
			return c.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	c.addFlags(f)
	must(f.MarkHidden("fail-on")) // explanations are no findings
	c.selectors.addFlags(f)
	c.addTop(f)
	f.BoolVar(&c.all, "all", false, "print all of it, not the answer alone: as text")
	f.Var(&c.format, "format", "`FORMAT` of the output: text, json or html")
	f.StringVarP(&c.out, "output", "o", "-", "write to `FILE`; - is standard output")
	f.BoolVar(&c.force, "force", false, "replace FILE whoever wrote it")
	c.completions(cmd)
	c.format.complete(cmd, "format")
	return cmd
}

func (c *explainCommand) addTop(f *pflag.FlagSet) {
	f.IntVar(&c.top, "top", explain.DefaultTop, "explain the `K` slowest")
}

const explainHelp = `Explain picks requests, tasks, regions, goroutines or messages out of a trace and
says where the time of the slowest went, and what they have that typical ones
do not. Every nanosecond has one cause, and the parts sum to the whole. While the
explained goroutine was blocked, the time is that of the goroutine which unblocked
it, and so on: the critical path. The text is the answer and the slowest one; --all
prints the others, how long they took, all causes and names.

At most one of --goroutine, --func, --task, --region, --log, --http and --at selects
what is explained. Without any, it is the requests that the program served, if it
is a server of net/http, fasthttp or gRPC, else its tasks, else main.main along what it waited
for, unless that stood by, else the longest waits for a P.
What has one name, such as a handler, is compared with each other, and the name whose
instances lost most is explained; --pooled compares all. --having leaves out those in which
no message matching it was logged. --from and --to leave out what lies outside of a part of the trace. The names of
tasks and regions are taken as they are, everything else is a regular expression.

A P is a slot that lets one goroutine run at a time; there are GOMAXPROCS of them. A
goroutine that could run but has no P is runnable: it stands in the queue of a P or in
the global one. The garbage collector runs mark workers on Ps, and stops the world, that
is all Ps, for moments.

`

const explainExamples = `  gmptrace explain app.trace
  gmptrace explain --http app.trace
  gmptrace explain --all app.trace
  gmptrace explain --http='Checkout' --top 3 app.trace
  gmptrace explain --task checkout --from 10ms --to 30ms app.trace
  gmptrace explain --at 'main\.exportTable' app.trace
  gmptrace explain --http --unfinished app.trace
  gmptrace explain --func 'main\.worker' --format json app.trace
  gmptrace explain --goroutine 42 app.trace
  gmptrace explain --log 'timed?out' app.trace
  gmptrace explain --task checkout --having 4bf92f3577b34da6 app.trace
  gmptrace explain --format html -o why.html app.trace`

// explainArgs wants one trace.
func explainArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 2 && cmd.Flags().Changed("http") {
		return usagef("%d arguments given: a handler's pattern goes behind an equals sign, as in --http=%s", len(args), printableName(args[0]))
	}
	return oneTrace(cmd, args)
}

// givenOf are those of some flags that were given.
func givenOf(cmd *cobra.Command, flags []string) []string {
	var given []string
	cmd.Flags().Visit(func(f *pflag.Flag) { given = append(given, f.Name) })
	return among(given, flags)
}

// among are those of some flags that are among given, in their own order.
func among(given, flags []string) []string {
	var list []string
	for _, name := range flags {
		if slices.Contains(given, name) {
			list = append(list, name)
		}
	}
	return list
}

// addFlags adds the flags that say what to explain.
func (s *selectors) addFlags(f *pflag.FlagSet) {
	f.Int64Var(&s.goroutine, "goroutine", 0, "explain goroutine `N`")
	f.StringVar(&s.function, "func", "", "explain goroutines that started with a function matching `REGEXP`, or were given one to run or, if there are none, that were seen in one")
	f.StringVar(&s.task, "task", "", "explain the user task with the id, or those with the name, `NAME|ID`")
	f.StringVar(&s.region, "region", "", "explain the user regions with the name `NAME`")
	f.StringVar(&s.log, "log", "", "explain what led up to messages matching `REGEXP`")
	f.StringVar(&s.having, "having", "", "those alone in which a message matching `REGEXP` was logged, such as a trace id")
	f.StringVar(&s.http, "http", "", "explain requests of net/http, fasthttp and gRPC, with =`REGEXP` those whose handler matches or, if none does, that were seen in a function that does")
	f.Lookup("http").NoOptDefVal = allRequests
	f.StringVar(&s.at, "at", "", "explain stretches in which goroutines were seen with a function matching `REGEXP` anywhere on their stacks")
	f.BoolVar(&s.served, "served", false, "with --http: the requests alone that the program served")
	f.BoolVar(&s.client, "client", false, "with --http: the requests alone that the program sent")
	f.BoolVar(&s.open, "unfinished", false, "those alone that had not ended when the trace did")
	f.BoolVar(&s.pooled, "pooled", false, "compare all that is selected with each other, whatever it is called")
}

// selectorFlags are the flags that say what to explain.
var selectorFlags = []string{"goroutine", "func", "task", "region", "log", "http", "at"}

// selector is what the flags ask for.
func (s *selectors) selector(top int) (explain.Selector, error) {
	sel := explain.Selector{G: model.NoG, Task: -1, Top: top, Served: s.served, Sent: s.client, Open: s.open, Pooled: s.pooled}
	if s.served && s.client {
		return sel, usagef("--served and --client: only one of them can be given")
	}
	if (s.served || s.client) && !slices.Contains(s.given, "http") {
		return sel, usagef("--served and --client tell requests apart: give --http too")
	}
	if len(s.given) > 1 {
		return sel, usagef("--%s: only one of %s can say what to explain", strings.Join(s.given, " and --"), "--"+strings.Join(selectorFlags, ", --"))
	}
	var err error
	if s.having != "" {
		if slices.Contains(s.given, "log") {
			return sel, usagef("--having and --log: both name messages; only one of them can be given")
		}
		if sel.Having, err = pattern("having", s.having); err != nil {
			return sel, err
		}
	}
	if len(s.given) == 0 {
		return sel, nil
	}
	switch s.given[0] {
	case "goroutine":
		if s.goroutine <= 0 {
			return sel, usagef("--goroutine %d: need the number of a goroutine, from 1 on", s.goroutine)
		}
		sel.Kind, sel.G = report.KindGoroutine, model.GoID(s.goroutine)
	case "func":
		sel.Kind = report.KindGoroutine
		sel.Pattern, err = pattern("func", s.function)
	case "task":
		sel.Kind = report.KindTask
		if id, notID := strconv.ParseInt(s.task, 10, 64); notID == nil {
			sel.Task = id
			return sel, nil
		}
		sel.Pattern, err = exactly("task", s.task)
		sel.Said = fmt.Sprintf("named %q", s.task)
	case "region":
		sel.Kind = report.KindRegion
		sel.Pattern, err = exactly("region", s.region)
		sel.Said = fmt.Sprintf("named %q", s.region)
	case "log":
		sel.Kind = report.KindLog
		sel.Pattern, err = pattern("log", s.log)
	case "at":
		sel.Kind = report.KindAt
		sel.Pattern, err = pattern("at", s.at)
	case "http":
		sel.Kind = report.KindRequest
		if s.http != allRequests {
			sel.Pattern, err = pattern("http", s.http)
		}
	}
	return sel, err
}

func pattern(flag, value string) (*regexp.Regexp, error) {
	if value == "" {
		return nil, usagef("--%s needs a regular expression", flag)
	}
	re, err := regexp.Compile(value)
	if err != nil {
		return nil, usagef("--%s: %s", flag, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return re, nil
}

// exactly matches one name.
func exactly(flag, value string) (*regexp.Regexp, error) {
	if value == "" {
		return nil, usagef("--%s needs a name", flag)
	}
	return regexp.Compile("^" + regexp.QuoteMeta(value) + "$")
}

func (c *explainCommand) run(ctx context.Context, trace string) error {
	if err := c.check(trace); err != nil {
		return err
	}
	sel, err := c.selector()
	if err != nil {
		return err
	}
	selected := true
	err = answer[*report.Explanation]{
		out: c.out, force: c.force,
		read: func(in io.Reader, opt replay.Options) (*report.Explanation, error) {
			x, err := c.explained(ctx, in, opt, sel, trace)
			if err == nil {
				selected = len(x.Groups) > 0 || sel.Kind == "" && sel.Having == nil
			}
			return x, err
		},
		render: func(w io.Writer, x *report.Explanation) error { return c.render(w, trace, x) },
		told:   func(x *report.Explanation) (string, *report.Trace) { return x.Headline, &x.Trace },
	}.give(ctx, c.analysis, trace)
	if err == nil && !selected && c.code == exitDone {
		c.code = exitPartial
	}
	return err
}

// selector is what the flags ask for.
func (c *explainCommand) selector() (explain.Selector, error) {
	if c.top < 1 || c.top > 1000 {
		return explain.Selector{}, usagef("--top %d: need a number from 1 to 1000", c.top)
	}
	return c.selectors.selector(c.top)
}

// explained explains what is read of a trace with this name.
func (c *explainCommand) explained(ctx context.Context, in io.Reader, opt replay.Options, sel explain.Selector, trace string) (*report.Explanation, error) {
	x, err := explain.Explain(ctx, in, opt, sel)
	if err == nil {
		x.Version = buildVersion()
		x.Next = c.namingTrace(x.Next, trace)
	}
	return x, err
}

// namingTrace puts a trace's name where a command has TRACE.
func (an *analysis) namingTrace(command, trace string) string {
	if before, ok := strings.CutSuffix(command, "TRACE"); ok {
		return before + an.shellWords(trace)
	}
	return command
}

func (c *explainCommand) render(w io.Writer, trace string, x *report.Explanation) error {
	switch c.format.value {
	case formatJSON:
		return render.ExplainJSON(w, x)
	case formatHTML:
		return render.ExplainHTML(w, x)
	}
	if c.all {
		return render.ExplainText(w, x, c.textOptions(trace, c.out))
	}
	return render.ExplainSummary(w, x, c.textOptions(trace, c.out))
}
