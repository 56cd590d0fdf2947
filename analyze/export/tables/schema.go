package tables

import (
	"fmt"
	"slices"
	"strings"

	"gmptrace/model"
)

// all are the tables, in the order of Schema.
func all() []*table {
	return []*table{&slicesTable, &waitsTable, &dispatchesTable, &procsTable, &gcTable, &goroutinesTable,
		&requestsTable, &spansTable, &causesTable, &findingsTable, &traceTable}
}

// What a row of slices is made of.
const (
	sliceAt = iota
	sliceDur
	sliceG
	sliceRuns // see naming.runs
	sliceState
	sliceReason
	sliceP
	sliceStack
	sliceBy
	sliceByStack
	sliceFlags
	sliceWidth
)

// Flags of stretches of goroutines.
const (
	flagRuntime = 1 << iota
	flagWorker
	flagAssist
	flagCutBegin
	flagCutEnd
	flagFirst
	flagExit
	flagWoken
	flagPolled
	flagCertain
	flagDispatched
	flagUnknownParts
)

// The states of goroutines.
const (
	stateRunning = iota
	stateRunnable
	stateSyscall
	stateBlocked
	stateUnknown
	numStates
)

var stateNames = [numStates]string{"running", "runnable", "syscall", "blocked", "unknown"}

var slicesTable = table{
	name: "slices", width: sliceWidth, order: "when they end",
	rows: "a stretch of a goroutine in one state; those of a goroutine follow each other without a gap",
	columns: join(
		stretch(sliceAt, sliceDur),
		[]column{
			{"g", number, "goroutine", false, idOf(sliceG)},
			{"func", text, "function that it runs, as reports name goroutines; NULL where the trace does not say", true, runs(sliceRuns)},
			{"runtime", flag, "the goroutine belongs to the Go runtime", false, ofRuntime(sliceRuns, sliceFlags)},
			{"state", text, "running, runnable, syscall, blocked or unknown (not told by the trace)", false, func(n *naming, row []int64) cell { return n.states[row[sliceState]] }},
			{"reason", text, "why it was blocked, as the runtime says; NULL where it was not", true, reasonOf(sliceReason)},
			{"p", number, "P that it ran on, or on whose queue it stood; NULL for none, and for the global queue", true, idOf(sliceP)},
		},
		place("at", sliceStack, "where it stopped: the innermost frame of the program's own code, else of a module, else of the standard library", true),
		[]column{{"by", number, "goroutine that ended the wait; NULL where nobody did, or it is not known", true, idOf(sliceBy)}},
		place("by", sliceByStack, "where that was then", false),
		[]column{
			{"assist", flag, "inside a GC mark assist", false, bit(sliceFlags, flagAssist)},
			{"worker", flag, "a GC mark worker", false, bit(sliceFlags, flagWorker)},
			{"first", flag, "the goroutine's first stretch", false, bit(sliceFlags, flagFirst)},
			{"last", flag, "the goroutine ended with it", false, bit(sliceFlags, flagExit)},
		},
		cuts(sliceFlags),
	),
}

// What a row of waits is made of.
const (
	waitAt = iota
	waitDur
	waitG
	waitRuns
	waitReason
	waitQueue
	waitSource
	waitP
	waitM
	waitVictim
	waitBy
	waitFlags
	waitWidth
)

