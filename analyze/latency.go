package analyze

import "gmptrace/model"

// latency answers: how long do goroutines wait from ready to execute? Waits
// that were cut off by the trace count as the lower bounds that they are:
// leaving them out would hide the worst ones.
type latency struct {
	all       histogram
	user      histogram // of the program's own goroutines
	starved   int64     // of user: waits longer than starvedAfter
	starvedNS int64     // their sum
	openEnd   int64     // goroutines of the program still waiting at the end
	ended     int64
	total     int64
	censored  int64
	longest   int64 // of the censored
	peak      int32
	peakAt    model.Time
	zero      model.Time
}

func (l *latency) observe(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.State != model.GRunnable {
			continue
		}
		wait := int64(iv.End - iv.Start)
		l.all.add(wait)
		l.total += wait
		if !iv.Runtime {
			l.addUser(wait, iv.Open)
		}
		if iv.Open != 0 {
			l.censored++
			l.longest = max(l.longest, wait)
		} else {
			l.ended++
		}
	}
	for i := range f.Dispatches {
		if d := &f.Dispatches[i]; d.Runnable >= l.peak {
			l.peak, l.peakAt = d.Runnable+1, d.Time
		}
	}
}

func (l *latency) addUser(wait int64, open model.Open) {
	l.user.add(wait)
	if wait > starvedAfter {
		l.starved++
		l.starvedNS += wait
	}
	if open&model.OpenEnd != 0 {
		l.openEnd++
	}
}

func (l *latency) report(r *Report) {
	h := &l.all
	r.Latency = Latency{
		Count: l.ended, Total: l.total, Censored: l.censored, Longest: l.longest,
		P50: h.quantile(.5), P90: h.quantile(.9), P99: h.quantile(.99), P999: h.quantile(.999), Max: h.max,
		Buckets: h.octaves(),
	}
	r.Key.LatencyP50, r.Key.LatencyP99, r.Key.LatencyP999, r.Key.LatencyMax = r.Latency.P50, r.Latency.P99, r.Latency.P999, r.Latency.Max
	r.Key.QueuePeak, r.Key.QueuePeakAt = int(l.peak), int64(l.peakAt-l.zero)
	if d := r.Trace.To - r.Trace.From; d > 0 {
		r.Key.QueueMean = float64(l.total) / float64(d)
	}
}
