package simulate

import "math"

// never is the time of what does not happen.
const never = int64(math.MaxInt64)

// ends holds when each P's current doing ends, in the threads' own time, and
// finds the first: a tree of winners. Of two at once the lower P comes first.
type ends struct {
	at   []int64 // by P
	tree []int32 // 1 is the root; the winner below each node
	n    int     // leaves: a power of two
}

func newEnds(procs int) ends {
	n := 1
	for n < procs {
		n *= 2
	}
	e := ends{at: make([]int64, n), tree: make([]int32, 2*n), n: n}
	for i := range e.at {
		e.at[i] = never
	}
	for i := range n {
		e.tree[n+i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		e.tree[i] = e.tree[2*i]
	}
	return e
}

func (e *ends) first() int32 { return e.tree[1] }

func (e *ends) set(p int32, at int64) {
	e.at[p] = at
	for i := (int(p) + e.n) / 2; i > 0; i /= 2 {
		a, b := e.tree[2*i], e.tree[2*i+1]
		if e.at[b] < e.at[a] {
			a = b
		}
		e.tree[i] = a
	}
}

// timer is something that happens at a time of the clock.
type timer struct {
	at   int64
	seq  uint64 // of two at once the one set first comes first
	id   int32  // goroutine or P
	gen  uint32 // of the P: it has been overtaken by events if that has changed
	kind timerKind
}

type timerKind uint8

const (
	timerWait    timerKind = iota // a goroutine's wait ends
	timerNet                      // likewise, for the network
	timerStarved                  // likewise, of an assist for the collector
	timerSyscall                  // a goroutine's system call ends
	timerWake                     // a thread that was woken has its P
	timerPause                    // a thief's pause before it takes a runnext
	timerPoll                     // the thread that waits for the network and the next timer wakes up
	timerQuantum                  // a thread has had its CPU for a quantum
	timerSysmon
)

// timers is a heap of four children a node.
type timers struct {
	heap []timer
	seq  uint64
}

func (t *timer) before(u *timer) bool { return t.at < u.at || t.at == u.at && t.seq < u.seq }

func (t *timers) add(x timer) {
	t.seq++
	x.seq = t.seq
	t.heap = append(t.heap, x)
	i := len(t.heap) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !x.before(&t.heap[up]) {
			break
		}
		t.heap[i] = t.heap[up]
		i = up
	}
	t.heap[i] = x
}

func (t *timers) next() int64 {
	if len(t.heap) == 0 {
		return never
	}
	return t.heap[0].at
}

func (t *timers) pop() timer {
	top := t.heap[0]
	n := len(t.heap) - 1
	x := t.heap[n]
	t.heap = t.heap[:n]
	if n == 0 {
		return top
	}
	i := 0
	for {
		least := 4*i + 1
		if least >= n {
			break
		}
		for c := least + 1; c < min(4*i+5, n); c++ {
			if t.heap[c].before(&t.heap[least]) {
				least = c
			}
		}
		if !t.heap[least].before(&x) {
			break
		}
		t.heap[i] = t.heap[least]
		i = least
	}
	t.heap[i] = x
	return top
}

// random is a small generator (splitmix64): the same seed gives the same run.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	x := uint64(*r)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (r *random) below(n int) int { return int(r.next() >> 33 % uint64(n)) }

// of draws from a cost.
func (r *random) of(c *Cost) int64 {
	switch len(c.NS) {
	case 0:
		return 0
	case 1:
		return c.NS[0]
	}
	return c.NS[r.below(len(c.NS))]
}
