package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Each input that is no trace is named for what it is, with what to do.
func TestNotATrace(t *testing.T) {
	header := "go 1.26 trace\x00\x00\x00"
	for name, c := range map[string]struct {
		in         []byte
		kind, text string
	}{
		"empty":            {nil, "empty", "x.trace: the input is empty"},
		"empty gzip":       {gzipped(t, nil), "empty", "gzip, decompressed"},
		"HTML":             {[]byte("\n<!DOCTYPE html><title>502 Bad Gateway</title>"), "html", "a web page"},
		"JSON":             {[]byte(`{"traceEvents":[]}`), "json", "JSON"},
		"refused":          {[]byte("Could not enable tracing: tracing is already enabled\n"), "not-enabled", "tracing is already enabled"},
		"pprof text":       {[]byte("goroutine profile: total 7\n"), "pprof", "a pprof profile"},
		"text":             {[]byte("404 page not found\n"), "not-a-trace", `"404 page not found"`},
		"hostile text":     {[]byte("\x1b[31mred\n"), "not-a-trace", `begins with "\x1b[31mred`},
		"letters of pprof": {[]byte("Zero Zone\n"), "not-a-trace", "but text"},
		"fields, no types": {[]byte("\x48\x01\x50\x02"), "not-a-trace", "it begins with"},
		"binary":           {[]byte("\x00\x01\x02\x03rubbish"), "not-a-trace", "it begins with"},
		"ELF":              {[]byte("\x7fELF\x02\x01"), "not-a-trace", "a program"},
		"xz":               {[]byte("\xfd7zXZ\x00..."), "not-a-trace", "xz -d"},
		"gzip twice":       {gzipped(t, gzipped(t, []byte(header))), "not-a-trace", "compressed twice"},
		"gzip of HTML":     {gzipped(t, []byte("<html>")), "html", "gzip, decompressed"},
		"zstd of text":     {zstded(t, []byte("hello")), "not-a-trace", `"hello"`},
		"bad gzip":         {[]byte("\x1f\x8b\xff\xff\xff\xff\xff\xff\xff\xff"), "damaged", "not readable gzip"},
		"future":           {[]byte("go 1.27 trace\x00\x00\x00"), "future-version", `"go 1.27"`},
		"never existed":    {[]byte("go 1.24 trace\x00\x00\x00"), "future-version", `"go 1.24"`},
		"too old":          {[]byte("go 1.8 trace\x00\x00\x00\x00"), "too-old", `"go 1.8"`},
		"half a header":    {[]byte("go 1.2"), "truncated", "header is cut short"},
		"header, byte 5":   {[]byte("go 1.\xcd6 trace\x00\x00\x00\x01..."), "damaged", "header is damaged"},
		"header, byte 8":   {[]byte("go 1.26 \x8brace\x00\x00\x00\x01..."), "damaged", "header is damaged"},
		"header, byte 15":  {[]byte("go 1.26 trace\x00\x00\xff\x01..."), "damaged", "header is damaged"},
		"UTF-16":           {[]byte("\xff\xfeg\x00o\x00"), "not-a-trace", "UTF-16"},
		"header, rubbish":  {[]byte(header + strings.Repeat("rubbish ", 100)), "damaged", "at byte 16"},
		"rubbish, 1.21":    {append([]byte("go 1.21 trace\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 100)...), "damaged", "no event of this trace can be read"},
	} {
		t.Run(name, func(t *testing.T) {
			l := loadAll(t, bytes.NewReader(c.in), Options{})
			var in *report.InputError
			if !errors.As(l.err, &in) {
				t.Fatalf("error %v, trace %+v", l.err, l.Trace)
			}
			if in.Kind != c.kind || !strings.Contains(in.Error(), c.text) || !strings.HasPrefix(in.Error(), "x.trace: ") || in.Hint == "" {
				t.Errorf("kind %s, want %s with %q, the file's name and a hint; error:\n%v", in.Kind, c.kind, c.text, in)
			}
			if strings.ContainsFunc(in.Text, func(r rune) bool { return r < ' ' }) {
				t.Errorf("control characters in %q", in.Text)
			}
		})
	}
}

// Every kind of profile that this Go writes is named for what it is.
func TestProfiles(t *testing.T) {
	var cpu bytes.Buffer
	if err := pprof.StartCPUProfile(&cpu); err != nil {
		t.Fatal(err)
	}
	pprof.StopCPUProfile()
	all := map[string][]byte{"cpu": cpu.Bytes()}
	for _, p := range pprof.Profiles() {
		var b bytes.Buffer
		if err := p.WriteTo(&b, 0); err != nil {
			t.Fatal(err)
		}
		all[p.Name()] = b.Bytes()
	}
	for name, b := range all {
		l := loadAll(t, bytes.NewReader(b), Options{})
		var in *report.InputError
		if !errors.As(l.err, &in) || in.Kind != "pprof" || !strings.Contains(in.Hint, "go tool pprof") {
			t.Errorf("%s: %v", name, l.err)
		}
	}
}

func TestHeaderOnly(t *testing.T) {
	for _, header := range []string{"go 1.11 trace\x00\x00\x00", "go 1.19 trace\x00\x00\x00", "go 1.22 trace\x00\x00\x00", "go 1.26 trace\x00\x00\x00"} {
		l := loadAll(t, strings.NewReader(header), Options{})
		if l.err != nil || l.Complete || l.lostKinds() != "no-events" || l.Events != 0 {
			t.Errorf("%q: %+v, %v", header, l.Trace, l.err)
		}
	}
}

// part is a batch of a trace of format 1.22 or later, or the mark of a
// generation's end.
type part struct {
	off, size int
	gen       uint64 // 0 for a mark
	typ       byte   // of the batch's first event
}

// parts takes a sound trace apart, in its own way and not the splitter's.
func parts(t testing.TB, b []byte) []part {
	t.Helper()
	var all []part
	for i := headerSize; i < len(b); {
		if b[i] == evEndOfGeneration {
			all = append(all, part{off: i, size: 1})
			i++
			continue
		}
		p := part{off: i}
		i++
		var v [4]uint64
		for k := range v {
			x, n := binary.Uvarint(b[i:])
			v[k] = x
			i += n
		}
		p.gen, p.typ = v[0], b[i]
		i += int(v[3])
		p.size = i - p.off
		all = append(all, p)
	}
	return all
}

// lastOf is the index of the last part that belongs to a generation.
func lastOf(all []part, gen uint64) int {
	at := -1
	for i, p := range all {
		if p.gen == gen || p.gen == 0 && i > 0 && all[i-1].gen == gen {
			at = i
		}
	}
	return at
}

// prefix is what a sound trace's first n generations give.
func prefix(t *testing.T, raw []byte, n uint64) []model.Event {
	all := parts(t, raw)
	last := all[lastOf(all, n)]
	return loadAll(t, bytes.NewReader(raw[:last.off+last.size]), Options{}).events
}

// Wherever a trace is cut, the generations before are whole, what is missing
// is told, and the bytes add up.
func TestTruncated(t *testing.T) {
	for _, name := range smallTraces[1:] {
		raw := smallTrace(t, name)
		all := parts(t, raw)
		two := prefix(t, raw, 2)
		third := all[lastOf(all, 2)+1].off
		marked := name >= "go1.26"
		for i, p := range all[lastOf(all, 2)+1 : lastOf(all, 3)+1] {
			for _, cut := range []int{p.off + 1, p.off + p.size/2, p.off + p.size} {
				l := loadAll(t, bytes.NewReader(raw[:cut]), Options{})
				at := fmt.Sprintf("%s cut at %d (part %d of generation 3)", name, cut, i)
				end := lastOf(all, 3)
				if cut == all[end].off+all[end].size || !marked && p.off == all[end].off && cut == p.off+p.size {
					if !l.Complete {
						t.Errorf("%s, at its end: %+v", at, l.Lost)
					}
					continue
				}
				if l.err != nil || l.Complete || len(l.Lost) == 0 || l.Lost[0].Generation < 2 || l.Bytes != int64(cut) {
					t.Fatalf("%s: %+v, %v", at, l.Trace, l.err)
				}
				if len(l.events) < len(two) || !slices.Equal(l.events[:len(two)], two) {
					t.Fatalf("%s: the first two generations are not as they were", at)
				}
				if kinds := l.lostKinds(); !strings.Contains(kinds, "truncated") && !strings.Contains(kinds, "no-end") {
					t.Fatalf("%s: lost %s", at, kinds)
				}
				// Within its first header a batch does not say whose it is.
				if cut > third+maxBatchHeader && l.Lost[0].Generation != 3 {
					t.Fatalf("%s: lost %+v", at, l.Lost)
				}
			}
		}
	}
}

// A generation cut after its tables, but before the mark of its end, is used.
func TestKilledBeforeTheEnd(t *testing.T) {
	raw := smallTrace(t, "go1.26")
	all := parts(t, raw)
	mark := all[len(all)-1]
	if mark.gen != 0 {
		t.Fatal("the trace does not end with a mark")
	}
	whole := loadAll(t, bytes.NewReader(raw), Options{})
	l := loadAll(t, bytes.NewReader(raw[:mark.off]), Options{})
	if l.Complete || l.lostKinds() != "no-end" || !slices.Equal(l.events, whole.events) {
		t.Errorf("%+v", l.Trace)
	}
}

func TestConcatenated(t *testing.T) {
	for _, name := range smallTraces[1:] {
		raw := smallTrace(t, name)
		second := smallTrace(t, "go1.26")
		whole := loadAll(t, bytes.NewReader(raw), Options{})
		for what, in := range map[string][]byte{
			"plain": slices.Concat(raw, second),
			"gzip":  slices.Concat(gzipped(t, raw), gzipped(t, second)),
		} {
			l := loadAll(t, bytes.NewReader(in), Options{})
			if l.err != nil || l.Complete || l.lostKinds() != "concatenated" || !slices.Equal(l.events, whole.events) {
				t.Fatalf("%s %s: %+v %v", name, what, l.Trace, l.err)
			}
			lost := l.Lost[0]
			if lost.Offset != int64(len(raw)) || lost.Bytes != int64(len(second)) || !strings.Contains(lost.Text, fmt.Sprintf("tail -c +%d ", len(raw)+1)) {
				t.Errorf("%s %s: %+v", name, what, lost)
			}
		}
	}
}

// Two programs append to one file: batches of both, each in its own order.
func TestTwoWritersAppending(t *testing.T) {
	for _, name := range smallTraces[1:] {
		a := smallTrace(t, name)
		all := parts(t, a)
		var mixed []byte
		mixed = append(mixed, a[:all[2].off]...)
		mixed = append(mixed, a[:headerSize]...)
		for i := 2; i < len(all); i++ {
			mixed = append(mixed, a[all[i].off:][:all[i].size]...)
			mixed = append(mixed, a[all[i-2].off:][:all[i-2].size]...)
		}
		l := loadAll(t, bytes.NewReader(mixed), Options{})
		var in *report.InputError
		if l.err == nil && !strings.Contains(l.lostKinds(), "interleaved") || l.err != nil && (!errors.As(l.err, &in) || !strings.Contains(fmt.Sprint(l.Lost), "two programs")) {
			t.Errorf("%s: %+v %v", name, l.Trace, l.err)
		}
	}
}

// Batches of another program's later generation lie among those of the first
// two: they are left out.
func TestTwoWritersInterleaved(t *testing.T) {
	raw := smallTrace(t, "go1.26")
	all := parts(t, raw)
	alien := all[lastOf(all, 3)-1]
	var mixed []byte
	mixed = append(mixed, raw[:headerSize]...)
	for _, p := range all {
		if p.gen == 1 {
			mixed = append(mixed, raw[alien.off:][:alien.size]...)
		}
		mixed = append(mixed, raw[p.off:][:p.size]...)
	}
	// The first batch says generation 3, so begin with one that does not.
	mixed = slices.Delete(mixed, headerSize, headerSize+alien.size)
	whole := loadAll(t, bytes.NewReader(raw), Options{})
	l := loadAll(t, bytes.NewReader(mixed), Options{})
	if l.err != nil || l.lostKinds() != "interleaved" || !slices.Equal(l.events, whole.events) {
		t.Errorf("%+v %v: %d events, want %d", l.Trace, l.err, len(l.events), len(whole.events))
	}
}

// Two programs write to one file, each from where it thinks it is: the second
// overwrites stretches of the first. Without a header of the second that is
// damage like any other, but in many places.
func TestTwoWritersOverwriting(t *testing.T) {
	for _, name := range smallTraces[1:] {
		a, b := slices.Clone(smallTrace(t, name)), otherTrace(t, name)
		for i := 5000; i+3000 < min(len(a), len(b)); i += 6000 {
			copy(a[i:], b[i:i+3000])
		}
		l := loadAll(t, bytes.NewReader(a), Options{})
		if l.Complete || len(l.Lost) == 0 || l.Lost[0].Kind != "damaged" || !strings.Contains(l.Lost[0].Text, "perhaps by two programs") {
			t.Errorf("%s: %v %+v", name, l.err, l.Lost)
		}
	}
}

// otherTrace is a sound trace of another program and format.
func otherTrace(t *testing.T, name string) []byte {
	if name == "go1.22" {
		return smallTrace(t, "go1.25")
	}
	return smallTrace(t, "go1.22")
}

// Two programs append to one file what their buffers hold, wherever a batch may
// end: the second's header lies in a batch of the first.
func TestTwoWritersInBlocks(t *testing.T) {
	for _, name := range smallTraces[1:] {
		a, b := smallTrace(t, name), otherTrace(t, name)
		for _, block := range []int{512, 2048, 4096} {
			var mixed []byte
			for i := 0; i < max(len(a), len(b)); i += block {
				mixed = append(mixed, a[min(i, len(a)):min(i+block, len(a))]...)
				mixed = append(mixed, b[min(i, len(b)):min(i+block, len(b))]...)
			}
			l := loadAll(t, bytes.NewReader(mixed), Options{})
			kind := l.Lost[0].Kind
			var in *report.InputError
			if errors.As(l.err, &in) {
				kind = in.Kind
			}
			if l.Complete || kind != "interleaved" || !strings.Contains(l.Lost[0].Text, "two programs") {
				t.Errorf("%s in blocks of %d: %v\n%+v", name, block, l.err, l.Lost)
			}
		}
	}
}

// A damaged generation does not take those behind it along.
func TestDamagedGeneration(t *testing.T) {
	for _, name := range smallTraces[1:] {
		raw := smallTrace(t, name)
		all := parts(t, raw)
		whole := loadAll(t, bytes.NewReader(raw), Options{})
		third := slices.IndexFunc(all, func(p part) bool { return p.gen == 3 })
		for what, damage := range map[string]func([]byte, part){
			"type":   func(b []byte, p part) { b[p.off] = 0xee },
			"number": func(b []byte, p part) { b[p.off+1] ^= 0x40 },
			"tables": func(b []byte, p part) { b[p.off+p.size-1] = 0xff; b[p.off+p.size-2] = 0xff },
			"zeros":  func(b []byte, p part) { clear(b[p.off : p.off+p.size]) },
		} {
			for i, p := range all {
				if p.gen != 2 {
					continue
				}
				bad := slices.Clone(raw)
				damage(bad, p)
				l := loadAll(t, bytes.NewReader(bad), Options{})
				at := fmt.Sprintf("%s: %s of part %d of generation 2 at %d", name, what, i, p.off)
				if l.err != nil || l.Bytes != int64(len(raw)) {
					t.Fatalf("%s: %+v %v", at, l.Trace, l.err)
				}
				if what != "tables" && (l.Complete || len(l.Lost) == 0 || l.Lost[0].Kind != "damaged") {
					t.Fatalf("%s: %+v", at, l.Trace)
				}
				checkTail(t, at, l, whole, third-i)
			}
		}
	}
}

// checkTail checks that the last generation came through whole.
func checkTail(t *testing.T, at string, got, whole *loaded, partsLeft int) {
	t.Helper()
	from := func(l *loaded) []model.Event {
		i := len(l.events) - 1
		for i > 0 && l.events[i].Op != model.OpGeneration {
			i--
		}
		return l.events[i:]
	}
	g, w := from(got), from(whole)
	if len(g) != len(w) || g[len(g)-1].Time != w[len(w)-1].Time {
		t.Fatalf("%s: the last generation gives %d events, want %d (%d parts before it; lost %+v)", at, len(g), len(w), partsLeft, got.Lost)
	}
}

// A generation that fails after some of its events were handed on is followed
// by the order to reset.
func TestBreakIsMarked(t *testing.T) {
	raw := slices.Clone(smallTrace(t, "go1.26"))
	all := parts(t, raw)
	for _, p := range all {
		if p.gen == 2 && p.size > 400 && p.typ > 8 && p.typ < 48 {
			raw[p.off+p.size-1] = 0xfe // the last event's type or an unfinished varint
		}
	}
	l := loadAll(t, bytes.NewReader(raw), Options{})
	if l.err != nil || !slices.Equal(l.breaks, []int{2}) || !strings.Contains(fmt.Sprint(l.Lost), "generation 2 (") {
		t.Errorf("breaks %v, %+v, %v", l.breaks, l.Lost, l.err)
	}
}

// One flipped byte anywhere: no panic, no hang, and what is lost is told unless
// the byte made no difference to the trace's shape.
func TestOneFlippedByte(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, name := range smallTraces {
		raw := smallTrace(t, name)
		for range 60 {
			bad := slices.Clone(raw)
			at := rnd.IntN(len(bad))
			bad[at] ^= byte(1 + rnd.IntN(255))
			l := loadAll(t, bytes.NewReader(bad), Options{})
			if l.err != nil {
				var in *report.InputError
				if !errors.As(l.err, &in) {
					t.Errorf("%s, byte %d: %v", name, at, l.err)
				}
				continue
			}
			if !l.Complete != (len(l.Lost) > 0) {
				t.Errorf("%s, byte %d: complete %v, lost %+v", name, at, l.Complete, l.Lost)
			}
		}
	}
}

// A file that is whole but for one byte is damaged, not cut short: nothing tells
// the user that the program was killed. Only a batch's length, in its header,
// can make the last batch seem to go on.
func TestFlippedByteIsNoCut(t *testing.T) {
	for _, name := range smallTraces[1:] {
		raw := smallTrace(t, name)
		all := parts(t, raw)
		broken := 0
		for _, p := range all[lastOf(all, 3)+1:] {
			for at := p.off + maxBatchHeader; at < p.off+p.size; at += 23 {
				bad := slices.Clone(raw)
				bad[at] ^= 0xff
				l := loadAll(t, bytes.NewReader(bad), Options{})
				if kinds := l.lostKinds(); strings.Contains(kinds, "truncated") || strings.Contains(kinds, "no-end") {
					t.Fatalf("%s, byte %d: %+v", name, at, l.Lost)
				}
				if len(l.Lost) > 0 {
					broken++
				}
			}
		}
		if broken == 0 {
			t.Errorf("%s: no flip did any harm", name)
		}
	}
}

// What the user reads of a loss is in plain words, without the reader's dumps,
// and says what to do.
func TestReaderWords(t *testing.T) {
	for in, want := range map[string]string{
		"broken trace: failed to advance: frontier:\n  M 1 [GoStart]":  "its events contradict each other (failed to advance)",
		"expected string event, got 105":                               "its table of strings is unreadable (expected string event, got 105)",
		"found event without a timestamp: type=3":                      "the bytes of an event are unreadable (found event without a timestamp: type=3)",
		"no frequency event found":                                     "its clock is missing, or there twice (no frequency event found)",
		"stole proc from non-existent thread 8147":                     "its events contradict each other (stole proc from non-existent thread 8147)",
		"found invalid func string ID 7 for stack 9":                   "its tables lack an entry that is used (found invalid func string ID 7 for stack 9)",
		"the reader gave up: runtime error: index out of range [3]:\n": "what its events say makes no sense (the reader gave up: runtime error: index out of range [3])",
	} {
		if got := readerWords(errors.New(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Trailing bytes that are no trace are told.
func TestTrailingBytes(t *testing.T) {
	raw := smallTrace(t, "go1.26")
	l := loadAll(t, bytes.NewReader(append(slices.Clone(raw), make([]byte, 5000)...)), Options{})
	if l.err != nil || l.lostKinds() != "damaged" || l.Lost[0].Bytes != 5000 || l.Lost[0].Offset != int64(len(raw)) {
		t.Errorf("%+v %v", l.Trace, l.err)
	}
}

// The search for the next batch ends, and says so, where garbage does not.
func TestEndlessGarbage(t *testing.T) {
	defer func(n int64) { maxGarbage = n }(maxGarbage)
	maxGarbage = 1 << 20
	raw := smallTrace(t, "go1.26")
	whole := loadAll(t, bytes.NewReader(raw), Options{})
	endless := io.MultiReader(bytes.NewReader(raw), zeros{})
	l := loadAll(t, endless, Options{})
	if l.err != nil || l.lostKinds() != "damaged" || l.Lost[0].Bytes != -1 || !strings.Contains(l.Lost[0].Text, "not looked at") {
		t.Fatalf("%v %+v", l.err, l.Lost)
	}
	if at := l.Bytes - int64(len(raw)); at > maxGarbage+inputBuffer || at < maxGarbage-inputBuffer {
		t.Errorf("gave up after %d bytes of garbage", at)
	}
	if !slices.Equal(l.events, whole.events) {
		t.Error("the events before the garbage are not as they were")
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestMemoryLimit(t *testing.T) {
	for _, name := range smallTraces {
		l := loadAll(t, bytes.NewReader(smallTrace(t, name)), Options{MaxMemory: 2_000})
		var in *report.InputError
		if !errors.As(l.err, &in) || in.Kind != "too-large" || !strings.Contains(in.Error(), "--max-memory") {
			t.Errorf("%s: %+v %v", name, l.Trace, l.err)
		}
	}
}

// A reader that fails in mid-trace costs what comes after, no more.
func TestReadError(t *testing.T) {
	raw := smallTrace(t, "go1.26")
	broken := errors.New("connection reset")
	cut := len(raw) - 100
	l := loadAll(t, &failingReader{bytes.NewReader(raw[:cut]), broken}, Options{})
	if l.err != nil || l.Complete || l.Events == 0 || !strings.Contains(fmt.Sprint(l.Lost), "connection reset") {
		t.Errorf("%+v %v", l.Trace, l.err)
	}
	l = loadAll(t, &failingReader{bytes.NewReader(nil), broken}, Options{})
	if !errors.Is(l.err, broken) {
		t.Errorf("error %v does not wrap the reader's", l.err)
	}
}

type failingReader struct {
	r   *bytes.Reader
	err error
}

func (f *failingReader) Read(p []byte) (int, error) {
	if f.r.Len() == 0 {
		return 0, f.err
	}
	return f.r.Read(p)
}

// Whatever the bytes, load neither panics nor breaks its promises.
func FuzzLoad(f *testing.F) {
	for _, name := range smallTraces {
		b := smallTrace(f, name)
		f.Add(b)
		f.Add(b[:len(b)/2])
		f.Add(b[:min(len(b), 3000)])
	}
	f.Add(gzipped(f, smallTrace(f, "go1.23")))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := loadAll(t, bytes.NewReader(b), Options{MaxMemory: 256 << 20})
		var in *report.InputError
		if l.err != nil && !errors.As(l.err, &in) {
			t.Errorf("error %v is no *InputError", l.err)
		}
		if l.err == nil && l.Complete && l.Events == 0 {
			t.Error("complete without events")
		}
	})
}

// The committed broken inputs are told apart.
func TestBrokenFixtures(t *testing.T) {
	for name, want := range map[string]string{ // InputError's kind, or what was lost
		"empty.trace":        "empty",
		"header_only.trace":  "no-events",
		"html.trace":         "html",
		"html.trace.gz":      "html",
		"refused.trace":      "not-enabled",
		"profile.trace":      "pprof",
		"future.trace":       "future-version",
		"truncated.trace":    "truncated truncated",
		"killed.trace":       "no-end",
		"concatenated.trace": "concatenated",
		"two_writers.trace":  "damaged: no event of this trace can be read: the trace is damaged in 6 places with sound batches between them, perhaps by two programs",
		"flipped.trace":      "damaged",
	} {
		b, err := os.ReadFile(filepath.Join("../../..", "fixtures", "traces", "broken", name))
		if err != nil {
			t.Fatal(err)
		}
		l := loadAll(t, bytes.NewReader(b), Options{Name: name})
		got := l.lostKinds()
		var in *report.InputError
		if errors.As(l.err, &in) {
			got = in.Kind + ": " + in.Text
		}
		if l.Complete || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q; %+v", name, got, want, l.Lost)
		}
	}
}

// Times centuries ahead, as a damaged clock gives them, are not believed: nothing lasts
// until after the end of all traces.
func TestTimesAhead(t *testing.T) {
	raw := smallTrace(t, "go1.26")
	all := parts(t, raw)
	last := all[len(all)-1].gen
	if last == 0 {
		last = all[len(all)-2].gen
	}
	bad := slices.Clone(raw[:headerSize])
	for _, p := range all {
		b := raw[p.off:][:p.size]
		if p.gen != last {
			bad = append(bad, b...)
			continue
		}
		_, n := binary.Uvarint(b[1:])
		_, m := binary.Uvarint(b[1+n:])
		_, old := binary.Uvarint(b[1+n+m:])
		bad = append(bad, b[:1+n+m]...)
		bad = binary.AppendUvarint(bad, 1<<56) // in ticks of 64 ns
		bad = append(bad, b[1+n+m+old:]...)
	}
	for _, reader := range []string{"", ReferenceReader} {
		l := loadAll(t, bytes.NewReader(bad), Options{Reader: reader})
		if l.err != nil || !strings.Contains(fmt.Sprint(l.Lost), "centuries ahead") {
			t.Fatalf("%+v, %v", l.Lost, l.err)
		}
		if end := l.events[len(l.events)-1].Time; end < latest || end > latest+model.Time(len(l.events)) {
			t.Errorf("the last of %d events at %d", len(l.events), end)
		}
	}
}
