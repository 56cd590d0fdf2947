package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"gmptrace/analyze/fleet"
	"gmptrace/analyze/machine"
	"gmptrace/render"
)

// job is what is to be done. Workers are told of it as JSON.
type job struct {
	Patterns  []string // of traces
	List      string   // file with more of them, one a line; "" for none
	Rows      string   // folder
	Output    string   // file
	MaxMemory int64    // fleet.Options.MaxMemory
	Given     given
	Version   string // of gmptrace, as the output names it
}

func init() {
	register.DoFn3x1[context.Context, string, func(string), error](&findFn{})
	register.DoFn3x1[context.Context, string, func(string, string), error](&keyFn{})
	register.DoFn4x1[context.Context, string, func(*string) bool, func([]byte), error](&mapFn{})
	register.Combiner3[*fleet.Fleet, []byte, []byte](&mergeFn{})
	register.DoFn2x1[context.Context, []byte, error](&writeFn{})
	register.Emitter1[string]()
	register.Emitter1[[]byte]()
	register.Emitter2[string, string]()
	register.Iter1[string]()
	beam.RegisterCoder(reflect.TypeFor[*fleet.Fleet](), encode, decode)
}

// build adds all steps to a pipeline. Each may be done twice, as engines do when a worker
// is gone: files are written again with the same bytes.
func (j *job) build(s beam.Scope) {
	patterns := beam.CreateList(s, append([]string{""}, j.Patterns...))
	if j.List != "" {
		patterns = beam.Flatten(s, patterns, textio.Read(s, j.List))
	}
	files := beam.ParDo(s, &findFn{}, patterns)
	keyed := beam.ParDo(s, &keyFn{*j}, beam.Reshuffle(s, files))
	rows := beam.ParDo(s, &mapFn{*j}, beam.GroupByKey(s, keyed))
	merged := beam.Combine(s, &mergeFn{j.Version}, rows)
	beam.ParDo0(s, &writeFn{j.Output}, merged)
}

// findFn makes files of patterns.
type findFn struct{}

func (*findFn) ProcessElement(ctx context.Context, pattern string, emit func(string)) error {
	if strings.TrimSpace(pattern) == "" {
		return nil
	}
	fs, err := filesystem.New(ctx, pattern)
	if err != nil {
		return err
	}
	defer fs.Close()
	names, err := fs.List(ctx, pattern)
	if err != nil {
		return fmt.Errorf("%s: %w", pattern, err)
	}
	found := 0
	for _, name := range names {
		if !beside(name) {
			emit(name)
			found++
		}
	}
	if found == 0 {
		return fmt.Errorf("%s: there is no such trace: name files or globs of them; a folder's are DIR/*", pattern)
	}
	return nil
}

// beside tells whether a file that a pattern matches is one of those that lie beside traces.
func beside(name string) bool {
	return strings.HasSuffix(name, machine.Suffix) || strings.HasSuffix(name, fleet.RowsSuffix)
}

// keyFn says under what each trace's rows are kept: a trace that is there twice is one.
type keyFn struct{ Job job }

func (f *keyFn) ProcessElement(ctx context.Context, path string, emit func(string, string)) error {
	in, trace, err := f.Job.open(ctx, path)
	key := ""
	if err == nil {
		defer trace.Close()
		key, err = fleet.Key(trace, in)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		key = fleet.Unread(in, "", err).Key()
	}
	emit(key, path)
	return nil
}

// mapFn reads a trace, unless there are rows of it, and keeps those.
type mapFn struct{ Job job }

func (f *mapFn) ProcessElement(ctx context.Context, key string, paths func(*string) bool, emit func([]byte)) error {
	name := strings.TrimSuffix(f.Job.Rows, "/") + "/" + key + fleet.RowsSuffix
	if kept, ok := keptRows(ctx, name, key); ok {
		emit(kept)
		return nil
	}
	var first, path string
	for n := 0; paths(&path); n++ {
		if n == 0 || path < first {
			first = path
		}
	}
	r, err := f.Job.read(ctx, first, key)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := r.rows.Write(&b); err != nil {
		return err
	}
	if r.keep {
		if err := replaceFile(ctx, name, b.Bytes()); err != nil {
			return fmt.Errorf("%s: rows cannot be written: %w", name, err)
		}
	}
	emit(b.Bytes())
	return nil
}

// readRows are the rows of a trace, and whether they hold for good.
type readRows struct {
	rows *fleet.Rows
	keep bool
}

// read reads the trace with a key. The errors are those of ctx.
func (j *job) read(ctx context.Context, path, key string) (readRows, error) {
	in, trace, err := j.open(ctx, path)
	var r *fleet.Rows
	if err == nil {
		defer trace.Close()
		r, err = fleet.Map(ctx, trace, in, fleet.Options{MaxMemory: j.MaxMemory, Workers: 1}) // others are read meanwhile
	}
	switch {
	case ctx.Err() != nil:
		return readRows{}, ctx.Err()
	case err != nil:
		return readRows{fleet.Unread(in, key, err), false}, nil
	case r.Key() != key: // what it is now may be another trace of the fleet as well
		return readRows{fleet.Unread(in, key, errors.New("it changed while traces were read")), false}, nil
	}
	return readRows{r, true}, nil
}

// open opens a trace, and says what is known of it beside its bytes.
func (j *job) open(ctx context.Context, path string) (fleet.Input, io.ReadCloser, error) {
	in := j.Given.input(path)
	trace, err := openFile(ctx, path)
	if err != nil {
		return in, nil, err
	}
	if in.Evidence, err = readOptional(ctx, path+machine.Suffix); err != nil {
		trace.Close()
		return in, nil, err
	}
	return in, trace, nil
}

// mergeFn adds rows up.
type mergeFn struct{ Version string }

func (*mergeFn) CreateAccumulator() *fleet.Fleet { return &fleet.Fleet{} }

func (*mergeFn) AddInput(f *fleet.Fleet, rows []byte) (*fleet.Fleet, error) {
	r, err := fleet.ReadRows(bytes.NewReader(rows), int64(len(rows)))
	if err != nil {
		return nil, err
	}
	f.Add(r)
	return f, nil
}

func (*mergeFn) MergeAccumulators(f, o *fleet.Fleet) (*fleet.Fleet, error) { return f, f.Merge(o) }

func (m *mergeFn) ExtractOutput(f *fleet.Fleet) ([]byte, error) {
	r := f.Result()
	r.Version = m.Version
	var b bytes.Buffer
	if err := render.FleetJSON(&b, r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// encode and decode take a part of a fleet from one worker to another.
func encode(f *fleet.Fleet) ([]byte, error) { return f.MarshalBinary() }

func decode(b []byte) (*fleet.Fleet, error) {
	f := &fleet.Fleet{}
	return f, f.UnmarshalBinary(b)
}

// writeFn writes what there is of the fleet.
type writeFn struct{ Output string }

func (w *writeFn) ProcessElement(ctx context.Context, json []byte) error {
	if err := replaceFile(ctx, w.Output, json); err != nil {
		return fmt.Errorf("%s: cannot be written: %w", w.Output, err)
	}
	return nil
}
