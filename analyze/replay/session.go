package replay

import (
	"reflect"

	"gmptrace/analyze/machine"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Watcher is told what the model finds out, in order of time within each kind of
// facts, some hundred events at a time. What it makes of them may not depend on where
// one call ends and the next begins. The facts are used again: it keeps no pointer into
// them. Calls come one after the other.
type Watcher interface{ Watch(*model.Facts) }

// Filler is a Watcher that fills a part of the report: Session.Fill asks it once, at
// the end.
type Filler interface {
	Watcher
	Fill(*report.Report)
}

// Session is one reading of a trace: what all watchers may know of it, and who they
// are. Run makes it; what it knows stands when begin is called and does not change,
// but for End and Names.
type Session struct {
	Zero   model.Time  // of the first event
	End    model.Time  // of the last one: when all has been read, 0 before
	Rules  model.Rules // of the scheduler that the model goes by
	Older  bool        // the trace is of a version before those whose rules are known
	Window *Window     // part to analyse, never nil; the whole trace ends at Forever
	Part   bool        // Window is not the whole

	Machine *machine.Evidence // Options.Machine

	// Names is what the facts' numbers stand for: functions, stacks, strings, threads.
	// It grows with the facts, and holds all that those told so far refer to. It is for
	// watchers, and for everybody when Run has returned.
	Names *names.Table

	// What watchers are told besides. Whoever begins the session sets them, or the
	// constructor of a watcher that needs them; who does not need them skips them.
	Depths bool // Facts.Depths: how long the queues are
	Begun  bool // Facts.Begun and Idling: what has not ended yet
	Doing  bool // Facts.Doing and Idling: the same, but of the moments alone at which Watch is called

	// WholeTrace tells what lies outside of Window too, uncut, for watchers that
	// explain what lies in it. It holds for all of the session.
	WholeTrace bool

	// ReaderTimes gives facts the times that the events have for a reader of the whole
	// trace, so that they can be compared with its events. Else those that a reader
	// pushes back behind a generation's late end keep the times of the trace.
	ReaderTimes bool

	options  Options
	watchers []Watcher
	shared   map[reflect.Type]any
}

// Add makes the session tell w what it finds out, after those that were added
// before. It is for begin: who is added later is not told anything.
func (s *Session) Add(w Watcher) { s.watchers = append(s.watchers, w) }

// Shared is the session's one T, made when first asked for, in begin or by the
// constructor of another. If it is a Watcher, it is told the facts before whoever asked,
// and fills its part of the report before; else those watchers tell it what it needs
// that make asks for.
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

// tell tells the watchers facts.
func (s *Session) tell(f *model.Facts) {
	if s.Part && !s.WholeTrace {
		s.Window.cut(f)
	}
	for _, w := range s.watchers {
		w.Watch(f)
	}
}

// Func is the name of the function that a goroutine began in whose facts have this
// number for it; "" when not known.
func (s *Session) Func(n uint32) string { return s.Names.StartFunc(n) }

// Offset is an instant as nanoseconds from the trace's first event.
func (s *Session) Offset(t model.Time) int64 { return int64(t - s.Zero) }

// Fill asks the watchers that have something to say in a report, in the order in which
// they were added. It is for after Run has returned.
func (s *Session) Fill(rep *report.Report) {
	for _, w := range s.watchers {
		if f, ok := w.(Filler); ok {
			f.Fill(rep)
		}
	}
}
