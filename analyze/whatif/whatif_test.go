package whatif

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

func simulated(t *testing.T, file string, set Settings) *Result {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	x, err := Simulate(t.Context(), in, replay.Options{Name: filepath.Base(file)}, set)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestSelfCheck simulates recorded programs as they were recorded. Where there were
// about as many CPUs as Ps, the makespan comes out roughly as it was; how well
// exactly is for make whatif-accuracy to say.
func TestSelfCheck(t *testing.T) {
	files, err := filepath.Glob("../../fixtures/traces/real/*.trace")
	if err != nil || len(files) == 0 {
		t.Fatal("no traces", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.Contains(name, "-race") || strings.Contains(name, "p16") {
			continue // queues are shuffled; many more Ps than CPUs
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := simulated(t, file, Settings{Schedulers: []simulate.Scheduler{simulate.GMP}, Procs: []int{1}, Seeds: 1, NoScaling: true})
			if math.Abs(x.Check.Makespan) > .15 {
				t.Errorf("makespan %+.1f %%", 100*x.Check.Makespan)
			}
			if d := difference(x.Variants[0].Waits, x.Recorded.Waits); math.Abs(d) > .5 {
				t.Errorf("%d waits for a P, recorded %d", x.Variants[0].Waits, x.Recorded.Waits)
			}
			if x.Check.Text == "" || len(x.Advice) == 0 || len(x.Notes) == 0 {
				t.Error("no self-check, advice or notes")
			}
		})
	}
}

// TestWhatIfStable: the same trace, settings and seeds give the same predictions.
func TestWhatIfStable(t *testing.T) {
	const file = "../../fixtures/traces/real/typecheck-go1.22-p1.trace"
	var out [2]string
	for i := range out {
		raw, err := json.Marshal(simulated(t, file, Settings{Seeds: 2}))
		if err != nil {
			t.Fatal(err)
		}
		out[i] = string(raw)
	}
	if out[0] != out[1] {
		t.Error("two predictions from one trace differ")
	}
}

// TestWorkload takes a workload out of facts: G1 computes for 10 µs, creates G2 in
// between, and waits for it; G2 computes for 5 µs and wakes G1, which goes on for
// 3 µs. With another P, what they do is done in the same order: G1 waits for G2.
func TestWorkload(t *testing.T) {
	const us = model.Time(1000)
	c := newWorkloads(&replay.Session{Names: &names.Table{}, Window: &replay.Window{From: 0, To: replay.Forever}})
	c.Watch(&model.Facts{
		Gs: []model.GInterval{
			{G: 1, State: model.GRunning, Start: 0, End: 10 * us, By: model.NoG, First: true, Open: model.OpenStart},
			{G: 2, State: model.GRunnable, Start: 4 * us, End: 10 * us, By: model.NoG, First: true},
			{G: 1, State: model.GWaiting, Reason: model.ReasonChanRecv, Start: 10 * us, End: 15 * us, By: 2},
			{G: 2, State: model.GRunning, Start: 10 * us, End: 15 * us, By: model.NoG, Exit: true},
			{G: 1, State: model.GRunnable, Start: 15 * us, End: 15 * us, By: model.NoG, Woken: true},
			{G: 1, State: model.GRunning, Start: 15 * us, End: 18 * us, By: model.NoG, Exit: true},
		},
		Dispatches: []model.Dispatch{{Time: 10 * us, Ready: 4 * us, G: 2, By: 1, Source: model.SourceRunnext}, {Time: 15 * us, Ready: 15 * us, G: 1, By: 2, Source: model.SourceRunnext}},
		Now:        18 * us,
	})
	if c.seen.makespan != 18*us || c.seen.inside != 1 || c.seen.outside != 0 {
		t.Errorf("recorded: %+v", c.seen)
	}
	w := c.build()
	if len(w.Gs) != 2 || w.Edges != 2 || !w.Gs[0].Root || w.Gs[1].Root {
		t.Fatalf("workload: %+v", w)
	}
	for _, test := range []struct {
		procs int
		want  int64
	}{{1, 18_000}, {2, 13_000}} { // with 2 Ps, G2 runs beside G1 from 4 µs on
		cfg := simulate.DefaultConfig(test.procs)
		cfg.Costs = simulate.Costs{}
		if r := simulate.Run(w, cfg); r.Makespan != test.want || r.Unfinished != 0 {
			t.Errorf("%d Ps: %d ns, want %d; %d unfinished", test.procs, r.Makespan, test.want, r.Unfinished)
		}
	}
}

// TestWorkloadMarking: what marks while a collection is on counts for that one, also
// if all of it comes in one batch; and a goroutine that iter.Pull made does not wait
// for the time at which it was made.
func TestWorkloadMarking(t *testing.T) {
	c := newWorkloads(&replay.Session{Names: &names.Table{}, Window: &replay.Window{From: 0, To: replay.Forever}})
	c.Watch(&model.Facts{
		Events: []model.Event{{Op: model.OpGCBegin, G: 1, Time: 10 * us}, {Op: model.OpGCBegin, G: 1, Time: 50 * us}},
		Gs: []model.GInterval{
			{G: 1, State: model.GRunning, Start: 0, End: 12 * us, By: model.NoG, First: true, Open: model.OpenStart},
			{G: 1, State: model.GRunning, Start: 12 * us, End: 20 * us, By: model.NoG, Assist: true},
			{G: 2, State: model.GWaiting, Start: 20 * us, End: 40 * us, By: 1, First: true},
			{G: 9, State: model.GRunning, Start: 20 * us, End: 45 * us, By: model.NoG, Worker: true},
			{G: 1, State: model.GRunning, Start: 52 * us, End: 55 * us, By: model.NoG, Assist: true},
		},
		Now: 60 * us,
	})
	w := c.build()
	if len(w.Cycles) != 2 || w.Cycles[0].Work != 33_000 || w.Cycles[1].Work != 3_000 {
		t.Errorf("collections %+v, want 33 and 3 µs of work", w.Cycles)
	}
	if g := c.gs[2]; g.first != 0 {
		t.Errorf("G2, made waiting, begins at %v, want the beginning", g.first)
	}
}

// TestDoubts: predictions of a recorded program are as sure as what is known allows.
func TestDoubts(t *testing.T) {
	const file = "../../fixtures/traces/real/typecheck-go1.22-p1.trace"
	set := Settings{Schedulers: []simulate.Scheduler{simulate.GMP, simulate.ThreadQueue}, Procs: []int{1, 2}, Seeds: 2, NoScaling: true}
	x := simulated(t, file, set)
	for _, v := range x.Variants {
		if v.Low > v.Makespan || v.High < v.Makespan {
			t.Errorf("%s: %d is not between %d and %d", v.Name, v.Makespan, v.Low, v.High)
		}
		if sure := v.Confidence == ConfidenceGood; sure != (len(v.Doubts) == 0) || sure && v.Procs == 2 {
			t.Errorf("%s: %s with doubts %q", v.Name, v.Confidence, v.Doubts)
		}
	}
	before := x.Variants[1]
	for _, v := range simulated(t, "../../fixtures/traces/real/typecheck-go1.25-p4.trace", Settings{Schedulers: []simulate.Scheduler{simulate.GMP}, Procs: []int{8}, Seeds: 1, NoScaling: true}).Variants[1:] {
		if v.Confidence == ConfidenceGood || float64(v.High) < 1.05*float64(v.Makespan) {
			t.Errorf("%s, recorded with 4: %s, %d … %d", v.Name, v.Confidence, v.Makespan, v.High)
		}
	}
	set.Calibration = &Calibration{Compute: 1.05, Marking: 1.1, Bounce: 100}
	x = simulated(t, file, set)
	after := x.Variants[1]
	if after.Procs != 2 || after.High-after.Low >= before.High-before.Low || len(after.Doubts) >= len(before.Doubts) {
		t.Errorf("calibrated: %d … %d with doubts %q; before %d … %d, %q", after.Low, after.High, after.Doubts, before.Low, before.High, before.Doubts)
	}
}

// TestTooLong: a goroutine that has been running for years, as a damaged clock says, is
// not simulated time slice by time slice.
func TestTooLong(t *testing.T) {
	const years = `gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
newproc g=2 p=0 m=0 by=1 fn=main.worker
execute g=2 p=0 m=0
goexit g=2 p=0 m=0 dt=90000h
`
	_, err := Simulate(t.Context(), replaytest.Scenario(t, years), replay.Options{Name: "years"}, Settings{})
	if err == nil || !strings.Contains(err.Error(), "too long to be simulated") {
		t.Errorf("error %v", err)
	}
}
