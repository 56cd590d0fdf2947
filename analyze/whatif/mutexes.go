package whatif

import (
	"cmp"
	"math"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/model"
)

// Where is a mutex held? Of who holds it a trace tells no more than that others waited, and
// were woken as it was unlocked; of who comes by a free one nothing. So that it can be taken
// in another order, each stretch in which it was held has to have two ends. One that does not
// show is placed where that of others was, which did the same before or afterwards:
//
//	waits for a request ──x──▶ locks ──d──▶ unlocks ──y──▶ writes the answer
//
// by x, d or y, whichever differs least. And what goroutines only ever did while they held it
// (sleep in the function that locks) tells that they did so again.
//
// Waits in one function are for one mutex, and so are those in several of which one unlocks
// what another one waits for. Where that can't be, as stretches overlap, there are several
// mutexes, and who waits waits for who had his: see holding.

// critical is a stretch in which a goroutine has a mutex.
type critical struct {
	group  int
	from   model.Time // it takes it: when it ran, if it waited for that; noTime while not known
	to     model.Time // it unlocks it; noTime while not known
	since  model.Time // by then it must have had it, as somebody waited; noTime if nobody did
	waited bool       // it had to wait for it
	woke   bool       // somebody waited when it unlocked it
	unseen bool       // nobody noticed
	blocks []uint32   // numbers of its waits
	site   uint32     // a stack that locks it
}

// mutexes finds out where mutexes are held.
type mutexes struct {
	c      *workloads
	sites  []lockSite
	byName map[string]int
	own    map[*gWork]*holder
	order  []*gWork // of own
	prefix map[anchor]*stretchLengths
	suffix map[anchor]*stretchLengths
	held   []stretchLengths // by group
	inside map[anchor]*inside
	events [][]lockEvent // by group, in order
	may    map[anchor]bool
}

// lockSite is a function that locks.
type lockSite struct {
	name  string
	stack uint32
	group int
	plain bool // a sync.Mutex

	unlocks []uint32 // stacks that unlock it, the first few
}

// holder is a goroutine that has a mutex now and then.
type holder struct {
	g       *gWork
	steps   []ownAt
	waits   []lockWait
	unlocks []unlocked
	all     []critical
}

// lockWait is a wait for a mutex.
type lockWait struct {
	site     int
	block    uint32
	from, to model.Time
}

// unlocked is that a goroutine unlocked what another one waited for.
type unlocked struct {
	site  int
	at    model.Time
	since model.Time // when the other one began to wait
	stack uint32     // it locks there
}

// anchor is a step of a goroutine, by its stack, beside a stretch of a group.
type anchor struct {
	group int
	stack uint32
}

// stretchLengths are some of one kind.
type stretchLengths struct {
	all    []int64
	middle int64
	spread int64 // nine of ten are no farther from that
}

// add takes one more.
func (l *stretchLengths) add(ns model.Time) {
	if len(l.all) < lengthsKept {
		l.all = append(l.all, int64(ns))
	}
}

const (
	lengthsKept  = 1024
	unlocksKept  = 8
	lengthsLeast = 5         // that tell of others
	waitsTimes   = 4         // times as long as three of four wait, nobody has it
	longerThan   = 2         // times as long as is usual, a stretch may be two
	raceMost     = 10_000    // ns: who was woken for a mutex and waits again so soon did not get it
	overlapOff   = 1_000     // ns: stretches that overlap by so little do not overlap
	sharedMost   = .05       // share of the shorter stretches in which others may seem to have it, though there is one mutex
	slowest      = 1<<63 - 1 // spread of what is not known
)

// settle finds their middle.
func (l *stretchLengths) settle() {
	if len(l.all) == 0 {
		l.spread = slowest
		return
	}
	slices.Sort(l.all)
	l.middle = l.all[len(l.all)/2]
	off := make([]int64, len(l.all))
	for i, ns := range l.all {
		off[i] = int64(math.Abs(float64(ns - l.middle)))
	}
	slices.Sort(off)
	if l.spread = off[len(off)*9/10]; len(l.all) < lengthsLeast {
		l.spread = slowest
	}
}

// inside is a step that goroutines did while they held a mutex.
type inside struct{ before, after stretchLengths }

