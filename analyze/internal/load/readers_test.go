package load

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gmptrace/analyze/report"
)

// Both readers give the same of every trace that there is: events in the same
// order with the same times and contents, the same numbers and clocks, the same
// words for what is lost. Where the own decoder is stricter, the reference reader
// has the last word. So there is but one difference to allow for: of a generation
// that was cut short the own decoder can give more.
func TestReadersAgree(t *testing.T) {
	for _, dir := range []string{"../../testdata/traces", "../../../fixtures/traces"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.Contains(d.Name(), ".trace") {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			t.Run(strings.TrimLeft(path, "./"), func(t *testing.T) {
				rereads := countRereads(t)
				compareReaders(t, b)
				if n := rereads(); n > 0 && !strings.Contains(path, "/broken/") {
					t.Errorf("%d generations of a sound trace were left to the reference reader", n)
				}
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// countRereads counts how many generations the own decoder leaves to the
// reference reader.
func countRereads(t *testing.T) func() int64 {
	var n atomic.Int64
	onReread = func(int) { n.Add(1) }
	t.Cleanup(func() { onReread = nil })
	return n.Load
}

// compareReaders loads an input by both readers.
func compareReaders(t *testing.T, b []byte) {
	t.Helper()
	const memory = 64 << 20
	own := loadAll(t, bytes.NewReader(b), Options{Workers: 1, MaxMemory: memory})
	ref := loadAll(t, bytes.NewReader(b), Options{Workers: 1, MaxMemory: memory, Reader: ReferenceReader})
	if salvaged(own) {
		n := len(ref.events)
		if len(own.events) < n || !slices.Equal(own.events[:n], ref.events) {
			t.Fatalf("%d events with what was salvaged, the %d of the reference not among them", len(own.events), n)
		}
		return
	}
	if sameWords(own.err) != sameWords(ref.err) {
		t.Fatalf("own decoder: error %v\nreference: %v", own.err, ref.err)
	}
	for i := range min(len(own.events), len(ref.events)) {
		if own.events[i] != ref.events[i] {
			t.Fatalf("event %d of %d\n own decoder: %+v\n reference:   %+v", i, len(ref.events), own.events[i], ref.events[i])
		}
	}
	if len(own.events) != len(ref.events) || !slices.Equal(own.breaks, ref.breaks) {
		t.Fatalf("%d events with breaks %v, reference %d with %v", len(own.events), own.breaks, len(ref.events), ref.breaks)
	}
	if !slices.Equal(own.nth, ref.nth) || !slices.Equal(own.clocks, ref.clocks) || !slices.Equal(own.last, ref.last) {
		t.Fatalf("numbers or clocks differ: %v %v, reference %v %v", own.clocks, own.last, ref.clocks, ref.last)
	}
	if len(own.tables) != len(ref.tables) {
		t.Fatalf("%d entries in tables, reference %d", len(own.tables), len(ref.tables))
	}
	for k, i := range own.tables {
		if ref.tables[k] != i {
			t.Fatalf("entry %d of the tables is another: %q", i, k)
		}
	}
	if a, b := sameButNotes(own.Trace), sameButNotes(ref.Trace); a != b {
		t.Fatalf("own decoder: %s\nreference:   %s", a, b)
	}
}

// salvaged reports whether a part of a generation could be read that the
// reference reader can't.
func salvaged(l *loaded) bool {
	return slices.ContainsFunc(l.Lost, func(x report.Loss) bool { return strings.Contains(x.Text, "could be used") })
}

func sameButNotes(tr report.Trace) string {
	tr.Notes = nil
	return sameWords(tr)
}

// foundWords are those of the reference reader that its walks over maps choose:
// of several entries that lack, it names any.
var foundWords = regexp.MustCompile(`\(found (invalid|unknown) [^)]*\)`)

// lacking is what a generation that was cut short lacks: the own decoder tells
// whether it is the clock's frequency or what threads had not written.
var lacking = regexp.MustCompile(`(generation \d+) (\([^)]*\) )?was cut short[^.\n]*`)

func sameWords(x any) string {
	s := foundWords.ReplaceAllString(fmt.Sprintf("%+v", x), "(found ...)")
	return lacking.ReplaceAllString(s, "$1 was cut short")
}

// Both readers make the same of damaged traces.
func TestReadersAgreeOnDamage(t *testing.T) {
	rereads := countRereads(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, name := range smallTraces[1:] {
		raw := smallTrace(t, name)
		for range 150 {
			bad := slices.Clone(raw)
			for range 1 + rnd.IntN(3) {
				bad[headerSize+rnd.IntN(len(bad)-headerSize)] ^= byte(1 + rnd.IntN(255))
			}
			compareReaders(t, bad)
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	if rereads() == 0 {
		t.Error("no damage made the own decoder doubt")
	}
}

// FuzzReaders compares both readers on whatever bytes. Run it with -fuzzminimizetime
// 1x, as make fuzz does: inputs of some KB are hardly made smaller, and go test tries
// for a minute with each that is new.
func FuzzReaders(f *testing.F) {
	for _, name := range smallTraces[1:] {
		b := smallTrace(f, name)
		f.Add(b)
		f.Add(b[:min(len(b), 6000)])
		for _, g := range generationsOf(f, b) {
			f.Add(g)
			f.Add(g[:len(g)-100]) // without some strings
			f.Add(g[:len(g)/2])
		}
	}
	f.Fuzz(compareReaders)
}

// generationsOf are a trace's generations as traces of their own, which are
// quicker to mutate.
func generationsOf(t testing.TB, raw []byte) [][]byte {
	all := parts(t, raw)
	var traces [][]byte
	from := headerSize
	for gen := uint64(1); ; gen++ {
		last := lastOf(all, gen)
		if last < 0 {
			return traces
		}
		to := all[last].off + all[last].size
		traces = append(traces, slices.Concat(raw[:headerSize], raw[from:to]))
		from = to
	}
}
