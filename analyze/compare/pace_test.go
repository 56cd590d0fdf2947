package compare

import (
	"math"
	"testing"

	"gmptrace/analyze/stat"
)

// paced is a program of some functions that compute for so long at a time, each as many
// times as long as times says, and of tasks that only compute.
func paced(times float64, task float64) *Behaviour {
	b := &Behaviour{Window: 50e6, Windows: 16}
	add := func(kind SeriesKind, name string, median float64) {
		s := Series{Kind: kind, Name: name}
		for w := range b.Windows {
			k := &stat.Sketch{}
			for i := range 20 {
				k.Add(int64(median * (.95 + float64((i*7+w*3)%20)/200)))
			}
			s.Windows = append(s.Windows, k)
		}
		b.Series = append(b.Series, s)
	}
	for _, name := range []string{"main.a", "main.b", "main.c", "main.d"} {
		add(SeriesDispatch, name, 5e3*times)
	}
	add(SeriesTask, "order", task)
	b.Causes = []Causes{{Kind: SeriesTask, Name: "order", Instances: 320, Ended: make([]int64, b.Windows), Causes: []Cause{{Kind: CauseRunning, NS: int64(task)}}}}
	return b
}

// What a run may owe to its pace is taken out of what is compared, and no more: a slower
// path in a run that is as quick as the other one is slower by all of it.
func TestPace(t *testing.T) {
	for _, test := range []struct {
		name         string
		times, grown float64
		least, most  float64 // of the effect that is left
		want         Verdict
	}{
		{"a slower path", 1, 1.2, .18, .22, Worse},
		{"a slower machine", 1.5, 1.16, .07, .13, Same},
		{"both", 1.5, 1.4, .25, .38, Worse},
	} {
		for _, c := range Sets([]*Behaviour{paced(1, 2e6)}, []*Behaviour{paced(test.times, 2e6*test.grown)}, Options{}).Changes {
			if c.Kind != SeriesTask || c.Stat != "p50" {
				continue
			}
			if c.Effect < test.least || c.Effect > test.most || c.Verdict != test.want {
				t.Errorf("%s: the effect is %g, and it is %s; want it from %g to %g, and %s", test.name, c.Effect, c.Verdict, test.least, test.most, test.want)
			}
			if seen := c.New.Median/c.Old.Median - 1; math.Abs(seen-(test.grown-1)) > .02 {
				t.Errorf("%s: it is told to have grown by %g, want %g", test.name, seen, test.grown-1)
			}
		}
	}
}

// What varies more by itself is expected to differ more between runs.
func TestMadeOf(t *testing.T) {
	made := func(ns map[CauseKind]int64) madeOf {
		c := Causes{Kind: SeriesTask, Name: "order", Instances: 100}
		for _, kind := range []CauseKind{CauseRunning, CauseCollector, CauseQueue, CauseSleep} {
			c.Causes = append(c.Causes, Cause{Kind: kind, NS: ns[kind]})
		}
		b := []*Behaviour{{Causes: []Causes{c}}}
		return new(comparison).madeOf(key{SeriesTask, "order"}, b, b)
	}
	sleeps, computes := made(map[CauseKind]int64{CauseSleep: 1e6}), made(map[CauseKind]int64{CauseRunning: 1e6})
	allocates, waits := made(map[CauseKind]int64{CauseRunning: 9e5, CauseCollector: 1e5}), made(map[CauseKind]int64{CauseQueue: 1e6})
	order := []float64{sleeps.drift(), computes.drift(), waits.drift(), allocates.drift()}
	for i := 1; i < len(order); i++ {
		if order[i] <= order[i-1] {
			t.Errorf("from run to run what sleeps, computes, waits for a P and allocates differs by %v: want it to rise", order)
		}
	}
	if sleeps.owes() != 0 || computes.owes() >= waits.owes() {
		t.Errorf("what sleeps follows the pace by %g, what computes by %g, what waits by %g", sleeps.owes(), computes.owes(), waits.owes())
	}
}
