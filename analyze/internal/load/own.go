package load

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"gmptrace/model"
)

// nextOwn decodes the generation that comes next by this package's own decoder,
// or leaves it to the reference reader where that decoder is in doubt. It
// returns false at the end.
func (d *decoder) nextOwn(src *generationSource) bool {
	if !src.begin() {
		return false
	}
	g := src.begun()
	d.wire.reset()
	d.given, d.t.learnt = given{}, nil
	if err := cmp.Or(d.gather(src), src.close()); err != nil {
		d.finish(g, err)
		return d.l.ctx.Err() == nil
	}
	err := d.own(g)
	if errors.Is(err, errDoubt) {
		err = d.reread(g)
	}
	if err != nil && g.cut && !g.holed {
		err = d.salvage(g, err)
	}
	d.finish(g, err)
	return d.l.ctx.Err() == nil
}

// finish ends a generation that was gathered.
func (d *decoder) finish(g *generation, err error) {
	d.gen = g
	d.end(err)
	d.gen = nil
}

// gather collects the generation's batches.
func (d *decoder) gather(src *generationSource) error {
	for src.gen != nil {
		b, h, err := src.next()
		if err != nil {
			return err
		}
		if b != nil {
			d.wire.add(b, h)
		}
	}
	return nil
}

// own decodes what was gathered. Whatever the bytes, a panic is only a reason to
// doubt.
func (d *decoder) own(g *generation) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.panicked(p)
			err = fmt.Errorf("%w: %v", errDoubt, p)
		}
	}()
	if !d.wire.prepare() {
		return errDoubt
	}
	d.gen = g
	d.wire.begin(d.l.newBatch(g.n))
	for {
		more, err := d.wire.fill()
		if err != nil {
			return err
		}
		g.events = int64(d.t.read) - 1
		if g.events > 0 {
			d.t.last = model.Time(d.wire.last)
		}
		if !more {
			return nil
		}
		if err := d.emit(); err != nil {
			return err
		}
		d.t.out = d.l.newBatch(g.n)
	}
}

// For tests alone.
var (
	onReread func(gen int)
	onPanic  func(p any)
)

// panicked is told what the own decoder panicked with, which costs no more than
// the time to read a generation again, and is a mistake of its own all the same.
func (d *decoder) panicked(p any) {
	if onPanic != nil {
		onPanic(p)
	}
}

// reread has the reference reader read what was gathered, and goes on where the
// own decoder has stopped. What that has given is right: it asks of events what
// the reference does, or more.
func (d *decoder) reread(g *generation) error {
	if onReread != nil {
		onReread(g.n)
	}
	d.t.unlearn() // It may have looked at more than the reference will.
	d.startAgain()
	g.events = 0
	err := d.read(&gathered{wire: d.wire, header: d.l.in.header[:], gen: g})
	d.gen = g // where the reader failed before it announced any
	return d.flush(err)
}

// startAgain begins another reading of the generation.
func (d *decoder) startAgain() {
	d.again = &again{skip: d.given.events, base: d.given}
	d.gen, d.t.out = nil, nil
}

// given is what was handed on of a generation.
type given struct{ events, stacks, strings, threads int }

func (g *given) add(x given) {
	g.events += x.events
	g.stacks += x.stacks
	g.strings += x.strings
	g.threads += x.threads
}

// sizes is what a batch holds.
func (b *Batch) sizes() given {
	return given{len(b.Events), len(b.Stacks), len(b.Strings), len(b.Threads)}
}

// again is a second reading of a generation, of which some events were handed
// on. The generation's tables are handed on anew, behind those of the first
// reading, so that nothing depends on both giving out the same numbers.
type again struct {
	skip  int   // events still to be left out
	base  given // of the first reading
	Batch       // tables that came with what was left out
}

// shorten takes from b what was handed on before. It returns false if nothing is
// left.
func (a *again) shorten(b *Batch) bool {
	if a.base == (given{}) {
		return true
	}
	b.Clock = nil // came with the first
	a.Stacks = append(a.Stacks, b.Stacks...)
	a.Strings = append(a.Strings, b.Strings...)
	a.Threads = append(a.Threads, b.Threads...)
	n := min(a.skip, len(b.Events))
	a.skip -= n
	b.Events = slices.Delete(b.Events, 0, n)
	b.Nth = slices.Delete(b.Nth, 0, min(n, len(b.Nth)))
	if len(b.Events) == 0 {
		return false
	}
	b.Stacks, b.Strings, b.Threads = a.Stacks, a.Strings, a.Threads
	a.Batch = Batch{}
	for i := range b.Events {
		a.shift(&b.Events[i])
	}
	return true
}

// shift makes an event's numbers those behind the first reading's.
func (a *again) shift(x *model.Event) {
	if x.Stack > 0 {
		x.Stack += uint32(a.base.stacks)
	}
	if x.M >= 0 {
		x.M += model.MIndex(a.base.threads)
	}
	if x.Arg > 0 && x.Op.HasString() {
		x.Arg += int64(a.base.strings)
	}
}

// gathered is a generation that was gathered, as the reference reader reads it.
type gathered struct {
	*wire
	header []byte
	gen    *generation // nil once it was announced
	next   int         // batch
	rest   []byte
	ended  bool
}

func (g *gathered) Read(p []byte) (int, error) {
	if len(g.header) > 0 {
		g.rest, g.header = g.header, nil
	}
	for len(g.rest) == 0 {
		switch {
		case g.next < len(g.batches):
			g.rest = g.batches[g.next].bytes()
			g.next++
		case g.format >= 26 && !g.ended:
			g.rest, g.ended = endMark, true
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

func (g *gathered) begun() *generation {
	gen := g.gen
	g.gen = nil
	return gen
}

func (g *gathered) close() error { return nil }
