package render

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"gmptrace/analyze"
	"gmptrace/model"
)

// The timeline block is what the page's painter reads: every slice, mark and
// depth of the timeline column by column, deflated, in base64. Its counterpart
// is static/src/decode.js.
//
//	unit                     ns per step of time
//	people: n, g…, name…     distinct goroutines and their names, most frequent first
//	tracks: n, each          p, n, gap…, length…, person…, kind (bytes), source (bytes)
//	marks:  n, at…, p…, from…, kind (bytes)
//	depth:  n, at…, runnable…
//	tiles:  n, each          p, kinds, columns, share in 1/255 (bytes)
//
// Numbers are uvarints, ids that may be -1 varints, instants differences.

// clockTick is what Go's trace clock counts in on most systems, in nanoseconds.
const clockTick = 64

// block is what the page draws of r's timeline. Without a timeline, or where it
// left slices out, it holds the overview's tiles.
func block(r *analyze.Report) []byte {
	tl := r.Timeline
	if tl == nil {
		tl = &analyze.Timeline{}
	}
	e := encoder{unit: unitOf(tl)}
	e.uvarint(uint64(e.unit))
	people := rank(tl)
	e.people(people)
	e.uvarint(uint64(len(tl.Tracks)))
	for _, t := range tl.Tracks {
		e.track(t, people)
	}
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
func unitOf(tl *analyze.Timeline) int64 {
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
}

func rank(tl *analyze.Timeline) people {
	seen := map[person]int{}
	for _, t := range tl.Tracks {
		for s := range t.Slices() {
			seen[person{s.G, s.Name}]++
		}
	}
	p := people{index: make(map[person]int, len(seen))}
	for who := range seen {
		p.order = append(p.order, who)
	}
	slices.SortFunc(p.order, func(a, b person) int {
		return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(a.g, b.g), cmp.Compare(a.name, b.name))
	})
	for i, who := range p.order {
		p.index[who] = i
	}
	return p
}

type encoder struct {
	buf  []byte
	unit int64
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

func (e *encoder) track(t *analyze.Track, p people) {
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
	e.buf = append(e.buf, t.Kind...)
	e.buf = append(e.buf, t.From...)
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

func (e *encoder) marks(marks []analyze.Mark) {
	instants(e, marks, func(m analyze.Mark) int64 { return m.At })
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

func (e *encoder) depth(points []analyze.DepthPoint) {
	instants(e, points, func(d analyze.DepthPoint) int64 { return d.At })
	for _, d := range points {
		e.uvarint(uint64(max(0, d.N)))
	}
}

// depthPoints are the timeline's where it is in full detail, and the overview's
// peaks elsewhere.
func depthPoints(r *analyze.Report) []analyze.DepthPoint {
	tl := r.Timeline
	if tl != nil && tl.Complete {
		return tl.Depth
	}
	from, to := bounds(r)
	if tl == nil {
		return peaks(nil, r.Overview, from, to)
	}
	var points []analyze.DepthPoint
	at := from
	for _, w := range tl.Kept {
		points = peaks(points, r.Overview, at, min(w.Start, to))
		points = exact(points, tl.Depth, w)
		at = max(at, w.End)
	}
	return peaks(points, r.Overview, at, to)
}

// peaks adds the peak of each column of the overview in [from, to).
func peaks(points []analyze.DepthPoint, o analyze.Overview, from, to int64) []analyze.DepthPoint {
	for i, n := range o.Peak {
		start := max(from, int64(i)*o.Width)
		if start < min(to, int64(i+1)*o.Width) {
			points = append(points, analyze.DepthPoint{At: start, N: n})
		}
	}
	return points
}

// exact adds what depth says of w, beginning with the value that it has there.
func exact(points, depth []analyze.DepthPoint, w analyze.Window) []analyze.DepthPoint {
	first, _ := slices.BinarySearchFunc(depth, w.Start+1, func(d analyze.DepthPoint, at int64) int { return cmp.Compare(d.At, at) })
	now := analyze.DepthPoint{At: w.Start}
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
func (e *encoder) tiles(r *analyze.Report) {
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
