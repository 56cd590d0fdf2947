package fleet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"gmptrace/analyze/machine"
)

// RowsSuffix is what the names of files with rows end in.
const RowsSuffix = ".parquet"

// RowsDir is the folder that rows are kept in, in the folder that traces are in, where
// nobody says another.
const RowsDir = "gmptrace-rows"

// leftover is how old a file must be that somebody did not finish, to be removed.
const leftover = 10 * time.Minute

// traceNames are those of the files of a folder that are taken for traces.
var traceNames = regexp.MustCompile(`(?i)\.(trace|out)(\.(gz|zst|zstd))?$`)

// Files are what there is to make a fleet of.
type Files struct {
	Traces []string
	Rows   []string
	Passed int // files of folders that are neither
}

// Find looks at files and folders: in a folder at all below it, but for what is hidden and
// the folder rows, unless that was named. What was named is a trace whatever it is called,
// if it is no file of Parquet.
func Find(names []string, rows string) (Files, error) {
	var out Files
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return out, err
		case info.IsDir():
			err = out.walk(name, rows)
		case isParquet(name):
			out.Rows = append(out.Rows, filepath.Clean(name))
		default:
			out.Traces = append(out.Traces, filepath.Clean(name))
		}
		if err != nil {
			return out, err
		}
	}
	for _, list := range []*[]string{&out.Traces, &out.Rows} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return out, nil
}

func (f *Files) walk(dir, rows string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside := filepath.Clean(name) != filepath.Clean(dir)
		switch {
		case inside && strings.HasPrefix(d.Name(), "."), d.IsDir() && inside && (d.Name() == RowsDir || filepath.Clean(name) == filepath.Clean(rows)):
			if d.IsDir() {
				return filepath.SkipDir
			}
		case d.IsDir():
		case strings.HasSuffix(name, RowsSuffix):
			f.Rows = append(f.Rows, filepath.Clean(name))
		case traceNames.MatchString(d.Name()):
			f.Traces = append(f.Traces, filepath.Clean(name))
		case !strings.HasSuffix(name, machine.Suffix):
			f.Passed++
		}
		return nil
	})
}

func isParquet(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && string(magic[:]) == "PAR1"
}

// Collector makes a fleet of files. It reads as many at once as there are CPUs, keeps the
// rows of each trace in a folder, and reads no trace of which there are rows already: what
// was interrupted goes on where it was.
type Collector struct {
	Dir     string // that rows are kept in; it is made if need be
	Options Options
	Input   func(path string) Input // what is known of a trace beside its bytes and the machine's evidence; nil for nothing
	Done    func(done, of int)      // told how far it is, by one goroutine at a time; may be nil
}

// Collected is a fleet, and what it was made of.
type Collected struct {
	Fleet
	Sources map[string]string // of the traces that were named: their files by their keys
	Read    int               // traces that were read now: of the others there were rows
	Failed  []error           // files of rows that cannot be read, in the order of their names
}

// source is a trace and where it lies.
type source struct {
	path string
	in   Input
	key  string
	err  error // why it cannot be read
}

// Collect makes a fleet. Traces that cannot be read are part of it: their rows say so. The
// errors are those of writing rows, and of ctx.
func (c *Collector) Collect(ctx context.Context, files Files) (*Collected, error) {
	out := &Collected{Sources: map[string]string{}}
	if len(files.Traces) > 0 {
		if err := c.prepare(); err != nil {
			return nil, err
		}
	}
	of, done := 2*len(files.Traces)+len(files.Rows), 0
	var mu sync.Mutex
	step := func(r *Rows) {
		mu.Lock()
		defer mu.Unlock()
		if r != nil {
			out.Add(r)
		}
		if done++; c.Done != nil {
			c.Done(done, of)
		}
	}
	sources := make([]source, len(files.Traces))
	err := parallel(ctx, len(sources), func(i int) error {
		sources[i] = c.identify(files.Traces[i])
		step(nil)
		return nil
	})
	if err != nil {
		return nil, err
	}
	sources = once(sources)
	for _, s := range sources {
		out.Sources[s.key] = s.path
	}
	err = parallel(ctx, len(sources), func(i int) error {
		r, fresh, err := c.rowsOf(ctx, &sources[i])
		if err != nil {
			return err
		}
		step(r)
		if fresh {
			mu.Lock()
			out.Read++
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	failed := make([]error, len(files.Rows))
	err = parallel(ctx, len(files.Rows), func(i int) error {
		r, err := readFile(files.Rows[i])
		failed[i] = err
		step(r)
		return nil
	})
	out.Failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil })
	return out, err
}

// prepare makes the folder for rows, and takes out what somebody did not finish.
func (c *Collector) prepare() error {
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return fmt.Errorf("no rows can be kept in %s: %w: name another folder with --rows", c.Dir, reason(err))
	}
	old, _ := filepath.Glob(filepath.Join(c.Dir, ".*"+RowsSuffix+".*.tmp"))
	for _, name := range old {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > leftover {
			os.Remove(name)
		}
	}
	return nil
}

