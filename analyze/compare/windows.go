package compare

import (
	"math"
	"slices"

	"gmptrace/analyze/stat"
)

// sameWindows gives all behaviours windows of one length, the longest that any has: a
// quantile of a short window varies more, and is another one, than that of a long one.
// Those that have them are as they were.
func sameWindows(old, new []*Behaviour) (sameOld, sameNew []*Behaviour) {
	var longest int64
	for _, side := range [][]*Behaviour{old, new} {
		for _, b := range side {
			longest = max(longest, b.Window)
		}
	}
	with := func(side []*Behaviour) (out []*Behaviour) {
		for _, b := range side {
			out = append(out, b.withWindows(longest))
		}
		return out
	}
	return with(old), with(new)
}

// withWindows is a behaviour with windows of a length, where those that it has can be
// joined to that.
func (b *Behaviour) withWindows(length int64) *Behaviour {
	if b.Window <= 0 || b.Window == length || length%b.Window != 0 {
		return b
	}
	join, whole := int(length/b.Window), b.Trace.DurationNS
	if whole <= 0 {
		whole = b.Window * int64(b.Windows)
	}
	out := *b
	out.Window, out.Windows = length, max(1, int((whole+length/2)/length)) // as collector.finish has it
	at := func(w int) int { return min(w/join, out.Windows-1) }
	out.Series, out.Rates, out.Causes = nil, nil, slices.Clone(b.Causes)
	for i := range out.Causes {
		out.Causes[i].Causes = slices.Clone(out.Causes[i].Causes)
		out.Causes[i].fold(join, out.Windows)
	}
	for _, s := range b.Series {
		x := Series{Kind: s.Kind, Name: s.Name, Allocs: s.Allocs, Inner: s.Inner}
		for range out.Windows {
			x.Windows = append(x.Windows, &stat.Sketch{})
		}
		for w, k := range s.Windows {
			x.Windows[at(w)].Merge(k)
		}
		out.Series = append(out.Series, x)
	}
	seconds := func(window int64, windows, w int) float64 {
		if w == windows-1 {
			window = max(1, whole-int64(w)*window)
		}
		return float64(window) / 1e9
	}
	for _, r := range b.Rates {
		x := Rate{Name: r.Name, Unit: r.Unit, Mean: r.Mean, Windows: make([]float64, out.Windows)}
		for w, n := range r.Windows {
			x.Windows[at(w)] += n * seconds(b.Window, b.Windows, w)
		}
		for w := range x.Windows {
			x.Windows[w] = math.Round(10*x.Windows[w]/seconds(length, out.Windows, w)) / 10
		}
		out.Rates = append(out.Rates, x)
	}
	return &out
}

// Lists by window are as long as the last window in which there was anything.

// addAt adds to a window.
func addAt[T int64 | float64](list []T, window int, n T) []T {
	for window >= len(list) {
		list = append(list, 0)
	}
	list[window] += n
	return list
}

// halved joins windows two by two, in place.
func halved[T int64 | float64](list []T) []T {
	for k := range list {
		if k%2 == 0 {
			list[k/2] = list[k]
		} else {
			list[k/2] += list[k]
		}
	}
	return list[:(len(list)+1)/2]
}

// sumOf adds two lists.
func sumOf[T int64 | float64](a, b []T) []T {
	out := slices.Clone(a)
	for w, n := range b {
		out = addAt(out, w, n)
	}
	return out
}

// folded joins as many windows to one as join says, what is behind the last of a number to that.
func folded[T int64 | float64](list []T, join, windows int) []T {
	out := make([]T, windows)
	for w, n := range list {
		out[min(w/join, windows-1)] += n
	}
	return out
}

// fold gives all windows of a series' causes as folded does.
func (c *Causes) fold(join, windows int) {
	c.Ended = folded(c.Ended, join, windows)
	for i := range c.Causes {
		if x := &c.Causes[i]; x.Windows != nil {
			x.Windows = folded(x.Windows, join, windows)
		}
	}
}
