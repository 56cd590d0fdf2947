package whatif

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
	byNobody   = 1   // b of marks of stretches that nobody noticed
	atEnds     = .1  // of a stretch that is placed, at either end, others may have the mutex
)

// unseen adds stretches in which a mutex was held and nobody waited for either end.
func (m *mutexes) unseen(numbers []int) {
	for group, n := range numbers {
		if n < 0 {
			continue
		}
		likely, all := m.missing(group)
		if len(all) == 0 || likely == 0 {
			continue
		}
		may := m.unnoticed(group, all)
		slices.SortStableFunc(may, func(a, b unseen) int { return cmp.Compare(a.apart, b.apart) })
		site := m.first(group)
		for _, x := range may[:min(likely, len(may))] {
			x.h.all = append(x.h.all, critical{group: group, from: x.from, to: x.to, since: noTime, site: site, unseen: true})
		}
	}
	for _, g := range m.order {
		slices.SortStableFunc(m.own[g].all, func(a, b critical) int { return cmp.Compare(a.from, b.from) })
	}
}

// first is a stack that locks a group's mutex.
func (m *mutexes) first(group int) uint32 {
	i := slices.IndexFunc(m.sites, func(s lockSite) bool { return s.group == group })
	return m.sites[i].stack
}

// missing is how often a group's mutex was likely taken without showing, and what those who
// waited for it computed from the step before to the step after it, sorted. Where only some of
// those who came could wait, as others sleep or wait in between, that does not tell.
func (m *mutexes) missing(group int) (n int, computed []float64) {
	var waits, known, who int
	var held model.Time
	for _, g := range m.order {
		h, has := m.own[g], false
		for k := range h.all {
			x := &h.all[k]
			if x.group != group {
				continue
			}
			has = true
			known++
			if !x.waited {
				continue
			}
			waits++
			held += x.to - x.from
			if i, j := h.around(x); i >= 0 && j < len(h.steps) {
				computed = append(computed, math.Log(float64(h.computed(i+1, j)+1)))
			}
		}
		if has {
			who++
		}
	}
	span := m.c.seen.makespan - m.c.zero
	if waits < lengthsLeast || held <= 0 || who < 2 {
		return 0, nil
	}
	mean := float64(held) / float64(waits)
	takes := math.Sqrt(float64(waits) * float64(span) / mean / (1 - 1/float64(who)))
	if takes*mean > mostTaken*float64(span) {
		return 0, nil
	}
	slices.Sort(computed)
	if n = int(takes) - known; float64(n) < missingMin*float64(known) {
		n = 0
	}
	return n, computed
}

// around are the steps before and after a stretch that are neither computing nor its wait.
func (h *holder) around(x *critical) (before, after int) {
	before = h.before(x.from)
	for before >= 0 && slices.ContainsFunc(h.waits, func(w lockWait) bool {
		return slices.Contains(x.blocks, w.block) && w.from == h.steps[before].from
	}) {
		before = h.before(h.steps[before].from)
	}
	return before, h.after(x.to)
}

// computed is how long a goroutine computed in steps.
func (h *holder) computed(from, to int) (ns model.Time) {
	for i := from; i < to; i++ {
		if s := &h.steps[i]; s.kind == ownRun {
			ns += s.to - s.from
		}
	}
	return ns
}

// unnoticed are all stretches of computing between what is done before a mutex is taken and what
// is done afterwards, in which a group's may have been taken.
func (m *mutexes) unnoticed(group int, computed []float64) (out []unseen) {
	for _, g := range m.c.order {
		if g.runtime || g.worker {
			continue
		}
		h := m.own[g]
		if h == nil {
			h = &holder{g: g, steps: slices.Collect(g.steps())}
		}
		last := -1 // a step before which a mutex is taken
		for i := range h.steps {
			s := &h.steps[i]
			if s.kind == ownRun || s.kind == ownAssist {
				continue
			}
			after := m.suffix[anchor{group, s.stack}]
			if last >= 0 && after != nil && after.spread != slowest {
				x := unseen{h: h, from: h.runsAfter(last) + model.Time(m.prefix[anchor{group, h.steps[last].stack}].middle), to: s.from - model.Time(after.middle)}
				if x.to > x.from && m.free(group, &x) {
					x.apart = apart(computed, math.Log(float64(h.computed(last+1, i)+1)))
					out = append(out, x)
				}
			}
			last = -1
			if l := m.prefix[anchor{group, s.stack}]; l != nil && l.spread != slowest {
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
func (m *mutexes) free(group int, x *unseen) bool {
	margin := model.Time(float64(x.to-x.from) * atEnds)
	if slices.ContainsFunc(x.h.all, func(o critical) bool { return o.group == group && o.from < x.to && x.from < o.to }) {
		return false
	}
	return !othersIn(m.events[group], x.h.g, x.from+margin, x.to-margin)
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
