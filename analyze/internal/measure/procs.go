package measure

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// Procs answers: how did each P spend its time?
type Procs struct {
	byP    []report.ProcTime
	window *replay.Window
	Wastes wasteSum
}

// wasteSum is what idle Ps cost while goroutines were runnable.
type wasteSum struct {
	total int64 // wall time of it
	Long  int64 // of total: stretches longer than a thread takes to wake
	N     int64 // such stretches
	All   stat.Sketch
	Worst *stat.TopK[model.Waste]
}

// NewProcs makes Procs, for replay.Shared.
func NewProcs(s *replay.Session) *Procs {
	return &Procs{window: s.Window, Wastes: wasteSum{Worst: stat.NewTopK[model.Waste](report.MaxMoments)}}
}

func (p *Procs) at(id model.ProcID) *report.ProcTime {
	for int(id) >= len(p.byP) {
		p.byP = append(p.byP, report.ProcTime{P: model.NoP})
	}
	p.byP[id].P = id
	return &p.byP[id]
}

func (p *Procs) Watch(f *model.Facts) {
	for i := range f.Ps {
		iv := &f.Ps[i]
		t := p.at(iv.P)
		d := int64(iv.End - iv.Start)
		switch iv.Does {
		case model.PDoesRun:
			t.Running += d
			if iv.Worker {
				t.GCWorker += d
			}
		case model.PDoesSyscall:
			t.Syscall += d
		case model.PDoesSched:
			t.Sched += d
		}
	}
	for i := range f.Dispatches {
		p.dispatched(&f.Dispatches[i])
	}
	for i := range f.Wastes {
		p.Wastes.add(&f.Wastes[i])
	}
}

func (p *Procs) dispatched(d *model.Dispatch) {
	t := p.at(d.P)
	t.Dispatches++
	if d.Victim != model.NoP {
		v := p.at(d.Victim)
		v.StolenFrom += int64(d.Moved)
		v.QueuePeak = max(v.QueuePeak, int(d.Queue))
		return
	}
	if d.Source == model.SourceRunnext || d.Source == model.SourceLocal {
		t.QueuePeak = max(t.QueuePeak, int(d.Queue))
	}
}

// WakeTime is what it may take to wake a thread for an idle P: longer stretches
// of idleness beside runnable goroutines are reported.
const WakeTime = 100_000 // ns

func (w *wasteSum) add(x *model.Waste) {
	d := int64(x.End - x.Start)
	w.total += d
	w.All.Add(d)
	if d > WakeTime {
		w.Long += d
		w.N++
		w.Worst.Offer(d, *x)
	}
}

func (p *Procs) Fill(r *report.Report) {
	span := r.Trace.To - r.Trace.From
	var busy int64
	for _, t := range p.byP {
		if t.P == model.NoP {
			continue
		}
		t.Idle = max(0, span-t.Running-t.Syscall-t.Sched)
		busy += t.Running
		r.Procs = append(r.Procs, t)
	}
	if total := GomaxprocsTime(&r.Trace, len(r.Procs)); total > 0 {
		r.Key.Utilisation = min(1, float64(busy)/float64(total))
	}
}

// GomaxprocsTime is the P time that there was: GOMAXPROCS times the analysed
// span, piece by piece where GOMAXPROCS changed. Where the trace does not say
// it, seen Ps are counted.
func GomaxprocsTime(t *report.Trace, seen int) int64 {
	n, at, total := seen, t.From, int64(0)
	for i, g := range t.Gomaxprocs {
		if i == 0 {
			n = g.N
		}
		to := min(max(g.At, t.From), t.To)
		total += int64(n) * (to - at)
		n, at = g.N, to
	}
	return total + int64(n)*(t.To-at)
}
