package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"gmptrace/analyze/machine"
	"gmptrace/analyze/policy"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/render"
)

type recordCommand struct {
	*analysis
	out    string
	pid    int
	until  string
	rounds int
	force  bool
}

func (a *app) recordCommand() *cobra.Command {
	c := &recordCommand{analysis: newAnalysis(a)}
	cmd := &cobra.Command{
		Use:   "record URL | record -- go test ARG...",
		Short: "Record a trace with the machine's side of the story",
		Long: `Record takes a trace from a program's endpoint, /debug/pprof/trace of net/http/pprof,
or runs 'go test' with -trace. On the same machine it asks the machine meanwhile, every
10 ms, whether the program's threads had CPUs: what it says is kept beside the trace,
in FILE.machine, where every command finds it. It then prints the verdict.

The process is the one that listens on the URL's port; --pid names it where that cannot
be told: in another container, behind a proxy. Processes of other users need root.

With --until it records rounds of --seconds each, and keeps the first whose analysis
makes an expression true, such as 'latency.p99 > ms(50)': 'gmptrace policy list' prints
what one can look at.`,
		Example: `  gmptrace record http://localhost:6060 --seconds 5 -o new.trace
  gmptrace record http://localhost:6060 --until 'latency.p99 > ms(50)' -o slow.trace
  gmptrace record -o test.trace -- go test -run TestCheckout ./checkout`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("nothing to record: name the http address of a program, or a test behind --")
			}
			if cmd.ArgsLenAtDash() != 0 && len(args) > 1 {
				return usagef("%d arguments given, but only one program can be recorded at a time", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			if cmd.ArgsLenAtDash() == 0 {
				return c.recordTest(cmd.Context(), args)
			}
			return c.recordURL(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVarP(&c.out, "output", "o", "app.trace", "write the trace to `FILE`, and what the machine said to FILE"+machine.Suffix)
	f.IntVar(&c.pid, "pid", 0, "sample the process with this `ID`")
	f.IntVar(&c.seconds, "seconds", 5, "record for `N` seconds")
	f.StringVar(&c.until, "until", "", "record again and again until this `EXPRESSION` of a policy is true")
	f.IntVar(&c.rounds, "rounds", 0, "with --until: give up after `N` rounds, with exit code 3 (default: never)")
	f.BoolVar(&c.force, "force", false, "replace files that are there")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "no remarks on standard error")
	return cmd
}

// recordURL records a program that runs.
func (c *recordCommand) recordURL(ctx context.Context, address string) error {
	until, err := c.condition()
	if err != nil {
		return err
	}
	u, err := endpoint(address)
	if err != nil {
		return err
	}
	if c.seconds <= 0 {
		return usagef("--seconds %d: must be positive", c.seconds)
	}
	if err := c.free(); err != nil {
		return err
	}
	pid := c.process(ctx, u)
	for round := 1; ; round++ {
		if err := c.round(ctx, u, pid); err != nil {
			return err
		}
		rep, err := c.load(ctx, c.out)
		if err != nil {
			return err
		}
		res, err := until(ctx, rep)
		if err != nil {
			return err
		}
		if res.Status == report.CheckPass {
			return c.tell(ctx, rep)
		}
		if never := neverTold(res, rep); never != nil {
			return never
		}
		c.remark("round %d: %s: %s", round, printableName(rep.Verdict.Headline), notYet(res))
		if round == c.rounds {
			c.code = exitPartial
			c.remark("gave up after %s: the last one is in %s", words.Plural(round, "round"), printableName(c.out))
			return c.tell(ctx, rep)
		}
	}
}

// condition is --until, as a rule of a policy.
func (c *recordCommand) condition() (func(context.Context, *report.Report) (*report.CheckResult, error), error) {
	if c.until == "" {
		return func(context.Context, *report.Report) (*report.CheckResult, error) {
			return &report.CheckResult{Status: report.CheckPass}, nil
		}, nil
	}
	text := "version: " + policy.Version + "\nrules:\n  - name: until\n    expr: " + strconv.Quote(c.until) + "\n"
	p, err := policy.Load("--until", []byte(text))
	if err != nil {
		return nil, err
	}
	c.spans = p.Spans()
	return func(ctx context.Context, rep *report.Report) (*report.CheckResult, error) {
		results, err := p.Check(ctx, rep)
		if err != nil {
			return nil, err
		}
		return &results[0], nil // of the one rule
	}, nil
}

// neverTold is why further rounds would not tell either whether the condition holds; nil
// where they may. Requests that a round had none of may come, a machine that cannot be
// asked stays so.
func neverTold(res *report.CheckResult, rep *report.Report) error {
	switch {
	case res.Status == report.CheckError:
		return fmt.Errorf("--until cannot be evaluated: %s", res.Message)
	case res.Status == report.CheckSkip && rep.Machine == nil && slices.ContainsFunc(res.Undecided, func(what string) bool { return strings.HasPrefix(what, "machine.") }):
		return fmt.Errorf("--until can never be told here: %s (and the machine could not be asked)", res.Message)
	}
	return nil
}

// notYet is what a round told of the condition.
func notYet(res *report.CheckResult) string {
	if res.Status == report.CheckSkip {
		return "whether --until holds could not be told: " + printableName(res.Message)
	}
	return "not so yet"
}

// endpoint is the trace endpoint of an address: net/http/pprof's, if it names no other.
func endpoint(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || !isURL(address) {
		return nil, usagef("%s is not the http address of a program", printableName(address))
	}
	switch path := strings.TrimSuffix(u.Path, "/"); path {
	case "", "/debug", "/debug/pprof":
		u.Path = "/debug/pprof/trace"
	}
	return u, nil
}

// free refuses to replace files.
func (c *recordCommand) free() error {
	if c.out == "-" {
		return usagef("-o -: what was recorded is analysed: name a file")
	}
	for _, name := range []string{c.out, c.out + machine.Suffix} {
		info, err := os.Stat(name)
		switch {
		case err == nil && !info.Mode().IsRegular():
			return usagef("%s is no file that could be replaced: name another with -o", printableName(name))
		case err == nil && !c.force:
			return usagef("%s is there already: --force replaces it, -o names another", printableName(name))
		}
	}
	return nil
}

// process is the program's on this machine, 0 where there is none to sample, which is
// said with the reason.
func (c *recordCommand) process(ctx context.Context, u *url.URL) int {
	if c.pid != 0 {
		return c.pid
	}
	if !isHere(ctx, u.Hostname()) {
		c.remark("%s has no address of this machine, whose processes alone can be sampled: whether the program's threads had CPUs will not be in the trace "+
			"(run gmptrace record where the program runs, or name a process of this machine with --pid)", printableName(u.Hostname()))
		return 0
	}
	pid, err := machine.Listening(port(u))
	if err != nil {
		c.remark("%v: whether its threads had CPUs will not be in the trace (--pid names the process)", err)
		return 0
	}
	return pid
}

// resolving is how long to wait for the addresses of a name.
const resolving = 5 * time.Second

// isHere reports whether a host is this machine: whether it has an address of this
// machine's interfaces.
func isHere(ctx context.Context, host string) bool {
	if host == "localhost" {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, resolving)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return false
	}
	own, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		isOwn := func(x net.Addr) bool { n, ok := x.(*net.IPNet); return ok && n.IP.Equal(a.IP) }
		if a.IP.IsLoopback() || slices.ContainsFunc(own, isOwn) {
			return true
		}
	}
	return false
}

