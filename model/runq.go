package model

// gref is a goroutine's slot in Sched.gs; 0 is none.
type gref int32

// slot is a place in a queue and what stood there.
type slot struct {
	at  *gref
	was gref
}

// slots notes what changes in queues while a trial is on.
type slots struct {
	on   bool
	kept []slot
}

func (l *slots) set(at *gref, g gref) {
	if l.on {
		l.kept = append(l.kept, slot{at, *at})
	}
	*at = g
}

// undo takes back all changes since there were n.
func (l *slots) undo(n int) {
	for i := len(l.kept) - 1; i >= n; i-- {
		*l.kept[i].at = l.kept[i].was
	}
	l.kept = l.kept[:n]
}

// ring is a P's local run queue without runnext.
//
// Source: runtime2.go, p.runq; proc.go, runqput, runqget, runqgrab.
type ring struct {
	q          *[RunqSize]gref
	log        *slots
	head, tail uint32
}

func (r *ring) len() int { return int(r.tail - r.head) }

// at is the i-th goroutine from the head.
func (r *ring) at(i int) gref { return r.q[(r.head+uint32(i))%RunqSize] }

func (r *ring) push(g gref) {
	r.log.set(&r.q[r.tail%RunqSize], g)
	r.tail++
}

func (r *ring) pushHead(g gref) {
	r.head--
	r.log.set(&r.q[r.head%RunqSize], g)
}

// index is how far g is from the head, -1 if it is not in the ring.
func (r *ring) index(g gref) int {
	for i := range r.len() {
		if r.at(i) == g {
			return i
		}
	}
	return -1
}

// swap exchanges the i-th and the j-th goroutine.
func (r *ring) swap(i, j int) {
	a, b := &r.q[(r.head+uint32(i))%RunqSize], &r.q[(r.head+uint32(j))%RunqSize]
	g := *a
	r.log.set(a, *b)
	r.log.set(b, g)
}

// removeAt takes out the i-th goroutine; the order of the others stays.
func (r *ring) removeAt(i int) {
	for ; i > 0; i-- {
		r.log.set(&r.q[(r.head+uint32(i))%RunqSize], r.q[(r.head+uint32(i)-1)%RunqSize])
	}
	r.head++
}

// spill takes the first half out of a full ring and hands it to put, in order.
//
// Source: proc.go, runqputslow.
func (r *ring) spill(put func(gref)) {
	for range RunqSize / 2 {
		g := r.at(0)
		r.removeAt(0)
		put(g)
	}
}

// stealHalf is how many goroutines a thief takes from a ring of n.
//
// Source: proc.go, runqgrab.
func stealHalf(n int) int { return n - n/2 }

// globBatch is how many goroutines a P without any of its own takes from a
// global queue of so many.
//
// Source: proc.go, globrunqget, globrunqgetbatch.
func globBatch(size, procs int) int {
	return max(1, min(size/max(procs, 1)+1, size, GlobalBatchMost))
}

// globq is the global run queue. Every goroutine in it knows its position
// (G.pos), so that taking one from the middle leaves a hole instead of moving
// what is behind. Where many Ps take at once it is mostly holes: see hole.
//
// Source: proc.go, globrunqput, globrunqget, globrunqgetbatch.
type globq struct {
	buf        []gref // circular; length is a power of two; holes are not positive
	log        *slots
	head, tail int64 // positions; buf[pos % len]
	n          int   // goroutines, holes not counted
}

func (q *globq) at(pos int64) gref { return *q.slot(pos) }

func (q *globq) slot(pos int64) *gref { return &q.buf[pos&int64(len(q.buf)-1)] }

// The first slot of a run of holes holds its length, negative, and the last one
// the same with the bit holesBack, so that scans step over it from either end.
// What other slots hold is no more than there is behind them.
const holesBack = 1 << 30

