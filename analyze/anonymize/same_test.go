package anonymize

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"gmptrace/analyze"
	"gmptrace/analyze/internal/load"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// fixtures are all traces of the project that can be read and rewritten, uncompressed, by name.
func fixtures(t testing.TB) map[string][]byte {
	all := map[string][]byte{}
	for _, pattern := range []string{"../../fixtures/traces/*/*.trace*", "../testdata/traces/*.trace*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			if strings.Contains(name, "/broken/") || strings.Contains(name, ".machine") {
				continue
			}
			b := uncompressed(t, name)
			if bytes.HasPrefix(b, []byte("go 1.2")) && b[6] >= '2' {
				all[strings.TrimPrefix(strings.TrimPrefix(name, "../../fixtures/traces/"), "../testdata/")] = b
			}
		}
	}
	if len(all) < 50 {
		t.Fatalf("%d traces only", len(all))
	}
	return all
}

// small are those of them that do not take long to compare.
func small(t testing.TB) map[string][]byte {
	all := fixtures(t)
	maps.DeleteFunc(all, func(_ string, b []byte) bool { return len(b) > 100<<10 })
	if len(all) < 20 {
		t.Fatalf("%d traces only", len(all))
	}
	return all
}

func uncompressed(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader = bytes.NewReader(b)
	switch path.Ext(name) {
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".zst":
		r, err = zstd.NewReader(r)
	}
	if err == nil {
		b, err = io.ReadAll(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// anonymized is a trace with other names.
func anonymized(t testing.TB, b []byte, keep ...string) ([]byte, *Result) {
	t.Helper()
	var out bytes.Buffer
	res, err := Trace(t.Context(), bytes.NewReader(b), &out, Options{Name: "app.trace", Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), res
}

// TestSameEvents: what is read of the output is what is read of the trace, event by event,
// with names, threads and the clock put right. The reference reader takes it too.
func TestSameEvents(t *testing.T) {
	for name, b := range small(t) {
		t.Run(name, func(t *testing.T) {
			out, res := anonymized(t, b)
			want, got := readAll(t, b, ""), readAll(t, out, "")
			to := map[[2]string]string{}
			for _, r := range res.Names {
				to[[2]string{r.Kind, r.From}] = r.To
			}
			if len(want.events) != len(got.events) || len(want.events) == 0 {
				t.Fatalf("%d events, the trace has %d", len(got.events), len(want.events))
			}
			threads := map[int64]int64{-1: -1}
			shift := want.events[0].Time - got.events[0].Time
			for i := range want.events {
				a, b := want.events[i], got.events[i]
				if threads[a.thread] == 0 {
					threads[a.thread] = b.thread
				}
				a.Time -= shift
				a.thread = threads[a.thread]
				a.stack = renamedStack(a.stack, to)
				if a.Op.HasString() && to[[2]string{kindOf(&a.Event), a.text}] != "" {
					a.text = to[[2]string{kindOf(&a.Event), a.text}]
				}
				if a.Flags&model.FlagMachine != 0 {
					a.text = b.text // see TestEvidence
				}
				if a != b {
					t.Fatalf("event %d:\n%+v\nwant\n%+v", i, b, a)
				}
			}
			if ref := readAll(t, out, load.ReferenceReader); !slices.Equal(ref.events, got.events) {
				t.Errorf("the reference reader gives %d other events", len(ref.events))
			}
		})
	}
}

func kindOf(x *model.Event) string {
	switch x.Op {
	case model.OpTaskBegin:
		return "task"
	case model.OpRegionBegin, model.OpRegionEnd:
		return "region"
	case model.OpLog:
		return "message"
	}
	return "reason"
}

// event is an event with what its numbers stand for.
type event struct {
	model.Event
	stack, text string
	thread      int64
}

type events struct{ events []event }

func readAll(t *testing.T, b []byte, reader string) *events {
	t.Helper()
	var x events
	var stacks []names.StackFrames
	var texts []string
	var threads []int64
	tr, err := load.Load(t.Context(), bytes.NewReader(b), load.Options{Name: "x", Workers: 1, Reader: reader}, func(b *load.Batch) error {
		if b.First {
			stacks, texts, threads = nil, nil, nil
		}
		stacks, texts, threads = append(stacks, b.Stacks...), append(texts, b.Strings...), append(threads, b.Threads...)
		for _, ev := range b.Events {
			e := event{Event: ev, thread: -1}
			if ev.Stack > 0 {
				e.stack = frameLines(stacks[ev.Stack-1])
			}
			if ev.Op.HasString() && ev.Arg > 0 {
				e.text = texts[ev.Arg-1]
				e.Arg = 0
			}
			if ev.M >= 0 {
				e.thread = threads[ev.M]
			}
			e.Stack, e.M = 0, 0
			x.events = append(x.events, e)
		}
		return nil
	})
	if err != nil || len(tr.Lost) > 0 {
		t.Fatal(err, tr.Lost)
	}
	return &x
}

func frameLines(s names.StackFrames) string {
	var b strings.Builder
	for _, f := range s.Frames {
		fmt.Fprintf(&b, "%s\t%s\t%d\n", f.Func, f.File, f.Line)
	}
	return b.String()
}

func renamedStack(stack string, to map[[2]string]string) string {
	var b strings.Builder
	for line := range strings.Lines(stack) {
		f := strings.Split(line, "\t")
		for i, kind := range []string{"function", "file"} {
			if other := to[[2]string{kind, f[i]}]; other != "" {
				f[i] = other
			}
		}
		b.WriteString(strings.Join(f, "\t"))
	}
	return b.String()
}

// TestSameReport: a report says the same of the output, but for names, thread ids and the
// date. What is sorted by name where all else is equal comes in another order.
func TestSameReport(t *testing.T) {
	for name, b := range small(t) {
		if strings.Contains(name, "-healthy") || strings.Contains(name, ".trace.zst") {
			continue // twins of others, which take as long
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, res := anonymized(t, b)
			want, got := told(t, b), told(t, out)
			if a, b := renamer(res).canonical(want, ""), renamed(res).canonical(got, ""); a != b {
				t.Errorf("%s", difference(a, b))
			}
		})
	}
}

// told is a report's JSON, without what is another of each file.
func told(t *testing.T, b []byte) any {
	t.Helper()
	rep, err := analyze.Analyze(t.Context(), bytes.NewReader(b), analyze.Options{Options: replay.Options{Name: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	rep.Trace.Start, rep.Trace.Bytes, rep.Trace.LargestGenBytes, rep.Trace.Compression = "", 0, 0, ""
	js, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	var x any
	if err := json.Unmarshal(js, &x); err != nil {
		t.Fatal(err)
	}
	return x
}

// texts puts the names of two reports into one form.
type texts struct {
	whole    map[string]string
	messages map[string]string
	parts    *strings.Replacer
}

// renamer is what makes a report of the trace one of the output. Names of files lack in both: several
// have one.
func renamer(res *Result) texts {
	whole, messages, parts := map[string]string{}, map[string]string{}, map[string]string{}
	for _, r := range res.Names {
		switch r.Kind {
		case "function":
			whole[r.From], parts[r.From], parts[words.Function(r.From)] = r.To, r.To, words.Function(r.To)
		case "file":
			whole[r.From], parts["("+names.FileName(r.From)+":"] = "FILE", "(FILE:"
		case "message":
			messages[r.From] = r.To
		case "task", "region":
			whole[r.From], parts[strconv.Quote(r.From)] = r.To, strconv.Quote(r.To)
		}
	}
	return texts{whole, messages, replacer(parts)}
}

// renamed is the form for the output, in which names of files are left to take out.
func renamed(res *Result) texts {
	whole, parts := map[string]string{}, map[string]string{}
	for _, r := range res.Names {
		if r.Kind == "file" {
			whole[r.To], parts["("+names.FileName(r.To)+":"] = "FILE", "(FILE:"
		}
	}
	return texts{whole, nil, replacer(parts)}
}

func replacer(parts map[string]string) *strings.Replacer {
	var list []string
	for _, from := range slices.SortedFunc(maps.Keys(parts), func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) }) {
		list = append(list, from, parts[from])
	}
	return strings.NewReplacer(list...)
}

func (x texts) replace(s string) string {
	if to, ok := x.whole[s]; ok {
		return to
	}
	if path.Ext(s) == ".go" {
		return s // a file that is kept
	}
	return x.parts.Replace(s)
}

func (x texts) canonical(v any, indent string) string {
	switch v := v.(type) {
	case string:
		return x.replace(v)
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, x.canonical(e, indent+" "))
		}
		slices.Sort(list)
		return "[\n" + strings.Join(list, ",\n") + "]"
	case map[string]any:
		var list []string
		for k, e := range v {
			switch k {
			case "m", "program":
				continue // a thread's id; a folder's name
			case "logs":
				e = slices.Collect(func(yield func(any) bool) {
					for _, m := range e.([]any) {
						yield(cmp.Or(x.messages[m.(string)], m.(string)))
					}
				})
			}
			list = append(list, indent+k+": "+x.canonical(e, indent+" "))
		}
		slices.Sort(list)
		return "{\n" + strings.Join(list, "\n") + "}"
	}
	return fmt.Sprint(v)
}

func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d:\nwant %s\ngot  %s", i, strings.Join(x[max(0, i-3):i+1], "\n"), strings.Join(y[max(0, i-3):i+1], "\n"))
		}
	}
	return "one is longer"
}