var waitsTable = table{
	name: "waits", width: waitWidth, order: "when they end",
	rows: "a wait for a P: from ready, when a goroutine became runnable, to execute, when it ran",
	columns: join(
		stretch(waitAt, waitDur),
		[]column{
			{"g", number, "goroutine", false, idOf(waitG)},
			{"func", text, "function that it runs; NULL where the trace does not say", true, runs(waitRuns)},
			{"runtime", flag, "the goroutine belongs to the Go runtime", false, ofRuntime(waitRuns, waitFlags)},
			{"queue_p", number, "P on whose queue it stood last; NULL for the global queue, and where it is not known", true, idOf(waitQueue)},
			{"p", number, "P that it ran on afterwards; NULL where it did not", true, idOf(waitP)},
			{"m", number, "thread that it ran on, by the operating system's id; NULL where it did not", true, thread(waitM)},
			{"source", text, "where its P took it from: runnext, local, global, global-tick, steal, steal-runnext, netpoll …; NULL where it did not run", true, source(waitSource)},
			{"certain", flag, "no other source fits the scheduler's rules", false, bit(waitFlags, flagCertain)},
			{"victim", number, "P that it was stolen from; NULL for none", true, idOf(waitVictim)},
			{"waker", number, "goroutine that made it runnable; NULL for none, or not known", true, idOf(waitBy)},
			{"woken", flag, "it had been blocked before; else it was new, preempted, or left a system call", false, bit(waitFlags, flagWoken)},
			{"reason", text, "why it had been blocked; NULL where it had not", true, func(n *naming, row []int64) cell {
				if row[waitFlags]&flagWoken == 0 {
					return null
				}
				return n.reasons[row[waitReason]]
			}},
		},
		cuts(waitFlags),
	),
}

// What a row of dispatches is made of.
const (
	dispatchAt = iota
	dispatchWait
	dispatchG
	dispatchRuns
	dispatchP
	dispatchM
	dispatchSource
	dispatchSources
	dispatchTick
	dispatchVictim
	dispatchMoved
	dispatchQueueP
	dispatchBy
	dispatchRunnable
	dispatchIdle
	dispatchFlags
	dispatchWidth
)

var dispatchesTable = table{
	name: "dispatches", width: dispatchWidth, order: "when they were",
	rows: "a goroutine that went from runnable to running, as gmptrace decisions tells it",
	columns: []column{
		{"at_ns", length, "when it was, from the trace's beginning", false, at(dispatchAt)},
		{"g", number, "goroutine", false, idOf(dispatchG)},
		{"func", text, "function that it runs; NULL where the trace does not say", true, runs(dispatchRuns)},
		{"runtime", flag, "the goroutine belongs to the Go runtime", false, ofRuntime(dispatchRuns, dispatchFlags)},
		{"p", number, "P", false, idOf(dispatchP)},
		{"m", number, "thread, by the operating system's id; NULL for none", true, thread(dispatchM)},
		{"source", text, "where the P took it from, inferred: runnext, local, global, global-tick, steal, steal-runnext, netpoll …", false, source(dispatchSource)},
		{"certain", flag, "no other place fits the scheduler's rules", false, bit(dispatchFlags, flagCertain)},
		{"candidates", text, "sources that fit, with | between them", false, candidates},
		{"tick", text, "whether it was the global queue's turn: yes, no or unknown", false, func(n *naming, row []int64) cell { return n.ticks[row[dispatchTick]] }},
		{"victim", number, "P that it was stolen from; NULL for none", true, idOf(dispatchVictim)},
		{"moved", number, "goroutines that the steal, or the batch out of the global queue, moved, this one included; 0 for neither", false, at(dispatchMoved)},
		{"queue_p", number, "P on whose queue it stood last; NULL for the global queue, and where it is not known", true, idOf(dispatchQueueP)},
		{"wait_ns", length, "how long it had been runnable; a lower bound where cut_begin", false, at(dispatchWait)},
		{"waker", number, "goroutine that made it runnable; NULL for none, or not known", true, idOf(dispatchBy)},
		{"runnable", number, "goroutines that were still runnable afterwards", false, at(dispatchRunnable)},
		{"idle_ps", number, "Ps idle at this moment", false, at(dispatchIdle)},
		{"cut_begin", flag, "it was runnable before the trace began", false, bit(dispatchFlags, flagCutBegin)},
	},
}

// What a row of procs is made of.
const (
	procAt = iota
	procDur
	procP
	procM
	procG
	procRuns
	procDoes
	procSource
	procStack
	procFlags
	procWidth
)

