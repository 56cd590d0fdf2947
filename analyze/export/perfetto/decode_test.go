package perfetto_test

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// schema is what is used of Perfetto's protos/perfetto/trace: of each field its number, its
// name, and its type, with a star where there may be several. It is written apart from the
// numbers that the exporter goes by.
const schema = `
Trace: 1 packet *TracePacket
TracePacket: 6 clock_snapshot ClockSnapshot, 8 timestamp uint64, 10 trusted_packet_sequence_id uint32,
  11 track_event TrackEvent, 12 interned_data InternedData, 13 sequence_flags uint32,
  42 previous_packet_dropped uint32, 58 timestamp_clock_id uint32, 59 trace_packet_defaults TracePacketDefaults,
  60 track_descriptor TrackDescriptor, 87 first_packet_on_sequence bool
TracePacketDefaults: 11 track_event_defaults TrackEventDefaults, 58 timestamp_clock_id uint32
TrackEventDefaults: 11 track_uuid uint64
ClockSnapshot: 1 clocks *Clock
Clock: 1 clock_id uint32, 2 timestamp uint64, 3 is_incremental bool
TrackEvent: 3 category_iids *uint64, 4 debug_annotations *DebugAnnotation, 9 type int32, 10 name_iid uint64,
  11 track_uuid uint64, 23 name string, 30 counter_value int64, 47 flow_ids *fixed64, 48 terminating_flow_ids *fixed64
DebugAnnotation: 1 name_iid uint64, 2 bool_value bool, 4 int_value int64, 6 string_value string, 17 string_value_iid uint64
InternedData: 1 event_categories *Interned, 2 event_names *Interned, 3 debug_annotation_names *Interned,
  29 debug_annotation_string_values *Interned
Interned: 1 iid uint64, 2 name string
TrackDescriptor: 1 uuid uint64, 2 name string, 3 process ProcessDescriptor, 4 thread ThreadDescriptor, 5 parent_uuid uint64,
  8 counter CounterDescriptor, 11 child_ordering int32, 12 sibling_order_rank int32
ProcessDescriptor: 1 pid int32, 6 process_name string
ThreadDescriptor: 1 pid int32, 2 tid int32, 5 thread_name string
CounterDescriptor: 3 unit int32
`

// traceType is the type Trace of the schema.
func traceType(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("schema.proto"), Syntax: proto.String("proto2")}
	text := strings.ReplaceAll(strings.TrimSpace(schema), "\n  ", " ")
	for _, line := range strings.Split(text, "\n") {
		name, fields, _ := strings.Cut(line, ": ")
		m := &descriptorpb.DescriptorProto{Name: proto.String(name)}
		for _, f := range strings.Split(fields, ",") {
			m.Field = append(m.Field, field(t, strings.Fields(f)))
		}
		file.MessageType = append(file.MessageType, m)
	}
	d, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Messages().ByName("Trace")
}

