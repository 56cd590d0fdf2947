package analyze

import "gmptrace/model"

// locked answers: what do goroutines that are locked to their thread cost?
type locked struct {
	n     int64
	gs    [256]model.GoID // those whose next wait counts, by id modulo: they are few; 0 is none
	open  int             // of gs
	waits histogram
	worst *topK[model.GInterval]
}

func (l *locked) observe(f *model.Facts) {
	hs := f.Handoffs
	if len(hs) == 0 && l.open == 0 {
		return
	}
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.State != model.GRunnable || iv.Runtime {
			continue
		}
		for ; len(hs) > 0 && hs[0].Time < iv.End; hs = hs[1:] {
			l.handed(&hs[0])
		}
		if g := &l.gs[uint64(iv.G)%uint64(len(l.gs))]; *g == iv.G {
			*g = 0
			l.open--
			d := int64(iv.End - iv.Start)
			l.waits.add(d)
			if l.worst.admits(d) {
				l.worst.offer(d, *iv)
			}
		}
	}
	for i := range hs {
		l.handed(&hs[i])
	}
}

// handed notes that a locked goroutine's thread gave its P away: its next wait
// for one counts.
func (l *locked) handed(x *model.Handoff) {
	if x.Cause != model.HandoffLockedM || x.G <= 0 {
		return
	}
	l.n++
	g := &l.gs[uint64(x.G)%uint64(len(l.gs))]
	if *g == 0 {
		l.open++
	}
	*g = x.G
}

func (l *locked) report(*Report) {}
