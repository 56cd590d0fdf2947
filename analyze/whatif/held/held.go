// Package held finds out where goroutines had mutexes.
//
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
// mutexes, and nothing is told of them.
//
// Of an RWMutex readers have it together, so that only those who have it alone stand against
// them; and of readers who leave it before the last one nothing shows, as of those who come
// by a free one. Where nobody waited for an RWMutex at all, nothing of it is found.
package held

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/model"
)

// noTime stands where no time is known.
const noTime = model.Time(math.MinInt64)

// critical is a stretch in which a goroutine has a mutex.
type critical struct {
	group  int
	reads  bool       // beside other readers
	from   model.Time // it takes it: when it ran, if it waited for that; noTime while not known
	to     model.Time // it unlocks it; noTime while not known
	since  model.Time // by then it must have had it, as somebody waited; noTime if nobody did
	waited bool       // it had to wait for it
	woke   bool       // somebody waited when it unlocked it
	unseen bool       // nobody noticed
	blocks []uint32   // numbers of its waits
	site   uint32     // a stack that locks it
}

// class is what such stretches are alike in.
func (x *critical) class() class { return class{x.group, x.reads} }

// class are the stretches of a group's mutex of readers, or of those who have it alone.
type class struct {
	group int
	reads bool
}

// mutexes finds out where mutexes are held.
type mutexes struct {
	gs     []Goroutine
	stacks *names.LockSites
	from   model.Time
	to     model.Time
	sites  []lockSite
	byName map[lockName]int
	own    map[*Goroutine]*holder
	order  []*Goroutine // of own
	prefix map[anchor]*stretchLengths
	suffix map[anchor]*stretchLengths
	held   map[class]*stretchLengths
	inside map[anchor]*inside
	events [][]lockEvent // by group, in order
	may    map[anchor]bool
}

// lockSite is a function that locks.
type lockSite struct {
	lockName
	stack uint32
	group int
	lock  names.LockKind // the most of its stacks
	once  bool           // a sync.Once

	unlocks []uint32 // stacks that unlock it, the first few
}

// lockName is what stacks lock and unlock one mutex by.
type lockName struct {
	fn    string
	reads bool
}