func field(t *testing.T, words []string) *descriptorpb.FieldDescriptorProto {
	t.Helper()
	number, err := strconv.Atoi(words[0])
	if err != nil {
		t.Fatal(err)
	}
	f := &descriptorpb.FieldDescriptorProto{Name: proto.String(words[1]), Number: proto.Int32(int32(number)), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	kind, several := strings.CutPrefix(words[2], "*")
	if several {
		f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	}
	if n, ok := descriptorpb.FieldDescriptorProto_Type_value["TYPE_"+strings.ToUpper(kind)]; ok && kind == strings.ToLower(kind) {
		f.Type = descriptorpb.FieldDescriptorProto_Type(n).Enum()
	} else {
		f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String("."+kind)
	}
	return f
}

// message is a decoded message whose fields are asked for by name.
type message struct{ protoreflect.Message }

func (m message) value(name string) protoreflect.Value {
	return m.Get(m.field(name))
}

func (m message) field(name string) protoreflect.FieldDescriptor {
	f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if f == nil {
		panic("no field " + name)
	}
	return f
}

func (m message) has(name string) bool        { return m.Has(m.field(name)) }
func (m message) uint(name string) uint64     { return m.value(name).Uint() }
func (m message) int(name string) int64       { return m.value(name).Int() }
func (m message) text(name string) string     { return m.value(name).String() }
func (m message) message(name string) message { return message{m.value(name).Message()} }

func (m message) each(name string, f func(message)) {
	l := m.value(name).List()
	for i := range l.Len() {
		f(message{l.Get(i).Message()})
	}
}

func (m message) uints(name string) []uint64 {
	var out []uint64
	l := m.value(name).List()
	for i := range l.Len() {
		out = append(out, l.Get(i).Uint())
	}
	return out
}

// event is a TrackEvent as Perfetto reads it.
type event struct {
	at            uint64
	track         uint64
	kind          int64 // 1 begins a slice, 2 ends one, 3 is a moment, 4 a counter
	name          string
	category      string
	args          map[string]string
	flows, ending []uint64
	value         int64
}

// decoded is a whole file as Perfetto reads it.
type decoded struct {
	tracks map[uint64]message // their descriptors
	order  []uint64           // of tracks, as told
	events []*event           // as told
	wall   uint64             // of the first clock's time, 0 for none
	zero   uint64
}

// sequenceState is what a sequence has told so far.
type sequenceState struct {
	last, track uint64
	interned    map[string]map[uint64]string
}

// decode reads a file, and demands of it what Perfetto does: that sequences begin by
// clearing their state, that what is referred to has been told, and that times and tracks
// are known.
func decode(t *testing.T, r io.Reader) *decoded {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	trace := dynamicpb.NewMessage(traceType(t))
	if err := proto.Unmarshal(data, trace); err != nil {
		t.Fatal(err)
	}
	d := &decoder{T: t, decoded: &decoded{tracks: map[uint64]message{}}, sequences: map[uint64]*sequenceState{}}
	message{trace}.each("packet", d.packet)
	for _, e := range d.events {
		if _, ok := d.tracks[e.track]; !ok {
			t.Fatalf("an event %q is on track %d, which nothing describes", e.name, e.track)
		}
	}
	for _, uuid := range d.order {
		if parent := d.tracks[uuid].uint("parent_uuid"); parent != 0 && d.tracks[parent].Message == nil {
			t.Fatalf("track %d is below %d, which nothing describes", uuid, parent)
		}
	}
	return d.decoded
}

type decoder struct {
	*testing.T
	*decoded
	sequences map[uint64]*sequenceState
}

func (d *decoder) packet(p message) {
	d.known(p)
	if p.has("track_descriptor") {
		d.track(p.message("track_descriptor"))
		return
	}
	id, flags := p.uint("trusted_packet_sequence_id"), p.uint("sequence_flags")
	if id == 0 {
		p.message("clock_snapshot").each("clocks", func(c message) {
			if c.uint("clock_id") == 1 {
				d.wall = c.uint("timestamp")
			}
		})
		return
	}
	s := d.sequences[id]
	switch {
	case flags&1 != 0:
		if first := p.value("first_packet_on_sequence").Bool(); first != (s == nil) {
			d.Fatalf("sequence %d: first_packet_on_sequence is %v", id, first)
		}
		s = &sequenceState{interned: map[string]map[uint64]string{}}
		d.sequences[id] = s
		defaults := p.message("trace_packet_defaults")
		if defaults.uint("timestamp_clock_id") != 64 {
			d.Fatalf("sequence %d has no clock of its own", id)
		}
		s.track = defaults.message("track_event_defaults").uint("track_uuid")
	case s == nil || flags&2 == 0:
		d.Fatalf("sequence %d: a packet relies on what was not told: flags %d", id, flags)
	}
	if p.has("clock_snapshot") {
		d.clocks(s, p.message("clock_snapshot"))
	}
	if p.has("interned_data") {
		d.intern(s, p.message("interned_data"))
	}
	if p.has("track_event") {
		d.event(s, p)
	}
}

// known demands that every field is in the schema, and every text valid.
func (d *decoder) known(m message) {
	if len(m.GetUnknown()) > 0 {
		d.Fatalf("%s has fields that the schema has not: %x", m.Descriptor().Name(), m.GetUnknown())
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				d.known(message{v.List().Get(i).Message()})
			}
		case f.Message() != nil:
			d.known(message{v.Message()})
		case f.Kind() == protoreflect.StringKind && !f.IsList():
			if s := v.String(); !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e }) {
				d.Fatalf("%s is %q", f.Name(), s)
			}
		}
		return true
	})
}

func (d *decoder) track(t message) {
	uuid := t.uint("uuid")
	if _, twice := d.tracks[uuid]; twice || uuid == 0 {
		d.Fatalf("track %d is described twice, or is none", uuid)
	}
	d.tracks[uuid] = t
	d.order = append(d.order, uuid)
}

// clocks takes a snapshot, which may only say what those before did of the clock of the
// whole.
func (d *decoder) clocks(s *sequenceState, snapshot message) {
	at := map[uint64]uint64{}
	snapshot.each("clocks", func(c message) {
		at[c.uint("clock_id")] = c.uint("timestamp")
		if c.value("is_incremental").Bool() != (c.uint("clock_id") == 64) {
			d.Fatalf("clock %d: incremental is %v", c.uint("clock_id"), !(c.uint("clock_id") == 64))
		}
	})
	if d.zero != 0 && at[6] != d.zero || at[64] != 0 || at[65] != 0 || len(at) != 3 {
		d.Fatalf("clocks are %v", at)
	}
	d.zero, s.last = at[6], 0
}

