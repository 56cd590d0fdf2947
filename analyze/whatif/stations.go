package whatif

import (
	"cmp"
	"slices"
	"sort"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// Which goroutines do jobs, each of which any of them could do as well? Those of one start
// function that wait at one place for what comes out of a channel. What a goroutine does
// from the end of such a wait to the beginning of the next one is a job: in another order
// of things, whoever is free has it. Not so where they wait for answers: each for its own.
// A goroutine waits for an answer if who ends the wait is one that it woke itself, just
// before, and that had done nothing else since.
//
// What a trace can't tell is which channel that is. What was taken without a wait shows where
// somebody waited to give it, where who took it had answered the one before, or where it is a
// task of its own; else it is part of the job before.

// placeKey is a place at which goroutines wait, by stacks: of their start, and where they stand.
type placeKey struct{ fn, stack uint32 }

// standing is one.
type standing struct {
	waits    int
	answers  int  // of them, for answers
	unasked  int  // of them, likely so, but who answered had not been woken for it
	single   bool // one goroutine waits there
	by       *gWork
	givers   []*gWork // who ended waits there, the first few
	from     uint32   // what who answers started with
	switches bool     // coroutines: who waits is switched to
	station  int      // number of its station, -1 for none
}

// wakes notes that g has woken or created another goroutine.
func (g *gWork) wakes(other *gWork) {
	if len(g.woke) < wokeKept {
		g.woke = append(g.woke, other)
	}
}

// Limits of what is remembered.
const (
	wokeKept   = 32 // that a goroutine woke without waiting itself
	giversKept = 16 // that ended waits at one place
)

// givenBy reports whether goroutines such as by end waits there, when all has been read.
func (x *standing) givenBy(by *gWork) bool {
	return slices.ContainsFunc(x.givers, func(o *gWork) bool { return o == by || o.runs != "" && o.runs == by.runs })
}

// noteGiver notes that by ended a wait there. Who started with a function that only runs what it
// was given (sync's and others') may be like others that did so or not.
func (c *workloads) noteGiver(x *standing, by *gWork) {
	like := func(o *gWork) bool {
		return o == by || o.fn != 0 && o.fn == by.fn && !names.MayWrap(c.names.StartFunc(o.fn))
	}
	if len(x.givers) < giversKept && !slices.ContainsFunc(x.givers, like) {
		x.givers = append(x.givers, by)
	}
}

// woken notes that by ended a wait of g.
func (c *workloads) woken(g, by *gWork, kind ownStep, stack uint32) {
	g.at, g.unasked = nil, false
	if by != nil && kind&recv != 0 && stack != 0 {
		key := placeKey{g.fn, stack}
		x := c.places[key]
		if x == nil {
			x = &standing{by: g, single: true, station: -1}
			c.places[key] = x
		}
		g.at = x
		x.waits++
		x.single = x.single && x.by == g
		c.noteGiver(x, by)
		switch {
		case by.lastBy == g && slices.Contains(g.woke, by):
			x.answers++
			x.from = by.fn
		case !slices.ContainsFunc(g.woke, func(o *gWork) bool { return o.fn == by.fn }):
			x.unasked++
			g.unasked = true
		}
	}
	if g.lastBy, g.woke = by, g.woke[:0]; by != nil {
		by.wakes(g)
	}
}

// stations decides which places are stations, and which goroutines do jobs there: each at the
// place where such as it wait most often.
func (c *workloads) stations() []simulate.Station {
	var keys []placeKey
	for key, x := range c.places {
		if key.fn != 0 && !x.switches && (x.single || !x.isAnswer()) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b placeKey) int {
		return cmp.Or(cmp.Compare(c.places[b].waits, c.places[a].waits), cmp.Compare(a.fn, b.fn), cmp.Compare(a.stack, b.stack))
	})
	for i, key := range keys {
		c.places[key].station = i
	}
	c.siteKeys = keys
	for _, g := range c.order {
		g.runs = c.runs(g)
	}
	out := make([]simulate.Station, len(keys))
	for _, g := range c.order {
		g.flush()
		if g.station = c.stationOf(g); g.station < 0 {
			g.station = c.takesAt(g)
		}
		if g.station >= 0 {
			out[g.station].Coming++
		}
	}
	jobs := len(c.order)
	tasks := c.tasksEnded()
	for _, g := range c.order {
		if g.station >= 0 {
			g.jobs = jobs
			g.starts = c.starts(g, tasks[g])
			jobs += len(g.starts)
		}
	}
	c.allJobs = jobs - len(c.order)
	return out
}

