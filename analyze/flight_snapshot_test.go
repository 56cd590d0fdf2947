package analyze_test

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	"gmptrace/analyze"
	"gmptrace/analyze/flight"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/words"
)

// TestSnapshotNote: a report of a flight recorder's snapshot says why it was taken, and
// whether it reaches back far enough to show that.
func TestSnapshotNote(t *testing.T) {
	for took, want := range map[string]string{
		"5000000":   "A flight recorder wrote this snapshot on web-3: slow (GET-orders), took 5.00 ms.",
		"100000000": "A flight recorder wrote this snapshot on web-3: slow (GET-orders), took 100 ms; the trace holds only its last 20.0 ms: a larger MinAge or MaxBytes would hold more.",
	} {
		in := replaytest.Scenario(t, `gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
log machine by=1 m=0 p=0 dt=20ms says=snapshot_trigger=slow_name=GET-orders_took=`+took+`_time=20261129T091501.123Z_host=web-3
park g=1 p=0 m=0 reason=sleep`)
		rep, err := analyze.Analyze(t.Context(), in, analyze.Options{Options: replay.Options{Name: "scenario"}})
		if err != nil {
			t.Fatal(err)
		}
		if notes := words.Text(strings.Join(rep.Trace.Notes, "\n")); !strings.Contains(notes, want) {
			t.Errorf("took %s: the notes are %q, want %q", took, notes, want)
		}
	}
}

// TestRecorderIsNoPartOfTheProgram: the goroutines of a recorder, and what they log, are in
// no figure of the program that it records.
func TestRecorderIsNoPartOfTheProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("machines are sampled on Linux only")
	}
	rec, err := flight.Start(flight.Config{Dir: t.TempDir(), Sample: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, task := trace.NewTask(context.Background(), "job")
	trace.Log(ctx, "id", "first")
	time.Sleep(100 * time.Millisecond)
	task.End()
	s, err := rec.Snap("test")
	rec.Close()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Options: replay.Options{Name: "snapshot"}})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Machine == nil || rep.Machine.Samples < 3 || rep.Machine.Source != "trace" {
		t.Fatalf("the machine said %+v", rep.Machine)
	}
	const recorder = "gmptrace/analyze/flight."
	for _, f := range rep.Functions {
		if strings.HasPrefix(f.Name, recorder) && !f.Runtime {
			t.Errorf("%s is among the program's functions", f.Name)
		}
	}
	for _, f := range rep.Findings {
		if strings.Contains(f.Title+f.What, "flight.") {
			t.Errorf("a finding is of the recorder: %s", f.Title)
		}
	}
}
