package whatif

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// workloadOf takes the workload out of events written as text.
func workloadOf(t *testing.T, events string) (*workloads, *simulate.Workload) {
	t.Helper()
	var c *workloads
	_, err := replay.Run(t.Context(), replaytest.Scenario(t, events), replay.Options{Name: "stations"}, func(s *replay.Session) { c = replay.Shared(s, newWorkloads) })
	if err != nil {
		t.Fatal(err)
	}
	return c, c.build()
}

// spanOf is how long a workload takes with so many Ps that cost nothing to use.
func spanOf(t *testing.T, w *simulate.Workload, procs int) int64 {
	t.Helper()
	cfg := simulate.DefaultConfig(procs)
	cfg.Costs = simulate.Costs{}
	r := simulate.Run(w, cfg)
	if r.Unfinished != 0 {
		t.Errorf("%d Ps: %d goroutines never ended", procs, r.Unfinished)
	}
	return r.Makespan
}

// TestSignalled: those whom Signal wakes, as any of them does, are free for what comes next like
// those who wait for a channel; Broadcast wakes all of them, each for its own.
func TestSignalled(t *testing.T) {
	cond := strings.NewReplacer("reason=chan_receive fn=main.worker", "reason=sync.(*Cond).Wait fn=sync.(*Cond).Wait<main.take<main.worker", "by=1\npark g=1", "by=1 fn=sync.(*Cond).Signal<main.main\npark g=1")
	c, w := workloadOf(t, cond.Replace(poolEvents(40)))
	if !c.signalled() {
		t.Error("nobody waits by a condition")
	}
	if two := spanOf(t, w, 2); two > 60_000_000 {
		t.Errorf("with two Ps %d, want about 51 ms: whoever is free takes what comes next", two)
	}
	all := strings.NewReplacer("Cond).Signal", "Cond).Broadcast")
	if c, _ := workloadOf(t, all.Replace(cond.Replace(poolEvents(40)))); c.signalled() {
		t.Error("whom Broadcast wakes goes on with its own")
	}
}

// poolEvents are two workers that one P runs, and jobs of which the first worker had all long
// ones, as it happened.
func poolEvents(jobs int) string {
	var b strings.Builder
	b.WriteString(`gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=main.worker
newproc g=3 p=0 m=0 by=1 fn=main.worker
park g=1 p=0 m=0 reason=sleep fn=main.main
execute g=3 p=0 m=0
park g=3 p=0 m=0 reason=chan_receive fn=main.worker
execute g=2 p=0 m=0
park g=2 p=0 m=0 reason=chan_receive fn=main.worker
ready g=1 p=0 m=0
`)
	for i := range jobs {
		g, length := 2, "4ms"
		if i%2 == 1 {
			g, length = 3, "1ms"
		}
		fmt.Fprintf(&b, `execute g=1 p=0 m=0
ready g=%d p=0 m=0 by=1
park g=1 p=0 m=0 reason=sleep fn=main.main
execute g=%d p=0 m=0
ready g=1 p=0 m=0
park g=%d p=0 m=0 reason=chan_receive fn=main.worker dt=%s
`, g, g, g, length)
	}
	b.WriteString("execute g=1 p=0 m=0\nready g=2 p=0 m=0 by=1\nready g=3 p=0 m=0 by=1\ngoexit g=1 p=0 m=0\nexecute g=3 p=0 m=0\ngoexit g=3 p=0 m=0\nexecute g=2 p=0 m=0\ngoexit g=2 p=0 m=0\n")
	return b.String()
}

// TestJobs: of workers that wait at one place, whoever is free takes the next job, so that
// two Ps halve what one takes, however the recorded jobs were dealt out.
func TestJobs(t *testing.T) {
	c, w := workloadOf(t, poolEvents(20))
	if len(w.Stations) != 1 || w.Stations[0].Coming != 2 || c.allJobs != 22 {
		t.Fatalf("%+v with %d jobs, want one place with two workers and 22 jobs", w.Stations, c.allJobs)
	}
	one, two := spanOf(t, w, 1), spanOf(t, w, 2)
	if math.Abs(float64(one)-50e6) > 1e6 || two > 30_000_000 {
		t.Errorf("with one P %d, want 50 ms; with two %d, want at most 30 ms: frozen to who did them the long jobs take 40", one, two)
	}
	names := c.pools()
	if len(names) != 1 || names[0].name() != "main.worker" || names[0].workers != 2 || names[0].jobs != 22 {
		t.Errorf("pools %+v", names)
	}
}

