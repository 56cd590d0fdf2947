package load

import (
	"encoding/binary"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// idTable finds the entries of a generation's table of strings or stacks by the
// ids that the trace gives them. Ids come from the file: what they take of memory
// depends on how many there are, never on how large they are.
type idTable struct {
	ids    []uint64 // of the entries, in the order of the file
	dense  []uint32 // entries by id, counted from 1; empty if ids are too far apart
	sparse map[uint64]uint32
}

func (t *idTable) reset() {
	t.ids, t.dense, t.sparse = t.ids[:0], t.dense[:0], nil
}

// build makes the entries ready to be found. It returns false if two have the
// same id, or one has 0, which stands for none.
func (t *idTable) build() bool {
	var largest uint64
	for _, id := range t.ids {
		largest = max(largest, id)
	}
	if largest < 4*uint64(len(t.ids))+64 {
		return t.buildDense(int(largest) + 1)
	}
	t.sparse = make(map[uint64]uint32, len(t.ids))
	for i, id := range t.ids {
		t.sparse[id] = uint32(i) + 1
	}
	return t.sparse[0] == 0 && len(t.sparse) == len(t.ids)
}

func (t *idTable) buildDense(n int) bool {
	if cap(t.dense) < n {
		t.dense = make([]uint32, n)
	}
	t.dense = t.dense[:n]
	clear(t.dense)
	for i, id := range t.ids {
		if id == 0 || t.dense[id] != 0 {
			return false
		}
		t.dense[id] = uint32(i) + 1
	}
	return true
}

// find is the entry with that id, counted from 1; 0 if there is none.
func (t *idTable) find(id uint64) uint32 {
	if id < uint64(len(t.dense)) {
		return t.dense[id]
	}
	return t.sparse[id]
}

// texts are a generation's strings.
type texts struct {
	idTable
	all     []text
	lenient bool     // what lacks is told by lack
	missed  bool     // something did lack
	first   []string // those that have the first ids, whether they are there or not
}

// text is a string of the trace. What is worked out for it is worked out when it
// is first asked for: most strings name functions that no event leads to.
type text struct {
	raw    []byte
	spelt  string
	index  int64 // in the generation's table, plus 1; 0 is not known yet
	reason uint8 // model.Reason plus 1; 0 is not known yet
}

func (t *texts) reset() {
	t.idTable.reset()
	t.all, t.lenient, t.missed, t.first = clearAll(t.all), false, false, nil
}

// read adds a batch of strings. It returns false where it can't be read.
func (t *texts) read(b *wireBatch) bool {
	data, end := b.data()
	for i := 1; i < end; {
		if data[i] != evString {
			return false
		}
		var id, n uint64
		id, i = uvarint(data, i+1)
		n, i = uvarint(data, i)
		if n > maxStringBytes || i > end || int(n) > end-i {
			return false
		}
		t.ids = append(t.ids, id)
		t.all = append(t.all, text{raw: data[i : i+int(n)]})
		i += int(n)
	}
	return true
}

// has reports whether id is a string's, or 0 for none.
func (t *texts) has(id uint64) bool { return id == 0 || t.find(id) != 0 || t.lenient }

// spell is the string with that id, "" for 0.
func (t *texts) spell(id uint64) string {
	i := t.find(id)
	switch {
	case i == 0 && id != 0:
		return t.lack(id)
	case i == 0:
		return ""
	}
	x := &t.all[i-1]
	if x.spelt == "" {
		x.spelt = string(x.raw)
	}
	return x.spelt
}

// str is the index in the generation's table of the string with that id.
func (w *wire) str(id uint64) (index int64, ok bool) {
	if id == 0 {
		return 0, true
	}
	i := w.texts.find(id)
	if i == 0 {
		if w.texts.lenient {
			return w.t.str(w.texts.lack(id)), true
		}
		return 0, false
	}
	x := &w.texts.all[i-1]
	if x.index == 0 {
		x.index = w.t.str(w.texts.spell(id)) + 1
	}
	return x.index - 1, true
}

// reason is the model's word for the reason with that id.
func (w *wire) reason(id uint64) (r model.Reason, ok bool) {
	if id == 0 {
		return model.ReasonNone, true
	}
	i := w.texts.find(id)
	if i == 0 {
		if w.texts.lenient {
			return reason(w.texts.lack(id)), true
		}
		return model.ReasonNone, false
	}
	x := &w.texts.all[i-1]
	if x.reason == 0 {
		x.reason = uint8(reason(w.texts.spell(id))) + 1
	}
	return model.Reason(x.reason - 1), true
}

// stacks are a generation's stacks.
type stacks struct {
	idTable
	all     []wireStack
	frames  map[uint64]wireFrame // by PC; nil until one is asked for
	missing uint32               // index of missingStack, 0 if that was not needed yet
}

// wireStack is a stack of the trace: raw are its frames of four numbers each,
// with what follows them in the batch.
type wireStack struct {
	raw   []byte
	depth int
	index uint32 // in the generation's table, plus 1; 0 is not known yet
}

// wireFrame is a frame as the trace spells it.
type wireFrame struct {
	fn, file uint64 // strings
	line     uint64
}

func (s *stacks) reset() {
	s.idTable.reset()
	s.all, s.frames, s.missing = clearAll(s.all), nil, 0
}

// read adds a batch of stacks. It returns false where it can't be read.
func (s *stacks) read(b *wireBatch) bool {
	data, end := b.data()
	for i := 1; i < end; {
		if data[i] != evStack {
			return false
		}
		var id, depth uint64
		id, i = uvarint(data, i+1)
		depth, i = uvarint(data, i)
		if depth > maxStackFrames {
			return false
		}
		from := i
		for range depth {
			_, i = readFrame(data, i)
			if i > end {
				return false
			}
		}
		if i > end {
			return false
		}
		s.ids = append(s.ids, id)
		s.all = append(s.all, wireStack{raw: data[from:], depth: int(depth)})
	}
	return true
}

// wirePC is a frame and its PC.
type wirePC struct {
	pc uint64
	wireFrame
}

func readFrame(b []byte, i int) (f wirePC, next int) {
	f.pc, i = uvarint(b, i)
	f.fn, i = uvarint(b, i)
	f.file, i = uvarint(b, i)
	f.line, i = uvarint(b, i)
	return f, i
}

// each calls f with the stack's frames, innermost first.
func (s *wireStack) each(f func(wirePC)) {
	i := 0
	for range s.depth {
		var x wirePC
		x, i = readFrame(s.raw, i)
		f(x)
	}
}

// named reports whether all frames name strings that there are.
func (s *stacks) named(t *texts) bool {
	ok := true
	for i := range s.all {
		s.all[i].each(func(f wirePC) { ok = ok && t.has(f.fn) && t.has(f.file) })
	}
	return ok
}

// frame is what a PC stands for: a trace says it with every stack, and the
// first time counts.
func (s *stacks) frame(pc uint64) wireFrame {
	if s.frames == nil {
		s.frames = map[uint64]wireFrame{}
		for i := range s.all {
			s.all[i].each(func(f wirePC) {
				if _, ok := s.frames[f.pc]; !ok {
					s.frames[f.pc] = f.wireFrame
				}
			})
		}
	}
	return s.frames[pc]
}

// hasStack reports whether id is a stack's, or 0 for none.
func (w *wire) hasStack(id uint64) bool {
	return id == 0 || w.stacks.find(id) != 0 || w.texts.lenient
}

// setStack puts the stack with that id into x. It returns false if there is none.
func (w *wire) setStack(x *model.Event, id uint64) bool {
	if id == 0 {
		return true
	}
	i := w.stacks.find(id)
	if i == 0 {
		if w.texts.lenient {
			w.setMissingStack(x)
		}
		return w.texts.lenient
	}
	s := &w.stacks.all[i-1]
	if s.index == 0 {
		s.index = w.addStack(s) + 1
	}
	if s.index > 1 {
		x.Stack = s.index - 1
		x.Flags |= w.t.flags[x.Stack-1]
	}
	return true
}

// addStack appends a stack to the generation's table. Its index is 0 if it has
// no frames.
func (w *wire) addStack(s *wireStack) uint32 {
	t := w.t
	t.keyBuf = t.keyBuf[:0]
	s.each(func(f wirePC) { t.keyBuf = binary.LittleEndian.AppendUint64(t.keyBuf, f.pc) })
	if len(t.keyBuf) == 0 {
		return 0
	}
	if w.texts.lenient {
		// What is known of earlier generations depends on which decoder read them.
		return t.appendStack(w.resolve(s, string(t.keyBuf)))
	}
	k, ok := t.known[string(t.keyBuf)]
	if !ok {
		k = w.resolve(s, string(t.keyBuf))
		t.remember(k)
	}
	return t.appendStack(k)
}

// resolve spells a stack out.
func (w *wire) resolve(s *wireStack, key string) knownStack {
	k := knownStack{StackFrames: names.StackFrames{Key: key, Frames: make([]report.Frame, 0, s.depth)}}
	s.each(func(f wirePC) {
		x := w.stacks.frame(f.pc)
		k.Frames = append(k.Frames, report.Frame{Func: w.texts.spell(x.fn), File: w.texts.spell(x.file), Line: x.line})
	})
	k.flags = stackFlags(k.Frames)
	return k
}
