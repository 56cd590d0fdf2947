package measure

import (
	"fmt"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

const (
	cpuLag     = 10_000_000 // ns that the kernel may count a running thread late: a tick of 100 Hz
	neitherMin = 5_000_000  // ns of a sample from which time without any account is no inexactness
	ranNothing = 10         // the part of a sample's time, a tenth, below which threads that ran did not really
)

// account is a thread's time on Ps before one sample, and what it had meanwhile.
type account struct {
	k                  int32
	held               int64 // with a P, running goroutines
	ran, waited, other int64 // parts of held: on a CPU, waiting for one, neither
}

// spare is what of held is not accounted for.
func (a *account) spare() int64 { return a.held - a.ran - a.waited }

// wait takes what there is room for of a wait, and returns how much that is.
func (a *account) wait(ns int64) int64 {
	part := min(ns, max(a.spare(), 0))
	a.waited += part
	return part
}

// sampleSum is all threads together before one sample.
type sampleSum struct {
	held, ran, waited, other int64
	quota                    int64 // of waited
	longest                  int64 // of other, of one thread
	all, wants               int64 // ns on CPUs and waiting for one, with or without a P
}

// solve divides all stretches, once.
func (m *Machine) solve() {
	if m.solved || !m.Said() {
		return
	}
	m.solved = true
	if m.useless = m.ofNoUse(); m.useless != "" {
		m.held = nil
		return
	}
	byThread := m.accounts()
	sums := make([]sampleSum, len(m.bounds))
	for id, list := range byThread {
		var counts []cpuCount
		if t := m.threads[id]; t != nil {
			counts = t.counts
		}
		settle(list, counts)
		for i := range list {
			sums[list[i].k].add(&list[i])
		}
	}
	whole := make([]int64, len(m.bounds)+1)
	for _, t := range m.threads {
		for _, c := range t.counts {
			sums[c.k].all += c.run
			m.wanted(sums, whole, c)
		}
	}
	m.wantedWhole(sums, whole)
	m.throttle(sums)
	m.late = make([]cpuLate, len(sums))
	for k := range sums {
		m.late[k] = m.lateIn(&sums[k], k, stopped(sums, k))
		m.rep.StoodStill += m.late[k].stood
	}
	m.slots = make([][]cpuSlot, len(m.held))
	for p := range m.held {
		for _, h := range m.held[p] {
			if list := byThread[m.s.Names.ThreadID(h.m)]; len(list) > 0 {
				if i, ok := slices.BinarySearchFunc(list, h.k, func(a account, k int32) int { return int(a.k - k) }); ok {
					m.slots[p] = append(m.slots[p], m.slot(h, &list[i], sums))
				}
			}
		}
	}
	m.held = nil
}

// stopped reports whether no thread with a P ran or waited for most of the time.
func (s *sampleSum) stopped() bool { return s.other*10 >= s.held*9 }

// stopped reports whether the process was stopped before sample k, or in part of that time
// and all of that beside it.
func stopped(sums []sampleSum, k int) bool {
	for i := max(k-1, 0); i < min(k+2, len(sums)); i++ {
		if sums[i].held > 0 && sums[i].stopped() {
			return sums[k].other > 0
		}
	}
	return false
}

func (s *sampleSum) add(a *account) {
	s.longest = max(s.longest, a.other)
	s.held += a.held
	s.ran += a.ran
	s.waited += a.waited
	s.other += a.other
}

// wanted takes a thread's wait, which is counted when it ends: in the sample that it began
// in, part of the time; in those after it, up to that in which it is told, all of it. Of
// these, whole keeps how many begin (1) and have ended (-1), for wantedWhole: one by one,
// long waits that are told again and again would take a step for each pair of samples.
func (m *Machine) wanted(sums []sampleSum, whole []int64, c cpuCount) {
	k := int(c.k)
	if k == 0 || c.wait == 0 {
		return
	}
	from := m.bounds[k] - model.Time(c.wait)
	began, _ := slices.BinarySearch(m.bounds[:k], from+1) // the first sample after from
	if began > 0 {
		sums[began].wants += int64(m.bounds[began] - from)
	}
	whole[began+1]++
	whole[k+1]--
}

// wantedWhole adds what threads waited for all of a sample's time.
func (m *Machine) wantedWhole(sums []sampleSum, whole []int64) {
	waiting := int64(0)
	for k := 1; k < len(sums); k++ {
		waiting += whole[k]
		length := int64(m.bounds[k] - m.bounds[k-1])
		if waiting > 0 && length > (1<<62)/waiting {
			sums[k].wants = 1 << 62 // whoever says so says anything
			continue
		}
		sums[k].wants += waiting * length
	}
}

// movesAtLeast is how many stretches of Ps there are at the least in which counters of
// threads that never move are no chance.
const movesAtLeast = 10

// ofNoUse is why nothing can be told from samples, "" if something can: threads that a P
// ran on are not among those sampled, or the kernel does not count what they ran. Both
// would look as if the threads had been stopped, or go unnoticed.
func (m *Machine) ofNoUse() string {
	sampled, others := map[int64]bool{}, map[int64]bool{}
	ever := false // ran anything, since it was started
	for p := range m.held {
		for _, h := range m.held[p] {
			id := m.s.Names.ThreadID(h.m)
			switch t := m.threads[id]; {
			case int(h.k) >= len(m.bounds) || id < 0: // after the last sample
			case t == nil:
				others[id] = true
			default:
				sampled[id] = true
				ever = ever || t.last.Run > 0
			}
		}
	}
	switch {
	case len(sampled) == 0 && len(others) > 0:
		return fmt.Sprintf("the samples are of another process, or were taken in another PID namespace (container): none of %s that ran goroutines in the trace is among %s that were sampled; name the process with --pid, or record where it runs",
			words.Plural(len(others), "thread"), words.Count(len(m.threads)))
	case len(sampled) > 0 && m.counts == 0 && (!ever || m.began >= movesAtLeast):
		return "the kernel does not tell what threads ran: their counters (schedstat) stand still while goroutines ran"
	}
	return ""
}

// accounts are the threads' time on Ps by sample, by the operating system's id, without
// what is not known: before a thread's first reading, and after the last sample.
func (m *Machine) accounts() map[int64][]account {
	all := map[int64][]account{}
	for p := range m.held {
		for _, h := range m.held[p] {
			id := m.s.Names.ThreadID(h.m)
			if t := m.threads[id]; t == nil || int(h.k) <= t.known || int(h.k) >= len(m.bounds) {
				continue
			}
			all[id] = append(all[id], account{k: h.k, held: h.ns})
		}
	}
	for id, list := range all {
		slices.SortStableFunc(list, func(a, b account) int { return int(a.k - b.k) })
		n := 0
		for i := range list {
			if n > 0 && list[n-1].k == list[i].k {
				list[n-1].held += list[i].held
				continue
			}
			list[n] = list[i]
			n++
		}
		all[id] = list[:n]
	}
	return all
}

// settle lays a thread's readings beside its time on Ps. The kernel counts a wait when
// it ends, and a run up to a tick late: what is more than there is room for belongs to
// the samples before.
func settle(list []account, counts []cpuCount) {
	i, below := 0, 0
	var open []int // of those below, the ones with room for waits, or which end a search for it
	for _, c := range counts {
		for i < len(list) && list[i].k < c.k {
			i++
		}
		at := i - 1
		if i < len(list) && list[i].k == c.k {
			at = i
		}
		run := c.run
		for j := at; j >= 0 && j >= at-1 && run > 0; j-- {
			room := list[j].spare()
			if j < at {
				room = min(room, cpuLag)
			}
			part := min(run, max(room, 0))
			list[j].ran += part
			run -= part
		}
		for ; below < at; below++ {
			open = append(open, below)
		}
		wait := c.wait
		if at >= 0 {
			wait -= list[at].wait(wait)
		}
		for len(open) > 0 && wait > 0 {
			a := &list[open[len(open)-1]]
			wait -= a.wait(wait)
			if a.ran > 0 {
				break // it ran then: it had not waited since before
			}
			if wait > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	for i := range list {
		if rest := list[i].spare(); rest >= neitherMin {
			list[i].other = rest
		}
	}
	for i := range list {
		if a := &list[i]; a.other*10 >= a.held*9 && a.other >= neitherMin {
			a.reach(list, i-1, -1)
			a.reach(list, i+1, 1)
		}
	}
}

// reach takes what is not accounted for in the sample beside one of which nothing is: what
// a thread ran is counted when it stops, and what stops it does so at any time.
func (a *account) reach(list []account, i int, by int32) {
	if i >= 0 && i < len(list) && list[i].k == a.k+by {
		list[i].other = max(list[i].other, list[i].spare())
	}
}

// throttle takes what the quota took out of the waits, once: it is counted when it ends,
// and so may belong to samples before. It is counted by CPUs, of which each may have had
// several threads to run: what waited while none of them ran at all waited for the quota.
// So it did while a sample was late, where the process itself takes them.
func (m *Machine) throttle(sums []sampleSum) {
	every, done := m.every(), 0 // all waits up to done are the quota's
	for k := 1; k < len(sums); k++ {
		now, was := m.sums[k].Throttled, m.sums[k-1].Throttled
		if now == nil || was == nil {
			continue
		}
		took := now.NS - was.NS
		for j, still := k, took; j > done && (took > 0 || still > 0); j-- {
			x, length := &sums[j], int64(m.bounds[j]-m.bounds[j-1])
			rest := x.waited - x.quota
			quota := min(took, rest)
			took -= quota
			if still > 0 {
				late := min(still, length-every)
				if x.all*ranNothing <= length {
					late = length
				}
				quota = max(quota, min(rest, int64(float64(x.held)*part(late, length))))
			}
			still -= length
			x.quota += quota
		}
		if took > 0 {
			done = k
		}
	}
}

// slot divides what a P's thread had no CPU for before one sample by reasons.
func (m *Machine) slot(h heldSlot, a *account, sums []sampleSum) cpuSlot {
	x, sum := cpuSlot{heldSlot: h}, &sums[a.k]
	share := float64(h.ns) / float64(max(a.held, 1))
	waited, other := share*float64(a.waited), share*float64(a.other)
	quota := waited * part(sum.quota, sum.waited)
	own := (waited - quota) * m.ownShare(sum, int(a.k))
	x.lost[report.LossQuota] = int64(quota)
	x.lost[report.LossOwn] = int64(own)
	x.lost[report.LossOthers] = int64(waited) - int64(quota) - int64(own)
	stolen := other * part(min(m.stole(int(a.k)), sum.other), sum.other)
	x.lost[report.LossHypervisor] = int64(stolen)
	rest := int64(other) - int64(stolen)
	if stopped(sums, int(a.k)) {
		x.lost[report.LossStopped] = rest
	} else {
		x.lost[report.LossKernel] = rest
	}
	return x
}

// lateIn is what kept threads without a P from a CPU before sample k.
func (m *Machine) lateIn(sum *sampleSum, k int, stopped bool) (x cpuLate) {
	if stopped {
		x.stood = max(0, sum.longest-m.stole(k))
	}
	x.waited = max(0, sum.wants-sum.waited)
	x.quota = part(sum.quota, sum.waited)
	x.own = m.ownShare(sum, k)
	return x
}

// ownShare is which part of their waits before sample k the threads waited for each other.
// Two things tell, and are taken together as odds are: they would have done so had the
// process had all CPUs that it may run on, as far as those had not been enough for what all
// its threads wanted to run; and who had the CPUs is the process by as much as it ran.
func (m *Machine) ownShare(sum *sampleSum, k int) float64 {
	cpus := m.rep.CPUs
	if cpus == 0 {
		cpus = m.rep.Online
	}
	if cpus == 0 || k == 0 {
		return 0
	}
	there := int64(cpus) * int64(m.bounds[k]-m.bounds[k-1])
	wants := int64(float64(sum.wants) * (1 - part(sum.quota, sum.waited)))
	anyway, had := part(sum.all+wants-there, wants), part(sum.all, there)
	own, others := anyway*had, (1-anyway)*(1-had)
	if own == 0 {
		return 0
	}
	return own / (own + others)
}

// stole is what the hypervisor took from the machine before sample k.
func (m *Machine) stole(k int) int64 {
	if k == 0 || m.sums[k].Steal < 0 || m.sums[k-1].Steal < 0 {
		return 0
	}
	return m.sums[k].Steal - m.sums[k-1].Steal
}

// part is a share, from 0 to 1.
func part(some, all int64) float64 {
	if all <= 0 || some <= 0 {
		return 0
	}
	return min(1, float64(some)/float64(all))
}

// Lacks are the stretches in which the process had least of the CPUs that it wanted: at
// least half of a sample lost, those beside each other taken together.
func (m *Machine) Lacks() (all []Lack) {
	m.solve()
	for p := range m.slots {
		for i := range m.slots[p] {
			x := &m.slots[p][i]
			lost := x.without()
			if lost*2 < x.ns {
				continue
			}
			if n := len(all) - 1; n >= 0 && all[n].P == model.ProcID(p) && x.start-all[n].To <= model.Time(neitherMin) {
				all[n].To, all[n].Lost = x.end, all[n].Lost+lost
				continue
			}
			all = append(all, Lack{model.ProcID(p), x.start, x.end, lost})
		}
	}
	return all
}

// Lack is a stretch in which a P's thread had a CPU for less than half of the time.
type Lack struct {
	P        model.ProcID
	From, To model.Time
	Lost     int64 // ns without a CPU
}
