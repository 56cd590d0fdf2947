package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// check judges one thing that can go wrong. Each stands in a file of its own,
// named check_ID.go, that says what it measures, its threshold and why, and its
// known false positives. To add one, write its file and name it in checks.
type check struct {
	id    string
	title string // what was checked, as a noun: "Idle Ps while work waited"

	// begin asks the session for the watchers that it needs, and says how it judges
	// by what they have seen.
	begin func(*replay.Session) judge

	// What it finds is a symptom: it ranks behind the cause that explains it.
	symptom bool
}

// judge tells what a check finds in a trace that has been read to its end. The
// report's tables are filled.
type judge func(*report.Report) judgement

// judgement is what a check found out.
type judgement struct {
	measured  string // the figure that it judged by
	undecided string // why this trace can't tell; "" when it can
	findings  []report.Finding
	explains  attributed
	base      int64 // of a symptom: what explanations of it are compared with, its cost where this is 0
}

// attributed is how much of what other checks call a cost a finding explains, by
// the id of the check, in the unit of that cost.
type attributed map[string]int64

// explain adds to what the judgement explains.
func (j *judgement) explain(id string, ns int64) {
	if j.explains == nil {
		j.explains = attributed{}
	}
	j.explains[id] += ns
}

// checks are all checks, in the order in which reports name them.
var checks = []check{
	checkStarvation,
	checkHog,
	checkRunnext,
	checkIdleP,
	checkUnbalanced,
	checkOverload,
	checkBurst,
	checkOS,
	checkGomaxprocs,
	checkSTW,
	checkGC,
	checkAssist,
	checkLock,
	checkTimers,
	checkNetpoll,
	checkSyscall,
	checkDisk,
	checkThreads,
	checkLockedThread,
	checkLeak,
	checkPreemption,
	checkGlobalQueue,
}

// CheckIDs are the ids of all checks, in the order in which reports name them.
func CheckIDs() []string {
	var ids []string
	for _, c := range checks {
		ids = append(ids, c.id)
	}
	return ids
}

// Begin asks the session for what all checks need. What it returns fills in
// what they find, in a report whose tables are filled.
func Begin(s *replay.Session) func(*report.Report) {
	var judges []judge
	for _, c := range checks {
		judges = append(judges, c.begin(s))
	}
	return func(rep *report.Report) { judgeAll(judges, rep) }
}

// judgeAll runs every check and ranks what they found: the severest first, among
// those the costliest, and symptoms behind what explains them.
func judgeAll(judges []judge, rep *report.Report) {
	var found []judged
	for i, c := range checks {
		j := judges[i](rep)
		rep.Checks = append(rep.Checks, report.Check{ID: c.id, Title: c.title, Measured: j.measured, Undecided: j.undecided, Findings: len(j.findings)})
		for _, f := range j.findings {
			f.ID = c.id
			found = append(found, judged{Finding: f, symptom: c.symptom, explains: j.explains, base: cmp.Or(j.base, f.CostNS)})
		}
	}
	rank(found)
	for i := range found {
		f := &found[i]
		f.Number = i + 1
		if f.cause != "" {
			f.Why += ` See "` + f.cause + `", which explains at least half of it.`
		}
		rep.Findings = append(rep.Findings, f.Finding)
	}
	rep.Verdict = verdict(rep)
}

// judged is a finding on its way to its rank.
type judged struct {
	report.Finding
	symptom  bool
	explains attributed
	base     int64
	cause    string // title of the finding that explains it
}

// rank sorts findings. A cause that explains at least half of a symptom's cost
// is at most one step less severe than it and goes before it: people should read
// first what to change.
func rank(found []judged) {
	for i := range found {
		s := &found[i]
		if !s.symptom {
			continue
		}
		var most int64
		for k := range found {
			c := &found[k]
			ns := c.explains[s.ID]
			if ns*2 < s.base || ns == 0 || c.Severity.Rank()+1 < s.Severity.Rank() {
				continue
			}
			if c.Severity.Rank() < s.Severity.Rank() {
				c.Severity = s.Severity
			}
			if ns > most {
				most, s.cause = ns, c.Title
			}
		}
	}
	slices.SortStableFunc(found, func(a, b judged) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), a.behind(&b), cmp.Compare(b.CostNS, a.CostNS))
	})
}

// behind compares findings of one severity: attributed symptoms come last.
func (f *judged) behind(g *judged) int {
	switch {
	case f.cause == "" && g.cause != "":
		return -1
	case f.cause != "" && g.cause == "":
		return 1
	}
	return 0
}

// verdict is the answer to "was it the scheduler?".
func verdict(rep *report.Report) report.Verdict {
	where := whereTimeWent(rep)
	if len(rep.Findings) > 0 && rep.Findings[0].Severity.AtLeast(report.SeverityWarning) {
		f := &rep.Findings[0]
		v := report.Verdict{Severity: f.Severity, Headline: f.Title + ".", Detail: f.What + " " + where}
		if whole := report.Analysed(rep); f.Severity == report.SeverityWarning && littleOf(rep.Findings, whole) {
			v.Headline = "Nothing here cost much time. The worst: " + v.Headline
			v.Detail = fmt.Sprintf("%s That cost %s, the trace is %s long. %s", f.What, words.Length(f.CostNS), words.Length(whole), where)
		}
		return v
	}
	k := &rep.Key
	if rep.Latency.Count == 0 {
		return report.Verdict{Severity: report.SeverityInfo, Headline: "Nothing was scheduled in this part of the trace.", Detail: where}
	}
	return report.Verdict{
		Severity: report.SeverityInfo,
		Headline: "The scheduler was not what took the time.",
		Detail: fmt.Sprintf("Goroutines waited %s for a P at the median, %s at the 99.9th percentile. %s",
			words.Length(k.LatencyP50), words.Length(k.LatencyP999), where),
	}
}

