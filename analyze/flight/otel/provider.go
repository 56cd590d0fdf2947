// Package otel writes the ids of OpenTelemetry's spans into execution traces, so that
// gmptrace finds the task of the span that somebody asks about:
//
//	provider := otel.Provider(sdktrace.NewTracerProvider(...))
//	gmptrace explain --task --having 4bf92f3577b34da6a3ce929d0e0e4736 snapshot.trace
//
// OpenTelemetry's SDK makes a runtime/trace task of each span by itself while a trace is
// recorded, and those nest as spans do; what they lack is the ids. A span processor could
// not log them there: it is told of a span before its task is, and cannot hand a context
// on. So it is the provider that does.
//
// It is a module of its own, so that gmptrace does not need OpenTelemetry.
package otel

import (
	"context"
	rtrace "runtime/trace"

	"go.opentelemetry.io/otel/trace"
)

// Category is that of the message in which a task says its span's ids.
const Category = "span"

// Provider is p, and its tracers log the ids of each span that they start into the span's
// task. While nobody records a trace they do nothing.
func Provider(p trace.TracerProvider) trace.TracerProvider { return telling{p} }

type telling struct{ trace.TracerProvider }

func (p telling) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return tracer{p.TracerProvider.Tracer(name, options...)}
}

type tracer struct{ trace.Tracer }

func (t tracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	ctx, span := t.Tracer.Start(ctx, name, options...)
	if id := span.SpanContext(); rtrace.IsEnabled() && id.IsValid() {
		rtrace.Log(ctx, Category, "trace="+id.TraceID().String()+" span="+id.SpanID().String())
	}
	return ctx, span
}
