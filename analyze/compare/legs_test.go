package compare

import (
	"fmt"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
)

// A worker that computes now this and now that has a leg for each way from a wait to the next,
// and one that is preempted meanwhile computes in one leg what it computes in two dispatches.
func TestLegs(t *testing.T) {
	const rounds = 30
	var text strings.Builder
	text.WriteString("gomaxprocs n=2\nstatus-p q=0 m=0 p=0 state=held\nstatus-p q=1 m=1 p=1 state=held\nstatus-g g=1 m=0 p=0 by=1 state=running fn=main.main\nstatus-g g=2 m=1 p=1 by=2 state=running fn=main.worker\n")
	for range rounds {
		text.WriteString("park g=2 p=1 m=1 reason=chan_receive fn=main.worker dt=200us\nready g=2 p=0 m=0 by=1 dt=1ms\nexecute g=2 p=1 m=1\n")
		text.WriteString("preempt g=2 p=1 m=1 dt=300us\nexecute g=2 p=1 m=1 dt=50us\n")
		text.WriteString("park g=2 p=1 m=1 reason=sleep fn=main.ask<main.worker dt=100us\nready g=2 p=0 m=0 by=1 dt=1ms\nexecute g=2 p=1 m=1\n")
	}
	b, err := Behave(t.Context(), replaytest.Scenario(t, text.String()), replay.Options{Name: "scenario"})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	for i := range b.Series {
		if s := &b.Series[i]; s.Kind == SeriesLeg {
			found[s.Name] = s.Whole().Quantile(.5) / 10e3
		}
	}
	want := map[string]int64{
		"main.worker, from waiting for a channel in main.worker to sleeping in main.ask": 40,
		"main.worker, from sleeping in main.ask to waiting for a channel in main.worker": 20,
	}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("legs, in 10 µs: %v, want %v", found, want)
	}
}

// busyRun is a run on a machine that others use as well: of what a leg computes a third is held up, and by how much is another matter in each run. allocs are of each time that it runs.
func busyRun(run int, computes float64, allocs int64) *Behaviour {
	b := &Behaviour{Window: 60e6, Windows: 16}
	s := Series{Kind: SeriesLeg, Name: "main.worker, from sleeping in main.ask to sleeping in main.ask"}
	for w := range b.Windows {
		k := &stat.Sketch{}
		for i := range 10 {
			length := computes * (1 + float64((i*7+w*3+run)%10)/400)
			if n := (i*5 + w*11 + run*3) % 16; n > 10 {
				length += float64((n-10)*(n-10)*(n-10)*(run%4+1)) * 100e3
			}
			k.Add(int64(length))
		}
		s.Allocs += 10 * allocs
		s.Windows = append(s.Windows, k)
	}
	b.Series = append(b.Series, s)
	return b
}

func busyRuns(from int, computes float64, allocs int64) (out []*Behaviour) {
	for run := range 5 {
		out = append(out, busyRun(from+run, computes, allocs))
	}
	return out
}

// What a leg computes is held to where the machine draws most of it out, as far as a fifth more of
// it; but where it mostly allocates, which costs now this and now the double.
func TestLegsAreHeld(t *testing.T) {
	for _, test := range []struct {
		name  string
		times float64
		alloc int64
		fails bool
	}{
		{"as before", 1, 0, false},
		{"a fifth more", 1.2, 0, true},
		{"a fifth more, of what allocates", 1.2, 100, false},
		{"a fifth less", .8, 0, false},
	} {
		var failed []string
		noticed := 0.0
		old, new := busyRuns(0, 1e6, test.alloc), busyRuns(5, test.times*1e6, test.alloc)
		for _, c := range Sets(old, new, Options{}).Changes {
			if c.Kind == SeriesLeg {
				noticed = c.Noticed
			}
		}
		for _, r := range Check(old, new, "fixture.json", Options{}) {
			if r.Status == report.CheckFail && r.Severity == report.CheckSeverityError {
				failed = append(failed, r.Message)
			}
		}
		if (len(failed) > 0) != test.fails || test.fails && !strings.Contains(failed[0], "omputing by main.worker") {
			t.Errorf("%s: failed %q, want %v", test.name, failed, test.fails)
		}
		if test.alloc == 0 && (noticed <= 0 || noticed > .2) || test.alloc > 0 && noticed < .5 {
			t.Errorf("%s: would have noticed %g", test.name, noticed)
		}
	}
}

