package measure

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// mmu answers: how little of the Ps did collecting garbage leave to the program, in the
// worst window of each length? It adds up what the collector took in columns that become
// wider with the trace: mark workers and assists their P, a stopped world all of them.
type mmu struct {
	stood  *replay.Stood
	zero   model.Time
	window *replay.Window
	shift  uint      // a column is 1<<shift nanoseconds wide
	taken  []float64 // P time, by column
	halted []float64 // time in which the world was stopped, by column

	stops int // pauses under way
	began model.Time
	worst int64 // the longest time in which the world was stopped
}

const (
	mmuColumns = 1 << 14
	mmuShift   = 14 // 16 µs, at first
)

// NewMMU makes mmu, for replay.Shared.
func NewMMU(s *replay.Session) *mmu {
	replay.Shared(s, NewGC) // whether anything was collected
	return &mmu{stood: replay.Shared(s, replay.NewStood), zero: s.Zero, window: s.Window, shift: mmuShift, taken: make([]float64, mmuColumns), halted: make([]float64, mmuColumns)}
}

func (m *mmu) Watch(f *model.Facts) {
	for i := range f.Ps {
		if iv := &f.Ps[i]; iv.Does == model.PDoesRun && iv.Worker {
			m.add(m.taken, iv.Start, iv.End)
		}
	}
	for _, i := range m.stood.Marks {
		if iv := &f.Gs[i]; iv.State == model.GRunning {
			m.add(m.taken, iv.Start, iv.End)
		}
	}
	for i := range m.stood.Events {
		m.event(&m.stood.Events[i])
	}
}

func (m *mmu) event(ev *model.Event) {
	switch {
	case ev.Op == model.OpGeneration && ev.Arg != 0: // events were lost: how long a pause took is not known
		m.stops = 0
	case ev.Op == model.OpSTWBegin:
		if m.stops++; m.stops == 1 {
			m.began = ev.Time
		}
	case ev.Op == model.OpSTWEnd && m.stops > 0:
		if m.stops--; m.stops == 0 { // one inside of another stops nothing more
			m.worst = max(m.worst, m.add(m.halted, m.began, ev.Time))
		}
	}
}

// add adds the part of a stretch that was analysed to columns, and returns how long it is.
func (m *mmu) add(columns []float64, start, end model.Time) int64 {
	start, end, ok := m.window.Clip(start, end)
	if !ok || end <= start {
		return 0
	}
	from, to := max(0, int64(start-m.zero)), max(0, int64(end-m.zero))
	m.reach(to)
	for at := from; at < to; {
		next := min(to, (at>>m.shift+1)<<m.shift)
		columns[at>>m.shift] += float64(next - at)
		at = next
	}
	return to - from
}

// reach doubles the columns' width until an offset lies within them.
func (m *mmu) reach(off int64) {
	for ; off>>m.shift >= mmuColumns; m.shift++ {
		for _, columns := range [][]float64{m.taken, m.halted} {
			for i := range mmuColumns / 2 {
				columns[i] = columns[2*i] + columns[2*i+1]
			}
			clear(columns[mmuColumns/2:])
		}
	}
}

// Fill adds the curve. A window that fits into a pause has nothing; others are told from a
// column's width on.
func (m *mmu) Fill(r *report.Report) {
	from, to := r.Trace.From>>m.shift, r.Trace.To>>m.shift // whole columns alone, but for one that is all there is
	n := int(min(max(1, to-from), mmuColumns-from))
	if m.worst == 0 && r.GC.Cycles == 0 || n <= 0 {
		return
	}
	if m.worst > 0 && m.worst < 1<<m.shift {
		r.GC.MMU = append(r.GC.MMU, report.MMUPoint{Window: m.worst})
	}
	sums := make([]float64, n+1) // of what was left, up to a column
	for i := range n {
		sums[i+1] = sums[i] + m.left(from+int64(i), r.Trace.Gomaxprocs)
	}
	for w := 1; w <= n; w *= 2 {
		least := 1.0
		for i := range n - w + 1 {
			least = min(least, (sums[i+w]-sums[i])/float64(w))
		}
		r.GC.MMU = append(r.GC.MMU, report.MMUPoint{Window: int64(w) << m.shift, Utilisation: max(0, least)})
	}
}

// left is the share of the Ps' time in a column that the program had or could have had.
func (m *mmu) left(column int64, procs []report.Gomaxprocs) float64 {
	width := float64(int64(1) << m.shift)
	ps := 1.0
	for _, p := range procs {
		if p.N > 0 && (p.At <= column<<m.shift || ps == 1) {
			ps = float64(p.N)
		}
	}
	return max(0, 1-m.halted[column]/width-m.taken[column]/(width*ps))
}
