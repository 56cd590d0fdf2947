package perfetto

import (
	"gmptrace/analyze/words"
	"gmptrace/model"

	"google.golang.org/protobuf/encoding/protowire"
)

// sequence is packets that refer to what others of the same sequence have told: names by
// numbers, and times by how long after each other they are.
type sequence struct {
	w     *writer
	id    uint64
	track uint64     // of events that name none, 0 for none
	at    model.Time // of the packet before

	names, categories, keys, texts interned
	fresh                          []byte // InternedData that the next packet has to tell

	event, packet, scratch []byte    // of the packet being made
	made                   []byte    // packets to be written
	after                  *sequence // is written before this one, nil for none
}

// How many bytes of packets are kept, to be written at once: what is alike takes less room,
// compressed, where it stands one after the other.
const (
	mostMade = 64 << 10 // of one sequence
	mostKept = 16 << 20 // of all of them
)

// write has a packet of these fields be written with those that follow.
func (s *sequence) write(fields []byte) {
	before := len(s.made)
	s.made = framed(s.made, fields)
	s.w.packets++
	s.w.kept += len(s.made) - before
	switch {
	case len(s.made) >= mostMade:
		s.flush()
	case s.w.kept >= mostKept:
		s.w.flush()
	}
}

// flush writes what the sequence keeps.
func (s *sequence) flush() {
	if s.after != nil {
		s.after.flush()
	}
	s.w.write(s.made)
	s.w.kept -= len(s.made)
	s.made = s.made[:0]
}

// interned are texts that have numbers. Those that are made of something small are known
// by that, so that they need not be spelled to be found.
type interned struct {
	field  protowire.Number // of InternedData
	last   uint64           // number given out: none is ever used again
	byText map[string]uint64
	byKey  map[nameKey]uint64
}

func (x *interned) len() int { return len(x.byText) + len(x.byKey) }

func (x *interned) forget() { x.byText, x.byKey = map[string]uint64{}, map[nameKey]uint64{} }

// nameKey stands for the name of a goroutine, or for a place where one stopped.
type nameKey struct {
	g     model.GoID
	stack uint32
}

// mostInterned is how many texts a sequence keeps the numbers of. When there are more, it
// begins anew.
const mostInterned = 1 << 15

// sequence begins a sequence of events, on a track if they have one in common.
func (w *writer) sequence(track uint64) *sequence {
	s := &sequence{w: w, id: uint64(len(w.all)) + 1, track: track, at: w.zero,
		names: interned{field: internedNames}, categories: interned{field: internedCategories},
		keys: interned{field: internedAnnotationNames}, texts: interned{field: internedStrings}}
	w.all = append(w.all, s)
	s.clear(true)
	return s
}

// clear forgets all names, and says so.
func (s *sequence) clear(first bool) {
	for _, x := range []*interned{&s.names, &s.categories, &s.keys, &s.texts} {
		x.forget()
	}
	s.fresh = s.fresh[:0]
	defaults := appendUint(nil, defaultsTimestampClock, clockSteps)
	if s.track != 0 {
		defaults = appendBytes(defaults, defaultsTrackEvent, appendUint(nil, eventDefaultsTrack, s.track))
	}
	p := s.clocks()
	p = appendUint(p, packetSequence, s.id)
	p = appendUint(p, packetSequenceFlags, stateCleared|needsState)
	if first {
		p = appendUint(p, packetPreviousDropped, 1) // as Perfetto wants of what has nothing before
		p = appendUint(p, packetFirstOnSequence, 1)
	}
	s.write(appendBytes(p, packetDefaults, defaults))
}

// clocks has the times of the packets that follow count from the trace's first event.
func (s *sequence) clocks() []byte {
	s.at = s.w.zero
	clocks := appendBytes(nil, snapshotClocks, clock(clockBoottime, int64(s.w.zero)))
	clocks = appendBytes(clocks, snapshotClocks, appendUint(clock(clockSteps, 0), clockIncremental, 1))
	clocks = appendBytes(clocks, snapshotClocks, clock(clockOffset, 0))
	return appendBytes(nil, packetClockSnapshot, clocks)
}

// rewind goes back to the time of the trace's first event.
func (s *sequence) rewind() {
	p := appendUint(s.clocks(), packetSequence, s.id)
	s.write(appendUint(p, packetSequenceFlags, needsState))
}

