package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

func idText(id int64) string { return strconv.FormatInt(id, 10) }

func goText(g model.GoID) string { return "G" + strconv.FormatInt(int64(g), 10) }

// reasonOf is the reason that the explained goroutine was blocked for, or "in line"; "" for
// neither.
func reasonOf(v via) string {
	if v == 0 {
		return ""
	}
	if v == standsInLine {
		return "in line"
	}
	return model.Reason(v - 1).String()
}

// did says what a goroutine did, or what kept it from going on: what follows
// "went to".
var did = [report.NumCauses]string{
	report.CauseRunning:      "running",
	report.CauseAssist:       "marking memory for the garbage collector (mark assist)",
	report.CauseSweep:        "sweeping memory for the garbage collector",
	report.CauseGCStop:       "waiting for a P while the garbage collector had stopped the world",
	report.CauseStopTheWorld: "waiting for a P while the world was stopped",
	report.CauseStopping:     "waiting for a P while the world was being stopped and a goroutine had yet to stop",
	report.CauseGCWorker:     "waiting for a P that ran a GC mark worker",
	report.CauseRuntime:      "waiting for a P that ran another goroutine of the Go runtime",
	report.CauseQueue:        "waiting for a P behind other goroutines in its queue",
	report.CauseGlobalQueue:  "waiting in the global queue while the Ps ran others",
	report.CauseAfterSyscall: "waiting for a P after a system call, as all were busy",
	report.CauseSyscallHeld:  "waiting for a P that a goroutine in a system call held",
	report.CauseIdleP:        "waiting although a P was free: its thread woke up late or got no CPU",
	report.CauseDispatch:     "waiting for a P whose thread had yet to get to it",
	report.CauseSyscall:      "a system call (or C code)",
	report.CauseNetwork:      "waiting for the network or a pipe",
	report.CauseSleep:        "sleeping until its timer fired",
	report.CauseFoundLate:    "a timer, or the network, that no P looked after as all ran other goroutines",
	report.CauseAssistWait:   "waiting for the garbage collector (mark assist)",
	report.CauseGCWait:       "waiting for the garbage collector",
	report.CauseBlocked:      "being blocked until a timer, the network or the runtime ended it",
	report.CauseNeverEnded:   "being blocked until the trace ended",
	report.CauseLock:         "waiting for a lock while goroutines held it that the trace does not name",
	report.CauseUnknown:      "something that the trace does not tell",
	report.CauseNotKept:      "something too long ago to be kept",
}

// blockedWhere says in what a goroutine is blocked.
func blockedWhere(reason string) string {
	switch model.ReasonNamed(reason) {
	case model.ReasonSync:
		return "a lock or wait group"
	case model.ReasonCond:
		return "a condition variable"
	case model.ReasonChanRecv:
		return "a channel receive"
	case model.ReasonChanSend:
		return "a channel send"
	case model.ReasonSelect:
		return "a select"
	}
	return fmt.Sprintf("%q", reason)
}

// causeText says both what the explained goroutine did and the cause.
func causeText(v via, c report.Cause) string {
	where := "waiting on " + blockedWhere(reasonOf(v))
	if v == standsInLine {
		where = "waiting in line"
	}
	switch {
	case v == 0 || reasonOf(v) == leafReasons[c]:
		return did[c]
	case c == report.CauseBlocked:
		return fmt.Sprintf("%s until a timer, the network or the runtime ended it", where)
	case c == report.CauseNeverEnded:
		return fmt.Sprintf("%s until the trace ended", where)
	case c == report.CauseLock:
		return did[c]
	case c == report.CauseUnknown || c == report.CauseNotKept:
		return fmt.Sprintf("%s for %s", where, did[c])
	case waitsForP(c):
		return fmt.Sprintf("%s for a goroutine that was itself %s", where, did[c])
	case c == report.CauseSyscall:
		return fmt.Sprintf("%s for a goroutine in a system call (or C code)", where)
	}
	return fmt.Sprintf("%s for a goroutine that was %s", where, did[c])
}

