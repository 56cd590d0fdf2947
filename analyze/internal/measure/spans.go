package measure

import (
	"cmp"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Spans answers: when were the program's own tasks and regions, and what did it log? It
// keeps the longest of the names that have most, however many there are.
type Spans struct {
	names   *names.Table
	zero    model.Time
	tasks   map[int64]openSpan
	regions map[model.GoID][]openSpan // by goroutine, the innermost last
	open    int                       // of regions
	lanes   map[spanKey]*spanLane
	missed  int64 // tasks and regions of names beyond mostLanes, or of too many at once
	logs    logs
}

const (
	mostLanes      = 64      // names that are followed
	shownLanes     = 8       // and that are shown
	mostSpans      = 600     // of a name: a screen has not many more columns
	mostRegions    = 1200    // inside of the tasks of a name
	mostOpenSpans  = 1 << 16 // at once
	mostLogColumns = 512
)

type openSpan struct {
	began model.Time
	g     model.GoID
	name  int64
	task  int64
}

type spanKey struct {
	kind report.InstanceKind
	name int64
}

type spanLane struct {
	total          int64 // time of all of them
	spans, regions longestSpans
}

// keptSpan is one that has ended: task is which it is, or is in.
type keptSpan struct {
	openSpan
	end  model.Time
	open bool
}

func (k *keptSpan) length() int64 { return int64(k.end - k.began) }

// longestSpans keeps the longest of many, and a few more until it tidies up.
type longestSpans struct {
	list  []keptSpan
	least int64 // shorter ones are none of them
	left  int64
}

func (l *longestSpans) add(s keptSpan, most int) {
	if s.length() < l.least {
		l.left++
		return
	}
	if l.list = append(l.list, s); len(l.list) >= 2*most {
		l.tidy(most)
	}
}

// tidy drops all but the longest, of those of one length the later ones.
func (l *longestSpans) tidy(most int) {
	if len(l.list) <= most {
		return
	}
	slices.SortStableFunc(l.list, func(a, b keptSpan) int { return cmp.Compare(b.length(), a.length()) })
	l.left += int64(len(l.list) - most)
	l.list = l.list[:most]
	l.least = l.list[most-1].length()
}

// NewSpans makes Spans, for replay.Shared.
func NewSpans(s *replay.Session) *Spans {
	return &Spans{names: s.Names, zero: s.Zero, tasks: map[int64]openSpan{}, regions: map[model.GoID][]openSpan{}, lanes: map[spanKey]*spanLane{}, logs: logs{shift: firstShift}}
}

func (s *Spans) Watch(f *model.Facts) {
	for i := range f.Events {
		switch ev := &f.Events[i]; ev.Op {
		case model.OpTaskBegin:
			if len(s.tasks) < mostOpenSpans {
				s.tasks[ev.Subject] = openSpan{ev.Time, ev.G, ev.Arg, ev.Subject}
			} else {
				s.missed++
			}
		case model.OpTaskEnd:
			if o, ok := s.tasks[ev.Subject]; ok {
				delete(s.tasks, ev.Subject)
				s.task(keptSpan{openSpan: o, end: ev.Time})
			}
		case model.OpRegionBegin:
			if s.open < mostOpenSpans {
				s.regions[ev.G] = append(s.regions[ev.G], openSpan{ev.Time, ev.G, ev.Arg, ev.Subject})
				s.open++
			} else {
				s.missed++
			}
		case model.OpRegionEnd:
			s.regionEnd(ev)
		case model.OpLog:
			if ev.Flags&model.FlagMachine == 0 {
				s.logs.add(max(0, int64(ev.Time-s.zero)), ev.G, ev.Arg)
			}
		}
	}
}

// regionEnd ends the innermost region of that name. What is further in than it has lost
// its end.
func (s *Spans) regionEnd(ev *model.Event) {
	list := s.regions[ev.G]
	for i := len(list) - 1; i >= 0; i-- {
		if o := list[i]; o.name == ev.Arg && o.task == ev.Subject {
			s.open -= len(list) - i
			s.regions[ev.G] = list[:i]
			if i == 0 {
				delete(s.regions, ev.G)
			}
			s.region(keptSpan{openSpan: o, end: ev.Time})
			return
		}
	}
}

func (s *Spans) lane(kind report.InstanceKind, name int64) *spanLane {
	key := spanKey{kind, name}
	l := s.lanes[key]
	if l == nil && len(s.lanes) < mostLanes {
		l = &spanLane{}
		s.lanes[key] = l
	}
	if l == nil {
		s.missed++
	}
	return l
}

func (s *Spans) task(k keptSpan) {
	if l := s.lane(report.KindTask, k.name); l != nil {
		l.total += k.length()
		l.spans.add(k, mostSpans)
	}
}

// region takes one that has ended: into the lane of its task while that goes on, else into
// one of its own.
func (s *Spans) region(k keptSpan) {
	if t, ok := s.tasks[k.openSpan.task]; ok {
		if l := s.lane(report.KindTask, t.name); l != nil {
			l.regions.add(k, mostRegions)
		}
		return
	}
	if l := s.lane(report.KindRegion, k.name); l != nil {
		l.total += k.length()
		l.spans.add(k, mostSpans)
	}
}

// Into adds what there is to show of a trace so long to lanes.
func (s *Spans) Into(out *report.Lanes, duration int64) {
	s.unended(s.zero + model.Time(duration))
	keys := make([]spanKey, 0, len(s.lanes))
	for key := range s.lanes {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b spanKey) int {
		return cmp.Or(cmp.Compare(s.lanes[b].total, s.lanes[a].total), cmp.Compare(b.kind, a.kind), cmp.Compare(s.names.Texts[a.name], s.names.Texts[b.name]), cmp.Compare(a.name, b.name))
	})
	for _, key := range keys[:min(len(keys), shownLanes)] {
		out.Spans = append(out.Spans, s.shown(key, s.lanes[key]))
	}
	out.MoreSpans, out.Untold = len(keys)-len(out.Spans), s.missed
	for _, p := range s.logs.points {
		out.Logs = append(out.Logs, report.LogPoint{At: p.at, G: p.g, Text: s.names.Texts[p.text], N: p.n})
	}
}

