package names

import (
	"testing"

	"gmptrace/analyze/report"
)

// TestRace: only functions that do something with -race alone show that a program was
// built so; those that stand in for them elsewhere do not.
func TestRace(t *testing.T) {
	for _, x := range []struct {
		frame report.Frame
		want  bool
	}{
		{report.Frame{Func: "internal/race.Acquire", File: "/usr/local/go/src/internal/race/race.go"}, true},
		{report.Frame{Func: "internal/race.Acquire", File: "/usr/local/go/src/internal/race/norace.go"}, false},
		{report.Frame{Func: "runtime.racecall", File: "runtime/race_amd64.s"}, true},
		{report.Frame{Func: "main.race", File: "race.go"}, false},
		{report.Frame{Func: "example.com/internal/race.Run", File: "race.go"}, false},
	} {
		n := NewNumbering()
		n.Stack(StackFrames{Key: "a", Frames: []report.Frame{{Func: "main.main"}, x.frame}})
		if n.Race() != x.want {
			t.Errorf("%v: got %v", x.frame, !x.want)
		}
	}
}
