package explain

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// TestExplain runs testdata/explain/*.txtar: each begins with a comment that says
// what happens, then come the events and, for each way to select something, the
// explanation expected. The name of such a file is the selector: a kind, and a
// pattern or number.
func TestExplain(t *testing.T) {
	files, err := filepath.Glob("testdata/explain/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil || len(ar.Files) < 2 {
				t.Fatalf("want events and explanations: %v", err)
			}
			before := txtar.Format(ar)
			for i := range ar.Files[1:] {
				f := &ar.Files[i+1]
				x := explainScenario(t, string(ar.Files[0].Data), selectorNamed(t, f.Name))
				addsUp(t, x)
				got := explanationText(x)
				if got != string(f.Data) && !*replaytest.Update {
					t.Errorf("%s: got\n%swant\n%s", f.Name, got, f.Data)
				}
				f.Data = []byte(got)
			}
			if after := txtar.Format(ar); *replaytest.Update && !bytes.Equal(before, after) {
				if err := os.WriteFile(name, after, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func selectorNamed(t *testing.T, name string) Selector {
	t.Helper()
	kind, arg, _ := strings.Cut(name, " ")
	sel := Selector{Kind: report.InstanceKind(kind), G: model.NoG, Task: -1, Top: 2}
	if kind == "worst" {
		sel.Kind = ""
	}
	if _, err := fmt.Sscanf(arg, "%d", &sel.G); err == nil {
		sel.Task = int64(sel.G)
	} else if arg != "" {
		sel.Pattern = regexp.MustCompile(arg)
	}
	return sel
}

func explainScenario(t *testing.T, events string, sel Selector) *report.Explanation {
	t.Helper()
	x, err := Explain(t.Context(), replaytest.Scenario(t, events), replay.Options{Name: "scenario"}, sel)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// explanationText is what a scenario's file says of an explanation.
func explanationText(x *report.Explanation) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n%s\n", x.Headline, x.Detail)
	for _, c := range x.Extra {
		fmt.Fprintf(&out, "typical %s, slow %s: %s\n", words.Length(c.Typical), words.Length(c.Slow), c.Text)
	}
	for i, in := range x.Slowest {
		fmt.Fprintf(&out, "%d %s took %s on G%d from %s on\n", i+1, in.Name, words.Length(in.Duration), in.G, words.At(in.Start))
		for _, s := range in.Story {
			fmt.Fprintf(&out, "  - %s\n", s)
		}
		for _, s := range in.States {
			fmt.Fprintf(&out, "  %s\n", strings.TrimSpace(fmt.Sprintf("%s %s %s", words.Length(s.NS), s.State, s.Reason)))
		}
		for _, s := range in.Samples {
			fmt.Fprintf(&out, "  %d samples in %s\n", s.Count, s.Func)
		}
		for _, s := range in.Spent {
			fmt.Fprintf(&out, "  %s, %s: %s\n", words.Length(s.NS), words.Times(s.Count), s.Text)
		}
		for _, s := range in.Path {
			fmt.Fprintf(&out, "  %10s %s%s %s: %s\n", words.Length(s.NS), strings.Repeat(". ", s.Depth), goText(s.G), s.Cause, s.Text)
		}
	}
	for _, n := range x.Notes {
		fmt.Fprintf(&out, "note: %s\n", n)
	}
	return words.Text(out.String())
}

// addsUp checks that every nanosecond of an explanation has one cause.
func addsUp(t *testing.T, x *report.Explanation) {
	t.Helper()
	var roots int64
	for i := range x.Roots {
		roots += x.Roots[i].NS
	}
	if d := x.Slow.Mean - roots; len(x.Roots) > 0 && max(d, -d) > int64(len(x.Roots)+len(x.Slow.Causes)) {
		t.Errorf("the roots sum to %d ns of the %d ns that they are of", roots, x.Slow.Mean)
	}
	sum := func(what string, want int64, causes []report.CauseTime) {
		t.Helper()
		var got int64
		for _, c := range causes {
			if c.NS <= 0 {
				t.Errorf("%s: %s has %d ns", what, c.Cause, c.NS)
			}
			got += c.NS
		}
		if got != want {
			t.Errorf("%s: causes sum to %d ns, want %d", what, got, want)
		}
	}
	all := x.Durations.Total
	if x.Durations.Count == 0 {
		for _, in := range x.Slowest {
			all += in.Duration
		}
	}
	sum("all", all, x.Causes)
	sum("typical", x.Typical.Mean, x.Typical.Causes)
	sum("slow", x.Slow.Mean, x.Slow.Causes)
	if len(x.Extra) > 0 {
		var got int64
		for _, c := range x.Extra {
			got += c.Slow - c.Typical
		}
		if want := x.Slow.Mean - x.Typical.Mean; got != want {
			t.Errorf("differences sum to %d ns, want %d", got, want)
		}
	}
	for _, in := range x.Slowest {
		what := fmt.Sprintf("%s at %d", in.Name, in.Start)
		sum(what, in.Duration, in.Causes)
		var states int64
		for _, s := range in.States {
			states += s.NS
		}
		if states != in.Duration {
			t.Errorf("%s: states sum to %d ns, want %d", what, states, in.Duration)
		}
		var spent int64
		for _, s := range in.Spent {
			if s.NS <= 0 || s.Count <= 0 || s.Text == "" {
				t.Errorf("%s: spent %+v", what, s)
			}
			spent += s.NS
		}
		if spent != in.Duration {
			t.Errorf("%s: what it was spent on sums to %d ns, want %d", what, spent, in.Duration)
		}
		at := in.Start
		for _, s := range in.Path {
			if s.Start != at || s.NS <= 0 {
				t.Errorf("%s: a step of %d ns at %d, where %d was expected", what, s.NS, s.Start, at)
			}
			at = s.Start + s.NS
		}
		if at != in.Start+in.Duration {
			t.Errorf("%s: the path ends at %d, want %d", what, at, in.Start+in.Duration)
		}
	}
}

// TestExplainedTimeAddsUp explains all that there is in recorded traces, in every
// way.
func TestExplainedTimeAddsUp(t *testing.T) {
	replaytest.EachRecorded(t, func(t *testing.T, data []byte) {
		all := regexp.MustCompile("")
		for _, sel := range []Selector{{}, {Kind: report.KindStall}, {Kind: report.KindGoroutine, Pattern: all}, {Kind: report.KindTask, Pattern: all},
			{Kind: report.KindRegion, Pattern: all}, {Kind: report.KindLog, Pattern: all}, {Kind: report.KindRequest}} {
			sel.Top = 20
			x, err := Explain(t.Context(), bytes.NewReader(data), replay.Options{Name: "recorded"}, sel)
			if err != nil {
				t.Fatal(err)
			}
			addsUp(t, x)
			if sel.Kind != "" && sel.Kind != report.KindGoroutine {
				continue // those two go through all that could come out in another order
			}
			again, err := Explain(t.Context(), bytes.NewReader(data), replay.Options{Name: "recorded"}, sel)
			if err != nil {
				t.Fatal(err)
			}
			if explanationText(x) != explanationText(again) {
				t.Errorf("%s: another explanation the second time", sel.Kind)
			}
		}
	})
}

// TestHistoryForgets explains with a history that is far too short: what is not
// kept is called so, everything still adds up, and little is held.
func TestHistoryForgets(t *testing.T) {
	data, err := os.ReadFile("../../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	const soft, hard = 2000, 4000
	for _, sel := range []Selector{{Kind: report.KindRequest}, {Kind: report.KindGoroutine, Pattern: regexp.MustCompile("")}} {
		var e *explainer
		most := 0
		begin := func(s *replay.Session) {
			e = explains(s, sel)
			e.h = newHistory(s.Names, soft, hard)
			s.Add(watch(func() { most = max(most, e.h.kept) }))
		}
		if _, err := replay.Run(t.Context(), bytes.NewReader(data), replay.Options{}, begin); err != nil {
			t.Fatal(err)
		}
		x := e.explanation()
		addsUp(t, x)
		if most > hard+1000 { // facts come some hundred events at a time
			t.Errorf("%s: %d stretches were kept, %d are allowed", sel.Kind, most, hard)
		}
		if notes := strings.Join(x.Notes, "\n"); sel.Kind == report.KindGoroutine && !strings.Contains(notes, "too far before its end") {
			t.Errorf("goroutines that lived longer than the history, and no note on it: %s", notes)
		}
	}
}

// watch is a watcher that only looks.
type watch func()

func (w watch) Watch(*model.Facts) { w() }

// TestBeyondWindow: an instance that reaches beyond the part that is asked for counts with
// all its length, and a note says so.
func TestBeyondWindow(t *testing.T) {
	const events = `gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.serve
task-begin task=1 by=1 p=0 m=0 name=request
task-end task=1 by=1 p=0 m=0 name=request dt=5ms
task-begin task=2 by=1 p=0 m=0 name=request
task-end task=2 by=1 p=0 m=0 name=request dt=1ms
park g=1 p=0 m=0 reason=chan_receive fn=main.serve dt=5ms
`
	for from, want := range map[time.Duration]bool{0: false, 2 * time.Millisecond: true} {
		opt := replay.Options{From: replay.Bound{Set: from > 0, Offset: from}}
		x, err := Explain(t.Context(), replaytest.Scenario(t, events), opt, Selector{Kind: report.KindTask, Pattern: regexp.MustCompile(".")})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(x.Notes, "\n"), "1 reach beyond the part"); got != want || x.Durations.Count != 2 {
			t.Errorf("from %v on: %d instances, notes %q", from, x.Durations.Count, x.Notes)
		}
	}
}
