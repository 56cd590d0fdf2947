package diagnose

import (
	"iter"
	"slices"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// sleepers answers: how long do goroutines wait for timers, by the place where they
// do?
type sleepers struct {
	blame  *blame
	n      int64
	places []*sleeper // by stack
}

// newSleepers makes blame tell sleepers the stretches, in step with the Ps'.
func newSleepers(s *replay.Session) *sleepers {
	t := &sleepers{blame: replay.Shared(s, newBlame)}
	t.blame.listen(t.stretch, model.ReasonSleep, model.ReasonChanRecv, model.ReasonSelect)
	return t
}

// sleeper is a place where goroutines wait for a timer.
type sleeper struct {
	waitPlace
	shortest int64
	ticks    *ticks      // of a place that reads a channel, else nil
	after    stat.Sketch // from waking to running
}

// stretch takes in what a goroutine did: it may have waited for a timer, or been woken
// by one.
func (t *sleepers) stretch(iv *model.GInterval) {
	if iv.Open != 0 || iv.Stack == 0 {
		return
	}
	channel := iv.Reason != model.ReasonSleep
	switch {
	case iv.State == model.GWaiting && (!channel || iv.By == model.NoG && !iv.Polled):
		t.waited(iv, channel)
	case !channel && iv.State == model.GRunnable && iv.Woken:
		t.at(iv.Stack).after.Add(int64(iv.End - iv.Start))
	}
}

// at is the place of a stack.
func (t *sleepers) at(stack uint32) *sleeper {
	for int(stack) >= len(t.places) {
		t.places = append(t.places, nil)
	}
	if t.places[stack] == nil {
		t.places[stack] = &sleeper{waitPlace: newWaitPlace()}
	}
	return t.places[stack]
}

// waited counts a wait, and whether it was late.
func (t *sleepers) waited(iv *model.GInterval, channel bool) {
	t.n++
	p := t.at(iv.Stack)
	wanted := p.wanted(iv, channel)
	x := lateIf(iv, wanted)
	if x.late() < lateFrom || wanted == 0 {
		return
	}
	p.longer++
	if p.waits.N() < waitsSome {
		return
	}
	if busy, ok := t.blame.busy(x.due, x.woken); ok {
		p.delay(x, &busy)
	}
}

// wanted counts a wait, and is how long it was meant to be; 0 while that can't be told.
func (p *sleeper) wanted(iv *model.GInterval, channel bool) int64 {
	d := int64(iv.End - iv.Start)
	if p.waits.N() == 0 || d < p.shortest {
		p.shortest = d
	}
	p.waits.Add(d)
	if !channel {
		return p.shortest
	}
	if p.ticks == nil {
		p.ticks = &ticks{}
	}
	return p.ticks.tick(iv)
}

// regular are the places that waited often, and mostly for about as long.
func (t *sleepers) regular() iter.Seq[*waitPlace] {
	return func(yield func(*waitPlace) bool) {
		for _, p := range t.places {
			if p != nil && p.regular() && !yield(&p.waitPlace) {
				return
			}
		}
	}
}

// after is how long goroutines of the regular places waited for a P when they had been
// woken.
func (t *sleepers) after() (after stat.Sketch) {
	for _, p := range t.places {
		if p != nil && p.regular() {
			after.Merge(&p.after)
		}
	}
	return after
}

// regular reports whether the place waited often, and mostly for about as long.
func (p *sleeper) regular() bool {
	switch {
	case !p.waitPlace.regular():
		return false
	case p.ticks != nil:
		return p.ticks.even*5 >= p.waits.N()*4
	}
	return about(p.waits.Quantile(.5), p.shortest)
}

// about reports whether d is at most a little longer than wanted.
func about(d, wanted int64) bool { return d <= wanted+wanted/8+lateFrom/10 }

// ticks follows the times from one wake-up to the next at a place that reads a
// channel: a ticker's are even, whatever is done between them.
type ticks struct {
	g      model.GoID
	last   model.Time
	recent [15]int64
	n      int
	even   int64 // about as long as the median of those before
}

// tick takes a wake-up, and is the median time between those before; 0 while
// there are too few.
func (t *ticks) tick(iv *model.GInterval) int64 {
	if t.g != iv.G {
		t.g, t.last, t.n = iv.G, iv.End, 0
		return 0
	}
	d, median := int64(iv.End-t.last), t.median()
	if median == 0 || about(d, median) && about(median, d) {
		t.even++
	}
	t.last = iv.End
	t.recent[t.n%len(t.recent)] = d
	t.n++
	return median
}

// median is that of the recent times; 0 while there are too few.
func (t *ticks) median() int64 {
	if t.n < waitsSome {
		return 0
	}
	sorted := t.recent
	known := sorted[:min(t.n, len(sorted))]
	slices.Sort(known)
	return known[len(known)/2]
}
