package render

import (
	"math"
	"math/rand/v2"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// hostile are names that a traced program might choose to break a page, a
// terminal or a script.
var hostile = []string{
	`</script><script>window.PWN=1</script>`,
	`__f__window.PWN=2__f__`,
	`<img src=x onerror=window.PWN=3>`,
	`"'><svg onload=window.PWN=4>`,
	"line\u2028separator\u2029and\u0000nul",
	"\x1b[31mred\x1b[0m\x07",
	"two\nlines\r",
	"right\u202eto left",
	"not UTF-8: \xff\xfe",
	`{{.Script}} ${window.PWN=5}`,
	"javascript:window.PWN=6//",
	"<!-- <script>",
}

const (
	ms        = int64(1e6)
	sampleEnd = 2000 * ms
	hogStart  = 1214 * ms
	hogEnd    = 1376 * ms
)

var sampleNames = append([]string{"net/http.(*conn).serve", "example.com/shop/worker.(*Worker).loop", "example.com/shop/v2.checkout.func1",
	"runtime.gcBgMarkWorker", "main.priceIndex.rebuild", "database/sql.(*DB).connectionOpener", "main.Map[go.example.com/a/b.Key,int].Get"}, hostile...)

var (
	sampleGC  = [][2]int64{{400 * ms, 455 * ms}, {905 * ms, 960 * ms}, {1300 * ms, 1376 * ms}, {1800 * ms, 1842 * ms}}
	sampleSTW = [][2]int64{{400 * ms, 400*ms + 200e3}, {454 * ms, 455 * ms}, {1362 * ms, 1376 * ms}, {1800 * ms, 1801 * ms}}
)

// sample is a report as of a real program with procs Ps, with hostile names in
// every place where a trace can put one, and about n slices.
func sample(procs, n int) *report.Report {
	r := &report.Report{
		Schema: report.Schema, Version: "test",
		Trace: sampleTrace(procs),
		Verdict: report.Verdict{Severity: report.SeverityCritical, Headline: "Requests stalled for up to 162 ms at 1.214 s.",
			Detail: "One goroutine held P3 for 148 ms; 403 goroutines queued behind it and a stop-the-world waited 13.6 ms for it."},
		Key: report.Key{LatencyP50: 8100, LatencyP99: 3_400_000, LatencyP999: 141 * ms, LatencyMax: 162 * ms, QueuePeak: 403, QueuePeakAt: 1362 * ms,
			QueueMean: 12.4, Utilisation: 0.78, STWMax: 14 * ms, STWTotal: 16_200_000, GCShare: 0.114},
		Handoffs: report.Handoffs{Count: 412, Causes: []report.HandoffCause{{Cause: "retaken from a system call", Count: 392, P50: 31_000, P99: 2 * ms, Max: 11 * ms},
			{Cause: hostile[0], Count: 20}}},
		Preemptions: report.Preemptions{Count: 85, Kinds: []report.PreemptCount{{How: "signal", Count: 63, P50: 10 * ms, P99: 12 * ms, Max: 148 * ms},
			{How: "gosched", Count: 22, Runtime: 20, P50: 40_000, P99: 90_000, Max: 4 * ms}}},
		Threads: report.Threads{Count: 23, Peak: 14, PeakAt: 700 * ms, LateNew: 3},
	}
	sampleFindings(r)
	sampleLatency(r)
	sampleDispatches(r, procs)
	sampleTime(r, procs)
	sampleGCTimes(r)
	sampleTimeline(r, procs, n)
	sampleOverview(r)
	sampleRules(r)
	r.Slowest = sampleSlowest()
	return r
}

func sampleTrace(procs int) report.Trace {
	return report.Trace{
		Name: "checkout.trace", Program: "example.com/shop/cmd/checkout-api", Format: "go 1.26", GoVersion: "1.26", GoAssumed: "the trace's format says so",
		Start: "2026-11-23T14:02:11.123456789Z", DurationNS: sampleEnd, To: sampleEnd, Bytes: 21_400_000, Events: 2_310_442, Generations: 2,
		LargestGenBytes: 11_000_000, Goroutines: 1844, LivePeak: 420, Gomaxprocs: []report.Gomaxprocs{{N: procs}}, Complete: true,
	}
}

// sampleRules are rules of every outcome: one that mostly held, one that counts
// time, one that this trace can't judge, one that never applied, hostile ones.
func sampleRules(r *report.Report) {
	bins := []report.Bin{{Hi: 16, Count: 20}, {Lo: 16, Hi: 32}, {Lo: 32, Hi: 64, Count: 400}}
	r.Rules = []report.Rule{{
		ID: "steal-half", Title: "Thieves take half", Statement: "Half of the ring, rounded up.", Source: "proc.go: runqgrab", Article: "Up to half.", Differs: "Rounded up.",
		Unit: "steals", Applied: 420, Judged: 400, Agreed: 398, Certain: 300,
		Parts:       []report.RulePart{{Label: "from a ring", Count: 400}, {Label: "from runnext", Count: 20}, {Label: "neither"}},
		Spread:      report.Spread{Of: "stolen at once", Unit: "goroutines", Count: 420, P50: 40, P90: 50, P99: 60, Max: 63, Bins: bins},
		Divergences: []report.Moment{{Start: 480 * ms, End: 481 * ms, G: 12, P: 3, M: -1, Text: hostile[2]}, {Start: 640 * ms, End: 641 * ms, G: 13, P: -1, M: -1, Text: "G13 was number 3"}},
	}, {
		ID: "work-conservation", Title: "No idle P while work waits", Statement: "Idle Ps are woken.", Source: "proc.go: wakep", Changed: "In Go 1.99 it is otherwise.", Unit: "ns",
		Applied: sampleEnd, Judged: sampleEnd, Agreed: sampleEnd - 3*ms, Certain: sampleEnd - 5*ms,
		Spread: report.Spread{Of: "stretch", Unit: "ns", Count: 420, P50: 40, P90: 50, P99: 60, Max: 63, Bins: bins},
	}, {
		ID: "runnext", Title: "runnext, with its time slice", Statement: "The slot comes first.", Unit: "dispatches", Applied: 12, Undecided: "the ring was always empty",
		Evidence: "Dispatches from one while the other held a goroutine too.", Note: "3 of them could be either",
	}, {
		ID: "ring-overflow", Title: "Full ring gives half away", Statement: "129 leave.", Unit: "overflows",
	}}
	for _, name := range hostile {
		r.Rules = append(r.Rules, report.Rule{ID: name, Title: name, Statement: name, Source: name, Changed: name, Article: name, Differs: name, Unit: name, Applied: 2, Judged: 1,
			Undecided: name, Evidence: name, Note: name, Parts: []report.RulePart{{Label: name, Count: 1}}, Spread: report.Spread{Of: name, Unit: name, Count: 1, Max: 3, Bins: bins[:1]},
			Divergences: []report.Moment{{P: 0, Text: name}}})
	}
}

func sampleFindings(r *report.Report) {
	stack := report.Stack{Title: "G4711 while it ran", Frames: []report.Frame{{Func: "main.priceIndex.rebuild", File: "/src/example.com/shop/index.go", Line: 88},
		{Func: hostile[2], File: hostile[0], Line: 1}}}
	r.Findings = []report.Finding{{
		ID: "long-run", Number: 1, Severity: report.SeverityCritical, Title: "One goroutine held P3 for 148 ms without yielding",
		CostNS: 6200 * ms, CostOf: "goroutine time spent waiting",
		What:   "G4711 main.priceIndex.rebuild ran on P3 from 1.214 s to 1.362 s with no scheduling point. 403 goroutines became runnable meanwhile.",
		Why:    "A tight loop without calls. A preemption was asked for 12 times and succeeded at the twelfth.",
		Advice: "Split rebuild into batches of 1 ms or less, or move it off the request path. Record again: the longest slice should be below 10 ms.",
		Sure:   "high", SureWhy: "every slice of P3 is in the trace",
		Evidence: []report.Evidence{{Label: "longest slice on P3", Value: "148 ms (p99 of all slices: 0.31 ms)"}, {Label: "run-queue peak", Value: "403 (mean 12.4)"}},
		Moments: []report.Moment{{Start: hogStart, End: hogEnd, G: 4711, P: 3, M: 1 << 33, Text: "the slice and the waits behind it"},
			{Start: 1362 * ms, End: hogEnd, G: 4711, P: 3, Text: hostile[7]}},
		Stacks: []report.Stack{stack},
	}, {
		ID: "stw-wait", Number: 2, Severity: report.SeverityWarning, Title: "A stop-the-world waited 13.6 ms for P3", CostNS: 14 * ms, CostOf: "time with no goroutine running",
		What: "GC 3's mark termination asked all Ps to stop at 1.362 s; the others stopped within 60 µs.", Why: "The last P to stop was running G4711 (see 1).",
		Advice: "Mend finding 1; no GC tuning is needed.", Sure: "certain", SureWhy: "measured directly",
		Moments: []report.Moment{{Start: 1362 * ms, End: hogEnd, G: -1, P: 3}},
	}, {
		ID: "lock", Number: 3, Severity: report.SeverityWarning, Title: "Waits for main.(*Cache).mu total 2.2 s", CostNS: 2190 * ms, CostOf: "goroutine time blocked",
		What: "Workers block on one mutex; 71 % of wake-ups come from the same holder.", Advice: "Copy under the lock, do I/O outside it.", Sure: "medium", SureWhy: "from stacks",
		Moments: []report.Moment{{Start: 480 * ms, End: 640 * ms, G: 12, P: -1}},
	}}
	for i, name := range hostile {
		r.Findings = append(r.Findings, report.Finding{ID: "hostile", Number: 4 + i, Severity: report.SeverityInfo, Title: name, CostOf: name, CostNS: 1000, What: name, Why: name, Advice: name,
			Sure: name, SureWhy: name, Evidence: []report.Evidence{{Label: name, Value: name}}, Moments: []report.Moment{{Start: int64(i) * 20 * ms, End: int64(i)*20*ms + 1000, P: 0, Text: name}},
			Stacks: []report.Stack{{Title: name, Frames: []report.Frame{{Func: name, File: name}}}}})
	}
	r.Checks = []report.Check{{ID: "long-run", Title: "Goroutines that hold a P", Measured: "longest 148 ms", Findings: 1},
		{ID: "idle", Title: "Idle Ps while work waits", Measured: "0.3 ms in all"}, {ID: "threads", Title: "Growth of threads", Measured: "3 late of 23"},
		{ID: "assist", Title: "GC assists", Measured: "2.1 % of goroutine time"}, {ID: hostile[0], Title: hostile[2], Measured: hostile[1]},
		{ID: "netpoll", Title: "Delay of the network poller", Undecided: "the trace has no network wait"}}
}

func sampleLatency(r *report.Report) {
	l := report.Latency{Count: 182_344, Total: 9_100 * ms, Censored: 3, Longest: 80 * ms, P50: 8100, P90: 41_000, P99: 3_400_000, P999: 141 * ms, Max: 162 * ms}
	for lo := int64(64); lo < 1e9; lo *= 2 {
		x := math.Log10(float64(lo) / 1000)
		n := int64(46_000*math.Exp(-(x-.9)*(x-.9)/.35) + 800*math.Exp(-(x-4.6)*(x-4.6)/.10))
		l.Buckets = append(l.Buckets, report.Bucket{Lo: lo, Hi: lo * 2, Count: n})
	}
	r.Latency = l
	r.Episodes = []report.Episode{
		{G: 902, Func: "net/http.(*conn).serve", Start: hogStart + 400_000, Wait: 161 * ms, P: 3, Where: "local", Source: "steal", Certain: true, RanOn: 5,
			Culprits: []report.Culprit{{G: 4711, Func: "main.priceIndex.rebuild", NS: 147 * ms}, {G: 17, Func: hostile[0], NS: 2 * ms}}},
		{G: 903, Func: hostile[0], Start: hogStart + 900_000, Wait: 158 * ms, P: -1, Where: "global", Source: "global", RanOn: 1},
		{G: 77, Func: hostile[7], Start: 1990 * ms, Wait: 10 * ms, Censored: true, P: -1, Where: "unknown", RanOn: -1},
	}
}

func sampleDispatches(r *report.Report, procs int) {
	random := rand.New(rand.NewPCG(1, 2))
	d := report.Dispatches{Resyncs: 2}
	for s := range model.NumSources {
		n := int64(math.Exp(12 - float64(s)))
		d.Sources = append(d.Sources, report.SourceCount{Source: s.String(), Count: n, Certain: n * 8 / 10, Runtime: n / 50, Wait: n * 21_000, Max: n * 100})
		d.Count += n
		d.Certain += n * 8 / 10
	}
	d.Steals.Count = make([][]int64, procs)
	for thief := range procs {
		d.Steals.Procs = append(d.Steals.Procs, model.ProcID(thief))
		d.Steals.Count[thief] = make([]int64, procs)
		for victim := range procs {
			if thief == victim {
				continue
			}
			n := 20 + random.Int64N(60)
			if victim == 3 {
				n = 380 + random.Int64N(240)
			}
			d.Steals.Count[thief][victim] = n
			d.Steals.Steals += n
			d.Steals.Goroutines += 3 * n
		}
	}
	r.Dispatches = d
}

func sampleTime(r *report.Report, procs int) {
	for p := range procs {
		r.Procs = append(r.Procs, report.ProcTime{P: model.ProcID(p), Running: 1500 * ms, GCWorker: 80 * ms, Syscall: 40 * ms, Sched: 30 * ms, Idle: 430 * ms,
			Dispatches: 22_000, StolenFrom: 400, QueuePeak: 30})
	}
	for i, name := range append(slices.Clone(sampleNames), "") {
		k := int64(20 - i)
		r.Functions = append(r.Functions, report.FunctionTime{Name: name, Goroutines: k * 31, Total: 400 * k * ms, Running: 120 * k * ms, Runnable: 250 * k * ms / int64(i+1),
			Syscall: 11 * k * ms, Blocked: []report.ReasonTime{{Reason: "sync", NS: 100 * k * ms, Count: k}, {Reason: "network", NS: 30 * k * ms, Count: 1}, {Reason: "weird", NS: ms}},
			Assist: 4 * ms, Dispatches: k * 100, WaitP99: k * ms, WaitMax: 2 * k * ms, Runtime: i == 3})
	}
	for i, name := range hostile {
		r.Tasks = append(r.Tasks, report.TaskTime{Name: name, Count: 10, Open: 1, Total: 300 * ms, P50: 20 * ms, P99: 40 * ms, Max: 182 * ms, MaxAt: int64(i) * 100 * ms})
	}
}

func sampleGCTimes(r *report.Report) {
	r.GC = report.GC{Cycles: int64(len(sampleGC)), Mark: 228 * ms, Workers: 400 * ms, Assist: 31 * ms, Sweep: 12 * ms, STWCount: int64(len(sampleSTW)), STWTotal: 16_200_000}
	r.GC.MMU = []report.MMUPoint{{Window: 14 * ms}, {Window: 16 * ms, Utilisation: .1}, {Window: 32 * ms, Utilisation: .4}, {Window: 1024 * ms, Utilisation: .82}}
	for _, g := range sampleGC {
		r.GC.Ranges = append(r.GC.Ranges, report.GCRange{Start: g[0], End: g[1]})
	}
	for i, s := range sampleSTW {
		cause := hostile[i]
		r.GC.Ranges = append(r.GC.Ranges, report.GCRange{Start: s[0], End: s[1], STW: true, Cause: cause})
		r.GC.STWs = append(r.GC.STWs, report.STWKind{Cause: cause, Count: 1, Total: s[1] - s[0], Max: s[1] - s[0], MaxAt: s[0]})
	}
}

// sampleTimeline makes about n slices: G4711 holds P3 while the others are full,
// mark workers run in GC cycles, nothing runs while the world is stopped.
func sampleTimeline(r *report.Report, procs, n int) {
	random := rand.New(rand.NewPCG(3, 4))
	tl := &report.Timeline{Names: sampleNames, Complete: true, Kept: []report.Window{{End: sampleEnd}},
		Threads: []int64{7001, 7002, 7003, 7004, 7005, 7006, 7007, 7008, 7009}, Stops: []report.Stop{{}, {Why: "blocked: network", Stack: []report.Frame{{Func: "net.(*conn).Read", File: "/src/net/net.go", Line: 194}}},
			{Why: "blocked: " + hostile[1], Stack: []report.Frame{{Func: hostile[0], File: hostile[2], Line: 1}, {Func: "main.main", File: "/src/main.go", Line: 2}}}},
		Blocked: []report.Blocked{{Start: 100 * ms, End: 180 * ms, M: 8}, {Start: hogStart, End: hogEnd, M: 8}}}
	mean := float64(sampleEnd) * float64(procs) / float64(max(1, n))
	for p := range procs {
		tl.Tracks = append(tl.Tracks, sampleTrack(random, model.ProcID(p), mean))
	}
	for at := int64(0); at < sampleEnd; at += sampleEnd / 2000 {
		depth := 3 + random.IntN(5)
		if at > hogStart && at < hogEnd {
			depth += int(400 * (at - hogStart) / (hogEnd - hogStart))
		}
		tl.Depth = append(tl.Depth, report.DepthPoint{At: at, N: depth})
		tl.Marks = append(tl.Marks, report.Mark{At: at, P: model.ProcID(random.IntN(procs)), From: 3, Kind: report.MarkKind(random.IntN(int(report.NumMarkKinds)))})
	}
	tl.Lanes.Width = sampleEnd / 1000
	for i := range int64(1000) {
		tl.Lanes.Heap = append(tl.Lanes.Heap, report.HeapPoint{At: i * sampleEnd / 1000, Live: 10e6 + i%250*100_000, Goal: 38e6})
		for state := range report.NumGoStates {
			tl.Lanes.States[state] = append(tl.Lanes.States[state], float64(procs)+float64(state)*10)
		}
	}
	sampleSpans(&tl.Lanes)
	r.Timeline = tl
}

// sampleSpans are tasks that overlap, with regions inside, regions of no task, and messages,
// under hostile names too.
func sampleSpans(l *report.Lanes) {
	task := report.SpanLane{Kind: report.KindTask, Name: "checkout", LeftOut: 1234}
	for i := range int64(600) {
		start := i * 3 * ms
		task.Spans = append(task.Spans, report.Span{Start: start, End: min(sampleEnd, start+10*ms), G: model.GoID(100 + i), Open: i == 599})
		task.Regions = append(task.Regions, report.Span{Start: start + ms, End: start + 4*ms, G: model.GoID(100 + i), Name: "price", In: int(i)},
			report.Span{Start: start + 2*ms, End: start + 3*ms, G: model.GoID(100 + i), Name: hostile[i%int64(len(hostile))], In: int(i)})
	}
	l.Spans = append(l.Spans, task, report.SpanLane{Kind: report.KindRegion, Name: "warm up", Spans: []report.Span{{Start: 100 * ms, End: 400 * ms, G: 1}}})
	for i, name := range hostile {
		l.Logs = append(l.Logs, report.LogPoint{At: int64(i) * 150 * ms, G: 7, Text: name, N: int64(i + 1)})
		if i < 3 {
			l.Spans = append(l.Spans, report.SpanLane{Kind: report.KindTask, Name: name, Spans: []report.Span{{Start: 500 * ms, End: 600 * ms, G: 3}}})
		}
	}
	l.MoreSpans, l.Untold = 4, 321
}

func sampleTrack(random *rand.Rand, p model.ProcID, mean float64) *report.Track {
	t := &report.Track{P: p}
	at := int64(0)
	wakes, before := rand.New(rand.NewPCG(5, uint64(p))), model.NoG
	for {
		gap := 64 * (1 + random.Int64N(6))
		if busy := at > hogStart && at < hogEnd; !busy && random.Float64() < .35 {
			gap = int64(random.ExpFloat64() * mean * .9)
		}
		s := sampleSlice(random, p, (at+gap)/64*64, int64(random.ExpFloat64()*mean*.62)/64*64+128)
		for _, stop := range sampleSTW {
			switch {
			case s.Start < stop[0] && s.End > stop[0]:
				s.End = stop[0] / 64 * 64
			case s.Start >= stop[0] && s.Start < stop[1]:
				length := s.End - s.Start
				s.Start = (stop[1] + 63) / 64 * 64
				s.End = s.Start + length
			}
		}
		if s.End > sampleEnd {
			return t
		}
		if s.End > s.Start {
			sampleWake(wakes, &s, p, before)
			t.Add(s)
			before = s.G
		}
		at = max(s.End, at+64)
	}
}

// sampleWake says how the goroutine of s became runnable.
func sampleWake(random *rand.Rand, s *report.Slice, p model.ProcID, before model.GoID) {
	s.M, s.By = int32(p%8), model.NoG
	if s.Source == model.SourceUnknown || s.G == model.NoG {
		s.Source, s.Certain = model.SourceUnknown, false
		return
	}
	s.Wait = min(s.Start, int64(random.ExpFloat64()*12_000)/64*64)
	if x := random.Float64(); x < .6 {
		s.By = before
	} else if x < .8 {
		s.By = 20 + model.GoID(random.IntN(150))
	}
	if random.Float64() < .6 {
		s.Stop = 1 + uint32(random.IntN(8)/7)
	}
}

func sampleSlice(random *rand.Rand, p model.ProcID, start, length int64) report.Slice {
	name := uint32(random.IntN(3))
	if random.Float64() < .05 {
		name = uint32(4 + random.IntN(len(sampleNames)-4))
	}
	s := report.Slice{Start: start, End: start + length, G: model.GoID(20 + int(name)*50 + random.IntN(50)), Name: name,
		Source: model.Source(random.IntN(int(model.NumSources))), Certain: random.Float64() < .8}
	switch x := random.Float64(); {
	case p == 3 && start >= hogStart && start < 1361*ms:
		s.G, s.Name, s.End = 4711, 4, 1362*ms
	case x < .05:
		s.Kind = report.SliceSyscall
	case x < .08:
		s.Kind, s.G = report.SliceSched, model.NoG
	case x < .1:
		s.Kind = report.SliceRuntime
	}
	for i, gc := range sampleGC {
		if start < gc[0] || start >= gc[1] || s.G == 4711 {
			continue
		}
		if int(p) == i*3%8 || int(p) == (i*3+4)%8 {
			s.Kind, s.Name, s.G, s.End = report.SliceGCWorker, 3, 5, start+6*length
		} else if random.Float64() < .12 {
			s.Kind = report.SliceAssist
		}
	}
	return s
}

// sampleOverview sums the timeline up as the analysis does.
func sampleOverview(r *report.Report) {
	o := report.Overview{Columns: 1000, Width: sampleEnd / 1000}
	o.Runnable, o.GC, o.STW, o.Peak = make([]float64, o.Columns), make([]float64, o.Columns), make([]float64, o.Columns), make([]int, o.Columns)
	for i, d := range r.Timeline.Depth {
		c := min(i*o.Columns/len(r.Timeline.Depth), o.Columns-1)
		o.Runnable[c] += float64(d.N) * float64(o.Columns) / float64(len(r.Timeline.Depth))
		o.Peak[c] = max(o.Peak[c], d.N)
	}
	for _, g := range r.GC.Ranges {
		for c := g.Start / o.Width; c <= (g.End-1)/o.Width; c++ {
			if g.STW {
				o.STW[c] = 0.5
			} else {
				o.GC[c] = 1
			}
		}
	}
	for _, t := range r.Timeline.Tracks {
		o.Procs = append(o.Procs, sampleTiles(t, o))
	}
	r.Overview = o
}

func sampleTiles(t *report.Track, o report.Overview) report.ProcTiles {
	tiles := report.ProcTiles{P: t.P}
	for k := range tiles.Share {
		tiles.Share[k] = make([]float32, o.Columns)
	}
	for s := range t.Slices() {
		for at := s.Start; at < s.End; {
			c := at / o.Width
			end := min(s.End, (c+1)*o.Width)
			tiles.Share[s.Kind][c] += float32(end-at) / float32(o.Width)
			at = end
		}
	}
	return tiles
}

// partial makes r the report of a truncated trace with most of its slices left
// out.
func partial(r *report.Report) *report.Report {
	r.Trace.Complete = false
	r.Trace.Lost = []report.Loss{{Kind: "truncated", Offset: 21_000_123, Generation: 2, Bytes: 400_123,
		Text: "The trace ends in the middle of a batch. Record it again and wait for trace.Stop."}}
	r.Trace.Notes = []string{"The end of the trace can't be verified: this format does not mark it."}
	r.Timeline.Complete, r.Timeline.LeftOut = false, 812_000
	r.Timeline.Kept = []report.Window{{Start: 470 * ms, End: 650 * ms}, {Start: 1200 * ms, End: 1400 * ms}}
	return r
}
