package analyze

import (
	"cmp"
	"slices"
	"strings"

	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// SpanTime is the tasks, regions or requests of one name.
type SpanTime struct {
	Kind  InstanceKind // KindTask, KindRegion or KindRequest
	Sent  bool         // of requests: sent by the program, not served
	Name  string       // of the task or region; function of the handler, or that sent the request; "" when unknown
	At    Frame        // where it begins, or where the handler stands; empty when unknown
	Count int64        // ended within what was analysed; the lengths below are theirs
	Open  int64        // begun and not ended within it
	Total int64        // ns, as are the following
	P50   int64
	P90   int64
	P99   int64
	P999  int64
	Max   int64
	MaxAt int64 // when the longest began, from the trace's first event
}

// spanTimes answers: how long did tasks, regions and requests take, by name? It tells
// them as the explainer does, without going into where their time went.
type spanTimes struct {
	names  *names
	zero   model.Time
	window *window
	now    model.Time
	kinds  []*spanKind
}

type spanKind struct {
	kind   InstanceKind
	sent   bool
	finder finder
	by     map[string]*spanTime
}

type spanTime struct {
	SpanTime
	all stat.Sketch
}

func newSpans(session *Session) *spanTimes {
	n := session.names
	s := &spanTimes{names: n, zero: session.Zero, window: session.window}
	add := func(kind InstanceKind, sent bool, f finder) {
		s.kinds = append(s.kinds, &spanKind{kind, sent, f, map[string]*spanTime{}})
	}
	add(KindTask, false, &taskFinder{names: n, id: -1})
	add(KindRegion, false, &regionFinder{names: n})
	add(KindRequest, false, &requestFinder{names: n})
	add(KindRequest, true, &requestFinder{names: n, client: true})
	return s
}

func (s *spanTimes) Watch(f *model.Facts) {
	s.now = f.Now
	for _, k := range s.kinds {
		k.finder.find(f, func(in *instance) { s.add(k, in) })
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
	if x := k.at(s.names.texts[ev.Arg]); x.At.Func == "" {
		x.At = OwnFrame(s.names.stacks[ev.Stack])
	}
}

func (k *spanKind) at(name string) *spanTime {
	x := k.by[name]
	if x == nil {
		x = &spanTime{SpanTime: SpanTime{Kind: k.kind, Sent: k.sent, Name: name}}
		k.by[name] = x
	}
	return x
}

func (s *spanTimes) add(k *spanKind, in *instance) {
	if in.start >= s.window.to || in.end < s.window.from {
		return
	}
	x := k.at(in.name)
	if in.unfinished || in.end >= s.window.to {
		x.Open++
		return
	}
	began := max(in.start, s.window.from)
	d := int64(in.end - began)
	x.Count++
	x.Total += d
	if d >= x.Max {
		x.Max, x.MaxAt = d, int64(began-s.zero)
	}
	x.all.Add(d)
}

func (s *spanTimes) Fill(r *Report) {
	for _, k := range s.kinds {
		k.finder.close(s.now, func(in *instance) { s.add(k, in) })
		for _, x := range k.by {
			if x.Count+x.Open == 0 {
				continue // of a name that shows only outside of the window
			}
			x.P50, x.P90, x.P99, x.P999 = x.all.Quantile(.5), x.all.Quantile(.9), x.all.Quantile(.99), x.all.Quantile(.999)
			if k.kind == KindRequest {
				x.At = s.names.frameOf(x.Name)
			}
			r.Spans = append(r.Spans, x.SpanTime)
		}
	}
	slices.SortFunc(r.Spans, func(a, b SpanTime) int {
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

// OwnFrame is the innermost frame of a stack that is the program's: not of the
// runtime or of its package trace.
func OwnFrame(frames []Frame) Frame {
	for _, f := range frames {
		if !strings.HasPrefix(f.Func, "runtime.") && !strings.HasPrefix(f.Func, "runtime/") {
			return f
		}
	}
	return Frame{}
}

// frameOf is a place in a function: the first that a stack shows.
func (n *names) frameOf(function string) Frame {
	if function == "" {
		return Frame{}
	}
	for _, frames := range n.stacks {
		for _, f := range frames {
			if f.Func == function {
				return f
			}
		}
	}
	return Frame{}
}

// startFrames are, by the number of their function, where goroutines start. The
// stack of a new goroutine is one frame, the function's first line; of those that
// the trace saw later only, it is the line that they had come to.
func (n *names) startFrames() map[uint32]Frame {
	at, first := map[uint32]Frame{}, map[uint32]bool{}
	for i, frames := range n.stacks {
		fn := n.start[i]
		if fn == 0 || first[fn] {
			continue
		}
		if _, seen := at[fn]; !seen || len(frames) == 1 {
			at[fn], first[fn] = frames[len(frames)-1], len(frames) == 1
		}
	}
	return at
}
