package report

import (
	"iter"
	"math"
	"slices"
	"sort"

	"gmptrace/model"
)

// Track holds the slices of one P, in order of time. They do not overlap.
type Track struct {
	P    model.ProcID
	N    int
	runs []Slices // one after the other
}

// Add appends a slice. It must not begin before the one before it ended.
func (t *Track) Add(s Slice) {
	if len(t.runs) == 0 {
		t.runs = append(t.runs, Slices{})
	}
	t.runs[len(t.runs)-1].Add(t.P, s)
	t.N++
}

// Slices are the track's slices in order of time.
func (t *Track) Slices() iter.Seq[Slice] {
	return func(yield func(Slice) bool) {
		var s Slice
		for r := range t.runs {
			run := &t.runs[r]
			for i := range run.list {
				run.get(i, &s)
				if !yield(s) {
					return
				}
			}
		}
	}
}

// within is the track's slices in parts. A slice belongs to the part in which it
// ends: that is when it was added.
func (t *Track) within(parts []KeptPart) *Track {
	out := &Track{P: t.P}
	for r := range t.runs {
		rest := t.runs[r]
		for i := range parts {
			if len(rest.list) == 0 || rest.end(0) > parts[i].End {
				continue
			}
			rest = rest.sub(rest.until(parts[i].Start-1), len(rest.list))
			n := rest.until(parts[i].End)
			out.join(rest.sub(0, n))
			rest = rest.sub(n, len(rest.list))
		}
	}
	return out
}

// join appends slices that stay where they are.
func (t *Track) join(run Slices) {
	if len(run.list) > 0 {
		t.runs = append(t.runs, run)
		t.N += len(run.list)
	}
}

// Slices are slices of any Ps, those of each in order of time, packed: millions pass
// through here.
type Slices struct {
	list []packed
	long []long
}

// packed is a Slice in 40 bytes.
type packed struct {
	start      int64
	dur, wait  uint32
	g, by      uint32 // and 1: model.NoG is 0
	name, stop uint32
	m          int32
	p          uint16 // the model knows no larger id
	kind       uint8  // SliceKind, or isLong with it
	from       uint8  // as packSource packs it
}

// long is what does not fit into a packed, whose dur is its place in Slices.long:
// seconds, and the ids of a program that has started billions of goroutines.
type long struct {
	dur, wait int64
	g, by     model.GoID
}

const isLong = 1 << 7

// Add appends a slice of a P.
func (l *Slices) Add(p model.ProcID, s Slice) {
	x := packed{start: s.Start, name: s.Name, stop: s.Stop, m: s.M, p: uint16(p), kind: uint8(s.Kind), from: packSource(s.Source, s.Certain)}
	dur, wait, g, by := s.End-s.Start, s.Wait, int64(s.G)+1, int64(s.By)+1
	if uint64(dur)|uint64(wait)|uint64(g)|uint64(by) > math.MaxUint32 {
		x.kind |= isLong
		x.dur = uint32(len(l.long))
		l.long = append(l.long, long{dur, wait, s.G, s.By})
	} else {
		x.dur, x.wait, x.g, x.by = uint32(dur), uint32(wait), uint32(g), uint32(by)
	}
	l.list = append(l.list, x)
}

// get unpacks the i-th slice.
func (l *Slices) get(i int, s *Slice) {
	x := &l.list[i]
	*s = Slice{Start: x.start, Name: x.name, Kind: SliceKind(x.kind &^ isLong), Source: model.Source(x.from &^ isCertain), Certain: x.from&isCertain != 0, M: x.m, Stop: x.stop}
	if x.kind&isLong != 0 {
		y := &l.long[x.dur]
		s.End, s.Wait, s.G, s.By = s.Start+y.dur, y.wait, y.g, y.by
		return
	}
	s.End, s.Wait, s.G, s.By = s.Start+int64(x.dur), int64(x.wait), model.GoID(x.g)-1, model.GoID(x.by)-1
}

// Len is how many there are.
func (l *Slices) Len() int { return len(l.list) }

// LastEnd is the end of the one added last.
func (l *Slices) LastEnd() int64 { return l.end(len(l.list) - 1) }

func (l *Slices) end(i int) int64 {
	x := &l.list[i]
	if x.kind&isLong != 0 {
		return x.start + l.long[x.dur].dur
	}
	return x.start + int64(x.dur)
}

// until is how many of one P's end by a time.
func (l *Slices) until(t int64) int {
	return sort.Search(len(l.list), func(i int) bool { return l.end(i) > t })
}

// sub are those from a to b. What is appended to them leaves the others alone.
func (l *Slices) sub(a, b int) Slices {
	return Slices{l.list[a:b:b], l.long[:len(l.long):len(l.long)]}
}

// Grow makes room for so many more.
func (l *Slices) Grow(n int) {
	if l.list == nil {
		l.list = make([]packed, 0, n) // new memory, which growing would clear once more
		return
	}
	l.list = slices.Grow(l.list, n)
}

// Clear is an empty list in the same memory.
func (l *Slices) Clear() { l.list, l.long = l.list[:0], l.long[:0] }

// Renumber replaces the numbers of stops.
func (l *Slices) Renumber(number func(stop uint32) uint32) {
	for i := range l.list {
		if x := &l.list[i]; x.stop != 0 {
			x.stop = number(x.stop)
		}
	}
}

// Names replaces the numbers of names, of those with one that is looked for.
func (l *Slices) Names(wanted []bool, number func(g model.GoID, name, stop uint32) uint32) {
	for i := range l.list {
		x := &l.list[i]
		if int(x.name) >= len(wanted) || !wanted[x.name] {
			continue
		}
		g := model.GoID(x.g) - 1
		if x.kind&isLong != 0 {
			g = l.long[x.dur].g
		}
		x.name = number(g, x.name, x.stop)
	}
}

// Divide sorts the slices by P into the memory of another list, and joins them to the
// tracks of a timeline, which keeps that memory. The list itself is free then.
func (t *Timeline) Divide(l *Slices, into *Slices) {
	var counts []int
	for i := range l.list {
		p := int(l.list[i].p)
		for p >= len(counts) {
			counts = append(counts, 0)
		}
		counts[p]++
	}
	from, at := make([]int, len(counts)), 0
	for p, n := range counts {
		from[p] = at
		at += n
	}
	into.list, into.long = slices.Grow(into.list[:0], len(l.list))[:len(l.list)], l.long
	for i := range l.list {
		p := l.list[i].p
		into.list[from[p]] = l.list[i]
		from[p]++
	}
	for p, n := range counts {
		if n > 0 {
			t.track(model.ProcID(p)).join(into.sub(from[p]-n, from[p]))
		}
	}
	l.list, l.long = l.list[:0], nil
}

// track is that of a P, in the order of Ps.
func (t *Timeline) track(p model.ProcID) *Track {
	i := sort.Search(len(t.Tracks), func(i int) bool { return t.Tracks[i].P >= p })
	if i == len(t.Tracks) || t.Tracks[i].P != p {
		t.Tracks = slices.Insert(t.Tracks, i, &Track{P: p})
	}
	return t.Tracks[i]
}

const isCertain = 1 << 7

// packSource puts a source and whether it is certain into a byte.
func packSource(s model.Source, certain bool) uint8 {
	if certain {
		return uint8(s) | isCertain
	}
	return uint8(s)
}
