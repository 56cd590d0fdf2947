package explain

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"gmptrace/model"
)

// portion is what many goroutines and some Ps did by turns, from a time on.
func portion(rnd *rand.Rand, at model.Time) *model.Facts {
	f := &model.Facts{}
	for range portionOf {
		from := at
		at += model.Time(rnd.IntN(3))
		g, p := model.GoID(1+rnd.IntN(40)), model.ProcID(rnd.IntN(5))
		state := []model.GState{model.GRunnable, model.GRunning, model.GWaiting}[rnd.IntN(3)]
		f.Gs = append(f.Gs, model.GInterval{Start: from, End: at, G: g, P: p, State: state, Func: uint32(rnd.IntN(2)), First: rnd.IntN(9) == 0})
		if state == model.GRunnable {
			f.Dispatches = append(f.Dispatches, model.Dispatch{Time: at, G: g, P: p, By: model.GoID(rnd.IntN(3))})
		}
		f.Ps = append(f.Ps, model.PInterval{Start: from, End: at, P: p, G: g})
		if rnd.IntN(50) == 0 {
			f.Events = append(f.Events, model.Event{Op: model.OpCPUSample, Time: at, G: g, Stack: 1})
		}
	}
	f.Now = at
	return f
}

// TestPages: what is read out of pages is what a history has that takes in all, whether
// it is looked up one by one or read at once, and the second half as well as all.
func TestPages(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	x := &pages{}
	lazy, whole := newHistory(nil, 0, 0), newHistory(nil, 0, 0)
	lazy.pages = x
	x.open(0)
	for n := range 20 {
		f := portion(rnd, model.Time(1000*n))
		whole.add(f)
		parts := *f
		for _, until := range []model.Time{f.Now / 2, f.Now} {
			part := parts.Until(until)
			x.write(&part)
			x.newest().samples = append(x.newest().samples, part.Events...)
		}
		x.to = x.end()
		x.there += x.newest().size()
		if n%2 == 0 {
			lazy.lineOf(model.GoID(1 + n)) // some are read before the others
			for len(lazy.ps) < 5 {
				lazy.p(4)
			}
			lazy.did(model.ProcID(n % 5))
		}
		if n == 15 {
			x.sought = 1 << 30 // all at once from here on
		}
		x.turn()
	}
	for g := model.GoID(1); g <= 41; g++ {
		got, want := lazy.of(g), whole.of(g)
		got.read = 0
		if len(got.segs)+len(want.segs) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("goroutine %d: %d stretches and %d samples, not %d and %d, or others", g, len(got.segs), len(got.samples), len(want.segs), len(want.samples))
		}
	}
	for p := range model.ProcID(5) {
		if got, want := lazy.did(p), whole.ps[p].segs; !reflect.DeepEqual(got, want) {
			t.Errorf("P %d: %d stretches, not %d, or others", p, len(got), len(want))
		}
	}
	if x.all == 0 {
		t.Error("nothing was read at once")
	}
}

// TestPagesForget: pages that are not needed are let go of, to be used again, but for
// those that are read from.
func TestPagesForget(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	x := &pages{}
	for n := range 6 {
		f := portion(rnd, model.Time(2000*n))
		x.write(f)
		x.turn()
	}
	x.open(2)
	x.to = 4
	x.forget(3)
	if x.first != 2 || len(x.spare) != 2 || x.since(0) != 3 {
		t.Errorf("the first page is %d, %d are free, and what is asked for begins at %d", x.first, len(x.spare), x.since(0))
	}
	x.forget(5)
	if x.first != 4 || len(x.spare) != 4 {
		t.Errorf("the first page is %d, %d are free", x.first, len(x.spare))
	}
}
