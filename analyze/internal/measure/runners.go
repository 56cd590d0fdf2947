package measure

import (
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// Runners tells of every stretch of a goroutine, and of every dispatch, what the
// goroutine ran: by a number of names.Trails, of the stack that it was blocked with before.
// A new goroutine whose start says nothing has none until it stops for the first time: what
// it did until then is told late, when that shows, unless very many such are alive.
type Runners struct {
	Trails *names.Trails
	names  *names.Table
	young  map[model.GoID]*young
	maybe  [1 << 10]uint32 // how many of young have ids with these last bits: most goroutines need no look
	spare  []*young

	// Of the facts at hand, by their places there; 0 is what is told late.
	Gs         []uint32
	Dispatches []uint32

	// Youths are, of the stretches of Gs that are told late, in their order, the numbers
	// of the youths that they belong to: the stretches of a goroutine that show nothing,
	// one after the other. Who wants them sets Numbered.
	Numbered bool
	Youths   []uint32
	youths   uint32 // so many

	// Late is what was told of before, or among the facts at hand, and shows now.
	Late           []LateStretch
	LateDispatches []LateDispatch
}

// LateStretch is a stretch of a goroutine with its trail.
type LateStretch struct {
	model.GInterval
	Trail uint32
	Youth uint32 // see Runners.Youths
}

// LateDispatch is a dispatch with its trail.
type LateDispatch struct {
	model.Dispatch
	Trail uint32
}

// young is a goroutine that has not shown yet what it runs.
type young struct {
	number     uint32 // see Runners.Youths
	trail      uint32 // by where it was preempted, 0 for not yet
	gs         []model.GInterval
	dispatches []model.Dispatch
}

// maxYoung is how many stretches of a goroutine that shows nothing wait for it to, and
// mostYoung how many such goroutines: a million closures may be parked for the first time.
const (
	maxYoung  = 16
	mostYoung = 1 << 15
)

// NewRunners makes Runners, for replay.Shared.
func NewRunners(s *replay.Session) *Runners {
	return &Runners{Trails: names.NewTrails(s.Names), names: s.Names, young: map[model.GoID]*young{}}
}

func (r *Runners) Watch(f *model.Facts) {
	r.Gs = slices.Grow(r.Gs[:0], len(f.Gs))[:len(f.Gs)]
	r.Dispatches, r.Late, r.LateDispatches = slices.Grow(r.Dispatches[:0], len(f.Dispatches)), r.Late[:0], r.LateDispatches[:0]
	r.Youths = r.Youths[:0]
	preempts := f.Preempts
	for i := range f.Gs {
		iv := &f.Gs[i]
		for ; len(preempts) > 0 && preempts[0].Time <= iv.End; preempts = preempts[1:] {
			r.preempted(&preempts[0])
		}
		var d *model.Dispatch
		if iv.State == model.GRunnable {
			d = r.dispatchOf(f, iv)
		}
		trail := r.stretch(iv, d)
		r.Gs[i] = trail
		if d != nil {
			r.Dispatches = append(r.Dispatches, trail)
		}
	}
	for i := range preempts {
		r.preempted(&preempts[i])
	}
	r.others(f, replay.Forever)
}

// dispatchOf is the dispatch that ended a stretch, nil for none. It tells those before,
// which ended none.
func (r *Runners) dispatchOf(f *model.Facts, iv *model.GInterval) *model.Dispatch {
	r.others(f, iv.End-1)
	if k := len(r.Dispatches); k < len(f.Dispatches) && f.Dispatches[k].Time == iv.End && f.Dispatches[k].G == iv.G {
		return &f.Dispatches[k]
	}
	return nil
}

// others tells dispatches that ended no stretch by the function that was started.
func (r *Runners) others(f *model.Facts, until model.Time) {
	for k := len(r.Dispatches); k < len(f.Dispatches) && f.Dispatches[k].Time <= until; k++ {
		r.Dispatches = append(r.Dispatches, r.Trails.Of(f.Dispatches[k].Func))
	}
}

// stretch is the trail of a stretch, 0 if it is to be told late.
func (r *Runners) stretch(iv *model.GInterval, d *model.Dispatch) uint32 {
	start := r.names.Start
	if iv.Stack != 0 && (start[iv.Stack] != 0 || start[iv.Func] != 0) {
		of := iv.Func
		if seen, began := start[iv.Stack], start[iv.Func]; seen == began || seen != 0 && began == 0 {
			of = iv.Stack
		}
		trail := r.Trails.Of(of)
		r.grown(iv.G, trail)
		return trail
	}
	trail := r.Trails.Of(iv.Func)
	if !r.Trails.Bare(trail) { // where it started may show after its first stretches
		r.grown(iv.G, trail)
		return trail
	}
	y := r.young[iv.G]
	switch {
	case y == nil && len(r.young) >= mostYoung:
		return trail
	case y == nil:
		y = r.newborn(iv.G)
	}
	if len(y.gs) == maxYoung {
		y.trail = trail
		r.tell(y, trail)
	}
	ends := iv.Exit || iv.Open&model.OpenEnd != 0
	if y.trail != 0 {
		if trail = y.trail; ends {
			r.forget(iv.G, y)
		}
		return trail
	}
	y.gs = append(y.gs, *iv)
	if d != nil {
		y.dispatches = append(y.dispatches, *d)
	}
	if r.Numbered {
		r.Youths = append(r.Youths, y.number)
	}
	if ends {
		r.grown(iv.G, trail)
	}
	return 0
}

// preempted notes where a goroutine was stopped that has not shown what it runs.
func (r *Runners) preempted(x *model.Preempt) {
	if x.Stack == 0 || r.maybe[uint64(x.G)%uint64(len(r.maybe))] == 0 {
		return
	}
	y := r.young[x.G]
	if y == nil || y.trail != 0 || r.names.Start[x.Stack] != r.names.Start[x.Func] {
		return
	}
	if trail := r.Trails.Of(x.Stack); !r.Trails.Bare(trail) {
		y.trail = trail
		r.tell(y, trail)
	}
}

// grown tells what a goroutine did before it showed what it runs.
func (r *Runners) grown(g model.GoID, trail uint32) {
	if r.maybe[uint64(g)%uint64(len(r.maybe))] == 0 {
		return
	}
	if y := r.young[g]; y != nil {
		r.tell(y, trail)
		r.forget(g, y)
	}
}

func (r *Runners) tell(y *young, trail uint32) {
	for i := range y.gs {
		r.Late = append(r.Late, LateStretch{y.gs[i], trail, y.number})
	}
	for i := range y.dispatches {
		r.LateDispatches = append(r.LateDispatches, LateDispatch{y.dispatches[i], trail})
	}
	y.gs, y.dispatches = y.gs[:0], y.dispatches[:0]
}

func (r *Runners) newborn(g model.GoID) *young {
	y := &young{}
	if n := len(r.spare); n > 0 {
		y, r.spare = r.spare[n-1], r.spare[:n-1]
	}
	y.number = r.youths
	r.youths++
	r.young[g] = y
	r.maybe[uint64(g)%uint64(len(r.maybe))]++
	return y
}

func (r *Runners) forget(g model.GoID, y *young) {
	delete(r.young, g)
	r.maybe[uint64(g)%uint64(len(r.maybe))]--
	y.trail = 0
	r.spare = append(r.spare, y)
}
