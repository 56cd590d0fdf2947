package whatif

import (
	"slices"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// TestComputedByTask: of what a goroutine computes in one piece, what lies in a task is the
// task's, and what comes before and after is not.
func TestComputedByTask(t *testing.T) {
	g := &gWork{fn: 7}
	g.step(ownRun, 0, 100)
	a := &attribution{sampled: true, during: map[model.GoID][]during{1: {{from: 10, to: 40, group: 1}, {from: 60, to: 100, group: 2}}}}
	type piece struct {
		from, to model.Time
		who      uint32
	}
	var got []piece
	a.each(1, g, func(s ownAt, key kindKey) { got = append(got, piece{s.from, s.to, key.who}) })
	const own = uint32(7 | 1<<31)
	if want := []piece{{0, 10, own}, {10, 40, 1}, {40, 60, own}, {60, 100, 2}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestMixed: nothing is told of requests that show no handler beside some that do.
func TestMixed(t *testing.T) {
	request, task := string(report.KindRequest), string(report.KindTask)
	a := &attribution{groups: []instances{{kind: request}, {kind: request, name: "list"}, {kind: task}}}
	if !a.mixed(0) || a.mixed(1) || a.mixed(2) {
		t.Errorf("mixed: %v, %v, %v", a.mixed(0), a.mixed(1), a.mixed(2))
	}
	a.groups = a.groups[:1]
	if a.mixed(0) {
		t.Error("requests of which none shows a handler are mixed")
	}
}

// TestLockBy: the lock costs what was measured with as many threads, and with more than there
// were CPUs what it did with all.
func TestLockBy(t *testing.T) {
	c := &Calibration{Locks: []int64{20, 80, 90}}
	for threads, want := range map[int]int64{1: 20, 2: 80, 3: 90, 128: 90} {
		costs := simulate.DefaultCosts()
		if c.lockBy(&costs, threads); costs.Lock.Mean() != want || costs.Alone.Mean() != 20 {
			t.Errorf("%d threads: %d ns, alone %d", threads, costs.Lock.Mean(), costs.Alone.Mean())
		}
	}
	for threads, want := range map[int]string{1: "calibrated", 3: "calibrated", 4: "extrapolated"} {
		if got := c.lockFrom(threads); got != want {
			t.Errorf("the lock's cost with %d threads is %s, want %s", threads, got, want)
		}
	}
	if none := (*Calibration)(nil); none.lockFrom(2) != "default" || none.lockFrom(8) != "extrapolated" {
		t.Error("defaults are told to be something else")
	}
	costs := simulate.DefaultCosts()
	(*Calibration)(nil).lockBy(&costs, 8)
	if costs.Lock.Mean() != 60 || len(costs.Alone.NS) != 0 {
		t.Errorf("without a calibration: %+v", costs.Lock)
	}
}

// TestMoved: what is many times as long is told in words.
func TestMoved(t *testing.T) {
	for x, want := range map[float64]string{-.5: "-50.0\u00a0%", 1.4: "2.4 times as long", 604103.97: "more than 10 times as long"} {
		if got := moved(x); got != want {
			t.Errorf("%v is %q, want %q", x, got, want)
		}
	}
}

// TestTimed: where sleeps of threads ended late, so do those of a thief and of sysmon, and to
// wake a thread takes about as long; what was measured of that itself comes before it.
func TestTimed(t *testing.T) {
	c := &workloads{}
	p := &pWork{idled: true, idleFrom: 1_000, schedTo: 2_000_000}
	for i := range 2 * fewest {
		p.schedFrom = p.idleFrom + model.Time(simulate.PollGrain+120_000+int64(i)*500)
		d := &model.Dispatch{Time: p.schedTo, Ready: p.schedFrom}
		c.sleptFor(p, d)
	}
	costs := c.calibrated(nil)
	for name, x := range map[string]struct{ got, want int64 }{"late": {costs.Late.Mean(), 130_000}, "wake": {costs.Wake.Quantile(.5), 107_000}, "pause": {costs.Pause.Mean(), 130_000}} {
		if off := float64(x.got-x.want) / float64(x.want); off < -.03 || off > .03 {
			t.Errorf("%s takes %d ns, want about %d", name, x.got, x.want)
		}
	}
	for range fewest {
		c.costs.wake.Add(50_000)
	}
	if costs := c.calibrated(nil); costs.Wake.Quantile(.5) > 51_000 {
		t.Errorf("waking a thread takes %d ns, and 50 µs were measured", costs.Wake.Quantile(.5))
	}
	if costs := (&workloads{}).calibrated(nil); costs.Late.Mean() != simulate.TimerSlack {
		t.Errorf("nothing was measured, and sleeps end %d ns late", costs.Late.Mean())
	}
}
