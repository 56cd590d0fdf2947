package whatif

import (
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/model/simulate"
)

const esbuild = "../../fixtures/traces/real/esbuild-go1.22-p2.trace"

// changed simulates a change of a recorded program, which has to be told of.
func changed(t *testing.T, file string, c Change) *Changed {
	t.Helper()
	x := simulated(t, file, Settings{Seeds: 3, Change: c})
	if len(x.Changes) == 0 || !x.Changes[0].Asked {
		t.Fatal("nothing is said of the change")
	}
	if x.Headline != x.Changes[0].Text {
		t.Errorf("the answer is not what is said first: %s", x.Headline)
	}
	if len(x.Variants) != 1 || len(x.Scaling) != 0 {
		t.Error("other settings were simulated, for which nobody asked")
	}
	return &x.Changes[0]
}

// TestFaster: a program whose computing all matches gets as much shorter as it computes
// less, none can gain more than is left out, and what does not show changes nothing.
func TestFaster(t *testing.T) {
	all := changed(t, esbuild, Change{Faster: []Faster{{Func: regexp.MustCompile("."), By: .5}}})
	if all.Share < .99 || math.Abs(all.Run.Change+.5) > .1 {
		t.Errorf("half the computing: %+.3f of the run, %.3f of computing matches", all.Run.Change, all.Share)
	}
	part := changed(t, esbuild, Change{Faster: []Faster{{Func: regexp.MustCompile(`bundler\.parseFile$`), By: .2}}})
	if part.Time <= 0 || part.Share >= 1 || part.Run.Change >= 0 || part.Run.Change < -.2 {
		t.Errorf("a part a fifth cheaper: %+.3f of the run, %.3f of computing matches", part.Run.Change, part.Share)
	}
	if saved := float64(part.Run.Before - part.Run.After); saved > 1.05*float64(part.Saved) {
		t.Errorf("the run gets %.0f ns shorter, and only %d are left out", saved, part.Saved)
	}
	none := changed(t, esbuild, Change{Faster: []Faster{{Func: regexp.MustCompile(`^main\.nowhere$`), By: .5}}})
	if none.Time != 0 || none.Run.Change != 0 || none.Confidence != ConfidencePoor {
		t.Errorf("what does not show: %+v", none)
	}
}

// TestSameProgram: without a change the simulation with marks takes what that without does,
// and requests what they were recorded to take.
func TestSameProgram(t *testing.T) {
	x := simulated(t, "../../fixtures/traces/real/router-go1.26-p2.trace", Settings{Seeds: 3, Change: Change{WithoutLock: regexp.MustCompile(`^nobody$`)}})
	c := &x.Changes[0]
	if d := difference(c.Run.Before, x.Variants[0].Makespan); math.Abs(d) > .01 {
		t.Errorf("marks make the run %+.3f longer", d)
	}
	known := 0
	for _, e := range c.Of {
		if e.Count >= 20 && e.P50.Known {
			known++
		}
		if e.Kind != "request" || e.P50.Recorded <= 0 {
			t.Errorf("%+v", e)
		}
	}
	if known < 5 {
		t.Errorf("only %d handlers come out as they were recorded", known)
	}
}

// TestWithoutLock: all waits for a lock are left out, and a lock that there is none of none.
func TestWithoutLock(t *testing.T) {
	x := simulated(t, esbuild, Settings{Seeds: 3, Change: Change{WithoutLock: regexp.MustCompile(`\.Resolve$`)}})
	c := &x.Changes[0]
	if c.Time <= 0 || c.Saved != c.Time || c.Run.After > c.Run.Before {
		t.Errorf("without waits for a lock: %+v", c)
	}
	other := simulated(t, esbuild, Settings{Seeds: 3, Change: Change{WithoutLock: regexp.MustCompile(`^nobody$`)}})
	if c := &other.Changes[0]; c.Time != 0 || c.Run.Change != 0 {
		t.Errorf("without a lock that there is none of: %+v", c)
	}
}

// TestWithoutSyscalls and the collector: what is left out is gone.
func TestWithoutSyscalls(t *testing.T) {
	calls := changed(t, esbuild, Change{WithoutSyscall: regexp.MustCompile(`ReadFile$`)})
	if calls.Time <= 0 || calls.Saved != calls.Time {
		t.Errorf("system calls: %+v", calls)
	}
	const garbage = "../../fixtures/traces/real/typecheck-go1.22-p1.trace"
	half, off := changed(t, garbage, Change{GC: GCHalf}), changed(t, garbage, Change{GC: GCOff})
	if !(off.Run.Change < half.Run.Change && half.Run.Change < 0) {
		t.Errorf("half of the collections %+.3f, none %+.3f", half.Run.Change, off.Run.Change)
	}
}

