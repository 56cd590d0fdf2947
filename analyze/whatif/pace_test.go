package whatif

import (
	"testing"

	"gmptrace/model/simulate"
)

// TestPace: nobody knows how long anything takes where more comes than fewer Ps can do, or where
// more Ps would let those go on who stood to give more.
func TestPace(t *testing.T) {
	none := func(int) string { return "" }
	stands, _ := workloadOf(t, givenEvents(6, none, func(i int) string {
		if i == 5 {
			return "goexit g=1 p=0 m=0 dt=1ms\n"
		}
		return "ready g=1 p=1 m=1 by=2 dt=1ms\nexecute g=1 p=0 m=0\n"
	}, "park g=1 p=0 m=0 reason=chan_send fn=main.main\n"))
	goes, _ := workloadOf(t, poolEvents(20))
	if !stands.heldBack() || goes.heldBack() {
		t.Fatalf("held back: %v and %v, want who stands to give and not who sleeps", stands.heldBack(), goes.heldBack())
	}
	for _, x := range []struct {
		name        string
		c           *workloads
		busy        float64
		procs       int
		before, now float64
		unknown     bool
	}{
		{"jobs pile up", goes, .5, 1, 0, .5, true},
		{"as many wait as before", goes, .5, 1, .2, .3, false},
		{"a few wait", goes, .5, 1, 0, .02, false},
		{"more Ps for who stands to give", stands, .97, 4, 0, 0, true},
		{"more Ps than were busy", stands, .5, 4, 0, 0, false},
		{"more Ps for who was not kept", goes, .97, 4, 0, 0, false},
	} {
		w := &prediction{c: x.c, procs: 2, piled: x.before, x: &Result{}}
		w.x.Recorded.Utilisation = x.busy
		v := &Variant{Scheduler: simulate.GMP.String(), Procs: x.procs}
		if got := w.pace(v, &outcome{Result: &simulate.Result{Piled: x.now}}); (got != "") != x.unknown {
			t.Errorf("%s: %q", x.name, got)
		}
	}
}
