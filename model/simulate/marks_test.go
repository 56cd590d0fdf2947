package simulate

import "testing"

// TestMarks: a mark that is about becoming runnable counts the wait for the P, one that is
// not does not, and neither changes what the simulation takes.
func TestMarks(t *testing.T) {
	workload := func(marks bool) *Workload {
		w := &Workload{}
		for g := range 2 {
			var c Code
			if g == 0 {
				c.Create(1)
			}
			if marks {
				c.Mark(2*g, g == 1)
			}
			c.Run(50_000)
			if marks {
				c.Mark(2*g+1, false)
			}
			w.Add(Goroutine{Root: g == 0}, &c)
		}
		return w
	}
	cfg := DefaultConfig(1)
	without := Run(workload(false), cfg)
	at := map[int]int64{}
	cfg.Marked = func(n int, t int64) { at[n] = t }
	with := Run(workload(true), cfg)
	if with.Makespan != without.Makespan || with.Dispatches != without.Dispatches {
		t.Errorf("with marks it takes %d ns, without %d", with.Makespan, without.Makespan)
	}
	first, second := at[1]-at[0], at[3]-at[2]
	if len(at) != 4 || first != 50_000 {
		t.Errorf("the first took %d ns from when it ran: %v", first, at)
	}
	if second < 2*50_000 {
		t.Errorf("the second took %d ns from when it could run, which was while the first ran: %v", second, at)
	}
}

// TestPass: a goroutine does not wait in a block that it passes, whether it is woken before
// or after that, and the blocks after it keep their numbers.
func TestPass(t *testing.T) {
	for name, early := range map[string]int64{"woken before": 100_000, "woken after": 0} {
		w := &Workload{}
		var waits, wakes Code
		waits.Run(1 + early)
		waits.Pass()
		waits.Run(10_000)
		waits.Block()
		waits.Run(5_000)
		w.Add(Goroutine{Root: true}, &waits)
		wakes.Run(50_000)
		wakes.Wake(0, 0)
		wakes.Run(200_000)
		wakes.Wake(0, 1)
		w.Add(Goroutine{Root: true}, &wakes)
		r := Run(w, DefaultConfig(2))
		if r.Unfinished != 0 || r.Makespan < 255_000 || r.Makespan > 400_000 {
			t.Errorf("%s: %d ns, %d unfinished", name, r.Makespan, r.Unfinished)
		}
	}
}
