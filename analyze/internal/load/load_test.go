package load

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// smallTraces are tiny recorded traces, one per format; testdata/traces/record.go
// says how they are made. From 1.22 on they hold several generations.
var smallTraces = []string{"go1.21", "go1.22", "go1.23", "go1.25", "go1.26"}

func smallTrace(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata", "traces", name+".trace"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// loaded is what load gave of an input.
type loaded struct {
	report.Trace
	err    error
	events []model.Event // M, Stack and strings' Arg re-keyed over all generations
	breaks []int         // generations after which the state was reset
	clocks []ClockSnapshot
	nth    []uint32
	last   []model.Time     // of each generation's reader
	tables map[string]int64 // of the re-keying
}

// loadAll loads an input and checks on the way what load promises of every
// batch: indices within the tables, times that do not go backwards, a
// generation's event at its start.
func loadAll(t testing.TB, r io.Reader, opt Options) *loaded {
	t.Helper()
	l := &loaded{tables: map[string]int64{}}
	onPanic = func(p any) { t.Errorf("the decoder panicked: %v\n%s", p, debug.Stack()) }
	if opt.Name == "" {
		opt.Name = "x.trace"
	}
	var stacks, names, threads keyed
	last := model.Time(-1 << 62)
	l.Trace, l.err = Load(context.Background(), r, opt, func(b *Batch) error {
		if b.First {
			stacks, names, threads = keyed{}, keyed{}, keyed{}
			if e := b.Events[0]; e.Op != model.OpGeneration || e.Arg != 0 {
				t.Errorf("generation %d begins with %+v", b.Gen, e)
			}
		}
		if b.Clock != nil {
			l.clocks = append(l.clocks, *b.Clock)
		}
		for _, s := range b.Stacks {
			stacks.add(fmt.Sprintf("stack %x %v", s.Key, s.Frames))
		}
		for _, s := range b.Strings {
			names.add("string " + s)
		}
		for _, m := range b.Threads {
			threads.add(fmt.Sprint("M ", m))
		}
		l.nth = append(l.nth, b.Nth...)
		if len(l.last) < b.Gen {
			l.last = append(l.last, make([]model.Time, b.Gen-len(l.last))...)
		}
		l.last[b.Gen-1] = b.Last
		for _, e := range b.Events {
			if e.Time < last {
				t.Errorf("time goes back from %d to %d in generation %d", last, e.Time, b.Gen)
			}
			last = e.Time
			if e.Op == model.OpGeneration && e.Arg == 1 {
				l.breaks = append(l.breaks, b.Gen)
				continue
			}
			l.events = append(l.events, l.rekey(e, &stacks, &names, &threads))
		}
		return nil
	})
	return l
}

// keyed is a table of a generation: by what its entries are known over all generations, and
// the numbers of those that an event has named, as many events name the same.
type keyed struct {
	keys    []string
	numbers []int64 // 0 for none yet
}

func (k *keyed) add(key string) { k.keys, k.numbers = append(k.keys, key), append(k.numbers, 0) }

// rekey replaces indices that count within a generation.
func (l *loaded) rekey(e model.Event, stacks, names, threads *keyed) model.Event {
	if e.Stack > 0 {
		e.Stack = uint32(l.number(stacks, int64(e.Stack-1)))
	}
	if e.M >= 0 {
		e.M = model.MIndex(l.number(threads, int64(e.M)))
	}
	if e.Op.HasString() && e.Arg > 0 {
		e.Arg = l.number(names, e.Arg-1)
	}
	return e
}

// number is that of an entry of a table.
func (l *loaded) number(of *keyed, i int64) int64 {
	if of.numbers[i] == 0 {
		of.numbers[i] = l.index(of.keys[i])
	}
	return of.numbers[i]
}

func (l *loaded) index(key string) int64 {
	i, ok := l.tables[key]
	if !ok {
		i = int64(len(l.tables)) + 1
		l.tables[key] = i
	}
	return i
}

// lostKinds are the kinds of what was lost, in order.
func (l *loaded) lostKinds() string {
	var kinds []string
	for _, x := range l.Lost {
		kinds = append(kinds, x.Kind)
	}
	return strings.Join(kinds, " ")
}

func (l *loaded) count(op model.Op) int {
	n := 0
	for _, e := range l.events {
		if e.Op == op {
			n++
		}
	}
	return n
}

func TestLoadFormats(t *testing.T) {
	for _, name := range smallTraces {
		t.Run(name, func(t *testing.T) {
			raw := smallTrace(t, name)
			l := loadAll(t, bytes.NewReader(raw), Options{})
			if l.err != nil || !l.Complete || len(l.Lost) > 0 {
				t.Fatalf("err %v, complete %v, lost %+v", l.err, l.Complete, l.Lost)
			}
			if l.Bytes != int64(len(raw)) {
				t.Errorf("Bytes = %d, want the file's %d", l.Bytes, len(raw))
			}
			if want := strings.Replace(name, "go", "go ", 1); l.Format != want {
				t.Errorf("Format = %q, want %q", l.Format, want)
			}
			if n := l.count(model.OpGeneration); n != l.Generations {
				t.Errorf("%d OpGeneration, %d generations", n, l.Generations)
			}
			clock := name >= "go1.25"
			if (l.Start != "") != clock || (len(l.clocks) == l.Generations) != clock {
				t.Errorf("Start = %q with %d clock readings", l.Start, len(l.clocks))
			}
			// The end is known to be the end for 1.26, and for ≤ 1.21, whose
			// last event is needed to read any.
			if noted := len(l.Notes) > 0; noted != (name >= "go1.22" && name < "go1.26") {
				t.Errorf("Notes = %q", l.Notes)
			}
			// The program did each of these.
			for _, op := range []model.Op{model.OpNewproc, model.OpExecute, model.OpPark, model.OpReady, model.OpGosched, model.OpGoexit,
				model.OpEntersyscall, model.OpAcquirep, model.OpReleasep, model.OpTaskBegin, model.OpTaskEnd, model.OpRegionBegin,
				model.OpRegionEnd, model.OpLog, model.OpGoStatus, model.OpSTWBegin, model.OpSTWEnd, model.OpGOMAXPROCS} {
				if l.count(op) == 0 {
					t.Errorf("no event of Op %d", op)
				}
			}
		})
	}
}

func TestLoadStart(t *testing.T) {
	l := loadAll(t, bytes.NewReader(smallTrace(t, "go1.26")), Options{})
	start, err := time.Parse(time.RFC3339Nano, l.Start)
	if err != nil || start.Year() < 2024 || start.Location() != time.UTC {
		t.Errorf("Start = %q: %v", l.Start, err)
	}
}

// However many generations are decoded at once, the events are the same.
func TestLoadWorkers(t *testing.T) {
	for _, name := range smallTraces {
		one := loadAll(t, bytes.NewReader(smallTrace(t, name)), Options{Workers: 1})
		for _, workers := range []int{2, 5} {
			l := loadAll(t, iotest.OneByteReader(bytes.NewReader(smallTrace(t, name))), Options{Workers: workers})
			if !slices.Equal(one.events, l.events) {
				t.Errorf("%s: %d workers give other events than one", name, workers)
			}
		}
	}
}

// One reader for the whole trace, as for crowds of goroutines, gives the same
// events as a reader for each generation, but for what only a reader that has
// seen all before can know.
func TestLoadOneReader(t *testing.T) {
	for _, name := range smallTraces[1:] {
		t.Run(name, func(t *testing.T) {
			each := loadAll(t, bytes.NewReader(smallTrace(t, name)), Options{})
			old := crowdBytes
			crowdBytes = 0
			defer func() { crowdBytes = old }()
			one := loadAll(t, bytes.NewReader(smallTrace(t, name)), Options{Reader: ReferenceReader})
			if one.err != nil || !one.Complete || one.Events != each.Events || one.LargestGenBytes != each.LargestGenBytes {
				t.Fatalf("one reader: %+v, %v; one for each generation: %+v", one.Trace, one.err, each.Trace)
			}
			if len(each.events) != len(one.events) {
				t.Fatalf("%d events from one reader, %d from one for each generation", len(one.events), len(each.events))
			}
			for i, e := range each.events {
				if o := one.events[i]; alike(e) != alike(o) || o.Time.Sub(e.Time).Abs() > time.Millisecond {
					t.Fatalf("event %d: one reader %+v, one for each generation %+v", i, o, e)
				}
			}
		})
	}
}

// alike leaves out what differs between readers: times, where one reader pushes
// a generation's first events behind the statuses that the one before it wrote
// late, and the context of status events.
func alike(e model.Event) model.Event {
	e.Time = 0
	if e.Op == model.OpGoStatus || e.Op == model.OpProcStatus {
		e.G, e.P, e.M = model.NoG, model.NoP, model.NoM
	}
	return e
}

func TestLoadCompressed(t *testing.T) {
	raw := smallTrace(t, "go1.26")
	plain := loadAll(t, bytes.NewReader(raw), Options{})
	for name, packed := range map[string][]byte{"gzip": gzipped(t, raw), "zstd": zstded(t, raw)} {
		l := loadAll(t, bytes.NewReader(packed), Options{})
		if l.err != nil || l.Compression != name || l.Bytes != int64(len(raw)) || !slices.Equal(l.events, plain.events) {
			t.Errorf("%s: %+v %v", name, l.Trace, l.err)
		}
	}
	cut := gzipped(t, raw)
	l := loadAll(t, bytes.NewReader(cut[:len(cut)*3/4]), Options{})
	if l.err != nil || l.Complete || l.Events == 0 || !strings.Contains(fmt.Sprint(l.Lost), "compressed data is cut short") {
		t.Errorf("cut gzip: %+v %v", l.Trace, l.err)
	}
}

func gzipped(t testing.TB, b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstded(t testing.TB, b []byte) []byte {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll(b, nil)
}

func TestLoadSinkError(t *testing.T) {
	stop := errors.New("enough")
	_, err := Load(context.Background(), bytes.NewReader(smallTrace(t, "go1.26")), Options{}, func(*Batch) error { return stop })
	if err != stop {
		t.Errorf("error %v, want the sink's own", err)
	}
}

// A cancelled load returns at once, although the input has nothing to give.
func TestLoadCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	pr, pw := io.Pipe()
	go func() {
		raw := smallTrace(t, "go1.26")
		_, _ = pw.Write(raw[:len(raw)/2])
		cancel()
	}()
	defer pw.Close()
	if _, err := Load(ctx, pr, Options{}, func(*Batch) error { return nil }); err != context.Canceled {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestLoadProgress(t *testing.T) {
	raw := smallTrace(t, "go1.26")
	var bytesRead, eventsRead int64
	l := loadAll(t, bytes.NewReader(raw), Options{Progress: func(read, events int64) { bytesRead, eventsRead = read, events }})
	if bytesRead != int64(len(raw)) || eventsRead < l.Events {
		t.Errorf("the last progress told is %d bytes and %d events, for %d bytes and %d events", bytesRead, eventsRead, len(raw), l.Events)
	}
}
