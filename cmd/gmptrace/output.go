package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gmptrace/analyze/export/perfetto"
)

// defaultOutput is the report's file name for a trace: the trace's own without
// the suffixes that traces have, in the current folder.
func defaultOutput(trace string) string {
	name := filepath.Base(trace)
	if isURL(trace) {
		name = urlName(trace)
	}
	for {
		ext := filepath.Ext(name)
		if !slices.Contains([]string{".trace", ".out", ".gz", ".zst", ".zstd", ".bin"}, strings.ToLower(ext)) {
			break
		}
		name = strings.TrimSuffix(name, ext)
	}
	if name == "" || name == "." || name == ".." {
		name = "trace"
	}
	return name + ".html"
}

// urlName is the last element of a URL's path, "" where there is none.
func urlName(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(path.Base("/"+u.Path), "/")
}

// notItself refuses to replace a trace by what is made of it, which --force would allow.
func notItself(trace, name string) error {
	a, errA := os.Stat(trace)
	b, errB := os.Stat(name)
	if errA == nil && errB == nil && a.Mode().IsRegular() && os.SameFile(a, b) {
		return usagef("%s is the trace itself: give the output another name with -o", printableName(name))
	}
	return nil
}

// output is where a report goes: a stream, or a file that appears whole or not
// at all. It is written beside its place and then renamed.
type output struct {
	w     io.Writer
	path  string   // "" for a stream
	temp  *os.File // nil for a stream
	force bool
}

// notOnTerminal refuses to write to a terminal what is no text.
func (a *app) notOnTerminal(name, what string) error {
	if name == "-" && isTerminal(a.stdout) {
		return usagef("-o -: %s is nothing to read, and standard output is a terminal: pipe it, or name a file", what)
	}
	return nil
}

// createOutput prepares to write to path, so that an analysis need not run to
// find out that it has nowhere to go.
func createOutput(name string, force bool, stdout io.Writer) (*output, error) {
	if name == "-" {
		return &output{w: stdout}, nil
	}
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return createDevice(name)
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target // or the rename would replace the link
	}
	if err := mayReplace(name, force); err != nil {
		return nil, err
	}
	temp, err := createBeside(name)
	if err != nil {
		return nil, outputError(name, err)
	}
	return &output{w: temp, path: name, temp: temp, force: force}, nil
}

// createDevice opens what can't be renamed over: /dev/null, a named pipe.
func createDevice(name string) (*output, error) {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return nil, outputError(name, err)
	}
	return &output{w: f, temp: f}, nil
}

// createBeside creates a file of a new name in the folder of name, with the
// permissions that the user's umask gives to new files or, where there is a file
// already, with those of that. (os.CreateTemp makes files that only the user can read.)
func createBeside(name string) (*os.File, error) {
	dir, base := filepath.Split(name)
	for {
		temp := filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", base, rand.Uint32()))
		f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if info, statErr := os.Stat(name); err == nil && statErr == nil {
			err = f.Chmod(info.Mode().Perm())
		}
		return f, err
	}
}

func outputError(name string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // it names a file that the user has not heard of
	}
	return fmt.Errorf("%s: cannot be written: %w", printableName(name), err)
}

// generator marks a file as written by render.HTML, or by a check in any of its formats:
// these are written again and again, as are exports.
var generator = regexp.MustCompile(`<meta name="generator" content="gmptrace[ "]|^gmptrace check |^\{\s*"schema": "gmptrace\.check/|<!-- gmptrace check -->|"driver": \{\s*"name": "gmptrace"`)

// mayReplace tells whether a report may take the place of what name names.
func mayReplace(name string, force bool) error {
	shown := printableName(name)
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return outputError(name, err)
	case info.IsDir():
		return fmt.Errorf("%s: is a folder: name a file in it, such as -o %s", shown, printableName(filepath.Join(name, "report.html")))
	case force:
		return nil
	}
	ours, err := writtenByGmptrace(name)
	if err != nil {
		return outputError(name, err)
	}
	if !ours {
		return fmt.Errorf("%s: exists, and was not written by gmptrace: give another name with -o, or --force to replace it", shown)
	}
	return nil
}

func writtenByGmptrace(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 4096))
	return generator.Match(head) || perfetto.Wrote(head), err // compressed profiles begin as those do
}

// write lets render write, and puts the file into its place.
func (o *output) write(ctx context.Context, render func(io.Writer) error) error {
	b := bufio.NewWriterSize(contextWriter{ctx, o.w}, 1<<16)
	if err := render(b); err != nil {
		return o.wrap(err)
	}
	if err := b.Flush(); err != nil {
		return o.wrap(err)
	}
	return o.commit()
}

// writeFrom is write for what is written while it is read: an error in reading is told as
// such, not as one of the output.
func (o *output) writeFrom(ctx context.Context, read func(io.Writer) error) error {
	w := &failing{w: contextWriter{ctx, o.w}}
	b := bufio.NewWriterSize(w, 1<<16)
	err := read(b)
	if err == nil {
		err = b.Flush()
	}
	switch {
	case w.err != nil:
		return o.wrap(w.err)
	case err != nil:
		return err
	}
	return o.commit()
}

// failing keeps the first error of a writer.
type failing struct {
	w   io.Writer
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if f.err == nil {
		f.err = err
	}
	return n, err
}

// commit is the moment from which on the report exists.
func (o *output) commit() error {
	if o.temp == nil {
		return nil
	}
	temp := o.temp.Name()
	if err := o.temp.Close(); err != nil {
		return o.wrap(err)
	}
	o.temp = nil
	if o.path == "" {
		return nil
	}
	err := mayReplace(o.path, o.force) // what was not there at the start may be there now
	if err == nil {
		err = os.Rename(temp, o.path)
	}
	if err != nil {
		os.Remove(temp)
		return o.wrap(err)
	}
	return nil
}

// discard removes what was written, unless it was committed.
func (o *output) discard() {
	if o.temp == nil {
		return
	}
	o.temp.Close()
	if o.path != "" {
		os.Remove(o.temp.Name())
	}
}

func (o *output) wrap(err error) error {
	name := o.path
	if name == "" {
		name = "the output"
	}
	return outputError(name, err)
}

// contextWriter refuses to write once ctx is done: Ctrl-C ends rendering too.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c contextWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
