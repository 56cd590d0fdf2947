package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// locks answers: where did goroutines wait for mutexes, and what did the one
// that unlocked do meanwhile? It remembers the latest stretches of goroutines
// that were long enough to matter.
type locks struct {
	names   *names.Table
	mutexes *names.LockSites
	kinds   []int32 // by stack: index into sites + 1, 0 not looked at, -1 no mutex
	sites   []*lockSite
	byName  map[string]int32
	waits   stat.Sketch
	unknown int64 // waits for something of package sync, without a stack

	descheduled int64     // longest part of a wait that the holder spent waiting for a P
	behind      *lockSite // where

	recent [lockPast]pastG
	n      int
}

const (
	lockPast  = 2048
	lockGrain = 100_000   // ns: shorter stretches are not remembered
	lockSlow  = 1_000_000 // ns: holders are looked at in waits from this
	lockPeak  = 256       // goroutines blocked at one place that are counted
)

// pastG is a stretch of a goroutine that is over.
type pastG struct {
	start, end model.Time
	g          model.GoID
	site       int32 // that it waited at, 0 if not for a mutex
	state      model.GState
}

// lockSite is a place in the program that locks.
type lockSite struct {
	name       string
	waits      stat.Sketch
	open       []model.Time // ends of waits that overlap with the last
	peak       int
	held       holding
	late       int64 // waits of lockWait or longer that another goroutine ended
	lateNS     int64
	deschedMax int64
	longest    lockedOut
	worst      *stat.TopK[lockedOut] // by how long the one who unlocked had held it
}

// lockedOut is one wait for a mutex.
type lockedOut struct {
	start, end model.Time
	wait       int64
	g, by      model.GoID
	fn, stack  uint32
	held       holding
}

// holding is what holders did while others waited for them.
// rest is the time that they ran, or that is not known; others is the time before
// the last of them had got the mutex.
type holding struct{ runnable, syscall, blocked, rest, others int64 }

func newLocks(s *replay.Session) *locks {
	return &locks{names: s.Names, mutexes: &names.LockSites{Names: s.Names}, byName: map[string]int32{}}
}

func (l *locks) Watch(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		site := int32(0)
		if iv.State == model.GWaiting && iv.Reason == model.ReasonSync && !iv.Runtime {
			site = l.waited(iv)
		}
		if iv.End-iv.Start >= lockGrain && iv.State != model.GRunning {
			l.recent[l.n%lockPast] = pastG{iv.Start, iv.End, iv.G, site, iv.State}
			l.n++
		}
	}
}

// waited counts a wait of package sync and is the place, 0 if it was not for a
// mutex.
func (l *locks) waited(iv *model.GInterval) int32 {
	if iv.Stack == 0 {
		l.unknown++
		return 0
	}
	k := l.site(iv.Stack)
	if k < 0 {
		return 0
	}
	s, d := l.sites[k-1], int64(iv.End-iv.Start)
	l.waits.Add(d)
	s.waits.Add(d)
	s.count(iv)
	if d < lockSlow {
		return k
	}
	x := lockedOut{iv.Start, iv.End, d, iv.G, iv.By, iv.Func, iv.Stack, holding{others: d}}
	if iv.By != model.NoG {
		x.held = l.holder(iv, k)
	}
	s.held.add(&x.held)
	if d >= lockWait && iv.By != model.NoG {
		s.late++
		s.lateNS += d
	}
	if x.held.runnable > s.deschedMax {
		s.deschedMax = x.held.runnable
		if x.held.runnable > l.descheduled {
			l.descheduled, l.behind = x.held.runnable, s
		}
	}
	if d > s.longest.wait {
		s.longest = x
	}
	s.worst.Offer(d-x.held.others, x)
	return k
}

// count finds how many waits overlap, as threads.count does.
func (s *lockSite) count(iv *model.GInterval) {
	if iv.End-iv.Start < lockGrain {
		return
	}
	s.open = slices.DeleteFunc(s.open, func(end model.Time) bool { return end <= iv.Start })
	if len(s.open) < lockPeak {
		s.open = append(s.open, iv.End)
	}
	s.peak = max(s.peak, len(s.open))
}

