package load

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"
	"time"

	"gmptrace/analyze/machine"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Use is what a string of a trace names.
type Use uint8

// The uses of strings. Those of the runtime come first: a string that has several keeps
// its number for the first, and the numbers of the runtime's are the same in each trace.
const (
	UseReason   Use = iota // why a goroutine stopped
	UseLabel               // of a goroutine
	UsePause               // why the world was stopped
	UseFunc                // a function, by its full name
	UseFile                // a source file
	UseTask                // a kind of user task
	UseRegion              // a kind of user region
	UseCategory            // of a message
	UseMessage             // that the program logged
	UseEvidence            // a message that holds what the machine said
	NumUses
)

// Substitute says what stands in a rewritten trace for what could tell whose it is. It is
// asked in the order of the trace, generation by generation, and gives the same answer
// to the same question.
type Substitute interface {
	// Thread is another id of the operating system for a thread.
	Thread(id uint64) uint64
	// PC is another program counter.
	PC(pc uint64) uint64
	// Frame tells of a function and a file that it has code in, before Text is asked for
	// one of them.
	Frame(fn, file string)
	// Text is what stands for a string that is none of the runtime's own.
	Text(use Use, s string) string
	// Evidence is what stands for a line of what the machine said, whose clock is to be
	// put back by so many nanoseconds; -1 is not known.
	Evidence(line string, back int64) string
	// Err says that there are more different names than there is room for.
	Err() error
}

// Rewritten is what became of a trace.
type Rewritten struct {
	Format      string // "go 1.26"
	Compression string
	Generations int
	Events      int64
	Lost        []report.Loss // what of the trace could not be read or checked, and is not in the output
	Experiments int64         // events and batches of experiments, which are not in the output either
	Unused      int64         // strings that nothing names, likewise
}

// oldestRewritten is the oldest format that can be rewritten.
const oldestRewritten = 22

// rewrittenWall is when a rewritten trace says that it was recorded.
var rewrittenWall = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Rewrite reads a trace of format 1.22 or later and writes it with other names, thread
// ids, program counters and times of the day, in the same format. The rest stays as it is, but
// that the clock starts near 0: the runtime's tells how long the machine has been on.
//
// Nothing is copied that is not understood: what can't be read is not in the output,
// nor are experiments. It holds one generation at a time, and within opt.MaxMemory.
func Rewrite(ctx context.Context, r io.Reader, w io.Writer, opt Options, sub Substitute) (*Rewritten, error) {
	var bytesIn atomic.Int64
	maxMemory := cmp.Or(max(opt.MaxMemory, 0), DefaultMaxMemory)
	in, err := openInput(countingReader{ctx, r, &bytesIn}, opt.Name, maxMemory)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), err)
	}
	defer in.close()
	if in.format < oldestRewritten {
		return nil, notATrace(opt.Name, "too-old", fmt.Sprintf("a trace of format \"go 1.%d\": names can be replaced in those of Go 1.22 and later alone, which have tables of them", in.format),
			"Record it anew with Go 1.22 or later.")
	}
	out := bufio.NewWriterSize(w, inputBuffer)
	x := &rewriter{
		wire: wire{format: in.format}, s: &splitter{r: in.Reader, format: in.format}, out: out, sub: sub, maxMemory: maxMemory,
		told: Rewritten{Format: fmt.Sprintf("go 1.%d", in.format), Compression: in.compression},
	}
	x.progress = func() {
		if opt.Progress != nil && time.Since(x.shown) >= progressEvery {
			x.shown = time.Now()
			opt.Progress(bytesIn.Load(), x.told.Events)
		}
	}
	x.s.discard(headerSize)
	if _, err := out.Write(in.header[:]); err != nil {
		return nil, err
	}
	err = x.all()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := cmp.Or(err, out.Flush()); err != nil {
		return nil, err
	}
	return x.finish(), nil
}

