package render

import (
	"strings"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

func TestTakeaways(t *testing.T) {
	r := sample(8, 100)
	for name, c := range map[string]struct{ got, want string }{
		"timeline":    {timelineTakeaway(r), "8 Ps were busy 78 % of the time. At most 403 goroutines were runnable at once, at 1.362000 s; 12.4 on average. 4 GC cycles took 11 % of the wall time."},
		"latency":     {latencyTakeaway(r), "Half of 182,344 waits ended within 8.10 µs, 99 % within 3.40 ms; the longest took 162 ms. There is a second peak near 33.6 ms. 3 waits were cut off by the trace's ends and counted as at least as long as seen."},
		"steals":      {stealsTakeaway(r), "6111 steals moved 18,333 goroutines. P3 was the victim of 59 % of them: its queue had work while others looked for some."},
		"functions":   {functionsTakeaway(r), "Goroutines of http.(*conn).serve ran for 2.40 s, 9.5 % of all running time, and waited for a P 2.08 times as long. All together ran for 25.2 s and waited 13.9 s for a P. Share of their lives blocked: http.(*conn).serve 33 %, mostly on sync; worker.(*Worker).loop 33 %, mostly on sync; shop/v2.checkout.func1 33 %, mostly on sync."},
		"handoffs":    {handoffsTakeaway(r), "412 handoffs; the most frequent cause is retaken from a system call (95 %)."},
		"preemptions": {preemptionsTakeaway(r), "85 preemptions; the most frequent kind is signal (74 %), after running for 10.0 ms at the median. 20 preemptions are of goroutines of the runtime itself."},
		"gc":          {gcTakeaway(r), "4 cycles, 228 ms of wall time in mark phases; the workers used 400 ms of P time, goroutines helped for 31.0 ms. The world was stopped 4 times, for 16.2 ms in all, 14.0 ms at most."},
		"threads":     {threadsTakeaway(r), "23 threads; at most 14 blocked in system calls at once, at 0.700000 s. 3 first seen after the first tenth of the trace."},
		"episodes":    {episodesTakeaway(r), "The longest: G902 (http.(*conn).serve) waited 161 ms from 1.214 s. Meanwhile G4711 (main.priceIndex.rebuild) ran for 147 ms."},
	} {
		if got := words.Text(c.got); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// TestTakeawaysOfNothing: an empty report gives sentences, not zeros over zeros.
func TestTakeawaysOfNothing(t *testing.T) {
	r := &report.Report{}
	for _, f := range []func(*report.Report) string{timelineTakeaway, latencyTakeaway, stealsTakeaway, dispatchesTakeaway, functionsTakeaway, handoffsTakeaway,
		preemptionsTakeaway, gcTakeaway, threadsTakeaway, episodesTakeaway} {
		if s := f(r); s == "" || strings.Contains(s, "NaN") || strings.Contains(s, "%!") {
			t.Errorf("an empty report is summed up as %q", s)
		}
	}
}

// TestSecondPeak: a peak counts if there is a valley before it, and if it is
// not noise.
func TestSecondPeak(t *testing.T) {
	for _, c := range []struct {
		counts []int64
		want   int
	}{
		{[]int64{5, 100, 1000, 100, 5}, -1},
		{[]int64{5, 1000, 10, 100, 5}, 3},
		{[]int64{100, 10, 1000}, 0},
		{[]int64{1000, 0, 9}, -1},
		{[]int64{1000, 40, 100}, -1},
		{nil, -1},
	} {
		var buckets []report.Bucket
		for _, n := range c.counts {
			buckets = append(buckets, report.Bucket{Count: n})
		}
		if got := secondPeak(buckets); got != c.want {
			t.Errorf("second peak of %v = %d, want %d", c.counts, got, c.want)
		}
	}
}

// TestStealsEven: where no P stands out, the sentence says so.
func TestStealsEven(t *testing.T) {
	r := &report.Report{Dispatches: report.Dispatches{Steals: report.StealMatrix{Steals: 12, Goroutines: 20,
		Procs: []model.ProcID{0, 1, 2}, Count: [][]int64{{0, 2, 2}, {2, 0, 2}, {2, 2, 0}}}}}
	if got := stealsTakeaway(r); !strings.Contains(got, "No P stands out") {
		t.Error(got)
	}
}

// TestFunctionsTakeaway: the function told of is one that ran, if any did, and
// no ratio is beyond what a reader can picture.
func TestFunctionsTakeaway(t *testing.T) {
	idle := report.FunctionTime{Name: "os/signal.loop", Syscall: 50 * ms, Total: 50 * ms}
	waiter := report.FunctionTime{Name: "main.wait", Running: 1, Runnable: 9 * ms, Total: 10 * ms, Blocked: []report.ReasonTime{{Reason: "select", NS: ms - 1, Count: 1}}}
	ready := report.FunctionTime{Name: "main.ready", Runnable: 4 * ms, Total: 4 * ms}
	for _, c := range []struct {
		functions []report.FunctionTime
		want      string
	}{
		{[]report.FunctionTime{idle, ready, waiter}, "Goroutines of main.wait ran for 1 ns, 100 % of all running time, and waited far longer for a P: 9.00 ms."},
		{[]report.FunctionTime{idle, ready}, "No goroutine was seen to run; those of main.ready waited longest for a P, 4.00 ms."},
		{[]report.FunctionTime{idle}, "No goroutine was seen to run or to wait for a P."},
		{[]report.FunctionTime{waiter}, "Share of their lives blocked: main.wait 10 %, mostly on select."},
	} {
		if got := words.Text(functionsTakeaway(&report.Report{Functions: c.functions})); !strings.Contains(got, c.want) {
			t.Errorf("got %s\nwant %s", got, c.want)
		}
	}
}

// TestProcsWere: Ps that the trace does not show are counted, and one P is not
// spoken of as several.
func TestProcsWere(t *testing.T) {
	for _, c := range []struct {
		seen, all int
		want      string
	}{{1, 1, "1 P was"}, {8, 8, "8 Ps were"}, {25, 64, "64 Ps, of which the trace shows 25, were"}, {2, 0, "2 Ps were"}} {
		r := &report.Report{}
		for p := range c.seen {
			r.Overview.Procs = append(r.Overview.Procs, report.ProcTiles{P: model.ProcID(p)})
		}
		if c.all > 0 {
			r.Trace.Gomaxprocs = []report.Gomaxprocs{{N: c.all}}
		}
		if got := words.Text(procsWere(r)); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.seen, c.all, got, c.want)
		}
	}
}
