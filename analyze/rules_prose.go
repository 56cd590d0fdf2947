package analyze

// ruleProse is what a report says of a rule beside its figures. The article is
// the usual short account of the scheduler: every 61st goroutine from the global
// queue, local queues, halves stolen, a P handed off when a call blocks.
type ruleProse struct {
	id, title  string
	statement  string // what Go 1.22 to 1.26 do
	source     string // where in the runtime
	changed    string // between these versions; "" for nothing
	article    string // what the article says; "" where it is silent
	differs    string // where Go does otherwise; "" where it does not
	unit       string // what is counted
	parts      []string
	of         string // what the distribution is of, short enough for a table in a terminal
	spreadUnit string // its unit: ns, or a noun
	unjudged   string // why occasions that there were could not be judged
	queues     bool   // it needs queues whose order is kept: not with -race
	procs      bool   // it needs GOMAXPROCS
}

var ruleProses = [numRules]ruleProse{
	ruleTick: {
		id: "global-tick", title: "61st tick: global queue",
		statement: "A P whose schedtick is a multiple of 61 takes one goroutine from the global queue before it looks at its own. Each P counts for itself, and a dispatch from its runnext does not count.",
		source:    "proc.go: schedule, findRunnable, execute",
		article:   "Every 61st goroutine comes from the global queue, if it holds one.",
		differs:   "It is every 61st tick of one P, not every 61st goroutine: dispatches from runnext are free, so goroutines that ready one another can run thousands of times between two turns.",
		unit:      "pulls", of: "their wait", spreadUnit: "ns",
		unjudged: "no such pull came while the P also had work of its own and the count of its ticks was known: without, it can't be told from an ordinary pull",
		queues:   true,
	},
	ruleLocal: {
		id: "local-first", title: "Own queue first",
		statement: "A P with goroutines of its own runs one of them, its runnext before its ring, before it looks at the global queue, the poller or other Ps. Only the global queue's turn and mark workers come ahead.",
		source:    "proc.go: findRunnable, runqget",
		article:   "A P looks at its own queue before the global one, except at every 61st goroutine.",
		differs:   "Ahead of it come also the tracer's own reader and the collector's workers, which stand in no queue.",
		unit:      "dispatches", of: "own queue", spreadUnit: "goroutines",
		queues: true,
	},
	ruleGlobal: {
		id: "global-batch", title: "Global queue in batches",
		statement: "A P without work of its own takes size/GOMAXPROCS + 1 goroutines from the global queue, at most 128 and at most all: it runs the first and puts the others into its ring.",
		source:    "proc.go: findRunnable, globrunqgetbatch",
		changed:   "Up to Go 1.24 the function is called globrunqget; it takes as many.",
		article:   "If its own queue is empty, a P looks at the global queue and runs what it finds.",
		differs:   "It takes its share of the queue at once, not one goroutine: what it brings along stands in its ring from then on, and can be stolen.",
		unit:      "pulls", of: "batch size", spreadUnit: "goroutines",
		unjudged: "the queue never held two goroutines at a pull of which the trace shows where both went",
		queues:   true, procs: true,
	},
	ruleSteal: {
		id: "steal-half", title: "Thieves take half",
		statement: "A P that finds nothing else takes half of another P's ring, rounded up, from its head. It runs the last of these and keeps the others. It tries all Ps four times in random order; runnext is taken only in the last round, from a P whose ring is empty.",
		source:    "proc.go: stealWork, runqsteal, runqgrab",
		article:   "A P steals up to half of the goroutines of another; it visits the Ps in random order until it finds some.",
		differs:   "Half is rounded up, so a single goroutine is taken too. It makes four rounds, and leaves runnext, which the victim is about to run, to the last.",
		unit:      "steals", parts: []string{"from a ring", "from runnext"},
		of: "per steal", spreadUnit: "goroutines",
		unjudged: "no ring that was stolen from held two goroutines of which the trace shows that one was taken and one left",
		queues:   true,
	},
	ruleRunnext: {
		id: "runnext", title: "runnext and its slice",
		statement: "A goroutine made ready by a running one goes to the runnext slot of that P and runs before its ring. It inherits the time slice: goroutines that ready one another share one, and sysmon preempts them as one.",
		source:    "proc.go: ready, runqput, runqget, execute (inheritTime)",
		article:   "",
		differs:   "It knows only queues. Most goroutines that were just made ready pass by the queue through this slot.",
		unit:      "dispatches", parts: []string{"time slices that dispatches shared", "preemptions due to the shared slice, not to the goroutine's own run"},
		of: "per slice", spreadUnit: "dispatches",
		unjudged: "whenever a goroutine stood in runnext the ring was empty",
		queues:   true,
	},
	ruleOverflow: {
		id: "ring-overflow", title: "Full ring overflows",
		statement: "A P's ring holds 256 goroutines. One more makes it move its first 128 and the new one to the tail of the global queue.",
		source:    "proc.go: runqput, runqputslow",
		article:   "",
		differs:   "Its local queues have no end, and new goroutines are spread over them. In Go they stand on the P that started them until it overflows or somebody steals them.",
		unit:      "overflows", of: "global queue", spreadUnit: "goroutines",
		unjudged: "where the goroutines ran next lies beyond the part of the trace that is looked at ahead",
		queues:   true,
	},
	ruleHandoff: {
		id: "handoff", title: "Handoff when blocked",
		statement: "A call that the runtime knows to block gives its P away at once. From any other call sysmon retakes the P: no sooner than 20 µs into it, unless the time slice is used up, and after 10 ms at the latest if nothing else needs the P, give or take sysmon's own pause of up to 10 ms.",
		source:    "proc.go: entersyscallblock, sysmon, retake, handoffp",
		article:   "When a goroutine makes a blocking system call, its P is detached from the thread and given to another.",
		differs:   "Not when it makes it: the P stays with the thread, in case the call is short, until sysmon has seen it there twice.",
		unit:      "handoffs", parts: []string{"at once, by a call known to block", "retaken by sysmon", "taken for a stop-the-world or safe point"},
		of: "held for", spreadUnit: "ns",
		unjudged: "the system calls began before the trace, or their Ps were taken for a pause",
	},
	ruleThreads: {
		id: "thread-reuse", title: "Parked threads used again",
		statement: "A P that needs a thread gets the one that parked last; a new one is made only if none is parked. Threads are not ended, but for those that a locked goroutine takes with it.",
		source:    "proc.go: startm, mget, newm, stopm",
		article:   "The thread of a finished call is parked, and used for the next call that blocks instead of a new one.",
		unit:      "starts", parts: []string{"by a thread seen before", "by one not seen before, none known to be parked", "by one not seen before, others parked"},
		of: "parked for", spreadUnit: "ns",
		unjudged: "no thread was seen twice: whether one is new, or had been parked since before the trace, is not in it",
	},
	ruleSysexit: {
		id: "after-syscall", title: "Back from a system call",
		statement: "A goroutine that comes back goes on with its P if that was not taken, else with any idle P. If there is none it goes to the tail of the global queue, and its thread parks.",
		source:    "proc.go: exitsyscall, exitsyscallTryGetP, exitsyscallNoP",
		changed:   "Up to Go 1.25 the functions are called exitsyscallfast, exitsyscallfast_pidle and exitsyscall0; they do the same.",
		article:   "It is put into a local queue that is chosen at random, and its thread is parked.",
		differs:   "Nothing is random, and no local queue is used: mostly it does not wait at all, and if it must, it does so in the global queue, behind all that stand there.",
		unit:      "system calls", parts: []string{"went on with their P", "found an idle P", "went to the global queue"},
		of: "call length", spreadUnit: "ns",
		procs: true,
	},
	ruleNetpoll: {
		id: "netpoll", title: "Poller before stealing",
		statement: "A P whose own queue and the global one are empty asks the poller before it tries to steal. It runs the first goroutine that is ready and queues the others. A thread with nothing to do sleeps in the poller, and sysmon asks it if nobody has for 10 ms.",
		source:    "proc.go: findRunnable, injectglist, sysmon; netpoll.go",
		changed:   "From Go 1.25 one thread at a time asks without blocking.",
		article:   "The poller comes last, after stealing.",
		differs:   "It comes before stealing, and once more, blocking, when the thread has nothing left to do.",
		unit:      "wake-ups", parts: []string{"dispatched by the thread that asked the poller", "waits on the network that the poller ended"},
		of: "wait", spreadUnit: "ns",
		unjudged: "none was dispatched by a thread that had just looked at the queues; what the poller held while others stole is not in the trace",
	},
	ruleYield: {
		id: "yield-points", title: "Where goroutines stop",
		statement: "A goroutine stops by itself where it blocks, calls runtime.Gosched, or ends. One that is to be preempted stops at its next function call whose stack check sees the request, or where a signal meets it, whichever comes first.",
		source:    "proc.go: gopark, goschedImpl, gopreempt_m; preempt.go: asyncPreempt2",
		changed:   "Up to Go 1.25 a stop for a stack scan has no stack in the trace: call or signal can't be told.",
		article:   "Channels, system calls and function calls are points where a goroutine yields; a signal is sent only to one that reaches none.",
		differs:   "A function call yields only if a preemption was asked for. The signal is sent together with that request, so it also stops goroutines that call functions all the time. A system call that keeps its P does not yield.",
		unit:      "stops", parts: []string{"channel or select", "lock or condition", "network", "sleep", "other wait", "Gosched or goyield", "preempted at a function call", "preempted by signal", "preempted, how is not told"},
		of: "run", spreadUnit: "ns",
		unjudged: "the trace shows where goroutines stopped, not the yield points that they passed",
	},
	rulePreempt: {
		id: "time-slice", title: "Preemption after 10 ms",
		statement: "sysmon asks a goroutine to stop when its P has been on one schedtick for 10 ms. It looks every 10 ms at the longest and asks again each time, so a run ends after 10 to 30 ms, if its thread has a CPU all the while, which no trace tells. The goroutine goes to the tail of the global queue.",
		source:    "proc.go: sysmon, retake, preemptone, goschedImpl",
		changed:   "From Go 1.26 one that is stopped while the world is to be stopped goes to runnext.",
		article:   "sysmon signals a goroutine that runs for about 10 ms; it goes back to its local queue.",
		differs:   "It goes to the global queue. The slice is the P's, not the goroutine's: runnext passes it on. Mostly 10 to 20 ms pass, as sysmon looks only now and then.",
		unit:      "slices used up", parts: []string{"stopped by signal", "stopped at a function call", "stopped, how is not told", "stopped by themselves after more than 10 ms", "of these: ran on for longer than 30 ms, others waiting", "beside these: stopped sooner, for a collection, a pause or the tracer"},
		of: "time slice", spreadUnit: "ns",
		unjudged: "when the time slices began is not known",
	},
	ruleConserve: {
		id: "work-conservation", title: "No idle P beside work",
		statement: "Whoever makes a goroutine ready wakes an idle P if no other thread is looking for work already, and a P looks everywhere once more before it goes idle. So a runnable goroutine and an idle P meet as soon as a thread has woken: within some 100 µs.",
		source:    "proc.go: wakep, ready, resetspinning, findRunnable",
		article:   "Stealing balances the load: idle Ps take work from the others.",
		differs:   "Idle Ps don't look: their threads sleep until somebody wakes one, which takes time.",
		unit:      "ns", parts: []string{"stretches with an idle P beside a runnable goroutine", "of these: longer than 100 µs"},
		of: "stretch", spreadUnit: "ns",
		procs: true,
	},
}
