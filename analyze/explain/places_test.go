package explain

import (
	"strings"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// TestSharesOfPlaces: where one cause was at work in two places, each has what was
// spent in it, and neither the sum.
func TestSharesOfPlaces(t *testing.T) {
	x := explainScenario(t, `
gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.serve
task-begin task=1 by=1 p=0 m=0 name=request
entersyscall g=1 p=0 m=0 dt=1ms fn=syscall.Read<main.load
exitsyscall g=1 p=0 m=0 dt=6ms
entersyscall g=1 p=0 m=0 dt=1ms fn=syscall.Write<main.store
exitsyscall g=1 p=0 m=0 dt=4ms
task-end task=1 by=1 p=0 m=0 name=request
park g=1 p=0 m=0 reason=chan_receive fn=main.serve
`, selectorNamed(t, "task request"))
	for place, want := range map[string]int64{"main.load": 6_000_000, "main.store": 4_000_000} {
		var got int64
		for _, r := range x.Roots {
			if r.Kind == report.RootSyscall && strings.Contains(r.Text, place) {
				got += r.NS
			}
		}
		if got != want {
			t.Errorf("%d ns went to %s, want %d: %+v", got, place, want, x.Roots)
		}
	}
	if said := words.Text(x.Headline); !strings.Contains(said, "50 % of it went to a system call") || !strings.Contains(said, "main.load") {
		t.Errorf("the headline is %q", said)
	}
}

// TestCallBehindDate: a system call in a function of which nobody expects one is named
// with it. What Windows is asked for the time zone once took half a
// millisecond, told as time.Time.Date's.
func TestCallBehindDate(t *testing.T) {
	const stack = "syscall.SyscallN<syscall.GetTimeZoneInformation<time.initLocal<sync.(*Once).doSlow<time.Time.Date<log.formatHeader<main.main"
	x := explainScenario(t, `
gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
task-begin task=1 by=1 p=0 m=0 name=request
entersyscall g=1 p=0 m=0 fn=`+stack+`
exitsyscall g=1 p=0 m=0 dt=600us
task-end task=1 by=1 p=0 m=0 name=request
park g=1 p=0 m=0 reason=chan_receive fn=main.main
`, selectorNamed(t, "task request"))
	want := "log.formatHeader (syscall.GetTimeZoneInformation), called by main.main"
	for _, said := range []string{x.Slowest[0].Story[0], x.Slowest[0].Path[1].Text} {
		if !strings.Contains(said, want) {
			t.Errorf("%q does not say %q", said, want)
		}
	}
}
