package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkAccept measures for how long a listener took no connection as those that were open
// had to be closed first: golang.org/x/net/netutil.LimitListener and what is like it. Who
// connects meanwhile waits in the operating system's queue, of which no trace tells, and
// before its request begins.
//
// What tells is who lets Accept go on: somebody who closes a connection. What hands
// connections over that were accepted elsewhere, as cmux does, waits in Accept as well, and is
// let go on by who has one.
//
// And for how long a goroutine that accepts connections waited for something else, such as
// for what one of them was to send first: see busyAccepts.
//
// Threshold: 10 ms, and a tenth of the trace; a warning from half of it, where in half of
// eight or more waits the connection that was let in had been there already, as Accept found
// one without a wait for the network; of the other kind from waits of 20 ms on, where after
// three or more of them others had been there.
//
// False positives: clients that come back as soon as they are let go may not mind to wait. A
// server that is meant to serve one connection at a time waits in the loop that accepts.
//
// Always decided: a wait without a stack, or that did not end, counts as none.
var checkAccept = Check{ID: "accept", Title: "Listeners that took no connection", Fails: report.SeverityWarning, Begin: func(s *replay.Session) Judge {
	return (&acceptJudge{bench: bench{s}, accepts: replay.Shared(s, newAccepts), busy: replay.Shared(s, newBusyAccepts)}).decide
}}

const (
	acceptSome = 10_000_000 // ns
	acceptPart = 10         // the part of the trace: a tenth
	acceptMuch = 2          // for a warning: half
	acceptMany = 8          // waits, for a warning
)

type acceptJudge struct {
	bench
	accepts *accepts
	busy    *busyAccepts
}

func (r *acceptJudge) decide(rep *report.Report) Judgement {
	x, span := r.accepts, report.Analysed(rep)
	j := Judgement{Measured: fmt.Sprintf("listeners waited for a connection to be closed %s, for %s", words.Times(x.n), words.Length(x.ns))}
	if b := r.busy; b.ns >= acceptSome && b.ns*acceptPart >= span {
		j.Findings = append(j.Findings, r.busyFinding(span))
	}
	if x.ns < acceptSome || x.ns*acceptPart < span {
		return j
	}
	f := r.describe(span)
	if x.ns*acceptMuch >= span && x.n >= acceptMany && x.atOnce*2 >= x.n {
		f.Severity = report.SeverityWarning
	}
	j.Findings = append(j.Findings, f)
	return j
}

func (r *acceptJudge) describe(span int64) report.Finding {
	x := r.accepts
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("For %s of the time no connection was accepted, as too many were open", words.ShareOf(x.ns, span)),
		CostNS:   x.ns,
		CostOf:   "time in which a listener took no connection",
		What:     fmt.Sprintf("A listener waited %s until a connection was closed, %s in all. After %s of these waits the next connection was there at once.", words.Times(x.n), words.Length(x.ns), words.Count(x.atOnce)),
		Why:      "The listener lets so many connections be open at once, whether they are used or idle (kept alive). Who wants another one waits in the operating system's queue: to clients that is slow, to the program its requests are not.",
		Advice:   "Let more connections be open, or close idle ones sooner (http.Server.IdleTimeout; without it and ReadTimeout they are kept as long as clients want): those that only stand by take places too.",
		Sure:     "medium", SureWhy: "that the listener waited is in the trace; who stood in the operating system's queue is not",
	}
	r.where(&f, ": it waited for a place in ", x.stood, x.worst)
	return f
}

// where says where a finding's time was spent, by stack, and in the title where that is half
// of it at one place; and when for longest.
func (r *acceptJudge) where(f *report.Finding, in string, stood map[uint32]int64, worst *stat.TopK[model.GInterval]) {
	for i, p := range topPlaces(r.Names.Places(), stood) {
		if i == 0 && p.n*2 >= f.CostNS {
			f.Title += in + p.name
		}
		f.Evidence = append(f.Evidence, report.Evidence{Label: "waited in " + p.name, Value: words.Length(p.n)})
	}
	for _, iv := range worst.Best() {
		f.Moments = append(f.Moments, r.scene(iv.Start, iv.End, iv.G, model.NoP, model.NoM, fmt.Sprintf("no connection was accepted for %s", words.Length(int64(iv.End-iv.Start)))))
	}
}

// accepts answers: for how long, and where, did listeners wait for connections to be closed?
type accepts struct {
	names     *names.Table
	stands    *replay.Stood
	accepting names.Flags // of stacks: in a listener's Accept
	closing   names.Flags // of stacks: in the Close of something
	n, ns     int64
	atOnce    int64                   // of n: the next connection was there
	stood     map[uint32]int64        // ns by stack
	held      map[model.GoID]struct{} // whose last wait in Accept was one of these
	worst     *stat.TopK[model.GInterval]
}

func newAccepts(s *replay.Session) *accepts {
	return &accepts{names: s.Names, stands: replay.Shared(s, replay.NewStood), stood: map[uint32]int64{}, held: map[model.GoID]struct{}{}, worst: stat.NewTopK[model.GInterval](report.MaxMoments)}
}

func (x *accepts) Watch(f *model.Facts) {
	for _, i := range x.stands.At {
		if iv := &f.Gs[i]; iv.State == model.GWaiting && iv.Open&model.OpenEnd == 0 && x.accepting.Of(x.names, iv.Stack, inAccept) {
			x.waited(iv)
		}
	}
}

// waited takes in a wait in Accept.
func (x *accepts) waited(iv *model.GInterval) {
	_, held := x.held[iv.G]
	if iv.Reason == model.ReasonNetwork || !x.closing.Of(x.names, iv.ByStack, closes) {
		delete(x.held, iv.G)
		return
	}
	d := int64(iv.End - iv.Start)
	x.n++
	x.ns += d
	x.stood[iv.Stack] += d
	if held {
		x.atOnce++
	}
	x.held[iv.G] = struct{}{}
	if x.worst.Admits(d) {
		x.worst.Offer(d, *iv)
	}
}

// inAccept reports whether frames are of a listener's Accept.
func inAccept(frames []report.Frame) bool { return inMethod(frames, ").Accept") }

// closes reports whether frames are of a Close, as that of a connection.
func closes(frames []report.Frame) bool { return inMethod(frames, ").Close") }

// inMethod reports whether frames are inside of a method of this name, of any type.
func inMethod(frames []report.Frame, method string) bool {
	return slices.ContainsFunc(frames, func(f report.Frame) bool { return strings.HasSuffix(f.Func, method) })
}
