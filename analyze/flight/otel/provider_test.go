package otel_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime/trace"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/flight"
	"gmptrace/analyze/flight/otel"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
)

// Example records a server that has spans, and takes a snapshot.
func Example() {
	dir, err := os.MkdirTemp("", "flight")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	rec, err := flight.Start(flight.Config{Dir: dir})
	if err != nil {
		panic(err)
	}
	defer rec.Close()
	sdk := sdktrace.NewTracerProvider()
	defer sdk.Shutdown(context.Background())

	_, span := otel.Provider(sdk).Tracer("shop").Start(context.Background(), "checkout")
	time.Sleep(10 * time.Millisecond)
	span.End()

	s, err := rec.Snap("example")
	fmt.Println(s.Why, err)
	// Output: asked example <nil>
}

// TestTasks: each span is one task, which is found by the ids that were logged in it, the
// inner one by its own.
func TestTasks(t *testing.T) {
	sdk := sdktrace.NewTracerProvider()
	defer sdk.Shutdown(t.Context())
	tracer := otel.Provider(sdk).Tracer("test")
	_, before := tracer.Start(t.Context(), "before")
	before.End()
	var buf bytes.Buffer
	if err := trace.Start(&buf); err != nil {
		t.Fatal(err)
	}
	ctx, outer := tracer.Start(t.Context(), "outer")
	_, inner := tracer.Start(ctx, "inner")
	time.Sleep(time.Millisecond)
	inner.End()
	outer.End()
	trace.Stop()
	for name, span := range map[string]string{"outer": outer.SpanContext().SpanID().String(), "inner": inner.SpanContext().SpanID().String()} {
		for kind, pattern := range map[report.InstanceKind]string{report.KindTask: "^" + name + "$", report.KindLog: "span=" + span} {
			x, err := explain.Explain(t.Context(), bytes.NewReader(buf.Bytes()), replay.Options{},
				explain.Selector{Kind: kind, Pattern: regexp.MustCompile(pattern)})
			if err != nil || x.Durations.Count != 1 {
				t.Errorf("%s %s: %d, %v: %s", kind, pattern, x.Durations.Count, err, x.Headline)
			}
		}
	}
}
