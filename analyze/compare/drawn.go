package compare

import "math"

// On a machine that others use as well, the operating system takes the CPU away in the middle of
// computing. Where it was not asked (see Machine) that still shows: of one way of the code some
// stretches take many times as long as most do. Who waits for a P behind these waits longer too,
// and is no slower program.

// drawnFrom is from how many times the upper quartile on the mean leg is drawn out: of what only
// varies by itself, and of what has several lengths, it lies below that.
const drawnFrom = 1.3

// drawnOut is how many times its upper quartile the mean leg of a side takes, over all of them.
func drawnOut(side []*Behaviour) float64 {
	var sum, usual float64
	for _, b := range side {
		for i := range b.Series {
			if s := &b.Series[i]; s.Kind == SeriesLeg {
				whole := s.Whole()
				sum += float64(whole.Sum())
				usual += float64(whole.N()) * float64(whole.Quantile(.75))
			}
		}
	}
	return sum / math.Max(1, usual)
}

// setAside has slow ones that are more only since goroutines waited longer for a P fail no check,
// where computing is drawn out.
func (r *Result) setAside(old, new []*Behaviour) {
	if max(drawnOut(old), drawnOut(new)) < drawnFrom {
		return
	}
	for i := range r.Changes {
		c := &r.Changes[i]
		if c.Verdict == Worse && c.Stat == statSlow && c.decides() && mostlyQueue(CauseOf(old, new, c.Kind, c.Name)) {
			c.Held, c.Aside = false, true
		}
	}
}

// mostlyQueue reports whether most of what a mean instance's time has grown by is waiting for a P.
func mostlyQueue(causes []CauseChange) bool {
	var queue, all int64
	for i := range causes {
		grown := max(0, causes[i].Grown())
		if all += grown; causes[i].Kind == CauseQueue {
			queue += grown
		}
	}
	return 2*queue > all
}
