package measure

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// columns answers: what did the whole trace look like? It keeps a fixed number
// of columns and doubles their width whenever the trace grows past the last
// one, so that a trace of any length takes the same memory.
type columns struct {
	stood *replay.Stood
	zero  model.Time
	shift uint       // a column is 1<<shift nanoseconds wide
	end   model.Time // of the last column, where the next one would begin

	runnable timeSums
	marks    timeSums // mark phases
	stw      timeSums
	peak     []int32
	procs    []*[report.NumSliceKinds]timeSums
}

// timeSums is the time that intervals cover in each column. Columns that an
// interval covers whole are counted at its ends, so that adding one takes the
// same time however long it is.
type timeSums struct {
	part []int64 // time in columns covered in part
	full []int64 // change of the number of intervals that cover the column whole
}

func (s *timeSums) grow() {
	if s.part == nil {
		s.part = make([]int64, report.OverviewColumns+1)
		s.full = make([]int64, report.OverviewColumns+1)
	}
}

func (s *timeSums) add(from, to int64, shift uint) {
	s.grow()
	a, b := from>>shift, to>>shift
	if a == b {
		s.part[a] += to - from
		return
	}
	s.part[a] += (a+1)<<shift - from
	s.part[b] += to - b<<shift
	s.full[a+1]++
	s.full[b]--
}

// sums are the covered times of every column.
func (s *timeSums) sums(shift uint) []int64 {
	s.grow()
	out := make([]int64, report.OverviewColumns)
	var covering int64
	for i := range out {
		covering += s.full[i]
		out[i] = s.part[i] + covering<<shift
	}
	return out
}

// double merges pairs of columns.
func (s *timeSums) double(shift uint) {
	if s.part == nil {
		return
	}
	sums := s.sums(shift)
	clear(s.part)
	clear(s.full)
	for i, v := range sums {
		s.part[i/2] += v
	}
}

const firstShift = 10 // columns of about a microsecond

// NewColumns makes columns, for replay.Shared.
func NewColumns(s *replay.Session) *columns {
	replay.Shared(s, NewGC) // whose ranges it draws
	return &columns{stood: replay.Shared(s, replay.NewStood), zero: s.Zero, shift: firstShift, peak: make([]int32, report.OverviewColumns+1)}
}

// reach doubles the columns' width until at lies within them, and is at's
// offset from the trace's beginning.
func (o *columns) reach(at model.Time) int64 {
	off := max(0, int64(at-o.zero))
	if at < o.end { // nearly always
		return off
	}
	for off>>o.shift >= report.OverviewColumns {
		o.runnable.double(o.shift)
		o.marks.double(o.shift)
		o.stw.double(o.shift)
		for _, p := range o.procs {
			if p != nil {
				for k := range p {
					p[k].double(o.shift)
				}
			}
		}
		for i := range report.OverviewColumns / 2 {
			o.peak[i] = max(o.peak[2*i], o.peak[2*i+1])
		}
		clear(o.peak[report.OverviewColumns/2:])
		o.shift++
	}
	o.end = o.zero + report.OverviewColumns<<o.shift
	return off
}

func (o *columns) add(s *timeSums, from, to model.Time) {
	b := o.reach(to)
	s.add(max(0, int64(from-o.zero)), b, o.shift)
}

func (o *columns) proc(p model.ProcID) *[report.NumSliceKinds]timeSums {
	for int(p) >= len(o.procs) {
		o.procs = append(o.procs, nil)
	}
	if o.procs[p] == nil {
		o.procs[p] = new([report.NumSliceKinds]timeSums)
	}
	return o.procs[p]
}

func (o *columns) Watch(f *model.Facts) {
	for _, i := range o.stood.Ready {
		o.add(&o.runnable, f.Gs[i].Start, f.Gs[i].End)
	}
	for i := range f.Ps {
		if iv := &f.Ps[i]; iv.Does != model.PDoesIdle {
			o.add(&o.proc(iv.P)[SliceKind(iv)], iv.Start, iv.End)
		}
	}
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		c := o.reach(d.Time) >> o.shift
		o.peak[c] = max(o.peak[c], d.Runnable+1)
	}
}

// SliceKind is the timeline's kind of what a P did.
func SliceKind(iv *model.PInterval) report.SliceKind {
	switch {
	case iv.Does == model.PDoesSyscall:
		return report.SliceSyscall
	case iv.Does == model.PDoesSched:
		return report.SliceSched
	case iv.Worker:
		return report.SliceGCWorker
	case iv.Runtime:
		return report.SliceRuntime
	}
	return report.SliceUser
}

// share turns covered times into shares of the columns' width.
func share[F float32 | float64](s *timeSums, shift uint, columns int) []F {
	out := make([]F, columns)
	for i, v := range s.sums(shift)[:columns] {
		out[i] = F(float64(v) / float64(int64(1)<<shift))
	}
	return out
}

// Fill needs the collections' ranges, which GC has filled in before.
func (o *columns) Fill(r *report.Report) {
	for _, x := range r.GC.Ranges {
		s := &o.marks
		if x.STW {
			s = &o.stw
		}
		o.add(s, o.zero+model.Time(x.Start), o.zero+model.Time(x.End))
	}
	n := min(report.OverviewColumns, int(r.Trace.DurationNS>>o.shift)+1)
	out := report.Overview{
		Width: 1 << o.shift, Columns: n,
		Runnable: share[float64](&o.runnable, o.shift, n),
		GC:       share[float64](&o.marks, o.shift, n),
		STW:      share[float64](&o.stw, o.shift, n),
		Peak:     make([]int, n),
	}
	for i := range n {
		out.Peak[i] = int(o.peak[i])
	}
	for id, p := range o.procs {
		if p == nil {
			continue
		}
		t := report.ProcTiles{P: model.ProcID(id)}
		for k := range p {
			t.Share[k] = share[float32](&p[k], o.shift, n)
		}
		out.Procs = append(out.Procs, t)
	}
	r.Overview = out
}
