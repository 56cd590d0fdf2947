package compare

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gmptrace/analyze/stat"
)

// drawnTraces are n traces of a program with some tasks, the lengths of which are
// logarithmically normal. Its traces differ from one another by drift, and the first task
// takes so many times as long as the others.
func drawnTraces(r *rand.Rand, n int, drift, times float64) []*Behaviour {
	var out []*Behaviour
	for range n {
		b := &Behaviour{Window: 50e6, Windows: 16}
		for i, name := range []string{"order", "list", "pay", "search"} {
			run := math.Exp(drift * r.NormFloat64())
			if i == 0 {
				run *= times
			}
			s := Series{Kind: SeriesTask, Name: name}
			for range b.Windows {
				w := &stat.Sketch{}
				for range 15 {
					w.Add(int64(2e6 * run * math.Exp(.4*r.NormFloat64())))
				}
				s.Windows = append(s.Windows, w)
			}
			b.Series = append(b.Series, s)
		}
		out = append(out, b)
	}
	return out
}

// claims counts what is called worse or better of what may fail a check.
func claims(r *Result) (n int) {
	for i := range r.Changes {
		if c := &r.Changes[i]; c.decides() && rank(c.Verdict) == 2 {
			n++
		}
	}
	return n
}

// How often chance is called a change, and a path made a fifth longer is.
func TestPower(t *testing.T) {
	for _, test := range []struct {
		traces int
		drift  float64
		pairs  int
		caught int // at least; with one a side 240 lengths cannot tell a fifth from how runs are assumed to differ
	}{{1, .02, 100, 0}, {5, .03, 40, 36}} {
		r := rand.New(rand.NewPCG(1, uint64(test.traces)))
		alarms, caught := 0, 0
		for range test.pairs {
			old := drawnTraces(r, test.traces, test.drift, 1)
			if claims(Sets(old, drawnTraces(r, test.traces, test.drift, 1), Options{})) > 0 {
				alarms++
			}
			if verdict(Sets(old, drawnTraces(r, test.traces, test.drift, 1.2), Options{})) == Worse {
				caught++
			}
		}
		t.Logf("%d a side: %d alarms, %d caught", test.traces, alarms, caught)
		if alarms > test.pairs/100 || caught < test.caught {
			t.Errorf("%d traces a side: %d of %d pairs of the same alarm, and %d of the altered are caught", test.traces, alarms, test.pairs, caught)
		}
	}
}

// Four traces a side tell: no test of ranks at the level of 1 % could.
func TestFourASide(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	old, new := drawnTraces(r, 4, .1, 1), drawnTraces(r, 4, .1, 2.67)
	if got := verdict(Sets(old, new, Options{})); got != Worse {
		t.Errorf("+167 %% is %s", got)
	}
	for _, c := range Sets(old, new, Options{}).Changes {
		if c.Name == "order" && c.Stat == "p50" && (c.Lo > 1.67 || c.Hi < 1.67 || c.Noticed > 1.67) {
			t.Errorf("the effect lies between %g and %g, and %g would be noticed", c.Lo, c.Hi, c.Noticed)
		}
	}
}

// The more is looked at, the surer a claim must be.
func TestDiscover(t *testing.T) {
	for _, test := range []struct {
		p    []float64
		want []float64
	}{
		{[]float64{.005}, []float64{.005}},
		{[]float64{.005, .9}, []float64{.01, .9}},
		{[]float64{.9, .005, .001}, []float64{.003, .0075, .9}},
	} {
		var family []*judged
		for _, p := range test.p {
			family = append(family, &judged{Change: Change{P: p}})
		}
		discover(family, .01)
		for i, j := range family {
			if math.Abs(j.Q-test.want[i]) > 1e-12 {
				t.Errorf("%v: the value number %d becomes %g, want %g", test.p, i, j.Q, test.want[i])
			}
		}
	}
}

// No trace differs from itself, nor from what its fixture keeps of it, in any figure.
func TestSameFigures(t *testing.T) {
	files, err := filepath.Glob("../../fixtures/traces/*/*.trace")
	if err != nil {
		t.Fatal(err)
	}
	const most = 100e3 // bytes: larger ones tell nothing else, and take long
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Size() > most {
			continue
		}
		b, err := behaveFile(t, file)
		if err != nil {
			continue // broken on purpose
		}
		kept, err := NewFixture("test", []*Behaviour{b}).Behaviours()
		if err != nil {
			t.Fatal(err)
		}
		for _, old := range [][]*Behaviour{{b}, kept} {
			for _, c := range Sets(old, []*Behaviour{b}, Options{}).Changes {
				if c.Verdict != Few && c.Verdict != New && (c.Verdict != Same || c.Old.Median != c.New.Median || c.Effect != 0) {
					t.Errorf("%s: %s: %g and %g, %s", file, c.Text(), c.Old.Median, c.New.Median, c.Verdict)
				}
			}
		}
	}
}