// TestTable: what is most worth it stands first, with both levels.
func TestTable(t *testing.T) {
	x := simulated(t, esbuild, Settings{Schedulers: []simulate.Scheduler{simulate.GMP}, Procs: []int{2}, Seeds: 1, NoScaling: true})
	if len(x.Changes) < 4 {
		t.Fatalf("%d changes", len(x.Changes))
	}
	first := &x.Changes[0]
	if first.Kind != ChangeFunction || first.Name != "github.com/evanw/esbuild/internal/bundler.parseFile" || x.Changes[1].Name != first.Name {
		t.Errorf("first stands %s %s", first.Kind, first.Name)
	}
	if !(x.Changes[1].Run.Change < first.Run.Change && first.Run.Change < 0) {
		t.Errorf("a fifth cheaper %+.3f, half %+.3f", first.Run.Change, x.Changes[1].Run.Change)
	}
}

// TestLengths: what requests take is told of every simulation, of the recorded run as it was,
// and what the self-check is off by is in every range.
func TestLengths(t *testing.T) {
	x := simulated(t, "../../fixtures/traces/real/router-go1.26-p2.trace", Settings{Schedulers: []simulate.Scheduler{simulate.GMP}, Procs: []int{1}, Seeds: 3, NoScaling: true, NoChanges: true})
	rec, again, fewer := x.Recorded.Of, x.Variants[0].Of, x.Variants[1].Of
	if len(rec) < 5 || len(again) != len(rec) || len(fewer) != len(rec) || len(x.Check.Of) != len(rec) {
		t.Fatalf("%d handlers recorded, %d and %d simulated, %d checked", len(rec), len(again), len(fewer), len(x.Check.Of))
	}
	longer := 0
	for i := range rec {
		if rec[i].Name != again[i].Name || rec[i].Count != again[i].Count || rec[i].P50.NS <= 0 {
			t.Errorf("recorded %+v, simulated %+v", rec[i], again[i])
		}
		if p := again[i].P50; p.Known && (rec[i].P50.NS < p.Low || rec[i].P50.NS > p.High) {
			t.Errorf("%s: recorded are %d, which the range of the recorded settings leaves out: %+v", rec[i].Name, rec[i].P50.NS, p)
		}
		if p := again[i].P50; p.Known && x.Check.Of[i].off(0) > fairRequests {
			t.Errorf("%s is known though the self-check is off by %.2f", rec[i].Name, x.Check.Of[i].off(0))
		}
		if fewer[i].P50.NS > again[i].P50.NS {
			longer++
		}
	}
	if longer < len(rec)/2 {
		t.Errorf("with one P only %d of %d handlers take longer", longer, len(rec))
	}
}

// TestGOGC: with twice the recorded GOGC half of the collections are left out, with less of
// it they have more to do; what it was is told by the heap's goals.
func TestGOGC(t *testing.T) {
	const garbage = "../../fixtures/traces/real/typecheck-go1.22-p1.trace"
	more := changed(t, garbage, Change{GC: GCTo, GOGC: 400})
	less := changed(t, garbage, Change{GC: GCTo, GOGC: 25})
	if !(more.Run.Change < 0 && less.Run.Change > 0) {
		t.Errorf("GOGC=400 %+.3f, GOGC=25 %+.3f of the run", more.Run.Change, less.Run.Change)
	}
	if more.Confidence == ConfidenceGood {
		t.Error("what GOGC was is not told, and yet it is sure")
	}
}

// TestPool: more workers of a pool that there is; of one that there is none, an error names
// those that there are.
func TestPool(t *testing.T) {
	const webshop = "../../fixtures/traces/real/webshop-go1.24-p1.trace"
	x := changed(t, webshop, Change{Pools: []Pool{{Func: regexp.MustCompile(`shop\)\.work$`), Workers: 1}}})
	if len(x.Of) == 0 || !strings.Contains(x.Name, `of shop\)\.work$`) {
		t.Errorf("one worker: %+v", x)
	}
	in, err := os.Open(webshop)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	_, err = Simulate(t.Context(), in, replay.Options{Name: "webshop"}, Settings{Seeds: 1, NoScaling: true, Change: Change{Pools: []Pool{{Func: regexp.MustCompile("^nobody$"), Workers: 3}}}})
	if err == nil || !strings.Contains(err.Error(), "main.(*shop).work (") {
		t.Errorf("error %v, want one that names main.(*shop).work", err)
	}
}
