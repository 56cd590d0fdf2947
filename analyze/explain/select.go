package explain

import (
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Requests finds the requests that a program served, for whoever asks of each moment of a
// goroutine whether it served one.
type Requests struct{ finder *requestFinder }

// NewRequests finds them in the facts of a session.
func NewRequests(s *replay.Session) *Requests {
	return &Requests{&requestFinder{names: s.Names, window: s.Window}}
}

// Serves reports whether goroutines that started with a stack may serve requests.
func (r *Requests) Serves(start uint32) bool {
	switch r.finder.kind(start) {
	case servesConn, servesStream, servesGRPCWorker:
		return true
	}
	return false
}

// Find calls ended with the requests that the facts end.
func (r *Requests) Find(f *model.Facts, ended func(*Span)) {
	r.finder.Find(f, ended)
	r.finder.oldest() // which lets go of those that have ended
}

// Close calls ended with those that the trace leaves unfinished.
func (r *Requests) Close(now model.Time, ended func(*Span)) { r.finder.close(now, ended) }

// Since is when what may be a request began that a goroutine has not ended: until then it
// is known which it served. replay.Forever for none.
func (r *Requests) Since(g model.GoID) model.Time { return began(r.finder.open[g]) }

// Called is the handler of the requests with a key, "" where none shows. All must have
// been read.
func (r *Requests) Called(key uint32) string { return r.finder.Called(key) }

// began is when an instance under way began, replay.Forever for none.
func began(in *Span) model.Time {
	if in == nil {
		return replay.Forever
	}
	return in.Start
}

// Selection finds the instances that Explain explains, for whoever asks something else
// about their time. It takes requests, tasks, regions, goroutines and stretches that a
// function was seen in; not messages, nor what has one.
type Selection struct {
	window *replay.Window
	part   bool // it is not all of the trace
	groups []*group
	found  []bool            // by group: it has an instance
	chosen func(*Class) bool // nil until all has been read
}

// Class is what instances have in common that are selected together or not at all. It can
// be the key of a map.
type Class struct {
	group int
	popKey
}

// Select begins to find what a Selector selects.
func Select(s *replay.Session, sel Selector) *Selection {
	e := &explainer{names: s.Names, window: s.Window, zero: s.Zero, locks: &names.LockSites{Names: s.Names}}
	x := &Selection{window: s.Window, part: s.Part, groups: e.finders(sel)}
	x.found = make([]bool, len(x.groups))
	return x
}

// Find calls found with the instances that the facts end.
func (x *Selection) Find(f *model.Facts, found func(*Span, Class)) {
	for i, g := range x.groups {
		g.finder.Find(f, func(in *Span) { x.take(i, in, found) })
		g.finder.oldest()
		if x.found[i] && !g.late() { // those after it are asked for where it has none
			x.groups = x.groups[:i+1]
			return
		}
	}
}

// Close calls found with those that the trace leaves unfinished.
func (x *Selection) Close(now model.Time, found func(*Span, Class)) {
	for i, g := range x.groups {
		g.finder.close(now, func(in *Span) { x.take(i, in, found) })
	}
}

func (x *Selection) take(i int, in *Span, found func(*Span, Class)) {
	if in.End <= in.Start || in.End <= x.window.From || in.Start >= x.window.To {
		return
	}
	x.found[i] = true
	found(in, Class{i, popKey{in.Name, in.Key, in.through}})
}

// Since is when the oldest instance under way began that a goroutine may turn out to have
// been in: what that did before need not be kept. replay.Forever for none.
func (x *Selection) Since(g model.GoID) model.Time {
	since := replay.Forever
	for _, of := range x.groups {
		switch f := of.finder.(type) {
		case *requestFinder:
			since = min(since, began(f.open[g]))
		case *atFinder:
			since = min(since, began(f.open[g]))
		default: // whose it is shows when it ends
			since = min(since, f.oldest())
		}
	}
	return since
}

// Choose says which of the classes that were found are selected, now that all has been
// read: as explainer.choose does, and of the first kind that has any.
func (x *Selection) Choose(all []Class) {
	chosen := make([]func(*Class) bool, len(x.groups))
	some := func(i int) bool {
		for k := range all {
			if c := &all[k]; c.group == i && chosen[i](c) {
				return true
			}
		}
		return false
	}
	for _, through := range []bool{false, true} {
		for i, g := range x.groups {
			late := g.late()
			chosen[i] = func(c *Class) bool {
				switch {
				case through:
					return late && c.through
				case late:
					return g.finder.(*requestFinder).selects(c.key)
				}
				return true
			}
			if some(i) {
				x.chosen = func(c *Class) bool { return c.group == i && chosen[i](c) }
				return
			}
		}
	}
	x.chosen = func(*Class) bool { return false }
}

// Chosen reports whether a class is selected. Choose must have been called.
func (x *Selection) Chosen(c Class) bool { return x.chosen(&c) }

// Kind is what instances of a class are.
func (x *Selection) Kind(c Class) report.InstanceKind { return x.groups[c.group].kind }

// Name is what instances of a class are called: the task, the region, the handler, "" where
// that does not show. All must have been read.
func (x *Selection) Name(c Class) string {
	if f, ok := x.groups[c.group].finder.(*requestFinder); ok && !f.client {
		return f.Called(c.key)
	}
	return c.name
}

// Nothing says that nothing is selected, and what there would have been.
func (x *Selection) Nothing() string {
	var said []string
	where, e := "The trace has", explainer{}
	if x.part {
		where = "That part of the trace has"
	}
	for i, g := range x.groups {
		said = append(said, e.none(g, where, i > 0))
		where = "It has"
	}
	return strings.Join(said, " ")
}
