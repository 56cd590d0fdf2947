package load

import (
	"encoding/binary"
	"math/bits"
)

// The kinds of events of formats 1.22 and up, by their number on the wire. The
// first stand for parts of a trace, those with a time for what a thread did.
// Source: internal/trace/tracev2, Go 1.26.
const (
	evEventBatch = 1
	evStacks     = 2
	evStack      = 3
	evStrings    = 4
	evString     = 5
	evCPUSamples = 6
	evCPUSample  = 7
	evFrequency  = 8

	evProcsChange         = 9
	evProcStart           = 10
	evProcStop            = 11
	evProcSteal           = 12
	evProcStatus          = 13
	evGoCreate            = 14
	evGoCreateSyscall     = 15
	evGoStart             = 16
	evGoDestroy           = 17
	evGoDestroySyscall    = 18
	evGoStop              = 19
	evGoBlock             = 20
	evGoUnblock           = 21
	evGoSyscallBegin      = 22
	evGoSyscallEnd        = 23
	evGoSyscallEndBlocked = 24
	evGoStatus            = 25
	evSTWBegin            = 26
	evSTWEnd              = 27
	evGCActive            = 28
	evGCBegin             = 29
	evGCEnd               = 30
	evGCSweepActive       = 31
	evGCSweepBegin        = 32
	evGCSweepEnd          = 33
	evGCMarkAssistActive  = 34
	evGCMarkAssistBegin   = 35
	evGCMarkAssistEnd     = 36
	evHeapAlloc           = 37
	evHeapGoal            = 38
	evGoLabel             = 39
	evUserTaskBegin       = 40
	evUserTaskEnd         = 41
	evUserRegionBegin     = 42
	evUserRegionEnd       = 43
	evUserLog             = 44
	evGoSwitch            = 45 // from 1.23 on
	evGoSwitchDestroy     = 46
	evGoCreateBlocked     = 47
	evGoStatusStack       = 48

	evExperimentalBatch = 49
	evSync              = 50 // from 1.25 on
	evClockSnapshot     = 51
	evEndOfGeneration   = 52 // from 1.26 on

	evSpan                = 128 // of the experiment AllocFree, as are those below
	evSpanAlloc           = 129
	evSpanFree            = 130
	evHeapObject          = 131
	evHeapObjectAlloc     = 132
	evHeapObjectFree      = 133
	evGoroutineStack      = 134
	evGoroutineStackAlloc = 135
	evGoroutineStackFree  = 136
)

// wireArgs is how many numbers follow the kind of an event that has a time, the
// time among them. 0 is a kind that no thread writes.
var wireArgs = [256]uint8{
	evProcsChange: 3, evProcStart: 3, evProcStop: 1, evProcSteal: 4, evProcStatus: 3,
	evGoCreate: 4, evGoCreateSyscall: 2, evGoCreateBlocked: 4, evGoStart: 3, evGoDestroy: 1, evGoDestroySyscall: 1,
	evGoStop: 3, evGoBlock: 3, evGoUnblock: 4, evGoSwitch: 3, evGoSwitchDestroy: 3,
	evGoSyscallBegin: 3, evGoSyscallEnd: 1, evGoSyscallEndBlocked: 1, evGoStatus: 4, evGoStatusStack: 5,
	evSTWBegin: 3, evSTWEnd: 1, evGCActive: 2, evGCBegin: 3, evGCEnd: 2,
	evGCSweepActive: 2, evGCSweepBegin: 2, evGCSweepEnd: 3,
	evGCMarkAssistActive: 2, evGCMarkAssistBegin: 2, evGCMarkAssistEnd: 1, evHeapAlloc: 2, evHeapGoal: 2,
	evGoLabel: 2, evUserTaskBegin: 5, evUserTaskEnd: 3, evUserRegionBegin: 4, evUserRegionEnd: 4, evUserLog: 5,
	evSpan: 4, evSpanAlloc: 4, evSpanFree: 2, evHeapObject: 3, evHeapObjectAlloc: 3, evHeapObjectFree: 2,
	evGoroutineStack: 3, evGoroutineStackAlloc: 3, evGoroutineStackFree: 2,
}

