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
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
	c.spans = true
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
	pid := c.process(u)
	for round := 1; ; round++ {
		if err := c.round(ctx, u, pid); err != nil {
			return err
		}
		rep, err := c.load(ctx, c.out)
		if err != nil {
			return err
		}
		met, err := until(ctx, rep)
		if err != nil {
			return err
		}
		if met {
			return c.tell(ctx, rep)
		}
		c.remark("round %d: %s: not so yet", round, printableName(rep.Verdict.Headline))
		if round == c.rounds {
			c.code = exitPartial
			c.remark("gave up after %s: the last one is in %s", words.Plural(round, "round"), printableName(c.out))
			return c.tell(ctx, rep)
		}
	}
}

// condition is --until, as a rule of a policy.
func (c *recordCommand) condition() (func(context.Context, *report.Report) (bool, error), error) {
	if c.until == "" {
		return func(context.Context, *report.Report) (bool, error) { return true, nil }, nil
	}
	text := "version: " + policy.Version + "\nrules:\n  - name: until\n    expr: " + strconv.Quote(c.until) + "\n"
	p, err := policy.Load("--until", []byte(text))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, rep *report.Report) (bool, error) {
		results, err := p.Check(ctx, rep)
		if err != nil {
			return false, err
		}
		return len(results) == 1 && results[0].Status == report.CheckPass, nil
	}, nil
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
	for _, name := range []string{c.out, c.out + machine.Suffix} {
		if _, err := os.Lstat(name); err == nil && !c.force {
			return usagef("%s is there already: --force replaces it, -o names another", printableName(name))
		}
	}
	return nil
}

// process is the program's on this machine, 0 where there is none to sample, which is
// said with the reason.
func (c *recordCommand) process(u *url.URL) int {
	if c.pid != 0 {
		return c.pid
	}
	ip := net.ParseIP(u.Hostname())
	if u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		c.remark("%s is not this machine: whether the program's threads had CPUs will not be in the trace", printableName(u.Hostname()))
		return 0
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		port = 80
	}
	pid, err := machine.Listening(port)
	if err != nil {
		c.remark("%v: whether its threads had CPUs will not be in the trace (--pid names the process)", err)
		return 0
	}
	return pid
}

// round records once.
func (c *recordCommand) round(ctx context.Context, u *url.URL, pid int) error {
	stop := c.follow(ctx, pid)
	in, err := fetch(ctx, u.String(), c.seconds)
	if err != nil {
		stop()
		return err
	}
	err = writeWhole(c.out, in)
	in.Close()
	evidence := stop()
	if err != nil {
		return err
	}
	return c.keep(evidence)
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
		if err := <-done; err != nil {
			c.remark("the machine could not be asked: %v", err)
			return nil
		}
		return said.Bytes()
	}
}

// keep writes what the machine said beside the trace.
func (c *recordCommand) keep(evidence []byte) error {
	name := c.out + machine.Suffix
	if len(evidence) == 0 {
		err := os.Remove(name) // of another recording
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return err
	}
	return writeWhole(name, bytes.NewReader(evidence))
}

// writeWhole writes a file beside its place first, so that it is there whole or not.
func writeWhole(name string, from io.Reader) error {
	temp := name + ".part"
	f, err := os.Create(temp)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}

// tell prints the verdict and what to do next.
func (c *recordCommand) tell(ctx context.Context, rep *report.Report) error {
	c.concludeTrace(&rep.Trace)
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
	args = slices.Insert(slices.Clone(args), 2, "-trace="+c.out)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.stdin, c.stderr, c.stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	evidence := make(chan []byte, 1)
	go func() { evidence <- c.followTest(ctx, cmd.Process.Pid) }()
	failed := cmd.Wait()
	cancel()
	if err := c.keep(<-evidence); err != nil {
		return err
	}
	if _, err := os.Stat(c.out); err != nil {
		return fmt.Errorf("go test has written no trace: %w", errors.Join(failed, err))
	}
	rep, err := c.load(context.WithoutCancel(ctx), c.out)
	if err != nil {
		return err
	}
	if failed != nil {
		c.code = exitFindings
		c.remark("go test: %v", failed)
	}
	return c.tell(context.WithoutCancel(ctx), rep)
}

// followTest samples the test binary that the go command starts, as soon as it is there.
func (c *recordCommand) followTest(ctx context.Context, goCommand int) []byte {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, pid := range machine.Below(goCommand) {
			if strings.HasSuffix(machine.Name(pid), ".test") {
				stop := c.follow(context.WithoutCancel(ctx), pid)
				<-ctx.Done()
				return stop()
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
