package explain

import (
	"slices"
	"sort"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Both ends of a connection may be in one program: a client of net/http waits for the
// network, and a goroutine of a server of its own serves it. The trace does not say which
// system call is about which connection. What it shows is that each time that the client's
// reader was found ready, the server's goroutine had just written a response. Who had every
// time, where no other had nearly as often, is taken for the other end: likely, never
// certain.

const (
	peerWakes   = 32  // of a reader that are looked at, at most
	fewWakes    = 3   // and at least
	peerOften   = .9  // share of them before which the other end has written
	otherOften  = .6  // and nobody else
	mostServers = 256 // among which the other end is looked for
)

// peerSoon are how long before a reader was ready the response may have been written: as
// the network is looked at at once, or late while all Ps are busy. The first that tells
// one from all others counts.
var peerSoon = []model.Time{100_000, 500_000, 2_000_000, sysmonPolls} // ns

// Functions by which both ends show.
const (
	httpReadLoop = "net/http.(*persistConn).readLoop"
	httpWrite    = "net/http.checkConnErrorWriter.Write"
)

// peers find the other ends of connections in a history.
type peers struct {
	names   *names.Table
	writes  names.Flags // of stacks: writes a response
	between names.Flags // likewise: waits for the next request
}

func hasFunc(frames []report.Frame, fn string) bool {
	return slices.ContainsFunc(frames, func(f report.Frame) bool { return f.Func == fn })
}

// responds reports whether a stretch writes a response.
func (p *peers) responds(s *gSeg) bool {
	return s.state == model.GSyscall && p.writes.Of(p.names, s.stack, func(frames []report.Frame) bool { return hasFunc(frames, httpWrite) })
}

// awaits reports whether a stretch waits for the next request.
func (p *peers) awaits(s *gSeg) bool {
	return s.state == model.GWaiting && s.reason == model.ReasonNetwork && p.between.Of(p.names, s.stack, func(frames []report.Frame) bool { return !hasFunc(frames, httpHandler) })
}

// of is the goroutine that serves the other end of the connection that g reads, NoG where
// there is none, or several may be.
func (p *peers) of(h *history, g model.GoID, servers func() []server) model.GoID {
	line := h.of(g)
	if p.names.StartFunc(line.fn) != httpReadLoop {
		return model.NoG
	}
	var wakes []model.Time
	for i := len(line.segs) - 1; i >= 0 && len(wakes) < peerWakes; i-- {
		if s := &line.segs[i]; s.state == model.GWaiting && s.reason == model.ReasonNetwork && !s.goesOn {
			wakes = append(wakes, s.end)
		}
	}
	if len(wakes) < fewWakes {
		return model.NoG
	}
	for _, soon := range peerSoon {
		if s, ok := p.most(servers(), wakes, soon); ok {
			return s
		}
	}
	return model.NoG
}

// server is a goroutine that serves a connection, and when it wrote responses.
type server struct {
	g      model.GoID
	writes []model.Time
}

// servers are those that show, none where they are too many.
func (p *peers) servers(h *history) []server {
	out := []server{}
	for g := range h.gs.all() {
		line := h.of(g)
		if serverKindOf(p.names.StartFunc(line.fn)) != servesConn {
			continue
		}
		s := server{g: g}
		for i := range line.segs {
			if p.responds(&line.segs[i]) {
				s.writes = append(s.writes, line.segs[i].start)
			}
		}
		if out = append(out, s); len(out) > mostServers {
			return []server{}
		}
	}
	slices.SortFunc(out, func(a, b server) int { return int(a.g - b.g) })
	return out
}

// most is the one server that had written soon before nearly each of the wakes.
func (p *peers) most(servers []server, wakes []model.Time, soon model.Time) (g model.GoID, ok bool) {
	g = model.NoG
	for i := range servers {
		n := 0
		for _, at := range wakes {
			w := servers[i].writes
			if k := sort.Search(len(w), func(k int) bool { return w[k] > at }); k > 0 && at-w[k-1] <= soon {
				n++
			}
		}
		switch often := float64(n) / float64(len(wakes)); {
		case often >= peerOften && g == model.NoG:
			g = servers[i].g
		case often >= otherOften:
			return model.NoG, false
		}
	}
	return g, g != model.NoG
}

// served is when the goroutine served what it had answered by a time: from when it found
// the request to when it had written the response.
func (p *peers) served(h *history, g model.GoID, by model.Time) (from, to model.Time, ok bool) {
	segs := h.of(g).segs
	i := sort.Search(len(segs), func(i int) bool { return segs[i].start > by }) - 1
	for ; i >= 0 && !p.responds(&segs[i]); i-- {
		if p.awaits(&segs[i]) && segs[i].end < by {
			return 0, 0, false
		}
	}
	if i < 0 {
		return 0, 0, false
	}
	to = min(segs[i].end, by)
	for ; i >= 0; i-- {
		if p.awaits(&segs[i]) {
			return segs[i].end, to, true
		}
	}
	return 0, 0, false
}

// linked walks a wait for the network through the goroutine that served the other end of
// the connection meanwhile, and reports whether there was one.
func (w *walk) linked(x *step) bool {
	if w.peers == nil || w.use == nil || x.depth >= maxPathDepth {
		return false
	}
	g := w.peer(x.g)
	if g == model.NoG {
		return false
	}
	from, to, ok := w.peers.served(w.h, g, x.to)
	if from, to = max(from, x.from), min(to, x.to); !ok || 2*(to-from) < x.to-x.from {
		return false
	}
	before, after := *x, *x
	if before.to = from; before.from < before.to {
		w.tell(&before)
	}
	was := w.likely
	w.likely = true
	w.path(g, from, to, x.via, x.depth+1)
	w.likely = was
	if after.from = to; after.from < after.to {
		w.tell(&after)
	}
	return true
}

// peer is the other end of what a goroutine reads, looked for once in a walk.
func (w *walk) peer(g model.GoID) model.GoID {
	if p, ok := w.ends[g]; ok {
		return p
	}
	if w.ends == nil {
		w.ends = map[model.GoID]model.GoID{}
	}
	w.ends[g] = w.peers.of(w.h, g, func() []server {
		if w.servers == nil {
			w.servers = w.peers.servers(w.h)
		}
		return w.servers
	})
	return w.ends[g]
}
