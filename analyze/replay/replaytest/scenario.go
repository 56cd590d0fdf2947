package replaytest

import (
	"flag"
	"io"
	"strconv"
	"strings"
	"testing"

	"gmptrace/analyze/internal/load"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/fixtures/scenario"
	"gmptrace/model"
)

// Update asks for what the scenarios yield to be written into their files.
var Update = flag.Bool("update", false, "write what the scenarios yield into their files; read the difference")

// Report replays events written as text, and has the watchers that begin
// adds fill in a report.
func Report(t *testing.T, text string, begin func(*replay.Session)) *report.Report {
	t.Helper()
	var session *replay.Session
	tr, err := replay.Run(t.Context(), Scenario(t, text), replay.Options{Name: "scenario"}, func(s *replay.Session) {
		session = s
		begin(s)
	})
	if err != nil {
		t.Fatal(err)
	}
	rep := &report.Report{Trace: tr}
	session.Fill(rep)
	return rep
}

// Scenario is a trace to give to replay.Run, or to whatever calls that, whose events
// are written as text, as in model/testdata. A first line such as "go 1.21" says its
// format.
func Scenario(t *testing.T, text string) io.Reader {
	return load.Decoded{Batch: scenarioBatch(t, text)}
}

// scenarioBatch is events written as text, as if they had been decoded.
func scenarioBatch(t *testing.T, text string) *load.Batch {
	t.Helper()
	lines, err := scenario.Expand(text)
	if err != nil {
		t.Fatal(err)
	}
	var in scenario.Reader
	b := &load.Batch{Gen: 1, First: true, Format: "go 1.26"}
	if len(lines) > 0 && strings.HasPrefix(lines[0], "go ") {
		b.Format, lines = lines[0], lines[1:]
	}
	for _, line := range lines {
		ev, err := in.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		for ev.M >= model.MIndex(len(b.Threads)) {
			b.Threads = append(b.Threads, int64(1000+len(b.Threads)))
		}
		b.Events = append(b.Events, ev)
	}
	for _, stack := range in.Stacks {
		var frames []report.Frame
		for _, fn := range strings.Split(stack, "<") {
			frames = append(frames, frame(fn))
		}
		b.Stacks = append(b.Stacks, names.StackFrames{Key: stack, Frames: frames})
	}
	b.Strings = in.Texts
	return b
}

// frame is the frame that a scenario writes as function or function:line; without a line it
// is the first of the file that is named like the function.
func frame(fn string) report.Frame {
	name, line, ok := strings.Cut(fn, ":")
	f := report.Frame{Func: name, File: name + ".go", Line: 1}
	if ok {
		f.Line, _ = strconv.ParseUint(line, 10, 64)
	}
	return f
}
