package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"

	"gmptrace/analyze/fleet"
)

// given is what who runs the pipeline knows better than traces do.
type given struct {
	Host, Build, Trigger string
	HostFrom, BuildFrom  string // regular expressions of names in paths; "" for none
}

func (g *given) input(path string) fleet.Input {
	in := fleet.Input{Path: path, Host: g.Host, Build: g.Build, Trigger: g.Trigger}
	if host := nameIn(path, g.HostFrom); host != "" {
		in.Host = host
	}
	if build := nameIn(path, g.BuildFrom); build != "" {
		in.Build = build
	}
	return in
}

// nameIn is what the first group of a regular expression matches in a path or, if it has
// none, what all of it does; "" if there is none.
func nameIn(path, expr string) string {
	if expr == "" {
		return ""
	}
	m := regexp.MustCompile(expr).FindStringSubmatch(path) // check has seen it
	if len(m) == 0 {
		return ""
	}
	return m[min(1, len(m)-1)]
}

// known is an error if no file system of Beam has such a path.
func known(path string) error {
	if strings.HasPrefix(path, "gs://") {
		return nil // that one looks for credentials when it is asked for
	}
	f, err := filesystem.New(context.Background(), path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return f.Close()
}

func openFile(ctx context.Context, name string) (io.ReadCloser, error) {
	f, err := filesystem.New(ctx, name)
	if err != nil {
		return nil, err
	}
	r, err := f.OpenRead(ctx, name)
	if err != nil {
		f.Close()
		return nil, err
	}
	return opened{r, f}, nil
}

// opened closes a file and what it is of.
type opened struct {
	io.ReadCloser
	of io.Closer
}

func (o opened) Close() error { return errors.Join(o.ReadCloser.Close(), o.of.Close()) }

// readOptional reads a file; nil if there is none.
func readOptional(ctx context.Context, name string) ([]byte, error) {
	r, err := openFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		if there, lost := exists(ctx, name); lost == nil && !there {
			return nil, nil // each file system has an error of its own for that
		}
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// exists tells whether a folder's list has a file.
func exists(ctx context.Context, name string) (bool, error) {
	f, err := filesystem.New(ctx, name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	found, err := f.List(ctx, literal.Replace(name))
	return len(found) > 0, err
}

// literal makes patterns that match one name.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// mostKept is more bytes than rows of a trace take.
const mostKept = 65 << 20

// keptRows are the rows of a trace that are there, if they can be read.
func keptRows(ctx context.Context, name, key string) ([]byte, bool) {
	f, err := openFile(ctx, name)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostKept))
	if err != nil {
		return nil, false
	}
	r, err := fleet.ReadRows(bytes.NewReader(b), int64(len(b)))
	return b, err == nil && r.Key() == key
}

// replaceFile writes a file, so that nobody sees half of one: object stores show it when
// it is whole, and in a folder of this machine it gets its name then.
func replaceFile(ctx context.Context, name string, b []byte) error {
	f, err := filesystem.New(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	if strings.Contains(name, "://") {
		return filesystem.Write(ctx, f, name, b)
	}
	dir, base := filepath.Split(name)
	temp := dir + "." + base + "." + rand.Text() + ".tmp"
	err = filesystem.Write(ctx, f, temp, b)
	if err == nil {
		err = filesystem.Rename(ctx, f, temp, name)
	}
	if err != nil {
		_ = os.Remove(temp) // the error that counts is told
	}
	return err
}
