package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/exp/trace"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// aheadEvents is how many translated events may lie ready for the sink, over
// all generations: 2 MiB of them. It is the sink that takes longest, so that more would only
// lie there.
const aheadEvents = 2 << 20 / 48

// progressEvery is how often Options.Progress is told.
const progressEvery = 250 * time.Millisecond

// Load reads a trace and hands its events on, translated, in order: generation
// after generation, batch after batch (about 2048 events a batch), by calling
// sink from the caller's goroutine. Every generation begins with an
// OpGeneration event. After one that could not be decoded to its end comes one
// with Arg 1: what the events so far say of the state no longer holds. Times
// never go backwards.
//
// A batch belongs to load again once sink returns. An error of sink ends the
// reading and is returned as it is.
//
// It returns what was read: of Trace the fields Name, Format, Compression,
// Start, Bytes, Events, Generations, LargestGenBytes, Complete, Lost and Notes.
// The error is an *InputError if nothing at all can be analysed, and ctx.Err()
// when ctx is cancelled; a Read of r may then still be under way.
func Load(ctx context.Context, r io.Reader, opt Options, sink func(*Batch) error) (report.Trace, error) {
	if d, ok := r.(Decoded); ok {
		return d.load(opt, sink)
	}
	if opt.Reader != "" && opt.Reader != ReferenceReader {
		return report.Trace{Name: opt.Name}, fmt.Errorf("%q is no reader: need %q or none", opt.Reader, ReferenceReader)
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	l := newLoader(inner, opt, sink)
	defer l.tellProgress()()
	in, err := openInput(countingReader{inner, r, &l.bytesIn}, opt.Name, l.maxMemory)
	if err != nil {
		return report.Trace{Name: opt.Name}, cmp.Or(ctx.Err(), err)
	}
	l.in = in
	if in.format < 22 {
		go l.decodeWhole()
	} else {
		go l.decodeGenerations()
	}
	err = l.deliver()
	cancel()
	if ctx.Err() != nil {
		return report.Trace{Name: opt.Name}, ctx.Err()
	}
	<-l.done
	in.close()
	if err != nil {
		return report.Trace{Name: opt.Name}, err
	}
	return l.finish()
}

// DefaultMaxMemory is Options.MaxMemory where that is 0.
const DefaultMaxMemory = 2 << 30

// ReferenceReader is golang.org/x/exp/trace. It reads traces of Go 1.21 and
// before, and what this package's own decoder does not take; asked for, it reads
// everything. It gives the same events, but for a generation that was cut short,
// and takes several times as long.
const ReferenceReader = "reference"

// Options say what to read and how: see replay.Options.
type Options struct {
	Name      string
	MaxMemory int64 // 0 is DefaultMaxMemory
	Workers   int
	Reader    string                   // ReferenceReader to have it read everything; "" to choose
	Progress  func(read, events int64) // bytes of the input, and events handed on; may be nil
}

// loader is one call of load: decoders fill generations, each with a reader of
// its own, and the caller's goroutine hands them on in order.
//
//	splitter ──▶ decoder ──▶ generation.out ─┐
//	   │ (one at a time)                     ├──▶ deliver ──▶ sink
//	   └───────▶ decoder ──▶ generation.out ─┘
type loader struct {
	ctx       context.Context
	opt       Options
	sink      func(*Batch) error
	maxMemory int64
	workers   int

	in    *input
	split chan *splitter   // whoever has taken it out may use it
	slots chan struct{}    // as many as generations may be under way
	queue chan *generation // in order
	free  chan *Batch      // to use again
	done  chan struct{}    // closed when all decoders have ended
	v1    *generation      // of formats up to 1.21: the whole trace
	final *splitter        // when done

	bytesIn, eventsOut atomic.Int64

	// Of deliver.
	trace   report.Trace
	last    model.Time // of the last event handed on
	late    bool       // it was told of times that are not believed
	started bool
	broken  int // the generation that failed last, 0 when a later one has begun
	dropped int64
}

// generation is a generation under way. Its decoder writes it until out is
// closed.
type generation struct {
	n       int   // counted from 1 in the order of the input
	start   int64 // bytes into the trace
	size    int64 // bytes of its batches
	cost    int64 // bytes of memory that reading it takes, roughly
	crowd   int64 // bytes that restate goroutines which did nothing
	cut     bool  // the input ended before it did
	holed   bool  // and more of it is lost than its end
	whole   bool  // it is all of a trace of Go 1.21 or before, which has no generations
	out     chan *Batch
	events  int64 // read
	dropped int64
	err     error // why it could not be decoded to its end
}

func newLoader(ctx context.Context, opt Options, sink func(*Batch) error) *loader {
	l := &loader{ctx: ctx, opt: opt, sink: sink, maxMemory: opt.MaxMemory, workers: opt.Workers}
	if l.maxMemory <= 0 {
		l.maxMemory = DefaultMaxMemory
	}
	if l.workers <= 0 {
		l.workers = workersFor(opt.Reader)
	}
	l.split = make(chan *splitter, 1)
	l.slots = make(chan struct{}, l.workers+1)
	l.queue = make(chan *generation, l.workers+1)
	l.free = make(chan *Batch, aheadEvents/batchEvents+l.workers+1)
	l.done = make(chan struct{})
	l.trace.Name = opt.Name
	return l
}

// workersFor is how many generations are decoded at once. This package's own decoder is
// several times as fast as what is done with its events: more at once save no time, and lie
// in memory.
func workersFor(reader string) int {
	if reader == ReferenceReader {
		return min(2, runtime.GOMAXPROCS(0))
	}
	return 1
}

// tellProgress starts telling Options.Progress; the function it returns tells
// the last and ends it.
func (l *loader) tellProgress() (stop func()) {
	if l.opt.Progress == nil {
		return func() {}
	}
	tell := func() {
		l.opt.Progress(l.bytesIn.Load(), l.eventsOut.Load())
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell()
			case <-quit:
				tell()
				return
			}
		}
	}()
	return func() { close(quit); <-ended }
}

