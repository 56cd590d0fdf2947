//go:build unix

package replay

import (
	"context"
	"flag"
	"os"
	"runtime"
	"syscall"
	"testing"

	"gmptrace/analyze/internal/load"
	"gmptrace/model"
)

var benchTrace = flag.String("benchtrace", "../../fixtures/traces/real/webshop-go1.26-p4.trace", "what BenchmarkModel replays")

// BenchmarkModel measures the model alone: the trace's events lie in memory, and
// nobody looks at the facts.
func BenchmarkModel(b *testing.B) {
	events, rules := benchEvents(b)
	runtime.GC()
	var steps int64
	before := cpuTime(b)
	for b.Loop() {
		s := model.New(rules, 0)
		s.Doing = true
		var portions [portions]model.Facts
		n := 0
		for i := range events {
			s.Step(&events[i])
			if i%spreadEvery == spreadEvery-1 {
				s.Take(&portions[n])
				n = (n + 1) % len(portions)
			}
		}
		steps += int64(len(events))
	}
	b.ReportMetric(float64(cpuTime(b)-before)/float64(steps), "cpu-ns/event")
}

// benchEvents are the events of the trace, as the model gets them.
func benchEvents(b *testing.B) ([]model.Event, model.Rules) {
	in, err := os.Open(*benchTrace)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	var events []model.Event
	r := reading{opt: Options{Name: *benchTrace}, begin: func(*Session) {}}
	defer r.stop()
	_, err = load.Load(context.Background(), in, r.opt.forLoad(), func(x *load.Batch) error {
		if err := r.take(x); err != nil {
			return err
		}
		events = append(events, x.Events...) // play has made their numbers the trace's
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return events, r.replay.session.Rules
}

func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