// identify finds out under what the rows of a trace are kept.
func (c *Collector) identify(path string) source {
	s := source{path: path}
	if c.Input != nil {
		s.in = c.Input(path)
	}
	s.in.Path = filepath.ToSlash(path)
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		if s.in.Evidence, err = os.ReadFile(path + machine.Suffix); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		s.key, err = Key(f, s.in)
	}
	if err != nil {
		s.err, s.key = reason(err), unreadKey(s.in.Path)
	}
	return s
}

// once leaves one source of each key: the first one in the order of their names.
func once(sources []source) []source {
	slices.SortStableFunc(sources, func(a, b source) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.path, b.path)) })
	return slices.CompactFunc(sources, func(a, b source) bool { return a.key == b.key })
}

// rowsOf are the rows of a trace: those that are there or, where they are not or cannot be
// read, fresh ones.
func (c *Collector) rowsOf(ctx context.Context, s *source) (r *Rows, fresh bool, err error) {
	if s.err != nil { // it may be there the next time: nothing is kept
		return Unread(s.in, s.key, s.err), false, nil
	}
	name := filepath.Join(c.Dir, s.key+RowsSuffix)
	if r, err := readFile(name); err == nil && r.Key() == s.key {
		return r, false, nil
	}
	f, err := os.Open(s.path)
	if err == nil {
		defer f.Close()
		opt := c.Options
		opt.Workers = 1 // others are read meanwhile
		r, err = Map(ctx, f, s.in, opt)
	}
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if err != nil {
		return Unread(s.in, s.key, err), false, nil
	}
	if r.Key() != s.key { // somebody is writing it: the next time it may be whole
		return r, true, nil
	}
	return r, true, writeFile(name, r)
}

func readFile(name string) (*Rows, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read: %w", name, reason(err))
	}
	r, err := ReadRows(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// writeFile writes a file of rows, so that nobody sees half of one.
func writeFile(name string, r *Rows) error {
	fail := func(err error) error {
		return fmt.Errorf("%s: rows cannot be written: %w", name, reason(err))
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.tmp")
	if err != nil {
		return fail(err)
	}
	err = cmp.Or(r.Write(temp), temp.Chmod(0o644))
	if err = cmp.Or(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		os.Remove(temp.Name())
		return fail(err)
	}
	return nil
}

// reason is why something failed, without the name that repeats.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// parallel does n things, as many at once as there are CPUs. The error is the first one.
func parallel(ctx context.Context, n int, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// MostCauses is how many causes of a sample people are shown: all are in the JSON.
const MostCauses = 12

// Shown are the causes of a sample that people are shown.
func (r *Result) Shown(s Sample) (out []Cause) {
	for _, c := range r.Causes {
		if c.Sample == s && len(out) < MostCauses {
			out = append(out, c)
		}
	}
	return out
}

// Listed are the traces that a page names, by their keys: those to have a report of.
func (r *Result) Listed() []Worst {
	by := map[string]Worst{}
	for _, s := range samples {
		for _, c := range r.Shown(s) {
			for _, w := range c.Worst {
				by[w.Trace] = w
			}
		}
	}
	for _, f := range r.Findings {
		for _, w := range f.Worst {
			by[w.Trace] = w
		}
	}
	return slices.SortedFunc(maps.Values(by), func(a, b Worst) int { return cmp.Compare(a.Trace, b.Trace) })
}
