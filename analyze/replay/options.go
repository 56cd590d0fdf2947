package replay

import (
	"time"

	"gmptrace/analyze/internal/load"
	"gmptrace/analyze/machine"
)

// Options say what part of a trace to read and how. The zero value reads
// everything with the defaults.
type Options struct {
	Name      string // of the input, for messages and the report
	Size      int64  // of the input in bytes as read from r, for Progress; 0 when not known
	GoVersion string // "1.26": whose rules to apply; "" to take it from the trace
	From, To  Bound  // part of the trace to analyse; the zero Bound is open

	// MaxMemory bounds what the input can make the reader hold, in bytes,
	// roughly: a generation that would need more is left out, with a Loss. 0 is
	// DefaultMaxMemory.
	MaxMemory int64

	// Machine is what the machine said while the trace was recorded, out of a file; nil
	// where the trace itself holds it, or nobody asked.
	Machine *machine.Evidence

	// Reader is who decodes the trace: "" is this module's own decoder, which leaves
	// to golang.org/x/exp/trace what it can't read, and ReferenceReader has that
	// read everything. Both give the same events, but for a generation that was cut
	// short, of which the reference can tell less; asked for, it is told in
	// Trace.Notes.
	Reader string

	// Workers is the number of generations decoded at once; 0 is 1, or
	// min(2, GOMAXPROCS) where Reader is ReferenceReader.
	Workers int

	// Progress, where set, is told how far the reading is, a few times a second
	// at the most, from another goroutine than the caller's.
	Progress func(Progress)

	// cut, where set, says each time after how many events the watchers are told
	// what the model has found out. What they say does not depend on it; tests set it.
	cut func() int
}

// DefaultMaxMemory is the default of Options.MaxMemory, which a small machine
// can spare: 2 GiB. It suffices for generations of about 250 MB, and before
// format 1.22 for traces of 64 MB.
const DefaultMaxMemory = load.DefaultMaxMemory

// ReferenceReader is the Reader to compare with, if what a trace says is in doubt.
const ReferenceReader = load.ReferenceReader

// Bound is one end of the part of a trace to analyse: an offset from the
// trace's first event or, where Clock is set, a wall-clock time. Traces have wall-clock
// times since Go 1.25; of an older one a Clock is an error.
type Bound struct {
	Set    bool          // else it is open, and the others do not count
	Offset time.Duration // from the trace's first event
	Clock  time.Time     // has precedence where not zero
}

// Progress is how far a reading has come.
type Progress struct {
	Bytes  int64 // of the input as read, compressed where it is
	Size   int64 // of the input: Options.Size; 0 when not known
	Events int64 // that the model has been driven through
}
