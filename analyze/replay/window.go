package replay

import "gmptrace/model"

// Window is a stretch of time, From inclusive, To exclusive, so that two that touch
// share nothing: Session.Window is the part of the trace to analyse.
type Window struct{ From, To model.Time }

// Forever is an end that no trace reaches.
const Forever = model.Time(1 << 62)

// Holds reports whether an instant lies in the window.
func (w *Window) Holds(t model.Time) bool { return t >= w.From && t < w.To }

// Clip is the part of [start, end) that lies in the window; ok is false if none
// does.
func (w *Window) Clip(start, end model.Time) (from, to model.Time, ok bool) {
	from, to = max(start, w.From), min(end, w.To)
	return from, to, from < to
}

// cut drops the facts outside of the window and shortens stretches to it. Events
// stay as they are: what they begin may reach into the window, and whoever pairs
// them clips the range.
func (w *Window) cut(f *model.Facts) {
	f.Dispatches = kept(f.Dispatches, func(d *model.Dispatch) bool {
		if d.Ready < w.From {
			d.Ready, d.Censored = w.From, true
		}
		return w.Holds(d.Time)
	})
	f.Handoffs = kept(f.Handoffs, func(h *model.Handoff) bool { return w.Holds(h.Time) })
	f.Preempts = kept(f.Preempts, func(p *model.Preempt) bool { return w.Holds(p.Time) })
	f.Overflows = kept(f.Overflows, func(o *model.Overflow) bool { return w.Holds(o.Time) })
	f.Sysexits = kept(f.Sysexits, func(x *model.Sysexit) bool { return w.Holds(x.Time) })
	f.Starts = kept(f.Starts, func(x *model.Start) bool { return w.Holds(x.Time) })
	f.Divergences = kept(f.Divergences, func(d *model.Divergence) bool { return w.Holds(d.Time) })
	f.Depths = kept(f.Depths, func(d *model.Depth) bool { return w.Holds(d.Time) })
	f.Gs = kept(f.Gs, w.cutG)
	f.Ps = kept(f.Ps, func(iv *model.PInterval) (ok bool) {
		iv.Start, iv.End, ok = w.Clip(iv.Start, iv.End)
		return ok
	})
	f.Shown = kept(f.Shown, func(iv *model.PInterval) bool { return w.cutBegun(&iv.Start) })
	f.Begun = kept(f.Begun, func(b *model.Beginning) bool { return w.cutBegun(&b.Start) })
	f.Doing = kept(f.Doing, func(b *model.Beginning) bool { return w.cutBegun(&b.Start) })
	f.Ms = kept(f.Ms, func(iv *model.MInterval) (ok bool) {
		iv.Start, iv.End, ok = w.Clip(iv.Start, iv.End)
		return ok
	})
	f.Wastes = kept(f.Wastes, func(x *model.Waste) (ok bool) {
		x.Start, x.End, ok = w.Clip(x.Start, x.End)
		return ok
	})
}

// cutBegun has what was under way when the window begins begin with it.
func (w *Window) cutBegun(start *model.Time) bool {
	*start = max(*start, w.From)
	return *start < w.To
}

// cutG shortens a goroutine's stretch. The one that is under way when the window
// begins is the goroutine's first in it.
func (w *Window) cutG(iv *model.GInterval) bool {
	start, end, ok := w.Clip(iv.Start, iv.End)
	if iv.Start < w.From {
		iv.Open |= model.OpenStart
	}
	if iv.End > w.To {
		iv.Open |= model.OpenEnd
	}
	iv.First = iv.First || iv.Start <= w.From
	iv.Start, iv.End = start, end
	return ok
}

// kept are the facts that keep wants, which may change them.
func kept[T any](facts []T, keep func(*T) bool) []T {
	out := facts[:0]
	for i := range facts {
		if keep(&facts[i]) {
			out = append(out, facts[i])
		}
	}
	clear(facts[len(out):])
	return out
}
