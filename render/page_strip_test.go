package render

import (
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// TestMarkers: every finding with a moment has a marker, in order of time, none
// on another's place, all within the strip.
func TestMarkers(t *testing.T) {
	r := sample(8, 100)
	list := markers(r)
	if len(list) != len(r.Findings) {
		t.Fatalf("%d markers for %d findings", len(list), len(r.Findings))
	}
	for i, m := range list {
		if m.Left < 1 || m.Left > 99 {
			t.Errorf("marker %d is at %.1f %%", m.Number, m.Left)
		}
		if i > 0 && m.Left-list[i-1].Left < 2.19 {
			t.Errorf("markers %d and %d are %.2f %% apart", list[i-1].Number, m.Number, m.Left-list[i-1].Left)
		}
	}
	if at := position(list, 1); at < 60 || at > 68 {
		t.Errorf("finding 1, from 1.214 s to 1.376 s of 2 s, is at %.1f %%", at)
	}
}

func position(list []marker, number int) float64 {
	for _, m := range list {
		if m.Number == number {
			return m.Left
		}
	}
	return -1
}

// TestMarkersCrowded: more findings than places still stay on the strip.
func TestMarkersCrowded(t *testing.T) {
	list := make([]marker, 80)
	spread(list, 2.2)
	for _, m := range list {
		if m.Left < 0 || m.Left > 100 {
			t.Fatalf("a marker is at %.1f %%", m.Left)
		}
	}
}

// TestStripShort: a pause of one column in a thousand is wide enough to see,
// and nothing of the picture comes from the trace but numbers.
func TestStripShort(t *testing.T) {
	r := &report.Report{Trace: report.Trace{DurationNS: 1000, To: 1000}}
	r.Overview = report.Overview{Width: 1, Columns: 1000, STW: make([]float64, 1000)}
	r.Overview.STW[500] = 0.1
	svg := string(newStrip(r).SVG)
	if want := `<rect class="stw part" x="500.0" y="42" width="1.5" height="4"/>`; !strings.Contains(svg, want) {
		t.Errorf("no %s in %s", want, svg)
	}
	if strings.Contains(svg, "NaN") {
		t.Error("NaN in the overview")
	}
}

// TestMarkersThin: where markers would overlap on a narrow strip, the better
// ranked stay and none that stay are closer than a marker is wide.
func TestMarkersThin(t *testing.T) {
	list := []marker{{Number: 3, Left: 10}, {Number: 1, Left: 13}, {Number: 6, Left: 22}, {Number: 2, Left: 60}}
	yieldPlaces(list)
	for i, want := range []string{"wide-only", "", "not-phone", ""} {
		if list[i].Room != want {
			t.Errorf("marker %d has room %q, want %q", list[i].Number, list[i].Room, want)
		}
	}
}
