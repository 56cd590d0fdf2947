package perfetto

import "gmptrace/model"

// never is later than all facts.
const never = model.Time(1<<63 - 1)

// Watch tells the facts of all kinds in the order of time, those of a moment always in the
// same order, so that the bytes do not depend on how many facts come at once. Stretches
// stand at their ends.
func (x *exporter) Watch(f *model.Facts) {
	rest := *f
	for {
		at := first(&rest)
		if at == never {
			return
		}
		x.moment(&rest, at)
	}
}

// first is the earliest moment of which there are facts.
func first(f *model.Facts) model.Time {
	t := never
	if len(f.Dispatches) > 0 {
		t = min(t, f.Dispatches[0].Time)
	}
	if len(f.Gs) > 0 {
		t = min(t, f.Gs[0].End)
	}
	if len(f.Ps) > 0 {
		t = min(t, f.Ps[0].End)
	}
	if len(f.Ms) > 0 {
		t = min(t, f.Ms[0].End)
	}
	if len(f.Handoffs) > 0 {
		t = min(t, f.Handoffs[0].Time)
	}
	if len(f.Preempts) > 0 {
		t = min(t, f.Preempts[0].Time)
	}
	if len(f.Depths) > 0 {
		t = min(t, f.Depths[0].Time)
	}
	if len(f.Begun) > 0 {
		t = min(t, f.Begun[0].End)
	}
	if len(f.Events) > 0 {
		t = min(t, f.Events[0].Time)
	}
	return t
}

// moment tells the facts up to a time, and takes them out of f.
func (x *exporter) moment(f *model.Facts, at model.Time) {
	x.now = x.now[:0]
	for ; len(f.Dispatches) > 0 && f.Dispatches[0].Time <= at; f.Dispatches = f.Dispatches[1:] {
		x.dispatched(&f.Dispatches[0])
	}
	for ; len(f.Gs) > 0 && f.Gs[0].End <= at; f.Gs = f.Gs[1:] {
		x.goroutineDid(&f.Gs[0])
	}
	for ; len(f.Ps) > 0 && f.Ps[0].End <= at; f.Ps = f.Ps[1:] {
		x.procDid(&f.Ps[0])
	}
	for ; len(f.Ms) > 0 && f.Ms[0].End <= at; f.Ms = f.Ms[1:] {
		if x.threads != nil {
			x.threads.alone(&f.Ms[0])
		}
	}
	x.decided(f, at)
	x.counted(f, at)
	for ; len(f.Events) > 0 && f.Events[0].Time <= at; f.Events = f.Events[1:] {
		x.event(&f.Events[0])
	}
}

func (x *exporter) dispatched(d *model.Dispatch) {
	x.now = append(x.now, *d)
	if x.procs != nil {
		x.procs.dispatched(d)
	}
}

func (x *exporter) goroutineDid(iv *model.GInterval) {
	if x.goroutines != nil {
		x.goroutines.stretch(iv, x.endedBy(iv))
	}
}

// endedBy is the dispatch that ended a goroutine's stretch, nil for none.
func (x *exporter) endedBy(iv *model.GInterval) *model.Dispatch {
	if iv.State != model.GRunnable {
		return nil
	}
	for i := range x.now {
		if d := &x.now[i]; d.G == iv.G && d.Time == iv.End {
			return d
		}
	}
	return nil
}

func (x *exporter) procDid(iv *model.PInterval) {
	if x.procs != nil {
		x.procs.stretch(iv)
	}
	if x.threads != nil {
		x.threads.holds(iv)
	}
}

// decided tells decisions that are no dispatches.
func (x *exporter) decided(f *model.Facts, at model.Time) {
	told := x.procs != nil && x.opt.Tracks.Has(Decisions)
	for ; len(f.Handoffs) > 0 && f.Handoffs[0].Time <= at; f.Handoffs = f.Handoffs[1:] {
		if told {
			x.procs.handoff(&f.Handoffs[0])
		}
	}
	for ; len(f.Preempts) > 0 && f.Preempts[0].Time <= at; f.Preempts = f.Preempts[1:] {
		if told {
			x.procs.preempt(&f.Preempts[0])
		}
	}
}

// counted tells what is counted.
func (x *exporter) counted(f *model.Facts, at model.Time) {
	for ; len(f.Depths) > 0 && f.Depths[0].Time <= at; f.Depths = f.Depths[1:] {
		if x.gauges != nil {
			x.gauges.depth(&f.Depths[0])
		}
	}
	for ; len(f.Begun) > 0 && f.Begun[0].End <= at; f.Begun = f.Begun[1:] {
		if x.gauges != nil {
			x.gauges.begun(&f.Begun[0])
		}
	}
}

func (x *exporter) event(ev *model.Event) {
	if ev.Time >= x.session.Window.To {
		return
	}
	if x.marks != nil {
		x.marks.event(ev)
	}
	if x.phases != nil {
		x.phases.event(ev)
	}
	if x.gauges != nil {
		x.gauges.event(ev)
	}
}