// findMutexes finds those of which it shows where they are held, and gives them numbers and
// the goroutines marks.
func (c *workloads) findMutexes() {
	m := &mutexes{c: c, byName: map[string]int{}, own: map[*gWork]*holder{}, prefix: map[anchor]*stretchLengths{}, suffix: map[anchor]*stretchLengths{}, inside: map[anchor]*inside{}, may: map[anchor]bool{}}
	m.collect()
	if len(m.sites) == 0 {
		return
	}
	groups := m.groups()
	m.held = make([]stretchLengths, groups)
	for _, g := range m.order {
		m.stretches(m.own[g])
	}
	c.mutexOf = map[uint32]int{}
	for _, g := range m.order {
		for i := range m.own[g].all {
			m.learnBefore(m.own[g], &m.own[g].all[i])
		}
	}
	numbers := m.single(groups)
	m.learn()
	for _, g := range m.order {
		m.complete(m.own[g])
	}
	m.imply(numbers)
	m.unseen(numbers)
	for _, g := range m.order {
		m.mark(m.own[g], numbers)
	}
	for stack, site := range m.stacks() {
		if n := numbers[m.sites[site].group]; n >= 0 {
			c.mutexOf[stack] = n
		}
	}
}

// site is the number of the function that locks on a stack, -1 for none that can be told of.
func (m *mutexes) site(stack uint32) int {
	name := m.c.lockSites.Locker(stack)
	if name == "" {
		return -1
	}
	n, ok := m.byName[name]
	if !ok {
		n = len(m.sites)
		m.byName[name] = n
		m.sites = append(m.sites, lockSite{name: name, stack: stack, group: n, plain: true})
	}
	x := m.c.lockSites.Site(stack)
	m.sites[n].plain = m.sites[n].plain && x.Lock == names.LockMutex && !x.Once
	return n
}

// stacks are all that wait for mutexes, with their sites.
func (m *mutexes) stacks() map[uint32]int {
	out := map[uint32]int{}
	for _, g := range m.c.order {
		for _, x := range m.c.unlocks(g) {
			out[x.stack] = m.site(x.stack)
		}
	}
	return out
}

// unlocks are the marks with which g ends waits for locks.
func (c *workloads) unlocks(g *gWork) []placed {
	return slices.DeleteFunc(c.placed(g), func(m placed) bool { return m.kind != markUnlock })
}

func (m *mutexes) holder(g *gWork) *holder {
	h := m.own[g]
	if h == nil {
		h = &holder{g: g, steps: slices.Collect(g.steps())}
		m.own[g] = h
		m.order = append(m.order, g)
	}
	return h
}

// collect gathers who waited and who unlocked.
func (m *mutexes) collect() {
	for _, g := range m.c.order {
		for _, x := range m.c.unlocks(g) {
			site := m.site(x.stack)
			if site < 0 {
				continue
			}
			by := m.c.order[x.a]
			if s := &m.sites[site]; len(s.unlocks) < unlocksKept && !slices.Contains(s.unlocks, x.by) {
				s.unlocks = append(s.unlocks, x.by)
			}
			m.holder(g).unlocks = append(m.holder(g).unlocks, unlocked{site: site, at: x.at, since: x.at - x.waited, stack: x.by})
			w := m.holder(by)
			w.waits = append(w.waits, lockWait{site: site, block: uint32(x.b), from: x.at - x.waited, to: x.at})
		}
	}
	for _, h := range m.own {
		slices.SortStableFunc(h.waits, func(a, b lockWait) int { return cmp.Compare(a.from, b.from) })
	}
}

// groups puts sites together of which one unlocks what another one waits for, and returns how
// many groups there are.
func (m *mutexes) groups() int {
	for _, g := range m.order {
		for _, u := range m.own[g].unlocks {
			name := m.c.lockSites.Locker(u.stack)
			if other, ok := m.byName[name]; ok && m.sites[other].group != m.sites[u.site].group {
				from, to := m.sites[other].group, m.sites[u.site].group
				for i := range m.sites {
					if m.sites[i].group == from {
						m.sites[i].group = to
					}
				}
			}
		}
	}
	numbers := map[int]int{}
	for i := range m.sites {
		n, ok := numbers[m.sites[i].group]
		if !ok {
			n = len(numbers)
			numbers[m.sites[i].group] = n
		}
		m.sites[i].group = n
	}
	return len(numbers)
}

// ran is when a goroutine that began to wait at from ran after that.
func (h *holder) ran(from model.Time) model.Time {
	i := h.at(from)
	for ; i < len(h.steps); i++ {
		if s := &h.steps[i]; s.kind == ownRun || s.kind == ownAssist {
			return s.from
		}
	}
	return h.end()
}

