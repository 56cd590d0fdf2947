package load

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"time"

	"golang.org/x/exp/trace"

	"gmptrace/model"
)

// errDoubt ends the decoding of a generation that golang.org/x/exp/trace has to
// judge: it is damaged, or of a kind that this decoder does not know.
var errDoubt = errors.New("left to the reference reader")

// wire decodes one generation after the other from its bytes, straight into
// events of the model: each thread's batches are read in the order of the file,
// and of the threads' next events comes that with the earliest time that can.
type wire struct {
	t      *translator // its tables and its batch
	format int

	bytes   arena
	batches []wireBatch // in the order of the file
	texts   texts
	stacks  stacks
	samples []cpuSample
	sampled int // samples that were given
	clock   wireClock

	cursors []*cursor // of the threads, in the order of the file, with those to use again
	used    int
	front   []head // a heap, by time
	order

	last int64 // time of the last event, in nanoseconds
}

// wireClock is what a generation says of its clock.
type wireClock struct {
	first    uint64  // earliest time of a batch, in the clock's units
	unit     float64 // nanoseconds; 0 is not known
	snapshot bool
	at       uint64    // of the snapshot, in the clock's units
	wall     time.Time // of the snapshot
}

// nanoseconds converts from the clock's units, as golang.org/x/exp/trace does:
// lengths are rounded one by one, and then added up.
func (c *wireClock) nanoseconds(t uint64) int64 { return int64(float64(t) * c.unit) }

// cpuSample is a sample of a CPU profile.
type cpuSample struct {
	time              int64 // at first in the clock's units
	m, p, g, stackRef uint64
}

// cursor is where the reading of a thread's batches stands, and the event there.
type cursor struct {
	m       *threadState
	batches []int32 // into wire.batches
	next    int     // of batches
	data    []byte  // of the batch being read
	pos     int     // behind the event
	end     int
	last    int64 // time of the event before; 0 is none in this batch

	time int64
	typ  byte
	args [maxEventArgs - 1]uint64
}

// head is an entry of the heap.
type head struct {
	time int64
	c    *cursor
}

// reset forgets the generation.
func (w *wire) reset() {
	w.bytes.reset()
	w.batches = w.batches[:0]
	w.rewind()
}

// rewind forgets all but the generation's bytes.
func (w *wire) rewind() {
	w.texts.reset()
	w.stacks.reset()
	w.samples, w.sampled = w.samples[:0], 0
	w.clock = wireClock{}
	w.used = 0
	w.front = w.front[:0]
	w.order.reset()
	w.last = 0
}

// add keeps a batch.
func (w *wire) add(b []byte, h batchHeader) {
	w.batches = append(w.batches, wireBatch{raw: w.bytes.keep(b), header: h.headerSize, thread: h.thread, time: h.time})
}

// prepare reads the generation's tables, and each thread's first event.
func (w *wire) prepare() bool {
	if !w.sortAll() || w.clock.unit == 0 || w.format >= 25 && !w.clock.snapshot {
		return false
	}
	if !w.texts.build() || !w.stacks.build() || !w.stacks.named(&w.texts) {
		return false
	}
	w.sortSamples()
	return w.fetchFirst()
}

// sortAll puts all batches where they belong.
func (w *wire) sortAll() bool {
	byThread := map[uint64]*cursor{}
	for i := range w.batches {
		b := &w.batches[i]
		if w.clock.first == 0 || b.time < w.clock.first {
			w.clock.first = b.time
		}
		if !w.sort(b, int32(i), byThread) {
			return false
		}
	}
	return true
}

// sort puts a batch where it belongs.
func (w *wire) sort(b *wireBatch, i int32, byThread map[uint64]*cursor) bool {
	switch kind := b.kind(); {
	case b.header+wirePad == len(b.raw): // an empty batch
		w.cursorOf(b.thread, byThread).add(i)
		return true
	case kind == evStrings:
		return w.texts.read(b)
	case kind == evStacks:
		return w.stacks.read(b)
	case kind == evCPUSamples:
		return w.readSamples(b)
	case kind == evSync && w.format >= 25, kind == evFrequency && w.format < 25:
		return w.readSync(b)
	case kind == evEndOfGeneration:
		return false
	}
	w.cursorOf(b.thread, byThread).add(i)
	return true
}

func (c *cursor) add(i int32) { c.batches = append(c.batches, i) }

func (w *wire) cursorOf(thread uint64, byThread map[uint64]*cursor) *cursor {
	c := byThread[thread]
	if c != nil {
		return c
	}
	if w.used == len(w.cursors) {
		w.cursors = append(w.cursors, new(cursor))
	}
	c = w.cursors[w.used]
	w.used++
	*c = cursor{m: w.thread(thread), batches: c.batches[:0]}
	byThread[thread] = c
	return c
}