func (d *decoder) intern(s *sequenceState, data message) {
	for _, kind := range []string{"event_categories", "event_names", "debug_annotation_names", "debug_annotation_string_values"} {
		if s.interned[kind] == nil {
			s.interned[kind] = map[uint64]string{}
		}
		data.each(kind, func(x message) {
			if _, twice := s.interned[kind][x.uint("iid")]; twice || x.uint("iid") == 0 {
				d.Fatalf("%s: %d is told twice, or is none", kind, x.uint("iid"))
			}
			s.interned[kind][x.uint("iid")] = x.text("name")
		})
	}
}

func (d *decoder) textOf(s *sequenceState, kind string, iid uint64) string {
	text, ok := s.interned[kind][iid]
	if !ok {
		d.Fatalf("%s: %d was not told", kind, iid)
	}
	return text
}

func (d *decoder) event(s *sequenceState, p message) {
	te := p.message("track_event")
	e := &event{track: cmp.Or(te.uint("track_uuid"), s.track), kind: te.int("type"), name: te.text("name"), value: te.int("counter_value"),
		flows: te.uints("flow_ids"), ending: te.uints("terminating_flow_ids"), args: map[string]string{}}
	switch {
	case !p.has("timestamp"):
		d.Fatal("an event has no time")
	case !p.has("timestamp_clock_id"):
		s.last += p.uint("timestamp")
		e.at = s.last
	case p.uint("timestamp_clock_id") == 65:
		e.at = p.uint("timestamp")
	default:
		d.Fatalf("clock %d is not known", p.uint("timestamp_clock_id"))
	}
	if te.has("name_iid") {
		e.name = d.textOf(s, "event_names", te.uint("name_iid"))
	}
	for _, iid := range te.uints("category_iids") {
		e.category = d.textOf(s, "event_categories", iid)
	}
	te.each("debug_annotations", func(a message) {
		e.args[d.textOf(s, "debug_annotation_names", a.uint("name_iid"))] = d.argument(s, a)
	})
	if (e.kind == 1 || e.kind == 3) && (e.name == "" || e.category == "") {
		d.Fatalf("%+v has no name, or no category", e)
	}
	d.events = append(d.events, e)
}

func (d *decoder) argument(s *sequenceState, a message) string {
	switch {
	case a.has("bool_value"):
		return fmt.Sprint(a.value("bool_value").Bool())
	case a.has("int_value"):
		return fmt.Sprint(a.int("int_value"))
	case a.has("string_value_iid"):
		return d.textOf(s, "debug_annotation_string_values", a.uint("string_value_iid"))
	}
	return a.text("string_value")
}

// sorted are the events as Perfetto takes them: by time, and of one time as they were
// told.
func (d *decoded) sorted() []*event {
	events := slices.Clone(d.events)
	slices.SortStableFunc(events, func(a, b *event) int { return cmp.Compare(a.at, b.at) })
	return events
}

// slice is what a pair of events spans.
type slice struct {
	start, end uint64
	depth      int
	*event
}

// slices pairs the events of all tracks, and demands that each begin has its end, and that
// what is on one track is told in the order of time.
func (d *decoded) slices(t *testing.T) map[uint64][]slice {
	t.Helper()
	told := map[uint64]uint64{}
	for _, e := range d.events {
		if e.kind == 3 {
			continue // moments are told when they show
		}
		if e.at < told[e.track] {
			t.Fatalf("track %s goes back in time, at %d", d.name(e.track), e.at)
		}
		told[e.track] = e.at
	}
	open, out := map[uint64][]slice{}, map[uint64][]slice{}
	for _, e := range d.sorted() {
		stack := open[e.track]
		switch e.kind {
		case 1:
			open[e.track] = append(stack, slice{start: e.at, depth: len(stack), event: e})
		case 2:
			if len(stack) == 0 {
				t.Fatalf("track %s: nothing to end at %d", d.name(e.track), e.at)
			}
			s := stack[len(stack)-1]
			s.end = e.at
			out[e.track], open[e.track] = append(out[e.track], s), stack[:len(stack)-1]
		}
	}
	for track, stack := range open {
		if len(stack) > 0 {
			t.Fatalf("track %s: %q does not end", d.name(track), stack[0].name)
		}
	}
	return out
}

func (d *decoded) name(track uint64) string { return d.tracks[track].text("name") }

// below are the tracks of a group.
func (d *decoded) below(group string) []uint64 {
	var out []uint64
	for _, uuid := range d.order {
		if parent := d.tracks[uuid].uint("parent_uuid"); parent != 0 && d.name(parent) == group {
			out = append(out, uuid)
		}
	}
	return out
}
