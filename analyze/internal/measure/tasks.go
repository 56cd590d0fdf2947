package measure

import (
	"cmp"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// maxOpenTasks bounds the tasks that are followed at once: a program may begin
// tasks and never end them.
const maxOpenTasks = 1 << 20

// tasks answers: how long did the program's own tasks take?
type tasks struct {
	names  *names.Table
	zero   model.Time
	window *replay.Window
	open   map[int64]openTask
	by     map[int64]*taskTime
	left   int64
}

type openTask struct {
	began model.Time
	name  int64
}

type taskTime struct {
	report.TaskTime
	all stat.Sketch
}

// NewTasks makes tasks, for replay.Shared.
func NewTasks(s *replay.Session) *tasks {
	return &tasks{names: s.Names, zero: s.Zero, window: s.Window, open: map[int64]openTask{}, by: map[int64]*taskTime{}}
}

func (t *tasks) Watch(f *model.Facts) {
	for i := range f.Events {
		switch ev := &f.Events[i]; ev.Op {
		case model.OpTaskBegin:
			if len(t.open) >= maxOpenTasks {
				t.left++
				continue
			}
			t.open[ev.Subject] = openTask{ev.Time, ev.Arg}
		case model.OpTaskEnd:
			t.end(ev)
		}
	}
}

func (t *tasks) at(name int64) *taskTime {
	x := t.by[name]
	if x == nil {
		x = &taskTime{}
		x.Name = t.names.Texts[name]
		t.by[name] = x
	}
	return x
}

func (t *tasks) end(ev *model.Event) {
	o, ok := t.open[ev.Subject]
	if !ok {
		return // begun before the trace
	}
	delete(t.open, ev.Subject)
	if ev.Time >= t.window.To {
		t.goesOn(o)
		return
	}
	if ev.Time < t.window.From {
		return
	}
	began := max(o.began, t.window.From)
	x := t.at(o.name)
	d := int64(ev.Time - began)
	x.Count++
	x.Total += d
	if d >= x.Max {
		x.Max, x.MaxAt = d, int64(began-t.zero)
	}
	x.all.Add(d)
}

// goesOn counts a task that has not ended when the window does.
func (t *tasks) goesOn(o openTask) {
	if o.began < t.window.To {
		t.at(o.name).Open++
	}
}

func (t *tasks) Fill(r *report.Report) {
	for _, o := range t.open {
		t.goesOn(o)
	}
	for _, x := range t.by {
		x.P50, x.P99 = x.all.Quantile(.5), x.all.Quantile(.99)
		r.Tasks = append(r.Tasks, x.TaskTime)
	}
	slices.SortFunc(r.Tasks, func(a, b report.TaskTime) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Name, b.Name))
	})
	if t.left > 0 {
		r.Trace.Notes = append(r.Trace.Notes, "more than a million tasks were open at once: the later ones are not counted")
	}
}
