package rules

import (
	"fmt"

	"gmptrace/model"
)

// ruleProse is what a report says of a rule beside its figures. The article is
// the usual short account of the scheduler: every 61st goroutine from the global
// queue, local queues, halves stolen, a P handed off when a call blocks.
type ruleProse struct {
	id, title  string
	statement  string // what Go 1.22 to 1.27 do
	source     string // where in the runtime
	changed    string // between these versions; "" for nothing
	article    string // what the article says; "" where it is silent
	differs    string // where Go does otherwise; "" where it does not
	unit       string // what is counted
	evidence   string // what an occasion is judged by, and what is not judged
	parts      []string
	of         string // what the distribution is of, short enough for a table in a terminal
	spreadUnit string // its unit: ns, or a noun
	unjudged   string // why occasions that there were could not be judged
	queues     bool   // it needs queues whose order is known: not with -race
	procs      bool   // it needs GOMAXPROCS
}

var ruleProses = [numRules]ruleProse{
	ruleTick: {
		id: "global-tick", title: "61st tick: global queue",
		statement: fmt.Sprintf("A P whose schedtick is a multiple of %d takes one goroutine from the global queue before it looks at its own. Each P counts for itself, and a dispatch from its runnext does not count.", model.TickPeriod),
		source:    "proc.go: schedule, findRunnable, execute",
		article:   "Every 61st goroutine comes from the global queue, if it holds one.",
		differs:   "It is every 61st tick of one P, not every 61st goroutine: dispatches from runnext are free, so goroutines that ready one another can run thousands of times between two turns.",
		evidence:  fmt.Sprintf("A pull ahead of the P's own work says that it was its turn: at a multiple of %d ticks from the two before it at least, give or take %d that may be miscounted. And at its turn nothing else may come while a goroutine waits in the global queue. A pull by a P with nothing of its own may be either: it is counted, not judged.", model.TickPeriod, turnSlack),
		unit:      "pulls", parts: []string{"ahead of local work: a turn", "with no local work seen: a turn or an ordinary pull"},
		of: "their wait", spreadUnit: "ns",
		unjudged: "no pull came ahead of local work while the count of the P's ticks was known: without, a turn can't be told from an ordinary pull",
		queues:   true,
	},
	ruleLocal: {
		id: "local-first", title: "Own queue first",
		statement: "A P with goroutines of its own runs one of them, its runnext before its ring, before it looks at the global queue, the poller or other Ps. Ahead of that come only the tracer's reader, mark workers and the global queue's turn.",
		source:    "proc.go: findRunnable, runqget",
		article:   "A P looks at its own queue before the global one, except at every 61st goroutine.",
		differs:   "The tracer's reader and the collector's workers come ahead as well; they stand in no queue.",
		evidence:  "It agreed if a goroutine that had stood in local queues only was run while another stood in the global queue, out of turn; it did not if one from elsewhere was run while the P surely had one of its own. Where nothing else was to be had, the order can't be seen: counted, not judged.",
		unit:      "dispatches", of: "own queue", spreadUnit: "goroutines",
		unjudged: "no goroutine of a P's own was run while another surely stood in the global queue: the order can't be seen",
		queues:   true,
	},
	ruleGlobal: {
		id: "global-batch", title: "Global queue in batches",
		statement: fmt.Sprintf("A P without work of its own takes size/GOMAXPROCS + 1 goroutines from the global queue, at most %d and at most all: it runs the first and puts the others into its ring.", model.GlobalBatchMost),
		source:    "proc.go: findRunnable, globrunqgetbatch",
		changed:   "Up to Go 1.24 the function is called globrunqget; it takes as many.",
		article:   "If its own queue is empty, a P looks at the global queue and runs what it finds.",
		differs:   "It takes its share of the queue at once, not one goroutine: what it brings along stands in its ring from then on, and can be stolen.",
		evidence:  "The size shows where another P ran the next goroutine of the queue while the P still ran the first of its batch, and the P ran those in between later: they had left the queue.",
		unit:      "pulls", of: "batch size", spreadUnit: "goroutines",
		unjudged: "at no pull does the trace show what was taken and what was left: only the rule itself tells",
		queues:   true, procs: true,
	},
	ruleSteal: {
		id: "steal-half", title: "Thieves take half",
		statement: "A P that finds nothing else takes half of another P's ring, rounded up, from its head. It runs the last of these and keeps the others. It tries all Ps four times in random order; runnext is taken only in the last round, from a P whose ring is empty.",
		source:    "proc.go: stealWork, runqsteal, runqgrab",
		article:   "A P steals up to half of the goroutines of another; it visits the Ps in random order until it finds some.",
		differs:   "Half is rounded up, so a single goroutine is taken too. It makes four rounds, and leaves runnext, which the victim is about to run, to the last.",
		evidence:  "The size shows where the thief ran all that stood ahead in the ring, the victim the one behind, and all of them had been announced before by what ran on the victim. A thread that stalls between that and the queue makes a ring look longer than the thief found it.",
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
		evidence:  "Dispatches from one of both while the other surely held a goroutine too.",
		unit:      "dispatches", parts: []string{"time slices that dispatches shared", "preemptions due to the shared slice, not to the goroutine's own run"},
		of: "per slice", spreadUnit: "dispatches",
		unjudged: "whenever a goroutine stood in runnext the ring was empty",
		queues:   true,
	},
	ruleOverflow: {
		id: "ring-overflow", title: "Full ring overflows",
		statement: fmt.Sprintf("A P's ring holds %d goroutines. One more makes it move its first %d and the new one to the tail of the global queue.", model.RunqSize, model.RunqSize/2),
		source:    "proc.go: runqput, runqputslow",
		article:   "",
		differs:   "Its local queues have no end, and new goroutines are spread over them. In Go they stand on the P that started them until it overflows or somebody steals them.",
		evidence:  "Whether the P ran what was left before what should have gone. If not, and some of the ring may have been stolen before, the ring was full in the model only: no overflow.",
		unit:      "overflows", parts: []string{"beside these: rings that only seemed full"},
		of: "global queue", spreadUnit: "goroutines",
		unjudged: "where the goroutines ran next lies beyond the part of the trace that is looked at ahead, or the ring overflowed again before",
		queues:   true,
	},
	ruleHandoff: {
		id: "handoff", title: "Handoff when blocked",
		statement: "A call that the runtime knows to block gives its P away at once. From any other call sysmon retakes the P: no sooner than 20 µs into it, unless the time slice is used up, and after 10 ms at the latest if nothing else needs the P, give or take sysmon's own pause of up to 10 ms. A thread whose locked goroutine stops gives its P away too, and gets one handed when that goroutine's turn comes.",
		source:    "proc.go: entersyscallblock, sysmon, retake, handoffp",
		article:   "When a goroutine makes a blocking system call, its P is detached from the thread and given to another.",
		differs:   "Not when it makes it: the P stays with the thread, in case the call is short, until sysmon has seen it there twice.",
		evidence:  "Whether sysmon retook the P too early. Too late can't be told from a machine short of CPUs; the other ways the trace shows directly. They are counted, not judged.",
		unit:      "handoffs", parts: []string{"at once, by a call known to block", "retaken by sysmon", "of these: later than 30 ms into the call", "taken for a stop-the-world or safe point", "by a thread whose locked goroutine stopped or ended"},
		of: "held for", spreadUnit: "ns",
		unjudged: "sysmon retook no P of which the trace shows since when it was in the system call; the other ways it shows directly",
	},
	ruleThreads: {
		id: "thread-reuse", title: "Parked threads used again",
		statement: "A P that needs a thread gets the one that parked last; a new one is made only if none is parked. Threads are not ended, but for those that a locked goroutine takes with it.",
		source:    "proc.go: startm, mget, newm, stopm, procresize",
		changed:   "From Go 1.26 a P that has work when the world starts again first takes the thread that it had before, if that is parked.",
		article:   "The thread of a finished call is parked, and used for the next call that blocks instead of a new one.",
		evidence:  "A thread seen before is used again, or one not seen before starts while others surely were parked, since before the P needed one. Those are not that may wait for a goroutine locked to them, have ended, or be waking.",
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
		evidence:  "Where goroutines went whose P was taken. That one kept its P the trace shows directly: counted, not judged, as is one that went to the global queue while Ps were idle that may have been promised to waking threads.",
		unit:      "system calls", parts: []string{"went on with their P", "found an idle P", "went to the global queue"},
		of: "call length", spreadUnit: "ns",
		unjudged: "no goroutine lost its P in a system call while the others were surely busy or idle; that the others kept theirs the trace shows directly",
		procs:    true,
	},
	ruleNetpoll: {
		id: "netpoll", title: "Poller before stealing",
		statement: "A P whose own queue and the global one are empty asks the poller before it tries to steal, unless another thread blocks in the poller already (sched.lastpoll is 0) or nobody waits for the network. It runs the first goroutine that is ready; injectglist queues the others: one for each idle P globally, the rest in its own ring. A thread with nothing to do sleeps in the poller, and sysmon asks it if nobody has for 10 ms.",
		source:    "proc.go: findRunnable, injectglist, sysmon; netpoll.go",
		changed:   "From Go 1.25 one thread at a time asks without blocking.",
		article:   "The poller comes last, after stealing.",
		differs:   "It comes before stealing, and once more, blocking, when the thread has nothing left to do.",
		evidence:  "Whether the queues held a goroutine when one came from the poller. Goroutines that the collector wakes (assists, sweepers, cleanups) are queued by injectglist as well; no rule here judges them, nor where those went that the poller queued.",
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
		evidence: "Not judged: the ways are what the trace says directly.",
		unjudged: "the trace shows where goroutines stopped, not the yield points that they passed",
	},
	rulePreempt: {
		id: "time-slice", title: "Preemption after 10 ms",
		statement: "sysmon asks a goroutine to stop when its P has been on one schedtick for 10 ms. It looks every 10 ms at the longest and asks again each time, so a run ends after 10 to 30 ms, if its thread has a CPU all the while, which no trace tells. The goroutine goes to the tail of the global queue.",
		source:    "proc.go: sysmon, retake, preemptone, goschedImpl",
		changed:   "From Go 1.26 one that is stopped while the world is to be stopped goes to runnext.",
		article:   "sysmon signals a goroutine that runs for about 10 ms; it goes back to its local queue.",
		differs:   "It goes to the global queue. The slice is the P's, not the goroutine's: runnext passes it on. Mostly 10 to 20 ms pass, as sysmon looks only now and then.",
		evidence:  "A run that was stopped after 10 to 30 ms agreed; one that went on for longer while others waited did not, which is never certain, as its thread may have had no CPU. Longer ones with nobody waiting, and those that stopped by themselves, are counted, not judged.",
		unit:      "slices used up", parts: []string{"stopped by signal", "stopped at a function call", "stopped, how is not told", "stopped by themselves after more than 10 ms", "of all these: ran on for longer than 30 ms", "of these: others were waiting", "beside all: stopped sooner, for a collection, a pause, a safe point or the tracer"},
		of: "time slice", spreadUnit: "ns",
		unjudged: "none was stopped by force after its slice, or ran on for long while others waited",
	},
	ruleConserve: {
		id: "work-conservation", title: "No idle P beside work",
		statement: "Whoever makes a goroutine ready wakes an idle P if no other thread is looking for work already, and a P looks everywhere once more before it goes idle. So a runnable goroutine and an idle P meet as soon as a thread has woken: within some 100 µs, if it gets a CPU, which no trace tells.",
		source:    "proc.go: wakep, ready, resetspinning, findRunnable",
		article:   "Stealing balances the load: idle Ps take work from the others.",
		differs:   "Idle Ps don't look: their threads sleep until somebody wakes one, which takes time.",
		evidence:  "All the time that was analysed, less stretches of more than 100 µs with a runnable goroutine beside an idle P.",
		unit:      "ns", parts: []string{"stretches with an idle P beside a runnable goroutine", "of these: longer than 100 µs"},
		of: "stretch", spreadUnit: "ns",
		procs: true,
	},
}
