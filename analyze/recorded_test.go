package analyze

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"golang.org/x/exp/trace"

	"gmptrace/analyze/internal/timeline"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// life is one goroutine's time in a trace.
type life struct {
	first, last model.Time
	state       model.GState
	since       model.Time
	in          [model.GWaiting + 1]int64 // by state
}

func (l *life) enter(state model.GState, at model.Time) {
	l.in[l.state] += int64(at - l.since)
	l.state, l.since, l.last = state, at, at
}

// plain is what a trace's events say when they are read off one by one, without
// model and translator.
type plain struct {
	start, end model.Time // of the first event and the last
	now        model.Time
	syncs      int        // one at the beginning of each generation and one at the end
	late       model.Time // how far states that are told of at leisure reach past their generations
	lives      map[model.GoID]*life
	dispatches int
	preempts   int
}

var plainStates = map[trace.GoState]model.GState{
	trace.GoUndetermined: model.GUndetermined, trace.GoNotExist: model.GNotExist, trace.GoRunnable: model.GRunnable,
	trace.GoRunning: model.GRunning, trace.GoSyscall: model.GSyscall, trace.GoWaiting: model.GWaiting,
}

// readPlainly reads a trace from end to end with one reader.
func readPlainly(t *testing.T, data []byte) *plain {
	t.Helper()
	rd, err := trace.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	x := &plain{lives: map[model.GoID]*life{}}
	for {
		ev, err := rd.ReadEvent()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind() == trace.EventSync {
			x.syncs++
			x.late += x.now - x.end
			continue
		}
		x.now = model.Time(ev.Time())
		if x.start == 0 {
			x.start = x.now
		}
		if ev.Kind() == trace.EventStateTransition {
			if st := ev.StateTransition(); st.Resource.Kind == trace.ResourceGoroutine && !x.transition(st) && ev.Proc() == trace.NoProc {
				continue // idle ones are told of at leisure, after all that happened
			}
		}
		x.end = x.now
	}
	for _, l := range x.lives {
		if l.state != model.GNotExist {
			l.enter(l.state, x.end)
		}
	}
	return x
}

// transition returns false if a state is only told of, and does not change.
func (x *plain) transition(st trace.StateTransition) (changes bool) {
	from, to := st.Goroutine()
	switch {
	case from == trace.GoRunnable && to == trace.GoRunning:
		x.dispatches++
	case from == trace.GoRunning && (to == trace.GoRunnable || to == trace.GoWaiting && st.Reason == "preempted"):
		x.preempts++
	}
	id := model.GoID(st.Resource.Goroutine())
	l := x.lives[id]
	if l == nil {
		l = &life{first: x.start, since: x.start, state: plainStates[from]}
		switch from {
		case trace.GoNotExist:
			l.first, l.since = x.now, x.now
		case trace.GoUndetermined:
			l.state = plainStates[to]
		}
		x.lives[id] = l
	}
	changes = from != to && from != trace.GoUndetermined
	if changes {
		l.enter(plainStates[to], x.now)
	}
	return changes
}

// capture is a watcher that keeps everything.
type capture struct{ model.Facts }

func (c *capture) Watch(f *model.Facts) {
	c.Gs = append(c.Gs, f.Gs...)
	c.Ps = append(c.Ps, f.Ps...)
	c.Dispatches = append(c.Dispatches, f.Dispatches...)
	c.Preempts = append(c.Preempts, f.Preempts...)
}

