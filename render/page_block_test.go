package render

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is rendered; if that is meant, run go test ./render -update and read the difference\n%s", path, got)
	}
}

// blockSample has every kind of column: -1 ids, instants past 2^32, an off-tick
// start, two tracks, marks without a victim, tiles.
func blockSample() *report.Report {
	const late = int64(1) << 40
	a, b := &report.Track{P: 0}, &report.Track{P: 7}
	a.Add(report.Slice{Start: 64, End: 640, G: 9, Name: 1, Source: model.SourceSteal, Certain: true, Wait: 64, By: 1 << 40, M: 2, Stop: 2})
	a.Add(report.Slice{Start: 640, End: 1280, G: model.NoG, By: model.NoG, M: 2, Kind: report.SliceSched})
	a.Add(report.Slice{Start: late, End: late + 6400, G: 1 << 40, Name: 2, Kind: report.SliceGCWorker, Source: model.SourceGCWorker, Wait: late - 64, By: 9, M: -1, Stop: 1})
	b.Add(report.Slice{Start: 0, End: 64 * 1000, G: 9, Name: 1, Kind: report.SliceAssist, Source: model.SourceParkCancelled, Certain: true, By: 77, Stop: 1})
	r := &report.Report{Trace: report.Trace{To: 2 * late}, Timeline: &report.Timeline{
		Kept:   []report.Window{{End: 2 * late}},
		Tracks: []*report.Track{a, b},
		Marks:  []report.Mark{{At: 64, P: 0, From: 7, Kind: report.MarkSteal}, {At: late, P: 7, From: -1, Kind: report.MarkPreempt}},
		Depth:  []report.DepthPoint{{At: 0, N: 0}, {At: 6400, N: 300}},
		Names:  []string{"a", "b", "c"}, Threads: []int64{11, 1 << 40, 13},
		Stops: []report.Stop{{}, {Why: "preempted", Stack: []report.Frame{{Func: "main.f", File: "/src/f.go", Line: 7}}},
			{Why: "blocked: select", Stack: []report.Frame{{Func: "main.g\n<", File: "g.go", Line: 8}, {Func: "main.f", File: "/src/f.go", Line: 7}}, At: report.Frame{Func: "example.com/main.f"}}},
		Blocked: []report.Blocked{{Start: 64, End: 640, M: 1}, {Start: 0, End: late, M: 0}},
	}}
	tiles := report.ProcTiles{P: 7}
	tiles.Share[report.SliceUser] = []float32{0, 0.5}
	tiles.Share[report.SliceSched] = []float32{0.0001, 1.2}
	r.Overview = report.Overview{Columns: 2, Width: 100, Procs: []report.ProcTiles{tiles}}
	r.Timeline.Lanes.Spans = []report.SpanLane{
		{Kind: report.KindTask, Name: "checkout", LeftOut: 300, Spans: []report.Span{{Start: 64, End: 640, G: 7}, {Start: 128, End: 1280, G: 8, Open: true}},
			Regions: []report.Span{{Start: 192, End: 256, G: 7, Name: "price"}, {Start: 192, End: 320, G: 9, Name: "pay", In: 1}, {Start: 256, End: 320, G: 9, Name: "price", In: 1}, {Start: 320, End: 384, G: 9, Name: "checkout", In: 1}}},
		{Kind: report.KindRegion, Name: "warm up", Spans: []report.Span{{Start: 640, End: 704, G: 1}}},
	}
	r.Timeline.Lanes.Logs = []report.LogPoint{{At: 64, G: 7, Text: "paid", N: 1}, {At: 640, G: 8, Text: "paid", N: 200}}
	r.Timeline.Lanes.Samples = report.CPUSamples{All: 3, Every: 2, Stacks: [][]report.Frame{{{Func: "main.sum", File: "/a/sum.go", Line: 3}, {Func: "main.main", File: "/a/main.go", Line: 9}}, {{Func: "main.main", File: "/a/main.go", Line: 9}}},
		List: []report.CPUSample{{At: 128, P: 7, G: 7, M: 1, Stack: 0}, {At: 640, P: -1, G: -1, M: -1, Stack: 1}}}
	return r
}

