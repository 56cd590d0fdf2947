package render

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"

	"github.com/klauspost/compress/flate"
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
//	labels: bytes, text      what slices are labelled with, a line each
//	stops: n, each           why, label and 1 or 0 for none, n, frame…
//	places: n, each          n, stop…: by name, those that its slices end with, most frequent first
//	tracks: n, each          p, n, gap…, length…, person…, kind (bytes), source (bytes),
//	                         thread…, place…; of those with a source: wait…, waker…
//	calls:  n, gap…, length…, thread…  of threads without a P in a system call, by end
//	marks:  n, at…, p…, from…, kind (bytes)
//	depth:  n, at…, runnable…
//	tiles:  n, each          p, kinds, columns, share in 1/255 (bytes)
//	lanes                    see encoder.lanes
//	samples                  see encoder.samples
//
// Numbers are uvarints, ids that may be -1 varints, instants differences. A
// slice's wait is rounded where rounded (a byte after the unit) is 1: see e.wait. A
// slice's thread is the difference from the slice before; its place counts from 1
// in the list of its name; its waker is 0 for none, 1 for the goroutine of the
// slice before, else a person's number and 2.

// clockTick is what Go's trace clock counts in on most systems, in nanoseconds. The unit
// of a block where nearly all slices begin on one.
const clockTick = 64

// block is what the page draws of r's timeline. Without a timeline, or where it
// left slices out, it holds the overview's tiles.
func block(r *report.Report) []byte {
	tl := r.Timeline
	if tl == nil {
		tl = &report.Timeline{}
	}
	c := count(tl)
	e := encoder{unit: c.unit, rounded: tl.Len() > exactWaits}
	e.uvarint(uint64(e.unit))
	e.buf = append(e.buf, 0)
	if e.rounded {
		e.buf[len(e.buf)-1] = 1
	}
	people := c.rank(len(tl.Names))
	e.people(people)
	e.uvarint(uint64(len(tl.Threads)))
	for _, id := range tl.Threads {
		e.varint(id)
	}
	stops := c.places(len(tl.Names))
	e.stops(tl, stops)
	e.uvarint(uint64(len(tl.Tracks)))
	e.buf = slices.Concat(append([][]byte{e.buf}, e.tracks(tl.Tracks, c, &people, &stops)...)...)
	e.calls(tl.Blocked)
	e.marks(tl.Marks)
	e.depth(depthPoints(r))
	e.tiles(r)
	e.lanes(&tl.Lanes)
	e.samples(&tl.Lanes.Samples)
	return e.buf
}

// Blocks are deflated in pieces, several at a time, each on its own: what a page holds
// does not depend on how many.
const (
	pieceSize  = 1 << 18
	leastPiece = 1 << 12
)

// packLevel is a level from which on a page shrinks by less than a twentieth and takes
// several times as long.
const packLevel = 6

// emptyEnd is the last block of a deflated text, with nothing in it.
var emptyEnd = []byte{3, 0}

// pack makes a block fit for a page.
func pack(raw []byte) (string, error) {
	pieces := make([][]byte, (len(raw)+pieceSize-1)/pieceSize)
	err := inParallel(len(pieces), func() (func(int) error, error) {
		p, err := newPacker()
		return func(i int) (err error) {
			pieces[i], err = p.pack(raw[i*pieceSize : min(len(raw), (i+1)*pieceSize)])
			return err
		}, err
	})
	if err != nil {
		return "", fmt.Errorf("packing the timeline: %w", err)
	}
	return base64.StdEncoding.EncodeToString(slices.Concat(slices.Concat(pieces...), emptyEnd)), nil
}

// packer deflates pieces. Columns differ in what makes them small: some repeat themselves,
// in others it costs room to look for that, and the letters of each have other frequencies.
type packer struct{ writers [2]*flate.Writer }

func newPacker() (*packer, error) {
	repeats, err := flate.NewWriter(nil, packLevel)
	if err != nil {
		return nil, err
	}
	frequencies, err := flate.NewWriter(nil, flate.HuffmanOnly)
	return &packer{[2]*flate.Writer{repeats, frequencies}}, err
}

