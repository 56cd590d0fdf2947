package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/whatif"
	"gmptrace/render/serve"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Up to keptSlices of a served timeline are kept in memory, some 20 bytes each; a trace
// with more is read again for every window.
const keptSlices = 4_000_000

type serveCommand struct {
	*analysis
	port  int
	shown bool // in a browser, by itself
}

func (a *app) serveCommand() *cobra.Command {
	c := &serveCommand{analysis: newAnalysis(a)}
	cmd := &cobra.Command{
		Use:   "serve TRACE [NEW]",
		Short: "Show a report in the browser, with every moment in full detail",
		Long: `Serve shows the page of gmptrace report, and lets its timeline fetch any window
in full detail, however large the trace is. The page explains what is clicked as gmptrace
explain does, and predicts as gmptrace whatif does. A trace of more than some 50 MB is
read again for each window, and every trace for each explanation and prediction: that takes
as long as the report did, and can be cancelled.

With a second trace it shows what changed, as gmptrace diff does, and the reports of both.

It prints an address to open. Only this machine can reach it, and only who knows
the address: it has a token that is new each time. Ctrl-C ends it.

` + traceHelp + `
What is no file is copied to a temporary one, which is deleted at the end.`,
		Example: `  gmptrace serve app.trace
  gmptrace serve --open --port 8080 app.trace
  gmptrace serve app.trace app.trace.gz
  gmptrace serve --seconds 5 http://localhost:6060/debug/pprof/trace
  gmptrace serve - < app.trace`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return oneTrace(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			return c.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	c.addFlags(f)
	f.IntVar(&c.slices, "slices", keptSlices, "keep up to `N` slices of the timeline in memory; a trace with more is read again for every window")
	f.IntVar(&c.port, "port", 0, "listen on port `N` (default: one that is free)")
	f.BoolVar(&c.shown, "open", false, "open the address in the browser")
	c.completions(cmd)
	return cmd
}

func (c *serveCommand) run(ctx context.Context, traces []string) error {
	if c.port < 0 || c.port > 65535 {
		return usagef("--port %d: need a number from 1 to 65535, or 0 for any", c.port)
	}
	for _, trace := range traces {
		if err := c.check(trace); err != nil {
			return err
		}
	}
	var read []*served
	for _, trace := range traces {
		s, err := c.read(ctx, trace)
		if s != nil {
			defer s.close()
		}
		if err != nil {
			return err
		}
		read = append(read, s)
	}
	server, err := c.server(ctx, read)
	if err != nil {
		return err
	}
	listener, err := server.Listen(c.port)
	if err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	fmt.Fprintln(c.stdout, server.Address())
	if c.shown {
		end, err := serve.Open(server.Address())
		defer end()
		if err != nil {
			c.remark("no browser could be opened: %v", err)
		}
	}
	c.remark("open this address in a browser on this machine; Ctrl-C ends it")
	return server.Serve(ctx, listener)
}

func (c *serveCommand) server(ctx context.Context, read []*served) (*serve.Server, error) {
	if len(read) == 1 {
		return serve.One(read[0].trace())
	}
	var sides [2][]*compare.Behaviour
	for i, s := range read {
		b, err := s.behaviour(ctx, s.file)
		if err != nil {
			return nil, err
		}
		sides[i] = append(sides[i], b)
	}
	return serve.Two(read[0].trace(), read[1].trace(), compare.Sets(sides[0], sides[1], compare.Options{}))
}

// served is a trace that is served, and how it is read.
type served struct {
	*analysis
	file   string
	report *report.Report
	close  func()
}

// read reads a trace, and copies what can be read only once.
func (c *serveCommand) read(ctx context.Context, trace string) (*served, error) {
	an := *c.analysis
	s := &served{analysis: &an, file: trace, close: func() {}}
	if !c.isFile(trace) {
		copied, err := s.copied(ctx, trace)
		if err != nil {
			return nil, err
		}
		s.file, s.close = copied, func() { os.Remove(copied) }
	}
	var err error
	if s.report, err = s.load(ctx, s.file); err != nil {
		return s, err
	}
	s.conclude(s.report)
	return s, nil
}

// copied copies a trace that can be read only once into a temporary file. The page
// still calls it by its own name.
func (s *served) copied(ctx context.Context, trace string) (string, error) {
	in, err := s.open(ctx, trace)
	if err != nil {
		return "", err
	}
	defer in.Close()
	f, err := os.CreateTemp("", "gmptrace-*.trace")
	if err != nil {
		return "", fmt.Errorf("copying the trace: %w", err)
	}
	_, err = io.Copy(f, in)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("copying %s: %w", printableName(in.name), err)
	}
	s.name = in.name
	return f.Name(), nil
}

func (s *served) trace() *serve.Trace {
	t := &serve.Trace{Report: s.report, Explain: s.explain, WhatIf: s.whatIf}
	if s.report.Timeline == nil || !s.report.Timeline.Complete {
		t.Detail = s.detail
	}
	return t
}

func (s *served) detail(ctx context.Context, around []report.Window) (*report.Report, error) {
	an := *s.analysis
	an.quiet, an.around, an.slices = true, around, serve.Slices
	return an.load(ctx, s.file)
}

func (s *served) explain(ctx context.Context, asked url.Values, progress func(replay.Progress)) (*report.Explanation, error) {
	an := s.asked(progress)
	c := newExplain(an)
	f := pflag.NewFlagSet("explain", pflag.ContinueOnError)
	c.selectors.addFlags(f)
	c.addTop(f)
	f.Var(&an.from, "from", "")
	f.Var(&an.to, "to", "")
	given, err := setFlags(f, asked)
	if err != nil {
		return nil, err
	}
	c.selectors.given = among(given, selectorFlags)
	sel, err := c.selector()
	if err == nil {
		err = an.check(s.file)
	}
	if err != nil {
		return nil, serve.BadRequest{Err: err}
	}
	return reading(ctx, an, s.file, func(in io.Reader, opt replay.Options) (*report.Explanation, error) {
		return c.explained(ctx, in, opt, sel, cmp.Or(s.name, s.file))
	})
}

func (s *served) whatIf(ctx context.Context, asked url.Values, progress func(replay.Progress)) (*whatif.Result, error) {
	c := newWhatIf(s.asked(progress))
	f := pflag.NewFlagSet("whatif", pflag.ContinueOnError)
	c.addSettings(f)
	c.changeFlags.addFlags(f)
	if _, err := setFlags(f, asked); err != nil {
		return nil, err
	}
	set, err := c.settings()
	if err != nil {
		return nil, serve.BadRequest{Err: err}
	}
	return reading(ctx, c.analysis, s.file, func(in io.Reader, opt replay.Options) (*whatif.Result, error) {
		return simulated(ctx, in, opt, set)
	})
}

// asked is how the trace is read for what the page asks.
func (s *served) asked(progress func(replay.Progress)) *analysis {
	an := *s.analysis
	an.quiet, an.watch = true, progress
	return &an
}

// setFlags sets a command's flags as an address names them. What is left empty is as if
// it was not asked for.
func setFlags(f *pflag.FlagSet, asked url.Values) (given []string, err error) {
	for name, values := range asked {
		for _, value := range values {
			if value == "" {
				continue
			}
			if err := f.Set(name, value); err != nil {
				return nil, serve.BadRequest{Err: err}
			}
			given = append(given, name)
		}
	}
	return given, nil
}
