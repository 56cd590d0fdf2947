package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
)

// ordersAt is a program that handles orders in tasks, each of which waits at some place of
// main.order for as long as wait says of its number; 0 for not at all.
func ordersAt(t *testing.T, reason, fn string, wait func(n int) string) *Behaviour {
	t.Helper()
	var text strings.Builder
	text.WriteString("gomaxprocs n=2\nstatus-p q=0 m=0 p=0 state=held\nstatus-p q=1 m=1 p=1 state=held\nstatus-g g=1 m=0 p=0 by=1 state=running fn=main.main\nstatus-g g=2 m=1 p=1 by=2 state=running fn=main.worker\n")
	for n := range 120 {
		fmt.Fprintf(&text, "task-begin task=%d by=2 p=1 m=1 name=order dt=1us\nlog task=%d by=2 p=1 m=1 name=x dt=900us\n", n+1, n+1)
		if w := wait(n); w != "" {
			fmt.Fprintf(&text, "park g=2 p=1 m=1 reason=%s fn=%s dt=1us\nready g=2 p=0 m=0 by=1 dt=%s\nexecute g=2 p=1 m=1 dt=2us\n", reason, fn, w)
		}
		fmt.Fprintf(&text, "task-end task=%d by=2 p=1 m=1 dt=100us\npark g=2 p=1 m=1 reason=sleep fn=main.worker dt=1us\nready g=2 p=0 m=0 by=1 dt=1ms\nexecute g=2 p=1 m=1 dt=2us\n", n+1)
	}
	b, err := Behave(t.Context(), replaytest.Scenario(t, text.String()), replay.Options{Name: "scenario"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func never(int) string { return "" }

// TestNewPlace: where tasks wait at a place at which they did not, a check fails and names it,
// whether or not that moves their median; once is no reason, and neither is waiting as before.
func TestNewPlace(t *testing.T) {
	tenth := func(n int) string { // moves no median
		if n%4 == 0 {
			return "1ms"
		}
		return ""
	}
	once := func(n int) string {
		if n == 60 {
			return "30ms"
		}
		return ""
	}
	for _, test := range []struct {
		name     string
		reason   string
		old, new func(int) string
		want     string // of a failure, "" for none
	}{
		{"a new mutex", "sync", never, tenth, "main.record"},
		{"a pool too small", "chan_send", never, tenth, "main.record"},
		{"as before", "sync", tenth, tenth, ""},
		{"once", "sync", never, once, ""},
	} {
		fn := "sync.(*Mutex).Lock<main.record"
		if test.reason != "sync" {
			fn = "main.record"
		}
		var failed []string
		for _, r := range Check([]*Behaviour{ordersAt(t, test.reason, fn, test.old)}, []*Behaviour{ordersAt(t, test.reason, fn, test.new)}, "fixture.json", Options{}) {
			if r.Status == report.CheckFail && r.Severity == report.CheckSeverityError {
				failed = append(failed, r.Message)
			}
		}
		if named := slices.ContainsFunc(failed, func(s string) bool { return test.want != "" && strings.Contains(s, test.want) }); named != (test.want != "") || test.want == "" && len(failed) > 0 {
			t.Errorf("%s: failed %q, want %q", test.name, failed, test.want)
		}
	}
}

// begins is a program that begins a goroutine every 2 ms, which ends or waits for ever.
func begins(t *testing.T, ends bool) *Behaviour {
	t.Helper()
	var text strings.Builder
	text.WriteString("gomaxprocs n=2\nstatus-p q=0 m=0 p=0 state=held\nstatus-p q=1 m=1 p=1 state=held\nstatus-g g=1 m=0 p=0 by=1 state=running fn=main.main\nstatus-g g=2 m=1 p=1 by=2 state=running fn=main.worker\n")
	last := "park g=%d p=1 m=1 reason=chan_receive fn=main.watch dt=5us\n"
	if ends {
		last = "goexit g=%d p=1 m=1 dt=5us\n"
	}
	for n := range 200 {
		g := 10 + n
		fmt.Fprintf(&text, "newproc g=%d p=1 m=1 by=2 fn=main.watch dt=5us\npark g=2 p=1 m=1 reason=sleep fn=main.worker dt=5us\nexecute g=%d p=1 m=1 dt=1us\n"+last, g, g, g)
		text.WriteString("ready g=2 p=0 m=0 by=1 dt=2ms\nexecute g=2 p=1 m=1 dt=2us\n")
	}
	b, err := Behave(t.Context(), replaytest.Scenario(t, text.String()), replay.Options{Name: "scenario"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLeftBehind: goroutines that begin and do not end fail a check against a program whose
// goroutines end, by their function's name; those of a program that always had them do not.
func TestLeftBehind(t *testing.T) {
	for _, test := range []struct{ old, new, fails bool }{{true, false, true}, {false, false, false}, {true, true, false}, {false, true, false}} {
		var failed []string
		for _, r := range Check([]*Behaviour{begins(t, test.old)}, []*Behaviour{begins(t, test.new)}, "fixture.json", Options{}) {
			if r.Status == report.CheckFail && r.Severity == report.CheckSeverityError {
				failed = append(failed, r.Message)
			}
		}
		if named := slices.ContainsFunc(failed, func(s string) bool { return strings.Contains(s, "main.watch") }); named != test.fails {
			t.Errorf("ends before %v, now %v: failed %q", test.old, test.new, failed)
		}
	}
}
