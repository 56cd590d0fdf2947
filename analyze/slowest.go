package analyze

import (
	"gmptrace/model"
)

// Slowest says where the time of a program's slowest requests went, or of its
// slowest tasks where it served none. It is what Explain says of them, in short:
// Kind is "" where there is neither, or where Options.Explain did not ask.
type Slowest struct {
	Kind       InstanceKind  `json:"kind"`     // request or task; "" for none
	What       string        `json:"what"`     // in words
	Headline   string        `json:"headline"` // the answer in one sentence; "" for none
	Detail     string        `json:"detail"`
	Durations  Durations     `json:"durations"`
	Typical    Group         `json:"typical"`   // those between the quartiles; of none where there are too few
	Slow       Group         `json:"slow"`      // the slowest ones
	Extra      []CauseChange `json:"extra"`     // what the slow ones have more or less of, most first
	Instances  []Instance    `json:"instances"` // slowest first, at most DefaultTop
	Unfinished int64         `json:"unfinished"`
	Notes      []string      `json:"notes"`
}

// reportSteps is how many steps of each path a Report has: fewer than an
// Explanation, which is about nothing else.
const reportSteps = 60

// A report explains what it can in little time and memory: it goes back through
// fewer stretches, and knows what typical ones are like from a sample, beyond the
// first ones. These are about 3 MB of stretches, and 25.
const (
	reportSoft  = 1 << 16
	reportHard  = 1 << 19
	reportEvery = 16
	minSampled  = 1000
)

// slowOnes explains requests and tasks beside the other analyses. A trace that has
// neither costs next to nothing: nothing is kept until the first one shows.
type slowOnes struct {
	explainer
	clip  bool // a part of the trace is analysed
	seen  bool // a server's goroutine or a task
	funcs int  // of names, those looked at
}

func newSlowOnes(n *names, w *window, zero model.Time, opt Options) *slowOnes {
	s := &slowOnes{explainer: *newExplainer(n, w, zero, Selector{}), clip: opt.From.Set || opt.To.Set}
	s.groups = s.groups[:2] // requests and tasks: waits for a P are in the report anyway
	s.inside, s.path, s.every = s.clip, reportSteps, reportEvery
	s.h = newHistory(reportSoft, reportHard)
	return s
}

func (s *slowOnes) observe(f *model.Facts) {
	if !s.seen && !s.shows(f) {
		// Before this, nothing is known.
		s.now, s.h.lost = f.Now, f.Now
		return
	}
	s.seen = true
	s.explainer.observe(f)
}

// shows reports whether there may be something to explain from these facts on: the
// function that a goroutine started with gets its number with the events that the
// goroutine begins with.
func (s *slowOnes) shows(f *model.Facts) bool {
	for ; s.funcs < len(s.names.funcs); s.funcs++ {
		if k := serverKindOf(s.names.funcs[s.funcs]); k != servesNothing && k != servesReadAhead {
			return true
		}
	}
	for i := range f.Events {
		if f.Events[i].Op == model.OpTaskBegin {
			return true
		}
	}
	return false
}

func (s *slowOnes) report(r *Report) {
	if !s.seen {
		return
	}
	x := s.explanation()
	if x.Durations.Count+x.Unfinished == 0 {
		return
	}
	r.Slowest = Slowest{Kind: x.Kind, What: x.What, Headline: x.Headline, Detail: x.Detail, Durations: x.Durations, Typical: x.Typical, Slow: x.Slow,
		Extra: x.Extra, Instances: x.Slowest, Unfinished: x.Unfinished, Notes: x.Notes}
	if s.clip {
		r.Slowest.Notes = append(r.Slowest.Notes, "those that reach beyond the analysed part are left out")
	}
}

// within reports whether an instance began and ended in the window. What began
// with the window began before it, unless the trace begins there too.
func (e *explainer) within(in *instance) bool {
	w := e.window
	return (in.start > w.from || in.start == w.from && w.from == e.zero) && in.end < w.to
}
