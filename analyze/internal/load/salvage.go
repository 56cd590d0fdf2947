package load

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// errSalvaged ends a generation that was cut short, of which the beginning was
// read.
type errSalvaged struct {
	length   time.Duration // from the generation's beginning to the last event
	nameless bool          // strings or stacks that its events name were not written
}

func (e *errSalvaged) Error() string {
	return "cut short after " + e.length.String()
}

// names says for people which names lack.
func (e *errSalvaged) names() string {
	if !e.nameless {
		return ""
	}
	return "; names and stacks come last, and where they lack it says " + names.Missing
}

// errNoFrequency is of a generation that was cut before it told how fast its clock
// ticks. From Go 1.25 on that comes first, before in one of the last batches.
var errNoFrequency = errors.New("no frequency of the clock")

// errUnwritten is of a generation whose first events, or those after what the
// reference reader gave, need events that threads had not written before the cut.
var errUnwritten = errors.New("events that were not written are needed")

// maxSkew is how much later than another thread's event one may be that has to
// come before it, in what is left of a generation. Clocks of cores differ by
// less; what waits for longer waits for a thread whose batches are lost.
const maxSkew = int64(time.Millisecond)

// salvage reads what is left of a generation that was cut short, beyond what the
// reference reader gave of it before it failed with the error given. That wants
// the tables of strings and stacks, which come last; here what they lack is told
// by names.Missing. It returns the error that the generation ends with.
//
// A thread writes its events when it has 64 KiB of them, or at the generation's
// end. So the generation is read up to the last moment that all threads reach
// which are to write more, and to the first event that needs one of a thread
// that wrote none; but not less far than it was read before.
func (d *decoder) salvage(g *generation, failed error) (err error) {
	if errors.Is(failed, errStopped) || errors.As(failed, new(errLimit)) {
		return failed
	}
	before, events := d.given, g.events
	defer func() {
		if p := recover(); p != nil {
			d.panicked(p)
			err = failed
		}
		if d.given.events == before.events {
			g.events, d.t.out = events, nil
		}
	}()
	d.startAgain()
	d.gen = g
	if ok := d.wire.prepareCut(); d.wire.clock.unit == 0 && events == 0 {
		return fmt.Errorf("%w (%w)", errNoFrequency, failed)
	} else if !ok {
		return failed
	}
	saved, err := d.readCut(g)
	switch {
	case err != nil:
		return err
	case d.given.events == before.events:
		return fmt.Errorf("%w (%w)", errUnwritten, failed)
	}
	return saved
}

// readCut reads what is left of a generation, and tells how far that goes.
func (d *decoder) readCut(g *generation) (*errSalvaged, error) {
	w := d.wire
	sure := d.given.events
	until := w.reach()
	w.begin(d.l.newBatch(g.n))
	began := w.last
	for more := true; more; {
		more = w.fillCut(until, sure)
		sure -= len(d.t.out.Events)
		if d.t.read == 1 {
			break // nothing but its beginning
		}
		g.events, d.t.last = int64(d.t.read)-1, model.Time(w.last)
		if err := d.emit(); err != nil {
			return nil, err
		}
		d.t.out = d.l.newBatch(g.n)
	}
	d.t.out = nil
	return &errSalvaged{time.Duration(w.last - began), w.texts.missed}, nil
}

// prepareCut is prepare, of a generation whose tables may lack entries.
func (w *wire) prepareCut() bool {
	w.rewind()
	w.texts.lenient, w.texts.first = true, firstStrings(w.format)
	if !w.sortAll() || w.clock.unit == 0 || !w.texts.build() || !w.stacks.build() {
		return false
	}
	w.sortSamples()
	return w.fetchFirst()
}

// fullBatch is how many bytes a batch has at least that a thread wrote because it
// was full. A shorter one it wrote at the generation's end or its own, and has no
// more to write.
const fullBatch = 60 << 10

