package policy

import (
	"cmp"
	"fmt"

	"cel.dev/cel-go/cel"

	"gmptrace/analyze/diagnose"
	"gmptrace/analyze/report"
	"gmptrace/analyze/rules"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// data is one trace as expressions see it.
type data struct {
	rep     *report.Report
	seconds float64 // length of what was analysed
	p       float64 // P time in it, in ns

	functions              []*report.FunctionTime
	tasks, regions         []*span
	requests, sent         []*span
	findings               []*report.Finding
	sources                []*source
	handoffs               []*handoff
	preemptions            []*preemption
	stwKinds               []*report.STWKind
	procs                  []*proc
	gmpRules               []*report.Rule
	checks                 []*report.Check
	queueLocal, gomaxprocs int
}

type span struct {
	*report.SpanTime
	d *data
}

type source struct {
	*report.SourceCount
	d *data
}

type handoff struct {
	*report.HandoffCause
	d *data
}

type preemption struct {
	*report.PreemptCount
	d *data
}

type proc struct {
	*report.ProcTime
	d *data
}

func pointers[T any](list []T) []*T {
	var out []*T
	for i := range list {
		out = append(out, &list[i])
	}
	return out
}

func newData(rep *report.Report) *data {
	d := &data{rep: rep, seconds: float64(rep.Trace.To-rep.Trace.From) / 1e9}
	d.functions, d.findings, d.stwKinds = pointers(rep.Functions), pointers(rep.Findings), pointers(rep.GC.STWs)
	d.gmpRules, d.checks = pointers(rep.Rules), pointers(rep.Checks)
	for _, t := range pointers(rep.Spans) {
		s := &span{t, d}
		switch {
		case s.Kind == report.KindTask:
			d.tasks = append(d.tasks, s)
		case s.Kind == report.KindRegion:
			d.regions = append(d.regions, s)
		case s.Sent:
			d.sent = append(d.sent, s)
		default:
			d.requests = append(d.requests, s)
		}
	}
	for _, s := range pointers(rep.Dispatches.Sources) {
		d.sources = append(d.sources, &source{s, d})
	}
	for c := range model.NumHandoffCauses {
		x := &report.HandoffCause{Cause: c.String()}
		for _, h := range pointers(rep.Handoffs.Causes) {
			if h.Cause == x.Cause {
				x = h
			}
		}
		d.handoffs = append(d.handoffs, &handoff{x, d})
	}
	for h := range model.NumHows {
		x := &report.PreemptCount{How: h.String()}
		for _, p := range pointers(rep.Preemptions.Kinds) {
			if p.How == x.How {
				x = p
			}
		}
		d.preemptions = append(d.preemptions, &preemption{x, d})
	}
	for _, p := range pointers(rep.Procs) {
		d.procs = append(d.procs, &proc{p, d})
		d.queueLocal = max(d.queueLocal, p.QueuePeak)
		d.p += float64(p.Running + p.Syscall + p.Sched + p.Idle)
	}
	for _, g := range rep.Trace.Gomaxprocs {
		d.gomaxprocs = max(d.gomaxprocs, g.N)
	}
	return d
}

// perSecond is a rate; 0 for a trace of no length.
func (d *data) perSecond(n int64) float64 {
	if d.seconds <= 0 {
		return 0
	}
	return float64(n) / d.seconds
}

// share is part of whole; 0 where there is no whole.
func share[P, W int64 | float64](part P, whole W) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// length is the length of what was analysed, in ns.
func (d *data) length() int64 { return d.rep.Trace.To - d.rep.Trace.From }

func named[N interface{ String() string }](all ...N) []string {
	var names []string
	for _, n := range all {
		names = append(names, n.String())
	}
	return names
}

func upTo[N ~uint8](n N) []N {
	var all []N
	for i := range n {
		all = append(all, i)
	}
	return all
}

// What texts of the environment can be.
var (
	severityNames = []string{string(report.SeverityInfo), string(report.SeverityWarning), string(report.SeverityCritical)}
	sourceNames   = named(upTo(model.NumSources)...)
	causeNames    = named(upTo(model.NumHandoffCauses)...)
	howNames      = named(upTo(model.NumHows)...)
	sureNames     = []string{"low", "medium", "high", "certain"} // the least sure first
)

var traceObject = newObject("Trace", "what was read, and how far it can be trusted", nil,
	boolean("complete", "every byte was read and used, and nothing shows that the end is missing", func(d *data) bool {
		return d.rep.Trace.Complete && d.rep.Trace.Events > 0
	}),
	count("losses", "parts that could not be read or used", func(d *data) int { return len(d.rep.Trace.Lost) }),
	duration("duration", "length of what was analysed", func(d *data) int64 { return d.length() }),
	count("events", "events read", func(d *data) int64 { return d.rep.Trace.Events }),
	number("certain_share", unitShare, "of all dispatches: the scheduler's rules leave one place for it", func(d *data) float64 {
		return share(d.rep.Dispatches.Certain, d.rep.Dispatches.Count)
	}),
	count("divergences", "times that the trace contradicted the model of the scheduler, which was then corrected", func(d *data) int64 { return d.rep.Dispatches.Resyncs }),
	number("divergence_share", unitShare, "divergences for each dispatch", func(d *data) float64 { return share(d.rep.Dispatches.Resyncs, d.rep.Dispatches.Count) }),
	boolean("race", "stacks show that the program was built with -race, which shuffles run queues", func(d *data) bool { return d.rep.Trace.Race }),
	boolean("queues_unexplained", "the order in which goroutines left the run queues is not that of the rules", func(d *data) bool { return d.rep.Trace.Unexplained }),
	text("name", "of the file, as it was given", nil, func(d *data) string { return d.rep.Trace.Name }),
	text("program", "main package or module, as far as stacks show it", nil, func(d *data) string { return d.rep.Trace.Program }),
	text("go_version", "whose rules were applied, such as 1.26", nil, func(d *data) string { return d.rep.Trace.GoVersion }),
	count("gomaxprocs", "the most Ps there were; 0 when the trace does not say", func(d *data) int { return d.gomaxprocs }),
)

var latencyObject = newObject("Latency", "scheduling latency: the time of all goroutines from ready to execute", nil,
	count("count", "waits that ended in a dispatch", func(d *data) int64 { return d.rep.Latency.Count }),
	duration("p50", "median", func(d *data) int64 { return d.rep.Latency.P50 }),
	duration("p90", "90th percentile", func(d *data) int64 { return d.rep.Latency.P90 }),
	duration("p95", "95th percentile", func(d *data) int64 { return d.rep.Latency.P95 }),
	duration("p99", "99th percentile", func(d *data) int64 { return d.rep.Latency.P99 }),
	duration("p999", "99.9th percentile", func(d *data) int64 { return d.rep.Latency.P999 }),
	duration("max", "longest", func(d *data) int64 { return d.rep.Latency.Max }),
	duration("mean", "mean", func(d *data) int64 {
		return d.rep.Latency.Total / max(1, d.rep.Latency.Count+d.rep.Latency.Censored)
	}),
	duration("total", "sum over all goroutines", func(d *data) int64 { return d.rep.Latency.Total }),
	count("cut_off", "waits that the trace's ends cut off, which count with the length seen", func(d *data) int64 { return d.rep.Latency.Censored }),
)

var queueObject = newObject("Queue", "how many goroutines stood runnable and did not run", nil,
	count("peak", "most at once", func(d *data) int { return d.rep.Key.QueuePeak }),
	number("mean", unitCount, "on average over time", func(d *data) float64 { return d.rep.Key.QueueMean }),
	count("local_peak", "most at once in one P's own queue", func(d *data) int { return d.queueLocal }),
)

var goroutinesObject = newObject("Goroutines", "how many goroutines there were", nil,
	count("count", "distinct ones seen", func(d *data) int64 { return d.rep.Trace.Goroutines }),
	count("peak", "most alive at once", func(d *data) int64 { return d.rep.Trace.LivePeak }),
)

var dispatchesObject = newObject("Dispatches", "goroutines that were given a P; sources has them by where they came from", nil,
	count("count", "dispatches", func(d *data) int64 { return d.rep.Dispatches.Count }),
	number("per_second", unitRate, "dispatches", func(d *data) float64 { return d.perSecond(d.rep.Dispatches.Count) }),
)

var stealsObject = newObject("Steals", "Ps that took work from other Ps", nil,
	count("count", "steals", func(d *data) int64 { return d.rep.Dispatches.Steals.Steals }),
	number("per_second", unitRate, "steals", func(d *data) float64 { return d.perSecond(d.rep.Dispatches.Steals.Steals) }),
	number("share", unitShare, "of all dispatches", func(d *data) float64 { return share(d.rep.Dispatches.Steals.Steals, d.rep.Dispatches.Count) }),
	count("goroutines", "moved by them", func(d *data) int64 { return d.rep.Dispatches.Steals.Goroutines }),
)

var handoffsObject = newObject("Handoffs", "Ps that left their thread; handoff(cause) has them by cause", nil,
	count("count", "handoffs", func(d *data) int64 { return d.rep.Handoffs.Count }),
	number("per_second", unitRate, "handoffs", func(d *data) float64 { return d.perSecond(d.rep.Handoffs.Count) }),
)

var preemptionsObject = newObject("Preemptions", "goroutines that stopped running although they could have gone on; preemption(how) has them by how", nil,
	count("count", "preemptions", func(d *data) int64 { return d.rep.Preemptions.Count }),
	number("per_second", unitRate, "preemptions", func(d *data) float64 { return d.perSecond(d.rep.Preemptions.Count) }),
)

var gcObject = newObject("GC", "what garbage collection cost", nil,
	count("cycles", "cycles that were under way in what was analysed", func(d *data) int64 { return d.rep.GC.Cycles }),
	number("cycles_per_second", unitRate, "cycles", func(d *data) float64 { return d.perSecond(d.rep.GC.Cycles) }),
	number("share", unitShare, "of wall time: inside of a cycle", func(d *data) float64 { return d.rep.Key.GCShare }),
	number("worker_share", unitShare, "of P time: mark workers", func(d *data) float64 { return share(d.rep.GC.Workers, d.p) }),
	duration("assist", "time that goroutines ran in mark assists", func(d *data) int64 { return d.rep.GC.Assist }),
	duration("assist_wait", "time that goroutines waited in mark assists", func(d *data) int64 { return d.rep.GC.AssistWait }),
	duration("sweep", "time that goroutines swept before they could allocate", func(d *data) int64 { return d.rep.GC.Sweep }),
)

var stwObject = newObject("STW", "stop-the-world pauses, whatever their cause; stw_kinds has them by cause", nil,
	count("count", "pauses", func(d *data) int64 { return d.rep.GC.STWCount }),
	number("per_second", unitRate, "pauses", func(d *data) float64 { return d.perSecond(d.rep.GC.STWCount) }),
	duration("max", "longest", func(d *data) int64 { return d.rep.Key.STWMax }),
	duration("total", "all together", func(d *data) int64 { return d.rep.Key.STWTotal }),
	number("share", unitShare, "of wall time", func(d *data) float64 { return share(d.rep.Key.STWTotal, d.length()) }),
)

var cpuObject = newObject("CPU", "how busy the Ps and threads were", nil,
	number("utilisation", unitShare, "of P time: a goroutine ran", func(d *data) float64 { return d.rep.Key.Utilisation }),
	count("threads", "distinct threads", func(d *data) int { return d.rep.Threads.Count }),
	count("in_syscall_peak", "most threads blocked in system calls at once", func(d *data) int { return d.rep.Threads.Peak }),
)

var functionObject = newObject("Function", "all goroutines that run one function",
	func(of any) string { return cmp.Or(of.(*report.FunctionTime).Name, "(function not known)") },
	nameIn("functions", text("name", "full name of the function, such as main.worker; empty when not known", nil, func(f *report.FunctionTime) string { return f.Name })),
	boolean("runtime", "it belongs to the Go runtime", func(f *report.FunctionTime) bool { return f.Runtime }),
	count("goroutines", "how many ran it: started with it, or with what only runs what it was given", func(f *report.FunctionTime) int64 { return f.Goroutines }),
	count("waits", "times that they waited for a P", func(f *report.FunctionTime) int64 { return f.Waits }),
	duration("wait_p50", "median of their scheduling latency", func(f *report.FunctionTime) int64 { return f.WaitP50 }),
	duration("wait_p90", "90th percentile of it", func(f *report.FunctionTime) int64 { return f.WaitP90 }),
	duration("wait_p95", "95th percentile of it", func(f *report.FunctionTime) int64 { return f.WaitP95 }),
	duration("wait_p99", "99th percentile of it", func(f *report.FunctionTime) int64 { return f.WaitP99 }),
	duration("wait_p999", "99.9th percentile of it", func(f *report.FunctionTime) int64 { return f.WaitP999 }),
	duration("wait_max", "longest wait for a P", func(f *report.FunctionTime) int64 { return f.WaitMax }),
	duration("total", "sum of their lives within the trace", func(f *report.FunctionTime) int64 { return f.Total }),
	duration("running", "of total: running", func(f *report.FunctionTime) int64 { return f.Running }),
	duration("runnable", "of total: waiting for a P", func(f *report.FunctionTime) int64 { return f.Runnable }),
	duration("syscall", "of total: in system calls", func(f *report.FunctionTime) int64 { return f.Syscall }),
	duration("blocked", "of total: blocked", blocked),
	duration("assist", "of running: in mark assists of the garbage collector", func(f *report.FunctionTime) int64 { return f.Assist }),
	number("runnable_share", unitShare, "of the time that they ran or wanted to: waiting for a P", func(f *report.FunctionTime) float64 {
		return share(f.Runnable, f.Running+f.Runnable)
	}),
	count("dispatches", "times that one was given a P", func(f *report.FunctionTime) int64 { return f.Dispatches }),
)

func blocked(f *report.FunctionTime) int64 {
	var ns int64
	for _, b := range f.Blocked {
		ns += b.NS
	}
	return ns
}

// spanObject is the type of tasks, regions and requests.
func spanObject(name, scope, doc, what, unknown string) *object {
	return newObject(name, doc, func(of any) string { return cmp.Or(of.(*span).Name, unknown) },
		nameIn(scope, text("name", what, nil, func(s *span) string { return s.Name })),
		count("count", "how many ended within what was analysed; the times are theirs", func(s *span) int64 { return s.Count }),
		number("per_second", unitRate, "of them", func(s *span) float64 { return s.d.perSecond(s.Count) }),
		count("unfinished", "how many had not ended when the trace did", func(s *span) int64 { return s.Open }),
		count("open", "the same as unfinished", func(s *span) int64 { return s.Open }),
		duration("p50", "median of how long they took", func(s *span) int64 { return s.P50 }),
		duration("p90", "90th percentile of it", func(s *span) int64 { return s.P90 }),
		duration("p95", "95th percentile of it", func(s *span) int64 { return s.P95 }),
		duration("p99", "99th percentile of it", func(s *span) int64 { return s.P99 }),
		duration("p999", "99.9th percentile of it", func(s *span) int64 { return s.P999 }),
		duration("max", "longest", func(s *span) int64 { return s.Max }),
		duration("mean", "mean", func(s *span) int64 { return s.Total / max(1, s.Count) }),
		duration("total", "all together", func(s *span) int64 { return s.Total }),
	)
}

var (
	taskObject    = spanObject("Task", "tasks", "user tasks (runtime/trace) of one name", "name of the task", "(task without a name)")
	regionObject  = spanObject("Region", "regions", "user regions (runtime/trace) of one name", "name of the region", "(region without a name)")
	requestObject = spanObject("Request", "requests", "requests of net/http, fasthttp and gRPC that one handler served",
		"function of the handler, such as main.(*shop).ServeHTTP; empty for those whose handler no stack shows: they were never blocked, preempted or sampled in it", "(handler not seen)")
	sentObject = spanObject("SentRequest", "sent_requests", "requests of net/http that one function sent: its waits for responses", "function that sent them", "(function not known)")
)

var findingObject = newObject("Finding", "what the analysis found wrong",
	func(of any) string { return of.(*report.Finding).Title },
	text("id", "of the check that found it", diagnose.CheckIDs(), func(f *report.Finding) string { return f.ID }),
	ranked(text("severity", "how bad it is: >= \"warning\" is as bad as that, or worse", severityNames, func(f *report.Finding) string { return string(f.Severity) })),
	text("title", "in a sentence", nil, func(f *report.Finding) string { return words.Machine(f.Title) }),
	duration("cost", "what it cost, in the unit of cost_of", func(f *report.Finding) int64 { return f.CostNS }),
	text("cost_of", "what cost is time of", nil, func(f *report.Finding) string { return f.CostOf }),
	ranked(text("sure", "how sure it is: >= \"medium\" is as sure as that, or surer", sureNames, func(f *report.Finding) string { return f.Sure })),
)

var checkObject = newObject("Check", "what was checked, with or without a finding",
	func(of any) string { return of.(*report.Check).Title },
	text("id", "of the check", diagnose.CheckIDs(), func(c *report.Check) string { return c.ID }),
	count("findings", "what it found", func(c *report.Check) int { return c.Findings }),
	boolean("decided", "the trace can tell", func(c *report.Check) bool { return c.Undecided == "" }),
	text("measured", "the figure that it judged by, in words", nil, func(c *report.Check) string { return words.Machine(c.Measured) }),
)

var sourceObject = newObject("Source", "dispatches from one place: a P's queue, the global queue, a steal …",
	func(of any) string { return of.(*source).Source },
	text("name", "of the source", sourceNames, func(s *source) string { return s.Source }),
	count("count", "dispatches", func(s *source) int64 { return s.Count }),
	number("per_second", unitRate, "dispatches", func(s *source) float64 { return s.d.perSecond(s.Count) }),
	number("share", unitShare, "of all dispatches", func(s *source) float64 { return share(s.Count, s.d.rep.Dispatches.Count) }),
	number("certain_share", unitShare, "of its dispatches: no other place fits the rules", func(s *source) float64 { return share(s.Certain, s.Count) }),
	duration("wait_mean", "mean time that its goroutines had been runnable", func(s *source) int64 { return s.Wait / max(1, s.Count) }),
	duration("wait_max", "longest of these", func(s *source) int64 { return s.Max }),
)

var handoffObject = newObject("Handoff", "Ps that left their thread for one cause",
	func(of any) string { return of.(*handoff).Cause },
	text("cause", "why", causeNames, func(h *handoff) string { return h.Cause }),
	count("count", "handoffs", func(h *handoff) int64 { return h.Count }),
	number("per_second", unitRate, "handoffs", func(h *handoff) float64 { return h.d.perSecond(h.Count) }),
	duration("after_p50", "median time since the system call began", func(h *handoff) int64 { return h.P50 }),
	duration("after_p99", "99th percentile of it", func(h *handoff) int64 { return h.P99 }),
	duration("after_max", "longest", func(h *handoff) int64 { return h.Max }),
)

var preemptionObject = newObject("Preemption", "preemptions of one kind",
	func(of any) string { return of.(*preemption).How },
	text("how", "what made it stop", howNames, func(p *preemption) string { return p.How }),
	count("count", "preemptions", func(p *preemption) int64 { return p.Count }),
	number("per_second", unitRate, "preemptions", func(p *preemption) float64 { return p.d.perSecond(p.Count) }),
	duration("ran_p50", "median time that they had run", func(p *preemption) int64 { return p.P50 }),
	duration("ran_p99", "99th percentile of it", func(p *preemption) int64 { return p.P99 }),
	duration("ran_max", "longest", func(p *preemption) int64 { return p.Max }),
)

var stwKindObject = newObject("STWKind", "stop-the-world pauses of one cause",
	func(of any) string { return of.(*report.STWKind).Cause },
	text("cause", "as the runtime names it", nil, func(s *report.STWKind) string { return s.Cause }),
	count("count", "pauses", func(s *report.STWKind) int64 { return s.Count }),
	duration("total", "all together", func(s *report.STWKind) int64 { return s.Total }),
	duration("max", "longest", func(s *report.STWKind) int64 { return s.Max }),
)

var procObject = newObject("Proc", "one P",
	func(of any) string { return fmt.Sprintf("P%d", of.(*proc).P) },
	count("id", "its number", func(p *proc) int64 { return int64(p.P) }),
	number("running_share", unitShare, "of its time: a goroutine ran", func(p *proc) float64 { return share(p.Running, p.time()) }),
	number("syscall_share", unitShare, "of its time: its goroutine was in a system call", func(p *proc) float64 { return share(p.Syscall, p.time()) }),
	number("idle_share", unitShare, "of its time: idle", func(p *proc) float64 { return share(p.Idle, p.time()) }),
	count("dispatches", "goroutines that it ran", func(p *proc) int64 { return p.Dispatches }),
	count("stolen_from", "steals of which it was the victim", func(p *proc) int64 { return p.StolenFrom }),
	count("queue_peak", "most goroutines at once in its own queue", func(p *proc) int { return p.QueuePeak }),
)

func (p *proc) time() int64 { return p.Running + p.Syscall + p.Sched + p.Idle }

var gmpRuleObject = newObject("GMPRule", "one rule of Go's scheduler, and whether the trace agrees with it",
	func(of any) string { return of.(*report.Rule).ID },
	text("id", "of the rule", rules.IDs(), func(r *report.Rule) string { return r.ID }),
	text("title", "in words", nil, func(r *report.Rule) string { return words.Machine(r.Title) }),
	count("applied", "occasions on which it applied", func(r *report.Rule) int64 { return r.Applied }),
	count("judged", "of applied: that the trace can tell about", func(r *report.Rule) int64 { return r.Judged }),
	count("agreed", "of judged: as the rule has it", func(r *report.Rule) int64 { return r.Agreed }),
	number("agreed_share", unitShare, "agreed of judged; 1 where none could be judged", func(r *report.Rule) float64 {
		if r.Judged == 0 {
			return 1
		}
		return share(r.Agreed, r.Judged)
	}),
	boolean("decided", "the trace can tell", func(r *report.Rule) bool { return r.Undecided == "" }),
)

// variables are what expressions can name, in the order in which they are listed.
var variables = []field{
	one("trace", traceObject),
	one("latency", latencyObject),
	one("queue", queueObject),
	one("goroutines", goroutinesObject),
	one("dispatches", dispatchesObject),
	one("steals", stealsObject),
	one("handoffs", handoffsObject),
	one("preemptions", preemptionsObject),
	one("gc", gcObject),
	one("stw", stwObject),
	one("cpu", cpuObject),
	one("machine", machineObject),
	listOf("functions", functionObject, func(d *data) []*report.FunctionTime { return d.functions }),
	listOf("tasks", taskObject, func(d *data) []*span { return d.tasks }),
	listOf("regions", regionObject, func(d *data) []*span { return d.regions }),
	listOf("requests", requestObject, func(d *data) []*span { return d.requests }),
	listOf("sent_requests", sentObject, func(d *data) []*span { return d.sent }),
	listOf("findings", findingObject, func(d *data) []*report.Finding { return d.findings }),
	listOf("checks", checkObject, func(d *data) []*report.Check { return d.checks }),
	listOf("sources", sourceObject, func(d *data) []*source { return d.sources }),
	listOf("handoff_causes", handoffObject, func(d *data) []*handoff { return d.handoffs }),
	listOf("preemption_kinds", preemptionObject, func(d *data) []*preemption { return d.preemptions }),
	listOf("stw_kinds", stwKindObject, func(d *data) []*report.STWKind { return d.stwKinds }),
	listOf("procs", procObject, func(d *data) []*proc { return d.procs }),
	listOf("gmp_rules", gmpRuleObject, func(d *data) []*report.Rule { return d.gmpRules }),
}

// scopes are the variables that `for:` can name: those that are lists.
func scopes() []string {
	var names []string
	for _, v := range variables {
		if v.typ.Kind() == cel.ListType(cel.DynType).Kind() {
			names = append(names, v.name)
		}
	}
	return names
}

// variable is the one of that name, nil if there is none.
func variable(name string) *field {
	for i := range variables {
		if variables[i].name == name {
			return &variables[i]
		}
	}
	return nil
}

// objects are the types of all variables, and of what is in them.
func objects() (all []*object) {
	for _, v := range variables {
		all = append(all, v.of)
		for _, f := range v.of.fields {
			if f.of != nil {
				all = append(all, f.of)
			}
		}
	}
	return all
}