// ahead is how many slots to step over, beside its own, from a hole on to the
// next.
func (g gref) ahead() int64 {
	if -g < holesBack {
		return max(1, -int64(g)) - 1
	}
	return 0
}

// back is the same towards the head, from the last of a run of holes.
func (g gref) back() int64 { return max(1, -int64(g)&^holesBack) - 1 }

// behind is pos less the holes right ahead of it.
func (q *globq) behind(pos int64) int64 {
	if pos > q.head {
		if r := q.at(pos - 1); r <= 0 {
			return pos - 1 - r.back()
		}
	}
	return pos
}

// holes makes the slots from pos up to but not including end a run of holes.
func (q *globq) holes(pos, end int64) {
	n := gref(end - pos)
	if n > 1 {
		q.log.set(q.slot(end-1), -(n | holesBack))
	}
	if n > 0 {
		q.log.set(q.slot(pos), -n)
	}
}

// full reports whether there is no room between tail and head.
func (q *globq) full() bool { return q.tail-q.head >= int64(len(q.buf)) }

// makeRoom closes the holes, and doubles the buffer if it still is half full.
// Positions change: moved is told each goroutine's new one.
func (q *globq) makeRoom(moved func(gref, int64)) {
	old := *q
	size := max(64, len(old.buf))
	if q.n > size/2 {
		size *= 2
	}
	*q = globq{buf: make([]gref, size), log: old.log}
	for pos := old.head; pos < old.tail; pos++ {
		if g := old.at(pos); g > 0 {
			moved(g, q.push(g))
		} else {
			pos += g.ahead()
		}
	}
}

// push puts g at the tail and returns its position. There must be room.
func (q *globq) push(g gref) int64 {
	pos := q.tail
	q.log.set(q.slot(pos), g)
	q.tail++
	q.n++
	return pos
}

// pushHead puts g at the head and returns its position. There must be room.
func (q *globq) pushHead(g gref) int64 {
	q.head--
	q.log.set(q.slot(q.head), g)
	q.n++
	return q.head
}

// makeGap makes a gap before what stands at pos, and returns where that is: it moves
// what stands there and behind it one back, up to the first hole, or what stands
// before it one forward, if that is less. There must be room. moved is told each
// goroutine's new position.
func (q *globq) makeGap(pos int64, moved func(gref, int64)) int64 {
	if pos-q.head < q.tail-pos {
		return q.makeGapAhead(pos, moved)
	}
	end := pos
	for end < q.tail && q.at(end) > 0 {
		end++
	}
	if end == q.tail {
		q.tail++
	} else {
		q.holes(end+1, end+1+q.at(end).ahead())
	}
	for ; end > pos; end-- {
		r := q.at(end - 1)
		q.log.set(q.slot(end), r)
		moved(r, end)
	}
	return pos
}

func (q *globq) makeGapAhead(pos int64, moved func(gref, int64)) int64 {
	first := pos - 1
	for first >= q.head && q.at(first) > 0 {
		first--
	}
	if first < q.head {
		q.head--
	} else {
		q.holes(first-q.at(first).back(), first)
	}
	for ; first < pos-1; first++ {
		r := q.at(first + 1)
		q.log.set(q.slot(first), r)
		moved(r, first)
	}
	return pos - 1
}

// put puts g into the gap at pos.
func (q *globq) put(pos int64, g gref) {
	q.log.set(q.slot(pos), g)
	q.n++
}

// remove takes out the goroutine at pos.
func (q *globq) remove(pos int64) {
	q.log.set(q.slot(pos), -1)
	q.n--
	first, end := pos, pos+1
	if pos > q.head {
		if r := q.at(pos - 1); r <= 0 {
			first -= 1 + r.back()
		}
	}
	if end < q.tail {
		if r := q.at(end); r <= 0 {
			end += 1 + r.ahead()
		}
	}
	switch {
	case first == q.head:
		q.head = end
	case end == q.tail:
		q.tail = first
	default:
		q.holes(first, end)
	}
}