// port is that of a URL, or its scheme's own.
func port(u *url.URL) int {
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

// round records once.
func (c *recordCommand) round(ctx context.Context, u *url.URL, pid int) error {
	stop := c.follow(ctx, pid)
	in, err := fetch(ctx, u.String(), c.seconds)
	if err != nil {
		stop()
		return err
	}
	err = writeWhole(ctx, c.out, in)
	in.Close()
	evidence := stop()
	if err != nil {
		return err
	}
	return c.keep(ctx, evidence)
}

// follow samples a process, until what it returns is called, which returns what the
// machine said.
func (c *recordCommand) follow(ctx context.Context, pid int) (stop func() []byte) {
	if pid == 0 {
		return func() []byte { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	var said bytes.Buffer
	done := make(chan error, 1)
	go func() { done <- machine.Follow(ctx, &said, pid, machine.DefaultEvery) }()
	return func() []byte {
		cancel()
		if err := <-done; err != nil && said.Len() == 0 {
			c.remark("the machine could not be asked: %v", err)
		} else if err != nil {
			c.remark("the machine was not asked all of the time: %v", err)
		}
		return said.Bytes()
	}
}

// keep writes what the machine said beside the trace.
func (c *recordCommand) keep(ctx context.Context, evidence []byte) error {
	name := c.out + machine.Suffix
	if len(evidence) == 0 {
		err := os.Remove(name) // of another recording
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return err
	}
	return writeWhole(ctx, name, bytes.NewReader(evidence))
}

// writeWhole writes a file that is there whole or not at all. What goes wrong with where it
// comes from is told as that.
func writeWhole(ctx context.Context, name string, from io.Reader) error {
	out, err := createOutput(name, true, io.Discard)
	if err != nil {
		return err
	}
	defer out.discard()
	var failed error
	err = out.write(ctx, func(w io.Writer) error {
		_, err := io.Copy(w, readerFunc(func(p []byte) (int, error) {
			n, err := from.Read(p)
			if err != io.EOF {
				failed = err
			}
			return n, err
		}))
		return err
	})
	if failed != nil {
		return failed
	}
	return err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// tell prints the verdict and what to do next.
func (c *recordCommand) tell(ctx context.Context, rep *report.Report) error {
	c.concludeTrace(&rep.Trace)
	if m := rep.Machine; m != nil && m.Wanted == 0 && len(m.Doubts) > 0 {
		c.remark("what the machine said is of no use: %s", strings.Join(m.Doubts, "; "))
	}
	out := &output{w: c.stdout}
	return out.write(ctx, func(w io.Writer) error { return render.Summary(w, rep, c.textOptions(c.out, "-")) })
}

// recordTest runs 'go test' with -trace, and samples the test's process.
func (c *recordCommand) recordTest(ctx context.Context, args []string) error {
	if c.until != "" {
		return usagef("--until is for programs that run, not for tests")
	}
	if len(args) < 2 || args[0] != "go" || args[1] != "test" {
		return usagef("behind -- stands a test: go test ARG... (name one package: go test -trace takes no more)")
	}
	if err := c.free(); err != nil {
		return err
	}
	out, err := createOutput(c.out, true, io.Discard)
	if err != nil {
		return err
	}
	defer out.discard()
	evidence, failed := c.runTest(ctx, args, out.temp.Name())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// Only what this run has written is looked at: it writes beside what was there.
	if info, err := out.temp.Stat(); err != nil || info.Size() == 0 {
		return c.noTrace(errors.Join(failed, err))
	}
	if err := errors.Join(out.commit(), c.keep(ctx, evidence)); err != nil {
		return err
	}
	rep, err := c.load(ctx, c.out)
	if err != nil {
		return errors.Join(err, failed)
	}
	if failed != nil {
		c.code = exitFindings
		c.remark("go test: %v", failed)
	}
	return c.tell(ctx, rep)
}

// noTrace says that a run has written none.
func (c *recordCommand) noTrace(failed error) error {
	if _, err := os.Stat(c.out); err == nil {
		c.remark("%s is of an earlier run, and was left as it is", printableName(c.out))
	}
	if failed == nil {
		return errors.New("go test has written no trace: does the package have tests?")
	}
	return fmt.Errorf("go test has written no trace: %w", failed)
}

// runTest runs 'go test', which writes a trace, and returns what the machine said
// meanwhile. When ctx is done, all that it has started is interrupted.
func (c *recordCommand) runTest(ctx context.Context, args []string, trace string) (evidence []byte, failed error) {
	trace, err := filepath.Abs(trace)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, args[0], slices.Insert(slices.Clone(args[1:]), 1, "-trace="+trace)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.stdin, c.stderr, c.stderr
	if f, ok := c.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		cmd.Stdin = nil // a group of its own, which is not the terminal's, would be stopped by reading it
	}
	asGroup(cmd)
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("go test: %w", err)
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	var follower sync.WaitGroup
	seen := false
	follower.Go(func() { evidence, seen = c.followTest(following, cmd.Process.Pid, trace) })
	failed = cmd.Wait()
	stop()
	follower.Wait()
	switch {
	case ctx.Err() != nil:
		killGroup(cmd)
	case runtime.GOOS != "linux":
		c.remark("whether the test's threads had CPUs is not in the trace: %v", machine.ErrUnsupported)
	case !seen:
		c.remark("whether the test's threads had CPUs is not in the trace: its process was not seen among those that the go command started")
	}
	return evidence, failed
}

// followTest samples the test binary that the go command starts, as soon as it is there.
// seen is false where it never was.
func (c *recordCommand) followTest(ctx context.Context, goCommand int, trace string) (evidence []byte, seen bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, pid := range machine.Below(goCommand) {
			if isTest(machine.Arguments(pid), trace) {
				stop := c.follow(ctx, pid)
				<-ctx.Done()
				return stop(), true
			}
		}
		select {
		case <-ctx.Done():
			return nil, false
		case <-tick.C:
		}
	}
}

// isTest reports whether a process with these arguments is the test that writes a trace.
// It may be called anything (go test -o); a program that runs it (go test -exec) has more
// arguments before those of the test.
func isTest(args []string, trace string) bool {
	return len(args) > 1 && strings.HasPrefix(args[1], "-test.") && slices.Contains(args, "-test.trace="+trace)
}