// leafReasons are the reasons that say the cause themselves.
var leafReasons = map[report.Cause]string{
	report.CauseNetwork:    model.ReasonNetwork.String(),
	report.CauseSleep:      model.ReasonSleep.String(),
	report.CauseAssistWait: model.ReasonAssist.String(),
	report.CauseGCWait:     model.ReasonUntilGCEnds.String(),
}

// storyShare is the least part of an instance that is told of.
const storyShare = .05

// maxStory is how many sentences an instance's story has at most.
const maxStory = 4

// story tells what took an instance's time.
func (e *explainer) story(x *explained, doing map[model.GoID]string) []string {
	out := []string{}
	x.bill.each(func(v via, c report.Cause, ns int64) {
		if float64(ns) >= storyShare*float64(x.bill.total) && ns > 0 {
			out = append(out, fmt.Sprintf("%020d", ns)+e.sentence(x, doing, v, c, ns))
		}
	})
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(b, a) })
	for i := range out {
		out[i] = out[i][20:]
	}
	return out[:min(len(out), maxStory)]
}

// sentence tells of one cause.
func (e *explainer) sentence(x *explained, doing map[model.GoID]string, v via, c report.Cause, ns int64) string {
	gs, whos, stacks, peers := map[measure.Culprit]int64{}, map[measure.Culprit]int64{}, map[uint32]int64{}, map[measure.Culprit]int64{}
	for i := range x.sums.list {
		t, d := &x.sums.list[i].key, x.sums.list[i].value.ns
		if t.likely && t.via == v && c == report.CauseNetwork {
			peers[t.g] += d
		}
		if t.via != v || t.cause != c || t.likely {
			continue
		}
		if t.g.G != model.NoG {
			gs[t.g] += d
		}
		if t.who.G != model.NoG {
			whos[t.who] += d
		}
		if t.stack != 0 {
			stacks[t.stack] += d
		}
	}
	stack, _ := most(stacks)
	what := causeText(v, c)
	if v == 0 && c == report.CauseSyscall {
		what = names.CallOf(e.names.Stacks[stack]).Doing()
	}
	s := fmt.Sprintf("%s (%s) went to %s", words.Length(ns), words.ShareOf(ns, x.bill.total), what)
	if len(gs) > 0 {
		s += ": " + e.those(gs, doing)
	}
	if len(peers) > 0 {
		s += "; at the other end of the connection, likely, " + e.those(peers, doing)
	}
	switch {
	case stopsAll(c) && len(whos) > 0:
		return s + "; it was stopped by " + e.those(whos, doing) + e.at(stack) + "."
	case len(whos) > 0:
		s += "; the P was held by " + e.those(whos, doing)
	}
	if v != 0 && (c == report.CauseRunning || waitsForP(c) || stack == 0) {
		s += e.blockedAt(x, v)
	} else {
		s += e.at(stack)
	}
	return s + "."
}

// those names the goroutines with the most time, and takes them out of gs. What is of
// somebody was of too many to tell them apart.
func (e *explainer) those(gs map[measure.Culprit]int64, doing map[model.GoID]string) string {
	const shown = 2
	var out []string
	var rest int64
	least := ""
	for c, ns := range gs {
		if c.G == somebody {
			least = "at least "
			rest += ns
			delete(gs, c)
		}
	}
	n := len(gs) - shown
	for range min(len(gs), shown) {
		var c measure.Culprit
		most := int64(-1)
		for x, ns := range gs {
			if ns > most || ns == most && x.G < c.G {
				c, most = x, ns
			}
		}
		out = append(out, fmt.Sprintf("%s for %s", words.Goroutine(int64(c.G), e.called(doing, c.G, c.Func)), words.Length(most)))
		delete(gs, c)
	}
	for _, ns := range gs {
		rest += ns
	}
	switch {
	case n > 0:
		return strings.Join(out, ", ") + fmt.Sprintf(" and %s%s more for %s", least, words.Count(n), words.Length(rest))
	case rest > 0:
		return strings.Join(append(out, "others for "+words.Length(rest)), " and ")
	}
	return strings.Join(out, " and ")
}