// littleOf tells whether all findings together cost less than a hundredth of the
// time that the trace covers, although costs are sums over goroutines.
func littleOf(findings []report.Finding, whole int64) bool {
	var cost int64
	for i := range findings {
		if findings[i].Severity.AtLeast(report.SeverityWarning) {
			cost += findings[i].CostNS
		}
	}
	return cost > 0 && cost < whole/100
}

// whereTimeWent says where the time of the program's own goroutines went, of those
// that did anything: a pool of thousands that only stood by would drown the rest.
func whereTimeWent(rep *report.Report) string {
	var sum struct{ running, runnable, syscall, total, parked int64 }
	blocked, waits := map[string]int64{}, map[string]mostOf{} // by reason
	var calls mostOf
	for _, f := range rep.Functions {
		if f.Runtime {
			continue
		}
		sum.running += f.Running
		sum.runnable += f.Runnable
		sum.syscall += f.Syscall - f.ParkedCalls
		sum.total += f.Total - f.ParkedNS
		sum.parked += f.Parked
		calls = calls.or(f.Name, f.Syscall-f.ParkedCalls)
		for _, b := range f.Blocked {
			ns := b.NS
			if b.Reason == model.ReasonNone.String() {
				ns -= f.ParkedNS - f.ParkedCalls
			}
			blocked[b.Reason] += ns
			waits[b.Reason] = waits[b.Reason].or(f.Name, ns)
		}
	}
	switch {
	case sum.total == 0 && sum.parked == 0:
		return "No goroutine of the program shows in it."
	case sum.total == 0:
		return "All goroutines of the program were blocked all the while."
	}
	reason := ""
	for name, ns := range blocked {
		if reason == "" || ns > blocked[reason] || ns == blocked[reason] && name < reason {
			reason = name
		}
	}
	s := fmt.Sprintf("Waiting for a P made up %s of the program's goroutine time, running %s, system calls %s", words.ShareOf(sum.runnable, sum.total), words.ShareOf(sum.running, sum.total), words.ShareOf(sum.syscall, sum.total))
	if sum.syscall*10 >= sum.total {
		s += calls.of(sum.syscall)
	}
	if reason != "" && blocked[reason] > 0 {
		s += fmt.Sprintf("; most of the rest was spent %s (%s)", blockedOn(reason), words.ShareOf(blocked[reason], sum.total)) + waits[reason].of(blocked[reason])
	}
	if sum.parked > 0 {
		s += ". Not counted: " + words.Plural(sum.parked, "goroutine") + " that stood by all the while"
	}
	return s + "."
}

// mostOf is the function with the most of some time.
type mostOf struct {
	fn string
	ns int64
}

// or is the one with more.
func (m mostOf) or(fn string, ns int64) mostOf {
	if ns > m.ns {
		return mostOf{fn, ns}
	}
	return m
}

// of names it where it has at least half of all.
func (m mostOf) of(all int64) string {
	if m.ns*2 < all || m.fn == "" {
		return ""
	}
	return ", mostly by " + words.Function(m.fn)
}

// blockedOn says in plain words what a goroutine waits for.
func blockedOn(reason string) string {
	switch model.ReasonNamed(reason) {
	case model.ReasonSync:
		return "waiting for mutexes or wait groups"
	case model.ReasonCond:
		return "waiting for condition variables"
	case model.ReasonChanRecv:
		return "receiving from channels"
	case model.ReasonChanSend:
		return "sending to channels"
	case model.ReasonSelect:
		return "in select statements"
	case model.ReasonNetwork:
		return "waiting for the network or a pipe"
	case model.ReasonSleep:
		return "sleeping"
	case model.ReasonAssist:
		return "waiting to help the collector"
	}
	if reason == model.ReasonNone.String() {
		return "blocked for a reason that the trace does not give"
	}
	return fmt.Sprintf("blocked on %q", reason)
}

// bench is what all judges have at hand: the session that they judge.
type bench struct{ *replay.Session }

// moment is a window around [start, end] for the timeline.
func (b bench) moment(start, end model.Time, g model.GoID, p model.ProcID, m model.MIndex, text string) report.Moment {
	return report.Moment{Start: b.Offset(start), End: b.Offset(end), G: g, P: p, M: b.Names.ThreadID(m), Text: text}
}

// stack is the stack with this index for a report.
func (b bench) stack(title string, i uint32) []report.Stack {
	if i == 0 || int(i) >= len(b.Names.Stacks) {
		return nil
	}
	return []report.Stack{{Title: title, Frames: b.Names.Stacks[i]}}
}

// worse is the more severe of the two.
func worse(s, t report.Severity) report.Severity {
	if s.AtLeast(t) {
		return s
	}
	return t
}

// atMost is s, or t if s is more severe.
func atMost(s, t report.Severity) report.Severity {
	if s.AtLeast(t) {
		return t
	}
	return s
}
