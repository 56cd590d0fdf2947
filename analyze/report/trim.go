package report

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// KeptPart is a part of a Timeline that is kept or left out whole.
type KeptPart struct {
	Window
	Worth  int64
	Slices int
}

// Worth is that of a window: the most where one of around lies in it, more for
// earlier ones.
func Worth(w int64, of Window, around []Window) int64 {
	for i, a := range around {
		if a.Start < of.End && a.End >= of.Start {
			return max(w, math.MaxInt64-int64(i))
		}
	}
	return w
}

// Favor makes parts that show one of the windows the last ones to be left out.
func (t *Timeline) Favor(around []Window) {
	for i := range t.Parts {
		t.Parts[i].Worth = Worth(t.Parts[i].Worth, t.Parts[i].Window, around)
	}
}

// Around is t with at most so many slices: those in these windows first, earlier
// windows before later ones.
func (t *Timeline) Around(windows []Window, most int) *Timeline {
	if t == nil || t.Len() <= most {
		return t
	}
	out := *t
	out.Parts = slices.Clone(t.Parts)
	out.Favor(windows)
	return out.Trim(most)
}

// momentShare is the longest part of a trace that one moment asks to be kept.
const momentShare = 20

// Moments are the windows that a reader will look at: those of the findings, then
// the slowest requests or tasks, worst first. Of long ones it is the beginning.
func (r *Report) Moments() []Window {
	var list []Window
	most := max(1, Analysed(r)/momentShare)
	add := func(start, end int64) { list = append(list, Window{start, min(end, start+most)}) }
	for _, f := range r.Findings {
		for _, m := range f.Moments[:min(1, len(f.Moments))] {
			add(m.Start, m.End)
		}
	}
	for _, in := range r.Slowest.Instances {
		add(in.Start, in.Start+in.Duration)
	}
	for _, f := range r.Findings {
		for _, m := range f.Moments[min(1, len(f.Moments)):] {
			add(m.Start, m.End)
		}
	}
	return list
}

// Has tells whether windows are kept in full detail.
func (t *Timeline) Has(windows []Window) bool {
	return !slices.ContainsFunc(windows, func(w Window) bool {
		return !slices.ContainsFunc(t.Kept, func(k Window) bool { return w.Start >= k.Start && w.End <= k.End })
	})
}

// Len is how many slices t has.
func (t *Timeline) Len() int {
	n := 0
	for _, tr := range t.Tracks {
		n += tr.N
	}
	return n
}

// Trim is t with at most so many slices: without the parts that show the least.
func (t *Timeline) Trim(most int) *Timeline {
	left, n := slices.Clone(t.Parts), t.Len()
	slices.SortStableFunc(left, func(a, b KeptPart) int { return cmp.Compare(b.Worth, a.Worth) })
	for n > most && len(left) > 0 {
		n -= left[len(left)-1].Slices
		left = left[:len(left)-1]
	}
	slices.SortFunc(left, func(a, b KeptPart) int { return cmp.Compare(a.Start, b.Start) })
	out := *t
	out.Parts, out.Kept, out.Complete = left, nil, false
	for _, p := range left {
		out.KeepWindow(p.Start, p.End)
	}
	out.Tracks = nil
	for _, tr := range t.Tracks {
		if short := tr.within(left); short.N > 0 {
			out.Tracks = append(out.Tracks, short)
		}
	}
	out.LeftOut += int64(t.Len() - out.Len())
	out.Marks = lying(t.Marks, left, func(m Mark) int64 { return m.At })
	out.Depth = lying(t.Depth, left, func(d DepthPoint) int64 { return d.At })
	out.Blocked = lying(t.Blocked, left, func(b Blocked) int64 { return b.End })
	return &out
}

// lying is what of a list lies in parts, both in order of time.
func lying[T any](list []T, parts []KeptPart, at func(T) int64) []T {
	var runs [][]T
	for _, p := range parts {
		from := sort.Search(len(list), func(i int) bool { return at(list[i]) >= p.Start })
		list = list[from:]
		to := sort.Search(len(list), func(i int) bool { return at(list[i]) > p.End })
		runs = append(runs, list[:to])
		list = list[to:]
	}
	return slices.Concat(runs...)
}