// pack returns the shortest of what the writers make of a piece, and of what its halves
// make.
func (p *packer) pack(raw []byte) ([]byte, error) {
	var best []byte
	for _, w := range p.writers {
		var b bytes.Buffer
		w.Reset(&b)
		if _, err := w.Write(raw); err != nil {
			return nil, err
		}
		if err := w.Flush(); err != nil { // another piece may follow
			return nil, err
		}
		if best == nil || b.Len() < len(best) {
			best = b.Bytes()
		}
	}
	if len(raw) <= leastPiece {
		return best, nil
	}
	half := len(raw) / 2
	first, err := p.pack(raw[:half])
	if err != nil {
		return nil, err
	}
	second, err := p.pack(raw[half:])
	if err == nil && len(first)+len(second) < len(best) {
		best = slices.Concat(first, second)
	}
	return best, err
}

// inParallel does n things, as many at a time as there are processors: those that do
// them are made by worker.
func inParallel(n int, worker func() (do func(int) error, err error)) error {
	workers := min(n, runtime.GOMAXPROCS(0))
	errs := make([]error, workers)
	var next atomic.Int64
	var group sync.WaitGroup
	for k := range workers {
		group.Go(func() {
			do, err := worker()
			for err == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					break
				}
				err = do(i)
			}
			errs[k] = err
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// census is who and what a timeline's slices refer to, and how often.
type census struct {
	unit   int64
	people numbered[person]
	wakers numbered[model.GoID]
	stops  numbered[stopPlace]
	tracks []references
}

// references are those of one track's slices: numbers in the census.
type references struct{ people, wakers, stops []uint32 }

func count(tl *report.Timeline) *census {
	c := &census{unit: 1}
	onTick := 0
	for _, t := range tl.Tracks {
		refs := references{make([]uint32, 0, t.N), make([]uint32, 0, t.N), make([]uint32, 0, t.N)}
		for s := range t.Slices() {
			if s.Start%clockTick == 0 {
				onTick++
			}
			refs.people = append(refs.people, c.people.number(person{s.G, s.Name}, uint64(s.G)+uint64(s.Name)))
			refs.wakers = append(refs.wakers, c.wakers.number(s.By, uint64(s.By)))
			refs.stops = append(refs.stops, c.stops.number(stopPlace{s.Name, s.Stop}, uint64(s.Stop)+uint64(s.Name)<<8))
		}
		c.tracks = append(c.tracks, refs)
	}
	if n := tl.Len(); n > 0 && onTick*10 >= n*9 {
		c.unit = clockTick // the others were moved by a nanosecond or so by the reader, which forces times to grow
	}
	return c
}

// numbered numbers different values from 0, and counts them. What was seen of late is
// found without a lookup in a map.
type numbered[T comparable] struct {
	numbers map[T]uint32
	values  []T
	counts  []int
	recent  []uint32 // by hash: a number and 1
}

const recentValues = 1 << 12

// number is a value's. hash is any number that is the same for the same value.
func (n *numbered[T]) number(v T, hash uint64) uint32 {
	if n.numbers == nil {
		n.numbers, n.recent = map[T]uint32{}, make([]uint32, recentValues)
	}
	recent := &n.recent[hash%recentValues]
	if *recent == 0 || n.values[*recent-1] != v {
		i, ok := n.numbers[v]
		if !ok {
			i = uint32(len(n.values))
			n.numbers[v] = i
			n.values, n.counts = append(n.values, v), append(n.counts, 0)
		}
		*recent = i + 1
	}
	n.counts[*recent-1]++
	return *recent - 1
}

// person is a goroutine under one name.
type person struct {
	g    model.GoID
	name uint32
}

// people are all persons of a timeline, most frequent first, so that the usual
// ones have short numbers.
type people struct {
	order  []person
	index  []uint32 // by number in the census
	wakers []uint32 // by number of the waker: the most frequent person of that goroutine
}

// rank sorts persons. Of who only woke others, where no slices of its own are kept, no
// name is known: its number is one beyond the names.
func (c *census) rank(unknown int) people {
	list, counts := slices.Clone(c.people.values), slices.Clone(c.people.counts)
	known := map[model.GoID]bool{}
	for _, who := range list {
		known[who.g] = true
	}
	for _, g := range c.wakers.values {
		if !known[g] {
			list, counts = append(list, person{g, uint32(unknown)}), append(counts, 0)
		}
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(list[a].g, list[b].g), cmp.Compare(list[a].name, list[b].name))
	})
	p := people{order: make([]person, len(list)), index: make([]uint32, len(list)), wakers: make([]uint32, len(c.wakers.values))}
	first := map[model.GoID]uint32{}
	for i, k := range order {
		p.order[i], p.index[k] = list[k], uint32(i)
		if _, ok := first[list[k].g]; !ok {
			first[list[k].g] = uint32(i)
		}
	}
	for i, g := range c.wakers.values {
		p.wakers[i] = first[g]
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

// columns are a track's, as the page has them one after the other.
type columns struct {
	gap, length, who, kind, from, thread, place, wait, waker encoder
}

func (c *columns) all() []*encoder {
	return []*encoder{&c.gap, &c.length, &c.who, &c.kind, &c.from, &c.thread, &c.place, &c.wait, &c.waker}
}

// tracks encodes tracks, several at a time.
func (e *encoder) tracks(tracks []*report.Track, c *census, p *people, stops *stopPlaces) [][]byte {
	out := make([][]byte, len(tracks))
	_ = inParallel(len(tracks), func() (func(int) error, error) {
		var cols columns
		cols.wait.rounded = e.rounded
		return func(i int) error {
			for _, col := range cols.all() {
				col.buf = slices.Grow(col.buf[:0], tracks[i].N)
			}
			cols.add(tracks[i], e.unit, &c.tracks[i], p, stops)
			var head encoder
			head.uvarint(uint64(tracks[i].P))
			head.uvarint(uint64(tracks[i].N))
			parts := [][]byte{head.buf}
			for _, col := range cols.all() {
				parts = append(parts, col.buf)
			}
			out[i] = slices.Concat(parts...)
			return nil
		}, nil
	})
	return out
}

// add adds a track's slices.
func (c *columns) add(t *report.Track, unit int64, refs *references, p *people, stops *stopPlaces) {
	i, end, thread, before := 0, int64(0), int32(0), model.NoG
	for s := range t.Slices() {
		from, to := s.Start/unit, s.End/unit
		c.gap.uvarint(uint64(from - end))
		c.length.uvarint(uint64(to - from))
		c.who.uvarint(uint64(p.index[refs.people[i]]))
		c.kind.buf = append(c.kind.buf, byte(s.Kind))
		c.from.buf = append(c.from.buf, sourceByte(s.Source, s.Certain))
		c.thread.varint(int64(s.M - thread))
		c.place.uvarint(uint64(stops.index[refs.stops[i]]))
		if s.Source != model.SourceUnknown { // a dispatch began it
			c.wait.wait(uint64(from - (s.Start-s.Wait)/unit))
			switch s.By {
			case model.NoG:
				c.waker.uvarint(0)
			case before:
				c.waker.uvarint(1)
			default:
				c.waker.uvarint(uint64(p.wakers[refs.wakers[i]]) + 2)
			}
		}
		if s.G != model.NoG {
			before = s.G
		}
		i, end, thread = i+1, to, s.M
	}
}

// sourceByte is where a slice's goroutine was dispatched from, with bit 7 for certain.
func sourceByte(s model.Source, certain bool) byte {
	if certain {
		return byte(s) | 1<<7
	}
	return byte(s)
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

// stopPlaces are all of them: by name, most frequent first.
type stopPlaces struct {
	lists [][]uint32
	index []uint32 // by number in the census: counts from 1, 0 for no stop
}

func (c *census) places(names int) stopPlaces {
	p := stopPlaces{lists: make([][]uint32, names), index: make([]uint32, len(c.stops.values))}
	order := make([]int, 0, len(c.stops.values))
	for i, at := range c.stops.values {
		if at.stop != 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(c.stops.counts[b], c.stops.counts[a]), cmp.Compare(c.stops.values[a].stop, c.stops.values[b].stop))
	})
	for _, i := range order {
		at := c.stops.values[i]
		p.lists[at.name] = append(p.lists[at.name], at.stop)
		p.index[i] = uint32(len(p.lists[at.name]))
	}
	return p
}

// shownFrames is how many calls of a stack a page has, the innermost ones.
const shownFrames = 24

func (e *encoder) stops(tl *report.Timeline, p stopPlaces) {
	var whys, frames, labels lines
	var list encoder
	list.uvarint(uint64(len(tl.Stops)))
	for _, s := range tl.Stops {
		list.uvarint(uint64(whys.number(s.Why)))
		if s.At.Func == "" {
			list.uvarint(0)
		} else {
			list.uvarint(uint64(labels.number(words.Function(words.Printable(s.At.Func)))) + 1)
		}
		list.frames(s.Stack, &frames)
	}
	for _, text := range [][]byte{whys.text, frames.text, labels.text} {
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
