package diagnose

import (
	"testing"

	"gmptrace/analyze/report"
)

// TestNeverWaits: who runs for long without a wait may poll, and goroutines that are started
// for a piece of work do not.
func TestNeverWaits(t *testing.T) {
	for _, c := range []struct {
		name string
		f    report.FunctionTime
		want string
	}{
		{"two that run on", report.FunctionTime{Name: "main.forward", Goroutines: 2, Running: 2e9}, "main.forward"},
		{"one, for less than half", report.FunctionTime{Name: "main.forward", Goroutines: 1, Running: 4e8}, ""},
		{"five pieces of work", report.FunctionTime{Name: "main.piece", Goroutines: 5, Running: 1e9}, ""},
		{"waits", report.FunctionTime{Name: "main.forward", Goroutines: 2, Running: 2e9, Blocked: []report.ReasonTime{{NS: 1}}}, ""},
		{"the library's", report.FunctionTime{Name: "net/http.(*conn).serve", Goroutines: 2, Running: 2e9}, ""},
	} {
		rep := &report.Report{Functions: []report.FunctionTime{c.f}}
		rep.Trace.To = 1e9
		if got := neverWaits(rep); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
