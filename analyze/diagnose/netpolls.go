package diagnose

import (
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// netpolls answers: who found goroutines that waited for the network ready, and
// which were found late because all Ps were kept by goroutines?
type netpolls struct {
	blame  *blame
	places []*reader // by stack

	all    int64 // waits for the network that something other than a goroutine ended
	polled int64 // of them: ended by a thread without a P
	most   int64 // at once
	now    polledAt
	after  stat.Sketch // from there until they ran

	starved int64 // of after: what took longer than measure.StarvedAfter
	worst   *stat.TopK[polledAt]
}

// newNetpolls makes blame tell netpolls the stretches, in step with the Ps'.
func newNetpolls(s *replay.Session) *netpolls {
	n := &netpolls{blame: replay.Shared(s, newBlame), worst: stat.NewTopK[polledAt](report.MaxMoments)}
	n.blame.listen(n.stretch)
	return n
}

// reader is a place where goroutines wait for the network.
type reader struct {
	waits  stat.Sketch
	longer int64       // waits that were sleepLate longer than they mostly are
	late   stat.Sketch // of them, those while all Ps were kept: by how much
	busy   split       // what the Ps did in that time, the average of all
	worst  *stat.TopK[overslept]
}

// polledAt is a moment at which the monitor found goroutines ready.
type polledAt struct {
	at    model.Time
	count int64
	g     model.GoID // one of them
}

// pollRound is the time within which wake-ups belong to one look of the monitor.
const pollRound = 200_000 // ns

func (n *netpolls) stretch(iv *model.GInterval) {
	if iv.Reason != model.ReasonNetwork {
		return
	}
	switch {
	case iv.State == model.GWaiting && iv.By == model.NoG && iv.Open&model.OpenEnd == 0:
		n.all++
		if iv.Polled {
			n.found(iv)
		}
		if iv.Open == 0 && iv.Stack != 0 {
			n.waited(iv)
		}
	case iv.State == model.GRunnable && iv.Woken && iv.P == model.NoP && n.polled > 0:
		if iv.Start >= n.now.at && iv.Start < n.now.at+pollRound {
			d := int64(iv.End - iv.Start)
			n.after.Add(d)
			if d > measure.StarvedAfter {
				n.starved += d
			}
		}
	}
}

// waited counts a wait. When the connection became readable is not known: it is
// taken from how long waits at that place mostly are.
func (n *netpolls) waited(iv *model.GInterval) {
	for int(iv.Stack) >= len(n.places) {
		n.places = append(n.places, nil)
	}
	if n.places[iv.Stack] == nil {
		n.places[iv.Stack] = &reader{worst: stat.NewTopK[overslept](report.MaxMoments)}
	}
	p, d := n.places[iv.Stack], int64(iv.End-iv.Start)
	p.waits.Add(d)
	if d < sleepLate {
		return
	}
	usual := p.waits.Quantile(.5)
	if d-usual < sleepLate {
		return
	}
	p.longer++
	due := iv.Start + model.Time(usual)
	busy, ok := n.blame.busy(due, iv.End)
	// While Ps switch between goroutines, one that runs out of them looks at the
	// network, and who is to answer may be among those that wait for a P.
	if kept := busy[pDidHog] + busy[pDidOver] + busy[pDidMark]; !ok || p.waits.N() < sleepsSome || 2*kept < d-usual {
		return
	}
	p.late.Add(d - usual)
	p.busy.add(&busy)
	p.worst.Offer(d-usual, overslept{due, iv.End, usual, d - usual, iv.G, iv.Func, iv.Stack})
}

// regular reports whether the place waited often, and seldom for long unless all
// Ps were kept.
func (p *reader) regular() bool {
	return p.waits.N() >= sleepsEnough && (p.longer-p.late.N())*10 <= p.waits.N()
}

// late is what is known of all regular places.
func (n *netpolls) late() (late stat.Sketch, waits int64, worst *stat.TopK[overslept]) {
	worst = stat.NewTopK[overslept](report.MaxMoments)
	for _, p := range n.places {
		if p == nil || !p.regular() {
			continue
		}
		waits += p.waits.N()
		late.Merge(&p.late)
		for _, x := range p.worst.Best() {
			worst.Offer(x.late, x)
		}
	}
	return late, waits, worst
}

// busySum is what the Ps did while regular places waited too long.
func (n *netpolls) busySum() (s split) {
	for _, p := range n.places {
		if p != nil && p.regular() {
			s.add(&p.busy)
		}
	}
	return s
}

// during is how much of the delay of regular places passed within s.
func (n *netpolls) during(s stretches) (ns int64) {
	for _, p := range n.places {
		if p != nil && p.regular() {
			ns += lateDuring(s, &p.late, p.worst)
		}
	}
	return ns
}

func (n *netpolls) found(iv *model.GInterval) {
	n.polled++
	if iv.End >= n.now.at+pollRound {
		n.end()
		n.now = polledAt{at: iv.End, g: iv.G}
	}
	n.now.count++
	n.most = max(n.most, n.now.count)
}

// end notes the look of the monitor that is under way.
func (n *netpolls) end() { n.worst.Offer(n.now.count, n.now) }
