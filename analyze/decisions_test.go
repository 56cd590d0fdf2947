package analyze

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/exp/trace"

	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// TestDecisionsAreEvents: there is a dispatch for every transition from Runnable
// to Running and a preemption for every one that a running goroutine did not
// need, and for nothing else, in the order and with the times of the package's
// own reader; also where generations overlap.
func TestDecisionsAreEvents(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"webshop-go1.26-p4.trace", "webshop-go1.22-p2.trace", "gobuild-go1.24-p2.trace", "webshop-go1.25-p16-flight.trace"} {
		data, err := os.ReadFile("../fixtures/traces/real/" + name)
		if err != nil {
			t.Fatal(err)
		}
		want := transitions(t, data)
		i := 0
		_, err = Decisions(context.Background(), bytes.NewReader(data), replay.Options{Name: name}, []DecisionKind{DecisionDispatch, DecisionPreempt}, func(d *Decision) error {
			got := transition{d.Kind, d.Time, d.G}
			if i >= len(want) || got != want[i] {
				t.Errorf("%s: decision %d is %v, the trace has %v", name, i, got, want[min(i, len(want)-1)])
				return errors.New("not as the trace has it")
			}
			i++
			return nil
		})
		if err != nil || i != len(want) {
			t.Errorf("%s: %d of %d decisions: %v", name, i, len(want), err)
		}
	}
}

type transition struct {
	kind DecisionKind
	time int64
	g    model.GoID
}

// transitions are the dispatches and preemptions of a trace.
func transitions(t *testing.T, data []byte) (all []transition) {
	t.Helper()
	r, err := trace.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind() != trace.EventStateTransition || ev.StateTransition().Resource.Kind != trace.ResourceGoroutine {
			continue
		}
		st := ev.StateTransition()
		x := transition{DecisionDispatch, int64(ev.Time()), model.GoID(st.Resource.Goroutine())}
		switch from, to := st.Goroutine(); {
		case from == trace.GoRunnable && to == trace.GoRunning:
		case from == trace.GoRunning && (to == trace.GoRunnable || to == trace.GoWaiting && st.Reason == "preempted"):
			x.kind = DecisionPreempt
		default:
			continue
		}
		all = append(all, x)
	}
}