// decodeWhole decodes a trace of Go 1.21 or before, which the reader holds in
// memory from end to end.
func (l *loader) decodeWhole() {
	defer close(l.done)
	defer close(l.queue)
	g := l.newGeneration(1, 0)
	g.whole = true
	l.v1 = g
	l.queue <- g
	if head, _ := l.in.Peek(headerSize + 1); len(head) == headerSize {
		g.size = headerSize // the reader would miss what comes after it
		close(g.out)
		return
	}
	d := &decoder{l: l, t: newTranslator(true), scan: &oldScan{skip: headerSize}}
	d.run(&wholeSource{r: io.TeeReader(l.in.Reader, d.scan), gen: g, limit: l.maxMemory / wholeCost})
}

// decodeGenerations decodes a trace of format 1.22 or later.
func (l *loader) decodeGenerations() {
	defer close(l.done)
	defer close(l.queue)
	s := &splitter{r: l.in.Reader, format: l.in.format}
	s.discard(headerSize)
	l.split <- s
	var wg sync.WaitGroup
	for range l.workers {
		wg.Go(func() {
			d := &decoder{l: l, t: newTranslator(false)}
			if l.opt.Reader != ReferenceReader {
				d.wire = &wire{t: d.t, format: l.in.format}
			}
			for d.next() {
			}
		})
	}
	wg.Wait()
	l.final = s
}

func (l *loader) newGeneration(n int, start int64) *generation {
	ahead := aheadEvents / batchEvents / (l.workers + 1)
	return &generation{n: n, start: start, out: make(chan *Batch, max(ahead, 1))}
}

// enqueue puts a generation up for delivery, once there is room for one more.
// It returns false when nobody wants it any more.
func (l *loader) enqueue(g *generation) bool {
	select {
	case l.slots <- struct{}{}:
	case <-l.ctx.Done():
		return false
	}
	l.queue <- g // Never blocks: it has as many places as there are slots.
	return true
}

// waitForAll returns when all generations that are under way were delivered.
// The caller must be the only one that can add another.
func (l *loader) waitForAll() {
	for range cap(l.slots) {
		select {
		case l.slots <- struct{}{}:
		case <-l.ctx.Done():
			return
		}
	}
	for range cap(l.slots) {
		<-l.slots
	}
}

func (l *loader) newBatch(gen int) *Batch {
	var b *Batch
	select {
	case b = <-l.free:
	default:
		b = &Batch{Events: make([]model.Event, 0, batchEvents)}
	}
	*b = Batch{Gen: gen, Events: b.Events[:0], Stacks: clearAll(b.Stacks), Strings: clearAll(b.Strings), Threads: b.Threads[:0], Nth: b.Nth[:0]}
	return b
}

