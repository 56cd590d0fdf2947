package diagnose

import (
	"fmt"
	"slices"

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
	accepting names.Flags // of stacks: wait for the next connection
	by        map[model.GoID]*acceptor
	n, ns     int64
	longest   int64
	stood     map[uint32]int64 // ns by stack
	worst     *stat.TopK[model.GInterval]
}

// acceptor is a goroutine that has accepted connections.
type acceptor struct {
	busy   []model.GInterval // while it waited for something else, the first ones
	next   []model.Time      // when each of those waited for a connection again, 0 for not yet
	starts []model.Time      // when it started or woke others, the first ones
}

const (
	busyFrom  = 1_000_000  // ns: shorter waits are no matter
	busyLong  = 20_000_000 // ns: for a warning
	busyTimes = 3          // after which others had been there, for a warning
	busyKept  = 1 << 14    // of an acceptor, of each
	busyMost  = 1 << 10    // acceptors
)

func newBusyAccepts(s *replay.Session) *busyAccepts {
	return &busyAccepts{names: s.Names, by: map[model.GoID]*acceptor{}, stood: map[uint32]int64{}, worst: stat.NewTopK[model.GInterval](report.MaxMoments)}
}

func (x *busyAccepts) Watch(f *model.Facts) {
	for i := range f.Gs {
		if iv := &f.Gs[i]; iv.State == model.GWaiting && iv.Open&model.OpenEnd == 0 {
			x.waited(iv)
		}
	}
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		if a := x.by[d.By]; a != nil && len(a.starts) < busyKept {
			a.starts = append(a.starts, d.Ready)
		}
	}
}

// waited takes in a wait.
func (x *busyAccepts) waited(iv *model.GInterval) {
	a, accepts := x.by[iv.G], iv.Reason == model.ReasonNetwork && x.accepting.Of(x.names, iv.Stack, awaitsConnection)
	switch {
	case accepts && a == nil && len(x.by) < busyMost:
		x.by[iv.G] = &acceptor{}
	case a == nil:
	case accepts:
		for i := len(a.next) - 1; i >= 0 && a.next[i] == 0; i-- {
			a.next[i] = iv.Start
		}
	case iv.End-iv.Start >= busyFrom && !inAccept(x.names.Stacks[iv.ByStack]) && !closes(x.names.Stacks[iv.ByStack]) && len(a.busy) < busyKept:
		a.busy, a.next = append(a.busy, *iv), append(a.next, 0)
		d := int64(iv.End - iv.Start)
		x.n, x.ns, x.longest = x.n+1, x.ns+d, max(x.longest, d)
		x.stood[iv.Stack] += d
		if x.worst.Admits(d) {
			x.worst.Offer(d, *iv)
		}
	}
}

// hadOthers is after how many of those waits others had been there.
func (x *busyAccepts) hadOthers() (n int64) {
	for _, a := range x.by {
		slices.Sort(a.starts)
		for i := range a.busy {
			from, _ := slices.BinarySearch(a.starts, a.busy[i].End)
			to := len(a.starts)
			if a.next[i] != 0 {
				to, _ = slices.BinarySearch(a.starts, a.next[i])
			}
			if to-from >= 2 {
				n++
			}
		}
	}
	return n
}

// awaitsConnection reports whether frames wait for the next connection of a listener.
func awaitsConnection(frames []report.Frame) bool { return inMethod(frames, "poll.(*FD).Accept") }

// busyFinding is about listeners whose goroutine waits for something else.
func (r *acceptJudge) busyFinding(span int64) report.Finding {
	x, others := r.busy, r.busy.hadOthers()
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("For %s of the time no connection was accepted: who accepts them waited for something else", words.ShareOf(x.ns, span)),
		CostNS:   x.ns,
		CostOf:   "time in which a goroutine that accepts connections waited for something else",
		What:     fmt.Sprintf("A goroutine that accepts connections waited for something else %s, %s in all, %s at the longest. After %s of these waits other connections had been there.", words.Times(x.n), words.Length(x.ns), words.Length(x.longest), words.Count(others)),
		Why:      "Who connects meanwhile waits in the operating system's queue: to clients that is slow, to the program their requests have not begun.",
		Advice:   "Wait for nothing in the loop that accepts, nor in the listener's Accept: start a goroutine for each connection first, and let that read what comes first (a header, a TLS handshake), with a deadline.",
		Sure:     "certain",
	}
	if x.longest >= busyLong && x.ns*acceptPart >= span && others >= busyTimes {
		f.Severity = report.SeverityWarning
	}
	for i, p := range topPlaces(r.Names.Places(), x.stood) {
		if i == 0 && p.n*2 >= x.ns {
			f.Title += ", in " + p.name
		}
		f.Evidence = append(f.Evidence, report.Evidence{Label: "waited in " + p.name, Value: words.Length(p.n)})
	}
	for _, iv := range x.worst.Best() {
		f.Moments = append(f.Moments, r.scene(iv.Start, iv.End, iv.G, model.NoP, model.NoM, fmt.Sprintf("no connection was accepted for %s", words.Length(int64(iv.End-iv.Start)))))
	}
	return f
}
