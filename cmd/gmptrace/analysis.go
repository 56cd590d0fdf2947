package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"gmptrace/analyze"
	"gmptrace/analyze/machine"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// analysis is what the commands that read a trace share: their flags, and the
// way from the name of a trace to a Report and an exit code.
type analysis struct {
	*app
	from, to  bound
	goVersion goVersion
	maxMemory byteSize
	reader    readerName
	machine   string // file with evidence; "" to look for one beside the trace
	seconds   int
	failOn    severity
	quiet     bool
	name      string // that a file is shown by instead of its own; "" for that
	around    []report.Window
	watch     func(replay.Progress) // told of progress, where no bar is
	slices    int                   // of the timeline to keep; commands without pictures leave it 0
	spans     bool                  // ask for the times of tasks, regions and requests
}

func newAnalysis(a *app) *analysis {
	return &analysis{app: a, maxMemory: replay.DefaultMaxMemory}
}

// traceHelp is what the commands' help says about TRACE.
const traceHelp = `TRACE is a file, - for standard input, or the http(s) URL of a trace endpoint
such as http://localhost:6060/debug/pprof/trace. Traces compressed with gzip or
zstd are recognised by their content.`

func (an *analysis) addFlags(f *pflag.FlagSet) {
	an.addTraceFlags(f)
	f.Var(&an.failOn, "fail-on", "exit with code 1 if there is a finding of this `SEVERITY` or worse: "+strings.Join(severityNames(), ", "))
}

// addTraceFlags adds those that have to do with reading.
func (an *analysis) addTraceFlags(f *pflag.FlagSet) {
	f.Var(&an.from, "from", "leave out what comes before: an `OFFSET` from the trace's start (1.5s) or a time (2026-01-02T15:04:05Z)")
	f.Var(&an.to, "to", "leave out what comes after: an `OFFSET` from the trace's start, or a time")
	f.Var(&an.goVersion, "go-version", "`VERSION` of Go whose scheduler wrote the trace, such as 1.24 (default: as the trace says)")
	f.Var(&an.maxMemory, "max-memory", "`BYTES` that reading may take, such as 4GiB; a trace that needs more is analysed up to there")
	f.Var(&an.reader, "reader", "`WHO` decodes the trace: own, which is fast, or reference, which is golang.org/x/exp/trace")
	f.StringVar(&an.machine, "machine", "", "what the machine said while the trace was recorded, in `FILE`, which may be compressed (default: TRACE.machine, if it is there)")
	f.IntVar(&an.seconds, "seconds", 0, "let the trace endpoint record for `N` seconds (default: the endpoint's own, mostly 1)")
	f.BoolVarP(&an.quiet, "quiet", "q", false, "no progress bar and no remarks on standard error")
}

func (an *analysis) completions(cmd *cobra.Command) {
	names := cobra.FixedCompletions(severityNames(), cobra.ShellCompDirectiveNoFileComp)
	must(cmd.RegisterFlagCompletionFunc("fail-on", names))
}

// must is for calls that fail only if the program was written wrong.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// check finds what no single flag can know to be wrong.
func (an *analysis) check(trace string) error {
	switch {
	case an.seconds < 0:
		return usagef("--seconds %d: must not be negative", an.seconds)
	case an.seconds > 0 && !isURL(trace):
		return usagef("--seconds is for the URL of a trace endpoint, and %s is none", printableName(trace))
	case an.slices < 0:
		return usagef("--slices %d: must not be negative", an.slices)
	case an.from.empty(an.to):
		return usagef("--from %v is not before --to %v", &an.from, &an.to)
	}
	return nil
}

// load reads and analyses a trace.
func (an *analysis) load(ctx context.Context, trace string) (*report.Report, error) {
	read := func() (*report.Report, error) { return an.report(ctx, trace) }
	if an.host != nil {
		return an.host.Report(read)
	}
	return read()
}

func (an *analysis) report(ctx context.Context, trace string) (*report.Report, error) {
	return reading(ctx, an, trace, func(in io.Reader, opt replay.Options) (*report.Report, error) {
		rep, err := analyze.Analyze(ctx, in, analyze.Options{Options: opt, Slices: an.slices, Around: an.around, Spans: an.spans})
		if err == nil {
			rep.Version = buildVersion()
		}
		return rep, err
	})
}

// reading opens a trace for read, and shows how far that is. The progress bar is
// gone when it returns.
func reading[T any](ctx context.Context, an *analysis, trace string, read func(io.Reader, replay.Options) (T, error)) (T, error) {
	in, err := an.open(ctx, trace)
	if err != nil {
		var none T
		return none, err
	}
	defer in.Close()
	said, err := an.evidence(trace)
	if err != nil {
		var none T
		return none, err
	}
	bar := an.progress(in)
	opt := an.options(in, bar)
	opt.Machine = said
	if an.watch != nil {
		opt.Progress = an.watch
	}
	x, err := read(in, opt)
	bar.close()
	return x, printableError(err)
}

