package model

import "slices"

// Facts are what Step has found out since they were last Reset, each kind in
// order of time. An interval stands at its end.
type Facts struct {
	Dispatches  []Dispatch
	Gs          []GInterval
	Ps          []PInterval
	Ms          []MInterval
	Handoffs    []Handoff
	Preempts    []Preempt
	Wastes      []Waste
	Overflows   []Overflow
	Sysexits    []Sysexit
	Starts      []Start
	Divergences []Divergence
	Depths      []Depth     // only where Sched.Depths asks for them
	Shown       []PInterval // what Ps have been doing since the trace began, told when it first shows, which is their End
	Begun       []Beginning // what Ps begin to do, told at once, which is their End, those shown among it; only where Sched.Begun asks for it
	Doing       []Beginning // what Ps do when the facts are taken, by P, of those that did something else when they last were; only where Sched.Doing asks for it. Until takes nothing out of it
	Idling      []Idling    // that a P is idle beside a runnable goroutine, or no longer, told at once; likewise

	// Events are the events that change no scheduler state (collections, tasks,
	// labels …), delayed as the facts are.
	Events []Event

	Now Time // the time of the last event decided when they were taken
}

// Reset empties f and keeps its memory.
func (f *Facts) Reset() {
	f.Dispatches = f.Dispatches[:0]
	f.Gs = f.Gs[:0]
	f.Ps = f.Ps[:0]
	f.Ms = f.Ms[:0]
	f.Handoffs = f.Handoffs[:0]
	f.Preempts = f.Preempts[:0]
	f.Wastes = f.Wastes[:0]
	f.Overflows = f.Overflows[:0]
	f.Sysexits = f.Sysexits[:0]
	f.Starts = f.Starts[:0]
	f.Divergences = f.Divergences[:0]
	f.Depths = f.Depths[:0]
	f.Shown = f.Shown[:0]
	f.Begun = f.Begun[:0]
	f.Doing = f.Doing[:0]
	f.Idling = f.Idling[:0]
	f.Events = f.Events[:0]
}

// Until takes the facts up to a time out of f, whose later ones stay: whoever
// needs facts of several kinds together takes them moment by moment, or in portions
// that do not depend on when they were handed on. No fact is copied.
func (f *Facts) Until(t Time) Facts {
	return Facts{
		Dispatches:  until(&f.Dispatches, func(x *Dispatch) bool { return x.Time <= t }),
		Gs:          until(&f.Gs, func(x *GInterval) bool { return x.End <= t }),
		Ps:          until(&f.Ps, func(x *PInterval) bool { return x.End <= t }),
		Ms:          until(&f.Ms, func(x *MInterval) bool { return x.End <= t }),
		Handoffs:    until(&f.Handoffs, func(x *Handoff) bool { return x.Time <= t }),
		Preempts:    until(&f.Preempts, func(x *Preempt) bool { return x.Time <= t }),
		Wastes:      until(&f.Wastes, func(x *Waste) bool { return x.End <= t }),
		Overflows:   until(&f.Overflows, func(x *Overflow) bool { return x.Time <= t }),
		Sysexits:    until(&f.Sysexits, func(x *Sysexit) bool { return x.Time <= t }),
		Starts:      until(&f.Starts, func(x *Start) bool { return x.Time <= t }),
		Divergences: until(&f.Divergences, func(x *Divergence) bool { return x.Time <= t }),
		Depths:      until(&f.Depths, func(x *Depth) bool { return x.Time <= t }),
		Shown:       until(&f.Shown, func(x *PInterval) bool { return x.End <= t }),
		Begun:       until(&f.Begun, func(x *Beginning) bool { return x.End <= t }),
		Idling:      until(&f.Idling, func(x *Idling) bool { return x.Time <= t }),
		Events:      until(&f.Events, func(x *Event) bool { return x.Time <= t }),
		Now:         min(t, f.Now),
	}
}

// until takes the elements at the beginning of list that are wanted out of it.
func until[T any](list *[]T, wanted func(*T) bool) []T {
	n := 0
	for n < len(*list) && wanted(&(*list)[n]) {
		n++
	}
	head := (*list)[:n]
	*list = (*list)[n:]
	return head
}

