package analyze_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
)

// TestOptionsAgree: what else is asked for must not change what is said: a page and a
// text of the same trace name the same causes and figures.
func TestOptionsAgree(t *testing.T) {
	replaytest.EachRecorded(t, func(t *testing.T, data []byte) {
		lines := func(opt analyze.Options) [][]byte {
			rep, err := analyze.Analyze(t.Context(), bytes.NewReader(data), opt)
			if err != nil {
				t.Fatal(err)
			}
			rep.Slowest, rep.Spans, rep.Timeline = report.Slowest{}, nil, nil
			text, err := json.MarshalIndent(rep, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			return bytes.Split(text, []byte("\n"))
		}
		want, got := lines(analyze.Options{}), lines(analyze.Options{Slices: 10_000, Spans: true})
		if len(got) != len(want) {
			t.Errorf("%d lines with everything asked for, %d without", len(got), len(want))
		}
		for i := range min(len(got), len(want)) {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("line %d with everything asked for\n%s\nwithout\n%s", i, got[i], want[i])
			}
		}
	})
}
