package perfetto

import (
	"strconv"

	"gmptrace/analyze/names"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// goroutines are the tracks of goroutines, with what state they were in.
//
// Stretches of one goroutine are written some at a time: each begins where the one before
// ends, and how long it is takes less room to say than when it was.
type goroutines struct {
	*exporter
	group uint64
	seq   *sequence
	wakes *sequence // moments of waking, which are written at once: arrows begin before they end
	known map[model.GoID]*goTrack
	left  int64 // goroutines without a track
}

// goTrack is the track of one goroutine.
type goTrack struct {
	uuid    uint64
	told    bool        // its description is written
	waiting []goStretch // to be written
	woken   model.Time  // when the last arrow ended here
	again   uint64      // how many others did in that moment
}

// goStretch is what is written of a stretch.
type goStretch struct {
	start, end model.Time
	arrow      uint64 // that ends at its beginning, 0 for none
	stack      uint32 // where it had stopped, 0 for none
	state      model.GState
	reason     model.Reason
	assist     bool
	unended    bool
}

// mostWaiting is how many stretches of a goroutine wait to be written.
const mostWaiting = 64

// of is the track of a goroutine, nil if there are as many as may be.
func (x *goroutines) of(g model.GoID) *goTrack {
	t := x.known[g]
	if t == nil && len(x.known) < x.opt.MaxTracks {
		t = &goTrack{uuid: x.w.reserve()}
		x.known[g] = t
	}
	return t
}

// tell describes a track once it shows what the goroutine started with, or where nothing
// ever does, at the end.
func (x *goroutines) tell(t *goTrack, g model.GoID, fn uint32, last bool) {
	if t.told || fn == 0 && !last {
		return
	}
	t.told = true
	x.w.describe(t.uuid, track{parent: x.group, name: x.nameOf(nameKey{g, fn}), rank: int64(g)})
}

// nameOf is what a goroutine is called.
func (x *exporter) nameOf(k nameKey) string {
	name := "G" + strconv.FormatInt(int64(k.g), 10)
	if fn := x.session.Func(k.stack); fn != "" {
		name += " " + words.Function(fn)
	}
	return name
}

// stretch keeps a goroutine's stretch in one state until it is written. d is the dispatch
// that ended it, nil for none.
func (x *goroutines) stretch(iv *model.GInterval, d *model.Dispatch) {
	t := x.of(iv.G)
	if t == nil {
		if iv.First {
			x.left++
		}
		return
	}
	x.tell(t, iv.G, iv.Func, false)
	if iv.State > model.GNotExist {
		o := goStretch{start: iv.Start, end: iv.End, state: iv.State, reason: iv.Reason, assist: iv.Assist, unended: iv.Unended, arrow: x.wake(t, iv, d)}
		if iv.State == model.GWaiting || iv.State == model.GSyscall {
			o.stack = iv.Stack
		}
		t.waiting = append(t.waiting, o)
	}
	if iv.Exit || len(t.waiting) >= mostWaiting {
		x.write(t)
	}
	if iv.Exit {
		t.waiting = nil // nothing follows
	}
}

// fewWaiting is up to how many stretches tell their times themselves.
const fewWaiting = 2

// write writes what waits of a goroutine.
func (x *goroutines) write(t *goTrack) {
	if len(t.waiting) > fewWaiting && t.waiting[0].start < x.seq.at {
		x.seq.rewind()
	}
	for i := range t.waiting {
		o := &t.waiting[i]
		x.seq.begin(typeSliceBegin, t.uuid)
		x.seq.category("goroutine")
		x.seq.named(x.state(o))
		if o.stack != 0 {
			x.seq.annotateBy("at", nameKey{stack: o.stack}, x.placeOf)
		}
		if o.arrow != 0 {
			x.seq.flow(o.arrow, true)
		}
		x.seq.end(o.start)
		x.seq.sliceEnd(o.end, t.uuid)
	}
	t.waiting = t.waiting[:0]
}

// The names of states, but for those of who is blocked, which name the reason.
const (
	stateRunning   = "running"
	stateAssisting = "running (GC assist)"
	stateRunnable  = "runnable"
	stateSyscall   = "system call"
	stateUnended   = "system call (the trace does not tell its end)"
	blockedPrefix  = "blocked: "
)

// state is what a goroutine's stretch is called.
func (x *goroutines) state(o *goStretch) string {
	switch {
	case o.state == model.GRunning && o.assist:
		return stateAssisting
	case o.state == model.GRunning:
		return stateRunning
	case o.state == model.GRunnable:
		return stateRunnable
	case o.state == model.GSyscall && o.unended:
		return stateUnended
	case o.state == model.GSyscall:
		return stateSyscall
	}
	return x.blocked[o.reason]
}

// blockedNames are the names of being blocked, by reason.
func blockedNames() (out [model.NumReasons]string) {
	for r := range out {
		out[r] = blockedPrefix + model.Reason(r).String()
	}
	return out
}

// placeOf is where a stack stands in the program, as far as its own frames tell.
func (x *exporter) placeOf(k nameKey) string {
	f := names.OwnFrame(x.session.Names.Stacks[k.stack])
	return words.Place(words.Function(f.Func), f.File, f.Line)
}

// wake writes who made a goroutine runnable, as a moment on that one's track, and is the
// number of the arrow from there; 0 for none.
//
// Arrows end in the moment in which they begin, and a number that has ended may be used
// again: those to one goroutine have one, which takes least room, but for several of a
// moment.
func (x *goroutines) wake(t *goTrack, iv *model.GInterval, d *model.Dispatch) uint64 {
	if !x.opt.Tracks.Has(Flows) || d == nil || d.By <= 0 || d.By == d.G || d.Censored || d.Ready != iv.Start {
		return 0
	}
	by := x.of(d.By)
	if by == nil {
		return 0
	}
	if t.woken == d.Ready {
		t.again++
	} else {
		t.woken, t.again = d.Ready, 0
	}
	arrow := t.uuid | t.again<<32
	x.wakes.begin(typeInstant, by.uuid)
	x.wakes.category("wake")
	if iv.Woken {
		x.wakes.named("wakes")
	} else {
		x.wakes.named("starts")
	}
	x.wakes.flow(arrow, false)
	x.wakes.end(d.Ready)
	return arrow
}

// finish writes what waits, and describes the tracks of which nothing showed what they
// started with.
func (x *goroutines) finish() {
	for _, g := range sortedKeys(x.known) {
		x.tell(x.known[g], g, 0, true)
		x.write(x.known[g])
	}
}