var procsTable = table{
	name: "procs", width: procWidth, order: "when they end",
	rows: "a stretch of a P in which it did one thing",
	columns: join(
		stretch(procAt, procDur),
		[]column{
			{"p", number, "P", false, idOf(procP)},
			{"does", text, "run: a goroutine runs; syscall: its goroutine is in a system call and the P is not taken yet; sched: a thread looks for work; idle: no thread holds it", false, func(n *naming, row []int64) cell { return n.doing[row[procDoes]] }},
			{"m", number, "thread that held it, by the operating system's id; NULL for none", true, thread(procM)},
			{"g", number, "goroutine that ran, or was in the system call; NULL for none", true, idOf(procG)},
			{"func", text, "function that it runs; NULL where the trace does not say, and for no goroutine", true, runs(procRuns)},
			{"runtime", flag, "the goroutine belongs to the Go runtime", false, ofRuntime(procRuns, procFlags)},
			{"worker", flag, "a GC mark worker", false, bit(procFlags, flagWorker)},
			{"source", text, "of a stretch with which a dispatch began, where that goroutine came from; else NULL", true, func(n *naming, row []int64) cell {
				if row[procFlags]&flagFirst == 0 {
					return null
				}
				return n.sources[row[procSource]]
			}},
		},
		place("at", procStack, "where the goroutine stopped at its end", true),
	),
}

// What a row of gc is made of.
const (
	gcAt = iota
	gcDur
	gcCause // a text of naming.texts, 0 of a mark phase
	gcWidth
)

var gcTable = table{
	name: "gc", width: gcWidth, order: "when they end",
	rows: "a concurrent mark phase of the collector, or a pause in which the world was stopped, for the collector or another reason",
	columns: join(
		stretch(gcAt, gcDur),
		[]column{
			{"kind", text, "mark or stop-the-world", false, func(n *naming, row []int64) cell {
				if row[gcCause] == 0 {
					return n.mark
				}
				return n.pause
			}},
			{"cause", text, "of stop-the-world, as the runtime says; NULL of mark", true, func(n *naming, row []int64) cell { return n.texts[row[gcCause]] }},
		},
	),
}

// What a row of goroutines is made of.
const (
	goAt = iota
	goDur
	goG
	goRuns
	goParent
	goState
	goReason
	goStack
	goTimes                         // by state, numStates of them
	goAssist = iota + numStates - 1 // behind them
	goDispatches
	goLongest
	goFlags
	goWidth
)

var goroutinesTable = table{
	name: "goroutines", width: goWidth, order: "when they ended; those that did not, by g behind them",
	rows: "a goroutine, within what was analysed",
	columns: join(
		[]column{
			{"g", number, "goroutine", false, idOf(goG)},
			{"func", text, "function that it runs, as in slices; NULL where the trace does not say", true, runs(goRuns)},
			{"runtime", flag, "it belongs to the Go runtime", false, ofRuntime(goRuns, goFlags)},
			{"parent", number, "goroutine that started it; NULL where that was before, or is not known", true, idOf(goParent)},
		},
		stretch(goAt, goDur),
		[]column{
			{"created", flag, "its beginning is in the trace", false, func(n *naming, row []int64) cell { return flagOf(row[goFlags]&flagCutBegin == 0) }},
			{"ended", flag, "it ended within what was analysed", false, bit(goFlags, flagExit)},
			{"running_ns", length, "of dur_ns", false, at(goTimes + stateRunning)},
			{"runnable_ns", length, "of dur_ns", false, at(goTimes + stateRunnable)},
			{"syscall_ns", length, "of dur_ns: in system calls, or in C", false, at(goTimes + stateSyscall)},
			{"blocked_ns", length, "of dur_ns", false, at(goTimes + stateBlocked)},
			{"unknown_ns", length, "of dur_ns: the trace does not tell", false, at(goTimes + stateUnknown)},
			{"assist_ns", length, "of running_ns: inside GC mark assists", false, at(goAssist)},
			{"dispatches", number, "how often it began to run", false, at(goDispatches)},
			{"longest_wait_ns", length, "its longest wait for a P", false, at(goLongest)},
			{"state", text, "its last one", false, func(n *naming, row []int64) cell { return n.states[row[goState]] }},
			{"reason", text, "of that, where it is blocked; else NULL", true, reasonOf(goReason)},
		},
		place("at", goStack, "where it stopped last", true),
	),
}

// What a row of requests is made of.
const (
	requestAt = iota
	requestDur
	requestID
	requestG
	requestKey
	requestFlags
	requestWidth
)

