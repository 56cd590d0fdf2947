package load

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/exp/trace"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// maxProcID bounds the ids of Ps that are believed. The runtime allows
// GOMAXPROCS up to a few thousand at the most; a larger id is damage, and a
// table indexed by it would be huge.
const maxProcID = 1 << 16

// translator turns the events of one trace.Reader into model events. It is
// used generation after generation by one goroutine.
type translator struct {
	v1 bool // of Go 1.21 or before: some Ps are made up by the reader

	ev  trace.Event // the event at hand; a field so that handing on its address costs nothing
	out *Batch      // being filled

	// The generation's tables; see batch for how they count.
	stacks     map[trace.Stack]uint32
	flags      []model.Flags                   // of stack i+1
	recent     [model.OpGeneration]recentStack // by Op
	threads    map[trace.ThreadID]model.MIndex
	lastThread trace.ThreadID
	lastM      model.MIndex
	before     model.Time // of the event translated last
	read       uint32     // events of the generation that the reader gave
	began      model.Time // the generation
	last       model.Time // of the event that the reader gave last
	strings    map[string]int64
	procs      map[trace.ProcID]bool // whose status was told

	known   map[string]knownStack // over all generations, by key
	learnt  []string              // keys of known that the generation added
	keyBuf  []byte
	live    int64 // goroutines that the reader keeps state of, at the most
	dropped int64 // events that made no sense
}

// recentStack remembers the stack seen last for an Op: loops stop at the same
// place again and again, and comparing is cheaper than a map.
type recentStack struct {
	stack trace.Stack
	index uint32
}

// knownStack is what was worked out for a stack in an earlier generation.
type knownStack struct {
	names.StackFrames
	flags model.Flags
}

// maxKnownStacks bounds the translator's memory of stacks; beyond, it forgets
// them all and starts again.
const maxKnownStacks = 1 << 16

func newTranslator(v1 bool) *translator {
	return &translator{v1: v1, known: map[string]knownStack{}}
}

// begin starts a generation: all tables are empty again. The generation's
// event, of the time given, is the first of b.
func (t *translator) begin(b *Batch, at model.Time, clock *ClockSnapshot) {
	t.out = b
	t.learnt = nil
	t.stacks = map[trace.Stack]uint32{}
	t.flags = t.flags[:0]
	t.recent = [len(t.recent)]recentStack{}
	t.threads = map[trace.ThreadID]model.MIndex{}
	t.lastThread, t.lastM = trace.NoThread, model.NoM
	t.strings = map[string]int64{}
	t.procs = map[trace.ProcID]bool{}
	t.live = 0
	b.Events = append(b.Events, model.Event{Time: at, Op: model.OpGeneration, G: model.NoG, P: model.NoP, M: model.NoM})
	b.Clock = clock
	t.read, t.began, t.before = 1, at, at
	b.Nth = append(b.Nth, t.read)
}

// pushMost is how long after its beginning a generation's events may still be
// pushed back by the last ones of the generation before: see pushBack in replay.
const pushMost = 100_000_000 // ns

// clockOf is the wall-clock reading that a generation begins with, nil where
// the trace has none (formats before 1.25).
func clockOf(ev *trace.Event) *ClockSnapshot {
	c := ev.Sync().ClockSnapshot
	if c == nil {
		return nil
	}
	return &ClockSnapshot{Trace: model.Time(c.Trace), Wall: c.Wall}
}

// ClockSnapshot is a moment on both clocks.
type ClockSnapshot struct {
	Trace model.Time
	Wall  time.Time
}

// At is the wall-clock time of t.
func (c *ClockSnapshot) At(t model.Time) time.Time { return c.Wall.Add(t.Sub(c.Trace)) }

// translate appends t.ev to the batch, unless it is of a kind that the model
// has no use for.
func (t *translator) translate() {
	t.read++
	t.last = model.Time(t.ev.Time())
	n := len(t.out.Events)
	if n == cap(t.out.Events) {
		t.out.Events = slices.Grow(t.out.Events, 1)
	}
	// Written in place: handed to a handler, a local one would escape.
	t.out.Events = t.out.Events[:n+1]
	x := &t.out.Events[n]
	if !t.context(x) {
		t.out.Events = t.out.Events[:n]
		t.dropped++
		return
	}
	switch kind := t.ev.Kind(); kind {
	case trace.EventStateTransition:
		t.transition(x)
	default:
		if h := handlers[kind]; h != nil {
			h(t, x)
		}
	}
	if x.Op == model.OpNone {
		t.out.Events = t.out.Events[:n]
		return
	}
	if x.Time-t.began < pushMost {
		t.out.Nth = append(t.out.Nth, t.read)
	}
	t.before = x.Time
}