// Depth is the number of runnable goroutines from a moment on.
type Depth struct {
	Time Time
	N    int32
}

// factCounts is how many facts of each kind there are.
type factCounts struct {
	dispatches, gs, ps, ms, handoffs, preempts, wastes, overflows, sysexits, starts, divergences, events int
}

func (f *Facts) counts() factCounts {
	return factCounts{len(f.Dispatches), len(f.Gs), len(f.Ps), len(f.Ms), len(f.Handoffs), len(f.Preempts), len(f.Wastes),
		len(f.Overflows), len(f.Sysexits), len(f.Starts), len(f.Divergences), len(f.Events)}
}

// cut drops the facts that came after n was counted.
func (f *Facts) cut(n factCounts) {
	f.Dispatches = f.Dispatches[:n.dispatches]
	f.Gs = f.Gs[:n.gs]
	f.Ps = f.Ps[:n.ps]
	f.Ms = f.Ms[:n.ms]
	f.Handoffs = f.Handoffs[:n.handoffs]
	f.Preempts = f.Preempts[:n.preempts]
	f.Wastes = f.Wastes[:n.wastes]
	f.Overflows = f.Overflows[:n.overflows]
	f.Sysexits = f.Sysexits[:n.sysexits]
	f.Starts = f.Starts[:n.starts]
	f.Divergences = f.Divergences[:n.divergences]
	f.Events = f.Events[:n.events]
}

// add makes room for one more fact, all zero. Facts are the bulk of what the model
// writes: they are written in place, field by field. The zero must not be one whose
// address is taken, as append does: copied from memory it costs a stall each.
func add[T any](facts *[]T) *T {
	n := len(*facts)
	if n == cap(*facts) {
		*facts = slices.Grow(*facts, 1)
	}
	*facts = (*facts)[:n+1]
	x := &(*facts)[n]
	var zero T
	*x = zero
	return x
}

// Sources is a set of sources.
type Sources uint16

// With is the set and s.
func (set Sources) With(s Source) Sources { return set | 1<<s }

// Has reports whether s is in the set.
func (set Sources) Has(s Source) bool { return set&(1<<s) != 0 }

// onePlace reports whether all that is in the set is out of one queue. The victim's
// runnext is another place than its ring: a thief turns to it last.
func (set Sources) onePlace() bool { return set&(set-1) == 0 || set&^globalSources == 0 }

// Queues is a set of the places where P's own and the others' work stands.
type Queues uint8

// The queues.
const (
	QueueRunnext Queues = 1 << iota // the P's own
	QueueRing                       // the P's own
	QueueGlobal                     // told only of what came from elsewhere: in the global queue's turn, surely from its own P's queue, or from none
	QueueSelf                       // the P's own, and no other goroutine: the dispatched one itself has stood in local queues only
)

// QueueOwn is the P's own queue.
const QueueOwn = QueueRunnext | QueueRing

// Dispatch is one Runnable→Running of a goroutine, and where it came from.
type Dispatch struct {
	Time     Time
	Ready    Time // when it became runnable; a lower bound of the wait if Censored
	G        GoID
	By       GoID // who readied it, NoG if nobody or not known
	P        ProcID
	M        MIndex
	Victim   ProcID // whose queue was stolen from, NoP if no steal
	WaitedOn ProcID // whose local queue it stood in last, NoP for the global queue or unknown
	Func     uint32 // stack that G started with, 0 if not known
	Runnable int32  // goroutines still runnable after this dispatch
	Idle     int32  // Ps idle at this moment
	Queue    int32  // goroutines in the queue that it was taken from, this one included; of a steal, the victim's ring. 0 if it came from none
	Moved    uint8  // goroutines that the steal or the global batch moved, this one included
	DueMin   uint8  // of a steal: least that the rules let it take, as some of Queue may have come too late; of a global batch: what they let it take
	DueMax   uint8  // of a steal: most that they let it take; of a global batch: what the trace shows it took; 0 if only the rules themselves tell what was moved
	Turn     int8   // scheduling ticks since it was the global queue's turn on P, modulo 61: 0 is its turn; -1 if not known
	Beside   Queues // queues that held another goroutine all the while that P looked for work
	Source   Source
	Tick     Tick    // whether Source is SourceGlobalTick, where that is known
	Certain  bool    // no other place fits the rules: all of Sources are one queue
	Censored bool    // was runnable before the trace began
	Sources  Sources // all sources that fit
	Runtime  bool    // a goroutine of the runtime
}

