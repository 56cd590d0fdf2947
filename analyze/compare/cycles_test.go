package compare

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/model"
)

// A worker that lives on has cycles, by what it runs, and computes once in each: not in
// its first few, which every goroutine has.
func TestCycles(t *testing.T) {
	const rounds = 30
	var text strings.Builder
	text.WriteString("gomaxprocs n=2\nstatus-p q=0 m=0 p=0 state=held\nstatus-p q=1 m=1 p=1 state=held\nstatus-g g=1 m=0 p=0 by=1 state=running fn=main.main\nstatus-g g=2 m=1 p=1 by=2 state=running fn=main.worker\n")
	for range rounds {
		text.WriteString("park g=2 p=1 m=1 reason=sync fn=main.worker dt=3us\nready g=2 p=0 m=0 by=1 dt=1ms\nexecute g=2 p=1 m=1 dt=2us\nlog task=1 by=2 p=1 m=1 name=x dt=5us\n")
	}
	b, err := Behave(t.Context(), replaytest.Scenario(t, text.String()), replay.Options{Name: "scenario"})
	if err != nil {
		t.Fatal(err)
	}
	found := map[SeriesKind]int64{}
	for i := range b.Series {
		s := &b.Series[i]
		if s.Name == "main.worker" {
			found[s.Kind] = s.Whole().N()
		}
		if s.Kind == SeriesCycle && (s.Name != "main.worker" || s.Whole().Quantile(.5) < 9000 || s.Whole().Quantile(.5) > 11000) {
			t.Errorf("cycles of %s: p50 %d ns", s.Name, s.Whole().Quantile(.5))
		}
	}
	if n := found[SeriesCycle]; n < rounds-cyclesAfter-2 || n > rounds-cyclesAfter {
		t.Errorf("%d cycles", n)
	}
	if n := found[SeriesDispatch]; n < rounds-2 {
		t.Errorf("%d dispatches", n)
	}
	rates := map[string]float64{}
	for _, r := range b.Rates {
		rates[r.Name] = r.Windows[0]
	}
	for name, least := range map[string]float64{"waits ended by another goroutine": 800, rateNames[rateWaitLock][0]: .9e9} {
		if rates[name] < least {
			t.Errorf("%s: %v a second, want %v at least", name, rates[name], least)
		}
	}
	of := 0
	for _, c := range b.Causes {
		if c.Kind != SeriesCycle {
			continue
		}
		if of++; c.Name != "main.worker" || c.Causes[0].Kind != CauseRunning {
			t.Errorf("causes of cycles: %+v", c)
		}
	}
	if of != 1 {
		t.Errorf("%d series of cycles have causes, want 1", of)
	}
}

// What accounts keep does not grow with a trace, nor with the time between its events.
func TestAccountsAreBounded(t *testing.T) {
	a := newAccounts(&measure.Machine{}, func(model.Time) int { return 0 })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	g, at := a.g(1), model.Time(0)
	key := seriesKey{kind: SeriesTask, name: "order"}
	for i := range 4 * keptStretches {
		iv := model.GInterval{G: 1, Start: at, End: at + 1<<40, State: model.GRunning}
		at = iv.End
		if a.take(g, &iv); i%1000 == 999 {
			a.end(instance{key, 1, 0, at}) // which began too long ago
		}
	}
	for range 2 * mostEnded {
		a.end(instance{key, 1, at, at + 1})
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 50<<20 || len(g.ended) > mostEnded {
		t.Errorf("%d bytes, %d instances under way", grown, len(g.ended))
	}
	if s := a.sums[key]; s.ns[doing{cause: CauseNotKnown}] == 0 || s.ns[doing{cause: CauseRunning}] == 0 {
		t.Errorf("causes %s", fmt.Sprint(s.ns))
	}
}