// context makes x an event of the time, M, P and G at hand. It returns false if
// they make no sense.
func (t *translator) context(x *model.Event) bool {
	g, p := t.ev.Goroutine(), t.ev.Proc()
	*x = model.Event{Time: model.Time(t.ev.Time()), G: model.GoID(g), P: model.ProcID(p), M: t.thread(t.ev.Thread())}
	if uint64(p) < maxProcID || p == trace.NoProc {
		return g >= trace.NoGoroutine
	}
	x.P = model.NoP
	return t.v1 && g >= trace.NoGoroutine
}

// handlers translate the rarer kinds of events. One that leaves Op alone drops
// the event.
var handlers = [trace.EventExperimental + 1]func(*translator, *model.Event){
	trace.EventMetric:      (*translator).metric,
	trace.EventLabel:       (*translator).label,
	trace.EventStackSample: (*translator).cpuSample,
	trace.EventRangeBegin:  (*translator).rangeBegin,
	trace.EventRangeActive: (*translator).rangeActive,
	trace.EventRangeEnd:    (*translator).rangeEnd,
	trace.EventTaskBegin:   (*translator).task,
	trace.EventTaskEnd:     (*translator).task,
	trace.EventRegionBegin: (*translator).region,
	trace.EventRegionEnd:   (*translator).region,
	trace.EventLog:         (*translator).log,
}

// gstates maps the reader's states to the model's.
var gstates = [...]model.GState{
	trace.GoUndetermined: model.GUndetermined,
	trace.GoNotExist:     model.GNotExist,
	trace.GoRunnable:     model.GRunnable,
	trace.GoRunning:      model.GRunning,
	trace.GoWaiting:      model.GWaiting,
	trace.GoSyscall:      model.GSyscall,
}

// pstates maps the reader's states to the model's.
var pstates = [...]model.PState{
	trace.ProcUndetermined: model.PUndetermined,
	trace.ProcNotExist:     model.PNotExist,
	trace.ProcRunning:      model.PRunning,
	trace.ProcIdle:         model.PIdle,
}

// goOps is the operation behind each change of a goroutine's state, from and
// to. What is not there does not happen.
var goOps = [len(gstates)][len(gstates)]model.Op{
	trace.GoNotExist: {
		trace.GoRunnable: model.OpNewproc,
		trace.GoWaiting:  model.OpNewprocBlocked,
		trace.GoSyscall:  model.OpNewprocSyscall,
	},
	trace.GoRunnable: {trace.GoRunning: model.OpExecute},
	trace.GoRunning: {
		trace.GoWaiting:  model.OpPark,
		trace.GoRunnable: model.OpGosched,
		trace.GoNotExist: model.OpGoexit,
		trace.GoSyscall:  model.OpEntersyscall,
	},
	trace.GoWaiting: {trace.GoRunnable: model.OpReady},
	trace.GoSyscall: {
		trace.GoRunning:  model.OpExitsyscall,
		trace.GoRunnable: model.OpExitsyscallNoP,
		trace.GoNotExist: model.OpGoexitSyscall,
	},
}

func (t *translator) transition(x *model.Event) {
	st := t.ev.StateTransition()
	switch st.Resource.Kind {
	case trace.ResourceGoroutine:
		t.goTransition(x, &st)
	case trace.ResourceProc:
		t.procTransition(x, &st)
	}
}

