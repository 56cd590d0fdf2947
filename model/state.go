package model

// placeKind is where a runnable goroutine waits, as far as the model knows.
type placeKind uint8

const (
	placeNone    placeKind = iota // not runnable
	placeUnknown                  // runnable before the trace showed it
	placeRunnext                  // runnext of G.p
	placeRing                     // ring of G.p
	placeGlobal                   // global queue, at G.pos
	placeDirect                   // in no queue: its dispatch follows at once, from G.direct
)

// role marks goroutines of the runtime that the scheduler treats specially, and any
// goroutine while it does a part of a mark worker's work.
type role uint8

const (
	roleWorker role = 1 << iota // GC mark worker
	roleReader                  // trace reader
	roleScavenger
	roleRuntime // any goroutine of the runtime
	roleAssist  // inside a mark assist
)

// G is a goroutine. Its slot is used again after goexit. There may be a million of them:
// what one of them needs at one time and another at another time shares a field, and
// numbers of events are kept by their lower half where they are only told apart. What is
// looked at in every goroutine of a queue comes first.
type G struct {
	next coming // while look-ahead holds next.seq: see comes

	// While in the global queue.
	putAt  Time   // of the event that announced the put
	putEnd Time   // when it must have been done
	putM   MIndex // which did it
	popBy  ProcID // of whose P's thread it was; or whose ring it was stolen from, if it is in no queue for that
	since  Time   // beginning of state
	p      ProcID // runs there, or stands in its queue
	place  placeKind
	popped bool // has left the global queue; its dispatch is still to come
	sure   bool // the place is not in doubt
	state  GState

	pos    int64  // in the global queue
	putSeq uint64 // event that put it there for certain, else 0
	id     GoID
	by     GoID // who readied it
	kickAt Time // when it was kicked out of runnext
	began  Time // beginning of the current run; of the last park until it runs again
	fn     uint32
	stack  uint32 // of the last park
	batch  uint32 // event of the global pull that moved it to a ring
	chain  uint32 // event of the netpoll batch that already placed it

	execTail uint32 // its last dispatch that was read
	kept     uint32 // trial that has copied it last

	// LockOSThread, as far as it shows: of dispatches in a row on an M that ran
	// nothing else, how many more were handed to it than were not, and how many
	// were, up to lockSure: see noteLocked.
	lockM   MIndex
	lockNet int32
	lockAcq uint8

	open   Open
	reason Reason // of the last park
	roles  role
	seen   bool // some decided event was about it
	told   bool // one of its stretches was yielded
	woken  bool // runnable since a wait ended
	direct Source
}

// P is a processor.
type P struct {
	id    ProcID
	does  PActivity
	since Time
	m     MIndex // that holds it, or held it last
	g     gref   // running or in a system call on it

	// It is idle because findRunnable found nothing: no queue that its M could
	// see held a goroutine.
	foundNone bool
	idleFrom  Time // beginning of the last idle stretch

	// What PInterval says of the current dispatch.
	source  Source
	certain bool
	first   bool

	turned bool // it does something else than Facts.Doing said last

	runnext gref
	runq    ring

	tick  int // schedtick from the trace's beginning
	phase phase

	hitTick  int    // tick of the last pull that bore phase out
	foreseen uint64 // event up to which such pulls were counted when they were looked for ahead

	// The state after the last event of this P, before whatever findRunnable
	// did next on it.
	snapHead gref
	snapAt   Time

	// A thief took a run off this ring and has not started yet: what is ahead
	// of hostage is the thief's, except the first own ones.
	hostage gref
	own     int

	// It is not sure where the ring ends: see loosen. And the last event that may have
	// brought a batch there.
	loose  bool
	lastIn uint64

	ran      bool   // something, since the trace began
	lastPull uint64 // last event that moved a batch to this ring
	seen     bool
	kept     uint32 // trial that has copied it last
	// What the look-ahead holds: the next and the last event about this P.
	opHead, opTail uint64
	runTail        uint64 // last dispatch on this P
	freedFrom      Time   // since of its last OpReleasep
	freedAt        Time
}

// M is a thread.
type M struct {
	p     ProcID // held, NoP if none
	since Time   // since it has no P
	does  MActivity
	seen  bool
	g     gref // running or in a system call on it
	sysAt Time // beginning of its system call

	lastG   gref
	prevOp  Op // last scheduler event on this M
	prevG   gref
	prevAt  Time
	olderOp Op // the one before
	olderG  gref

	kept uint32 // trial that has copied it last

	// In the look-ahead.
	tail   uint64 // last event on this M
	tailAt Time   // and when it was
	tailOp Op
	aheadG gref // goroutine that it will be running then
}

const (
	slabBits = 12
	slabSize = 1 << slabBits
)

// goroutines holds every live G in slabs, so that growing moves none, and finds
// them by id.
type goroutines struct {
	slabs []*[slabSize]G
	used  gref // slots ever used; slot 0 is none
	free  []gref
	byID  idTable
	all   int64 // ever added
	peak  int64 // most at once
}

func newGoroutines() goroutines {
	return goroutines{byID: newIDTable(), slabs: []*[slabSize]G{new([slabSize]G)}}
}

func (gs *goroutines) at(r gref) *G { return &gs.slabs[r>>slabBits][r&(slabSize-1)] }

// find is the slot of goroutine id, 0 if it is not live.
func (gs *goroutines) find(id GoID) gref { return gs.byID.get(id) }

// add makes a slot for goroutine id, which must not be live.
func (gs *goroutines) add(id GoID) gref {
	var r gref
	if n := len(gs.free); n > 0 {
		r, gs.free = gs.free[n-1], gs.free[:n-1]
	} else {
		gs.used++
		r = gs.used
		if int(r>>slabBits) == len(gs.slabs) {
			gs.slabs = append(gs.slabs, new([slabSize]G))
		}
	}
	*gs.at(r) = G{id: id, p: NoP, putM: NoM, lockM: NoM, by: NoG}
	gs.byID.set(id, r)
	gs.all++
	gs.peak = max(gs.peak, int64(gs.byID.len()))
	return r
}

// drop gives the slot back.
func (gs *goroutines) drop(r gref) {
	g := gs.at(r)
	gs.byID.remove(g.id)
	g.id = NoG
	gs.free = append(gs.free, r)
}
