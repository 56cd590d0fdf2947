package analyze

import (
	"fmt"

	"gmptrace/model"
)

// checkTimers measures how late goroutines wake that sleep again and again in the
// same place. A trace does not hold for how long they meant to: a sleep is never
// shorter than asked for, so where at least half of twenty sleeps took about as
// long as the shortest, that is what was asked for. One that took at least 5 ms
// longer, while no P was idle for half of that time, counts as late: timers are
// looked at by Ps between two goroutines and by the runtime's monitor.
//
// Threshold: 5 ms late; a warning from 10 ms, the time slice, if a hundredth of
// such sleeps was late. Never critical:
// what was asked for is inferred. How long the goroutine then waited for a P is
// told apart.
//
// False positives: a place that mostly sleeps for one time and now and then for
// longer, while all Ps are busy. Where more than a tenth of the sleeps is longer,
// the place is left out. Timers and tickers that are read from channels show only
// as waits for a channel, and are not judged.
var checkTimers = check{id: "timers", title: "Sleeps that ended late", symptom: true, judge: func(r *run, rep *Report) judgement {
	t := r.timers
	var late histogram
	worst := newTopK[overslept](maxMoments)
	busy := t.busySum()
	var after histogram
	regular, sleeps := 0, int64(0)
	for _, p := range t.places {
		if p == nil {
			continue
		}
		after.merge(&p.after)
		if !p.regular() {
			continue
		}
		regular++
		sleeps += p.waits.n
		late.merge(&p.late)
		for _, x := range p.worst.best() {
			worst.offer(x.late, x)
		}
	}
	j := judgement{measured: fmt.Sprintf("%s, in %s for about the same time again and again; %d of those late, by up to %s", plural(t.n, "sleep"), plural(int64(regular), "place"), late.n, dur(late.max))}
	if t.n > 0 && regular == 0 {
		j.undecided = fmt.Sprintf("no place slept %d times for about the same time, and a trace does not hold for how long a goroutine meant to sleep", sleepsEnough)
		return j
	}
	if late.n == 0 {
		return j
	}
	f := Finding{
		Severity: SeverityInfo,
		Title:    fmt.Sprintf("Sleeping goroutines were woken up to %s late", dur(late.max)),
		CostNS:   late.total,
		CostOf:   "goroutine time asleep beyond what the place mostly sleeps",
		What: fmt.Sprintf("%s lasted at least %s longer than the same place sleeps otherwise, while the Ps were busy. After waking, they waited another %s for a P at the median, %s at the longest.",
			plural(late.n, "sleep"), dur(sleepLate), dur(after.quantile(.5)), dur(after.max)),
		Why:    "A timer that is due is run by a P that is between two goroutines, or by one that has nothing to do. All Ps ran goroutines for long, or their threads had no CPU.",
		Advice: "See what ran meanwhile: " + busiest(&busy) + ". Shorter pieces of work, or more CPUs, let timers through in time.",
		Sure:   "medium", SureWhy: "for how long a goroutine means to sleep is not in the trace: it is taken from how long the same place sleeps mostly",
		Evidence: []Evidence{
			{"late sleeps", fmt.Sprint(late.n)},
			{"late by, median", dur(late.quantile(.5))},
			{"late by, longest", dur(late.max)},
			{"from waking to running, median", dur(after.quantile(.5))},
			{"from waking to running, longest", dur(after.max)},
		},
	}
	if late.max >= starvedAfter && late.n*100 >= sleeps {
		f.Severity = SeverityWarning
	}
	for i, x := range worst.best() {
		if i == 0 {
			f.Stacks = r.stack(fmt.Sprintf("where G%d slept", x.g), x.stack)
		}
		f.Moments = append(f.Moments, r.moment(x.due, x.woken, x.g, -1, -1,
			fmt.Sprintf("%s slept for %s, %s longer than that place mostly does", named(int64(x.g), r.names.startFunc(x.fn)), dur(int64(x.woken-x.due)+x.wanted), dur(x.late))))
	}
	j.findings = []Finding{f}
	return j
}}

const (
	sleepsEnough = 20
	sleepsSome   = 8         // before that the shortest is not believed
	sleepLate    = 5_000_000 // ns
)

// busiest says what the Ps did mostly.
func busiest(s *split) string {
	best, text := pDidRun, [...]string{pDidRun: "goroutines that took turns", pDidHog: "goroutines that ran for very long", pDidMark: "mark workers",
		pDidOther: "goroutines of the runtime", pDidNone: "nothing, the Ps stood still", pDidCall: "system calls", pDidStop: "nothing, the world was stopped"}
	for k := range pDidSpare {
		if s[k] > s[best] {
			best = k
		}
	}
	return text[best]
}

// timers answers: how long do goroutines sleep, by the place where they do?
type timers struct {
	blame  *blame
	n      int64
	places []*sleeper // by stack
}

// sleeper is a place where goroutines sleep.
type sleeper struct {
	waits    histogram
	shortest int64
	after    histogram // from waking to running
	longer   int64     // sleeps that were sleepLate longer than the shortest
	late     histogram // of them, those while the Ps were busy: by how much
	busy     split     // what the Ps did in that time, the average of all
	worst    *topK[overslept]
}

// overslept is a sleep that ended late.
type overslept struct {
	due, woken model.Time
	wanted     int64
	late       int64
	g          model.GoID
	fn, stack  uint32
}

func (t *timers) observe(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.Reason != model.ReasonSleep || iv.Runtime || iv.Open != 0 || iv.Stack == 0 {
			continue
		}
		switch {
		case iv.State == model.GWaiting:
			t.slept(iv)
		case iv.State == model.GRunnable && iv.Woken:
			t.at(iv.Stack).after.add(int64(iv.End - iv.Start))
		}
	}
}

func (t *timers) at(stack uint32) *sleeper {
	for int(stack) >= len(t.places) {
		t.places = append(t.places, nil)
	}
	if t.places[stack] == nil {
		t.places[stack] = &sleeper{worst: newTopK[overslept](maxMoments)}
	}
	return t.places[stack]
}

func (t *timers) slept(iv *model.GInterval) {
	p, d := t.at(iv.Stack), int64(iv.End-iv.Start)
	t.n++
	if p.waits.n == 0 || d < p.shortest {
		p.shortest = d
	}
	p.waits.add(d)
	if d-p.shortest < sleepLate {
		return
	}
	p.longer++
	if p.waits.n < sleepsSome {
		return
	}
	due := iv.Start + model.Time(p.shortest)
	busy, ok := t.blame.busy(due, iv.End)
	if !ok {
		return
	}
	late := int64(iv.End - due)
	p.late.add(late)
	for k, ns := range busy {
		p.busy[k] += ns
	}
	p.worst.offer(late, overslept{due, iv.End, p.shortest, late, iv.G, iv.Func, iv.Stack})
}

// regular reports whether the place slept often, and mostly for about as long as
// the shortest time.
func (p *sleeper) regular() bool {
	return p.waits.n >= sleepsEnough && p.waits.quantile(.5) <= p.shortest+p.shortest/8+sleepLate/10 && p.longer*10 <= p.waits.n
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

func (t *timers) report(*Report) {}
