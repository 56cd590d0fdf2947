package load

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// maxGarbage is how many bytes without a batch end the search for the next one:
// what is damaged is shorter, and what is longer is no trace, though it may be
// gigabytes in a small compressed file.
var maxGarbage int64 = 64 << 20 // a variable for tests alone

// maxLosses bounds how many losses are told one by one.
const maxLosses = 64

// batchHeader is what a batch of the wire format begins with.
type batchHeader struct {
	experimental bool
	gen          uint64 // as the trace numbers them, from 1
	thread       uint64
	time         uint64 // in the clock's units
	size         int    // header and data
	headerSize   int
}

// noThread is the thread of batches that the tracer itself wrote: tables, and
// the status of goroutines that did nothing in the generation.
const noThread = math.MaxUint64

// parseBatchHeader reads a batch's header from the start of b.
func parseBatchHeader(b []byte) (h batchHeader, ok bool) {
	if len(b) == 0 || b[0] != evEventBatch && b[0] != evExperimentalBatch {
		return h, false
	}
	n := 1
	if b[0] == evExperimentalBatch {
		h.experimental = true
		n++
	}
	var size uint64
	for _, field := range []*uint64{&h.gen, &h.thread, &h.time, &size} {
		v, k := binary.Uvarint(b[min(n, len(b)):])
		if k <= 0 {
			return h, false
		}
		*field = v
		n += k
	}
	h.headerSize, h.size = n, n+int(min(size, maxBatch))
	return h, h.gen > 0 && size <= maxBatch
}

// splitter cuts a trace of format 1.22 or later into its generations, and finds
// its way again where the bytes are damaged. One goroutine uses it at a time.
type splitter struct {
	r      *bufio.Reader
	format int
	off    int64 // bytes taken from r, counted from the trace's first
	hold   int   // bytes of r handed out as a batch, to be taken next

	gen     uint64 // the generation being read, as the trace numbers it; 0 between two
	lastGen uint64 // the one read last
	n       int    // generations begun, counted from 1 in the order of the input

	crowded bool // generations restate very many goroutines
	broken  bool // something was lost since the generation before began
	tables  bool // the generation has its strings, which are written last
	ended   bool // nothing more will come
	short   bool // the input ended before the trace did
	holed   bool // of the generation that the input's end cut, more than its end is lost
	readErr error

	experimental int // batches of experiments, which are left out

	gaps     int   // stretches skipped before the trace went on
	headerAt int64 // where a batch's bytes hold the header of another trace; 0 if none do

	lost       []report.Loss
	lossesMore int
	foreign    struct { // batches that belong to no generation at hand
		n        int
		bytes    int64
		off, gen int64 // of the first; gen as the trace numbers it
		after    int   // the generation at hand then
	}
}

// errGenerationEnd ends a generation whose end is marked, or has none to mark;
// errGenerationCut ends one that stops without its mark.
var (
	errGenerationEnd = errors.New("end of generation")
	errGenerationCut = errors.New("end of generation not marked")
)

// begin moves to the next generation. It returns false at the input's end.
func (s *splitter) begin() bool {
	for !s.ended {
		h, ok := s.peek()
		if !ok {
			continue
		}
		if h.gen <= s.lastGen || h.gen != s.lastGen+1 && !s.confirmed(h) {
			s.skipForeign(h)
			continue
		}
		s.gen, s.lastGen, s.tables, s.broken = h.gen, h.gen, false, false
		s.n++
		return true
	}
	return false
}

// next is the next batch of the generation begun last, as the bytes of the
// input, valid until the next call.
func (s *splitter) next() (batch []byte, h batchHeader, err error) {
	for {
		s.take()
		if s.ended {
			return nil, h, s.end(errGenerationCut)
		}
		if s.atEndMark() {
			s.discard(1)
			return nil, h, s.end(errGenerationEnd)
		}
		h, ok := s.peek()
		switch {
		case !ok:
			continue
		case h.gen != s.gen && s.startsNext(h):
			return nil, h, s.endBefore()
		case h.gen != s.gen:
			s.skipForeign(h)
			continue
		}
		b, err := s.r.Peek(h.size)
		if err != nil {
			s.cut(len(b), err)
			continue
		}
		if h.experimental {
			s.experimental++
			s.discard(h.size) // of no use here
			continue
		}
		s.hold = h.size
		s.lookForHeader(b)
		if h.size > h.headerSize && b[h.headerSize] == evStrings {
			s.tables = true
		}
		return b, h, nil
	}
}