// stationOf is the station at which g does jobs, -1 for none.
func (c *workloads) stationOf(g *gWork) int {
	best := -1
	if g.runtime || g.worker {
		return best
	}
	for s := range g.steps() {
		if s.kind != ownBlock || !s.recv {
			continue
		}
		if x := c.places[placeKey{g.fn, s.stack}]; x != nil && x.station >= 0 && (best < 0 || x.station < best) {
			best = x.station
		}
	}
	return best
}

// runs is what g runs: the function that it started with, or what that was given to run.
func (c *workloads) runs(g *gWork) string {
	if g.fn == 0 {
		return ""
	}
	starts, start := c.names.Starts(), c.names.StartFunc(g.fn)
	if !starts.Wrapper(start) {
		return start
	}
	for s := range g.steps() {
		if s.stack != 0 {
			if what := starts.Runs(c.names.Stacks[s.stack]); what != "" {
				return what
			}
		}
	}
	return starts.Always(start)
}

// takesAt is the station at which g did jobs without ever waiting for one, as who gave them
// waited for it; -1 for none.
func (c *workloads) takesAt(g *gWork) int {
	starts := c.names.Starts()
	n := slices.IndexFunc(c.siteKeys, func(k placeKey) bool {
		return k.fn == g.fn && (starts.Runs(c.names.Stacks[k.stack]) == g.runs || !starts.Wrapper(c.names.StartFunc(k.fn)))
	})
	if n < 0 || g.runtime || g.worker {
		return -1
	}
	x := c.places[c.siteKeys[n]]
	for _, m := range c.placed(g) {
		if m.kind == markTaken && x.givenBy(c.order[m.a]) {
			return n
		}
	}
	return -1
}

// isAnswer reports whether who waits there waits for an answer.
func (x *standing) isAnswer() bool { return 2*x.answers > x.waits-x.unasked }

// start is where a job of a goroutine begins.
type start struct {
	at    model.Time
	first uint32 // number of the first wait of it that another goroutine ended
	take  bool   // the one before that was for the job; else it was there already

	by    *gWork     // who gave it then
	asked model.Time // when that was
}

// waits are g's waits that other goroutines ended.
func (g *gWork) waits() []ownAt {
	var out []ownAt
	nets := 0
	for s := range g.steps() {
		switch s.kind {
		case ownBlock:
			out = append(out, s)
		case ownNet:
			if nets < len(g.local) && g.local[nets] {
				out = append(out, s)
			}
			nets++
		}
	}
	return out
}

// starts are where g's jobs begin: after it has waited for one; and where it had another to
// do already. Who gave that did so as it began to wait for the answer, or for its being taken,
// or as it began the task that the job is.
func (c *workloads) starts(g *gWork, tasks []*explain.Done) []start {
	var out []start
	waits := g.waits()
	marks := c.placed(g)
	since := noTime // it began, or answered, or took a job
	job := noTime   // it took one
	var gave *gWork // who stood to give it, and may wait for an answer now
	had := func(at, asked model.Time, by *gWork) {
		first, _ := slices.BinarySearchFunc(waits, at, func(s ownAt, t model.Time) int { return cmp.Compare(s.from, t) })
		out = append(out, start{at: at, first: uint32(first), by: by, asked: asked})
	}
	upTo := func(t model.Time) {
		for ; len(marks) > 0 && marks[0].at <= t; marks = marks[1:] {
			m := &marks[0]
			switch m.kind {
			case markTaken:
				if asked, by := c.gaveTo(g, m); by != nil && m.at > since {
					had(m.at-1, asked, by) // so that it is the job that wakes who gave it
					since, gave = m.at, by
				}
			case markAnswer, markWake:
				if asked, by := c.asked(g, m); by != nil && by != gave && asked >= job && job != noTime {
					had(max(asked, since), asked, by)
				}
				since = m.at
			}
		}
	}
	for n := range waits {
		if c.takes(g, &waits[n]) {
			upTo(waits[n].from)
			out = append(out, start{at: waits[n].to, first: uint32(n + 1), take: true})
			since, job, gave = waits[n].to, waits[n].to, nil
		}
	}
	upTo(model.Time(1<<63 - 1))
	inOrder := func(a, b start) int { return cmp.Compare(a.at, b.at) }
	slices.SortStableFunc(out, inOrder)
	for _, x := range c.tasksOf(g, tasks, out) {
		had(x.at, x.asked, x.by)
	}
	slices.SortStableFunc(out, inOrder)
	for i := range out {
		if x := &out[i]; !x.take {
			x.by.asks = append(x.by.asks, placed{at: x.asked, kind: markPut, a: uint64(g.jobs + i)})
		}
	}
	return out
}

