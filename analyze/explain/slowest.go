package explain

import (
	"fmt"
	"slices"
	"sort"

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
// stretches than reportHard, which are about 30 MB, and reportSoft beyond what is
// under way; and what typical instances are like it knows from a sample: all of the
// first ones, and then one in so many.
const (
	reportSoft  = 1 << 15
	reportHard  = 1 << 19
	reportEvery = 64
	minSampled  = 256
)

// slowOnes explains requests and tasks beside the other analyses. A trace that has
// neither costs next to nothing: nothing is kept until the first one shows. What is
// kept then is only written down: to sort it by goroutines and Ps is the greater
// part of the work, and done for the few instances that are looked at.
type slowOnes struct {
	explainer
	clip    bool   // a part of the trace is analysed
	seen    bool   // a server or a task
	servers []int8 // by stack: 1 of a server, -1 not, 0 not known yet

	pages  []*factPage // in order; the last one is of the newest facts
	first  int         // number of the first one
	spare  []*factPage
	kept   int                    // stretches in pages
	sorted struct{ from, to int } // numbers of those that h holds
	ranges *history               // stopped worlds, sweeps and what goes on, which have a beginning that pages may not have any more
}

// factPage is what is kept of the facts of one portion.
type factPage struct {
	until   model.Time
	gs      []gEntry
	ps      []pEntry
	wastes  []replay.Window
	samples []model.Event
}

type gEntry struct {
	g  model.GoID
	fn uint32
	gSeg
}

type pEntry struct {
	p model.ProcID
	pSeg
}

// AddSlowest makes a session fill Report.Slowest: where the time of the slowest requests
// or tasks went. It costs memory for what goroutines did of late.
func AddSlowest(s *replay.Session) { replay.Shared(s, newSlowOnes) }

func newSlowOnes(session *replay.Session) *slowOnes {
	session.Begun = true
	s := &slowOnes{explainer: *newExplainer(session, Selector{}), clip: session.Part, ranges: newHistory(session.Names, reportSoft, reportHard)}
	s.moments = replay.Shared(session, measure.NewMoments)
	s.groups = s.groups[:2] // requests and tasks: waits for a P are in the report anyway
	s.inside, s.path, s.every, s.prepare, s.look = s.clip, ReportSteps, reportEvery, s.sort, s.ranges.look
	return s
}

func (s *slowOnes) Watch(f *model.Facts) {
	for rest := *f; ; {
		part, ends := s.portions.next(&rest)
		if at, ok := s.shows(&part); ok && !s.seen {
			s.seen = true
			part.Until(at - 1)
			s.h.lost = at - 1 // before this, nothing is known
		}
		s.now = part.Now
		s.stretches += len(part.Gs)
		if s.seen {
			s.write(&part)
			s.find(&part)
		}
		if !ends {
			return
		}
		if s.seen {
			s.settle()
			s.forget()
			s.turnPage()
		}
	}
}

// turnPage begins the page of another portion.
func (s *slowOnes) turnPage() {
	var p *factPage
	if n := len(s.spare); n > 0 {
		p, s.spare = s.spare[n-1], s.spare[:n-1]
	} else {
		p = &factPage{gs: make([]gEntry, 0, portionOf)}
		if n := len(s.pages); n > 0 {
			p.ps = make([]pEntry, 0, len(s.pages[n-1].ps)*9/8)
		}
	}
	p.gs, p.ps, p.wastes, p.samples = p.gs[:0], p.ps[:0], p.wastes[:0], p.samples[:0]
	s.pages = append(s.pages, p)
}

// write notes the facts down.
func (s *slowOnes) write(f *model.Facts) {
	if len(s.pages) == 0 {
		s.turnPage()
	}
	p := s.pages[len(s.pages)-1]
	s.kept -= p.size()
	p.until = f.Now
	eachStretch(f, func(iv *model.GInterval, d *model.Dispatch) {
		if iv.End > iv.Start || iv.First {
			p.gs = append(p.gs, gEntry{g: iv.G, fn: iv.Func})
			p.gs[len(p.gs)-1].set(iv, d)
		}
	})
	for i := range f.Ps {
		p.ps = append(p.ps, pEntry{f.Ps[i].P, pSegOf(&f.Ps[i])})
		if l := s.ranges.p(f.Ps[i].P); l != nil {
			l.ended = f.Ps[i].End
		}
	}
	for i := range f.Wastes {
		p.wastes = append(p.wastes, replay.Window{From: f.Wastes[i].Start, To: f.Wastes[i].End})
	}
	for i := range f.Events {
		if ev := &f.Events[i]; ev.Op == model.OpCPUSample {
			p.samples = append(p.samples, *ev)
		} else {
			s.ranges.event(ev)
		}
	}
	s.ranges.begun(f)
	s.kept += p.size()
}

func (p *factPage) size() int { return len(p.gs) + len(p.ps) }

// sort makes h hold what the pages have from an instance's beginning on.
func (s *slowOnes) sort(in *Span) {
	i := sort.Search(len(s.pages), func(i int) bool { return s.pages[i].until > in.Start })
	from, to := s.first+i, s.first+len(s.pages)
	h := s.h
	if from < s.sorted.from { // the next one may need still older ones
		from = max(s.first, from-(to-from))
		s.sorted.to = from - 1
	}
	if from > s.sorted.to || h.kept > reportSoft && h.kept > 2*s.kept {
		h.clear()
		s.sorted.from, s.sorted.to = from, from
	}
	for ; s.sorted.to < to; s.sorted.to++ {
		p := s.pages[s.sorted.to-s.first]
		s.work += p.size()
		s.read(p)
	}
	h.stw = s.ranges.stw
	for p := range s.ranges.ps {
		h.p(model.ProcID(p)).sweeps = s.ranges.ps[p].sweeps
	}
}

func (s *slowOnes) read(p *factPage) {
	h := s.h
	for i := range p.gs {
		h.keep(p.gs[i].g, p.gs[i].fn, &p.gs[i].gSeg)
	}
	for i := range p.ps {
		if l := h.p(p.ps[i].p); l != nil {
			l.segs = append(l.segs, p.ps[i].pSeg)
		}
	}
	h.wastes = append(h.wastes, p.wastes...)
	for i := range p.samples {
		h.event(&p.samples[i])
	}
}

// forget drops the pages that nothing under way needs, but for the newest, once they
// are half of all: what
// begins with the first stretch of a goroutine has begun when that one ends.
func (s *slowOnes) forget() {
	oldest, least := s.oldest(), reportHard
	if s.kept > reportHard {
		least /= 2 // not one after the other
	}
	n, left := 0, s.kept
	for n < len(s.pages)-1 && left > reportSoft && (s.pages[n].until <= oldest || left > least) {
		left -= s.pages[n].size()
		n++
	}
	if n == 0 || left > s.kept/2 && s.kept <= reportHard {
		return
	}
	lost := s.pages[n-1].until
	s.fill(lost)
	s.h.lost, s.kept = lost, left
	s.spare = append(s.spare, s.pages[:n]...)
	s.pages = slices.Delete(s.pages, 0, n)
	s.first += n
	s.ranges.drop(s.h.lost)
}

// shows is the first moment from which there may be something to explain in the
// facts: a server accepts or serves, or a task begins.
func (s *slowOnes) shows(f *model.Facts) (at model.Time, ok bool) {
	at = replay.Forever
	for i := range f.Gs {
		if iv := &f.Gs[i]; s.serves(iv.Func) || s.serves(iv.Stack) {
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
	for int(stack) >= len(s.servers) {
		s.servers = append(s.servers, 0)
	}
	if s.servers[stack] == 0 {
		s.servers[stack] = -1
		if slices.ContainsFunc(s.names.Stacks[stack], func(f report.Frame) bool { return names.HasPrefix(f.Func, serving) }) {
			s.servers[stack] = 1
		}
	}
	return s.servers[stack] > 0
}

// serving are functions of servers, one of which accepts or serves a connection.
var serving = []string{"net/http.(*Server).Serve", "net/http.(*conn).serve", "net/http.(*http2serverConn)", "golang.org/x/net/http2.(*serverConn)", grpcServer}

func (s *slowOnes) Fill(r *report.Report) {
	if !s.seen {
		return
	}
	x := s.explanation()
	if x.Durations.Count == 0 {
		return
	}
	r.Slowest = report.Slowest{Kind: x.Kind, What: x.What, Name: x.Name, Headline: x.Headline, Detail: x.Detail, Advice: x.Advice, Roots: x.Roots, Groups: x.Groups, Durations: x.Durations, Typical: x.Typical, Slow: x.Slow,
		Extra: x.Extra, Instances: x.Slowest, Unfinished: x.Unfinished, Notes: x.Notes}
	if x.Durations.Count > minSampled {
		r.Slowest.Notes = append(r.Slowest.Notes, fmt.Sprintf("what typical ones are like is known from every %dth of them: gmptrace explain looks at all", reportEvery))
	}
	if s.clip {
		r.Slowest.Notes = append(r.Slowest.Notes, "those that reach beyond the analysed part are left out")
	}
}

// whole reports whether an instance began and ended in the window. What began
// with the window began before it, unless the trace begins there too.
func (e *explainer) whole(in *Span) bool {
	w := e.window
	return (in.Start > w.From || in.Start == w.From && w.From == e.zero) && in.End < w.To
}
