package measure

import (
	"cmp"
	"fmt"
	"slices"

	"gmptrace/analyze/machine"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// Machine answers: did threads that had a P have a CPU as well? What the machine said
// comes with the trace's log messages, or out of a file beside it. Time is divided by
// samples: between two of them it is known how long a thread ran and waited for a CPU,
// not when.
type Machine struct {
	s       *replay.Session
	decoder machine.Decoder
	inTrace bool
	losses  machine.Losses
	rep     report.Machine
	bounds  []model.Time // when samples were taken, each later than the one before
	sums    []machine.Sample
	threads map[int64]*cpuThread // by the operating system's id
	held    [][]heldSlot         // by P
	asked   model.Time           // when the snapshot was asked for; -1 not told
	counts  int                  // readings of threads that are kept
	helds   int                  // of held together
	began   int                  // stretches that it was told of
	solved  bool
	useless string      // why nothing can be told from samples that are there; "" where it can
	slots   [][]cpuSlot // by P, in order of time
	late    []cpuLate   // by sample
	whole   []wholeSample
}

// maxCounts is how many readings of threads are kept: an hour of eight busy ones.
const maxCounts = 3_000_000

// maxHeld is how many stretches of Ps are kept: an hour of 16 busy ones.
const maxHeld = 6_000_000

// cpuThread is a thread's readings.
type cpuThread struct {
	known  int // the sample that it was read in first: what came before it is not known
	last   machine.Thread
	counts []cpuCount
}

// cpuCount is what a thread had between a sample and the one before.
type cpuCount struct {
	k         int32
	run, wait int64
}

// heldSlot is how long a thread ran goroutines on a P before a sample, since the one
// before.
type heldSlot struct {
	k          int32
	m          model.MIndex
	start, end model.Time // of the first and the last of it
	ns         int64
	n          int64      // stretches that ns is the sum of
	from, to   model.Time // the longest of them
}

// cpuSlot is what became of a stretch of a P.
type cpuSlot struct {
	heldSlot
	lost [report.NumCPULosses]int64
}

// NewMachine makes Machine, for replay.Shared.
func NewMachine(s *replay.Session) *Machine {
	m := &Machine{s: s, threads: map[int64]*cpuThread{}, rep: report.Machine{Stolen: -1, Asleep: -1, Pressure: -1, Doubts: []string{}}}
	if s.Machine != nil {
		m.losses = s.Machine.Losses
		for i := range s.Machine.Records {
			m.take(&s.Machine.Records[i], -1)
		}
	}
	return m
}

func (m *Machine) Watch(f *model.Facts) {
	for i := range f.Events {
		ev := &f.Events[i]
		if ev.Op != model.OpLog || ev.Flags&model.FlagMachine == 0 || m.s.Machine != nil {
			continue
		}
		m.inTrace = true
		if rec, ok := m.decoder.Line(m.s.Names.Texts[ev.Arg]); ok {
			m.take(&rec, ev.Time)
		}
	}
	if len(m.bounds) == 0 {
		return // what comes before the first sample is not known
	}
	for i := range f.Ps {
		iv := &f.Ps[i]
		if iv.Does == model.PDoesRun && iv.M >= 0 {
			m.hold(iv)
		}
	}
}

// take takes what a line told, at a time of the trace, or at its own if that is -1.
func (m *Machine) take(rec *machine.Record, at model.Time) {
	switch r := &m.rep; {
	case rec.Machine != nil:
		r.Host, r.CPUs, r.Online, r.SMT = rec.Machine.Host, int(rec.Machine.CPUs), int(rec.Machine.Online), int(rec.Machine.SMT)
	case rec.Quota != nil:
		r.QuotaCPUs, r.Period = rec.Quota.CPUs(), rec.Quota.Period
	case rec.Go != nil:
		r.GOGC, r.GOMEMLIM, r.GomaxprocsSource = int(rec.Go.GOGC), rec.Go.GOMEMLIMIT, rec.Go.Source
	case rec.Snapshot != nil:
		x := rec.Snapshot
		m.asked = at
		r.Snapshot = &report.SnapshotWhy{Trigger: x.Trigger, Name: x.Name, TookNS: x.Took, Host: x.Host, Build: x.Build, Trace: x.Trace, Span: x.Span}
	case rec.Sample != nil:
		if at < 0 {
			at = model.Time(rec.Sample.At)
		}
		m.sample(rec.Sample, at)
	}
}

func (m *Machine) sample(x *machine.Sample, at model.Time) {
	if last := len(m.sums) - 1; last < 0 || m.sums[last].At != x.At {
		if last >= 0 && at <= m.bounds[last] {
			return // told late: the next one tells it too
		}
		m.bounds = append(m.bounds, at)
		m.sums = append(m.sums, machine.Sample{At: x.At, Throttled: x.Throttled, Steal: x.Steal, Stall: x.Stall, Asleep: x.Asleep})
	}
	k := len(m.sums) - 1
	for _, t := range x.Threads {
		m.count(t, k)
	}
}

// count takes the reading of a thread.
func (m *Machine) count(t machine.Thread, k int) {
	x := m.threads[t.ID]
	if x == nil {
		m.threads[t.ID] = &cpuThread{known: k, last: t}
		return
	}
	run, wait := t.Run-x.last.Run, t.Wait-x.last.Wait
	x.last = t
	if run < 0 || wait < 0 || run == 0 && wait == 0 || m.counts == maxCounts {
		return
	}
	m.counts++
	x.counts = append(x.counts, cpuCount{int32(k), run, wait})
}

// hold takes a stretch in which a P ran a goroutine, in the samples that it lies in.
func (m *Machine) hold(iv *model.PInterval) {
	for int(iv.P) >= len(m.held) {
		m.held = append(m.held, nil)
	}
	m.began++
	m.split(iv.Start, iv.End, func(k int32, from, to model.Time) {
		m.holdPart(iv.P, heldSlot{k: k, m: iv.M, start: from, end: to, ns: int64(to - from), n: 1, from: from, to: to})
	})
}

func (m *Machine) holdPart(p model.ProcID, x heldSlot) {
	list := m.held[p]
	if n := len(list) - 1; n >= 0 && list[n].k == x.k && list[n].m == x.m {
		list[n].join(x)
		return
	}
	if m.helds == maxHeld {
		return
	}
	m.helds++
	m.held[p] = append(list, x)
}

// join takes in a stretch that follows.
func (h *heldSlot) join(next heldSlot) {
	h.end, h.ns, h.n = next.end, h.ns+next.ns, h.n+next.n
	if next.to-next.from > h.to-h.from {
		h.from, h.to = next.from, next.to
	}
}

// GOGC is what the program ran with, in percent; 0 if that was not told, or it was off.
func (m *Machine) GOGC() int { return max(m.rep.GOGC, 0) }

// Said reports whether the machine said anything of use.
func (m *Machine) Said() bool { return len(m.bounds) > 1 && m.useless == "" }

// SaidBefore reports whether it had said anything before a time of what has been told:
// what comes before its first sample is not known. A file in which no thread ever runs
// says nothing.
func (m *Machine) SaidBefore(t model.Time) bool {
	return len(m.bounds) > 0 && m.bounds[0] < t && (m.inTrace || m.counts > 0)
}

// Divide divides a stretch in which a P ran goroutines: what of it the thread had no CPU
// for, by reason, as far as it is known.
func (m *Machine) Divide(p model.ProcID, from, to model.Time) (lost report.CPULost) {
	m.solve()
	if p < 0 || int(p) >= len(m.slots) {
		return lost
	}
	list := m.slots[p]
	i, _ := slices.BinarySearchFunc(list, from, func(x cpuSlot, t model.Time) int { return int(min(max(x.end-t, -1), 1)) })
	for ; i < len(list) && list[i].start < to; i++ {
		x := &list[i]
		share := x.share(from, to)
		if share == 0 {
			continue
		}
		for why := range report.NumCPULosses {
			*lost.At(why) += int64(share * float64(x.lost[why]))
		}
	}
	return lost
}

// share is which part of what is lost in a slot lies between two times. A thread without a
// CPU does nothing that a trace tells: what the slot's longest stretch is longer than the
// others are on average was lost there as far as that goes, the rest in proportion.
func (x *cpuSlot) share(from, to model.Time) float64 {
	part := min(to, x.end) - max(from, x.start)
	lost := float64(x.without())
	if part <= 0 || x.ns == 0 || lost == 0 {
		return 0
	}
	evenly := min(1, float64(part)/float64(x.ns))
	longest := float64(x.to - x.from)
	if x.n < 2 || longest == 0 {
		return evenly
	}
	there := min(lost, max(0, longest-(float64(x.ns)-longest)/float64(x.n-1)))
	in := float64(max(0, min(to, x.to)-max(from, x.from))) / longest
	return min(1, (there*in+(lost-there)*evenly)/lost)
}

// Fill fills in what the machine said; nothing if it said nothing.
func (m *Machine) Fill(rep *report.Report) {
	if !m.Said() && m.rep.Snapshot == nil && !m.inTrace && m.s.Machine == nil {
		return
	}
	m.solve()
	r := m.rep
	r.Source = "file"
	if m.inTrace {
		r.Source, m.losses = "trace", m.decoder.Losses
	}
	r.Samples = len(m.bounds)
	r.Every = m.every()
	r.Spans = m.stretches()
	for p := range m.slots {
		for i := range m.slots[p] {
			x := &m.slots[p][i]
			r.Wanted += x.ns
			for why := range report.NumCPULosses {
				*r.Lost.At(why) += x.lost[why]
			}
		}
	}
	m.fillCounters(&r)
	r.Doubts = append(r.Doubts, m.doubts()...)
	if r.Snapshot != nil {
		rep.Trace.Notes = append(rep.Trace.Notes, m.whySnapshot())
	}
	rep.Machine = &r
}

// whySnapshot says why the trace was written, and whether it reaches back far enough to
// show that.
func (m *Machine) whySnapshot() string {
	s := m.rep.Snapshot
	text := "A flight recorder wrote this snapshot on " + cmp.Or(s.Host, "a host that it does not name") + ": " + s.Trigger
	if s.Name != "" {
		text += " (" + s.Name + ")"
	}
	if s.TookNS > 0 {
		text += ", took " + words.Length(s.TookNS)
	}
	if began := m.asked - model.Time(s.TookNS); s.TookNS > 0 && m.asked >= 0 && began < m.s.Zero {
		text += fmt.Sprintf("; the trace holds only its last %s: a larger MinAge or MaxBytes would hold more", words.Length(int64(m.asked-m.s.Zero)))
	}
	return text + "."
}

// stretches are what the samples told, in order of time: those of the trace's own time, joined
// where they are too many.
func (m *Machine) stretches() []report.CPUSpan {
	first, _ := slices.BinarySearch(m.bounds, m.s.Zero+1)
	first = max(first, 1) // the sample that ends the first one
	last := len(m.bounds) - 1
	if m.s.End > 0 {
		last, _ = slices.BinarySearch(m.bounds, m.s.End)
		last = min(last, len(m.bounds)-1)
	}
	if last < first {
		return nil
	}
	joined := (last-first)/report.MaxCPUSpans + 1
	all := make([]report.CPUSpan, (last-first)/joined+1)
	for k := first; k <= last; k++ {
		x := &all[(k-first)/joined]
		if (k-first)%joined == 0 {
			x.Start = max(0, int64(m.bounds[k-1]-m.s.Zero))
		}
		x.End = int64(m.bounds[k] - m.s.Zero)
		if m.s.End > 0 {
			x.End = min(x.End, int64(m.s.End-m.s.Zero))
		}
		if now, was := m.sums[k].Asleep, m.sums[k-1].Asleep; now >= 0 && was >= 0 {
			x.Asleep += max(0, now-was)
		}
	}
	for p := range m.slots {
		for i := range m.slots[p] {
			if s := &m.slots[p][i]; int(s.k) >= first && int(s.k) <= last {
				x := &all[(int(s.k)-first)/joined]
				x.Wanted += s.ns
				for why := range report.NumCPULosses {
					*x.Lost.At(why) += s.lost[why]
				}
			}
		}
	}
	return all
}

// fillCounters fills in what the machine's counters grew by during the trace.
func (m *Machine) fillCounters(r *report.Machine) {
	if len(m.sums) < 2 {
		return
	}
	from, _ := slices.BinarySearch(m.bounds, m.s.Zero+1)
	to := len(m.bounds) - 1
	if m.s.End > 0 {
		to, _ = slices.BinarySearch(m.bounds, m.s.End)
	}
	first, last := &m.sums[max(from-1, 0)], &m.sums[min(to, len(m.sums)-1)]
	if first.Throttled != nil && last.Throttled != nil {
		r.Throttled = &report.Throttled{Periods: last.Throttled.Periods - first.Throttled.Periods,
			Over: last.Throttled.Over - first.Throttled.Over, NS: last.Throttled.NS - first.Throttled.NS}
	}
	if first.Steal >= 0 && last.Steal >= 0 {
		r.Stolen = last.Steal - first.Steal
	}
	if first.Asleep >= 0 && last.Asleep >= 0 {
		r.Asleep = last.Asleep - first.Asleep
	}
	if first.Stall >= 0 && last.Stall >= 0 && last.At > first.At {
		r.Pressure = part(last.Stall-first.Stall, last.At-first.At)
	}
}

// every is the median time between samples.
func (m *Machine) every() int64 {
	var d []model.Time
	for i := 1; i < len(m.bounds); i++ {
		d = append(d, m.bounds[i]-m.bounds[i-1])
	}
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return int64(d[len(d)/2])
}

// doubts is what of the evidence could not be used.
func (m *Machine) doubts() (all []string) {
	l := m.losses
	for _, d := range []struct {
		n    int64
		text string
	}{
		{l.Bad, "lines that could not be read"},
		{l.Unknown, "lines or fields of another version"},
		{l.Backs, "counters or times that went backwards"},
		{l.Threads, "threads too many"},
	} {
		if d.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", d.n, d.text))
		}
	}
	switch {
	case len(m.bounds) < 2:
		all = append(all, "fewer than two samples: nothing can be told from them")
	case m.s.End > 0 && (m.bounds[0] > m.s.End || m.bounds[len(m.bounds)-1] < m.s.Zero):
		all = append(all, "the samples are of another time than the trace: of another run, or the trace's clock is not CLOCK_MONOTONIC (before Go 1.22, or not on Linux)")
	}
	if m.useless != "" {
		all = append(all, m.useless)
	}
	if m.counts == maxCounts {
		all = append(all, fmt.Sprintf("more than %d readings of threads: those after them were not kept", maxCounts))
	}
	if m.helds == maxHeld {
		all = append(all, fmt.Sprintf("more than %d stretches of Ps between samples: those after them were not kept", maxHeld))
	}
	return all
}