var requestsTable = table{
	name: "requests", width: requestWidth, order: "when they end; those that did not, behind them",
	rows: "a request that the program served with net/http or gRPC, as gmptrace explain finds them; of a part of the trace, those that lie in it",
	columns: join(
		[]column{{"id", number, "number of the request, from 1 on; causes.id", false, at(requestID)}},
		stretch(requestAt, requestDur),
		[]column{
			{"handler", text, "function of the handler, or the wrapper around it where the trace shows no more; NULL where none shows", true, func(n *naming, row []int64) cell { return n.handler(row[requestKey]) }},
			{"g", number, "goroutine that served it", false, idOf(requestG)},
			{"finished", flag, "it ended within the trace; else dur_ns is how far it went", false, func(n *naming, row []int64) cell { return flagOf(row[requestFlags]&flagCutEnd == 0) }},
			{"explained", flag, "causes has what its time went to; else there was too much to look at", false, func(n *naming, row []int64) cell { return flagOf(row[requestFlags]&flagUnknownParts == 0) }},
		},
	),
}

// What a row of spans is made of.
const (
	spanAt = iota
	spanDur
	spanKind
	spanName
	spanTask
	spanG
	spanFlags
	spanWidth
)

// The kinds of spans, which are kept apart.
const (
	spanOfTask = iota
	spanOfRegion
	spanSent
	numSpanKinds
)

var spanKinds = [numSpanKinds]string{"task", "region", "request-sent"}

var spansTable = table{
	name: "spans", width: spanWidth, order: "the kind, then when they end",
	rows: "a user task or region, or a request that the program sent with net/http: the wait for its response",
	columns: join(
		[]column{
			{"kind", text, "task, region or request-sent", false, func(n *naming, row []int64) cell { return n.spans[row[spanKind]] }},
			{"name", text, "of the task or region; function that sent the request; NULL for none", true, func(n *naming, row []int64) cell { return n.texts[row[spanName]] }},
		},
		stretch(spanAt, spanDur),
		[]column{
			{"task", number, "id of a task; causes.id; else NULL", true, idOf(spanTask)},
			{"g", number, "goroutine that it began on", true, idOf(spanG)},
			{"finished", flag, "it ended within what was analysed; else dur_ns is how far it went", false, func(n *naming, row []int64) cell { return flagOf(row[spanFlags]&flagCutEnd == 0) }},
			{"cut_begin", flag, "it began before what was analysed", false, bit(spanFlags, flagCutBegin)},
		},
	),
}

// What a row of causes is made of.
const (
	causeID      = iota
	causeRequest // 1 of a request, 0 of a task
	causeName    // key of the handler, or text
	causeG       // that serves the request or began the task
	causeNS
	causeVia
	causeCause
	causeOf
	causeOfFn
	causeWho
	causeWhoFn
	causeStack
	causeSeen
	causeStood
	causeWidth
)

var causesTable = table{
	name: "causes", width: causeWidth, order: "when the request or task ends, then what took most",
	rows: "what a part of a request's or task's time went to: what is spelled by gmptrace explain; the ns of one sum to its dur_ns",
	columns: join(
		[]column{
			{"kind", text, "request or task", false, func(n *naming, row []int64) cell { return n.instances[row[causeRequest]] }},
			{"id", number, "requests.id, or spans.task", false, at(causeID)},
			{"name", text, "handler of the request, or name of the task; NULL for none", true, func(n *naming, row []int64) cell {
				if row[causeRequest] == 1 {
					return n.handler(row[causeName])
				}
				return n.texts[row[causeName]]
			}},
			{"ns", length, "how much of its time", false, at(causeNS)},
			{"cause", text, "what that went to: running, queue, global-queue, gc-assist, stop-the-world, idle-p, syscall, network, sleep, lock, blocked …", false, func(n *naming, row []int64) cell { return n.causes[row[causeCause]] }},
			{"part_of", text, "the cause, or what several are one of to who waits: others-had-the-cpu, thread-late", false, func(n *naming, row []int64) cell { return n.parents[row[causeCause]] }},
			{"blocked_for", text, "reason that its goroutine was blocked for meanwhile; NULL where it was not", true, func(n *naming, row []int64) cell { return n.blockedFor(row) }},
		},
		causePlace("where", "where who did it was, or who had the P meanwhile; NULL where that does not show, and for a rest of many small parts", (*naming).where),
		causePlace("stood", "where its goroutine was blocked meanwhile; NULL where it was not", (*naming).stood),
		[]column{
			{"who", number, "goroutine that did it, or that had the P meanwhile; NULL where it was its own, and for nobody", true, func(n *naming, row []int64) cell { return n.who(row).g }},
			{"who_func", text, "function that this one started with", true, func(n *naming, row []int64) cell { return n.who(row).fn }},
		},
	),
}

