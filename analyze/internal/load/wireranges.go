package load

import (
	"slices"

	"gmptrace/analyze/machine"
	"gmptrace/model"
)

// Takers of what lasts: garbage collection, stopped worlds, tasks and regions.

// gcActive is a mark phase that began before the generation. Nothing else of a
// garbage collection can come before it.
func (w *wire) gcActive(c *cursor) verdict {
	if w.gc != gcUnknown {
		return doubtful
	}
	w.gcSeq, w.gc = c.args[0], gcOn
	w.event(c, model.OpGCBegin).Arg = 1
	return taken
}

func (w *wire) gcBegin(c *cursor) verdict {
	if w.gc != gcUnknown {
		if c.args[0] != w.gcSeq+1 {
			return later
		}
		if w.gc == gcOn || !c.full() {
			return doubtful
		}
	}
	w.gcSeq, w.gc = c.args[0], gcOn
	return when(w.setStack(w.event(c, model.OpGCBegin), c.args[1]))
}

func (w *wire) gcEnd(c *cursor) verdict {
	if c.args[0] != w.gcSeq+1 {
		return later
	}
	if w.gc != gcOn || !c.full() {
		return doubtful
	}
	w.gcSeq, w.gc = c.args[0], gcOff
	w.event(c, model.OpGCEnd)
	return taken
}

// sweepActive is of a P that need not be the event's own.
func (w *wire) sweepActive(c *cursor) verdict {
	p := w.proc(c.args[0])
	if p == nil || p.sweeps {
		return doubtful
	}
	p.sweeps = true
	x := w.event(c, model.OpSweepBegin)
	x.P, x.Arg = model.ProcID(c.args[0]), 1
	return taken
}

func (w *wire) sweepBegin(c *cursor) verdict {
	if c.m.p < 0 || w.ps[c.m.p].sweeps {
		return doubtful
	}
	w.ps[c.m.p].sweeps = true
	return when(w.setStack(w.event(c, model.OpSweepBegin), c.args[0]))
}

func (w *wire) sweepEnd(c *cursor) verdict {
	if c.m.p < 0 || !w.ps[c.m.p].sweeps {
		return doubtful
	}
	w.ps[c.m.p].sweeps = false
	w.event(c, model.OpSweepEnd)
	return taken
}

// assistActive is of a goroutine that need not be the event's own.
func (w *wire) assistActive(c *cursor) verdict {
	_, g := w.gs.live(c.args[0])
	if g == nil || g.assists {
		return doubtful
	}
	g.assists = true
	x := w.event(c, model.OpAssistBegin)
	x.G, x.Arg = model.GoID(g.id), 1
	return taken
}

// living is the live goroutine on c's M with a P, in whatever status; nil if
// there is none.
func (w *wire) living(c *cursor) *goState {
	if !c.full() {
		return nil
	}
	if g := &w.gs.all[c.m.g]; g.status != goGone {
		return g
	}
	return nil
}

func (w *wire) assistBegin(c *cursor) verdict {
	g := w.living(c)
	if g == nil || g.assists {
		return doubtful
	}
	g.assists = true
	return when(w.setStack(w.event(c, model.OpAssistBegin), c.args[0]))
}

func (w *wire) assistEnd(c *cursor) verdict {
	g := w.living(c)
	if g == nil || !g.assists {
		return doubtful
	}
	g.assists = false
	w.event(c, model.OpAssistEnd)
	return taken
}

func (w *wire) stwBegin(c *cursor) verdict {
	kind, ok := w.str(c.args[0])
	if w.living(c) == nil || !ok || len(w.stw) == maxSTW || slices.Contains(w.stw, c.m.g) {
		return doubtful
	}
	w.stw = append(w.stw, c.m.g)
	x := w.event(c, model.OpSTWBegin)
	x.Arg = kind
	return when(w.setStack(x, c.args[1]))
}

func (w *wire) stwEnd(c *cursor) verdict {
	if w.living(c) == nil {
		return doubtful
	}
	k := slices.Index(w.stw, c.m.g)
	if k < 0 {
		return doubtful
	}
	w.stw = slices.Delete(w.stw, k, k+1)
	w.event(c, model.OpSTWEnd)
	return taken
}

func (w *wire) label(c *cursor) verdict {
	s, ok := w.str(c.args[0])
	if !c.full() || !ok {
		return doubtful
	}
	x := w.event(c, model.OpLabel)
	x.Arg = s
	x.Flags |= labelFlags(w.texts.spell(c.args[0]))
	return taken
}

func (w *wire) taskBegin(c *cursor) verdict {
	id := c.args[0]
	name, ok := w.str(c.args[2])
	if _, twice := w.tasks[id]; twice || !ok || !c.full() {
		return doubtful
	}
	w.tasks[id] = struct{}{}
	x := w.event(c, model.OpTaskBegin)
	x.Subject, x.Arg = int64(id), name
	return when(w.setStack(x, c.args[3]))
}

func (w *wire) taskEnd(c *cursor) verdict {
	if !c.full() || !w.hasStack(c.args[1]) {
		return doubtful
	}
	delete(w.tasks, c.args[0])
	w.event(c, model.OpTaskEnd).Subject = int64(c.args[0])
	return taken
}

// region is the beginning as well as the end of a user region.
func (w *wire) region(c *cursor) verdict {
	name, ok := w.str(c.args[1])
	g := w.living(c)
	if g == nil || !ok {
		return doubtful
	}
	r := userRegion{c.args[0], name}
	op := model.OpRegionBegin
	if c.typ == evUserRegionBegin {
		w.regions[c.m.g] = append(w.regions[c.m.g], r)
		g.regional = true
	} else {
		op = model.OpRegionEnd
		if !w.endRegion(c.m.g, r) || !w.hasStack(c.args[2]) {
			return doubtful
		}
	}
	x := w.event(c, op)
	x.Subject, x.Arg = int64(c.args[0]), name
	return when(op == model.OpRegionEnd || w.setStack(x, c.args[2]))
}

// endRegion ends the innermost region of a goroutine, which must be r. One that
// began before the generation is not known.
func (w *wire) endRegion(g int32, r userRegion) bool {
	open := w.regions[g]
	if len(open) == 0 {
		return true
	}
	last := len(open) - 1
	w.regions[g] = open[:last]
	return open[last] == r
}

func (w *wire) log(c *cursor) verdict {
	s, ok := w.str(c.args[2])
	if !c.full() || !ok || !w.texts.has(c.args[1]) || !w.hasStack(c.args[3]) {
		return doubtful
	}
	x := w.event(c, model.OpLog)
	x.Subject, x.Arg = int64(c.args[0]), s
	x.Flags = logFlags(w.texts.spell(c.args[1]))
	return taken
}

// logFlags is what a message's category says of it.
func logFlags(category string) model.Flags {
	if category == machine.Category {
		return model.FlagMachine
	}
	return 0
}
