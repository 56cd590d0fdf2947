package report

import (
	"encoding/binary"
	"iter"

	"gmptrace/model"
)

// SliceKind is what a P did during a slice of the timeline.
type SliceKind uint8

// The kinds of slices. A P that does none of these is idle.
const (
	SliceUser     SliceKind = iota // a goroutine of the program ran
	SliceRuntime                   // a goroutine of the runtime ran, other than a mark worker
	SliceGCWorker                  // a mark worker ran
	SliceAssist                    // a goroutine ran and did GC assist work all the while
	SliceSyscall                   // its goroutine was in a system call, the P not yet taken
	SliceSched                     // held by an M that ran no goroutine: looking for work
	NumSliceKinds
)

// String is the kind's name in reports.
func (k SliceKind) String() string {
	return [...]string{"user goroutine", "runtime goroutine", "GC worker", "GC assist", "syscall", "looking for work", "?"}[min(k, NumSliceKinds)]
}

// Timeline is what one picture in full detail needs: a track per P with its
// slices, and the marks of decisions. It is kept only where Options.Slices asks
// for it and up to that many slices; beyond, Complete is false and Kept says
// which windows still have all their slices.
type Timeline struct {
	Tracks   []*Track
	Names    []string     // names of Slice.Name: start functions of goroutines
	Marks    []Mark       // in order of time
	Depth    []DepthPoint // changes of the number of runnable goroutines, thinned
	Threads  []int64      // by Slice.M: the operating system's ids
	Stops    []Stop       // by Slice.Stop; 0 is none
	Blocked  []Blocked    // in order of their ends
	Complete bool
	Kept     []Window // in order of time; the whole trace when Complete
	LeftOut  int64    // slices not kept

	Parts []KeptPart // of Kept, each to be left out whole
}

// Window is a part of the trace in full detail.
type Window struct{ Start, End int64 }

// Blocked is a stretch in which a system call held a thread that had no P.
type Blocked struct {
	Start, End int64
	M          int32
}

// DepthPoint is the number of runnable goroutines from a moment on.
type DepthPoint struct {
	At int64
	N  int
}

// MarkKind is a kind of decision shown on the timeline.
type MarkKind uint8

// The kinds of marks.
const (
	MarkSteal MarkKind = iota
	MarkTick           // a 61-tick pull
	MarkHandoff
	MarkPreempt
	NumMarkKinds
)

// String is the kind's name in reports.
func (k MarkKind) String() string {
	return [...]string{"steal", "61-tick pull", "handoff", "preemption", "?"}[min(k, NumMarkKinds)]
}

// Mark is one decision at one moment on one P.
type Mark struct {
	At   int64
	P    model.ProcID
	From model.ProcID // victim of a steal, else -1
	Kind MarkKind
}

// Slice is a stretch of time in which one P did one thing.
type Slice struct {
	Start, End int64 // from the trace's first event
	G          model.GoID
	Name       uint32 // index in Timeline.Names
	Kind       SliceKind
	Source     model.Source // where G was dispatched from; unknown for slices that go on after a stop
	Certain    bool

	Wait int64      // how long G had been runnable when it was dispatched; 0 where Source is unknown
	By   model.GoID // who made it runnable, -1 for nobody or not known
	M    int32      // index in Timeline.Threads, -1 when not known
	Stop uint32     // index in Timeline.Stops: how G stopped at the slice's end, 0 if it did not
}

// Stop is how a goroutine stopped running.
type Stop struct {
	Why   string  // "blocked: chan receive", "preempted", "yielded", "ended"
	Stack []Frame // where, innermost frame first; empty if the trace shows none
}

// Track holds the slices of one P, column by column as delta-varints: about
// a dozen bytes a slice, and what deflate likes best. Slices are in order of time
// and do not overlap.
type Track struct {
	P     model.ProcID
	N     int
	Start []byte // uvarint: gap since the end of the slice before
	Dur   []byte // uvarint
	G     []byte // varint: difference from the slice before
	Name  []byte // uvarint
	Kind  []byte // a byte each: SliceKind
	From  []byte // a byte each: Source, with bit 7 for Certain
	Wait  []byte // uvarint
	By    []byte // varint: difference from the slice's own G
	M     []byte // varint: difference from the slice before
	Stop  []byte // uvarint

	end   int64
	lastG model.GoID
	lastM int32
}

// Add appends a slice. It must not begin before the one before it ended.
func (t *Track) Add(s Slice) {
	t.Start = binary.AppendUvarint(t.Start, uint64(s.Start-t.end))
	t.Dur = binary.AppendUvarint(t.Dur, uint64(s.End-s.Start))
	t.G = binary.AppendVarint(t.G, int64(s.G-t.lastG))
	t.Name = binary.AppendUvarint(t.Name, uint64(s.Name))
	t.Kind = append(t.Kind, byte(s.Kind))
	t.From = append(t.From, PackSource(s.Source, s.Certain))
	t.Wait = binary.AppendUvarint(t.Wait, uint64(s.Wait))
	t.By = binary.AppendVarint(t.By, int64(s.By-s.G))
	t.M = binary.AppendVarint(t.M, int64(s.M-t.lastM))
	t.Stop = binary.AppendUvarint(t.Stop, uint64(s.Stop))
	t.end, t.lastG, t.lastM = s.End, s.G, s.M
	t.N++
}

// PackSource puts a source and whether it is certain into a byte.
func PackSource(s model.Source, certain bool) byte {
	if certain {
		return byte(s) | 1<<7
	}
	return byte(s)
}

// UnpackSource is what PackSource put into a byte.
func UnpackSource(b byte) (model.Source, bool) { return model.Source(b &^ (1 << 7)), b&(1<<7) != 0 }

// Slices are the track's slices in order of time.
func (t *Track) Slices() iter.Seq[Slice] {
	return func(yield func(Slice) bool) {
		var s Slice
		start, dur, g, name := column(t.Start), column(t.Dur), column(t.G), column(t.Name)
		wait, by, m, stop := column(t.Wait), column(t.By), column(t.M), column(t.Stop)
		for i := range t.N {
			s.Start = s.End + int64(start.uvarint())
			s.End = s.Start + int64(dur.uvarint())
			s.G += model.GoID(g.varint())
			s.Name = uint32(name.uvarint())
			s.Kind = SliceKind(t.Kind[i])
			s.Source, s.Certain = UnpackSource(t.From[i])
			s.Wait = int64(wait.uvarint())
			s.By = s.G + model.GoID(by.varint())
			s.M += int32(m.varint())
			s.Stop = uint32(stop.uvarint())
			if !yield(s) {
				return
			}
		}
	}
}

// column is what is left of a Track's column.
type column []byte

func (c *column) uvarint() uint64 {
	v, n := binary.Uvarint(*c)
	*c = (*c)[n:]
	return v
}

func (c *column) varint() int64 {
	v, n := binary.Varint(*c)
	*c = (*c)[n:]
	return v
}

// KeepWindow adds a window in full detail, joined with the one before it where
// they touch.
func (t *Timeline) KeepWindow(start, end int64) {
	if n := len(t.Kept); n > 0 && t.Kept[n-1].End >= start {
		t.Kept[n-1].End = max(t.Kept[n-1].End, end)
		return
	}
	t.Kept = append(t.Kept, Window{start, end})
}
