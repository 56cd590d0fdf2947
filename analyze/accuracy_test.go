package analyze

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/fixtures/tools/oracle/score"
	"gmptrace/fixtures/tools/oracle/truth"
)

const (
	recordings   = "../fixtures/traces/oracle"
	accuracyFile = "testdata/accuracy.txt"
)

const accuracyHead = `# How often the inferred decisions are wrong, on the recordings of
# fixtures/traces/oracle, whose runtimes wrote down the truth.
# user: dispatches of the program's goroutines, and how many have a wrong source;
# all: of all goroutines, with global-tick = global and steal-runnext = steal;
# steals, and those labelled otherwise or from another P; certain: dispatches
# called so, and those from another place; tick: those of which it is said whether
# it was the global queue's turn, and those where that is wrong. handoffs: over all
# recordings, each matched within a millisecond.
`

// The least that is acceptable of the sums over all recordings, whatever the
// file says: so that writing new figures into it does not hide a fall.
const (
	leastExact   = 0.995
	leastMerged  = 0.996
	leastVictims = 0.85
	leastCertain = 0.9995
	leastShare   = 0.93 // called certain
	leastTick    = 0.999
)

// TestAccuracy holds what the model infers against the truth. A recording never
// changes, so neither do the figures, unless the model does.
func TestAccuracy(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(recordings, "*.trace.gz"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	var got strings.Builder
	got.WriteString(accuracyHead)
	fmt.Fprintf(&got, "%-20s %6s %6s %6s %6s %6s %6s %7s %6s %6s %6s\n", "run", "user", "wrong", "all", "wrong", "steals", "wrong", "certain", "wrong", "tick", "wrong")
	handoffs := map[string]score.Match{}
	var user, all score.Tally
	for _, name := range names {
		r := scoreRecording(t, name)
		got.WriteString(accuracyLine(r))
		sum(&user, &r.User)
		a := r.All()
		sum(&all, &a)
		for cause, m := range r.Handoffs {
			sum := handoffs[cause]
			handoffs[cause] = score.Match{Truth: sum.Truth + m.Truth, Got: sum.Got + m.Got, Both: sum.Both + m.Both}
		}
		if p := r.Preempts; p.Right != p.N-p.Unknown {
			t.Errorf("%s: of %d preemptions %d are unknown and only %d right", r.Name, p.N, p.Unknown, p.Right)
		}
		if r.Extra != 0 || r.Unmatched != 0 {
			t.Errorf("%s: %d decisions without an event, %d events without truth", r.Name, r.Extra, r.Unmatched)
		}
	}
	checkHandoffs(t, handoffs)
	atLeast(t, "sources of the program's goroutines right", user.Exact, user.Dispatches, leastExact)
	atLeast(t, "sources right, merged", all.Merged, all.Dispatches, leastMerged)
	atLeast(t, "victims right", all.VictimsRight, all.Victims, leastVictims)
	atLeast(t, "called certain and right", all.CertainRight, all.Certain, leastCertain)
	atLeast(t, "called certain", all.Certain, all.Dispatches, leastShare)
	atLeast(t, "whether it was the global queue's turn, where that is said, right", all.TickRight, all.TickKnown, leastTick)
	fmt.Fprintf(&got, "\n%-20s %9s %6s\n", "handoffs", "precision", "recall")
	for _, cause := range slices.Sorted(maps.Keys(handoffs)) {
		m := handoffs[cause]
		fmt.Fprintf(&got, "%-20s %9s %6s\n", cause, perMille(m.Both, m.Got), perMille(m.Both, m.Truth))
	}
	compareAccuracy(t, got.String())
}

// checkHandoffs wants every P that was taken from a system call found, and no
// other taken for one. That a goroutine is locked to its thread is not in the
// trace: handoffs for that are inferred, and may be wrong.
func checkHandoffs(t *testing.T, sums map[string]score.Match) {
	t.Helper()
	if sums["retake"].Truth == 0 {
		t.Error("no recording has a P retaken")
	}
	for _, cause := range []string{"retake", "blocking-syscall"} {
		if m := sums[cause]; m.Got != m.Truth || m.Both != m.Truth {
			t.Errorf("handoffs by %s: %d there were, %d inferred, %d are both; want all alike", cause, m.Truth, m.Got, m.Both)
		}
	}
}

// scoreRecording infers the decisions of a recording and scores them.
func scoreRecording(t *testing.T, name string) *score.Result {
	t.Helper()
	file, err := truth.ReadFile(strings.TrimSuffix(name, ".trace.gz") + ".truth.gz")
	if err != nil {
		t.Fatal(err)
	}
	tr := open(t, name)
	joined, err := truth.Join(tr, file)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	s := score.New(strings.TrimSuffix(filepath.Base(name), ".trace.gz"), joined)
	_, err = Decisions(context.Background(), open(t, name), replay.Options{Name: name}, nil, func(d *Decision) error {
		s.Add(score.Decision{Kind: string(d.Kind), Time: d.Time, G: int64(d.G), P: int32(d.P), M: d.M,
			Source: d.Source, Victim: int32(d.Victim), Certain: d.Certain, Tick: d.Tick, Cause: d.Cause, How: d.How})
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s.Result()
}

// open opens a file for the length of the test.
func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func accuracyLine(r *score.Result) string {
	u, a := &r.User, r.All()
	return fmt.Sprintf("%-20s %6d %6d %6d %6d %6d %6d %7d %6d %6d %6d\n", r.Name, u.Dispatches, u.Dispatches-u.Exact, a.Dispatches, a.Dispatches-a.Merged,
		a.Victims, a.Victims-a.VictimsRight, a.Certain, a.Certain-a.CertainRight, a.TickKnown, a.TickKnown-a.TickRight)
}

// sum adds the counts that the floors are about.
func sum(to, t *score.Tally) {
	to.Dispatches += t.Dispatches
	to.Exact += t.Exact
	to.Merged += t.Merged
	to.Victims += t.Victims
	to.VictimsRight += t.VictimsRight
	to.Certain += t.Certain
	to.CertainRight += t.CertainRight
	to.TickKnown += t.TickKnown
	to.TickRight += t.TickRight
}

func atLeast(t *testing.T, what string, n, of int, least float64) {
	t.Helper()
	if float64(n) < least*float64(of) {
		t.Errorf("%s: %d of %d, less than %g", what, n, of, least)
	}
}

// perMille is the share a of b rounded down: 1000 is all of them.
func perMille(a, b int) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprint(1000 * a / b)
}

// compareAccuracy holds the table against the one on file.
func compareAccuracy(t *testing.T, got string) {
	t.Helper()
	if *replaytest.Update {
		if err := os.WriteFile(accuracyFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(accuracyFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the accuracy is not what %s says. If no figure fell, write it there: go test ./analyze -run TestAccuracy -update\ngot\n%s\nwant\n%s", accuracyFile, got, want)
	}
}
