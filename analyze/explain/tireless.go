package explain

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// tireless answers: which functions' goroutines never stopped to wait? What computes for
// long mostly gets its work from somewhere.
type tireless struct {
	names *names.Table
	by    []ranOn // by the stack that goroutines started with
	from  model.Time
	to    model.Time
}

type ranOn struct {
	ran    int64
	gs     int64
	waited bool // for anything, or was in a system call
}

// newTireless makes one, for replay.Shared.
func newTireless(s *replay.Session) *tireless {
	return &tireless{names: s.Names, from: s.Zero}
}

// Watch takes in what goroutines did.
func (r *tireless) Watch(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		for int(iv.Func) >= len(r.by) {
			r.by = append(r.by, ranOn{})
		}
		if iv.First {
			r.by[iv.Func].gs++
		}
		if iv.State == model.GRunnable || iv.Runtime || iv.State == model.GWaiting && forCollector(iv.Reason) {
			continue
		}
		switch x := &r.by[iv.Func]; {
		case iv.State == model.GRunning:
			x.ran += int64(iv.End - iv.Start)
			r.to = max(r.to, iv.End)
		default:
			x.waited = true
		}
	}
}

// forCollector reports whether it is the collector that a goroutine waits for.
func forCollector(r model.Reason) bool {
	return r == model.ReasonAssist || r == model.ReasonUntilGCEnds || r == model.ReasonSweep || r == model.ReasonPreempted
}

// never reports whether goroutines that started with a function of the program ran for
// half of the time of a P or more, each for a quarter of it at least, and never waited for
// anything. Those that are started for a piece of work, and end, need not.
func (r *tireless) never(fn string) bool {
	if names.Standard(&report.Frame{Func: fn}) {
		return false
	}
	ran, gs := int64(0), int64(0)
	for stack := range r.by {
		if x := &r.by[stack]; (x.ran > 0 || x.waited) && r.names.StartFunc(uint32(stack)) == fn {
			if x.waited {
				return false
			}
			ran, gs = ran+x.ran, gs+x.gs
		}
	}
	span := int64(r.to - r.from)
	return ran > 0 && ran*2 >= span && ran*4 >= gs*span
}
