package diagnose

import (
	"slices"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// timers answers: how long do goroutines wait for timers, by the place where they
// do?
type timers struct {
	blame  *blame
	n      int64
	places []*sleeper // by stack
}

// newTimers makes blame tell timers the stretches, in step with the Ps'.
func newTimers(s *replay.Session) *timers {
	t := &timers{blame: replay.Shared(s, newBlame)}
	t.blame.listen(t.stretch)
	return t
}

// sleeper is a place where goroutines wait for a timer.
type sleeper struct {
	waits    stat.Sketch
	shortest int64
	ticks    *ticks      // of a place that reads a channel, else nil
	after    stat.Sketch // from waking to running
	longer   int64       // waits that were sleepLate longer than was due
	late     stat.Sketch // of them, those while the Ps were busy: by how much
	busy     split       // what the Ps did in that time, the average of all
	worst    *stat.TopK[overslept]
}

// overslept is a sleep that ended late.
type overslept struct {
	due, woken model.Time
	wanted     int64
	late       int64
	g          model.GoID
	fn, stack  uint32
}

func (t *timers) stretch(iv *model.GInterval) {
	if iv.Open != 0 || iv.Stack == 0 {
		return
	}
	channel := iv.Reason == model.ReasonChanRecv || iv.Reason == model.ReasonSelect
	switch {
	case !channel && iv.Reason != model.ReasonSleep:
	case iv.State == model.GWaiting && (!channel || iv.By == model.NoG && !iv.Polled):
		t.waited(iv, channel)
	case !channel && iv.State == model.GRunnable && iv.Woken:
		t.at(iv.Stack).after.Add(int64(iv.End - iv.Start))
	}
}

func (t *timers) at(stack uint32) *sleeper {
	for int(stack) >= len(t.places) {
		t.places = append(t.places, nil)
	}
	if t.places[stack] == nil {
		t.places[stack] = &sleeper{worst: stat.NewTopK[overslept](report.MaxMoments)}
	}
	return t.places[stack]
}

func (t *timers) waited(iv *model.GInterval, channel bool) {
	p, d := t.at(iv.Stack), int64(iv.End-iv.Start)
	t.n++
	if p.waits.N() == 0 || d < p.shortest {
		p.shortest = d
	}
	p.waits.Add(d)
	wanted := p.shortest
	if channel {
		if p.ticks == nil {
			p.ticks = &ticks{}
		}
		wanted = p.ticks.tick(iv)
	}
	if d-wanted < sleepLate || wanted == 0 {
		return
	}
	p.longer++
	if p.waits.N() < sleepsSome {
		return
	}
	due := iv.Start + model.Time(wanted)
	busy, ok := t.blame.busy(due, iv.End)
	if !ok {
		return
	}
	late := int64(iv.End - due)
	p.late.Add(late)
	for k, ns := range busy {
		p.busy[k] += ns
	}
	p.worst.Offer(late, overslept{due, iv.End, wanted, late, iv.G, iv.Func, iv.Stack})
}

// regular reports whether the place waited often, and mostly for about as long.
func (p *sleeper) regular() bool {
	if p.waits.N() < sleepsEnough || (p.longer-p.late.N())*10 > p.waits.N() {
		return false
	}
	if p.ticks != nil {
		return p.ticks.even*5 >= p.waits.N()*4
	}
	return about(p.waits.Quantile(.5), p.shortest)
}

// about reports whether d is at most a little longer than wanted.
func about(d, wanted int64) bool { return d <= wanted+wanted/8+sleepLate/10 }

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
	d := int64(iv.End - t.last)
	t.last = iv.End
	var median int64
	if t.n >= sleepsSome {
		sorted := t.recent
		known := sorted[:min(t.n, len(sorted))]
		slices.Sort(known)
		median = known[len(known)/2]
	}
	if median == 0 || about(d, median) && about(median, d) {
		t.even++
	}
	t.recent[t.n%len(t.recent)] = d
	t.n++
	return median
}

// busySum is what the Ps did while regular sleepers were late.
func (t *timers) busySum() (s split) {
	for _, p := range t.places {
		if p == nil || !p.regular() {
			continue
		}
		for k, ns := range p.busy {
			s[k] += ns
		}
	}
	return s
}

// during is how much of the delay of regular sleepers passed within s.
func (t *timers) during(s stretches) (ns int64) {
	for _, p := range t.places {
		if p != nil && p.regular() {
			ns += lateDuring(s, &p.late, p.worst)
		}
	}
	return ns
}
