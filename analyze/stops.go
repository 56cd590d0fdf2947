package analyze

import "gmptrace/model"

// stop is a way to stop running: what the goroutine did, why and where.
type stop struct {
	op     model.Op
	reason model.Reason
	stack  uint32
}

// why says it in a few words, the reason as the runtime writes it.
func (s stop) why() string {
	switch {
	case s.op == model.OpGoexit:
		return "ended"
	case s.reason == model.ReasonPreempted:
		return "preempted"
	case s.op == model.OpGosched:
		return "yielded"
	case s.reason == model.ReasonNone:
		return "blocked"
	}
	return "blocked: " + s.reason.String()
}

// stopNumbers numbers stops, from 1; 0 is none. Nearly all stops at a stack are for
// one reason, so that a slice does not need a lookup.
type stopNumbers struct {
	list    []stop
	byStack []uint32 // the first stop's number there
	others  map[stop]uint32
}

func (n *stopNumbers) number(s stop) uint32 {
	if s.op == model.OpNone {
		return 0
	}
	for int(s.stack) >= len(n.byStack) {
		n.byStack = append(n.byStack, 0)
	}
	first := n.byStack[s.stack]
	if first != 0 && n.list[first-1] == s {
		return first
	}
	if i, ok := n.others[s]; ok {
		return i
	}
	n.list = append(n.list, s)
	i := uint32(len(n.list))
	if first == 0 {
		n.byStack[s.stack] = i
		return i
	}
	if n.others == nil {
		n.others = map[stop]uint32{}
	}
	n.others[s] = i
	return i
}
