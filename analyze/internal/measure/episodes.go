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
// where the goroutine stood? It remembers the last stretches of each P; those
// that end after the wait did are added as they end.
type episodes struct {
	names  *names.Table
	zero   model.Time
	worst  *stat.TopK[*episode]
	recent []lastStretches   // by P
	long   []lastStretches   // by P, of longPsFrom or more
	open   []*episode        // whose P has not shown yet what it did until the end
	ps     []model.PInterval // of the facts at hand, not looked at yet
}

// lastStretches are the last stretches of a P.
type lastStretches struct {
	ring []model.PInterval
	next int
	most int
}

func (l *lastStretches) add(iv *model.PInterval) {
	if len(l.ring) < l.most {
		l.ring = append(l.ring, *iv)
	} else {
		l.ring[l.next%l.most] = *iv
	}
	l.next++
}

type episode struct {
	report.Episode
	start, end model.Time
	on         model.ProcID
	fn         uint32
	ran        map[Culprit]int64
}

// Culprit is a goroutine that ran meanwhile, and the function it started with.
type Culprit struct {
	G    model.GoID
	Func uint32
}

// NewEpisodes makes episodes, for replay.Shared.
func NewEpisodes(s *replay.Session) *episodes {
	return &episodes{names: s.Names, zero: s.Zero, worst: stat.NewTopK[*episode](maxEpisodes)}
}

// Watch goes through the waits in order of time; what the Ps did until a wait's
// end comes before it.
func (e *episodes) Watch(f *model.Facts) {
	e.ps = f.Ps
	dispatches := f.Dispatches
	waits := func(until model.Time) {
		for ; len(dispatches) > 0 && dispatches[0].Time <= until; dispatches = dispatches[1:] {
			d := &dispatches[0]
			if wait := int64(d.Time - d.Ready); !d.Runtime && e.worst.Admits(wait) {
				e.stretches(d.Time)
				e.admit(wait, d)
			}
		}
	}
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.State != model.GRunnable || iv.Open&model.OpenEnd == 0 || iv.Runtime {
			continue
		}
		waits(iv.End)
		if wait := int64(iv.End - iv.Start); e.worst.Admits(wait) {
			e.stretches(iv.End)
			e.admitOpen(wait, iv)
		}
	}
	waits(replay.Forever)
	e.stretches(replay.Forever)
	e.ps = nil
}

// stretches remembers what the Ps did until a time.
func (e *episodes) stretches(until model.Time) {
	for ; len(e.ps) > 0 && e.ps[0].End <= until; e.ps = e.ps[1:] {
		if iv := &e.ps[0]; iv.Does == model.PDoesRun || len(e.open) > 0 {
			e.remember(iv)
		}
	}
}

// remember keeps a stretch of a P and adds it to the episodes that wait for it.
func (e *episodes) remember(iv *model.PInterval) {
	e.reach(iv.P)
	e.recent[iv.P].add(iv)
	if iv.End-iv.Start >= longPsFrom {
		e.long[iv.P].add(iv)
	}
	if len(e.open) == 0 {
		return
	}
	e.open = slices.DeleteFunc(e.open, func(x *episode) bool {
		if x.on != iv.P {
			return false
		}
		x.add(iv)
		return iv.End >= x.end
	})
}

// reach makes room for what P p did.
func (e *episodes) reach(p model.ProcID) {
	for int(p) >= len(e.recent) {
		e.recent = append(e.recent, lastStretches{most: RecentPs})
		e.long = append(e.long, lastStretches{most: longPs})
	}
}

// add counts what of a stretch lies in the wait, and returns how much that is.
func (x *episode) add(iv *model.PInterval) int64 {
	from, to := max(iv.Start, x.start), min(iv.End, x.end)
	if to <= from || iv.G == model.NoG {
		return 0
	}
	x.ran[Culprit{iv.G, iv.Func}] += int64(to - from)
	return int64(to - from)
}

func (e *episodes) admit(wait int64, d *model.Dispatch) {
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
	x := &episode{start: d.Ready, end: d.Time, on: on, ran: map[Culprit]int64{}, fn: d.Func, Episode: report.Episode{
		G: d.G, Start: int64(d.Ready - e.zero), Wait: wait, Censored: d.Censored, P: d.WaitedOn, Where: where,
		Source: d.Source.String(), Certain: d.Certain, RanOn: d.P,
	}}
	e.keep(wait, x)
}

func (e *episodes) admitOpen(wait int64, iv *model.GInterval) {
	where := "local"
	if iv.P == model.NoP {
		where = "global"
	}
	e.keep(wait, &episode{start: iv.Start, end: iv.End, on: iv.P, ran: map[Culprit]int64{}, fn: iv.Func, Episode: report.Episode{
		G: iv.G, Start: int64(iv.Start - e.zero), Wait: wait, Censored: true, P: iv.P, Where: where, RanOn: model.NoP,
	}})
}

func (e *episodes) keep(wait int64, x *episode) {
	e.worst.Offer(wait, x)
	if x.on == model.NoP {
		return
	}
	e.reach(x.on)
	done := false
	known := x.end
	recent := e.recent[x.on].ring
	for i := range recent {
		iv := &recent[i]
		x.add(iv)
		done = done || iv.End >= x.end
		known = min(known, iv.Start)
	}
	if len(recent) == RecentPs && known > x.start {
		x.Forgotten = int64(known - x.start)
		for i := range e.long[x.on].ring {
			if iv := &e.long[x.on].ring[i]; iv.Start < known {
				x.Forgotten -= x.add(iv)
			}
		}
		x.Forgotten = max(0, x.Forgotten)
	}
	if !done {
		e.open = append(e.open, x)
	}
}

func (e *episodes) Fill(r *report.Report) {
	for _, x := range e.worst.Best() {
		x.Func = e.names.StartFunc(x.fn)
		if names.IsRuntime(x.Func) {
			continue // known late for those alive when the trace began
		}
		for c, ns := range x.ran {
			x.Ran += ns
			x.Culprits = append(x.Culprits, report.Culprit{G: c.G, Func: e.names.StartFunc(c.Func), NS: ns})
		}
		slices.SortFunc(x.Culprits, func(a, b report.Culprit) int {
			return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.G, b.G))
		})
		x.Culprits = x.Culprits[:min(len(x.Culprits), maxCulprits)]
		r.Episodes = append(r.Episodes, x.Episode)
	}
}
