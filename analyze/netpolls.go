package analyze

import "gmptrace/model"

// netpolls answers: who found goroutines that waited for the network ready?
type netpolls struct {
	all    int64 // waits for the network that something other than a goroutine ended
	polled int64 // of them: ended by a thread without a P
	most   int64 // at once
	now    polledAt
	after  histogram // from there until they ran
	worst  *topK[polledAt]
}

// polledAt is a moment at which the monitor found goroutines ready.
type polledAt struct {
	at    model.Time
	count int64
	g     model.GoID // one of them
}

// pollRound is the time within which wake-ups belong to one look of the monitor.
const pollRound = 200_000 // ns

func (n *netpolls) observe(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.Reason != model.ReasonNetwork || iv.Runtime {
			continue
		}
		switch {
		case iv.State == model.GWaiting && iv.By == model.NoG && iv.Open&model.OpenEnd == 0:
			n.all++
			if iv.Polled {
				n.found(iv)
			}
		case iv.State == model.GRunnable && iv.Woken && iv.P == model.NoP && n.polled > 0:
			if iv.Start >= n.now.at && iv.Start < n.now.at+pollRound {
				n.after.add(int64(iv.End - iv.Start))
			}
		}
	}
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

func (n *netpolls) end() { n.worst.offer(n.now.count, n.now) }

func (n *netpolls) report(*Report) { n.end() }