// holder is a goroutine that has a mutex now and then.
type holder struct {
	g       *Goroutine
	steps   []Step
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
	class
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

// Goroutine is one of those of a trace.
type Goroutine struct {
	Steps   iter.Seq[Step] // in order of time
	Waits   []Wait         // for locks, that others ended
	Unlocks []Unlock       // that ended such
	Apart   bool           // the runtime's: it takes no mutex of the program
}

// Step is a stretch of a goroutine.
type Step struct {
	Kind     Kind
	From, To model.Time
	Stack    uint32 // that it stands with, else 0
}

// Kind is what a goroutine does.
type Kind uint8

// All else than computing, for itself or the collector, is to stand.
const (
	Computes Kind = iota
	Assists
	Stands
)

// Wait is one for a lock.
type Wait struct {
	Stack    uint32
	Block    uint32 // its number among the goroutine's waits, for whom asks
	From, To model.Time
}

// Unlock is that a goroutine ended another one's wait for a lock.
type Unlock struct {
	Since, At model.Time // when that began, and ended
	Stack     uint32     // that it waited with
	By        uint32     // that it was ended with
}

// Found is what Find finds.
type Found struct {
	Mutexes int            // how many, numbered from 0
	Of      map[uint32]int // those that stacks wait for
	Holds   [][]Hold       // by goroutine, in order of From
}

// Hold is a stretch in which a goroutine has a mutex.
type Hold struct {
	Mutex    int
	From, To model.Time
	Stack    uint32   // one that locks it, as here
	Blocks   []uint32 // numbers of the waits before it; none if it did not have to wait
	Woke     bool     // somebody waited when it unlocked it
	Unseen   bool     // nobody noticed: it is likely
}

// Find finds the mutexes of which it shows where they are held. The trace has them from one
// time to another.
func Find(gs []Goroutine, stacks *names.LockSites, from, to model.Time) *Found {
	m := &mutexes{gs: gs, stacks: stacks, from: from, to: to, byName: map[lockName]int{}, held: map[class]*stretchLengths{}, own: map[*Goroutine]*holder{}, prefix: map[anchor]*stretchLengths{}, suffix: map[anchor]*stretchLengths{}, inside: map[anchor]*inside{}, may: map[anchor]bool{}}
	m.collect()
	if len(m.sites) == 0 {
		return &Found{}
	}
	groups := m.groups()
	for _, g := range m.order {
		m.stretches(m.own[g])
	}
	for _, g := range m.order {
		for i := range m.own[g].all {
			m.learnBefore(m.own[g], &m.own[g].all[i])
		}
	}
	numbers, mutexes := m.single(groups)
	m.learn()
	for _, g := range m.order {
		m.complete(m.own[g])
	}
	m.imply(numbers)
	m.unseen(numbers)
	return m.tell(mutexes, numbers)
}

// tell is what was found.
func (m *mutexes) tell(mutexes int, numbers []int) *Found {
	out := &Found{Mutexes: mutexes, Of: map[uint32]int{}, Holds: make([][]Hold, len(m.gs))}
	for i := range m.gs {
		g := &m.gs[i]
		for _, u := range g.Unlocks {
			if site := m.site(u.Stack); site >= 0 && numbers[m.sites[site].group] >= 0 {
				out.Of[u.Stack] = numbers[m.sites[site].group]
			}
		}
		h := m.own[g]
		if h == nil {
			continue
		}
		for k := range h.all {
			if x := &h.all[k]; numbers[x.group] >= 0 {
				out.Holds[i] = append(out.Holds[i], Hold{Mutex: numbers[x.group], From: x.from, To: x.to, Stack: x.site, Blocks: x.blocks, Woke: x.woke, Unseen: x.unseen})
			}
		}
	}
	return out
}

// site is the number of the function that locks on a stack, -1 for none that can be told of.
func (m *mutexes) site(stack uint32) int {
	name := m.name(stack)
	if name.fn == "" {
		return -1
	}
	n, ok := m.byName[name]
	if !ok {
		n = len(m.sites)
		m.byName[name] = n
		m.sites = append(m.sites, lockSite{lockName: name, stack: stack, group: n})
	}
	x := m.stacks.Site(stack)
	m.sites[n].lock, m.sites[n].once = max(m.sites[n].lock, x.Lock), m.sites[n].once || x.Once
	return n
}

// name is what a stack locks or unlocks a mutex by.
func (m *mutexes) name(stack uint32) lockName {
	return lockName{m.stacks.Locker(stack), m.stacks.Site(stack).Reading}
}

func (m *mutexes) holder(g *Goroutine) *holder {
	h := m.own[g]
	if h == nil {
		h = &holder{g: g, steps: slices.Collect(g.Steps)}
		m.own[g] = h
		m.order = append(m.order, g)
	}
	return h
}

// collect gathers who waited and who unlocked.
func (m *mutexes) collect() {
	for i := range m.gs {
		g := &m.gs[i]
		for _, u := range g.Unlocks {
			if site := m.site(u.Stack); site >= 0 {
				h := m.holder(g)
				h.unlocks = append(h.unlocks, unlocked{site: site, at: u.At, since: u.Since, stack: u.By})
			}
		}
	}
	for i := range m.gs {
		g := &m.gs[i]
		for _, w := range g.Waits {
			if site := m.site(w.Stack); site >= 0 {
				h := m.holder(g)
				h.waits = append(h.waits, lockWait{site: site, block: w.Block, from: w.From, to: w.To})
			}
		}
		if h := m.own[g]; h != nil {
			slices.SortStableFunc(h.waits, func(a, b lockWait) int { return cmp.Compare(a.from, b.from) })
		}
	}
}

// groups puts sites together of which one unlocks what another one waits for, and returns how
// many groups there are.
func (m *mutexes) groups() int {
	for _, g := range m.order {
		for _, u := range m.own[g].unlocks {
			other, ok := m.byName[m.name(u.stack)]
			if !ok {
				other = u.site
			}
			if s := &m.sites[other]; len(s.unlocks) < unlocksKept && !slices.Contains(s.unlocks, u.stack) {
				s.unlocks = append(s.unlocks, u.stack)
			}
			if m.sites[other].group != m.sites[u.site].group {
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
		if s := &h.steps[i]; s.Kind != Stands {
			return s.From
		}
	}
	return h.end()
}

// at is the first step that does not end before a time.
func (h *holder) at(t model.Time) int {
	i, _ := slices.BinarySearchFunc(h.steps, t, func(s Step, t model.Time) int { return cmp.Compare(s.To, t+1) })
	return i
}

// end is the end of its last step.
func (h *holder) end() model.Time {
	if len(h.steps) == 0 { // it unlocked, and the trace tells no stretch of it
		return 0
	}
	return h.steps[len(h.steps)-1].To
}

// stretches finds those of a goroutine, as far as they show.
func (m *mutexes) stretches(h *holder) {
	last, opened := map[class]int{}, map[class]model.Time{} // its last one; when it last let somebody in
	waits, unlocks := h.waits, h.unlocks
	for len(waits)+len(unlocks) > 0 {
		if len(unlocks) == 0 || len(waits) > 0 && waits[0].from < unlocks[0].at {
			w := waits[0]
			waits = waits[1:]
			site := &m.sites[w.site]
			key, ran := class{site.group, site.reads}, h.ran(w.from)
			if i, ok := last[key]; ok {
				if x := &h.all[i]; x.waited && x.to == noTime && w.from-x.from < raceMost {
					x.from, x.blocks = ran, append(x.blocks, w.block)
					continue
				}
			}
			last[key] = len(h.all)
			h.all = append(h.all, critical{group: key.group, reads: key.reads, from: ran, to: noTime, since: noTime, waited: true, blocks: []uint32{w.block}, site: site.stack})
			continue
		}
		u := unlocks[0]
		unlocks = unlocks[1:]
		site, name := &m.sites[u.site], m.name(u.stack)
		key := class{site.group, name.reads}
		if before, ok := opened[key]; ok && site.lock != names.LockMutex && u.since < before && m.computes(h, before, u.at) {
			continue // it lets in all readers, and who is next to have it alone
		}
		opened[key] = u.at
		if i, ok := last[key]; ok && h.all[i].to == noTime && h.all[i].from <= u.at {
			h.all[i].to, h.all[i].woke, h.all[i].since = u.at, true, u.since
			continue
		}
		stack := u.stack
		if own, ok := m.byName[name]; ok {
			stack = m.sites[own].stack
		}
		last[key] = len(h.all)
		h.all = append(h.all, critical{group: key.group, reads: key.reads, from: noTime, to: u.at, since: u.since, woke: true, site: stack})
	}
}

// computes reports whether a goroutine did nothing else from one time to another.
func (m *mutexes) computes(h *holder, from, to model.Time) bool {
	i := h.before(to)
	return i < 0 || h.steps[i].To <= from
}

// single numbers the groups that are of one mutex each; others have -1. While one has it
// nobody else takes or unlocks it: where it seems so, who had it unlocked it before, with
// nobody waiting, and took it again; so did who seems to have it for much longer than others
// wait for it. Where even the shorter half of the stretches seems so,
// there are several, and where there are too few to tell there may be.
func (m *mutexes) single(groups int) (numbers []int, mutexes int) {
	m.events = make([][]lockEvent, groups)
	events := m.events
	all := map[class][]int64{}
	longest := m.longest(groups)
	for _, g := range m.order {
		for _, x := range m.own[g].all {
			if x.waited {
				events[x.group] = append(events[x.group], lockEvent{x.from, g, x.reads})
			}
			if x.woke {
				events[x.group] = append(events[x.group], lockEvent{x.to, g, x.reads})
			}
			if x.waited && x.woke && int64(x.to-x.from) <= longest[x.group] && m.own[g].block(x.from, m.keeps(&x)) >= x.to {
				all[x.class()] = append(all[x.class()], int64(x.to-x.from))
			}
		}
	}
	for group := range groups {
		slices.SortFunc(events[group], func(a, b lockEvent) int { return cmp.Compare(a.at, b.at) })
	}
	for _, list := range all {
		slices.Sort(list)
	}
	short, shared := make([]int, groups), make([]int, groups)
	for _, g := range m.order {
		h := m.own[g]
		for k := 0; k < len(h.all); k++ {
			x := &h.all[k]
			if !x.waited || !x.woke {
				continue
			}
			length, other := int64(x.to-x.from), othersIn(events[x.group], g, x.reads, x.from, x.to)
			switch usual := all[x.class()]; {
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
				again := critical{group: x.group, reads: x.reads, from: noTime, to: x.to, since: x.since, woke: true, site: x.site}
				x.to, x.since, x.woke = noTime, noTime, false
				h.all = slices.Insert(h.all, h.later(k, again.to), again)
			}
		}
	}
	numbers = make([]int, groups)
	for group := range groups {
		if numbers[group] = -1; m.alike(group) && short[group] >= lengthsLeast && float64(shared[group]) <= sharedMost*float64(short[group]) {
			numbers[group] = mutexes
			mutexes++
		}
	}
	return numbers, mutexes
}

// later is where a stretch that ends at a time comes among those after the k-th.
func (h *holder) later(k int, to model.Time) int {
	for k++; k < len(h.all) && (h.all[k].from == noTime && h.all[k].to < to || h.all[k].from != noTime && h.all[k].from < to); k++ {
	}
	return k
}

// alike reports whether a group's sites lock in ways that are known, which one mutex may have.
func (m *mutexes) alike(group int) bool {
	plain, shared := false, false
	for i := range m.sites {
		if s := &m.sites[i]; s.group == group {
			if s.once {
				return false
			}
			plain, shared = plain || s.lock == names.LockMutex, shared || s.lock != names.LockMutex
		}
	}
	return plain != shared
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
func (m *mutexes) keeps(x *critical) func(s *Step) bool {
	return func(s *Step) bool { return s.Stack == 0 || m.within(x.class(), s.Stack) }
}

// block is when the goroutine next begins to wait, from a time on, but for steps that don't count.
func (h *holder) block(from model.Time, but func(s *Step) bool) model.Time {
	for i := h.at(from); i < len(h.steps); i++ {
		if s := &h.steps[i]; s.From >= from && !but(s) {
			return s.From
		}
	}
	return model.Time(math.MaxInt64)
}

// blocked is when it ran after it last waited, by a time, but for steps that don't count.
func (h *holder) blocked(by model.Time, but func(s *Step) bool) model.Time {
	for i := min(h.at(by), len(h.steps)-1); i >= 0; i-- {
		if s := &h.steps[i]; s.To <= by && !but(s) {
			return h.runsAfter(i)
		}
	}
	return noTime
}

// othersBefore is when others than g had last to do with a mutex before it unlocked that.
func (m *mutexes) othersBefore(g *Goroutine, x *critical) model.Time {
	events := m.events[x.group]
	i, _ := slices.BinarySearchFunc(events, x.to-overlapOff, func(e lockEvent, t model.Time) int { return cmp.Compare(e.at, t) })
	for i--; i >= 0; i-- {
		if events[i].against(g, x.reads) {
			return events[i].at
		}
	}
	return noTime
}

// othersAfter is when others than g had first to do with a mutex after it took that.
func (m *mutexes) othersAfter(g *Goroutine, x *critical) model.Time {
	events := m.events[x.group]
	i, _ := slices.BinarySearchFunc(events, x.from+overlapOff, func(e lockEvent, t model.Time) int { return cmp.Compare(e.at, t) })
	for ; i < len(events); i++ {
		if events[i].against(g, x.reads) {
			return events[i].at
		}
	}
	return model.Time(math.MaxInt64)
}

// beganAnew reports whether within a stretch a goroutine did what is done before one.
func (m *mutexes) beganAnew(h *holder, x *critical) bool {
	for i := h.at(x.from); i < len(h.steps) && h.steps[i].From < x.to; i++ {
		if l := m.prefix[anchor{x.class(), h.steps[i].Stack}]; l != nil && h.steps[i].From >= x.from && h.steps[i].Stack != 0 && len(l.all) >= lengthsLeast {
			return true
		}
	}
	return false
}

// lockEvent is that a goroutine took or unlocked a mutex.
type lockEvent struct {
	at    model.Time
	g     *Goroutine
	reads bool
}

// against reports whether g can't have had the mutex then.
func (e *lockEvent) against(g *Goroutine, reads bool) bool { return e.g != g && !(e.reads && reads) }

// othersIn reports whether others took or unlocked it between two times, while g can't have had it.
func othersIn(events []lockEvent, g *Goroutine, reads bool, from, to model.Time) bool {
	i, _ := slices.BinarySearchFunc(events, from+overlapOff, func(e lockEvent, t model.Time) int { return cmp.Compare(e.at, t) })
	for ; i < len(events) && events[i].at < to-overlapOff; i++ {
		if events[i].against(g, reads) {
			return true
		}
	}
	return false
}

// before is the last step that is not computing and ends by a time, -1 for none.
func (h *holder) before(t model.Time) int {
	i := h.at(t)
	for i--; i >= 0; i-- {
		if s := &h.steps[i]; s.Kind == Stands && s.To <= t {
			return i
		}
	}
	return -1
}

// after is the first step that is not computing and begins at a time or later.
func (h *holder) after(t model.Time) int {
	for i := h.at(t); i < len(h.steps); i++ {
		if s := &h.steps[i]; s.Kind == Stands && s.From >= t {
			return i
		}
	}
	return len(h.steps)
}

// runsAfter is when it ran after a step.
func (h *holder) runsAfter(i int) model.Time {
	for k := i + 1; k < len(h.steps); k++ {
		if s := &h.steps[k]; s.Kind != Stands {
			return s.From
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
				at(m.suffix, anchor{x.class(), h.steps[i].Stack}).add(h.steps[i].From - x.to)
			}
			if x.from == noTime {
				continue
			}
			at(m.held, x.class()).add(x.to - x.from)
			for i := h.at(x.from); i < len(h.steps) && h.steps[i].To <= x.to; i++ {
				if s := &h.steps[i]; s.From >= x.from && s.Stack != 0 && m.within(x.class(), s.Stack) {
					in := at(m.inside, anchor{x.class(), s.Stack})
					in.before.add(s.From - x.from)
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
	for _, l := range m.held {
		l.settle()
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
		at(m.prefix, anchor{x.class(), h.steps[i].Stack}).add(h.waits[w].from - h.runsAfter(i))
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
func (m *mutexes) within(of class, stack uint32) bool {
	key := anchor{of, stack}
	is, ok := m.may[key]
	if !ok {
		is = !m.stacks.Site(stack).Parted && m.siteOf(of, stack) != 0
		m.may[key] = is
	}
	return is
}

// siteOf is a stack that locks a group's mutex in a function that is on another one, 0 for
// none.
func (m *mutexes) siteOf(of class, stack uint32) uint32 {
	l := m.stacks
	for i := range m.sites {
		s := &m.sites[i]
		if (class{s.group, s.reads}) == of && slices.ContainsFunc(s.unlocks, func(u uint32) bool { return l.Holding(stack, l.Site(s.stack), l.Site(u)) }) {
			return s.stack
		}
	}
	return 0
}

// complete places the ends that do not show.
func (m *mutexes) complete(h *holder) {
	for k := range h.all {
		x := &h.all[k]
		least, most := m.from, h.end()
		for i := k - 1; i >= 0; i-- {
			if h.all[i].group == x.group {
				least = max(least, h.all[i].to)
				break
			}
		}
		for i := k + 1; i < len(h.all); i++ {
			if o := &h.all[i]; o.group == x.group {
				if o.from != noTime {
					most = min(most, o.from)
				} else {
					most = min(most, o.to)
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
	d := m.held[x.class()]
	if d == nil {
		d = &stretchLengths{spread: slowest}
	}
	at := guess{x.to - model.Time(d.middle), d.spread}
	for i := h.before(x.since); i >= 0; i = h.before(h.steps[i].From) {
		if l := m.prefix[anchor{x.class(), h.steps[i].Stack}]; l != nil && l.spread != slowest {
			at = at.or(h.runsAfter(i)+model.Time(l.middle), l.spread)
			break
		}
	}
	if i := h.before(x.to); i >= 0 {
		if in := m.inside[anchor{x.class(), h.steps[i].Stack}]; in != nil {
			at = at.or(h.steps[i].From-model.Time(in.before.middle), in.before.spread)
		}
	}
	if at.spread == slowest {
		return x.since - (x.to - x.since)
	}
	return at.at
}

// freedAt is when a goroutine likely unlocked what it took.
func (m *mutexes) freedAt(h *holder, x *critical) model.Time {
	d := m.held[x.class()]
	if d == nil {
		d = &stretchLengths{spread: slowest}
	}
	at := guess{x.from + model.Time(d.middle), d.spread}
	first := h.after(x.from)
	for i := first; i < len(h.steps); i = h.after(h.steps[i].To) {
		if l := m.suffix[anchor{x.class(), h.steps[i].Stack}]; l != nil && l.spread != slowest {
			at = at.or(h.steps[i].From-model.Time(l.middle), l.spread)
			break
		}
	}
	if first < len(h.steps) {
		if in := m.inside[anchor{x.class(), h.steps[first].Stack}]; in != nil {
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
		if other, ok := known[key.stack]; numbers[key.group] >= 0 && len(in.before.all) >= lengthsLeast && (!ok || key.group < other.group || key.group == other.group && other.reads) {
			known[key.stack] = key
		}
	}
	if len(known) == 0 {
		return
	}
	for i := range m.gs {
		g := &m.gs[i]
		if g.Apart {
			continue
		}
		var steps []Step
		for s := range g.Steps {
			if _, ok := known[s.Stack]; ok && s.Stack != 0 {
				steps = append(steps, s)
			}
		}
		if len(steps) == 0 {
			continue
		}
		h := m.holder(g)
		for _, s := range steps {
			key := known[s.Stack]
			in := m.inside[key]
			x := critical{group: key.group, reads: key.reads, from: s.From - model.Time(in.before.middle), to: h.runsAfter(h.at(s.To-1)) + model.Time(in.after.middle), since: noTime, site: m.siteOf(key.class, s.Stack)}
			if !slices.ContainsFunc(h.all, func(o critical) bool { return o.group == x.group && o.from < x.to && x.from < o.to }) {
				h.all = append(h.all, x)
			}
		}
		slices.SortStableFunc(h.all, func(a, b critical) int { return cmp.Compare(a.from, b.from) })
	}
}
