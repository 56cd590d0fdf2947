package render

import "gmptrace/analyze/report"

// states are what a goroutine's time is split into, in the order of the chart's
// colours (theme.js).
var states = []string{"running", "runnable", "syscall", "blocked: sync", "blocked: channels", "blocked: network", "sleeping", "blocked: other"}

// onP is how many of states concern the scheduler; the rest is waiting for
// something else.
const onP = 3

// stateTimes splits a function's time into states.
func stateTimes(f report.FunctionTime) [8]int64 {
	t := [8]int64{f.Running, f.Runnable, f.Syscall}
	for _, b := range f.Blocked {
		t[blockedState(b.Reason)] += b.NS
	}
	return t
}

func blockedState(reason string) int {
	switch reason {
	case "sync", "sync.(*Cond).Wait":
		return 3
	case "chan send", "chan receive", "select":
		return 4
	case "network":
		return 5
	case "sleep":
		return 6
	}
	return 7
}