// rewriter is one call of Rewrite. Of wire it uses the tables of the generation at hand.
type rewriter struct {
	wire
	s         *splitter
	out       *bufio.Writer
	sub       Substitute
	maxMemory int64
	progress  func()
	shown     time.Time // when the progress was

	uses    []uint16         // by string: bits of Use
	moved   map[moved]uint64 // the ids of strings for further uses
	lastID  uint64           // the largest id of a string that there is, or that is asked for
	tableAt uint64           // time of the first batch of tables
	junk    struct{ batches, bytes int64 }

	began bool
	back  uint64 // what the clock is put back by, in its units
	since uint64 // time of the first clock snapshot, put back; 0 for none yet

	data []byte // of the batch that is being written
	told Rewritten
}

// moved is a string in a use that is not its first.
type moved struct {
	text uint32
	use  Use
}

func (x *rewriter) all() error {
	for x.s.begin() {
		x.reset()
		g := &generation{n: x.s.n, start: x.s.off}
		how := x.gather(g)
		if g.cost > x.maxMemory {
			g.err = errLimit(x.maxMemory)
			x.told.Lost = append(x.told.Lost, g.loss())
			continue
		}
		if err := cmp.Or(x.generation(how), x.sub.Err()); err != nil {
			return err
		}
	}
	return nil
}

// finish says what became of the trace.
func (x *rewriter) finish() *Rewritten {
	lost := x.s.losses()
	if mixed, ok := x.s.mixed(); ok {
		lost = append(lost, mixed)
	}
	x.told.Lost = append(lost, x.told.Lost...)
	x.told.Experiments += int64(x.s.experimental)
	return &x.told
}

func (x *rewriter) reset() {
	x.wire.reset()
	x.uses, x.moved, x.lastID, x.tableAt = x.uses[:0], map[moved]uint64{}, 0, 0
	x.junk.batches, x.junk.bytes = 0, 0
}

// gather collects the generation's batches, as far as there is memory for them, and
// says how it ends.
func (x *rewriter) gather(g *generation) error {
	for {
		b, h, err := x.s.next()
		if err != nil {
			return err
		}
		x.progress()
		g.add(b, h)
		if g.cost <= x.maxMemory {
			x.add(b, h)
		}
	}
}

// generation writes the generation at hand, its tables last: what a string names shows
// in all else.
func (x *rewriter) generation(how error) error {
	x.told.Generations++
	x.readTables()
	x.setClock()
	for i := range x.batches {
		if b := &x.batches[i]; x.ofEvents(b) {
			x.note(b)
		}
	}
	for i := range x.stacks.all {
		x.stacks.all[i].each(x.noteFrame)
	}
	for i := range x.batches {
		if err := x.batch(&x.batches[i]); err != nil {
			return err
		}
	}
	if err := cmp.Or(x.writeStacks(), x.writeStrings()); err != nil {
		return err
	}
	x.tellJunk()
	return x.end(how)
}

// end writes what ends a generation. One that was cut short stays so, where readers
// see it by what is missing; before format 1.26 they see it by a batch that is.
func (x *rewriter) end(how error) error {
	cut := errors.Is(how, errGenerationCut) && x.s.short
	switch {
	case x.format >= 26 && !cut:
		return x.out.WriteByte(evEndOfGeneration)
	case x.format < 26 && cut && x.s.tables:
		_, err := x.out.Write(x.header(noThread, x.tableAt, 1))
		return err
	}
	return nil
}

// tellJunk says what of the generation was left out.
func (x *rewriter) tellJunk() {
	if x.junk.batches == 0 {
		return
	}
	x.told.Lost = append(x.told.Lost, report.Loss{Kind: "damaged", Offset: -1, Generation: x.s.n, Bytes: x.junk.bytes,
		Text: fmt.Sprintf("%s (%s) of generation %d can't be read, so that it can't be told what they name, and were left out. %s",
			words.Plural(x.junk.batches, "batch"), words.Plural(x.junk.bytes, "byte"), x.s.n, getAnew)})
}

