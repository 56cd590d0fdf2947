package timeline_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/internal/timeline"
	"gmptrace/analyze/report"
)

// TestTrim leaves slices out of a timeline, and demands that what is left lies in
// the windows that it names, and that what was asked for is the last to go.
func TestTrim(t *testing.T) {
	data, err := os.ReadFile("../../../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	r, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Slices: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	all := r.Timeline
	asked := report.Window{Start: all.Kept[0].Start, End: all.Kept[0].Start + 1000}
	all.Favor([]report.Window{asked})
	for _, most := range []int{all.Len() - 1, 2 * timeline.ChunkSlices, 1, 0} {
		tl := all.Trim(most)
		if tl.Len() > most || tl.Complete || tl.LeftOut+int64(tl.Len()) != int64(all.Len()) {
			t.Errorf("at most %d slices: %d are there and %d left out of %d", most, tl.Len(), tl.LeftOut, all.Len())
		}
		if most >= 2*timeline.ChunkSlices && !tl.Has([]report.Window{asked}) {
			t.Errorf("at most %d slices: %v was asked for, and %v kept", most, asked, tl.Kept)
		}
		for _, tr := range tl.Tracks {
			for s := range tr.Slices() {
				if !slices.ContainsFunc(tl.Kept, func(w report.Window) bool { return w.Start <= s.End && s.End <= w.End }) {
					t.Fatalf("%+v is outside of %v", s, tl.Kept)
				}
			}
		}
	}
}

// TestAround reads with little room: the window that was asked for is kept.
func TestAround(t *testing.T) {
	data, err := os.ReadFile("../../../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{50e6, 400e6, 900e6, 1300e6} {
		w := report.Window{Start: at, End: at + 1e6}
		r, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Slices: timeline.ChunkSlices, Around: []report.Window{w}})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Timeline.Has([]report.Window{w}) {
			t.Errorf("%v was asked for, and %v kept", w, r.Timeline.Kept)
		}
	}
}

// TestMomentsInOnePass reads with room for a quarter of the slices, and demands that
// those around what the report shows are among them: nobody said what that would be.
func TestMomentsInOnePass(t *testing.T) {
	data, err := os.ReadFile("../../../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	r, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Slices: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	if tl := r.Timeline; tl.Complete || tl.Len() > 20_000+timeline.ChunkSlices {
		t.Errorf("%d slices are kept, %d are not", tl.Len(), tl.LeftOut)
	}
	shown, kept := r.Moments(), 0
	for _, m := range shown {
		if r.Timeline.Has([]report.Window{m}) {
			kept++
		}
	}
	if kept*10 < len(shown)*9 {
		t.Errorf("%d of %d moments are in full detail", kept, len(shown))
	}
}

// TestWakes: what slices say of how their goroutines became runnable fits the other
// slices: who made them runnable was running then.
func TestWakes(t *testing.T) {
	data, err := os.ReadFile("../../../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	r, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Slices: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	type moment struct{ start, end int64 }
	ran := map[int64][]moment{}
	for _, tr := range r.Timeline.Tracks {
		for s := range tr.Slices() {
			ran[int64(s.G)] = append(ran[int64(s.G)], moment{s.Start, s.End})
		}
	}
	woken, found, stacks := 0, 0, 0
	for _, tr := range r.Timeline.Tracks {
		for s := range tr.Slices() {
			if s.Wait < 0 || s.Wait > s.Start {
				t.Fatalf("%+v waited since before the trace", s)
			}
			if s.Stop > 0 {
				stacks++
			}
			if s.By < 0 {
				continue
			}
			woken++
			for _, m := range ran[int64(s.By)] {
				if m.start <= s.Start-s.Wait && s.Start-s.Wait <= m.end {
					found++
					break
				}
			}
		}
	}
	if woken < 1000 || found*100 < woken*99 || stacks < 1000 {
		t.Errorf("%d slices name a waker, %d of which ran then; %d have a stack", woken, found, stacks)
	}
}