// TestAnswers: who asks waits for the answer to his own question; the one who answers takes
// the questions as they come, be it without waiting for one, as he had answered another.
func TestAnswers(t *testing.T) {
	const ask = "reason=chan_receive fn=main.ask<main.client"
	const events = `gomaxprocs n=2
status-p q=0 m=0 p=0 state=held
status-p q=1 m=1 p=1 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=5 p=0 m=0 by=1 fn=main.server
newproc g=2 p=0 m=0 by=1 fn=main.client
newproc g=3 p=0 m=0 by=1 fn=main.client
goexit g=1 p=0 m=0
execute g=5 p=0 m=0
park g=5 p=0 m=0 reason=chan_receive fn=main.server
execute g=2 p=0 m=0
execute g=3 p=1 m=1
ready g=5 p=0 m=0 by=2 dt=100us
park g=2 p=0 m=0 ` + ask + `
execute g=5 p=0 m=0
park g=3 p=1 m=1 ` + ask + ` dt=100us
ready g=2 p=0 m=0 by=5 dt=400us
execute g=2 p=1 m=1
goexit g=2 p=1 m=1
ready g=3 p=0 m=0 by=5 dt=500us
park g=5 p=0 m=0 reason=chan_receive fn=main.server
execute g=3 p=0 m=0
ready g=5 p=0 m=0 by=3 dt=100us
park g=3 p=0 m=0 ` + ask + `
execute g=5 p=0 m=0
ready g=3 p=0 m=0 by=5 dt=500us
park g=5 p=0 m=0 reason=chan_receive fn=main.server
execute g=3 p=0 m=0
goexit g=3 p=0 m=0
`
	c, w := workloadOf(t, events)
	if len(w.Stations) != 1 || c.allJobs != 3 {
		t.Fatalf("%+v with %d jobs, want the server with three", w.Stations, c.allJobs)
	}
	var id model.GoID = 5
	starts := c.gs[id].starts
	if len(starts) != 3 || !starts[0].take || starts[1].take || !starts[2].take {
		t.Errorf("jobs begin %+v; of the second one nobody woke the server", starts)
	}
	if len(c.gs[3].asks) != 1 {
		t.Errorf("G3 asks without waking the server %d times, want once", len(c.gs[3].asks))
	}
	if one := spanOf(t, w, 1); one < 1_600_000 || one > 2_000_000 {
		t.Errorf("with one P %d, want about 1.8 ms", one)
	}
}

// givenEvents are a worker that always has another job to take: by before, what the giver did
// first, it shows when that was given.
func givenEvents(jobs int, begin, end func(i int) string, give string) string {
	var b strings.Builder
	b.WriteString(`gomaxprocs n=2
status-p q=0 m=0 p=0 state=held
status-p q=1 m=1 p=1 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=main.worker
execute g=2 p=1 m=1
park g=2 p=1 m=1 reason=chan_receive fn=main.worker
`)
	b.WriteString(begin(0) + "ready g=2 p=0 m=0 by=1\nexecute g=2 p=1 m=1\n")
	for i := 1; i < jobs; i++ {
		b.WriteString(begin(i) + give)
		b.WriteString(end(i - 1))
	}
	b.WriteString(end(jobs-1) + "park g=2 p=1 m=1 reason=chan_receive fn=main.worker\n")
	return b.String()
}

// TestTaken: who takes a job that another goroutine stands to give does it as one of its own,
// which two workers would do at once.
func TestTaken(t *testing.T) {
	none := func(int) string { return "" }
	c, _ := workloadOf(t, givenEvents(6, none, func(i int) string {
		if i == 5 {
			return "goexit g=1 p=0 m=0 dt=1ms\n"
		}
		return "ready g=1 p=1 m=1 by=2 dt=1ms\nexecute g=1 p=0 m=0\n"
	}, "park g=1 p=0 m=0 reason=chan_send fn=main.main\n"))
	g := c.gs[2]
	if len(g.starts) != 6 || len(c.gs[1].asks) != 5 {
		t.Fatalf("%d jobs, %d given without waking the worker; want 6 and 5", len(g.starts), len(c.gs[1].asks))
	}
	for i, x := range g.starts {
		if x.take != (i == 0) {
			t.Errorf("job %d: %+v", i, x)
		}
	}
}

// TestStages: of stages that sync starts, one that never waits for a job, as the stage before
// stands to give it one, does not do those of the stage after it.
func TestStages(t *testing.T) {
	const by = "<sync.(*WaitGroup).Go.func1"
	events := `gomaxprocs n=2
status-p q=0 m=0 p=0 state=held
status-p q=1 m=1 p=1 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=sync.(*WaitGroup).Go.func1
newproc g=3 p=0 m=0 by=1 fn=sync.(*WaitGroup).Go.func1
newproc g=4 p=0 m=0 by=1 fn=sync.(*WaitGroup).Go.func1
goexit g=1 p=0 m=0
execute g=3 p=0 m=0
park g=3 p=0 m=0 reason=chan_receive fn=main.store<main.main.func3` + by + `
execute g=2 p=1 m=1
execute g=4 p=0 m=0
` + strings.Repeat(`park g=4 p=0 m=0 reason=chan_send fn=main.parse<main.main.func1`+by+`
ready g=4 p=1 m=1 by=2 dt=1ms
ready g=3 p=1 m=1 by=2
execute g=3 p=0 m=0
park g=3 p=0 m=0 reason=chan_receive fn=main.store<main.main.func3`+by+`
execute g=4 p=0 m=0
`, 6) + `park g=2 p=1 m=1 reason=sleep fn=time.Sleep<main.encode<main.main.func2` + by + `
ready g=2 p=1 m=1
execute g=2 p=1 m=1
goexit g=2 p=1 m=1
goexit g=4 p=0 m=0
`
	c, w := workloadOf(t, events)
	if c.gs[3].station < 0 || c.gs[2].station == c.gs[3].station {
		t.Errorf("the stages are at stations %d and %d", c.gs[2].station, c.gs[3].station)
	}
	if got := c.gs[2].runs; got != "main.main.func2" {
		t.Errorf("the second stage runs %q", got)
	}
	if w.Stations[c.gs[3].station].Coming != 1 {
		t.Errorf("%+v", w.Stations)
	}
}