// clearAll empties a slice and lets go of what its elements point to.
func clearAll[E any](s []E) []E {
	clear(s)
	return s[:0]
}

// deliver hands the generations on in order.
func (l *loader) deliver() error {
	for g := range l.queue {
		if err := l.deliverGeneration(g); err != nil {
			return err
		}
		select {
		case <-l.slots:
		default: // a trace read as a whole takes none
		}
	}
	return nil
}

func (l *loader) deliverGeneration(g *generation) error {
	if err := l.markBreak(); err != nil {
		return err
	}
	first := true
	for {
		select {
		case <-l.ctx.Done():
			return l.ctx.Err()
		case b, ok := <-g.out:
			if !ok {
				l.account(g)
				return nil
			}
			b.First = first
			b.Format = fmt.Sprintf("go 1.%d", l.in.format)
			first = false
			if err := l.hand(b); err != nil {
				return err
			}
			l.reuse(b)
		}
	}
}

// reuse keeps a batch that nobody needs any more for newBatch.
func (l *loader) reuse(b *Batch) {
	select {
	case l.free <- b:
	default:
	}
}

// markBreak tells the sink that the generation before was lost in part.
func (l *loader) markBreak() error {
	if l.broken == 0 || !l.started {
		return nil
	}
	b := &Batch{Gen: l.broken, Events: []model.Event{{Time: l.last, Op: model.OpGeneration, Arg: 1, G: model.NoG, P: model.NoP, M: model.NoM}}}
	l.broken = 0
	return l.sink(b)
}

// hand hands a batch on, its times made to grow: the reader sees to that within a
// generation, but each has a reader of its own.
func (l *loader) hand(b *Batch) error {
	if b.First && l.started && l.last.Sub(b.Events[0].Time) > maxOverlap {
		l.trace.Lost = append(l.trace.Lost, report.Loss{Kind: "damaged", Offset: -1, Generation: b.Gen, Bytes: 0,
			Text: fmt.Sprintf("generation %d begins %s before the one before it ends: some times in one of them are damaged, and lengths around there are wrong. %s", b.Gen, words.Length(int64(l.last.Sub(b.Events[0].Time))), getAnew)})
	}
	l.believe(b)
	if !l.started {
		l.started = true
		l.last = max(0, b.Events[0].Time)
	}
	if l.trace.Start == "" && b.Clock != nil {
		l.trace.Start = b.Clock.At(b.Events[0].Time).UTC().Format(time.RFC3339Nano)
	}
	for i := range b.Events {
		if b.Events[i].Time >= l.last {
			break
		}
		b.Events[i].Time = l.last
		l.last++ // or the rest of a damaged generation would be one moment
	}
	l.last = b.Events[len(b.Events)-1].Time
	l.eventsOut.Add(int64(len(b.Events)))
	return l.sink(b)
}

// latest is the last time that is believed, 73 years after the machine was started: what
// ends later than any trace can has to have room behind it, and lengths in an int64.
const latest = model.Time(1 << 61)

// believe puts what is dated later than that at that time.
func (l *loader) believe(b *Batch) {
	i := len(b.Events)
	for ; i > 0 && b.Events[i-1].Time > latest; i-- {
		b.Events[i-1].Time = latest
	}
	if i < len(b.Events) && !l.late {
		l.late = true
		l.trace.Lost = append(l.trace.Lost, report.Loss{Kind: "damaged", Offset: -1, Generation: b.Gen, Bytes: 0,
			Text: fmt.Sprintf("times in generation %d are damaged, for they lie centuries ahead, and lengths from there on are wrong. %s", b.Gen, getAnew)})
	}
}

// maxOverlap is how far generations may overlap in time. That they do at all is
// due to rounding; anything that matters is damage.
const maxOverlap = time.Second

// account adds up a generation that was handed on to its end.
func (l *loader) account(g *generation) {
	t := &l.trace
	t.Events += g.events
	t.LargestGenBytes = max(t.LargestGenBytes, g.size)
	l.dropped += g.dropped
	if g.err != nil {
		l.broken = g.n
		t.Lost = append(t.Lost, g.loss())
	}
}

