package render

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"path"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// The timeline block is what the page's painter reads: every slice, mark and
// depth of the timeline column by column, deflated, in base64. Its counterpart
// is static/src/decode.js.
//
//	unit, rounded            ns per step of time; whether waits are rounded
//	people: n, g…, name…     distinct goroutines and their names, most frequent first
//	threads: n, id…          the operating system's ids
//	whys: bytes, text        why goroutines stop, a line each
//	frames: bytes, text      functions and places of stacks, a line each
//	stops: n, each           why, n, frame…
//	places: n, each          n, stop…: by name, those that its slices end with, most frequent first
//	tracks: n, each          p, n, gap…, length…, person…, kind (bytes), source (bytes),
//	                         thread…, place…; of those with a source: wait…, waker…
//	calls:  n, gap…, length…, thread…  of threads without a P in a system call, by end
//	marks:  n, at…, p…, from…, kind (bytes)
//	depth:  n, at…, runnable…
//	tiles:  n, each          p, kinds, columns, share in 1/255 (bytes)
//
// Numbers are uvarints, ids that may be -1 varints, instants differences. A
// slice's wait is rounded where rounded (a byte after the unit) is 1: see e.wait. A
// slice's thread is the difference from the slice before; its place counts from 1
// in the list of its name; its waker is 0 for none, 1 for the goroutine of the
// slice before, else a person's number and 2.

// clockTick is what Go's trace clock counts in on most systems, in nanoseconds.
const clockTick = 64

// block is what the page draws of r's timeline. Without a timeline, or where it
// left slices out, it holds the overview's tiles.
func block(r *report.Report) []byte {
	tl := r.Timeline
	if tl == nil {
		tl = &report.Timeline{}
	}
	e := encoder{unit: unitOf(tl)}
	e.uvarint(uint64(e.unit))
	slices := 0
	for _, t := range tl.Tracks {
		slices += t.N
	}
	e.rounded = slices > exactWaits
	e.buf = append(e.buf, 0)
	if e.rounded {
		e.buf[len(e.buf)-1] = 1
	}
	people := rank(tl)
	e.people(people)
	e.uvarint(uint64(len(tl.Threads)))
	for _, id := range tl.Threads {
		e.varint(id)
	}
	stops := places(tl)
	e.stops(tl, stops)
	e.uvarint(uint64(len(tl.Tracks)))
	for _, t := range tl.Tracks {
		e.track(t, people, stops)
	}
	e.calls(tl.Blocked)
	e.marks(tl.Marks)
	e.depth(depthPoints(r))
	e.tiles(r)
	return e.buf
}

