package pprof

import (
	"cmp"
	"slices"
)

// sums adds up parts by what they have in common.
type sums struct {
	by      map[key]*sum
	weight  int64 // ns that each stands for; 0 for their lengths
	tasks   map[int64]bool
	pooled  int64 // ns whose labels, or stacks too, were left out, as there were too many
	renamed int64 // ns whose task is not named, likewise
}

// sum is how many stretches there were, and how long they took in all.
type sum struct{ n, ns int64 }

// How many sums are told apart, and how many names of tasks: names may be as many as there
// are tasks. What comes later is told by its stack alone or, if that is new too, by its
// class.
const (
	maxSums      = 1 << 17
	maxTaskNames = 1 << 10
	otherTasks   = -1 // stands for the name of a task
)

func newSums(weight int64) *sums {
	return &sums{by: map[key]*sum{}, weight: weight, tasks: map[int64]bool{}}
}

func (s *sums) add(p *part) {
	k, ns := p.key, int64(p.to-p.from)
	if s.weight > 0 {
		ns = s.weight * p.n
	}
	if k.task > 0 && !s.tasks[k.task] {
		if len(s.tasks) < maxTaskNames {
			s.tasks[k.task] = true
		} else {
			k.task = otherTasks
			s.renamed += ns
		}
	}
	x := s.by[k]
	if x == nil {
		x = s.at(k, ns)
	}
	x.n += p.n
	x.ns += ns
}

// at is the sum of a key that has none yet.
func (s *sums) at(k key, ns int64) *sum {
	if len(s.by) >= maxSums {
		s.pooled += ns
		k = key{stack: k.stack, of: k.of, class: k.class, state: k.state}
		if s.by[k] == nil && len(s.by) >= maxSums+maxSums/2 {
			k = key{class: k.class, state: k.state}
		}
	}
	x := s.by[k]
	if x == nil {
		x = &sum{}
		s.by[k] = x
	}
	return x
}

// sorted are the keys in an order that is the same for the same trace.
func (s *sums) sorted() []key {
	keys := make([]key, 0, len(s.by))
	for k := range s.by {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.stack, b.stack), cmp.Compare(a.of, b.of), cmp.Compare(a.class, b.class), cmp.Compare(a.handler, b.handler), cmp.Compare(a.task, b.task),
			cmp.Compare(a.state, b.state), cmp.Compare(a.reason, b.reason), cmp.Compare(a.how, b.how), compareBools(a.assist, b.assist), compareBools(a.worker, b.worker), compareBools(a.parked, b.parked))
	})
	return keys
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