func (t *translator) goTransition(x *model.Event, st *trace.StateTransition) {
	from, to := st.Goroutine()
	x.Subject = int64(st.Resource.Goroutine())
	if x.Subject < 0 || int(from) >= len(goOps) || int(to) >= len(goOps) {
		t.dropped++
		return
	}
	if from == to || from == trace.GoUndetermined {
		// Not a change but the state at the start of a generation.
		x.Op, x.Arg = model.OpGoStatus, int64(gstates[to])
		t.live++
		if x.P == model.NoP && !t.v1 {
			// The tracer restates idle goroutines after the next generation
			// has begun, for a good while if they are many. Their own times
			// would push that generation's events back.
			x.Time = t.before
		}
		t.setStack(x, st.Stack)
		return
	}
	x.Op = goOps[from][to]
	switch x.Op {
	case model.OpNone:
		t.dropped++
	case model.OpNewproc, model.OpNewprocBlocked:
		t.live++
		t.setStack(x, st.Stack) // where it starts; Event.Stack is its creator's
	case model.OpNewprocSyscall:
		t.live++
	case model.OpPark, model.OpGosched:
		x.Reason = reason(st.Reason)
		t.setStack(x, st.Stack)
	case model.OpEntersyscall:
		t.setStack(x, st.Stack)
	case model.OpReady:
		t.setStack(x, t.ev.Stack())
	case model.OpExecute:
		x.G = model.NoG // for formats up to 1.21 the reader says otherwise
	case model.OpGoexit, model.OpGoexitSyscall:
		t.live--
	case model.OpExitsyscall:
		if t.v1 {
			t.unended(x)
		}
	}
}

// unended marks a system call whose end the reader has made up, 1 ns after its
// beginning: formats up to 1.21 record it only where the call lost its P.
func (t *translator) unended(x *model.Event) {
	x.Flags |= model.FlagNoEnd
	if n := len(t.out.Events); n > 1 && t.out.Events[n-2].Op == model.OpEntersyscall && t.out.Events[n-2].Subject == x.Subject {
		t.out.Events[n-2].Flags |= model.FlagNoEnd
	}
}

func (t *translator) procTransition(x *model.Event, st *trace.StateTransition) {
	from, to := st.Proc()
	p := st.Resource.Proc()
	x.Subject = int64(p)
	if uint64(p) >= maxProcID {
		t.dropped++
		return
	}
	// A generation tells each P's status once, before all else of that P. So
	// a second Idle→Idle is no status but a retake of a P whose M was lost
	// sight of in a system call.
	status := from == to || from == trace.ProcUndetermined || from == trace.ProcNotExist
	switch {
	case status && !t.procs[p]:
		t.procs[p] = true
		x.Op, x.Arg = model.OpProcStatus, int64(pstates[to])
	case to == trace.ProcRunning:
		x.Op = model.OpAcquirep
	case t.ev.Proc() != p:
		x.Op = model.OpRetake
	default:
		x.Op = model.OpReleasep
	}
}

func (t *translator) metric(x *model.Event) {
	m := t.ev.Metric()
	switch m.Name {
	case "/sched/gomaxprocs:threads":
		x.Op = model.OpGOMAXPROCS
	case "/memory/classes/heap/objects:bytes":
		x.Op = model.OpHeapAlloc
	case "/gc/heap/goal:bytes":
		x.Op = model.OpHeapGoal
	default:
		return
	}
	x.Arg = int64(min(m.Value.Uint64(), math.MaxInt64))
}

func (t *translator) label(x *model.Event) {
	l := t.ev.Label()
	x.Op, x.Arg = model.OpLabel, t.str(l.Label)
	if g := l.Resource.Goroutine(); g >= 0 {
		x.G = model.GoID(g)
	}
	x.Flags |= labelFlags(l.Label)
}

// labelFlags is what a goroutine's label says of it.
func labelFlags(label string) model.Flags {
	switch label {
	case "GC (dedicated)":
		return model.FlagDedicated
	case "GC (fractional)":
		return model.FlagFractional
	case "GC (idle)":
		return model.FlagGCIdle
	}
	return 0
}

func (t *translator) cpuSample(x *model.Event) {
	x.Op = model.OpCPUSample
	t.setStack(x, t.ev.Stack())
}

// stwPrefix begins the name of every stop-the-world range; the cause follows
// in brackets.
const stwPrefix = "stop-the-world ("