// GInterval is a closed stretch of one goroutine's life in one state.
type GInterval struct {
	Start, End Time
	G          GoID
	By         GoID   // who ended a wait, NoG if nobody or not known
	P          ProcID // where it ran, or on whose local queue it stood
	Func       uint32 // stack that G started with, 0 if not known
	Stack      uint32 // stack that it parked with, 0 if none
	ByStack    uint32 // of a Waiting stretch: stack of who ended it, 0 if none
	State      GState
	Reason     Reason // of a Waiting stretch, and of the wait that a Woken one followed
	Open       Open
	Woken      bool // of a Runnable stretch: it began when a wait ended
	Polled     bool // of a Waiting stretch: ended by the monitor, sysmon: see Sched.monitor
	Exit       bool // the goroutine's last stretch: it ended
	First      bool // the goroutine's first stretch in the trace
	Assist     bool // inside a GC mark assist; running stretches are cut where one begins or ends
	Runtime    bool // a goroutine of the runtime
	Worker     bool // a GC mark worker
	Unended    bool // of a Syscall stretch: the trace does not tell when the call ended. It is a mark of 1 ns, and the call is part of the Running stretch that follows
}

// Open says at which ends an interval is cut off by the trace.
type Open uint8

// The ends of an interval that are not its own.
const (
	OpenStart Open = 1 << iota // the state began before the trace, or at a moment not known
	OpenEnd                    // it goes on after the trace
)

// PActivity is what a P does.
type PActivity uint8

// What a P can be doing.
const (
	PDoesIdle    PActivity = iota // no M holds it
	PDoesSched                    // an M holds it and runs no goroutine: findRunnable
	PDoesRun                      // a goroutine runs
	PDoesSyscall                  // its goroutine is in a system call, it is not taken yet
)

// PInterval is a closed stretch in which one P did one thing.
type PInterval struct {
	Start, End Time
	G          GoID
	P          ProcID
	M          MIndex
	Func       uint32 // of G
	Stack      uint32 // where G stopped at the end of a PDoesRun stretch, 0 if it did not or shows none
	Waiting    int32  // goroutines runnable at its end, G itself not counted
	Stopped    Op     // of a PDoesRun stretch: OpPark, OpGosched or OpGoexit with which it ended, OpNone if G did not stop
	Reason     Reason // for which G stopped
	Does       PActivity
	Source     Source // of G's dispatch: set on the stretch that it began, else unknown
	Certain    bool
	Runtime    bool // G belongs to the runtime
	Worker     bool // G is a GC mark worker
	First      bool // G's first stretch since its dispatch
}

// Beginning is what a P began to do, and of that no more than explaining a moment takes:
// there are as many as there are PIntervals.
type Beginning struct {
	Start   Time
	End     Time // when that was told
	G       GoID
	P       ProcID
	Func    uint32 // of G
	Does    PActivity
	Runtime bool // G belongs to the runtime
	Worker  bool // G is a GC mark worker
}

// MActivity is what a thread without a P does.
type MActivity uint8

// What a thread without a P can be doing.
const (
	MDoesPark    MActivity = iota // parked, or between two Ps
	MDoesSyscall                  // in a system call whose P was taken
)

// MInterval is a closed stretch of a thread without a P. With a P a thread does
// what the P does: see PInterval.M.
type MInterval struct {
	Start, End Time
	M          MIndex
	Does       MActivity
}

// HandoffCause is why a P left its M.
type HandoffCause uint8

