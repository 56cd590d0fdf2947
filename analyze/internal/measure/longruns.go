package measure

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// Overrun reports whether a goroutine kept its P although it was to stop. One that
// a signal stopped can be interrupted: where it ran for long, nobody asked it to
// stop, or its thread had no CPU.
func Overrun(length model.Time, how model.How) bool {
	return length >= LateSlice || length >= hogAfter && how != model.HowSignal
}

// hogAfter is the stretch from which a goroutine counts as keeping its P: a fifth
// longer than the slices of 20 ms that are usual where all compute.
const hogAfter = 24_000_000 // ns

// LongRuns answers: which goroutines kept a P for long at a stretch?
type LongRuns struct {
	All     stat.Sketch
	Worst   *stat.TopK[model.PInterval]
	stops   Stops
	Over    int64               // sum of stretches that ran on when they were to end: see Overrun
	Overran *stat.TopK[LongRun] // the longest of them
}

// LongRun is a stretch that ran on.
type LongRun struct {
	model.PInterval
	How model.How // in which it was stopped
}

// NewLongRuns makes LongRuns, for replay.Shared.
func NewLongRuns(*replay.Session) *LongRuns {
	return &LongRuns{Worst: stat.NewTopK[model.PInterval](report.MaxMoments), Overran: stat.NewTopK[LongRun](report.MaxMoments)}
}

func (l *LongRuns) Watch(f *model.Facts) {
	l.stops.Observe(f)
	for i := range f.Ps {
		iv := &f.Ps[i]
		if iv.Does != model.PDoesRun || iv.Runtime {
			continue
		}
		d := int64(iv.End - iv.Start)
		l.All.Add(d)
		if l.Worst.Admits(d) {
			l.Worst.Offer(d, *iv)
		}
		if d < WholeSlice { // nearly always
			continue
		}
		if how := l.stops.How(iv); Overrun(iv.End-iv.Start, how) {
			l.Over += d
			l.Overran.Offer(d, LongRun{*iv, how})
		}
	}
}
