package anonymize

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"gmptrace/analyze/internal/load"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Options say what to read and what to keep.
type Options struct {
	Name      string                   // of the trace, for errors
	Keep      []string                 // import paths of packages whose names stay, with those of all packages below
	MaxMemory int64                    // that a generation, and all names together, may take; 0 is 2 GiB
	Progress  func(read, events int64) // bytes of the input, and events written; may be nil
}

// Result is what became of a trace.
type Result struct {
	Trace       report.Trace // what was read: Name, Format, Compression, Events, Generations, Complete, Lost
	Experiments int64        // events and batches of experiments: they were left out
	Unused      int64        // strings that nothing names, likewise
	Kept        []string     // packages whose names stay, of those that the trace has
	Names       []Renamed    // all that were replaced, in the order of the output
	Threads     int          // whose ids were replaced
	Evidence    int64        // messages that hold what the machine said
}

// Renamed is a name that was replaced.
type Renamed struct {
	Kind     string // one of Kinds
	From, To string
}

// Kinds are the kinds of names. Packages are counted beside the functions in them.
var Kinds = []string{"package", "function", "file", "task", "region", "category", "message", "reason", "name"}

// Trace writes the trace that it reads with other names, uncompressed. Traces of formats
// before 1.22 are an *report.InputError, as is what is no trace. What of one could not be
// read is in the Result, and not in the output.
func Trace(ctx context.Context, r io.Reader, w io.Writer, opt Options) (*Result, error) {
	n := newNamer(opt)
	told, err := load.Rewrite(ctx, r, w, load.Options{Name: opt.Name, MaxMemory: opt.MaxMemory, Progress: opt.Progress}, n)
	if err != nil {
		return nil, err
	}
	return &Result{
		Trace: report.Trace{Name: opt.Name, Format: told.Format, Compression: told.Compression, Events: told.Events, Generations: told.Generations,
			Complete: len(told.Lost) == 0, Lost: told.Lost},
		Experiments: told.Experiments, Unused: told.Unused,
		Kept: slices.Sorted(maps.Keys(n.keptPackages)), Names: n.renamed, Threads: len(n.threads), Evidence: n.evidence,
	}, nil
}

// Count is how many names of a kind were replaced. Files of which only the folder was are
// not counted.
func (r *Result) Count(kind string) (n int) {
	for i := range r.Names {
		x := &r.Names[i]
		if x.Kind == kind && (kind != "file" || names.FileName(x.From) != names.FileName(x.To)) {
			n++
		}
	}
	return n
}

// Summary says in some lines what was replaced, kept and left out, and what in the output
// could still tell what program it is of, or of whom.
func (r *Result) Summary() []string {
	lines := []string{
		"replaced: " + strings.Join(r.replaced(), ", "),
		fmt.Sprintf("kept: names of %s: %s", words.Plural(len(r.Kept), "package"), strings.Join(r.Kept, ", ")),
	}
	if r.Experiments > 0 {
		lines = append(lines, fmt.Sprintf("left out: %s of experiments of the tracer, of which nobody knows what they name", words.Plural(r.Experiments, "event")))
	}
	if r.Unused > 0 {
		lines = append(lines, fmt.Sprintf("left out: %s that nothing names", words.Plural(r.Unused, "string")))
	}
	lines = append(lines, "what could still tell:")
	for _, s := range r.couldTell() {
		lines = append(lines, "  - "+s)
	}
	return lines
}

// replaced is how many names of each kind were.
func (r *Result) replaced() []string {
	var out []string
	for _, kind := range Kinds {
		switch n := r.Count(kind); {
		case n == 0:
		case n > 1 && kind == "category":
			out = append(out, words.Count(n)+" categories")
		default:
			out = append(out, words.Plural(n, kind))
		}
	}
	out = append(out, words.Plural(r.Threads, "thread id"), "all program counters", "the date", "the clock's beginning")
	return out
}

func (r *Result) couldTell() []string {
	out := []string{
		"how long everything took, in which order and how often; ids of goroutines, Ps and tasks; GOMAXPROCS and sizes of the heap",
		"line numbers, how deep stacks are, which functions call which, and which are exported, methods, closures or tests",
		"the names that were kept; common methods in whatever package (ServeHTTP, Write, Lock …); whether a type is called a mutex, a group, a client or a transport",
		"the Go version, and versions of modules whose names were kept",
	}
	if r.Evidence > 0 {
		out = append(out, "what the machine said: its CPUs, quota and the runtime's settings, and what threads had of the CPUs")
	}
	return out
}

// Missing says what of the trace is not in the output, behind a colon; "" for nothing.
func (r *Result) Missing() string {
	var texts []string
	for _, l := range r.Trace.Lost {
		texts = append(texts, l.Text)
	}
	switch {
	case len(texts) > 0:
		return ": " + strings.Join(texts, "; ")
	case r.Trace.Events == 0:
		return ": the trace has no events"
	}
	return ""
}

// WriteNames writes which name stands for which, one a line: kind, new name and old, with
// a tab between.
func (r *Result) WriteNames(w io.Writer) error {
	for _, x := range r.Names {
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", x.Kind, words.Printable(x.To), words.Printable(x.From)); err != nil {
			return err
		}
	}
	return nil
}
