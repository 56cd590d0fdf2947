package replay

import (
	"time"

	"gmptrace/analyze/internal/load"
	"gmptrace/analyze/names"
	"gmptrace/model"
)

// replay drives the model through a trace's events, in order, and tells the
// session's watchers what it finds out. It also numbers what events refer to, over the
// whole trace: stacks, strings and threads.
type replay struct {
	sched     *model.Sched
	numbering *names.Numbering

	// The session's watchers have a goroutine of their own, which follows the model
	// at a short distance. The session's names are theirs: what was numbered when the
	// facts that they see were found.
	session *Session
	full    chan *parcel // to the watchers
	empty   chan *parcel // back from them
	filling *parcel      // the next one, nil before anything is in it
	done    chan struct{}

	start model.Time // of the first event
	end   model.Time // of the last
	some  bool       // an event was seen

	before model.Time // last event of the generation before: see pushBack
	last   model.Time // last event so far

	cutAt    int // events of the next facts, at the least
	sinceCut int // events since the last ones

	// Translation of the current generation's indices.
	stacks  []uint32
	strings []int64
	threads []model.MIndex
}

// parcel is some facts on their way to the watchers, in portions: these are so few that
// all that the watchers look at, one after the other, lies in the processor's cache.
type parcel struct {
	portions [portions]model.Facts
	n        int         // that are filled
	names    names.Table // as they were when the last one was
}

// portions is how many a parcel has: enough for it not to matter that to wake the
// watchers takes as long as the model takes for some hundred events.
const portions = 8

// parcels is how many of them there are: one that the watchers look at, one
// that waits for them, and one to come.
const parcels = 3

// newReplay is a replay for the session's watchers, which have all been added.
func newReplay(s *Session) *replay {
	r := &replay{sched: model.New(s.Rules, 0), numbering: names.NewNumbering(), session: s}
	r.sched.Depths, r.sched.Begun, r.sched.Doing = s.Depths, s.Begun, s.Doing
	r.cutAt = r.nextCut()
	return r
}

// play steps the model through one batch.
func (r *replay) play(b *load.Batch) error {
	if b.First {
		r.stacks, r.strings, r.threads = r.stacks[:0], r.strings[:0], r.threads[:0]
	}
	for _, s := range b.Stacks {
		r.stacks = append(r.stacks, r.numbering.Stack(s))
	}
	for _, s := range b.Strings {
		r.strings = append(r.strings, r.numbering.Text(s))
	}
	for _, t := range b.Threads {
		r.threads = append(r.threads, r.numbering.Thread(t))
	}
	if len(b.Events) == 0 {
		return nil
	}
	if r.session.ReaderTimes {
		r.pushBack(b)
	}
	if !r.some {
		r.some, r.start = true, b.Events[0].Time
	}
	for i := range b.Events {
		ev := &b.Events[i]
		r.globalize(ev)
		r.sched.Step(ev)
		r.sinceCut++
		if r.sinceCut >= r.cutAt && (r.sched.Between() || r.sinceCut >= cutAnyway) {
			r.spread()
			r.sinceCut, r.cutAt = 0, r.nextCut()
		}
	}
	r.end = b.Events[len(b.Events)-1].Time
	return nil
}

// pushBack gives b's events the times that they have for a reader that reads the
// trace from its beginning: one that restates goroutines at the end of a
// generation, late, pushes the events of the next one behind that. Here each
// generation has a reader of its own, which leaves them where they were; reports
// want that, but whoever compares events with those of the package's reader
// wants its times.
func (r *replay) pushBack(b *load.Batch) {
	if b.First {
		r.before = r.last
	}
	for i, n := range b.Nth {
		b.Events[i].Time = max(b.Events[i].Time, r.before+model.Time(n))
	}
	r.last = max(b.Last, b.Events[len(b.Events)-1].Time)
}

// globalize turns the generation's indices in ev into the trace's.
func (r *replay) globalize(ev *model.Event) {
	if ev.Stack > 0 {
		ev.Stack = r.stacks[ev.Stack-1]
	}
	if ev.M >= 0 {
		ev.M = r.threads[ev.M]
	}
	if ev.Arg > 0 && ev.Op.HasString() {
		ev.Arg = r.strings[ev.Arg-1]
	}
}

// spreadEvery is of how many events a portion has the facts. Nothing that a watcher says
// may depend on it: see Options.cut.
const spreadEvery = 1 << 9

// cutAnyway is after how many events a portion ends even between events of one time,
// which only a damaged trace has so many of.
const cutAnyway = 1 << 16

// nextCut is of how many events the next portion has the facts.
func (r *replay) nextCut() int {
	if cut := r.session.options.cut; cut != nil {
		return cut()
	}
	return spreadEvery
}

// spread makes a portion of the facts found so far, and hands the parcel to the watchers
// if it is full.
func (r *replay) spread() {
	if r.full == nil {
		r.launch()
	}
	if r.filling == nil {
		r.filling = <-r.empty
		r.filling.n = 0
	}
	p := r.filling
	r.sched.Take(&p.portions[p.n])
	if p.n++; p.n == len(p.portions) {
		r.hand()
	}
}

// hand hands the parcel that is being filled to the watchers.
func (r *replay) hand() {
	if r.filling == nil {
		return
	}
	r.filling.names = r.numbering.Table
	r.full <- r.filling
	r.filling = nil
}

// launch starts the watchers' goroutine.
func (r *replay) launch() {
	r.full, r.empty, r.done = make(chan *parcel, parcels), make(chan *parcel, parcels), make(chan struct{})
	for range parcels {
		r.empty <- new(parcel)
	}
	go r.collect()
}

func (r *replay) collect() {
	defer close(r.done)
	for p := range r.full {
		*r.session.Names = p.names
		for i := range p.portions[:p.n] {
			r.session.tell(&p.portions[i])
		}
		r.empty <- p
	}
}

// stop returns once the watchers have seen all that was handed to them. It may
// be called again.
func (r *replay) stop() {
	if r.full != nil {
		close(r.full)
		<-r.done
		r.full = nil
	}
}

// finish ends the replay.
func (r *replay) finish() {
	for more := true; more; r.spread() {
		more = r.sched.CloseSome(r.nextCut())
	}
	r.hand()
	r.stop()
	r.session.End = r.end
}

// instant is b as a time of the trace. clock is the wall-clock time of the trace's
// time at, zero where the trace has none.
func instant(b Bound, start, at model.Time, clock time.Time) model.Time {
	if b.Clock.IsZero() {
		return start + model.Time(b.Offset)
	}
	return at + model.Time(b.Clock.Sub(clock))
}
