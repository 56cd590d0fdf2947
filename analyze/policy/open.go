package policy

import (
	"errors"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// openError is that a trace does not tell what a rule asks for, which the rule can take
// for neither good news nor bad.
type openError struct{ what, why string }

func (e *openError) Error() string { return e.what + " is not known: " + e.why }

// leaveOpen sets what becomes of a rule for which the trace does not tell enough. Unless
// the rule says otherwise, it is skipped.
func (r *rule) leaveOpen(res *report.CheckResult, e *openError) {
	res.Status, res.Message, res.Undecided = report.CheckSkip, e.Error(), []string{e.what}
	if r.ifUndecided != "" {
		res.Status = r.ifUndecided
	}
	if res.Status == report.CheckFail {
		res.Failures = []report.CheckFailure{{Item: e.what, Key: e.what + " undecided", Message: e.Error()}}
	}
}

// settleItems sets what becomes of a rule that holds for all items of which the trace
// tells, of whom there are some, and that it can't be asked of open others.
func (r *rule) settleItems(res *report.CheckResult, open []string, why *openError) {
	switch {
	case res.Status == report.CheckFail || len(open) == 0:
	case res.Items == len(open) || r.ifUndecided != "" && r.ifUndecided != report.CheckPass:
		r.leaveOpen(res, why)
	default:
		res.Message += "; not asked of " + strings.Join(open[:min(3, len(open))], ", ")
		if len(open) > 3 {
			res.Message += " …"
		}
		res.Message += ": " + why.Error()
	}
}

// asOpen is the openError that an error is, nil for any other.
func asOpen(err error) *openError {
	var e *openError
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// mayLack is a field that not every trace tells: why says why this one does not, "" where
// it does.
func mayLack(f field, what string, why func(*data) string) field {
	get := f.get
	f.mayLack = true
	f.get = func(of any) any {
		if s := why(of.(*data)); s != "" {
			return &openError{what, s}
		}
		return get(of)
	}
	return f
}

const noMachine = "nothing was recorded of the machine beside the trace: record it with gmptrace record"

// ofMachine is a field of what the machine said; told reports whether it did.
func ofMachine(f field, told func(*report.Machine) bool) field {
	return mayLack(f, "machine."+f.name, func(d *data) string {
		switch {
		case d.rep.Machine == nil:
			return noMachine
		case !told(d.rep.Machine):
			return "the machine did not say so"
		}
		return ""
	})
}

// lost is a field of the time that threads with a P had no CPU.
func lost(name, doc string, ns func(*report.CPULost) int64) field {
	return mayLack(duration(name, doc, func(d *data) int64 { return ns(&d.rep.Machine.Lost) }), "machine.lost."+name, noSamples)
}

// noSamples is why there is nothing to tell of lost CPUs, "" where there is.
func noSamples(d *data) string {
	switch {
	case d.rep.Machine == nil:
		return noMachine
	case d.rep.Machine.Wanted == 0:
		return "the machine was not asked while goroutines ran"
	}
	return ""
}

var lostObject = newObject("LostCPU", "time that threads with a P, which had Go code to run, had no CPU, by reason", nil,
	lost("quota", "the cgroup's quota was used up", func(l *report.CPULost) int64 { return l.Quota }),
	lost("other_processes", "another process had the CPU", func(l *report.CPULost) int64 { return l.Others }),
	lost("own_threads", "other threads of the program had it: more Ps than CPUs", func(l *report.CPULost) int64 { return l.Own }),
	lost("hypervisor", "the hypervisor took it", func(l *report.CPULost) int64 { return l.Hypervisor }),
	lost("stopped", "the whole process was stopped", func(l *report.CPULost) int64 { return l.Stopped }),
	lost("kernel", "in the kernel: a page fault, or alike", func(l *report.CPULost) int64 { return l.Kernel }),
	lost("total", "all of them", func(l *report.CPULost) int64 { return l.Total() }),
	mayLack(number("share", unitShare, "total, of the time that they had Go code to run", func(d *data) float64 {
		return share(d.rep.Machine.Lost.Total(), d.rep.Machine.Wanted)
	}), "machine.lost.share", noSamples),
)

var machineObject = newObject("Machine", "what the machine said beside the trace (gmptrace record); where it said nothing, rules that ask are undecided", nil,
	boolean("told", "it said something", func(d *data) bool { return d.rep.Machine != nil }),
	one("lost", lostObject),
	ofMachine(count("cpus", "that the process may run on", func(d *data) int { return d.rep.Machine.CPUs }), func(m *report.Machine) bool { return m.CPUs > 0 }),
	ofMachine(number("quota_cpus", unitCount, "CPUs that the cgroup's quota is worth", func(d *data) float64 { return d.rep.Machine.QuotaCPUs }),
		func(m *report.Machine) bool { return m.QuotaCPUs > 0 }),
	ofMachine(number("throttled_share", unitShare, "of the quota's periods: it was used up", func(d *data) float64 {
		return share(d.rep.Machine.Throttled.Over, d.rep.Machine.Throttled.Periods)
	}), func(m *report.Machine) bool { return m.Throttled != nil }),
	ofMachine(duration("stolen", "that the hypervisor took from the whole machine, in sum over CPUs", func(d *data) int64 { return d.rep.Machine.Stolen }),
		func(m *report.Machine) bool { return m.Stolen >= 0 }),
)

// lossCause is what time can be lost to, by name: a cause of explain's, what several have in
// common, or what the instance waited for itself.
type lossCause struct {
	name string
	is   func(*report.CauseTime) bool
}

func byName(names ...string) func(*report.CauseTime) bool {
	return func(c *report.CauseTime) bool {
		return slices.Contains(names, c.Cause) || slices.Contains(names, c.Parent)
	}
}

func blockedOn(b report.BlockedKind) func(*report.CauseTime) bool {
	return func(c *report.CauseTime) bool {
		return slices.ContainsFunc(b.Reasons(), func(r model.Reason) bool { return r.String() == c.BlockedFor })
	}
}

// lossCauses are all there are.
var lossCauses = func() []lossCause {
	all := []lossCause{
		{"lock", func(c *report.CauseTime) bool {
			return c.Cause == report.CauseLock.String() || blockedOn(report.BlockedLock)(c)
		}},
		{"channel", blockedOn(report.BlockedChannel)},
		{"gc", byName(report.CauseAssist.String(), report.CauseSweep.String(), report.CauseGCStop.String(), report.CauseGCWorker.String(), report.CauseAssistWait.String(), report.CauseGCWait.String())},
		{"waiting-for-a-p", func(c *report.CauseTime) bool {
			for x := report.CauseGCStop; x <= report.CauseDispatch; x++ {
				if c.Cause == x.String() {
					return true
				}
			}
			return false
		}},
		{report.CauseOthers, byName(report.CauseOthers)},
		{report.CauseLate, byName(report.CauseLate)},
	}
	for c := range report.NumCauses {
		if c != report.CauseLock {
			all = append(all, lossCause{c.String(), byName(c.String())})
		}
	}
	return all
}()

func lossCauseNames() (names []string) {
	for _, c := range lossCauses {
		names = append(names, c.name)
	}
	return names
}

// causeOf is a method of tasks and requests: what they lost to a cause.
func causeOf(name string, result *cel.Type, u unit, doc string, of func(lost, total, count int64) ref.Val) function {
	f := function{
		name: name, on: []string{"tasks", "requests"}, args: "cause string", result: result, unit: u, values: lossCauseNames(), mayLack: true,
		doc: doc + ", as explain has it; lock is time blocked in sync: for mutexes, and for WaitGroups and semaphores, which a trace does not tell apart. Of many instances, a sample is known",
	}
	binding := cel.BinaryBinding(func(item, cause ref.Val) ref.Val {
		s := item.(*value).of.(*span)
		i := slices.IndexFunc(s.d.rep.SpanCauses, func(c report.SpanCauses) bool { return c.Kind == s.Kind && c.Name == s.Name })
		if i < 0 {
			return types.WrapErr(&openError{name + " of " + valueText(item, noUnit), "explain follows no time of those"})
		}
		causes := &s.d.rep.SpanCauses[i]
		var lost int64
		for _, c := range lossCauses {
			for k := range causes.Causes {
				if c.name == string(cause.(types.String)) && c.is(&causes.Causes[k]) {
					lost += causes.Causes[k].NS
				}
			}
		}
		return of(lost, causes.Total, causes.Count)
	})
	for _, o := range []*object{taskObject, requestObject} {
		f.options = append(f.options, cel.MemberOverload(strings.ToLower(o.name)+"_"+name, []*cel.Type{o.celType(), cel.StringType}, result, binding))
	}
	return f
}