// The causes of handoffs.
const (
	HandoffRetake    HandoffCause = iota // sysmon took it from a system call
	HandoffBlocking                      // entersyscallblock gave it away at once
	HandoffLockedM                       // the M waits for the goroutine locked to it
	HandoffMExit                         // the M ended with its locked goroutine
	HandoffSafepoint                     // stop-the-world or forEachP took it from a system call
	NumHandoffCauses
)

// String is the cause's name in every output.
func (c HandoffCause) String() string {
	return [...]string{"retake", "blocking-syscall", "locked-m", "m-exit", "safepoint", "invalid"}[min(c, NumHandoffCauses)]
}

// Handoff is a P that left its M so that another could run it.
type Handoff struct {
	Time  Time
	After Time   // length since the system call began, in nanoseconds; 0 where there was none
	G     GoID   // whose system call it was
	Stack uint32 // of the system call, 0 if none
	P     ProcID
	From  MIndex
	To    MIndex // the M that took it next, NoM while none follows in the look-ahead
	Cause HandoffCause
}

// How is the way in which a goroutine was made to stop, or stopped, running.
type How uint8

// The ways.
const (
	HowUnknown     How = iota // the trace does not hold it
	HowSignal                 // asyncPreempt
	HowCooperative            // stack check at a function call
	HowGosched                // runtime.Gosched
	HowGoyield                // goyield: to the tail of the own ring
	NumHows
)

// String is the way's name in every output.
func (h How) String() string {
	return [...]string{"unknown", "signal", "cooperative", "gosched", "goyield", "invalid"}[min(h, NumHows)]
}

// Preempt is a goroutine that stopped running although it could have gone on.
type Preempt struct {
	Time    Time
	Ran     Time // length since its dispatch, or since it left its last system call's P; in nanoseconds
	G       GoID
	P       ProcID
	Func    uint32
	Stack   uint32
	How     How
	Parked  bool // suspendG stopped it, for a stack scan or the tracer, until it resumes it
	Runtime bool
}

// Waste is a stretch in which a P was idle while a goroutine was runnable.
type Waste struct {
	Start, End Time
	Runnable   int32 // most goroutines runnable meanwhile
	Idle       int32 // most Ps idle meanwhile
}

// Idling is a moment from which a P is idle while a goroutine is runnable, or at
// which that is over.
type Idling struct {
	Time Time
	Is   bool
}

// Overflow is a full ring that gave its first half, and the goroutine that did
// not fit, to the global queue.
type Overflow struct {
	Time   Time
	G      GoID // that did not fit
	P      ProcID
	Global int32 // goroutines in the global queue after it
	Early  int32 // of those moved: P runs them before what was left at the head of its ring; -1 if the trace does not tell
	Full   bool  // the ring surely was: P itself ran all that stood in it
}

// Sysexit is a goroutine that left a system call without the P that it went in
// with.
type Sysexit struct {
	Time   Time
	G      GoID
	M      MIndex
	Global bool  // it was put onto the global queue; else its thread found an idle P
	Idle   int32 // of Global: Ps that were idle then and that nobody took soon after; -1 if some were, and may have been promised to waking threads
}

// Start is a thread that took up an idle P to run the scheduler on.
type Start struct {
	Time   Time
	P      ProcID
	M      MIndex
	Slept  Time  // length since it had a P or was in a system call, in nanoseconds; 0 of First
	First  bool  // the trace has not shown the thread before
	Parked int32 // of First: threads that were surely parked when it was made, and could have been taken
}

// DivergenceKind is a way in which the trace contradicted the model.
type DivergenceKind uint8

// The ways.
const (
	DivergeState DivergenceKind = iota // a goroutine was in another state than the model had it
	DivergeOrder                       // a queue gave a goroutine before the ones ahead of it
	DivergePlace                       // a goroutine came from another queue than the model had it in
	DivergeTick                        // a pull from the global queue out of turn
	NumDivergences
)

// String is the kind's name in every output.
func (k DivergenceKind) String() string {
	return [...]string{"state", "order", "place", "tick", "invalid"}[min(k, NumDivergences)]
}

// Divergence is what the rules expected against what the trace shows. The
// model's queues were corrected to what the trace shows.
type Divergence struct {
	Time Time
	G    GoID
	P    ProcID
	Kind DivergenceKind
}
