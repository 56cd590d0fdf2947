package explain

import (
	"cmp"
	"fmt"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// computing says what computed.
func (t *tale) computing() string {
	return "computing" + t.in() + t.while() + t.orNoCPU()
}

// computeLess is what to do about it.
func (t *tale) computeLess() string {
	if t.unseen() {
		return "Take a CPU profile while the trace is recorded: its samples stand in the trace, and show where."
	}
	if !t.ours() {
		return ""
	}
	if instead := names.InsteadOf(t.callee); instead != "" {
		return words.Function(t.callee) + " stops the world while it works: " + instead + "."
	}
	if spins := names.SpinAdvice(t.At.Func, words.Function(t.At.Func)); spins != "" {
		return spins
	}
	s := "Let " + words.Function(t.At.Func) + " do less, or split it up: a CPU profile has its lines."
	if t.worksIn != "" {
		s = fmt.Sprintf("Let %s call %s less often, or for less: a CPU profile has its lines.", words.Function(t.At.Func), words.Function(t.worksIn))
	}
	if t.orNoCPU() != "" {
		s += " If it had no CPU of its own all the while, which gmptrace record would show, look at the machine instead."
	}
	return s
}

// queued says who had the P that was waited for.
func (t *tale) queued() string {
	switch by := t.by(); {
	case by == "":
		return "waiting for a P while other goroutines had it" + t.mostly()
	case t.yields():
		return "giving up the P again and again (runtime.Gosched)" + t.in()
	default:
		return "waiting for a P while " + by + " had it"
	}
}

// lookWhoHadP finds out what those do who had the P.
func lookWhoHadP(a *account, _ rootKey, t *tale) {
	t.restless = a.e.busy.Never(t.At.Func, int64(a.e.now-a.e.zero))
	t.launches = a.e.chains.of(t.At.Func)
	t.growing = a.e.chains.grow(cmp.Or(t.From, t.At.Func), a.e.now-a.e.zero)
}

// foundLate says who had the Ps when a timer was due, or the network ready.
func (t *tale) foundLate() string {
	by := t.by()
	if by == "" {
		return did[report.CauseFoundLate]
	}
	return "a timer, or the network, that no P looked after: all were busy, one with " + by
}

// yieldAdvice is what to do about those who had the Ps.
func (t *tale) yieldAdvice() string {
	who := words.Function(t.At.Func)
	if t.yields() {
		return pollAdvice(who)
	}
	if !t.ours() {
		return t.shared()
	}
	if t.launches {
		return names.LoopInstead(who)
	}
	if spins := names.SpinAdvice(t.At.Func, words.Function(t.At.Func)); spins != "" {
		return spins
	}
	if t.growing > 0 {
		started := words.Function(cmp.Or(t.From, t.At.Func))
		return fmt.Sprintf("%s goroutines of %s began, and hardly any ended: see that they end, as by a context that is cancelled. That they get more and more is what takes the Ps.", words.Count(t.growing), started)
	}
	less := "et " + who + " do less of it at a time."
	if t.manyHadPs {
		less = "et " + who + " run in fewer goroutines than there are Ps, or do less of it at a time."
	}
	if t.restless {
		return who + " never waited for anything: if it polls (a select with a default, a loop that looks again), let it block instead. Else l" + less
	}
	return "L" + less
}

const (
	// manyWakes is how many times an instance must have waited for the threads of free Ps for
	// their number to be what is wrong, and shortWake how long that takes at most, on average,
	// where no thread was late.
	manyWakes = 100
	shortWake = 50_000 // ns
)

// wakes reports whether it was often, and each time no longer than a thread takes to come.
func (t *tale) wakes() bool { return t.times >= manyWakes && t.mean/t.times <= shortWake }

// late says that a P was free, and its thread came late.
func (t *tale) late() string {
	if !t.wakes() {
		return did[report.CauseIdleP]
	}
	return fmt.Sprintf("waiting %s although a P was free, %s each", words.Times(t.times), words.Length(t.mean/t.times))
}

// lateAdvice is what to do about that.
func (t *tale) lateAdvice() string {
	if t.wakes() {
		return "Wake fewer goroutines, as with Signal in place of Broadcast, or give each more work."
	}
	return "Look at the machine: a CPU quota, other processes, a guest whose host is busy. The program's own goroutines did not have the Ps."
}

// sureOfLate says how sure that is.
func (t *tale) sureOfLate() (string, string) {
	if t.wakes() {
		return "medium", "a trace shows that a P was free each time, not why it took nobody sooner"
	}
	return "medium", "a trace shows that the thread came late, not why"
}

// orNoCPU is what computing may have been as well.
const orNoCPU = " (or waiting for a CPU, which no trace shows)"

// orNoCPU says it where the computing was long enough for that.
func (t *tale) orNoCPU() string {
	if t.mean < hiddenFrom || t.asked {
		return ""
	}
	return orNoCPU
}

// yields reports whether nobody had the P for most of the time: who waited had given it up.
func (t *tale) yields() bool { return t.At.Func != "" && 2*t.sum.yielded > t.sum.ns }

// yielded is for how long goroutines waited for a P that nobody else had: they had given it
// up themselves.
func (a *account) yielded() (ns int64) {
	for _, r := range a.by {
		ns += r.yielded
	}
	return ns
}

// pollAdvice is what to do about who looks again and again, asleep or without its P in
// between.
func pollAdvice(who string) string {
	return "If " + who + " polls there, let it be woken by what it waits for instead: a lock, a channel, a sync.Cond."
}

// shared is what to do where the load of many had the Ps.
func (t *tale) shared() string {
	all, fns := int64(0), map[string]int64{}
	for f, ns := range t.sum.who {
		if all += ns; !names.Standard(&f) {
			fns[f.Func] += ns
		}
	}
	first, ns := most(fns)
	delete(fns, first)
	second, more := most(fns)
	if t.Kind != report.RootQueue || second == "" || (ns+more)*5 < all {
		return ""
	}
	return fmt.Sprintf("No one function had the Ps: do less in %s and %s, or let less run at once; GOMAXPROCS can be as high as there are CPUs, a larger load needs more of them.", words.Function(first), words.Function(second))
}

// mostly names those that had the P, where several had it.
func (t *tale) mostly() string {
	fns := map[string]int64{}
	for f, ns := range t.sum.who {
		fns[f.Func] += ns
	}
	var parts []string
	for range 3 {
		fn, ns := most(fns)
		if fn == "" || ns*20 < t.sum.ns {
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s", words.Function(fn), words.ShareOf(ns, t.sum.ns)))
		delete(fns, fn)
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// sureWhoRan says how sure it is who computed, or had the P: which goroutines did is in the
// trace, what they ran shows where they stopped.
func (t *tale) sureWhoRan() (string, string) {
	who := words.Function(t.At.Func)
	switch {
	case t.At.Func == "" && t.Kind == report.RootQueue, t.yields():
		return "high", ""
	case t.At.Func == "":
		return "medium", "no stack shows where it ran"
	case t.sum.unseen*2 >= t.sum.ns && t.sum.unseen < t.sum.ns && !names.Standard(&t.At):
		return "high", "where those goroutines ran shows of some of it, the rest is told by what they started with"
	case t.sum.unseen*2 < t.sum.ns && t.At.Line > 0:
		return "high", "the line is where that goroutine was last seen: it may have been elsewhere before"
	case names.Standard(&t.At):
		return "medium", "no stack shows where it ran: " + who + " is what those goroutines started with"
	case t.At.Line > 0:
		return "high", "those goroutines started with " + who + "; no stack shows what of it ran, the line is its first"
	}
	return "high", "those goroutines started with " + who + "; no stack shows what of it ran"
}
