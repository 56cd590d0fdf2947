package simulate

import "encoding/binary"

// Workload is what a program's goroutines do, without who ran when: for each a
// sequence of steps. It is read only, so that several simulations may share it.
type Workload struct {
	Gs     []Goroutine
	Code   []byte  // the steps of all of them, see Code
	Cycles []Cycle // of the collector, by the number that the step GC has

	// Holds is how many numbers the steps Hold and Lock have.
	Holds int

	// Mutexes is how many numbers the steps Acquire, Share and Release have.
	Mutexes int

	// Stations are where goroutines wait for jobs, each of which is as good as the others.
	Stations []Station

	// Steps is how many there are, Edges how many of them wake or create
	// another goroutine.
	Steps, Edges int64
}

// Goroutine is one goroutine. It is known by its place in Workload.Gs.
type Goroutine struct {
	From, To uint32 // its steps in Workload.Code
	Root     bool   // it was there at the beginning: no other one creates it
	Runtime  bool   // one of the runtime's own: neither the end nor the latencies are about it
	Locked   bool   // locked to its thread
	Tight    bool   // it was seen to run without coming by a safe point: only a signal preempts it

	// A job is what one of a station's goroutines does for what it was given, until it is
	// back at the station. It is no goroutine: one that is free does it, as if these were
	// its own steps.
	Job     bool
	Station uint32 // of a job
	Last    bool   // of a job: who does it does not come back
}

// Cycle is the load of one garbage collection.
type Cycle struct {
	Work int64 // of mark workers and of assists, in nanoseconds of one CPU
	STW  int64 // pauses that its workers make at its end, in nanoseconds
}

// step is what a goroutine does next.
type step byte

const (
	stepRun      step = iota // for a length
	stepCreate               // a goroutine
	stepBlock                // until the wake of this block's number
	stepWake                 // a goroutine out of the block of a number
	stepSwitch               // likewise: a coroutine, which runs as soon as this goroutine stops
	stepWait                 // for a length, until a timer or something not known
	stepNet                  // for a length, until the network
	stepSyscall              // for a length
	stepBlocking             // likewise, with the P given away at once
	stepYield                // runtime.Gosched
	stepGoyield              // to the tail of its own queue
	stepGC                   // starts a collection of a number
	stepSTW                  // stops the world for a length
	stepAssist               // marks for a length, if the collection has as much left
	stepSend                 // wakes a goroutine out of the block of a number, through the network
	stepStarved              // waits for a length for the collection to have done some work, unless it is over
	stepMark                 // tells when this was come to: twice a number, and one more if it is about when the goroutine became runnable
	stepPass                 // a block that is over at once, whoever wakes the goroutine out of it
	stepUntil                // waits for a timer until a time since the beginning
	stepNetUntil             // likewise, for the network
	stepHold                 // begins the hold of a number of a lock
	stepLock                 // a block that ends at once unless the hold of a number has begun
	stepNeed                 // the block that comes is ended by a job, which must not wait for who comes to it
	stepPut                  // gives a station a job
	stepOffer                // becomes one of a station's goroutines: the last step
	stepAcquire              // takes the mutex of a number, or waits for it; and what is told then, 0 for nothing
	stepShare                // likewise, beside other readers
	stepRelease              // unlocks it
)

// Code is a goroutine's steps being written. The zero value has none.
type Code struct {
	B     []byte
	steps int64
	edges int64
}

func (c *Code) put(s step, args ...uint64) {
	c.steps++
	c.B = append(c.B, byte(s))
	for _, a := range args {
		c.B = binary.AppendUvarint(c.B, a)
	}
}

// Run computes for ns nanoseconds.
func (c *Code) Run(ns int64) {
	if ns > 0 {
		c.put(stepRun, uint64(ns))
	}
}

// Create starts goroutine g.
func (c *Code) Create(g int) { c.edges++; c.put(stepCreate, uint64(g)) }

// Block waits until another goroutine wakes it: the n-th Block of a goroutine is
// ended by the Wake with number n, counted from 0, which may come first.
func (c *Code) Block() { c.put(stepBlock) }

// Wake ends goroutine g's n-th Block.
func (c *Code) Wake(g, n int) { c.edges++; c.put(stepWake, uint64(g), uint64(n)) }

// Send is Wake for what is sent through the network: g is found ready by whoever
// looks at that next.
func (c *Code) Send(g, n int) { c.edges++; c.put(stepSend, uint64(g), uint64(n)) }

// Switch is Wake for a coroutine (iter.Pull): g runs as soon as this goroutine
// stops, past all queues.
func (c *Code) Switch(g, n int) { c.edges++; c.put(stepSwitch, uint64(g), uint64(n)) }

// Wait sleeps, or waits for something outside of the program, for ns.
func (c *Code) Wait(ns int64) { c.put(stepWait, uint64(max(ns, 0))) }

// WaitUntil is Wait for what comes at a time, counted from the beginning, whatever happened
// before: it does not wait where that is over.
func (c *Code) WaitUntil(at int64) { c.put(stepUntil, uint64(max(at, 0))) }

