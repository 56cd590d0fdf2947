package held

import (
	"cmp"
	"math"
	"slices"

	"gmptrace/model"
)

// Who takes a free mutex for which nobody waits before he unlocks it leaves no event, and in
// another order of things he makes others wait, or waits himself. How many such there were
// follows from those who waited: who comes at a time that has nothing to do with the others
// finds the mutex taken by the share of the time in which one of them has it. So of n that take
// it for d each in a time T, n·(n·d/T) wait, but for who would wait for himself. Those missing
// are looked for among the goroutines that did, beside what is done before and after a mutex is
// taken, as much as those who waited, at a time when nobody else had it.

// unseen is where a goroutine may have had a mutex without anybody noticing.
type unseen struct {
	h        *holder
	from, to model.Time
	apart    float64 // from what those who waited computed
}

const (
	likeOf     = 10  // of so many who waited, what they computed is looked at
	missingMin = .05 // share of those that show, from which others are looked for
	mostTaken  = .75 // share of the time, or who comes does so at times that have to do with it
	atEnds     = .1  // of a stretch that is placed, at either end, others may have the mutex
)

// unseen adds stretches in which a mutex was held and nobody waited for either end.
func (m *mutexes) unseen(numbers []int) {
	for group, n := range numbers {
		if n < 0 {
			continue
		}
		alone, readers := m.tally(class{group, false}), m.tally(class{group, true})
		span := float64(m.to - m.from)
		if readers.known == 0 {
			m.place(&alone, alone.takes(span))
			continue
		}
		takes, reads := rwTakes(&alone, &readers, span)
		m.place(&alone, takes)
		m.place(&readers, reads)
	}
	for _, g := range m.order {
		slices.SortStableFunc(m.own[g].all, func(a, b critical) int { return cmp.Compare(a.from, b.from) })
	}
}

// place adds stretches of a class, which is taken so often.
func (m *mutexes) place(t *tally, takes float64) {
	missing := int(takes) - t.known
	if t.waits < lengthsLeast || t.held <= 0 || float64(missing) < missingMin*float64(t.known) {
		return
	}
	may := m.unnoticed(t.class, t.computed)
	slices.SortStableFunc(may, func(a, b unseen) int { return cmp.Compare(a.apart, b.apart) })
	site := m.sites[slices.IndexFunc(m.sites, func(s lockSite) bool { return s.group == t.group && s.reads == t.reads })].stack
	for _, x := range may[:min(missing, len(may))] {
		x.h.all = append(x.h.all, critical{group: t.group, reads: t.reads, from: x.from, to: x.to, since: noTime, site: site, unseen: true})
	}
}

// tally is what shows of a class.
type tally struct {
	class
	waits, known, who int
	held              float64   // by those who waited
	computed          []float64 // logarithms of what those computed from the step before to the step after it, sorted
}

func (m *mutexes) tally(of class) tally {
	t := tally{class: of}
	for _, g := range m.order {
		h, before := m.own[g], t.known
		for k := range h.all {
			x := &h.all[k]
			if x.class() != of {
				continue
			}
			t.known++
			if !x.waited {
				continue
			}
			t.waits++
			t.held += float64(x.to - x.from)
			if i, j := h.around(x); i >= 0 && j < len(h.steps) {
				t.computed = append(t.computed, math.Log(float64(h.computed(i+1, j)+1)))
			}
		}
		if t.known > before {
			t.who++
		}
	}
	slices.Sort(t.computed)
	return t
}

// takes is how often a mutex was likely taken in a time. Where only some of those who came could
// wait, as others sleep or wait in between, that does not tell, and is 0.
func (t *tally) takes(span float64) float64 {
	if t.who < 2 || t.waits == 0 {
		return 0
	}
	mean := t.held / float64(t.waits)
	takes := math.Sqrt(float64(t.waits) * span / mean / (1 - 1/float64(t.who)))
	if takes*mean > mostTaken*span {
		return 0
	}
	return takes
}

