package render

import (
	"encoding/json"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// TestOptions: what the page's script relies on is in the options, and each is
// JSON that cannot end the script element it stands in.
func TestOptions(t *testing.T) {
	safe := mapped(*sample(8, 100), words.Printable)
	all, err := options(&safe)
	if err != nil {
		t.Fatal(err)
	}
	var timeline struct {
		Grid, XAxis, YAxis, DataZoom, Series []map[string]any
	}
	if err := json.Unmarshal(all[timelineID], &timeline); err != nil {
		t.Fatal(err)
	}
	if len(timeline.Grid) != 2 || len(timeline.XAxis) != 2 || len(timeline.YAxis) != 2 || len(timeline.DataZoom) != 2 || len(timeline.Series) != 2 {
		t.Errorf("the timeline is not two grids with one zoom: %s", all[timelineID])
	}
	for _, series := range timeline.Series {
		if series["type"] != "custom" {
			t.Errorf("the timeline has a series of type %v", series["type"])
		}
	}
	if timeline.XAxis[0]["max"] != float64(sampleEnd) {
		t.Errorf("the timeline's axis ends at %v", timeline.XAxis[0]["max"])
	}
	for id, raw := range all {
		if !json.Valid(raw) {
			t.Errorf("%s: not JSON", id)
		}
		for _, c := range raw {
			if c == '<' || c == '>' {
				t.Fatalf("%s has a bare %c", id, c)
			}
		}
	}
}

func TestRowsHeight(t *testing.T) {
	for n, want := range map[int]int{0: 30, 1: 60, 2: 60, 8: 240, 16: 480, 24: 480, 64: 448, 96: 480, 128: 640, 1000: 640} {
		if got := rowsHeight(n); got != want {
			t.Errorf("%d rows are %d pixels high, want %d", n, got, want)
		}
	}
}

// TestPercentileLines: one line per bucket, so that labels do not overlap, and none
// for a percentile of too few waits.
func TestPercentileLines(t *testing.T) {
	r := &report.Report{Latency: report.Latency{Count: 1000, P50: 5, P99: 7, P999: 25, Buckets: []report.Bucket{{Lo: 0, Hi: 10}, {Lo: 10, Hi: 20}, {Lo: 20, Hi: 40}}}}
	lines := percentileLines(r)
	if len(lines) != 2 || lines[0].Name != "p50" || lines[1].XAxis != 2 {
		t.Errorf("lines: %+v", lines)
	}
	r.Latency.Count--
	if lines = percentileLines(r); len(lines) != 1 || lines[0].Name != "p50" {
		t.Errorf("lines of 999 waits: %+v", lines)
	}
}

// TestStateTimes: no time is lost between a function's states and the table's.
func TestStateTimes(t *testing.T) {
	f := sample(1, 10).Functions[0]
	var total, want int64 = 0, f.Running + f.Runnable + f.Syscall
	for _, b := range f.Blocked {
		want += b.NS
	}
	for _, ns := range stateTimes(f) {
		total += ns
	}
	if total != want {
		t.Errorf("states sum to %d, want %d", total, want)
	}
}

func TestLink(t *testing.T) {
	r := sample(8, 10)
	for _, c := range []struct{ start, end, wantStart, wantEnd int64 }{
		{1000 * ms, 1100 * ms, 980 * ms, 1120 * ms},
		{0, 100 * ms, 0, 120 * ms},
		{1990 * ms, 2000 * ms, 1988 * ms, 2000 * ms},
		{5 * ms, 5 * ms, 5*ms - 500, 5*ms + 500},
		{9000 * ms, 9001 * ms, 0, 2000 * ms}, // not in the trace: all of it
	} {
		if a, b := around(r, c.start, c.end); a != c.wantStart || b != c.wantEnd {
			t.Errorf("around %d to %d is %d to %d, want %d to %d", c.start, c.end, a, b, c.wantStart, c.wantEnd)
		}
	}
	if got := link(r, 1000*ms, 1100*ms, 3); got != "#t=980000000-1120000000&row=P3" {
		t.Error(got)
	}
	if got := link(r, 1000*ms, 1100*ms, -1); got != "#t=980000000-1120000000" {
		t.Error(got)
	}
}

func TestDepthTop(t *testing.T) {
	for peak, want := range map[int]int{0: 1, 1: 1, 3: 4, 5: 10, 303: 400, 1731: 2000, 4001: 10_000} {
		if got := depthTop(&report.Report{Key: report.Key{QueuePeak: peak}}); got != want {
			t.Errorf("the axis for %d runnable goroutines ends at %d, want %d", peak, got, want)
		}
	}
}