// left leaves out so many bytes of a batch.
func (x *rewriter) left(n int) {
	x.junk.batches++
	x.junk.bytes += int64(n)
}

// Kinds of batches, for which each has its own way.
func (x *rewriter) ofSync(b *wireBatch) bool {
	return b.kind() == evSync && x.format >= 25 || b.kind() == evFrequency && x.format < 25
}

func (x *rewriter) ofEvents(b *wireBatch) bool {
	switch b.kind() {
	case evStrings, evStacks, evCPUSamples:
		return false
	}
	return !x.ofSync(b)
}

// readTables reads strings, stacks and the clock, as far as that goes.
func (x *rewriter) readTables() {
	for i := range x.batches {
		b, ok := &x.batches[i], true
		if b.header+wirePad == len(b.raw) {
			continue
		}
		switch {
		case b.kind() == evStrings:
			ok = x.texts.read(b)
		case b.kind() == evStacks:
			ok = x.stacks.read(b)
		case x.ofSync(b):
			x.readSync(b) // what it does not understand is not written either
			continue
		default:
			continue
		}
		if x.tableAt == 0 {
			x.tableAt = b.time
		}
		if !ok {
			x.left(len(b.bytes()))
		}
	}
	x.texts.buildFirst()
	x.stacks.buildFirst()
	x.uses = append(x.uses[:0], make([]uint16, len(x.texts.all))...)
	for _, id := range x.texts.ids {
		x.lastID = max(x.lastID, id)
	}
}

// buildFirst is build, where of two entries with one id the first counts.
func (t *idTable) buildFirst() {
	if t.build() {
		return
	}
	t.dense, t.sparse = t.dense[:0], make(map[uint64]uint32, len(t.ids))
	for i, id := range t.ids {
		if _, twice := t.sparse[id]; !twice && id != 0 {
			t.sparse[id] = uint32(i) + 1
		}
	}
}

// setClock finds, in the first generation, what to put the clock back by: it is to
// start in the first second after 1 s, so that what is dated earlier has room. That is by
// whole seconds, since what counts by the millisecond of the clock is to count the same.
func (x *rewriter) setClock() {
	if x.began || len(x.batches) == 0 {
		return
	}
	x.began = true
	first := uint64(math.MaxUint64)
	for i := range x.batches {
		first = min(first, x.batches[i].time)
	}
	second := uint64(1e9)
	if x.clock.unit > 0 {
		second = max(uint64(1e9/x.clock.unit), 1)
	}
	if first > second {
		x.back = (first - second) / second * second
	}
}

// backNS is what the clock is put back by in nanoseconds, -1 where that is not known.
func (x *rewriter) backNS() int64 {
	if x.clock.unit == 0 {
		return -1
	}
	return max(x.clock.nanoseconds(x.back), 0)
}

// wireString is which of an event's arguments, its time not counted, is a string, and
// what it names. A message is that of the program here.
type wireString struct {
	at  int
	use Use
}

var wireStrings = [256][]wireString{
	evGoStop: {{0, UseReason}}, evGoBlock: {{0, UseReason}}, evGoLabel: {{0, UseLabel}}, evSTWBegin: {{0, UsePause}},
	evUserTaskBegin: {{2, UseTask}}, evUserRegionBegin: {{1, UseRegion}}, evUserRegionEnd: {{1, UseRegion}},
	evUserLog: {{1, UseCategory}, {2, UseMessage}},
}

// wireThreads is which of an event's arguments is a thread, plus 1.
var wireThreads = [256]uint8{evGoStatus: 2, evGoStatusStack: 2, evProcSteal: 3}

// wireEvent is an event as it stands in a batch.
type wireEvent struct {
	kind  byte
	since uint64
	n     int // of args
	args  [maxEventArgs - 1]uint64
}

