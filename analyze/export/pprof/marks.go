package pprof

import (
	"slices"

	"gmptrace/model"
)

// marks follows which task goroutines work for: the one of the innermost of the regions
// that they are in and the tasks that they have begun and that have not ended.
type marks struct {
	tasks   map[int64]openTask
	by      map[model.GoID]*marked
	leftOut int64 // tasks that were not followed, as too many were open
}

type openTask struct {
	name int64
	g    model.GoID // that began it
}

// marked is a goroutine that works for a task, or did since its last stretch that was told.
type marked struct {
	open    []mark // innermost last
	task    int64  // name, at the end of the last stretch that was told
	changes []change
}

type mark struct {
	task   int64 // id; 0 for none
	name   int64
	region bool
}

// change is of the task that a goroutine works for.
type change struct {
	at   model.Time
	task int64 // name
}

// How many open tasks are followed, and how many of one goroutine with the regions that it
// is in: a program may begin both and never end them.
const (
	maxTasks = 1 << 20
	maxMarks = 64
)

func newMarks() marks { return marks{tasks: map[int64]openTask{}, by: map[model.GoID]*marked{}} }

// event takes in what begins or ends.
func (m *marks) event(ev *model.Event) {
	switch ev.Op {
	case model.OpTaskBegin:
		if len(m.tasks) >= maxTasks {
			m.leftOut++
			return
		}
		m.tasks[ev.Subject] = openTask{ev.Arg, ev.G}
		m.open(ev, mark{task: ev.Subject, name: ev.Arg})
	case model.OpTaskEnd:
		t, ok := m.tasks[ev.Subject]
		if !ok {
			return
		}
		delete(m.tasks, ev.Subject)
		m.close(t.g, ev.Time, func(x *mark) bool { return !x.region && x.task == ev.Subject })
	case model.OpRegionBegin:
		m.open(ev, mark{task: ev.Subject, name: m.tasks[ev.Subject].name, region: true})
	case model.OpRegionEnd:
		m.close(ev.G, ev.Time, func(x *mark) bool { return x.region })
	}
}

func (m *marks) open(ev *model.Event, x mark) {
	if ev.G <= 0 {
		return
	}
	on := m.by[ev.G]
	if on == nil {
		on = &marked{}
		m.by[ev.G] = on
	}
	if len(on.open) < maxMarks {
		on.open = append(on.open, x)
		on.changed(ev.Time)
	}
}

// close takes out the innermost mark of a goroutine that is the one.
func (m *marks) close(g model.GoID, at model.Time, is func(*mark) bool) {
	on := m.by[g]
	if on == nil {
		return
	}
	for i := len(on.open) - 1; i >= 0; i-- {
		if is(&on.open[i]) {
			on.open = slices.Delete(on.open, i, i+1)
			on.changed(at)
			return
		}
	}
}

// changed notes for which task a goroutine works from a moment on, if that is another.
func (on *marked) changed(at model.Time) {
	was := on.task
	if n := len(on.changes); n > 0 {
		was = on.changes[n-1].task
	}
	if is := on.now(); is != was {
		on.changes = append(on.changes, change{at, is})
	}
}

// now is the name of the task that a goroutine works for.
func (on *marked) now() int64 {
	for i := len(on.open) - 1; i >= 0; i-- {
		if on.open[i].name != 0 {
			return on.open[i].name
		}
	}
	return 0
}

// now is the name of the task that a goroutine works for, 0 for none.
func (m *marks) now(g model.GoID) int64 {
	if on := m.by[g]; on != nil {
		return on.now()
	}
	return 0
}

// each calls use with the parts of a stretch by task, in order; last is the one that it
// ends with.
func (m *marks) each(g model.GoID, from, to model.Time, use func(from, to model.Time, task int64, last bool)) {
	var on *marked
	if len(m.by) > 0 {
		on = m.by[g]
	}
	if on == nil {
		use(from, to, 0, true)
		return
	}
	task := on.task
	for _, c := range on.changes {
		if c.at >= to {
			break
		}
		if c.at > from {
			use(from, c.at, task, false)
			from = c.at
		}
		task = c.task
	}
	use(from, to, task, true)
}

// skip forgets what a goroutine's task was until a moment, up to which all has been told.
func (m *marks) skip(g model.GoID, until model.Time) {
	if len(m.by) == 0 {
		return
	}
	on := m.by[g]
	if on == nil {
		return
	}
	n := 0
	for n < len(on.changes) && on.changes[n].at < until {
		on.task = on.changes[n].task
		n++
	}
	on.changes = slices.Delete(on.changes, 0, n)
	if len(on.open) == 0 && len(on.changes) == 0 && on.task == 0 {
		delete(m.by, g)
	}
}

// left forgets a goroutine that has ended.
func (m *marks) left(g model.GoID) { delete(m.by, g) }
