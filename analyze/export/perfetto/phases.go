package perfetto

import "gmptrace/model"

// phases are the tracks of the garbage collector's mark phases, and of the moments for
// which the world was stopped, for that or for anything else.
type phases struct {
	*exporter
	seq         *sequence
	mark, pause phase
}

// phase is one after the other on a track.
type phase struct {
	track uint64
	name  string // of the one under way
	since model.Time
	open  bool
}

func newPhases(x *exporter) *phases {
	c := &phases{exporter: x, seq: x.w.sequence(0)}
	c.mark.track = x.group("GC mark phases", false)
	c.pause.track = x.group("World stopped", false)
	return c
}

func (c *phases) event(ev *model.Event) {
	switch ev.Op {
	case model.OpGCBegin:
		c.begin(&c.mark, ev.Time, "GC mark phase")
	case model.OpGCEnd:
		c.end(&c.mark, ev.Time)
	case model.OpSTWBegin:
		c.begin(&c.pause, ev.Time, "stop the world: "+orUnnamed(c.session.Names.Texts[ev.Arg]))
	case model.OpSTWEnd:
		c.end(&c.pause, ev.Time)
	}
}

func (c *phases) begin(p *phase, at model.Time, name string) {
	if !p.open { // two threads may stop the world one after the other, and each says so
		p.open, p.since, p.name = true, at, name
	}
}

// end writes a phase. One that began before the trace does not show.
func (c *phases) end(p *phase, at model.Time) {
	if !p.open {
		return
	}
	p.open = false
	from, to, ok := c.session.Window.Clip(p.since, at)
	if !ok {
		return
	}
	c.seq.begin(typeSliceBegin, p.track)
	c.seq.category("GC")
	c.seq.named(p.name)
	c.seq.end(from)
	c.seq.sliceEnd(to, p.track)
}

func (c *phases) finish(at model.Time) {
	c.end(&c.mark, at)
	c.end(&c.pause, at)
}
