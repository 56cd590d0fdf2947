package analyze

import (
	"cmp"
	"slices"

	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// functions answers: where did the goroutines' time go, by the function they
// started with? The parts of each function's time sum to its total exactly.
type functions struct {
	names  *names
	byFunc []*functionTime // by names' function index
}

type functionTime struct {
	FunctionTime
	blocked [model.NumReasons]ReasonTime
	waits   stat.Sketch
}

func newFunctions(s *Session) *functions { return &functions{names: s.names} }

func (f *functions) at(stack uint32) *functionTime {
	i := f.names.start[stack]
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
		t.waits.Add(d)
	case model.GSyscall:
		t.Syscall += d
	case model.GWaiting:
		b := &t.blocked[iv.Reason]
		b.NS += d
		b.Count++
	default:
		t.Unknown += d
	}
}

func (f *functions) Fill(r *Report) {
	at := f.names.startFrames()
	for i, t := range f.byFunc {
		if t == nil {
			continue
		}
		out := t.FunctionTime
		out.Name = f.names.funcs[i]
		out.Runtime = out.Runtime || isRuntime(out.Name) // known late for those alive when the trace began
		out.Waits, out.WaitP50, out.WaitP90 = t.waits.N(), t.waits.Quantile(.5), t.waits.Quantile(.9)
		out.WaitP99, out.WaitP999, out.WaitMax = t.waits.Quantile(.99), t.waits.Quantile(.999), t.waits.Max()
		out.At = at[uint32(i)]
		out.Blocked = []ReasonTime{}
		for reason, b := range t.blocked {
			if b.Count > 0 {
				b.Reason = model.Reason(reason).String()
				out.Blocked = append(out.Blocked, b)
			}
		}
		slices.SortFunc(out.Blocked, func(a, b ReasonTime) int {
			return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.Reason, b.Reason))
		})
		r.Functions = append(r.Functions, out)
	}
	slices.SortFunc(r.Functions, func(a, b FunctionTime) int {
		return cmp.Or(cmp.Compare(b.Running+b.Runnable+b.Syscall, a.Running+a.Runnable+a.Syscall),
			cmp.Compare(b.Total, a.Total), cmp.Compare(a.Name, b.Name))
	})
}
