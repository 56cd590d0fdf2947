package measure

import (
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestSamples keeps all of few samples, and of many those at even distances.
func TestSamples(t *testing.T) {
	table := &names.Table{Stacks: [][]report.Frame{nil, {{Func: "main.a"}}, {{Func: "main.b"}}}}
	for _, c := range []struct{ n, every, kept int64 }{{0, 1, 0}, {3, 1, 3}, {mostSamples, 1, mostSamples}, {mostSamples + 1, 2, mostSamples/2 + 1}, {10 * mostSamples, 16, mostSamples * 10 / 16}} {
		s := NewSamples(&replay.Session{Names: table, Zero: 100})
		for i := range c.n {
			s.Watch(&model.Facts{Events: []model.Event{
				{Op: model.OpCPUSample, Time: model.Time(100 + 7*i), P: 1, G: 9, M: 2, Stack: uint32(2 - i%2)},
				{Op: model.OpCPUSample, Time: model.Time(100 + 7*i), P: 1, G: 9, M: 2}, // of no stack
			}})
		}
		got := s.Of()
		if got.All != c.n || got.Every != c.every || int64(len(got.List)) != c.kept {
			t.Fatalf("of %d samples %d are told of, every %dth and %d are kept, want every %dth and %d", c.n, got.All, got.Every, len(got.List), c.every, c.kept)
		}
		for i, x := range got.List {
			if want := 7 * c.every * int64(i); x.At != want || x.P != 1 || x.G != 9 || x.M != 2 {
				t.Fatalf("sample %d of %d is %+v, want one at %d", i, c.n, x, want)
			}
			if fn, want := got.Stacks[x.Stack][0].Func, []string{"main.b", "main.a"}[int64(i)*c.every%2]; fn != want {
				t.Fatalf("sample %d of %d is in %s, want %s", i, c.n, fn, want)
			}
		}
	}
}