// useOf is what a string of an event names.
func (x *rewriter) useOf(e *wireEvent, s wireString) Use {
	if s.use == UseMessage && x.isEvidence(e.args[1]) {
		return UseEvidence
	}
	return s.use
}

func (x *rewriter) isEvidence(category uint64) bool {
	i := x.texts.find(category)
	return i > 0 && string(x.texts.all[i-1].raw) == machine.Category
}

// eachEvent calls f with a batch's events up to the first that can't be read, and
// returns how many bytes are left then.
func (b *wireBatch) eachEvent(f func(*wireEvent)) (left int) {
	data, end := b.data()
	var e wireEvent
	for i := 0; i < end; {
		e.kind = data[i]
		n := wireArgs[e.kind]
		if n == 0 {
			return end - i
		}
		var next int
		e.since, next = uvarint(data, i+1)
		e.n = int(n) - 1
		for k := range e.args[:e.n] {
			e.args[k], next = uvarint(data, next)
		}
		if next > end {
			return end - i
		}
		f(&e)
		i = next
	}
	return 0
}

// note notes what strings the events of a batch name, and as what.
func (x *rewriter) note(b *wireBatch) {
	b.eachEvent(func(e *wireEvent) {
		for _, s := range wireStrings[e.kind] {
			x.noteUse(x.useOf(e, s), e.args[s.at])
		}
	})
}

func (x *rewriter) noteUse(use Use, id uint64) {
	x.lastID = max(x.lastID, id)
	if i := x.texts.find(id); i > 0 {
		x.uses[i-1] |= 1 << use
	}
}

func (x *rewriter) noteFrame(f wirePC) {
	x.noteUse(UseFunc, f.fn)
	x.noteUse(UseFile, f.file)
	if x.texts.find(f.fn) > 0 && x.texts.find(f.file) > 0 {
		x.sub.Frame(x.texts.spell(f.fn), x.texts.spell(f.file))
	}
}

// id is the id of a string in a use: its own in the first, in others one that nobody
// has. What is not in the table keeps its own too.
func (x *rewriter) id(use Use, id uint64) uint64 {
	i := x.texts.find(id)
	if i == 0 || bits.TrailingZeros16(x.uses[i-1]) == int(use) {
		return id
	}
	k := moved{i, use}
	other, ok := x.moved[k]
	if !ok {
		for x.lastID++; x.lastID == 0 || x.texts.find(x.lastID) != 0; {
			x.lastID++
		}
		other = x.lastID
		x.moved[k] = other
	}
	return other
}

// batch writes a batch that holds no table.
func (x *rewriter) batch(b *wireBatch) error {
	if kind := b.kind(); kind == evStrings || kind == evStacks {
		return nil
	}
	if b.time < x.back {
		x.left(len(b.bytes())) // damaged, and dated before the trace
		return nil
	}
	x.data = x.data[:0]
	switch {
	case b.header+wirePad == len(b.raw):
	case b.kind() == evCPUSamples:
		return x.cpuSamples(b)
	case x.ofSync(b):
		x.syncs(b)
	default:
		return x.events(b)
	}
	return x.flush(b.thread, b.time)
}

// header is a batch's.
func (x *rewriter) header(thread, at uint64, size int) []byte {
	h := binary.AppendUvarint([]byte{evEventBatch}, x.s.lastGen)
	h = binary.AppendUvarint(h, x.thread(thread))
	h = binary.AppendUvarint(h, at-min(at, x.back))
	return binary.AppendUvarint(h, uint64(size))
}

// thread is another id for a thread, and none for none.
func (x *rewriter) thread(id uint64) uint64 {
	if id == noThread {
		return id
	}
	return x.sub.Thread(id)
}

// flush writes the batch that was made.
func (x *rewriter) flush(thread, at uint64) error {
	if _, err := x.out.Write(x.header(thread, at, len(x.data))); err != nil {
		return err
	}
	_, err := x.out.Write(x.data)
	x.data = x.data[:0]
	return err
}

