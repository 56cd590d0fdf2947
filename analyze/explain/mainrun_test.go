package explain

import (
	"os"
	"reflect"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
)

// TestMainInPieces: the main goroutine's time goes to the same, to the nanosecond, however
// little of what was before is kept once it is explained.
func TestMainInPieces(t *testing.T) {
	of := func(soft int) (*report.Explanation, int) {
		f, err := os.Open("../../fixtures/traces/oracle/s2c-go1.26-p2.trace.gz")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var e *explainer
		if _, err := replay.Run(t.Context(), f, replay.Options{Name: "s2c"}, func(s *replay.Session) {
			e = explains(s, Selector{})
			e.h.soft, e.h.base = soft, soft
		}); err != nil {
			t.Fatal(err)
		}
		return e.explanation(), e.h.kept
	}
	whole, all := of(historySoft)
	pieces, kept := of(1)
	if whole.Kind != report.KindMain {
		t.Fatalf("it explains a %s", whole.Kind)
	}
	if kept*2 > all {
		t.Errorf("%d of %d stretches are kept: it is not explained in pieces", kept, all)
	}
	kinds := func(x *report.Explanation) map[report.RootKind]int64 {
		by := map[report.RootKind]int64{}
		for i := range x.Roots {
			by[x.Roots[i].Kind] += x.Roots[i].NS
		}
		return by
	}
	if !reflect.DeepEqual(whole.Causes, pieces.Causes) || !reflect.DeepEqual(kinds(whole), kinds(pieces)) {
		t.Errorf("in pieces: %+v %v\nwhole: %+v %v", pieces.Causes, kinds(pieces), whole.Causes, kinds(whole))
	}
}

// TestMainStandsBy: a main goroutine that sleeps, or waits for connections, while others work
// is not what a program does.
func TestMainStandsBy(t *testing.T) {
	for name, park := range map[string]string{
		"sleeps":  "reason=sleep fn=time.Sleep<main.main",
		"accepts": "reason=network fn=internal/poll.(*FD).Accept<net.(*TCPListener).Accept<main.main",
	} {
		x := explainScenario(t, `gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=main.work
park g=1 p=0 m=0 `+park+`
execute g=2 p=0 m=0
park g=2 p=0 m=0 reason=chan_receive fn=main.work dt=20ms
ready g=1 m=-1 p=-1 nostack dt=1ms
execute g=1 p=0 m=0
park g=1 p=0 m=0 dt=1ms `+park+`
`, Selector{})
		if x.Kind == report.KindMain {
			t.Errorf("%s: %s", name, x.Headline)
		}
	}
}