// lookForHeader notes the first header of a trace inside of a batch. A program
// may have such a string of its own, so that it means something only where
// there is damage as well.
func (s *splitter) lookForHeader(b []byte) {
	for i := 0; s.headerAt == 0; {
		k := bytes.Index(b[i:], []byte("go 1."))
		if k < 0 {
			return
		}
		i += k
		if _, ok := parseHeader(b[i:]); ok {
			s.headerAt = s.off + int64(i)
		}
		i++
	}
}

func (s *splitter) end(how error) error {
	s.gen = 0
	return how
}

// endBefore ends a generation where the next one begins: the rule before format
// 1.26, a sign of damage since.
func (s *splitter) endBefore() error {
	if s.format < 26 {
		return s.end(errGenerationEnd)
	}
	if !s.broken { // else the damage was told
		s.lose(report.Loss{Kind: "damaged", Offset: s.off, Generation: s.n, Bytes: 1,
			Text: fmt.Sprintf("the mark of the end of generation %d is missing; what it holds was read. %s", s.n, getAnew)})
	}
	return s.end(errGenerationCut)
}

func (s *splitter) take() {
	s.discard(s.hold)
	s.hold = 0
}

func (s *splitter) discard(n int) {
	k, _ := s.r.Discard(n)
	s.off += int64(k)
}

func (s *splitter) atEndMark() bool {
	b, err := s.r.Peek(1)
	return err == nil && s.format >= 26 && b[0] == evEndOfGeneration
}

// peek is the header of the batch that comes next. When there is none it finds
// out why, goes to where there may be one, and returns false.
func (s *splitter) peek() (h batchHeader, ok bool) {
	b, err := s.r.Peek(maxBatchHeader)
	if len(b) == 0 {
		s.cut(0, err)
		return h, false
	}
	if h, ok = parseBatchHeader(b); ok {
		return h, true
	}
	if _, second := parseHeader(b); second {
		s.secondTrace()
		return h, false
	}
	if s.gen == 0 && s.atEndMark() { // a generation without batches
		s.discard(1)
		return h, false
	}
	if len(b) < maxBatchHeader && s.couldBeHeader(b) {
		s.cut(len(b), err)
		return h, false
	}
	s.resync()
	return h, false
}

// couldBeHeader reports whether b may be the start of a header that the end of
// the input has cut.
func (s *splitter) couldBeHeader(b []byte) bool {
	if b[0] != evEventBatch && b[0] != evExperimentalBatch {
		return false
	}
	padded := append(append([]byte{}, b...), make([]byte, maxBatchHeader-len(b))...)
	h, ok := parseBatchHeader(padded)
	return ok && h.headerSize > len(b) || !ok && len(b) < 3
}

// startsNext reports whether h, of another generation than the one at hand,
// begins a new one.
func (s *splitter) startsNext(h batchHeader) bool {
	return h.gen > s.gen && s.confirmed(h)
}

// confirmed reports whether what follows h's batch goes on with its generation.
// A single batch may have a damaged number, or come from another program that
// writes to the same file.
func (s *splitter) confirmed(h batchHeader) bool {
	b, _ := s.r.Peek(h.size + maxBatchHeader)
	after, ok := parseBatchHeader(b[min(h.size, len(b)):])
	if !ok && len(b) < h.size+maxBatchHeader && s.format < 26 {
		return h.gen == s.lastGen+1 // the input ends
	}
	return ok && (after.gen == h.gen || h.gen == s.lastGen+1 && after.gen > h.gen)
}

// skipForeign leaves out a batch that belongs to no generation that can be
// told.
func (s *splitter) skipForeign(h batchHeader) {
	f := &s.foreign
	s.broken = true
	if f.n == 0 {
		f.off, f.gen, f.after = s.off, int64(h.gen), s.n
	}
	before := s.off
	s.discard(h.size)
	f.n++
	f.bytes += s.off - before
}

