package explain

import "gmptrace/analyze/report"

// kind is all that is said of roots of one kind. A new kind of cause is a row of kinds, its
// recognition in account.root or account.did, and its words in a file of its own.
type kind struct {
	what   func(*tale) string             // follows "went to"
	advice func(*tale) string             // what to do about it, nil for nothing
	sure   func(*tale) (string, string)   // how sure, and why no surer; nil where all of it is in the trace
	look   func(*account, rootKey, *tale) // finds out what else the words need, nil for nothing
	ran    bool                           // who is behind it is so where that goroutine was last seen running
}

var kinds = map[report.RootKind]kind{
	report.RootComputing:  {what: (*tale).computing, advice: (*tale).computeLess, sure: (*tale).sureWhoRan, ran: true},
	report.RootQueue:      {what: (*tale).queued, advice: (*tale).yieldAdvice, sure: (*tale).sureWhoRan, look: lookWhoHadP, ran: true},
	report.RootLate:       {what: (*tale).late, advice: (*tale).lateAdvice, sure: (*tale).sureOfLate},
	report.RootLocked:     {what: (*tale).handing, advice: (*tale).lockedAdvice, sure: medium("who is locked is not in the trace: a thread that runs one goroutine alone, and gives its P away when that stops, is taken for locked to it")},
	report.RootStoodStill: {what: (*tale).stoodStill, advice: always(stillAdvice), sure: medium("the rhythm is that of a CPU quota; the quota itself is not in the trace"), look: lookStills},
	report.RootNoCPU:      {what: (*tale).noCPU, advice: (*tale).noCPUAdvice, look: lookLoss},
	report.RootGC:         {what: (*tale).collecting, advice: (*tale).roomAdvice, sure: (*tale).sureOfRoom},
	report.RootForcedGC:   {what: (*tale).forcedGC, advice: always("Do not call runtime.GC there.")},
	report.RootStopping:   {what: (*tale).stopping, advice: (*tale).inPieces, sure: (*tale).sureOfLast, ran: true},
	report.RootStopped:    {what: (*tale).stopped, advice: (*tale).stopAdvice},
	report.RootLock:       {what: (*tale).heldUp, advice: (*tale).lockAdvice, sure: (*tale).sureOfHolder},
	report.RootPlace:      {what: (*tale).heldUp, advice: (*tale).placeAdvice, sure: (*tale).sureWhoEnded, look: lookPlace},
	report.RootSyscall:    {what: (*tale).inCall, advice: (*tale).callAdvice, sure: (*tale).sureOfCall, look: lookFiles},
	report.RootNetwork:    {what: (*tale).onNetwork, advice: (*tale).networkAdvice, sure: medium("a trace does not show since when the network was ready"), look: lookAlike},
	report.RootSleep:      {what: (*tale).sleeping, advice: (*tale).sleepAdvice},
	report.RootFoundLate:  {what: (*tale).foundLate, advice: (*tale).yieldAdvice, sure: medium("since when the timer was due, or the network ready, a trace does not show: this is the most that it can have been"), ran: true},
	report.RootBlocked:    {what: (*tale).blocked, sure: (*tale).sureOfTimer},
	report.RootNeverEnded: {what: (*tale).neverEnded, advice: (*tale).endAdvice, sure: (*tale).sureOfLocks, look: lookDeadlock},
	report.RootNotTold:    {what: func(t *tale) string { return t.sum.untold.most().text() }, sure: func(t *tale) (string, string) { return "low", t.sum.untold.most().why() }},
}

// ran reports whether who is behind a root is so where that goroutine was last seen running.
func ran(k report.RootKind) bool { return kinds[k].ran }

// always says the same of all roots of a kind.
func always(s string) func(*tale) string { return func(*tale) string { return s } }

// medium is how sure all roots of a kind are.
func medium(why string) func(*tale) (string, string) {
	return func(*tale) (string, string) { return "medium", why }
}