// blockedAt says where the explained goroutine was blocked for longest.
func (e *explainer) blockedAt(x *explained, v via) string {
	stacks := map[uint32]int64{}
	for w, ns := range x.waits {
		if blockedFor(w.reason) == v {
			stacks[w.stack] += ns
		}
	}
	if k, _ := most(stacks); k != 0 {
		return e.at(k)
	}
	return ""
}

// at says where a stack stopped: in which function of the standard library, and
// who called it.
func (e *explainer) at(stack uint32) string {
	frames := e.names.Stacks[stack]
	f := e.place(stack)
	if f == nil {
		return ""
	}
	where := fmt.Sprintf("%s (%s:%d)", words.Function(f.Func), names.FileName(f.File), f.Line)
	for i := range frames {
		if frames[i] == *f && i > 0 && !names.HasPrefix(frames[i-1].Func, []string{"runtime.", "internal/"}) {
			callee := words.Function(frames[i-1].Func) + unexpectedCall(frames[:i])
			return fmt.Sprintf(", in %s, called by %s", callee, where)
		}
	}
	return ", in " + where
}

// unexpectedCall names the system call that a function of the standard library led to by
// one of which nobody expects any, in parentheses.
func unexpectedCall(frames []report.Frame) string {
	for i := range frames {
		if names.HasPrefix(frames[i].Func, []string{"time.", "sync.", "context."}) {
			if call := names.SystemCall(frames[:i]); call != "" {
				return " (" + words.Function(call) + ")"
			}
		}
	}
	return ""
}

// most is the key with the most.
func most[K cmp.Ordered](by map[K]int64) (best K, ns int64) {
	for k, n := range by {
		if n > ns || n == ns && k < best {
			best, ns = k, n
		}
	}
	return best, ns
}

// waited says in a table, where room is scarce, what kept a goroutine from running.
var waited = [report.NumCauses]string{
	report.CauseGCStop:       "runnable, world stopped by the GC",
	report.CauseStopTheWorld: "runnable, world stopped",
	report.CauseStopping:     "runnable, world about to stop",
	report.CauseGCWorker:     "runnable behind a GC worker",
	report.CauseRuntime:      "runnable behind the runtime",
	report.CauseQueue:        "runnable in a queue",
	report.CauseGlobalQueue:  "runnable in the global queue",
	report.CauseAfterSyscall: "runnable after a system call",
	report.CauseSyscallHeld:  "runnable, P in a system call",
	report.CauseIdleP:        "runnable, a thread woke up late",
	report.CauseDispatch:     "runnable, about to be run",
	report.CauseNetwork:      "waited for the network or a pipe",
	report.CauseSleep:        "slept",
	report.CauseFoundLate:    "may have been due, all Ps busy",
	report.CauseLock:         "lock held by others",
}

// stepText says in words what happened in a step.
func (e *explainer) stepText(s *step, doing map[model.GoID]string) string {
	text := did[s.cause]
	switch {
	case s.cause == report.CauseRunning && s.p >= 0:
		text = fmt.Sprintf("ran on P%d", s.p)
	case s.cause == report.CauseRunning:
		text = "ran"
	case s.cause == report.CauseBlocked:
		text = fmt.Sprintf("waited on %s until a timer, the network or the runtime ended it", blockedWhere(s.reason.String()))
	case s.cause == report.CauseNeverEnded:
		text = fmt.Sprintf("waited on %s until the trace ended", blockedWhere(s.reason.String()))
	case s.cause == report.CauseSyscall:
		text = names.CallOf(e.names.Stacks[s.stack]).Did()
	case stopsAll(s.cause) && s.who != model.NoG:
		text = fmt.Sprintf("%s, by %s", waited[s.cause], goText(s.who))
	case s.who != model.NoG:
		text = fmt.Sprintf("behind %s on P%d, %s", words.Goroutine(int64(s.who), e.called(doing, s.who, s.whoFn)), s.p, waited[s.cause])
	case waited[s.cause] != "":
		text = waited[s.cause]
	}
	if s.stack != 0 {
		text += e.at(s.stack)
	}
	return text
}
