package explain_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"gmptrace/analyze"
	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
)

func slowestOf(t *testing.T, opt analyze.Options) (*report.Report, []byte) {
	t.Helper()
	data, err := os.ReadFile("../../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	opt.Name = "webshop"
	r, err := analyze.Analyze(context.Background(), bytes.NewReader(data), opt)
	if err != nil {
		t.Fatal(err)
	}
	return r, data
}

// TestSlowest: a report says of the requests what an explanation says, and its parts
// sum to the whole although the paths are shorter.
func TestSlowest(t *testing.T) {
	r, data := slowestOf(t, analyze.Options{})
	s := r.Slowest
	x, err := explain.Explain(context.Background(), bytes.NewReader(data), replay.Options{Name: "webshop"}, explain.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Kind != report.KindRequest || s.Headline != x.Headline || s.Durations.Count != x.Durations.Count || len(s.Instances) != len(x.Slowest) {
		t.Fatalf("the report says %q of %d, the explanation %q of %d", s.Headline, s.Durations.Count, x.Headline, x.Durations.Count)
	}
	for i, in := range s.Instances {
		if in.Start != x.Slowest[i].Start || in.Duration != x.Slowest[i].Duration {
			t.Errorf("instance %d is another one than in the explanation", i)
		}
		if !slices.Equal(in.Causes, x.Slowest[i].Causes) || !slices.Equal(in.Antagonists, x.Slowest[i].Antagonists) || !slices.Equal(in.States, x.Slowest[i].States) {
			t.Errorf("instance %d has other causes than in the explanation", i)
		}
		if len(in.Path) > explain.ReportSteps {
			t.Errorf("instance %d has %d steps", i, len(in.Path))
		}
		at, causes := in.Start, int64(0)
		for _, p := range in.Path {
			if p.Start != at {
				t.Errorf("instance %d has a gap at %d", i, at)
			}
			at += p.NS
		}
		for _, c := range in.Causes {
			causes += c.NS
		}
		if at != in.Start+in.Duration || causes != in.Duration {
			t.Errorf("instance %d is %d long, its path %d, its causes %d", i, in.Duration, at-in.Start, causes)
		}
	}
}

// TestSlowestWindow: what reaches beyond the analysed part is left out, and the rest
// is as in the whole.
func TestSlowestWindow(t *testing.T) {
	from, to := 300*time.Millisecond, 700*time.Millisecond
	r, _ := slowestOf(t, analyze.Options{Options: replay.Options{From: replay.Bound{Set: true, Offset: from}, To: replay.Bound{Set: true, Offset: to}}})
	if r.Slowest.Durations.Count == 0 || r.Slowest.Unfinished != 0 {
		t.Errorf("%d requests, %d unfinished", r.Slowest.Durations.Count, r.Slowest.Unfinished)
	}
	for _, in := range r.Slowest.Instances {
		if in.Start <= int64(from) || in.Start+in.Duration >= int64(to) {
			t.Errorf("a request from %d to %d reaches beyond the window", in.Start, in.Start+in.Duration)
		}
		for _, c := range in.Causes {
			if c.Cause == report.CauseUnknown.String() && c.NS*10 > in.Duration {
				t.Errorf("%d of %d are unknown", c.NS, in.Duration)
			}
		}
	}
}

// TestSlowestMain: of a program without requests and tasks the main goroutine is told of,
// and every nanosecond of it.
func TestSlowestMain(t *testing.T) {
	f, err := os.Open("../../fixtures/traces/real/typecheck-go1.22-p1.trace")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := analyze.Analyze(context.Background(), f, analyze.Options{Options: replay.Options{Name: "typecheck"}})
	if err != nil {
		t.Fatal(err)
	}
	var roots int64
	for _, root := range r.Slowest.Roots {
		roots += root.NS
	}
	if s := &r.Slowest; s.Kind != report.KindMain || s.Durations.Count != 1 || roots != s.Durations.Max || s.Slow.Mean != roots {
		t.Errorf("a %s of %d ns with %d in its roots", s.Kind, s.Durations.Max, roots)
	}
	if len(r.SpanCauses) > 0 {
		t.Errorf("main counts as a request or task: %+v", r.SpanCauses)
	}
}
