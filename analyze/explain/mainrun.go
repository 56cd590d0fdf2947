package explain

import (
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// mainRun is the main goroutine: what a program that shows no requests and no tasks does
// is what that one does and waits for, as far as it does not stand by. It lasts as long as
// the trace, so that it is explained in pieces, each once it is over.
type mainRun struct {
	names *names.Table
	in    *Span      // nil until it shows
	x     *explained // what its time went to up to since
	since model.Time
	ended model.Time // of its last stretch that has: a wait that goes on can't be explained yet

	steps int // that those took
}

// The pieces may take mainEach-th as many steps as the trace has stretches, and mainFree in any
// case, of an Explanation explainFree: what the time of some of them went to, spread over the
// trace, tells that of all. One that is more than one part in longPiece of the time so far is
// always explained.
const (
	mainFree    = 1 << 15
	explainFree = 1 << 16
	mainEach    = 16
	longPiece   = 16
)

// mainG is the id that the runtime gives the main goroutine, and mainFunc what it runs.
const (
	mainG    model.GoID = 1
	mainFunc            = "main.main"
)

func mainGroup(n *names.Table) *group {
	return &group{kind: report.KindMain, what: "the main goroutine, of a program that shows no requests and no tasks", finder: &mainRun{names: n}, top: 1}
}

func (r *mainRun) Find(f *model.Facts, _ func(*Span)) {
	if r.in != nil && r.in.ended {
		return
	}
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.G != mainG {
			continue
		}
		if r.in == nil && r.names.StartFunc(iv.Func) == mainFunc {
			r.in, r.since = &Span{Name: mainFunc, task: -1, g: mainG, fn: iv.Func, Start: iv.Start}, iv.Start
		}
		if r.in != nil {
			r.ended, r.in.End, r.in.ended = iv.End, iv.End, iv.Exit
		}
	}
}

func (r *mainRun) oldest() model.Time {
	if r.in == nil || r.in.ended {
		return replay.Forever
	}
	return r.since
}

// close has it end with the trace: the process does as well, so that it goes on says nothing.
func (r *mainRun) close(now model.Time, _ func(*Span)) {
	if r.in != nil && !r.in.ended {
		r.in.End, r.in.ended, r.ended = now, true, now
	}
}

// mainRun is that of the trace, nil where something else is explained.
func (e *explainer) mainRun() *mainRun {
	for _, g := range e.groups {
		if r, ok := g.finder.(*mainRun); ok {
			return r
		}
	}
	return nil
}

// goOn explains what the main goroutine has done since the last piece, so that what was
// before need not be kept.
func (e *explainer) goOn() {
	r := e.mainRun()
	if r == nil || r.in == nil || r.ended <= r.since {
		return
	}
	if r.x == nil {
		r.x = newExplained(r.in)
	}
	piece := Span{task: -1, g: r.in.g, fn: r.in.fn, Start: max(r.since, e.h.lost), End: r.ended}
	r.since = r.ended
	long := longPiece*(piece.End-piece.Start) >= r.ended-r.in.Start
	if piece.Start >= piece.End || !long && r.steps > e.mainFree+e.stretches/mainEach {
		return
	}
	if e.view == nil {
		e.view = e.look(e.now)
	}
	before := e.detailed
	e.from(e.view, &piece)
	e.goInto(r.x, piece.Start, piece.End)
	r.steps += e.detailed - before
}

// closeMain takes the main goroutine for the one instance of its group.
func (e *explainer) closeMain(g *group) {
	r := g.finder.(*mainRun)
	if r.in == nil || e.open {
		return
	}
	e.goOn()
	if r.x == nil || r.x.bill.total == 0 {
		return
	}
	e.looked(r.x)
	p := g.of(r.in)
	length := int64(r.in.End - r.in.Start)
	p.count(r.in, length)
	p.sum.add(r.x.bill)
	p.slowest.Offer(length, r.x)
}

// stoodBy reports whether an instance did nothing for most of its time that a program does
// which has something to do: it slept, waited for connections, or for what did not come.
func (e *explainer) stoodBy(x *explained) bool {
	var ns int64
	for i := range x.sums.list {
		s := &x.sums.list[i]
		if s.key.g.G != model.NoG {
			continue
		}
		switch s.key.cause {
		case report.CauseSleep, report.CauseBlocked, report.CauseNeverEnded, report.CauseUnknown:
			ns += s.value.ns
		case report.CauseNetwork:
			if accepts(e.names.Stacks[s.key.stack]) {
				ns += s.value.ns
			}
		}
	}
	return 2*ns > x.bill.total
}

// accepts reports whether a stack is of a loop that accepts connections.
func accepts(frames []report.Frame) bool {
	return slices.ContainsFunc(frames, func(f report.Frame) bool { return strings.HasSuffix(f.Func, ".Accept") })
}
