package perfetto

import (
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// marks are what the program marked itself: tasks, regions and messages. Tasks lie in
// lanes, each free again when its task has ended; regions lie on the track of their
// goroutine's regions, in each other.
type marks struct {
	*exporter
	group   uint64
	seq     *sequence
	entered bool // what is analysed has begun

	tasks   map[int64]*openTask
	lanes   []uint64 // free ones
	regions map[model.GoID]*regionTrack
	left    int64 // tasks and goroutines with regions that have no track
}

// openTask is a task under way; its lane is 0 before what is analysed.
type openTask struct {
	id   int64
	name string
	lane uint64
}

// regionTrack is the track of a goroutine's regions.
type regionTrack struct {
	g    model.GoID
	uuid uint64 // 0 before it is needed
	open []openRegion
}

type openRegion struct {
	name string
	task int64
	told bool
}

// event follows what the program marks.
func (x *marks) event(ev *model.Event) {
	if ev.Time >= x.session.Window.From {
		x.enter()
	}
	switch ev.Op {
	case model.OpTaskBegin:
		x.taskBegins(ev)
	case model.OpTaskEnd:
		x.taskEnds(ev)
	case model.OpRegionBegin:
		x.regionBegins(ev)
	case model.OpRegionEnd:
		x.regionEnds(ev)
	case model.OpLog:
		x.message(ev)
	}
}

// enter has what is under way when what is analysed begins begin with it.
func (x *marks) enter() {
	if x.entered {
		return
	}
	x.entered = true
	for _, id := range sortedKeys(x.tasks) {
		x.beginTask(x.tasks[id], x.session.Window.From)
	}
	for _, g := range sortedKeys(x.regions) {
		r := x.regions[g]
		for i := range r.open {
			x.beginRegion(r, &r.open[i], x.session.Window.From)
		}
	}
}

func (x *marks) taskBegins(ev *model.Event) {
	if len(x.tasks) >= x.opt.MaxTracks {
		x.left++
		return
	}
	t := &openTask{id: ev.Subject, name: x.session.Names.Texts[ev.Arg]}
	x.tasks[ev.Subject] = t
	if x.entered {
		x.beginTask(t, ev.Time)
	}
}

func (x *marks) beginTask(t *openTask, at model.Time) {
	if n := len(x.lanes); n > 0 {
		t.lane, x.lanes = x.lanes[n-1], x.lanes[:n-1]
	} else {
		t.lane = x.w.declare(track{parent: x.group, name: "tasks"})
	}
	x.seq.begin(typeSliceBegin, t.lane)
	x.seq.category("task")
	x.seq.named(orUnnamed(t.name))
	x.seq.annotateInt("task", t.id)
	x.seq.end(at)
}

func (x *marks) taskEnds(ev *model.Event) {
	t := x.tasks[ev.Subject]
	if t == nil {
		return // begun before the trace
	}
	delete(x.tasks, ev.Subject)
	if t.lane != 0 {
		x.seq.sliceEnd(ev.Time, t.lane)
		x.lanes = append(x.lanes, t.lane)
	}
}

func (x *marks) regionBegins(ev *model.Event) {
	r := x.regions[ev.G]
	if r == nil {
		if len(x.regions) >= x.opt.MaxTracks {
			x.left++
			return
		}
		r = &regionTrack{g: ev.G}
		x.regions[ev.G] = r
	}
	if len(r.open) >= mostNested {
		x.left++
		return
	}
	r.open = append(r.open, openRegion{name: x.session.Names.Texts[ev.Arg], task: ev.Subject})
	if x.entered {
		x.beginRegion(r, &r.open[len(r.open)-1], ev.Time)
	}
}

// mostNested is how deep regions of one goroutine are followed.
const mostNested = 256

func (x *marks) beginRegion(r *regionTrack, o *openRegion, at model.Time) {
	o.told = true
	x.seq.begin(typeSliceBegin, x.regionsOf(r))
	x.seq.category("region")
	x.seq.named(orUnnamed(o.name))
	if o.task > 0 {
		x.seq.annotateInt("task", o.task)
	}
	x.seq.end(at)
}

// regionsOf is the track of a goroutine's regions: below its own, where it has one.
func (x *marks) regionsOf(r *regionTrack) uint64 {
	if r.uuid != 0 {
		return r.uuid
	}
	parent, name := x.group, "regions and messages of "+words.Text(x.nameOf(nameKey{g: r.g}))
	if x.goroutines != nil && r.g > 0 {
		if t := x.goroutines.of(r.g); t != nil {
			parent, name = t.uuid, "regions and messages"
		}
	}
	r.uuid = x.w.declare(track{parent: parent, name: name})
	return r.uuid
}

func (x *marks) regionEnds(ev *model.Event) {
	r := x.regions[ev.G]
	if r == nil || len(r.open) == 0 {
		return // begun before the trace
	}
	last := len(r.open) - 1
	if r.open[last].told {
		x.seq.sliceEnd(ev.Time, r.uuid)
	}
	r.open = r.open[:last]
}

// message writes a message of the program's, in its task or, without one, on the track of
// its goroutine's regions.
func (x *marks) message(ev *model.Event) {
	if !x.session.Window.Holds(ev.Time) || ev.Flags&model.FlagMachine != 0 {
		return
	}
	uuid := uint64(0)
	if t := x.tasks[ev.Subject]; t != nil {
		uuid = t.lane
	} else {
		r := x.regions[ev.G]
		if r == nil {
			if len(x.regions) >= x.opt.MaxTracks {
				x.left++
				return
			}
			r = &regionTrack{g: ev.G}
			x.regions[ev.G] = r
		}
		uuid = x.regionsOf(r)
	}
	x.seq.begin(typeInstant, uuid)
	x.seq.category("message")
	x.seq.called(orUnnamed(x.session.Names.Texts[ev.Arg]))
	x.seq.annotateInt("G", int64(ev.G))
	x.seq.end(ev.Time)
}

// orUnnamed is a name that shows something.
func orUnnamed(name string) string {
	if name == "" {
		return "(no name)"
	}
	return name
}

// finish ends what has not ended, by name of its track.
func (x *marks) finish(at model.Time) {
	x.enter()
	for _, id := range sortedKeys(x.tasks) {
		x.seq.sliceEnd(at, x.tasks[id].lane)
	}
	for _, g := range sortedKeys(x.regions) {
		for range x.regions[g].open {
			x.seq.sliceEnd(at, x.regions[g].uuid)
		}
	}
}