// TestBlock writes what the page's decoder is tested on (static/test), and thus
// holds both to one format.
func TestBlock(t *testing.T) {
	r := blockSample()
	type track struct {
		P      model.ProcID
		Slices []report.Slice
	}
	type tile struct {
		P       model.ProcID
		Columns int
		Share   []int
	}
	file := struct {
		Block   []byte              `json:"block"` // not deflated: that differs between versions of Go
		Tracks  []track             `json:"tracks"`
		Marks   []report.Mark       `json:"marks"`
		Depth   []report.DepthPoint `json:"depth"`
		Tiles   []tile              `json:"tiles"`
		Calls   []report.Blocked    `json:"calls"`
		Spans   []report.SpanLane   `json:"spans"`
		Logs    []report.LogPoint   `json:"logs"`
		Samples report.CPUSamples   `json:"samples"`
	}{Samples: r.Timeline.Lanes.Samples, Calls: r.Timeline.Blocked, Spans: r.Timeline.Lanes.Spans, Logs: r.Timeline.Lanes.Logs, Block: block(r), Marks: r.Timeline.Marks, Depth: r.Timeline.Depth,
		Tiles: []tile{{7, 2, []int{0, 128, 0, 0, 0, 0, 0, 0, 0, 0, 1, 255}}}}
	for _, tr := range r.Timeline.Tracks {
		out := track{P: tr.P}
		for s := range tr.Slices() {
			out.Slices = append(out.Slices, s)
		}
		file.Tracks = append(file.Tracks, out)
	}
	raw, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "block.json", append(raw, '\n'))
}

// TestUnit shows that times are counted in ticks where the clock ticks, even if
// the reader moved a few of them, and in nanoseconds otherwise.
func TestUnit(t *testing.T) {
	timeline := func(odd int) *report.Timeline {
		tr := &report.Track{}
		for i := range 100 {
			start := int64(i) * 640
			if i < odd {
				start++
			}
			tr.Add(report.Slice{Start: start, End: start + 64})
		}
		return &report.Timeline{Tracks: []*report.Track{tr}}
	}
	for odd, want := range map[int]int64{0: 64, 9: 64, 50: 1} {
		if got := count(timeline(odd)).unit; got != want {
			t.Errorf("with %d of 100 starts off the tick, unit = %d, want %d", odd, got, want)
		}
	}
	if got := count(&report.Timeline{}).unit; got != 1 {
		t.Errorf("unit of no slices = %d, want 1", got)
	}
}

// TestDepthPoints: inside a kept window the depth is exact, outside it is the
// overview's, and neither reaches into the other.
func TestDepthPoints(t *testing.T) {
	point := func(at int64, n int) report.DepthPoint { return report.DepthPoint{At: at, N: n} }
	r := &report.Report{
		Trace:    report.Trace{DurationNS: 40, To: 40},
		Overview: report.Overview{Width: 10, Columns: 4, Peak: []int{1, 2, 3, 4}},
		Timeline: &report.Timeline{
			Kept:  []report.Window{{Start: 15, End: 25}},
			Depth: []report.DepthPoint{point(12, 7), point(18, 8), point(30, 9)},
		},
	}
	want := []report.DepthPoint{point(0, 1), point(10, 2), point(15, 7), point(18, 8), point(25, 3), point(30, 4)}
	if got := depthPoints(r); !slices.Equal(got, want) {
		t.Errorf("depth = %v, want %v", got, want)
	}
	r.Timeline = nil
	if got := depthPoints(r); !slices.Equal(got, []report.DepthPoint{point(0, 1), point(10, 2), point(20, 3), point(30, 4)}) {
		t.Errorf("without a timeline the depth = %v", got)
	}
}

// TestRoundedWaits writes waits as a page of many slices has them, for the
// decoder's test, and holds the rounding to what its comment says.
func TestRoundedWaits(t *testing.T) {
	file := struct {
		Codes []byte   `json:"codes"`
		Waits []uint64 `json:"waits"`
	}{}
	e := encoder{rounded: true}
	for _, v := range []uint64{0, 1, 7, 8, 15, 16, 17, 31, 63, 64, 1000, 1 << 20, 1<<33 - 1, 1 << 34, 1 << 50} {
		file.Waits = append(file.Waits, v)
		e.wait(v)
	}
	file.Codes = e.buf
	raw, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "waits.json", append(raw, '\n'))
}

// TestPack: what is packed comes back, whatever is in it, and mixtures take no more than
// the parts.
func TestPack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise, words := make([]byte, 300_000), bytes.Repeat([]byte("a column that repeats itself "), 20_000)
	for i := range noise {
		noise[i] = byte(random.NormFloat64() * 9)
	}
	sizes := map[string]int{}
	for name, raw := range map[string][]byte{"nothing": nil, "a byte": {7}, "noise": noise, "words": words, "both": slices.Concat(noise, words)} {
		packed, err := pack(raw)
		if err != nil {
			t.Fatal(err)
		}
		deflated, err := base64.StdEncoding.DecodeString(packed)
		if err != nil {
			t.Fatal(err)
		}
		back, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
		if err != nil || !bytes.Equal(back, raw) {
			t.Errorf("%s: %d bytes come back as %d (%v)", name, len(raw), len(back), err)
		}
		sizes[name] = len(deflated)
	}
	if most := (sizes["noise"] + sizes["words"]) * 101 / 100; sizes["both"] > most || sizes["noise"] > len(noise)*3/4 {
		t.Errorf("packed they have %v bytes", sizes)
	}
}
