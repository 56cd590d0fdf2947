package model

// The queues and the arithmetic of the reference model, for whoever runs the
// scheduler forward instead of following a trace: model/simulate. There is one
// ring, one global queue and one set of rules; what is here adds none.

// LocalQueue is a P's runnext and ring. Goroutines are numbers from 1 on; 0 is
// none. It must be made by NewLocalQueue.
type LocalQueue struct {
	next gref
	ring ring
}

// noLog is the log of queues that nobody takes back changes of.
var noLog slots

// NewLocalQueue is an empty queue.
func NewLocalQueue() LocalQueue {
	return LocalQueue{ring: ring{q: new([RunqSize]gref), log: &noLog}}
}

// Len is how many goroutines are in the ring and in runnext.
func (q *LocalQueue) Len() int {
	n := q.ring.len()
	if q.next != 0 {
		n++
	}
	return n
}

// RingLen is how many are in the ring.
func (q *LocalQueue) RingLen() int { return q.ring.len() }

// First is the one that has been in the ring for longest, or else that in runnext; 0 for none.
func (q *LocalQueue) First() int32 {
	if q.ring.len() == 0 {
		return int32(q.next)
	}
	return int32(q.ring.at(0))
}

// Next is the goroutine in runnext.
func (q *LocalQueue) Next() int32 { return int32(q.next) }

// Put puts g into runnext, from where it kicks another one into the ring, or at
// the ring's tail. A full ring gives its first half and the one that does not
// fit to global: how many that were is returned.
//
// Source: proc.go, runqput, runqputslow.
func (q *LocalQueue) Put(g int32, next bool, global *GlobalQueue) (spilled int) {
	r := gref(g)
	if next {
		if r, q.next = q.next, r; r == 0 {
			return 0
		}
	}
	if q.ring.len() < RunqSize {
		q.ring.push(r)
		return 0
	}
	q.ring.spill(global.push)
	global.push(r)
	return RunqSize/2 + 1
}

// Get takes the goroutine in runnext, which inherits the time slice, or the
// ring's first; 0 if there is none.
//
// Source: proc.go, runqget.
func (q *LocalQueue) Get() (g int32, inherit bool) {
	if r := q.next; r != 0 {
		q.next = 0
		return int32(r), true
	}
	if q.ring.len() == 0 {
		return 0, false
	}
	r := q.ring.at(0)
	q.ring.removeAt(0)
	return int32(r), false
}

// Steal takes half of victim's ring, rounded up: the last of them is to be run,
// the others come into q's ring. It is 0 if there is none.
//
// Source: proc.go, runqsteal, runqgrab.
func (q *LocalQueue) Steal(victim *LocalQueue) int32 {
	n := victim.ring.len()
	if n == 0 {
		return 0
	}
	for range stealHalf(n) - 1 {
		q.ring.push(victim.ring.at(0))
		victim.ring.removeAt(0)
	}
	r := victim.ring.at(0)
	victim.ring.removeAt(0)
	return int32(r)
}

// StealNext takes what is in runnext.
func (q *LocalQueue) StealNext() int32 {
	r := q.next
	q.next = 0
	return int32(r)
}

// GlobalQueue is the global run queue, or any other that is first in, first out
// and has no bound. The zero value is empty.
type GlobalQueue struct{ q globq }

// Len is how many goroutines are in it.
func (q *GlobalQueue) Len() int { return q.q.n }

// First is the one that is taken next; 0 for none.
func (q *GlobalQueue) First() int32 {
	if q.q.n == 0 {
		return 0
	}
	return int32(q.q.at(q.q.head))
}

func (q *GlobalQueue) push(r gref) {
	if q.q.log == nil {
		q.q.log = &noLog
	}
	if q.q.full() {
		q.q.makeRoom(func(gref, int64) {})
	}
	q.q.push(r)
}

// Put puts g at the tail.
//
// Source: proc.go, globrunqput.
func (q *GlobalQueue) Put(g int32) { q.push(gref(g)) }

// Get takes the first one; 0 if there is none.
//
// Source: proc.go, globrunqget with one at most: the 61st tick.
func (q *GlobalQueue) Get() int32 {
	if q.q.n == 0 {
		return 0
	}
	r := q.q.at(q.q.head)
	q.q.remove(q.q.head)
	return int32(r)
}

// Batch takes what a P without work takes, of procs: the first one is to be run,
// the others come into local's ring. moved counts all of them.
//
// Source: proc.go, globrunqgetbatch.
func (q *GlobalQueue) Batch(procs int, local *LocalQueue) (g int32, moved int) {
	if q.q.n == 0 {
		return 0, 0
	}
	moved = globBatch(q.q.n, procs)
	g = q.Get()
	for range moved - 1 {
		local.ring.push(gref(q.Get()))
	}
	return g, moved
}