var findingsTable = table{
	name: "findings", order: "the worst first",
	rows: "a finding of the report",
	columns: []column{
		{name: "number", kind: number, doc: "1 is the worst"},
		{name: "id", kind: text, doc: "check that found it"},
		{name: "severity", kind: text, doc: "critical, warning or info"},
		{name: "title", kind: text, doc: "what was found"},
		{name: "cost_ns", kind: length, doc: "what it cost, in the unit of cost_of"},
		{name: "cost_of", kind: text, doc: "of which time cost_ns is", null: true},
		{name: "of_number", kind: number, doc: "number of the finding whose time this one looks at too, which says why; NULL for none", null: true},
		{name: "what", kind: text, doc: "what happened", null: true},
		{name: "why", kind: text, doc: "and why", null: true},
		{name: "culprit", kind: text, doc: "function in the first stack that it shows, by its most telling frame; NULL where it shows none", null: true},
		{name: "culprit_file", kind: text, doc: "and its file", null: true},
		{name: "culprit_line", kind: number, doc: "and line", null: true},
		{name: "to_do", kind: text, doc: "what to do", null: true},
		{name: "sure", kind: text, doc: "certain, high, medium or low", null: true},
		{name: "sure_why", kind: text, doc: "and why no more", null: true},
	},
}

var traceTable = table{
	name: "trace", order: "one row",
	rows: "the trace, and how far it can be trusted",
	columns: []column{
		{name: "name", kind: text, doc: "of the trace's file", null: true},
		{name: "program", kind: text, doc: "main package or module seen in stacks; NULL where none is", null: true},
		{name: "go_version", kind: text, doc: "whose scheduler's rules were applied", null: true},
		{name: "start", kind: text, doc: "wall clock of the first event, RFC 3339; NULL where the trace has none", null: true},
		{name: "duration_ns", kind: length, doc: "from the first event to the last"},
		{name: "from_ns", kind: length, doc: "part that was analysed, from the trace's beginning"},
		{name: "to_ns", kind: length, doc: "its end"},
		{name: "gomaxprocs", kind: number, doc: "GOMAXPROCS at first; NULL where the trace does not say", null: true},
		{name: "events", kind: number, doc: "that were read"},
		{name: "goroutines", kind: number, doc: "distinct ones seen"},
		{name: "complete", kind: flag, doc: "every byte was read and used"},
		{name: "lost", kind: text, doc: "what could not be read or used; NULL for nothing", null: true},
		{name: "verdict", kind: text, doc: "the report's answer in one sentence", null: true},
		{name: "gmptrace_version", kind: text, doc: "that wrote the tables"},
		{name: "schema", kind: text, doc: "version of the tables"},
	},
}

func join(parts ...[]column) []column { return slices.Concat(parts...) }

// stretch are the columns of when something was.
func stretch(began, dur int) []column {
	return []column{
		{"at_ns", length, "when it began, from the trace's beginning", false, at(began)},
		{"dur_ns", length, "how long it took", false, at(dur)},
	}
}

// cuts are the columns that say whether the trace cuts a stretch off.
func cuts(flags int) []column {
	return []column{
		{"cut_begin", flag, "it began before the trace, or when is not known: dur_ns is a lower bound", false, bit(flags, flagCutBegin)},
		{"cut_end", flag, "it goes on after the trace: dur_ns is a lower bound", false, bit(flags, flagCutEnd)},
	}
}

