package measure

import (
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestTireless: who runs for long without a wait may poll, and goroutines that are started
// for a piece of work do not. That the collector kept them is no wait of theirs.
func TestTireless(t *testing.T) {
	const second = 1_000_000_000
	for _, c := range []struct {
		name    string
		fn      string
		f       report.FunctionTime
		blocked model.Reason
		want    bool
	}{
		{name: "two that run on", fn: "main.forward", f: report.FunctionTime{Goroutines: 2, Running: 2 * second}, want: true},
		{name: "one, for less than half", fn: "main.forward", f: report.FunctionTime{Goroutines: 1, Running: second/2 - 1}},
		{name: "five pieces of work", fn: "main.piece", f: report.FunctionTime{Goroutines: 5, Running: second}},
		{name: "waits", fn: "main.forward", f: report.FunctionTime{Goroutines: 2, Running: 2 * second}, blocked: model.ReasonChanRecv},
		{name: "waits for the collector alone", fn: "main.forward", f: report.FunctionTime{Goroutines: 2, Running: 2 * second}, blocked: model.ReasonAssist, want: true},
		{name: "calls", fn: "main.forward", f: report.FunctionTime{Goroutines: 2, Running: 2 * second, Syscall: 1}},
		{name: "the library's", fn: "net/http.(*conn).serve", f: report.FunctionTime{Goroutines: 2, Running: 2 * second}},
		{name: "the runtime's", fn: "main.forward", f: report.FunctionTime{Goroutines: 2, Running: 2 * second, Runtime: true}},
	} {
		x := &functionTime{FunctionTime: c.f}
		if c.blocked != 0 {
			x.blocked[c.blocked] = report.ReasonTime{Count: 1, NS: 1}
		}
		tireless := &Tireless{by: map[string]*functionTime{c.fn: x}}
		if got := tireless.Never(c.fn, second); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if tireless.Never("main.another", second) {
			t.Errorf("%s: another function never waits", c.name)
		}
	}
}
