package explain

import (
	"fmt"
	"slices"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// ReportSteps is how many steps of each path a Report has: fewer than an
// Explanation, which is about nothing else.
const ReportSteps = 60

// A report explains what it can in little time and memory: it keeps no more
// stretches than reportHard, which are about 40 MB, and reportSoft beyond what is
// under way; and what typical instances are like it knows from a sample: all of the
// first ones, and then one in so many.
const (
	reportSoft  = 1 << 15
	reportHard  = 1 << 19
	mainHard    = 1 << 17
	reportEvery = 64
	minSampled  = 256
)

// slowOnes explains requests and tasks beside the other analyses, and the main goroutine
// where a trace shows neither. Of a part of a trace nothing is kept until the first one
// shows. What is kept stands in order of time: to sort it by goroutines and Ps is the greater part
// of the work, and done for the few instances that are looked at, and for whom those had
// to do with.
type slowOnes struct {
	explainer
	clip    bool        // a part of the trace is analysed
	keeps   bool        // what happens is kept: from the beginning where main may be explained, else since seen
	seen    bool        // a server or a task: requests and tasks are looked for
	main    *mainRun    // nil in a part of a trace
	servers names.Flags // of stacks: of a server
	turns   turnFinder  // that one begins

	pages  pages
	queued backlog
	kept   int        // stretches in those that are not forgotten
	ranges *history   // stopped worlds, sweeps and what goes on, which have a beginning that pages may not have any more
	from   model.Time // the first moment of which something was kept
}

// AddSlowest makes a session fill Report.Slowest: where the time of the slowest requests
// or tasks went. It costs memory for what goroutines did of late.
func AddSlowest(s *replay.Session) { replay.Shared(s, newSlowOnes) }

func newSlowOnes(session *replay.Session) *slowOnes {
	session.Doing = true
	s := &slowOnes{explainer: *newExplainer(session, Selector{}), clip: session.Part, ranges: newHistory(session.Names, reportSoft, reportHard)}
	s.turns.names = session.Names
	s.moments = replay.Shared(session, measure.NewMoments)
	s.groups = s.groups[:len(s.groups)-1] // waits for a P are in the report anyway
	if s.main = s.mainRun(); s.main != nil {
		s.keeps, s.from = true, s.zero
	}
	s.inside, s.path, s.every, s.mainFree, s.prepare, s.look = s.clip, ReportSteps, reportEvery, mainFree, s.hold, s.looks
	s.h.pages = &s.pages
	return s
}

func (s *slowOnes) Watch(f *model.Facts) {
	part := &s.part
	for s.rest = *f; ; {
		var ends bool
		*part, ends = s.portions.next(&s.rest)
		s.now = part.Now
		s.stretches += len(part.Gs)
		s.take(part)
		if !ends {
			break
		}
		if s.keeps {
			s.settle()
			s.goOn()
			s.forget()
			s.pages.turn()
		}
	}
	s.rest = model.Facts{}
	if s.keeps {
		s.goesOn(f.Doing, replay.Forever)
	}
}

// take takes in facts of one portion. Requests and tasks are looked for once something shows
// that there may be some: to look at all stacks for them takes long.
func (s *slowOnes) take(part *model.Facts) {
	if s.keeps {
		s.write(part)
	}
	if !s.seen {
		if s.main != nil {
			s.main.Find(part, nil)
		}
		if s.begins(part); s.seen && !s.keeps {
			s.keeps = true
			s.write(part)
		}
	}
	if s.seen {
		s.find(part)
	}
}

// begins finds out whether there may be something to explain from a moment on, and leaves
// out what was before: of that nothing is known, unless it is kept.
func (s *slowOnes) begins(f *model.Facts) {
	at, ok := s.shows(f)
	if !ok {
		return
	}
	s.seen = true
	f.Until(at - 1)
	if !s.keeps {
		s.from, s.h.lost = at, at-1
	}
}

// write notes the facts down.
func (s *slowOnes) write(f *model.Facts) {
	s.queued.watch(f)
	p := s.pages.newest()
	s.kept -= p.size()
	s.pages.write(f)
	s.kept += p.size()
	for i := range f.Events {
		switch ev := &f.Events[i]; {
		case ev.Op != model.OpCPUSample:
			s.ranges.event(ev)
		case ev.G > 0:
			p.samples = append(p.samples, *ev)
		}
	}
	s.ranges.idle(f)
}

// goesOn notes what Ps had begun to do before a time.
func (s *slowOnes) goesOn(all []model.Beginning, before model.Time) {
	for i := range all {
		if b := &all[i]; b.Start >= s.from && b.Start < before {
			s.ranges.begun(all[i : i+1])
		}
	}
}

// looks is the view at a time. What a P does then is what ends later in the facts at hand,
// or still goes on at their end.
func (s *slowOnes) looks(now model.Time) *view {
	for p := range s.pages.procs {
		s.ranges.p(model.ProcID(p)).ended = s.pages.procs[p].ended
	}
	for i := range s.rest.Ps {
		iv := &s.rest.Ps[i]
		if l := s.ranges.p(iv.P); l != nil && iv.Start >= s.from && iv.Start < now {
			l.now.set(iv)
			l.now.stack = 0 // where it will stop
		}
	}
	s.goesOn(s.rest.Doing, now)
	return s.ranges.look(now)
}

// hold has h hold what the pages have from an instance's beginning on.
func (s *slowOnes) hold(in *Span) {
	h, x := s.h, &s.pages
	from, to := x.since(in.Start), x.end()
	if from < x.from { // the next one may need still older ones
		from = max(x.begin, from-(to-from))
		x.to = from - 1
	}
	if from > x.to || h.kept > reportSoft && h.kept > 2*s.kept {
		h.clear()
		x.open(from)
	}
	for ; x.to < to; x.to++ {
		p := x.page(x.to)
		s.work += p.size()
		x.there += p.size()
		h.kept += len(p.gs) + len(p.samples)
		h.wastes = append(h.wastes, p.wastes...)
	}
	h.stw = s.ranges.stw
	for p := range max(len(s.ranges.ps), len(s.pages.procs)) {
		h.p(model.ProcID(p)).sweeps = s.ranges.p(model.ProcID(p)).sweeps
	}
}

// forget drops the pages that nothing under way needs, but for the newest, once they
// are a third of all: what begins with the first stretch of a goroutine has begun when that
// one ends, and until then stands in a queue.
func (s *slowOnes) forget() {
	room := s.room()
	oldest, least := min(s.oldest(), s.queued.oldest()), room
	if s.kept > room {
		least /= 2 // not one after the other
	}
	x := &s.pages
	n, left := x.begin, s.kept
	for n < x.end()-1 && left > reportSoft && (x.page(n).until <= oldest || left > least) {
		left -= x.page(n).size()
		n++
	}
	if n == x.begin || s.kept-left < max(reportSoft, left/2) && s.kept <= room {
		return
	}
	lost := x.page(n - 1).until
	s.fill(lost)
	s.h.lost, s.kept = lost, left
	if n-x.from > x.end()-n { // most of what is there would be for what has been read out
		s.h.clear()
		x.open(n)
	}
	x.forget(n)
	s.ranges.drop(s.h.lost)
}

// room is how many stretches may be kept: fewer where nothing but the main goroutine is to be
// explained, which nobody may ask about.
func (s *slowOnes) room() int {
	for _, g := range s.groups {
		if g.kind != report.KindMain && (g.n() > 0 || g.finder.oldest() < replay.Forever) {
			return reportHard
		}
	}
	return mainHard
}

// shows is the first moment from which there may be something to explain in the
// facts: a server accepts or serves, a task begins, or a goroutine has read something.
func (s *slowOnes) shows(f *model.Facts) (at model.Time, ok bool) {
	at = replay.Forever
	for i := range f.Gs {
		if iv := &f.Gs[i]; s.serves(iv.Func) || s.serves(iv.Stack) || s.turns.begins(iv) {
			at = iv.End
			break
		}
	}
	for i := range f.Events {
		if f.Events[i].Op == model.OpTaskBegin {
			at = min(at, f.Events[i].Time)
			break
		}
	}
	return at, at < replay.Forever
}

// serves reports whether a stack is in a server, waiting for connections or for
// what comes on one.
func (s *slowOnes) serves(stack uint32) bool {
	return s.servers.Of(s.names, stack, func(frames []report.Frame) bool {
		return slices.ContainsFunc(frames, func(f report.Frame) bool { return names.Serves(f.Func) })
	})
}

func (s *slowOnes) Fill(r *report.Report) {
	if !s.keeps {
		return
	}
	x := s.explanation()
	s.fillCauses(r)
	if x.Durations.Count == 0 {
		return
	}
	r.Slowest = report.Slowest{Kind: x.Kind, What: x.What, Name: x.Name, Called: x.Called, Others: x.Others, Headline: x.Headline, Detail: x.Detail, Advice: x.Advice, Roots: x.Roots, Groups: x.Groups, Durations: x.Durations, Typical: x.Typical, Slow: x.Slow,
		Extra: x.Extra, Instances: x.Slowest, Unfinished: x.Unfinished, Notes: x.Notes}
	if x.Durations.Count > minSampled {
		r.Slowest.Notes = append(r.Slowest.Notes, fmt.Sprintf("what typical ones are like is known from every %dth of them: gmptrace explain looks at all", reportEvery))
	}
	if s.clip {
		r.Slowest.Notes = append(r.Slowest.Notes, "those that reach beyond the analysed part are left out")
	}
}

// fillCauses fills Report.SpanCauses.
func (s *slowOnes) fillCauses(r *report.Report) {
	for _, g := range s.groups {
		if g.kind == report.KindTurn || g.kind == report.KindMain {
			continue
		}
		for _, p := range g.ranked() {
			if p.sum.count > 0 && p.name != otherNames {
				r.SpanCauses = append(r.SpanCauses, report.SpanCauses{Kind: g.kind, Name: p.name, Count: p.sum.count, Total: p.sum.total, Causes: causeTimes(&p.sum, 1)})
			}
		}
	}
}

// whole reports whether an instance began and ended in the window. What began
// with the window began before it, unless the trace begins there too.
func (e *explainer) whole(in *Span) bool {
	w := e.window
	return (in.Start > w.From || in.Start == w.From && w.From == e.zero) && in.End < w.To
}