// at is the first step that does not end before a time.
func (h *holder) at(t model.Time) int {
	i, _ := slices.BinarySearchFunc(h.steps, t, func(s ownAt, t model.Time) int { return cmp.Compare(s.to, t+1) })
	return i
}

// end is the end of its last step.
func (h *holder) end() model.Time {
	if len(h.steps) == 0 { // it unlocked, and the trace tells no stretch of it
		return 0
	}
	return h.steps[len(h.steps)-1].to
}

// stretches finds those of a goroutine, as far as they show.
func (m *mutexes) stretches(h *holder) {
	last := make(map[int]int) // by group: its last one
	waits, unlocks := h.waits, h.unlocks
	for len(waits)+len(unlocks) > 0 {
		if len(unlocks) == 0 || len(waits) > 0 && waits[0].from < unlocks[0].at {
			w := waits[0]
			waits = waits[1:]
			group := m.sites[w.site].group
			ran := h.ran(w.from)
			if i, ok := last[group]; ok {
				if x := &h.all[i]; x.waited && x.to == noTime && w.from-x.from < raceMost {
					x.from, x.blocks = ran, append(x.blocks, w.block)
					continue
				}
			}
			last[group] = len(h.all)
			h.all = append(h.all, critical{group: group, from: ran, to: noTime, since: noTime, waited: true, blocks: []uint32{w.block}, site: m.sites[w.site].stack})
			continue
		}
		u := unlocks[0]
		unlocks = unlocks[1:]
		group := m.sites[u.site].group
		if i, ok := last[group]; ok && h.all[i].to == noTime && h.all[i].from <= u.at {
			h.all[i].to, h.all[i].woke, h.all[i].since = u.at, true, u.since
			continue
		}
		stack := m.sites[u.site].stack
		if own, ok := m.byName[m.c.lockSites.Locker(u.stack)]; ok {
			stack = m.sites[own].stack
		}
		last[group] = len(h.all)
		h.all = append(h.all, critical{group: group, from: noTime, to: u.at, since: u.since, woke: true, site: stack})
	}
}

// single numbers the groups that are of one mutex each; others have -1. While one has it
// nobody else takes or unlocks it: where it seems so, who had it unlocked it before, with
// nobody waiting, and took it again; so did who seems to have it for much longer than others
// wait for it. Where even the shorter half of the stretches seems so,
// there are several, and where there are too few to tell there may be.
func (m *mutexes) single(groups int) []int {
	m.events = make([][]lockEvent, groups)
	events := m.events
	all := make([][]int64, groups)
	longest := m.longest(groups)
	for _, g := range m.order {
		for _, x := range m.own[g].all {
			if x.waited {
				events[x.group] = append(events[x.group], lockEvent{x.from, g})
			}
			if x.woke {
				events[x.group] = append(events[x.group], lockEvent{x.to, g})
			}
			if x.waited && x.woke && int64(x.to-x.from) <= longest[x.group] && m.own[g].block(x.from, m.keeps(&x)) >= x.to {
				all[x.group] = append(all[x.group], int64(x.to-x.from))
			}
		}
	}
	for group := range groups {
		slices.SortFunc(events[group], func(a, b lockEvent) int { return cmp.Compare(a.at, b.at) })
		slices.Sort(all[group])
	}
	short, shared := make([]int, groups), make([]int, groups)
	for _, g := range m.order {
		h := m.own[g]
		for k := 0; k < len(h.all); k++ {
			x := &h.all[k]
			if !x.waited || !x.woke {
				continue
			}
			length, other := int64(x.to-x.from), othersIn(events[x.group], g, x.from, x.to)
			switch usual := all[x.group]; {
			case length > longest[x.group] || h.block(x.from, m.keeps(x)) < x.to:
				other = true
			case length <= usual[len(usual)/2]:
				short[x.group]++
				if other {
					shared[x.group]++
				}
			case length > longerThan*usual[len(usual)/2]:
				other = other || m.beganAnew(h, x)
			}
			if other {
				again := critical{group: x.group, from: noTime, to: x.to, since: x.since, woke: true, site: x.site}
				x.to, x.since, x.woke = noTime, noTime, false
				h.all = slices.Insert(h.all, k+1, again)
			}
		}
	}
	out := make([]int, groups)
	for group := range groups {
		plain := !slices.ContainsFunc(m.sites, func(s lockSite) bool { return s.group == group && !s.plain })
		if out[group] = -1; plain && short[group] >= lengthsLeast && float64(shared[group]) <= sharedMost*float64(short[group]) {
			out[group] = m.c.mutexes
			m.c.mutexes++
		}
	}
	return out
}

