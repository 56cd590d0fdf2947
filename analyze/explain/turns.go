package explain

import (
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// turnFinder finds what servers and clients do that are neither net/http's nor gRPC's: a
// goroutine that reads from a connection in its own code does something with what it has
// read, and reads again. A turn begins when it has something to read, and ends when it
// begins to wait for more: whether it served a call, handed on an answer or only had a part
// of one does not show.
type turnFinder struct {
	underWay[model.GoID]
	names *names.Table
	reads names.Flags // of stacks: a goroutine of the program waits for more to read
	works names.Flags // of stacks: one waits for work, or until it is time for some
}

func (x *turnFinder) Find(f *model.Facts, ended func(*Span)) {
	eachSight(f, func(iv *model.GInterval) { x.stretch(iv, ended) }, func(s sight) { x.seen(&s, ended) })
}

// stretch begins a turn where a wait for more has ended, and ends that of who is there no
// longer.
func (x *turnFinder) stretch(iv *model.GInterval, ended func(*Span)) {
	switch {
	case iv.Exit:
		x.over(iv.G, iv.End, ended)
	case x.waitsForWork(iv):
		x.end(iv.G, iv.Start) // it was no turn: somebody else decides when it goes on
	case x.begins(iv):
		x.begin(iv.G, &Span{Name: x.names.StartFunc(iv.Func), task: -1, g: iv.G, fn: iv.Func, Start: iv.End})
	}
}

// waitsForWork reports whether a goroutine waits for work of another kind than what it
// reads, or sleeps until it is time for some: a client's does, which asks and reads the
// answer.
func (x *turnFinder) waitsForWork(iv *model.GInterval) bool {
	if x.open[iv.G] == nil || iv.State != model.GWaiting {
		return false
	}
	switch iv.Reason {
	case model.ReasonChanRecv, model.ReasonSelect, model.ReasonSleep:
		return x.works.Of(x.names, iv.Stack, func(frames []report.Frame) bool {
			return names.Inbox(slices.DeleteFunc(slices.Clone(frames), func(f report.Frame) bool { return f.Func == "time.Sleep" }))
		})
	}
	return false
}

// begins reports whether a turn begins at the end of a stretch.
func (x *turnFinder) begins(iv *model.GInterval) bool {
	return iv.State == model.GWaiting && iv.Reason == model.ReasonNetwork && iv.Open&model.OpenEnd == 0 && !iv.Runtime && x.readsMore(iv.Stack)
}

// seen ends the turn of a goroutine that waits for more.
func (x *turnFinder) seen(s *sight, ended func(*Span)) {
	if in := x.open[s.g]; in != nil && s.since > in.Start && x.readsMore(s.stack) {
		x.over(s.g, s.since, ended)
	}
}

func (x *turnFinder) over(g model.GoID, at model.Time, ended func(*Span)) {
	if in := x.end(g, at); in != nil {
		ended(in)
	}
}

// readsMore reports whether a stack is of a goroutine that reads from a connection in the
// package that it was started in, or in others of the program itself: what that asks for
// there is nobody else's answer, as that of a database's driver would be.
func (x *turnFinder) readsMore(stack uint32) bool {
	return x.reads.Of(x.names, stack, func(frames []report.Frame) bool {
		read := slices.IndexFunc(frames, func(f report.Frame) bool { return f.Func == "net.(*conn).Read" })
		if read < 0 || names.SystemCall(frames) != "" { // there is something to read
			return false
		}
		own, ofModule := "", false
		for i := read; i < len(frames); i++ {
			f := &frames[i]
			if names.Standard(f) {
				if own != "" && !strings.HasPrefix(f.Func, "runtime.") {
					return false
				}
				continue
			}
			if pkg := names.Package(f.Func); own == "" {
				own = pkg
			} else if pkg != own && (names.Foreign(f) || ofModule) {
				return false
			}
			ofModule = ofModule || names.Foreign(f)
		}
		return own != ""
	})
}
