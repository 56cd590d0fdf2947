package explain

import (
	"regexp"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// twoJobs are two tasks with a message each, and one that the machine told meanwhile.
const twoJobs = `gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
task-begin task=1 by=1 p=0 m=0 name=job
region-begin task=1 by=1 p=0 m=0 name=part
log task=1 by=1 m=0 p=0 dt=10ms says=trace-aaa
region-end task=1 by=1 p=0 m=0 name=part
task-end task=1 by=1 p=0 m=0
task-begin task=2 by=1 p=0 m=0 name=job
log machine by=1 m=0 p=0 dt=1ms says=at_10_1000=10000000,0
region-begin task=2 by=1 p=0 m=0 name=part
log task=2 by=1 m=0 p=0 dt=30ms says=trace-bbb
region-end task=2 by=1 p=0 m=0 name=part
task-end task=2 by=1 p=0 m=0
park g=1 p=0 m=0 reason=sleep
`

// TestHaving: instances alone in which a message that matches was logged, by any kind; what
// the machine said is no message of the program's.
func TestHaving(t *testing.T) {
	for _, kind := range []report.InstanceKind{report.KindTask, report.KindRegion, ""} {
		for match, want := range map[string]int{"trace-": 2, "^trace-a": 1, "bbb": 1, "1000=": 0, "nothing": 0} {
			x := explainScenario(t, twoJobs, Selector{Kind: kind, G: model.NoG, Task: -1, Pooled: true, Having: regexp.MustCompile(match)})
			if len(x.Slowest) != want {
				t.Errorf("%q with %q: %d instances, want %d", kind, match, len(x.Slowest), want)
			}
		}
	}
	x := explainScenario(t, twoJobs, Selector{Kind: report.KindTask, G: model.NoG, Task: -1, Having: regexp.MustCompile("bbb")})
	if len(x.Slowest) != 1 || len(x.Slowest[0].Logs) != 1 || x.Slowest[0].Logs[0] != "trace-bbb" {
		t.Errorf("explained %+v", x.Slowest)
	}
}

// TestLogsAreThePrograms: what the machine said is not found among messages.
func TestLogsAreThePrograms(t *testing.T) {
	x, err := Explain(t.Context(), replaytest.Scenario(t, twoJobs), replay.Options{}, Selector{Kind: report.KindLog, G: model.NoG, Task: -1, Pattern: regexp.MustCompile("at")})
	if err != nil || len(x.Slowest) != 0 {
		t.Errorf("explained %d messages, %v", len(x.Slowest), err)
	}
}