// loss says what is missing of a generation that could not be decoded.
func (g *generation) loss() report.Loss {
	loss := report.Loss{Kind: "damaged", Offset: g.start, Generation: g.n, Bytes: g.size}
	what := fmt.Sprintf("generation %d", g.n)
	if g.whole {
		what, loss.Generation = "the trace", 0
	}
	size, events := words.Plural(g.size, "byte"), words.Plural(g.events, "event")
	var limit errLimit
	var saved *errSalvaged
	switch {
	case errors.As(g.err, &limit):
		loss.Kind = "limit"
		loss.Text = fmt.Sprintf("%s (%s) was left out: reading it would take more than the %s of memory allowed; raise that with --max-memory", what, size, words.Bytes(int64(limit)))
	case errors.As(g.err, &saved):
		loss.Kind, loss.Bytes = "truncated", -1 // some batches were used in part
		loss.Text = fmt.Sprintf("%s (%s) was cut short: %s of its first %s could be used, which is what threads had written that far%s. %s", what, size, events, words.Length(int64(saved.length)), saved.names(), stopTracing)
	case g.cut && errors.Is(g.err, errNoFrequency):
		loss.Kind = "truncated"
		loss.Text = fmt.Sprintf("%s was cut short and can't be decoded, since how fast its clock ticks comes late in it (%s). %s", what, size, stopTracing)
	case g.cut && errors.Is(g.err, errUnwritten) && g.events == 0:
		loss.Kind = "truncated"
		loss.Text = fmt.Sprintf("%s (%s) was cut short, and nothing of it can be used, since its events need what threads had not written yet. %s", what, size, stopTracing)
	case g.cut && errors.Is(g.err, errUnwritten):
		loss.Kind = "truncated"
		loss.Text = fmt.Sprintf("%s (%s) was cut short: %s of it can be used, since the others need what threads had not written yet. %s", what, size, events, stopTracing)
	case g.cut && g.events == 0:
		loss.Kind = "truncated"
		loss.Text = fmt.Sprintf("%s was cut short and can't be decoded, since the tables that it needs come last (%s). %s", what, size, stopTracing)
	case g.cut:
		loss.Kind = "truncated"
		loss.Text = fmt.Sprintf("%s (%s) was cut short: only %s of it can be decoded, since the tables that the others need come last. %s", what, size, events, stopTracing)
	case g.events == 0:
		loss.Text = fmt.Sprintf("%s (%s from byte %d on) is damaged and was left out: %s. %s", what, size, g.start, readerWords(g.err), getAnew)
	default:
		loss.Text = fmt.Sprintf("%s (%s from byte %d on) is damaged: what comes after its first %s is lost: %s. %s", what, size, g.start, events, readerWords(g.err), getAnew)
	}
	return loss
}

// plainWords are the reader's complaints, each known by a part of it, in words
// that need no knowledge of the format. The first that fits is meant.
var plainWords = []struct{ part, plain string }{
	{"frequency", "its clock is missing, or there twice"},
	{"clock snapshot", "its clock is missing, or there twice"},
	{"string ID", "its tables lack an entry that is used"},
	{"stack ID", "its tables lack an entry that is used"},
	{"found unknown pc", "its tables lack an entry that is used"},
	{"same ID", "its tables hold two entries for one number"},
	{"string", "its table of strings is unreadable"},
	{"stack", "its table of stacks is unreadable"},
	{"frame", "its table of stacks is unreadable"},
	{"timestamp", "the bytes of an event are unreadable"},
	{"event type", "the bytes of an event are unreadable"},
	{"uvarint", "the bytes of an event are unreadable"},
	{"batch", "a batch is unreadable"},
	{"generation", "its batches are in disorder"},
	{"EOF", "it ends in the middle of an event"},
	{"gave up", "what its events say makes no sense"},
}

// readerWords says why the reader could not go on, in plain words with its own
// in parentheses. Where it does not complain of bytes, it is that events can't
// have come in any order.
func readerWords(err error) string {
	own := clean(strings.TrimPrefix(err.Error(), "broken trace: "))
	own, _, _ = strings.Cut(own, ": frontier") // what follows are the reader's queues
	own = strings.TrimRight(own, ": ")
	plain := "its events contradict each other"
	for _, w := range plainWords {
		if strings.Contains(own, w.part) {
			plain = w.plain
			break
		}
	}
	if own == "" {
		return plain
	}
	return plain + " (" + own + ")"
}