// reach is the last moment up to which all threads with batches have written
// theirs.
func (w *wire) reach() int64 {
	reach := int64(math.MaxInt64)
	for _, h := range w.front {
		lastBatch := &w.batches[h.c.batches[len(h.c.batches)-1]]
		if h.c.m == w.noM || len(lastBatch.raw) < fullBatch {
			continue
		}
		c, last := *h.c, h.time
		for w.fetch(&c) == fetchedEvent {
			last = max(last, c.time)
		}
		reach = min(reach, last)
	}
	return reach
}

// fillCut is fill, of a generation that was cut short, of which some events are
// sure. It returns false where that is to end.
func (w *wire) fillCut(until int64, sure int) (more bool) {
	t := w.t
	for len(t.out.Events) < batchEvents {
		if len(w.front) == 0 && w.sampled == len(w.samples) {
			return false
		}
		events, nth, read, last := len(t.out.Events), len(t.out.Nth), t.read, w.last
		if !w.stepCut(until, events < sure) {
			t.out.Events, t.out.Nth, t.read, w.last = t.out.Events[:events], t.out.Nth[:nth], read, last
			return false
		}
	}
	return true
}

// stepCut takes the next event, if it does not come after until. One that is
// sure was taken before, and is taken at any time.
func (w *wire) stepCut(until int64, sure bool) bool {
	if w.sampleNext() {
		s := &w.samples[w.sampled]
		w.sampled++
		return (sure || s.time <= until) && w.sample(s) == nil
	}
	if !sure && w.front[0].time > until {
		return false
	}
	done, err := w.try(0)
	if done || err != nil {
		return err == nil
	}
	slices.SortFunc(w.front, func(a, b head) int { return cmp.Compare(a.time, b.time) })
	for i := 1; i < len(w.front); i++ {
		if !sure && w.front[i].time-w.front[0].time > maxSkew {
			return false
		}
		if done, err = w.try(i); done || err != nil {
			return err == nil
		}
	}
	return false
}

// lack is what stands for the string with that id, which was not written.
func (t *texts) lack(id uint64) string {
	if id <= uint64(len(t.first)) {
		return t.first[id-1]
	}
	t.missed = true
	return names.Missing
}

// alwaysFirst are the strings that have the first ids, from 1 on, in all
// generations of all formats: the runtime registers labels and reasons before
// anything else. It does so
// for each generation anew.
// Source: runtime/trace.go, traceRegisterLabelsAndReasons, Go 1.22 to 1.27.
var alwaysFirst = []string{
	"Not worker", "GC (dedicated)", "GC (fractional)", "GC (idle)",
	"unspecified", "forever", "network", "select", "sync.(*Cond).Wait", "sync", "chan send", "chan receive",
	"GC mark assist wait for work", "GC background sweeper wait", "system goroutine wait", "preempted",
	"wait for debug call", "wait until GC ends", "sleep",
}

// firstStrings are those that all Go versions with a format have first.
func firstStrings(format int) []string {
	first := slices.Clone(alwaysFirst)
	switch {
	case format >= 25:
		return append(first, "GC weak to strong wait", "synctest", "runtime.Gosched")
	case format >= 23: // where Go 1.24 has "synctest" next
		return append(first, "GC weak to strong wait")
	}
	return append(first, "runtime.Gosched")
}

// lacksGosched reports whether id must be that of "runtime.Gosched", as a stop's
// reason: Go 1.23 and 1.24, which have one format, have it at different numbers.
func (t *texts) lacksGosched(id uint64) bool {
	return t.lenient && id > uint64(len(t.first)) && t.find(id) == 0
}

// missingStack stands for stacks that were not written. It proves only that
// there was one.
var missingStack = knownStack{
	StackFrames: names.StackFrames{Key: "\x00\x00\x00\x00\x00\x00\x00\x00", Frames: []report.Frame{{Func: names.Missing}}},
	flags:       model.FlagStack,
}

func (w *wire) setMissingStack(x *model.Event) {
	w.texts.missed = true
	if w.stacks.missing == 0 {
		w.stacks.missing = w.t.appendStack(missingStack)
	}
	x.Stack = w.stacks.missing
	x.Flags |= missingStack.flags
}
