package whatif

import (
	"cmp"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Of many requests it shows only by a wait for a mutex which handler served them. In another
// order of things others wait: so that those of a handler are the same kind of requests there
// as in the recorded run, theirs are those that wait then. See handlers in package explain.

// standsFor are the groups of a request whose handler shows only if it waits for a mutex.
type standsFor struct{ waited, free int32 }

func (x standsFor) group(waited bool) int32 {
	if waited {
		return x.waited
	}
	return x.free
}

// sureHandler is the share of requests that wait for a mutex that must be of one handler for
// others that have it to be of that, too.
const sureHandler = .9

// lockUse is a mutex, taken alone or beside other readers.
type lockUse struct {
	mutex int
	reads bool
}

// taking is that a request takes a mutex.
type taking struct {
	request int
	lockUse
}

// lockUse is what a stack waits for; false if that is not simulated.
func (c *workloads) lockUse(stack uint32) (lockUse, bool) {
	n, ok := c.mutexOf[stack]
	return lockUse{n, ok && c.lockSites.Site(stack).Reading}, ok
}

// shows finds the requests whose handler shows only by waits for mutexes, or would show by one.
func (a *attribution) shows() {
	a.named = map[int]standsFor{}
	unnamed := slices.IndexFunc(a.groups, func(x instances) bool { return x.kind == string(report.KindRequest) && x.name == "" })
	if unnamed < 0 {
		return // all show, whatever happens
	}
	waited, took := a.takings()
	handler := a.handlersOf(waited)
	defer a.byChance(unnamed, handler)
	for use, n := range handler {
		_, readers := handler[lockUse{use.mutex, true}]
		a.groups[n].shared = a.groups[n].shared || readers
	}
	if len(a.c.mutexOf) == 0 {
		return
	}
	otherwise := a.otherwise()
	group := a.groupOf()
	for _, x := range waited {
		if n := group[x.request]; int(n) != unnamed && !otherwise[x.request] {
			a.named[x.request] = standsFor{n, int32(unnamed)}
		}
	}
	for _, x := range took {
		if n, ok := handler[x.lockUse]; ok && int(group[x.request]) == unnamed {
			a.named[x.request] = standsFor{n, int32(unnamed)}
		}
	}
}

// showsOtherwise reports whether of each handler enough requests show by something else than
// waits for mutexes.
func (a *attribution) showsOtherwise() bool {
	left := map[int32]int{}
	for _, x := range a.named {
		left[x.waited] = 0
	}
	for i, n := range a.groupOf() {
		if _, ok := left[n]; !ok {
			continue
		}
		if _, ok := a.named[i]; !ok {
			left[n]++
		}
	}
	for _, n := range left {
		if n < fewest {
			return false
		}
	}
	return true
}

// groupOf are the groups of all requests and tasks.
func (a *attribution) groupOf() []int32 {
	out := make([]int32, len(a.c.done))
	for n := range a.groups {
		for _, i := range a.groups[n].of {
			out[i] = int32(n)
		}
	}
	return out
}

// takings are the requests that wait for mutexes, and those that take them without.
func (a *attribution) takings() (waited, took []taking) {
	for i, g := range a.c.order {
		id := a.ids[i]
		if len(a.during[id]) == 0 {
			continue
		}
		for s := range g.steps() {
			if use, ok := a.c.lockUse(s.stack); ok && s.kind == ownBlock {
				if r := a.serving(id, s.from); r >= 0 {
					waited = append(waited, taking{r, use})
				}
			}
		}
		for _, m := range g.holds {
			if m.kind != markAcquire {
				continue
			}
			if r := a.serving(id, m.at); r >= 0 {
				took = append(took, taking{r, lockUse{int(m.a), a.c.lockSites.Site(m.stack).Reading}})
			}
		}
	}
	return waited, took
}

// handlersOf are the groups of those who wait for mutexes, where they are of one.
func (a *attribution) handlersOf(waited []taking) map[lockUse]int32 {
	group := a.groupOf()
	type by struct {
		lockUse
		group int32
	}
	counts, all := map[by]int{}, map[lockUse]int{}
	for _, x := range waited {
		counts[by{x.lockUse, group[x.request]}]++
		all[x.lockUse]++
	}
	out := map[lockUse]int32{}
	for k, n := range counts {
		if float64(n) >= sureHandler*float64(all[k.lockUse]) {
			out[k.lockUse] = k.group
		}
	}
	return out
}

// serving is the request or task that a goroutine is in at a time, -1 for none.
func (a *attribution) serving(id model.GoID, at model.Time) int {
	list := a.during[id]
	i, found := slices.BinarySearchFunc(list, at, func(d during, t model.Time) int { return cmp.Compare(d.from, t) })
	if !found {
		i--
	}
	for least := i - mostNested; i >= 0 && i > least; i-- {
		if at < list[i].to {
			return list[i].n
		}
	}
	return -1
}

// mostNested is how many tasks back one is looked for that has not ended, as they may be in
// each other.
const mostNested = 16

// Limits of what shows of a handler without being chance.
const (
	steadyShare  = .5 // of its requests at the least that stop in it, and not for a lock that is not simulated
	unnamedShare = .1 // of as many as show it that show none at the least, for those to be some of its own
)

// byChance tells of which handlers it is chance which requests show them: not all do, and those
// that do waited for a lock that is not known to be of this handler, or computed as somebody
// looked. In another order of things, and after a change, others would, which take longer or
// shorter than these.
func (a *attribution) byChance(unnamed int, handler map[lockUse]int32) {
	steady := a.showing(func(s *ownAt) bool {
		use, _ := a.c.lockUse(s.stack)
		_, simulated := handler[use]
		return s.kind != ownRun && s.kind != ownAssist && (simulated || !a.c.lockSites.Locking(s.stack))
	}, nil)
	for n := range a.groups {
		in := &a.groups[n]
		sure := 0
		for _, i := range in.of {
			if steady[i] {
				sure++
			}
		}
		in.chance = n != unnamed && in.kind == string(report.KindRequest) && float64(sure) < steadyShare*float64(len(in.of)) && float64(len(a.groups[unnamed].of)) >= unnamedShare*float64(len(in.of))
	}
}

// otherwise are the requests whose handler shows by something else than a wait for a mutex.
func (a *attribution) otherwise() map[int]bool {
	return a.showing(func(s *ownAt) bool { _, ok := a.c.mutexOf[s.stack]; return !ok }, a.c.sightings)
}

// showing are the requests whose handler shows by such steps, or where it was seen computing.
func (a *attribution) showing(by func(s *ownAt) bool, seen []sighting) map[int]bool {
	group := a.groupOf()
	out := map[int]bool{}
	shows := func(id model.GoID, at model.Time, stack uint32) {
		if r := a.serving(id, at); r >= 0 && !out[r] {
			name := a.groups[group[r]].name
			out[r] = slices.ContainsFunc(a.c.names.Stacks[stack], func(f report.Frame) bool { return f.Func == name })
		}
	}
	for i, g := range a.c.order {
		id := a.ids[i]
		if len(a.during[id]) == 0 {
			continue
		}
		for s := range g.steps() {
			if s.stack != 0 && by(&s) {
				shows(id, s.from, s.stack)
			}
		}
	}
	for _, s := range seen {
		shows(s.g, s.at, s.stack)
	}
	return out
}
