package analyze

import (
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// longRuns answers: which goroutines kept a P for long at a stretch?
type longRuns struct {
	all     stat.Sketch
	worst   *stat.TopK[model.PInterval]
	stops   stops
	over    int64               // sum of stretches that ran on when they were to end: see overrun
	overran *stat.TopK[longRun] // the longest of them
}

// longRun is a stretch that ran on.
type longRun struct {
	model.PInterval
	how model.How // in which it was stopped
}

func newLongRuns(*Session) *longRuns {
	return &longRuns{worst: stat.NewTopK[model.PInterval](maxMoments), overran: stat.NewTopK[longRun](maxMoments)}
}

func (l *longRuns) Watch(f *model.Facts) {
	l.stops.observe(f)
	for i := range f.Ps {
		iv := &f.Ps[i]
		if iv.Does != model.PDoesRun || iv.Runtime {
			continue
		}
		d := int64(iv.End - iv.Start)
		l.all.Add(d)
		if l.worst.Admits(d) {
			l.worst.Offer(d, *iv)
		}
		if how := l.stops.how(iv); overrun(iv.End-iv.Start, how) {
			l.over += d
			l.overran.Offer(d, longRun{*iv, how})
		}
	}
}
