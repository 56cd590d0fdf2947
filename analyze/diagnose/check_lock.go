package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkLock measures waits for mutexes by the place in the program that locks,
// and what the goroutine that unlocked did meanwhile.
//
// Threshold: a convoy is a place at which at least one goroutine was blocked at
// any time, on average, and eight or more at once, in at least sixteen waits: each
// that passes lets one more in, and all queue again; a warning if one waited 10 ms.
// Or the one that unlocked had itself waited for a P for 5 ms of somebody's wait, half
// a time slice: the mutex was held by a goroutine that the scheduler did not run; a
// warning from 10 ms, critical from 100 ms, like any wait for a P. Or a wait took
// 10 ms until another goroutine unlocked, whatever that had done: to who waits it is
// the same as a wait for a P; a warning, unless somebody waited there for four fifths of
// the time and holders were mostly blocked: so do goroutines that take turns to wait
// for work, which is information, from 100 ms.
//
// False positives: a batch program whose parts need not be quick; one place may lock many mutexes; a mutex that is held for long
// on purpose, to let others wait, is no convoy but looks like one. Which mutex it was
// is not in the trace. Without stacks, waits for mutexes and for wait groups are one.
var checkLock = check{id: "lock", title: "Lock convoys and holders that did not run", begin: func(s *replay.Session) judge {
	return (&lockJudge{bench: bench{s}, locks: replay.Shared(s, newLocks)}).judge
}}

type lockJudge struct {
	bench
	locks *locks
}

func (r *lockJudge) judge(rep *report.Report) judgement {
	l := r.locks
	j := judgement{measured: fmt.Sprintf("%s for mutexes, longest %s; up to %s of a wait with the holder waiting for a P", words.Plural(l.waits.N(), "wait"), words.Length(l.waits.Max()), words.Length(l.descheduled))}
	if l.waits.N() == 0 && l.unknown > 0 {
		j.undecided = fmt.Sprintf("%s for a mutex, wait group or semaphore, without a stack that tells which", words.Plural(l.unknown, "wait"))
		return j
	}
	site, convoy := l.worstSite(report.Analysed(rep))
	if site == nil || !convoy && l.descheduled < lockWait/2 && site.late == 0 {
		return j
	}
	if !convoy && l.behind != nil && l.descheduled >= lockWait/2 {
		site = l.behind
	}
	inTurn := site.inTurn(report.Analysed(rep))
	if !convoy && inTurn && l.descheduled < lockWait/2 && site.longest.wait < 10*lockWait {
		return j
	}
	f := lockFinding(r.bench, rep, site, convoy)
	if site.late > 0 && !inTurn {
		f.Severity = worse(f.Severity, report.SeverityWarning)
	}
	j.findings = []report.Finding{f}
	return j
}

const (
	lockWait   = measure.StarvedAfter
	convoyWide = 8
)

// lockFinding says what happened at a place that locks.
func lockFinding(r bench, rep *report.Report, s *lockSite, convoy bool) report.Finding {
	x := &s.longest
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("Goroutines waited up to %s for a mutex", words.Length(s.waits.Max())),
		CostNS:   s.waits.Sum(),
		CostOf:   "goroutine time blocked there",
		What: fmt.Sprintf("In %s goroutines waited for a mutex %s, half of the times longer than %s; up to %s at once, %s on average.",
			words.Function(s.name), words.Times(s.waits.N()), words.Length(s.waits.Quantile(.5)), orMore(s.peak, lockPeak), words.Mean(float64(s.waits.Sum())/float64(max(1, report.Analysed(rep))))),
		Advice: "Hold the lock for less: do what blocks, calls the system or computes outside of it; split what it guards, or use sync.RWMutex where most only read.",
		Sure:   "medium", SureWhy: "the trace names who unlocked, not the mutex; since when that goroutine held it is inferred from when it last waited at that place",
		Evidence: []report.Evidence{
			{Label: "waits", Value: words.Count(s.waits.N())},
			{Label: "longest", Value: words.Length(s.waits.Max())},
			{Label: "of " + words.Length(lockWait) + " or more", Value: fmt.Sprintf("%s, %s in all", words.Count(s.late), words.Length(s.lateNS))},
			{Label: "99th percentile", Value: words.Length(s.waits.Quantile(.99))},
			{Label: "blocked there at once, most", Value: orMore(s.peak, lockPeak)},
			{Label: "blocked there on average", Value: words.Number(float64(s.waits.Sum()) / float64(max(1, report.Analysed(rep))))},
			{Label: "longest time that a holder waited for a P in one wait", Value: words.Length(s.deschedMax)},
			{Label: "holders waited for a P, in waits over " + words.Length(lockSlow), Value: words.Length(s.held.runnable)},
			{Label: "holders were in system calls", Value: words.Length(s.held.syscall)},
			{Label: "holders were blocked", Value: words.Length(s.held.blocked)},
			{Label: "holders ran, or it is not known", Value: words.Length(s.held.rest)},
		},
	}
	if convoy {
		f.Title = fmt.Sprintf("A lock convoy: up to %s at once waited for a mutex in %s", orMore(s.peak, lockPeak)+" goroutines", words.Function(s.name))
		if s.waits.Max() >= lockWait {
			f.Severity = report.SeverityWarning
		}
	}
	if s.deschedMax >= lockWait/2 {
		if sev := graded(s.deschedMax); sev.AtLeast(f.Severity) {
			f.Severity = sev
		}
		if !convoy {
			f.Title = fmt.Sprintf("A goroutine that others needed a mutex from waited %s for a P", words.Length(s.deschedMax))
		}
	}
	if s.late > 0 && !convoy && s.deschedMax < lockWait/2 && x.by != model.NoG {
		f.Title = fmt.Sprintf("Goroutines waited up to %s for a mutex whose holder %s", words.Length(s.waits.Max()), s.held.did())
	}
	f.Why = s.held.why()
	if s.held.most() == &s.held.runnable {
		f.Advice = "The lock is not the cause, it multiplies it: see what kept the holder from running. " + f.Advice
	}
	f.Stacks = r.stack(fmt.Sprintf("where G%d waited longest", x.g), x.stack)
	for _, w := range s.worst.Best() {
		f.Moments = append(f.Moments, r.moment(w.start, w.end, w.g, -1, -1, w.text(r)))
	}
	return f
}

// orMore is n, or that it is at least bound where counting stopped there.
func orMore(n, bound int) string {
	if n >= bound {
		return fmt.Sprintf("%s or more", words.Count(bound))
	}
	return words.Count(n)
}
