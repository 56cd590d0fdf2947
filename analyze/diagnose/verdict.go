package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// verdict is the answer to "why was it slow, and was it the scheduler?": the first finding,
// and why requests or tasks were slow; where there is no finding, that alone.
func verdict(rep *report.Report) report.Verdict {
	where, slow := whereTimeWent(rep), slownessOf(rep)
	main := mainOf(rep)
	if main != nil {
		where = main.Headline
	}
	if len(rep.Findings) > 0 {
		switch first := &rep.Findings[0]; {
		case first.ID == checkSlow.ID:
			return slow.verdict(first.Severity)
		case first.Severity.AtLeast(report.SeverityWarning):
			v := guilty(rep, where)
			switch {
			case slow.matters():
				slow.explain(&v, first)
			case main != nil && (littleOf(rep.Findings, report.Analysed(rep)) || main.outweighs(checkOf(first))):
				v.Headline, v.Detail, v.Advice = where, strings.TrimSpace(main.Detail+" "+v.Headline), main.Advice
			}
			return v
		}
	}
	if slow.matters() {
		return slow.verdict(slow.severity())
	}
	v := report.Verdict{Severity: report.SeverityInfo, Headline: "Nothing was scheduled in this part of the trace.", Detail: where}
	waited := fmt.Sprintf("Goroutines waited %s for a P at the median, %s.", words.Length(rep.Key.LatencyP50), longWaits(rep))
	switch {
	case main != nil:
		v.Headline, v.Detail, v.Advice = where, main.Detail, main.Advice
	case rep.Latency.Count > 0:
		v.Headline, v.Detail = "The scheduler was not what took the time.", waited+" "+where
	}
	return v
}

// explain puts into a verdict why requests or tasks were slow: behind the finding, or before
// it where the finding does not name who is behind it and the root does.
func (s *slowness) explain(v *report.Verdict, first *report.Finding) {
	c := checkOf(first)
	if s.names(first, c) {
		v.Headline, v.Detail = s.Headline, v.Headline
		v.Advice = cmp.Or(s.Advice, v.Advice)
		return
	}
	v.Detail = s.Headline
	if c.Symptom && s.leads(c.Costs) && !c.mayBeNoCPU(s.Roots[0].Kind) { // what to do about its cause
		v.Advice = cmp.Or(s.Advice, v.Advice)
	}
}

// names reports whether the root of slow requests or tasks names who is behind what a
// finding of a check tells, and the finding names somebody else or nobody.
func (s *slowness) names(f *report.Finding, c *Check) bool {
	root := &s.Roots[0]
	who := words.Function(root.At.Func)
	return who != "" && !strings.Contains(f.Title, who) && s.leads(c.Costs) && c.namesLess(root.Kind)
}

// outweighs reports whether the root of slow requests or tasks is most of why they were
// slow, and names who is behind it, and what a check finds is a symptom, and less than half of that.
func (s *slowness) outweighs(c *Check) bool {
	root, kinds := &s.Roots[0], c.Costs.roots()
	if !c.Symptom || c.Counted || kinds == nil || s.leads(c.Costs) || root.At.Func == "" {
		return false
	}
	most := s.share([]report.RootKind{root.Kind})
	return most >= .5 && 2*s.share(kinds) < most
}

// mayBeNoCPU reports whether a root of this kind may be nothing else than what a check finds
// that looks for threads without a CPU: what computed then, or had a P, is no cause of it.
func (c *Check) mayBeNoCPU(kind report.RootKind) bool {
	return c.Costs == costsLate && (kind == report.RootComputing || kind == report.RootQueue)
}

// checkOf is the check whose finding it is.
func checkOf(f *report.Finding) *Check {
	return &All[slices.IndexFunc(All, func(c Check) bool { return c.ID == f.ID })]
}

// namesLess reports whether the account of slow requests and tasks tells better who is
// behind what a check finds, where it is of this kind. Who is behind the collector and
// stopped worlds the checks tell; and what wanted to run at once, or in which order, is no one's doing.
func (c *Check) namesLess(kind report.RootKind) bool {
	switch c.Costs {
	case costsOthers:
		return c.Symptom
	case costsCalls, costsLocks, costsQueues:
		return kind != report.RootQueue
	case costsWakeups:
		return kind == report.RootFoundLate
	}
	return false
}

