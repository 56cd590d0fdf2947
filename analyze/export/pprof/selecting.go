package pprof

import (
	"slices"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// selecting passes on of parts what lies in the instances that are asked for: of the
// goroutine that explain tells them of, from beginning to end. What lies in two instances
// counts in each. Which these are may show later than the parts, and the other way round:
// it keeps both for each other.
type selecting struct {
	selection *explain.Selection
	lines     map[model.GoID]*line
	kept      int // parts, in all lines
	sweepAt   int // so many are looked through for those that can go
	lost      model.Time
	forgotten int64 // parts that went though an instance may have been still under way
	number    map[explain.Class]int32
	classes   []explain.Class
	instances []int64 // by class
	total     []int64 // ns, by class: their lengths
	pass      func(*part)
}

// How many parts are kept in general, and at the most.
const (
	sweepFrom = 1 << 16
	maxKept   = 1 << 21
)

func newSelecting(s *replay.Session, sel explain.Selector) *selecting {
	return &selecting{selection: explain.Select(s, sel), lines: map[model.GoID]*line{}, sweepAt: sweepFrom, number: map[explain.Class]int32{}}
}

func (s *selecting) line(g model.GoID) *line {
	l := s.lines[g]
	if l == nil {
		l = &line{}
		s.lines[g] = l
	}
	return l
}

// add takes a part.
func (s *selecting) add(p *part) {
	l := s.line(p.g)
	for _, x := range l.spans {
		s.share(p, x)
	}
	l.parts = append(l.parts, *p)
	s.kept++
}

// share passes on what of a part lies in an instance.
func (s *selecting) share(p *part, x span) {
	in := *p
	in.from, in.to, in.class = max(p.from, x.from), min(p.to, x.to), x.what
	if in.from > in.to || in.from == in.to && (p.to > p.from || in.from == x.to) {
		return
	}
	if in.to < p.to {
		in.n = 0
	}
	s.pass(&in)
}

// upTo takes in that all parts of a goroutine until a moment have come.
func (s *selecting) upTo(g model.GoID, until model.Time) {
	if l := s.lines[g]; l != nil {
		l.spans = slices.DeleteFunc(l.spans, func(x span) bool { return x.to <= until })
	}
}

// ends takes in that a goroutine has ended: no part of it is to come.
func (s *selecting) ends(g model.GoID) {
	if l := s.lines[g]; l != nil {
		l.ended, l.spans = true, nil
	}
}

// find takes in facts.
func (s *selecting) find(f *model.Facts) { s.selection.Find(f, s.found) }

func (s *selecting) found(in *explain.Span, c explain.Class) {
	n, ok := s.number[c]
	if !ok {
		n = int32(len(s.classes))
		s.number[c], s.classes = n, append(s.classes, c)
		s.instances, s.total = append(s.instances, 0), append(s.total, 0)
	}
	s.instances[n]++
	s.total[n] += int64(in.End - in.Start)
	x, l := span{in.Start, in.End, n}, s.line(in.Goroutine())
	for i := range l.parts {
		s.share(&l.parts[i], x)
	}
	if !l.ended {
		l.spans = append(l.spans, x)
	}
}

// settle forgets what no instance can lie in any more.
func (s *selecting) settle() {
	if s.kept < s.sweepAt {
		return
	}
	s.sweep(func(g model.GoID) model.Time { return s.selection.Since(g) })
	if s.kept > maxKept {
		s.forget()
	}
	s.sweepAt = max(sweepFrom, 2*s.kept)
}

// sweep drops the parts of each goroutine that ended before a moment, and returns how many.
func (s *selecting) sweep(since func(model.GoID) model.Time) (dropped int) {
	for g, l := range s.lines {
		until := since(g)
		n := len(l.parts)
		l.parts = slices.DeleteFunc(l.parts, func(p part) bool { return p.to < until })
		dropped += n - len(l.parts)
		if len(l.parts) == 0 && len(l.spans) == 0 {
			delete(s.lines, g)
		}
	}
	s.kept -= dropped
	return dropped
}

// forget drops the older half of what is kept.
func (s *selecting) forget() {
	ends := make([]model.Time, 0, s.kept)
	for _, l := range s.lines {
		for i := range l.parts {
			ends = append(ends, l.parts[i].to)
		}
	}
	slices.Sort(ends)
	s.lost = ends[len(ends)/2] + 1
	s.forgotten += int64(s.sweep(func(model.GoID) model.Time { return s.lost }))
}

// close takes in what the trace leaves unfinished.
func (s *selecting) close(now model.Time) { s.selection.Close(now, s.found) }
