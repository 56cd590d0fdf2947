package load

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// cutTraces are recorded traces of each format that are cut in their last
// generation.
var cutTraces = []string{
	"real/esbuild-go1.22-p2.trace", "real/typecheck-go1.22-p1.trace",
	"oracle/esbuild-go1.23-p2.trace.gz", "real/gotest-go1.23-p2.trace", "oracle/timers-go1.24-p4.trace.gz",
	"oracle/manygc-go1.25-p4.trace.gz", "real/typecheck-go1.25-p4.trace",
	"real/esbuild-go1.26-p16.trace", "incidents/blocking-reads.trace.gz",
}

// cutTrace is a fixture as it is once decompressed.
func cutTrace(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("../../../fixtures/traces", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := openInput(f, name, DefaultMaxMemory)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A generation that was cut short yields what its complete batches hold: events
// that the whole trace has too, in the same order. What was not written is a
// placeholder, and the loss says so.
func TestSalvage(t *testing.T) {
	for _, name := range smallTraces[1:] {
		t.Run(name, func(t *testing.T) { checkCuts(t, smallTrace(t, name), 1) })
	}
	for _, name := range cutTraces {
		t.Run(name, func(t *testing.T) { checkCuts(t, cutTrace(t, name), 3) })
	}
}

// checkCuts cuts a sound trace within and behind every few of the batches of its
// last generation, and all of the last.
func checkCuts(t *testing.T, raw []byte, every int) {
	all := parts(t, raw)
	gen := all[len(all)-2].gen
	whole := loadAll(t, bytes.NewReader(raw), Options{Workers: 1})
	first, sure := 0, 0
	if gen > all[0].gen {
		first, sure = lastOf(all, gen-1)+1, len(prefix(t, raw, gen-1))
	}
	want := salvagedEvents(whole, sure)
	saved, nameless := 0, 0
	last := lastOf(all, gen)
	for i, p := range all[first:last] {
		if i%every != 0 && first+i < last-4 {
			continue
		}
		for _, cut := range []int{p.off + p.size/2, p.off + p.size} {
			l := loadAll(t, bytes.NewReader(raw[:cut]), Options{})
			at := fmt.Sprintf("cut at %d", cut)
			if l.lostKinds() == "" || len(l.events) < sure || !slices.Equal(l.events[:sure], whole.events[:sure]) {
				t.Fatalf("%s: what came before is not as it was, or nothing lost: %v %+v", at, l.err, l.Lost)
			}
			got := salvagedEvents(l, sure)
			if k := subsequence(got, want); k < len(got) {
				t.Fatalf("%s: event %d of %d is not among those of the whole, or not in their order: %s", at, k, len(got), got[k])
			}
			if !salvaged(l) {
				continue
			}
			if kinds := l.lostKinds(); l.err != nil || l.Complete || !strings.HasPrefix(kinds, "truncated") {
				t.Errorf("%s: lost %s, %v", at, kinds, l.err)
			}
			saved = max(saved, len(got))
			if strings.Contains(fmt.Sprint(l.Lost), names.Missing) {
				nameless++
			}
		}
	}
	if saved < len(want)*9/10 || nameless == 0 {
		t.Errorf("at most %d of %d events were salvaged, %d times with placeholders", saved, len(want), nameless)
	}
}

// salvagedEvents are the events from the n-th on, in words that tables, and times
// that were made to grow, do not change.
func salvagedEvents(l *loaded, n int) []string {
	threads := map[int64]string{}
	for k, i := range l.tables {
		threads[i] = k
	}
	var words []string
	for _, e := range l.events[n:] {
		if e.Op == model.OpGeneration {
			continue
		}
		arg := e.Arg
		if e.Op.HasString() {
			arg = 0
		}
		words = append(words, fmt.Sprint(e.Op, e.Subject, e.G, e.P, e.Reason, arg, e.Flags&model.FlagStack, threads[int64(e.M)]))
	}
	return words
}

// subsequence is how much of part is in whole, in that order.
func subsequence(part, whole []string) int {
	k := 0
	for _, w := range whole {
		if k < len(part) && part[k] == w {
			k++
		}
	}
	return k
}

// A generation of many threads yields more, the more of them have written all
// that they had; and more than a batch of events.
func TestSalvageLarge(t *testing.T) {
	raw := cutTrace(t, "real/webshop-go1.26-p4.trace")
	for _, c := range []struct{ tenths, least int }{{7, 100}, {9, 10 * batchEvents}} {
		l := loadAll(t, bytes.NewReader(raw[:len(raw)*c.tenths/10]), Options{})
		if !salvaged(l) || len(l.events) < c.least {
			t.Errorf("%d tenths of it: %d events, want %d: %+v", c.tenths, len(l.events), c.least, l.Lost)
		}
	}
}

// What is salvaged does not depend on which decoder has read what before, and the
// reference reader salvages nothing.
func TestSalvageIsTheSame(t *testing.T) {
	raw := cutTrace(t, "real/gobuild-go1.24-p2.trace")
	raw = raw[:len(raw)-10]
	one := loadAll(t, bytes.NewReader(raw), Options{Workers: 1})
	if !salvaged(one) {
		t.Fatalf("%+v", one.Lost)
	}
	for _, workers := range []int{2, 3, 4} {
		l := loadAll(t, bytes.NewReader(raw), Options{Workers: workers})
		if !slices.Equal(l.events, one.events) || len(l.tables) != len(one.tables) || fmt.Sprint(l.Lost) != fmt.Sprint(one.Lost) {
			t.Errorf("%d workers make something else of it than one", workers)
		}
	}
	ref := loadAll(t, bytes.NewReader(raw), Options{Reader: ReferenceReader})
	if salvaged(ref) || len(ref.events) >= len(one.events) {
		t.Errorf("reference: %d events, own decoder %d", len(ref.events), len(one.events))
	}
}

// Without its clock's frequency, which comes late before 1.25, nothing of a
// generation can be used.
func TestSalvageWithoutClock(t *testing.T) {
	raw := smallTrace(t, "go1.22")
	all := parts(t, raw)
	first, last := lastOf(all, 2)+1, lastOf(all, 3)
	cut := slices.Clone(raw[:all[first].off])
	for _, p := range all[first:last] {
		if p.typ != evFrequency {
			cut = append(cut, raw[p.off:p.off+p.size]...)
		}
	}
	cut = cut[:len(cut)-100]
	l := loadAll(t, bytes.NewReader(cut), Options{})
	if salvaged(l) || !strings.Contains(fmt.Sprint(l.Lost), "how fast its clock ticks comes late") {
		t.Errorf("%+v", l.Lost)
	}
}

// Where more is lost of a generation than its end, nothing is salvaged: of a
// thread's batches one in the middle may lack.
func TestSalvageNotOfDamage(t *testing.T) {
	raw := smallTrace(t, "go1.26")
	all := parts(t, raw)
	first, last := lastOf(all, 2)+1, lastOf(all, 3)
	cut := slices.Clone(raw[:all[last-1].off])
	if l := loadAll(t, bytes.NewReader(cut), Options{}); !salvaged(l) {
		t.Fatalf("%+v", l.Lost)
	}
	cut[all[first+2].off] = 0xff
	l := loadAll(t, bytes.NewReader(cut), Options{})
	if salvaged(l) || !slices.ContainsFunc(l.Lost, func(x report.Loss) bool { return x.Kind == "damaged" }) {
		t.Errorf("%+v", l.Lost)
	}
}

// What is salvaged beside what was given before is given once.
func TestSalvageGivesOnce(t *testing.T) {
	raw := smallTrace(t, "go1.26")
	for _, p := range parts(t, raw) {
		l := loadAll(t, bytes.NewReader(raw[:p.off+p.size]), Options{Workers: 1})
		count := map[model.Event]int{}
		for _, e := range l.events {
			if count[e]++; count[e] > 1 && e.Op != model.OpGoStatus {
				t.Fatalf("cut at %d: given twice: %+v", p.off+p.size, e)
			}
		}
	}
}

// The strings that stand for those which come last are those that each
// generation begins with.
func TestFirstStrings(t *testing.T) {
	traces := map[string][]byte{}
	for _, name := range smallTraces[1:] {
		traces[name] = smallTrace(t, name)
	}
	for _, name := range cutTraces {
		traces[name] = cutTrace(t, name)
	}
	for name, raw := range traces {
		for _, p := range parts(t, raw) {
			if p.typ != evStrings {
				continue
			}
			h, _ := parseBatchHeader(raw[p.off:])
			format, _ := parseHeader(raw)
			w := &wire{}
			w.add(raw[p.off:p.off+p.size], h)
			if !w.texts.read(&w.batches[0]) {
				t.Fatal("unreadable strings")
			}
			for i, want := range firstStrings(format) {
				if w.texts.ids[i] != uint64(i)+1 || string(w.texts.all[i].raw) != want {
					t.Errorf("%s: string %d is %d %q, want %q", name, i+1, w.texts.ids[i], w.texts.all[i].raw, want)
				}
			}
			break // Later batches have later strings.
		}
	}
}