func (w *wire) readSamples(b *wireBatch) bool {
	data, end := b.data()
	for i := 1; i < end; {
		if data[i] != evCPUSample {
			return false
		}
		var s cpuSample
		var at uint64
		at, i = uvarint(data, i+1)
		s.m, i = uvarint(data, i)
		s.p, i = uvarint(data, i)
		s.g, i = uvarint(data, i)
		s.stackRef, i = uvarint(data, i)
		if i > end {
			return false
		}
		s.time = int64(at)
		w.samples = append(w.samples, s)
	}
	return true
}

// sortSamples sorts the samples by time; in which order those of one time come is
// what golang.org/x/exp/trace makes of it too, since both sort alike.
func (w *wire) sortSamples() {
	for i := range w.samples {
		w.samples[i].time = w.clock.nanoseconds(uint64(w.samples[i].time))
	}
	slices.SortFunc(w.samples, func(a, b cpuSample) int { return cmp.Compare(a.time, b.time) })
}

// readSync reads what a generation says of its clock. Before 1.25 that is its
// frequency alone.
func (w *wire) readSync(b *wireBatch) bool {
	data, end := b.data()
	i := 0
	if w.format >= 25 {
		i = 1
	}
	for at := b.time; i < end; {
		switch kind := data[i]; {
		case kind == evFrequency && w.clock.unit == 0:
			var perSecond uint64
			perSecond, i = uvarint(data, i+1)
			if perSecond == 0 {
				return false
			}
			w.clock.unit = 1 / (float64(perSecond) / 1e9)
		case kind == evClockSnapshot && w.format >= 25 && !w.clock.snapshot:
			var v [4]uint64 // time, monotonic clock, seconds, nanoseconds
			i++
			for k := range v {
				v[k], i = uvarint(data, i)
			}
			at += v[0]
			w.clock.snapshot, w.clock.at = true, at
			w.clock.wall = time.Unix(int64(v[2]), int64(v[3]))
		default:
			return false
		}
		if i > end {
			return false
		}
	}
	return true
}

// fetched is what came of going on to a thread's next event.
type fetched uint8

const (
	fetchedEvent fetched = iota
	fetchedEnd           // of the thread's batches
	fetchedJunk
)

// fetch goes on to the thread's next event.
func (w *wire) fetch(c *cursor) fetched {
	for c.pos == c.end {
		if c.next == len(c.batches) {
			return fetchedEnd
		}
		c.data, c.end = w.batches[c.batches[c.next]].data()
		c.pos, c.last = 0, 0
		c.next++
	}
	if c.last == 0 {
		c.last = w.clock.nanoseconds(w.batches[c.batches[c.next-1]].time)
	}
	b, i := c.data, c.pos
	c.typ = b[i]
	n := wireArgs[c.typ]
	if n == 0 {
		return fetchedJunk
	}
	since, i := uvarint(b, i+1)
	for k := range c.args[:n-1] {
		if x := b[i]; x < 0x80 { // as uvarint does: most are, and a call costs as much again
			c.args[k] = uint64(x)
			i++
			continue
		}
		c.args[k], i = uvarintLong(b, i)
	}
	if i > c.end {
		return fetchedJunk
	}
	c.time = w.clock.nanoseconds(since) + c.last
	c.last, c.pos = c.time, i
	return fetchedEvent
}

// fetchFirst fills the heap.
func (w *wire) fetchFirst() bool {
	for _, c := range w.cursors[:w.used] {
		switch w.fetch(c) {
		case fetchedJunk:
			return false
		case fetchedEvent:
			w.front = append(w.front, head{c.time, c})
			w.up(len(w.front) - 1)
		}
	}
	return true
}

// up moves an entry of the heap towards the front as far as it has to. It
// returns where to.
func (w *wire) up(i int) int {
	for i > 0 && w.front[(i-1)/2].time > w.front[i].time {
		w.front[(i-1)/2], w.front[i] = w.front[i], w.front[(i-1)/2]
		i = (i - 1) / 2
	}
	return i
}

// down moves an entry of the heap away from the front as far as it has to.
func (w *wire) down(i int) {
	h := w.front
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].time < h[first].time {
				first = child
			}
		}
		if first == i {
			return
		}
		h[i], h[first] = h[first], h[i]
		i = first
	}
}

// remove takes an entry out of the heap. Of threads whose next events have the
// same time, which one comes first depends on how the heap was built: so each
// step is that of golang.org/x/exp/trace's.
func (w *wire) remove(i int) {
	h := w.front
	for ; i > 0; i = (i - 1) / 2 {
		h[(i-1)/2], h[i] = h[i], h[(i-1)/2]
	}
	last := len(h) - 1
	h[0], h[last] = h[last], h[0]
	w.front = h[:last]
	w.down(0)
}

