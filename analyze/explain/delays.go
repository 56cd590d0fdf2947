package explain

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// delayed is what of a root's time went on until a timer was due, and what libraries are
// known to wait so for.
type delayed struct {
	ns, n int64 // n: how often that began
	known map[*names.Delay]int64
}

// add adds a step of a goroutine that stood at these frames.
func (d *delayed) add(frames []report.Frame, c report.Cause, of tally) {
	if c != report.CauseBlocked && c != report.CauseSleep {
		return
	}
	d.ns, d.n = d.ns+of.ns, d.n+of.n
	if known := names.DelayOf(frames); known != nil {
		if d.known == nil {
			d.known = map[*names.Delay]int64{}
		}
		d.known[known] += of.ns
	}
}

// with is the sum of two.
func (d *delayed) with(x *delayed) delayed {
	sum := delayed{ns: d.ns + x.ns, n: d.n + x.n}
	for _, known := range []map[*names.Delay]int64{d.known, x.known} {
		for k, ns := range known {
			if sum.known == nil {
				sum.known = map[*names.Delay]int64{}
			}
			sum.known[k] += ns
		}
	}
	return sum
}

// delay is what a library is known to wait for that most of a root's time went to, nil for
// nothing.
func (t *tale) delay() *names.Delay { return mostOf(t.sum.delay.known, t.sum.ns) }

// ended is how often timers ended a wait there, in an instance.
func (t *tale) ended() int64 { return t.sum.delay.n / max(1, t.of) }

// mostOf is what more than half of all stands by, the zero value for nothing.
func mostOf[K comparable](by map[K]int64, all int64) (none K) {
	for k, ns := range by {
		if 2*ns > all {
			return k
		}
	}
	return none
}

// sleeping says where somebody slept, and for what.
func (t *tale) sleeping() string {
	what := "sleeping"
	if d := t.delay(); d != nil {
		what += d.Text
	}
	return what + t.in() + t.while()
}

// sleepAdvice is what to do about it.
func (t *tale) sleepAdvice() string {
	who := words.Function(t.At.Func)
	switch d := t.delay(); {
	case !t.ours():
		return ""
	case d != nil:
		return d.Advice
	case t.sleepsMeanwhile():
		return "Others wait while " + who + " sleeps: let it wait in a select that a context, or who has something for it, ends as well, or sleep for less."
	}
	return pollAdvice(who)
}

// sleepsMeanwhile reports whether it is another goroutine that sleeps, which keeps the
// explained one waiting.
func (t *tale) sleepsMeanwhile() bool { return 2*t.sum.others > t.sum.ns }
