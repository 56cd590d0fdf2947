package load

import (
	"cmp"
	"errors"
	"io"
	"slices"

	"gmptrace/analyze/words"
	"gmptrace/model"
)

// What the reader's memory is reckoned at, against Options.MaxMemory. Ordinary
// traces take 7 bytes of memory for each of the input's; the tables of strings
// and stacks can be written so that they take many more.
const (
	batchCost     = 8   // per byte of a batch of events
	batchBaseCost = 512 // per batch
	tableCost     = 32  // per byte of a batch of strings or stacks
	goroutineCost = 256 // per goroutine that the reader keeps the state of
	wholeCost     = 32  // per byte of a trace of Go 1.21 or before
)

// crowdBytes is how many bytes of restated goroutines make it a waste to give
// every generation a reader of its own, which has to learn of them all: about
// 100,000 goroutines.
var crowdBytes int64 = 2 << 20 // a variable for tests alone

// errLimit is the limit, in bytes of memory, that reading on would exceed.
type errLimit int64

func (e errLimit) Error() string { return "more than " + words.Bytes(int64(e)) + " of memory" }

// errStopped ends a decoder when nobody wants its events any more.
var errStopped = errors.New("stopped")

// source is what a decoder's reader reads.
type source interface {
	io.Reader
	// begun is the generation whose beginning the reader announces; nil when it
	// is the end that it announces.
	begun() *generation
	// close reads what the reader left over, so that the generations' sizes
	// are known, and returns the error that the source itself has met.
	close() error
}

// decoder decodes generations, one after the other.
type decoder struct {
	l     *loader
	t     *translator
	wire  *wire       // nil where the reference reader reads everything
	gen   *generation // at hand
	given given       // of the generation at hand
	again *again      // a second reading of it; nil mostly

	scan *oldScan // of formats up to 1.21, else nil
}

// next decodes the generation that comes next, or with a crowd of goroutines
// and one reader all that follow. It returns false at the end.
func (d *decoder) next() bool {
	src := &generationSource{l: d.l}
	select {
	case src.s = <-d.l.split:
	case <-d.l.ctx.Done():
		return false
	}
	defer src.release()
	if d.wire != nil {
		return d.nextOwn(src)
	}
	if src.s.crowded {
		d.l.waitForAll() // One reader holds enough for all memory.
		src.all = true
	}
	if !src.begin() {
		return false
	}
	d.run(src)
	return d.l.ctx.Err() == nil
}

// run decodes src and ends its generations.
func (d *decoder) run(src source) {
	err := d.read(src)
	err = cmp.Or(src.close(), err)
	if d.gen == nil {
		d.gen = src.begun() // The reader failed before it announced any.
	}
	for d.gen != nil {
		d.end(err)
		d.gen = src.begun()
	}
}

// begin goes on to the generation g, nil at the end of the last.
func (d *decoder) begin(g *generation) {
	if g == nil {
		return
	}
	if d.gen != nil {
		d.end(nil)
	}
	d.gen = g
	d.t.begin(d.l.newBatch(g.n), model.Time(d.t.ev.Time()), clockOf(&d.t.ev))
}

// emit hands the batch at hand on. It waits while too many are ahead of the
// delivery.
func (d *decoder) emit() error {
	b := d.t.out
	d.t.out = nil
	b.Last = d.t.last
	if b.Events[0].Op == model.OpGeneration && len(b.Events) > 1 {
		b.Events[0].Time = b.Events[1].Time
	}
	if d.t.v1 {
		sortStatus(b.Events)
		d.tellProcs(b)
	}
	if d.t.live*goroutineCost > d.l.maxMemory {
		return errLimit(d.l.maxMemory)
	}
	if d.again != nil && !d.again.shorten(b) {
		d.l.reuse(b)
		return nil
	}
	d.given.add(b.sizes())
	select {
	case d.gen.out <- b:
		return nil
	case <-d.l.ctx.Done():
		return errStopped
	}
}

// tellProcs has the trace begin with the GOMAXPROCS that was written first: the reader
// hands on those that follow alone.
func (d *decoder) tellProcs(b *Batch) {
	if d.scan.procs == 0 || b.Events[0].Op != model.OpGeneration || len(b.Events) < 2 {
		return
	}
	x := model.Event{Time: b.Events[1].Time, Op: model.OpGOMAXPROCS, Arg: int64(d.scan.procs), G: model.NoG, P: model.NoP, M: model.NoM}
	b.Events = slices.Insert(b.Events, 1, x)
	b.Nth = slices.Insert(b.Nth, 1, b.Nth[0])
}

// end ends the generation at hand.
func (d *decoder) end(err error) {
	g := d.gen
	if d.scan != nil && err != nil {
		g.cut = d.scan.cut()
	}
	err = d.flush(err)
	g.err, g.dropped, d.t.dropped = err, d.t.dropped, 0
	d.again = nil
	close(g.out)
}

// flush hands on what the batch at hand holds, after err or at an end without.
func (d *decoder) flush(err error) error {
	if d.t.out != nil && len(d.t.out.Events) > 0 && (d.gen.events > 0 || err == nil) {
		err = cmp.Or(err, d.emit())
	}
	d.t.out = nil
	return err
}

