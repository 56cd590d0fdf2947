package diagnose

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Check judges one thing that can go wrong.
type Check struct {
	ID    string // as reports, policies and file names have it: "idle-p"
	Title string // what was checked, as a noun: "Idle Ps while work waited"

	// What it finds makes requests and tasks lose time in one way, which checks share:
	// see costs.
	Costs costs

	// What it finds is a symptom, which people feel: it ranks behind the cause that
	// explains it. Else it is a cause.
	Symptom bool

	// What it finds was counted by the machine: it is as severe as it is, whether requests
	// and tasks lost time by it or not.
	Counted bool

	// Fails is from which severity on a new finding fails a check against a recorded
	// fixture: of what a program does to itself, on any machine. A lock or a queue at which
	// many stand for once is no more than a warning. "" where a loaded machine does it as
	// well (waits for a P, late timers, system calls that held a P): that only warns.
	Fails report.Severity

	// Begin asks the session for the watchers that the check needs, and says how it
	// judges by what they have seen.
	Begin func(*replay.Session) Judge
}

// Judge says what a check finds in a trace that has been read to its end. It is
// called once, with the report's tables filled.
type Judge func(*report.Report) Judgement

// Judgement is what a check found out.
type Judgement struct {
	Measured  string // the figure that it judged by, in words
	Undecided string // why this trace can't tell; "" when it can

	// Findings are what the report gets, the worst first; their ID and Number are
	// filled in.
	Findings []report.Finding

	// Explains is how much of what other checks find the findings explain.
	Explains Explained

	// Base is, of a symptom, what explanations of it are compared with, in the unit of
	// its cost; 0 is the cost itself.
	Base int64
}

// Explained is how much of the costs that other checks find something else explains, by
// the id of the check, in the unit of its findings' CostNS.
type Explained map[string]int64

// add adds what o explains.
func (x Explained) add(o Explained) {
	for id, ns := range o {
		x[id] += ns
	}
}

// All are all checks, in the order in which reports name them.
var All = []Check{
	checkStarvation,
	checkHog,
	checkRunnext,
	checkIdleP,
	checkUnbalanced,
	checkOverload,
	checkBurst,
	checkCPU,
	checkOS,
	checkGomaxprocs,
	checkStopTheWorld,
	checkGC,
	checkGCWorkers,
	checkGCAssist,
	checkLock,
	checkQueue,
	checkPipeline,
	checkUneven,
	checkAbandoned,
	checkAligned,
	checkPolling,
	checkHerd,
	checkStuck,
	checkTimers,
	checkNetpoll,
	checkSyscalls,
	checkDisk,
	checkThreads,
	checkLockedThread,
	checkAccept,
	checkFinalizers,
	checkLeak,
	checkPreemption,
	checkGlobalQueue,
	checkSlow,
}

// CheckIDs are the ids of [All].
func CheckIDs() []string {
	var ids []string
	for i := range All {
		ids = append(ids, All[i].ID)
	}
	return ids
}

// Begin asks the session for what all checks need. What it returns adds to a report
// whose tables are filled what they found, ranked, and the verdict.
func Begin(s *replay.Session) func(*report.Report) {
	var judges []Judge
	for i := range All {
		judges = append(judges, All[i].Begin(s))
	}
	return func(rep *report.Report) { judgeAll(judges, rep) }
}

// bench is what all judges have at hand: the session that they judge.
type bench struct{ *replay.Session }

// runs is what a goroutine runs that started with this stack: where that only runs what
// it was given, that. It is for judges: all has been read.
func (b bench) runs(stack uint32) string { return b.Names.Starts().Always(b.Names.StartFunc(stack)) }

// scene is a moment around [start, end] for the timeline, with what happened in it; -1
// is no goroutine, P or thread.
func (b bench) scene(start, end model.Time, g model.GoID, p model.ProcID, m model.MIndex, text string) report.Moment {
	return report.Moment{Start: b.Offset(start), End: b.Offset(end), G: g, P: p, M: b.Names.ThreadID(m), Text: text}
}

// stack is the stack with this index for a report; none if it is not known.
func (b bench) stack(title string, i uint32) []report.Stack {
	if i == 0 || int(i) >= len(b.Names.Stacks) {
		return nil
	}
	return []report.Stack{{Title: title, Frames: b.Names.Stacks[i]}}
}