// pack makes a block fit for a page.
func pack(raw []byte) (string, error) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return "", fmt.Errorf("packing the timeline: %w", err)
	}
	if _, err := w.Write(raw); err != nil {
		return "", fmt.Errorf("packing the timeline: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("packing the timeline: %w", err)
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// unitOf is clockTick where nearly all slices begin on one: the others were
// moved by a nanosecond or so by the reader, which forces times to grow.
func unitOf(tl *report.Timeline) int64 {
	n, on := 0, 0
	for _, t := range tl.Tracks {
		for s := range t.Slices() {
			n++
			if s.Start%clockTick == 0 {
				on++
			}
		}
	}
	if n > 0 && on*10 >= n*9 {
		return clockTick
	}
	return 1
}

// person is a goroutine under one name.
type person struct {
	g    model.GoID
	name uint32
}

// people are all persons of a timeline, most frequent first, so that the usual
// ones have short numbers.
type people struct {
	order []person
	index map[person]int
	first map[model.GoID]int // by goroutine: its most frequent name
}

func rank(tl *report.Timeline) people {
	seen := map[person]int{}
	known, wakers := map[model.GoID]bool{}, map[model.GoID]bool{}
	for _, t := range tl.Tracks {
		for s := range t.Slices() {
			seen[person{s.G, s.Name}]++
			known[s.G], wakers[s.By] = true, true
		}
	}
	for g := range wakers {
		if !known[g] {
			seen[person{g, uint32(len(tl.Names))}] = 0 // it ran where no slices are kept: its name is not known
		}
	}
	p := people{index: make(map[person]int, len(seen)), first: map[model.GoID]int{}}
	for who := range seen {
		p.order = append(p.order, who)
	}
	slices.SortFunc(p.order, func(a, b person) int {
		return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(a.g, b.g), cmp.Compare(a.name, b.name))
	})
	for i, who := range p.order {
		p.index[who] = i
		if _, ok := p.first[who.g]; !ok {
			p.first[who.g] = i
		}
	}
	return p
}

type encoder struct {
	buf     []byte
	unit    int64
	rounded bool
}

func (e *encoder) uvarint(v uint64) { e.buf = binary.AppendUvarint(e.buf, v) }
func (e *encoder) varint(v int64)   { e.buf = binary.AppendVarint(e.buf, v) }

func (e *encoder) people(p people) {
	e.uvarint(uint64(len(p.order)))
	for _, who := range p.order {
		e.varint(int64(who.g))
	}
	for _, who := range p.order {
		e.uvarint(uint64(who.name))
	}
}

func (e *encoder) track(t *report.Track, p people, stops stopPlaces) {
	e.uvarint(uint64(t.P))
	e.uvarint(uint64(t.N))
	end := int64(0)
	for s := range t.Slices() {
		e.uvarint(uint64(s.Start/e.unit - end))
		end = s.End / e.unit
	}
	for s := range t.Slices() {
		e.uvarint(uint64(s.End/e.unit - s.Start/e.unit))
	}
	for s := range t.Slices() {
		e.uvarint(uint64(p.index[person{s.G, s.Name}]))
	}
	for s := range t.Slices() {
		e.buf = append(e.buf, byte(s.Kind))
	}
	for s := range t.Slices() {
		e.buf = append(e.buf, sourceByte(s.Source, s.Certain))
	}
	last := int32(0)
	for s := range t.Slices() {
		e.varint(int64(s.M - last))
		last = s.M
	}
	for s := range t.Slices() {
		e.uvarint(uint64(stops.index[stopPlace{s.Name, s.Stop}]))
	}
	e.wakes(t, p)
}

// exactWaits is up to how many slices a page has every wait to the tick. With
// more, waits would be a third of it.
const exactWaits = 100_000

// wait writes a wait in steps of time. Rounded, it is a byte: the number itself
// below 8, then 8 steps to each power of two, which is within 6 %, and from the
// 33rd power on 255 and the exact number.
func (e *encoder) wait(v uint64) {
	if !e.rounded {
		e.uvarint(v)
		return
	}
	power := max(0, bits.Len64(v)-4)
	if power > 0 {
		v += 1 << (power - 1)
		power = bits.Len64(v) - 4
	}
	if code := v>>power + 8*uint64(power); code < 255 {
		e.buf = append(e.buf, byte(code))
		return
	}
	e.buf = append(e.buf, 255)
	e.uvarint(v)
}

// wakes writes how long those that were dispatched had been runnable, and who
// made them so.
func (e *encoder) wakes(t *report.Track, p people) {
	for s := range t.Slices() {
		if s.Source != model.SourceUnknown {
			e.wait(uint64(s.Start/e.unit - (s.Start-s.Wait)/e.unit))
		}
	}
	before := model.NoG
	for s := range t.Slices() {
		switch {
		case s.Source == model.SourceUnknown:
		case s.By == model.NoG:
			e.uvarint(0)
		case s.By == before:
			e.uvarint(1)
		default:
			e.uvarint(uint64(p.first[s.By] + 2))
		}
		if s.G != model.NoG {
			before = s.G
		}
	}
}

func (e *encoder) calls(calls []report.Blocked) {
	e.uvarint(uint64(len(calls)))
	last := int64(0)
	for _, c := range calls {
		now := max(last, c.End/e.unit)
		e.uvarint(uint64(now - last))
		last = now
	}
	for _, c := range calls {
		e.uvarint(uint64(max(0, c.End/e.unit-c.Start/e.unit)))
	}
	for _, c := range calls {
		e.varint(int64(c.M))
	}
}

// stopPlace is a stop that slices of one name end with.
type stopPlace struct{ name, stop uint32 }

// stopPlaces are all of them: by name, most frequent first. index counts from 1.
type stopPlaces struct {
	lists [][]uint32
	index map[stopPlace]int
}

func places(tl *report.Timeline) stopPlaces {
	seen := map[stopPlace]int{}
	for _, t := range tl.Tracks {
		for s := range t.Slices() {
			if s.Stop != 0 {
				seen[stopPlace{s.Name, s.Stop}]++
			}
		}
	}
	p := stopPlaces{lists: make([][]uint32, len(tl.Names)), index: map[stopPlace]int{}}
	for at := range seen {
		p.lists[at.name] = append(p.lists[at.name], at.stop)
	}
	for name, list := range p.lists {
		slices.SortFunc(list, func(a, b uint32) int {
			return cmp.Or(cmp.Compare(seen[stopPlace{uint32(name), b}], seen[stopPlace{uint32(name), a}]), cmp.Compare(a, b))
		})
		for i, stop := range list {
			p.index[stopPlace{uint32(name), stop}] = i + 1
		}
	}
	return p
}

// shownFrames is how many calls of a stack a page has, the innermost ones.
const shownFrames = 24

func (e *encoder) stops(tl *report.Timeline, p stopPlaces) {
	var whys, frames lines
	var list encoder
	list.uvarint(uint64(len(tl.Stops)))
	for _, s := range tl.Stops {
		list.uvarint(uint64(whys.number(s.Why)))
		stack := s.Stack[:min(len(s.Stack), shownFrames)]
		list.uvarint(uint64(len(stack)))
		for _, f := range stack {
			list.uvarint(uint64(frames.number(words.Printable(f.Func) + "\t" + words.Printable(fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)))))
		}
	}
	for _, text := range [][]byte{whys.text, frames.text} {
		e.uvarint(uint64(len(text)))
		e.buf = append(e.buf, text...)
	}
	e.buf = append(e.buf, list.buf...)
	e.uvarint(uint64(len(p.lists)))
	for _, stops := range p.lists {
		e.uvarint(uint64(len(stops)))
		for _, s := range stops {
			e.uvarint(uint64(s))
		}
	}
}