// NetUntil is likewise Net.
func (c *Code) NetUntil(at int64) { c.put(stepNetUntil, uint64(max(at, 0))) }

// Net waits for the network for ns.
func (c *Code) Net(ns int64) { c.put(stepNet, uint64(max(ns, 0))) }

// Syscall is in a system call for ns.
func (c *Code) Syscall(ns int64) { c.put(stepSyscall, uint64(max(ns, 0))) }

// Blocking is in a system call for ns that gives its P away at once.
func (c *Code) Blocking(ns int64) { c.put(stepBlocking, uint64(max(ns, 0))) }

// Yield is runtime.Gosched.
func (c *Code) Yield() { c.put(stepYield) }

// Goyield goes to the tail of the own queue.
func (c *Code) Goyield() { c.put(stepGoyield) }

// GC starts the collection of number n.
func (c *Code) GC(n int) { c.put(stepGC, uint64(n)) }

// Assist is marking that an allocation has to do, out of the collection's work,
// for ns: less if the workers leave less, nothing if there is no collection.
func (c *Code) Assist(ns int64) {
	if ns > 0 {
		c.put(stepAssist, uint64(ns))
	}
}

// Starved is an assist that found nothing to do, and waits for ns, or until the
// collection is over.
func (c *Code) Starved(ns int64) { c.put(stepStarved, uint64(max(ns, 0))) }

// STW stops the world for ns.
func (c *Code) STW(ns int64) { c.put(stepSTW, uint64(max(ns, 0))) }

// Mark has Config.Marked told when the goroutine comes here. With ready, and where it has
// computed nothing since it became runnable, it came here when it did that: what a wait for
// a P belongs to has begun by then. It takes no time and counts as no step.
func (c *Code) Mark(n int, ready bool) {
	arg := uint64(n) << 1
	if ready {
		arg |= 1
	}
	c.B = append(c.B, byte(stepMark))
	c.B = binary.AppendUvarint(c.B, arg)
}

// Pass is a Block that nobody waits in: it has a number, and the Wake that would end it
// does nothing.
func (c *Code) Pass() { c.put(stepPass) }

// Hold begins the hold of a lock: until the Wake that ends the Lock of that number.
func (c *Code) Hold(n int) { c.put(stepHold, uint64(n)) }

// Lock is a Block that ends with the hold of number n, of goroutine g. Nobody waits in it if
// that has not begun, and g is not on its way there: the lock is free.
func (c *Code) Lock(n, g int) { c.put(stepLock, uint64(n), uint64(g)) }

// Acquire takes the mutex of number n, for which goroutines wait in the order in which they
// come. It is no Block. Where it has to wait, Config.Stood is told the number told, unless that
// is -1.
func (c *Code) Acquire(n, told int) { c.put(stepAcquire, uint64(n), uint64(told+1)) }

// Share takes the RWMutex of number n beside other readers, and waits for it where somebody has
// it alone, or waits for it so. Else it is Acquire, which takes the same one alone.
func (c *Code) Share(n, told int) { c.put(stepShare, uint64(n), uint64(told+1)) }

// Release unlocks it; whoever has it at its end does so, too.
func (c *Code) Release(n int) { c.put(stepRelease, uint64(n)) }

// Need says before a Block that a job ends it: while somebody waits for that, it does not
// wait itself for somebody to be free. In the recorded run it did not have to.
func (c *Code) Need(job int) { c.put(stepNeed, uint64(job)) }

// Put gives a job to whoever is free at its station.
func (c *Code) Put(job int) { c.edges++; c.put(stepPut, uint64(job)) }

// Offer makes the goroutine one of those that do a station's jobs: its last step.
func (c *Code) Offer(station int) { c.put(stepOffer, uint64(station)) }

// Grow makes room for n goroutines, to be written, and returns the number of the first.
func (w *Workload) Grow(n int) int {
	w.Gs = append(w.Gs, make([]Goroutine, n)...)
	return len(w.Gs) - n
}

// Write gives goroutine i, of those that Grow made, its steps.
func (w *Workload) Write(i int, g Goroutine, c *Code) {
	g.From = uint32(len(w.Code))
	w.Code = append(w.Code, c.B...)
	g.To = uint32(len(w.Code))
	w.Gs[i] = g
	w.Steps += c.steps
	w.Edges += c.edges
}

// Add appends a goroutine with these steps and returns its number.
func (w *Workload) Add(g Goroutine, c *Code) int {
	i := w.Grow(1)
	w.Write(i, g, c)
	return i
}

// arg reads an argument at pc.
func (s *sim) arg(pc uint32) (int64, uint32) {
	b := s.code[pc]
	if b < 0x80 {
		return int64(b), pc + 1
	}
	v, shift := int64(b&0x7f), 7
	for {
		pc++
		b = s.code[pc]
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			return v, pc + 1
		}
		shift += 7
	}
}