// longest is for how long goroutines may have the mutex of each group: who comes for it waits
// for half of that in the mean.
func (m *mutexes) longest(groups int) []int64 {
	waits := make([][]int64, groups)
	for _, g := range m.order {
		for _, w := range m.own[g].waits {
			group := m.sites[w.site].group
			waits[group] = append(waits[group], int64(w.to-w.from))
		}
	}
	out := make([]int64, groups)
	for group, list := range waits {
		slices.Sort(list)
		out[group] = waitsTimes * list[len(list)*3/4]
	}
	return out
}

// keeps tells of steps in which who has a mutex is taken to keep it, as they lie
// between where it is locked and unlocked. Else who waits for others has unlocked it: they may need it.
func (m *mutexes) keeps(x *critical) func(s *ownAt) bool {
	return func(s *ownAt) bool { return s.kind != ownBlock || m.within(x.group, s.stack) }
}

// block is when the goroutine next begins to wait, from a time on, but for steps that don't count.
func (h *holder) block(from model.Time, but func(s *ownAt) bool) model.Time {
	for i := h.at(from); i < len(h.steps); i++ {
		if s := &h.steps[i]; s.from >= from && !but(s) {
			return s.from
		}
	}
	return model.Time(math.MaxInt64)
}

// blocked is when it ran after it last waited, by a time, but for steps that don't count.
func (h *holder) blocked(by model.Time, but func(s *ownAt) bool) model.Time {
	for i := min(h.at(by), len(h.steps)-1); i >= 0; i-- {
		if s := &h.steps[i]; s.to <= by && !but(s) {
			return h.runsAfter(i)
		}
	}
	return noTime
}

// othersBefore is when others than g had last to do with a mutex before it unlocked that.
func (m *mutexes) othersBefore(g *gWork, x *critical) model.Time {
	events := m.events[x.group]
	i, _ := slices.BinarySearchFunc(events, x.to-overlapOff, func(e lockEvent, t model.Time) int { return cmp.Compare(e.at, t) })
	for i--; i >= 0; i-- {
		if events[i].g != g {
			return events[i].at
		}
	}
	return noTime
}

// othersAfter is when others than g had first to do with a mutex after it took that.
func (m *mutexes) othersAfter(g *gWork, x *critical) model.Time {
	events := m.events[x.group]
	i, _ := slices.BinarySearchFunc(events, x.from+overlapOff, func(e lockEvent, t model.Time) int { return cmp.Compare(e.at, t) })
	for ; i < len(events); i++ {
		if events[i].g != g {
			return events[i].at
		}
	}
	return model.Time(math.MaxInt64)
}

// beganAnew reports whether within a stretch a goroutine did what is done before one.
func (m *mutexes) beganAnew(h *holder, x *critical) bool {
	for i := h.at(x.from); i < len(h.steps) && h.steps[i].from < x.to; i++ {
		if l := m.prefix[anchor{x.group, h.steps[i].stack}]; l != nil && h.steps[i].from >= x.from && h.steps[i].stack != 0 && len(l.all) >= lengthsLeast {
			return true
		}
	}
	return false
}

// lockEvent is that a goroutine took or unlocked a mutex.
type lockEvent struct {
	at model.Time
	g  *gWork
}

// othersIn reports whether others than g took or unlocked it between two times.
func othersIn(events []lockEvent, g *gWork, from, to model.Time) bool {
	i, _ := slices.BinarySearchFunc(events, from+overlapOff, func(e lockEvent, t model.Time) int { return cmp.Compare(e.at, t) })
	for ; i < len(events) && events[i].at < to-overlapOff; i++ {
		if events[i].g != g {
			return true
		}
	}
	return false
}

// before is the last step that is not computing and ends by a time, -1 for none.
func (h *holder) before(t model.Time) int {
	i := h.at(t)
	for i--; i >= 0; i-- {
		if s := &h.steps[i]; s.kind != ownRun && s.kind != ownAssist && s.to <= t {
			return i
		}
	}
	return -1
}

