package simulate

import "testing"

// TestBehind: a thread that is put behind that of who woke it runs when its turn comes, or as
// soon as that one sleeps; until then nobody but the latter runs what was readied.
func TestBehind(t *testing.T) {
	const us = 1_000
	span := func(behind float64, turn int64) int64 {
		var w Workload
		var first, second Code
		first.Wake(1, 0)
		first.Run(1_000 * us)
		second.Block()
		second.Run(1_000 * us)
		w.Add(Goroutine{Root: true}, &first)
		w.Add(Goroutine{Root: true}, &second)
		cfg := DefaultConfig(2)
		cfg.Costs = Costs{Wake: Constant(100*us, ""), Behind: behind, Turn: Constant(turn, "")}
		return Run(&w, cfg).Makespan
	}
	for _, x := range []struct {
		name        string
		behind      float64
		turn        int64
		least, most int64
	}{
		{"an idle CPU", 0, 0, 1_100 * us, 1_110 * us},
		{"its turn comes", 1, 400 * us, 1_400 * us, 1_410 * us},
		{"the other one is done before", 1, 5_000 * us, 2_000 * us, 2_010 * us},
	} {
		if got := span(x.behind, x.turn); got < x.least || got > x.most {
			t.Errorf("%s: %d ns, want %d to %d", x.name, got, x.least, x.most)
		}
	}
}