// begin begins an event. What it says is added, and end writes it.
func (s *sequence) begin(kind, track uint64) {
	if s.names.len()+s.texts.len() >= mostInterned {
		s.clear(false)
	}
	s.event = appendUint(s.event[:0], eventType, kind)
	if track != s.track {
		s.event = appendUint(s.event, eventTrack, track)
	}
}

// end writes the event begun. Its time comes last, so that all else of it stands in one
// piece, which most often was there before: so it takes less room, compressed.
func (s *sequence) end(at model.Time) {
	p := appendUint(s.packet[:0], packetSequence, s.id)
	p = appendUint(p, packetSequenceFlags, needsState)
	p = appendBytes(p, packetTrackEvent, s.event)
	if len(s.fresh) > 0 {
		p = appendBytes(p, packetInternedData, s.fresh)
		s.fresh = s.fresh[:0]
	}
	if at >= s.at {
		p = appendUint(p, packetTimestamp, uint64(at-s.at))
		s.at = at
	} else {
		p = appendUint(p, packetTimestampClock, clockOffset)
		p = appendUint(p, packetTimestamp, uint64(max(0, at-s.w.zero)))
	}
	s.packet = p
	s.write(p)
}

// sliceEnd ends the innermost slice of a track.
func (s *sequence) sliceEnd(at model.Time, track uint64) {
	s.begin(typeSliceEnd, track)
	s.end(at)
}

// count tells a counter's value from a time on.
func (s *sequence) count(at model.Time, track uint64, v int64) {
	s.begin(typeCounter, track)
	s.event = appendUint(s.event, eventCounterValue, uint64(v))
	s.end(at)
}

// text is the number of a text, which is told if it is new.
func (s *sequence) text(x *interned, text string) uint64 {
	id, ok := x.byText[text]
	if !ok {
		id = s.tell(x, text)
		x.byText[text] = id
	}
	return id
}

// keyed is the number of the text that a key stands for.
func (s *sequence) keyed(x *interned, key nameKey, spell func(nameKey) string) uint64 {
	id, ok := x.byKey[key]
	if !ok {
		id = s.tell(x, spell(key))
		x.byKey[key] = id
	}
	return id
}

// tell gives a text a number, which the packet being made tells.
func (s *sequence) tell(x *interned, text string) uint64 {
	x.last++
	entry := appendString(appendUint(nil, internedIID, x.last), internedText, words.Printable(text))
	s.fresh = appendBytes(s.fresh, x.field, entry)
	return x.last
}

func (s *sequence) named(name string) {
	s.event = appendUint(s.event, eventNameIID, s.text(&s.names, name))
}

func (s *sequence) namedBy(key nameKey, spell func(nameKey) string) {
	s.event = appendUint(s.event, eventNameIID, s.keyed(&s.names, key, spell))
}

// called names the event by a text that is not expected again.
func (s *sequence) called(name string) {
	s.event = appendString(s.event, eventName, words.Printable(name))
}

func (s *sequence) category(name string) {
	s.event = appendUint(s.event, eventCategoryIIDs, s.text(&s.categories, name))
}

// flow has an arrow begin or end here.
func (s *sequence) flow(id uint64, ends bool) {
	field := eventFlows
	if ends {
		field = eventEndingFlows
	}
	s.event = appendFixed(s.event, field, id)
}

// key begins an annotation.
func (s *sequence) key(name string) []byte {
	return appendUint(s.scratch[:0], annotationNameIID, s.text(&s.keys, name))
}

func (s *sequence) annotate(a []byte) {
	s.event, s.scratch = appendBytes(s.event, eventAnnotations, a), a
}

func (s *sequence) annotateInt(key string, v int64) {
	s.annotate(appendUint(s.key(key), annotationInt, uint64(v)))
}

func (s *sequence) annotateBool(key string, v bool) {
	s.annotate(appendUint(s.key(key), annotationBool, protowire.EncodeBool(v)))
}

// annotateText has a text that comes again.
func (s *sequence) annotateText(key, v string) {
	s.annotate(appendUint(s.key(key), annotationStringIID, s.text(&s.texts, v)))
}

func (s *sequence) annotateBy(key string, by nameKey, spell func(nameKey) string) {
	s.annotate(appendUint(s.key(key), annotationStringIID, s.keyed(&s.texts, by, spell)))
}

// annotateOnce has a text that is not expected again.
func (s *sequence) annotateOnce(key, v string) {
	s.annotate(appendString(s.key(key), annotationString, words.Printable(v)))
}
