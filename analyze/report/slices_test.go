package report

import (
	"slices"
	"testing"

	"gmptrace/model"
)

// TestSlices packs slices of all sizes, divides them by P, and gets them back.
func TestSlices(t *testing.T) {
	const late = int64(1) << 40
	all := []Slice{
		{Start: 1, End: 2, G: 7, By: model.NoG, M: -1, Stop: 3, Name: 1 << 20},
		{Start: 2, End: 2 + late, G: model.NoG, By: 1 << 50, Wait: 1, Kind: SliceSched},
		{Start: late, End: late + 5, G: 1 << 33, By: 9, Wait: late, M: 4, Source: model.SourceSteal, Certain: true, Kind: SliceAssist},
		{Start: late + 2, End: late + 9, G: 1<<32 - 2, By: 1<<32 - 2, Wait: 1<<32 - 1},
	}
	ps := []model.ProcID{3, 0, 3, 0}
	var list, into Slices
	tl := &Timeline{}
	for range 2 { // the second time in memory of the first
		for i, s := range all {
			list.Add(ps[i], s)
		}
		list.Renumber(func(stop uint32) uint32 { return stop })
		tl.Divide(&list, &into)
		list, into = Slices{}, list
	}
	for i, p := range []model.ProcID{0, 3} {
		var want []Slice
		for k, s := range all {
			if ps[k] == p {
				want = append(want, s)
			}
		}
		tr := tl.Tracks[i]
		if got := slices.Collect(tr.Slices()); tr.P != p || tr.N != 4 || !slices.Equal(got, append(want, want...)) {
			t.Errorf("track of P%d has %d slices: %v, want those of P%d twice: %v", tr.P, tr.N, got, p, want)
		}
	}
}