// begin starts the generation's first batch of events.
func (w *wire) begin(b *Batch) {
	w.last = max(w.clock.nanoseconds(w.clock.first), 1)
	var clock *ClockSnapshot
	if w.clock.snapshot {
		clock = &ClockSnapshot{Trace: model.Time(w.clock.nanoseconds(w.clock.at)), Wall: w.clock.wall}
	}
	w.t.begin(b, model.Time(w.last), clock)
}

// fill takes events until the batch is full. It returns false at the end of the
// generation.
func (w *wire) fill() (more bool, err error) {
	for len(w.t.out.Events) < batchEvents {
		if w.sampleNext() {
			if err := w.sample(&w.samples[w.sampled]); err != nil {
				return false, err
			}
			w.sampled++
			continue
		}
		if len(w.front) == 0 {
			return false, nil
		}
		done, err := w.try(0)
		if err == nil && !done {
			err = w.tryOthers()
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// sampleNext reports whether a CPU sample comes next.
func (w *wire) sampleNext() bool {
	return w.sampled < len(w.samples) && (len(w.front) == 0 || w.samples[w.sampled].time < w.front[0].time)
}

// tryOthers takes the event that has to come before the earliest.
func (w *wire) tryOthers() error {
	slices.SortFunc(w.front, func(a, b head) int { return cmp.Compare(a.time, b.time) })
	for i := 1; i < len(w.front); i++ {
		if done, err := w.try(i); done || err != nil {
			return err
		}
	}
	return errDoubt
}

// try takes the next event of one thread, if it can come.
func (w *wire) try(i int) (done bool, err error) {
	c := w.front[i].c
	switch w.take(c) {
	case later:
		return false, nil
	case doubtful:
		return false, errDoubt
	}
	switch w.fetch(c) {
	case fetchedJunk:
		return false, errDoubt
	case fetchedEnd:
		w.remove(i)
		return true, nil
	}
	w.front[i].time = c.time
	if i == 0 || w.up(i) == i {
		w.down(i)
	}
	return true, nil
}

func (w *wire) take(c *cursor) verdict {
	take := takers[c.typ]
	if take == nil {
		return doubtful
	}
	c.m.seen = c.m != w.noM
	v := take(w, c)
	if c.m == w.noM {
		c.m.g, c.m.p = -1, -1 // Nothing is bound to none.
	}
	return v
}

// sample gives a CPU sample as an event.
func (w *wire) sample(s *cpuSample) error {
	g, p := model.GoID(s.g), model.ProcID(s.p)
	switch {
	case s.p == math.MaxUint64:
		p = model.NoP
	case s.p >= maxProcID:
		return errDoubt
	}
	switch {
	case s.g == 0:
		g = model.NoG
	case !soundID(s.g) && g != model.NoG:
		return errDoubt
	}
	x := w.put(model.OpCPUSample, w.stamp(s.time), w.thread(s.m), -1, -1)
	x.G, x.P = g, p
	if !w.setStack(x, s.stackRef) {
		return errDoubt
	}
	return nil
}

// stamp is the time of an event: times grow.
func (w *wire) stamp(at int64) model.Time {
	w.last = max(at, w.last+1)
	w.t.read++
	return model.Time(w.last)
}

// number makes sure that an M has a number in the generation's table.
func (w *wire) number(m *threadState) model.MIndex {
	if !m.numbered {
		m.numbered, m.index = true, w.t.thread(trace.ThreadID(m.id))
	}
	return m.index
}

// event adds an event of c's time, M, P and G.
func (w *wire) event(c *cursor, op model.Op) *model.Event {
	return w.put(op, w.stamp(c.time), c.m, c.m.p, c.m.g)
}

// restate adds a status event of the M and G given. The tracer restates idle
// goroutines after the next generation has begun: see translator.goTransition.
func (w *wire) restate(c *cursor, m *threadState, g int32) *model.Event {
	at := w.stamp(c.time)
	if c.m.p < 0 {
		at = w.t.before
	}
	return w.put(model.OpGoStatus, at, m, c.m.p, g)
}

// put adds an event.
func (w *wire) put(op model.Op, at model.Time, m *threadState, p, g int32) *model.Event {
	b := w.t.out
	n := len(b.Events)
	if n == cap(b.Events) {
		b.Events = slices.Grow(b.Events, 1)
	}
	b.Events = b.Events[:n+1]
	x := &b.Events[n]
	// Field by field: a literal would be built elsewhere and copied by wider
	// loads, which wait for the stores.
	x.Time, x.Subject, x.Arg, x.P, x.Op = at, 0, 0, model.ProcID(p), op
	x.Stack, x.Reason, x.Flags = 0, model.ReasonNone, 0
	x.G = model.NoG
	if g >= 0 {
		x.G = model.GoID(w.gs.all[g].id)
	}
	x.M = w.number(m)
	if at-w.t.began < pushMost {
		b.Nth = append(b.Nth, w.t.read)
	}
	w.t.before = at
	return x
}
