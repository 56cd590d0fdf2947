package load

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"gmptrace/model"
)

// What a goroutine is doing, as the trace numbers it; goGone is none that lives.
const (
	goGone = iota
	goRunnable
	goRunning
	goSyscall
	goWaiting
	numGoStatus
)

// What a P is doing, as the trace numbers it; procUnknown was not told yet.
// procAbandoned is in a system call whose M was lost sight of.
const (
	procUnknown = iota
	procRunning
	procIdle
	procSyscall
	procAbandoned
	numProcStatus
)

// goState is what is known of a goroutine. There may be a million of them.
type goState struct {
	id       int64
	seq      uint32 // of its last event that has a number
	status   uint8
	assists  bool // marks for the garbage collector
	regional bool // has user regions open: see order.regions
}

// follows reports whether an event with that number is the next one. A number
// that does not fit was never reached: a generation has fewer events.
func (g *goState) follows(seq uint64) bool { return uint64(g.seq)+1 == seq }

// procState is what is known of a P.
type procState struct {
	seq    uint32
	status uint8
	sweeps bool
}

func (p *procState) follows(seq uint64) bool { return uint64(p.seq)+1 == seq }

// threadState is what an M is bound to.
type threadState struct {
	id       uint64
	g        int32 // index into order.gs, -1 for none
	p        int32 // -1 for none
	index    model.MIndex
	numbered bool // index is valid
	seen     bool // an event of it was looked at
}

// goTable holds goroutines by their ids: an open hash table of indices. Neighbours, which
// often come one after the other, stand in one line of the processor's cache. The
// multiplier is drawn at random, so that no file can make more ids collide than such.
type goTable struct {
	all   []goState
	slots []int32 // index into all plus 1; 0 is free
	mult  uint64
	shift int
}

const (
	minGoSlots  = 256
	goSlotsLine = 16 // slots of a line
)

func (t *goTable) reset() {
	t.all = t.all[:0]
	if t.slots == nil {
		t.mult = rand.Uint64() | 1
		t.grow(minGoSlots)
		return
	}
	clear(t.slots)
}

func (t *goTable) grow(n int) {
	t.slots = make([]int32, n)
	t.shift = 65 - bits.Len(uint(n/goSlotsLine))
	for i := range t.all {
		*t.slot(t.all[i].id) = int32(i) + 1
	}
}

// slot is where id is, or belongs.
func (t *goTable) slot(id int64) *int32 {
	line := uint64(id) / goSlotsLine * t.mult >> t.shift
	for h := line*goSlotsLine + uint64(id)%goSlotsLine; ; h++ {
		s := &t.slots[h&uint64(len(t.slots)-1)]
		if *s == 0 || t.all[*s-1].id == id {
			return s
		}
	}
}

// find is the index of the goroutine id, -1 if it was never told of.
func (t *goTable) find(id uint64) int32 { return *t.slot(int64(id)) - 1 }

// live is the goroutine id, nil if there is none now.
func (t *goTable) live(id uint64) (int32, *goState) {
	i := t.find(id)
	if i < 0 || t.all[i].status == goGone {
		return i, nil
	}
	return i, &t.all[i]
}

// put makes the goroutine id begin in a status. There must be none of that id.
func (t *goTable) put(id uint64, status uint8) int32 {
	s := t.slot(int64(id))
	if i := *s - 1; i >= 0 {
		t.all[i] = goState{id: int64(id), status: status}
		return i
	}
	t.all = append(t.all, goState{id: int64(id), status: status})
	*s = int32(len(t.all))
	if 2*len(t.all) > len(t.slots) {
		t.grow(2 * len(t.slots))
	}
	return int32(len(t.all)) - 1
}

// order is the state of the scheduler as far as it says which of the threads'
// next events can come first. Times say it as well, but clocks of cores differ.
type order struct {
	gs      goTable
	ps      []procState // by id, below maxProcID
	ms      map[uint64]*threadState
	allMs   []*threadState // with those to use again
	usedMs  int
	noM     *threadState // of the events that no M wrote
	regions map[int32][]userRegion
	stw     []int32             // goroutines that have stopped the world; see maxSTW
	tasks   map[uint64]struct{} // begun and not ended
	gcSeq   uint64
	gc      uint8
}

// What is known of the garbage collector.
const (
	gcUnknown = iota
	gcOff
	gcOn
)