// after is the first step that is not computing and begins at a time or later.
func (h *holder) after(t model.Time) int {
	for i := h.at(t); i < len(h.steps); i++ {
		if s := &h.steps[i]; s.kind != ownRun && s.kind != ownAssist && s.from >= t {
			return i
		}
	}
	return len(h.steps)
}

// runsAfter is when it ran after a step.
func (h *holder) runsAfter(i int) model.Time {
	for k := i + 1; k < len(h.steps); k++ {
		if s := &h.steps[k]; s.kind == ownRun || s.kind == ownAssist {
			return s.from
		}
	}
	return h.end()
}

// learn measures what shows.
func (m *mutexes) learn() {
	for _, g := range m.order {
		h := m.own[g]
		for k := range h.all {
			x := &h.all[k]
			if x.to == noTime {
				continue
			}
			if i := h.after(x.to); i < len(h.steps) {
				at(m.suffix, anchor{x.group, h.steps[i].stack}).add(h.steps[i].from - x.to)
			}
			if x.from == noTime {
				continue
			}
			m.held[x.group].add(x.to - x.from)
			for i := h.at(x.from); i < len(h.steps) && h.steps[i].to <= x.to; i++ {
				if s := &h.steps[i]; s.from >= x.from && s.stack != 0 && m.within(x.group, s.stack) {
					in := at(m.inside, anchor{x.group, s.stack})
					in.before.add(s.from - x.from)
					in.after.add(x.to - h.runsAfter(i))
				}
			}
		}
	}
	for _, by := range []map[anchor]*stretchLengths{m.prefix, m.suffix} {
		for _, l := range by {
			l.settle()
		}
	}
	for i := range m.held {
		m.held[i].settle()
	}
	for _, in := range m.inside {
		in.before.settle()
		in.after.settle()
	}
}

// learnBefore measures what a goroutine did before it waited for a mutex.
func (m *mutexes) learnBefore(h *holder, x *critical) {
	if len(x.blocks) != 1 {
		return
	}
	w, ok := slices.BinarySearchFunc(h.waits, x.blocks[0], func(w lockWait, b uint32) int { return cmp.Compare(w.block, b) })
	if !ok {
		return
	}
	if i := h.before(h.waits[w].from); i >= 0 {
		at(m.prefix, anchor{x.group, h.steps[i].stack}).add(h.waits[w].from - h.runsAfter(i))
	}
}

// at is what a map has at a key.
func at[K comparable, V any](by map[K]*V, key K) *V {
	x := by[key]
	if x == nil {
		x = new(V)
		by[key] = x
	}
	return x
}

// within reports whether a goroutine that stands with a stack may have a group's mutex, by
// where that is locked and unlocked.
func (m *mutexes) within(group int, stack uint32) bool {
	key := anchor{group, stack}
	is, ok := m.may[key]
	if !ok {
		is = m.siteOf(group, stack) != 0
		m.may[key] = is
	}
	return is
}

// siteOf is a stack that locks a group's mutex in a function that is on another one, 0 for
// none.
func (m *mutexes) siteOf(group int, stack uint32) uint32 {
	l := &m.c.lockSites
	for i := range m.sites {
		s := &m.sites[i]
		if s.group == group && slices.ContainsFunc(s.unlocks, func(u uint32) bool { return l.Holding(stack, l.Site(s.stack), l.Site(u)) }) {
			return s.stack
		}
	}
	return 0
}

// complete places the ends that do not show.
func (m *mutexes) complete(h *holder) {
	for k := range h.all {
		x := &h.all[k]
		least, most := m.c.zero, h.end()
		for i := k - 1; i >= 0; i-- {
			if h.all[i].group == x.group {
				least = max(least, h.all[i].to)
				break
			}
		}
		for i := k + 1; i < len(h.all); i++ {
			if o := &h.all[i]; o.group == x.group {
				if most = min(most, o.to); o.from != noTime {
					most = min(most, o.from)
				}
				break
			}
		}
		if x.from == noTime {
			least = max(least, m.othersBefore(h.g, x))
			x.since = max(x.since, least) // until then others had it
			least = max(least, h.blocked(x.since, m.keeps(x)))
			x.from = min(max(m.takenAt(h, x), least), x.since)
		}
		if x.to == noTime {
			most = min(most, m.othersAfter(h.g, x), h.block(x.from, m.keeps(x)))
			x.to = max(min(m.freedAt(h, x), most), x.from)
		}
	}
}

