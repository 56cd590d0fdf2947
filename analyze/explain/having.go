package explain

import (
	"regexp"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/model"
)

// maxMessages bounds how many messages that match are remembered.
const maxMessages = 1 << 20

// messages answers: in which instances was a message logged that matches? One belongs to
// the task that it names, and to whatever its goroutine was in.
type messages struct {
	names *names.Table
	match *regexp.Regexp
	n     int
	gs    map[model.GoID][]model.Time // when, by who logged them
	tasks map[int64][]model.Time
}

func newMessages(n *names.Table, match *regexp.Regexp) *messages {
	if match == nil {
		return nil
	}
	return &messages{names: n, match: match, gs: map[model.GoID][]model.Time{}, tasks: map[int64][]model.Time{}}
}

// watch notes those that match.
func (m *messages) watch(f *model.Facts) {
	if m == nil {
		return
	}
	for i := range f.Events {
		ev := &f.Events[i]
		if !logged(ev) || m.n == maxMessages || !m.match.MatchString(m.names.Texts[ev.Arg]) {
			continue
		}
		m.n++
		m.gs[ev.G] = append(m.gs[ev.G], ev.Time)
		if task := taskID(ev.Subject); task >= 0 {
			m.tasks[task] = append(m.tasks[task], ev.Time)
		}
	}
}

// logged reports whether an event is a message of the program's.
func logged(ev *model.Event) bool { return ev.Op == model.OpLog && ev.Flags&model.FlagMachine == 0 }

// in reports whether an instance has one; all have where none is asked for.
func (m *messages) in(x *Span) bool {
	if m == nil {
		return true
	}
	within := func(times []model.Time) bool {
		i, _ := slices.BinarySearch(times, x.Start)
		return i < len(times) && times[i] <= x.End
	}
	return within(m.gs[x.g]) || x.task >= 0 && within(m.tasks[x.task])
}