// userRegion is a region that a goroutine is in.
type userRegion struct {
	task uint64
	name int64 // index in the generation's table of strings
}

// maxSTW is how many stopped worlds may be under way at once. The runtime has
// one, and one a goroutine; each event looks at all of them.
const maxSTW = 16

func (o *order) reset() {
	o.gs.reset()
	clear(o.ps)
	o.ps = o.ps[:0]
	o.ms = map[uint64]*threadState{}
	o.usedMs = 0
	o.noM = o.thread(noThread)
	o.noM.numbered = true
	o.regions, o.tasks = map[int32][]userRegion{}, map[uint64]struct{}{}
	o.stw = o.stw[:0]
	o.gcSeq, o.gc = 0, gcUnknown
}

// thread is the state of an M.
func (o *order) thread(id uint64) *threadState {
	m := o.ms[id]
	if m != nil {
		return m
	}
	if o.usedMs == len(o.allMs) {
		o.allMs = append(o.allMs, new(threadState))
	}
	m = o.allMs[o.usedMs]
	o.usedMs++
	*m = threadState{id: id, g: -1, p: -1, index: model.NoM}
	o.ms[id] = m
	return m
}

// proc is the P id, nil if its status was not told yet.
func (o *order) proc(id uint64) *procState {
	if id >= uint64(len(o.ps)) || o.ps[id].status == procUnknown {
		return nil
	}
	return &o.ps[id]
}

// verdict is whether an event can come next.
type verdict uint8

const (
	taken    verdict = iota // it did, and was translated
	later                   // not before an event of another thread
	doubtful                // never, as far as this decoder can tell
)

// takers take the next event of a thread if it can come next. What they demand
// of an event is what golang.org/x/exp/trace does, or more: where they doubt,
// that package reads the generation.
var takers = [256]func(*wire, *cursor) verdict{
	evProcsChange: (*wire).procsChange, evProcStart: (*wire).procStart, evProcStop: (*wire).procStop,
	evProcSteal: (*wire).procSteal, evProcStatus: (*wire).procStatus,
	evGoCreate: (*wire).goCreate, evGoCreateBlocked: (*wire).goCreate, evGoCreateSyscall: (*wire).goCreateSyscall,
	evGoStart: (*wire).goStart, evGoDestroy: (*wire).goDestroy, evGoDestroySyscall: (*wire).goDestroySyscall,
	evGoStop: (*wire).goStop, evGoBlock: (*wire).goStop, evGoUnblock: (*wire).goUnblock,
	evGoSwitch: (*wire).goSwitch, evGoSwitchDestroy: (*wire).goSwitch,
	evGoSyscallBegin: (*wire).syscallBegin, evGoSyscallEnd: (*wire).syscallEnd, evGoSyscallEndBlocked: (*wire).syscallEndBlocked,
	evGoStatus: (*wire).goStatus, evGoStatusStack: (*wire).goStatus,
	evSTWBegin: (*wire).stwBegin, evSTWEnd: (*wire).stwEnd,
	evGCActive: (*wire).gcActive, evGCBegin: (*wire).gcBegin, evGCEnd: (*wire).gcEnd,
	evGCSweepActive: (*wire).sweepActive, evGCSweepBegin: (*wire).sweepBegin, evGCSweepEnd: (*wire).sweepEnd,
	evGCMarkAssistActive: (*wire).assistActive, evGCMarkAssistBegin: (*wire).assistBegin, evGCMarkAssistEnd: (*wire).assistEnd,
	evHeapAlloc: (*wire).heap, evHeapGoal: (*wire).heap,
	evGoLabel: (*wire).label, evUserTaskBegin: (*wire).taskBegin, evUserTaskEnd: (*wire).taskEnd,
	evUserRegionBegin: (*wire).region, evUserRegionEnd: (*wire).region, evUserLog: (*wire).log,
	evSpan: (*wire).experimental, evSpanAlloc: (*wire).experimental, evSpanFree: (*wire).experimental,
	evHeapObject: (*wire).experimental, evHeapObjectAlloc: (*wire).experimental, evHeapObjectFree: (*wire).experimental,
	evGoroutineStack: (*wire).experimental, evGoroutineStackAlloc: (*wire).experimental, evGoroutineStackFree: (*wire).experimental,
}

