package pprof

import (
	"cmp"
	"maps"
	"slices"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// serving tells of parts of goroutines that serve requests which requests they lie in: it
// holds them until that shows, and passes on those of others.
type serving struct {
	requests *explain.Requests
	lines    map[model.GoID]*line
	touched  []model.GoID
	held     int   // parts, in all lines
	early    int64 // parts that were passed on before it showed
	pass     func(*part)
	told     func(model.GoID, model.Time)
	left     func(model.GoID)
}

// line is what a goroutine did that is held, and what it lies in.
type line struct {
	parts   []part
	spans   []span
	until   model.Time // all parts until then have come
	touched bool
	ended   bool
}

// known forgets the instances that all parts have come of, and is until when all have
// been passed on.
func (l *line) known() model.Time {
	until := l.until
	if len(l.parts) > 0 {
		until = min(until, l.parts[0].from)
	}
	l.spans = slices.DeleteFunc(l.spans, func(x span) bool { return x.to <= until })
	return until
}

// span is an instance on a goroutine.
type span struct {
	from, to model.Time
	what     int32
}

// maxHeld is how many parts are held at once: a request that goes on for as long as the
// trace does is not told of those beyond it.
const maxHeld = 1 << 20

func newServing(s *replay.Session) *serving {
	return &serving{requests: explain.NewRequests(s), lines: map[model.GoID]*line{}}
}

// add takes a part.
func (s *serving) add(p *part) {
	if !s.requests.Serves(p.fn) {
		s.pass(p)
		return
	}
	l := s.touch(p.g)
	l.parts = append(l.parts, *p)
	if s.held++; s.held > maxHeld {
		s.give()
	}
}

// touch is the line of a goroutine of which something is new.
func (s *serving) touch(g model.GoID) *line {
	l := s.lines[g]
	if l == nil {
		l = &line{}
		s.lines[g] = l
	}
	if !l.touched {
		l.touched = true
		s.touched = append(s.touched, g)
	}
	return l
}

// upTo takes in that all parts of a goroutine until a moment have come.
func (s *serving) upTo(g model.GoID, fn uint32, until model.Time) {
	switch l := s.lines[g]; {
	case l != nil:
		l.until = until
		if len(l.parts) == 0 { // else when they are passed on
			s.told(g, l.known())
		}
	case !s.requests.Serves(fn):
		s.told(g, until)
	}
}

// ends takes in that a goroutine has ended.
func (s *serving) ends(g model.GoID) {
	if s.lines[g] == nil {
		s.left(g)
		return
	}
	s.touch(g).ended = true
}

// find takes in facts whose parts have been added.
func (s *serving) find(f *model.Facts) { s.requests.Find(f, s.found) }

func (s *serving) found(in *explain.Span) {
	l := s.touch(in.Goroutine())
	l.spans = append(l.spans, span{in.Start, in.End, int32(in.Key) + 1})
}

// settle passes on what is known by now.
func (s *serving) settle(now model.Time) {
	for _, g := range s.touched {
		l := s.lines[g]
		l.touched = false
		s.resolve(l, min(now, s.requests.Since(g)))
		s.told(g, l.known())
		switch {
		case l.ended:
			s.left(g)
			delete(s.lines, g)
		case len(l.parts) == 0 && len(l.spans) == 0:
			delete(s.lines, g)
		}
	}
	s.touched = s.touched[:0]
}

// resolve passes on the parts that begin before a moment, until which all requests are
// known.
func (s *serving) resolve(l *line, known model.Time) {
	n := 0
	for n < len(l.parts) && l.parts[n].from < known {
		p := l.parts[n]
		if p.to > known {
			rest := p
			rest.from, p.to, p.n = known, known, 0
			l.parts[n] = rest
			s.divide(l, p)
			break
		}
		s.divide(l, p)
		n++
	}
	s.held -= n
	l.parts = slices.Delete(l.parts, 0, n)
}

// divide passes on a part by the requests in it.
func (s *serving) divide(l *line, p part) {
	n := p.n
	for _, x := range l.spans {
		if x.to <= p.from || x.from >= p.to && p.to > p.from || x.from > p.from && p.to == p.from {
			continue
		}
		if x.from > p.from {
			before := p
			before.to, before.n = x.from, 0
			s.pass(&before)
			p.from = x.from
		}
		in := p
		in.to, in.handler = min(p.to, x.to), x.what
		if in.n = 0; in.to == p.to {
			in.n = n
		}
		s.pass(&in)
		if p.from = in.to; p.from == p.to {
			return
		}
	}
	s.pass(&p)
}

// give passes on all that is held.
func (s *serving) give() {
	for _, g := range slices.SortedFunc(maps.Keys(s.lines), cmp.Compare) {
		l := s.lines[g]
		s.resolve(l, s.requests.Since(g))
		s.early += int64(len(l.parts))
		s.resolve(l, replay.Forever)
	}
}

// close passes on the rest, now that the trace has ended.
func (s *serving) close(now model.Time) {
	s.requests.Close(now, s.found)
	for _, g := range slices.SortedFunc(maps.Keys(s.lines), cmp.Compare) {
		s.resolve(s.lines[g], replay.Forever)
	}
}
