package whatif

import "gmptrace/model/simulate"

// Where more comes than the Ps can do, what comes waits: how long depends on how many are let in
// before who gives them has to wait, and on how many those would give if they need not. A trace
// tells of the first only where somebody had to wait, and of the second only where nobody had.

const (
	pileTimes = 4  // times as many jobs as with the recorded settings wait at one place at the least, where they pile up
	pileShare = .1 // share of all jobs of that place that wait at once at the least
	heldBack  = .5 // share of the run that who gives jobs stands to give one at the least, where he is held back
	allBusy   = .9 // share of the Ps' time in which goroutines run at the least, for more of them to let him give more
)

// pace says why nobody knows how much there is to do at once in v, of which r is a simulation;
// "" where that is known.
func (w *prediction) pace(v *Variant, r *outcome) string {
	switch {
	case v.Scheduler != simulate.GMP.String():
		return ""
	case v.Procs < w.procs && r.Piled >= pileShare && r.Piled > pileTimes*w.piled:
		return "more comes than so many Ps can do, so that it piles up, and how much of it the program lets in shows in no trace"
	case v.Procs > w.procs && w.x.Recorded.Utilisation >= allBusy && w.c.heldBack():
		return "who gives jobs stood to give one for most of the run, and how fast they would come if he need not shows in no trace"
	}
	return ""
}

// heldBack reports whether a goroutine that gives jobs mostly stood to give one.
func (c *workloads) heldBack() bool {
	stood := map[uint64]int64{}
	for _, g := range c.order {
		for _, m := range c.placed(g) {
			if m.kind == markTaken {
				if stood[m.a] += int64(m.waited); float64(stood[m.a]) > heldBack*float64(c.seen.makespan-c.zero) {
					return true
				}
			}
		}
	}
	return false
}

// signalled reports whether several goroutines wait by a condition for what any of them does.
func (c *workloads) signalled() bool {
	for i, key := range c.siteKeys {
		if c.sites[i].Coming > 0 && !c.places[key].single && c.lockSites.Site(key.stack).Parted {
			return true
		}
	}
	return false
}

const signalledText = "how much may lie where goroutines wait by a sync.Cond for what others leave shows in no trace"

// forget leaves open how long requests and tasks take; with chance only those of handlers of which
// it is chance which requests show them, as which wait depends on the Ps.
func (v *Variant) forget(chance bool) {
	for i := range v.Of {
		if l := &v.Of[i]; l.Chance || !chance {
			l.P50.Known, l.P90.Known, l.P99.Known = false, false, false
		}
	}
}
