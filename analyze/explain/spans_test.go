package explain_test

import (
	"bytes"
	"context"
	"os"
	"runtime/trace"
	"testing"
	"time"

	"gmptrace/analyze"
	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestSpansOfRequests: requests are those that Explain finds, with its durations.
func TestSpansOfRequests(t *testing.T) {
	data, err := os.ReadFile("../../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	rep, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Spans: true})
	if err != nil {
		t.Fatal(err)
	}
	x, err := explain.Explain(t.Context(), bytes.NewReader(data), replay.Options{}, explain.Selector{Kind: report.KindRequest, G: model.NoG, Task: -1, Pooled: true})
	if err != nil {
		t.Fatal(err)
	}
	var count, open, longest int64
	for _, s := range rep.Spans {
		if s.Kind == report.KindRequest && !s.Sent {
			count += s.Count
			open += s.Open
			longest = max(longest, s.Max)
		}
		if s.P50 > s.P90 || s.P90 > s.P99 || s.P99 > s.P999 || s.P999 > s.Max || s.Total < s.Max {
			t.Errorf("%s %q: quantiles out of order: %+v", s.Kind, s.Name, s)
		}
	}
	if count != x.Durations.Count || longest != x.Durations.Max || open != x.Unfinished {
		t.Errorf("%d requests and %d open, the longest %d ns; Explain has %d, %d and %d", count, open, longest, x.Durations.Count, x.Unfinished, x.Durations.Max)
	}
	if at := spanNamed(t, rep, report.KindRequest, "main.(*shop).ServeHTTP").At; at.File == "" || at.Line == 0 {
		t.Errorf("the handler has no place: %v", at)
	}
	for _, f := range rep.Functions {
		if f.WaitP50 > f.WaitP90 || f.WaitP90 > f.WaitP99 || f.WaitP99 > f.WaitP999 || f.WaitP999 > f.WaitMax {
			t.Errorf("%s: quantiles out of order", f.Name)
		}
		if f.Name != "" && f.At.Func != f.Name {
			t.Errorf("%s stands at %v", f.Name, f.At)
		}
	}
}

func spanNamed(t *testing.T, rep *report.Report, kind report.InstanceKind, name string) report.SpanTime {
	t.Helper()
	for _, s := range rep.Spans {
		if s.Kind == kind && s.Name == name {
			return s
		}
	}
	t.Fatalf("no %s named %q in %v", kind, name, rep.Spans)
	return report.SpanTime{}
}

// TestSpansOfTasks records tasks and regions, and finds them again: in the whole
// trace, and those of a part of it.
func TestSpansOfTasks(t *testing.T) {
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ctx, task := trace.NewTask(context.Background(), "order")
		trace.WithRegion(ctx, "pay", func() { time.Sleep(2 * time.Millisecond) })
		task.End()
	}
	_, open := trace.NewTask(context.Background(), "order")
	trace.Stop()
	open.End()
	rep, err := analyze.Analyze(t.Context(), bytes.NewReader(b.Bytes()), analyze.Options{Spans: true})
	if err != nil {
		t.Fatal(err)
	}
	order, pay := spanNamed(t, rep, report.KindTask, "order"), spanNamed(t, rep, report.KindRegion, "pay")
	if order.Count != 3 || order.Open != 1 || pay.Count != 3 || pay.Open != 0 {
		t.Errorf("%d tasks and %d open, %d regions and %d open; want 3, 1, 3, 0", order.Count, order.Open, pay.Count, pay.Open)
	}
	if pay.P50 < int64(2*time.Millisecond) || order.Max < pay.Max {
		t.Errorf("the task took %d ns, the region %d", order.Max, pay.P50)
	}
	if want := "gmptrace/analyze/explain_test.TestSpansOfTasks"; order.At.Func != want || pay.At.Func != want {
		t.Errorf("they begin in %v and %v, not in %s", order.At, pay.At, want)
	}
	for _, task := range rep.Tasks {
		if task.Count != order.Count || task.Open != order.Open || task.Max != order.Max || task.P99 != order.P99 {
			t.Errorf("the report has %+v, the spans %+v", task, order)
		}
	}
	part, err := analyze.Analyze(t.Context(), bytes.NewReader(b.Bytes()), analyze.Options{Spans: true, Options: replay.Options{To: replay.Bound{Set: true, Offset: time.Duration(order.MaxAt) + time.Millisecond}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := spanNamed(t, part, report.KindTask, "order"); got.Count > 2 || got.Open != 1 {
		t.Errorf("up to a millisecond into the longest task, %d have ended and %d are open", got.Count, got.Open)
	}
}