// place are the columns of where a stack is.
func place(name string, stack int, doc string, called bool) []column {
	of := func(part func(*placeCells) cell) func(*naming, []int64) cell {
		return func(n *naming, row []int64) cell { return part(n.place(row[stack])) }
	}
	out := []column{
		{name + "_func", text, doc + "; NULL where none shows", true, of(func(p *placeCells) cell { return p.fn })},
		{name + "_file", text, "its file", true, of(func(p *placeCells) cell { return p.file })},
		{name + "_line", number, "its line", true, of(func(p *placeCells) cell { return p.line })},
	}
	if called {
		out = append(out, column{name + "_call", text, "function that it had called there; NULL for none", true, of(func(p *placeCells) cell { return p.callee })})
	}
	return out
}

func causePlace(name, doc string, find func(*naming, []int64) *placeCells) []column {
	return []column{
		{name + "_func", text, doc, true, func(n *naming, row []int64) cell { return find(n, row).fn }},
		{name + "_file", text, "its file", true, func(n *naming, row []int64) cell { return find(n, row).file }},
		{name + "_line", number, "its line", true, func(n *naming, row []int64) cell { return find(n, row).line }},
	}
}

func at(i int) func(*naming, []int64) cell {
	return func(_ *naming, row []int64) cell { return numberOf(row[i]) }
}

func idOf(i int) func(*naming, []int64) cell {
	return func(_ *naming, row []int64) cell { return identOf(row[i]) }
}

func bit(i int, flag int64) func(*naming, []int64) cell {
	return func(_ *naming, row []int64) cell { return flagOf(row[i]&flag != 0) }
}

func runs(i int) func(*naming, []int64) cell {
	return func(n *naming, row []int64) cell { return n.runs(row[i]).name }
}

func ofRuntime(i, flags int) func(*naming, []int64) cell {
	return func(n *naming, row []int64) cell {
		return flagOf(row[flags]&flagRuntime != 0 || n.runs(row[i]).runtime)
	}
}

func thread(i int) func(*naming, []int64) cell {
	return func(n *naming, row []int64) cell { return identOf(n.names.ThreadID(model.MIndex(row[i]))) }
}

func source(i int) func(*naming, []int64) cell {
	return func(n *naming, row []int64) cell {
		if row[i] < 0 {
			return null
		}
		return n.sources[row[i]]
	}
}

func reasonOf(i int) func(*naming, []int64) cell {
	return func(n *naming, row []int64) cell {
		if row[i] < 0 {
			return null
		}
		return n.reasons[row[i]]
	}
}

func candidates(n *naming, row []int64) cell {
	set := model.Sources(row[dispatchSources])
	c, ok := n.sets[set]
	if !ok {
		var fit []string
		for s := range model.NumSources {
			if set.Has(s) {
				fit = append(fit, s.String())
			}
		}
		c = textOf(strings.Join(fit, "|"))
		n.sets[set] = c
	}
	return c
}

// Schema documents the tables: what a row of each is, and their columns with types and units.
func Schema() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s", Version, strings.TrimLeft(schemaIntro, "\n"))
	for _, t := range all() {
		fmt.Fprintf(&b, "\n%s: one row is %s. In the order of %s.\n", t.name, t.rows, t.order)
		for _, c := range t.columns {
			fmt.Fprintf(&b, "  %-16s %-9s %s\n", c.name, c.kind, c.doc)
		}
	}
	return b.String()
}

const schemaIntro = `
Each table is one file, of that name and the format's suffix. Times are nanoseconds:
at_ns is an offset from the trace's first event, as in reports, and names in _ns are
lengths. NULL is an empty field in CSV. Parquet files have gmptrace's version, the
schema's, the trace's name, its Go version, what was lost of it and what the columns
mean as metadata (gmptrace.*).

Quantiles in reports are those of rank ceil(q * n), at least 1, in ascending order, to
1/128: quantile_disc in DuckDB is exact for the same rank.

In CSV, names that begin with =, +, -, @ or a tab, which spreadsheets run as formulas,
have an apostrophe before them, and what is not printable is written as a Go escape;
Parquet has names as they are, but for bytes that are no UTF-8.
`