// replayed is the report on a trace as Analyze makes it, the facts behind it, and
// the times of the trace's first and last event.
func replayed(t *testing.T, data []byte, opt Options) (rep *report.Report, c *capture, start, end model.Time) {
	t.Helper()
	a := Analysis{Options: opt}
	c = &capture{}
	tr, err := replay.Run(context.Background(), bytes.NewReader(data), opt.Options, func(s *replay.Session) {
		a.Begin(s)
		s.Add(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.Report(tr), c, a.session.Zero, a.session.End
}

// checkStates compares the replay with the plain reading: every goroutine lives
// from when to when, without a gap, and spends as long in each state as the events
// say. A P does one thing at a time.
func checkStates(t *testing.T, data []byte, facts *capture, start, end model.Time) {
	t.Helper()
	want := readPlainly(t, data)
	// Those states push the events of the next generation back, for a reader
	// that reads on; the replay gives each generation a reader of its own.
	tolerance := want.late
	if want.syncs <= 2 {
		tolerance = 0
	}
	near := func(a, b model.Time) bool { return max(a-b, b-a) <= tolerance }
	if !near(start, want.start) || !near(end, want.end) {
		t.Errorf("the replay goes from %d to %d, the events from %d to %d", start, end, want.start, want.end)
	}
	got := livesOf(t, facts)
	if g, w := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want.lives)); !slices.Equal(g, w) {
		t.Fatalf("%d goroutines, want %d", len(g), len(w))
	}
	bad := 0
	for _, id := range slices.Sorted(maps.Keys(got)) {
		g, w := got[id], want.lives[id]
		ok := near(g.first, w.first) && near(g.last, w.last)
		for state := range g.in {
			ok = ok && near(model.Time(g.in[state]), model.Time(w.in[state]))
		}
		if !ok {
			if bad++; bad < 5 {
				t.Errorf("G%d: from %d to %d, in states %v; want %d to %d, %v", id, g.first-start, g.last-start, g.in, w.first-start, w.last-start, w.in)
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d goroutines of %d differ", bad, len(got))
	}
	if len(facts.Dispatches) != want.dispatches || len(facts.Preempts) != want.preempts {
		t.Errorf("%d dispatches and %d preemptions, want %d and %d", len(facts.Dispatches), len(facts.Preempts), want.dispatches, want.preempts)
	}
	checkProcs(t, facts, start, end)
}

// livesOf adds up the stretches of each goroutine, which must follow each other
// without a gap and begin with the one marked first.
func livesOf(t *testing.T, facts *capture) map[model.GoID]*life {
	t.Helper()
	lives := map[model.GoID]*life{}
	for i := range facts.Gs {
		iv := &facts.Gs[i]
		l := lives[iv.G]
		if (l == nil) != iv.First {
			t.Errorf("G%d: stretch at %d says first: %v", iv.G, iv.Start, iv.First)
		}
		if l == nil {
			l = &life{first: iv.Start, last: iv.Start}
			lives[iv.G] = l
		}
		if iv.Start != l.last || iv.End < iv.Start {
			t.Errorf("G%d: stretch from %d to %d follows one that ended at %d", iv.G, iv.Start, iv.End, l.last)
		}
		l.in[iv.State] += int64(iv.End - iv.Start)
		l.last = iv.End
	}
	return lives
}

// checkProcs: a P does one thing at a time.
func checkProcs(t *testing.T, facts *capture, start, end model.Time) {
	t.Helper()
	last := map[model.ProcID]model.Time{}
	for i := range facts.Ps {
		iv := &facts.Ps[i]
		if iv.Start < max(last[iv.P], start) || iv.End < iv.Start || iv.End > end {
			t.Fatalf("P%d: stretch from %d to %d follows one that ended at %d", iv.P, iv.Start, iv.End, last[iv.P])
		}
		last[iv.P] = iv.End
	}
	if len(last) == 0 {
		t.Error("no P did anything")
	}
}

// recordedSlices is more than any recorded trace has.
const recordedSlices = 200_000

// reported is the report on a trace, with the timeline that it keeps.
func reported(t *testing.T, data []byte, opt Options) *report.Report {
	t.Helper()
	opt.Name = "recorded"
	if opt.Slices == 0 {
		opt.Slices = recordedSlices
	}
	rep, err := Analyze(context.Background(), bytes.NewReader(data), opt)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// TestRecorded: the replay says what the events say; the same input gives the same report, however many
// generations are decoded at once; the parts of every whole in it make up the
// whole, and so do the parts of the trace; what people read in it is well-formed.
func TestRecorded(t *testing.T) {
	replaytest.EachRecorded(t, func(t *testing.T, data []byte) {
		opt := Options{Options: replay.Options{Name: "recorded", Workers: 2}, Slices: recordedSlices}
		whole, facts, start, end := replayed(t, data, opt)
		checkStates(t, data, facts, start, end)
		checkSame(t, whole, reported(t, data, Options{Options: replay.Options{Workers: 1}}))
		checkSums(t, whole)
		checkProse(t, whole)
		if len(data) < windowsBelow {
			checkWindows(t, data, whole)
		}
	})
}

// windowsBelow is the size in bytes of traces that are analysed in parts, too:
// more would take the race detector long.
const windowsBelow = 256 << 10

// checkSame wants two reports alike to the byte.
func checkSame(t *testing.T, x, y *report.Report) {
	t.Helper()
	a, b := inJSON(t, x), inJSON(t, y)
	if !bytes.Equal(a, b) {
		i := 0
		for i < min(len(a), len(b)) && a[i] == b[i] {
			i++
		}
		t.Errorf("the report differs from one run to the next:\n%.200s\n%.200s", a[max(0, i-100):], b[max(0, i-100):])
	}
	if !reflect.DeepEqual(x.Timeline, y.Timeline) {
		t.Error("the timeline differs from one run to the next")
	}
}

func inJSON(t *testing.T, rep *report.Report) []byte {
	t.Helper()
	b, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkSums adds up what must add up in a report on a trace or a part of it.
func checkSums(t *testing.T, rep *report.Report) {
	t.Helper()
	for _, f := range rep.Functions {
		sum := f.Running + f.Runnable + f.Syscall + f.Unknown
		for _, b := range f.Blocked {
			sum += b.NS
		}
		if sum != f.Total || f.Goroutines == 0 {
			t.Errorf("%s: %d goroutines, parts sum to %d of %d", f.Name, f.Goroutines, sum, f.Total)
		}
	}
	for _, p := range rep.Procs {
		if sum := p.Running + p.Syscall + p.Sched + p.Idle; sum != report.Analysed(rep) {
			t.Errorf("P%d: parts sum to %d of %d", p.P, sum, report.Analysed(rep))
		}
		if p.GCWorker > p.Running {
			t.Errorf("P%d: mark workers ran for %d of %d", p.P, p.GCWorker, p.Running)
		}
	}
	var assist int64
	for _, f := range rep.Functions {
		assist += f.Assist
	}
	if assist != rep.GC.Assist {
		t.Errorf("assists sum to %d ns by function, %d in all", assist, rep.GC.Assist)
	}
	checkRanges(t, rep)
	checkTimeline(t, rep)
}

// checkRanges: mark phases and pauses lie in the analysed part, have a length,
// and are as many and as long as the figures say.
func checkRanges(t *testing.T, rep *report.Report) {
	t.Helper()
	var marks, pauses, mark, pause int64
	for _, x := range rep.GC.Ranges {
		if x.Start < rep.Trace.From || x.End > rep.Trace.To || x.End <= x.Start {
			t.Errorf("range %+v is empty or reaches out of [%d, %d]", x, rep.Trace.From, rep.Trace.To)
		}
		if x.STW {
			pauses++
			pause += x.End - x.Start
		} else {
			marks++
			mark += x.End - x.Start
		}
	}
	g := &rep.GC
	if g.RangesLeft == 0 && (marks != g.Cycles || mark != g.Mark || pauses != g.STWCount || pause != g.STWTotal) {
		t.Errorf("%d cycles of %d ns and %d pauses of %d ns; the ranges are %d of %d and %d of %d",
			g.Cycles, g.Mark, g.STWCount, g.STWTotal, marks, mark, pauses, pause)
	}
	for _, x := range rep.Tasks {
		if x.Count+x.Open == 0 || x.Max > report.Analysed(rep) {
			t.Errorf("task %+v does not lie in the %d ns analysed", x, report.Analysed(rep))
		}
	}
}

// checkTimeline: slices, marks and depths are in order and in the analysed part.
func checkTimeline(t *testing.T, rep *report.Report) {
	t.Helper()
	for _, tr := range rep.Timeline.Tracks {
		last := rep.Trace.From
		for s := range tr.Slices() {
			if s.Start < last || s.End <= s.Start || s.End > rep.Trace.To {
				t.Fatalf("P%d: slice from %d to %d follows one that ended at %d", tr.P, s.Start, s.End, last)
			}
			last = s.End
		}
	}
	last, highest := rep.Trace.From, 0
	for _, d := range rep.Timeline.Depth {
		if d.At < last || d.At > rep.Trace.To || d.N < 0 {
			t.Fatalf("depth %+v follows one at %d", d, last)
		}
		last, highest = d.At, max(highest, d.N)
	}
	if rep.Timeline.Complete && highest != rep.Key.QueuePeak {
		t.Errorf("at most %d goroutines runnable in the timeline, %d in the key figures", highest, rep.Key.QueuePeak)
	}
}

// malformed is what no sentence of a report may hold: signs before zeros, words
// of floating point, a plural of one, two spaces, formatting gone wrong.
var malformed = regexp.MustCompile(`-\d|NaN|Inf|(^|[^.\d])1 (waits|pauses|cycles|goroutines|threads|stretches|preemptions|dispatches|tasks|times)\b|  |%!|<nil>| [.,;:]|^\s|\s$`)

// checkProse looks at every sentence of a report, and at its moments.
func checkProse(t *testing.T, rep *report.Report) {
	t.Helper()
	prose := []string{rep.Verdict.Headline, rep.Verdict.Detail}
	for _, c := range rep.Checks {
		prose = append(prose, c.Title, c.Measured, c.Undecided)
	}
	for _, f := range rep.Findings {
		prose = append(prose, f.Title, f.CostOf, f.What, f.Why, f.Advice, f.SureWhy)
		for _, e := range f.Evidence {
			prose = append(prose, e.Label, e.Value)
		}
		for _, m := range f.Moments {
			prose = append(prose, m.Text)
			if m.Start < 0 || m.End < m.Start || m.End > rep.Trace.DurationNS {
				t.Errorf("%s: moment from %d to %d of a trace of %d ns", f.ID, m.Start, m.End, rep.Trace.DurationNS)
			}
		}
		if f.CostNS < 0 || f.Title == "" || f.What == "" || f.Why == "" || f.Advice == "" {
			t.Errorf("finding %+v lacks something", f)
		}
	}
	for _, s := range prose {
		if bad := malformed.FindString(s); bad != "" {
			t.Errorf("%q in %q", bad, s)
		}
	}
	if k := rep.Key; k.QueuePeakAt < 0 || k.Utilisation < 0 || k.Utilisation > 1 || k.GCShare < 0 || k.GCShare > 1 || k.STWMax > k.STWTotal {
		t.Errorf("key figures %+v", k)
	}
}

// checkWindows analyses a trace in two parts, whose figures must add up.
func checkWindows(t *testing.T, data []byte, whole *report.Report) {
	t.Helper()
	middle := whole.Trace.DurationNS / 3
	bound := replay.Bound{Set: true, Offset: time.Duration(middle)}
	first, second := reported(t, data, Options{Options: replay.Options{To: bound}}), reported(t, data, Options{Options: replay.Options{From: bound}})
	if first.Trace.From != 0 || first.Trace.To != middle || second.Trace.From != middle || second.Trace.To != whole.Trace.DurationNS {
		t.Errorf("cut at %d, the parts go from %d to %d and from %d to %d", middle, first.Trace.From, first.Trace.To, second.Trace.From, second.Trace.To)
	}
	var sum, want windowSums
	for _, part := range []*report.Report{first, second} {
		checkSums(t, part)
		checkProse(t, part)
		sum.add(part)
	}
	want.add(whole)
	if sum != want {
		t.Errorf("the parts sum to\n%+v\nthe whole is\n%+v", sum, want)
	}
}

// TestRecordedTimelineLeftOut: with more slices than asked for, what is kept is
// still in order, and every kept window begins with the depth that it has there.
func TestRecordedTimelineLeftOut(t *testing.T) {
	data, err := os.ReadFile("../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	all, some := reported(t, data, Options{}), reported(t, data, Options{Slices: 2 * timeline.ChunkSlices})
	tl := some.Timeline
	if tl.LeftOut == 0 || tl.Complete || len(tl.Kept) == 0 {
		t.Fatalf("%d slices left out, %d windows kept: want some of each", tl.LeftOut, len(tl.Kept))
	}
	checkTimeline(t, some)
	n := 0
	for _, tr := range tl.Tracks {
		n += tr.N
	}
	if len(tl.Depth) > 2*n {
		t.Errorf("%d depths for %d slices", len(tl.Depth), n)
	}
	for _, w := range tl.Kept {
		if got, want := highestIn(tl.Depth, w), highestIn(all.Timeline.Depth, w); got != want {
			t.Errorf("from %d to %d at most %d goroutines runnable, want %d as in the whole timeline", w.Start, w.End, got, want)
		}
	}
}

// highestIn is the highest number of runnable goroutines told of in a window.
func highestIn(depth []report.DepthPoint, w report.Window) (n int) {
	for _, d := range depth {
		if d.At > w.Start && d.At <= w.End {
			n = max(n, d.N)
		}
	}
	return n
}

// windowSums are figures that add up over the parts of a trace.
type windowSums struct {
	Running, Runnable, Syscall, Blocked, Total int64 // goroutine time
	PRunning, PSyscall, PSched                 int64
	Mark, Workers, Assist, Sweep, STW          int64
	FunctionAssist                             int64
	Dispatches, Preemptions, Handoffs          int64
}

func (s *windowSums) add(r *report.Report) {
	for _, f := range r.Functions {
		s.Running += f.Running
		s.Runnable += f.Runnable
		s.Syscall += f.Syscall
		s.Total += f.Total
		s.FunctionAssist += f.Assist
		for _, b := range f.Blocked {
			s.Blocked += b.NS
		}
	}
	for _, p := range r.Procs {
		s.PRunning += p.Running
		s.PSyscall += p.Syscall
		s.PSched += p.Sched
	}
	s.Mark += r.GC.Mark
	s.Workers += r.GC.Workers
	s.Assist += r.GC.Assist
	s.Sweep += r.GC.Sweep
	s.STW += r.GC.STWTotal
	s.Dispatches += r.Dispatches.Count
	s.Preemptions += r.Preemptions.Count
	s.Handoffs += r.Handoffs.Count
}

// TestRecordedDepth: the timeline and the overview count the same goroutines.
func TestRecordedDepth(t *testing.T) {
	for _, name := range []string{"webshop-go1.26-p4.trace", "gobuild-go1.24-p2.trace"} {
		data, err := os.ReadFile("../fixtures/traces/real/" + name)
		if err != nil {
			t.Fatal(err)
		}
		rep := reported(t, data, Options{Slices: 1_000_000})
		var timeline, overview float64
		for i, d := range rep.Timeline.Depth[:len(rep.Timeline.Depth)-1] {
			timeline += float64(d.N) * float64(rep.Timeline.Depth[i+1].At-d.At)
		}
		for _, mean := range rep.Overview.Runnable {
			overview += mean * float64(rep.Overview.Width)
		}
		if timeline < .95*overview || timeline > 1.05*overview {
			t.Errorf("%s: %.0f ns of goroutines being runnable in the timeline, %.0f in the overview", name, timeline, overview)
		}
	}
}
