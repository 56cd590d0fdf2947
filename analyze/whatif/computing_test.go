package whatif

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/model/simulate"
)

// halved is a program that computes for 400 ms on its one P, whose thread has a CPU for
// half of it.
func halved(t *testing.T, asked bool) *Result {
	t.Helper()
	var text strings.Builder
	text.WriteString("gomaxprocs n=1\nstatus-p q=0 m=0 p=0 state=held\nstatus-g g=1 m=0 p=0 by=1 state=running fn=main.main\n")
	log := func(says string, args ...any) {
		if asked {
			fmt.Fprintf(&text, "log machine by=1 m=0 p=0 says="+says+"\n", args...)
		}
	}
	log("machine_pid=1_cpus=2")
	log("at_0_1000=0,0")
	for i := range 200 {
		text.WriteString("log by=1 p=0 m=0 dt=2ms name=x\n")
		log("at_%d_1000=%d,%d", (i+1)*2_000_000, (i+1)*1_000_000, (i+1)*1_000_000)
		if i%10 == 9 {
			text.WriteString("gosched g=1 p=0 m=0\nexecute g=1 p=0 m=0\n")
		}
	}
	x, err := Simulate(t.Context(), replaytest.Scenario(t, text.String()), replay.Options{Name: "scenario"}, Settings{Schedulers: []simulate.Scheduler{simulate.GMP}, Procs: []int{1, 2}, Seeds: 1, NoScaling: true})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestComputing: where the machine was asked, computing takes what it had of a CPU, and
// the self-check still what it took; where not, all of the time on the P.
func TestComputing(t *testing.T) {
	asked, not := halved(t, true), halved(t, false)
	near := func(what string, got int64, ms float64) {
		t.Helper()
		if math.Abs(float64(got)/1e6-ms) > ms/20 {
			t.Errorf("%s takes %.0f ms, want about %.0f", what, float64(got)/1e6, ms)
		}
	}
	near("the recorded run", asked.Recorded.Makespan, 400)
	near("it, with a CPU all the time,", asked.Variants[0].Makespan, 200)
	near("it, without evidence,", not.Variants[0].Makespan, 400)
	if math.Abs(asked.Check.Makespan) > .05 {
		t.Errorf("the self-check is off by %.0f %%: %s", 100*asked.Check.Makespan, asked.Check.Text)
	}
	if asked.Machine == nil || asked.Machine.Lost.Others < 150e6 || not.Machine != nil {
		t.Errorf("the machine said %+v, and %+v where it was not asked", asked.Machine, not.Machine)
	}
	if asked.Variants[0].Confidence != ConfidencePoor || !strings.Contains(asked.Variants[0].Doubts[0], "without a CPU") {
		t.Errorf("with a CPU for half of the time, the rest is called %s: %q", asked.Variants[0].Confidence, asked.Variants[0].Doubts)
	}
	if !strings.Contains(asked.Detail, "had no CPU: all that is predicted is against a run with one for each") || strings.Contains(not.Detail, "no CPU") {
		t.Errorf("details: %q, %q", asked.Detail, not.Detail)
	}
	if notes := strings.Join(asked.Notes, " "); !strings.Contains(notes, "Computing is what the machine measured") || strings.Contains(notes, "What other programs on the machine took") {
		t.Errorf("notes: %s", notes)
	}
}

// TestParallelOfMachine: several Ps that have one CPU compute no slower for each other, and
// who said so is told; of other CPUs the machine says whether they are those of one core.
func TestParallelOfMachine(t *testing.T) {
	one := &prediction{c: &workloads{}, x: &Result{}, oneCPU: true}
	for _, p := range []parallel{parallelLeast, parallelUsual, parallelMost} {
		if f := one.parallelOf(p).compute; f != 1 {
			t.Errorf("on one CPU computing is taken to differ by %v", f)
		}
	}
	core := &prediction{c: &workloads{}, x: &Result{}, oneCore: true}
	not := &prediction{c: &workloads{}, x: &Result{}}
	told := &prediction{c: &workloads{}, x: &Result{}, oneCPU: true, set: Settings{Parallel: 1.4}}
	for _, x := range []struct {
		w    *prediction
		want string
	}{
		{one, "by nothing, as the machine says that the process may run on one CPU only"},
		{core, "1.20, likely between 1.00 and 1.60 (--parallel-slowdown), dispatches and wake-ups by up to a microsecond: the machine says that its CPUs are hardware threads of one core"},
		{not, "two of which may be hardware threads of one core"},
		{told, "by a factor of 1.40"},
	} {
		if got := x.w.parallelNote(); !strings.Contains(got, x.want) {
			t.Errorf("%q does not say %q", got, x.want)
		}
	}
}

// TestStalledIsPoor: on a machine with too much to do, which nobody asked, no prediction is
// called fair.
func TestStalledIsPoor(t *testing.T) {
	for _, asked := range []bool{false, true} {
		w := &prediction{c: &workloads{}, w: &simulate.Workload{}, x: &Result{}, procs: 2}
		w.x.Recorded.Makespan, w.c.seen.stalled, w.c.seen.running = 1e9, 1e8, 2e9
		if asked {
			w.x.Machine = &Computing{Wanted: 2e9}
		}
		for _, v := range []*Variant{{Scheduler: "gmp", Procs: 1, Makespan: 1e9, Low: 1e9, High: 1e9}, {Scheduler: "gmp", Procs: 2, Settings: "no tick"}, {Scheduler: "gmp", Procs: 2}} {
			w.judge(v, "")
			recorded := v.Procs == 2 && v.Settings == ""
			if poor := v.Confidence == ConfidencePoor; poor != (!asked && !recorded) {
				t.Errorf("asked %v, %d Ps, %q: %s (%s)", asked, v.Procs, v.Settings, v.Confidence, strings.Join(v.Doubts, "; "))
			}
		}
	}
}
