package measure

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Samples answers: what did the CPU profiler find running, and when? It keeps every sample
// of few, and of many every second, fourth and so on: as much memory however long the
// trace is.
type Samples struct {
	names *names.Table
	zero  model.Time
	all   int64
	every int64
	kept  []keptSample
}

type keptSample struct {
	at    model.Time
	p     model.ProcID
	g     model.GoID
	m     model.MIndex
	stack uint32
}

// mostSamples is how many are kept at most: 40 seconds of a CPU at the profiler's usual
// 100 a second, and a few kB of a page.
const mostSamples = 4096

// NewSamples makes Samples, for replay.Shared.
func NewSamples(s *replay.Session) *Samples { return &Samples{names: s.Names, zero: s.Zero, every: 1} }

func (s *Samples) Watch(f *model.Facts) {
	for i := range f.Events {
		if ev := &f.Events[i]; ev.Op == model.OpCPUSample && ev.Stack != 0 {
			s.add(keptSample{ev.Time, ev.P, ev.G, ev.M, ev.Stack})
		}
	}
}

func (s *Samples) add(x keptSample) {
	if s.all%s.every == 0 {
		if len(s.kept) == mostSamples {
			s.halve()
		}
		if s.all%s.every == 0 {
			s.kept = append(s.kept, x)
		}
	}
	s.all++
}

// halve forgets every second of those kept.
func (s *Samples) halve() {
	half := s.kept[:0]
	for i := 0; i < len(s.kept); i += 2 {
		half = append(half, s.kept[i])
	}
	s.kept, s.every = half, 2*s.every
}

// Of is what there is to show, once all of the trace has been read.
func (s *Samples) Of() report.CPUSamples {
	out := report.CPUSamples{All: s.all, Every: s.every}
	places := map[uint32]int{}
	for _, x := range s.kept {
		if int(x.stack) >= len(s.names.Stacks) {
			continue
		}
		k, ok := places[x.stack]
		if !ok {
			k = len(out.Stacks)
			places[x.stack] = k
			out.Stacks = append(out.Stacks, s.names.Stacks[x.stack])
		}
		out.List = append(out.List, report.CPUSample{At: max(0, int64(x.at-s.zero)), P: x.p, G: x.g, M: int32(x.m), Stack: k})
	}
	return out
}