// full reports whether the event's M has a P and a G.
func (c *cursor) full() bool { return c.m.p >= 0 && c.m.g >= 0 }

// current is the live goroutine that runs on c's M with a P, in the status
// given; nil if there is none.
func (w *wire) current(c *cursor, status uint8) *goState {
	if !c.full() {
		return nil
	}
	if g := &w.gs.all[c.m.g]; g.status == status {
		return g
	}
	return nil
}

// soundID reports whether id can be a goroutine's.
func soundID(id uint64) bool { return id <= math.MaxInt64 }

func when(ok bool) verdict {
	if ok {
		return taken
	}
	return doubtful
}

func (w *wire) goStart(c *cursor) verdict {
	i, g := w.gs.live(c.args[0])
	if g == nil || g.status != goRunnable || !g.follows(c.args[1]) {
		return later
	}
	if c.m.p < 0 || c.m.g >= 0 {
		return doubtful
	}
	g.status = goRunning
	g.seq++
	w.event(c, model.OpExecute).Subject = g.id
	c.m.g = i
	return taken
}

// goStop is GoStop as well as GoBlock.
func (w *wire) goStop(c *cursor) verdict {
	g := w.current(c, goRunning)
	if g == nil {
		return doubtful
	}
	op := model.OpPark
	g.status = goWaiting
	if c.typ == evGoStop {
		op = model.OpGosched
		g.status = goRunnable
	}
	x := w.event(c, op)
	x.Subject = g.id
	var ok bool
	x.Reason, ok = w.reason(c.args[0])
	if op == model.OpGosched && w.texts.lacksGosched(c.args[0]) {
		x.Reason = model.ReasonGosched
	}
	c.m.g = -1
	return when(ok && w.setStack(x, c.args[1]))
}

func (w *wire) goUnblock(c *cursor) verdict {
	_, g := w.gs.live(c.args[0])
	if g == nil || g.status != goWaiting || !g.follows(c.args[1]) {
		return later
	}
	g.status = goRunnable
	g.seq++
	x := w.event(c, model.OpReady)
	x.Subject = g.id
	return when(w.setStack(x, c.args[2]))
}

// goSwitch is GoSwitch as well as GoSwitchDestroy: a goroutine readies another,
// parks or ends, and the other runs.
func (w *wire) goSwitch(c *cursor) verdict {
	g := w.current(c, goRunning)
	if g == nil {
		return doubtful
	}
	i, next := w.gs.live(c.args[0])
	if next == nil || next.status != goWaiting || !next.follows(c.args[1]) {
		return later
	}
	w.event(c, model.OpReady).Subject = next.id
	if c.typ == evGoSwitch {
		g.status = goWaiting
		w.event(c, model.OpPark).Subject = g.id
	} else {
		w.event(c, model.OpGoexit).Subject = g.id
		w.bury(c.m.g)
	}
	c.m.g = -1
	w.event(c, model.OpExecute).Subject = next.id
	next.status = goRunning
	next.seq++
	c.m.g = i
	return taken
}

// goCreate is GoCreate as well as GoCreateBlocked.
func (w *wire) goCreate(c *cursor) verdict {
	id := c.args[0]
	if c.m.p < 0 || !soundID(id) || !w.hasStack(c.args[2]) {
		return doubtful
	}
	if c.m.g >= 0 {
		if s := w.gs.all[c.m.g].status; s != goRunning && s != goGone {
			return doubtful
		}
	}
	if _, g := w.gs.live(id); g != nil {
		return doubtful
	}
	op, status := model.OpNewproc, uint8(goRunnable)
	if c.typ == evGoCreateBlocked {
		op, status = model.OpNewprocBlocked, goWaiting
	}
	w.gs.put(id, status)
	w.t.live++
	x := w.event(c, op)
	x.Subject = int64(id)
	return when(w.setStack(x, c.args[1]))
}

func (w *wire) goCreateSyscall(c *cursor) verdict {
	id := c.args[0]
	if c.m == w.noM || c.m.g >= 0 || !soundID(id) {
		return doubtful
	}
	if _, g := w.gs.live(id); g != nil {
		return doubtful
	}
	w.event(c, model.OpNewprocSyscall).Subject = int64(id)
	w.t.live++
	c.m.g = w.gs.put(id, goSyscall)
	return taken
}

