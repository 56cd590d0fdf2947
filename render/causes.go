package render

import "gmptrace/analyze/report"

// causeClass is what causes have in common: they look alike in pictures.
type causeClass struct {
	Class string // of the style sheet
	Name  string
}

// The classes, in the order of legends.
var causeClasses = []causeClass{
	{"c-run", "running"},
	{"c-queue", "runnable: waiting for a P that ran others"},
	{"c-late", "runnable: a P was free, its thread came late"},
	{"c-gc", "GC or stop-the-world"},
	{"c-sys", "system call or C"},
	{"c-net", "network"},
	{"c-sleep", "sleep"},
	{"c-block", "blocked otherwise"},
	{"c-other", "not told, or several"},
}

// causeWord is a cause for the glossary: its class, its name in tables, and what
// it means.
type causeWord struct {
	Cause, Class, Term, Text string
}

var causeWords = []causeWord{
	{"running", "c-run", "running", "A goroutine ran its own code on a P."},
	{report.CauseOthers, "c-queue", "others had the CPU", "Runnable, while all Ps ran other goroutines. Where it stood meanwhile makes no difference: in a P's queue, in the global queue, or after a system call."},
	{report.CauseLate, "c-late", "a P was free, its thread late", "Runnable although a P was idle, or about to run it: the thread that should have came late."},
	{"queue", "c-queue", "in a P's queue", "Runnable, in the local queue of a P that ran other goroutines."},
	{"global-queue", "c-queue", "in the global queue", "Runnable, in the queue that all Ps share, while the P that took it in the end ran others."},
	{"after-syscall", "c-queue", "after a system call", "It came out of a system call without a P, and all Ps were busy."},
	{"syscall-held", "c-queue", "P in a system call", "Runnable, while the P that it waited for was held by a goroutine in a system call. sysmon takes such a P away."},
	{"runtime", "c-queue", "P ran the runtime", "Runnable, while the P ran a goroutine of the Go runtime that was no mark worker."},
	{"idle-p", "c-late", "P free, thread late", "Runnable although a P was idle: the thread that should have run it was woken late, or got no CPU from the operating system."},
	{"dispatch", "c-late", "about to be run", "Runnable, and the P had a thread that had not got to it yet."},
	{"gc-stop-the-world", "c-gc", "world stopped by the GC", "Runnable while the world was stopped, or was being stopped, by the garbage collector."},
	{"stop-the-world", "c-late", "world stopped", "Runnable while the world was stopped, or was being stopped, for another reason than a collection."},
	{"stopping", "c-late", "a goroutine had yet to stop", "Runnable while the world was to be stopped and had to wait for a goroutine that could not be interrupted."},
	{"gc-worker", "c-gc", "P ran a mark worker", "Runnable, while the P ran a mark worker of the garbage collector."},
	{"gc-assist", "c-gc", "mark assist", "It ran, but to mark memory: goroutines that allocate during a collection must help with it."},
	{"gc-sweep", "c-gc", "sweeping", "It ran, but to sweep memory before it could allocate."},
	{"gc-assist-wait", "c-gc", "waited to assist", "It owed the collector marking, and there was nothing to mark: it waited for credit."},
	{"gc-wait", "c-gc", "waited for the GC", "It waited for the collector in another way."},
	{"syscall", "c-sys", "system call or C", "In a system call or in C code. The trace does not tell which, nor on what that waited."},
	{"network", "c-net", "network", "Blocked until the network poller found the connection or pipe ready."},
	{"sleep", "c-sleep", "sleep", "Blocked in time.Sleep, until its timer fired. When it was due the trace does not tell."},
	{"found-late", "c-queue", "due or ready, Ps busy", "Blocked in time.Sleep or for the network, while all Ps ran other goroutines, so that none looked whether it was over: the most that it can have been late."},
	{"blocked", "c-block", "blocked", "Blocked, and unblocked by no goroutine that the trace names: by a timer, the network or the runtime."},
	{"never-ended", "c-block", "never ended", "Blocked, and still so when the trace ended: nobody had let it go on."},
	{"lock", "c-block", "lock held by others", "Blocked for a lock, while goroutines had it that the trace does not name."},
	{"unknown", "c-other", "not told", "The trace does not tell."},
	{"not-kept", "c-other", "not kept", "Too long before the end of what is explained to be kept. A smaller part of the trace has it: --from, --to."},
	{"several", "c-other", "several", "Short stretches that the picture shows as one."},
}

func causeWordOf(cause string) causeWord {
	for _, w := range causeWords {
		if w.Cause == cause {
			return w
		}
	}
	return causeWord{cause, "c-other", cause, ""}
}