// Bounds that the format sets. Source: internal/trace/tracev2, Go 1.26.
const (
	maxEventArgs   = 5
	maxStackFrames = 128
	maxStringBytes = 1 << 10

	// maxBatch is the most bytes that a batch may have after its header.
	maxBatch = 64 << 10
	// maxBatchHeader is the most bytes that a batch's header may have: its type,
	// an experiment and four varints.
	maxBatchHeader = 2 + 4*binary.MaxVarintLen64
)

// wirePad is how many zeros follow the bytes of a batch in memory. A number that
// the batch's end cuts is read on into them, and so are the rest of an event's
// arguments: what goes past the end is seen once an event, not once a byte.
const wirePad = 16

// uvarint reads the number at b[i], and returns where the next byte lies. That
// is past the data, of which wirePad zeros follow, if the number goes past it or
// is none. i must be before or within the first maxEventArgs zeros.
func uvarint(b []byte, i int) (v uint64, next int) {
	if x := b[i]; x < 0x80 {
		return uint64(x), i + 1
	}
	return uvarintLong(b, i)
}

// uvarintLong reads a number of two bytes or more. How long numbers are is hard
// to foresee, for a processor too: so up to eight bytes are read at once, and
// their sevens of bits moved together by pairs, fours and eights of bytes.
func uvarintLong(b []byte, i int) (v uint64, next int) {
	v = binary.LittleEndian.Uint64(b[i:])
	ends := ^v & 0x80808080_80808080 // in the bytes that may end the number
	if ends == 0 {
		return uvarintLongest(b, i)
	}
	n := bits.TrailingZeros64(ends) // one of 7, 15, 23, ...
	v &= 1<<n - 1
	v = v&0x007f007f_007f007f | v>>1&0x3f803f80_3f803f80
	v = v&0x00003fff_00003fff | v>>2&0x0fffc000_0fffc000
	v = v&0x0fffffff | v>>4&0x00ffffff_f0000000
	return v, i + (n+1)/8
}

// uvarintLongest reads a number of nine or ten bytes, or one that is too long.
func uvarintLongest(b []byte, i int) (v uint64, next int) {
	v, n := binary.Uvarint(b[i:])
	if n <= 0 {
		return 0, len(b) - wirePad + 1
	}
	return v, i + n
}

// wireBatch is a batch of the generation at hand.
type wireBatch struct {
	raw    []byte // header and data, with wirePad zeros behind them
	header int    // bytes of raw
	thread uint64
	time   uint64 // in the clock's units
}

// kind is the first byte of the batch's data, 0 if there is none.
func (b *wireBatch) kind() byte { return b.raw[b.header] }

// data is what follows the header, the zeros with it, and how long it is without
// them.
func (b *wireBatch) data() (data []byte, end int) {
	return b.raw[b.header:], len(b.raw) - b.header - wirePad
}

// bytes is the batch as it stands in the trace.
func (b *wireBatch) bytes() []byte { return b.raw[:len(b.raw)-wirePad] }

// chunkBytes is the size of the pieces that an arena takes memory in.
const chunkBytes = 256 << 10

// arena holds copies of batches, which are all let go at once. It keeps its
// chunks for the next generation, which mostly is as large as this one.
type arena struct {
	chunks [][]byte
	used   int // chunks with something in them
}

func (a *arena) reset() { a.used = 0 }

// keep copies b, with wirePad zeros behind it.
func (a *arena) keep(b []byte) []byte {
	n := len(b) + wirePad
	if a.used == 0 || len(a.chunks[a.used-1])+n > cap(a.chunks[a.used-1]) {
		if a.used == len(a.chunks) {
			a.chunks = append(a.chunks, make([]byte, 0, chunkBytes))
		}
		a.chunks[a.used] = a.chunks[a.used][:0]
		a.used++
	}
	c := &a.chunks[a.used-1]
	at := len(*c)
	*c = append(append(*c, b...), make([]byte, wirePad)...)
	return (*c)[at : at+n : at+n]
}
