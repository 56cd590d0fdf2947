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

// functions answers: where did the goroutines' time go, by what they ran? That is the
// function that they started with, or what that only runs. The parts of each function's
// time sum to its total exactly.
type functions struct {
	names   *names.Table
	locks   *names.LockSites
	runners *Runners
	byTrail []*functionTime
	ran     []int64 // by stack: of stretches of running that ended there
}

type functionTime struct {
	report.FunctionTime
	blocked [model.NumReasons]report.ReasonTime
	waits   stat.Sketch
}

// NewFunctions makes functions, for replay.Shared.
func NewFunctions(s *replay.Session) *functions {
	return &functions{names: s.Names, locks: &names.LockSites{Names: s.Names}, runners: replay.Shared(s, NewRunners)}
}

func (f *functions) at(trail uint32) *functionTime {
	for int(trail) >= len(f.byTrail) {
		f.byTrail = append(f.byTrail, nil)
	}
	if f.byTrail[trail] == nil {
		f.byTrail[trail] = &functionTime{}
	}
	return f.byTrail[trail]
}

func (f *functions) Watch(x *model.Facts) {
	for i, trail := range f.runners.Gs {
		if trail != 0 {
			f.add(&x.Gs[i], trail)
		}
	}
	for i := range f.runners.Late {
		f.add(&f.runners.Late[i].GInterval, f.runners.Late[i].Trail)
	}
	for _, trail := range f.runners.Dispatches {
		if trail != 0 {
			f.at(trail).Dispatches++
		}
	}
	for i := range f.runners.LateDispatches {
		f.at(f.runners.LateDispatches[i].Trail).Dispatches++
	}
	for i := range x.Ps {
		if iv := &x.Ps[i]; iv.Stack != 0 {
			f.stopped(iv)
		}
	}
}

// stopped notes where a stretch of running ended.
func (f *functions) stopped(iv *model.PInterval) {
	for int(iv.Stack) >= len(f.ran) {
		f.ran = append(f.ran, make([]int64, int(iv.Stack)+1-len(f.ran))...)
	}
	f.ran[iv.Stack] += int64(iv.End - iv.Start)
}

func (f *functions) add(iv *model.GInterval, trail uint32) {
	t := f.at(trail)
	d := int64(iv.End - iv.Start)
	if iv.First {
		t.Goroutines++
		t.Runtime = iv.Runtime
		if iv.Open == model.OpenStart|model.OpenEnd && (iv.State == model.GWaiting || iv.State == model.GSyscall) {
			t.Parked++
			t.ParkedNS += d
			if iv.State == model.GSyscall {
				t.ParkedCalls += d
			}
		}
	}
	t.Total += d
	switch iv.State {
	case model.GRunning:
		t.Running += d
		if iv.Assist {
			t.Assist += d
		}
	case model.GRunnable:
		t.Runnable += d
		if !TellsNothing(iv) {
			t.waits.Add(d)
		}
	case model.GSyscall:
		if iv.Unended {
			t.Running += d // as the rest of the call
			break
		}
		t.Syscall += d
	case model.GWaiting:
		b := &t.blocked[BlockedFor(f.locks, iv)]
		b.NS += d
		b.Count++
	default:
		t.Unknown += d
	}
}

// BlockedFor is why a goroutine waited: where the collector has it wait on a semaphore of
// its own, that is no lock of the program.
func BlockedFor(locks *names.LockSites, iv *model.GInterval) model.Reason {
	switch {
	case iv.Reason != model.ReasonSync || !locks.OfCollector(iv.Stack):
		return iv.Reason
	case iv.Assist:
		return model.ReasonAssist
	}
	return model.ReasonUntilGCEnds
}

// TellsNothing reports whether a wait was cut off where it began: it is as long as
// nothing at least.
func TellsNothing(iv *model.GInterval) bool { return iv.Open != 0 && iv.End == iv.Start }

