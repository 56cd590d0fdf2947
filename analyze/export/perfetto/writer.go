package perfetto

import (
	"io"

	"gmptrace/analyze/words"
	"gmptrace/model"

	"google.golang.org/protobuf/encoding/protowire"
)

// writer writes packets. The first error stays, and ends the reading.
type writer struct {
	out  io.Writer
	zero model.Time // of the trace's first event
	err  error
	fail func()

	all     []*sequence
	kept    int    // bytes that they keep
	tracks  uint64 // so many are there
	packets int64
	buf     []byte
}

// packet writes one packet of these fields.
func (w *writer) packet(fields []byte) {
	w.buf = framed(w.buf[:0], fields)
	w.packets++
	w.write(w.buf)
}

// framed adds a packet of these fields to what is to be written.
func framed(b, fields []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, tracePacket, protowire.BytesType), fields)
}

// write writes whole packets.
func (w *writer) write(packets []byte) {
	if w.err != nil || len(packets) == 0 {
		return
	}
	if _, w.err = w.out.Write(packets); w.err != nil {
		w.fail()
	}
}

// flush writes what the sequences keep.
func (w *writer) flush() {
	for _, s := range w.all {
		s.flush()
		s.made = nil // of many sequences each would hold on to its room
	}
}

// track describes a track, which is told once, and gives it a number.
type track struct {
	parent   uint64 // 0 for the process itself
	name     string
	rank     int64 // among those of its parent
	ordered  bool  // its own tracks have ranks
	process  bool
	thread   int64 // the operating system's id, 0 for none
	unit     uint64
	counting bool
}

// processTrack is the number of the track that all others belong to, and processID what
// the process is known by, as traces do not tell its id.
const (
	processTrack = 1
	processID    = 1
)

// reserve is the number of a track whose description comes later.
func (w *writer) reserve() uint64 {
	w.tracks++
	return w.tracks
}

// declare describes a new track.
func (w *writer) declare(t track) uint64 {
	uuid := w.reserve()
	w.describe(uuid, t)
	return uuid
}

// describe writes the description of a track.
func (w *writer) describe(uuid uint64, t track) { w.packet(t.description(uuid)) }

// description is the fields of the packet that describes a track.
func (t *track) description(uuid uint64) []byte {
	name := words.Printable(t.name)
	d := appendUint(nil, descriptorUUID, uuid)
	d = appendString(d, descriptorName, name)
	if t.parent != 0 {
		d = appendUint(d, descriptorParent, t.parent)
	}
	switch {
	case t.process:
		p := appendUint(nil, processPID, processID)
		d = appendBytes(d, descriptorProcess, appendString(p, processName, name))
	case t.thread > 0 && t.thread < 1<<31: // wider ids do not fit
		p := appendUint(appendUint(nil, threadPID, processID), threadTID, uint64(t.thread))
		d = appendBytes(d, descriptorThread, appendString(p, threadName, name))
	case t.counting:
		d = appendBytes(d, descriptorCounter, appendUint(nil, counterUnit, t.unit))
	}
	if t.ordered {
		d = appendUint(d, descriptorChildOrdering, orderingExplicit)
	}
	if t.rank > 0 && t.rank < 1<<31 {
		d = appendUint(d, descriptorRank, uint64(t.rank))
	}
	return appendBytes(nil, packetTrackDescriptor, d)
}

// wall tells which wall-clock time, in nanoseconds since 1970, the trace's first event
// had.
func (w *writer) wall(ns int64) {
	s := appendBytes(nil, snapshotClocks, clock(clockBoottime, int64(w.zero)))
	s = appendBytes(s, snapshotClocks, clock(clockRealtime, ns))
	w.packet(appendBytes(nil, packetClockSnapshot, s))
}

func clock(id uint64, at int64) []byte {
	return appendUint(appendUint(nil, clockID, id), clockTimestamp, uint64(at))
}

func appendUint(b []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func appendBytes(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func appendString(b []byte, n protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func appendFixed(b []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, n, protowire.Fixed64Type), v)
}
