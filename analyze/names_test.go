package analyze_test

import (
	"slices"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
)

// TestNames: goroutines of an errgroup are told apart by what they run, from the first
// stretch on: one is preempted before it was ever blocked, one is blocked, one shows
// nothing. A slice is named by the program's innermost call on the stack that it ended with.
func TestNames(t *testing.T) {
	const group = "golang.org/x/sync/errgroup.(*Group).Go.func1"
	in := replaytest.Scenario(t, `gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=`+group+`
newproc g=3 p=0 m=0 by=1 fn=`+group+`
newproc g=4 p=0 m=0 by=1 fn=`+group+`
park g=1 p=0 m=0 reason=sync fn=sync.(*WaitGroup).Wait<main.main
execute g=4 p=0 m=0
gosched g=4 p=0 m=0 fn=regexp.compile<main.rank<main.score<`+group+` dt=15ms
execute g=2 p=0 m=0
park g=2 p=0 m=0 reason=chan_receive fn=main.fetch<`+group+` dt=1ms
execute g=3 p=0 m=0
goexit g=3 p=0 m=0 dt=1ms
execute g=4 p=0 m=0
goexit g=4 p=0 m=0 dt=1ms`)
	rep, err := analyze.Analyze(t.Context(), in, analyze.Options{Options: replay.Options{Name: "scenario"}, Slices: 100})
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]int64{}
	for _, f := range rep.Functions {
		ran[f.Name] = f.Running / 1e6
		if f.Name == "main.score" && (f.Goroutines != 1 || f.Dispatches != 2 || f.Seen.Func != "main.rank" || f.SeenNS/1e6 != 15) {
			t.Errorf("main.score: %+v", f)
		}
	}
	for name, want := range map[string]int64{"main.score": 16, "main.fetch": 1, group: 1} {
		if ran[name] != want {
			t.Errorf("%s ran for %d ms, want %d; all: %v", name, ran[name], want, ran)
		}
	}
	who := func(c report.Culprit) bool { return c.G == 4 && c.Func == "main.score" && c.At.Func == "main.rank" }
	if len(rep.Episodes) == 0 || !slices.ContainsFunc(rep.Episodes[0].Culprits, who) {
		t.Errorf("worst waits: %+v", rep.Episodes)
	}
	labels := map[string]bool{}
	for s := range rep.Timeline.Tracks[0].Slices() {
		labels[rep.Timeline.Names[s.Name]+" "+rep.Timeline.Stops[s.Stop].At.Func] = true
	}
	for _, want := range []string{"main.score main.rank", "main.fetch main.fetch", group + " "} {
		if !labels[want] {
			t.Errorf("no slice is %q: %v", want, labels)
		}
	}
}
