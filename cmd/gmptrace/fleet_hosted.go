package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"gmptrace/analyze/fleet"
	"gmptrace/analyze/machine"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/words"
	"gmptrace/cmd/gmptrace/mcp"
	"gmptrace/render"
)

// answer makes a fleet where no process of its own is around the command: of files alone,
// one after the other, and it writes none.
func (c *fleetCommand) answer(ctx context.Context, names []string) error {
	var all fleet.Collected
	for _, name := range names {
		r, err := c.host.Rows(name, func() (*fleet.Rows, error) { return c.hostedRows(ctx, name) })
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		}
		all.Add(r)
	}
	r := all.Result()
	opt := textOptions(c.stdout)
	opt.Width = mcp.Width
	if worst := worstOf(r); worst != nil && words.Printable(worst.Path) == worst.Path && worst.Path != "" {
		name := worst.Path
		if strings.HasPrefix(name, "-") {
			name = "./" + name
		}
		opt.Next = []render.Step{{Command: "gmptrace analyze " + words.Shell(name), Gives: "the trace in which it was worst"}}
	}
	if err := render.FleetText(c.stdout, r, render.FleetLinks{}, opt); err != nil {
		return err
	}
	c.tell(&all, fleet.Files{}, r)
	return nil
}

// hostedRows are the rows of a trace, or those that a file has. A trace that cannot be read
// has rows that say so; a file that cannot be opened, or changes meanwhile, is an error, as
// an assistant can name another.
func (c *fleetCommand) hostedRows(ctx context.Context, name string) (*fleet.Rows, error) {
	f, err := c.host.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, openError(name, err)
	}
	var r *fleet.Rows
	if _, rows := fleet.Takes(name); rows {
		r, err = fleet.ReadRows(f, info.Size())
		if err != nil {
			err = inputError(name, "read", err.Error(), "Have 'gmptrace fleet' make rows of the trace again, or name the trace.", err)
		}
	} else {
		in := c.input(name)
		in.Path = filepath.ToSlash(name)
		if in.Evidence, err = c.hostedEvidence(name); err != nil {
			return nil, err
		}
		r, err = fleet.Map(ctx, f, in, fleet.Options{MaxMemory: int64(c.maxMemory)})
	}
	if err != nil {
		return nil, err
	}
	c.host.Progress(replay.Progress{Bytes: info.Size(), Size: info.Size()})
	return r, nil
}

// hostedEvidence is what the machine said beside a trace; nil if nothing is there.
func (c *fleetCommand) hostedEvidence(name string) ([]byte, error) {
	f, err := c.host.Open(name + machine.Suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// worstOf is the trace in which the first cause or, where there is none, the first finding
// was worst; nil if there is none.
func worstOf(r *fleet.Result) *fleet.Worst {
	var worst []fleet.Worst
	switch {
	case len(r.Causes) > 0:
		worst = r.Causes[0].Worst
	case len(r.Findings) > 0:
		worst = r.Findings[0].Worst
	}
	if len(worst) == 0 {
		return nil
	}
	return &worst[0]
}