// full reports whether a batch has no room for n more bytes. Numbers may be longer than
// they were, so that one batch becomes two.
func (x *rewriter) full(n int) bool { return len(x.data)+n > maxBatch }

// events writes a batch of events. What is left out gives its time to the next.
func (x *rewriter) events(b *wireBatch) error {
	const longest = 1 + maxEventArgs*binary.MaxVarintLen64
	at, now := b.time, b.time // of the batch that is being written, and of the event before
	var carry uint64
	var failed error
	left := b.eachEvent(func(e *wireEvent) {
		if failed != nil {
			return
		}
		if e.kind >= evSpan {
			x.told.Experiments++
			carry += e.since
			return
		}
		if x.full(longest) {
			failed = x.flush(b.thread, at)
			at = now
		}
		e.since += carry
		now, carry = now+e.since, 0
		x.event(e)
		x.told.Events++
	})
	if left > 0 {
		x.left(left)
	}
	if failed != nil || len(x.data) == 0 {
		return failed
	}
	return x.flush(b.thread, at)
}

func (x *rewriter) event(e *wireEvent) {
	for _, s := range wireStrings[e.kind] {
		e.args[s.at] = x.id(x.useOf(e, s), e.args[s.at])
	}
	if i := wireThreads[e.kind]; i > 0 {
		e.args[i-1] = x.thread(e.args[i-1])
	}
	x.data = binary.AppendUvarint(append(x.data, e.kind), e.since)
	for _, v := range e.args[:e.n] {
		x.data = binary.AppendUvarint(x.data, v)
	}
}

// cpuSamples writes a batch of samples.
func (x *rewriter) cpuSamples(b *wireBatch) error {
	const longest = 1 + 5*binary.MaxVarintLen64
	x.samples = x.samples[:0]
	if !x.readSamples(b) { // those before what can't be read are there
		x.left(len(b.bytes()))
	}
	x.data = append(x.data, evCPUSamples)
	for _, s := range x.samples {
		if uint64(s.time) < x.back {
			continue // long before the trace
		}
		if x.full(longest) {
			if err := x.flush(b.thread, b.time); err != nil {
				return err
			}
			x.data = append(x.data, evCPUSamples)
		}
		x.data = append(x.data, evCPUSample)
		for _, v := range []uint64{uint64(s.time) - x.back, x.thread(s.m), s.p, s.g, s.stackRef} {
			x.data = binary.AppendUvarint(x.data, v)
		}
	}
	return x.flush(b.thread, b.time)
}

// syncs writes what a generation says of its clock: how fast it is, and a time of the
// day, which is that of another day.
func (x *rewriter) syncs(b *wireBatch) {
	data, end := b.data()
	i := 0
	if x.format >= 25 {
		x.data, i = append(x.data, evSync), 1
	}
	for at := b.time; i < end; {
		n := map[byte]int{evFrequency: 1, evClockSnapshot: 4}[data[i]]
		var v [4]uint64 // of a snapshot: time, monotonic clock, seconds, nanoseconds
		kind, next := data[i], i+1
		for k := range v[:n] {
			v[k], next = uvarint(data, next)
		}
		if n == 0 || next > end {
			x.left(end - i)
			return
		}
		if kind == evClockSnapshot {
			at += v[0]
			wall := x.wall(at)
			v[1], v[2], v[3] = v[1]-min(v[1], uint64(max(x.backNS(), 0))), uint64(wall.Unix()), uint64(wall.Nanosecond())
		}
		x.data = append(x.data, kind)
		for _, n := range v[:n] {
			x.data = binary.AppendUvarint(x.data, n)
		}
		i = next
	}
}

// wall is the time of the day that is said for a moment: as much later than that of the
// first snapshot as the trace's clock is.
func (x *rewriter) wall(at uint64) time.Time {
	at -= min(at, x.back)
	if x.since == 0 {
		x.since = at
	}
	return rewrittenWall.Add(time.Duration(x.clock.nanoseconds(at - min(at, x.since))))
}

