package diagnose

import (
	"iter"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// readers answers: who found goroutines that waited for the network ready, and
// which were found late because all Ps were kept by goroutines?
type readers struct {
	blame  *blame
	names  *names.Table
	idle   names.Flags  // of stacks: waits where nothing is due
	places []*waitPlace // by stack

	ended  int64 // waits for the network that something other than a goroutine ended
	polled int64 // of them: ended by a thread without a P
	most   int64 // at once
	now    polledAt
	after  stat.Sketch // from there until they ran

	starved int64 // of after: what took longer than measure.StarvedAfter
	worst   *stat.TopK[polledAt]
}

// newReaders makes blame tell readers the stretches, in step with the Ps'.
func newReaders(s *replay.Session) *readers {
	n := &readers{blame: replay.Shared(s, newBlame), names: s.Names, worst: stat.NewTopK[polledAt](report.MaxMoments)}
	n.blame.listen(n.stretch, model.ReasonNetwork)
	return n
}

// polledAt is a moment at which the monitor found goroutines ready.
type polledAt struct {
	at    model.Time
	count int64
	g     model.GoID // one of them
}

// lateMost is by how much a wake-up can be late because nobody looks at the network: the
// monitor does where nobody did for 10 ms, and is a time slice late if it shares a CPU.
// What took longer was not there yet.
const lateMost = 3 * measure.StarvedAfter

// pollRound is the time within which wake-ups belong to one look of the monitor.
const pollRound = 200_000 // ns

// stretch takes in what a goroutine did: it may have waited for the network, or for a P
// after that.
func (n *readers) stretch(iv *model.GInterval) {
	switch {
	case iv.State == model.GWaiting && iv.By == model.NoG && iv.Open&model.OpenEnd == 0:
		n.ended++
		if iv.Polled {
			n.found(iv)
		}
		if iv.Open == 0 && iv.Stack != 0 && !n.standsBy(iv.Stack) {
			n.waited(iv)
		}
	case iv.State == model.GRunnable && iv.Woken && iv.P == model.NoP && n.polled > 0:
		if iv.Start >= n.now.at && iv.Start < n.now.at+pollRound {
			n.runs(int64(iv.End - iv.Start))
		}
	}
}

// standsBy reports whether a stack waits for what comes when the peer likes: for the next
// request on a connection that is kept alive, or the next connection. That is no delay,
// however long it is.
func (n *readers) standsBy(stack uint32) bool {
	return n.idle.Of(n.names, stack, waitsForPeer)
}

// waitsForPeer reports whether frames are of a server between two requests, of a client
// between two answers, or of who accepts connections.
//
// Source: net/http, server.go and transport.go; net, Listener.
func waitsForPeer(frames []report.Frame) bool {
	for i := range frames {
		switch fn := frames[i].Func; fn {
		case "net/http.(*connReader).backgroundRead", "net.(*TCPListener).Accept", "net.(*UnixListener).Accept":
			return true
		case "net/http.(*conn).serve", "net/http.(*persistConn).readLoop", "github.com/valyala/fasthttp.(*Server).serveConn":
			return i > 0 && frames[i-1].Func == "bufio.(*Reader).Peek"
		}
	}
	return false
}

// runs counts the wait for a P of one that the monitor found.
func (n *readers) runs(after int64) {
	n.after.Add(after)
	if after > measure.StarvedAfter {
		n.starved += after
	}
}

// waited counts a wait. When the connection became readable is not known: it is
// taken from how long waits at that place mostly are.
func (n *readers) waited(iv *model.GInterval) {
	p, d := n.at(iv.Stack), int64(iv.End-iv.Start)
	p.waits.Add(d)
	if d < lateFrom {
		return
	}
	x := lateIf(iv, p.waits.Quantile(.5))
	if x.late() < lateFrom {
		return
	}
	p.longer++
	busy, ok := n.blame.busy(x.due, x.woken)
	// While Ps switch between goroutines, one that runs out of them looks at the
	// network, and who is to answer may be among those that wait for a P.
	kept := busy[pDidHog] + busy[pDidOver] + busy[pDidMark]
	if ok && p.waits.N() >= waitsSome && 2*kept >= x.late() && x.late() <= lateMost {
		p.delay(x, &busy)
	}
}

// at is the place of a stack.
func (n *readers) at(stack uint32) *waitPlace {
	for int(stack) >= len(n.places) {
		n.places = append(n.places, nil)
	}
	if n.places[stack] == nil {
		p := newWaitPlace()
		n.places[stack] = &p
	}
	return n.places[stack]
}

// regular are the places that waited often, and seldom for long unless all Ps were kept.
func (n *readers) regular() iter.Seq[*waitPlace] {
	return func(yield func(*waitPlace) bool) {
		for _, p := range n.places {
			if p != nil && p.regular() && !yield(p) {
				return
			}
		}
	}
}

// found counts a goroutine that the monitor found ready.
func (n *readers) found(iv *model.GInterval) {
	n.polled++
	if iv.End >= n.now.at+pollRound {
		n.end()
		n.now = polledAt{at: iv.End, g: iv.G}
	}
	n.now.count++
	n.most = max(n.most, n.now.count)
}

// end notes the look of the monitor that is under way.
func (n *readers) end() { n.worst.Offer(n.now.count, n.now) }
