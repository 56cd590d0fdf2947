package analyze

import (
	"cmp"
	"context"
	"io"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// DecisionKind is a kind of scheduling decision.
type DecisionKind string

// The kinds of decisions.
const (
	DecisionDispatch   DecisionKind = "dispatch"   // a goroutine began to run
	DecisionSteal      DecisionKind = "steal"      // a dispatch that took work from another P
	DecisionHandoff    DecisionKind = "handoff"    // a P left its M
	DecisionPreempt    DecisionKind = "preempt"    // a goroutine stopped that could have gone on
	DecisionDivergence DecisionKind = "divergence" // the trace contradicted the model's queues
)

// DecisionKinds are all kinds.
var DecisionKinds = []DecisionKind{DecisionDispatch, DecisionSteal, DecisionHandoff, DecisionPreempt, DecisionDivergence}

// Decision is one scheduling decision. Fields that its kind does not have are
// zero; ids are -1 where there is none.
type Decision struct {
	Kind DecisionKind
	Time int64 // nanoseconds of the trace's own clock
	At   int64 // nanoseconds since the trace's first event, as in reports
	G    model.GoID
	Func string // that G started with; "" where not known
	P    model.ProcID
	M    int64 // the operating system's thread id

	// Dispatch and steal.
	Source     string
	Victim     model.ProcID
	Certain    bool     // no other place fits the rules
	Tick       string   // yes, no, unknown: whether it was the global queue's turn
	Candidates []string // sources that fit, Source included
	Moved      int      // steal: goroutines it took along, G included

	// Handoff.
	FromM, ToM int64  // ToM is -1 while no M follows in the look-ahead
	Cause      string // retake, blocking-syscall, locked-m, m-exit, safepoint
	After      int64  // nanoseconds since the system call began, else 0

	// Preempt.
	How string // signal, cooperative, gosched, goyield, unknown
	Ran int64  // nanoseconds since it began to run

	// Divergence.
	What string // state, order, place, tick
}

// Decisions reads a trace and calls sink with every decision of these kinds, in
// the order of the trace, from one goroutine that is not the caller's; nil is all
// kinds. The Trace says what was read and
// what was lost; errors are those of Analyze, or sink's.
func Decisions(ctx context.Context, r io.Reader, opt replay.Options, kinds []DecisionKind, sink func(*Decision) error) (report.Trace, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := &decider{sink: sink, fail: cancel, wanted: map[DecisionKind]bool{}}
	if kinds == nil {
		kinds = DecisionKinds
	}
	for _, k := range kinds {
		d.wanted[k] = true
	}
	tr, err := replay.Run(ctx, r, opt, func(s *replay.Session) {
		d.session, d.names = s, s.Names
		s.ReaderTimes = true // whoever compares decisions with events reads those with it
		s.Add(d)
	})
	return tr, cmp.Or(d.err, err)
}

// decider is the watcher that hands decisions on.
type decider struct {
	session *replay.Session
	names   *names.Table
	sink    func(*Decision) error
	fail    func() // ends the reading, since the sink has failed
	wanted  map[DecisionKind]bool
	err     error
	sets    map[model.Sources][]string
	ran     []started // by P: who was dispatched there last
}

// started is a goroutine and the stack that it started with.
type started struct {
	g     model.GoID
	stack uint32
}

// Watch merges the facts of all kinds by time.
func (d *decider) Watch(f *model.Facts) {
	var i, j, k, l int
	for d.err == nil {
		const never = model.Time(1<<63 - 1)
		t := [4]model.Time{never, never, never, never}
		if i < len(f.Dispatches) {
			t[0] = f.Dispatches[i].Time
		}
		if j < len(f.Handoffs) {
			t[1] = f.Handoffs[j].Time
		}
		if k < len(f.Preempts) {
			t[2] = f.Preempts[k].Time
		}
		if l < len(f.Divergences) {
			t[3] = f.Divergences[l].Time
		}
		switch first := min(t[0], t[1], t[2], t[3]); {
		case first == never:
			return
		case t[0] == first:
			d.dispatch(&f.Dispatches[i])
			i++
		case t[1] == first:
			d.handoff(&f.Handoffs[j])
			j++
		case t[2] == first:
			d.preempt(&f.Preempts[k])
			k++
		default:
			x := &f.Divergences[l]
			d.emit(&Decision{Kind: DecisionDivergence, Time: int64(x.Time), G: x.G, Func: d.funcOn(x.P, x.G), P: x.P, M: -1, What: x.Kind.String()})
			l++
		}
	}
}

func (d *decider) emit(x *Decision) {
	if d.err != nil || !d.wanted[x.Kind] {
		return
	}
	x.At = d.session.Offset(model.Time(x.Time))
	if d.err = d.sink(x); d.err != nil {
		d.fail()
	}
}

func (d *decider) dispatch(x *model.Dispatch) {
	d.runs(x.P, started{x.G, x.Func})
	out := Decision{Kind: DecisionDispatch, Time: int64(x.Time), G: x.G, Func: d.session.Func(x.Func), P: x.P, M: d.names.ThreadID(x.M),
		Source: x.Source.String(), Victim: x.Victim, Certain: x.Certain, Tick: x.Tick.String(), Candidates: d.candidates(x.Sources)}
	d.emit(&out)
	if x.Victim != model.NoP {
		out.Kind, out.Moved = DecisionSteal, int(x.Moved)
		d.emit(&out)
	}
}

func (d *decider) handoff(x *model.Handoff) {
	d.emit(&Decision{Kind: DecisionHandoff, Time: int64(x.Time), G: x.G, Func: d.funcOn(x.P, x.G), P: x.P, M: -1,
		FromM: d.names.ThreadID(x.From), ToM: d.names.ThreadID(x.To), Cause: x.Cause.String(), After: int64(x.After)})
}

func (d *decider) preempt(x *model.Preempt) {
	d.emit(&Decision{Kind: DecisionPreempt, Time: int64(x.Time), G: x.G, Func: d.session.Func(x.Func), P: x.P, M: -1, How: x.How.String(), Ran: int64(x.Ran)})
}

// runs keeps who runs on a P.
func (d *decider) runs(p model.ProcID, who started) {
	if p < 0 {
		return
	}
	if n := int(p) + 1 - len(d.ran); n > 0 {
		d.ran = append(d.ran, make([]started, n)...)
	}
	d.ran[p] = who
}

// funcOn is the function of a goroutine, if it is the one that a P last dispatched.
func (d *decider) funcOn(p model.ProcID, g model.GoID) string {
	if p < 0 || int(p) >= len(d.ran) || d.ran[p].g != g {
		return ""
	}
	return d.session.Func(d.ran[p].stack)
}

// candidates are the names of the sources in a set, in the order of reports.
func (d *decider) candidates(set model.Sources) []string {
	if names, ok := d.sets[set]; ok {
		return names
	}
	var names []string
	for s := range model.NumSources {
		if set.Has(s) {
			names = append(names, s.String())
		}
	}
	if d.sets == nil {
		d.sets = map[model.Sources][]string{}
	}
	d.sets[set] = names
	return names
}