// longWaits is the 99.9th percentile of the waits for a P, or where they are too few
// for that the longest.
func longWaits(rep *report.Report) string {
	if p := words.P999(rep.Latency.Count+rep.Latency.Censored, words.Length(rep.Latency.P999)); p != words.None {
		return p + " at the 99.9th percentile"
	}
	return words.Length(rep.Latency.Max) + " at the longest"
}

// guilty is the verdict where something was found: the first finding.
func guilty(rep *report.Report, where string) report.Verdict {
	f, whole := &rep.Findings[0], report.Analysed(rep)
	v := report.Verdict{Severity: f.Severity, Headline: f.Title + ".", Advice: f.Advice, Detail: f.What + " " + where}
	if f.Severity == report.SeverityWarning && littleOf(rep.Findings, whole) {
		v.Headline = "Nothing here cost much time. The worst: " + v.Headline
		v.Detail = fmt.Sprintf("%s That cost %s, the trace is %s long. %s", f.What, words.Length(f.CostNS), words.Length(whole), where)
	}
	return v
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
	t := goroutineTime{waits: map[string]timeBy{}}
	for i := range rep.Functions {
		if f := &rep.Functions[i]; !f.Runtime {
			t.add(f)
		}
	}
	switch {
	case t.total == 0 && t.parked == 0:
		return "No goroutine of the program shows in it."
	case t.total == 0:
		return "All goroutines of the program were blocked all the while."
	}
	return t.text()
}

// goroutineTime is the time of the program's goroutines by what they did, in ns.
type goroutineTime struct {
	running, runnable, total int64
	syscalls                 timeBy
	waits                    map[string]timeBy // blocked, by reason
	parked                   int64             // goroutines that stood by all the while, which do not count
}

// add takes in a function's goroutines.
func (t *goroutineTime) add(f *report.FunctionTime) {
	t.running += f.Running
	t.runnable += f.Runnable
	t.total += f.Total - f.ParkedNS
	t.parked += f.Parked
	t.syscalls = t.syscalls.and(f.Name, f.Syscall-f.ParkedCalls)
	for _, b := range f.Blocked {
		ns := b.NS
		if b.Reason == model.ReasonNone.String() {
			ns -= f.ParkedNS - f.ParkedCalls
		}
		t.waits[b.Reason] = t.waits[b.Reason].and(f.Name, ns)
	}
}

// text is the sentence.
func (t *goroutineTime) text() string {
	s := fmt.Sprintf("Waiting for a P made up %s of the program's goroutine time, running %s, system calls %s",
		words.ShareOf(t.runnable, t.total), words.ShareOf(t.running, t.total), words.ShareOf(t.syscalls.sum, t.total))
	if t.syscalls.sum*10 >= t.total {
		s += t.syscalls.mostlyBy()
	}
	if reason, most := t.mostWaited(); most.sum > 0 {
		s += fmt.Sprintf("; most of the rest was spent %s (%s)", blockedOn(reason), words.ShareOf(most.sum, t.total)) + most.mostlyBy()
	}
	if t.parked > 0 {
		s += ". Not counted: " + words.Plural(t.parked, "goroutine") + " that stood by all the while"
	}
	return s + "."
}

// mostWaited is what goroutines were blocked on for longest, the first by name of
// several.
func (t *goroutineTime) mostWaited() (reason string, most timeBy) {
	for name, w := range t.waits {
		if reason == "" || w.sum > most.sum || w.sum == most.sum && name < reason {
			reason, most = name, w
		}
	}
	return reason, most
}

// timeBy is some time, and the function with the most of it.
type timeBy struct {
	sum  int64
	most int64
	fn   string
}

// and is the time with that of another function.
func (t timeBy) and(fn string, ns int64) timeBy {
	t.sum += ns
	if ns > t.most {
		t.most, t.fn = ns, fn
	}
	return t
}

// mostlyBy names the function where it has at least half.
func (t timeBy) mostlyBy() string {
	if t.most*2 < t.sum || t.fn == "" {
		return ""
	}
	return ", mostly by " + words.Function(t.fn)
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
