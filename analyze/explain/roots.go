package explain

import (
	"cmp"
	"fmt"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// describe tells of a root in words.
func (a *account) describe(k rootKey, r *rootSum) report.Root {
	x := report.Root{Kind: k.kind}
	if k.fn != "" || k.kind == report.RootGC {
		r.names(&x, k.fn)
	}
	st := mostStanding(r.stood)
	if st != nil {
		x.Stood = st.at
	}
	if k.kind == report.RootPlace || k.kind == report.RootLock {
		x.Site = mostOf(r.sites, r.ns)
	}
	t := tale{Root: &x, sum: r, st: st, known: k.known, asked: a.e.cpus.Said(), heap: a.e.heap, tight: a.e.heap.Tight(), manyHadPs: len(r.gs) >= len(a.e.h.ps), mean: r.ns / max(1, a.n), of: a.n, times: r.times / max(1, a.n)}
	t.callee, _ = most(r.callee)
	t.worksIn = r.worksIn()
	t.above, _ = most(r.above)
	if look := kinds[k.kind].look; look != nil {
		look(a, k, &t)
	}
	t.caller = cmp.Or(t.caller, r.calledFrom(x.From))
	x.Holder = t.holder()
	x.Text = t.text()
	x.Advice = t.advice()
	if t.forAll() {
		x.Text += names.ForAllText
		x.Advice = strings.TrimSpace(x.Advice + " " + names.ForAllAdvice)
	}
	x.Sure, x.SureWhy = t.sure()
	return x
}

// calledFrom is who to name as the caller of a root's place: who is it for most of it, see
// names.Place.Caller, else who leads to it.
func (r *rootSum) calledFrom(from string) string {
	if caller, ns := most(r.caller); caller != "" && 2*ns > r.ns {
		return caller
	}
	return from
}

// library is the function of a library that its place computed in for most of it, "" for none.
func (r *rootSum) worksIn() string { return mostOf(r.works, r.ns) }

// names says who is behind a root: the place with the most time of a function, of all with fn
// "", and who had called that.
func (r *rootSum) names(x *report.Root, fn string) {
	x.At = mostFrame(r.who, fn)
	if x.From, _ = most(r.from); x.From == x.At.Func {
		x.From = ""
	}
}

// mostFrame is the place with the most time: of a function, or else of the one with the
// most, its line with the most.
func mostFrame(by map[report.Frame]int64, fn string) report.Frame {
	if fn == "" {
		fns := map[string]int64{}
		for f, ns := range by {
			fns[f.Func] += ns
		}
		fn, _ = most(fns)
	}
	best, ns := report.Frame{}, int64(-1)
	for f, n := range by {
		if f.Func == fn && (n > ns || n == ns && f.Line < best.Line) {
			best, ns = f, n
		}
	}
	return best
}

func mostStanding(by map[standing]int64) *standing {
	var best *standing
	var ns int64
	for s, n := range by {
		if best == nil || n > ns || n == ns && s.less(best) {
			best, ns = &s, n
		}
	}
	return best
}

func (s *standing) less(t *standing) bool {
	if s.via != t.via {
		return s.via < t.via
	}
	if s.at.Func != t.at.Func {
		return s.at.Func < t.at.Func
	}
	return s.at.Line < t.at.Line
}

const (
	// muchMore is how many times as long as typical ones slow ones must do something for
	// that to be worth a word on it, and muchLonger by how much.
	muchMore   = 4
	muchLonger = 5_000_000 // ns
)

// adviceByMore is what to do about what slow ones do for much longer than typical ones, who
// do as much of that kind in all: where somebody who computes was last seen may differ.
// Others that sleep while it waits are no attempts of its own. Where slow ones wait for the
// network for much longer too, what they try again is a call. What a library computes there may
// be known for it.
func adviceByMore(x *report.Root, typical int64, asksMore bool, worksIn string) string {
	if x.At.Func == "" || x.NS < muchMore*typical || x.NS-typical < muchLonger {
		return ""
	}
	who := words.Function(x.At.Func)
	switch x.Kind {
	case report.RootComputing:
		if names.CostAdvice(worksIn) != "" || names.SpinAdvice(x.At.Func, who) != "" {
			return ""
		}
		return fmt.Sprintf("Slow ones compute in %s for %s, typical ones for %s: see what more it does for them (more items, a search within a loop: a CPU profile has the lines), and do that with less, ahead, or in parts.", who, words.Length(x.NS), words.Length(typical))
	case report.RootSleep:
		if asksMore {
			return fmt.Sprintf("Slow ones sleep in %s for %s, typical ones for %s, and wait for the network for longer too: if that is between attempts of a call, do not repeat what is refused, and repeat the rest later and elsewhere (another goroutine, a queue), so that nothing waits behind it.", who, words.Length(x.NS), words.Length(typical))
		}
		return fmt.Sprintf("Slow ones sleep in %s for %s, typical ones for %s: if that is between attempts, wait in a queue that wakes them at once (Lock in place of TryLock, a channel, sync.Cond).", who, words.Length(x.NS), words.Length(typical))
	}
	return ""
}
