package whatif

import (
	"math"
	"testing"

	"gmptrace/model"
	"gmptrace/model/simulate"
)

const ms = int64(1_000_000)

// TestSleepLength: where all sleeps of a place fit one length, that was asked for, and where
// it is a round one, just that; where they do not, each was due at any time since somebody
// looked last.
func TestSleepLength(t *testing.T) {
	site := func(pairs ...int64) *sleepSite {
		s := &sleepSite{}
		for i := 0; i < len(pairs); i += 2 {
			s.least, s.most = append(s.least, pairs[i]), append(s.most, pairs[i+1])
		}
		return s
	}
	for i, test := range []struct {
		site *sleepSite
		want int64
	}{
		{nil, 0},
		{site(ms, 2*ms+60_000), 0}, // too few
		{site(0, 2_060_000, ms, 2_540_000, 1_800_000, 2_328_000, 0, 2_900_000, 0, 2_120_000), 2 * ms},
		{site(0, 2_060_000, ms, 2_540_000, 1_800_000, 2_328_000, 2_700_000, 2_900_000, 0, 2_120_000), 2 * ms}, // who looked did not look at all
		{site(4*ms, 5*ms, ms, 2*ms, 7*ms, 8*ms, 2*ms, 3*ms, 9*ms, 10*ms), 0},
		{site(0, 1_234_567, 0, 1_300_000, 0, 1_240_000, 0, 1_250_000, 0, 1_235_000), 1_200_000},
	} {
		if got := test.site.length(); got != test.want {
			t.Errorf("%d: %d, want %d", i, got, test.want)
		}
	}
	c := &workloads{sleeps: map[uint32]*sleepSite{7: site(0, 2_060_000, ms, 2_540_000, 1_800_000, 2_328_000, 0, 2_900_000, 0, 2_120_000)}}
	if got := c.wanted(&ownAt{to: model.Time(2_900_000), stack: 7, late: 1_100_000}); got != 2*ms {
		t.Errorf("asked for %d, want 2 ms", got)
	}
	other := c.wanted(&ownAt{to: model.Time(2_900_000), stack: 8, late: 1_100_000})
	if other < 1_800_000 || other > 2_900_000 {
		t.Errorf("due after %d, of 1.8 to 2.9 ms", other)
	}
	if got := c.wanted(&ownAt{to: model.Time(2_900_000), stack: 8}); got != 2_900_000 {
		t.Errorf("nobody knows of a look before, and %d was asked for", got)
	}
}

// TestSleepsTogether: three goroutines that sleep as long, and woke together as the thread
// that slept for all of them did, sleep what they asked for.
func TestSleepsTogether(t *testing.T) {
	c := &workloads{sleeps: map[uint32]*sleepSite{}}
	for i := range 4 {
		b := &batch{to: model.Time(int64(i+1) * 3 * ms), looked: model.Time(int64(i+1)*3*ms - 1_060_000)}
		for k := range 3 {
			g := &gWork{pendKind: ownWait, pendStack: 7, pendWith: b, pendTo: b.to, pendFrom: b.to - model.Time(2*ms+60_000+int64(k)*200_000)}
			g.slept(c)
		}
	}
	if got := c.sleeps[7].length(); got != 2*ms {
		t.Errorf("they slept %d, want 2 ms", got)
	}
	if simulate.TimerSlack >= 100_000 {
		t.Error("what is asked for is looked for in too wide a range")
	}
}

// TestSchedule: who sleeps so much shorter as he was busy for longer keeps to a schedule; who
// sleeps as long whatever was before, though woken late, does not.
func TestSchedule(t *testing.T) {
	var keeps, thinks schedule
	for i := range 40 {
		busy := float64(i%7) * 1e6
		late := float64(i*i%11) * 1e5
		keeps.add(busy, 10e6-busy+late)
		thinks.add(busy, 2e6+late)
	}
	if !keeps.kept() || thinks.kept() {
		t.Errorf("a schedule is kept: %v, want true; by who thinks: %v", keeps.kept(), thinks.kept())
	}
	var few schedule
	for i := range 10 {
		few.add(float64(i)*1e6, 10e6-float64(i)*1e6)
	}
	if few.kept() {
		t.Error("ten sleeps tell of a schedule")
	}
}

// TestBeat: who sleeps until the next beat keeps to it, be he woken late or a beat left out;
// who sleeps for a length does not, though his periods are as regular.
func TestBeat(t *testing.T) {
	var beats, lasts beat
	late := func(i int) float64 { return float64(i*i*7919%101) * 4e3 }
	run := func(x *beat, next func(i int, ended float64) float64) {
		var waits, ends []float64
		ended := 0.0
		for i := range 300 {
			wait := next(i, ended) + late(i)
			ended += wait
			waits, ends = append(waits, wait), append(ends, ended)
		}
		x.add(waits, ends)
	}
	run(&beats, func(i int, ended float64) float64 {
		if to := 1.5e6 - math.Mod(ended, 1.5e6); i%40 != 0 {
			return to
		}
		return 3e6 - math.Mod(ended, 1.5e6)
	})
	run(&lasts, func(int, float64) float64 { return 1.5e6 })
	if !beats.kept(steadyMost, evenedMost) || lasts.kept(steadyMost, evenedMost) {
		t.Errorf("a beat is kept: %v, want true; by who sleeps as long: %v", beats, lasts)
	}
}
