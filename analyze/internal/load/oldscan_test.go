package load

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestOldProcs: a trace of the old format begins with the GOMAXPROCS that it says
// first, which the reader keeps to itself.
func TestOldProcs(t *testing.T) {
	l := loadAll(t, bytes.NewReader(smallTrace(t, "go1.21")), Options{})
	i := slices.IndexFunc(l.events, func(e model.Event) bool { return e.Op == model.OpGOMAXPROCS })
	if l.err != nil || i != 1 || l.events[1].Arg != 2 {
		t.Errorf("error %v, GOMAXPROCS is event %d: %+v", l.err, i, l.events[:3])
	}
}

// TestOldScan: of several values the first in time counts, wherever it stands, and
// however the input is cut up.
func TestOldScan(t *testing.T) {
	const gomaxprocs = oldGomaxprocs | 2<<6
	in := slices.Concat(
		[]byte{oldBatch | 1<<6, 1, 50, gomaxprocs, 10, 3, 0}, // at 60
		[]byte{oldString, 7, 5, gomaxprocs, 1, 9, 0, 0},      // a string that looks like it
		[]byte{oldUserLog | 3<<6, 4, 1, 1, 1, 0, 3, gomaxprocs, 1, 9},
		[]byte{oldBatch | 1<<6, 0, 20, 14 | 2<<6, 10, 1, 0, gomaxprocs, 5, 8, 0}, // at 35
		[]byte{gomaxprocs, 5, 4, 0},                                              // at 40
		[]byte{oldFrequency, 100, oldStack | 3<<6, 4, 1, 1, 1, 1},                // no time, and no value
	)
	for _, size := range []int{1, 2, 3, 7, len(in)} {
		s := oldScan{}
		for part := range slices.Chunk(in, size) {
			s.Write(part)
		}
		if s.procs != 8 || s.at != 35 || s.broken || s.cut() {
			t.Errorf("%d bytes at a time: %+v", size, s)
		}
	}
	for n := range len(in) - 8 {
		s := oldScan{}
		if s.Write(in[:n]); !s.cut() {
			t.Errorf("the first %d bytes seem whole", n)
		}
	}
}

// TestOldCut: a trace of the old format that stops early is said to, and not called
// damaged.
func TestOldCut(t *testing.T) {
	whole := smallTrace(t, "go1.21")
	for _, n := range []int{headerSize + 1, 100, len(whole) / 2, len(whole) - 1} {
		l := loadAll(t, bytes.NewReader(whole[:n]), Options{})
		var in *report.InputError
		if !errors.As(l.err, &in) || in.Kind != "truncated" || !strings.Contains(in.Error(), "the trace was cut short") || in.Hint != stopTracing {
			t.Errorf("%d bytes: %v", n, l.err)
		}
	}
}

// TestMadeUpEnds: the reader ends system calls of the old format that kept their P
// after 1 ns. Both ends of each are marked, wherever a batch ends.
func TestMadeUpEnds(t *testing.T) {
	for _, name := range smallTraces {
		var begun, ended, marked int
		for _, e := range loadAll(t, bytes.NewReader(smallTrace(t, name)), Options{}).events {
			no := e.Flags&model.FlagNoEnd != 0
			switch {
			case no && e.Op == model.OpEntersyscall:
				begun++
			case e.Op == model.OpExitsyscall:
				ended++
				if no {
					marked++
				}
			case no:
				t.Errorf("%s: %v is marked", name, e)
			}
		}
		if old := name == "go1.21"; ended == 0 || begun != marked || old && marked != ended || !old && marked > 0 {
			t.Errorf("%s: %d begin and %d end without an end, of %d", name, begun, marked, ended)
		}
	}
}

// FuzzOldScan: whatever passes by, it holds little and does not fail.
func FuzzOldScan(f *testing.F) {
	f.Add(smallTrace(f, "go1.21"))
	f.Fuzz(func(t *testing.T, in []byte) {
		s := oldScan{skip: headerSize}
		for part := range slices.Chunk(in, 64) {
			s.Write(part)
			if len(s.rest) > 2*maxOldEvent+64 {
				t.Fatalf("holds %d bytes", len(s.rest))
			}
		}
	})
}