func (f *functions) Fill(r *report.Report) {
	starts := f.names.Starts()
	at, seen := f.lines(), f.seen(starts)
	for name, t := range f.joined(starts) {
		out := t.FunctionTime
		out.Name = name
		out.Runtime = out.Runtime || names.IsRuntime(out.Name) // known late for those alive when the trace began
		out.Waits, out.WaitP50, out.WaitP90, out.WaitP95 = t.waits.N(), t.waits.Quantile(.5), t.waits.Quantile(.9), t.waits.Quantile(.95)
		out.WaitP99, out.WaitP999, out.WaitMax = t.waits.Quantile(.99), t.waits.Quantile(.999), t.waits.Max()
		out.At = at[name]
		if s := seen[name]; s != nil {
			s.most(&out)
		}
		out.Blocked = []report.ReasonTime{}
		for reason, b := range t.blocked {
			if b.Count > 0 {
				b.Reason = model.Reason(reason).String()
				out.Blocked = append(out.Blocked, b)
			}
		}
		slices.SortFunc(out.Blocked, func(a, b report.ReasonTime) int {
			return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.Reason, b.Reason))
		})
		r.Functions = append(r.Functions, out)
	}
	slices.SortFunc(r.Functions, func(a, b report.FunctionTime) int {
		return cmp.Or(cmp.Compare(b.Running+b.Runnable+b.Syscall, a.Running+a.Runnable+a.Syscall),
			cmp.Compare(b.Total, a.Total), cmp.Compare(a.Name, b.Name))
	})
}

// joined are the times by name. Several trails may come to the same.
func (f *functions) joined(starts *names.Starts) map[string]*functionTime {
	out := map[string]*functionTime{}
	for trail, t := range f.byTrail {
		if t == nil {
			continue
		}
		name := starts.Name(f.runners.Trails, uint32(trail))
		if out[name] == nil {
			out[name] = &functionTime{}
		}
		out[name].join(t)
	}
	return out
}

// join adds another's times.
func (t *functionTime) join(o *functionTime) {
	t.Goroutines += o.Goroutines
	t.Runtime = t.Runtime || o.Runtime
	t.Parked, t.ParkedNS, t.ParkedCalls = t.Parked+o.Parked, t.ParkedNS+o.ParkedNS, t.ParkedCalls+o.ParkedCalls
	t.Total, t.Running, t.Runnable, t.Syscall, t.Unknown = t.Total+o.Total, t.Running+o.Running, t.Runnable+o.Runnable, t.Syscall+o.Syscall, t.Unknown+o.Unknown
	t.Assist, t.Dispatches = t.Assist+o.Assist, t.Dispatches+o.Dispatches
	t.waits.Merge(&o.waits)
	for reason, b := range o.blocked {
		t.blocked[reason].NS += b.NS
		t.blocked[reason].Count += b.Count
	}
}

// lines are, by function, where goroutines come to it first: its first line where they
// start there.
func (f *functions) lines() map[string]report.Frame {
	at := map[string]report.Frame{}
	for trail := 1; trail < f.runners.Trails.Len(); trail++ {
		for _, x := range f.runners.Trails.Frames(uint32(trail)) {
			if _, ok := at[x.Func]; !ok {
				at[x.Func] = x
			}
		}
	}
	for fn, x := range f.names.StartFrames() {
		at[f.names.Funcs[fn]] = x
	}
	return at
}

// places are where goroutines of one function stopped running, in the program's own code.
type places struct {
	ns map[string]int64 // that they had run for, by function
	at map[string]*names.Place
	by map[string]int64 // what its place has
}

// seen are the places by the names of what runs. A stretch that ended in the function
// itself, or beside the program's own code, says nothing new.
func (f *functions) seen(starts *names.Starts) map[string]*places {
	places, out := f.names.Places(), map[string]*places{}
	for stack, ns := range f.ran {
		if ns == 0 {
			continue
		}
		name, x := starts.Name(f.runners.Trails, f.runners.Trails.Of(uint32(stack))), places.Of(uint32(stack))
		if x == nil || !x.Own || x.At.Func == name {
			continue
		}
		if out[name] == nil {
			out[name] = newPlaces()
		}
		out[name].add(x, ns)
	}
	return out
}

func newPlaces() *places {
	return &places{ns: map[string]int64{}, at: map[string]*names.Place{}, by: map[string]int64{}}
}

// add counts a stretch. The place of a function is that where most ended of those that
// ended in one.
func (p *places) add(x *names.Place, ns int64) {
	p.ns[x.At.Func] += ns
	if ns > p.by[x.At.Func] {
		p.by[x.At.Func], p.at[x.At.Func] = ns, x
	}
}

// most says where they had run for longest.
func (p *places) most(out *report.FunctionTime) {
	best := ""
	for fn, ns := range p.ns {
		if ns > p.ns[best] || ns == p.ns[best] && fn < best {
			best = fn
		}
	}
	out.Seen, out.SeenNS = p.at[best].At, p.ns[best]
	if out.SeenFrom = p.at[best].Caller(out.Name); out.SeenFrom == out.Name {
		out.SeenFrom = ""
	}
}
