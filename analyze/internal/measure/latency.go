package measure

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// StarvedAfter is the wait from which a goroutine counts as starved: a time slice, after
// which whoever runs has to stop.
const StarvedAfter = model.TimeSlice // ns

// Waits answers: how long do goroutines wait from ready to execute? Waits
// that were cut off by the trace count as the lower bounds that they are:
// leaving them out would hide the worst ones. The distributions are the sum of
// those that functions keeps by what ran.
type Waits struct {
	functions *functions
	stood     *replay.Stood
	zero      model.Time

	all  stat.Sketch
	User stat.Sketch // of the program's own goroutines

	censored  int64
	longest   int64 // of the censored
	Starved   int64 // of User: waits longer than StarvedAfter
	StarvedNS int64 // their sum
	OpenEnd   int64 // goroutines of the program still waiting at the end
	atEnd     int32 // goroutines still waiting at endAt
	endAt     model.Time
	peak      int32
	peakAt    model.Time
}

// NewWaits makes Waits, for replay.Shared.
func NewWaits(s *replay.Session) *Waits {
	return &Waits{zero: s.Zero, functions: replay.Shared(s, NewFunctions), stood: replay.Shared(s, replay.NewStood)}
}

func (l *Waits) Watch(f *model.Facts) {
	for _, i := range l.stood.Ready {
		if iv := &f.Gs[i]; iv.Open != 0 || iv.End-iv.Start > StarvedAfter {
			l.notable(iv)
		}
	}
	for i := range f.Dispatches {
		if d := &f.Dispatches[i]; d.Runnable >= l.peak {
			l.peak, l.peakAt = d.Runnable+1, d.Time
		}
	}
}

// notable counts a wait that is long or cut off.
func (l *Waits) notable(iv *model.GInterval) {
	wait := int64(iv.End - iv.Start)
	if iv.Open != 0 && !TellsNothing(iv) {
		l.censored++
		l.longest = max(l.longest, wait)
	}
	if iv.Open&model.OpenEnd != 0 {
		if iv.End != l.endAt { // the one before was a break in the trace
			l.endAt, l.atEnd = iv.End, 0
		}
		l.atEnd++
	}
	if iv.Runtime {
		return
	}
	if wait > StarvedAfter {
		l.Starved++
		l.StarvedNS += wait
	}
	if iv.Open&model.OpenEnd != 0 {
		l.OpenEnd++
	}
}

func (l *Waits) Fill(r *report.Report) {
	for _, t := range l.functions.byTrail {
		if t == nil {
			continue
		}
		l.all.Merge(&t.waits)
		if !t.Runtime {
			l.User.Merge(&t.waits)
		}
	}
	h := &l.all
	r.Latency = report.Latency{
		Count: h.N() - l.censored, Total: h.Sum(), Censored: l.censored, Longest: l.longest,
		P50: h.Quantile(.5), P90: h.Quantile(.9), P95: h.Quantile(.95), P99: h.Quantile(.99), P999: h.Quantile(.999), Max: h.Max(),
		Buckets: report.BucketsOf(h),
	}
	r.Key.LatencyP50, r.Key.LatencyP99, r.Key.LatencyP999, r.Key.LatencyMax = r.Latency.P50, r.Latency.P99, r.Latency.P999, r.Latency.Max
	if l.peak > 0 {
		r.Key.QueuePeak, r.Key.QueuePeakAt = int(l.peak), int64(l.peakAt-l.zero)
	}
	if n := l.Waiting(&r.Trace); n > r.Key.QueuePeak { // dispatches do not tell of what comes after the last
		r.Key.QueuePeak, r.Key.QueuePeakAt = n, r.Trace.To
	}
	if d := r.Trace.To - r.Trace.From; d > 0 {
		r.Key.QueueMean = float64(h.Sum()) / float64(d)
	}
}

// All is the distribution that Fill told of.
func (l *Waits) All() *stat.Sketch { return &l.all }

// Waiting is the number of goroutines runnable at the end of what was analysed.
func (l *Waits) Waiting(t *report.Trace) int {
	if int64(l.endAt-l.zero) != t.To {
		return 0
	}
	return int(l.atEnd)
}
