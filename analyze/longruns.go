package analyze

import "gmptrace/model"

// longRuns answers: which goroutines kept a P for long at a stretch?
type longRuns struct {
	all   histogram
	long  int64 // sum of stretches longer than hogAfter
	worst *topK[model.PInterval]
}

func (l *longRuns) observe(f *model.Facts) {
	for i := range f.Ps {
		iv := &f.Ps[i]
		if iv.Does != model.PDoesRun || iv.Runtime {
			continue
		}
		d := int64(iv.End - iv.Start)
		l.all.add(d)
		if d > hogAfter {
			l.long += d
		}
		if l.worst.admits(d) {
			l.worst.offer(d, *iv)
		}
	}
}

func (l *longRuns) report(*Report) {}
