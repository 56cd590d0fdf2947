package tables

import (
	"maps"
	"slices"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// collector is the watcher that keeps the rows of all tables.
type collector struct {
	session *replay.Session // nil before the first event
	runners *measure.Runners
	locks   names.LockSites
	each    *explain.Each
	spools  *spools
	fail    func() // ends the reading, as rows can't be kept
	err     error

	late     []uint32 // trails by youth
	texts    texts
	alive    map[model.GoID]*life
	requests int64
	refs     []ref // of the dispatches at hand
}

// texts numbers texts; 0 is "".
type texts struct {
	all []string
	by  map[string]int64
}

func (t *texts) number(s string) int64 {
	if t.by == nil {
		t.all, t.by = []string{""}, map[string]int64{"": 0}
	}
	i, ok := t.by[s]
	if !ok {
		i = int64(len(t.all))
		t.by[s] = i
		t.all = append(t.all, s)
	}
	return i
}

// life is a goroutine that has not ended.
type life struct {
	start, end model.Time
	runs       ref
	parent     model.GoID
	flags      int64
	state      int64
	reason     int64
	stack      uint32
	times      [numStates]int64
	assist     int64
	dispatches int64
	longest    int64
}

// begin adds the collector to a session, behind those of a report.
func (c *collector) begin(s *replay.Session) {
	c.session, c.alive, c.locks.Names = s, map[model.GoID]*life{}, s.Names
	c.texts.number("")
	c.runners = replay.Shared(s, measure.NewRunners)
	c.runners.Numbered = true
	replay.Shared(s, measure.NewGC).Each = c.collected
	c.each = explain.AddEach(s, c.told)
	explain.AddFound(s, c.found)
	s.Add(c)
}

// keep keeps a row.
func (c *collector) keep(t *table, row ...int64) { c.keepIn(t, 0, row...) }

// keepIn keeps a row in one of several spools.
func (c *collector) keepIn(t *table, i int, row ...int64) {
	if c.err != nil {
		return
	}
	s, err := c.spools.of(t, i)
	if err == nil {
		err = s.add(row...)
	}
	if err != nil {
		c.err = err
		c.fail()
	}
}

func (c *collector) offset(t model.Time) int64 { return c.session.Offset(t) }

func (c *collector) Watch(f *model.Facts) {
	for i := range c.runners.Late {
		x := &c.runners.Late[i]
		for int(x.Youth) >= len(c.late) {
			c.late = append(c.late, 0)
		}
		c.late[x.Youth] = x.Trail
	}
	c.refs = append(c.refs[:0], make([]ref, len(f.Dispatches))...)
	for k, trail := range c.runners.Dispatches {
		c.refs[k] = ref(trail)
	}
	youths, next, ps := c.runners.Youths, 0, f.Ps
	for i := range f.Gs {
		iv, runs := &f.Gs[i], ref(c.runners.Gs[i])
		if runs == 0 {
			runs, youths = youth(youths[0]), youths[1:]
		}
		var d *model.Dispatch
		if iv.State == model.GRunnable { // as Runners.Watch finds it
			for next < len(f.Dispatches) && f.Dispatches[next].Time < iv.End {
				next++
			}
			if next < len(f.Dispatches) && f.Dispatches[next].Time == iv.End && f.Dispatches[next].G == iv.G {
				d, c.refs[next] = &f.Dispatches[next], runs
				next++
			}
			c.wait(iv, d, runs)
		}
		for ; len(ps) > 0 && ps[0].End <= iv.End; ps = ps[1:] { // while it is known what runs there
			c.proc(&ps[0])
		}
		c.slice(iv, runs)
		c.lives(iv, d, runs)
	}
	for i := range ps {
		c.proc(&ps[i])
	}
	for i := range f.Dispatches {
		c.dispatch(&f.Dispatches[i], c.refs[i])
	}
}

// stateOf is the state of a stretch, and the reason of one that is blocked, else -1: as
// the report's functions count it.
func (c *collector) stateOf(iv *model.GInterval) (state, reason int64) {
	switch iv.State {
	case model.GRunning:
		return stateRunning, -1
	case model.GRunnable:
		return stateRunnable, -1
	case model.GSyscall:
		if iv.Unended {
			return stateRunning, -1
		}
		return stateSyscall, -1
	case model.GWaiting:
		return stateBlocked, int64(measure.BlockedFor(&c.locks, iv))
	}
	return stateUnknown, -1
}

// flagsOf are those of a stretch.
func flagsOf(iv *model.GInterval) (flags int64) {
	set := func(is bool, flag int64) {
		if is {
			flags |= flag
		}
	}
	set(iv.Runtime, flagRuntime)
	set(iv.Worker, flagWorker)
	set(iv.Assist, flagAssist)
	set(iv.Open&model.OpenStart != 0, flagCutBegin)
	set(iv.Open&model.OpenEnd != 0, flagCutEnd)
	set(iv.First, flagFirst)
	set(iv.Exit, flagExit)
	set(iv.Woken, flagWoken)
	return flags
}

func (c *collector) slice(iv *model.GInterval, runs ref) {
	state, reason := c.stateOf(iv)
	by := model.NoG
	if iv.State == model.GWaiting {
		by = iv.By
	}
	c.keep(&slicesTable, c.offset(iv.Start), int64(iv.End-iv.Start), int64(iv.G), runs, state, reason, int64(iv.P), int64(iv.Stack), int64(by), int64(iv.ByStack), flagsOf(iv))
}

func (c *collector) wait(iv *model.GInterval, d *model.Dispatch, runs ref) {
	if measure.TellsNothing(iv) {
		return
	}
	row := [waitWidth]int64{waitAt: c.offset(iv.Start), waitDur: int64(iv.End - iv.Start), waitG: int64(iv.G), waitRuns: runs, waitReason: int64(iv.Reason),
		waitQueue: int64(iv.P), waitSource: -1, waitP: -1, waitM: -1, waitVictim: -1, waitBy: int64(iv.By), waitFlags: flagsOf(iv)}
	if d != nil {
		row[waitQueue], row[waitSource], row[waitP], row[waitM], row[waitVictim], row[waitBy] =
			int64(d.WaitedOn), int64(d.Source), int64(d.P), int64(d.M), int64(d.Victim), int64(d.By)
		if d.Certain {
			row[waitFlags] |= flagCertain
		}
	}
	c.keep(&waitsTable, row[:]...)
}

func (c *collector) dispatch(d *model.Dispatch, runs ref) {
	var flags int64
	if d.Runtime {
		flags |= flagRuntime
	}
	if d.Certain {
		flags |= flagCertain
	}
	if d.Censored {
		flags |= flagCutBegin
	}
	c.keep(&dispatchesTable, c.offset(d.Time), int64(d.Time-d.Ready), int64(d.G), runs, int64(d.P), int64(d.M), int64(d.Source), int64(d.Sources), int64(d.Tick),
		int64(d.Victim), int64(d.Moved), int64(d.WaitedOn), int64(d.By), int64(d.Runnable), int64(d.Idle), flags)
}

func (c *collector) proc(iv *model.PInterval) {
	var flags int64
	if iv.Runtime {
		flags |= flagRuntime
	}
	if iv.Worker {
		flags |= flagWorker
	}
	if iv.First && iv.Does == model.PDoesRun {
		flags |= flagFirst
	}
	g, runs := model.NoG, ref(0)
	if iv.Does == model.PDoesRun || iv.Does == model.PDoesSyscall {
		g, runs = iv.G, c.trail(iv)
	}
	c.keep(&procsTable, c.offset(iv.Start), int64(iv.End-iv.Start), int64(iv.P), int64(iv.M), int64(g), runs, int64(iv.Does), int64(iv.Source), int64(iv.Stack), flags)
}

// trail is what the goroutine of a P's stretch runs: as its row of goroutines has it.
func (c *collector) trail(iv *model.PInterval) ref {
	if l := c.alive[iv.G]; l != nil {
		return l.runs
	}
	return ref(c.runners.Trails.Of(iv.Func))
}

// lives adds a stretch to its goroutine's life.
func (c *collector) lives(iv *model.GInterval, d *model.Dispatch, runs ref) {
	l := c.alive[iv.G]
	if l == nil {
		l = &life{start: iv.Start, runs: runs, parent: model.NoG, flags: flagsOf(iv) & (flagRuntime | flagCutBegin)}
		if d != nil && iv.First && iv.Open == 0 && !iv.Woken {
			l.parent = d.By
		}
		if iv.State != model.GRunnable || iv.Woken {
			l.flags |= flagCutBegin
		}
		c.alive[iv.G] = l
	}
	took := int64(iv.End - iv.Start)
	l.end = iv.End
	l.state, l.reason = c.stateOf(iv)
	l.times[l.state] += took
	if iv.Stack != 0 {
		l.stack = iv.Stack
	}
	if iv.Assist && iv.State == model.GRunning {
		l.assist += took
	}
	if iv.State == model.GRunnable {
		l.longest = max(l.longest, took)
	}
	if d != nil {
		l.dispatches++
	}
	if iv.Exit {
		l.flags |= flagExit
		c.lived(iv.G, l)
		delete(c.alive, iv.G)
	}
}

// lived keeps a goroutine's row.
func (c *collector) lived(g model.GoID, l *life) {
	row := [goWidth]int64{goAt: c.offset(l.start), goDur: int64(l.end - l.start), goG: int64(g), goRuns: l.runs, goParent: int64(l.parent), goState: l.state, goReason: l.reason,
		goStack: int64(l.stack), goAssist: l.assist, goDispatches: l.dispatches, goLongest: l.longest, goFlags: l.flags}
	copy(row[goTimes:], l.times[:])
	c.keep(&goroutinesTable, row[:]...)
}

// close keeps the goroutines that did not end.
func (c *collector) close() {
	for _, g := range slices.Sorted(maps.Keys(c.alive)) {
		c.lived(g, c.alive[g])
	}
	c.alive = nil
}

// collected keeps a mark phase or a pause.
func (c *collector) collected(r report.GCRange) {
	cause := int64(0)
	if r.STW {
		cause = c.texts.number(r.Cause)
	}
	c.keep(&gcTable, r.Start, r.End-r.Start, cause)
}

// told keeps a request and what its time went to; of a task what its time went to, as
// found keeps the others.
func (c *collector) told(t *explain.Told) {
	id, name, request := t.Task, int64(0), int64(0)
	if t.Kind == report.KindRequest {
		c.requests++
		id, name, request = c.requests, int64(t.Key), 1
		var flags int64
		if t.Unfinished {
			flags |= flagCutEnd
		}
		if !t.Known {
			flags |= flagUnknownParts
		}
		c.keep(&requestsTable, c.offset(t.Start), int64(t.End-t.Start), id, int64(t.G), name, flags)
	} else {
		name = c.texts.number(t.Name)
	}
	for i := range t.Parts {
		p := &t.Parts[i]
		c.keep(&causesTable, id, request, name, int64(t.G), p.NS, int64(p.Via), int64(p.Cause), int64(p.G), int64(p.Fn), int64(p.Who), int64(p.WhoFn),
			int64(p.Stack), int64(p.Seen), int64(p.Stood))
	}
}

// found keeps a span.
func (c *collector) found(x *explain.Found) {
	kind := spanSent
	switch x.Kind {
	case report.KindTask:
		kind = spanOfTask
	case report.KindRegion:
		kind = spanOfRegion
	}
	var flags int64
	if x.Unfinished {
		flags |= flagCutEnd
	}
	if x.Cut {
		flags |= flagCutBegin
	}
	c.keepIn(&spansTable, kind, c.offset(x.Start), int64(x.End-x.Start), int64(kind), c.texts.number(x.Name), x.Task, int64(x.G), flags)
}
