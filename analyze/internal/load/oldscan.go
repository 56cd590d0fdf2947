package load

import "encoding/binary"

// Kinds of events of the formats up to 1.21 that have something of interest here,
// or another shape than the rest.
const (
	oldBatch      = 1  // P, time in ticks
	oldFrequency  = 2  // ticks a second: where the trace's end begins
	oldStack      = 3  // no time
	oldGomaxprocs = 4  // the value
	oldTimerG     = 35 // no time
	oldString     = 37 // id; bytes follow
	oldUserLog    = 48 // bytes follow
)

// maxOldEvent bounds an event, its string not counted: of the longest, a stack, some
// four numbers a frame.
const maxOldEvent = 1 << 16

// oldScan reads along while a trace of format 1.21 or before passes by, for what the
// reader does not hand on: the GOMAXPROCS that the trace begins with, and whether the
// trace's end is there. It holds one event at the most.
//
// An event is a byte, of which six bits are its kind and two say how many numbers
// follow the first one, three of them that a length in bytes comes before all. The
// numbers are varints; the first one is mostly the time since the event before it in
// the batch.
type oldScan struct {
	rest   []byte // an event's beginning
	skip   uint64 // bytes of a string, or of the header, still to come
	now    uint64 // ticks, in the batch at hand
	procs  uint64 // GOMAXPROCS that was written first, 0 for none so far
	at     uint64 // when, in ticks
	ended  bool   // the trace's end has begun
	broken bool   // these are no events
}

// maxOldProcs is the highest GOMAXPROCS that is believed.
const maxOldProcs = maxProcID

// Write takes the next bytes of the trace. It never fails.
func (s *oldScan) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 && !s.broken {
		n := min(len(p), maxOldEvent)
		s.read(p[:n])
		p = p[n:]
	}
	return all, nil
}

func (s *oldScan) read(p []byte) {
	s.rest = append(s.rest, p...)
	at := 0
	for at < len(s.rest) && !s.broken {
		if n := int(min(s.skip, uint64(len(s.rest)-at))); n > 0 {
			s.skip -= uint64(n)
			at += n
			continue
		}
		n := s.event(s.rest[at:])
		if n == 0 {
			break
		}
		at += n
	}
	if at > 0 {
		s.rest = s.rest[:copy(s.rest, s.rest[at:])]
	}
}

// event reads the event at the beginning of p and returns its length, 0 if p does
// not hold all of it.
func (s *oldScan) event(p []byte) int {
	kind, more := p[0]&63, int(p[0]>>6)
	r := varints{p: p, at: 1}
	var args [3]uint64
	switch {
	case kind == oldString:
		r.next()
		s.skip = r.next()
	case more < 3:
		for i := range more + 1 {
			args[i] = r.next()
		}
	default:
		size := r.next()
		if size > maxOldEvent {
			s.broken = true
			return 0
		}
		end := r.at + int(size)
		args[0], args[1], args[2] = r.next(), r.next(), r.next()
		r.short = r.short || end > len(p)
		r.at = end
		if kind == oldUserLog && !r.short {
			s.skip = r.next()
		}
	}
	if s.broken = s.broken || r.broken; s.broken || r.short {
		s.skip = 0
		return 0
	}
	s.take(kind, args)
	return r.at
}

// take notes what an event says.
func (s *oldScan) take(kind byte, args [3]uint64) {
	switch kind {
	case oldBatch:
		s.now = args[1]
		return
	case oldFrequency:
		s.ended = true
		return
	case oldStack, oldString, oldTimerG:
		return
	}
	s.now += args[0]
	if n := args[1]; kind == oldGomaxprocs && n > 0 && n <= maxOldProcs && (s.procs == 0 || s.now < s.at) {
		s.procs, s.at = n, s.now
	}
}

// cut reports whether the trace stops before its end.
func (s *oldScan) cut() bool {
	return !s.broken && (!s.ended || len(s.rest) > 0 || s.skip > 0)
}

// varints reads numbers one after the other.
type varints struct {
	p      []byte
	at     int
	short  bool // p ended
	broken bool // a number has no end
}

func (r *varints) next() uint64 {
	if r.short || r.broken || r.at > len(r.p) {
		r.short = true
		return 0
	}
	v, n := binary.Uvarint(r.p[r.at:])
	r.short, r.broken = n == 0, n < 0
	r.at += max(n, 0)
	return v
}
