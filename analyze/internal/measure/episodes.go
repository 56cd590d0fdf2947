package measure

import (
	"cmp"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

const (
	maxEpisodes = 20   // worst waits kept
	maxCulprits = 5    // shown of each
	RecentPs    = 1024 // stretches remembered of each P, to say who ran while another waited
	longPs      = 256  // and of those of longPsFrom or more, which reach back further
	longPsFrom  = 500_000
)

// episodes answers: which waits for a P were the worst, and who ran meanwhile
// where the goroutine stood? It remembers the last stretches of each P, and reads
// in them late: of goroutines that become runnable at once, each waits longer than
// the one before, and is soon among the worst no longer.
type episodes struct {
	names   *names.Table
	runners *Runners
	stood   *replay.Stood
	zero    model.Time
	worst   *stat.TopK[*episode]
	on      []standing        // by P
	open    int               // episodes whose P has not shown yet what it did until the end
	ps      []model.PInterval // of the facts at hand, not looked at yet
	read    int               // stretches that were read in
	procs   int64             // GOMAXPROCS, 0 while it is not known
}

// standing is what is remembered of a P for those who stand in its queue.
type standing struct {
	recent, long lastStretches // long: of longPsFrom or more
	open         []*episode    // that its next stretches belong to
}

// lastStretches are the last stretches of a P, spare more than are looked at: for
// as long as it takes for so many to come, nothing that an episode needs is
// overwritten.
type lastStretches struct {
	ring        []stretch
	n           int // that there were
	next        int // where the next one comes, once the ring is full
	toFull      int // how many may come before something that an episode needs may be overwritten
	most, spare int
}

func newLastStretches(most, spare int) lastStretches {
	return lastStretches{most: most, spare: spare, toFull: spare}
}

// stretch is what a P did for a goroutine.
type stretch struct {
	start, end model.Time
	ran
}

// ran is a goroutine that ran until it stopped somewhere.
type ran struct {
	Culprit
	stack uint32 // 0 where it went on, or shows none
}

// add adds a stretch, and reports whether something that an episode needs may be
// overwritten next.
func (l *lastStretches) add(s stretch) (full bool) {
	if len(l.ring) < l.most+l.spare {
		l.ring = append(l.ring, s)
	} else {
		l.ring[l.next] = s
		if l.next++; l.next == len(l.ring) {
			l.next = 0
		}
	}
	l.n++
	if l.toFull--; l.toFull == 0 {
		l.toFull = l.spare
		return true
	}
	return false
}

// between calls use with the stretches from the one with one number to the one
// before another, and at the most with as many as are looked at before mid.
func (l *lastStretches) between(mid, to int, use func(*stretch)) {
	for i := max(0, mid-l.most); i < to; i++ {
		use(&l.ring[i%len(l.ring)])
	}
}

type episode struct {
	report.Episode
	start, end model.Time
	on         model.ProcID
	trail      uint32

	// What there was on its P when it came, in numbers of stretches, and until when
	// the stretches after that belong to it: 0 while that goes on.
	recent, long, until int
	ran                 map[ran]int64 // once it was read
}

// Culprit is a goroutine that ran meanwhile, and the function it started with.
type Culprit struct {
	G    model.GoID
	Func uint32
}

// NewEpisodes makes episodes, for replay.Shared.
func NewEpisodes(s *replay.Session) *episodes {
	return &episodes{names: s.Names, runners: replay.Shared(s, NewRunners), stood: replay.Shared(s, replay.NewStood), zero: s.Zero, worst: stat.NewTopK[*episode](maxEpisodes)}
}

// Watch goes through the waits in order of time; what the Ps did until a wait's
// end comes before it.
func (e *episodes) Watch(f *model.Facts) {
	for i := range e.stood.Events {
		if ev := &e.stood.Events[i]; ev.Op == model.OpGOMAXPROCS {
			e.procs = ev.Arg
		}
	}
	e.ps = f.Ps
	dispatches := f.Dispatches
	waits := func(until model.Time) {
		for ; len(dispatches) > 0 && dispatches[0].Time <= until; dispatches = dispatches[1:] {
			d := &dispatches[0]
			if wait := int64(d.Time - d.Ready); !d.Runtime && e.worst.Admits(wait) {
				e.stretches(d.Time)
				e.admit(wait, d, e.trail(e.runners.Dispatches[len(f.Dispatches)-len(dispatches)], d.Func))
			}
		}
	}
	for _, i := range e.stood.Edges {
		iv := &f.Gs[i]
		if iv.State != model.GRunnable || iv.Open&model.OpenEnd == 0 || iv.Runtime {
			continue
		}
		waits(iv.End)
		if wait := int64(iv.End - iv.Start); e.worst.Admits(wait) {
			e.stretches(iv.End)
			e.admitOpen(wait, iv, e.trail(e.runners.Gs[i], iv.Func))
		}
	}
	waits(replay.Forever)
	e.stretches(replay.Forever)
	e.ps = nil
}

// trail is who waited: one that has not shown what it runs is known by its start.
func (e *episodes) trail(known, fn uint32) uint32 {
	if known == 0 {
		return e.runners.Trails.Of(fn)
	}
	return known
}

// stretches remembers what the Ps did until a time.
func (e *episodes) stretches(until model.Time) {
	i := 0
	for ; i < len(e.ps) && e.ps[i].End <= until; i++ {
		if iv := &e.ps[i]; iv.Does == model.PDoesRun || e.open > 0 {
			e.remember(iv)
		}
	}
	e.ps = e.ps[i:]
}

// remember keeps a stretch of a P, for the episodes that wait for it too.
func (e *episodes) remember(iv *model.PInterval) {
	on := e.reach(iv.P)
	s := stretch{iv.Start, iv.End, ran{Culprit{iv.G, iv.Func}, iv.Stack}}
	full := on.recent.add(s)
	if iv.End-iv.Start >= longPsFrom && on.long.add(s) {
		full = true
	}
	if len(on.open) > 0 {
		e.lies(on, iv, &s)
	}
	if full {
		e.readAll(iv.P)
	}
}

// lies adds a stretch of a P to the episodes that it belongs to.
func (e *episodes) lies(on *standing, iv *model.PInterval, s *stretch) {
	before := len(on.open)
	on.open = slices.DeleteFunc(on.open, func(x *episode) bool {
		if x.ran != nil {
			x.add(s)
		}
		if iv.End < x.end {
			return false
		}
		x.until = on.recent.n
		return true
	})
	e.open -= before - len(on.open)
}

// reach makes room for what P p did.
func (e *episodes) reach(p model.ProcID) *standing {
	for int(p) >= len(e.on) {
		e.on = append(e.on, standing{recent: newLastStretches(RecentPs, 2*RecentPs), long: newLastStretches(longPs, longPs)})
	}
	return &e.on[p]
}

// readAll finds out who ran in the episodes of P p that are among the worst now.
func (e *episodes) readAll(p model.ProcID) {
	for _, x := range e.worst.Best() {
		if x.on == p && x.ran == nil {
			e.readOne(x)
		}
	}
}

func (e *episodes) readOne(x *episode) {
	x.ran = map[ran]int64{}
	if x.on == model.NoP {
		return
	}
	on := &e.on[x.on]
	until := x.until
	if until == 0 {
		until = on.recent.n
	}
	known := x.end
	on.recent.between(x.recent, until, func(s *stretch) {
		e.read++
		x.add(s)
		known = min(known, s.start)
	})
	if x.recent < RecentPs || known <= x.start {
		return
	}
	x.Forgotten = int64(known - x.start)
	on.long.between(x.long, x.long, func(s *stretch) {
		if e.read++; s.start < known {
			x.Forgotten -= x.add(s)
		}
	})
	x.Forgotten = max(0, x.Forgotten)
}

// add counts what of a stretch lies in the wait, and returns how much that is.
func (x *episode) add(s *stretch) int64 {
	from, to := max(s.start, x.start), min(s.end, x.end)
	if to <= from || s.G == model.NoG {
		return 0
	}
	x.ran[s.ran] += int64(to - from)
	return int64(to - from)
}

func (e *episodes) admit(wait int64, d *model.Dispatch, trail uint32) {
	on := d.WaitedOn
	where := "local"
	if on == model.NoP {
		on, where = d.P, "global"
	}
	if d.Source == model.SourceUnknown {
		where = "unknown"
	}
	if d.Source == model.SourceSyscallExit || d.Source == model.SourceNetpoll {
		where = "none"
	}
	x := &episode{start: d.Ready, end: d.Time, on: on, trail: trail, Episode: report.Episode{
		G: d.G, Start: int64(d.Ready - e.zero), Wait: wait, Censored: d.Censored, P: d.WaitedOn, Where: where,
		Source: d.Source.String(), Certain: d.Certain, RanOn: d.P,
	}}
	e.keep(wait, x)
}

func (e *episodes) admitOpen(wait int64, iv *model.GInterval, trail uint32) {
	where := "local"
	if iv.P == model.NoP {
		where = "global"
	}
	on := iv.P
	if on == model.NoP && e.procs == 1 {
		on = 0 // there is no other
	}
	e.keep(wait, &episode{start: iv.Start, end: iv.End, on: on, trail: trail, Episode: report.Episode{
		G: iv.G, Start: int64(iv.Start - e.zero), Wait: wait, Censored: true, P: iv.P, Where: where, RanOn: model.NoP,
	}})
}

func (e *episodes) keep(wait int64, x *episode) {
	e.worst.Offer(wait, x)
	if x.on == model.NoP {
		return
	}
	on := e.reach(x.on)
	x.recent, x.long = on.recent.n, on.long.n
	if n := on.recent.n; n > 0 && on.recent.ring[(n-1)%len(on.recent.ring)].end >= x.end {
		x.until = n
		return
	}
	on.open = append(on.open, x)
	e.open++
}

func (e *episodes) Fill(r *report.Report) {
	who := culprits{starts: e.names.Starts(), places: e.names.Places(), trails: e.runners.Trails, names: e.names}
	for _, x := range e.worst.Best() {
		if x.ran == nil {
			e.readOne(x)
		}
		x.Func = who.starts.Name(who.trails, x.trail)
		if names.IsRuntime(x.Func) {
			continue // known late for those alive when the trace began
		}
		for _, ns := range x.ran {
			x.Ran += ns
		}
		x.Culprits = who.of(x.ran)
		r.Episodes = append(r.Episodes, x.Episode)
	}
}

// culprits names who ran.
type culprits struct {
	names  *names.Table
	starts *names.Starts
	places *names.Places
	trails *names.Trails
}

// of are those who ran longest, each with where it was last seen after most of that.
func (c *culprits) of(by map[ran]int64) []report.Culprit {
	all, most := map[model.GoID]int64{}, map[model.GoID]ran{}
	for x, ns := range by {
		all[x.G] += ns
		if m, ok := most[x.G]; !ok || c.before(x, ns, m, by[m]) {
			most[x.G] = x
		}
	}
	out := []report.Culprit{}
	for g, ns := range all {
		out = append(out, c.culprit(most[g], ns))
	}
	slices.SortFunc(out, func(a, b report.Culprit) int {
		return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.G, b.G))
	})
	return out[:min(len(out), maxCulprits)]
}

// before reports whether x says more than y of where one goroutine ran: where it
// stopped, and for longer.
func (c *culprits) before(x ran, ns int64, y ran, most int64) bool {
	if (x.stack != 0) != (y.stack != 0) {
		return x.stack != 0
	}
	return cmp.Or(cmp.Compare(ns, most), cmp.Compare(y.stack, x.stack)) > 0
}

func (c *culprits) culprit(x ran, ns int64) report.Culprit {
	trail := c.trails.Of(x.Func)
	if x.stack != 0 && c.names.Start[x.stack] != 0 {
		trail = c.trails.Of(x.stack)
	}
	out := report.Culprit{G: x.G, Func: c.starts.Name(c.trails, trail), NS: ns}
	if p := c.places.Of(x.stack); p != nil && p.Own {
		out.At = p.At
	}
	return out
}