// lines numbers different lines of a text, from 0.
type lines struct {
	text    []byte
	numbers map[string]int
}

func (l *lines) number(line string) int {
	i, ok := l.numbers[line]
	if !ok {
		if l.numbers == nil {
			l.numbers = map[string]int{}
		}
		i = len(l.numbers)
		l.numbers[line] = i
		l.text = append(append(l.text, line...), '\n')
	}
	return i
}

// instants writes times in order as differences.
func instants[T any](e *encoder, list []T, at func(T) int64) {
	e.uvarint(uint64(len(list)))
	last := int64(0)
	for _, v := range list {
		now := max(last, at(v)/e.unit)
		e.uvarint(uint64(now - last))
		last = now
	}
}

func (e *encoder) marks(marks []report.Mark) {
	instants(e, marks, func(m report.Mark) int64 { return m.At })
	for _, m := range marks {
		e.varint(int64(m.P))
	}
	for _, m := range marks {
		e.varint(int64(m.From))
	}
	for _, m := range marks {
		e.buf = append(e.buf, byte(m.Kind))
	}
}

func (e *encoder) depth(points []report.DepthPoint) {
	instants(e, points, func(d report.DepthPoint) int64 { return d.At })
	for _, d := range points {
		e.uvarint(uint64(max(0, d.N)))
	}
}

// depthPoints are the timeline's where it is in full detail, and the overview's
// peaks elsewhere.
func depthPoints(r *report.Report) []report.DepthPoint {
	tl := r.Timeline
	if tl != nil && tl.Complete {
		return tl.Depth
	}
	from, to := bounds(r)
	if tl == nil {
		return peaks(nil, r.Overview, from, to)
	}
	var points []report.DepthPoint
	at := from
	for _, w := range tl.Kept {
		points = peaks(points, r.Overview, at, min(w.Start, to))
		points = exact(points, tl.Depth, w)
		at = max(at, w.End)
	}
	return peaks(points, r.Overview, at, to)
}

// peaks adds the peak of each column of the overview in [from, to).
func peaks(points []report.DepthPoint, o report.Overview, from, to int64) []report.DepthPoint {
	for i, n := range o.Peak {
		start := max(from, int64(i)*o.Width)
		if start < min(to, int64(i+1)*o.Width) {
			points = append(points, report.DepthPoint{At: start, N: n})
		}
	}
	return points
}

// exact adds what depth says of w, beginning with the value that it has there.
func exact(points, depth []report.DepthPoint, w report.Window) []report.DepthPoint {
	first, _ := slices.BinarySearchFunc(depth, w.Start+1, func(d report.DepthPoint, at int64) int { return cmp.Compare(d.At, at) })
	now := report.DepthPoint{At: w.Start}
	if first > 0 {
		now.N = depth[first-1].N
	}
	points = append(points, now)
	for _, d := range depth[first:] {
		if d.At >= w.End {
			break
		}
		points = append(points, d)
	}
	return points
}

// tiles writes the coarse picture, where the timeline alone is not enough.
func (e *encoder) tiles(r *report.Report) {
	if r.Timeline != nil && r.Timeline.Complete {
		e.uvarint(0)
		return
	}
	e.uvarint(uint64(len(r.Overview.Procs)))
	for _, p := range r.Overview.Procs {
		e.uvarint(uint64(p.P))
		e.uvarint(uint64(len(p.Share)))
		e.uvarint(uint64(r.Overview.Columns))
		for _, share := range p.Share {
			for c := range r.Overview.Columns {
				e.buf = append(e.buf, byteShare(share, c))
			}
		}
	}
}

// byteShare is a share in 1/255, never zero where there is any.
func byteShare(share []float32, c int) byte {
	if c >= len(share) || share[c] <= 0 {
		return 0
	}
	return byte(max(1, math.Round(float64(min(1, share[c]))*255)))
}

func sourceByte(s model.Source, certain bool) byte {
	if certain {
		return byte(s) | 1<<7
	}
	return byte(s)
}
