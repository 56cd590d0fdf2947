package explain

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// launches answers: which functions' goroutines do their piece of work and start the next
// one, which goes before all that stand in the P's queue, and which get more and more?
type launches struct {
	names  *names.Table
	stood  *replay.Stood
	by     []launched // by the stack that goroutines started with
	last   []lastRun  // by P
	newest model.GoID // that has run
}

// launched is how often goroutines were run, and how often of these a new one straight
// after one that started with the same stack; how many began and ended, and when.
type launched struct {
	runs, next  int64
	born, ended int64
	first, last model.Time // of those that began
}

type lastRun struct {
	g  model.GoID
	fn uint32
}

// goidBatch is how far numbers of goroutines that begin at the same time lie apart: each P
// takes sixteen at once.
const goidBatch = 64

// newLaunches makes one, for replay.Shared.
func newLaunches(s *replay.Session) *launches {
	return &launches{names: s.Names, stood: replay.Shared(s, replay.NewStood)}
}

// at is what is known of goroutines that started with a stack.
func (r *launches) at(stack uint32) *launched {
	for int(stack) >= len(r.by) {
		r.by = append(r.by, launched{})
	}
	return &r.by[stack]
}

// Watch takes in who ran after whom, and who began and ended.
func (r *launches) Watch(f *model.Facts) {
	for _, i := range r.stood.Edges {
		iv := &f.Gs[i]
		if iv.First && iv.Open&model.OpenStart == 0 {
			x := r.at(iv.Func)
			if x.born++; x.born == 1 {
				x.first = iv.Start
			}
			x.last = iv.Start
		}
		if iv.Exit {
			r.at(iv.Func).ended++
		}
	}
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		if d.Runtime {
			continue
		}
		for int(d.P) >= len(r.last) {
			r.last = append(r.last, lastRun{g: model.NoG})
		}
		r.newest = max(r.newest, d.G)
		x, last := r.at(d.Func), &r.last[d.P]
		x.runs++
		if d.Source == model.SourceRunnext && last.g != model.NoG && last.fn == d.Func && d.G > last.g && r.newest-d.G < goidBatch {
			x.next++
		}
		*last = lastRun{d.G, d.Func}
	}
}

// of reports whether nearly all goroutines that started with a function were started by
// the one before.
func (r *launches) of(fn string) bool {
	const some = 10
	var all launched
	for stack := range r.by {
		if x := &r.by[stack]; x.runs > 0 && r.names.StartFunc(uint32(stack)) == fn {
			all.runs, all.next = all.runs+x.runs, all.next+x.next
		}
	}
	return all.next >= some && all.next*10 >= all.runs*9
}

const (
	// growsFrom is how many goroutines of a function must begin for them to get more and more,
	// and growsFor the least part of the trace over which they do: others are a burst.
	growsFrom = 20
	growsFor  = 2
	// growsTimes is how many must begin for one that ends.
	growsTimes = 10
)

// grow is how many goroutines began that started with a function, in span of trace, where
// hardly any ended; 0 where they did, or began at once.
func (r *launches) grow(fn string, span model.Time) int64 {
	var all launched
	for stack := range r.by {
		x := &r.by[stack]
		if x.born == 0 || r.names.StartFunc(uint32(stack)) != fn {
			continue
		}
		if all.born == 0 || x.first < all.first {
			all.first = x.first
		}
		all.born, all.ended, all.last = all.born+x.born, all.ended+x.ended, max(all.last, x.last)
	}
	if all.born < growsFrom || all.ended*growsTimes > all.born || (all.last-all.first)*growsFor < span {
		return 0
	}
	return all.born
}