// answer is what a command that reads one trace has to say, and where.
type answer[T any] struct {
	out    string // file, "" for standard output
	force  bool   // replace it whoever wrote it
	read   func(io.Reader, replay.Options) (T, error)
	render func(io.Writer, T) error
	told   func(T) (headline string, trace *report.Trace)
}

// give reads the trace and writes what was found.
func (a answer[T]) give(ctx context.Context, an *analysis, trace string) error {
	if err := notItself(trace, a.out); err != nil {
		return err
	}
	out, err := createOutput(a.out, a.force, an.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	x, err := reading(ctx, an, trace, a.read)
	if err != nil {
		return err
	}
	if err := out.write(ctx, func(w io.Writer) error { return a.render(w, x) }); err != nil {
		return err
	}
	headline, tr := a.told(x)
	if out.path != "" {
		an.remark("%s: %s", printableName(out.path), printableName(headline))
	}
	an.concludeTrace(tr)
	return nil
}

// options are those of reading that the flags ask for.
func (an *analysis) options(in *input, bar *progress) replay.Options {
	return replay.Options{
		Name:      in.name,
		Size:      in.size,
		GoVersion: string(an.goVersion),
		From:      an.from.Bound,
		To:        an.to.Bound,
		MaxMemory: int64(an.maxMemory),
		Reader:    string(an.reader),
		Progress:  bar.update,
	}
}

// evidence is what the machine said beside a trace: in the file that --machine names, else
// in one that has the trace's name with .machine behind it, if that is there.
func (an *analysis) evidence(trace string) (*machine.Evidence, error) {
	name := an.machine
	if name == "" {
		if !an.isFile(trace) {
			return nil, nil
		}
		name = trace + machine.Suffix
	}
	open := os.Open
	if an.host != nil {
		open = an.host.Open
	}
	f, err := open(name)
	if an.machine == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		var said *report.InputError
		if errors.As(err, &said) {
			return nil, err
		}
		return nil, openError(name, err)
	}
	defer f.Close()
	e, err := readEvidence(f)
	if err != nil {
		return nil, inputError(name, "read", "holds no evidence of a machine that can be read: "+err.Error(), "gmptrace record writes such files; package machine documents them.", err)
	}
	return e, nil
}

// readEvidence reads what the machine said, compressed or not.
func readEvidence(r io.Reader) (*machine.Evidence, error) {
	text, end, err := unpacked(r)
	defer end()
	if err != nil {
		return nil, err
	}
	return machine.ReadAll(text)
}

// printableError makes the input's name in err safe to print.
func printableError(err error) error {
	var bad *report.InputError
	if errors.As(err, &bad) {
		shown := *bad
		shown.Name = printableName(bad.Name)
		return &shown
	}
	return err
}

// conclude sets the exit code, and says in one line what could not be analysed.
func (an *analysis) conclude(rep *report.Report) {
	an.concludeTrace(&rep.Trace)
	if an.failOn.reached(rep.Findings) {
		an.code = exitFindings
	}
}

// concludeTrace does so for what was read.
func (an *analysis) concludeTrace(t *report.Trace) {
	if !t.Complete || t.Events == 0 {
		if an.code != exitFindings && an.code != exitUsage {
			an.code = exitPartial
		}
		fmt.Fprintf(an.stderr, "gmptrace: %s: %s\n", printableName(t.Name), printableName(lost(t)))
	}
}

// lost says what is missing from a report.
func lost(t *report.Trace) string {
	var texts []string
	for _, l := range t.Lost {
		texts = append(texts, l.Text)
	}
	what := "analysed in part"
	if t.Events == 0 {
		what = "nothing to analyse"
	}
	if len(texts) == 0 {
		return what
	}
	return what + ": " + strings.Join(texts, "; ")
}

// remark prints a line that --quiet suppresses.
func (an *analysis) remark(format string, args ...any) {
	if !an.quiet {
		fmt.Fprintln(an.stderr, words.Text(fmt.Sprintf("gmptrace: "+format, args...)))
	}
}

// reached tells whether a finding is as severe as s asks for. The zero severity
// asks for none.
func (s severity) reached(findings []report.Finding) bool {
	return s != "" && slices.ContainsFunc(findings, func(f report.Finding) bool {
		return slices.Index(severities, f.Severity) >= slices.Index(severities, report.Severity(s))
	})
}