// unended ends what is open when the trace is: regions first, for they are inside of tasks.
func (s *Spans) unended(end model.Time) {
	for _, list := range s.regions {
		for _, o := range list {
			if end > o.began {
				s.region(keptSpan{o, end, true})
			}
		}
	}
	for _, o := range s.tasks {
		if end > o.began {
			s.task(keptSpan{o, end, true})
		}
	}
	clear(s.regions)
	clear(s.tasks)
}

func (s *Spans) shown(key spanKey, l *spanLane) report.SpanLane {
	l.spans.tidy(mostSpans)
	l.regions.tidy(mostRegions)
	out := report.SpanLane{Kind: key.kind, Name: s.names.Texts[key.name], LeftOut: l.spans.left + l.regions.left}
	at := map[int64]int{}
	inOrder(l.spans.list)
	for i, k := range l.spans.list {
		at[k.task] = i
		out.Spans = append(out.Spans, s.span(k))
	}
	if key.kind == report.KindRegion {
		return out
	}
	inOrder(l.regions.list)
	for _, k := range l.regions.list {
		in, ok := at[k.task]
		if !ok {
			out.LeftOut++ // with its task
			continue
		}
		x := s.span(k)
		x.Name, x.In = s.names.Texts[k.name], in
		out.Regions = append(out.Regions, x)
	}
	return out
}

// inOrder sorts by time, and those that begin together the longest first: the others are
// inside of it.
func inOrder(list []keptSpan) {
	slices.SortFunc(list, func(a, b keptSpan) int {
		return cmp.Or(cmp.Compare(a.began, b.began), cmp.Compare(b.end, a.end), cmp.Compare(a.task, b.task), cmp.Compare(a.g, b.g), cmp.Compare(a.name, b.name))
	})
}

func (s *Spans) span(k keptSpan) report.Span {
	return report.Span{Start: max(0, int64(k.began-s.zero)), End: max(0, int64(k.end-s.zero)), G: k.g, Open: k.open}
}

// logs keeps the first message of each column of time, and how many there are in it.
// Where the columns become too many, they become twice as wide.
type logs struct {
	shift  uint
	points []logPoint
}

type logPoint struct {
	at, text, n int64
	g           model.GoID
}

func (l *logs) add(at int64, g model.GoID, text int64) {
	if n := len(l.points); n > 0 && l.points[n-1].at>>l.shift == at>>l.shift {
		l.points[n-1].n++
		return
	}
	l.points = append(l.points, logPoint{at, text, 1, g})
	for len(l.points) > mostLogColumns {
		l.shift++
		kept := l.points[:1]
		for _, p := range l.points[1:] {
			if last := &kept[len(kept)-1]; last.at>>l.shift == p.at>>l.shift {
				last.n += p.n
			} else {
				kept = append(kept, p)
			}
		}
		l.points = kept
	}
}
