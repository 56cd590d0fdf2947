package render

import (
	"gmptrace/analyze/explain"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// sampleExplanation has a request whose path goes through more goroutines than
// have rows, with a step of every cause; one that is not finished and went no
// further than its own goroutine; and one in which every name is hostile.
func sampleExplanation() *report.Explanation {
	x := &report.Explanation{
		Schema: explain.Schema, Version: "test", Trace: sampleTrace(4), Kind: report.KindRequest, What: "requests served by handlers",
		Headline: "The 3 slowest of 788 requests took 152 ms on average, 151 ms more than a typical one: 65 % of that went to waiting for a P behind other goroutines in its queue.",
		Detail:   "Waiting for a P made up 68 % of the time.",
		Durations: report.Durations{Count: 788, Total: 9400 * ms, P50: 213_000, P90: 14 * ms, P99: 50 * ms, P999: 300 * ms, Max: 300 * ms,
			Buckets: []report.Bucket{{Lo: 65_536, Hi: 131_072, Count: 0}, {Lo: 131_072, Hi: 262_144, Count: 500}, {Lo: 262_144, Hi: 524_288, Count: 40}, {Lo: 524_288, Hi: 1 << 28, Count: 0},
				{Lo: 1 << 28, Hi: 1 << 29, Count: 248}}},
		Typical:    report.Group{Count: 404, Mean: 1_000_000, Causes: []report.CauseTime{{Cause: "running", NS: 1_000_000, Text: "running"}}},
		Slow:       report.Group{Count: 3, Mean: 152 * ms, Causes: []report.CauseTime{{Cause: "queue", NS: 152 * ms, Text: "waiting for a P behind other goroutines in its queue"}}},
		Slowest:    []report.Instance{sampleInstance(), unfinishedInstance(), hostileInstance()},
		Unfinished: 1, Notes: []string{"a trace has no URLs", hostile[0], hostile[2]},
		Advice: "Let main.(*shop).reprice run in fewer goroutines.", Sure: "medium", SureWhy: "the trace names who unlocked", Next: "gmptrace explain --at '^main\\.reprice$' app.trace",
		Roots: []report.Root{{Kind: report.RootQueue, NS: 100 * ms, Typical: 1_000, At: report.Frame{Func: "main.reprice", File: "/src/main.go", Line: 7}, Text: "waiting for a P while main.reprice (main.go:7) had it", Advice: "Let main.reprice run in fewer goroutines.", Sure: "high"},
			{Kind: report.RootComputing, NS: 50 * ms, Text: hostile[0], Sure: "medium", SureWhy: hostile[1]}, {Kind: report.RootLate, NS: 1_000, Text: "too short for a row", Sure: "low"}},
		Usual:  []report.Root{{Kind: report.RootComputing, NS: 900_000, Text: "computing in main.(*shop).ServeHTTP", Sure: "high"}},
		Groups: []report.Population{{Name: "main.(*shop).ServeHTTP", Count: 788, Unfinished: 1, Total: 9400 * ms, Lost: 9000 * ms, P50: 213_000, P99: 50 * ms, Max: 300 * ms}, {Count: 2, P50: ms, Max: ms}, {Name: hostile[0], Count: 1}},
	}
	for i := range report.NumCauses {
		c := i.String()
		x.Causes = append(x.Causes, report.CauseTime{Cause: c, Parent: i.Parent(), NS: 9400 * ms / int64(report.NumCauses), Text: "what " + c + " is"})
		x.Extra = append(x.Extra, report.CauseChange{Cause: c, Parent: i.Parent(), Typical: 30*ms - int64(i)*ms, Slow: 62*ms - int64(i)*ms*2, Text: "what " + c + " is"})
	}
	return x
}

// sampleInstance goes through every cause and through 20 goroutines.
func sampleInstance() report.Instance {
	in := report.Instance{Name: "main.(*shop).ServeHTTP", Task: 7, G: 106, Func: "net/http.(*conn).serve", Start: 449 * ms,
		Logs: []string{"cache miss", "retry after 20 ms"}, Story: []string{"249 ms (74 %) went to waiting on a channel receive.", "48.6 ms (14 %) went to running."},
		States:      []report.StateTime{{State: "blocked", Reason: "chan receive", NS: 200 * ms}, {State: "running", NS: 10 * ms}},
		Antagonists: []report.Antagonist{{G: 758, Func: "main.(*shop).repriceEvery.func1", P: 0, Cause: "queue", NS: 49 * ms}, {G: 5, Func: "runtime.gcBgMarkWorker", P: -1, Cause: "gc-worker", NS: 2 * ms}},
		Samples:     []report.SampleTime{{Func: "encoding/json.(*decodeState).object", Count: 12}, {Func: "", Count: 1}}}
	at := in.Start
	add := func(g model.GoID, cause string, ns int64, several int) {
		step := report.PathStep{Start: at, NS: ns, G: g, Func: "main.(*shop).worker", Depth: 1, BlockedFor: "chan receive", Cause: cause, P: 1, By: -1, Several: several, Text: "what happened: " + cause}
		if g == in.G {
			step.Depth, step.BlockedFor, step.Func = 0, "", in.Func
		}
		in.Path = append(in.Path, step)
		in.Causes = append(in.Causes, report.CauseTime{BlockedFor: step.BlockedFor, Cause: cause, NS: ns, Text: "what " + cause + " is"})
		at += ns
	}
	for i := range report.NumCauses {
		g := in.G
		if i > 0 {
			g = model.GoID(200 + i)
		}
		add(g, i.String(), int64(30-i)*ms/2, 0)
	}
	add(300, "several", ms/10, 40)
	add(in.G, "running", 9*ms, 0)
	for i := range 14 {
		in.Spent = append(in.Spent, report.Spent{NS: 20 * ms, Count: int64(i + 1), First: in.Start, G: 106, Cause: report.CauseOthers, Places: 1, Text: "got no CPU: main.reprice (main.go:7) had it"})
	}
	in.Spent[13] = report.Spent{NS: ms, Count: 40, G: -1, Cause: "several", Places: 9, Text: "shorter stretches"}
	in.Causes = in.Causes[:len(in.Causes)-2]
	in.Causes[0].NS += 9*ms + ms/10
	in.Duration = at - in.Start
	return in
}

func unfinishedInstance() report.Instance {
	return report.Instance{Task: -1, G: 9, Start: 1900 * ms, Duration: 100 * ms, Unfinished: true,
		Causes: []report.CauseTime{{Cause: "network", NS: 100 * ms, Text: "waiting for the network"}},
		Path:   []report.PathStep{{Start: 1900 * ms, NS: 100 * ms, G: 9, Cause: "network", P: -1, By: -1, Text: "waited for the network"}}}
}

func hostileInstance() report.Instance {
	in := report.Instance{Name: hostile[0], Task: -1, G: 66, Func: hostile[2], Start: 100 * ms, Duration: int64(len(hostile)) * ms, Logs: hostile, Story: hostile}
	for i, name := range hostile {
		in.Causes = append(in.Causes, report.CauseTime{BlockedFor: name, Cause: "running", NS: ms, Text: name})
		in.States = append(in.States, report.StateTime{State: "blocked", Reason: name, NS: ms})
		in.Antagonists = append(in.Antagonists, report.Antagonist{G: model.GoID(i), Func: name, Cause: "queue", NS: ms})
		in.Samples = append(in.Samples, report.SampleTime{Func: name, Count: 1})
		in.Spent = append(in.Spent, report.Spent{NS: ms, Count: 1, G: 66, Func: name, Cause: "running", At: report.Frame{Func: name, File: name}, Places: 1, Text: name})
		in.Path = append(in.Path, report.PathStep{Start: in.Start + int64(i)*ms, NS: ms, G: model.GoID(66 + i), Func: name, Cause: "queue", BlockedFor: name, Reason: name, By: 1, ByFunc: name,
			At: report.Frame{Func: name, File: name}, Text: name})
	}
	return in
}

// sampleSlowest is what a report has of sampleExplanation.
func sampleSlowest() report.Slowest {
	x := sampleExplanation()
	return report.Slowest{Kind: x.Kind, What: x.What, Headline: x.Headline, Detail: x.Detail, Durations: x.Durations, Typical: x.Typical, Slow: x.Slow, Extra: x.Extra,
		Instances: x.Slowest, Unfinished: x.Unfinished, Notes: x.Notes}
}