// mayPause reports whether the batch may end with its last event. For formats
// up to 1.21 the reader makes status events in random order, which sortStatus
// can sort only if they stay together, and so must the ends of a system call.
func (t *translator) mayPause() bool {
	last := &t.out.Events[len(t.out.Events)-1]
	return !t.v1 || !bareStatus(last) && last.Op != model.OpEntersyscall
}

func bareStatus(x *model.Event) bool {
	return x.Op == model.OpGoStatus && x.G == model.NoG && x.P == model.NoP && x.M == model.NoM
}

// sortStatus sorts runs of status events by goroutine, so that the same input
// gives the same events.
func sortStatus(events []model.Event) {
	for i := 0; i < len(events); i++ {
		j := i
		for j < len(events) && bareStatus(&events[j]) {
			j++
		}
		if j-i < 2 {
			continue
		}
		run := events[i:j]
		first := run[0].Time
		slices.SortFunc(run, func(a, b model.Event) int { return cmp.Compare(a.Subject, b.Subject) })
		for k := range run {
			run[k].Time = first + model.Time(k)
		}
		i = j
	}
}

// wholeSource is a trace of Go 1.21 or before, header and all.
type wholeSource struct {
	r     io.Reader
	gen   *generation
	limit int64
	told  bool
	err   error
}

func (w *wholeSource) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.gen.size += int64(n)
	if w.gen.size > w.limit {
		w.err = errLimit(w.limit * wholeCost)
		return 0, w.err
	}
	return n, err
}

func (w *wholeSource) begun() *generation {
	if w.told {
		return nil
	}
	w.told = true
	return w.gen
}

func (w *wholeSource) close() error { return w.err }

// generationSource is one generation of a trace, or with all set also those
// that follow it. While it reads it holds the splitter.
type generationSource struct {
	l         *loader
	s         *splitter // nil once another decoder may use it
	all       bool
	gen       *generation // being read, nil when none is
	announced []*generation
	rest      []byte
	header    bool // was read
	err       error
}

// begin goes on to the next generation of the input. It returns false at the
// end.
func (g *generationSource) begin() bool {
	if !g.s.begin() {
		return false
	}
	gen := g.l.newGeneration(g.s.n, g.s.off)
	if !g.l.enqueue(gen) {
		return false
	}
	g.gen = gen
	g.announced = append(g.announced, gen)
	return true
}

func (g *generationSource) begun() *generation {
	if len(g.announced) == 0 {
		return nil
	}
	gen := g.announced[0]
	g.announced = g.announced[1:]
	return gen
}

// endMark is what ends a generation from format 1.26 on.
var endMark = []byte{evEndOfGeneration}

func (g *generationSource) Read(p []byte) (int, error) {
	if !g.header {
		g.header = true
		g.rest = g.l.in.header[:]
	}
	for len(g.rest) == 0 {
		if err := g.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// fill gets the next batch.
func (g *generationSource) fill() error {
	if g.gen == nil && !(g.all && g.s != nil && g.s.intact() && g.begin()) {
		return io.EOF
	}
	b, _, err := g.next()
	if b != nil {
		g.rest = b
	}
	return err
}

// next is the next batch of the generation being read, nil at its end.
func (g *generationSource) next() (b []byte, h batchHeader, err error) {
	b, h, err = g.s.next()
	if err != nil {
		g.endGeneration(err)
		return nil, h, nil
	}
	g.gen.add(b, h)
	if g.gen.cost > g.l.maxMemory {
		g.err = errLimit(g.l.maxMemory)
		return nil, h, g.err
	}
	return b, h, nil
}

// add reckons with a batch.
func (g *generation) add(b []byte, h batchHeader) {
	g.size += int64(h.size)
	g.cost += batchBaseCost
	if h.size == h.headerSize {
		return
	}
	switch b[h.headerSize] {
	case evStrings, evStacks:
		g.cost += int64(h.size) * tableCost
	case evGoStatus, evGoStatusStack:
		if h.thread == noThread {
			g.crowd += int64(h.size)
		}
		fallthrough
	default:
		g.cost += int64(h.size) * batchCost
	}
}

// endGeneration ends the generation being read: the next decoder may go on,
// unless this generation alone takes much of the memory allowed.
func (g *generationSource) endGeneration(how error) {
	g.gen.cut, g.gen.holed = how == errGenerationCut && g.s.short, g.s.holed
	if g.l.in.format >= 26 {
		g.rest = endMark
	}
	if g.gen.crowd >= crowdBytes {
		g.s.crowded = true
	}
	big := g.gen.cost > g.l.maxMemory/int64(2*g.l.workers)
	g.gen = nil
	if !g.all && !big {
		g.release()
	}
}

func (g *generationSource) close() error {
	for g.gen != nil {
		if _, h, err := g.s.next(); err != nil {
			g.endGeneration(err)
		} else {
			g.gen.size += int64(h.size)
		}
	}
	g.rest = nil
	return g.err
}

// release lets another decoder read on.
func (g *generationSource) release() {
	if g.s != nil {
		g.l.split <- g.s
		g.s = nil
	}
}
