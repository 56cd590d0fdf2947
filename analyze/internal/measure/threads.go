package measure

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// threads answers: how many Ms were there, how did they spend their time, and
// how many of them did system calls hold?
type threads struct {
	zero  model.Time
	first []model.Time // by MIndex: first seen
	edges []model.Time // ends of system calls that hold an M without a P, unordered
	out   report.Threads
}

// NewThreads makes threads, for replay.Shared.
func NewThreads(s *replay.Session) *threads { return &threads{zero: s.Zero} }

func (t *threads) Watch(f *model.Facts) {
	for i := range f.Ps {
		if iv := &f.Ps[i]; iv.M != model.NoM {
			t.see(iv.M, iv.Start)
			t.out.Running += int64(iv.End - iv.Start)
		}
	}
	for i := range f.Ms {
		iv := &f.Ms[i]
		t.see(iv.M, iv.Start)
		if iv.Does == model.MDoesSyscall {
			t.out.Syscall += int64(iv.End - iv.Start)
			t.count(iv)
		} else {
			t.out.Parked += int64(iv.End - iv.Start)
		}
	}
}

func (t *threads) see(m model.MIndex, at model.Time) {
	for int(m) >= len(t.first) {
		t.first = append(t.first, -1)
	}
	if t.first[m] < 0 || at < t.first[m] {
		t.first[m] = at
	}
}

// count finds how many blocked system calls overlap. Intervals arrive in order
// of their ends: those kept that began before iv's beginning overlap with it.
func (t *threads) count(iv *model.MInterval) {
	keep := t.edges[:0]
	for _, end := range t.edges {
		if end > iv.Start {
			keep = append(keep, end)
		}
	}
	t.edges = append(keep, iv.End)
	if n := len(t.edges); n > t.out.Peak {
		t.out.Peak, t.out.PeakAt = n, int64(iv.Start-t.zero)
	}
}

func (t *threads) Fill(r *report.Report) {
	late := t.zero + model.Time(r.Trace.From+report.Analysed(r)/10)
	for _, at := range t.first {
		if at < 0 {
			continue
		}
		t.out.Count++
		if at > late {
			t.out.LateNew++
		}
	}
	r.Threads = t.out
}
