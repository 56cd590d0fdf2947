package measure

import (
	"cmp"
	"slices"

	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// MomentKind is a kind of moments that readers of a report look at.
type MomentKind uint8

// The kinds of moments.
const (
	MomentWait    MomentKind = iota // a goroutine waited for a P
	MomentPause                     // the world was stopped
	MomentMark                      // the collector marked
	MomentAssist                    // a goroutine assisted it
	MomentWaste                     // a P was idle beside a runnable goroutine
	MomentLock                      // a goroutine waited for a lock or for others to be done
	MomentCall                      // a system call held a P or a thread
	MomentRequest                   // a request was served
	MomentTask                      // a task was under way
	NumMomentKinds
)

// momentsOf is how many moments of a kind are kept.
const momentsOf = 5

// Moments are the longest moments of each kind so far, of those that overlap the longest
// one: for who keeps what is around them while the trace is being read, when what a
// report will show is not known yet.
type Moments struct {
	worst [NumMomentKinds][]replay.Window // longest first
	told  []toldMoment                    // that count from later on
}

type toldMoment struct {
	kind  MomentKind
	known model.Time
	replay.Window
}

// NewMoments makes Moments, for replay.Shared.
func NewMoments(*replay.Session) *Moments { return &Moments{} }

// Worst are the longest moments of a kind, longest first.
func (m *Moments) Worst(kind MomentKind) []replay.Window { return m.worst[kind] }

// Tell adds a moment that is known from a time on: it counts once Until has come there,
// whoever is told the facts first.
func (m *Moments) Tell(kind MomentKind, known, from, to model.Time) {
	if m.admits(kind, from, to) {
		m.told = append(m.told, toldMoment{kind, known, replay.Window{From: from, To: to}})
	}
}

// Until takes in what was told and is known by a time.
func (m *Moments) Until(now model.Time) {
	m.told = slices.DeleteFunc(m.told, func(x toldMoment) bool {
		if x.known <= now {
			m.Add(x.kind, x.From, x.To)
		}
		return x.known <= now
	})
}

// admits tells whether a moment is as long as those that are kept.
func (m *Moments) admits(kind MomentKind, from, to model.Time) bool {
	list := m.worst[kind]
	return len(list) < momentsOf || to-from > list[len(list)-1].To-list[len(list)-1].From
}

// Add adds a moment.
func (m *Moments) Add(kind MomentKind, from, to model.Time) {
	if to <= from || !m.admits(kind, from, to) {
		return
	}
	list := m.worst[kind]
	overlaps := func(w replay.Window) bool { return w.From < to && from < w.To }
	if slices.ContainsFunc(list, func(w replay.Window) bool { return overlaps(w) && w.To-w.From >= to-from }) {
		return
	}
	list = slices.DeleteFunc(list, overlaps)
	i, _ := slices.BinarySearchFunc(list, to-from, func(w replay.Window, d model.Time) int { return cmp.Compare(d, w.To-w.From) })
	list = slices.Insert(list, i, replay.Window{From: from, To: to})
	m.worst[kind] = list[:min(len(list), momentsOf)]
}