// writeStacks writes the table of stacks.
func (x *rewriter) writeStacks() error {
	return x.table(evStacks, len(x.stacks.all), func(i int) []byte {
		s := &x.stacks.all[i]
		if x.stacks.find(x.stacks.ids[i]) != uint32(i)+1 {
			return nil // another with its id came before
		}
		e := binary.AppendUvarint([]byte{evStack}, x.stacks.ids[i])
		e = binary.AppendUvarint(e, uint64(s.depth))
		s.each(func(f wirePC) {
			for _, v := range []uint64{x.sub.PC(f.pc), x.id(UseFunc, f.fn), x.id(UseFile, f.file), f.line} {
				e = binary.AppendUvarint(e, v)
			}
		})
		return e
	})
}

// writeStrings writes the table of strings: each as often as it has uses.
func (x *rewriter) writeStrings() error {
	return x.table(evStrings, len(x.texts.all), func(i int) []byte {
		id, s := x.texts.ids[i], string(x.texts.all[i].raw)
		if x.texts.find(id) != uint32(i)+1 {
			return nil
		}
		var e []byte
		put := func(id uint64, s string) {
			s = s[:min(len(s), maxStringBytes)]
			e = binary.AppendUvarint(append(e, evString), id)
			e = append(binary.AppendUvarint(e, uint64(len(s))), s...)
		}
		switch {
		case x.uses[i] != 0:
		case wordsOfRuntime[s]:
			put(id, s) // those are there whether they are used or not
		default:
			x.told.Unused++
		}
		for use := range NumUses {
			if x.uses[i]&(1<<use) != 0 {
				put(x.id(use, id), x.text(use, s))
			}
		}
		return e
	})
}

// text is what stands for a string in a use.
func (x *rewriter) text(use Use, s string) string {
	switch {
	case s == "":
		return ""
	case use <= UsePause && wordsOfRuntime[s]:
		return s
	case use == UseEvidence:
		return x.sub.Evidence(s, x.backNS())
	}
	return x.sub.Text(use, s)
}

// table writes the entries of a table, as many batches as they take.
func (x *rewriter) table(kind byte, n int, entry func(i int) []byte) error {
	x.data = x.data[:0]
	for i := range n {
		e := entry(i)
		if len(x.data) > 0 && x.full(len(e)) {
			if err := x.flush(noThread, x.tableAt); err != nil {
				return err
			}
		}
		if len(x.data) == 0 {
			x.data = append(x.data, kind)
		}
		x.data = append(x.data, e...)
	}
	if len(x.data) == 0 {
		return nil
	}
	return x.flush(noThread, x.tableAt)
}

// wordsOfRuntime are the strings that the runtime itself writes: why goroutines stop and
// the world is stopped, and labels of goroutines.
//
// Source: runtime/traceruntime.go and runtime/proc.go, stwReasonStrings, Go 1.22 to 1.27.
var wordsOfRuntime = func() map[string]bool {
	m := map[string]bool{}
	for _, s := range slices.Concat(firstStrings(22), firstStrings(25), []string{
		"unknown", "GC mark termination", "GC sweep termination", "write heap dump", "goroutine profile", "goroutine profile cleanup",
		"all goroutines stack trace", "read mem stats", "AllThreadsSyscall", "GOMAXPROCS", "start trace", "stop trace",
		"CountPagesInUse (test)", "ReadMetricsSlow (test)", "ReadMemStatsSlow (test)", "PageCachePagesLeaked (test)", "ResetDebugLog (test)",
	}) {
		m[s] = true
	}
	return m
}()

// RuntimeWords are the strings that Rewrite leaves as they are: the runtime's own.
func RuntimeWords() []string { return slices.Sorted(maps.Keys(wordsOfRuntime)) }
