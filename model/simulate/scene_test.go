package simulate

import (
	"os"
	"strings"
	"testing"
)

// TestEpisodes: each of the textbook's programs shows its trouble under the settings that have
// it, more than under Go's scheduler, and a picture of the worst moment shows it too.
func TestEpisodes(t *testing.T) {
	for trouble, want := range map[Trouble]struct{ bad, good int64 }{
		Stranded:   {10, 10}, // until sysmon has looked
		Imbalance:  {90, 50},
		Starvation: {10 * 20_000_000, 20_000_000},
		Monopoly:   {499_000_000, 40_000_000},
	} {
		w, about, bad, good, err := Textbook(trouble)
		if err != nil || about == "" {
			t.Fatal(trouble, err, about)
		}
		run := func(cfg Config, scenes ...int64) *Result {
			cfg.Observe, cfg.Scenes = true, scenes
			return Run(w, cfg)
		}
		x := run(bad)
		e, y := x.Episodes[trouble], run(good).Episodes[trouble]
		if e.Peak < want.bad || y.Peak > want.good {
			t.Errorf("trouble %d: %d at the worst, with Go's scheduler %d; want at least %d, at most %d", trouble, e.Peak, y.Peak, want.bad, want.good)
		}
		if !trouble.lasts() && e.Total <= 2*y.Total {
			t.Errorf("trouble %d: %d in all, with Go's scheduler %d", trouble, e.Total, y.Total)
		}
		if !(e.From <= e.Worst && e.Worst <= e.To && e.To <= x.Makespan) {
			t.Errorf("trouble %d: from %d, worst at %d, to %d", trouble, e.From, e.Worst, e.To)
		}
		again := run(bad, e.Worst, e.Worst+1)
		if again.Makespan != x.Makespan || len(again.Scenes) != 2 {
			t.Fatalf("trouble %d: looking changes the run, or is left out: %d scenes", trouble, len(again.Scenes))
		}
		most := again.Scenes[0].Global
		for _, p := range again.Scenes[0].Places {
			most += p.Queue
		}
		if len(again.Scenes[0].Places) != bad.Procs || most == 0 {
			t.Errorf("trouble %d: %+v", trouble, again.Scenes[0])
		}
	}
}

// TestLockOfOne: what one thread does one after the other does not wait for itself, neither in
// the one queue nor in Go's global queue; two threads do.
func TestLockOfOne(t *testing.T) {
	text, err := os.ReadFile("testdata/lock_contention.txt")
	if err != nil {
		t.Fatal(err)
	}
	w, _, err := ReadWorkload(string(text))
	if err != nil {
		t.Fatal(err)
	}
	cfg, good := DefaultConfig(1), DefaultConfig(1)
	cfg.Scheduler = SharedQueue
	for _, c := range []Config{cfg, good} {
		c.Procs = 1
		c.Costs.Lock = Constant(500, "given")
		if r := Run(w, c); r.LockWait != 0 || r.Locked == 0 {
			t.Errorf("%v with one thread waits for the lock for %d ns, of %d operations", c.Scheduler, r.LockWait, r.Locked)
		}
		c.Procs = 8
		if r := Run(w, c); r.LockWait == 0 {
			t.Errorf("%v with 8 threads never waits for the lock", c.Scheduler)
		}
	}
}

// TestReadWorkload: what can't be read is told.
func TestReadWorkload(t *testing.T) {
	w, about, err := ReadWorkload("# Two\n# lines.\n\ngo a 2 created tight\n\trun 1us\n\tloop 2\n\t\tyield\n\tend\ngo b\n\tcreate a\ncheck a < 1\n")
	if err != nil || about != "Two lines." || len(w.Gs) != 3 || w.Steps != 2*3+2 || w.Gs[0].Root || !w.Gs[0].Tight || !w.Gs[2].Root {
		t.Errorf("%+v, %q, %v", w, about, err)
	}
	for text, want := range map[string]string{
		"go a\n run never\n":           "run",
		"go a\n hurry 1us\n":           "no step",
		"go a\n loop 3\n run 1us\n":    "no end",
		"go a\n loop many\n run 1us\n": "invalid syntax",
	} {
		if _, _, err := ReadWorkload(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
