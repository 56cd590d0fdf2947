package diagnose

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// locked answers: what do goroutines that are locked to their thread cost?
type locked struct {
	n     int64
	gs    [256]model.GoID // those whose next wait counts, by id modulo: they are few; 0 is none
	open  int             // of gs
	waits stat.Sketch

	// The other way: those whom a locked goroutine makes ready need another thread.
	known  [256]model.GoID // goroutines whose thread gave its P away, by id modulo
	others stat.Sketch

	tick  model.Time // under way, with in handoffs so far
	in    int64
	busy  int64 // ticks with lockedOften handoffs or more
	worst *stat.TopK[model.GInterval]
}

func newLocked(*replay.Session) *locked {
	return &locked{worst: stat.NewTopK[model.GInterval](report.MaxMoments)}
}

func (l *locked) Watch(f *model.Facts) {
	if len(f.Handoffs) > 0 || l.n > 0 {
		l.readied(f)
	}
	if len(f.Handoffs) > 0 || l.open > 0 {
		l.waited(f)
	}
}

// readied looks at whom locked goroutines made ready: a handoff says of the
// dispatches after it that its goroutine is one.
func (l *locked) readied(f *model.Facts) {
	hs := f.Handoffs
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		for ; len(hs) > 0 && hs[0].Time < d.Time; hs = hs[1:] {
			l.handed(&hs[0])
		}
		if l.is(d.By) && !l.is(d.G) && !d.Runtime {
			l.others.Add(int64(d.Time - d.Ready))
		}
	}
	for i := range hs {
		l.handed(&hs[i])
	}
}

// waited looks at the waits of locked goroutines that come after a handoff.
func (l *locked) waited(f *model.Facts) {
	hs := f.Handoffs
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.State != model.GRunnable || iv.Runtime {
			continue
		}
		for ; len(hs) > 0 && hs[0].Time < iv.End; hs = hs[1:] {
			l.awaits(&hs[0])
		}
		if g := l.waiting(iv.G); *g == iv.G {
			*g = 0
			l.open--
			d := int64(iv.End - iv.Start)
			l.waits.Add(d)
			if l.worst.Admits(d) {
				l.worst.Offer(d, *iv)
			}
		}
	}
	for i := range hs {
		l.awaits(&hs[i])
	}
}

// is reports whether g is known to be locked.
func (l *locked) is(g model.GoID) bool {
	return g > 0 && l.known[uint64(g)%uint64(len(l.known))] == g
}

// handed notes that a locked goroutine's thread gave its P away.
func (l *locked) handed(x *model.Handoff) {
	if x.Cause != model.HandoffLockedM || x.G <= 0 {
		return
	}
	l.n++
	if t := x.Time / lockedTick; t != l.tick {
		l.tick, l.in = t, 0
	}
	if l.in++; l.in == lockedOften {
		l.busy++
	}
	l.known[uint64(x.G)%uint64(len(l.known))] = x.G
}

// awaits notes that the goroutine's next wait for a P counts.
func (l *locked) awaits(x *model.Handoff) {
	if x.Cause != model.HandoffLockedM || x.G <= 0 {
		return
	}
	g := l.waiting(x.G)
	if *g == 0 {
		l.open++
	}
	*g = x.G
}

// waiting is where a goroutine is noted whose next wait counts.
func (l *locked) waiting(g model.GoID) *model.GoID { return &l.gs[uint64(g)%uint64(len(l.gs))] }
