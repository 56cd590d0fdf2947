package explain

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// launches answers: which functions' goroutines do their piece of work and start the next
// one, which goes before all that stand in the P's queue?
type launches struct {
	names  *names.Table
	by     []launched // by the stack that goroutines started with
	last   []lastRun  // by P
	newest model.GoID // that has run
}

// launched is how often goroutines were run, and how often of these a new one straight
// after one that started with the same stack.
type launched struct{ runs, next int64 }

type lastRun struct {
	g  model.GoID
	fn uint32
}

// goidBatch is how far numbers of goroutines that begin at the same time lie apart: each P
// takes sixteen at once.
const goidBatch = 64

// newLaunches makes one, for replay.Shared.
func newLaunches(s *replay.Session) *launches { return &launches{names: s.Names} }

// Watch takes in who ran after whom.
func (r *launches) Watch(f *model.Facts) {
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		if d.Runtime {
			continue
		}
		for int(d.P) >= len(r.last) {
			r.last = append(r.last, lastRun{g: model.NoG})
		}
		for int(d.Func) >= len(r.by) {
			r.by = append(r.by, launched{})
		}
		r.newest = max(r.newest, d.G)
		x, last := &r.by[d.Func], &r.last[d.P]
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
