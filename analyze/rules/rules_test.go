package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// TestRules runs testdata/rules/*.txtar: a comment that says what happens, the
// events, and what the rules table says of them. There is a scenario of
// agreement, of divergence, and of what can't be told.
func TestRules(t *testing.T) {
	files, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil || len(ar.Files) != 2 {
				t.Fatalf("want two files, events and rules: %v", err)
			}
			got := rulesOf(replaytest.Report(t, string(ar.Files[0].Data), Add))
			if got == string(ar.Files[1].Data) {
				return
			}
			if *replaytest.Update {
				ar.Files[1].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("got\n%swant\n%s", got, ar.Files[1].Data)
		})
	}
}

// rulesOf is what a scenario's file says of the rules that applied.
func rulesOf(rep *report.Report) string {
	var out strings.Builder
	for _, r := range rep.Rules {
		if r.Applied == 0 && r.Undecided == "" && r.Note == "" {
			continue
		}
		fmt.Fprintf(&out, "%s: applied %d, judged %d, agreed %d, certain %d %s\n", r.ID, r.Applied, r.Judged, r.Agreed, r.Certain, r.Unit)
		for _, p := range r.Parts {
			if p.Count > 0 {
				fmt.Fprintf(&out, "  %d %s\n", p.Count, p.Label)
			}
		}
		if s := r.Spread; s.Count > 0 {
			fmt.Fprintf(&out, "  %s: %d, median %d, most %d %s\n", s.Of, s.Count, s.P50, s.Max, s.Unit)
		}
		for _, m := range r.Divergences {
			fmt.Fprintf(&out, "  %s to %s: %s\n", words.At(m.Start), words.At(m.End), m.Text)
		}
		if r.Note != "" {
			fmt.Fprintf(&out, "  note: %s\n", r.Note)
		}
		if r.Undecided != "" {
			fmt.Fprintf(&out, "  can't be told: %s\n", r.Undecided)
		}
	}
	return words.Text(out.String())
}
