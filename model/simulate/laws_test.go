package simulate

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLaws: work and span of workloads of which both can be told by hand.
func TestLaws(t *testing.T) {
	for _, c := range []struct {
		name, text          string
		work, span, chained int64
	}{
		{"one after the other", "go a\n run 3us\n sleep 10us\n run 2us\n", 5_000, 15_000, 5_000},
		{"side by side", "go a 4\n run 3us\n", 12_000, 3_000, 3_000},
		// a computes 1, creates b, which computes 5 and wakes a: a waits for that.
		{"created and waited for", "go a\n run 1us\n create b\n run 2us\n block\n run 1us\ngo b created\n run 5us\n wake a\n", 9_000, 7_000, 7_000},
		// The end of the wait comes before the wait: it costs nothing.
		{"woken before", "go a\n run 9us\n block\n run 1us\ngo b\n run 5us\n wake a\n", 15_000, 10_000, 10_000},
		{"system calls and yields", "go a\n run 1us\n syscall 30us\n yield\n run 1us\n", 2_000, 32_000, 2_000},
	} {
		s := newScenario(t, c.text)
		l := LawsOf(&s.w, &Config{}, 0)
		if l.Work != c.work || l.Span != c.span || l.Chained != c.chained {
			t.Errorf("%s: %+v, want work %d, span %d, of which computed %d", c.name, l, c.work, c.span, c.chained)
		}
		if l := LawsOf(&s.w, &Config{Stretch: 2}, 0); l.Work != 2*c.work || l.Chained != 2*c.chained {
			t.Errorf("%s, twice as slow: %+v", c.name, l)
		}
	}
}

// TestBounds simulates all scenarios with several numbers of Ps: nothing comes before the
// work law and the span law allow, and Go's scheduler, which leaves no P idle for longer than
// it takes to wake a thread, ends within Graham's bound.
func TestBounds(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	tight := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := newScenario(t, string(text))
		if s.w.Steps > 300_000 {
			continue
		}
		marked := int64(0)
		for _, c := range s.w.Cycles {
			marked += c.Work + c.STW
		}
		for _, procs := range []int{1, 2, 8} {
			for name, sched := range map[string]Scheduler{"gmp": GMP, "global-queue": SharedQueue, "thread-queue": ThreadQueue} {
				cfg := DefaultConfig(procs)
				cfg.Scheduler = sched
				c := &cfg.Costs
				least := LawsOf(&s.w, &cfg, 0)
				most := LawsOf(&s.w, &cfg, c.Wake.Mean()+c.Pause.Mean()+c.Slack.Mean()+c.Switch.Mean())
				from, to := Bounds(procs, &least, &most, marked, c.Steal.Mean()+c.Netpoll.Mean())
				got := Run(&s.w, cfg).Makespan
				if got < from {
					t.Errorf("%s, %s with %d: %d ns, the laws allow no less than %d", filepath.Base(file), name, procs, got, from)
				}
				if sched == GMP && got > to {
					t.Errorf("%s with %d Ps: %d ns, Graham's bound is %d", filepath.Base(file), procs, got, to)
				}
				if sched == GMP && float64(got) < 1.02*float64(from) {
					tight++
				}
			}
		}
	}
	if tight < 5 {
		t.Errorf("only %d runs come near what the laws allow: they say little", tight)
	}
}
