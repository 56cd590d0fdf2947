package replay

import (
	"reflect"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Watcher is told what the model finds out, in order of time within each kind, some
// hundred events at a time. The facts are used again: it keeps no pointer into them.
type Watcher interface{ Watch(*model.Facts) }

// Filler is a Watcher that fills a part of the report. It is asked once, at the end.
type Filler interface {
	Watcher
	Fill(*report.Report)
}

// Session is one reading of a trace: what all watchers may know of it, and who they
// are.
type Session struct {
	Options Options
	Zero    model.Time // of the first event
	Rules   model.Rules
	Older   bool // the trace is of a version before those whose rules are known

	// What watchers are told besides: for whoever begins the session to set, or for
	// the constructors of watchers that need it.
	Depths      bool // Facts.Depths: how long the queues are
	Begun       bool // Facts.Begun and Idling: what has not ended yet
	WholeTrace  bool // what lies outside of the window too
	ReaderTimes bool // events have the times that they have for a reader of the whole trace: see pushBack

	Names  *names.Table // grows with the facts
	Window *Window      // part to analyse
	Part   bool         // it is not the whole
	End    model.Time

	Watchers []Watcher
	shared   map[reflect.Type]any
}

// Add makes the session tell w what it finds out, after those that were added
// before.
func (s *Session) Add(w Watcher) { s.Watchers = append(s.Watchers, w) }

// Shared is the session's one T, made when first asked for. If it is a Watcher, it is
// told the facts before whoever asked, and fills its part of the report before; else
// those watchers tell it what it needs that make asks for.
func Shared[T any](s *Session, make func(*Session) T) T {
	key := reflect.TypeFor[T]()
	if x, ok := s.shared[key]; ok {
		return x.(T)
	}
	x := make(s) // those that it asks for come before it
	if s.shared == nil {
		s.shared = map[reflect.Type]any{}
	}
	s.shared[key] = x
	if w, ok := any(x).(Watcher); ok {
		s.Add(w)
	}
	return x
}

// Func is the name of the function that a goroutine began in whose facts have this
// number for it; "" when not known.
func (s *Session) Func(n uint32) string { return s.Names.StartFunc(n) }

// Offset is an instant as nanoseconds from the trace's first event.
func (s *Session) Offset(t model.Time) int64 { return int64(t - s.Zero) }

// Fill asks the watchers that have something to say in a report.
func (s *Session) Fill(rep *report.Report) {
	for _, w := range s.Watchers {
		if f, ok := w.(Filler); ok {
			f.Fill(rep)
		}
	}
}
