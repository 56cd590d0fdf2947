package measure

import (
	"math"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestShare: what a thread had no CPU for lies where its longest stretch is longer than the
// others, and the rest in proportion.
func TestShare(t *testing.T) {
	const ms = 1_000_000
	slot := func(n, lost int64) *cpuSlot {
		x := &cpuSlot{heldSlot: heldSlot{end: 10 * ms, ns: 10 * ms, n: n, from: 4 * ms, to: 9 * ms}}
		x.lost[report.LossOthers] = lost
		return x
	}
	for _, test := range []struct {
		x        *cpuSlot
		from, to model.Time
		want     float64
	}{
		{slot(6, 4*ms), 4 * ms, 9 * ms, 1},
		{slot(6, 4*ms), 0, 4 * ms, 0},
		{slot(6, 4*ms), 4 * ms, 6 * ms, .4},
		{slot(6, 6*ms), 4 * ms, 9 * ms, (4 + 2*.5) / 6},
		{slot(6, 6*ms), 0, 4 * ms, 2 * .4 / 6},
		{slot(2, 4*ms), 0, 4 * ms, .4}, // the other one is as long
		{slot(1, 4*ms), 0, 5 * ms, .5},
		{slot(6, 0), 0, 10 * ms, 0},
		{slot(6, 4*ms), 10 * ms, 20 * ms, 0},
	} {
		if got := test.x.share(test.from, test.to); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("of %d ns lost in %d stretches %.3f lie in [%d, %d), want %.3f", test.x.without(), test.x.n, got, test.from, test.to, test.want)
		}
	}
}

// TestDivideLate: a thread that came late for an idle P had no CPU as far as threads waited
// for one then, or the process was stopped.
func TestDivideLate(t *testing.T) {
	const ms = 1_000_000
	m := &Machine{solved: true, bounds: []model.Time{0, 10 * ms, 20 * ms, 30 * ms},
		late: []cpuLate{{}, {waited: 4 * ms, quota: .5, own: .25}, {stood: 9 * ms, waited: 100 * ms}, {}}}
	for _, test := range []struct {
		from, to model.Time
		want     report.CPULost
	}{
		{0, 10 * ms, report.CPULost{Quota: 2 * ms, Own: ms / 2, Others: 3 * ms / 2}},
		{8 * ms, 10 * ms, report.CPULost{Quota: ms, Own: ms / 4, Others: 3 * ms / 4}},
		{10 * ms, 20 * ms, report.CPULost{Stopped: 9 * ms, Others: ms}},
		{20 * ms, 50 * ms, report.CPULost{}},
	} {
		if got := m.DivideLate(test.from, test.to); got != test.want {
			t.Errorf("from %d to %d: %+v, want %+v", test.from, test.to, got, test.want)
		}
	}
}