// cut ends the input in the middle of a batch, after n bytes of it, or where a
// batch might begin, with n 0.
func (s *splitter) cut(n int, err error) {
	s.ended, s.holed = true, s.broken
	start := s.off
	s.discard(n)
	why := "the trace ends"
	if err != nil && !errors.Is(err, io.EOF) {
		s.readErr = err
		why = "reading failed (" + clean(err.Error()) + ")"
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		why = "the compressed data is cut short"
	}
	switch {
	case n > 0:
		s.lose(report.Loss{Kind: "truncated", Offset: start, Generation: s.n, Bytes: int64(n),
			Text: fmt.Sprintf("%s in the middle of a batch %s: the last %s can't be read, and what the program did afterwards is missing. %s", why, s.where(), words.Plural(int64(n), "byte"), stopTracing)})
	case s.readErr != nil:
		s.lose(report.Loss{Kind: "truncated", Offset: start, Generation: s.n, Bytes: -1,
			Text: fmt.Sprintf("%s %s: what comes after byte %d is missing. Get the file anew.", why, s.where(), start)})
	case s.gen != 0 && s.unended():
		s.lose(report.Loss{Kind: "no-end", Offset: start, Generation: s.n, Bytes: -1,
			Text: fmt.Sprintf("the trace stops before the end of generation %d: the program was killed while it wrote, or the copy is incomplete. %s", s.n, stopTracing)})
	default:
		return
	}
	s.short = true
}

// unended reports whether the generation at hand is to go on. Before format 1.26
// its tables tell, but not if they may be among what is damaged.
func (s *splitter) unended() bool {
	return s.format >= 26 || !s.tables && !s.broken
}

// where is the generation at hand, or the one before, for people.
func (s *splitter) where() string {
	if s.n == 0 {
		return "before the first generation"
	}
	return fmt.Sprintf("in generation %d", s.n)
}

// What to do about a loss.
const (
	getAnew     = "Get the file anew, as it is (in binary mode), or record anew."
	stopTracing = "Copy the file anew if the original is longer; else let the program call trace.Stop before it exits, and record anew."
	ownFiles    = "Give each program a file of its own, and record anew."
)

// secondTrace ends the input where another trace's header stands in it.
func (s *splitter) secondTrace() {
	at := s.off
	s.ended = true
	rest, _ := io.Copy(io.Discard, s.r)
	s.off += rest
	whole := s.gen == 0 && s.n > 0 || s.format < 26 && s.tables
	if whole {
		s.lose(report.Loss{Kind: "concatenated", Offset: at, Generation: s.n, Bytes: rest,
			Text: fmt.Sprintf("a second trace begins at byte %d (%s); only the first was analysed. Cut the other out with: tail -c +%d FILE > SECOND", at, words.Plural(rest, "byte"), at+1)})
		return
	}
	s.lose(report.Loss{Kind: "interleaved", Offset: at, Generation: s.n, Bytes: rest,
		Text: fmt.Sprintf("another trace begins at byte %d, %s: two programs wrote to one file, or a trace that was cut short has another behind it (tail -c +%d FILE > SECOND). What comes before was analysed, %s not. %s", at, s.where(), at+1, words.Plural(rest, "byte"), ownFiles)})
}

// resync goes on to the next place that looks like a batch with a batch behind
// it, and reports what it skipped.
func (s *splitter) resync() {
	start := s.off
	s.discard(1)
	for {
		window, err := s.r.Peek(inputBuffer)
		found := s.findBatch(window)
		if found >= 0 {
			s.gaps++
			s.discard(found)
			break
		}
		if s.off-start+int64(len(window)) > maxGarbage {
			s.giveUp(start, len(window))
			return
		}
		// Keep what a batch at the window's end would need to be recognised.
		keep := maxBatch + 2*maxBatchHeader
		if err != nil {
			keep = 0
			s.ended = true
		}
		s.discard(len(window) - keep)
		if s.ended {
			if !errors.Is(err, io.EOF) {
				s.readErr = err
			}
			break
		}
	}
	s.lose(report.Loss{Kind: "damaged", Offset: start, Generation: s.n, Bytes: s.off - start,
		Text: fmt.Sprintf("%s from byte %d on, %s, can't be read and %s skipped. %s", words.Plural(s.off-start, "byte"), start, s.where(), was(s.off-start), getAnew)})
}

