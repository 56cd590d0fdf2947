package rules_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/rules"
)

// TestRuleSums: on recorded traces the counts of every rule nest, its
// distribution adds up, and every moment lies within the trace.
func TestRuleSums(t *testing.T) {
	for _, name := range []string{"webshop-go1.26-p4.trace", "webshop-go1.26-p2-race.trace", "typecheck-go1.25-p4.trace", "webshop-go1.21-p2.trace"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "fixtures", "traces", "real", name))
		if err != nil {
			t.Fatal(err)
		}
		rep, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Options: replay.Options{Name: name}})
		if err != nil {
			t.Fatal(err)
		}
		if len(rep.Rules) != len(rules.IDs()) {
			t.Fatalf("%s: %d rules", name, len(rep.Rules))
		}
		for _, r := range rep.Rules {
			if r.Agreed > r.Judged || r.Certain > r.Judged || r.Judged > r.Applied || r.Agreed < 0 {
				t.Errorf("%s: %s: applied %d, judged %d, agreed %d, certain %d", name, r.ID, r.Applied, r.Judged, r.Agreed, r.Certain)
			}
			if (r.Agreed < r.Judged) != (len(r.Divergences) > 0) {
				t.Errorf("%s: %s: %d of %d agreed, with %d moments", name, r.ID, r.Agreed, r.Judged, len(r.Divergences))
			}
			if name == "webshop-go1.21-p2.trace" && r.ID == "after-syscall" && r.Undecided == "" {
				t.Errorf("%s: %s is judged, by a trace that does not tell who found an idle P", name, r.ID)
			}
			if r.Undecided == "" && r.Applied > 0 && r.Judged == 0 {
				t.Errorf("%s: %s: nothing was judged and nothing says why", name, r.ID)
			}
			var n int64
			for _, b := range r.Spread.Bins {
				n += b.Count
			}
			if n != r.Spread.Count {
				t.Errorf("%s: %s: the bins count %d of %d", name, r.ID, n, r.Spread.Count)
			}
			for _, m := range r.Divergences {
				if m.Start < rep.Trace.From || m.End > rep.Trace.To || m.Start > m.End {
					t.Errorf("%s: %s: %d to %d is outside of the trace", name, r.ID, m.Start, m.End)
				}
			}
		}
	}
}
