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

// functions answers: where did the goroutines' time go, by the function they
// started with? The parts of each function's time sum to its total exactly.
type functions struct {
	names  *names.Table
	locks  *names.LockSites
	byFunc []*functionTime // by names' function index
}

type functionTime struct {
	report.FunctionTime
	blocked [model.NumReasons]report.ReasonTime
	waits   stat.Sketch
}

// NewFunctions makes functions, for replay.Shared.
func NewFunctions(s *replay.Session) *functions {
	return &functions{names: s.Names, locks: &names.LockSites{Names: s.Names}}
}

func (f *functions) at(stack uint32) *functionTime {
	i := f.names.Start[stack]
	for int(i) >= len(f.byFunc) {
		f.byFunc = append(f.byFunc, nil)
	}
	if f.byFunc[i] == nil {
		f.byFunc[i] = &functionTime{}
	}
	return f.byFunc[i]
}

func (f *functions) Watch(x *model.Facts) {
	for i := range x.Gs {
		f.add(&x.Gs[i])
	}
	for i := range x.Dispatches {
		f.at(x.Dispatches[i].Func).Dispatches++
	}
}

func (f *functions) add(iv *model.GInterval) {
	t := f.at(iv.Func)
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
		if !tellsNothing(iv) {
			t.waits.Add(d)
		}
	case model.GSyscall:
		if iv.Unended {
			t.Running += d // as the rest of the call
			break
		}
		t.Syscall += d
	case model.GWaiting:
		b := &t.blocked[f.reason(iv)]
		b.NS += d
		b.Count++
	default:
		t.Unknown += d
	}
}

// reason is why a goroutine waited: where the collector has it wait on a semaphore of its
// own, that is no lock of the program.
func (f *functions) reason(iv *model.GInterval) model.Reason {
	switch {
	case iv.Reason != model.ReasonSync || !f.locks.OfCollector(iv.Stack):
		return iv.Reason
	case iv.Assist:
		return model.ReasonAssist
	}
	return model.ReasonUntilGCEnds
}

// tellsNothing reports whether a wait was cut off where it began: it is as long as
// nothing at least.
func tellsNothing(iv *model.GInterval) bool { return iv.Open != 0 && iv.End == iv.Start }

func (f *functions) Fill(r *report.Report) {
	at := f.names.StartFrames()
	for i, t := range f.byFunc {
		if t == nil {
			continue
		}
		out := t.FunctionTime
		out.Name = f.names.Funcs[i]
		out.Runtime = out.Runtime || names.IsRuntime(out.Name) // known late for those alive when the trace began
		out.Waits, out.WaitP50, out.WaitP90 = t.waits.N(), t.waits.Quantile(.5), t.waits.Quantile(.9)
		out.WaitP99, out.WaitP999, out.WaitMax = t.waits.Quantile(.99), t.waits.Quantile(.999), t.waits.Max()
		out.At = at[uint32(i)]
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
