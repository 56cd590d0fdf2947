package whatif

import (
	"strings"
	"testing"

	"gmptrace/model/simulate"
)

// TestMostShift: of the slow ones the quantile is told that changes most, and it is what puts
// a change before others.
func TestMostShift(t *testing.T) {
	shift := func(change float64) Shift {
		return Shift{Before: 100, Change: change, Low: change - leastOff, High: change + leastOff, Agreed: true, Known: true}
	}
	e := Effect{P50: shift(-.04), P90: shift(-.96), P99: shift(-.5)}
	if s, name := e.tail(); name != "p90" || s != &e.P90 || e.most() != &e.P90 {
		t.Errorf("p90 gets shorter most, told is %s", name)
	}
	if got := e.words(); !strings.Contains(got, "p50 -4.0") || !strings.Contains(got, "p90 -96.0") {
		t.Error(got)
	}
	e.P90 = shift(-.51)
	if _, name := e.tail(); name != "p99" {
		t.Errorf("where both get shorter alike p99 stands for them, not %s", name)
	}
	a := &attribution{groups: []instances{{recorded: []int64{100}}, {recorded: []int64{300}}}}
	lock := Changed{Of: []Effect{{P50: shift(-.02), P90: shift(-.9)}, {P50: shift(0)}}}
	function := Changed{Of: []Effect{{P50: shift(-.3)}, {P50: shift(-.2)}}}
	if lock.gain(a) <= function.gain(a) {
		t.Errorf("what takes nine tenths of p90 comes after a fifth of p50: %v, %v", lock.gain(a), function.gain(a))
	}
}

// TestLikely: both ends of a range are told alike, and nothing as many thousands of percent.
func TestLikely(t *testing.T) {
	for _, test := range []struct {
		low, high float64
		want      string
	}{
		{-.2, -.05, "-20.0\u00a0% to -5.0\u00a0%"},
		{-.33, 2.1, "0.67 to 3.1 times as long"},
		{.5, 604103.97, "1.50 times to more than 10 times as long"},
	} {
		if got := (&Shift{Low: test.low, High: test.high}).Likely(); got != test.want {
			t.Errorf("%v to %v: %q, want %q", test.low, test.high, got, test.want)
		}
	}
}

// TestTogether: what is told of several variants alike is told once.
func TestTogether(t *testing.T) {
	for want, names := range map[string][]string{
		"GOMAXPROCS=1":          {"GOMAXPROCS=1"},
		"GOMAXPROCS=1, 4 and 8": {"GOMAXPROCS=1", "GOMAXPROCS=4", "GOMAXPROCS=8"},
		"GOMAXPROCS=1, 1 CPU and GOMAXPROCS=4, 1 CPU": {"GOMAXPROCS=1, 1 CPU", "GOMAXPROCS=4, 1 CPU"},
		"thread-queue, 1 thread and GOMAXPROCS=4":     {"thread-queue, 1 thread", "GOMAXPROCS=4"},
	} {
		if got := together(names); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestAskedSettings: who asks for other rules means them with the Ps that there were, and who
// asks for other Ps Go's scheduler.
func TestAskedSettings(t *testing.T) {
	for name, test := range map[string]struct {
		set  Settings
		want string
	}{
		"nothing":   {Settings{}, "gmp 2, gmp 1, gmp 4, global-queue 2, thread-queue 2"},
		"rules":     {Settings{NoSteal: true}, "gmp 2, gmp 2"},
		"Ps":        {Settings{Procs: []int{4, 1}}, "gmp 2, gmp 1, gmp 4"},
		"scheduler": {Settings{Schedulers: []simulate.Scheduler{simulate.SharedQueue}}, "gmp 2, global-queue 1, global-queue 2, global-queue 4"},
	} {
		w := &prediction{c: &workloads{}, set: test.set, procs: 2, x: &Result{}}
		var got []string
		for _, p := range w.plans() {
			if !p.bound {
				got = append(got, strings.Fields(p.cfg.Scheduler.String())[0]+" "+string(rune('0'+p.cfg.Procs)))
			}
		}
		if s := strings.Join(got, ", "); s != test.want {
			t.Errorf("%s: %s, want %s", name, s, test.want)
		}
	}
}

// TestFailedCheck: where the simulation does not reproduce a run, nothing is told to be made
// faster first, nor that nothing stands out.
func TestFailedCheck(t *testing.T) {
	w := &prediction{x: &Result{Changes: []Changed{{Confidence: ConfidencePoor, Doubt: "the self-check failed", Run: Shift{Known: true}}}}}
	if headline, _ := w.fasterAnswer(); headline != "What to make faster first is not told, as the self-check failed." {
		t.Error(headline)
	}
}

// TestDeadlines: what a context's deadline ended is told of by handler, and stays as long when
// all computing is free.
func TestDeadlines(t *testing.T) {
	d := &Deadlines{Waits: 3, Of: []Deadlined{{Kind: "request", Name: "checkout", Count: 300, Ended: 2}}}
	if got := d.say(); !strings.Contains(got, "in 2 of 300 of checkout: they stay as long as they were") {
		t.Error(got)
	}
	x := simulated(t, "../../fixtures/traces/real/router-go1.26-p2.trace", Settings{Seeds: 1, NoScaling: true, NoChanges: true, Procs: []int{1}})
	if x.Deadlines == nil || x.Deadlines.Waits == 0 {
		t.Fatal("no wait is told that a deadline ended")
	}
	told := false
	for _, n := range x.Notes {
		told = told || n == x.Deadlines.Text
	}
	if !told {
		t.Error("no note tells of deadlines")
	}
}