func (w *wire) goDestroy(c *cursor) verdict {
	g := w.current(c, goRunning)
	if g == nil {
		return doubtful
	}
	w.event(c, model.OpGoexit).Subject = g.id
	w.bury(c.m.g)
	c.m.g = -1
	return taken
}

// goDestroySyscall also takes the P from the M, if it has one: the M's id may be
// used again at once.
func (w *wire) goDestroySyscall(c *cursor) verdict {
	if c.m.g < 0 || w.gs.all[c.m.g].status != goSyscall {
		return doubtful
	}
	if c.m.p >= 0 {
		p := &w.ps[c.m.p]
		if p.status != procSyscall {
			return doubtful
		}
		p.status = procAbandoned
		w.event(c, model.OpReleasep).Subject = int64(c.m.p)
	}
	w.event(c, model.OpGoexitSyscall).Subject = w.gs.all[c.m.g].id
	w.bury(c.m.g)
	c.m.g, c.m.p = -1, -1
	return taken
}

// bury ends a goroutine, and what it was in.
func (w *wire) bury(i int32) {
	g := &w.gs.all[i]
	if g.regional {
		delete(w.regions, i)
	}
	if k := slices.Index(w.stw, i); k >= 0 {
		w.stw = slices.Delete(w.stw, k, k+1)
	}
	*g = goState{id: g.id}
	w.t.live--
}

func (w *wire) syscallBegin(c *cursor) verdict {
	g := w.current(c, goRunning)
	if g == nil {
		return doubtful
	}
	p := &w.ps[c.m.p]
	if !p.follows(c.args[0]) {
		return doubtful
	}
	g.status, p.status = goSyscall, procSyscall
	p.seq++
	x := w.event(c, model.OpEntersyscall)
	x.Subject = g.id
	return when(w.setStack(x, c.args[1]))
}

func (w *wire) syscallEnd(c *cursor) verdict {
	g := w.current(c, goSyscall)
	if g == nil || w.ps[c.m.p].status != procSyscall {
		return doubtful
	}
	g.status, w.ps[c.m.p].status = goRunning, procRunning
	w.event(c, model.OpExitsyscall).Subject = g.id
	return taken
}

// syscallEndBlocked waits until the P is taken away from the M, which may have
// got another by then.
func (w *wire) syscallEndBlocked(c *cursor) verdict {
	if c.m.p >= 0 && w.ps[c.m.p].status == procSyscall {
		return later
	}
	if c.m.g < 0 || w.gs.all[c.m.g].status != goSyscall {
		return doubtful
	}
	g := &w.gs.all[c.m.g]
	g.status = goRunnable
	w.event(c, model.OpExitsyscallNoP).Subject = g.id
	c.m.g = -1
	return taken
}

// gstateOf is the model's state for the trace's status.
var gstateOf = [numGoStatus]model.GState{goRunnable: model.GRunnable, goRunning: model.GRunning, goSyscall: model.GSyscall, goWaiting: model.GWaiting}

// goStatus is GoStatus as well as GoStatusStack.
func (w *wire) goStatus(c *cursor) verdict {
	id, mid, status := c.args[0], c.args[1], uint8(c.args[2])
	if status == goGone || status >= numGoStatus || !soundID(id) {
		return doubtful
	}
	i, g := w.gs.live(id)
	switch {
	case g == nil:
		i = w.gs.put(id, status)
	case g.status != status:
		return doubtful
	default:
		g.seq = 0
	}
	m, on := c.m, c.m.g // whose event it is
	if status == goSyscall && mid != c.m.id {
		var ok bool
		if m, on, ok = w.inSyscall(c, i, mid); !ok {
			return doubtful
		}
	}
	x := w.restate(c, m, on)
	x.Subject, x.Arg = int64(id), int64(gstateOf[status])
	w.t.live++
	if m == c.m && (status == goRunning || status == goSyscall) {
		if status == goSyscall && c.m == w.noM {
			return doubtful
		}
		c.m.g = i
	}
	return when(c.typ == evGoStatus || w.setStack(x, c.args[3]))
}

// inSyscall is the M that the goroutine i has been in a system call on for the
// whole generation, told by another one, and the goroutine that the event is of.
func (w *wire) inSyscall(c *cursor, i int32, mid uint64) (m *threadState, on int32, ok bool) {
	if mid == noThread {
		return nil, 0, false
	}
	m = w.thread(mid)
	if m.seen {
		return m, m.g, m.g == i
	}
	m.seen, m.g = true, i
	return m, c.m.g, true
}

