package explain

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Done is a request that the program served, or a task, from its beginning to its end.
type Done struct {
	Kind       report.InstanceKind // KindRequest or KindTask
	Name       string              // of a task; of a request see Served.Handler
	Key        uint32              // of a request
	Task       int64               // id of a task, -1 for none
	G          model.GoID          // that served the request; that ended the task
	Start, End model.Time
}

// Served tells of all requests and tasks that lie in what is analysed as a whole, for who
// asks what those took and not why: it is no more work than to find them.
type Served struct {
	window   *replay.Window
	requests *requestFinder
	tasks    Finder
	tell     func(*Done)
}

// AddServed makes a session tell of them, in the order of their ends within each kind.
func AddServed(s *replay.Session, tell func(*Done)) *Served {
	x := &Served{window: s.Window, requests: &requestFinder{names: s.Names}, tasks: FindAll(s.Names, report.KindTask), tell: tell}
	s.Add(x)
	return x
}

// Watch finds those that end.
func (x *Served) Watch(f *model.Facts) {
	x.requests.Find(f, func(in *Span) { x.ended(report.KindRequest, in) })
	x.requests.oldest() // which lets go of those that have ended
	x.tasks.Find(f, func(in *Span) { x.ended(report.KindTask, in) })
	x.tasks.oldest()
}

func (x *Served) ended(kind report.InstanceKind, in *Span) {
	if in.unfinished || in.Start < x.window.From || in.End >= x.window.To {
		return
	}
	x.tell(&Done{Kind: kind, Name: in.Name, Key: in.Key, Task: in.task, G: in.g, Start: in.Start, End: in.End})
}

// Handler is the handler of the requests with a key, "" where none shows. All must have been
// read.
func (x *Served) Handler(key uint32) string { return x.requests.Called(key) }
