package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"gmptrace/cmd/gmptrace/mcp"

	"golang.org/x/term"
)

// input is an opened trace.
type input struct {
	io.ReadCloser
	name string // as the report and messages show it
	size int64  // in bytes; 0 when not known
}

// open opens what TRACE names.
func (an *analysis) open(ctx context.Context, trace string) (*input, error) {
	switch {
	case an.host != nil:
		return openHosted(an.host, trace)
	case trace == "-":
		return openStdin(ctx, an.stdin)
	case isURL(trace):
		return fetch(ctx, trace, an.seconds)
	}
	in, err := openFile(ctx, trace)
	if in != nil && an.name != "" {
		in.name = an.name
	}
	return in, err
}

// openHosted opens a file where no process of its own is around the command.
func openHosted(h *mcp.Host, path string) (*input, error) {
	f, err := h.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, openError(path, err)
	}
	return &input{ReadCloser: f, name: path, size: info.Size()}, nil
}

// isFile tells whether what TRACE names can be read again and again.
func (a *app) isFile(trace string) bool {
	if a.host != nil {
		return true
	}
	info, err := os.Stat(trace)
	return trace != "-" && !isURL(trace) && (err != nil || info.Mode().IsRegular())
}

func openStdin(ctx context.Context, stdin io.Reader) (*input, error) {
	const name = "standard input"
	if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return nil, inputError(name, "read", "is a terminal", "Pipe a trace into gmptrace, or name a file.", nil)
	}
	r := interruptible(ctx, func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil })
	return &input{ReadCloser: r, name: name}, nil
}

func openFile(ctx context.Context, path string) (*input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, openError(path, err)
	}
	if info.IsDir() {
		return nil, inputError(path, "read", "is a folder", "Name a trace in it.", nil)
	}
	open := func() (io.ReadCloser, error) { return os.Open(path) }
	if !info.Mode().IsRegular() {
		return &input{ReadCloser: interruptible(ctx, open), name: path}, nil
	}
	f, err := open()
	if err != nil {
		return nil, openError(path, err)
	}
	return &input{ReadCloser: f, name: path, size: info.Size()}, nil
}

func openError(path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // it repeats the path, unescaped
	}
	hint := ""
	if errors.Is(err, fs.ErrNotExist) {
		hint = "Give the path of a trace, - for standard input, or the URL of a trace endpoint."
	}
	return inputError(path, "read", "cannot be opened: "+err.Error(), hint, err)
}

// interruptible reads what open opens until ctx is done. Pipes and devices may
// let an open or a read wait for ever, and neither can be called off: the
// goroutine that waits is left behind, which the end of the process clears up.
func interruptible(ctx context.Context, open func() (io.ReadCloser, error)) io.ReadCloser {
	pr, pw := io.Pipe()
	context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
	go func() {
		r, err := open()
		if err != nil {
			pw.CloseWithError(err)
			return
		}
		defer r.Close()
		_, err = io.Copy(pw, r)
		pw.CloseWithError(err)
	}()
	return pr
}