func (w *wire) procStart(c *cursor) verdict {
	p := w.proc(c.args[0])
	if p == nil || p.status != procIdle || !p.follows(c.args[1]) || c.m.p >= 0 {
		return later
	}
	if c.m == w.noM {
		return doubtful
	}
	p.status = procRunning
	p.seq++
	w.event(c, model.OpAcquirep).Subject = int64(c.args[0])
	c.m.p = int32(c.args[0])
	return taken
}

func (w *wire) procStop(c *cursor) verdict {
	if c.m.p < 0 {
		return doubtful
	}
	p := &w.ps[c.m.p]
	if p.status != procRunning && p.status != procSyscall {
		return doubtful
	}
	p.status = procIdle
	w.event(c, model.OpReleasep).Subject = int64(c.m.p)
	c.m.p = -1
	return taken
}

func (w *wire) procSteal(c *cursor) verdict {
	id := c.args[0]
	p := w.proc(id)
	if p == nil || p.status != procSyscall && p.status != procAbandoned || !p.follows(c.args[1]) {
		return later
	}
	if c.m == w.noM {
		return doubtful
	}
	lost := p.status == procAbandoned
	p.status = procIdle
	p.seq++
	op := model.OpRetake
	if c.m.p == int32(id) {
		op = model.OpReleasep
	}
	w.event(c, op).Subject = int64(id)
	if lost {
		return taken // The M may have gone on: there is nothing to take from it.
	}
	from := w.ms[c.args[2]]
	if from == nil || !from.seen || from.p != int32(id) {
		return doubtful
	}
	from.p = -1
	return taken
}

// pstateOf is the model's state for the trace's status.
var pstateOf = [numProcStatus]model.PState{procRunning: model.PRunning, procIdle: model.PIdle, procSyscall: model.PRunning, procAbandoned: model.PIdle}

func (w *wire) procStatus(c *cursor) verdict {
	id, status := c.args[0], uint8(c.args[1])
	if status == procUnknown || status >= numProcStatus || id >= maxProcID {
		return doubtful
	}
	if p := w.proc(id); p != nil {
		return w.procStatusAgain(c, p, status)
	}
	for uint64(len(w.ps)) <= id {
		w.ps = append(w.ps, procState{})
	}
	w.ps[id] = procState{status: status}
	x := w.event(c, model.OpProcStatus)
	x.Subject, x.Arg = int64(id), int64(pstateOf[status])
	w.bindP(c, id, status)
	return taken
}

func (w *wire) bindP(c *cursor, id uint64, status uint8) {
	if status == procRunning || status == procSyscall {
		c.m.p = int32(id)
	}
}

// procStatusAgain is the status of a P that was told before. It says what the
// translator makes of it: that the P was acquired, or taken.
func (w *wire) procStatusAgain(c *cursor, p *procState, status uint8) verdict {
	if status == procAbandoned && p.status == procSyscall {
		return doubtful // It is told by another M than it is of, and rare.
	}
	if status != p.status {
		return doubtful
	}
	id := c.args[0]
	p.seq = 0
	op := model.OpAcquirep
	if pstateOf[status] != model.PRunning {
		op = model.OpRetake
		if c.m.p == int32(id) {
			op = model.OpReleasep
		}
	}
	w.event(c, op).Subject = int64(id)
	w.bindP(c, id, status)
	return taken
}

func (w *wire) procsChange(c *cursor) verdict {
	if !c.full() || !w.hasStack(c.args[1]) {
		return doubtful
	}
	w.event(c, model.OpGOMAXPROCS).Arg = int64(min(c.args[0], math.MaxInt64))
	return taken
}

// heap is HeapAlloc as well as HeapGoal.
func (w *wire) heap(c *cursor) verdict {
	if c.m.p < 0 {
		return doubtful
	}
	op := model.OpHeapAlloc
	if c.typ == evHeapGoal {
		op = model.OpHeapGoal
	}
	w.event(c, op).Arg = int64(min(c.args[0], math.MaxInt64))
	return taken
}

// experimental events are of no use here.
func (w *wire) experimental(c *cursor) verdict {
	if c.m == w.noM {
		return doubtful
	}
	w.number(c.m)
	w.stamp(c.time)
	return taken
}
