package whatif

import (
	"encoding/binary"
	"math"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/stat"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// workloads answers: what do the goroutines do, whoever runs when? It keeps for
// each, in a few bytes a step, what it did by itself, and apart from that what it
// did to others: a creation is only told with the first dispatch of the created
// one, and that is often after the creator's stretch was told.
//
// What it can't know:
//   - work that would not be the same in another order: who finds a lock taken,
//     who gets which job out of a channel, what is in a cache;
//   - dependencies that did not show because nobody had to wait: a buffer that was
//     never full, a lock that was free;
//   - how long a wait for a timer, or for the network if nothing in the program
//     ended it (see loopback), would have been: it is as long as it was, less what a
//     busy P is likely to have been late;
//   - what other programs on the machine took, unless the machine was asked: it is in
//     what goroutines computed.
type workloads struct {
	window *replay.Window
	zero   model.Time
	gs     map[model.GoID]*gWork
	order  []*gWork // in the order of appearance
	cycles []simulate.Cycle

	crowd   *crowd                    // while a workload is built in which all compute alone; nil else
	marking []ownAt                   // when workers marked, the first of it
	stws    map[model.GoID]model.Time // since when they stop the world; of workers too
	ps      []pWork
	gives   map[model.GoID]bool // in a system call that gave its P away at once

	seen recordedRun
	now  model.Time

	batch  *batch   // of the waits for something outside that ended last
	spread uint64   // spreads what is not known evenly
	room   []placed // of placed
	merged []placed // of write
	sleeps map[uint32]*sleepSite
	places map[placeKey]*standing

	accept    names.Flags // of stacks: waits for a connection
	lockSites names.LockSites
	holds     int            // of locks that others waited for
	mutexes   int            // whose stretches show
	mutexOf   map[uint32]int // them, by stacks that wait for them
	heap      *measure.HeapRoom
	sites     []simulate.Station
	siteKeys  []placeKey
	allJobs   int

	names     *names.Table
	done      []explain.Done // requests and tasks
	served    *explain.Served
	began     map[int64]model.GoID // by task: who began it
	sightings []sighting           // apart from where goroutines stopped, for what can be told of who computed

	cpus  *measure.Machine
	costs measured
	rises rises
	local loopback
}

// recordedRun is the recorded run in the terms of a simulation.
type recordedRun struct {
	latency      stat.Sketch
	makespan     model.Time
	running      int64 // ns of the program's goroutines on Ps
	idle         int64 // ns of all Ps; of those that the trace shows
	waited       int64 // ns of goroutines in queues
	peak         int
	steals       int64
	handoffs     int64
	preempts     int64
	signals      int64
	late         int64 // of preempts, that came when a time slice was long over
	overflows    int64
	ticks        int64
	starts       int64
	dispatches   int64
	outside      int64 // waits whose end nobody is known for
	inside       int64 // waits that a goroutine ended
	net          int64 // of outside, for the network
	calls        int64 // ns in short system calls
	longCalls    int64 // ns in the others, of all goroutines together
	marked       int64 // ns computed for the collector by those who allocate
	stalled      int64 // ns between a stop and a start, where that is too long for the scheduler
	lockedStarts int64 // dispatches of goroutines locked to their threads
	cut          int64 // stretches that the trace's end cuts off
	timeline     simulate.Timeline
}

// pWork is what a P did last.
type pWork struct {
	runFrom, runTo model.Time // its last stretch with a goroutine
	schedFrom      model.Time // its last stretch of looking for work
	schedTo        model.Time
	idled          bool // idle before that
	idleFrom       model.Time
	risen          model.Time // when a goroutine became runnable first while it was idle, noTime for never
	began          model.Time // its last dispatch
}

// gWork is one goroutine's steps.
type gWork struct {
	index   int
	root    bool
	runtime bool
	worker  bool
	tight   bool
	locked  bool
	first   model.Time // beginning of its first stretch; before c.zero if none is known
	base    model.Time // what own counts from
	blocks  uint32     // ended by other goroutines

	local  []bool   // by wait for the network: a goroutine of the program ended it
	sentAt []uint32 // of those, each: how many waits before it other goroutines' wakes ended
	sends  []placed // what it sends to others of the program

	waker   *gWork // who ended its last wait, until it is known how it was dispatched
	wokenAt model.Time

	exits      bool
	lastBy     *gWork    // who ended its last wait, or created it
	woke       []*gWork  // whom it woke or created since then, the first few
	at         *standing // where that was
	unasked    bool      // that may have been for an answer, and it had woken nobody for it
	locks      bool      // that was for a lock
	gives      bool      // that was to give something into a channel
	waitedFrom model.Time
	waitedAt   uint32                // stack
	wokenBy    uint32                // stack of who ended that
	lockOf     map[uint32]hold       // that end its waits for locks, by the numbers of those
	lockAt     map[uint32]int        // mutexes that its waits are for, by the numbers of those; -1 where it goes on waiting for the one before
	timed      map[uint32]model.Time // when deadlines of contexts ended its waits, by the numbers of those
	needs      map[uint32]int        // jobs that end waits of one that does jobs itself, by the numbers of those
	holds      []placed              // where it holds locks that others wait for
	starts     []start               // of its jobs
	asks       []placed              // jobs that it gives without waking who does them
	jobs       int                   // number of the first of its jobs
	station    int                   // at which it does jobs, -1 for none

	fn     uint32 // stack that it started with, 0 if not known
	runs   string // what it runs, "" if not known
	own    []byte // ownStep, gap to the step before, length, in ns; of computing with onP the P, of others the stack
	ownEnd model.Time
	marks  []byte // markStep, distance to the mark before, arguments
	markAt model.Time

	// The last wait, while it is not sure how long it was due to last.
	pending   bool
	pendFrom  model.Time
	pendTo    model.Time
	pendKind  ownStep
	pendStack uint32
	pendWith  *batch // the waits that ended with it

	sleptIn uint32 // where it slept last, a stack
	sleptTo model.Time
}

// noTime stands where no time is known.
const noTime = model.Time(math.MinInt64)

type ownStep byte

const (
	ownRun ownStep = iota
	ownBlock
	ownWait
	ownNet
	ownSyscall
	ownBlocking
	ownAssist  // computing for the collector
	ownStarved // waiting for the collector to do so
)

// recv is added to a wait that another goroutine ended, for something out of a channel.
const recv ownStep = 0x40

// onP is added to a step of computing of which it matters where it was: whether there was
// a CPU shows when all has been read.
const onP ownStep = 0x80

type markStep byte

const (
	markCreate markStep = iota // goroutine
	markWake                   // goroutine, number of its block
	markAnswer                 // likewise, of one that may have waited for an answer and had woken nobody for it; how long it waited, with which stack
	markUnlock                 // likewise, of one that waited for a lock
	markTaken                  // likewise, of one that waited to give something into a channel

	markSwitch // likewise, a coroutine that runs at once
	markYield
	markGoyield
	markGC    // number of the cycle
	markSTW   // length
	markSend  // likewise as markWake, through the network
	markBegin // of a request or task: number of the mark, and 1 if with its goroutine's becoming runnable
	markEnd   // of one: number of the mark
	markPut   // number of the job that is given
	markHold  // number of the hold of a lock
	markSplit // station: another job begins

	markAcquire // number of the mutex
	markRelease // likewise
)

func newWorkloads(s *replay.Session) *workloads {
	s.Depths = true
	c := &workloads{lockSites: names.LockSites{Names: s.Names}, cpus: replay.Shared(s, measure.NewMachine), heap: replay.Shared(s, measure.NewHeapRoom), window: s.Window, zero: s.Zero, names: s.Names, local: loopback{names: s.Names}, gs: map[model.GoID]*gWork{}, sleeps: map[uint32]*sleepSite{}, places: map[placeKey]*standing{}, stws: map[model.GoID]model.Time{}, gives: map[model.GoID]bool{},
		began: map[int64]model.GoID{}, seen: recordedRun{makespan: s.Zero, timeline: simulate.NewTimeline()}}
	c.served = explain.AddServed(s, func(d *explain.Done) { c.done = append(c.done, *d) })
	return c
}

func (c *workloads) g(id model.GoID) *gWork {
	g := c.gs[id]
	if g == nil {
		g = &gWork{index: len(c.order), root: true, first: noTime, base: c.zero, ownEnd: c.zero, markAt: c.zero, station: -1}
		c.gs[id] = g
		c.order = append(c.order, g)
	}
	return g
}

func (g *gWork) step(kind ownStep, from, to model.Time) {
	g.flush()
	to = max(to, from) // a damaged trace may have it otherwise
	if g.first == noTime {
		g.first = from
	}
	g.own = append(g.own, byte(kind))
	g.own = binary.AppendVarint(g.own, int64(from-g.ownEnd))
	g.own = binary.AppendUvarint(g.own, uint64(to-from))
	g.ownEnd = to
}

// stand adds a step that is not computing, and the stack that it stood with.
func (g *gWork) stand(kind ownStep, stack uint32, from, to model.Time) {
	g.step(kind, from, to)
	g.own = binary.AppendUvarint(g.own, uint64(stack))
}

// flush writes the wait that was left open to be shortened.
func (g *gWork) flush() {
	if g.pending {
		g.pending = false
		g.stand(g.pendKind, g.pendStack, g.pendFrom, g.pendTo)
		if g.pendKind == ownWait {
			g.own = binary.AppendUvarint(g.own, uint64(g.pendTo-g.pendWith.least(g.pendFrom)))
		}
	}
}

func (g *gWork) mark(kind markStep, at model.Time, args ...uint64) {
	g.marks = append(g.marks, byte(kind))
	g.marks = binary.AppendVarint(g.marks, int64(at-g.markAt))
	for _, a := range args {
		g.marks = binary.AppendUvarint(g.marks, a)
	}
	g.markAt = at
}

// Watch goes through the goroutines' stretches in order of time; all else that
// happened until a stretch ended comes before it.
func (c *workloads) Watch(f *model.Facts) {
	c.now = f.Now
	c.seen.overflows += int64(len(f.Overflows))
	c.seen.starts += int64(len(f.Starts))
	rest := *f
	for i := range f.Gs {
		iv := &f.Gs[i]
		c.besides(&rest, iv.End)
		var d *model.Dispatch
		if iv.State == model.GRunnable {
			for k := range rest.Dispatches {
				if rest.Dispatches[k].Time != iv.End {
					break
				}
				if rest.Dispatches[k].G == iv.G {
					d = &rest.Dispatches[k]
				}
			}
		}
		c.stretch(iv, d)
	}
	c.besides(&rest, replay.Forever)
}

// besides takes in what happened until a time besides goroutines' stretches.
func (c *workloads) besides(f *model.Facts, until model.Time) {
	for ; len(f.Depths) > 0 && f.Depths[0].Time <= until; f.Depths = f.Depths[1:] {
		c.rises.add(f.Depths[0])
	}
	for ; len(f.Handoffs) > 0 && f.Handoffs[0].Time <= until; f.Handoffs = f.Handoffs[1:] {
		c.handoff(&f.Handoffs[0])
	}
	for ; len(f.Preempts) > 0 && f.Preempts[0].Time <= until; f.Preempts = f.Preempts[1:] {
		c.preempt(&f.Preempts[0])
	}
	for ; len(f.Events) > 0 && f.Events[0].Time < until; f.Events = f.Events[1:] { // what marks does so for the collection that is on
		c.event(&f.Events[0])
	}
	for ; len(f.Ps) > 0 && f.Ps[0].End <= until; f.Ps = f.Ps[1:] {
		c.proc(&f.Ps[0])
	}
	for ; len(f.Dispatches) > 0 && f.Dispatches[0].Time < until; f.Dispatches = f.Dispatches[1:] {
	}
}

func (c *workloads) handoff(h *model.Handoff) {
	c.seen.handoffs++
	switch {
	case h.Cause == model.HandoffBlocking:
		c.gives[h.G] = true
	case h.Cause == model.HandoffLockedM && h.G != model.NoG:
		c.g(h.G).locked = true
	case h.Cause == model.HandoffRetake && h.After < sysmonFast:
		// Two looks see one system call: it lasted for one to two of sysmon's rounds.
		c.costs.slack.Add(max(int64(h.After)*2/3-model.SysmonLeast, 0))
	}
}

func (c *workloads) event(ev *model.Event) {
	if !c.window.Holds(ev.Time) {
		return
	}
	switch ev.Op {
	case model.OpCPUSample:
		c.sighted(ev.G, ev.Time, ev.Stack, true)
	case model.OpTaskBegin:
		c.began[ev.Subject] = ev.G
	case model.OpGCBegin:
		if ev.Arg != 0 {
			return // it was already on
		}
		c.cycles = append(c.cycles, simulate.Cycle{})
		if ev.G != model.NoG {
			c.g(ev.G).mark(markGC, ev.Time, uint64(len(c.cycles)-1))
		}
	case model.OpSTWBegin:
		c.stws[ev.G] = ev.Time
	case model.OpSTWEnd:
		from, ok := c.stws[ev.G]
		if !ok {
			return
		}
		delete(c.stws, ev.G)
		d := max(ev.Time-from, 0)
		if g := c.gs[ev.G]; (ev.G == model.NoG || g != nil && g.worker) && len(c.cycles) > 0 {
			c.cycles[len(c.cycles)-1].STW += int64(d)
		} else if ev.G != model.NoG {
			c.g(ev.G).mark(markSTW, from, uint64(d))
		}
	}
}

func (c *workloads) preempt(p *model.Preempt) {
	g := c.g(p.G)
	c.sighted(p.G, p.Time, p.Stack, false)
	switch p.How {
	case model.HowGosched:
		g.mark(markYield, p.Time)
		return
	case model.HowGoyield:
		g.mark(markGoyield, p.Time)
		return
	case model.HowSignal:
		g.tight = true
		c.seen.signals++
	}
	c.seen.preempts++
	if p.Ran > lateSignal {
		c.seen.late++
	}
}

func (c *workloads) p(id model.ProcID) *pWork {
	for int(id) >= len(c.ps) {
		c.ps = append(c.ps, pWork{})
	}
	return &c.ps[id]
}

// pauseLeast is how long a thread that looks for work has to have looked to be taken
// to have paused before a runnext, which is a cost of its own.
const pauseLeast = 20_000 // ns

func (c *workloads) proc(iv *model.PInterval) {
	p := c.p(iv.P)
	switch iv.Does {
	case model.PDoesRun, model.PDoesSyscall:
		if iv.First || p.runTo != iv.Start {
			p.runFrom = iv.Start
		}
		p.runTo, p.idled = iv.End, false
		if iv.Does == model.PDoesRun && !iv.Worker {
			c.seen.running += int64(iv.End - iv.Start)
			c.seen.timeline.Add(int64(iv.Start-c.zero), int64(iv.End-iv.Start), 1, 0)
		}
	case model.PDoesIdle:
		if p.schedTo == iv.Start && p.schedFrom < p.schedTo && p.schedTo-p.schedFrom < pauseLeast {
			c.costs.spin.Add(int64(p.schedTo - p.schedFrom))
		}
		p.idled, p.idleFrom, p.risen = true, iv.Start, c.rises.first(iv.Start, iv.End)
		c.seen.idle += int64(iv.End - iv.Start)
	case model.PDoesSched:
		p.schedFrom, p.schedTo = iv.Start, iv.End
		c.woke(p)
	}
}

// stretch takes a stretch of a goroutine; d is the dispatch that ended it.
func (c *workloads) stretch(iv *model.GInterval, d *model.Dispatch) {
	if iv.Worker {
		c.g(iv.G).worker = true
		if n := len(c.cycles); n > 0 && iv.State == model.GRunning {
			c.cycles[n-1].Work += int64(iv.End - iv.Start)
			if len(c.marking) < crowdKept {
				c.marking = append(c.marking, ownAt{from: iv.Start, to: iv.End})
			}
		}
		return
	}
	g := c.g(iv.G)
	g.runtime = g.runtime || iv.Runtime
	g.fn = max(g.fn, iv.Func)
	if iv.Open&model.OpenEnd != 0 {
		c.seen.cut++
	}
	switch iv.State {
	case model.GRunning:
		g.exits = g.exits || iv.Exit
		kind := ownRun
		if n := len(c.cycles); iv.Assist && n > 0 {
			kind = ownAssist
			c.cycles[n-1].Work += int64(iv.End - iv.Start)
			c.seen.marked += int64(iv.End - iv.Start)
		}
		if iv.P >= 0 && c.cpus.SaidBefore(iv.End) {
			g.step(kind|onP, iv.Start, iv.End)
			g.own = binary.AppendUvarint(g.own, uint64(iv.P))
		} else {
			g.step(kind, iv.Start, iv.End)
		}
		if !iv.Runtime {
			c.seen.makespan = max(c.seen.makespan, iv.End)
		}
	case model.GRunnable:
		c.waited(g, iv, d)
	case model.GWaiting:
		if iv.First && iv.Open&model.OpenStart == 0 {
			g.first = c.zero // iter.Pull makes it waiting: it does nothing before it is switched to
		}
		c.wait(g, iv)
	case model.GSyscall:
		if iv.Open&model.OpenEnd != 0 {
			return
		}
		if iv.Unended {
			g.step(ownRun, iv.Start, iv.End)
			c.local.syscall(g, iv)
			g.exits = g.exits || iv.Exit
			return
		}
		kind := ownSyscall
		if c.gives[iv.G] {
			delete(c.gives, iv.G)
			kind = ownBlocking
		}
		g.stand(kind, iv.Stack, iv.Start, iv.End)
		if d := int64(iv.End - iv.Start); d < simulate.ShortCall {
			c.seen.calls += d
		} else {
			c.seen.longCalls += d
		}
		c.local.syscall(g, iv)
	}
}

func (c *workloads) wait(g *gWork, iv *model.GInterval) {
	switch {
	case iv.Open&model.OpenEnd != 0, iv.Reason == model.ReasonPreempted:
		return
	case iv.Reason == model.ReasonAssist:
		c.seen.outside++
		g.stand(ownStarved, iv.Stack, iv.Start, iv.End)
		return
	case iv.By != model.NoG && iv.By != iv.G && !c.g(iv.By).worker:
		c.seen.inside++
		kind := ownBlock
		if iv.Reason == model.ReasonChanRecv || iv.Reason == model.ReasonSelect || iv.Reason == model.ReasonCond && c.lockSites.Site(iv.ByStack).Signals {
			kind |= recv
		}
		g.stand(kind, iv.Stack, iv.Start, iv.End)
		g.waker, g.wokenAt, g.waitedFrom, g.waitedAt, g.wokenBy = c.gs[iv.By], iv.End, iv.Start, iv.Stack, iv.ByStack
		g.locks = iv.Reason == model.ReasonSync && c.lockSites.Locking(iv.Stack)
		g.gives = iv.Reason == model.ReasonChanSend
		c.woken(g, g.waker, kind, iv.Stack)
		return
	}
	g.lastBy, g.woke = nil, g.woke[:0]
	c.seen.outside++
	g.flush()
	if c.batch == nil || iv.End > c.batch.to+simulate.BatchGap {
		c.batch = &batch{looked: noTime}
	}
	c.batch.to = iv.End
	g.pending, g.pendFrom, g.pendTo, g.pendKind, g.pendStack, g.pendWith = true, iv.Start, iv.End, ownWait, iv.Stack, c.batch
	if iv.Reason == model.ReasonNetwork {
		g.pendKind = ownNet
		c.seen.net++
		c.local.waits = append(c.local.waits, netWait{from: iv.Start, to: iv.End, idle: noTime, g: uint32(g.index), blocks: g.blocks, by: -1})
	}
}

// waited takes a stretch from ready to running.
func (c *workloads) waited(g *gWork, iv *model.GInterval, d *model.Dispatch) {
	if !iv.Runtime && iv.Open == 0 {
		c.seen.latency.Add(int64(iv.End - iv.Start))
	}
	c.seen.waited += int64(iv.End - iv.Start)
	if g.waker != nil {
		kind := markWake
		switch {
		case g.unasked:
			kind = markAnswer
		case g.locks:
			kind = markUnlock
		case g.gives:
			kind = markTaken
		}
		if d != nil && d.Source == model.SourceCoroutine {
			kind = markSwitch
			if g.at != nil {
				g.at.switches = true
			}
		}
		args := []uint64{uint64(g.index), uint64(g.blocks)}
		if kind == markAnswer || kind == markUnlock || kind == markTaken {
			args = append(args, uint64(g.wokenAt-g.waitedFrom), uint64(g.waitedAt), uint64(g.wokenBy))
		}
		g.waker.mark(kind, g.wokenAt, args...)
		g.blocks++
		g.waker = nil
	}
	c.seen.timeline.Add(int64(iv.Start-c.zero), int64(iv.End-iv.Start), 0, 1)
	if d == nil {
		return
	}
	c.seen.dispatches++
	c.seen.peak = max(c.seen.peak, int(d.Runnable)+1)
	switch d.Source {
	case model.SourceSteal, model.SourceStealRunnext:
		c.seen.steals++
	case model.SourceGlobalTick:
		c.seen.ticks++
	}
	if iv.First && iv.Open&model.OpenStart == 0 && g.first == noTime {
		if d.By != model.NoG && !c.g(d.By).worker {
			g.root = false
			c.gs[d.By].mark(markCreate, iv.Start, uint64(g.index))
			g.lastBy = c.gs[d.By]
			g.lastBy.wakes(g)
		}
		g.first, g.base, g.ownEnd = iv.Start, iv.Start, iv.Start
	}
	p := c.p(d.P)
	p.began = d.Time
	if g.locked {
		c.seen.lockedStarts++
		c.costs.locked.Add(int64(d.Time - max(p.runTo, d.Ready)))
	} else {
		c.gap(p, d)
	}
	if g.pending {
		if g.pendKind == ownWait {
			c.sleptFor(p, d)
		}
		if g.pendKind == ownNet && p.idled && p.idleFrom < g.pendTo {
			c.local.idleSince(g, p.idleFrom)
		}
		c.looked(g.pendWith, p, d)
		if late := c.lateness(p, d); g.pendKind == ownNet && g.pendTo-late > g.pendFrom {
			g.pendTo -= late
		}
		g.slept(c)
		g.flush()
	}
}
