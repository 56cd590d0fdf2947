package measure

import "gmptrace/model"

// Stops says how goroutines were stopped that ran for TwoSlices or longer, as their
// stretches are gone through. A stop may be told before its stretch is: it is kept until
// a stretch that ended later comes.
type Stops struct{ ahead []model.Preempt }

// TwoSlices is after how long at most sysmon asks a goroutine to stop.
const TwoSlices = 20_000_000 // ns

// Observe takes the facts whose stretches come next.
func (s *Stops) Observe(f *model.Facts) {
	for i := range f.Preempts {
		if f.Preempts[i].Ran >= TwoSlices {
			s.ahead = append(s.ahead, f.Preempts[i])
		}
	}
}

// How is the way in which the stretch ended. Stretches must come in order of time.
func (s *Stops) How(iv *model.PInterval) model.How {
	for len(s.ahead) > 0 && s.ahead[0].Time < iv.End {
		s.ahead = s.ahead[1:]
	}
	for i := range s.ahead {
		x := &s.ahead[i]
		if x.Time != iv.End {
			break
		}
		if x.G == iv.G {
			return x.How
		}
	}
	return model.HowUnknown
}

// Stop is a way to stop running: what the goroutine did, why and where.
type Stop struct {
	Op     model.Op
	Reason model.Reason
	Stack  uint32
}

// Why says it in a few words, the reason as the runtime writes it.
func (s Stop) Why() string {
	switch {
	case s.Op == model.OpGoexit:
		return "ended"
	case s.Reason == model.ReasonPreempted:
		return "preempted"
	case s.Op == model.OpGosched:
		return "yielded"
	case s.Reason == model.ReasonNone:
		return "blocked"
	}
	return "blocked: " + s.Reason.String()
}

// StopNumbers numbers stops, from 1; 0 is none. Nearly all stops at a stack are for
// one reason, so that a slice does not need a lookup.
type StopNumbers struct {
	List    []Stop
	byStack []uint32 // the first stop's number there
	others  map[Stop]uint32
}

// Number is the number of a stop.
func (n *StopNumbers) Number(s Stop) uint32 {
	if s.Op == model.OpNone {
		return 0
	}
	for int(s.Stack) >= len(n.byStack) {
		n.byStack = append(n.byStack, 0)
	}
	first := n.byStack[s.Stack]
	if first != 0 && n.List[first-1] == s {
		return first
	}
	if i, ok := n.others[s]; ok {
		return i
	}
	n.List = append(n.List, s)
	i := uint32(len(n.List))
	if first == 0 {
		n.byStack[s.Stack] = i
		return i
	}
	if n.others == nil {
		n.others = map[Stop]uint32{}
	}
	n.others[s] = i
	return i
}