// tasksEnded are the tasks that ended on each goroutine, in the order of that.
func (c *workloads) tasksEnded() map[*gWork][]*explain.Done {
	out := map[*gWork][]*explain.Done{}
	for i := range c.done {
		if d := &c.done[i]; d.Kind == report.KindTask {
			if g := c.gs[d.G]; g != nil && g.station >= 0 {
				out[g] = append(out[g], d)
			}
		}
	}
	return out
}

// tasksOf are jobs of g, of which begun is known, that are tasks: between the end of one and
// that of the next it took the next, if not by a wait. That one began with who gives jobs.
func (c *workloads) tasksOf(g *gWork, tasks []*explain.Done, begun []start) []start {
	var out []start
	x := c.places[c.siteKeys[g.station]]
	for i, d := range tasks {
		by := c.gs[c.beganOn(d)]
		if i == 0 || by == nil || by == g || !x.givenBy(by) {
			continue
		}
		from := tasks[i-1].End
		next, _ := slices.BinarySearchFunc(begun, from+1, func(s start, t model.Time) int { return cmp.Compare(s.at, t) })
		if next == 0 || next < len(begun) && begun[next].at <= d.End {
			continue
		}
		out = append(out, start{at: from + 1, asked: d.Start + 1, by: by})
	}
	return out
}

// gaveTo is when the goroutine that g took a job from began to wait for that, and which one it
// is; nil if that is not so.
func (c *workloads) gaveTo(g *gWork, m *placed) (model.Time, *gWork) {
	by := c.order[m.a]
	if !c.places[c.siteKeys[g.station]].givenBy(by) {
		return 0, nil
	}
	return m.at - m.waited, by
}

// asked is when the goroutine that g answers began to wait for that, and which one it is; nil
// if that is not so.
func (c *workloads) asked(g *gWork, m *placed) (model.Time, *gWork) {
	if m.kind != markAnswer {
		return 0, nil
	}
	by := c.order[m.a]
	p := c.places[placeKey{by.fn, m.stack}]
	if p == nil || p.station >= 0 || !p.isAnswer() || p.answers == 0 || p.from != g.fn {
		return 0, nil
	}
	return m.at - m.waited, by
}

// takes reports whether a step is a wait for a job.
func (c *workloads) takes(g *gWork, s *ownAt) bool {
	if s.kind != ownBlock || !s.recv || g.station < 0 {
		return false
	}
	x := c.places[placeKey{g.fn, s.stack}]
	return x != nil && x.station == g.station
}

// target says what ends g's n-th wait: a job that is given, or the k-th wait of a goroutine or
// job.
func (g *gWork) target(n uint64) (to int, k int, job bool) {
	i := sort.Search(len(g.starts), func(i int) bool { return g.starts[i].before() > n })
	if i == 0 {
		return g.index, int(n), false
	}
	x := &g.starts[i-1]
	return g.jobs + i - 1, int(n) - int(x.first), x.take && n+1 == uint64(x.first)
}

// before is the number of the first wait that is not before the job.
func (x *start) before() uint64 {
	if x.take {
		return uint64(x.first) - 1
	}
	return uint64(x.first)
}
