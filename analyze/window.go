package analyze

import "gmptrace/model"

// window is the part of the trace to analyse, from inclusive to exclusive, so
// that two windows that touch share nothing.
type window struct{ from, to model.Time }

// forever is an end that no trace reaches.
const forever = model.Time(1 << 62)

// holds reports whether an instant lies in the window.
func (w *window) holds(t model.Time) bool { return t >= w.from && t < w.to }

// clip is the part of [start, end) that lies in the window; ok is false if none
// does.
func (w *window) clip(start, end model.Time) (from, to model.Time, ok bool) {
	from, to = max(start, w.from), min(end, w.to)
	return from, to, from < to
}

// cut drops the facts outside of the window and shortens stretches to it. Events
// stay as they are: what they begin may reach into the window, and whoever pairs
// them clips the range.
func (w *window) cut(f *model.Facts) {
	f.Dispatches = kept(f.Dispatches, func(d *model.Dispatch) bool {
		if d.Ready < w.from {
			d.Ready, d.Censored = w.from, true
		}
		return w.holds(d.Time)
	})
	f.Handoffs = kept(f.Handoffs, func(h *model.Handoff) bool { return w.holds(h.Time) })
	f.Preempts = kept(f.Preempts, func(p *model.Preempt) bool { return w.holds(p.Time) })
	f.Overflows = kept(f.Overflows, func(o *model.Overflow) bool { return w.holds(o.Time) })
	f.Sysexits = kept(f.Sysexits, func(x *model.Sysexit) bool { return w.holds(x.Time) })
	f.Starts = kept(f.Starts, func(x *model.Start) bool { return w.holds(x.Time) })
	f.Divergences = kept(f.Divergences, func(d *model.Divergence) bool { return w.holds(d.Time) })
	f.Depths = kept(f.Depths, func(d *model.Depth) bool { return w.holds(d.Time) })
	f.Gs = kept(f.Gs, w.cutG)
	f.Ps = kept(f.Ps, func(iv *model.PInterval) (ok bool) {
		iv.Start, iv.End, ok = w.clip(iv.Start, iv.End)
		return ok
	})
	f.Begun = kept(f.Begun, func(iv *model.PInterval) bool {
		iv.Start = max(iv.Start, w.from)
		return iv.Start < w.to
	})
	f.Ms = kept(f.Ms, func(iv *model.MInterval) (ok bool) {
		iv.Start, iv.End, ok = w.clip(iv.Start, iv.End)
		return ok
	})
	f.Wastes = kept(f.Wastes, func(x *model.Waste) (ok bool) {
		x.Start, x.End, ok = w.clip(x.Start, x.End)
		return ok
	})
}

// cutG shortens a goroutine's stretch. The one that is under way when the window
// begins is the goroutine's first in it.
func (w *window) cutG(iv *model.GInterval) bool {
	start, end, ok := w.clip(iv.Start, iv.End)
	if iv.Start < w.from {
		iv.Open |= model.OpenStart
	}
	if iv.End > w.to {
		iv.Open |= model.OpenEnd
	}
	iv.First = iv.First || iv.Start <= w.from
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