// guess is when something likely was, and how far off that may be.
type guess struct {
	at     model.Time
	spread int64
}

// or is the better one of two.
func (x guess) or(at model.Time, spread int64) guess {
	if spread < x.spread {
		return guess{at, spread}
	}
	return x
}

// takenAt is when a goroutine likely took what it unlocked.
func (m *mutexes) takenAt(h *holder, x *critical) model.Time {
	d := &m.held[x.group]
	at := guess{x.to - model.Time(d.middle), d.spread}
	for i := h.before(x.since); i >= 0; i = h.before(h.steps[i].from) {
		if l := m.prefix[anchor{x.group, h.steps[i].stack}]; l != nil && l.spread != slowest {
			at = at.or(h.runsAfter(i)+model.Time(l.middle), l.spread)
			break
		}
	}
	if i := h.before(x.to); i >= 0 {
		if in := m.inside[anchor{x.group, h.steps[i].stack}]; in != nil {
			at = at.or(h.steps[i].from-model.Time(in.before.middle), in.before.spread)
		}
	}
	if at.spread == slowest {
		return x.since - (x.to - x.since)
	}
	return at.at
}

// freedAt is when a goroutine likely unlocked what it took.
func (m *mutexes) freedAt(h *holder, x *critical) model.Time {
	d := &m.held[x.group]
	at := guess{x.from + model.Time(d.middle), d.spread}
	first := h.after(x.from)
	for i := first; i < len(h.steps); i = h.after(h.steps[i].to) {
		if l := m.suffix[anchor{x.group, h.steps[i].stack}]; l != nil && l.spread != slowest {
			at = at.or(h.steps[i].from-model.Time(l.middle), l.spread)
			break
		}
	}
	if first < len(h.steps) {
		if in := m.inside[anchor{x.group, h.steps[first].stack}]; in != nil {
			at = at.or(h.runsAfter(first)+model.Time(in.after.middle), in.after.spread)
		}
	}
	return at.at
}

// imply adds stretches of which nobody waited for either end, by what goroutines do in no
// others.
func (m *mutexes) imply(numbers []int) {
	known := map[uint32]anchor{}
	for key, in := range m.inside {
		if other, ok := known[key.stack]; numbers[key.group] >= 0 && len(in.before.all) >= lengthsLeast && (!ok || key.group < other.group) {
			known[key.stack] = key
		}
	}
	if len(known) == 0 {
		return
	}
	for _, g := range m.c.order {
		if g.runtime || g.worker {
			continue
		}
		var steps []ownAt
		for s := range g.steps() {
			if _, ok := known[s.stack]; ok && s.stack != 0 {
				steps = append(steps, s)
			}
		}
		if len(steps) == 0 {
			continue
		}
		h := m.holder(g)
		for _, s := range steps {
			key := known[s.stack]
			in := m.inside[key]
			x := critical{group: key.group, from: s.from - model.Time(in.before.middle), to: h.runsAfter(h.at(s.to-1)) + model.Time(in.after.middle), since: noTime, site: m.siteOf(key.group, s.stack)}
			if !slices.ContainsFunc(h.all, func(o critical) bool { return o.group == x.group && o.from < x.to && x.from < o.to }) {
				h.all = append(h.all, x)
			}
		}
		slices.SortStableFunc(h.all, func(a, b critical) int { return cmp.Compare(a.from, b.from) })
	}
}

// mark gives a goroutine marks where it takes and unlocks mutexes, and tells which of its
// waits are for them.
func (m *mutexes) mark(h *holder, numbers []int) {
	g := h.g
	for i := range h.all {
		x := &h.all[i]
		n := numbers[x.group]
		if n < 0 {
			continue
		}
		for k, b := range x.blocks {
			if g.lockAt == nil {
				g.lockAt = map[uint32]int{}
			}
			if g.lockAt[b] = n; k > 0 {
				g.lockAt[b] = -1 // it goes on waiting
			}
		}
		noticed := uint64(0)
		if x.unseen {
			noticed = byNobody
		}
		if !x.waited {
			g.holds = append(g.holds, placed{at: x.from, kind: markAcquire, a: uint64(n), b: noticed, stack: x.site})
		}
		if !x.woke {
			g.holds = append(g.holds, placed{at: x.to, kind: markRelease, a: uint64(n), b: noticed, stack: x.site})
		}
	}
	slices.SortStableFunc(g.holds, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
}
