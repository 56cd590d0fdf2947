package simulate

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// large is a workload of n goroutines: creators that create the others, which
// compute, yield, sleep, are in system calls, and wake each other in pairs.
func large(n int) *Workload {
	w := &Workload{}
	const family = 1000
	for first := 0; first < n; first += family {
		var c Code
		for k := 1; k < family && first+k < n; k++ {
			c.Run(300)
			c.Create(first + k)
		}
		w.Add(Goroutine{Root: true}, &c)
		for k := 1; k < family && first+k < n; k++ {
			var c Code
			c.Run(int64(500 + k%7*400))
			switch {
			case k%50 == 0:
				c.Syscall(30_000)
			case k%50 == 1:
				c.Wait(100_000)
			}
			if k%2 == 1 && k+1 < family && first+k+1 < n {
				c.Wake(first+k+1, 0)
			} else if k%2 == 0 {
				c.Block()
			}
			c.Run(800)
			c.Yield()
			c.Run(700)
			w.Add(Goroutine{}, &c)
		}
	}
	return w
}

// BenchmarkScale simulates a million goroutines on 128 Ps: scheduling events a
// second (steps, creations, wake-ups, dispatches), and how many there are to one
// iteration of a bare loop, which is the same on any machine; and the bytes that
// were taken.
func BenchmarkScale(b *testing.B) {
	w := large(1_000_000)
	cfg := DefaultConfig(128)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var events int64
	b.ResetTimer()
	for b.Loop() {
		r := Run(w, cfg)
		if r.Unfinished > 0 {
			b.Fatal(r.Unfinished, "never ended")
		}
		events += r.Events
	}
	perSecond := float64(events) / b.Elapsed().Seconds()
	runtime.ReadMemStats(&after)
	b.ReportMetric(perSecond/1e6, "Mevents/s")
	b.ReportMetric(perSecond/bare(), "events/iteration")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/1e6, "MB/run")
}

var sink uint64

// bare is how many iterations of a loop over a generator of random numbers a
// second has.
func bare() float64 {
	const n = 200_000_000
	r := random(1)
	from := time.Now()
	for range n {
		sink ^= r.next()
	}
	return n / time.Since(from).Seconds()
}

// TestLarge runs a smaller workload of the same kind: everything ends, the same
// seed gives the same result, and the Ps were busy for as long as the work takes.
func TestLarge(t *testing.T) {
	for _, sched := range []Scheduler{GMP, SharedQueue, ThreadQueue} {
		cfg := DefaultConfig(128)
		cfg.Scheduler = sched
		var waits [2][]int64
		var runs [2]*Result
		for i := range runs {
			cfg.Waited = func(ns int64) { waits[i] = append(waits[i], ns) }
			runs[i] = Run(large(4_000), cfg)
		}
		a, b := runs[0], runs[1]
		if a.Unfinished > 0 {
			t.Errorf("%v: %d never ended", sched, a.Unfinished)
		}
		if a.Makespan != b.Makespan || a.Events != b.Events || len(waits[0]) == 0 || !slices.Equal(waits[0], waits[1]) {
			t.Errorf("%v: two runs of one seed differ", sched)
		}
		total := int64(0)
		for i := range sample.Gs {
			total += sample.computed(i)
		}
		if busy := a.Busy; busy < total {
			t.Errorf("%v: Ps were busy for %d ns, the work is %d ns", sched, busy, total)
		}
	}
}

var sample = large(4_000)

// computed is how long goroutine i computes.
func (w *Workload) computed(i int) int64 {
	s := sim{code: w.Code}
	total := int64(0)
	for pc := w.Gs[i].From; pc < w.Gs[i].To; {
		op, a, _, next := s.next(pc)
		if op == stepRun {
			total += a
		}
		pc = next
	}
	return total
}