// rwTakes is how often an RWMutex was likely taken by those who have it alone, and by readers.
// Who has it alone does so for the share a of a time, and b readers have it on average. Readers
// wait with the chance a, the others unless neither is there.
func rwTakes(alone, readers *tally, span float64) (takes, reads float64) {
	if alone.waits < lengthsLeast || readers.waits < lengthsLeast || alone.held <= 0 || readers.held <= 0 {
		return 0, 0
	}
	each, eachRead := alone.held/float64(alone.waits), readers.held/float64(readers.waits)
	ab := readers.held / span // as the readers who waited are b·a·span/eachRead
	low, high := 0.0, 1.0
	for range 40 {
		a := (low + high) / 2
		if a*(1-(1-a)*math.Exp(-ab/a)) < alone.held/span {
			low = a
		} else {
			high = a
		}
	}
	if low > mostTaken {
		return 0, 0
	}
	return low * span / each, ab / low * span / eachRead
}

// around are the steps before and after a stretch that are neither computing nor its wait.
func (h *holder) around(x *critical) (before, after int) {
	before = h.before(x.from)
	for before >= 0 && slices.ContainsFunc(h.waits, func(w lockWait) bool {
		return slices.Contains(x.blocks, w.block) && w.from == h.steps[before].From
	}) {
		before = h.before(h.steps[before].From)
	}
	return before, h.after(x.to)
}

// computed is how long a goroutine computed in steps.
func (h *holder) computed(from, to int) (ns model.Time) {
	for i := from; i < to; i++ {
		if s := &h.steps[i]; s.Kind == Computes {
			ns += s.To - s.From
		}
	}
	return ns
}

// unnoticed are all stretches of computing between what is done before a mutex is taken and what
// is done afterwards, in which one of a class may have been.
func (m *mutexes) unnoticed(of class, computed []float64) (out []unseen) {
	for k := range m.gs {
		g := &m.gs[k]
		if g.Apart {
			continue
		}
		h := m.own[g]
		if h == nil {
			h = &holder{g: g, steps: slices.Collect(g.Steps)}
		}
		last := -1 // a step before which a mutex is taken
		for i := range h.steps {
			s := &h.steps[i]
			if s.Kind != Stands {
				continue
			}
			after := m.suffix[anchor{of, s.Stack}]
			if last >= 0 && after != nil && after.spread != slowest {
				x := unseen{h: h, from: h.runsAfter(last) + model.Time(m.prefix[anchor{of, h.steps[last].Stack}].middle), to: s.From - model.Time(after.middle)}
				if x.to > x.from && m.free(of, &x) {
					x.apart = apart(computed, math.Log(float64(h.computed(last+1, i)+1)))
					out = append(out, x)
				}
			}
			last = -1
			if l := m.prefix[anchor{of, s.Stack}]; l != nil && l.spread != slowest {
				last = i
			}
		}
	}
	for _, x := range out {
		if m.own[x.h.g] == nil {
			m.own[x.h.g] = x.h
			m.order = append(m.order, x.h.g)
		}
	}
	return out
}

// free reports whether a goroutine may have had a mutex without anybody noticing: it is not known
// to have it, and nobody else took or unlocked it, or had it all the while.
func (m *mutexes) free(of class, x *unseen) bool {
	margin := model.Time(float64(x.to-x.from) * atEnds)
	if slices.ContainsFunc(x.h.all, func(o critical) bool { return o.group == of.group && o.from < x.to && x.from < o.to }) {
		return false
	}
	return !othersIn(m.events[of.group], x.h.g, of.reads, x.from+margin, x.to-margin)
}

// apart is how far the likeOf-th nearest of sorted values is from one.
func apart(all []float64, v float64) float64 {
	n := min(likeOf, len(all))
	at, _ := slices.BinarySearch(all, v)
	low, high := at-1, at
	off := 0.0
	for range n {
		if low >= 0 && (high >= len(all) || v-all[low] < all[high]-v) {
			off = v - all[low]
			low--
		} else {
			off = all[high] - v
			high++
		}
	}
	return off
}