func (t *translator) rangeBegin(x *model.Event) {
	switch r := t.ev.Range(); r.Name {
	case "GC concurrent mark phase":
		x.Op = model.OpGCBegin
	case "GC incremental sweep":
		x.Op = model.OpSweepBegin
	case "GC mark assist":
		x.Op = model.OpAssistBegin
	default:
		if !strings.HasPrefix(r.Name, stwPrefix) {
			return
		}
		x.Op = model.OpSTWBegin
		x.Arg = t.str(strings.TrimSuffix(r.Name[len(stwPrefix):], ")"))
	}
	t.setStack(x, t.ev.Stack())
}

// rangeActive is a range that began before the generation: a beginning with
// Arg 1. Its P or G need not be those of the event.
func (t *translator) rangeActive(x *model.Event) {
	r := t.ev.Range()
	switch r.Name {
	case "GC concurrent mark phase":
		x.Op = model.OpGCBegin
	case "GC incremental sweep":
		p := r.Scope.Proc()
		if uint64(p) >= maxProcID {
			t.dropped++
			return
		}
		x.Op, x.P = model.OpSweepBegin, model.ProcID(p)
	case "GC mark assist":
		x.Op, x.G = model.OpAssistBegin, model.GoID(r.Scope.Goroutine())
	}
	x.Arg = 1
}

func (t *translator) rangeEnd(x *model.Event) {
	switch r := t.ev.Range(); r.Name {
	case "GC concurrent mark phase":
		x.Op = model.OpGCEnd
	case "GC incremental sweep":
		x.Op = model.OpSweepEnd
	case "GC mark assist":
		x.Op = model.OpAssistEnd
	default:
		if strings.HasPrefix(r.Name, stwPrefix) {
			x.Op = model.OpSTWEnd
		}
	}
}

func (t *translator) task(x *model.Event) {
	task := t.ev.Task()
	x.Subject = int64(task.ID)
	x.Op = model.OpTaskEnd
	if t.ev.Kind() == trace.EventTaskBegin {
		x.Op, x.Arg = model.OpTaskBegin, t.str(task.Type)
		t.setStack(x, t.ev.Stack())
	}
}

func (t *translator) region(x *model.Event) {
	r := t.ev.Region()
	x.Subject, x.Arg = int64(r.Task), t.str(r.Type)
	x.Op = model.OpRegionEnd
	if t.ev.Kind() == trace.EventRegionBegin {
		x.Op = model.OpRegionBegin
		t.setStack(x, t.ev.Stack())
	}
}

func (t *translator) log(x *model.Event) {
	l := t.ev.Log()
	x.Op, x.Subject, x.Arg, x.Flags = model.OpLog, int64(l.Task), t.str(l.Message), logFlags(l.Category)
}

// thread is the index of a thread in the generation's table.
func (t *translator) thread(id trace.ThreadID) model.MIndex {
	if id == t.lastThread {
		return t.lastM
	}
	if id == trace.NoThread {
		return model.NoM
	}
	m, ok := t.threads[id]
	if !ok {
		m = model.MIndex(len(t.threads))
		t.threads[id] = m
		t.out.Threads = append(t.out.Threads, int64(id))
	}
	t.lastThread, t.lastM = id, m
	return m
}

// str is the index of a string in the generation's table, 0 for "".
func (t *translator) str(s string) int64 {
	if s == "" {
		return 0
	}
	i, ok := t.strings[s]
	if !ok {
		t.out.Strings = append(t.out.Strings, s)
		i = int64(len(t.strings)) + 1
		t.strings[s] = i
	}
	return i
}

// setStack puts the stack into x, by its index in the generation's table, with
// the flags that follow from it.
func (t *translator) setStack(x *model.Event, s trace.Stack) {
	if s == trace.NoStack {
		return
	}
	r := &t.recent[x.Op]
	if r.stack != s {
		i, ok := t.stacks[s]
		if !ok {
			i = t.addStack(s)
		}
		*r = recentStack{s, i}
	}
	if r.index == 0 {
		return
	}
	x.Stack = r.index
	x.Flags |= t.flags[r.index-1]
}

