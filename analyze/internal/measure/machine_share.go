package measure

import (
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Spread tells of a stretch of time in which samples it lies, and for how long: what is
// known between two of them is only known of all of that time.
func (m *Machine) Spread(from, to model.Time, in func(k int32, ns int64)) {
	m.split(from, to, func(k int32, from, to model.Time) { in(k, int64(to-from)) })
}

// split divides a stretch of time where samples were taken.
func (m *Machine) split(from, to model.Time, in func(k int32, from, to model.Time)) {
	k, _ := slices.BinarySearch(m.bounds, from+1)
	for ; from < to; k++ {
		end := to
		if k < len(m.bounds) {
			end = min(end, m.bounds[k])
		}
		in(int32(k), from, end)
		from = end
	}
}

// Lacked is for which share of the time that a P ran goroutines before sample k its thread
// had no CPU.
func (m *Machine) Lacked(p model.ProcID, k int32) float64 {
	m.solve()
	if p < 0 || int(p) >= len(m.slots) {
		return 0
	}
	list := m.slots[p]
	i, _ := slices.BinarySearchFunc(list, k, func(x cpuSlot, k int32) int { return int(x.k - k) })
	var lost, ns int64
	for ; i < len(list) && list[i].k == k; i++ {
		lost, ns = lost+list[i].without(), ns+list[i].ns
	}
	return part(lost, ns)
}

// LackedByAny is Lacked of all Ps together, and for which share of the time before sample k
// one P or more ran goroutines, at the most.
func (m *Machine) LackedByAny(k int32) (share, busy float64) {
	m.solve()
	if m.whole == nil {
		m.whole = make([]wholeSample, len(m.bounds))
		for p := range m.slots {
			for i := range m.slots[p] {
				x := &m.slots[p][i]
				w := &m.whole[x.k]
				w.lost, w.ns = w.lost+x.without(), w.ns+x.ns
			}
		}
	}
	if k <= 0 || int(k) >= len(m.whole) {
		return 0, 0
	}
	w := &m.whole[k]
	return part(w.lost, w.ns), part(w.ns, int64(m.bounds[k]-m.bounds[k-1]))
}

// wholeSample is all Ps together before a sample.
type wholeSample struct{ ns, lost int64 }

// without is for how long there was no CPU.
func (x *cpuSlot) without() (ns int64) {
	for _, lost := range x.lost {
		ns += lost
	}
	return ns
}

// cpuLate is what kept threads without a P from a CPU before a sample.
type cpuLate struct {
	waited, stood int64   // ns that they waited for one, in sum; that the whole process was stopped
	quota, own    float64 // parts of waited, the second of what the quota did not take
}

// DivideLate divides a stretch in which a P ran nothing although there was something to run:
// what of it the thread that was to do so had no CPU for, by reason, at the most. Which
// thread that was is not known: all that had no P and waited for a CPU count.
func (m *Machine) DivideLate(from, to model.Time) (lost report.CPULost) {
	m.solve()
	m.Spread(from, to, func(k int32, ns int64) {
		if int(k) >= len(m.late) {
			return
		}
		x := &m.late[k]
		stopped := min(ns, x.stood)
		waited := min(ns-stopped, x.waited)
		quota := int64(float64(waited) * x.quota)
		own := int64(float64(waited-quota) * x.own)
		lost.Add(report.CPULost{Quota: quota, Own: own, Others: waited - quota - own, Stopped: stopped})
	})
	return lost
}
