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

// depthPoints are the timeline's or, without one, the overview's peaks.
func depthPoints(r *analyze.Report) []analyze.DepthPoint {
	if r.Timeline != nil && len(r.Timeline.Depth) > 0 {
		return r.Timeline.Depth
	}
	var points []analyze.DepthPoint
	for i, n := range r.Overview.Peak {
		points = append(points, analyze.DepthPoint{At: int64(i) * r.Overview.Width, N: n})
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
