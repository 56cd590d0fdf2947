// Package waits has what checks and explanations say alike of goroutines that wait when the
// trace ends: who stands, where, and who likely keeps whom. And what several checks ask of
// those who wait for what they have started.
package waits

import (
	"cmp"
	"fmt"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// From when on a wait is one that never ends: checkStuck of package diagnose says why.
const (
	stuckPart  = 5             // the part of the trace: a fifth
	stuckLong  = 1_000_000_000 // ns, whatever part of the trace that is
	stuckTimes = 10            // as long as any wait there that ended
	stuckSends = 8             // sends or receives at that line that ended: before, it may be made for standing

	LongFrom = 100_000_000 // ns: no wait for a lock is meant to be as long

	Several = 2 // goroutines that stand are worth a warning
	Many    = 8 // are critical
)

// Standing answers: who waits for a lock, or to send, when the trace ends?
type Standing struct {
	facts   *replay.Stood
	locks   *names.LockSites
	pools   *names.Pools
	ended   []*endedWaits // by stack
	met     []meeting     // by stack: with whom somebody went on there who did not wait
	open    []model.GInterval
	receive []model.GInterval // likewise, of those that wait for what may come or not
	dials   int               // goroutines that make connections, and wait for the network, when the trace ends
	dialEnd model.Time
	unknown int // of them whose place does not show
	end     model.Time
}

// endedWaits is waits with one stack that came to their end.
type endedWaits struct {
	n       int
	last    model.Time
	by      model.GoID // who ended the last one
	longest int64
}

// meeting is who waited at the other side of a channel, and until when.
type meeting struct {
	g  model.GoID
	at model.Time
}

// with adds other waits.
func (e *endedWaits) with(o *endedWaits) {
	e.n += o.n
	if o.last >= e.last {
		e.last, e.by = o.last, o.by
	}
	e.longest = max(e.longest, o.longest)
}

// NewStanding makes Standing, for replay.Shared.
func NewStanding(s *replay.Session) *Standing {
	return &Standing{facts: replay.Shared(s, replay.NewStood), locks: &names.LockSites{Names: s.Names}, pools: &names.Pools{Names: s.Names}}
}

func (w *Standing) Watch(f *model.Facts) {
	for _, i := range w.facts.At {
		iv := &f.Gs[i]
		if iv.State != model.GWaiting || iv.Runtime {
			continue
		}
		switch iv.Reason {
		case model.ReasonSync, model.ReasonChanSend:
			w.waited(iv)
		case model.ReasonChanRecv, model.ReasonSelect, model.ReasonCond:
			w.received(iv)
		case model.ReasonNetwork:
			w.dialled(iv)
		}
	}
}

// dialled takes in a wait for the network, if it is for a connection that is being made.
func (w *Standing) dialled(iv *model.GInterval) {
	if iv.Stack == 0 || iv.Open&model.OpenEnd == 0 || !w.pools.Makes(iv.Stack) {
		return
	}
	if iv.End > w.dialEnd { // those before were of a break in the trace
		w.dials, w.dialEnd = 0, iv.End
	}
	w.dials++
}

// waited takes in a wait.
func (w *Standing) waited(iv *model.GInterval) {
	open := iv.Open&model.OpenEnd != 0
	switch {
	case iv.Stack == 0 && open:
		w.unknown++
	case iv.Stack == 0:
	case iv.Reason == model.ReasonSync && !w.locks.Locking(iv.Stack):
		w.received(iv)
	case open:
		w.stands(iv)
	default:
		w.ends(iv)
	}
}

// stands takes in a wait that the trace's end cut off.
func (w *Standing) stands(iv *model.GInterval) {
	if iv.End > w.end { // those before were of a break in the trace
		w.open, w.end = w.open[:0], iv.End
	}
	w.open = append(w.open, *iv)
}

// received takes in a wait to receive, for a wait group or for a condition variable.
func (w *Standing) received(iv *model.GInterval) {
	switch {
	case iv.Stack == 0:
	case iv.Open&model.OpenEnd == 0:
		w.ends(iv)
	case w.pools.Keeps(iv.Stack):
		w.stands(iv)
	default:
		if n := len(w.receive); n > 0 && iv.End > w.receive[n-1].End {
			w.receive = w.receive[:0]
		}
		w.receive = append(w.receive, *iv)
	}
}

// ends takes in that a wait came to its end.
func (w *Standing) ends(iv *model.GInterval) {
	if int(iv.Stack) >= len(w.ended) {
		w.ended = slices.Grow(w.ended, int(iv.Stack)+1-len(w.ended))[:iv.Stack+1]
	}
	if iv.Reason != model.ReasonSync && iv.ByStack != 0 {
		w.meets(iv)
	}
	e := w.ended[iv.Stack]
	if e == nil {
		e = &endedWaits{}
		w.ended[iv.Stack] = e
	}
	e.with(&endedWaits{n: 1, last: iv.End, by: iv.By, longest: int64(iv.End - iv.Start)})
}

// meets takes in whose wait at a channel somebody ended, who did not wait there then.
func (w *Standing) meets(iv *model.GInterval) {
	if int(iv.ByStack) >= len(w.met) {
		w.met = slices.Grow(w.met, int(iv.ByStack)+1-len(w.met))[:iv.ByStack+1]
	}
	w.met[iv.ByStack] = meeting{iv.G, iv.End}
}

// Stands is how many goroutines stand at places that show.
func (w *Standing) Stands() int { return len(w.open) }

// Unknown is how many goroutines stand of whose place no stack tells.
func (w *Standing) Unknown() int { return w.unknown }

// Dials is how many goroutines make connections, and wait for the network.
func (w *Standing) Dials() int { return w.dials }

// Stand is goroutines that stand at one line.
type Stand struct {
	At         report.Frame
	Name       string     // At, for people
	What       *names.End // that they wait for
	Lock       bool
	Pool       *names.Pool // nil for none that is known
	N          int
	Since, End model.Time
	NS         int64      // all together
	G          model.GoID // the first
	Stack      uint32     // its
	answered   bool       // what each waits for comes to it alone
	latest     model.Time // when the last of them came
	gone       endedWaits // that they waited at that line until somebody let them go on
}

// At is who stands where, most of them first.
func (w *Standing) At(places *names.Places) []*Stand {
	byName := map[string]*Stand{}
	var out []*Stand
	for i := range w.open {
		iv := &w.open[i]
		p := places.Of(iv.Stack)
		if p == nil {
			continue
		}
		x := byName[placeName(&p.At)]
		if x == nil {
			x = w.standAt(iv, &p.At)
			byName[x.Name] = x
			out = append(out, x)
		}
		x.add(iv)
	}
	w.sumEnded(places, func(name string) *Stand { return byName[name] })
	slices.SortFunc(out, func(a, b *Stand) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Since, b.Since), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// standAt is a stand to which nobody is added yet.
func (w *Standing) standAt(iv *model.GInterval, at *report.Frame) *Stand {
	return &Stand{At: *at, Name: placeName(at), What: w.endOf(iv), Lock: iv.Reason == model.ReasonSync, Pool: w.pools.Of(iv.Stack), Since: iv.Start, End: iv.End, G: iv.G, Stack: iv.Stack}
}

// sumEnded adds the waits that ended to the places where they did.
func (w *Standing) sumEnded(places *names.Places, at func(name string) *Stand) {
	for stack, e := range w.ended {
		if e == nil {
			continue
		}
		if p := places.Of(uint32(stack)); p != nil {
			if x := at(placeName(&p.At)); x != nil {
				x.gone.with(e)
			}
		}
	}
}

// Receivers are who waits to receive at a place for far longer than any wait there that
// ended.
func (w *Standing) Receivers(places *names.Places, at *report.Frame) *Stand {
	x := &Stand{At: *at, Name: placeName(at), answered: true}
	w.sumEnded(places, func(name string) *Stand {
		if name == x.Name {
			return x
		}
		return nil
	})
	if x.gone.n < stuckSends {
		return x
	}
	for i := range w.receive {
		iv := &w.receive[i]
		p := places.Of(iv.Stack)
		if p == nil || p.At != *at || int64(iv.End-iv.Start) < max(LongFrom, stuckTimes*x.gone.longest) {
			continue
		}
		if x.N == 0 {
			x.Since, x.End, x.G, x.Stack = iv.Start, iv.End, iv.G, iv.Stack
			x.What, x.Pool = w.endOf(iv), w.pools.Of(iv.Stack)
		}
		x.add(iv)
	}
	if x.Pool != nil && x.Pool.Made != nil && w.dials*2 >= x.N {
		x.Pool = x.Pool.Made
	}
	return x
}

// endOf is what a wait is for.
func (w *Standing) endOf(iv *model.GInterval) *names.End {
	return names.EndOf(iv.Reason, w.pools.Names.Stacks[iv.Stack])
}

func (x *Stand) add(iv *model.GInterval) {
	x.N++
	x.NS += int64(iv.End - iv.Start)
	x.latest = max(x.latest, iv.Start)
	if iv.Start < x.Since {
		x.Since, x.G, x.Stack = iv.Start, iv.G, iv.Stack
	}
}

// Stuck reports whether nobody goes on from there, in span ns of trace.
func (x *Stand) Stuck(span int64) bool {
	return (x.Lock || x.gone.n >= stuckSends || x.pilesUp()) && x.tooLong(span)
}

// SendsOn reports whether several stand to send so long that they may be what others wait for
// who wait for ever: a line at which goroutines stand for good is no such line, or has one.
func (x *Stand) SendsOn(span int64) bool {
	return !x.Lock && x.N >= Several && x.tooLong(span)
}

// tooLong reports whether nobody has gone on from there for long.
func (x *Stand) tooLong(span int64) bool {
	d := int64(x.End - max(x.Since, x.gone.last)) // those who were let go on last may have come before
	return d >= LongFrom && (d >= stuckLong || d*stuckPart >= span) && d >= stuckTimes*x.gone.longest
}

// pilesUp reports whether more and more came to stand there: no line is made for that, even
// where nobody is known to have gone on from it, as sends into a buffer with room are not.
func (x *Stand) pilesUp() bool {
	return x.N >= Many && int64(x.latest-x.Since) >= LongFrom
}

// Does is what they wait to do, undone what nobody has done.
func (x *Stand) Does() string {
	if x.Pool != nil {
		return "for " + x.Pool.What
	}
	return x.What.Does
}

func (x *Stand) Undone() string {
	if x.Pool != nil {
		return "been given one"
	}
	return x.What.Undone
}

// LetGoOn is what to do for them to go on.
func (x *Stand) LetGoOn() string {
	if x.Pool != nil && x.Pool.Never != "" {
		return x.Pool.Never
	}
	return x.What.Advice
}

// Counted reports whether a goroutine waits for a wait group that may count those who stand
// there: since about then, or for longer.
func (w *Standing) Counted(x *Stand) bool {
	return slices.ContainsFunc(w.receive, func(iv model.GInterval) bool {
		return w.endOf(&iv).OfGroup() && iv.Start <= x.Since+LongFrom
	})
}

// WhyEnds is why waits for what is no lock may never end.
func (x *Stand) WhyEnds() string {
	if !x.answered {
		return x.What.Why
	}
	return fmt.Sprintf("%s Before, %s there ended, after %s at most.", x.What.Why, words.Plural(x.gone.n, "wait"), words.Length(x.gone.longest))
}

// LetGo is when somebody was last let go on from there, and whether that was after the
// first of them had come.
func (x *Stand) LetGo() (last model.Time, since bool) { return x.gone.last, x.gone.last > x.Since }

// When says since when they stand, in a trace that begins at zero.
func (x *Stand) When(zero model.Time) string {
	if x.Since <= zero {
		return "since before the trace began"
	}
	return "since " + words.At(int64(x.Since-zero))
}

func placeName(f *report.Frame) string {
	return words.Place(f.Func, names.FileName(f.File), f.Line)
}
