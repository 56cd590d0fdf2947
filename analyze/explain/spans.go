package explain

import (
	"cmp"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// spanTimes answers: how long did tasks, regions and requests take, by name? It tells
// them as the explainer does, without going into where their time went.
type spanTimes struct {
	names  *names.Table
	zero   model.Time
	window *replay.Window
	now    model.Time
	kinds  []*spanKind
}

type spanKind struct {
	kind   report.InstanceKind
	sent   bool
	finder Finder
	by     map[spanKey]*spanTime
}

// spanKey is what is counted together: those of one name or, as long as the names are
// not known, of one key.
type spanKey struct {
	name string
	key  uint32
}

type spanTime struct {
	report.SpanTime
	all stat.Sketch
}

// AddSpans makes a session fill Report.Spans: the times of tasks, regions and requests by
// name.
func AddSpans(s *replay.Session) { replay.Shared(s, newSpans) }

func newSpans(session *replay.Session) *spanTimes {
	n := session.Names
	s := &spanTimes{names: n, zero: session.Zero, window: session.Window}
	add := func(kind report.InstanceKind, sent bool, f Finder) {
		s.kinds = append(s.kinds, &spanKind{kind, sent, f, map[spanKey]*spanTime{}})
	}
	add(report.KindTask, false, &taskFinder{names: n, id: -1})
	add(report.KindRegion, false, &regionFinder{names: n})
	add(report.KindRequest, false, &requestFinder{names: n})
	add(report.KindRequest, true, &requestFinder{names: n, client: true})
	return s
}

func (s *spanTimes) Watch(f *model.Facts) {
	s.now = f.Now
	for _, k := range s.kinds {
		k.finder.Find(f, func(in *Span) { s.add(k, in) })
		k.finder.oldest() // which lets go of those that have ended
	}
	for i := range f.Events {
		if ev := &f.Events[i]; ev.Stack != 0 {
			switch ev.Op {
			case model.OpTaskBegin:
				s.begins(s.kinds[0], ev)
			case model.OpRegionBegin:
				s.begins(s.kinds[1], ev)
			}
		}
	}
}

// begins notes where tasks or regions of a name begin: the place of the first.
func (s *spanTimes) begins(k *spanKind, ev *model.Event) {
	if x := k.at(spanKey{name: s.names.Texts[ev.Arg]}); x.At.Func == "" {
		x.At = names.OwnFrame(s.names.Stacks[ev.Stack])
	}
}

func (k *spanKind) at(key spanKey) *spanTime {
	x := k.by[key]
	if x == nil {
		x = &spanTime{SpanTime: report.SpanTime{Kind: k.kind, Sent: k.sent, Name: key.name}}
		k.by[key] = x
	}
	return x
}

func (s *spanTimes) add(k *spanKind, in *Span) {
	if in.Start >= s.window.To || in.End < s.window.From {
		return
	}
	x := k.at(spanKey{in.Name, in.Key})
	if in.unfinished || in.End >= s.window.To {
		x.Open++
		return
	}
	began := max(in.Start, s.window.From)
	d := int64(in.End - began)
	x.Count++
	x.Total += d
	if d >= x.Max {
		x.Max, x.MaxAt = d, int64(began-s.zero)
	}
	x.all.Add(d)
}

// name puts what was counted by keys together by names.
func (k *spanKind) name() {
	f, ok := k.finder.(*requestFinder)
	if !ok || f.client {
		return
	}
	byKey := k.by
	k.by = map[spanKey]*spanTime{}
	for key, x := range byKey {
		k.at(spanKey{name: f.Called(key.key)}).join(x)
	}
}

// join adds what o counted.
func (x *spanTime) join(o *spanTime) {
	x.Count += o.Count
	x.Open += o.Open
	x.Total += o.Total
	if o.Max > x.Max || o.Max == x.Max && o.MaxAt > x.MaxAt {
		x.Max, x.MaxAt = o.Max, o.MaxAt
	}
	x.all.Merge(&o.all)
}

func (s *spanTimes) Fill(r *report.Report) {
	for _, k := range s.kinds {
		k.finder.close(s.now, func(in *Span) { s.add(k, in) })
		k.name()
		for _, x := range k.by {
			if x.Count+x.Open == 0 {
				continue // of a name that shows only outside of the window
			}
			x.P50, x.P90, x.P95 = x.all.Quantile(.5), x.all.Quantile(.9), x.all.Quantile(.95)
			x.P99, x.P999 = x.all.Quantile(.99), x.all.Quantile(.999)
			if k.kind == report.KindRequest {
				x.At = s.names.FrameOf(x.Name)
			}
			r.Spans = append(r.Spans, x.SpanTime)
		}
	}
	slices.SortFunc(r.Spans, func(a, b report.SpanTime) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), compareBools(a.Sent, b.Sent), cmp.Compare(b.Total, a.Total), cmp.Compare(a.Name, b.Name))
	})
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