// A run that was held up as a whole hides nothing of what the others tell.
func TestSettled(t *testing.T) {
	runs := settled([]run{{y: 1}, {y: 1.02}, {y: 3, within: 5}, {y: .99}, {y: 1.01}})
	for _, r := range runs {
		if r.y < .9 || r.y > 1.15 || r.within != 0 {
			t.Errorf("a run of %g, within %g", r.y, r.within)
		}
	}
	if two := settled([]run{{y: 1}, {y: 3}}); two[1].y != 3 {
		t.Errorf("of two runs, neither is the odd one: %g", two[1].y)
	}
}

// slowBehind is a program of which so many of a hundred cycles wait long for a P, and whose
// computing is drawn out or not.
func slowBehind(slow int, drawn bool) *Behaviour {
	b := busyRun(3, 1e6, 0)
	if !drawn {
		b.Series[0] = Series{Kind: SeriesLeg, Name: "main.worker, from sleeping in main.ask to sleeping in main.ask"}
		for range b.Windows {
			k := &stat.Sketch{}
			for i := range 10 {
				k.Add(int64(1e6 + i*1e3))
			}
			b.Series[0].Windows = append(b.Series[0].Windows, k)
		}
	}
	s := Series{Kind: SeriesCycle, Name: "main.worker"}
	for range b.Windows {
		k := &stat.Sketch{}
		for i := range 100 {
			length := int64(1e6 + i*2e3)
			if i < slow {
				length *= 3
			}
			k.Add(length)
		}
		s.Windows = append(s.Windows, k)
	}
	b.Series = append(b.Series, s)
	ended := make([]int64, b.Windows)
	for w := range ended {
		ended[w] = 100
	}
	b.Causes = []Causes{{Kind: SeriesCycle, Name: "main.worker", Instances: 1600, Ended: ended, Causes: []Cause{{Kind: CauseRunning, NS: 1.1e6}, {Kind: CauseQueue, NS: int64(slow) * 80e3}}}}
	return b
}

// More slow ones that only waited for a P fail a check, but where the machine draws computing out.
func TestSetAside(t *testing.T) {
	for _, drawn := range []bool{false, true} {
		fails := false
		for _, r := range Check([]*Behaviour{slowBehind(0, drawn)}, []*Behaviour{slowBehind(8, drawn)}, "fixture.json", Options{}) {
			if r.ID == "fixture/cycle/main.worker" {
				fails = r.Status == report.CheckFail && r.Severity == report.CheckSeverityError
				if r.Status != report.CheckFail {
					t.Errorf("drawn out %v: nothing is told of slow cycles: %q", drawn, r.Message)
				}
			}
		}
		if fails == drawn {
			t.Errorf("drawn out %v: fails %v", drawn, fails)
		}
	}
}

// The room that the collector leaves the heap tells of GOGC, however often there is a collection;
// where the collector comes to nothing it matters to nobody.
func TestRoom(t *testing.T) {
	run := func(room, marks float64) *Behaviour {
		b := &Behaviour{Window: 60e6, Windows: 16}
		add := func(name, unit string, mean float64) {
			r := Rate{Name: name, Unit: unit, Mean: mean, Windows: make([]float64, b.Windows)}
			for w := range r.Windows {
				r.Windows[w] = mean
			}
			b.Rates = append(b.Rates, r)
		}
		add(rateNames[rateRunning][0], "ns/s", 1e9)
		add(rateNames[rateGCWorker][0], "ns/s", marks)
		if room > 0 {
			add(roomName, unitRoom, room)
		}
		return b
	}
	for _, test := range []struct {
		name     string
		old, new *Behaviour
		want     Verdict // "" for nothing told of it
	}{
		{"GOGC=25", run(101, .1e9), run(25, .1e9), Worse},
		{"GOGC=400", run(101, .1e9), run(410, .1e9), Better},
		{"as before", run(101, .1e9), run(95, .1e9), Same},
		{"hardly a collection", run(101, 1e6), run(25, 1e6), Same},
		{"no collection ended", run(101, .1e9), run(0, .1e9), ""},
	} {
		var got Verdict
		for _, c := range Sets([]*Behaviour{test.old}, []*Behaviour{test.new}, Options{}).Changes {
			if c.Name == roomName {
				got = c.Verdict
			}
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