// giveUp ends the input where nothing but garbage comes since start; n bytes of
// it lie ahead.
func (s *splitter) giveUp(start int64, n int) {
	s.discard(n)
	s.ended = true
	s.lose(report.Loss{Kind: "damaged", Offset: start, Generation: s.n, Bytes: -1,
		Text: fmt.Sprintf("there is no batch in the %s from byte %d on, %s; what comes after them was not looked at. %s", words.Plural(s.off-start, "byte"), start, s.where(), getAnew)})
}

func was(n int64) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// findBatch is the first place in b with a header that fits in, and with
// another part of a trace right behind its batch; -1 if there is none.
func (s *splitter) findBatch(b []byte) int {
	for i := range b {
		if _, second := parseHeader(b[i:]); second {
			return i
		}
		h, ok := parseBatchHeader(b[i:])
		if !ok || h.size == h.headerSize || !s.plausible(h.gen) {
			continue
		}
		if i+h.size < len(b) && s.partAt(b[i+h.size:]) || i+h.size == len(b) && len(b) < inputBuffer {
			return i
		}
	}
	return -1
}

// plausible reports whether a generation of that number may follow.
func (s *splitter) plausible(gen uint64) bool {
	if s.lastGen == 0 {
		return gen < 1<<32 // tracing may have gone on for long before this file
	}
	return gen >= s.lastGen && gen <= s.lastGen+2
}

// partAt reports whether a part of a trace may begin with b.
func (s *splitter) partAt(b []byte) bool {
	if b[0] == evEndOfGeneration {
		return s.format >= 26
	}
	_, batch := parseBatchHeader(b)
	_, second := parseHeader(b)
	return batch || second
}

// intact reports whether the generation to come continues the one before
// without a gap, as far as is known.
func (s *splitter) intact() bool { return !s.broken }

func (s *splitter) lose(l report.Loss) {
	s.broken = true
	if len(s.lost) >= maxLosses {
		s.lossesMore++
		return
	}
	s.lost = append(s.lost, l)
}

// manyGaps is how many damaged places in one trace suggest that another program
// wrote there: a bad disk or a bad copy rarely leaves sound batches between.
const manyGaps = 3

// mixed says of a damaged trace that two programs wrote to its file, as far as
// that can be told. It belongs to no generation: it explains what the others
// lost.
func (s *splitter) mixed() (l report.Loss, ok bool) {
	switch {
	case s.headerAt > 0:
		return report.Loss{Kind: "interleaved", Offset: s.headerAt, Bytes: 0,
			Text: fmt.Sprintf("two programs wrote to one file: another trace's beginning lies at byte %d, in the middle of a batch, and there is damage. %s", s.headerAt, ownFiles)}, true
	case s.gaps+s.foreign.n >= manyGaps && s.gaps > 0:
		return report.Loss{Kind: "damaged", Offset: -1, Bytes: 0,
			Text: fmt.Sprintf("the trace is damaged in %s places with sound batches between them, perhaps by two programs writing to one file: then give each its own. %s", words.Count(s.gaps+s.foreign.n), getAnew)}, true
	}
	return l, false
}

// losses are all that the splitter found missing.
func (s *splitter) losses() []report.Loss {
	lost := s.lost
	switch f := s.foreign; {
	case f.n == 1:
		lost = append(lost, report.Loss{Kind: "damaged", Offset: f.off, Generation: f.after, Bytes: f.bytes,
			Text: fmt.Sprintf("a batch of %s bytes behind the start of generation %d says that it belongs to generation %d; it was left out. %s", words.Count(f.bytes), f.after, f.gen, getAnew)})
	case f.n > 1:
		lost = append(lost, report.Loss{Kind: "interleaved", Offset: f.off, Generation: f.after, Bytes: f.bytes,
			Text: fmt.Sprintf("from byte %d on, %s batches (%s bytes) belong to other generations than those around them: two programs wrote to one file; they were left out. %s", f.off, words.Count(f.n), words.Count(f.bytes), ownFiles)})
	}
	if s.lossesMore > 0 {
		lost = append(lost, report.Loss{Kind: "damaged", Offset: -1, Bytes: -1, Text: fmt.Sprintf("damaged places not listed: %d. %s", s.lossesMore, getAnew)})
	}
	return lost
}