// finish is the account of a trace read to its end, or an *InputError if there
// is nothing in it to analyse.
func (l *loader) finish() (report.Trace, error) {
	t := &l.trace
	t.Format = fmt.Sprintf("go 1.%d", l.in.format)
	t.Compression = l.in.compression
	if s := l.final; s != nil {
		t.Bytes, t.Generations = s.off, s.n
		t.Lost = append(t.Lost, s.losses()...)
		if l.in.format < 26 && s.tables && len(t.Lost) == 0 {
			t.Notes = append(t.Notes, fmt.Sprintf("Format %q does not mark a trace's end: this one stops where a generation may end, and whether more should follow can't be told.", t.Format))
		}
	} else {
		t.Bytes, t.Generations = l.v1.size, 1
	}
	if l.opt.Reader == ReferenceReader {
		t.Notes = append(t.Notes, "It was read by golang.org/x/exp/trace, as asked for: that takes longer, and gives "+l.givenByReference()+".")
	}
	if l.dropped > 0 {
		t.Lost = append(t.Lost, report.Loss{Kind: "damaged", Offset: -1, Bytes: -1, Text: fmt.Sprintf("%s made no sense (ids out of range, changes of state that do not exist), and %s left out. %s", words.Plural(l.dropped, "event"), was(l.dropped), getAnew)})
	}
	if s := l.final; s != nil && slices.ContainsFunc(t.Lost, func(x report.Loss) bool { return x.Kind == "damaged" }) {
		if mixed, ok := s.mixed(); ok {
			t.Lost = append(t.Lost, mixed)
		}
	}
	slices.SortStableFunc(t.Lost, func(a, b report.Loss) int { return cmp.Compare(a.Generation, b.Generation) })
	if t.Events == 0 && len(t.Lost) > 0 {
		return *t, l.nothing()
	}
	if t.Events == 0 {
		t.Lost = append(t.Lost, report.Loss{Kind: "no-events", Offset: t.Bytes, Text: "the trace has a header and no events: tracing was started and nothing was written, or the program was killed before " + l.firstWrite() + "; call trace.Stop before it exits"})
	}
	t.Complete = len(t.Lost) == 0
	return *t, nil
}

// givenByReference is what the reference reader gives beside this package's own
// decoder.
func (l *loader) givenByReference() string {
	if l.final != nil && l.final.short {
		return "fewer events of a generation that was cut short"
	}
	return "the same events"
}

// firstWrite is when a program writes the first part of a trace at the latest.
func (l *loader) firstWrite() string {
	if l.v1 != nil {
		return "a buffer was full"
	}
	return "the first second ended"
}

// nothing is the error for a trace of which no event could be read.
func (l *loader) nothing() *report.InputError {
	w := l.trace.Lost[0]
	e := &report.InputError{Name: l.opt.Name, Kind: w.Kind, Offset: w.Offset, Text: "no event of this trace can be read: " + w.Text}
	switch w.Kind {
	case "limit":
		e.Kind, e.Hint = "too-large", "Raise the limit with --max-memory, or record a shorter trace."
	case "truncated", "no-end":
		e.Hint = stopTracing
	case "interleaved":
		e.Hint = ownFiles
	default:
		e.Hint = getAnew
	}
	e.Text = strings.TrimSuffix(strings.TrimSuffix(e.Text, e.Hint), ". ")
	if s := l.final; s != nil {
		e.Err = s.readErr
	}
	return e
}

// read reads events until the source or the trace fails. The reader's getters
// can panic on damaged input, although ReadEvent returned no error.
func (d *decoder) read(src source) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the reader gave up: %v", p)
		}
	}()
	rd, err := trace.NewReader(src)
	if err != nil {
		return err
	}
	for {
		d.t.ev, err = rd.ReadEvent()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if d.t.ev.Kind() == trace.EventSync {
			d.begin(src.begun())
			continue
		}
		d.gen.events++
		d.t.translate()
		if len(d.t.out.Events) >= batchEvents && d.t.mayPause() {
			if err := d.emit(); err != nil {
				return err
			}
			d.t.out = d.l.newBatch(d.gen.n)
		}
	}
}
