package measure

import (
	"slices"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// TestMoments: of moments that overlap the longest one is kept, of others the longest
// ones, and one that was told counts from when it is known.
func TestMoments(t *testing.T) {
	m := NewMoments(nil)
	m.Add(MomentWait, 100, 200)
	m.Add(MomentWait, 150, 190)
	m.Add(MomentWait, 250, 260)
	m.Add(MomentWait, 90, 195)
	m.Add(MomentWait, 300, 300)
	m.Tell(MomentWait, 500, 400, 500)
	m.Until(499)
	want := []replay.Window{{From: 90, To: 195}, {From: 250, To: 260}}
	if got := m.Worst(MomentWait); !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
	m.Until(500)
	want = slices.Insert(want, 1, replay.Window{From: 400, To: 500})
	if got := m.Worst(MomentWait); !slices.Equal(got, want) {
		t.Errorf("after what was told is known: %v, want %v", got, want)
	}
	for i := range 10 * momentsOf {
		m.Add(MomentWait, model.Time(1000*i), model.Time(1000*i+i))
	}
	if got := m.Worst(MomentWait); len(got) != momentsOf || got[0].To != 195 {
		t.Errorf("kept %v", got)
	}
}
