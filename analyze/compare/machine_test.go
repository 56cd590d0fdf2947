package compare

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
)

// orders is a program that works through orders of some ms of computing each, of which
// its thread has a CPU for a share: in percent, -1 where the machine is not asked.
func orders(t *testing.T, ms, percent int) *Behaviour {
	t.Helper()
	var text strings.Builder
	text.WriteString("gomaxprocs n=1\nstatus-p q=0 m=0 p=0 state=held\nstatus-g g=1 m=0 p=0 by=1 state=running fn=main.main\n")
	log := func(says string, args ...any) {
		if percent >= 0 {
			fmt.Fprintf(&text, "log machine by=1 m=0 p=0 says="+says+"\n", args...)
		}
	}
	log("machine_pid=1_cpus=2")
	log("at_0_1000=0,0")
	took := ms
	if percent > 0 {
		took = ms * 100 / percent
	}
	for i := range 120 {
		n, varies := i+1, i*7%13*10 // µs: not all of them are alike
		fmt.Fprintf(&text, "task-begin task=%d by=1 p=0 m=0 name=order\n", n)
		for k := range took {
			text.WriteString("log by=1 p=0 m=0 dt=1ms name=x\n")
			done := int64(i*took+k+1) * 1_000_000
			log("at_%d_1000=%d,%d", done, done*int64(max(percent, 1))/100, done*int64(100-max(percent, 0))/100)
		}
		fmt.Fprintf(&text, "task-end task=%d by=1 p=0 m=0 dt=%dus\ngosched g=1 p=0 m=0\nexecute g=1 p=0 m=0\n", n, varies)
	}
	b, err := Behave(t.Context(), replaytest.Scenario(t, text.String()), replay.Options{Name: "scenario"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLoadedMachine: what takes longer because the machine gave less CPU is told apart
// from what computes for longer, and from both together; in a fixture too.
func TestLoadedMachine(t *testing.T) {
	quiet := orders(t, 4, 100)
	for _, x := range []struct {
		name    string
		now     *Behaviour
		verdict Verdict
		lead    string // of the comparison
		status  report.CheckSeverity
		message string // of the check
	}{
		{"loaded", orders(t, 4, 50), ByMachine, "The machine gave 50 % less CPU to the new side", report.CheckSeverityWarning, "for want of CPUs"},
		{"slower", orders(t, 8, 100), Worse, "", report.CheckSeverityError, "with the machine as before"},
		{"both", orders(t, 8, 50), Worse, "The machine gave 50 % less CPU to the new side", report.CheckSeverityError, "does not explain it"},
		{"not asked", orders(t, 8, -1), Worse, "", report.CheckSeverityError, "was not asked on both sides"},
	} {
		r := Sets([]*Behaviour{quiet}, []*Behaviour{x.now}, Options{})
		if c := task(r); c == nil || c.Verdict != x.verdict {
			t.Errorf("%s: the orders' p50 is %+v, want %s", x.name, c, x.verdict)
		}
		if got := untied(r.Verdict); x.lead != "" && !strings.HasPrefix(got, x.lead) || x.lead == "" && strings.HasPrefix(got, "The machine") {
			t.Errorf("%s: the verdict begins with %q", x.name, got)
		}
		if got := strings.Join(r.Notes, "; "); strings.Contains(got, "the machine was not asked on the new side") != (x.now.Machine == nil) {
			t.Errorf("%s: notes are %q", x.name, got)
		}
		for _, c := range Check(again(t, quiet), []*Behaviour{x.now}, "f", Options{}) {
			if c.ID == "fixture/task/order" && (c.Status != report.CheckFail || c.Severity != x.status || !strings.Contains(c.Message, x.message)) {
				t.Errorf("%s: the check says %s %s %q", x.name, c.Status, c.Severity, c.Message)
			}
			if c.ID == "fixture/machine" && (c.Status == report.CheckFail) != (x.lead != "") {
				t.Errorf("%s: of the machine the check says %s %q", x.name, c.Status, c.Message)
			}
		}
	}
	if r := Sets([]*Behaviour{orders(t, 4, 50)}, []*Behaviour{quiet}, Options{}); task(r).Verdict != ByMachine || !strings.HasPrefix(untied(r.Verdict), "The machine gave 98 % more CPU") {
		t.Errorf("the other way round %s: %s", task(r).Verdict, r.Verdict)
	}
	if r := Sets([]*Behaviour{orders(t, 4, -1)}, []*Behaviour{orders(t, 8, -1)}, Options{}); r.Machine != nil || strings.Contains(strings.Join(r.Notes, ""), "machine was not") {
		t.Errorf("where nobody asked the machine, there is %+v, %q", r.Machine, r.Notes)
	}
}

func untied(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }

func task(r *Result) *Change {
	for i := range r.Changes {
		if c := &r.Changes[i]; c.Kind == SeriesTask && c.Stat == "p50" {
			return c
		}
	}
	return nil
}

// again is a behaviour as a fixture gives it back.
func again(t *testing.T, b *Behaviour) []*Behaviour {
	t.Helper()
	var out bytes.Buffer
	if err := NewFixture("test", []*Behaviour{b}).Write(&out); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), FixtureFile)
	if err := os.WriteFile(file, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := ReadFixture(file)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := f.Behaviours()
	if err != nil {
		t.Fatal(err)
	}
	return kept
}
