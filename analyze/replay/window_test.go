package replay

import (
	"slices"
	"testing"

	"gmptrace/model"
)

// TestWindowCut: of stretches what lies in the window stays, of instants those
// in it, the last moment excluded; a goroutine's first stretch in it is marked.
func TestWindowCut(t *testing.T) {
	w := Window{100, 200}
	f := model.Facts{
		Dispatches: []model.Dispatch{{Time: 99}, {Time: 100, Ready: 50}, {Time: 199, Ready: 150}, {Time: 200}},
		Gs: []model.GInterval{
			{G: 1, Start: 0, End: 100, First: true}, {G: 1, Start: 100, End: 150},
			{G: 2, Start: 0, End: 110, First: true}, {G: 2, Start: 110, End: 300}, {G: 3, Start: 200, End: 300, First: true}},
		Ps:     []model.PInterval{{P: 0, Start: 0, End: 100}, {P: 0, Start: 100, End: 120}, {P: 0, Start: 190, End: 210}},
		Wastes: []model.Waste{{Start: 0, End: 300}, {Start: 300, End: 400}},
	}
	w.cut(&f)
	if want := []model.Dispatch{{Time: 100, Ready: 100, Censored: true}, {Time: 199, Ready: 150}}; !slices.Equal(f.Dispatches, want) {
		t.Errorf("dispatches %+v, want %+v", f.Dispatches, want)
	}
	want := []model.GInterval{{G: 1, Start: 100, End: 150, First: true},
		{G: 2, Start: 100, End: 110, First: true, Open: model.OpenStart}, {G: 2, Start: 110, End: 200, Open: model.OpenEnd}}
	if !slices.Equal(f.Gs, want) {
		t.Errorf("goroutines' stretches %+v, want %+v", f.Gs, want)
	}
	if want := []model.PInterval{{P: 0, Start: 100, End: 120}, {P: 0, Start: 190, End: 200}}; !slices.Equal(f.Ps, want) {
		t.Errorf("Ps' stretches %+v, want %+v", f.Ps, want)
	}
	if want := []model.Waste{{Start: 100, End: 200}}; !slices.Equal(f.Wastes, want) {
		t.Errorf("wastes %+v, want %+v", f.Wastes, want)
	}
}
