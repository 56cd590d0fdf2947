package timeline

import (
	"cmp"
	"slices"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// ChunkSlices is how many slices make a chunk of the timeline.
const ChunkSlices = 8192

// tracker builds the Timeline: every slice of every P as long as they are few
// enough, else what stands around the worst moments so far, and what came of late, as
// a moment is known to be one of the worst when it ends. What it keeps is bounded by
// the number of slices asked for.
type tracker struct {
	names  *names.Table
	zero   model.Time
	budget int
	recent int             // of late, kept besides
	around []report.Window // to be kept first

	chunks  []*chunk // in order of time; the last one is open
	leftOut int64
	texts   []uint32 // by function: its place in Timeline.Names, counted from 1
	stops   measure.StopNumbers
	wakes   []wakes  // by P
	spare   []*chunk // dropped ones, to use again
	moments *measure.Moments
	paused  model.Time // since when the world is being stopped, 0 for not
	marking model.Time // since when the collector marks, 0 for not
	out     report.Timeline

	assists [][]replay.Window         // by P: not yet used by a slice
	begun   map[model.GoID]model.Time // assists under way
	depth   depths
	latency *measure.Waits
	lanes   *measure.Lanes
	samples *measure.Samples
	spans   *measure.Spans
}

// wake is what a dispatch tells of how its goroutine became runnable.
type wake struct {
	at, wait model.Time
	by       model.GoID
}

// wakes are the dispatches of one P whose slices have not ended.
type wakes struct {
	all  []wake
	used int // so many of the first ones are not needed any more
}

func (l *wakes) add(w wake) {
	if len(l.all) == cap(l.all) && l.used > len(l.all)/2 {
		l.all, l.used = l.all[:copy(l.all, l.all[l.used:])], 0
	}
	l.all = append(l.all, w)
}

// take is the one that a slice began with, if the first one is; those before it are of no
// slice.
func (l *wakes) take(iv *model.PInterval) (w wake, ok bool) {
	for l.used < len(l.all) && l.all[l.used].at < iv.Start {
		l.used++
	}
	if l.used < len(l.all) && l.all[l.used].at == iv.Start && iv.First {
		w, ok = l.all[l.used], true
		l.used++
	}
	return w, ok
}

// chunk is a stretch of the timeline that is kept or dropped whole.
type chunk struct {
	start, end model.Time
	slices     report.Slices
	marks      []report.Mark
	depth      []report.DepthPoint
	blocked    []report.Blocked
	worst      int64 // longest wait that it shows
	worth      int64 // with the moments so far; more for what was asked for
}

// mostRecent is how many slices are kept of what came last, while the trace is read.
const mostRecent = 250_000

// NewTracker makes a tracker, for replay.Shared.
func NewTracker(s *replay.Session, budget int, around []report.Window) *tracker {
	s.Depths = true
	return &tracker{names: s.Names, zero: s.Zero, latency: replay.Shared(s, measure.NewWaits), moments: replay.Shared(s, measure.NewMoments), lanes: replay.Shared(s, measure.NewLanes), samples: replay.Shared(s, measure.NewSamples), spans: replay.Shared(s, measure.NewSpans),
		budget: budget, recent: min(budget/2, mostRecent), around: around, begun: map[model.GoID]model.Time{}}
}

func (t *tracker) current() *chunk { return t.chunks[len(t.chunks)-1] }

// Watch takes the facts in portions that each end with a chunk: what a chunk
// shows must not depend on when facts are handed on.
func (t *tracker) Watch(f *model.Facts) {
	if len(t.chunks) == 0 {
		t.chunks = append(t.chunks, &chunk{start: t.zero})
	}
	for i := range f.Dispatches {
		t.woken(&f.Dispatches[i])
	}
	rest, events := *f, f.Events
	for i := range f.Ps {
		iv := &f.Ps[i]
		for ; len(events) > 0 && events[0].Time <= iv.End; events = events[1:] {
			t.event(&events[0])
		}
		t.slice(iv)
		if t.current().slices.Len() >= ChunkSlices {
			portion := rest.Until(iv.End)
			t.besides(&portion)
			t.moments.Until(iv.End)
			t.cut()
		}
	}
	for i := range events {
		t.event(&events[i])
	}
	t.besides(&rest)
}

// besides keeps in the open chunk what there is to show besides slices.
func (t *tracker) besides(f *model.Facts) {
	c := t.current()
	for i := range f.Ms {
		if iv := &f.Ms[i]; iv.Does == model.MDoesSyscall && iv.End > iv.Start {
			c.blocked = append(c.blocked, report.Blocked{Start: int64(iv.Start - t.zero), End: int64(iv.End - t.zero), M: int32(iv.M)})
			t.moments.Add(measure.MomentCall, iv.Start, iv.End)
		}
	}
	for i := range f.Dispatches {
		t.dispatch(c, &f.Dispatches[i])
	}
	for _, d := range f.Depths {
		c.depth = t.depth.add(c.depth, int64(d.Time-t.zero), int(d.N))
	}
	for i := range f.Gs {
		switch iv := &f.Gs[i]; {
		case iv.Assist:
			t.moments.Add(measure.MomentAssist, iv.Start, iv.End)
		case iv.State == model.GWaiting && iv.Reason == model.ReasonSync && iv.Open == 0:
			t.moments.Add(measure.MomentLock, iv.Start, iv.End)
		case iv.State == model.GSyscall:
			t.moments.Add(measure.MomentCall, iv.Start, iv.End)
		}
	}
	for i := range f.Wastes {
		t.moments.Add(measure.MomentWaste, f.Wastes[i].Start, f.Wastes[i].End)
	}
	for i := range f.Handoffs {
		c.marks = append(c.marks, report.Mark{At: int64(f.Handoffs[i].Time - t.zero), P: f.Handoffs[i].P, From: model.NoP, Kind: report.MarkHandoff})
	}
	for i := range f.Preempts {
		if p := &f.Preempts[i]; p.How != model.HowGosched && p.P != model.NoP {
			c.marks = append(c.marks, report.Mark{At: int64(p.Time - t.zero), P: p.P, From: model.NoP, Kind: report.MarkPreempt})
		}
	}
}

// dispatch keeps what one dispatch shows: a mark, and how interesting the time of
// its wait is.
func (t *tracker) dispatch(c *chunk, d *model.Dispatch) {
	at := int64(d.Time - t.zero)
	switch d.Source {
	case model.SourceSteal, model.SourceStealRunnext:
		c.marks = append(c.marks, report.Mark{At: at, P: d.P, From: d.Victim, Kind: report.MarkSteal})
	case model.SourceGlobalTick:
		c.marks = append(c.marks, report.Mark{At: at, P: d.P, From: model.NoP, Kind: report.MarkTick})
	}
	t.moments.Add(measure.MomentWait, d.Ready, d.Time)
	t.interesting(d.Ready, int64(d.Time-d.Ready))
}

// depths thins the number of runnable goroutines, which every wake-up and every
// dispatch changes. It keeps a point where the number has changed by more than a
// sixteenth, and before it the highest one since the last point kept: nothing that
// a picture is looked at for gets lost. These are at most three points for a change.
type depths struct {
	kept, last report.DepthPoint // last point kept, and told of
	high       report.DepthPoint // highest since the last one kept
	fell       report.DepthPoint // what came after the highest
}

// add tells of the number from a moment on.
func (d *depths) add(points []report.DepthPoint, at int64, n int) []report.DepthPoint {
	d.last = report.DepthPoint{At: at, N: n}
	switch {
	case n > d.high.N:
		d.high, d.fell = d.last, d.last
	case d.fell == d.high:
		d.fell = d.last
	}
	if diff := n - d.kept.N; max(diff, -diff) <= d.kept.N/16 {
		return points
	}
	points = d.flush(points)
	if n := len(points); n == 0 || points[n-1] != d.last {
		points = append(points, d.last)
	}
	return points
}

// flush keeps the highest number since the last one kept, and what came after it:
// a moment must not look like a plateau.
func (d *depths) flush(points []report.DepthPoint) []report.DepthPoint {
	if d.high.N > d.kept.N && d.fell != d.high {
		points = append(points, d.high, d.fell)
	}
	d.kept, d.high, d.fell = d.last, d.last, d.last
	return points
}

// interesting raises the worth of the chunks that show the time since from.
func (t *tracker) interesting(from model.Time, cost int64) {
	for i := len(t.chunks) - 1; i >= 0; i-- {
		c := t.chunks[i]
		c.worst = max(c.worst, cost)
		if c.start <= from {
			return
		}
	}
}

// woken keeps how a goroutine became runnable until its slice is there.
func (t *tracker) woken(d *model.Dispatch) {
	for int(d.P) >= len(t.wakes) {
		t.wakes = append(t.wakes, wakes{})
	}
	t.wakes[d.P].add(wake{d.Time, d.Time - d.Ready, d.By})
}

// wake is how the goroutine of iv became runnable, where iv began with its dispatch.
func (t *tracker) wake(iv *model.PInterval) wake {
	if int(iv.P) < len(t.wakes) {
		if w, ok := t.wakes[iv.P].take(iv); ok {
			return w
		}
	}
	return wake{by: model.NoG}
}

// event follows GC assists, and what the collector does besides.
func (t *tracker) event(ev *model.Event) {
	switch ev.Op {
	case model.OpAssistBegin:
		t.begun[ev.G] = ev.Time
	case model.OpAssistEnd:
		if at, ok := t.begun[ev.G]; ok {
			delete(t.begun, ev.G)
			t.assisted(ev.P, replay.Window{From: at, To: ev.Time})
		}
	case model.OpGCBegin:
		t.marking = ev.Time
	case model.OpGCEnd:
		t.ended(measure.MomentMark, &t.marking, ev.Time)
	case model.OpSTWBegin:
		t.paused = ev.Time
	case model.OpSTWEnd:
		t.ended(measure.MomentPause, &t.paused, ev.Time)
	}
}

// ended adds a moment, if its beginning is known.
func (t *tracker) ended(kind measure.MomentKind, since *model.Time, now model.Time) {
	if *since > 0 {
		t.moments.Add(kind, *since, now)
	}
	*since = 0
}

// assisted notes that the goroutine which runs on p assisted the collection.
func (t *tracker) assisted(p model.ProcID, s replay.Window) {
	if p == model.NoP {
		return
	}
	for int(p) >= len(t.assists) {
		t.assists = append(t.assists, nil)
	}
	t.assists[p] = append(t.assists[p], s)
}

// slice adds a stretch of a P; the parts of it in which its goroutine assisted
// the collection become slices of their own.
func (t *tracker) slice(iv *model.PInterval) {
	if iv.Does == model.PDoesIdle || iv.End <= iv.Start {
		return
	}
	w := t.wake(iv)
	s := report.Slice{
		Start: int64(iv.Start - t.zero), End: int64(iv.End - t.zero), G: iv.G, Kind: measure.SliceKind(iv),
		Name: t.name(iv), Source: iv.Source, Certain: iv.Certain,
		Wait: int64(w.wait), By: w.by, M: int32(iv.M), Stop: t.stops.Number(measure.Stop{Op: iv.Stopped, Reason: iv.Reason, Stack: iv.Stack}),
	}
	if s.Kind == report.SliceUser {
		if at, ok := t.begun[iv.G]; ok { // it goes on, or waits, after this
			t.assisted(iv.P, replay.Window{From: at, To: iv.End})
		}
		if int(iv.P) < len(t.assists) && len(t.assists[iv.P]) > 0 {
			s = t.splitAssists(iv.P, s)
		}
	}
	if s.End > s.Start {
		t.keep(iv.P, s)
	}
}

// splitAssists keeps the parts of s before the end of its last assist, and
// returns the rest.
func (t *tracker) splitAssists(p model.ProcID, s report.Slice) report.Slice {
	for len(t.assists[p]) > 0 {
		a := t.assists[p][0]
		from, to := int64(a.From-t.zero), int64(a.To-t.zero)
		if from >= s.End {
			break
		}
		t.assists[p] = t.assists[p][1:]
		from, to = max(from, s.Start), min(to, s.End)
		if to <= from {
			continue
		}
		before, in := s, s
		before.End, before.Stop, in.Stop = from, 0, 0
		in.Start, in.End, in.Kind = from, to, report.SliceAssist
		if before.End > before.Start {
			t.keep(p, before)
			goesOn(&in)
		}
		t.keep(p, in)
		s.Start = to
		goesOn(&s)
	}
	return s
}

// goesOn makes s a slice that no dispatch began.
func goesOn(s *report.Slice) {
	s.Source, s.Certain, s.Wait, s.By = model.SourceUnknown, false, 0, model.NoG
}

func (t *tracker) keep(p model.ProcID, s report.Slice) {
	t.current().slices.Add(p, s)
}

// name is the number of the name of what runs in iv.
func (t *tracker) name(iv *model.PInterval) uint32 {
	fn := t.names.Start[iv.Func]
	if iv.G == model.NoG {
		fn = 0
	}
	for int(fn) >= len(t.texts) {
		t.texts = append(t.texts, 0)
	}
	if t.texts[fn] == 0 {
		t.out.Names = append(t.out.Names, t.names.Funcs[fn])
		t.texts[fn] = uint32(len(t.out.Names))
	}
	return t.texts[fn] - 1
}

// cut closes the open chunk and, where there are too many, drops those that show the
// least.
func (t *tracker) cut() {
	c := t.current()
	c.end = t.zero + model.Time(max(c.slices.LastEnd(), t.depth.last.At))
	c.depth = t.depth.flush(c.depth)
	next := t.newChunk(c.end)
	now := t.depth.last // told again: the chunks before may be dropped
	now.At = int64(c.end - t.zero)
	next.depth = append(next.depth, now)
	t.chunks = append(t.chunks, next)
	late := (t.recent + ChunkSlices - 1) / ChunkSlices
	if old := len(t.chunks) - 1 - late; old > 1 && t.slicesIn(t.chunks[:old]) > t.budget {
		t.weigh()
		t.drop(old)
	}
}

func (t *tracker) slicesIn(chunks []*chunk) (n int) {
	for _, c := range chunks {
		n += c.slices.Len()
	}
	return n
}

// drop drops those of the first n chunks that show the least, until the others are few
// enough.
func (t *tracker) drop(n int) {
	for ; n > 1 && t.slicesIn(t.chunks[:n]) > t.budget; n-- {
		least := 0
		for i, c := range t.chunks[:n] {
			if c.worth < t.chunks[least].worth {
				least = i
			}
		}
		x := t.chunks[least]
		t.leftOut += int64(x.slices.Len())
		t.spare = append(t.spare, x)
		t.chunks = slices.Delete(t.chunks, least, least+1)
	}
}

// weigh says what each closed chunk is worth by now: that it shows where one of the
// worst moments began or ended, or what lies between, and else the longest wait.
func (t *tracker) weigh() {
	closed := t.chunks[:len(t.chunks)-1]
	for _, c := range closed {
		c.worth = min(c.worst, rankWorth-1)
	}
	for kind := range measure.NumMomentKinds {
		for rank, w := range t.moments.Worst(kind) {
			for _, c := range closed {
				if c.start <= w.To && w.From <= c.end {
					c.worth = max(c.worth, rankedWorth(rank, w.From >= c.start || w.To <= c.end)+min(c.worst, rankWorth-1))
				}
			}
		}
	}
	for _, c := range closed {
		c.worth = report.Worth(c.worth, c.window(t.zero), t.around)
	}
}

// rankWorth is what a rank is worth: more than the longest wait.
const rankWorth = 1 << 56

// rankedWorth is what a chunk is worth that shows the moment which is so many longer
// ones from the longest of its kind: what lies between the ends of one as much as the
// ends of the next.
func rankedWorth(longer int, end bool) int64 {
	if !end {
		longer++
	}
	return int64(16-longer) * rankWorth
}

// window is the time of a chunk that is closed.
func (c *chunk) window(zero model.Time) report.Window {
	return report.Window{Start: int64(c.start - zero), End: int64(c.end - zero)}
}

// newChunk is an empty chunk, in the memory of a dropped one where there is one.
func (t *tracker) newChunk(start model.Time) *chunk {
	n := len(t.spare)
	if n == 0 {
		c := &chunk{start: start}
		if last := len(t.chunks) - 1; last >= 0 { // this one will be like the one before
			c.depth = make([]report.DepthPoint, 0, len(t.chunks[last].depth)+len(t.chunks[last].depth)/8)
		}
		c.slices.Grow(ChunkSlices + ChunkSlices/64) // one that assists divide may be several
		return c
	}
	c := t.spare[n-1]
	t.spare = t.spare[:n-1]
	c.slices.Clear()
	*c = chunk{start: start, slices: c.slices, marks: c.marks[:0], depth: c.depth[:0], blocked: c.blocked[:0]}
	return c
}

func (t *tracker) Fill(r *report.Report) {
	out := &t.out
	out.LeftOut = t.leftOut
	out.Complete = t.leftOut == 0
	out.Lanes = t.lanes.Of(r.Trace.DurationNS)
	out.Lanes.Samples = t.samples.Of()
	t.spans.Into(&out.Lanes, r.Trace.DurationNS)
	open := t.current()
	open.depth = append(t.depth.flush(open.depth), report.DepthPoint{At: r.Trace.To, N: t.latency.Waiting(&r.Trace)})
	shown := make([]uint32, len(t.stops.List)+1) // by number: place in Timeline.Stops
	out.Threads, out.Stops = t.names.Threads, []report.Stop{{}}
	places := t.names.Places()
	t.nameRunners()
	open.end = t.zero + model.Time(r.Trace.DurationNS)
	t.weigh()
	open.worth = report.Worth(open.worst, open.window(t.zero), t.around)
	var sorted report.Slices
	t.makeRoom()
	for _, c := range t.chunks {
		w := c.window(t.zero)
		out.Parts = append(out.Parts, report.KeptPart{Window: w, Worth: c.worth, Slices: c.slices.Len()})
		out.KeepWindow(w.Start, w.End)
		c.slices.Renumber(func(stop uint32) uint32 { return t.shown(shown, stop, places) })
		out.Divide(&c.slices, &sorted)
		sorted, c.slices = c.slices, report.Slices{}
		out.Marks = append(out.Marks, c.marks...)
		out.Depth = append(out.Depth, c.depth...)
		out.Blocked = append(out.Blocked, c.blocked...)
	}
	slices.SortStableFunc(out.Marks, func(a, b report.Mark) int { return cmp.Compare(a.At, b.At) })
	r.Timeline = out
}

// makeRoom makes room for what all chunks show besides slices.
func (t *tracker) makeRoom() {
	var marks, depth, blocked int
	for _, c := range t.chunks {
		marks, depth, blocked = marks+len(c.marks), depth+len(c.depth), blocked+len(c.blocked)
	}
	t.out.Marks, t.out.Depth, t.out.Blocked = make([]report.Mark, 0, marks), make([]report.DepthPoint, 0, depth), make([]report.Blocked, 0, blocked)
}

// nameRunners gives goroutines that started with what only runs something the name of
// that, where the kept slices of each show one thing that it ran.
func (t *tracker) nameRunners() {
	starts := t.names.Starts()
	wrappers, any := make([]bool, len(t.out.Names)), false
	for i, name := range t.out.Names {
		wrappers[i] = starts.Wrapper(name)
		any = any || wrappers[i]
	}
	if !any {
		return
	}
	runs := map[model.GoID]string{} // "" where it ran several things
	shown := stopRuns{t: t, starts: starts, by: make([]*stopRun, len(t.stops.List))}
	for _, c := range t.chunks {
		c.slices.Names(wrappers, func(g model.GoID, name, stop uint32) uint32 {
			if run := shown.of(t.out.Names[name], stop); run != "" {
				if before, ok := runs[g]; !ok {
					runs[g] = run
				} else if before != run && before != "" {
					runs[g] = ""
				}
			}
			return name
		})
	}
	numbers := map[string]uint32{}
	for i, name := range t.out.Names {
		numbers[name] = uint32(i)
	}
	for _, c := range t.chunks {
		c.slices.Names(wrappers, func(g model.GoID, name, _ uint32) uint32 {
			run := cmp.Or(runs[g], starts.Always(t.out.Names[name]))
			n, ok := numbers[run]
			if !ok {
				n = uint32(len(t.out.Names))
				numbers[run] = n
				t.out.Names = append(t.out.Names, run)
			}
			return n
		})
	}
}

// stopRuns knows what stops show of what a wrapper ran, of those that it was asked for.
type stopRuns struct {
	t      *tracker
	starts *names.Starts
	by     []*stopRun
}

// stopRun is what a stack shows that runs, and the function that it started with.
type stopRun struct{ start, runs string }

// of is what a stop shows of what a wrapper ran, "" for nothing.
func (s *stopRuns) of(start string, stop uint32) string {
	if stop == 0 {
		return ""
	}
	x := s.by[stop-1]
	if x == nil {
		k := s.t.stops.List[stop-1].Stack
		x = &stopRun{s.t.names.StartFunc(k), s.starts.Runs(s.t.names.Stacks[k])}
		s.by[stop-1] = x
	}
	if x.start != start {
		return ""
	}
	return x.runs
}

// shown is the place of a stop in Timeline.Stops.
func (t *tracker) shown(shown []uint32, number uint32, places *names.Places) uint32 {
	if number != 0 && shown[number] == 0 {
		shown[number] = uint32(len(t.out.Stops))
		x := t.stops.List[number-1]
		out := report.Stop{Why: x.Why()}
		if int(x.Stack) < len(t.names.Stacks) {
			out.Stack = t.names.Stacks[x.Stack]
			if at := places.Of(x.Stack); at != nil {
				out.At = at.At
			}
		}
		t.out.Stops = append(t.out.Stops, out)
	}
	return shown[number]
}

// Chosen is the timeline of a report with the slices that were asked for: those of the
// windows that are to be kept first, then those around what the report shows.
func Chosen(r *report.Report, budget int, around []report.Window) *report.Timeline {
	tl := r.Timeline
	tl.Favor(slices.Concat(around, r.Moments()))
	if most := budget + ChunkSlices; tl.Len() > most {
		return tl.Trim(most)
	}
	return tl
}