// holder is what the goroutine that ended iv did in it, from its own last wait
// at that place on: before, somebody else held the mutex.
func (l *locks) holder(iv *model.GInterval, site int32) (h holding) {
	h.rest = int64(iv.End - iv.Start)
	for i := l.n - 1; i >= max(0, l.n-lockPast); i-- {
		x := &l.recent[i%lockPast]
		if x.end <= iv.Start {
			break
		}
		if x.g != iv.By {
			continue
		}
		if x.site == site {
			h.others = min(h.rest, max(0, int64(x.end-iv.Start)))
			h.rest -= h.others
			break
		}
		d := int64(x.end - max(x.start, iv.Start))
		h.rest -= d
		switch x.state {
		case model.GRunnable:
			h.runnable += d
		case model.GSyscall:
			h.syscall += d
		default:
			h.blocked += d
		}
	}
	return h
}

func (h *holding) add(o *holding) {
	h.runnable += o.runnable
	h.syscall += o.syscall
	h.blocked += o.blocked
	h.rest += o.rest
	h.others += o.others
}

// inTurn reports whether the place looks like one at which goroutines that have
// nothing to do wait to be the next that is blocked holding the mutex: somebody does
// all the time.
func (s *lockSite) inTurn(span int64) bool {
	return s.held.most() == &s.held.blocked && s.waits.Sum()*5 >= span*4
}

// most is the largest part.
func (h *holding) most() *int64 {
	best := &h.rest
	for _, p := range []*int64{&h.runnable, &h.syscall, &h.blocked} {
		if *p > *best {
			best = p
		}
	}
	return best
}

func (h *holding) why() string {
	switch h.most() {
	case &h.runnable:
		return "While others waited, the goroutine that held the mutex, or had been woken to take it, was mostly ready to run and waited for a P: with it everybody stood still who needs the mutex."
	case &h.syscall:
		return "While others waited, the goroutine that held the mutex was mostly in a system call (or in C)."
	case &h.blocked:
		return "While others waited, the goroutine that held the mutex was mostly blocked on something else."
	}
	return "While others waited, the goroutines that held the mutex were mostly running: more of them want it than can have it."
}

// did says in a few words what holders mostly did.
func (h *holding) did() string {
	switch h.most() {
	case &h.runnable:
		return "mostly waited for a P"
	case &h.syscall:
		return "was mostly in a system call"
	case &h.blocked:
		return "was mostly blocked"
	}
	return "mostly ran"
}

func (x *lockedOut) text(r bench) string {
	s := fmt.Sprintf("%s waited %s for a mutex", words.Goroutine(int64(x.g), r.Names.StartFunc(x.fn)), words.Length(x.wait))
	if x.by == model.NoG {
		return s
	}
	s += fmt.Sprintf(" until G%d unlocked it", x.by)
	switch h := &x.held; h.most() {
	case &h.runnable:
		s += fmt.Sprintf(", which waited %s of that for a P", words.Length(h.runnable))
	case &h.syscall:
		s += fmt.Sprintf(", which was in a system call for %s of that", words.Length(h.syscall))
	case &h.blocked:
		s += fmt.Sprintf(", which was blocked for %s of that", words.Length(h.blocked))
	}
	return s
}

// site is the place of a stack that waits for a mutex as an index into sites,
// counted from 1; -1 if it waits for something else.
func (l *locks) site(stack uint32) int32 {
	for int(stack) >= len(l.kinds) {
		l.kinds = append(l.kinds, 0)
	}
	if l.kinds[stack] == 0 {
		l.kinds[stack] = -1
		if name := l.mutexes.Locker(stack); name != "" {
			k, ok := l.byName[name]
			if !ok {
				l.sites = append(l.sites, &lockSite{name: name, worst: stat.NewTopK[lockedOut](report.MaxMoments)})
				k = int32(len(l.sites))
				l.byName[name] = k
			}
			l.kinds[stack] = k
		}
	}
	return l.kinds[stack]
}

// worstSite is the place with the longest time blocked, in long waits first; convoys
// before all, and those that look as if it were meant so behind all.
func (l *locks) worstSite(span int64) (worst *lockSite, convoy bool) {
	sites := slices.Clone(l.sites)
	is := func(s *lockSite) bool {
		return s.peak >= convoyWide && s.waits.Sum() >= span && s.waits.N() >= 2*convoyWide
	}
	slices.SortStableFunc(sites, func(a, b *lockSite) int {
		switch {
		case is(a) && !is(b):
			return -1
		case is(b) && !is(a):
			return 1
		case a.inTurn(span) != b.inTurn(span) && b.inTurn(span):
			return -1
		case a.inTurn(span) != b.inTurn(span):
			return 1
		}
		return cmp.Or(cmp.Compare(b.lateNS, a.lateNS), cmp.Compare(b.waits.Sum(), a.waits.Sum()), cmp.Compare(a.name, b.name))
	})
	if len(sites) == 0 {
		return nil, false
	}
	return sites[0], is(sites[0])
}