// addStack appends a stack to the generation's table. Its index is 0 if it has
// no frames.
func (t *translator) addStack(s trace.Stack) uint32 {
	t.keyBuf = t.keyBuf[:0]
	for f := range s.Frames() {
		t.keyBuf = binary.LittleEndian.AppendUint64(t.keyBuf, f.PC)
	}
	if len(t.keyBuf) == 0 {
		t.stacks[s] = 0
		return 0
	}
	k, ok := t.known[string(t.keyBuf)]
	if !ok {
		k = resolve(s, string(t.keyBuf))
		t.remember(k)
	}
	i := t.appendStack(k)
	t.stacks[s] = i
	return i
}

// remember keeps what was worked out for a stack.
func (t *translator) remember(k knownStack) {
	if len(t.known) >= maxKnownStacks {
		clear(t.known)
	}
	t.known[k.Key] = k
	t.learnt = append(t.learnt, k.Key)
}

// unlearn forgets the stacks that the generation added.
func (t *translator) unlearn() {
	for _, key := range t.learnt {
		delete(t.known, key)
	}
	t.learnt = nil
}

// appendStack appends a stack to the generation's table, and returns its index.
func (t *translator) appendStack(k knownStack) uint32 {
	t.out.Stacks = append(t.out.Stacks, k.StackFrames)
	t.flags = append(t.flags, k.flags)
	return uint32(len(t.flags))
}

// resolve spells a stack out.
func resolve(s trace.Stack, key string) knownStack {
	k := knownStack{StackFrames: names.StackFrames{Key: key, Frames: make([]report.Frame, 0, len(key)/8)}}
	for f := range s.Frames() {
		k.Frames = append(k.Frames, report.Frame{Func: f.Func, File: f.File, Line: f.Line})
	}
	k.flags = stackFlags(k.Frames)
	return k
}

// stackFlags is what a stack, innermost frame first, proves about an event.
func stackFlags(frames []report.Frame) model.Flags {
	fl := model.FlagStack
	switch frames[0].Func {
	case "runtime.semrelease1":
		fl |= model.FlagSemrelease
	case "runtime.systemstack_switch":
		fl |= model.FlagSystemstack
	}
	for _, f := range frames {
		fl |= frameFlags(f.Func)
	}
	start := frames[len(frames)-1].Func
	if strings.HasPrefix(start, "runtime/trace.") {
		fl |= model.FlagTraceReader
	}
	if names.IsRuntime(start) {
		fl |= model.FlagRuntimeG
	}
	return fl
}

// frameFlags is what one function anywhere on a stack proves. The functions
// are those of the Go versions 1.11 to 1.26.
func frameFlags(fn string) model.Flags {
	switch fn {
	case "runtime.goyield":
		return model.FlagGoyield
	case "runtime.asyncPreempt", "runtime.asyncPreempt2":
		return model.FlagAsyncPreempt
	case "runtime.gcBgMarkWorker":
		return model.FlagGCWorker
	case "runtime.gcMarkDone", "runtime.gcMarkTermination":
		return model.FlagGCMarkDone
	case "runtime.ReadTrace", "runtime.readTrace0":
		return model.FlagTraceReader
	case "runtime.injectglist":
		return model.FlagInject
	case "runtime.bgscavenge":
		return model.FlagScavenger
	}
	return 0
}

// reason is the model's word for the runtime's.
func reason(s string) model.Reason {
	switch s {
	case "":
		return model.ReasonNone
	case "forever":
		return model.ReasonForever
	case "network":
		return model.ReasonNetwork
	case "select":
		return model.ReasonSelect
	case "sync.(*Cond).Wait":
		return model.ReasonCond
	case "sync":
		return model.ReasonSync
	case "chan send":
		return model.ReasonChanSend
	case "chan receive":
		return model.ReasonChanRecv
	case "GC mark assist wait for work":
		return model.ReasonAssist
	case "GC background sweeper wait":
		return model.ReasonSweep
	case "system goroutine wait":
		return model.ReasonSystem
	case "preempted":
		return model.ReasonPreempted
	case "wait for debug call":
		return model.ReasonDebugCall
	case "wait until GC ends":
		return model.ReasonUntilGCEnds
	case "sleep":
		return model.ReasonSleep
	case "GC weak to strong wait":
		return model.ReasonWeakToStrong
	case "synctest":
		return model.ReasonSynctest
	case "runtime.Gosched":
		return model.ReasonGosched
	}
	return model.ReasonOther
}
