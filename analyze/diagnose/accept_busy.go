package diagnose

import (
	"fmt"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// busyAccepts answers: for how long, and where, did goroutines that accept connections wait
// for something else, such as for the first line of one of them? Who connects meanwhile is
// not accepted.
//
// That somebody did shows where the goroutine has started, or woken, two or more others after
// such a wait before it had to wait for a connection again: those of the others had been there.
type busyAccepts struct {
	names     *names.Table
	stands    *replay.Stood
	accepting names.Flags // of stacks: wait for the next connection
	by        map[model.GoID]*acceptor
	n, ns     int64
	longest   int64
	others    int64            // after how many of those waits others had been there
	stood     map[uint32]int64 // ns by stack
	worst     *stat.TopK[model.GInterval]
}

// acceptor is a goroutine that has accepted connections.
type acceptor struct{ since [busySince]sinceBusy }

// sinceBusy is what one did after it had waited for something else.
type sinceBusy struct {
	from, to model.Time // until it waited for a connection again; to is 0 for not yet, from for none
	others   int        // that it started or woke
}

const (
	busyFrom  = 1_000_000  // ns: shorter waits are no matter
	busyLong  = 20_000_000 // ns: for a warning
	busyTimes = 3          // after which others had been there, for a warning
	busySince = 64         // times of an acceptor that are remembered: who was started last has yet to run
	busyMost  = 1 << 10    // acceptors
)

func newBusyAccepts(s *replay.Session) *busyAccepts {
	return &busyAccepts{names: s.Names, stands: replay.Shared(s, replay.NewStood), by: map[model.GoID]*acceptor{}, stood: map[uint32]int64{}, worst: stat.NewTopK[model.GInterval](report.MaxMoments)}
}

func (x *busyAccepts) Watch(f *model.Facts) {
	for _, i := range x.stands.At {
		if iv := &f.Gs[i]; iv.State == model.GWaiting && iv.Open&model.OpenEnd == 0 {
			x.waited(iv)
		}
	}
	if x.n == 0 { // nobody has waited for anything else
		return
	}
	for i := range f.Dispatches {
		if d := &f.Dispatches[i]; x.by[d.By] != nil {
			x.started(x.by[d.By], d.Ready)
		}
	}
}

// waited takes in a wait.
func (x *busyAccepts) waited(iv *model.GInterval) {
	accepts := iv.Reason == model.ReasonNetwork && x.accepting.Of(x.names, iv.Stack, awaitsConnection)
	if !accepts && iv.End-iv.Start < busyFrom {
		return
	}
	switch a := x.by[iv.G]; {
	case accepts && a == nil && len(x.by) < busyMost:
		x.by[iv.G] = &acceptor{}
	case a == nil:
	case accepts:
		for i := range a.since {
			if s := &a.since[i]; s.to == 0 {
				s.to = iv.Start
			}
		}
	case !inAccept(x.names.Stacks[iv.ByStack]) && !closes(x.names.Stacks[iv.ByStack]):
		copy(a.since[1:], a.since[:])
		a.since[0] = sinceBusy{from: iv.End}
		d := int64(iv.End - iv.Start)
		x.n, x.ns, x.longest = x.n+1, x.ns+d, max(x.longest, d)
		x.stood[iv.Stack] += d
		if x.worst.Admits(d) {
			x.worst.Offer(d, *iv)
		}
	}
}

// started takes in that an acceptor started or woke another goroutine.
func (x *busyAccepts) started(a *acceptor, at model.Time) {
	for i := range a.since {
		s := &a.since[i]
		if s.from == 0 || s.to != 0 && s.to <= at {
			return // nor those before
		}
		if at >= s.from {
			if s.others++; s.others == 2 {
				x.others++
			}
		}
	}
}

// awaitsConnection reports whether frames wait for the next connection of a listener.
func awaitsConnection(frames []report.Frame) bool { return inMethod(frames, "poll.(*FD).Accept") }

// busyFinding is about listeners whose goroutine waits for something else.
func (r *acceptJudge) busyFinding(span int64) report.Finding {
	x := r.busy
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("For %s of the time no connection was accepted: who accepts them waited for something else", words.ShareOf(x.ns, span)),
		CostNS:   x.ns,
		CostOf:   "time in which a goroutine that accepts connections waited for something else",
		What:     fmt.Sprintf("A goroutine that accepts connections waited for something else %s, %s in all, %s at the longest. After %s of these waits other connections had been there.", words.Times(x.n), words.Length(x.ns), words.Length(x.longest), words.Count(x.others)),
		Why:      "Who connects meanwhile waits in the operating system's queue: to clients that is slow, to the program their requests have not begun.",
		Advice:   "Wait for nothing in the loop that accepts, nor in the listener's Accept: start a goroutine for each connection first, and let that read what comes first (a header, a TLS handshake), with a deadline.",
		Sure:     "certain",
	}
	if x.longest >= busyLong && x.ns*acceptPart >= span && x.others >= busyTimes {
		f.Severity = report.SeverityWarning
	}
	r.where(&f, ", in ", x.stood, x.worst)
	return f
}
